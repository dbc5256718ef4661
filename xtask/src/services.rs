//! What tests need beside the tree: programs to be installed, servers to be started.
//!
//! Each service is a value of [`Service`], in a file of its own below `services/` once it has more to it than a
//! program to install: then `up` starts the server under `target/services`, on loopback, and gives the variables
//! by which tests find it.

mod azurite;
mod background;
mod fake_gcs;
mod moto;
mod pgbouncer;
mod postgres;
mod redis;
mod seaweedfs;
mod server;

use crate::{Failure, install::Program, programs};

/// Variables for the tests.
pub(crate) type Environment = Vec<(String, String)>;

/// Something tests need.
trait Service {
    /// What it is called.
    fn name(&self) -> &str;
    /// Whether tests can use it now.
    fn is_up(&self) -> bool;
    /// Makes it usable and says how tests find it.
    fn up(&self) -> Result<Environment, Failure>;
    /// Stops what `up` started.
    fn down(&self) -> Result<(), Failure>;
}

/// A program is all it takes: there is nothing to start or stop.
impl Service for Program {
    fn name(&self) -> &str {
        self.name
    }

    fn is_up(&self) -> bool {
        self.is_here()
    }

    fn up(&self) -> Result<Environment, Failure> {
        self.provide().map(|()| Environment::new())
    }

    fn down(&self) -> Result<(), Failure> {
        Ok(())
    }
}

/// Everything the tests need.
const ALL: &[&dyn Service] = &[
    &programs::GIT,
    &programs::GO,
    &programs::SSH,
    &programs::SSHD,
    &programs::HG,
    &programs::SVN,
    &programs::FOSSIL,
    &programs::BZR,
    &programs::FAKETIME,
    &programs::CHROMEDRIVER,
    &programs::CURL,
    &programs::NGINX,
    &seaweedfs::SEAWEEDFS,
    &moto::MOTO,
    &azurite::AZURITE,
    &fake_gcs::FAKE_GCS,
    &postgres::Postgres,
    &pgbouncer::PgBouncer,
    &redis::Redis,
];

/// `cargo xtask services up [name…]|down|list`.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    match arguments {
        ["up", names @ ..] => {
            let wanted = |service: &&dyn Service| names.is_empty() || names.contains(&service.name());
            if let Some(unknown) = names
                .iter()
                .find(|name| ALL.iter().all(|service| service.name() != **name))
            {
                return Err(format!("there is no service named {unknown}"));
            }
            for service in ALL.iter().copied().filter(wanted) {
                for (name, value) in service.up()? {
                    println!("{name}={value}");
                }
            }
            Ok(())
        }
        // Backwards: what was started last may use what was started before it.
        ["down"] => ALL.iter().rev().try_for_each(|service| service.down()),
        ["list"] | [] => {
            for service in ALL {
                println!(
                    "{:12} {}",
                    service.name(),
                    if service.is_up() { "up" } else { "down" }
                );
            }
            Ok(())
        }
        _ => Err("usage: cargo xtask services up [name…]|down|list".to_owned()),
    }
}

/// Everything is usable while this is there; then what was started for it is stopped.
pub(crate) struct Up {
    /// The variables for the tests.
    pub(crate) environment: Environment,
    started: Vec<&'static dyn Service>,
}

/// The servers that keep modules.
pub(crate) const STORES: [&str; 6] = [
    "seaweedfs",
    "moto",
    "azurite",
    "fake-gcs",
    "postgres",
    "pgbouncer",
];

/// Makes everything usable. What runs already is used as it is, and goes on afterwards.
pub(crate) fn up() -> Result<Up, Failure> {
    up_those(|_| true)
}

/// Makes those of these names usable.
pub(crate) fn up_those(wanted: impl Fn(&str) -> bool) -> Result<Up, Failure> {
    let mut up = Up {
        environment: Environment::new(),
        started: Vec::new(),
    };
    for service in ALL.iter().copied().filter(|service| wanted(service.name())) {
        if !service.is_up() {
            up.started.push(service);
        }
        up.environment.extend(service.up()?);
    }
    Ok(up)
}

impl Drop for Up {
    fn drop(&mut self) {
        for service in self.started.iter().rev() {
            if let Err(failure) = service.down() {
                eprintln!("{failure}");
            }
        }
    }
}
