//! moto: a second S3 server, whose error codes are closest to Amazon's own. It believes any signature.

use super::server::{Place, Plan, Server, ask, free_ports};
use crate::Failure;
use std::process::Command;

const PLACE: Place = Place("moto");

pub(super) const MOTO: Server = Server { place: PLACE, plan };

fn plan() -> Result<Plan, Failure> {
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
}
