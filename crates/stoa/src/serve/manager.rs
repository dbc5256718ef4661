//! Words with the service manager, by systemd's notify protocol: that we are ready, that we live, that we leave.
//!
//! Where no manager listens (`NOTIFY_SOCKET` is not set), nothing is said. The variables of the protocol are read by
//! the library that speaks it; none is a setting of ours.

use sd_notify::NotifyState;
use std::time::Duration;

/// Beyond what we ask for ourselves: until the process is gone and its last line is written.
const LAST_WORDS: Duration = Duration::from_secs(5);

/// Tells the manager that we live, twice as often as it wants to hear, from now to the end, where it wants to hear it.
///
/// The word comes from among the tasks that serve: when those stand still, so does it, and the manager starts us anew.
pub(crate) fn keep_informed() {
    let Some(limit) = sd_notify::watchdog_enabled() else {
        return;
    };
    tokio::spawn(async move {
        loop {
            say(&[NotifyState::Watchdog]);
            tokio::time::sleep(limit / 2).await;
        }
    });
}

/// Clients are let in.
pub(crate) fn ready() {
    say(&[NotifyState::Ready, NotifyState::Status("serving")]);
}

/// We are leaving, which takes no longer than this: the manager's patience becomes longer than ours, whatever the unit
/// says and however `limits.drain` is set.
pub(crate) fn leaving(patience: Duration) {
    let microseconds = u32::try_from((patience + LAST_WORDS).as_micros()).unwrap_or(u32::MAX);
    say(&[
        NotifyState::Stopping,
        NotifyState::Status("answering what is under way"),
        NotifyState::ExtendTimeoutUsec(microseconds),
    ]);
}

fn say(words: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(words) {
        tracing::warn!(%error, "the service manager cannot be told");
    }
}
