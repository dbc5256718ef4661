//! What a host is shown where a stranger's module leads to it, and where whoever is in between could read it: nothing.

use super::house::{House, commit, environment, fetch, open_with, settings, source};
use direct_fetch::{
    credentials::Shown,
    git::{Git, TransportChoice},
};
use proxy_core::upstream::UpstreamError;
use std::fs;
use testkit::{
    certificates::TestAuthority,
    git::{GitHost, GitRequest},
    skip_or_fail,
};

const BOTH: [TransportChoice; 2] = [TransportChoice::BuiltIn, TransportChoice::Command];

/// A reader on a machine whose netrc file, and whose git's own helper, know the host.
fn knowing(house: &House, name: &str, transport: TransportChoice) -> Git {
    let home = house.folder.path().join("home");
    fs::create_dir_all(&home).unwrap();
    let netrc = home.join(".netrc");
    fs::write(&netrc, "machine 127.0.0.1 login stoa password canary\n").unwrap();
    let config = home.join("gitconfig");
    fs::write(
        &config,
        "[credential]\n\thelper = \"!f() { echo username=stoa; echo password=canary; }; f\"\n\
         [http \"http://127.0.0.1/\"]\n\textraHeader = \"Authorization: Basic canary\"\n",
    )
    .unwrap();
    let mut settings = settings(&house.folder.path().join(name), transport);
    settings.environment = environment();
    settings.environment.push(("HOME".into(), home.into()));
    settings
        .environment
        .push(("GIT_CONFIG_GLOBAL".into(), config.into()));
    open_with(settings, |client| {
        let netrc = netrc.to_string_lossy().into_owned();
        let known = http_client::Settings::from_lookup(|name| (name == "NETRC").then(|| netrc.clone()));
        client.netrc = known.unwrap().netrc;
    })
}

fn shows(requests: &[GitRequest]) -> bool {
    requests
        .iter()
        .any(|request| request.headers.contains_key("authorization"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_strangers_module_shows_nothing_of_what_the_machine_knows() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let repository = house.host.repository("r");
    repository.tag("v1.0.0", &repository.commit("main", &commit(1)));
    house.host.require("stoa", "canary");
    for transport in BOTH {
        let git = knowing(&house, &format!("{transport:?}"), transport);
        let own = source(&house.host.repository_url("r"));
        fetch(&git, &own, "v1.0.0").await.unwrap();
        house.host.forget();
        for withheld in [true, false] {
            let mut strange = own.clone();
            strange.shown = Shown::Nothing { withheld };
            let refused = fetch(&git, &strange, "v1.0.0").await;
            match refused {
                Err(UpstreamError::Unavailable { reason, .. }) => {
                    assert!(reason.contains("upstream.private"), "{transport:?}: {reason}");
                }
                other => panic!("{transport:?}: {other:?}"),
            }
        }
        assert!(!house.host.requests().is_empty());
        assert!(!shows(&house.host.requests()), "{transport:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn where_any_certificate_is_taken_nothing_is_shown() {
    let Some(house) = House::build() else {
        skip_or_fail!("there is no git here")
    };
    let host = GitHost::start_tls(&TestAuthority::new());
    let repository = host.repository("r");
    repository.tag("v1.0.0", &repository.commit("main", &commit(1)));
    host.require("stoa", "canary");
    for transport in BOTH {
        let git = knowing(&house, &format!("{transport:?}"), transport);
        let mut unverified = source(&host.repository_url("r"));
        unverified.unverified_tls = true;
        let refused = fetch(&git, &unverified, "v1.0.0").await;
        assert!(
            matches!(refused, Err(UpstreamError::Unavailable { .. })),
            "{transport:?}: {refused:?}"
        );
        assert!(!host.requests().is_empty());
        assert!(!shows(&host.requests()), "{transport:?}");
    }
}
