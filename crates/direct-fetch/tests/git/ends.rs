//! When nobody waits any more, nothing goes on.

use super::{
    house::{BOTH, open, settings, source},
    statuses::{Answer, Host},
};
use proxy_core::upstream::FetchContext;
use std::{fs, time::Duration};
use testkit::skip_or_fail;

/// Waits for what must come; the limit only ends what hangs.
pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = async {
        while !holds() {
            tokio::task::yield_now().await;
        }
    };
    let waited = tokio::time::timeout(Duration::from_secs(30), waited).await;
    assert!(waited.is_ok(), "{what} did not come");
}

/// Whether a process that is not just waiting to be reaped has this word in its arguments.
fn runs(word: &str) -> bool {
    let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
    processes
        .filter_map(|process| fs::read(process.path().join("cmdline")).ok())
        .any(|arguments| String::from_utf8_lossy(&arguments).contains(word))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_question_nobody_waits_for_ends_with_its_processes_and_connections() {
    if !testkit::git::is_here() {
        skip_or_fail!("there is no git here")
    }
    let folder = tempfile::tempdir().unwrap();
    for transport in BOTH {
        let host = Host::answering(|_| Answer::Hang(Vec::new()));
        let git = open(settings(&folder.path().join(format!("{transport:?}")), transport));
        let asked = source(&host.url());
        let question = tokio::spawn(async move { git.versions(&asked, &FetchContext::default()).await });
        until("the question", || host.asked() > 0).await;
        question.abort();
        assert!(question.await.unwrap_err().is_cancelled());
        until("the end of the connection", || host.hung_up() > 0).await;
        if fs::exists("/proc/self/cmdline").unwrap() {
            until("the end of the processes", || !runs(&host.url())).await;
        }
    }
}
