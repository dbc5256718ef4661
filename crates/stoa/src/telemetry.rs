//! Being seen: the log, a line for each request, and metrics.

mod access;
mod log;
mod metrics;
mod writer;

pub(crate) use access::{AccessLog, Entry};
pub(crate) use log::start;
pub(crate) use metrics::Metrics;
pub(crate) use writer::LogWriter;
