//! Every way to install Stoa, tried: `cargo xtask deploy`. What takes moments runs in every `cargo test`.

#![expect(
    clippy::print_stdout,
    reason = "what is left out and how units score is told to whoever runs this"
)]

mod chart;
mod compose;
mod container;
mod environment;
mod from_source;
mod house;
mod image;
mod package;
mod systemd;
mod workflows;
