#![doc = include_str!("../README.md")]

pub mod credentials;
pub mod direct;
pub mod discovery;
pub mod git;
pub mod go_command;
mod page;
mod status;

pub use go_command::{Environment, GoCommand, GoSettings, Limits};
