//! A socket in the file system instead of a port.

use crate::stoa;
use testkit::client::{Ask, block_on};

#[test]
fn a_socket_serves_and_is_removed() {
    let setup = stoa()
        .environment("STOA_LISTEN", "unix:stoa.sock")
        .listening_by_itself();
    let socket = setup.folder().join("stoa.sock");
    // What a process that was killed left behind is no obstacle.
    drop(std::os::unix::net::UnixListener::bind(&socket).expect("a socket"));
    let server = setup.spawn();
    server.wait_for_log("listen     unix:stoa.sock");
    let ask = || Ask::get("http://localhost/version").over_socket(&socket).send();
    let answer = block_on(ask()).expect("an answer");
    assert_eq!(answer.status, 200);
    let finished = setup.run(["health"]);
    assert_eq!(finished.code, 0, "{finished}");
    let second = setup.run(["serve"]);
    assert_eq!(second.code, 69, "{second}");
    assert!(second.stderr.contains("unix:stoa.sock is in use"), "{second}");
    let (status, log) = server.stop();
    assert!(status.success() && log.contains("remote=unix"), "{log}");
    assert!(!socket.exists(), "the name went with the server");
    assert!(!log.contains("go env -w"), "go cannot use a socket: {log}");
}
