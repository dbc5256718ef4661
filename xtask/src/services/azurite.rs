//! Azurite: Azure's own emulator of Blob Storage.

use super::server::{Place, Plan, Server, ask, free_ports};
use crate::Failure;
use std::process::Command;

const PLACE: Place = Place("azurite");

pub(super) const AZURITE: Server = Server { place: PLACE, plan };

fn plan() -> Result<Plan, Failure> {
    let programs = PLACE.npm("azurite@3.37.0")?;
    let data = PLACE.fresh_data()?;
    let [port] = free_ports()?;
    let mut command = Command::new(programs.join("azurite-blob"));
    command
        .args(["--silent", "--skipApiVersionCheck", "--disableTelemetry"])
        .args(["--blobHost", "127.0.0.1", "--blobPort", &port.to_string()])
        .arg("--location")
        .arg(&data)
        .current_dir(&data);
    Ok(Plan {
        command,
        environment: vec![("STOA_TEST_AZURITE".to_owned(), format!("http://127.0.0.1:{port}"))],
        // It is there as soon as it refuses what bears no signature.
        ready: Box::new(move || ask(port, "GET", "/", "").is_some()),
    })
}
