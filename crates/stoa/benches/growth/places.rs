//! Where stores of chosen sizes are kept, and how they are filled.

use crate::{asked::Times, tree};
use testkit::{
    bucket::{BucketServer, TestBucket},
    client::block_on,
    postgres::{Servers, fresh_word},
    stoa::Stoa,
};

/// A backend that is filled and asked.
pub(crate) trait Place {
    /// What it is called.
    fn name(&self) -> String;
    /// The most versions it is filled with.
    fn most(&self) -> usize {
        100_000
    }
    /// Fills a store of so many versions, and asks a mirror over it. Fails with why there is no such place here.
    fn measure(&self, versions: usize) -> Result<Times, String>;
}

/// The disk, and every storage URL that was named: each must lead to an empty place that may be filled. A `#` in it
/// stands for the number of versions. Where none is named, the servers of tests that are up.
pub(crate) fn all(arguments: &[String]) -> Vec<Box<dyn Place>> {
    let urls: Vec<&String> = arguments
        .iter()
        .filter(|argument| argument.contains("://"))
        .collect();
    let mut places: Vec<Box<dyn Place>> = vec![Box::new(Disk)];
    if urls.is_empty() {
        places.push(Box::new(Postgres));
        places.extend(
            BucketServer::ALL
                .into_iter()
                .map(|server| Box::new(server) as Box<dyn Place>),
        );
    }
    places.extend(
        urls.into_iter()
            .map(|url| Box::new(Named(url.clone())) as Box<dyn Place>),
    );
    places
}

fn stoa() -> Stoa {
    Stoa::new(env!("CARGO_BIN_EXE_stoa"))
        .upstream("off")
        .environment("STOA_CHECKSUMS__DATABASE", "off")
        .environment("STOA_TELEMETRY__ACCESS_LOG", "false")
}

struct Disk;

impl Place for Disk {
    fn name(&self) -> String {
        "disk".into()
    }
    fn measure(&self, versions: usize) -> Result<Times, String> {
        let setup = stoa();
        tree::write(&setup.store(), versions);
        Ok(Times::of(&setup, versions))
    }
}

/// A store that `stoa copy` fills from a tree, and a mirror over it.
fn measured(url: &str, variables: impl IntoIterator<Item = (String, String)>, versions: usize) -> Times {
    let setup = variables
        .into_iter()
        .fold(stoa(), |setup, (name, value)| setup.environment(&name, value));
    tree::write(&setup.folder().join("tree"), versions);
    let filled = setup.run_long(["copy", "file:tree", url, "--parallel", "64", "--upstream", "off"]);
    assert!(filled.success, "{}{}", filled.stdout, filled.stderr);
    Times::of(&setup.arguments(["--storage", url]), versions)
}

/// A place that somebody named.
struct Named(String);

impl Place for Named {
    fn name(&self) -> String {
        let place = self.0.split('?').next().unwrap_or_default();
        place.rsplit('@').next().unwrap_or_default().to_owned()
    }
    fn measure(&self, versions: usize) -> Result<Times, String> {
        let url = self.0.replace('#', &versions.to_string());
        Ok(measured(&url, credentials(), versions))
    }
}

/// The Postgres of tests.
struct Postgres;

impl Place for Postgres {
    fn name(&self) -> String {
        "Postgres".into()
    }
    fn measure(&self, versions: usize) -> Result<Times, String> {
        let url = format!("{}?schema={}", Servers::find()?.direct, fresh_word());
        Ok(measured(&url, [], versions))
    }
}

/// A bucket of its own on a server of tests.
impl Place for BucketServer {
    fn name(&self) -> String {
        format!("{self:?}")
    }
    fn most(&self) -> usize {
        // The others are emulators that keep everything in memory, or in one small database.
        match self {
            Self::SeaweedFs => 100_000,
            Self::Moto | Self::Azurite | Self::FakeGcs => 10_000,
        }
    }
    fn measure(&self, versions: usize) -> Result<Times, String> {
        let bucket = block_on(TestBucket::whole(*self))?;
        Ok(measured(&bucket.url(), bucket.variables(), versions))
    }
}

/// What the environment says of clouds: the servers of a benchmark are given nothing else of it.
#[expect(
    clippy::disallowed_methods,
    reason = "whoever runs a benchmark has the credentials of its buckets here"
)]
fn credentials() -> impl Iterator<Item = (String, String)> {
    std::env::vars().filter(|(name, _)| {
        ["AWS_", "GOOGLE_", "AZURE_"]
            .iter()
            .any(|cloud| name.starts_with(cloud))
    })
}
