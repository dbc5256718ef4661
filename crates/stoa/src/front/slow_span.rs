//! A span for requests that have to wait for something.
//!
//! Whatever is logged on a request's way should carry its id. But a request that is answered from memory logs nothing,
//! and a span would be a good part of its cost; so the span is opened when the answer first has to wait.

use http::HeaderValue;
use std::{
    future::Future,
    pin::Pin,
    task::{Context, Poll},
};
use tracing::Span;

pin_project_lite::pin_project! {
    /// A future in a span named `request`, from when it first had to wait.
    pub(crate) struct SlowSpan<'a, F> {
        #[pin]
        future: F,
        id: &'a HeaderValue,
        span: Option<Span>,
    }
}

impl<'a, F> SlowSpan<'a, F> {
    /// Runs `future` for the request of this id.
    pub(crate) fn new(future: F, id: &'a HeaderValue) -> Self {
        Self {
            future,
            id,
            span: None,
        }
    }
}

impl<F: Future> Future for SlowSpan<'_, F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if let Some(span) = this.span {
            return span.in_scope(|| this.future.poll(context));
        }
        let polled = this.future.poll(context);
        if polled.is_pending() {
            let id = this.id.to_str().unwrap_or_default();
            *this.span = Some(tracing::error_span!("request", id));
        }
        polled
    }
}
