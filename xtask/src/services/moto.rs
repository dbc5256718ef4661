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
            // Its own program serves many requests at a time, and between looking at a condition and writing it lets
            // others in; one at a time it is sound.
            let serve = format!(
                "from moto.server import DomainDispatcherApplication, create_backend_app\n\
                 from werkzeug.serving import run_simple\n\
                 run_simple('127.0.0.1', {port}, DomainDispatcherApplication(create_backend_app), threaded=False)"
            );
            let mut command = Command::new(programs.join("python"));
            command.args(["-c", &serve]).current_dir(PLACE.folder());
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
