//! What the tests of every crate stand on; dev only.
//!
//! Real parts, made to order: modules written as text ([`module`]), a GOPROXY that counts and misbehaves
//! ([`proxy`]), a checksum database that lies on command ([`checksum_database`]) and Go's own
//! ([`reference_database`]), git hosts and a fake domain for them ([`git`]), an ssh host ([`ssh`]), buckets on real
//! servers ([`bucket`]) and a gateway before them that misbehaves ([`gateway`]), a forward proxy ([`forward_proxy`]),
//! what goes wrong between two machines ([`chaos`]), a certificate
//! authority ([`certificates`]), the real `go` command in isolation ([`go`]), a browser ([`browser`]) and a running
//! `stoa` ([`stoa`]). Every server listens on loopback only and ends when it is dropped.
//!
//! Nothing here uses the code it helps to test: zips, sums of escapes and answers are made by other means, so
//! that a mistake in one place cannot excuse itself in the other.

pub mod archive;
pub mod browser;
pub mod bucket;
pub mod certificates;
pub mod chaos;
pub mod checksum_database;
pub mod client;
mod exchange;
pub mod forward_proxy;
pub mod gate;
pub mod gateway;
pub mod git;
pub mod go;
pub mod module;
pub mod port;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod reference_database;
mod server;
pub mod skip;
pub mod ssh;
pub mod stoa;
