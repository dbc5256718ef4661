//! The master goes down and a sentinel makes its replica the next one: leases are had there, those that were held too.

use super::leases;
use proxy_core::{
    lease::{DEAD_AFTER, Leases},
    module::ModuleVersion,
};
use std::{
    io::{Read, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    thread::sleep,
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::{port::Port, skip_or_fail};
use tokio::time::timeout;

/// Only ends what hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// One server on a port of its own; killed when dropped.
struct Server {
    port: Port,
    child: Child,
    _folder: TempDir,
}

impl Server {
    fn start(settings: &str, arguments: &[&str]) -> std::io::Result<Self> {
        let (port, folder) = (Port::reserve(), tempfile::tempdir()?);
        let file = folder.path().join("redis.conf");
        let text = format!(
            "bind 127.0.0.1\nport {}\ndir {}\nsave \"\"\nappendonly no\n{settings}",
            port.number(),
            folder.path().display()
        );
        std::fs::write(&file, text)?;
        let child = Command::new("redis-server")
            .arg(&file)
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()?;
        let server = Self {
            port,
            child,
            _folder: folder,
        };
        server.wait_for("PING", "PONG");
        Ok(server)
    }

    /// What it answers to one line.
    fn ask(&self, line: &str) -> std::io::Result<String> {
        let mut stream = TcpStream::connect(self.port.address())?;
        stream.set_read_timeout(Some(LIMIT))?;
        stream.write_all(format!("{line}\r\n").as_bytes())?;
        // Its answers are short and come in one piece; if one does not, it is asked again.
        let mut answer = [0; 16 << 10];
        let length = stream.read(&mut answer)?;
        Ok(String::from_utf8_lossy(&answer[..length]).into_owned())
    }

    fn wait_for(&self, line: &str, part: &str) {
        let deadline = Instant::now() + LIMIT;
        loop {
            let answer = self.ask(line);
            if answer.as_ref().is_ok_and(|answer| answer.contains(part)) {
                return;
            }
            assert!(Instant::now() < deadline, "{line}: {answer:?}, not {part}");
            sleep(Duration::from_millis(50));
        }
    }

    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may be gone already, and then there is nothing to end.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn module(version: &str) -> ModuleVersion {
    ModuleVersion::parse("example.com/m", version).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_next_master_keeps_what_was_held_and_gives_what_is_free() {
    let mut master = match Server::start("", &[]) {
        Ok(server) => server,
        Err(why) => skip_or_fail!("redis-server cannot be started: {why}"),
    };
    let port = master.port.number();
    let replica = Server::start(&format!("replicaof 127.0.0.1 {port}\n"), &[]).unwrap();
    let replica_port = replica.port.number().to_string();
    replica.wait_for("INFO replication", "master_link_status:up");
    let sentinel = Server::start(
        &format!(
            "sentinel monitor stoa 127.0.0.1 {port} 1\nsentinel down-after-milliseconds stoa 1000\n\
             sentinel failover-timeout stoa 5000\n"
        ),
        &["--sentinel"],
    )
    .unwrap();
    sentinel.wait_for("SENTINEL replicas stoa", &replica_port);

    let url = format!("redis+sentinel://{}/stoa", sentinel.port.address());
    let (node, other) = (leases(&url, DEAD_AFTER), leases(&url, DEAD_AFTER));
    let held = node.acquire(&module("v1.0.0")).await;
    replica.wait_for("DBSIZE", ":2");
    master.kill();
    sentinel.wait_for("SENTINEL get-master-addr-by-name stoa", &replica_port);
    replica.wait_for("INFO replication", "role:master");

    let wanted = module("v1.0.0");
    assert!(
        timeout(Duration::from_secs(3), other.acquire(&wanted))
            .await
            .is_err(),
        "what is held is held at the next master too"
    );
    let again = node.acquire(&module("v1.0.1")).await;
    let wanted = module("v1.0.1");
    assert!(
        timeout(Duration::from_secs(3), other.acquire(&wanted))
            .await
            .is_err(),
        "the next master gives leases for good"
    );
    drop((held, again));
    for version in ["v1.0.0", "v1.0.1"] {
        drop(timeout(LIMIT, other.acquire(&module(version))).await.unwrap());
    }
}
