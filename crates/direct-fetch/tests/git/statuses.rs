//! What a host's answers mean: settled, or trouble. Trouble is never absence.

use super::house::{BOTH, open, settings, source};
use direct_fetch::git::{Git, TransportChoice};
use proxy_core::upstream::{FetchContext, UpstreamError};
use std::{
    io::{Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};
use tempfile::TempDir;
use testkit::skip_or_fail;

/// What a host sends: these bytes, and then nothing more, with the connection closed or held.
#[derive(Clone, Debug)]
pub(crate) enum Answer {
    Bytes(Vec<u8>),
    Hang(Vec<u8>),
}

/// A host that answers what it is told to.
pub(crate) struct Host {
    address: SocketAddr,
    asked: Arc<AtomicUsize>,
    hung_up: Arc<AtomicUsize>,
}

impl Host {
    pub(crate) fn answering(answers: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = Self {
            address: listener.local_addr().unwrap(),
            asked: Arc::default(),
            hung_up: Arc::default(),
        };
        let (asked, hung_up) = (Arc::clone(&host.asked), Arc::clone(&host.hung_up));
        // It serves for as long as the test runs.
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if let Some(mut hanging) = answer(stream, &answers, &asked) {
                    let hung_up = Arc::clone(&hung_up);
                    thread::spawn(move || {
                        while let Ok(1..) = hanging.read(&mut [0; 64]) {}
                        hung_up.fetch_add(1, Ordering::Relaxed);
                    });
                }
            }
        });
        host
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/r", self.address)
    }

    /// How many requests came.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::Relaxed)
    }

    /// How many clients that were left hanging have hung up.
    pub(crate) fn hung_up(&self) -> usize {
        self.hung_up.load(Ordering::Relaxed)
    }
}

fn answer(
    mut stream: TcpStream,
    answers: &impl Fn(&str) -> Answer,
    asked: &AtomicUsize,
) -> Option<TcpStream> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte).ok()? == 0 {
            return None;
        }
        head.push(byte[0]);
    }
    asked.fetch_add(1, Ordering::Relaxed);
    let head = String::from_utf8_lossy(&head).to_ascii_lowercase();
    let length = head
        .split("content-length: ")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    let mut body = vec![0; length.and_then(|length| length.trim().parse().ok()).unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    match answers(&head) {
        Answer::Bytes(bytes) => {
            let _hung_up = stream.write_all(&bytes).is_err();
            None
        }
        Answer::Hang(bytes) => {
            stream.write_all(&bytes).ok()?;
            Some(stream)
        }
    }
}

/// An answer with this status and these headers.
pub(crate) fn status(status: u16, headers: &str) -> Answer {
    Answer::Bytes(
        format!("HTTP/1.1 {status} Whatever\r\nContent-Length: 0\r\nConnection: close\r\n{headers}\r\n")
            .into_bytes(),
    )
}

/// An answer of the smart protocol with this body.
pub(crate) fn smart(kind: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/x-git-upload-pack-{kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    )
    .into_bytes();
    answer.extend_from_slice(body);
    answer
}

/// Asks for the versions, by either transport, with this much patience.
async fn versions(url: &str, silence: Duration) -> Vec<(TransportChoice, Result<(), UpstreamError>)> {
    let mut outcomes = Vec::new();
    for transport in BOTH {
        let folder = TempDir::new().unwrap();
        let mut settings = settings(&folder.path().join("cache"), transport);
        settings.silence = silence;
        let listed = open(settings)
            .versions(&source(url), &FetchContext::default())
            .await;
        outcomes.push((transport, listed.map(drop)));
    }
    outcomes
}

const PATIENT: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread")]
async fn only_what_an_authority_settled_is_absence() {
    if !testkit::git::is_here() {
        skip_or_fail!("there is no git here")
    }
    for (of_refs, of_page, absent) in [
        (404, 404, true),
        (410, 404, true),
        (401, 404, true),
        (401, 200, false),
        (401, 500, false),
        (403, 200, false),
        (429, 404, false),
        (500, 404, false),
        (503, 404, false),
    ] {
        let host = Host::answering(move |head| {
            let of_refs = if head.contains("/info/refs") {
                of_refs
            } else {
                of_page
            };
            // A host that says when to come back is not asked again in between.
            status(
                of_refs,
                if matches!(of_refs, 429 | 503) {
                    "Retry-After: 60\r\n"
                } else {
                    ""
                },
            )
        });
        for (transport, listed) in versions(&host.url(), PATIENT).await {
            match listed {
                Err(UpstreamError::NotFound { .. }) if absent => {}
                Err(UpstreamError::Unavailable { .. }) if !absent => {}
                other => panic!("{of_refs}, page {of_page}, {transport:?}: {other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_asked_to_be_left_alone_is_left_alone() {
    let built_in = [429, 403, 503].map(|asked| (TransportChoice::BuiltIn, asked));
    // The git command does not pass on how long.
    for (transport, asked) in built_in.into_iter().chain([(TransportChoice::Command, 429)]) {
        let folder = TempDir::new().unwrap();
        let git: Git = open(settings(&folder.path().join("cache"), transport));
        let host = Host::answering(move |_| status(asked, "Retry-After: 60\r\n"));
        let mut hosts_knew = Vec::new();
        for _ in 0..3 {
            match git.versions(&source(&host.url()), &FetchContext::default()).await {
                Err(UpstreamError::Unavailable {
                    retry_after: Some(left),
                    ..
                }) => {
                    assert!(left <= Duration::from_secs(60), "{left:?}");
                }
                other => panic!("{transport:?} {asked}: {other:?}"),
            }
            hosts_knew.push(host.asked());
        }
        assert_eq!(
            hosts_knew[0], hosts_knew[2],
            "{transport:?} {asked}: it was asked again"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silence_is_told_as_silence() {
    if !testkit::git::is_here() {
        skip_or_fail!("there is no git here")
    }
    let whole = smart(
        "advertisement",
        b"001e# service=git-upload-pack\n0000000eversion 2\n0000",
    );
    let head = whole[..whole.len() - 10].to_vec();
    for begun in [Vec::new(), head] {
        let host = Host::answering(move |_| Answer::Hang(begun.clone()));
        for (transport, listed) in versions(&host.url(), Duration::from_millis(400)).await {
            assert!(
                matches!(listed, Err(UpstreamError::TimedOut { .. })),
                "{transport:?}: {listed:?}"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn garbage_is_trouble() {
    if !testkit::git::is_here() {
        skip_or_fail!("there is no git here")
    }
    let plain =
        b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\nConnection: close\r\n\r\nhello";
    for garbage in [
        plain.to_vec(),
        smart("advertisement", b"hello"),
        smart("advertisement", b"ffff"),
        smart(
            "advertisement",
            b"001e# service=git-upload-pack\n0000000eversion 9\n0000",
        ),
        smart(
            "advertisement",
            b"001e# service=git-upload-pack\n0000000eversion 2\n00",
        ),
        b"no HTTP at all\r\n\r\n".to_vec(),
        Vec::new(),
    ] {
        let sent = garbage.clone();
        let host = Host::answering(move |_| Answer::Bytes(sent.clone()));
        for (transport, listed) in versions(&host.url(), PATIENT).await {
            match listed {
                Err(UpstreamError::Malformed { .. } | UpstreamError::Unavailable { .. }) => {}
                other => panic!(
                    "{transport:?}, {:?}: {other:?}",
                    String::from_utf8_lossy(&garbage)
                ),
            }
        }
    }
}
