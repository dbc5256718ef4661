//! Where stores of chosen sizes are kept, and how they are filled.

use crate::{asked::Times, tree};
use testkit::stoa::Stoa;

/// A backend that is filled and asked.
pub(crate) trait Place {
    /// What it is called.
    fn name(&self) -> String;
    /// The most versions it is filled with.
    fn most(&self) -> usize {
        100_000
    }
    /// Fills a store of so many versions, asks a mirror over it, and takes the store away.
    fn measure(&self, versions: usize) -> Times;
}

/// The disk, and every storage URL that was named: each must lead to an empty place that may be filled. A `#` in it
/// stands for the number of versions.
pub(crate) fn all(arguments: &[String]) -> Vec<Box<dyn Place>> {
    let mut places: Vec<Box<dyn Place>> = vec![Box::new(Disk)];
    let urls = arguments.iter().filter(|argument| argument.contains("://"));
    places.extend(urls.map(|url| Box::new(Remote(url.clone())) as Box<dyn Place>));
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
    fn measure(&self, versions: usize) -> Times {
        let setup = stoa();
        tree::write(&setup.store(), versions);
        Times::of(&setup, versions)
    }
}

/// Whatever `stoa copy` can fill.
struct Remote(String);

impl Place for Remote {
    fn name(&self) -> String {
        let place = self.0.split('?').next().unwrap_or_default();
        place.rsplit('@').next().unwrap_or_default().to_owned()
    }
    fn measure(&self, versions: usize) -> Times {
        let url = self.0.replace('#', &versions.to_string());
        let setup = credentials().fold(stoa(), |setup, (name, value)| setup.environment(&name, value));
        tree::write(&setup.folder().join("tree"), versions);
        let filled = setup.run_long(["copy", "file:tree", &url, "--parallel", "64", "--upstream", "off"]);
        assert!(filled.success, "{}{}", filled.stdout, filled.stderr);
        Times::of(&setup.arguments(["--storage", &url]), versions)
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
