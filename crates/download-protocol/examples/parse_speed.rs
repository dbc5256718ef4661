//! How long reading a request takes, on every hit: `cargo run --release -p download-protocol --example parse_speed`.

#![expect(clippy::print_stdout, reason = "what it is for")]

use download_protocol::Request;
use std::{hint::black_box, time::Instant};

const ROUNDS: u32 = 200_000;

fn main() {
    for path in [
        "/golang.org/x/text/@v/v0.3.7.info",
        "/github.com/%21azure/azure-sdk-for-go/sdk/azcore/@v/v1.9.0-beta.1.zip",
        "/github.com/!azure/azure-sdk-for-go/@v/v68.0.0+incompatible.mod",
        "/k8s.io/utils/@v/v0.0.0-20240711033017-18e509b52bc8.zip",
        "/golang.org/x/text/@v/list",
        "/sumdb/sum.golang.org/tile/8/0/x094/321",
        "/favicon.ico",
        "/github.com/owner/noMod/@v/list",
    ] {
        let started = Instant::now();
        for _ in 0..ROUNDS {
            let _ = black_box(Request::parse(black_box(path)));
        }
        let each = started.elapsed().as_nanos() / u128::from(ROUNDS);
        println!("{each:>6} ns  {path}");
    }
}
