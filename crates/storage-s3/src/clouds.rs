//! From an address and variables to a client: each cloud's own names, credentials and ways.
//!
//! Variables are those that `object_store` documents (`AWS_…`, `GOOGLE_…`, `AZURE_…`), which are those of the clouds'
//! own tools; what an address says itself goes before them. Without any, a machine's or a workload's own identity is
//! asked, as those tools would.

use crate::{
    address::{BucketUrl, Cloud},
    objects::{Objects, Server},
    profile::{self, ProfileError},
    transport::{self, Connector},
};
use object_store::{
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    azure::{AzureConfigKey, MicrosoftAzureBuilder},
    client::HttpConnector,
    gcp::{GoogleCloudStorageBuilder, GoogleConfigKey},
};
use std::{collections::BTreeMap, sync::Arc};
use tokio::sync::OnceCell;

/// Where Google's XML API is.
const GOOGLE: &str = "https://storage.googleapis.com";

/// Why a bucket cannot be opened: what was said of it contradicts itself or is not enough.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenError {
    /// The client library refuses the settings.
    #[error("its settings cannot be used")]
    Settings(#[source] Arc<object_store::Error>),
    /// The AWS profile that was named, or is there, cannot be used.
    #[error(transparent)]
    Profile(#[from] ProfileError),
    /// Azure's containers are an account's.
    #[error("it names no storage account: set AZURE_STORAGE_ACCOUNT_NAME, or write account= behind its `?`")]
    NoAccount,
}

impl From<object_store::Error> for OpenError {
    fn from(error: object_store::Error) -> Self {
        Self::Settings(Arc::new(error))
    }
}

/// The variables that hold for one bucket.
struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Those whose names begin with the `env` of the address, without it; all of them if it has none.
    fn of(url: &BucketUrl, all: BTreeMap<String, String>) -> Self {
        let Some(beginning) = &url.settings.env else {
            return Self(all);
        };
        let ours = all.iter().filter_map(|(name, value)| {
            let home = (name == "HOME").then(|| (name.clone(), value.clone()));
            home.or_else(|| Some((name.strip_prefix(beginning.as_str())?.to_owned(), value.clone())))
        });
        Self(ours.collect())
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.0
            .get(name)
            .map(String::as_str)
            .filter(|value| !value.is_empty())
    }

    /// The variables of one cloud as keys of its client; names that are no keys are somebody else's.
    fn keys<K: std::str::FromStr>(&self, beginning: &str) -> impl Iterator<Item = (K, &str)> {
        self.0
            .iter()
            .filter(move |(name, value)| name.starts_with(beginning) && !value.is_empty())
            .filter_map(|(name, value)| Some((name.to_ascii_lowercase().parse().ok()?, value.as_str())))
    }
}

pub(crate) fn open(url: &BucketUrl, variables: BTreeMap<String, String>) -> Result<Objects, OpenError> {
    let variables = Variables::of(url, variables);
    match url.cloud {
        Cloud::S3 => s3(url, &variables),
        Cloud::Gcs => gcs(url, &variables),
        Cloud::Azure => azure(url, &variables),
    }
}

fn s3(url: &BucketUrl, variables: &Variables) -> Result<Objects, OpenError> {
    let connector = Connector::default();
    let mut options = transport::options();
    let mut builder = AmazonS3Builder::new();
    if let Some(profile) = profile(url, variables)? {
        let keys = [
            (AmazonS3ConfigKey::AccessKeyId, profile.access_key_id),
            (AmazonS3ConfigKey::SecretAccessKey, profile.secret_access_key),
            (AmazonS3ConfigKey::Token, profile.session_token),
            (AmazonS3ConfigKey::Region, profile.region),
        ];
        for (key, value) in keys {
            if let Some(value) = value {
                builder = builder.with_config(key, value);
            }
        }
    }
    if let Some(region) = variables.get("AWS_DEFAULT_REGION") {
        builder = builder.with_region(region);
    }
    let settings = &url.settings;
    for (key, value) in variables.keys::<AmazonS3ConfigKey>("AWS_") {
        let of_profile = matches!(
            key,
            AmazonS3ConfigKey::AccessKeyId | AmazonS3ConfigKey::SecretAccessKey | AmazonS3ConfigKey::Token
        );
        match key {
            // The profile that an address names goes before what the environment says.
            _ if settings.profile.is_some() && of_profile => {}
            AmazonS3ConfigKey::DefaultRegion => {}
            AmazonS3ConfigKey::Client(key) => options = options.with_config(key, value),
            key => builder = builder.with_config(key, value),
        }
    }
    if let Some(region) = &settings.region {
        builder = builder.with_region(region);
    }
    if let Some(virtual_hosted) = settings.virtual_hosted {
        builder = builder.with_virtual_hosted_style_request(virtual_hosted);
    }
    let asked = |key: &AmazonS3ConfigKey| builder.get_config_value(key);
    let named = settings
        .endpoint
        .clone()
        .or_else(|| asked(&AmazonS3ConfigKey::S3Endpoint))
        .or_else(|| asked(&AmazonS3ConfigKey::Endpoint));
    let is_true =
        |value: Option<String>| value.is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1");
    let unsigned = is_true(asked(&AmazonS3ConfigKey::SkipSignature));
    if let Some(endpoint) = named {
        options = allow_http(options, &endpoint);
        let in_host = is_true(asked(&AmazonS3ConfigKey::VirtualHostedStyleRequest));
        let endpoint = match endpoint.split_once("://") {
            // The client takes such an address as that of the bucket itself.
            Some((scheme, host)) if in_host && !host.starts_with(&format!("{}.", url.bucket)) => {
                format!("{scheme}://{}.{host}", url.bucket)
            }
            _ => endpoint,
        };
        builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint);
    }
    let s3 = builder
        .with_bucket_name(&url.bucket)
        .with_client_options(options.clone())
        .with_retry(transport::retries())
        .with_http_connector(connector.clone())
        // We remove one object at a time, and not every server knows the request for many.
        .with_disable_bulk_delete(true)
        .build()?;
    let server = if unsigned {
        Server::Unsigned
    } else {
        Server::S3(s3.clone())
    };
    Ok(Objects {
        objects: Arc::new(s3.clone()),
        pages: Arc::new(s3),
        client: connector.connect(&options)?,
        server,
        url: url.clone(),
        by_bytes: OnceCell::new(),
        only_read: false,
    })
}

/// The AWS profile to use: the one that the address names; else, where the environment holds no credentials of its
/// own, the one it names; else the default one, if there is any.
fn profile(url: &BucketUrl, variables: &Variables) -> Result<Option<profile::Profile>, ProfileError> {
    let files = profile::Files {
        credentials: variables.get("AWS_SHARED_CREDENTIALS_FILE").map(Into::into),
        config: variables.get("AWS_CONFIG_FILE").map(Into::into),
        home: variables.get("HOME").map(Into::into),
    };
    if let Some(named) = &url.settings.profile {
        return files.read(named).map(Some);
    }
    let others = [
        "AWS_ACCESS_KEY_ID",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_WEB_IDENTITY_TOKEN_FILE",
        "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
        "AWS_CONTAINER_CREDENTIALS_FULL_URI",
        "AWS_SKIP_SIGNATURE",
    ];
    if others.iter().any(|name| variables.get(name).is_some()) {
        return Ok(None);
    }
    match variables.get("AWS_PROFILE") {
        Some(named) => files.read(named).map(Some),
        None => Ok(files.read("default").ok()),
    }
}

fn gcs(url: &BucketUrl, variables: &Variables) -> Result<Objects, OpenError> {
    let connector = Connector::default();
    let mut options = transport::options();
    let mut builder = GoogleCloudStorageBuilder::new();
    if let Some(path) = variables.get("SERVICE_ACCOUNT") {
        builder = builder.with_service_account_path(path);
    }
    let mut base = None;
    for (key, value) in variables.keys::<GoogleConfigKey>("GOOGLE_") {
        match key {
            GoogleConfigKey::Client(key) => options = options.with_config(key, value),
            GoogleConfigKey::BaseUrl => base = Some(value.to_owned()),
            key => builder = builder.with_config(key, value),
        }
    }
    let base = url
        .settings
        .endpoint
        .clone()
        .or(base)
        .unwrap_or_else(|| GOOGLE.to_owned());
    options = allow_http(options, &base);
    let unsigned = builder
        .get_config_value(&GoogleConfigKey::SkipSignature)
        .is_some_and(|value| value.eq_ignore_ascii_case("true") || value == "1");
    let gcs = builder
        .with_base_url(&base)
        .with_bucket_name(&url.bucket)
        .with_client_options(options.clone())
        .with_retry(transport::retries())
        .with_http_connector(connector.clone())
        .build()?;
    Ok(Objects {
        objects: Arc::new(gcs.clone()),
        pages: Arc::new(gcs.clone()),
        client: connector.connect(&options)?,
        server: Server::Gcs { gcs, base, unsigned },
        url: url.clone(),
        by_bytes: OnceCell::new(),
        only_read: false,
    })
}

fn azure(url: &BucketUrl, variables: &Variables) -> Result<Objects, OpenError> {
    let connector = Connector::default();
    let mut options = transport::options();
    let mut builder = MicrosoftAzureBuilder::new();
    for (key, value) in variables.keys::<AzureConfigKey>("AZURE_") {
        match key {
            AzureConfigKey::Client(key) => options = options.with_config(key, value),
            key => builder = builder.with_config(key, value),
        }
    }
    // Where App Service and Functions answer for the identity of what runs in them.
    if let Some(endpoint) = variables.get("IDENTITY_ENDPOINT") {
        builder = builder.with_msi_endpoint(endpoint);
    }
    if let Some(account) = &url.settings.account {
        builder = builder.with_account(account);
    }
    let asked = |key: &AzureConfigKey| builder.get_config_value(key);
    let emulator =
        asked(&AzureConfigKey::UseEmulator).is_some_and(|value| value.eq_ignore_ascii_case("true"));
    if asked(&AzureConfigKey::AccountName).is_none() && !emulator {
        return Err(OpenError::NoAccount);
    }
    if let Some(endpoint) = url
        .settings
        .endpoint
        .clone()
        .or_else(|| asked(&AzureConfigKey::Endpoint))
    {
        options = allow_http(options, &endpoint);
        builder = builder.with_endpoint(endpoint);
    }
    let azure = builder
        .with_container_name(&url.bucket)
        .with_client_options(options.clone())
        .with_retry(transport::retries())
        .with_http_connector(connector.clone())
        .build()?;
    Ok(Objects {
        objects: Arc::new(azure.clone()),
        pages: Arc::new(azure.clone()),
        client: connector.connect(&options)?,
        server: Server::Azure(azure),
        url: url.clone(),
        by_bytes: OnceCell::new(),
        only_read: false,
    })
}

/// Whoever writes `http://` means it.
fn allow_http(options: object_store::ClientOptions, endpoint: &str) -> object_store::ClientOptions {
    if endpoint.starts_with("http://") {
        options.with_allow_http(true)
    } else {
        options
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(url: &str, variables: &[(&str, &str)]) -> Result<Objects, OpenError> {
        let pairs = variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        open(&BucketUrl::parse(url).unwrap(), pairs.collect())
    }

    fn s3_of(url: &str, variables: &[(&str, &str)]) -> String {
        format!("{:?}", opened(url, variables).unwrap().objects)
    }

    #[test]
    fn an_address_goes_before_the_environment() {
        let variables = [
            ("AWS_ACCESS_KEY_ID", "mine"),
            ("AWS_SECRET_ACCESS_KEY", "secret"),
            ("AWS_REGION", "eu-1"),
            ("AWS_ENDPOINT_URL", "http://one.test"),
            ("AWS_NONSENSE", "x"),
            ("B_AWS_ACCESS_KEY_ID", "theirs"),
            ("B_AWS_SECRET_ACCESS_KEY", "secret"),
            ("B_AWS_DEFAULT_REGION", "eu-2"),
        ];
        let plain = s3_of("s3://b", &variables);
        for part in ["http://one.test/b\"", "region: \"eu-1\"", "mine"] {
            assert!(plain.contains(part), "{part} is not in {plain}");
        }
        let other = s3_of("s3://b?endpoint=http://two.test&region=us-9&env=B_", &variables);
        for part in ["http://two.test/b\"", "region: \"us-9\"", "theirs"] {
            assert!(other.contains(part), "{part} is not in {other}");
        }
        let region = s3_of("s3://b?env=B_", &variables);
        assert!(region.contains("region: \"eu-2\""), "{region}");
        assert!(region.contains("https://s3.eu-2."), "{region}");
    }

    #[test]
    fn a_bucket_in_the_host_s_name_is_put_there_once() {
        let variables = [("AWS_ACCESS_KEY_ID", "k"), ("AWS_SECRET_ACCESS_KEY", "s")];
        for url in [
            "s3://b?style=virtual&endpoint=http://one.test:9000",
            "s3://b?style=virtual&endpoint=http://b.one.test:9000",
        ] {
            let s3 = s3_of(url, &variables);
            assert!(s3.contains("bucket_endpoint: \"http://b.one.test:9000\""), "{s3}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let error = opened("az://c", &[]).unwrap_err().to_string();
        assert!(error.contains("AZURE_STORAGE_ACCOUNT_NAME"), "{error}");
        let error = opened("s3://b", &[("AWS_ACCESS_KEY_ID", "k")]).unwrap_err();
        assert!(matches!(error, OpenError::Settings(_)), "{error}");
        let error = opened("s3://b?profile=none", &[("HOME", "/nowhere")])
            .unwrap_err()
            .to_string();
        assert!(error.contains("none"), "{error}");
    }
}
