//! moto: a second S3 server, whose error codes are closest to Amazon's own. It believes any signature.

use super::{
    Environment, Service,
    server::{Place, Plan, ask, free_ports},
};
use crate::Failure;
use std::process::Command;

const PLACE: Place = Place("moto");

pub(super) struct Moto;

impl Service for Moto {
    fn name(&self) -> &str {
        PLACE.0
    }

    fn is_up(&self) -> bool {
        PLACE.running().is_some()
    }

    fn up(&self) -> Result<Environment, Failure> {
        PLACE.provide(|| {
            let programs = PLACE.python("moto[server,s3]==5.2.5")?;
            let [port] = free_ports()?;
            let mut command = Command::new(programs.join("moto_server"));
            command
                .args(["-H", "127.0.0.1", "-p", &port.to_string()])
                .current_dir(PLACE.folder());
            Ok(Plan {
                command,
                environment: vec![("STOA_TEST_MOTO".to_owned(), format!("http://127.0.0.1:{port}"))],
                ready: Box::new(move || ask(port, "GET", "/moto-api/", "") == Some(200)),
            })
        })
    }

    fn down(&self) -> Result<(), Failure> {
        PLACE.stop()
    }
}
