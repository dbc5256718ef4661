//! Metrics: every crate counts through the `metrics` facade, and `/metrics` shows it all in Prometheus' format.

use crate::{build_info::BuildInfo, exit::Failure};
use jiff::Timestamp;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};
use std::{fs, time::Duration};

/// From a hit in memory to a large zip on a slow line, in seconds.
const BUCKETS: &[f64] = &[
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 600.0,
];

/// How often what was recorded is folded into buckets; until then it lies in memory one by one.
const FOLD_EVERY: Duration = Duration::from_secs(5);

/// Everything that is counted in this process. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Metrics {
    recorder: PrometheusHandle,
}

impl Metrics {
    /// Starts counting. Whatever was counted before this is lost.
    pub(crate) fn start() -> Result<Self, Failure> {
        let failed =
            |error: &dyn std::fmt::Display| Failure::Internal(format!("metrics cannot be set up: {error}"));
        let recorder = PrometheusBuilder::new()
            .set_buckets_for_metric(Matcher::Suffix("_seconds".into()), BUCKETS)
            .map_err(|error| failed(&error))?
            .install_recorder()
            .map_err(|error| failed(&error))?;
        let build = BuildInfo::this();
        metrics::describe_gauge!(
            "stoa_build_info",
            "1, with the version, the commit and the build time as labels"
        );
        let build_time = build
            .build_time
            .map_or_else(|| "unknown".to_owned(), |time| time.to_string());
        let labels = [
            ("version", build.version.to_owned()),
            ("commit", build.commit.unwrap_or("unknown").to_owned()),
            ("build_time", build_time),
        ];
        metrics::gauge!("stoa_build_info", &labels).set(1.0);
        metrics::describe_gauge!(
            "process_start_time_seconds",
            "When the process began, in seconds since 1970"
        );
        metrics::gauge!("process_start_time_seconds").set(Timestamp::now().as_millisecond() as f64 / 1e3);
        metrics::describe_gauge!(
            "process_resident_memory_bytes",
            "Memory of the process that is in RAM"
        );
        metrics::describe_gauge!("process_open_fds", "Open file descriptors");
        Ok(Self { recorder })
    }

    /// Everything, as Prometheus reads it.
    pub(crate) fn render(&self) -> String {
        if let Some(bytes) = resident_memory() {
            metrics::gauge!("process_resident_memory_bytes").set(bytes as f64);
        }
        if let Ok(descriptors) = fs::read_dir("/proc/self/fd") {
            metrics::gauge!("process_open_fds").set(descriptors.count() as f64);
        }
        self.recorder.render()
    }

    /// Keeps what was recorded from piling up.
    pub(crate) async fn fold(self) {
        loop {
            tokio::time::sleep(FOLD_EVERY).await;
            self.recorder.run_upkeep();
        }
    }
}

/// What Linux says; elsewhere there is no such series.
fn resident_memory() -> Option<u64> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok()? * 1024)
}
