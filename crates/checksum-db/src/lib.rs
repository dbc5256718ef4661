#![doc = include_str!("../README.md")]

pub mod note;
pub mod record;
pub mod tlog;
