//! What is measured of leases that nodes share. Which versions they are for is not: metrics are read by others.

use metrics::{Unit, counter, describe_counter, describe_histogram, histogram};
use std::time::Duration;

const WAITS: &str = "stoa_lease_waits_total";
const WAITED: &str = "stoa_lease_wait_seconds";
const TAKEOVERS: &str = "stoa_lease_takeovers_total";
const DEGRADED: &str = "stoa_lease_degraded_total";
const LOST: &str = "stoa_lease_lost_total";

/// Says what the numbers mean.
pub(super) fn describe() {
    describe_counter!(WAITS, "Times another node had the lease of a version wanted here");
    describe_histogram!(
        WAITED,
        Unit::Seconds,
        "Time until such a lease was had after all; versions that the other node kept meanwhile are not in it"
    );
    describe_counter!(
        TAKEOVERS,
        "Leases taken over from nodes that were heard of no more"
    );
    describe_counter!(
        DEGRADED,
        "Fetches without a lease, because the lease service was away"
    );
    describe_counter!(LOST, "Leases lost to another node while the work went on here");
}

/// Counts that another node has the lease.
pub(super) fn wait() {
    counter!(WAITS).increment(1);
}

/// Notes how long that took.
pub(super) fn waited(time: Duration) {
    histogram!(WAITED).record(time);
}

/// Counts a lease of a dead node.
pub(super) fn takeover() {
    counter!(TAKEOVERS).increment(1);
}

/// Counts work done without a lease.
pub(super) fn degraded() {
    counter!(DEGRADED).increment(1);
}

/// Counts a lease that another node took.
pub(super) fn lost() {
    counter!(LOST).increment(1);
}
