//! A pack on its way in: written down and indexed, while somebody watches what it unfolds to.
//!
//! A pack of a megabyte may say that it holds a terabyte (copies of copies of one block). Indexing it works all of that
//! out, object by object, and holds the bases of what it is at. So what comes out is counted as it is worked out, and
//! the work is stopped when it is more than a repository can have a reason for, or when it takes too long.

use crate::git::{cache, session::Session};
use gix::{
    NestedProgress, Progress,
    odb::pack::{self, Bundle},
    progress::{Count, Id, MessageLevel, Step, StepShared, UNKNOWN, Unit},
};
use proxy_core::upstream::UpstreamError;
use std::{
    fmt,
    io::BufRead,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, RecvTimeoutError},
    },
    thread,
    time::{Duration, Instant},
};

/// How far a fetch may go.
#[derive(Clone, Copy, Debug)]
pub(in crate::git) struct Limits {
    /// How long it may take.
    pub(in crate::git) duration: Duration,
    /// The most bytes that what it brings may unfold to, whatever its size.
    pub(in crate::git) unfolded: u64,
}

/// What any pack may unfold to, in bytes: four modules of the largest size.
const ALWAYS: u64 = 2 << 30;
/// Beyond that, how many times its own size a pack may unfold to. Histories of large generated files reach some hundreds.
const TIMES: u64 = 500;
/// How often somebody looks.
const LOOK: Duration = Duration::from_millis(20);

/// Counts what comes in and what comes out of it, and stops what goes too far.
#[derive(Debug)]
pub(super) struct Watch {
    limits: Limits,
    received: StepShared,
    unfolded: StepShared,
    stop: AtomicBool,
    reached: OnceLock<Reached>,
}

/// The limit that was reached.
#[derive(Clone, Copy, Debug)]
enum Reached {
    Unfolded(u64),
    Duration(Duration),
}

impl Watch {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            received: StepShared::default(),
            unfolded: StepShared::default(),
            stop: AtomicBool::default(),
            reached: OnceLock::new(),
        }
    }

    /// Becomes true when the work is to stop.
    pub(super) fn stop(&self) -> &AtomicBool {
        &self.stop
    }

    /// Does the work, with a thread beside it that looks now and then.
    pub(super) fn over<T>(&self, session: &Session, work: impl FnOnce() -> T) -> T {
        let started = Instant::now();
        thread::scope(|scope| {
            let (working, ended) = mpsc::channel::<()>();
            scope.spawn(move || {
                let mut before = 0;
                while ended.recv_timeout(LOOK) == Err(RecvTimeoutError::Timeout) {
                    let unfolded = self.unfolded.load(Ordering::Relaxed);
                    if unfolded != before {
                        // Working out what came is progress, though the host is silent meanwhile.
                        session.note_activity();
                        before = unfolded;
                    }
                    self.look(started.elapsed(), session.interrupt());
                }
            });
            let outcome = work();
            drop(working);
            outcome
        })
    }

    fn look(&self, elapsed: Duration, interrupted: &AtomicBool) {
        let allowed = self.allowed();
        let reached = if self.unfolded.load(Ordering::Relaxed) as u64 > allowed {
            Some(Reached::Unfolded(allowed))
        } else if elapsed > self.limits.duration {
            Some(Reached::Duration(self.limits.duration))
        } else {
            None
        };
        if let Some(reached) = reached {
            // The first one says why.
            let _ = self.reached.set(reached);
        }
        if reached.is_some() || interrupted.load(Ordering::Relaxed) {
            self.stop.store(true, Ordering::Relaxed);
        }
    }

    fn allowed(&self) -> u64 {
        let received = self.received.load(Ordering::Relaxed) as u64;
        received
            .saturating_mul(TIMES)
            .max(ALWAYS)
            .min(self.limits.unfolded)
    }

    /// Why the work was stopped, if it was a limit.
    pub(super) fn reached(&self, url: &str) -> Option<UpstreamError> {
        let reason = |what: fmt::Arguments<'_>| format!("{url}: {what}");
        Some(match self.reached.get()? {
            Reached::Unfolded(allowed) => UpstreamError::malformed(reason(format_args!(
                "what it sent unfolds to more than {allowed} bytes"
            ))),
            Reached::Duration(limit) => {
                UpstreamError::timed_out(reason(format_args!("it took longer than {} s", limit.as_secs())))
            }
        })
    }
}

/// Writes a pack and its index into the repository.
pub(super) fn write(
    pack: &mut dyn BufRead,
    repository: &gix::Repository,
    watch: &Arc<Watch>,
) -> gix::Result<()> {
    let options = pack::bundle::write::Options {
        alloc_limit_bytes: Some(cache::LARGEST_OBJECT),
        ..Default::default()
    };
    let mut progress = Counting {
        id: UNKNOWN,
        step: StepShared::default(),
        watch: Arc::clone(watch),
    };
    let written = Bundle::write_to_directory(
        pack,
        Some(&repository.objects.store_ref().path().join("pack")),
        &mut progress,
        &watch.stop,
        // A base that is here already need not come again.
        Some(Box::new(repository.objects.clone())),
        repository.object_hash(),
        options,
    )?;
    if let Some(keep) = written.keep_path {
        // It only keeps a collector of garbage away, and none runs here.
        let _kept = std::fs::remove_file(keep).is_err();
    }
    Ok(())
}

/// The library's own report of how far it is, taken for counting.
#[derive(Clone, Debug)]
struct Counting {
    id: Id,
    step: StepShared,
    watch: Arc<Watch>,
}

impl NestedProgress for Counting {
    type SubProgress = Self;

    fn add_child(&mut self, name: impl Into<String>) -> Self {
        self.add_child_with_id(name, UNKNOWN)
    }

    fn add_child_with_id(&mut self, _name: impl Into<String>, id: Id) -> Self {
        let received: Id = pack::bundle::write::ProgressId::ReadPackBytes.into();
        // Of what is inflated while it comes, and of what deltas then make of it.
        let inflated: Id = pack::index::write::ProgressId::DecompressedBytes.into();
        let decoded: Id = pack::index::write::ProgressId::DecodedBytes.into();
        let step = if id == received {
            Arc::clone(&self.watch.received)
        } else if id == inflated || id == decoded {
            Arc::clone(&self.watch.unfolded)
        } else {
            StepShared::default()
        };
        Self {
            id,
            step,
            watch: Arc::clone(&self.watch),
        }
    }
}

impl Count for Counting {
    fn set(&self, step: Step) {
        self.step.store(step, Ordering::Relaxed);
    }

    fn step(&self) -> Step {
        self.step.load(Ordering::Relaxed)
    }

    fn inc_by(&self, step: Step) {
        self.step.fetch_add(step, Ordering::Relaxed);
    }

    fn counter(&self) -> StepShared {
        Arc::clone(&self.step)
    }
}

impl Progress for Counting {
    fn init(&mut self, _max: Option<Step>, _unit: Option<Unit>) {}

    fn set_name(&mut self, _name: String) {}

    fn name(&self) -> Option<String> {
        None
    }

    fn id(&self) -> Id {
        self.id
    }

    fn message(&self, _level: MessageLevel, _message: String) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    fn watch(unfolded: u64) -> Watch {
        Watch::new(Limits {
            duration: Duration::from_secs(60),
            unfolded,
        })
    }

    #[test]
    fn what_a_pack_may_unfold_to_grows_with_it_up_to_a_limit() {
        let watch = watch(10 << 30);
        assert_eq!(watch.allowed(), ALWAYS);
        watch.received.store(10 << 20, Ordering::Relaxed);
        assert_eq!(watch.allowed(), (10 << 20) * TIMES);
        watch.received.store(1 << 30, Ordering::Relaxed);
        assert_eq!(watch.allowed(), 10 << 30);
    }

    #[test]
    fn it_stops_at_the_first_limit_and_says_which() {
        let nobody = AtomicBool::new(false);
        let watch = watch(1000);
        watch.look(Duration::from_secs(60), &nobody);
        assert!(!watch.stop.load(Ordering::Relaxed) && watch.reached("u").is_none());
        watch.unfolded.store(1001, Ordering::Relaxed);
        watch.look(Duration::from_secs(61), &nobody);
        watch.unfolded.store(0, Ordering::Relaxed);
        watch.look(Duration::from_secs(61), &nobody);
        assert!(watch.stop.load(Ordering::Relaxed));
        match watch.reached("u") {
            Some(UpstreamError::Malformed { reason }) => assert!(reason.contains("unfolds"), "{reason}"),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn it_stops_when_nobody_waits_any_more_which_is_no_limit() {
        let watch = watch(1000);
        watch.look(Duration::ZERO, &AtomicBool::new(true));
        assert!(watch.stop.load(Ordering::Relaxed) && watch.reached("u").is_none());
    }
}
