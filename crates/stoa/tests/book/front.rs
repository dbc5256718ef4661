//! The front server of the book: nginx with the configuration as it stands there, in front of two nodes.
//!
//! Names of hosts and files are those of this test; nothing else is changed.

use crate::{
    blocks::{Trial, blocks},
    pages,
    reader::program,
};
use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};
use tempfile::TempDir;
use testkit::{
    certificates::TestAuthority,
    client::{Answer, Ask, block_on},
    module::fixtures,
    port::Port,
    proxy::FakeUpstream,
    skip_or_fail,
    stoa::Stoa,
};

/// An nginx that ends when this is dropped.
struct Nginx(Child);

impl Nginx {
    fn start(folder: &Path, server: &str) -> Option<Self> {
        let here = folder.display();
        let all = format!(
            "daemon off; master_process off; pid {here}/pid; error_log stderr;\nevents {{}}\nhttp {{\n\
             access_log off;\nclient_body_temp_path {here}/body; proxy_temp_path {here}/proxy;\n\
             fastcgi_temp_path {here}/fastcgi; uwsgi_temp_path {here}/uwsgi; scgi_temp_path {here}/scgi;\n{server}}}\n"
        );
        let file = folder.join("nginx.conf");
        fs::write(&file, all).expect("a file can be written");
        let mut nginx = Command::new("nginx");
        nginx.arg("-p").arg(folder).arg("-c").arg(&file);
        nginx.stdin(Stdio::null()).spawn().ok().map(Self)
    }
}

impl Drop for Nginx {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn configuration() -> String {
    let pages = pages();
    let mut found = pages.iter().flat_map(|(_, text)| blocks(text));
    let front = found.find(|block| block.trial() == Ok(Trial::Front));
    front.expect("the book shows a front server").text
}

#[test]
fn the_front_server_of_the_book_changes_nothing() {
    let folder = TempDir::with_prefix("stoa-front-").expect("a folder can be made");
    let upstream = FakeUpstream::serving(fixtures());
    let node = || {
        let stoa = Stoa::new(program()).upstream(&upstream.url());
        stoa.start()
    };
    let (first, second) = (node(), node());
    let authority = TestAuthority::new();
    let pem = authority.issue(&["localhost"]);
    let (certificate, key) = (folder.path().join("pem"), folder.path().join("key"));
    fs::write(&certificate, pem.certificate).expect("a file can be written");
    fs::write(&key, pem.key).expect("a file can be written");
    let port = Port::reserve();
    let mut server = configuration();
    for (written, here) in [
        ("10.0.0.11:3000", first.url().replace("http://", "")),
        ("10.0.0.12:3000", second.url().replace("http://", "")),
        ("listen 443 ssl", format!("listen {} ssl", port.address())),
        ("/etc/ssl/go.example.com.pem", certificate.display().to_string()),
        ("/etc/ssl/go.example.com.key", key.display().to_string()),
    ] {
        assert!(server.contains(written), "{written} is not in\n{server}");
        server = server.replace(written, &here);
    }
    let Some(_nginx) = Nginx::start(folder.path(), &server) else {
        skip_or_fail!("there is no nginx here")
    };
    let url = format!("https://localhost:{}", port.number());
    let ask = |path: &str| -> Answer {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let ask = Ask::get(&format!("{url}{path}")).trusting(&authority);
            match block_on(ask.send()) {
                Ok(answer) => return answer,
                Err(error) if Instant::now() > deadline => panic!("{path}: {error}"),
                Err(_) => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    };
    // Escapes, plus signs and percent signs come through as they are; so do statuses, sentences and headers.
    for (path, status) in [
        ("/example.test/!upper/@v/v1.0.0.mod", 200),
        ("/example.test/plain/@v/v2.0.0+incompatible.info", 200),
        ("/example.test/plain/@v/v2.0.0%2Bincompatible.zip", 200),
        ("/example.test/greet/@v/list", 200),
        ("/example.test/nothing/@v/v1.0.0.info", 404),
        ("/readyz", 200),
    ] {
        let (through, direct) = (ask(path), first.get_blocking(path));
        assert_eq!((through.status, direct.status), (status, status), "{path}");
        assert_eq!(through.body, direct.body, "{path}");
        for header in ["cache-control", "etag", "content-type"] {
            assert_eq!(through.header(header), direct.header(header), "{path}: {header}");
        }
    }
    let part = Ask::get(&format!("{url}/example.test/greet/@v/v1.0.0.zip"));
    let part = part.trusting(&authority).header("range", "bytes=0-9");
    let part = block_on(part.send()).expect("an answer");
    assert_eq!((part.status, part.body.len()), (206, 10));
    // The first page tells the name and the scheme by which the client came.
    assert!(ask("/").text().contains(&format!("GOPROXY={url}</code>")));
}
