//! Working ahead on all cores, while the results are taken in order.

use std::{
    collections::VecDeque,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

/// Below this weight threads cost more than they bring.
const WORTH_THREADS: u64 = 256 << 10;

/// Does `work` on every item, on several threads with a `tool` each, and gives the results to `take` in the order of
/// the items. Whatever their number, only about `room` of `weight` is begun and not yet taken.
///
/// The first failure ends it all. Where there is little to do it starts no threads.
pub(super) fn in_order<I: Sync, T, R: Send, E: Send>(
    items: &[I],
    weight: impl Fn(&I) -> u64,
    room: u64,
    tool: impl Fn() -> T + Sync,
    work: impl Fn(&T, &I) -> Result<R, E> + Sync,
    mut take: impl FnMut(&I, R) -> Result<(), E>,
) -> Result<(), E> {
    let threads = thread::available_parallelism()
        .map_or(1, usize::from)
        .min(items.len());
    let all = items
        .iter()
        .fold(0_u64, |sum, item| sum.saturating_add(weight(item)));
    if threads < 2 || all < WORTH_THREADS {
        let tool = tool();
        return items.iter().try_for_each(|item| take(item, work(&tool, item)?));
    }
    let (jobs, queue) = mpsc::channel::<(&I, mpsc::SyncSender<Result<R, E>>)>();
    let queue = Mutex::new(queue);
    thread::scope(|scope| {
        let jobs = jobs; // when it is dropped here, the threads run out of work
        for _ in 0..threads {
            scope.spawn(|| {
                let tool = tool();
                loop {
                    let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                    let Ok((item, to)) = job else { return };
                    if to.send(work(&tool, item)).is_err() {
                        return; // something failed, and nobody wants the rest
                    }
                }
            });
        }
        let (mut rest, mut begun, mut ahead) = (items.iter(), VecDeque::new(), 0_u64);
        loop {
            while (begun.is_empty() || ahead < room)
                && let Some(item) = rest.next()
            {
                let (to, from) = mpsc::sync_channel(1);
                ahead = ahead.saturating_add(weight(item));
                if jobs.send((item, to)).is_ok() {
                    begun.push_back((item, from));
                }
            }
            let Some((item, from)) = begun.pop_front() else {
                return Ok(());
            };
            // The channel ends only where a thread panicked, which the scope passes on when it ends.
            let Ok(result) = from.recv() else { return Ok(()) };
            ahead = ahead.saturating_sub(weight(item));
            take(item, result?)?;
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn results_come_in_order_and_only_so_much_is_done_ahead() {
        let items: Vec<u64> = (0..200).collect();
        let (ahead, most) = (AtomicU64::new(0), AtomicU64::new(0));
        let mut taken = Vec::new();
        let outcome: Result<(), ()> = in_order(
            &items,
            |_| 10_000,
            50_000,
            || (),
            |(), item| {
                most.fetch_max(ahead.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                Ok(item * 2)
            },
            |item, result| {
                assert_eq!(result, item * 2);
                ahead.fetch_sub(1, Ordering::SeqCst);
                taken.push(*item);
                Ok(())
            },
        );
        assert_eq!(outcome, Ok(()));
        assert_eq!(taken, items);
        // One may be with the taker while its place is given to another.
        assert!(
            most.into_inner() <= 6,
            "more was done ahead than there is room for"
        );
    }

    #[test]
    fn the_first_failure_ends_it() {
        let items: Vec<u64> = (0..1000).collect();
        let mut taken = 0;
        let outcome = in_order(
            &items,
            |_| 10_000,
            50_000,
            || (),
            |(), item| if *item == 7 { Err(*item) } else { Ok(()) },
            |_, ()| {
                taken += 1;
                Ok(())
            },
        );
        assert_eq!((outcome, taken), (Err(7), 7));
        let outcome = in_order(
            &items,
            |_| 10_000,
            50_000,
            || (),
            |(), item| Ok(*item),
            |_, item| {
                if item == 5 { Err("full") } else { Ok(()) }
            },
        );
        assert_eq!(outcome, Err("full"));
    }

    #[test]
    #[should_panic(expected = "a scoped thread panicked")]
    fn a_panic_is_passed_on() {
        let items: Vec<u64> = (0..100).collect();
        let work = |(): &(), item: &u64| {
            if *item == 50 {
                panic!("on purpose")
            } else {
                Ok::<_, ()>(())
            }
        };
        let _ = in_order(&items, |_| 10_000, 50_000, || (), work, |_, ()| Ok(()));
    }
}
