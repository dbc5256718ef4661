//! The body of an answer on its way out: counted, and logged when the last byte is gone or the client is.

use crate::{drain::UnderWay, telemetry::Entry};
use bytes::Bytes;
use download_protocol::Body;
use http_body::{Frame, SizeHint};
use proxy_core::store::StoreError;
use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

/// The body of an answer. The request ends, for the log and for a drain, when this is dropped.
pub(crate) struct Sent {
    body: Body,
    entry: Option<Entry>,
    _under_way: UnderWay,
}

impl Sent {
    /// Watches over a body.
    pub(crate) fn new(body: Body, entry: Option<Entry>, under_way: UnderWay) -> Self {
        Self {
            body,
            entry,
            _under_way: under_way,
        }
    }
}

impl http_body::Body for Sent {
    type Data = Bytes;
    type Error = StoreError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StoreError>>> {
        let next = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let (Some(Ok(frame)), Some(entry)) = (&next, &mut self.entry) {
            entry.sent(frame.data_ref().map_or(0, Bytes::len));
        }
        Poll::Ready(next)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Sent {
    fn drop(&mut self) {
        if let Some(entry) = &mut self.entry {
            entry.finish(self.body.is_empty());
        }
    }
}
