//! What tests need beside the tree: programs to be installed, servers to be started.
//!
//! Each service is a value of [`Service`], in a file of its own below `services/` once it has more to it than a
//! program to install: then `up` starts the server under `target/services`, on loopback, and gives the variables
//! by which tests find it.

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
const ALL: [&dyn Service; 6] = [
    &programs::GIT,
    &programs::GO,
    &programs::SSH,
    &programs::SSHD,
    &programs::HG,
    &programs::SVN,
];

/// `cargo xtask services up|down|list`.
pub(crate) fn run(arguments: &[&str]) -> Result<(), Failure> {
    match arguments {
        ["up"] => {
            for (name, value) in up()? {
                println!("{name}={value}");
            }
            Ok(())
        }
        ["down"] => ALL.into_iter().try_for_each(Service::down),
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
        _ => Err("usage: cargo xtask services up|down|list".to_owned()),
    }
}

/// Makes everything usable; gives the variables for the tests.
pub(crate) fn up() -> Result<Environment, Failure> {
    let environments: Result<Vec<_>, _> = ALL.into_iter().map(Service::up).collect();
    Ok(environments?.concat())
}
