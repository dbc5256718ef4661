//! A gateway: stands before a server, passes on what comes, writes it down, and misbehaves on command.

use crate::{
    exchange::exchange,
    port::Port,
    server::{Body, runtime, text},
};
use http::{HeaderName, Request, Response, Uri};
use http_body_util::BodyExt as _;
use hyper::{body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use std::{
    fmt, io,
    sync::{Arc, Mutex, MutexGuard},
};
use tokio::{
    net::TcpListener,
    task::{AbortHandle, JoinSet},
};

/// What a gateway does with one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pass {
    /// Passes it on, and the answer back.
    On,
    /// Passes it on without this header.
    Without(HeaderName),
    /// Passes it on, waits for the whole answer, and hangs up without a word: the server did it, and nobody knows.
    LosingTheAnswer,
    /// Answers with this status by itself.
    Answer(u16),
    /// Passes it on, and breaks the answer off after so many bytes of its body.
    BreakingOffAt(usize),
}

/// A request that came.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Came {
    /// Its method.
    pub method: String,
    /// Its target: path and query, as sent.
    pub target: String,
}

type Rule = dyn Fn(&Came) -> Pass + Send + Sync;

/// A gateway; it ends when it is dropped.
pub struct Gateway {
    port: Port,
    state: Arc<State>,
    accepting: AbortHandle,
}

struct State {
    server: Uri,
    came: Mutex<Vec<Came>>,
    rule: Mutex<Arc<Rule>>,
}

impl Gateway {
    /// Stands before the server at this address, and passes everything on.
    pub fn before(server: &str) -> Self {
        let state = Arc::new(State {
            server: server.parse().expect("a server has an address"),
            came: Mutex::default(),
            rule: Mutex::new(Arc::new(|_| Pass::On)),
        });
        let port = Port::reserve();
        let _inside = runtime().enter();
        let accepting = runtime()
            .spawn(accept(port.listen(), Arc::clone(&state)))
            .abort_handle();
        Self {
            port,
            state,
            accepting,
        }
    }

    /// Its own address as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.port.address())
    }

    /// Decides by this from now on.
    pub fn rule(&self, rule: impl Fn(&Came) -> Pass + Send + Sync + 'static) {
        *locked(&self.state.rule) = Arc::new(rule);
    }

    /// Takes what came since it was last asked.
    pub fn take(&self) -> Vec<Came> {
        std::mem::take(&mut *locked(&self.state.came))
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        let _ = stream.set_nodelay(true);
        let state = Arc::clone(&state);
        connections.spawn(async move {
            let service = service_fn(move |request| {
                let state = Arc::clone(&state);
                async move { state.pass(request).await }
            });
            // Errors are what clients do to us, and what we do to them on purpose.
            let _ = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
        while connections.try_join_next().is_some() {}
    }
}

impl State {
    /// An error hangs up.
    async fn pass(&self, request: Request<Incoming>) -> io::Result<Response<Body>> {
        let came = Came {
            method: request.method().to_string(),
            target: request.uri().to_string(),
        };
        locked(&self.came).push(came.clone());
        let rule = Arc::clone(&locked(&self.rule));
        let pass = rule(&came);
        let mut request = request.map(|body| body.map_err(io::Error::other).boxed_unsync());
        if let Pass::Answer(status) = pass {
            return Ok(text(status, "as the test wishes"));
        }
        if let Pass::Without(header) = &pass {
            request.headers_mut().remove(header);
        }
        let answer = exchange(&self.server, request).await?;
        match pass {
            Pass::LosingTheAnswer => {
                answer.into_body().collect().await?;
                Err(io::Error::other("the answer was lost"))
            }
            Pass::BreakingOffAt(bytes) => Ok(answer.map(|body| broken_off(body, bytes))),
            _ => Ok(answer),
        }
    }
}

fn broken_off(body: Body, bytes: usize) -> Body {
    use futures::StreamExt as _;
    let start = futures::stream::unfold((body, bytes), |(mut body, left)| async move {
        if left == 0 {
            return None;
        }
        let mut data = body.frame().await?.ok()?.into_data().ok()?;
        data.truncate(left);
        let left = left - data.len();
        Some((Ok(hyper::body::Frame::data(data)), (body, left)))
    });
    let end = futures::stream::once(async { Err(io::Error::other("broken off")) });
    http_body_util::StreamBody::new(start.chain(end)).boxed_unsync()
}

fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().expect("no holder panics")
}

impl fmt::Debug for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gateway")
            .field("url", &self.url())
            .field("server", &self.state.server)
            .finish_non_exhaustive()
    }
}
