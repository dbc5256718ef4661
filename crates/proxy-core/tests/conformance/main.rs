//! The promises of a store: kept by the stores of this crate, and broken by stores written to break them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod kept;
mod leases;
mod remembered;
mod wrong_leases;
mod wrong_stores;
