//! Many versions of one repository: each object comes once, each file is worked out once, and the zips are the same
//! bytes whatever came before.

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

use direct_fetch::{
    credentials::Shown,
    git::{Git, GitSettings, Place, Source, TransportChoice},
};
use futures::future::join_all;
use http_client::{Client, Settings, Trust};
use proxy_core::{
    file::{Body, Kind},
    module::{ModulePath, ModuleVersion, Version},
    spool::Spool,
    upstream::{FetchContext, Incoming, Wanted},
    zip,
};
use std::{collections::HashSet, time::Duration};
use tempfile::TempDir;
use testkit::{
    git::{Commit, GitHost},
    module::incompressible,
    skip_or_fail,
};

const MODULE: &str = "example.test/many";
const TRANSPORTS: [TransportChoice; 2] = [TransportChoice::BuiltIn, TransportChoice::Command];

struct Reader {
    git: Git,
    source: Source,
    _folder: TempDir,
}

impl Reader {
    /// One that has seen nothing yet.
    fn new(host: &GitHost, transport: TransportChoice) -> Self {
        let folder = TempDir::new().unwrap();
        let settings = GitSettings {
            cache: folder.path().join("cache"),
            cache_limit: 1 << 30,
            program: "git".into(),
            environment: [("PATH", "/usr/local/bin:/usr/bin:/bin"), ("HOME", "/nonexistent")]
                .map(|(name, value)| (name.into(), value.into()))
                .into(),
            silence: Duration::from_secs(30),
            duration: Duration::from_secs(600),
            growth: 1 << 30,
            unfolded: 64 << 30,
            transport,
        };
        let client = Client::new(&Settings::from_lookup(|_| None).unwrap()).unwrap();
        let spool = Spool::open(&folder.path().join("spool")).unwrap();
        Self {
            git: Git::open(settings, client, spool).unwrap(),
            source: Source {
                url: host.repository_url("many"),
                place: Place::new(ModulePath::parse(MODULE).unwrap(), MODULE, "").unwrap(),
                trust: Trust::LearnedPrivate,
                unverified_tls: false,
                shown: Shown::Own,
            },
            _folder: folder,
        }
    }

    async fn zip(&self, version: &str) -> Body {
        let wanted = Wanted {
            module: module(version),
            kinds: vec![Kind::Zip],
            pinned: None,
        };
        let fetched = self
            .git
            .fetch(&self.source, &wanted, &FetchContext::default())
            .await;
        match fetched.unwrap().zip {
            Some(Incoming::Whole(zip)) => zip,
            other => panic!("not whole: {other:?}"),
        }
    }
}

fn module(version: &str) -> ModuleVersion {
    let path = ModulePath::parse(MODULE).unwrap();
    ModuleVersion::new(path, Version::parse(version).unwrap()).unwrap()
}

/// Twenty versions that share a large file, with a small one of their own each.
fn repository_of_twenty(host: &GitHost) -> (Vec<String>, usize) {
    const SHARED: usize = 1 << 20;
    let repository = host.repository("many");
    let mut versions = Vec::new();
    for number in 0..20 {
        let commit = Commit::at(1_700_000_000 + number)
            .file("go.mod", format!("module {MODULE}\n"))
            .file("shared.bin", incompressible(SHARED, 0))
            .file("own.bin", incompressible(10_000, number + 1));
        let version = format!("v1.{number}.0");
        repository.tag(&version, &repository.commit(&version, &commit));
        versions.push(version);
    }
    (versions, SHARED + 20 * 10_000)
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_versions_at_once_are_a_few_fetches_and_each_object_comes_once() {
    if !testkit::git::is_here() {
        skip_or_fail!("there is no git here");
    }
    let host = GitHost::start();
    let (versions, objects) = repository_of_twenty(&host);
    for transport in TRANSPORTS {
        let reader = Reader::new(&host, transport);
        host.forget();
        let zips = join_all(versions.iter().map(|version| reader.zip(version))).await;
        let sums: HashSet<_> = zips.iter().map(|zip| zip.sha256().to_string()).collect();
        assert_eq!(sums.len(), 20);
        let requests = host.requests();
        // Each listing and each fetch begins with one of these; alone, twenty versions take forty.
        let begun = requests.iter().filter(|request| request.method == "GET").count();
        assert!(begun <= 20, "{transport:?}: {begun} listings and fetches");
        assert!(
            host.bytes() < objects + objects / 4,
            "{transport:?}: {} bytes came for {objects}",
            host.bytes()
        );

        host.forget();
        reader.zip(&versions[7]).await;
        assert!(host.bytes() < 20_000, "a version that is here costs a listing");
    }
}

/// The same blob is kept as it is in one version and converted in the other, and lies there under two names.
#[tokio::test(flavor = "multi_thread")]
async fn what_came_before_changes_no_byte_of_a_zip() {
    if !testkit::git::is_here() {
        skip_or_fail!("there is no git here");
    }
    let host = GitHost::start();
    let repository = host.repository("many");
    let text = "one line\n$Id$\n".repeat(20_000);
    let plain = Commit::at(1_700_000_000)
        .file("go.mod", format!("module {MODULE}\n"))
        .file("a.txt", text.clone())
        .file("b.txt", text.clone())
        .file("large.bin", vec![b'x'; 5 << 20])
        .file("noise.bin", incompressible(300_000, 1));
    let converted = plain
        .clone()
        .file(".gitattributes", "a.txt text eol=crlf\nb.txt ident\n");
    repository.tag("v1.0.0", &repository.commit("plain", &plain));
    repository.tag("v1.1.0", &repository.commit("converted", &converted));
    let mut sums = Vec::new();
    for (transport, order) in [
        (TRANSPORTS[0], ["v1.0.0", "v1.1.0", "v1.0.0"]),
        (TRANSPORTS[1], ["v1.1.0", "v1.0.0", "v1.1.0"]),
    ] {
        let reader = Reader::new(&host, transport);
        for version in order {
            let zip = reader.zip(version).await;
            let (module, checked) = (module(version), zip.clone());
            let checked = tokio::task::spawn_blocking(move || zip::check(&module, &checked)).await;
            checked.unwrap().unwrap();
            sums.push((version, zip.sha256(), zip.size()));
        }
    }
    let of = |version: &str| -> HashSet<String> {
        let of_it = sums.iter().filter(|(of, ..)| *of == version);
        of_it.map(|(_, sum, _)| sum.to_string()).collect()
    };
    assert_eq!((of("v1.0.0").len(), of("v1.1.0").len()), (1, 1), "{sums:?}");
    assert!(of("v1.0.0").is_disjoint(&of("v1.1.0")));
    // The noise is stored, and the five megabytes of one letter are not.
    assert!(
        sums.iter().all(|(_, _, size)| (300_000..400_000).contains(size)),
        "{sums:?}"
    );
}
