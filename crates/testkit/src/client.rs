//! A small HTTP client for tests: what it sends is what the test wrote, and nothing is followed or retried.

use crate::certificates::TestAuthority;
use bytes::Bytes;
use http::{HeaderMap, Method, Request, Response, Uri};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use std::{io, net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpStream, UnixStream},
};

/// How long an answer may take.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Why no answer came.
pub type Failure = Box<dyn std::error::Error + Send + Sync>;

/// A request about to be sent, on a connection of its own.
#[derive(Clone, Debug)]
pub struct Ask {
    uri: Uri,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
    trusted: Option<Arc<rustls::ClientConfig>>,
    socket: Option<PathBuf>,
}

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The status code.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
}

/// GETs an address and reads the whole answer.
pub async fn get(url: &str) -> Result<Answer, Failure> {
    Ask::get(url).send().await
}

impl Ask {
    /// A GET of this address. Panics if it is no URL.
    pub fn get(url: &str) -> Self {
        let uri = url.parse().expect("a test asks for a URL");
        Self {
            uri,
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            trusted: None,
            socket: None,
        }
    }

    /// With another method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = method.parse().expect("a test uses a method");
        self
    }

    /// With a header.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &str) -> Self {
        self.headers
            .append(name, value.parse().expect("a test sends a header value"));
        self
    }

    /// With a body, sent with its length.
    #[must_use]
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Trusting what this authority signed; needed for `https`.
    #[must_use]
    pub fn trusting(mut self, authority: &TestAuthority) -> Self {
        self.trusted = Some(authority.client_configuration());
        self
    }

    /// Through a Unix socket, whatever the address says.
    #[must_use]
    pub fn over_socket(mut self, path: impl Into<PathBuf>) -> Self {
        self.socket = Some(path.into());
        self
    }

    /// Sends it and reads the whole answer, for two minutes at most: that only ends what hangs.
    pub async fn send(self) -> Result<Answer, Failure> {
        tokio::time::timeout(TIME_LIMIT, self.receive()).await?
    }

    async fn receive(self) -> Result<Answer, Failure> {
        let (parts, body) = self.open().await?.into_parts();
        let body = body.collect().await?.to_bytes();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body,
        })
    }

    /// Sends it and gives the answer as soon as its head is there. Dropping the answer hangs up.
    pub async fn open(self) -> Result<Response<Incoming>, Failure> {
        let mut request = Request::new(Full::new(self.body));
        let target = self.uri.path_and_query().map_or("/", |target| target.as_str());
        *request.uri_mut() = target.parse()?;
        *request.method_mut() = self.method;
        let authority = self.uri.authority().ok_or("an address without a host")?;
        request.headers_mut().insert("host", authority.as_str().parse()?);
        request.headers_mut().extend(self.headers);
        if let Some(path) = self.socket {
            return exchange(UnixStream::connect(path).await?, request).await;
        }
        let secure = self.uri.scheme_str() == Some("https");
        let port = authority.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = TcpStream::connect((authority.host(), port)).await?;
        stream.set_nodelay(true)?;
        if !secure {
            return exchange(stream, request).await;
        }
        let trusted = self.trusted.ok_or("https needs an authority to trust")?;
        let name = rustls::pki_types::ServerName::try_from(authority.host().to_owned())?;
        exchange(
            tokio_rustls::TlsConnector::from(trusted)
                .connect(name, stream)
                .await?,
            request,
        )
        .await
    }
}

impl Answer {
    /// The body as text; what is no UTF-8 is replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A header as text, or nothing.
    pub fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .and_then(|value| value.to_str().ok())
            .unwrap_or("")
    }
}

/// Reads a body to its end without keeping it: how many bytes came, and whether it was whole.
pub async fn drain(response: Response<Incoming>) -> (u64, Result<(), Failure>) {
    let (mut body, mut count) = (response.into_body(), 0);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => count += frame.data_ref().map_or(0, |data| data.len() as u64),
            Err(error) => return (count, Err(error.into())),
        }
    }
    (count, Ok(()))
}

/// Sends bytes as they are and reads until the server closes: for requests no client library would send.
pub async fn send_raw(address: SocketAddr, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address).await?;
    stream.write_all(bytes).await?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await?;
    Ok(answer)
}

/// Runs a future to its end and blocks this thread meanwhile, inside a runtime too.
pub fn block_on<F: Future<Output: Send> + Send>(future: F) -> F::Output {
    std::thread::scope(|scope| {
        let running = scope.spawn(|| crate::server::runtime().block_on(future));
        running
            .join()
            .unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

/// One request and the head of its answer. The connection lives as long as the answer's body.
async fn exchange<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Response<Incoming>, Failure>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    crate::server::runtime().spawn(connection);
    Ok(sender.send_request(request).await?)
}
