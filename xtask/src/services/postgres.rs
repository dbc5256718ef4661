//! Postgres: a private cluster under `target/services`, with TLS and a certificate of its own, on a free port of
//! loopback.
//!
//! It is made anew each time it is started and runs as an ordinary user, since Postgres refuses to be run by root.

use super::{
    Environment, Service,
    background::{self, Account, run},
    server::free_ports,
};
use crate::{Failure, install, programs};
use std::{
    fs,
    net::{Ipv4Addr, TcpStream},
    path::{Path, PathBuf},
    process::Command,
};

/// A server with one role, which owns one database and may make more.
pub(super) struct Postgres;

/// Where Debian puts the server's programs: below the number of a version.
const INSTALLED: &str = "/usr/lib/postgresql";

/// The role, its password and its database; nobody but this machine can reach them.
pub(super) const NAME: &str = "stoa";

/// What a test server may leave out: it is thrown away if the machine fails. A process that is killed costs it nothing.
const SETTINGS: &str = "\
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 400
fsync = off
full_page_writes = off
autovacuum = on
ssl = on
ssl_cert_file = '../server.pem'
ssl_key_file = '../server.key'
";

impl Service for Postgres {
    fn name(&self) -> &str {
        "postgres"
    }

    fn is_up(&self) -> bool {
        port().is_some()
    }

    fn up(&self) -> Result<Environment, Failure> {
        let port = match port() {
            Some(port) => port,
            None => start()?,
        };
        let url = format!("postgres://{NAME}:{NAME}@127.0.0.1:{port}/{NAME}");
        let authority = folder().join("authority.pem").display().to_string();
        Ok(vec![
            ("STOA_TEST_POSTGRES".to_owned(), url),
            ("STOA_TEST_POSTGRES_AUTHORITY".to_owned(), authority),
        ])
    }

    fn down(&self) -> Result<(), Failure> {
        if let Some(pid) = background::pid(&folder().join("data/postmaster.pid"), "postgres") {
            // Not to wait for clients: whatever the tests left connected is of no use any more.
            background::stop("postgres", pid, "INT")?;
        }
        Ok(())
    }
}

/// The port of the server that runs, if one does.
pub(super) fn port() -> Option<u16> {
    let lock = folder().join("data/postmaster.pid");
    background::pid(&lock, "postgres")?;
    // Its lines are the process, the folder, the time and the port. The number may be another process' by now.
    let port = fs::read_to_string(lock).ok()?.lines().nth(3)?.parse().ok()?;
    TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok().map(|_| port)
}

fn folder() -> PathBuf {
    background::folder("postgres")
}

/// Makes a cluster and starts it; gives its port.
fn start() -> Result<u16, Failure> {
    if programs_folder().is_none() {
        install::package("postgresql", "the server of tests of the Postgres store")?;
    }
    let programs = programs_folder().ok_or("the package postgresql brought no server")?;
    programs::OPENSSL.provide()?;
    let folder = folder();
    let [port] = free_ports()?;
    background::make_anew(&folder)?;
    certificates(&folder)?;
    background::write(&folder.join("password"), NAME)?;
    let account = Account::unprivileged("postgres")?;
    account.own(&folder)?;
    let data = folder.join("data");
    let mut initdb = account.command(&programs.join("initdb"));
    initdb
        .arg("--pgdata")
        .arg(&data)
        .args(["--username=postgres", "--auth=scram-sha-256"]);
    initdb.args(["--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]);
    initdb.arg("--pwfile").arg(folder.join("password"));
    run(&mut initdb)?;
    background::append(
        &data.join("postgresql.conf"),
        &format!("{SETTINGS}port = {port}\n"),
    )?;
    let mut start = account.command(&programs.join("pg_ctl"));
    start.args(["start", "--wait", "--silent", "--pgdata"]).arg(&data);
    start.arg("--log").arg(folder.join("log"));
    run(&mut start).map_err(|why| format!("{why}: see {}", folder.join("log").display()))?;
    let mut psql = Command::new(programs.join("psql"));
    psql.env("PGPASSWORD", NAME);
    psql.args([
        "--no-psqlrc",
        "--quiet",
        "--host=127.0.0.1",
        "--username=postgres",
    ]);
    psql.arg(format!("--port={port}"));
    psql.args([
        "--command",
        &format!("CREATE ROLE {NAME} LOGIN CREATEDB PASSWORD '{NAME}'"),
    ]);
    psql.args(["--command", &format!("CREATE DATABASE {NAME} OWNER {NAME}")]);
    run(&mut psql)?;
    Ok(port)
}

/// The programs of the newest version there is.
fn programs_folder() -> Option<PathBuf> {
    let versions = fs::read_dir(INSTALLED).ok()?;
    let version = |entry: fs::DirEntry| entry.file_name().to_str()?.parse::<u32>().ok();
    let newest = versions.flatten().filter_map(version).max()?;
    let programs = Path::new(INSTALLED).join(newest.to_string()).join("bin");
    programs.join("initdb").is_file().then_some(programs)
}

/// An authority, and a certificate that it issued to this machine's own name and address.
fn certificates(folder: &Path) -> Result<(), Failure> {
    let openssl = |arguments: &[&str]| run(Command::new("openssl").args(arguments).current_dir(folder));
    let key = ["-newkey", "rsa:2048", "-nodes", "-days", "30"];
    let authority = [
        "req",
        "-x509",
        "-subj",
        "/CN=Stoa test authority",
        "-keyout",
        "authority.key",
    ];
    openssl(&[&authority[..], &["-out", "authority.pem"], &key].concat())?;
    let server = [
        "req",
        "-subj",
        "/CN=localhost",
        "-keyout",
        "server.key",
        "-out",
        "server.csr",
    ];
    openssl(&[&server[..], &key[..3]].concat())?;
    background::write(
        &folder.join("server.ext"),
        "basicConstraints = CA:FALSE\nsubjectAltName = DNS:localhost, IP:127.0.0.1\n",
    )?;
    let sign = [
        "x509",
        "-req",
        "-in",
        "server.csr",
        "-CA",
        "authority.pem",
        "-CAkey",
        "authority.key",
    ];
    let signed = [
        "-CAcreateserial",
        "-extfile",
        "server.ext",
        "-days",
        "30",
        "-out",
        "server.pem",
    ];
    openssl(&[&sign[..], &signed].concat())
}
