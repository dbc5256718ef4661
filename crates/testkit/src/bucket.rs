//! Buckets on the servers that `cargo xtask services` starts: S3 twice, Azure, and Google behind a façade.
//!
//! A server is shared by all tests that run, so each takes a part of one bucket for itself, under a prefix that no other
//! has; or, where the bucket as a whole matters, a bucket of its own.

mod facade;
mod sign;

use crate::{client::Ask, exchange::exchange, gateway::Gateway, server::full};
use facade::Facade;
use http::Request;
use std::{collections::hash_map::RandomState, hash::BuildHasher};

/// Who serves a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BucketServer {
    /// S3; keeps every promise, and checks signatures.
    SeaweedFs,
    /// S3; its errors are closest to Amazon's, and it believes any signature.
    Moto,
    /// Azure's own emulator.
    Azurite,
    /// Google's JSON API, behind a façade that speaks the XML API.
    FakeGcs,
}

/// A bucket, or a part of one, that this test has for itself.
#[derive(Debug)]
pub struct TestBucket {
    server: BucketServer,
    /// Where requests go.
    endpoint: String,
    name: String,
    prefix: String,
    gateway: Option<Gateway>,
    _facade: Option<Facade>,
}

/// The bucket that tests share.
const SHARED: &str = "stoa-test";

/// The account of Azurite, which is in its manual.
const AZURE_ACCOUNT: &str = "devstoreaccount1";
const AZURE_KEY: &str =
    "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==";

impl BucketServer {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::SeaweedFs, Self::Moto, Self::Azurite, Self::FakeGcs];

    /// The variable that tells where it is.
    const fn variable(self) -> &'static str {
        match self {
            Self::SeaweedFs => "STOA_TEST_SEAWEEDFS",
            Self::Moto => "STOA_TEST_MOTO",
            Self::Azurite => "STOA_TEST_AZURITE",
            Self::FakeGcs => "STOA_TEST_FAKE_GCS",
        }
    }

    /// Its address, or why there is none.
    #[expect(clippy::disallowed_methods, reason = "tests have no configuration")]
    fn address(self) -> Result<String, String> {
        std::env::var(self.variable()).map_err(|_| {
            let variable = self.variable();
            format!("{variable} is not set; `cargo xtask services up` starts the server and says where it is")
        })
    }
}

impl TestBucket {
    /// A fresh part of the shared bucket; or why there is none.
    pub async fn fresh(server: BucketServer) -> Result<Self, String> {
        Self::open(server, SHARED.to_owned(), random()).await
    }

    /// A bucket of its own, used from its root.
    pub async fn whole(server: BucketServer) -> Result<Self, String> {
        Self::open(server, format!("stoa-{}", random()), String::new()).await
    }

    async fn open(server: BucketServer, name: String, prefix: String) -> Result<Self, String> {
        let address = server.address()?;
        let created = create(server, &address, &name).await;
        created.map_err(|error| format!("the server at {} makes no bucket: {error}", server.variable()))?;
        let facade = (server == BucketServer::FakeGcs).then(|| Facade::before(&address));
        let endpoint = match (&facade, server) {
            (Some(facade), _) => facade.url(),
            (None, BucketServer::Azurite) => format!("{address}/{AZURE_ACCOUNT}"),
            (None, _) => address,
        };
        Ok(Self {
            server,
            endpoint,
            name,
            prefix,
            gateway: None,
            _facade: facade,
        })
    }

    /// The same bucket, with a gateway before its server.
    #[must_use]
    pub fn behind_a_gateway(mut self) -> Self {
        let slash = self.endpoint[8..]
            .find('/')
            .map_or(self.endpoint.len(), |at| at + 8);
        let (server, path) = self.endpoint.split_at(slash);
        let gateway = Gateway::before(server);
        self.endpoint = format!("{}{path}", gateway.url());
        self.gateway = Some(gateway);
        self
    }

    /// The gateway before its server. Panics if it has none.
    pub fn gateway(&self) -> &Gateway {
        self.gateway
            .as_ref()
            .expect("the bucket was put behind a gateway")
    }

    /// Its address, server and all, as `storage.url` takes it.
    pub fn url(&self) -> String {
        let scheme = match self.server {
            BucketServer::SeaweedFs | BucketServer::Moto => "s3",
            BucketServer::Azurite => "az",
            BucketServer::FakeGcs => "gs",
        };
        let slash = if self.prefix.is_empty() { "" } else { "/" };
        format!(
            "{scheme}://{}{slash}{}?endpoint={}",
            self.name, self.prefix, self.endpoint
        )
    }

    /// The name of the bucket.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The variables that hold its credentials.
    pub fn variables(&self) -> Vec<(String, String)> {
        let variables: &[(&str, &str)] = match self.server {
            BucketServer::SeaweedFs | BucketServer::Moto => &[
                ("AWS_ACCESS_KEY_ID", sign::KEY),
                ("AWS_SECRET_ACCESS_KEY", sign::SECRET),
                ("AWS_REGION", sign::REGION),
            ],
            BucketServer::Azurite => &[
                ("AZURE_STORAGE_ACCOUNT_NAME", AZURE_ACCOUNT),
                ("AZURE_STORAGE_ACCOUNT_KEY", AZURE_KEY),
            ],
            BucketServer::FakeGcs => &[(
                "GOOGLE_SERVICE_ACCOUNT_KEY",
                r#"{"disable_oauth":true,"client_email":"","private_key":"","private_key_id":""}"#,
            )],
        };
        variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }
}

/// Makes a bucket, unless it is there.
async fn create(server: BucketServer, address: &str, name: &str) -> Result<(), String> {
    let ask = match server {
        BucketServer::Moto => Ask::get(&format!("{address}/{name}")).method("PUT"),
        BucketServer::SeaweedFs => sign::s3(address, name),
        BucketServer::Azurite => sign::azure(address, name, AZURE_ACCOUNT, AZURE_KEY),
        BucketServer::FakeGcs => return create_google(address, name).await,
    };
    let answer = ask.send().await.map_err(|error| error.to_string())?;
    match answer.status {
        200 | 201 | 409 if server == BucketServer::Moto => open_to_all(address, name).await,
        200 | 201 | 409 => Ok(()),
        status => Err(format!("{status}: {}", answer.text())),
    }
}

/// Lets anybody use a bucket of moto's: so a test can look into it without a client library.
async fn open_to_all(address: &str, name: &str) -> Result<(), String> {
    let policy = format!(
        r#"{{"Version":"2012-10-17","Statement":[{{"Effect":"Allow","Principal":"*","Action":"s3:*",
        "Resource":["arn:aws:s3:::{name}","arn:aws:s3:::{name}/*"]}}]}}"#
    );
    let ask = Ask::get(&format!("{address}/{name}?policy"))
        .method("PUT")
        .body(policy);
    // It believes any signature.
    let ask = ask.header(
        "authorization",
        "AWS4-HMAC-SHA256 Credential=test/20260101/us-east-1/s3/aws4_request",
    );
    let answer = ask.send().await.map_err(|error| error.to_string())?;
    match answer.status {
        200 | 204 => Ok(()),
        status => Err(format!("{status}: {}", answer.text())),
    }
}

async fn create_google(address: &str, name: &str) -> Result<(), String> {
    let request = Request::post("/storage/v1/b?project=test")
        .header("content-type", "application/json")
        .body(full(format!(r#"{{"name":"{name}"}}"#)))
        .map_err(|error| error.to_string())?;
    let server = address.parse().map_err(|_| "its address is none".to_owned())?;
    let answer = exchange(&server, request)
        .await
        .map_err(|error| error.to_string())?;
    match answer.status().as_u16() {
        200 | 409 => Ok(()),
        status => Err(status.to_string()),
    }
}

/// A name that no other test has.
fn random() -> String {
    // Its keys are drawn from the system's randomness.
    format!(
        "{:016x}{:016x}",
        RandomState::new().hash_one(0),
        RandomState::new().hash_one(1)
    )
}
