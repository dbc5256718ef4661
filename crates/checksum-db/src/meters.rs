//! What is measured of a checksum database. Its name and those of modules are not: metrics are read by others.

use metrics::{counter, describe_counter};

const LOOKUPS: &str = "stoa_checksum_lookups_total";
const ALARMS: &str = "stoa_checksum_alarms_total";

/// Says what the numbers mean.
pub(crate) fn describe() {
    describe_counter!(
        LOOKUPS,
        "Versions looked up in the checksum database, by what came of it"
    );
    describe_counter!(
        ALARMS,
        "Contradictions of the checksum database, and damage to what is kept of it; any is one too many"
    );
}

/// Counts a lookup that was not answered from memory.
pub(crate) fn looked_up(outcome: &'static str) {
    counter!(LOOKUPS, "outcome" => outcome).increment(1);
}

/// Counts a contradiction.
pub(crate) fn alarm(kind: &'static str) {
    counter!(ALARMS, "kind" => kind).increment(1);
}
