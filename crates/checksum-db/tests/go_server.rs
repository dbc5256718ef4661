//! The reference database of `golang.org/x/mod`, as a second opinion on what a database is.
//!
//! It is built from the sources that every Go installation ships. What it serves must be believed, proven and kept; what
//! is changed on the way must not.

#![expect(clippy::unwrap_used, reason = "all of this is a test, helpers too")]

use base64::{Engine, prelude::BASE64_STANDARD};
use checksum_db::{Database, DatabaseParts, DatabaseSetting};
use http_client::{Client, Settings};
use proxy_core::{
    checksums::{ChecksumAuthority, ChecksumRelay},
    file::Sha256,
    module::ModuleVersion,
    store::MemoryStore,
};
use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};
use testkit::go::GoCommand;

/// The running server; it ends with its input.
struct Server {
    child: Child,
    setting: String,
}

impl Server {
    fn start(program: &Path) -> Self {
        let mut command = Command::new(program);
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut setting = String::new();
        BufReader::new(child.stdout.take().unwrap())
            .read_line(&mut setting)
            .unwrap();
        Self { child, setting }
    }

    fn database(&self, store: &MemoryStore) -> Database {
        Database::new(DatabaseParts {
            setting: &DatabaseSetting::parse(&self.setting).unwrap().unwrap(),
            chain: &[],
            client: Client::new(&Settings::default()).unwrap(),
            records: Arc::new(store.clone()),
            exempt: Vec::new(),
            absent: Duration::from_secs(30),
            grace: Duration::ZERO,
        })
    }

    fn stop(&mut self) {
        drop(self.child.stdin.take());
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

fn build() -> Option<PathBuf> {
    let go = GoCommand::find()?;
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("sumdb-server");
    fs::create_dir_all(&folder).unwrap();
    let root = go.succeed(&folder, ["env", "GOROOT"]);
    let vendored = Path::new(root.trim()).join("src/cmd/vendor/golang.org/x/mod");
    for package in [
        "sumdb",
        "sumdb/note",
        "sumdb/tlog",
        "module",
        "semver",
        "internal/lazyregexp",
    ] {
        let to = folder.join("mod").join(package);
        fs::create_dir_all(&to).unwrap();
        for entry in fs::read_dir(vendored.join(package)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "go") {
                fs::copy(&path, to.join(path.file_name().unwrap())).unwrap();
            }
        }
    }
    fs::write(folder.join("mod/go.mod"), "module golang.org/x/mod\n\ngo 1.24\n").unwrap();
    let go_mod =
        "module server\n\ngo 1.24\n\nrequire golang.org/x/mod v0.0.0\n\nreplace golang.org/x/mod => ./mod\n";
    fs::write(folder.join("go.mod"), go_mod).unwrap();
    fs::write(folder.join("main.go"), include_str!("go_server/main.go")).unwrap();
    go.succeed(&folder, ["build", "-o", "server", "."]);
    Some(folder.join("server"))
}

fn sum(text: &str) -> String {
    let hash = Sha256::of(text.as_bytes()).0;
    format!("h1:{}", BASE64_STANDARD.encode(hash))
}

#[tokio::test]
async fn the_reference_server_is_believed_and_outlived() {
    let Some(program) = build() else {
        testkit::skip_or_fail!("there is no go command here")
    };
    let mut server = Server::start(&program);
    let store = MemoryStore::new();
    let database = server.database(&store);
    let module = |number| ModuleVersion::parse(&format!("example.test/M{number}"), "v1.2.3-rc.1").unwrap();
    // It records what it is asked for, so the tree grows with each lookup, over the edge of a tile.
    for number in 0..270 {
        let module = module(number);
        let sums = database.sums(&module).await.unwrap().unwrap();
        assert_eq!(sums.zip.to_string(), sum(&format!("zip {}", module.path())));
        assert_eq!(sums.go_mod.to_string(), sum(&format!("mod {}", module.path())));
    }
    let unknown = ModuleVersion::parse("example.test/unknown", "v1.0.0").unwrap();
    assert_eq!(database.sums(&unknown).await.unwrap(), None);
    server.stop();
    let restarted = server.database(&store);
    for number in 0..270 {
        assert!(restarted.sums(&module(number)).await.unwrap().is_some());
        let lookup = restarted
            .read(&format!("lookup/example.test/!m{number}@v1.2.3-rc.1"))
            .await;
        let lookup = String::from_utf8(lookup.unwrap().unwrap().bytes.to_vec()).unwrap();
        assert!(lookup.contains("\ngo.sum database tree\n270\n"), "{lookup}");
    }

    // The same server with another key is another database.
    let mut impostor = Server::start(&program);
    let (_, address) = impostor.setting.split_once(' ').unwrap();
    let (key, _) = server.setting.split_once(' ').unwrap();
    impostor.setting = format!("{key} {address}");
    let error = impostor
        .database(&MemoryStore::new())
        .sums(&module(0))
        .await
        .unwrap_err();
    assert!(error.to_string().contains("was refused"), "{error}");
}
