//! pgbouncer before the test's Postgres: in transaction mode, where each transaction may meet another server process,
//! so that whatever a client leaves in its session is gone or somebody else's.

use super::{
    Environment, Service,
    background::{self, Account, run},
    postgres,
    server::free_ports,
};
use crate::{Failure, programs};
use std::{path::PathBuf, thread, time::Duration};

/// A pooler with few server processes that hands them out in turn.
pub(super) struct PgBouncer;

impl Service for PgBouncer {
    fn name(&self) -> &str {
        "pgbouncer"
    }

    fn is_up(&self) -> bool {
        background::pid(&lock(), "pgbouncer").is_some()
    }

    fn up(&self) -> Result<Environment, Failure> {
        if !self.is_up() {
            start()?;
        }
        let port = background::read(&folder().join("port"))?;
        let name = postgres::NAME;
        let url = format!("postgres://{name}:{name}@127.0.0.1:{port}/{name}");
        Ok(vec![("STOA_TEST_PGBOUNCER".to_owned(), url)])
    }

    fn down(&self) -> Result<(), Failure> {
        if let Some(pid) = background::pid(&lock(), "pgbouncer") {
            background::stop("pgbouncer", pid, "TERM")?;
        }
        Ok(())
    }
}

fn folder() -> PathBuf {
    background::folder("pgbouncer")
}

fn lock() -> PathBuf {
    folder().join("pid")
}

fn start() -> Result<(), Failure> {
    programs::PGBOUNCER.provide()?;
    let server = postgres::port().ok_or("pgbouncer needs postgres, which is not up")?;
    let (folder, name) = (folder(), postgres::NAME);
    let [port] = free_ports()?;
    background::make_anew(&folder)?;
    background::write(&folder.join("users"), &format!("\"{name}\" \"{name}\"\n"))?;
    background::write(&folder.join("port"), &port.to_string())?;
    let settings = format!(
        "[databases]\n\
         * = host=127.0.0.1 port={server}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         auth_type = scram-sha-256\n\
         auth_file = {folder}/users\n\
         pool_mode = transaction\n\
         default_pool_size = 12\n\
         server_round_robin = 1\n\
         max_client_conn = 2000\n\
         logfile = {folder}/log\n\
         pidfile = {folder}/pid\n",
        folder = folder.display()
    );
    background::write(&folder.join("settings"), &settings)?;
    let account = Account::unprivileged("postgres")?;
    account.own(&folder)?;
    run(account
        .command("pgbouncer".as_ref())
        .args(["--daemon", "--quiet"])
        .arg(folder.join("settings")))?;
    // It has gone to the background, and writes its number once it listens.
    for _ in 0..100 {
        if background::pid(&lock(), "pgbouncer").is_some() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Err(format!(
        "pgbouncer did not start: see {}",
        folder.join("log").display()
    ))
}
