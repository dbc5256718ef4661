//! Redis: one server with a password and TLS, one under a sentinel, and a cluster of three; all on free ports of
//! loopback, below `target/services/redis`, stopped by the numbers they wrote down.

use super::{
    Environment, Service,
    background::{self, make_anew, read, write},
    server::free_ports,
};
use crate::{Failure, install::Program, programs::OPENSSL};
use std::{
    fs,
    path::PathBuf,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

const SERVER: Program = Program {
    name: "redis-server",
    probe: &["--version"],
    package: "redis-server",
    purpose: "tests of leases",
};

/// What tests have to say to get in.
const PASSWORD: &str = "secret";

/// A user who may do what leases do and nothing else, so that a command too many shows.
const USER: &str = "user mirror on >pa@ss ~test-*:lease:* ~test-*:fence:* ~stoa:lease:* ~stoa:fence:* \
                    +eval +set +get +incr +pexpire +del +ping +hello +auth +select +client";

/// What each server is told, whatever it is for.
const COMMON: &str = "bind 127.0.0.1\ndaemonize yes\nsave \"\"\nappendonly no\n";

/// The name the sentinel gives to the server it watches.
const MASTER: &str = "stoa";

/// How long something may take to come about, in tenths of a second.
const PATIENCE: usize = 600;

/// All of it.
pub(super) struct Redis;

impl Service for Redis {
    fn name(&self) -> &str {
        "redis"
    }

    fn is_up(&self) -> bool {
        let servers = ["single", "master", "sentinel", "node0", "node1", "node2"];
        environment_file().exists() && servers.into_iter().all(|name| pid(name).is_some())
    }

    fn up(&self) -> Result<Environment, Failure> {
        if !self.is_up() {
            SERVER.provide()?;
            OPENSSL.provide()?;
            self.down()?;
            make_anew(&folder())?;
            let lines = [single()?, sentinel()?, cluster()?].concat();
            write(&environment_file(), &lines.join("\n"))?;
        }
        let text = read(&environment_file())?;
        let variable = |line: &str| {
            line.split_once('=')
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        Ok(text.lines().filter_map(variable).collect())
    }

    fn down(&self) -> Result<(), Failure> {
        let files = fs::read_dir(folder()).into_iter().flatten().flatten();
        let names =
            files.filter_map(|file| file.file_name().to_str()?.strip_suffix(".pid").map(str::to_owned));
        names.into_iter().try_for_each(|name| stop(&name))
    }
}

/// One server, with and without TLS.
fn single() -> Result<Vec<String>, Failure> {
    let [port, tls] = free_ports()?;
    let at = |name: &str| folder().join(name).display().to_string();
    certificates()?;
    start(
        "single",
        &format!(
            "port {port}\ntls-port {tls}\nrequirepass {PASSWORD}\n{USER}\ntls-auth-clients no\n\
             tls-ca-cert-file {}\ntls-cert-file {}\ntls-key-file {}\n",
            at("ca.pem"),
            at("server.pem"),
            at("server.key")
        ),
        port,
    )?;
    Ok(vec![
        format!("STOA_TEST_REDIS=redis://:{PASSWORD}@127.0.0.1:{port}"),
        format!(
            "STOA_TEST_REDIS_TLS=rediss://mirror:pa%40ss@127.0.0.1:{tls}?ca={}",
            at("ca.pem")
        ),
    ])
}

/// A server, and a sentinel that knows where it is.
fn sentinel() -> Result<Vec<String>, Failure> {
    let [port, watch] = free_ports()?;
    start("master", &format!("port {port}\nrequirepass {PASSWORD}\n"), port)?;
    start(
        "sentinel",
        &format!(
            "port {watch}\nsentinel monitor {MASTER} 127.0.0.1 {port} 1\nsentinel auth-pass {MASTER} {PASSWORD}\n"
        ),
        watch,
    )?;
    Ok(vec![format!(
        "STOA_TEST_REDIS_SENTINEL=redis+sentinel://:{PASSWORD}@127.0.0.1:{watch}/{MASTER}"
    )])
}

/// Three nodes that share the slots among them.
fn cluster() -> Result<Vec<String>, Failure> {
    const SLOTS: u16 = 16384;
    let ports: [u16; 6] = free_ports()?;
    let nodes: Vec<(u16, u16)> = (0..3).map(|node| (ports[node], ports[node + 3])).collect();
    for (number, (port, bus)) in nodes.iter().enumerate() {
        let settings = format!(
            "port {port}\ncluster-enabled yes\ncluster-port {bus}\ncluster-config-file node{number}.nodes\n\
             requirepass {PASSWORD}\nmasterauth {PASSWORD}\n"
        );
        start(&format!("node{number}"), &settings, *port)?;
        let share = |part: u16| (u32::from(SLOTS) * u32::from(part) / 3).to_string();
        let part = number as u16;
        let last = (share(part + 1).parse::<u32>().unwrap_or_default() - 1).to_string();
        ask(*port, &["cluster", "set-config-epoch", &(number + 1).to_string()])?;
        ask(*port, &["cluster", "addslotsrange", &share(part), &last])?;
    }
    for (port, bus) in &nodes[1..] {
        ask(
            nodes[0].0,
            &[
                "cluster",
                "meet",
                "127.0.0.1",
                &port.to_string(),
                &bus.to_string(),
            ],
        )?;
    }
    for (port, _) in &nodes {
        until("the cluster agrees", || {
            let state = ask(*port, &["cluster", "info"]).unwrap_or_default();
            let known = ask(*port, &["cluster", "nodes"]).unwrap_or_default();
            state.contains("cluster_state:ok") && known.lines().count() == nodes.len()
        })?;
    }
    let hosts: Vec<String> = nodes
        .iter()
        .map(|(port, _)| format!("127.0.0.1:{port}"))
        .collect();
    Ok(vec![format!(
        "STOA_TEST_REDIS_CLUSTER=redis+cluster://:{PASSWORD}@{}",
        hosts.join(",")
    )])
}

/// An authority, and a certificate of it for loopback.
fn certificates() -> Result<(), Failure> {
    let key = [
        "-newkey",
        "ec",
        "-pkeyopt",
        "ec_paramgen_curve:P-256",
        "-nodes",
        "-days",
        "3650",
    ];
    write(&folder().join("names"), "subjectAltName=IP:127.0.0.1\n")?;
    let authority = [
        "-x509",
        "-subj",
        "/CN=Stoa test authority",
        "-keyout",
        "ca.key",
        "-out",
        "ca.pem",
    ];
    let request = [
        "-subj",
        "/CN=127.0.0.1",
        "-keyout",
        "server.key",
        "-out",
        "server.csr",
    ];
    let signed = "x509 -req -in server.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile names -days 3650 -out server.pem";
    run(Command::new("openssl").arg("req").args(key).args(authority))?;
    run(Command::new("openssl").arg("req").args(&key[..5]).args(request))?;
    run(Command::new("openssl").args(signed.split(' '))).map(drop)
}

/// Starts one server, which goes into the background when it is ready, and waits until it answers.
fn start(name: &str, settings: &str, port: u16) -> Result<(), Failure> {
    let at = |end: &str| folder().join(format!("{name}.{end}")).display().to_string();
    let text = format!(
        "{COMMON}dir {}\npidfile {}\nlogfile {}\n{settings}",
        folder().display(),
        at("pid"),
        at("log")
    );
    let file = folder().join(format!("{name}.conf"));
    write(&file, &text)?;
    let mut server = Command::new(SERVER.name);
    server.arg(&file);
    if name == "sentinel" {
        server.arg("--sentinel");
    }
    run(&mut server)?;
    until(&format!("redis ({name}) answers"), || {
        ask(port, &["ping"]).is_ok_and(|answer| answer.contains("PONG"))
    })
}

/// Stops one server by its number, at once: what it holds is for tests.
fn stop(name: &str) -> Result<(), Failure> {
    pid(name).map_or(Ok(()), |pid| {
        background::stop(&format!("redis ({name})"), pid, "KILL")
    })
}

/// The number of the process that wrote this file, if it runs.
fn pid(name: &str) -> Option<u32> {
    background::pid(&folder().join(format!("{name}.pid")), "redis")
}

/// Says something to one server; the sentinel lets everybody in.
fn ask(port: u16, words: &[&str]) -> Result<String, Failure> {
    let mut client = Command::new("redis-cli");
    client.args([
        "-h",
        "127.0.0.1",
        "-p",
        &port.to_string(),
        "-e",
        "--no-auth-warning",
    ]);
    client.env("REDISCLI_AUTH", PASSWORD);
    run(client.args(words))
}

/// Runs a program in the folder to its end; what it printed.
fn run(command: &mut Command) -> Result<String, Failure> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.current_dir(folder()).stdin(Stdio::null()).output();
    let output = output.map_err(|error| format!("{name} cannot be started: {error}"))?;
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    if output.status.success() {
        return Ok(printed);
    }
    Err(format!(
        "{name} failed: {printed}{}",
        String::from_utf8_lossy(&output.stderr)
    ))
}

fn until(what: &str, is_so: impl Fn() -> bool) -> Result<(), Failure> {
    for _ in 0..PATIENCE {
        if is_so() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(100));
    }
    Err(format!("it did not come about that {what}"))
}

fn folder() -> PathBuf {
    background::folder("redis")
}

fn environment_file() -> PathBuf {
    folder().join("environment")
}
