//! One listing of a repository's refs for all who ask while another is under way.
//!
//! An answer may only be shared with those who asked before its question was put: so nobody is told of refs as they
//! were before. Twenty who ask at once cause two listings.

use super::refs::Refs;
use http_client::Trust;
use proxy_core::upstream::UpstreamError;
use std::sync::{
    Arc, Mutex, PoisonError, Weak,
    atomic::{AtomicU64, Ordering},
};

/// The listings of one repository.
#[derive(Debug, Default)]
pub(super) struct Listings {
    /// How many began.
    begun: AtomicU64,
    last: Mutex<Last>,
}

/// How a repository is asked: what was heard one way is not believed by who would have asked in another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) trust: Trust,
    pub(super) unverified_tls: bool,
    pub(super) with_access: bool,
}

/// The last listing that ended.
#[derive(Debug, Default)]
struct Last {
    number: u64,
    way: Option<Way>,
    /// Held by those who work with it, not by us.
    answer: Option<Result<Weak<Refs>, UpstreamError>>,
}

/// When somebody asked: after so many listings had begun.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival(u64);

impl Listings {
    /// Somebody asks now.
    pub(super) fn arrive(&self) -> Arrival {
        Arrival(self.begun.load(Ordering::SeqCst))
    }

    /// The refs, from a listing that began after this arrival. `list` makes one, and says of a failure whether it is
    /// the host's, and so everybody's. Blocks while another listing is under way.
    pub(super) fn share(
        &self,
        arrival: Arrival,
        way: Way,
        list: impl FnOnce() -> Result<Refs, (UpstreamError, bool)>,
    ) -> Result<Arc<Refs>, UpstreamError> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.number > arrival.0 && last.way == Some(way) {
            match &last.answer {
                Some(Ok(refs)) => {
                    if let Some(refs) = refs.upgrade() {
                        return Ok(refs);
                    }
                }
                Some(Err(error)) => return Err(error.clone()),
                None => {}
            }
        }
        let number = self.begun.fetch_add(1, Ordering::SeqCst) + 1;
        let (answer, listed) = match list() {
            Ok(refs) => {
                let refs = Arc::new(refs);
                (Some(Ok(Arc::downgrade(&refs))), Ok(refs))
            }
            Err((error, is_everybodys)) => (is_everybodys.then(|| Err(error.clone())), Err(error)),
        };
        *last = Last {
            number,
            way: Some(way),
            answer,
        };
        listed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WAY: Way = Way {
        trust: Trust::Learned,
        unverified_tls: false,
        with_access: false,
    };

    fn refs() -> Result<Refs, (UpstreamError, bool)> {
        Ok(Refs::default())
    }

    fn failure(is_everybodys: bool) -> Result<Refs, (UpstreamError, bool)> {
        Err((UpstreamError::unavailable("no route"), is_everybodys))
    }

    /// Must not be asked for another listing.
    fn never() -> Result<Refs, (UpstreamError, bool)> {
        panic!("listed again")
    }

    #[test]
    fn who_asked_before_a_listing_began_shares_it_and_who_asked_later_does_not() {
        let listings = Listings::default();
        let (first, second) = (listings.arrive(), listings.arrive());
        let mut during = None;
        let listed = listings.share(first, WAY, || {
            during = Some(listings.arrive());
            refs()
        });
        let listed = listed.unwrap();
        assert!(Arc::ptr_eq(&listed, &listings.share(second, WAY, never).unwrap()));
        let (during, after) = (during.unwrap(), listings.arrive());
        let again = listings.share(during, WAY, refs).unwrap();
        assert!(
            !Arc::ptr_eq(&listed, &again),
            "it may have begun before a push that the asker knows of"
        );
        assert!(Arc::ptr_eq(&again, &listings.share(after, WAY, never).unwrap()));
        assert!(
            Arc::ptr_eq(&again, &listings.share(second, WAY, never).unwrap()),
            "later ones do too"
        );
    }

    #[test]
    fn what_was_heard_in_one_way_is_not_believed_in_another() {
        let listings = Listings::default();
        let ways = [
            WAY,
            Way {
                trust: Trust::LearnedPrivate,
                ..WAY
            },
            Way {
                unverified_tls: true,
                ..WAY
            },
            Way {
                with_access: true,
                ..WAY
            },
        ];
        let (arrival, mut heard) = (listings.arrive(), Vec::new());
        for way in ways {
            heard.push(listings.share(arrival, way, refs).unwrap());
        }
        assert!(heard.windows(2).all(|pair| !Arc::ptr_eq(&pair[0], &pair[1])));
    }

    #[test]
    fn the_hosts_failure_is_everybodys_and_ones_own_is_not() {
        let listings = Listings::default();
        let (one, other) = (listings.arrive(), listings.arrive());
        assert!(listings.share(one, WAY, || failure(true)).is_err());
        assert!(listings.share(other, WAY, never).is_err());
        let (one, other) = (listings.arrive(), listings.arrive());
        assert!(listings.share(one, WAY, || failure(false)).is_err());
        assert!(listings.share(other, WAY, refs).is_ok());
    }
}
