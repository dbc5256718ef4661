//! What is measured of origins. Their names are not: they do not belong in metrics that others read.

use crate::error::Error;
use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use std::time::Instant;

const REQUESTS: &str = "stoa_upstream_requests_total";
const DURATION: &str = "stoa_upstream_request_duration_seconds";
const RESUMES: &str = "stoa_upstream_resumes_total";

/// Says what the numbers mean.
pub(crate) fn describe() {
    describe_counter!(REQUESTS, "Requests sent to origins, by what came of them");
    describe_histogram!(
        DURATION,
        Unit::Seconds,
        "Time from a request to the head of its answer"
    );
    describe_counter!(RESUMES, "Transfers that broke off and were asked to go on");
}

/// Counts what an origin did.
pub(crate) fn record(answered: &Result<reqwest::Response, Error>, begun: Instant) {
    let outcome = match answered {
        Ok(response) => match response.status().as_u16() {
            200..=299 => "ok",
            300..=399 => "redirect",
            404 | 410 => "not_found",
            401 | 403 => "forbidden",
            429 => "too_many_requests",
            400..=499 => "client_error",
            _ => "server_error",
        },
        Err(Error::Refused { .. }) => "refused",
        Err(Error::Silent { .. }) => "silent",
        Err(_) => "unreachable",
    };
    counter!(REQUESTS, "outcome" => outcome).increment(1);
    histogram!(DURATION, "outcome" => outcome).record(begun.elapsed());
}

/// Counts a transfer that broke off and is asked to go on.
pub(crate) fn resumed() {
    counter!(RESUMES).increment(1);
}
