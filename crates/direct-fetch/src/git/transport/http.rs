//! Git's smart HTTP protocol over our own way out.
//!
//! The library speaks the protocol and leaves the requests to us; so addresses are guarded, credentials bound to their
//! host and silence noticed here as everywhere else. The library's code blocks, our client does not: each read waits
//! for the session's runtime.

use super::{Remote, RemoteError};
use crate::git::session::Session;
use bytes::{Buf, Bytes};
use futures::{StreamExt, stream::BoxStream};
use gix::error::ErrorExt;
use gix_transport::client::blocking_io::http::{GetResponse, Http, PostBodyDataKind, PostResponse};
use http::{HeaderName, HeaderValue};
use http_client::{Client, Destination, Error, Request, Response};
use std::{
    any::Any,
    io::{self, BufRead, Cursor, Read, Write},
    sync::{Arc, Mutex, PoisonError},
};
use url::Url;

/// What the library's transport asks for its requests.
pub(super) struct Bridge {
    client: Client,
    remote: Remote,
    session: Session,
    /// The most a body may have, in bytes.
    limit: u64,
    failure: Failure,
    redirected: Option<String>,
}

/// The last failure of a request: the library passes on its text only.
#[derive(Clone, Default)]
pub(super) struct Failure(Arc<Mutex<Option<Error>>>);

impl Bridge {
    pub(super) fn new(client: Client, remote: Remote, session: Session, limit: u64) -> Self {
        Self {
            client,
            remote,
            session,
            limit,
            failure: Failure::default(),
            redirected: None,
        }
    }

    /// Where failures are noted.
    pub(super) fn failure(&self) -> Failure {
        self.failure.clone()
    }

    /// The destination of one request: below the repository's address, or below where that was redirected to.
    fn destination(&self, url: &str) -> io::Result<Destination> {
        let mut destination = Destination::learned(url, self.remote.trust).map_err(io::Error::other)?;
        let home = Url::parse(&self.remote.url).map_err(io::Error::other)?;
        if let Some(access) = self.remote.shown.table()
            && destination.url().origin() == home.origin()
            && let Some(credentials) = access.for_http()
        {
            destination = destination.with_credentials(credentials);
        }
        Ok(self.remote.as_asked(destination))
    }

    fn send(&self, request: Request) -> io::Result<Response> {
        send(&self.client, &self.session, &self.failure, request)
    }
}

impl Failure {
    /// What happened on the wire, if it was that.
    pub(super) fn take(&self, remote: &Remote, client: &Client) -> Option<RemoteError> {
        let error = self.0.lock().unwrap_or_else(PoisonError::into_inner).take()?;
        let unauthorized =
            matches!(&error, Error::Status { status, .. } if matches!(status.as_u16(), 401 | 403));
        // It may be another host than was asked at first, which is what counts.
        let at = match &error {
            Error::Status { host, .. } => Url::parse(&format!("https://{host}/")).ok(),
            _ => None,
        };
        let error = if unauthorized {
            RemoteError::Unauthorized(error.into())
        } else {
            RemoteError::Failed(error.into())
        };
        Some(remote.refused(at.as_ref(), error, client))
    }

    fn note(&self, error: Error) -> io::Error {
        let text = error.to_string();
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(error);
        io::Error::other(text)
    }
}

impl Http for Bridge {
    type Headers = Head;
    type ResponseBody = Body;
    type PostBody = Question;

    fn get(
        &mut self,
        url: &str,
        base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
    ) -> gix::Result<GetResponse<Head, Body>> {
        let get = || -> io::Result<(Response, Option<String>)> {
            let request = with_headers(Request::get(self.destination(url)?), headers)?;
            let response = self.send(request)?;
            let redirected = redirected_base(base_url, url, response.url());
            Ok((response, redirected))
        };
        let (response, redirected) = get().map_err(ErrorExt::raise)?;
        self.redirected = redirected;
        let (head, body) = take(response, &self.session, &self.failure, self.limit);
        Ok(GetResponse {
            headers: Head(Lazy::There(Cursor::new(head))),
            body: Body(Lazy::There(body)),
        })
    }

    fn post(
        &mut self,
        url: &str,
        _base_url: &str,
        headers: impl IntoIterator<Item = impl AsRef<str>>,
        _body: PostBodyDataKind,
    ) -> gix::Result<PostResponse<Head, Body, Question>> {
        let destination = self.destination(url).map_err(ErrorExt::raise)?;
        let headers: Vec<String> = headers
            .into_iter()
            .map(|header| header.as_ref().to_owned())
            .collect();
        let asked: Arc<Mutex<Vec<u8>>> = Arc::default();
        let exchange = Arc::new(Mutex::new(Exchange {
            client: self.client.clone(),
            session: self.session.clone(),
            failure: self.failure.clone(),
            limit: self.limit,
            destination: Some(destination),
            headers,
            question: Arc::clone(&asked),
            head: None,
            body: None,
        }));
        Ok(PostResponse {
            post_body: Question(asked),
            headers: Head(Lazy::Waiting(Arc::clone(&exchange))),
            body: Body(Lazy::Waiting(exchange)),
        })
    }

    fn configure(&mut self, _config: &dyn Any) -> gix::Result {
        Ok(())
    }

    fn redirected_base_url(&self) -> Option<String> {
        self.redirected.clone()
    }
}

/// The body of a `POST` while it is written; it is sent when the answer is first read.
pub(super) struct Question(Arc<Mutex<Vec<u8>>>);

impl Write for Question {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A `POST` that is made when somebody reads its answer.
struct Exchange {
    client: Client,
    session: Session,
    failure: Failure,
    limit: u64,
    destination: Option<Destination>,
    headers: Vec<String>,
    question: Arc<Mutex<Vec<u8>>>,
    head: Option<Vec<u8>>,
    body: Option<Stream>,
}

impl Exchange {
    fn make(&mut self) -> io::Result<()> {
        let Some(destination) = self.destination.take() else {
            return Ok(());
        };
        let question = std::mem::take(&mut *self.question.lock().unwrap_or_else(PoisonError::into_inner));
        let content_type = HeaderValue::from_static("application/x-git-upload-pack-request");
        let request = with_headers(Request::post(destination, content_type, question), &self.headers)?;
        let response = send(&self.client, &self.session, &self.failure, request)?;
        let (head, body) = take(response, &self.session, &self.failure, self.limit);
        (self.head, self.body) = (Some(head), Some(body));
        Ok(())
    }
}

/// Something that is there, or will be once the exchange was made.
enum Lazy<T> {
    There(T),
    Waiting(Arc<Mutex<Exchange>>),
}

impl<T> Lazy<T> {
    fn get(&mut self, part: impl FnOnce(&mut Exchange) -> Option<T>) -> io::Result<&mut T> {
        if let Self::Waiting(exchange) = self {
            let made = {
                let mut exchange = exchange.lock().unwrap_or_else(PoisonError::into_inner);
                exchange.make()?;
                part(&mut exchange)
            };
            *self = Self::There(made.ok_or(io::ErrorKind::NotConnected)?);
        }
        match self {
            Self::There(part) => Ok(part),
            Self::Waiting(_) => Err(io::ErrorKind::NotConnected.into()),
        }
    }
}

/// The headers of an answer, a line each.
pub(super) struct Head(Lazy<Cursor<Vec<u8>>>);

impl Head {
    fn lines(&mut self) -> io::Result<&mut Cursor<Vec<u8>>> {
        self.0.get(|exchange| exchange.head.take().map(Cursor::new))
    }
}

impl Read for Head {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.lines()?.read(buffer)
    }
}

impl BufRead for Head {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.lines()?.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        if let Lazy::There(lines) = &mut self.0 {
            lines.consume(amount);
        }
    }
}

/// The body of an answer.
pub(super) struct Body(Lazy<Stream>);

impl Body {
    fn stream(&mut self) -> io::Result<&mut Stream> {
        self.0.get(|exchange| exchange.body.take())
    }
}

impl Read for Body {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let there = self.fill_buf()?;
        let length = there.len().min(buffer.len());
        buffer[..length].copy_from_slice(&there[..length]);
        self.consume(length);
        Ok(length)
    }
}

impl BufRead for Body {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.stream()?.fill()
    }

    fn consume(&mut self, amount: usize) {
        if let Lazy::There(stream) = &mut self.0 {
            stream.piece.advance(amount.min(stream.piece.len()));
        }
    }
}

/// A body as it comes, a piece at a time.
struct Stream {
    session: Session,
    failure: Failure,
    pieces: BoxStream<'static, Result<Bytes, Error>>,
    piece: Bytes,
    left: u64,
}

impl Stream {
    fn fill(&mut self) -> io::Result<&[u8]> {
        while self.piece.is_empty() {
            match self.session.wait(self.pieces.next()) {
                None => return Err(io::Error::other("nobody waits for the answer any more")),
                Some(None) => break,
                Some(Some(Err(error))) => return Err(self.failure.note(error)),
                Some(Some(Ok(piece))) => {
                    let size = piece.len() as u64;
                    self.left = self
                        .left
                        .checked_sub(size)
                        .ok_or_else(|| io::Error::other("the repository sent too much"))?;
                    self.piece = piece;
                }
            }
        }
        Ok(&self.piece)
    }
}

fn send(client: &Client, session: &Session, failure: &Failure, request: Request) -> io::Result<Response> {
    let sent = session.wait(async { client.send(request, session.context()).await?.success().await });
    sent.ok_or_else(|| io::Error::other("nobody waits for the answer any more"))?
        .map_err(|error| failure.note(error))
}

fn take(response: Response, session: &Session, failure: &Failure, limit: u64) -> (Vec<u8>, Stream) {
    let mut head = Vec::new();
    for (name, value) in response.headers() {
        head.extend_from_slice(name.as_str().as_bytes());
        head.extend_from_slice(b": ");
        head.extend_from_slice(value.as_bytes());
        head.push(b'\n');
    }
    let stream = Stream {
        session: session.clone(),
        failure: failure.clone(),
        pieces: response.into_stream(),
        piece: Bytes::new(),
        left: limit,
    };
    (head, stream)
}

/// Adds headers that come as lines; those that the request has already stay.
fn with_headers(
    mut request: Request,
    headers: impl IntoIterator<Item = impl AsRef<str>>,
) -> io::Result<Request> {
    for header in headers {
        let Some((name, value)) = header.as_ref().split_once(':') else {
            continue;
        };
        let name = HeaderName::from_bytes(name.trim().as_bytes()).map_err(io::Error::other)?;
        request = request.header(
            name,
            HeaderValue::from_str(value.trim()).map_err(io::Error::other)?,
        );
    }
    Ok(request)
}

/// Where the repository really is, if the first question was redirected.
pub(super) fn redirected_base(base: &str, asked: &str, answered: &Url) -> Option<String> {
    let tail = asked.strip_prefix(base)?;
    let base = answered.as_str().strip_suffix(tail)?;
    Some(base.to_owned())
}
