//! The binary: read the configuration, open the store, build the mirror, serve, drain.

mod build_info;
mod commands;
mod config;
mod exit;

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
