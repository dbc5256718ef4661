//! Asking one promise of one place, with a limit of time and a runtime of its own.

use super::{
    CATALOG, CatalogPlace, FEED, FeedPlace, MODULE_STORE, Place, Promise, QUARANTINE, QuarantinePlace,
    RECORD_STORE, RecordPlace,
};
use std::{sync::Arc, time::Duration};
use tokio::runtime::Runtime;

/// How long what a store left running may go on once the promise was judged, before its place is taken away.
const AFTERMATH: Duration = Duration::from_secs(10);

/// Asks the promise of this name of a fresh module store, and panics where it is not kept.
pub fn prove_store<P: Place>(name: &str, fresh: impl AsyncFnOnce() -> Result<P, String>) {
    prove(MODULE_STORE, name, async || {
        Ok(Arc::new(fresh().await?) as Arc<dyn Place>)
    });
}

/// Asks the promise of this name of fresh records, and panics where it is not kept.
pub fn prove_records<P: RecordPlace>(name: &str, fresh: impl AsyncFnOnce() -> Result<P, String>) {
    prove(RECORD_STORE, name, async || {
        Ok(Arc::new(fresh().await?) as Arc<dyn RecordPlace>)
    });
}

/// Asks the promise of this name of a fresh catalog, and panics where it is not kept.
pub fn prove_catalog<P: CatalogPlace>(name: &str, fresh: impl AsyncFnOnce() -> Result<P, String>) {
    prove(CATALOG, name, async || {
        Ok(Arc::new(fresh().await?) as Arc<dyn CatalogPlace>)
    });
}

/// Asks the promise of this name of a fresh store and its feed, and panics where it is not kept.
pub fn prove_feed<P: FeedPlace>(name: &str, fresh: impl AsyncFnOnce() -> Result<P, String>) {
    prove(FEED, name, async || {
        Ok(Arc::new(fresh().await?) as Arc<dyn FeedPlace>)
    });
}

/// Asks the promise of this name of a fresh quarantine, and panics where it is not kept.
pub fn prove_quarantine<P: QuarantinePlace>(name: &str, fresh: impl AsyncFnOnce() -> Result<P, String>) {
    prove(QUARANTINE, name, async || {
        Ok(Arc::new(fresh().await?) as Arc<dyn QuarantinePlace>)
    });
}

/// Asks all promises that `chosen` picks of a module store, each of a fresh one, and names those it breaks: how the
/// suite itself is tested.
pub fn broken_by<P: Place>(fresh: impl AsyncFn() -> P, chosen: impl Fn(&str) -> bool) -> Vec<&'static str> {
    broken(
        MODULE_STORE,
        async || Arc::new(fresh().await) as Arc<dyn Place>,
        chosen,
    )
}

/// Asks those of these promises that `chosen` picks, each of a fresh place, and names those that are broken.
pub(crate) fn broken<P: ?Sized + Send + Sync>(
    promises: &'static [Promise<P>],
    fresh: impl AsyncFn() -> Arc<P>,
    chosen: impl Fn(&str) -> bool,
) -> Vec<&'static str> {
    let asked = promises.iter().filter(|promise| chosen(promise.name));
    let broken = asked.filter(|promise| {
        let runtime = runtime();
        let place = runtime.block_on(fresh());
        let kept = ask(&runtime, promise, place);
        runtime.shutdown_timeout(AFTERMATH);
        kept.is_err()
    });
    broken.map(|promise| promise.name).collect()
}

/// Asks one of these promises of a fresh place.
pub(crate) fn prove<P: ?Sized + Send + Sync>(
    promises: &'static [Promise<P>],
    name: &str,
    fresh: impl AsyncFnOnce() -> Result<Arc<P>, String>,
) {
    let promise = promises.iter().find(|promise| promise.name == name);
    let promise = promise.unwrap_or_else(|| panic!("there is no promise named {name}"));
    let runtime = runtime();
    let kept = match runtime.block_on(fresh()) {
        Ok(place) => ask(&runtime, promise, place),
        Err(why) => return skipped(&why),
    };
    // What was dropped halfway may still be writing; the place goes after it.
    runtime.shutdown_timeout(AFTERMATH);
    if let Err(why) = kept {
        panic!("{why}");
    }
}

/// Runs a promise as a task, so that not even a store that blocks its thread escapes the limit.
fn ask<P: ?Sized + Send + Sync>(
    runtime: &Runtime,
    promise: &'static Promise<P>,
    place: Arc<P>,
) -> Result<(), String> {
    let asked = runtime.spawn(async move { (promise.ask)(&place).await });
    match runtime.block_on(async { tokio::time::timeout(promise.limit, asked).await }) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(panicked)) => Err(format!("the promise is broken: {panicked}")),
        Err(_) => Err(format!("no answer within {:?}", promise.limit)),
    }
}

/// As many threads as it takes for a race, on however small a machine.
fn runtime() -> Runtime {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder
        .worker_threads(4)
        .enable_all()
        .build()
        .expect("a runtime can be built in a test")
}

/// Says why a test does not run; panics on CI, where everything must.
#[expect(
    clippy::disallowed_methods,
    reason = "CI is no setting of the program, and tests have no configuration"
)]
#[expect(clippy::print_stdout, reason = "a skipped test is told to whoever runs it")]
fn skipped(why: &str) {
    assert!(
        std::env::var_os("CI").is_none(),
        "must not be skipped on CI: {why}"
    );
    println!("skipped: {why}");
}
