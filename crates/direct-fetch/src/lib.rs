#![doc = include_str!("../README.md")]

pub mod credentials;
pub mod discovery;
pub mod git;
pub mod go_command;
mod status;

pub use go_command::{Environment, GoCommand, GoSettings, Limits};
