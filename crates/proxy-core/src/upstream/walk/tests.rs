//! Chains of upstreams that answer, fail, hang or take their time.

use super::*;
use crate::{
    info::Info,
    module::{Patterns, Query, Version},
    upstream::{Fetched, Wanted},
};
use async_trait::async_trait;
use std::sync::Mutex;

const SILENCE: Duration = Duration::from_secs(30);

/// Stands for an upstream by its name alone; the attempts below look at nothing else.
#[derive(Debug)]
struct Named(&'static str);

#[async_trait]
impl Upstream for Named {
    async fn resolve(&self, _: &ModulePath, _: &Query, _: &FetchContext) -> Result<Info, UpstreamError> {
        Err(UpstreamError::unavailable(self.0))
    }
    async fn versions(&self, _: &ModulePath, _: &FetchContext) -> Result<Vec<Version>, UpstreamError> {
        Err(UpstreamError::unavailable(self.0))
    }
    async fn fetch(&self, _: &Wanted, _: &FetchContext) -> Result<Fetched, UpstreamError> {
        Err(UpstreamError::unavailable(self.0))
    }
}

/// `a,b|c` in letters: the letter says how the upstream behaves (see [`outcome`]); `o` is `off`.
fn chain(list: &'static str) -> Chain {
    let mut links = Vec::new();
    for entry in list.split_inclusive([',', '|']) {
        let name = entry.trim_end_matches([',', '|']);
        let separator = if entry.ends_with('|') {
            Separator::OnAnyFailure
        } else {
            Separator::OnNotFound
        };
        let upstream = (name != "off").then(|| Arc::new(Named(name)) as Arc<dyn Upstream>);
        links.push(Link { upstream, separator });
    }
    Chain {
        also: Vec::new(),
        links,
        private: Patterns::parse("corp.test").unwrap(),
        direct: Some(Arc::new(Named("good"))),
    }
}

async fn outcome(name: String, context: FetchContext) -> Result<String, UpstreamError> {
    match name.as_str() {
        "absent" => Err(UpstreamError::not_found("there is no such version")),
        "broken" => Err(UpstreamError::unavailable("the proxy answered 500")),
        "silent" => std::future::pending().await,
        "chatty" => {
            for _ in 0..9 {
                tokio::time::sleep(Duration::from_secs(9)).await;
                context.note_activity();
            }
            Ok(name)
        }
        _ => Ok(name),
    }
}

/// Walks for a module and says who answered, the error, and who was asked.
async fn walk(list: &'static str, path: &str) -> (Result<String, UpstreamError>, String) {
    let (context, asked) = (FetchContext::default(), Mutex::new(Vec::new()));
    let result = chain(list)
        .walk(&ModulePath::parse(path).unwrap(), &context, SILENCE, |upstream| {
            let name = format!("{upstream:?}")
                .trim_start_matches("Named(\"")
                .trim_end_matches("\")")
                .to_owned();
            asked.lock().unwrap().push(name.clone());
            outcome(name, context.clone())
        })
        .await;
    let asked = asked.into_inner().unwrap().join(" ");
    (result, asked)
}

#[tokio::test]
async fn a_comma_goes_on_after_absence_only_and_a_bar_after_anything() {
    for (list, asked) in [
        ("absent,good", "absent good"),
        ("absent|good", "absent good"),
        ("broken,good", "broken"),
        ("broken|good", "broken good"),
        ("broken|absent,good", "broken absent good"),
        ("good,broken", "good"),
    ] {
        assert_eq!(walk(list, "example.test/m").await.1, asked, "{list}");
    }
}

#[tokio::test]
async fn trouble_outranks_absence_whoever_comes_last() {
    for list in ["broken|absent", "absent,broken", "broken|off"] {
        let error = walk(list, "example.test/m").await.0.unwrap_err();
        assert!(
            matches!(error, UpstreamError::Unavailable { .. }),
            "{list}: {error:?}"
        );
    }
    for list in ["absent,off", "off", "absent|absent", ""] {
        let error = walk(list, "example.test/m").await.0.unwrap_err();
        assert!(
            matches!(error, UpstreamError::NotFound { .. }),
            "{list}: {error:?}"
        );
    }
}

#[tokio::test]
async fn a_private_module_is_asked_of_version_control_alone() {
    assert_eq!(walk("broken|absent", "corp.test/secret").await.1, "good");
}

#[tokio::test(start_paused = true)]
async fn silence_is_one_budget_shared_by_those_who_may_be_asked_in_turn() {
    let started = Instant::now();
    let (result, asked) = walk("silent|silent|good", "example.test/m").await;
    assert_eq!(
        (result.unwrap().as_str(), asked.as_str()),
        ("good", "silent silent good")
    );
    assert!(started.elapsed() < SILENCE);
    let started = Instant::now();
    let error = walk("silent|silent", "example.test/m").await.0.unwrap_err();
    assert!(matches!(error, UpstreamError::TimedOut { .. }), "{error:?}");
    assert_eq!(started.elapsed(), SILENCE);
    let (result, asked) = walk("silent,good", "example.test/m").await;
    assert!(
        result.is_err() && asked == "silent",
        "a comma is no way around one that hangs"
    );
}

#[tokio::test(start_paused = true)]
async fn arriving_bytes_renew_the_budget() {
    assert_eq!(walk("chatty|good", "example.test/m").await.0.unwrap(), "chatty");
}
