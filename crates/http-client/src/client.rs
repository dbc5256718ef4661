//! The client.

use crate::{
    destination::Destination,
    error::Error,
    meters,
    netrc::NetrcFile,
    request::Request,
    response::Response,
    settings::{Settings, SettingsError, Timeouts},
    transport::Transport,
};
use bytes::Bytes;
use proxy_core::upstream::FetchContext;
use std::{fmt, net::IpAddr, sync::Arc};
use url::Url;

/// The one way out. Cheap to clone.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) transport: Transport,
    pub(crate) netrc: NetrcFile,
    pub(crate) own_id: Arc<str>,
    pub(crate) timeouts: Timeouts,
}

impl Client {
    /// Makes a client. Nothing is connected yet.
    pub fn new(settings: &Settings) -> Result<Self, SettingsError> {
        meters::describe();
        Ok(Self(Arc::new(Inner {
            transport: Transport::new(settings)?,
            netrc: settings.netrc.clone(),
            own_id: Arc::clone(&settings.own_id),
            timeouts: settings.timeouts,
        })))
    }

    /// Asks, and gives the answer whatever its status; its body comes when it is read.
    pub async fn send(&self, request: impl Into<Request>, context: &FetchContext) -> Result<Response, Error> {
        let request = request.into();
        let answer = self.0.answer(&request, context).await?;
        Ok(Response::new(self.clone(), request, context.clone(), answer))
    }

    /// Asks for a document of at most `limit` bytes; any status but 200 is an error.
    pub async fn get_bytes(
        &self,
        destination: Destination,
        limit: u64,
        context: &FetchContext,
    ) -> Result<Bytes, Error> {
        self.send(destination, context)
            .await?
            .success()
            .await?
            .bytes(limit)
            .await
    }

    /// Lets the guard judge an address that another program (git, say) is about to connect to. Gives the addresses of
    /// its host, each of them within reach: that program would resolve the name once more, so it should be told to
    /// connect to these and to no others. There are none for a name that is not known here, and for what the
    /// configuration names.
    pub async fn judge(&self, destination: &Destination) -> Result<Vec<IpAddr>, Error> {
        self.0.judge(destination).await
    }

    /// Whether a forward proxy stands before a destination, which may know names that are not known here.
    pub fn is_proxied(&self, destination: &Destination) -> bool {
        self.0.transport.is_proxied(destination.url())
    }

    /// Whether the netrc file has an entry for the host of an address.
    pub fn knows(&self, url: &Url) -> bool {
        self.0.netrc.now().for_machine(url).is_some()
    }

    /// Whether only the netrc file's default entry speaks of the host of an address: we send it to hosts that the
    /// configuration names, and other programs to any.
    pub fn knows_by_default(&self, url: &Url) -> bool {
        let netrc = self.0.netrc.now();
        netrc.default_entry().is_some() && netrc.for_machine(url).is_none()
    }

    pub(crate) fn inner(&self) -> &Inner {
        &self.0
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("own_id", &self.0.own_id)
            .finish_non_exhaustive()
    }
}
