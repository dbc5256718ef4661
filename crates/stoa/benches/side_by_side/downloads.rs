//! `go mod download` of a whole project, cold and warm.

use crate::{
    report::{Report, median},
    world::World,
};
use std::time::Instant;
use testkit::go::{GoCommand, Project};

pub(crate) fn measure(report: &Report, world: &World) {
    let project = project(world);
    let nginx = world.nginx(false);
    let file = format!("file://{}", world.tree().display());
    let (mut by_file, mut by_nginx, mut cold, mut warm) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    let mut busy = Vec::new();
    for _ in 0..report.rounds.max(2) {
        by_file.push(download(&project, &file));
        by_nginx.push(download(&project, &nginx.url()));
        let stoa = world.mirror(&nginx.url(), false).start();
        cold.push(download(&project, &stoa.url()));
        busy.push(stoa.processor_time().as_secs_f64());
        warm.push(download(&project, &stoa.url()));
    }
    let (by_file, by_nginx, cold, warm) = (median(by_file), median(by_nginx), median(cold), median(warm));
    let seconds = |time: f64| format!("{time:.2} s");
    report.section(
        &format!("go mod download of {} modules", world.modules.len()),
        ["stoa", "other", "ratio", "aim"],
    );
    report.line(
        "cold, beside nginx as the proxy",
        &seconds(cold),
        &seconds(by_nginx),
        Some(cold / by_nginx),
        "<= 1.15",
    );
    let busy = seconds(median(busy));
    report.line("processor time of that, ours alone", &busy, "-", None, "");
    report.line(
        "warm, beside nginx as the proxy",
        &seconds(warm),
        &seconds(by_nginx),
        Some(warm / by_nginx),
        "",
    );
    report.line(
        "cold, beside GOPROXY=file://",
        &seconds(cold),
        &seconds(by_file),
        Some(cold / by_file),
        "",
    );
    report.line(
        "warm, beside GOPROXY=file://",
        &seconds(warm),
        &seconds(by_file),
        Some(warm / by_file),
        "",
    );
}

/// How long a download into an empty module cache takes, in seconds.
fn download(project: &Project, proxy: &str) -> f64 {
    let go = GoCommand::find().expect("there is a go command").proxy(proxy);
    let start = Instant::now();
    go.succeed(project.folder(), ["mod", "download"]);
    start.elapsed().as_secs_f64()
}

/// A project that needs every module.
fn project(world: &World) -> Project {
    let project = Project::new("bench.test/app");
    let lines: String = world
        .modules
        .iter()
        .map(|module| format!("\t{} {}\n", module.path, module.version))
        .collect();
    project.file(
        "go.mod",
        &format!("module bench.test/app\n\ngo 1.21\n\nrequire (\n{lines})\n"),
    )
}
