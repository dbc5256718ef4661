//! Postgres for tests: the servers that `cargo xtask services up` started, and clusters of a test's own.

use crate::{port::Port, process};
use std::{
    env, fs,
    os::unix::{fs::chown, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// The shared servers, and a schema that no other test uses.
///
/// The variables are those that `cargo xtask services up` prints; a test that finds them missing is skipped.
#[derive(Clone, Debug)]
pub struct Servers {
    /// The server itself, as a URL without parameters.
    pub direct: String,
    /// The same behind pgbouncer in transaction mode.
    pub pooled: String,
    /// The certificate of the authority that issued the server's.
    pub authority: PathBuf,
}

impl Servers {
    /// Finds the servers, or says what is missing.
    #[expect(
        clippy::disallowed_methods,
        reason = "where servers are is no setting of the program, and tests have no configuration"
    )]
    pub fn find() -> Result<Self, String> {
        let find = |name: &str| {
            env::var(name)
                .map_err(|_| format!("{name} is not set: `cargo xtask services up` starts the servers"))
        };
        Ok(Self {
            direct: find("STOA_TEST_POSTGRES")?,
            pooled: find("STOA_TEST_PGBOUNCER")?,
            authority: find("STOA_TEST_POSTGRES_AUTHORITY")?.into(),
        })
    }
}

/// A word that no other test uses, for a schema of one's own.
pub fn fresh_word() -> String {
    use std::{
        process,
        sync::atomic::{AtomicU32, Ordering},
        time::{SystemTime, UNIX_EPOCH},
    };
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let time = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |since| since.as_millis());
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("test_{time}_{}_{count}", process::id())
}

/// A server of a test's own, in a folder of its own, to be killed and started again. It is stopped when it is dropped.
///
/// It trusts whoever connects: only this machine can.
#[derive(Debug)]
pub struct Cluster {
    programs: PathBuf,
    account: Option<(u32, u32)>,
    port: Port,
    server: Option<Child>,
    /// Goes last.
    folder: TempDir,
}

/// How long a server may take to start and to stop; it only ends what hangs.
const TIME_LIMIT: Duration = Duration::from_secs(60);

impl Cluster {
    /// Makes a cluster and starts it, or says what is missing.
    pub fn start() -> Result<Self, String> {
        let programs = programs().ok_or("there is no Postgres server here")?;
        let mut cluster = Self {
            programs,
            account: account()?,
            port: Port::reserve(),
            server: None,
            folder: TempDir::with_prefix("stoa-postgres-").map_err(|error| error.to_string())?,
        };
        if let Some((user, group)) = cluster.account {
            chown(cluster.folder.path(), Some(user), Some(group)).map_err(|error| error.to_string())?;
        }
        let mut initdb = cluster.command("initdb");
        initdb.args([
            "--username=stoa",
            "--auth=trust",
            "--no-sync",
            "--encoding=UTF8",
            "--pgdata",
        ]);
        initdb.arg(cluster.folder.path().join("data"));
        let made = initdb
            .output()
            .map_err(|error| format!("initdb cannot be started: {error}"))?;
        if !made.status.success() {
            return Err(format!(
                "initdb failed: {}",
                String::from_utf8_lossy(&made.stderr)
            ));
        }
        cluster.start_again();
        Ok(cluster)
    }

    /// Where it is, as a URL without parameters.
    pub fn url(&self) -> String {
        format!("postgres://stoa@{}/postgres", self.port.address())
    }

    /// Stops it as a crash does: no client is waited for, and nothing is tidied up.
    pub fn crash(&mut self) {
        if let Some(mut server) = self.server.take() {
            // To the one process; its children see that it is gone.
            process::quit(&server).expect("it is ours to stop");
            server.wait().expect("it was started");
        }
    }

    /// Starts it on what it left.
    pub fn start_again(&mut self) {
        let mut server = self.command("postgres");
        server.arg("-D").arg(self.folder.path().join("data"));
        server.args(["-h", "127.0.0.1", "-k", "", "-p", &self.port.number().to_string()]);
        // The machine stays on, so what the kernel was told is not lost.
        server.args(["-c", "fsync=off", "-c", "max_connections=50"]);
        self.server = Some(server.spawn().expect("a program that is there starts"));
        let deadline = Instant::now() + TIME_LIMIT;
        while !self.is_ready() {
            assert!(Instant::now() < deadline, "the server does not start");
            thread::sleep(Duration::from_millis(50));
        }
    }

    fn is_ready(&self) -> bool {
        let mut ready = self.command("pg_isready");
        ready.args(["-h", "127.0.0.1", "-p", &self.port.number().to_string()]);
        ready.status().is_ok_and(|status| status.success())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command
            .current_dir("/")
            .stdin(Stdio::null())
            .stdout(Stdio::null());
        if program != "initdb" {
            command.stderr(Stdio::null());
        }
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        command
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.crash();
    }
}

/// The programs of the newest version that Debian's packages have put here.
fn programs() -> Option<PathBuf> {
    let installed = Path::new("/usr/lib/postgresql");
    let version = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let newest = fs::read_dir(installed)
        .ok()?
        .flatten()
        .filter_map(version)
        .max()?;
    let programs = installed.join(newest.to_string()).join("bin");
    programs.join("initdb").is_file().then_some(programs)
}

/// Postgres refuses to be run by root; then it runs as the user whom its package made.
fn account() -> Result<Option<(u32, u32)>, String> {
    if rustix::process::geteuid().as_raw() != 0 {
        return Ok(None);
    }
    let accounts = fs::read_to_string("/etc/passwd").map_err(|error| error.to_string())?;
    let fields = accounts
        .lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|fields| fields[0] == "postgres");
    let ids = fields.and_then(|fields| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)));
    ids.map(Some)
        .ok_or_else(|| "there is no user postgres".to_owned())
}
