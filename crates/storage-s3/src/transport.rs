//! Patience: how long a request to a bucket may be silent.
//!
//! No request has a limit as a whole, since a large zip to a slow reader takes as long as it takes. A download may be
//! silent for a while between two pieces. An upload hears nothing at all until its last byte has arrived, so its limit
//! grows with its size.

use async_trait::async_trait;
use object_store::{
    ClientOptions, RetryConfig,
    client::{
        HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpResponse, HttpService,
        ReqwestConnector,
    },
};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

/// To reach the server at all.
const CONNECT: Duration = Duration::from_secs(5);

/// For the next piece of an answer.
const SILENCE: Duration = Duration::from_secs(10);

/// For the answer to an upload, beside the time its bytes take.
const UPLOAD: Duration = Duration::from_secs(30);

/// The slowest upload that is waited for, in bytes a second.
const SLOWEST: u64 = 512 << 10;

/// What every request of ours starts from. Variables of the environment may change it.
pub(crate) fn options() -> ClientOptions {
    ClientOptions::new()
        .with_connect_timeout(CONNECT)
        .with_read_timeout(SILENCE)
        .with_timeout_disabled()
        .with_user_agent(http::HeaderValue::from_static(concat!(
            "Stoa/",
            env!("CARGO_PKG_VERSION")
        )))
}

/// Few and quick: a request of a client waits behind each, and whoever fetches tries again by itself.
pub(crate) fn retries() -> RetryConfig {
    RetryConfig {
        max_retries: 2,
        retry_timeout: Duration::from_secs(20),
        ..RetryConfig::default()
    }
}

/// Makes clients that know which requests to be patient with, and one for all who want the same: each loads the
/// system's certificates, and keeps connections of its own.
#[derive(Clone, Debug, Default)]
pub(crate) struct Connector(Arc<Mutex<Made>>);

/// The clients made so far, by the text of their options, which cannot be compared otherwise.
type Made = HashMap<String, HttpClient>;

impl HttpConnector for Connector {
    fn connect(&self, options: &ClientOptions) -> object_store::Result<HttpClient> {
        let mut made = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let wanted = format!("{options:?}");
        if let Some(client) = made.get(&wanted) {
            return Ok(client.clone());
        }
        let patient = options
            .clone()
            .with_read_timeout_disabled()
            .with_timeout_disabled();
        let client = HttpClient::new(Patience {
            impatient: ReqwestConnector::default().connect(options)?,
            patient: ReqwestConnector::default().connect(&patient)?,
        });
        made.insert(wanted, client.clone());
        Ok(client)
    }
}

#[derive(Debug)]
struct Patience {
    impatient: HttpClient,
    patient: HttpClient,
}

#[async_trait]
impl HttpService for Patience {
    async fn call(&self, request: HttpRequest) -> Result<HttpResponse, HttpError> {
        match request.body().content_length() as u64 {
            0 => self.impatient.execute(request).await,
            size => {
                let limit = UPLOAD + Duration::from_secs(size / SLOWEST);
                match tokio::time::timeout(limit, self.patient.execute(request)).await {
                    Ok(answer) => answer,
                    Err(elapsed) => Err(HttpError::new(HttpErrorKind::Timeout, elapsed)),
                }
            }
        }
    }
}
