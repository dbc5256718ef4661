//! What goes wrong between two machines, on command: a forwarder before any server that can be slow, pause, cut
//! connections, refuse them, answer 503, and lose an answer after the server has done what it was asked.

use crate::{port::Port, server::runtime};
use std::{
    fmt,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    sync::{Mutex as Turn, watch},
    task::AbortHandle,
    time::{sleep, timeout},
};

/// What an HTTP server says that cannot serve now.
const UNAVAILABLE: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n";

/// How long a client that was told 503 may go on sending its request.
const LINGER: Duration = Duration::from_secs(5);

/// A forwarder before a server. It behaves until told otherwise, and ends when it is dropped.
pub struct Chaos {
    port: Port,
    state: Arc<State>,
    accepting: AbortHandle,
}

struct State {
    server: String,
    mood: watch::Sender<Mood>,
    /// Counts how often everything was cut.
    cuts: watch::Sender<u64>,
    /// Requests with these words in them are answered to nobody, so many times.
    losing: Mutex<Vec<(Vec<u8>, usize)>>,
    lost: AtomicUsize,
}

/// How everything that passes is treated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mood {
    /// It passes.
    Well,
    /// Each piece waits for so long before it passes.
    Slow(Duration),
    /// It waits until the mood changes.
    Paused,
    /// Connections are closed as soon as they are made.
    Refusing,
    /// Whatever is asked is answered by 503, and does not reach the server.
    Unavailable,
}

impl Chaos {
    /// Forwards to a server at `host:port`.
    pub fn before(server: &str) -> Self {
        let (port, state) = (
            Port::reserve(),
            Arc::new(State {
                server: server.to_owned(),
                mood: watch::Sender::new(Mood::Well),
                cuts: watch::Sender::new(0),
                losing: Mutex::default(),
                lost: AtomicUsize::new(0),
            }),
        );
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

    /// Where to connect instead of to the server.
    pub fn address(&self) -> SocketAddr {
        self.port.address()
    }

    /// The same as `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address())
    }

    /// Lets everything pass again.
    pub fn behave(&self) {
        self.state.losing.lock().expect("no holder panics").clear();
        self.feel(Mood::Well);
    }

    /// Lets each piece, in both directions, wait for so long.
    pub fn slow_down(&self, delay: Duration) {
        self.feel(Mood::Slow(delay));
    }

    /// Lets nothing pass and breaks nothing off.
    pub fn pause(&self) {
        self.feel(Mood::Paused);
    }

    /// Answers 503 to every request over HTTP.
    pub fn answer_503(&self) {
        self.feel(Mood::Unavailable);
    }

    /// Cuts all connections and closes new ones at once: the server is gone.
    pub fn refuse(&self) {
        self.feel(Mood::Refusing);
        self.cut();
    }

    /// Cuts the connections there are. New ones are forwarded.
    pub fn cut(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Of the next request the server gets all, and the client gets no answer: its connection is cut.
    pub fn lose_next_answer(&self) {
        self.lose_answers("", 1);
    }

    /// The same for the next few requests that have these words in one piece, such as `PUT /bucket/`.
    pub fn lose_answers(&self, words: &str, times: usize) {
        let lost = (words.as_bytes().to_vec(), times);
        self.state.losing.lock().expect("no holder panics").push(lost);
    }

    /// How many answers were lost so far.
    pub fn lost(&self) -> usize {
        self.state.lost.load(Ordering::SeqCst)
    }

    fn feel(&self, mood: Mood) {
        self.state.mood.send_replace(mood);
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

impl fmt::Debug for Chaos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chaos")
            .field("address", &self.address())
            .field("server", &self.state.server)
            .field("mood", &*self.state.mood.borrow())
            .finish_non_exhaustive()
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((client, _)) = listener.accept().await else {
            continue;
        };
        let state = Arc::clone(&state);
        runtime().spawn(async move {
            let mut cuts = state.cuts.subscribe();
            tokio::select! {
                () = state.forward(client) => {}
                _ = cuts.changed() => {}
            }
        });
    }
}

impl State {
    async fn forward(&self, client: TcpStream) {
        if *self.mood.borrow() == Mood::Refusing {
            return;
        }
        // A server that is away is away for the client as well: its connection is closed.
        let Ok(server) = TcpStream::connect(&self.server).await else {
            return;
        };
        let _ = (client.set_nodelay(true), server.set_nodelay(true));
        let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
        let (to_client, deaf) = (Turn::new(to_client), AtomicBool::new(false));
        tokio::select! {
            () = self.ask(from_client, to_server, &to_client, &deaf) => {}
            () = self.answer(from_server, &to_client, &deaf) => {}
        }
    }

    /// Brings what the client says to the server.
    async fn ask(
        &self,
        mut client: OwnedReadHalf,
        mut server: OwnedWriteHalf,
        to_client: &Turn<OwnedWriteHalf>,
        deaf: &AtomicBool,
    ) {
        let mut piece = vec![0; 64 << 10];
        loop {
            let size = match client.read(&mut piece).await {
                Ok(0) => {
                    // The client has said all and may still listen.
                    let _ = server.shutdown().await;
                    return std::future::pending().await;
                }
                Ok(size) => size,
                Err(_) => return,
            };
            match self.passable().await {
                Mood::Unavailable => {
                    let mut to_client = to_client.lock().await;
                    let _ = to_client.write_all(UNAVAILABLE).await;
                    let _ = to_client.shutdown().await;
                    // Closing while the client still sends would take the answer away from it.
                    let rest = async { while matches!(client.read(&mut piece).await, Ok(1..)) {} };
                    let _ = timeout(LINGER, rest).await;
                    return;
                }
                Mood::Refusing => return,
                _ => {}
            }
            if self.loses(&piece[..size]) {
                deaf.store(true, Ordering::SeqCst);
            }
            if server.write_all(&piece[..size]).await.is_err() {
                return;
            }
        }
    }

    /// Brings what the server says to the client, unless it is to be lost.
    async fn answer(&self, mut server: OwnedReadHalf, to_client: &Turn<OwnedWriteHalf>, deaf: &AtomicBool) {
        let mut piece = vec![0; 64 << 10];
        while let Ok(size @ 1..) = server.read(&mut piece).await {
            self.passable().await;
            if deaf.load(Ordering::SeqCst) {
                self.lost.fetch_add(1, Ordering::SeqCst);
                return;
            }
            if to_client.lock().await.write_all(&piece[..size]).await.is_err() {
                return;
            }
        }
    }

    /// Waits for as long as a piece must, and says how it is to be treated.
    async fn passable(&self) -> Mood {
        let mut moods = self.mood.subscribe();
        let mood = moods
            .wait_for(|mood| *mood != Mood::Paused)
            .await
            .map_or(Mood::Well, |mood| *mood);
        if let Mood::Slow(delay) = mood {
            sleep(delay).await;
        }
        mood
    }

    /// Whether the answer to this piece is to be lost; uses that up.
    fn loses(&self, piece: &[u8]) -> bool {
        let mut losing = self.losing.lock().expect("no holder panics");
        let holds = |words: &[u8]| words.is_empty() || piece.windows(words.len()).any(|part| part == words);
        let Some((_, left)) = losing.iter_mut().find(|(words, left)| *left > 0 && holds(words)) else {
            return false;
        };
        *left -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::Chaos;
    use crate::{
        client::get,
        module::Module,
        proxy::{Action, FakeUpstream},
    };
    use std::time::Duration;
    use tokio::time::timeout;

    fn house() -> (FakeUpstream, Chaos, String) {
        let module = Module::new("example.test/m", "v1.0.0").weighing(1, 1);
        let upstream = FakeUpstream::serving([module.clone()]);
        let chaos = Chaos::before(&format!("127.0.0.1:{}", upstream.port()));
        let url = format!("{}{}", chaos.url(), module.url_path("zip"));
        (upstream, chaos, url)
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn everything_passes_until_told_otherwise() {
        let (_upstream, chaos, url) = house();
        assert_eq!(get(&url).await.unwrap().status, 200);
        chaos.slow_down(Duration::from_millis(5));
        assert_eq!(
            get(&url).await.unwrap().body.len(),
            get(&url).await.unwrap().body.len()
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_server_in_trouble_is_asked_nothing() {
        let (upstream, chaos, url) = house();
        chaos.answer_503();
        assert_eq!(get(&url).await.unwrap().status, 503);
        chaos.refuse();
        assert!(get(&url).await.is_err());
        chaos.behave();
        assert_eq!(
            (get(&url).await.unwrap().status, upstream.requests().len()),
            (200, 1)
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_pause_breaks_nothing_off() {
        let (_upstream, chaos, url) = house();
        chaos.pause();
        let mut asking = tokio::spawn(async move { get(&url).await.unwrap().status });
        assert!(timeout(Duration::from_millis(200), &mut asking).await.is_err());
        chaos.behave();
        assert_eq!(asking.await.unwrap(), 200);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_cut_reaches_who_is_in_the_middle() {
        let (upstream, chaos, url) = house();
        upstream.when("*", Action::hang());
        let asking = tokio::spawn(async move { get(&url).await.is_err() });
        upstream.wait_for("*", 1).await;
        chaos.cut();
        assert!(asking.await.unwrap());
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn an_answer_is_lost_after_the_server_was_asked() {
        let (upstream, chaos, url) = house();
        chaos.lose_answers("GET /example.test/", 1);
        assert!(get(&url).await.is_err());
        assert_eq!((upstream.requests().len(), chaos.lost()), (1, 1));
        assert_eq!(get(&url).await.unwrap().status, 200);
    }
}
