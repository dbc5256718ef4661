//! A real Stoa with the environment that a way of installing gives it.
//!
//! Folders of the container are folders of the test, and addresses that only the cluster has are those of the test's
//! servers. Where this build has no such backend yet, or the test no such server, what is left of the environment is
//! checked, and served over memory.

use crate::house::{binary, variable};
use std::{
    collections::BTreeMap,
    fs, thread,
    time::{Duration, Instant},
};
use testkit::{
    client::{Ask, block_on},
    stoa::Stoa,
};

/// Starting takes moments; this only ends what hangs.
const LIMIT: Duration = Duration::from_secs(60);

/// Folders of the container that are folders of the test.
const FOLDERS: [&str; 3] = ["/var/lib/stoa", "/run/secrets/stoa", "/etc/stoa"];

/// Checks the configuration that these variables and files make, and serves with it.
pub(crate) fn starts(name: &str, variables: &BTreeMap<String, String>, files: &BTreeMap<String, String>) {
    let mut setup = Stoa::new(binary()).listening_by_itself();
    let inside = |setup: &Stoa, text: &str| {
        let place = |text: String, folder: &&str| {
            text.replace(*folder, &format!("{}{folder}", setup.folder().display()))
        };
        FOLDERS.iter().fold(text.to_owned(), place)
    };
    for (path, content) in files {
        let path = inside(&setup, path);
        let folder = path.rsplit_once('/').map(|(folder, _)| folder).expect("a path");
        fs::create_dir_all(folder).expect("a folder");
        fs::write(&path, content).expect("a file");
    }
    fs::create_dir_all(inside(&setup, FOLDERS[0])).expect("a folder");
    for (variable, value) in variables {
        let value = inside(&setup, value);
        setup = setup.environment(variable, value);
    }
    let checked = setup.run(["config", "check"]);
    if checked.stderr.contains("backend yet") {
        println!("{name}: {}", checked.stderr.trim());
        let setup = in_memory(setup);
        let checked = setup.run(["config", "check"]);
        assert!(checked.success, "{name}: {checked}");
        serves(name, setup);
        return;
    }
    assert!(checked.success, "{name}: {checked}");
    match with_servers(setup.clone(), &variables["STOA_STORAGE__URL"]) {
        Some(setup) => serves(name, setup),
        None => {
            println!(
                "{name}: checked; serving it needs a server of {}",
                variables["STOA_STORAGE__URL"]
            );
            serves(name, in_memory(setup));
        }
    }
}

/// The same without what belongs to the store that is not there.
fn in_memory(setup: Stoa) -> Stoa {
    setup
        .environment("STOA_STORAGE__URL", "memory:")
        .without("STOA_STORAGE__ENDPOINT")
        .without("STOA_LEASE__URL")
}

/// The same with the test's own servers in the place of the cluster's, where there are any.
fn with_servers(setup: Stoa, storage: &str) -> Option<Stoa> {
    let setup = match variable("STOA_TEST_REDIS") {
        Some(redis) => setup.environment("STOA_LEASE__URL", redis),
        None => setup.without("STOA_LEASE__URL"),
    };
    match storage.split(':').next() {
        Some("s3") => {
            let server = variable("STOA_TEST_MOTO")?;
            let bucket = format!("{server}/deploy-{}", std::process::id());
            let made = block_on(Ask::get(&bucket).method("PUT").send()).expect("the bucket service answers");
            assert!(made.status == 200 || made.status == 409, "{}", made.text());
            let name = bucket.rsplit('/').next().unwrap_or_default();
            Some(
                setup
                    .without("STOA_STORAGE__ENDPOINT")
                    .environment("STOA_STORAGE__URL", format!("s3://{name}/stoa"))
                    .environment("AWS_ENDPOINT_URL", server)
                    .environment("AWS_ALLOW_HTTP", "true")
                    .environment("AWS_REGION", "us-east-1")
                    .environment("AWS_ACCESS_KEY_ID", "test")
                    .environment("AWS_SECRET_ACCESS_KEY", "test"),
            )
        }
        Some("postgres") => {
            let server = variable("STOA_TEST_POSTGRES")?;
            Some(setup.environment("STOA_STORAGE__URL", server))
        }
        Some("file" | "memory") => Some(setup),
        _ => None,
    }
}

/// Serves until its own health check, with the same environment, says that it does.
fn serves(name: &str, setup: Stoa) {
    let address = setup.url().trim_start_matches("http://").to_owned();
    let setup = setup.environment("STOA_LISTEN", address);
    let server = setup.spawn();
    let deadline = Instant::now() + LIMIT;
    loop {
        let health = setup.run(["health"]);
        if health.success {
            break;
        }
        assert!(Instant::now() < deadline, "{name}: {health}\n{}", server.log());
        thread::sleep(Duration::from_millis(20));
    }
    let (status, log) = server.stop();
    assert!(status.success(), "{name}: {log}");
    assert!(!log.contains("does nothing"), "{name}: {log}");
}
