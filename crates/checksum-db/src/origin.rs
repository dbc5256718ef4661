//! Where a database is asked: at its address, or through the first proxy of the chain that relays it.

use crate::setting::DatabaseSetting;
use bytes::Bytes;
use http_client::{Client, Destination, Error};
use proxy_core::upstream::{
    FetchContext,
    chain::{Entry, Separator},
};
use std::time::Duration;
use tokio::{sync::Mutex, time::Instant};

/// How long one question may take in all. Answers are small; who waits for one is a `go` user.
const PATIENCE: Duration = Duration::from_secs(25);

/// How long a way that was found is believed in, so that a proxy which is set up anew is noticed one day.
const FOUND_FOR: Duration = Duration::from_secs(60 * 60);

/// Why there is no answer, as a phrase.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// Asking later may help.
    Away(String),
    /// There was one, and it cannot be right: it is too long, or broken.
    Wrong(String),
}

/// Asks a database.
#[derive(Debug)]
pub(crate) struct Origin {
    client: Client,
    name: String,
    /// Asked in turn whether they relay the database; empty where an address was given.
    proxies: Vec<(Destination, Separator)>,
    /// The database itself.
    direct: Destination,
    found: Mutex<Option<(Instant, Destination)>>,
}

impl Origin {
    pub(crate) fn new(client: Client, setting: &DatabaseSetting, chain: &[(Entry, Separator)]) -> Self {
        let proxies = chain.iter().map_while(|(entry, separator)| match entry {
            Entry::Proxy(address) => Some((address, *separator)),
            Entry::Direct | Entry::Off => None,
        });
        // A folder (file://) relays nothing; and an address that is none was complained of where it is configured.
        let proxies = proxies.filter_map(|(address, separator)| {
            Destination::configured(address)
                .ok()
                .map(|proxy| (proxy, separator))
        });
        Self {
            client,
            name: setting.key.name().to_owned(),
            proxies: match setting.address {
                Some(_) => Vec::new(),
                None => proxies.collect(),
            },
            direct: setting.address.clone().unwrap_or_else(|| setting.named.clone()),
            found: Mutex::default(),
        }
    }

    /// Asks for `lookup/…`, `tile/…` or `latest`; `None` if the database has no such thing.
    pub(crate) async fn fetch(&self, path: &str, limit: usize) -> Result<Option<Bytes>, NoAnswer> {
        let asked = async {
            // Who is asked the way is not the database yet: whatever goes wrong there, it was not asked.
            let away = |error: Error| NoAnswer::Away(error.to_string());
            let base = self.way().await.map_err(away)?;
            match self.get(base.below(path), limit).await {
                Ok(bytes) => Ok(Some(bytes)),
                Err(error) if error.is_not_found() => Ok(None),
                Err(error @ Error::Malformed { .. }) => Err(NoAnswer::Wrong(error.to_string())),
                Err(error) => Err(away(error)),
            }
        };
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => answer,
            Err(_) => {
                let reason = format!("it did not answer within {} s", PATIENCE.as_secs());
                Err(NoAnswer::Away(reason))
            }
        }
    }

    async fn get(&self, destination: Destination, limit: usize) -> Result<Bytes, Error> {
        self.client
            .get_bytes(destination, limit as u64, &FetchContext::default())
            .await
    }

    /// The way to the database. As the go command finds it: a proxy that says it relays the database is asked and
    /// nobody else; one that says it does not (404, 410) is passed over, one that fails only where the chain allows
    /// it. (Go modules reference, "Checksum database".)
    async fn way(&self) -> Result<Destination, Error> {
        if self.proxies.is_empty() {
            return Ok(self.direct.clone());
        }
        let mut found = self.found.lock().await;
        if let Some((when, way)) = &*found
            && when.elapsed() < FOUND_FOR
        {
            return Ok(way.clone());
        }
        let way = self.find().await?;
        *found = Some((Instant::now(), way.clone()));
        Ok(way)
    }

    async fn find(&self) -> Result<Destination, Error> {
        for (proxy, separator) in &self.proxies {
            let base = proxy.below(&format!("sumdb/{}", self.name));
            match self.get(base.below("supported"), 1 << 20).await {
                Ok(_) => return Ok(base),
                Err(error) if error.is_not_found() || *separator == Separator::OnAnyFailure => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.direct.clone())
    }
}
