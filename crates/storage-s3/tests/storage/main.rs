//! Module files in a bucket, on real servers: the promises, and what happens on the way to them.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up has failed")]

mod conformance;
