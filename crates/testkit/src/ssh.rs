//! An ssh host on loopback: a real `sshd` with keys and a configuration of its own, as the user who runs the tests.
//!
//! Each connection is handed to an `sshd` that serves it and ends, so there is no port to agree on and no daemon to
//! look after. It lets one key in, and shows another one of its own when it is told to.

use crate::git::Repository;
use std::{
    fs,
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    os::fd::OwnedFd,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};
use tempfile::TempDir;

/// An ssh host that serves the git repositories in its folder for as long as the test runs.
#[derive(Debug)]
pub struct SshHost {
    folder: TempDir,
    address: SocketAddr,
    user: String,
    /// The key that it shows to whoever connects next.
    shows: Arc<Mutex<PathBuf>>,
}

/// An agent that holds a key; it ends when it is dropped.
#[derive(Debug)]
pub struct Agent {
    process: Child,
    socket: PathBuf,
}

/// Where `sshd` is where it is in nobody's search path.
const PROGRAMS: &[&str] = &["/usr/sbin/sshd", "/usr/local/sbin/sshd", "/sbin/sshd"];
/// The folder that `sshd` shuts its unprivileged half into when it is started by the superuser.
const PRIVILEGE_SEPARATION: &str = "/run/sshd";

impl SshHost {
    /// A host without repositories; `None` where `sshd` or its tools are not installed.
    pub fn start() -> Option<Self> {
        let sshd = PROGRAMS.iter().map(Path::new).find(|program| program.is_file())?;
        let folder = TempDir::with_prefix("stoa-ssh-").expect("a folder can be made");
        for key in ["host", "other-host", "user"] {
            make_key(&folder.path().join(key), "")?;
        }
        let user = Command::new("id").arg("-un").output().ok()?;
        let user = String::from_utf8_lossy(&user.stdout).trim().to_owned();
        if rustix::process::geteuid().is_root() {
            fs::create_dir_all(PRIVILEGE_SEPARATION).expect("the superuser can make a folder");
        }
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a loopback port can be bound");
        let address = listener.local_addr().expect("a bound socket has an address");
        let shows = Arc::new(Mutex::new(folder.path().join("host")));
        let (showing, program, place) = (Arc::clone(&shows), sshd.to_owned(), folder.path().to_owned());
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let key = showing.lock().expect("no holder panics").clone();
                serve(&program, &place, &key, connection);
            }
        });
        Some(Self {
            folder,
            address,
            user,
            shows,
        })
    }

    /// Makes a repository of this name.
    pub fn repository(&self, name: &str) -> Repository {
        Repository::create(&self.folder.path().join("repositories").join(name))
    }

    /// The address of a repository of this name, whether there is one or not.
    pub fn repository_url(&self, name: &str) -> String {
        let path = self.folder.path().join("repositories").join(name);
        format!("ssh://{}@{}{}", self.user, self.address, path.display())
    }

    /// The private key that it lets in.
    pub fn key(&self) -> PathBuf {
        self.folder.path().join("user")
    }

    /// The same key, which opens to a passphrase alone.
    pub fn locked_key(&self) -> PathBuf {
        let locked = self.folder.path().join("locked");
        fs::copy(self.key(), &locked).expect("a file can be copied");
        let mut command = Command::new("ssh-keygen");
        command
            .args(["-q", "-p", "-P", "", "-N", "a passphrase", "-f"])
            .arg(&locked);
        assert!(quiet(command), "ssh-keygen locks a key");
        locked
    }

    /// The line by which `known_hosts` knows its first key.
    pub fn known_hosts_line(&self) -> String {
        let public = fs::read_to_string(self.folder.path().join("host.pub")).expect("it was made");
        let mut words = public.split(' ');
        let (kind, key) = (words.next().unwrap_or(""), words.next().unwrap_or(""));
        format!("[{}]:{} {kind} {key}", self.address.ip(), self.address.port())
    }

    /// Shows another key from now on, as an impostor would.
    pub fn change_host_key(&self) {
        *self.shows.lock().expect("no holder panics") = self.folder.path().join("other-host");
    }

    /// An agent that holds the key it lets in; `None` where there is none to start.
    pub fn agent(&self) -> Option<Agent> {
        let socket = self.folder.path().join("agent");
        let mut command = Command::new("ssh-agent");
        command.arg("-D").arg("-a").arg(&socket).stdout(Stdio::null());
        let agent = Agent {
            process: command.spawn().ok()?,
            socket,
        };
        let deadline = Instant::now() + Duration::from_secs(20);
        while !agent.socket.exists() && Instant::now() < deadline {
            thread::sleep(Duration::from_millis(5));
        }
        let mut add = Command::new("ssh-add");
        add.arg("-q").arg(self.key()).env("SSH_AUTH_SOCK", &agent.socket);
        quiet(add).then_some(agent)
    }
}

impl Agent {
    /// What `SSH_AUTH_SOCK` is to say.
    pub fn socket(&self) -> &Path {
        &self.socket
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        // It may have ended before; then there is nothing to kill, and waiting only collects it.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Makes a key without a passphrase, or with one.
fn make_key(file: &Path, passphrase: &str) -> Option<()> {
    let mut command = Command::new("ssh-keygen");
    command
        .args(["-q", "-t", "ed25519", "-C", "", "-N", passphrase, "-f"])
        .arg(file);
    quiet(command).then_some(())
}

fn quiet(mut command: Command) -> bool {
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}

/// Lets an `sshd` of its own have the connection.
fn serve(program: &Path, place: &Path, host_key: &Path, connection: TcpStream) {
    let option = |text: String| ["-o".to_owned(), text];
    let options = [
        format!("HostKey={}", host_key.display()),
        format!("AuthorizedKeysFile={}", place.join("user.pub").display()),
        "PidFile=none".to_owned(),
        "UsePAM=no".to_owned(),
        "StrictModes=no".to_owned(),
        "PermitRootLogin=yes".to_owned(),
        "PasswordAuthentication=no".to_owned(),
        "KbdInteractiveAuthentication=no".to_owned(),
        "AcceptEnv=GIT_PROTOCOL".to_owned(),
    ];
    let mut command = Command::new(program);
    command
        .args(["-i", "-f", "/dev/null", "-E"])
        .arg(place.join("log"));
    command.args(options.into_iter().flat_map(option));
    let Ok(input) = connection.try_clone() else { return };
    command
        .stdin(Stdio::from(OwnedFd::from(input)))
        .stdout(Stdio::from(OwnedFd::from(connection)))
        .stderr(Stdio::null());
    if let Ok(mut child) = command.spawn() {
        thread::spawn(move || child.wait());
    }
}
