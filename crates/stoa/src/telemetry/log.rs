//! The log: lines for people, or one JSON object a line, on standard error.

use super::writer::{LogWriter, Written};
use crate::config::Telemetry;
use jiff::Timestamp;
use std::io;
use tracing_subscriber::{Layer, layer::SubscriberExt, registry, util::SubscriberInitExt};

/// Starts the log of this process, panics included.
pub(crate) fn start(telemetry: &Telemetry) -> io::Result<(LogWriter, Written)> {
    let tell_lost = if telemetry.json {
        tell_lost_to_machines
    } else {
        tell_lost
    };
    let (writer, written) = LogWriter::start(io::stderr(), tell_lost)?;
    let layer = tracing_subscriber::fmt::layer()
        .with_writer(writer.clone())
        .with_ansi(false);
    let layer = if telemetry.json {
        layer.json().flatten_event(true).with_span_list(false).boxed()
    } else {
        layer.boxed()
    };
    // A second one in one process would be a test's; the first goes on.
    let _ = registry()
        .with(layer.with_filter(telemetry.level.clone()))
        .try_init();
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let reason = panic.payload_as_str().unwrap_or("for no reason it could say");
        let trace = std::backtrace::Backtrace::capture();
        tracing::error!(place, reason, %trace, "a panic: this is a bug of stoa");
    }));
    Ok((writer, written))
}

fn tell_lost(lost: u64) -> String {
    format!(
        "{:.6}  WARN log: {lost} lines were lost: nobody reads the log fast enough\n",
        Timestamp::now()
    )
}

fn tell_lost_to_machines(lost: u64) -> String {
    let line = serde_json::json!({
        "timestamp": format!("{:.6}", Timestamp::now()),
        "level": "WARN",
        "target": "log",
        "message": "lines were lost: nobody reads the log fast enough",
        "lost": lost,
    });
    format!("{line}\n")
}
