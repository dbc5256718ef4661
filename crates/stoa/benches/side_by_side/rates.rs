//! Requests and bytes a second of warm files, under the load of 64 connections.

use crate::{
    report::{Report, median},
    world::{World, module_root},
};
use std::{process::Command, time::Duration};
use testkit::{
    client::get,
    gate::Gate,
    proxy::{Action, FakeUpstream},
    stoa::StoaProcess,
};

/// What one run of `wrk` saw.
#[derive(Clone, Copy, Debug)]
struct Load {
    requests: f64,
    megabytes: f64,
}

pub(crate) fn measure(report: &Report, world: &World) {
    let nginx = world.nginx(false);
    let quiet = world
        .mirror(&nginx.url(), false)
        .environment("STOA_LISTS__FRESH", "1h")
        .start();
    world.warm(&quiet);
    report.section(
        "requests a second, access log off",
        ["stoa", "nginx", "ratio", "aim"],
    );
    for (what, path, aim) in small_files(world) {
        compare(report, what, &quiet, &nginx.url(), &path, aim);
    }
    for (what, module) in &world.sized {
        let aim = if *what == "10 kB" { ">= 1.0" } else { ">= 0.8" };
        compare(
            report,
            &format!("zip of {what}"),
            &quiet,
            &nginx.url(),
            &module.url_path("zip"),
            aim,
        );
    }
    let memory = quiet.memory();
    let peak = format!("{} MB", memory.peak / 1_000_000);
    report.line("peak resident memory", &peak, "-", None, "");
    drop(nginx);
    hits_beside_misses(report, world, quiet);

    let nginx = world.nginx(true);
    let logging = world
        .mirror(&nginx.url(), true)
        .environment("STOA_LISTS__FRESH", "1h")
        .start();
    world.warm(&logging);
    report.section(
        "requests a second, access log on",
        ["stoa", "nginx", "ratio", "aim"],
    );
    for (what, path, _) in small_files(world) {
        compare(report, what, &logging, &nginx.url(), &path, "");
    }
}

fn small_files(world: &World) -> [(&'static str, String, &'static str); 3] {
    let module = &world.modules[0];
    let list = format!("{}/@v/list", module_root(module));
    [
        (".info", module.url_path("info"), ">= 1.0"),
        (".mod", module.url_path("mod"), ">= 1.0"),
        ("list", list, ">= 1.0"),
    ]
}

/// Asks both sides for one path, in turns.
fn compare(report: &Report, what: &str, stoa: &StoaProcess, nginx: &str, path: &str, aim: &str) {
    let (mut ours, mut theirs) = (Vec::new(), Vec::new());
    for _ in 0..report.rounds {
        ours.push(load(&format!("{}{path}", stoa.url()), report.seconds));
        theirs.push(load(&format!("{nginx}{path}"), report.seconds));
    }
    // Of large files few requests end within the time; their bytes are counted.
    let heavy = what.ends_with("MB");
    let rate = |loads: &[Load]| {
        let rates = loads
            .iter()
            .map(|load| if heavy { load.megabytes } else { load.requests });
        median(rates.collect())
    };
    let unit = if heavy { " MB/s" } else { "" };
    let shown = |loads: &[Load]| format!("{:.0}{unit}", rate(loads));
    report.line(
        what,
        &shown(&ours),
        &shown(&theirs),
        Some(rate(&ours) / rate(&theirs)),
        aim,
    );
}

/// A kept `.info` while a hundred requests hang on an upstream that never answers, beside the same without them.
fn hits_beside_misses(report: &Report, world: &World, quiet: StoaProcess) {
    let dead = FakeUpstream::serving([]);
    let gate = Gate::shut();
    dead.when("*", Action::status(404, "at last").behind(&gate));
    let setup = quiet.kill();
    // The same store, now before an upstream that hangs.
    let stoa = world
        .mirror(&dead.url(), false)
        .environment("STOA_LIMITS__SILENCE", "10m")
        .beside(&setup)
        .start();
    let url = format!("{}{}", stoa.url(), world.modules[0].url_path("info"));
    let (mut beside, mut alone) = (Vec::new(), Vec::new());
    for round in 0..report.rounds {
        alone.push(load(&url, report.seconds).requests);
        let runtime = tokio::runtime::Runtime::new().expect("a runtime can be built");
        for number in 0..100 {
            let hanging = format!("{}/dead.test/r{round}m{number}/@v/v1.0.0.info", stoa.url());
            runtime.spawn(async move { get(&hanging).await.map(|answer| answer.status) });
        }
        runtime.block_on(dead.wait_for(&format!("/dead.test/r{round}*"), 1));
        beside.push(load(&url, report.seconds).requests);
        runtime.shutdown_timeout(Duration::from_secs(1));
    }
    gate.open();
    let (beside, alone) = (median(beside), median(alone));
    report.section(
        "a hit beside misses that hang",
        ["100 hang", "none hang", "ratio", "aim"],
    );
    report.line(
        ".info",
        &format!("{beside:.0}"),
        &format!("{alone:.0}"),
        Some(beside / alone),
        "~ 1.0",
    );
}

/// Loads one address and reads what `wrk` reports.
fn load(url: &str, seconds: u64) -> Load {
    let mut command = Command::new("wrk");
    command.args(["-t", "2", "-c", "64", "-d", &format!("{seconds}s"), url]);
    let finished = testkit::process::run(command, Duration::from_secs(seconds + 60)).expect("wrk ends");
    let field = |name: &str| {
        finished
            .stdout
            .lines()
            .find_map(|line| line.trim().strip_prefix(name))
            .map(str::trim)
    };
    assert!(field("Non-2xx").is_none(), "{url} failed under load: {finished}");
    let requests = field("Requests/sec:").and_then(|text| text.parse().ok());
    let megabytes = field("Transfer/sec:").and_then(megabytes);
    match (requests, megabytes) {
        (Some(requests), Some(megabytes)) => Load { requests, megabytes },
        _ => panic!("wrk said nothing to understand: {finished}"),
    }
}

/// Reads `12.34MB` and its like as millions of bytes.
fn megabytes(text: &str) -> Option<f64> {
    let units = [
        ("GB", 1_073.741_824),
        ("MB", 1.048_576),
        ("KB", 0.001_024),
        ("B", 0.000_001),
    ];
    let (number, scale) = units
        .iter()
        .find_map(|(unit, scale)| Some((text.strip_suffix(unit)?, scale)))?;
    Some(number.parse::<f64>().ok()? * scale)
}
