//! What the status of a host's answer settles.

/// Whether an answer with this status says nothing about what is there: the host wants to know who asks, or cannot
/// answer now. Any other status but 200 came from a host that was reached and has nothing.
pub(crate) fn settles_nothing(status: u16) -> bool {
    matches!(status, 401 | 403 | 407 | 408 | 425 | 429 | 500..)
}
