//! What may be served to whom, as a pure function.

use crate::module::{ModulePath, Version};
use jiff::Timestamp;
use std::sync::Arc;

/// Who asks, whether origins may be asked for them, and the rules in force: made once per request, so that no
/// request sees a mixture of rules.
#[derive(Clone, Debug)]
pub struct Caller {
    /// Who it is; `anonymous` where nobody was asked.
    pub identity: Arc<str>,
    /// Whether origins may be asked (`Disable-Module-Fetch` says no).
    pub may_fetch: bool,
    /// The mirrors the request has come through, nearest last.
    pub via: Arc<[Arc<str>]>,
    /// The rules in force.
    pub rules: Arc<Rules>,
}

/// The rules in force. None yet: everything is served.
#[derive(Clone, Debug, Default)]
pub struct Rules {}

/// One question of the policy.
#[derive(Clone, Copy, Debug)]
pub struct Question<'a> {
    /// Who asks.
    pub identity: &'a str,
    /// The module.
    pub path: &'a ModulePath,
    /// The version, where the question is of one.
    pub version: Option<&'a Version>,
    /// When the version was first kept, looked up only if a rule needs it.
    pub first_seen: Option<Timestamp>,
    /// The time to judge by.
    pub now: Timestamp,
}

/// The answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Serve it, fetching it if need be.
    Serve,
    /// Serve it if it is kept; ask no origin.
    KeptOnly,
    /// Refuse, naming the rule and whom to ask (403).
    Deny(Arc<str>),
    /// Taken down on purpose (410).
    TakenDown(Arc<str>),
}

impl Rules {
    /// Whether there is no rule at all, so that nothing need be asked.
    pub fn is_empty(&self) -> bool {
        true
    }

    /// Judges one question.
    pub fn decide(&self, _question: &Question<'_>) -> Verdict {
        Verdict::Serve
    }
}

impl Caller {
    /// Anybody, with no rules in force, allowed to fetch.
    pub fn anonymous() -> Self {
        Self {
            identity: "anonymous".into(),
            may_fetch: true,
            via: Arc::from([]),
            rules: Arc::default(),
        }
    }
}
