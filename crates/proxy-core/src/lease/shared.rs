//! Leases that nodes share, made of a service that answers one question at a time.

use super::{Lease, Leases, LocalLeases, Pauses, meters};
use crate::module::ModuleVersion;
use async_trait::async_trait;
use std::{
    error::Error,
    fmt::Debug,
    future::Future,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::oneshot,
    time::{Instant, sleep, timeout},
};

/// How often a lease is renewed while it would last once.
const RENEWALS: u32 = 3;

/// How long a service may think about one question.
const ANSWER: Duration = Duration::from_secs(4);

/// How long a service that fails is asked again before the work is done without a lease; one that is known to be away
/// is asked once.
const PATIENCE: Duration = Duration::from_secs(10);

/// A lease service, asked one question at a time. An error means that it is away, never that somebody else holds the
/// lease; no answer within a few seconds is an error too.
#[async_trait]
pub trait LeaseTable: Debug + Send + Sync + 'static {
    /// What one who waits remembers from one try to the next: who it is, and what it has seen of the holder.
    type Watch: Default + Send;
    /// What shows a holder to be the holder.
    type Claim: Send;
    /// Tries to get the lease. A try whose answer was lost is found out by the next one with the same watch.
    async fn claim(
        &self,
        module: &ModuleVersion,
        watch: &mut Self::Watch,
    ) -> Result<Claimed<Self::Claim>, LeaseError>;
    /// Shows that the holder lives.
    async fn renew(&self, module: &ModuleVersion, claim: &mut Self::Claim) -> Result<Renewed, LeaseError>;
    /// Gives the lease back, if it is still this holder's.
    async fn release(&self, module: &ModuleVersion, claim: Self::Claim) -> Result<(), LeaseError>;
}

/// What came of a try to get a lease.
#[derive(Debug)]
pub enum Claimed<C> {
    /// It is ours.
    Granted {
        /// What shows it.
        claim: C,
        /// Grows with every holder of this version for as long as the service remembers; for logs.
        fence: u64,
        /// Whether it was taken from a holder that is dead.
        taken_over: bool,
    },
    /// Somebody else has it.
    Held,
}

/// What a holder was told when it renewed its lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewed {
    /// It is still ours.
    Kept,
    /// It was taken over: we were taken for dead.
    Lost,
}

/// The lease service is away, or answered nonsense.
#[derive(Debug, thiserror::Error)]
#[error("the lease service is away: {reason}")]
pub struct LeaseError {
    /// What failed, as a phrase without addresses and secrets.
    pub reason: String,
    /// The cause.
    #[source]
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// Leases of nodes that share a [`LeaseTable`]. Cheap to clone; clones queue among themselves first, so that one
/// process asks once however many of its tasks wait.
#[derive(Debug)]
pub struct SharedLeases<T>(Arc<Shared<T>>);

#[derive(Debug)]
struct Shared<T> {
    table: T,
    local: LocalLeases,
    dead_after: Duration,
    /// Whether the service was away when it was last asked, so that a log says it once.
    away: AtomicBool,
}

/// What acquiring ended with.
enum Won<C> {
    /// The service granted it.
    Held { claim: C, taken_over: bool },
    /// The service is away.
    Free,
}

impl<T: LeaseTable> SharedLeases<T> {
    /// Leases in this table, whose holders are taken for dead after this time.
    pub fn new(table: T, dead_after: Duration) -> Self {
        meters::describe();
        Self(Arc::new(Shared {
            table,
            local: LocalLeases::new(),
            dead_after,
            away: AtomicBool::new(false),
        }))
    }

    /// The table they are kept in.
    pub fn table(&self) -> &T {
        &self.0.table
    }
}

impl<T> Clone for SharedLeases<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

#[async_trait]
impl<T: LeaseTable> Leases for SharedLeases<T> {
    async fn acquire(&self, module: &ModuleVersion) -> Lease {
        let turn = self.0.local.acquire(module).await;
        let (give, given) = oneshot::channel();
        // A task of its own, so that whoever stops waiting does so between two questions and not within one.
        tokio::spawn(Arc::clone(&self.0).keep(module.clone(), turn, give));
        // The task ends without an answer only if it was stopped, and then this process ends too.
        given.await.unwrap_or_else(|_| Lease::free())
    }
}

impl<T: LeaseTable> Shared<T> {
    /// The whole life of one lease: waits for it, hands it out, renews it, gives it back; then the turn is the next
    /// task's of this process.
    async fn keep(self: Arc<Self>, module: ModuleVersion, turn: Lease, mut give: oneshot::Sender<Lease>) {
        match self.compete(&module, &mut give).await {
            None => drop(turn),
            // Whoever waits no longer drops the turn by not taking it.
            Some(Won::Free) => drop(give.send(turn)),
            Some(Won::Held { claim, taken_over }) => {
                let (guard, given_back) = oneshot::channel::<()>();
                let mut lease = Lease::holding(guard);
                if taken_over {
                    lease = lease.taken_over();
                }
                drop(give.send(lease));
                self.hold(&module, claim, given_back).await;
                drop(turn);
            }
        }
    }

    /// Asks until the lease is ours, or the service is away for too long; `None` once nobody waits for it any more.
    async fn compete(
        &self,
        module: &ModuleVersion,
        give: &mut oneshot::Sender<Lease>,
    ) -> Option<Won<T::Claim>> {
        let (began, mut watch, mut pauses) = (Instant::now(), T::Watch::default(), Pauses::new());
        let (mut waited, mut failing_since) = (false, None);
        let won = loop {
            let asked = Instant::now();
            match self.in_time(self.table.claim(module, &mut watch)).await {
                Ok(Claimed::Granted {
                    claim,
                    fence,
                    taken_over,
                }) => {
                    self.note_back();
                    if taken_over {
                        meters::takeover();
                        tracing::warn!(%module, fence, "took over the lease of a node that was heard of no more");
                    }
                    break Won::Held { claim, taken_over };
                }
                Ok(Claimed::Held) => {
                    self.note_back();
                    failing_since = None;
                    if !waited {
                        waited = true;
                        meters::wait();
                        tracing::debug!(%module, "another node has the lease");
                    }
                }
                Err(error) => {
                    let known = self.away.load(Ordering::Relaxed);
                    if known || failing_since.get_or_insert(asked).elapsed() >= PATIENCE {
                        self.note_away(&error);
                        meters::degraded();
                        break Won::Free;
                    }
                }
            }
            tokio::select! {
                () = give.closed() => return None,
                () = sleep(pauses.next()) => {}
            }
        };
        if waited {
            meters::waited(began.elapsed());
        }
        Some(won)
    }

    /// Renews the lease until it is given back or lost.
    async fn hold(&self, module: &ModuleVersion, mut claim: T::Claim, mut given_back: oneshot::Receiver<()>) {
        let often = self.dead_after / RENEWALS;
        let mut next = often;
        loop {
            tokio::select! {
                biased;
                _ = &mut given_back => break,
                () = sleep(next) => {}
            }
            next = match self.in_time(self.table.renew(module, &mut claim)).await {
                Ok(Renewed::Kept) => often,
                Ok(Renewed::Lost) => {
                    meters::lost();
                    tracing::warn!(%module, "the lease was taken over; the version may be fetched twice");
                    // The work goes on: the store takes each file once, and whoever is first is right.
                    let _ = given_back.await;
                    return;
                }
                Err(error) => {
                    self.note_away(&error);
                    often / 4
                }
            };
        }
        if let Err(error) = self.in_time(self.table.release(module, claim)).await {
            // It ends by itself: we are not heard of any more.
            tracing::debug!(%module, error = &error as &dyn Error, "a lease could not be given back");
        }
    }

    /// No question may take so long that a lease ends meanwhile.
    async fn in_time<A>(&self, answer: impl Future<Output = Result<A, LeaseError>>) -> Result<A, LeaseError> {
        match timeout(ANSWER.min(self.dead_after / RENEWALS), answer).await {
            Ok(answer) => answer,
            Err(_) => Err(LeaseError::new("it does not answer")),
        }
    }

    fn note_away(&self, error: &LeaseError) {
        if !self.away.swap(true, Ordering::Relaxed) {
            tracing::warn!(
                error = error as &dyn Error,
                "leases are not to be had; versions may be fetched by several nodes at a time"
            );
        }
    }

    fn note_back(&self) {
        if self.away.swap(false, Ordering::Relaxed) {
            tracing::info!("leases are to be had again");
        }
    }
}

impl LeaseError {
    /// What failed, as a phrase without addresses and secrets.
    pub fn new(reason: impl Into<String>) -> Self {
        Self {
            reason: reason.into(),
            source: None,
        }
    }

    /// What failed, and its cause.
    pub fn because(reason: impl Into<String>, cause: impl Error + Send + Sync + 'static) -> Self {
        Self {
            reason: reason.into(),
            source: Some(Box::new(cause)),
        }
    }
}
