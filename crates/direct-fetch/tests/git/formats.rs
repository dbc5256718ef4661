//! Repositories that name their objects by SHA-256.

use super::house::{House, commit, fetch, info};
use std::process::Command;
use testkit::{git::Repository, skip_or_fail};

/// A repository of that format; `None` where git is too old for it.
fn repository(house: &House, name: &str) -> Option<Repository> {
    let made = Command::new("git")
        .args(["init", "--quiet", "--bare", "--object-format=sha256"])
        .arg(house.host.folder().join(name))
        .status()
        .unwrap();
    made.success().then(|| house.host.repository(name))
}

#[tokio::test(flavor = "multi_thread")]
async fn both_transports_read_them() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let Some(repository) = repository(&house, "r") else {
        skip_or_fail!("this git knows no SHA-256")
    };
    let one = repository.commit("main", &commit(1));
    repository.tag("v1.0.0", &one);
    repository.commit("main", &commit(2).after(&one));
    let source = house.source("r");
    for (transport, git) in house.both() {
        let info = info(&mut fetch(&git, &source, "v1.0.0").await.unwrap());
        assert_eq!(
            info.origin.unwrap().hash.as_deref(),
            Some(one.as_str()),
            "{transport:?}"
        );
        let pseudo = format!("v0.0.0-20200913122641-{}", &one[..12]);
        fetch(&git, &source, &pseudo).await.unwrap();
    }
}
