//! Serving: listen first, then open the store and build the mirror, serve until told to stop, drain.

mod announce;
mod manager;

use crate::{
    config::{Config, environment::Environment},
    drain::Drain,
    exit::Failure,
    front::{Front, Home, Listings, Pages},
    listen::{BindError, Listeners, Patience, Reception, raise_limit, tls::Certificate},
    open_store::open_store,
    telemetry::{self, AccessLog, LogWriter, Metrics},
    wiring::wire,
};
use announce::announce;
use proxy_core::{module::Patterns, policy::Caller};
use std::{
    future,
    io::{self, IsTerminal},
    sync::Arc,
    time::Duration,
};
use tokio::{
    runtime,
    signal::unix::{Signal, SignalKind, signal},
    sync::Semaphore,
    time::timeout,
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Tasks that are in the middle of something when everything else has ended: a disk may be slow.
const LAST_TASKS: Duration = Duration::from_secs(2);
/// The last entries of the feed.
const LAST_WORDS: Duration = Duration::from_secs(2);

/// Serves until the process is told to stop.
pub(crate) fn run(config: &Config, environment: &Environment) -> Result<(), Failure> {
    let no_threads = |error: std::io::Error| Failure::Internal(format!("no threads can be started: {error}"));
    let (writer, written) = telemetry::start(&config.telemetry).map_err(no_threads)?;
    let outcome = runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(no_threads)
        .and_then(|runtime| {
            let outcome = runtime.block_on(serve(config, environment, &writer));
            runtime.shutdown_timeout(LAST_TASKS);
            outcome
        });
    written.finish();
    outcome
}

async fn serve(config: &Config, environment: &Environment, writer: &LogWriter) -> Result<(), Failure> {
    let mut stop = Stop::new()?;
    raise_limit();
    manager::keep_informed();
    let listeners = listeners(config).await.map_err(|error| match error {
        BindError::InUse(_) => Failure::Unavailable(error.to_string()),
        BindError::Refused(..) | BindError::HandedOver(_) => Failure::Usage(error.to_string()),
    })?;
    let metrics = Metrics::start()?;
    let certificate = config.tls.as_ref().map(Certificate::load).transpose();
    let certificate = certificate.map_err(|error| Failure::Usage(error.to_string()))?;
    let tls = certificate.as_ref().map(Certificate::acceptor).transpose();
    let tls = tls.map_err(|error| Failure::Internal(error.to_string()))?;

    let storage = open_store(config).await?;
    let store = storage.description.clone();
    let wired = tokio::task::block_in_place(|| wire(config, environment, storage))?;
    let drain = Arc::new(Drain::default());
    let hidden = if config.catalog_private {
        Patterns::default()
    } else {
        config.upstream.private.clone()
    };
    let pages = Pages {
        mirror: wired.mirror,
        listings: Listings::new(wired.catalog.clone(), wired.feed.reader(), hidden),
        drain: Arc::clone(&drain),
        metrics: metrics.clone(),
        scrub: wired.upkeep.status(),
        home: Home::new(config, wired.downloads.relayed()),
    };
    let front = Front {
        base_path: config.base_path.clone(),
        downloads: wired.downloads,
        pages,
        drain: Arc::clone(&drain),
        access_log: AccessLog::new(&config.telemetry, writer),
        caller: Caller::anonymous(),
    };
    wired.upkeep.start();
    tokio::spawn(metrics.fold());
    let feed = wired.feed.in_records().cloned();
    if let Some(feed) = feed.clone() {
        tokio::spawn(feed.keep(wired.catalog));
    }
    if let Some(certificate) = certificate {
        let mut hangups = stop.hangup.take();
        tokio::spawn(certificate.keep_fresh(async move || hung_up(&mut hangups).await));
    } else if let Some(hangup) = stop.hangup.take() {
        tokio::spawn(say_at_hangups(hangup));
    }
    let reception = Reception {
        front: Arc::new(front),
        tls,
        patience: Patience::new(&config.limits),
        room: Arc::new(Semaphore::new(
            config.limits.connections.min(Semaphore::MAX_PERMITS),
        )),
        closed: CancellationToken::new(),
        farewell: CancellationToken::new(),
        connections: TaskTracker::new(),
    };
    announce(config, &store, &listeners.address);
    let accepting = tokio::spawn(reception.clone().accept(listeners.sockets));
    manager::ready();
    stop.asked().await;
    leave(&reception, &drain, accepting, &mut stop, config.limits.drain).await;
    if let Some(feed) = feed {
        // What cannot be written now is found when the next server starts.
        let _ = timeout(LAST_WORDS, feed.append_announced()).await;
    }
    Ok(())
}

/// The sockets that the service manager opened, else those of the setting.
async fn listeners(config: &Config) -> Result<Listeners, BindError> {
    match Listeners::inherited()? {
        Some(listeners) => Ok(listeners),
        None => Listeners::bind(&config.listen).await,
    }
}

/// Ends in good order: see [`Drain`].
async fn leave(
    reception: &Reception,
    drain: &Drain,
    accepting: tokio::task::JoinHandle<()>,
    stop: &mut Stop,
    patience: Duration,
) {
    drain.begin();
    manager::leaving(patience + LAST_TASKS);
    tracing::info!(under_way = drain.under_way(), "shutting down");
    let in_good_order = async {
        drain.answered_before().await;
        reception.closed.cancel();
        // It ends by itself, or has panicked; either way nobody more is let in.
        let _ = accepting.await;
        reception.farewell.cancel();
        reception.connections.close();
        reception.connections.wait().await;
    };
    tokio::select! {
        done = timeout(patience, in_good_order) => if done.is_err() {
            tracing::warn!(cut_off = drain.under_way(), "requests took longer than limits.drain");
        },
        () = stop.asked() => tracing::warn!(cut_off = drain.under_way(), "told to stop a second time"),
    }
    tracing::info!("stopped");
}

/// Waits until the process is asked to read its files again.
async fn hung_up(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => {
            hangup.recv().await;
        }
        None => future::pending().await,
    }
}

/// A server that would end because someone's rotation of logs asks everything to read its files again is no mirror.
async fn say_at_hangups(mut hangup: Signal) {
    while hangup.recv().await.is_some() {
        tracing::info!("SIGHUP: there is no TLS certificate to read again; settings are read at the start");
    }
}

/// What tells the process to stop: SIGTERM from a supervisor, SIGINT from a keyboard.
struct Stop {
    terminate: Signal,
    interrupt: Signal,
    /// What asks a server to read its files again. `None` before a terminal: there it says that nobody sits there any more,
    /// and ends the process.
    hangup: Option<Signal>,
}

impl Stop {
    fn new() -> Result<Self, Failure> {
        Ok(Self {
            terminate: signal(SignalKind::terminate()).map_err(no_signals)?,
            interrupt: signal(SignalKind::interrupt()).map_err(no_signals)?,
            hangup: if io::stdin().is_terminal() {
                None
            } else {
                Some(signal(SignalKind::hangup()).map_err(no_signals)?)
            },
        })
    }

    async fn asked(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}

fn no_signals(error: std::io::Error) -> Failure {
    Failure::Internal(format!("signals cannot be received: {error}"))
}
