//! What comes for a question about the past: commits without their trees where the host can leave them out, and
//! everything where it gives nothing less.

use super::house::{BOTH, House, bytes, commit, fetch, info, resolve, wanted};
use direct_fetch::git::TransportChoice;
use proxy_core::upstream::{FetchContext, UpstreamError};
use testkit::{git::Repository, module::incompressible, skip_or_fail};

/// Bytes in each of the old versions.
const OLD: usize = 1 << 20;

/// A commit that is large, a tagged one, and one more.
fn old_and_large(repository: &Repository) {
    let old = commit(1).file("large.bin", incompressible(OLD, 1));
    let one = repository.commit("main", &old);
    let two = repository.commit("main", &commit(2).after(&one));
    repository.tag("v1.0.0", &two);
    repository.commit("main", &commit(3).after(&two));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_history_comes_without_trees_where_the_host_can_leave_them_out() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    for can in [true, false] {
        for transport in BOTH {
            let name = format!("{transport:?}-{can}");
            let repository = house.host.repository(&name);
            old_and_large(&repository);
            if !can {
                repository.git(["config", "--unset", "uploadpack.allowFilter"]);
            }
            let git = house.read(transport, |_| {});
            house.host.forget();
            // Its base is a tag that only history finds.
            let main = resolve(&git, &house.source(&name), "main").await.unwrap();
            assert!(main.version.as_str().starts_with("v1.0.1-0."), "{main:?}");
            assert_eq!(
                house.host.bytes() < OLD,
                can,
                "{name}: {} bytes",
                house.host.bytes()
            );
            // The next commit costs what is new.
            let before = repository.hash("main");
            repository.commit("main", &commit(4).after(&before));
            house.host.forget();
            let main = resolve(&git, &house.source(&name), "main").await.unwrap();
            assert!(main.version.as_str().starts_with("v1.0.1-0."), "{main:?}");
            assert!(
                house.host.bytes() < 20_000,
                "{name}: {} bytes",
                house.host.bytes()
            );
        }
    }
}

/// Two requests are a listing: what the host can do, and its refs.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_and_a_version_that_is_missing_cost_one_listing_and_no_object() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let repository = house.host.repository("r");
    let one = repository.commit("main", &commit(1));
    repository.tag("v1.0.0", &one);
    let source = house.source("r");
    for (transport, git) in house.both() {
        let listing = |what: &str| {
            let requests = house.host.requests();
            assert_eq!(requests.len(), 2, "{transport:?}, {what}: {requests:?}");
            house.host.forget();
        };
        house.host.forget();
        let versions = git.versions(&source, &FetchContext::default()).await.unwrap();
        assert_eq!(versions.len(), 1);
        listing("a list");
        for missing in ["v1.9.9", "no-such-branch"] {
            let answer = resolve(&git, &source, missing).await;
            assert!(
                matches!(answer, Err(UpstreamError::NotFound { .. })),
                "{answer:?}"
            );
            listing(missing);
        }
        let answer = fetch(&git, &source, "v1.9.9").await;
        assert!(
            matches!(answer, Err(UpstreamError::NotFound { .. })),
            "{answer:?}"
        );
        listing("the files of v1.9.9");
        // What might be +incompatible is decided by whether it has a go.mod, which only its tree tells.
        repository.tag("v2.0.0", &one);
        let versions = git.versions(&source, &FetchContext::default()).await.unwrap();
        assert_eq!(versions.len(), 1);
        assert!(house.host.requests().len() > 2, "{transport:?}");
        repository.git(["tag", "-d", "v2.0.0"]);
    }
}

/// Such a host refuses a commit that a tag has left, and one that an annotated tag only leads to.
#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_gives_only_what_refs_name_is_asked_for_everything_once() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    house.host.give_only_what_refs_name();
    for transport in BOTH {
        let name = format!("{transport:?}");
        let repository = house.host.repository(&name);
        let source = house.source(&name);
        let one = repository.commit("main", &commit(1));
        repository.tag("v1.0.0", &one);
        let two = repository.commit("main", &commit(2).after(&one));
        repository.annotate("v1.1.0", &two, 1_600_000_500);
        let before = house.read(transport, |settings| {
            settings.cache = house.folder.path().join(format!("{name}-before"));
        });
        let pins = [
            info(&mut fetch(&before, &source, "v1.0.0").await.unwrap()),
            info(&mut fetch(&before, &source, "v1.1.0").await.unwrap()),
        ];
        let three = repository.commit("main", &commit(3).after(&two));
        for tag in ["v1.0.0", "v1.1.0"] {
            repository.tag(tag, &three);
        }
        let after = house.read(transport, |_| {});
        for (pin, number) in pins.into_iter().zip([1, 2]) {
            let version = pin.version.to_string();
            let fetched = after
                .fetch(&source, &wanted(&version, Some(pin)), &FetchContext::default())
                .await;
            let go_mod = String::from_utf8(bytes(fetched.unwrap().go_mod)).unwrap();
            assert!(go_mod.ends_with(&format!("// {number}\n")), "{name}: {go_mod}");
            house.host.forget();
        }
        // Everything is here now, so the second one cost no more than to ask.
        assert!(house.host.bytes() < 1000, "{name}: {} bytes", house.host.bytes());
    }
}

/// Where nothing leads to it any more, that is said; no clone can bring it back.
#[tokio::test(flavor = "multi_thread")]
async fn what_no_ref_leads_to_is_trouble_on_such_a_host() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    house.host.give_only_what_refs_name();
    for transport in BOTH {
        let name = format!("{transport:?}");
        let repository = house.host.repository(&name);
        let source = house.source(&name);
        let one = repository.commit("main", &commit(1));
        repository.tag("v1.0.0", &one);
        let before = house.read(transport, |settings| {
            settings.cache = house.folder.path().join(format!("{name}-before"));
        });
        let pin = info(&mut fetch(&before, &source, "v1.0.0").await.unwrap());
        repository.commit("main", &commit(2));
        repository.remove("refs/tags/v1.0.0");
        let after: direct_fetch::git::Git = house.read(transport, |_| {});
        let fetched = after
            .fetch(&source, &wanted("v1.0.0", Some(pin)), &FetchContext::default())
            .await;
        match fetched {
            Err(UpstreamError::Unavailable { reason, .. }) => assert!(reason.contains(&one), "{reason}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}

/// A pack that says it holds far more than it has bytes: by what is compressed, and by copies of copies.
#[tokio::test(flavor = "multi_thread")]
async fn what_a_pack_unfolds_to_is_bounded() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let bombs = [
        ("zeros", vec![0; 1 << 20], 64),
        // Each is the first one but for a number, and in the pack that is all there is of it.
        ("copies", incompressible(1 << 20, 7).to_vec(), 64),
    ];
    for (name, content, times) in bombs {
        let repository = house.host.repository(name);
        let mut tree = commit(1);
        for number in 0..times {
            let mut content = content.clone();
            content.extend_from_slice(format!("{number}\n").as_bytes());
            tree = tree.file(&format!("{number:03}.bin"), content);
        }
        repository.tag("v1.0.0", &repository.commit("main", &tree));
        repository.git(["repack", "-a", "-d", "-f", "-q"]);
        let narrow = house.read(TransportChoice::BuiltIn, |settings| {
            settings.cache = house.folder.path().join(format!("narrow-{name}"));
            settings.unfolded = 16 << 20;
        });
        house.host.forget();
        match fetch(&narrow, &house.source(name), "v1.0.0").await {
            Err(UpstreamError::Malformed { reason }) => {
                assert!(reason.contains("unfolds to more than 16777216 bytes"), "{reason}");
            }
            other => panic!("{name}: {other:?}"),
        }
        // It is not asked for again in other ways, and small as it came.
        assert!(house.host.bytes() < 3 << 20, "{name}: {}", house.host.bytes());
        fetch(
            &house.read(TransportChoice::BuiltIn, |_| {}),
            &house.source(name),
            "v1.0.0",
        )
        .await
        .unwrap();
    }
}
