//! A server that does exactly as it is told, down to the byte at which it hangs up.

use std::{
    fmt::Write as _,
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// A server for one test; each connection carries one request.
pub(crate) struct Origin {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    accepting: JoinHandle<()>,
}

/// A request as it came.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: String,
    pub(crate) target: String,
    headers: Vec<(String, String)>,
}

/// What to answer.
#[derive(Clone, Debug)]
pub(crate) struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
    length: Option<usize>,
    delay: Duration,
    pause: Option<(usize, Duration)>,
    cut: Option<usize>,
    stall: Option<usize>,
}

impl Origin {
    /// Answers each request by what it holds and which one it is, counted from 0.
    pub(crate) async fn start(answer: impl Fn(&Seen, usize) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (log, answer) = (Arc::clone(&seen), Arc::new(answer));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, Arc::clone(&log), Arc::clone(&answer)));
            }
        });
        Self {
            address,
            seen,
            accepting,
        }
    }

    /// Always the same answer.
    pub(crate) async fn always(reply: Reply) -> Self {
        Self::start(move |_, _| reply.clone()).await
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }
}

impl Drop for Origin {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    /// Where the range asked for begins.
    pub(crate) fn range_start(&self) -> Option<usize> {
        self.header("range")?
            .strip_prefix("bytes=")?
            .strip_suffix('-')?
            .parse()
            .ok()
    }
}

impl Reply {
    pub(crate) fn status(status: u16) -> Self {
        let (headers, body, length) = (Vec::new(), Vec::new(), Some(0));
        Self {
            status,
            headers,
            body,
            length,
            delay: Duration::ZERO,
            pause: None,
            cut: None,
            stall: None,
        }
    }

    pub(crate) fn ok(body: impl Into<Vec<u8>>) -> Self {
        Self::status(200).body(body)
    }

    /// A part of a file, in answer to a range.
    pub(crate) fn part(file: &[u8], start: usize) -> Self {
        let range = format!("bytes {start}-{}/{}", file.len() - 1, file.len());
        Self::status(206)
            .body(&file[start..])
            .header("content-range", &range)
    }

    pub(crate) fn redirect(to: &str) -> Self {
        Self::status(302).header("location", to)
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self::status(status)
            .body(text)
            .header("content-type", "text/plain; charset=utf-8")
    }

    pub(crate) fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.length = Some(self.body.len());
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Waits before the head.
    pub(crate) fn after(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Waits after so many bytes of a body of known length, and goes on.
    pub(crate) fn pausing_at(mut self, bytes: usize, delay: Duration) -> Self {
        self.pause = Some((bytes, delay));
        self
    }

    /// Hangs up after so many bytes of the body.
    pub(crate) fn cut_at(mut self, bytes: usize) -> Self {
        self.cut = Some(bytes);
        self
    }

    /// Says nothing more after so many bytes of the body.
    pub(crate) fn stalling_at(mut self, bytes: usize) -> Self {
        self.stall = Some(bytes);
        self
    }

    /// Sends the body in chunks, so that its length is not known before its end.
    pub(crate) fn chunked(mut self) -> Self {
        self.length = None;
        self
    }
}

async fn serve(
    mut stream: TcpStream,
    log: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<impl Fn(&Seen, usize) -> Reply + Send + Sync>,
) {
    let Some(seen) = read_request(&mut stream).await else {
        return;
    };
    let number = {
        let mut log = log.lock().unwrap();
        log.push(seen.clone());
        log.len() - 1
    };
    // Whether the client was still there to read it is for the test to find out.
    let _ = write_reply(&mut stream, answer(&seen, number)).await;
}

async fn read_request(stream: &mut TcpStream) -> Option<Seen> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ');
    let (method, target) = (words.next()?.to_owned(), words.next()?.to_owned());
    let headers = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    Some(Seen {
        method,
        target,
        headers,
    })
}

async fn write_reply(stream: &mut TcpStream, reply: Reply) -> std::io::Result<()> {
    tokio::time::sleep(reply.delay).await;
    let mut head = format!("HTTP/1.1 {} Whatever\r\nconnection: close\r\n", reply.status);
    for (name, value) in &reply.headers {
        write!(head, "{name}: {value}\r\n").unwrap();
    }
    match reply.length {
        Some(length) => write!(head, "content-length: {length}\r\n\r\n").unwrap(),
        None => head.push_str("transfer-encoding: chunked\r\n\r\n"),
    }
    stream.write_all(head.as_bytes()).await?;
    let end = reply.cut.or(reply.stall).unwrap_or(reply.body.len());
    let body = &reply.body[..end.min(reply.body.len())];
    if reply.length.is_some() {
        let (before, delay) = reply.pause.unwrap_or_default();
        let (first, rest) = body.split_at(before);
        stream.write_all(first).await?;
        tokio::time::sleep(delay).await;
        stream.write_all(rest).await?;
    } else {
        for piece in body.chunks(1000) {
            stream
                .write_all(format!("{:x}\r\n", piece.len()).as_bytes())
                .await?;
            stream.write_all(piece).await?;
            stream.write_all(b"\r\n").await?;
        }
    }
    stream.flush().await?;
    if reply.stall.is_some() {
        std::future::pending::<()>().await;
    }
    if reply.length.is_none() && reply.cut.is_none() {
        stream.write_all(b"0\r\n\r\n").await?;
    }
    stream.shutdown().await
}
