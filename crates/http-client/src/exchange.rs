//! One question on the wire: from the request to the head of the answer that is no redirect.

use crate::{
    client::Inner,
    destination::{Destination, Trust, authority, may_carry_credentials},
    error::Error,
    guard::{self, Reach},
    meters,
    redirect::{self, Hop, MOST_HOPS},
    request::Request,
    retry::Retries,
    transport, via,
};
use http::header;
use proxy_core::upstream::FetchContext;
use std::{net::IpAddr, time::Instant};

/// The head of an answer, with the body still to come.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) response: reqwest::Response,
    pub(crate) hop: Hop,
}

impl Inner {
    /// Asks, and asks again while that may help.
    pub(crate) async fn answer(&self, request: &Request, context: &FetchContext) -> Result<Answer, Error> {
        let mut retries = Retries::new();
        loop {
            let outcome = self.exchange(request, context).await;
            let Some(delay) = retries.after(&outcome).filter(|_| request.may_repeat()) else {
                return outcome;
            };
            tracing::debug!(host = request.destination.host(), ?delay, "asking again");
            tokio::time::sleep(delay).await;
        }
    }

    /// Asks once, and follows redirects.
    async fn exchange(&self, request: &Request, context: &FetchContext) -> Result<Answer, Error> {
        let mut hop = self.first_hop(&request.destination);
        for _ in 0..=MOST_HOPS {
            let begun = Instant::now();
            let answered = self.ask(&hop, request, context).await;
            meters::record(&answered, begun);
            let response = answered?;
            let Some(to) = redirect::location(&hop.url, response.status(), response.headers())? else {
                return Ok(Answer { response, hop });
            };
            if !request.may_repeat() {
                return Err(Error::refused(format!(
                    "{} redirects what is not a GET",
                    authority(&hop.url)
                )));
            }
            let internal = hop.reach == Reach::Everywhere && self.came_from_inside(&hop, &response).await;
            hop = hop.next(to, internal);
        }
        Err(Error::refused(format!(
            "{} redirects more than {MOST_HOPS} times",
            request.destination.host()
        )))
    }

    /// Lets the guard judge an address without asking anything of it; gives the addresses of its host.
    pub(crate) async fn judge(&self, destination: &Destination) -> Result<Vec<IpAddr>, Error> {
        self.transport
            .judge(destination.url(), reach_of(destination.trust()))
            .await
    }

    fn first_hop(&self, destination: &Destination) -> Hop {
        let url = destination.url();
        let netrc = self.netrc.now();
        // The default entry stands for hosts that somebody chose to trust, not for any that the network names.
        let default = || match destination.trust() {
            Trust::Configured => netrc.default_entry(),
            Trust::LearnedPrivate | Trust::Learned => None,
        };
        let credentials = destination
            .credentials()
            .or_else(|| netrc.for_machine(url))
            .or_else(default)
            .filter(|_| !destination.is_anonymous())
            .filter(|_| may_carry_credentials(url) && !destination.accepts_any_certificate())
            .cloned();
        Hop {
            url: url.clone(),
            reach: reach_of(destination.trust()),
            credentials,
        }
    }

    async fn ask(
        &self,
        hop: &Hop,
        request: &Request,
        context: &FetchContext,
    ) -> Result<reqwest::Response, Error> {
        let any_certificate = request.destination.accepts_any_certificate();
        let client = self
            .transport
            .client(&hop.url, hop.reach, any_certificate)
            .await?;
        let mut headers = request.headers.clone();
        headers.extend(via::header(context.via(), &self.own_id).map(|via| (header::VIA, via)));
        headers.extend(
            hop.credentials
                .as_ref()
                .map(|known| (header::AUTHORIZATION, known.header())),
        );
        let sent = client
            .request(request.method.clone(), hop.url.clone())
            .headers(headers)
            .body(request.body.clone())
            .send();
        let limit = self.timeouts.head;
        let answered = tokio::time::timeout(limit, sent)
            .await
            .map_err(|_| Error::Silent {
                host: authority(&hop.url).into(),
                limit,
            })?
            .map_err(|error| transport::failure(&hop.url, error))?;
        context.note_activity();
        Ok(answered)
    }

    /// Whether a configured address lies in our own network: by the address that answered, or, behind a forward proxy,
    /// by what its name resolves to here.
    async fn came_from_inside(&self, hop: &Hop, response: &reqwest::Response) -> bool {
        match response.remote_addr() {
            Some(peer) if !self.transport.is_proxied(&hop.url) => guard::is_internal(peer.ip()),
            _ => self.transport.is_internal(&hop.url).await,
        }
    }
}

fn reach_of(trust: Trust) -> Reach {
    match trust {
        Trust::Configured => Reach::Everywhere,
        Trust::LearnedPrivate => Reach::Internal,
        Trust::Learned => Reach::Public,
    }
}
