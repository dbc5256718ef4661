//! Module files in Postgres: the promises, directly and behind a pooler, and what servers and processes do to them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod conformance;
mod feed;
mod kept;
mod killed;
mod opening;
mod outages;
mod place;
