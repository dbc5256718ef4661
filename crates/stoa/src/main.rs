#![doc = include_str!("../README.md")]

mod build_info;
mod commands;
mod config;
mod drain;
mod exit;
mod front;
mod listen;
mod open_store;
mod serve;
mod telemetry;
mod transfer;
mod wiring;

use std::{
    panic::{AssertUnwindSafe, catch_unwind},
    process::ExitCode,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // The panic itself has told its story by then.
    catch_unwind(AssertUnwindSafe(commands::run)).unwrap_or_else(|_| ExitCode::from(exit::Failure::INTERNAL))
}
