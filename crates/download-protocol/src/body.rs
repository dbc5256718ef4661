//! Bodies of answers: bytes in memory or a stream from the store, of a size known beforehand.
//!
//! The size is announced before the first byte is read, so a body that cannot keep it must not end: it fails, and
//! the connection breaks. A client that saw a clean end may believe that it has the whole file.

use crate::{meters::InFlight, status::chain};
use bytes::Bytes;
use futures::StreamExt;
use http_body::{Frame, SizeHint};
use proxy_core::{
    store::{Content, ContentBytes, StoreError},
    upstream::Chunks,
};
use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

/// The body of an answer. An error ends it early and is logged; the client is told by the broken connection.
#[derive(Debug)]
pub struct Body {
    source: Source,
    /// How many bytes are still to come.
    left: u64,
    /// Ends the measuring of the request when the body is dropped.
    _in_flight: Option<InFlight>,
}

enum Source {
    Memory(Bytes),
    /// Gives exactly the bytes announced, or an error.
    Stream(Chunks<StoreError>),
}

impl Body {
    /// No bytes.
    pub fn empty() -> Self {
        Self::from(Bytes::new())
    }

    /// The bytes of an opened file. A file on a disk is read in large pieces, one ahead of what is being sent.
    pub fn from_content(content: Content) -> Self {
        match content.bytes {
            ContentBytes::Memory(bytes) => bytes.into(),
            _ => Self {
                left: content.range.end.saturating_sub(content.range.start),
                source: Source::Stream(content.into_stream()),
                _in_flight: None,
            },
        }
    }

    /// Measures the request until this body is sent, or given up.
    pub(crate) fn measured(self, in_flight: InFlight) -> Self {
        Self {
            _in_flight: Some(in_flight),
            ..self
        }
    }

    /// How many bytes are still to come.
    pub fn len(&self) -> u64 {
        self.left
    }

    /// Whether no byte is still to come.
    pub fn is_empty(&self) -> bool {
        self.left == 0
    }
}

impl From<Bytes> for Body {
    fn from(bytes: Bytes) -> Self {
        Self {
            left: bytes.len() as u64,
            source: Source::Memory(bytes),
            _in_flight: None,
        }
    }
}

impl From<String> for Body {
    fn from(text: String) -> Self {
        Self::from(Bytes::from(text))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = StoreError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
        if self.left == 0 {
            return Poll::Ready(None);
        }
        let next = match &mut self.source {
            Source::Memory(bytes) => Some(Ok(std::mem::take(bytes))),
            Source::Stream(chunks) => ready!(chunks.poll_next_unpin(context)),
        };
        match &next {
            Some(Ok(bytes)) => self.left = self.left.saturating_sub(bytes.len() as u64),
            Some(Err(error)) => {
                tracing::warn!(missing = self.left, error = chain(error), "an answer broke off");
            }
            None => {}
        }
        Poll::Ready(next.map(|next| next.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == 0
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.left)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory(_) => "Memory",
            Self::Stream(_) => "Stream",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body::Body as _;
    use http_body_util::BodyExt;
    use std::{io::Write, ops::Range};

    fn content(bytes: ContentBytes, range: Range<u64>) -> Content {
        Content {
            size: 1 << 40,
            validator: None,
            range,
            bytes,
        }
    }

    fn chunks(parts: Vec<Result<&'static str, StoreError>>) -> ContentBytes {
        let parts = parts
            .into_iter()
            .map(|part| part.map(|text| Bytes::from_static(text.as_bytes())));
        ContentBytes::Stream(futures::stream::iter(parts).boxed())
    }

    fn file_of(bytes: &[u8]) -> ContentBytes {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        ContentBytes::File(file)
    }

    async fn collect(body: Body) -> Result<Bytes, StoreError> {
        assert_eq!(
            body.size_hint().exact(),
            Some(body.len()),
            "hyper announces exactly this"
        );
        Ok(body.collect().await?.to_bytes())
    }

    #[tokio::test]
    async fn each_form_gives_just_its_range() {
        let memory = content(ContentBytes::Memory(Bytes::from_static(b"cde")), 2..5);
        let stream = content(chunks(vec![Ok("c"), Ok(""), Ok("de")]), 2..5);
        let file = content(file_of(b"abcdefg"), 2..5);
        for content in [memory, stream, file] {
            assert_eq!(collect(Body::from_content(content)).await.unwrap(), "cde");
        }
        let nothing = Body::from_content(content(ContentBytes::Memory(Bytes::new()), 0..0));
        assert!(nothing.is_end_stream());
        assert_eq!(collect(nothing).await.unwrap(), "");
    }

    #[tokio::test]
    async fn a_body_that_cannot_keep_its_size_never_ends_cleanly() {
        let broken = StoreError::Unavailable {
            reason: "reset".into(),
            source: None,
        };
        for bytes in [
            chunks(vec![Ok("ab"), Err(broken)]),
            chunks(vec![Ok("ab")]),
            chunks(vec![Ok("abcdef")]),
            file_of(b"ab"),
        ] {
            let form = format!("{bytes:?}");
            assert!(
                collect(Body::from_content(content(bytes, 0..5))).await.is_err(),
                "{form}"
            );
        }
    }
}
