//! Repositories made up from a seed: whatever a tree, a tag or a `go.mod` may be, in combinations nobody wrote down.
//!
//! A difference prints the seed of its repository; `STOA_GIT_SEED` begins with that one.

mod made_up;

use super::House;
use made_up::MadeUp;
use std::collections::BTreeSet;
use testkit::skip_or_fail;

/// How many versions both sides must have made before it is enough.
const ENOUGH: usize = 30;
/// The same for `cargo xtask torture`.
const ENOUGH_TORTURE: usize = 500;
/// Repositories for one `go` command.
const AT_ONCE: u64 = 4;

#[tokio::test(flavor = "multi_thread")]
async fn repositories_made_up_from_a_seed() {
    let torture = is_torture();
    let seed = setting("STOA_GIT_SEED").and_then(|seed| seed.parse().ok());
    let mut seed: u64 = seed.unwrap_or(if torture {
        rand::random_range(0..1 << 32)
    } else {
        1
    });
    let enough = if torture { ENOUGH_TORTURE } else { ENOUGH };
    let mut versions = 0;
    while versions < enough {
        let Some(mut house) = House::build() else {
            skip_or_fail!("go or git is not installed")
        };
        let repositories = if torture { AT_ONCE } else { 1 };
        for seed in seed..seed + repositories {
            make_up(seed, &mut house);
        }
        let (compared, differences) = house.differences().await;
        println!(
            "seeds {seed}..{}: {} questions, {} versions",
            seed + repositories,
            compared.questions,
            compared.versions
        );
        assert!(
            differences.is_empty(),
            "the number in a module path is the seed of its repository:\n{}",
            differences.join("\n")
        );
        versions += compared.versions;
        seed += repositories;
    }
}

/// Whether there is time for more.
pub(crate) fn is_torture() -> bool {
    setting("STOA_TORTURE").is_some()
}

#[expect(
    clippy::disallowed_methods,
    reason = "what a test is told to do comes from the environment"
)]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The folders in which modules may lie.
const FOLDERS: &[&str] = &["", "v2", "sub", "sub/v2", "a/b"];

/// Makes a repository up, and every question about it.
fn make_up(seed: u64, house: &mut House) {
    let mut made = MadeUp::new(seed);
    let repository = house.repository(&made.path);
    let commits = made.history(&repository);
    let tags = made.tags(&repository, &commits);
    let heads = repository.git(["for-each-ref", "--format=%(refname:lstrip=2)", "refs/heads"]);
    let mut queries: BTreeSet<String> = heads.lines().map(str::to_owned).collect();
    queries.extend(tags.iter().cloned());
    queries.extend(["latest", "v0", "v1", "v2", "v1.0", "v1.1"].map(str::to_owned));
    for (index, commit) in commits.iter().enumerate() {
        queries.insert(commit[..if index % 2 == 0 { 12 } else { 40 }].to_owned());
    }
    for path in ["", "/v2", "/v3", "/sub", "/sub/v2", "/a/b"] {
        let path = format!("{}{path}", made.path);
        let mut queries = queries.clone();
        for tag in &tags {
            let name = FOLDERS.iter().find_map(|folder| {
                tag.strip_prefix(*folder)
                    .and_then(|tag| tag.strip_prefix('/'))
                    .filter(|_| !folder.is_empty())
            });
            queries.extend(name.map(str::to_owned));
        }
        for commit in &commits {
            queries.insert(made.pseudo_version(&repository, commit));
        }
        let queries: Vec<_> = queries.iter().map(String::as_str).collect();
        house.compare(&path, &queries);
    }
}
