//! A question to an origin.

use crate::destination::Destination;
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, header};

/// A question to an origin. A `GET` is repeated when it fails in a way that may pass, and follows redirects; a `POST`
/// is sent once and follows none.
#[derive(Clone, Debug)]
pub struct Request {
    pub(crate) method: Method,
    pub(crate) destination: Destination,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Request {
    /// Asks for what lies there.
    pub fn get(destination: Destination) -> Self {
        // Ranges must be ranges of the file itself, or a broken transfer could not be resumed.
        let headers = HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"))]);
        Self {
            method: Method::GET,
            destination,
            headers,
            body: Bytes::new(),
        }
    }

    /// Sends a body, as git's smart HTTP protocol does.
    pub fn post(destination: Destination, content_type: HeaderValue, body: impl Into<Bytes>) -> Self {
        let mut request = Self::get(destination).header(header::CONTENT_TYPE, content_type);
        request.method = Method::POST;
        request.body = body.into();
        request
    }

    /// Adds a header, or replaces it. Credentials belong to the [`Destination`], not here: headers follow redirects.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    pub(crate) fn may_repeat(&self) -> bool {
        self.method == Method::GET
    }
}

impl From<Destination> for Request {
    fn from(destination: Destination) -> Self {
        Self::get(destination)
    }
}
