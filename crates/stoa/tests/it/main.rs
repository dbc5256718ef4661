//! The binary itself: started, asked, signalled, and read.

mod browser;
mod build_script;
mod command_line;
mod configuration;
mod connections;
mod copy;
mod drain;
mod filling;
mod first_page;
mod listings;
mod log;
mod moving;
mod pages;
mod service_manager;
mod tls;
mod unix_socket;

use testkit::{proxy::FakeUpstream, stoa::Stoa};

/// A `stoa` of this build, in a folder of its own, that fetches from nowhere.
fn stoa() -> Stoa {
    Stoa::new(env!("CARGO_BIN_EXE_stoa")).environment("GOPROXY", "off")
}

/// The same of the release binary, where a run has made one: what people see is tried as they get it.
fn stoa_of_release() -> Stoa {
    Stoa::new(Stoa::tried(env!("CARGO_BIN_EXE_stoa"))).environment("GOPROXY", "off")
}

/// A `stoa` of this build that fetches from this upstream.
fn stoa_of(upstream: &FakeUpstream) -> Stoa {
    stoa().upstream(&upstream.url())
}
