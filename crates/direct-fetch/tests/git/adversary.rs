//! Questions, addresses and repositories made by somebody who means harm.

use super::{
    caches::{large, stalling},
    house::{BOTH, House, PATH, commit, fetch, open, settings, source, wanted},
    statuses::{Host, status},
};
use direct_fetch::git::TransportChoice;
use http_client::Trust;
use proxy_core::{
    module::Query,
    upstream::{FetchContext, UpstreamError},
};
use std::{fs, os::unix::fs::PermissionsExt as _, path::Path};
use testkit::{git::Commit, skip_or_fail};

/// A program in git's place that writes down that it was run, and how.
fn tell_tale(folder: &Path) -> std::path::PathBuf {
    let (program, told) = (folder.join("git"), folder.join("told"));
    let script = format!("#!/bin/sh\necho \"$@\" >> {}\nexec git \"$@\"\n", told.display());
    fs::write(&program, script).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    program
}

fn told(folder: &Path) -> String {
    fs::read_to_string(folder.join("told")).unwrap_or_default()
}

/// Whatever is asked, only the refs are listed: no word of a question becomes an argument.
#[tokio::test(flavor = "multi_thread")]
async fn no_question_is_an_argument() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let repository = house.host.repository("r");
    let one = repository.commit("main", &commit(1));
    repository.tag("v1.0.0", &one);
    let git = house.read(TransportChoice::Command, |settings| {
        settings.program = tell_tale(house.folder.path()).into();
    });
    let questions = [
        "--upload-pack=touch pwned",
        "-oProxyCommand=touch pwned",
        "ext::sh -c touch% pwned",
        "..",
        "../../etc/passwd",
        "%2e%2e",
        "a\0b",
        "a\nb",
        "$(touch pwned)",
        "`touch pwned`",
        "main;touch pwned",
        "refs/heads/main:refs/heads/other",
        "+main",
        "^main",
        "main^{tree}",
        "main@{0}",
        ":/At",
        "-",
        "--",
        "",
    ];
    for question in questions {
        let query = Query::Revision(question.into());
        let resolved = git
            .resolve(&house.source("r"), &query, &FetchContext::default())
            .await;
        assert!(
            matches!(resolved, Err(UpstreamError::NotFound { .. })),
            "{question:?}: {resolved:?}"
        );
    }
    let told = told(house.folder.path());
    assert_eq!(told.lines().count(), questions.len(), "{told}");
    for line in told.lines() {
        assert!(
            line.contains(" ls-remote --quiet --end-of-options http://127.0.0.1:"),
            "{line}"
        );
        assert!(line.ends_with("/r HEAD refs/heads/* refs/tags/*"), "{line}");
    }
}

/// Addresses that run programs, read folders or speak in clear of their own never get as far as a program.
#[tokio::test(flavor = "multi_thread")]
async fn odd_addresses_start_nothing() {
    let folder = tempfile::tempdir().unwrap();
    for transport in [
        TransportChoice::Auto,
        TransportChoice::Command,
        TransportChoice::BuiltIn,
    ] {
        let mut settings = settings(&folder.path().join(format!("{transport:?}")), transport);
        settings.program = tell_tale(folder.path()).into();
        let git = open(settings);
        for url in [
            "ext::sh -c touch% pwned",
            "ext://sh",
            "file:///etc",
            "/etc",
            "git://127.0.0.1/r",
            "ssh://-oProxyCommand=touch/r",
            "ssh://-oProxyCommand=touch@127.0.0.1/r",
            "git@127.0.0.1:r",
            "fd::17",
            "--upload-pack=touch",
            "ftp://127.0.0.1/r",
            "https://127.0.0.1/r\n--upload-pack=touch",
            "",
        ] {
            let listed = git.versions(&source(url), &FetchContext::default()).await;
            assert!(
                matches!(listed, Err(UpstreamError::NotFound { .. })),
                "{url:?}: {listed:?}"
            );
        }
    }
    assert_eq!(told(folder.path()), "");
}

/// Addresses of a machine's own network and its meta-data are for private modules only, also behind a redirect.
#[tokio::test(flavor = "multi_thread")]
async fn a_public_module_does_not_lead_inside() {
    let folder = tempfile::tempdir().unwrap();
    let host = Host::answering(|_| status(200, ""));
    for transport in BOTH {
        let git = open(settings(
            &folder.path().join(format!("public-{transport:?}")),
            transport,
        ));
        for url in [
            &host.url(),
            "http://169.254.169.254/r",
            "http://localhost/r",
            "http://[::1]/r",
        ] {
            let mut source = source(url);
            source.trust = Trust::Learned;
            let listed = git.versions(&source, &FetchContext::default()).await;
            assert!(
                matches!(listed, Err(UpstreamError::Unavailable { .. })),
                "{url}: {listed:?}"
            );
        }
    }
    assert_eq!(host.asked(), 0);

    // A private one may be inside; its host still leads nowhere else in clear, and never to a folder or a program.
    for target in ["file:///etc", "ext::sh", "git://127.0.0.1/r"] {
        let host = Host::answering(move |_| status(302, &format!("Location: {target}\r\n")));
        for transport in BOTH {
            let git = open(settings(&folder.path().join(format!("{transport:?}")), transport));
            let listed = git.versions(&source(&host.url()), &FetchContext::default()).await;
            assert!(listed.is_err(), "{target}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_refs_are_one_listing() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let repository = house.host.repository("r");
    let one = repository.commit("main", &commit(1));
    let packed: String = (0..10_000)
        .map(|number| format!("{one} refs/tags/v1.{number}.0\n"))
        .collect();
    fs::write(
        repository.folder().join("packed-refs"),
        format!("# pack-refs with: sorted\n{}", sorted(&packed)),
    )
    .unwrap();
    repository.branch("v1.7.0", &repository.commit("other", &commit(2)));
    for (transport, git) in house.both() {
        house.host.forget();
        let versions = git
            .versions(&house.source("r"), &FetchContext::default())
            .await
            .unwrap();
        assert_eq!(versions.len(), 10_000);
        assert!(
            house.host.requests().len() <= 2,
            "{transport:?}: {:?}",
            house.host.requests()
        );
        // A branch of a tag's name is not what the tag is.
        let mut fetched = fetch(&git, &house.source("r"), "v1.7.0").await.unwrap();
        assert_eq!(
            super::house::info(&mut fetched).origin.unwrap().hash.as_deref(),
            Some(one.as_str())
        );
    }
}

fn sorted(lines: &str) -> String {
    let mut lines: Vec<_> = lines.lines().collect();
    lines.sort_by_key(|line| line.split(' ').nth(1));
    lines.join("\n") + "\n"
}

/// A pack larger than is allowed is not waited for.
#[tokio::test(flavor = "multi_thread")]
async fn packs_are_bounded() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    large(&house.host.repository("r"));
    let (address, _) = stalling(house.host.address(), 3 << 20);
    let source = source(&format!("http://{address}/r"));
    for transport in BOTH {
        let git = house.read(transport, |settings| settings.growth = 1 << 20);
        // What is left of one try is cleared away by the next.
        for _ in 0..3 {
            match fetch(&git, &source, "v1.0.0").await {
                Err(UpstreamError::Unavailable { .. } | UpstreamError::Malformed { .. }) => {}
                other => panic!("{transport:?}: {other:?}"),
            }
        }
        let kept = size_of(&house.folder.path().join(format!("{transport:?}")));
        assert!(kept < 7 << 20, "{transport:?} kept {kept} bytes");
    }
}

/// A small pack that unfolds to more than any module may hold is refused before memory is asked for.
#[tokio::test(flavor = "multi_thread")]
async fn an_object_larger_than_any_module_is_refused() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let repository = house.host.repository("r");
    // 600 MiB of zeros, half a megabyte in a pack.
    let made = std::process::Command::new("sh")
        .args(["-c", "head -c 629145600 /dev/zero | git -c core.bigFileThreshold=10g -c core.looseCompression=1 hash-object -w --stdin"])
        .current_dir(repository.folder())
        .output()
        .unwrap();
    let blob = String::from_utf8(made.stdout).unwrap();
    let tree = format!("100644 blob {}\tbomb\n", blob.trim());
    let tree = repository.git_with_input(["mktree"], tree.as_bytes());
    let bomb = repository.git([
        "-c",
        "user.name=T",
        "-c",
        "user.email=t@e.test",
        "commit-tree",
        "-m",
        "bomb",
        &tree,
    ]);
    repository.tag("v1.0.0", &bomb);
    // Packed beforehand, so that the server sends what it has and is not silent while it compresses all of it.
    repository.git(["repack", "-a", "-d", "-q", "--window=0"]);
    for (transport, git) in house.both() {
        match fetch(&git, &house.source("r"), "v1.0.0").await {
            Err(
                UpstreamError::Malformed { .. }
                | UpstreamError::Unavailable { .. }
                | UpstreamError::Unsupported { .. },
            ) => {}
            // The git command writes it to the disk by pieces; it is its size in the tree that is refused then, as by go.
            Err(UpstreamError::NotFound { reason })
                if transport == TransportChoice::Command
                    && reason.contains("module source tree too large") => {}
            other => panic!("{transport:?}: {other:?}"),
        }
    }
}

/// Neither an attribute of a tree nor a folder of hooks runs anything.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_in_a_repository_is_run() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let repository = house.host.repository("r");
    let told = house.folder.path().join("ran");
    let touch = format!("touch {}", told.display());
    let tree: Commit = commit(1)
        .file(".gitattributes", "* filter=evil diff=evil merge=evil\n")
        .file(
            ".gitmodules",
            "[submodule \"x\"]\n\tpath = x\n\turl = ext::sh -c evil\n\tupdate = !evil\n",
        )
        .entry("160000", "x", "1234567890123456789012345678901234567890")
        .file(".lfsconfig", "[lfs]\n\turl = http://127.0.0.1:1/\n");
    let one = repository.commit("main", &tree);
    repository.tag("v1.0.0", &one);
    let template = house.folder.path().join("template/hooks");
    fs::create_dir_all(&template).unwrap();
    for hook in [
        "reference-transaction",
        "post-checkout",
        "pre-auto-gc",
        "post-merge",
    ] {
        fs::write(template.join(hook), format!("#!/bin/sh\n{touch}\n")).unwrap();
        fs::set_permissions(template.join(hook), fs::Permissions::from_mode(0o755)).unwrap();
    }
    let settings_file = house.folder.path().join("gitconfig");
    let says = format!(
        "[filter \"evil\"]\n\tsmudge = {touch}\n\trequired = true\n[core]\n\thooksPath = {}\n\tfsmonitor = {touch}\n\
         [init]\n\ttemplateDir = {}\n[alias]\n\tls-remote = !{touch}\n",
        template.display(),
        template.parent().unwrap().display()
    );
    fs::write(&settings_file, says).unwrap();
    for transport in BOTH {
        let git = house.read(transport, |settings| {
            settings
                .environment
                .retain(|(name, _)| name != "GIT_CONFIG_GLOBAL" && name != "GIT_TEMPLATE_DIR");
            settings
                .environment
                .push(("GIT_CONFIG_GLOBAL".into(), settings_file.clone().into()));
        });
        let fetched = git
            .fetch(
                &house.source("r"),
                &wanted("v1.0.0", None),
                &FetchContext::default(),
            )
            .await;
        assert!(fetched.is_ok(), "{PATH} by {transport:?}: {fetched:?}");
        assert!(!told.exists(), "{transport:?}");
    }
}

pub(crate) fn size_of(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
            Ok(metadata) => metadata.len(),
            Err(_) => 0,
        })
        .sum()
}
