//! What is measured of requests, through the `metrics` facade.
//!
//! A look-up by name and labels for each request would cost more than the request, so every series is registered
//! once, when it is first needed, and its handle kept.

use crate::request::RequestKind;
use http::StatusCode;
use metrics::{
    Counter, Gauge, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use proxy_core::mirror::Cache;
use std::{
    fmt,
    sync::{Arc, OnceLock},
    time::Instant,
};

const REQUESTS: &str = "stoa_requests_total";
const DURATION: &str = "stoa_request_duration_seconds";
const IN_FLIGHT: &str = "stoa_requests_in_flight";

/// The statuses there are, each with its label; any other counts under its hundred.
const STATUSES: [(u16, &str); 15] = [
    (200, "200"),
    (206, "206"),
    (304, "304"),
    (403, "403"),
    (404, "404"),
    (405, "405"),
    (410, "410"),
    (416, "416"),
    (500, "500"),
    (502, "502"),
    (503, "503"),
    (504, "504"),
    (508, "508"),
    (4, "4xx"),
    (5, "5xx"),
];

/// What became of a request, as labels.
const OUTCOMES: [&str; 5] = ["hit", "miss", "stale", "none", "error"];

/// The series of one service.
pub(crate) struct Meters {
    requests: [[[OnceLock<Counter>; STATUSES.len()]; OUTCOMES.len()]; RequestKind::ALL.len()],
    durations: [[OnceLock<Histogram>; OUTCOMES.len()]; RequestKind::ALL.len()],
    in_flight: Gauge,
}

/// One request under way: it ends when this is dropped, by when the last byte was handed to the socket or the client
/// hung up. Who hangs up before there is an answer is not counted.
#[derive(Debug)]
pub(crate) struct InFlight {
    meters: Arc<Meters>,
    started: Instant,
    /// Kind and outcome, by number.
    answered: Option<(RequestKind, usize)>,
}

impl Meters {
    pub(crate) fn new() -> Self {
        describe_counter!(
            REQUESTS,
            "Requests answered, by kind, by where the answer came from, and by status"
        );
        describe_histogram!(
            DURATION,
            metrics::Unit::Seconds,
            "Time from a request's head to its answer's last byte"
        );
        describe_gauge!(IN_FLIGHT, "Requests being answered now");
        Self {
            requests: Default::default(),
            durations: Default::default(),
            in_flight: gauge!(IN_FLIGHT),
        }
    }

    /// Starts measuring a request.
    pub(crate) fn begin(self: &Arc<Self>) -> InFlight {
        self.in_flight.increment(1);
        let meters = Arc::clone(self);
        InFlight {
            meters,
            started: Instant::now(),
            answered: None,
        }
    }

    fn requests(&self, kind: RequestKind, outcome: usize, status: StatusCode) -> &Counter {
        let code = status.as_u16();
        let known = STATUSES.iter().position(|(known, _)| *known == code);
        let status = known
            .or_else(|| STATUSES.iter().position(|(hundred, _)| *hundred == code / 100))
            .unwrap_or(STATUSES.len() - 1);
        self.requests[kind as usize][outcome][status].get_or_init(|| {
            counter!(REQUESTS, "kind" => kind.as_str(), "cache" => OUTCOMES[outcome], "status" => STATUSES[status].1)
        })
    }
}

impl InFlight {
    /// Counts the answer, whose body may still be long in coming.
    pub(crate) fn answered(&mut self, kind: RequestKind, cache: Option<Cache>, status: StatusCode) {
        let outcome = match cache {
            Some(Cache::Hit) => 0,
            Some(Cache::Miss) => 1,
            Some(Cache::Stale) => 2,
            None if status.as_u16() < 400 => 3,
            None => 4,
        };
        self.answered = Some((kind, outcome));
        self.meters.requests(kind, outcome, status).increment(1);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.meters.in_flight.decrement(1);
        let Some((kind, outcome)) = self.answered else {
            return;
        };
        let histogram = self.meters.durations[kind as usize][outcome]
            .get_or_init(|| histogram!(DURATION, "kind" => kind.as_str(), "cache" => OUTCOMES[outcome]));
        histogram.record(self.started.elapsed());
    }
}

impl fmt::Debug for Meters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Meters").finish_non_exhaustive()
    }
}
