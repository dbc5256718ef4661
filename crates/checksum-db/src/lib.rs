#![doc = include_str!("../README.md")]

mod authority;
mod client;
mod meters;
pub mod note;
mod origin;
pub mod record;
mod relay;
mod setting;
mod shelf;
pub mod tlog;

pub use client::{Database, DatabaseParts};
pub use setting::{DatabaseSetting, InvalidSetting};
