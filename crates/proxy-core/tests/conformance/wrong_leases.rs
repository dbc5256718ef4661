//! Leases that are wrong on purpose, each in one way that somebody once shipped, and the promise that finds it out.

use async_trait::async_trait;
use proxy_core::{
    lease::{
        Claimed, Lease, LeaseError, LeaseTable, Leases, Renewed, SharedLeases,
        conformance::{LeasePlace, leases_broken_by},
    },
    module::ModuleVersion,
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// A table of leases with a time to live, in memory.
#[derive(Clone, Debug)]
struct Table {
    held: Arc<Mutex<HashMap<String, (u64, Instant)>>>,
    lifetime: Duration,
    mistake: Mistake,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mistake {
    None,
    /// Looks whether it is free, and then takes it.
    LooksThenTakes,
    /// Lets a lease run out while the work goes on.
    NeverRenews,
    /// Removes whatever is there when it gives its own back.
    FreesAnything,
    /// Leaves it to time to give a lease back.
    NeverGivesBack,
}

#[async_trait]
impl LeaseTable for Table {
    type Watch = ();
    type Claim = u64;

    async fn claim(&self, module: &ModuleVersion, _: &mut ()) -> Result<Claimed<u64>, LeaseError> {
        let (name, token) = (module.to_string(), rand::random());
        let is_held = |held: &HashMap<String, (u64, Instant)>| {
            held.get(&name).map(|(_, until)| *until > Instant::now())
        };
        let before = is_held(&self.held.lock().unwrap());
        if before == Some(true) {
            return Ok(Claimed::Held);
        }
        tokio::task::yield_now().await;
        let mut held = self.held.lock().unwrap();
        if self.mistake != Mistake::LooksThenTakes && is_held(&held) == Some(true) {
            return Ok(Claimed::Held);
        }
        held.insert(name.clone(), (token, Instant::now() + self.lifetime));
        Ok(Claimed::Granted {
            claim: token,
            fence: 1,
            taken_over: before.is_some(),
        })
    }

    async fn renew(&self, module: &ModuleVersion, token: &mut u64) -> Result<Renewed, LeaseError> {
        let mut held = self.held.lock().unwrap();
        match held.get_mut(&module.to_string()) {
            Some((holder, until)) if holder == token => {
                if self.mistake != Mistake::NeverRenews {
                    *until = Instant::now() + self.lifetime;
                }
                Ok(Renewed::Kept)
            }
            _ => Ok(Renewed::Lost),
        }
    }

    async fn release(&self, module: &ModuleVersion, token: u64) -> Result<(), LeaseError> {
        let mut held = self.held.lock().unwrap();
        let ours = held
            .get(&module.to_string())
            .is_some_and(|(holder, _)| *holder == token);
        if self.mistake != Mistake::NeverGivesBack && (ours || self.mistake == Mistake::FreesAnything) {
            held.remove(&module.to_string());
        }
        Ok(())
    }
}

struct Wrong(Arc<Mutex<HashMap<String, (u64, Instant)>>>, Mistake);

#[async_trait]
impl LeasePlace for Wrong {
    async fn open(&self, dead_after: Duration) -> Arc<dyn Leases> {
        let table = Table {
            held: Arc::clone(&self.0),
            // What is never given back is at least had again before the promise's time is up.
            lifetime: dead_after.min(Duration::from_secs(6)),
            mistake: self.1,
        };
        Arc::new(SharedLeases::new(table, dead_after.min(Duration::from_secs(6))))
    }
}

/// Whether leases with this mistake break this promise.
fn breaks(mistake: Mistake, promise: &str) -> bool {
    let fresh = async || Wrong(Arc::default(), mistake);
    !leases_broken_by(fresh, |name| name == promise).is_empty()
}

/// Grants every lease to everybody.
#[derive(Debug)]
struct Generous;

#[async_trait]
impl Leases for Generous {
    async fn acquire(&self, _: &ModuleVersion) -> Lease {
        Lease::free()
    }
}

struct Anywhere;

#[async_trait]
impl LeasePlace for Anywhere {
    async fn open(&self, _: Duration) -> Arc<dyn Leases> {
        Arc::new(Generous)
    }
}

#[test]
fn granting_everything() {
    let broken = leases_broken_by(
        async || Anywhere,
        |name| name == "a_version_has_one_holder_at_a_time",
    );
    assert_eq!(broken.len(), 1);
}

#[test]
fn looking_and_then_taking() {
    assert!(breaks(
        Mistake::LooksThenTakes,
        "a_version_has_one_holder_at_a_time"
    ));
}

#[test]
fn never_renewing() {
    assert!(breaks(
        Mistake::NeverRenews,
        "a_lease_is_kept_for_as_long_as_its_holder_lives"
    ));
}

#[test]
fn freeing_what_another_holds() {
    assert!(breaks(
        Mistake::FreesAnything,
        "a_holder_that_comes_back_too_late_frees_nobody_elses_lease"
    ));
}

#[test]
fn never_giving_back() {
    assert!(breaks(
        Mistake::NeverGivesBack,
        "a_lease_is_given_back_when_it_is_dropped"
    ));
}

/// So that it is the mistake that is caught, and not what the tables have in common.
#[test]
fn without_a_mistake_the_same_table_keeps_those_promises() {
    for promise in [
        "a_version_has_one_holder_at_a_time",
        "a_lease_is_kept_for_as_long_as_its_holder_lives",
        "a_holder_that_comes_back_too_late_frees_nobody_elses_lease",
        "a_lease_is_given_back_when_it_is_dropped",
    ] {
        assert!(!breaks(Mistake::None, promise), "{promise} was broken");
    }
}
