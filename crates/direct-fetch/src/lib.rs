#![doc = include_str!("../README.md")]

pub mod git;
pub mod go_command;

pub use go_command::{Environment, GoCommand, GoSettings, Limits};
