//! Certificates.

use crate::{client, configured};
use http_client::{Client, Error, Settings, SettingsError};
use proxy_core::upstream::FetchContext;
use std::sync::Arc;
use testkit::{
    certificates::TestAuthority,
    proxy::{Action, FakeUpstream},
};

pub(crate) fn trusting(authority: &Arc<TestAuthority>) -> Client {
    let extra_roots = authority.pem().as_bytes().to_vec();
    Client::new(&Settings {
        extra_roots,
        ..Settings::default()
    })
    .unwrap()
}

#[tokio::test]
async fn only_known_authorities_are_believed() {
    let authority = TestAuthority::new();
    let upstream = FakeUpstream::serving_tls([], &authority);
    upstream.when("*", Action::bytes("here"));
    let context = FetchContext::default();
    let destination = configured(&upstream.url());
    let stranger = client()
        .get_bytes(destination.clone(), 100, &context)
        .await
        .unwrap_err();
    assert!(matches!(stranger, Error::Unreachable { .. }), "{stranger:?}");
    assert!(stranger.to_string().contains("certificate"), "{stranger}");
    let known = trusting(&authority)
        .get_bytes(destination.clone(), 100, &context)
        .await;
    assert_eq!(known.unwrap(), "here");
    let careless = client()
        .get_bytes(destination.with_unverified_tls(), 100, &context)
        .await;
    assert_eq!(careless.unwrap(), "here");
}

#[test]
fn what_is_no_certificate_is_refused_at_the_start() {
    for text in [
        "nothing",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
    ] {
        let extra_roots = text.as_bytes().to_vec();
        let refused = Client::new(&Settings {
            extra_roots,
            ..Settings::default()
        })
        .unwrap_err();
        let expected = matches!(refused, SettingsError::Certificates(_) | SettingsError::Setup(_));
        assert!(expected, "{refused:?}");
    }
    let own_id = "with space".into();
    assert!(matches!(
        Client::new(&Settings {
            own_id,
            ..Settings::default()
        }),
        Err(SettingsError::OwnId)
    ));
}
