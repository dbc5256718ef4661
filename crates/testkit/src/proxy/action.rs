//! What a fake upstream does instead of answering well.

use crate::gate::Gate;
use bytes::Bytes;
use std::time::Duration;

/// How one request is treated. The default serves the file, whole and at once.
#[derive(Clone, Debug, Default)]
pub struct Action {
    pub(super) gate: Option<Gate>,
    pub(super) delay: Option<Duration>,
    pub(super) status: Option<u16>,
    pub(super) headers: Vec<(String, String)>,
    pub(super) body: Option<Bytes>,
    pub(super) break_at: Option<u64>,
    pub(super) stall_at: Option<u64>,
    pub(super) length: Option<u64>,
    pub(super) without_length: bool,
    pub(super) ignore_range: bool,
    pub(super) gzip: bool,
}

impl Action {
    /// Serves the file.
    pub fn serve() -> Self {
        Self::default()
    }

    /// Answers a status and a sentence.
    pub fn status(status: u16, text: &str) -> Self {
        let action = Self {
            status: Some(status),
            body: Some(Bytes::from(text.to_owned())),
            ..Self::default()
        };
        action.header("content-type", "text/plain; charset=utf-8")
    }

    /// Serves other bytes.
    pub fn bytes(bytes: impl Into<Bytes>) -> Self {
        Self {
            body: Some(bytes.into()),
            ..Self::default()
        }
    }

    /// Sends the client elsewhere.
    pub fn redirect(location: &str) -> Self {
        Self {
            status: Some(302),
            body: Some(Bytes::new()),
            ..Self::default()
        }
        .header("location", location)
    }

    /// Takes the request and never answers.
    pub fn hang() -> Self {
        Self::default().behind(&Gate::shut())
    }

    /// Answers only once this gate is open.
    #[must_use]
    pub fn behind(mut self, gate: &Gate) -> Self {
        self.gate = Some(gate.clone());
        self
    }

    /// Answers after this time.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// With a header added.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Cuts the connection after this many bytes of the file, counted from its start, ranges or not.
    #[must_use]
    pub fn breaking_off_at(mut self, offset: u64) -> Self {
        self.break_at = Some(offset);
        self
    }

    /// Goes silent after this many bytes of the file, counted from its start, and stays connected.
    #[must_use]
    pub fn stalling_at(mut self, offset: u64) -> Self {
        self.stall_at = Some(offset);
        self
    }

    /// Says another `Content-Length` than the truth. Too long a one ends as a broken connection.
    #[must_use]
    pub fn claiming_length(mut self, length: u64) -> Self {
        self.length = Some(length);
        self
    }

    /// Says no `Content-Length`: the body comes in chunks.
    #[must_use]
    pub fn without_length(mut self) -> Self {
        self.without_length = true;
        self
    }

    /// Answers the whole file to whoever asks for a range.
    #[must_use]
    pub fn ignoring_range(mut self) -> Self {
        self.ignore_range = true;
        self
    }

    /// Compresses the body if the client takes gzip.
    #[must_use]
    pub fn gzipped(mut self) -> Self {
        self.gzip = true;
        self
    }
}
