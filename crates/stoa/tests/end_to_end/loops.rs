//! A request that comes back to the mirror is recognised and answered, and the mirror stays up.

use crate::world::stoa;
use testkit::{client::Answer, stoa::StoaProcess};

#[tokio::test(flavor = "multi_thread")]
async fn a_mirror_that_names_itself_by_another_name() {
    let setup = stoa();
    let myself = setup.url().replace("127.0.0.1", "localhost");
    let stoa = setup.upstream(&myself).start();
    for path in [
        "/example.test/a/@v/v1.0.0.info",
        "/example.test/a/@v/list",
        "/example.test/a/@latest",
    ] {
        is_a_loop(&stoa.get(path).await, path);
    }
    still_up(&stoa).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_mirrors_that_name_each_other() {
    let (one, two) = (stoa(), stoa());
    let (first, second) = (one.url(), two.url());
    let (one, two) = (one.upstream(&second).start(), two.upstream(&first).start());
    for path in [
        "/example.test/a/@v/v1.0.0.zip",
        "/example.test/a/@v/list",
        "/example.test/a/@latest",
    ] {
        is_a_loop(&one.get(path).await, path);
        is_a_loop(&two.get(path).await, path);
    }
    still_up(&one).await;
    still_up(&two).await;
}

/// Well before the silence of an upstream would be given up on.
fn is_a_loop(answer: &Answer, path: &str) {
    assert!(
        (500..600).contains(&answer.status),
        "{path}: {} {}",
        answer.status,
        answer.text()
    );
    assert_ne!(
        answer.status,
        504,
        "{path} was waited out, not recognised: {}",
        answer.text()
    );
    assert!(answer.header("content-type").starts_with("text/plain"), "{path}");
    assert!(!answer.text().trim().is_empty(), "{path} says why");
}

async fn still_up(stoa: &StoaProcess) {
    assert_eq!(stoa.get("/healthz").await.status, 200);
    assert_eq!(stoa.get("/readyz").await.status, 200);
}
