//! The service over a real mirror: what a client is answered, and what goes over the wire.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod answers;
mod both_ends;
mod files;
mod house;
mod measured;
mod wire;
