//! What is not a file: lists, queries, checksum databases, refusals and errors.

use crate::house::{Form, House, OWN_ID, Origin, Shelf, header, read};
use async_trait::async_trait;
use bytes::Bytes;
use download_protocol::{Answered, Request, RequestKind};
use proxy_core::{
    checksums::{ChecksumError, ChecksumRelay, Relayed},
    mirror::Cache,
    upstream::UpstreamError,
};
use std::sync::Arc;

const INFO: &str = r#"{"Version":"v1.2.0","Time":"2026-11-23T00:00:00Z"}"#;

/// A mirror that keeps v1.2.0 of `example.test/m`, whose origin has v1.10.0 too.
fn house() -> House {
    let shelf = Shelf::default().with("example.test/m/@v/v1.2.0.info", INFO, Form::Memory);
    let origin = Origin {
        error: UpstreamError::unavailable("origin.test said 503"),
        versions: vec!["v1.10.0", "v1.9.0", "v1.2.0"],
    };
    House::build(shelf, origin, Vec::new())
}

#[tokio::test]
async fn a_list_is_one_version_a_line() {
    let house = house();
    let (head, text) = house.get("/example.test/m/@v/list").await;
    assert_eq!(
        (head.status().as_u16(), &*text),
        (200, "v1.2.0\nv1.9.0\nv1.10.0\n")
    );
    assert_eq!(header(&head, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header(&head, "content-length"), text.len().to_string());
    assert_eq!(header(&head, "cache-control"), "public, max-age=60");
    assert_eq!(header(&head, "cache-status"), "stoa; fwd=miss; stored");
    let (head, again) = house.get("/example.test/m/@v/list").await;
    assert_eq!((header(&head, "cache-status"), again), ("stoa; hit", text));
}

#[tokio::test]
async fn an_answer_that_no_origin_confirms_says_that_it_is_stale() {
    let shelf = Shelf::default().with("example.test/m/@v/v1.2.0.info", INFO, Form::Memory);
    let origin = Origin::says(UpstreamError::unavailable("origin.test said 503"));
    let house = House::build(shelf, origin, Vec::new());
    for (path, expected) in [
        ("/example.test/m/@v/list", "v1.2.0\n"),
        ("/example.test/m/@latest", INFO),
    ] {
        let (head, text) = house.get(path).await;
        assert_eq!((head.status().as_u16(), &*text), (200, expected), "{path}");
        assert_eq!(header(&head, "cache-status"), "stoa; hit; detail=stale");
        assert_eq!(
            head.extensions().get::<Answered>().unwrap().cache,
            Some(Cache::Stale)
        );
    }
}

#[tokio::test]
async fn queries_and_latest_are_json_that_may_change() {
    let house = house();
    for path in [
        "/example.test/m/@latest",
        "/example.test/m/@v/main.info",
        "/example.test/m/@v/v1.info",
    ] {
        let (head, text) = house.get(path).await;
        assert_eq!((head.status().as_u16(), &*text), (200, INFO), "{path}");
        assert_eq!(header(&head, "content-type"), "application/json");
        assert_eq!(header(&head, "cache-control"), "public, max-age=60");
        let Answered {
            request,
            found,
            cache,
        } = head.extensions().get().cloned().unwrap();
        assert_eq!(found.unwrap().to_string(), "example.test/m@v1.2.0");
        assert_eq!(cache, Some(Cache::Miss));
        assert_eq!(
            request,
            Some(Request::parse(path).unwrap()),
            "the log need not read the URL again"
        );
    }
    let head = house.ask("HEAD", "/example.test/m/@latest", &[]).await;
    assert_eq!(header(&head, "content-length"), INFO.len().to_string());
    assert_eq!(read(head).await.1, "");
}

#[tokio::test]
async fn errors_are_one_sentence_that_go_shows() {
    let origin = Origin::says(UpstreamError::unavailable("origin.test\nsaid \u{1b}[31m503"));
    let house = House::build(Shelf::default(), origin, Vec::new());
    let (head, text) = house.get("/example.test/m/@v/v1.0.0.zip").await;
    assert_eq!(
        (head.status().as_u16(), &*text),
        (502, "origin.test said ?[31m503\n")
    );
    assert_eq!(header(&head, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header(&head, "content-length"), text.len().to_string());
    assert_eq!(header(&head, "cache-control"), "no-store");
    assert_eq!(header(&head, "cache-status"), "");
    assert_eq!(head.extensions().get::<Answered>().unwrap().cache, None);

    let house = House::over(Shelf::default());
    let (head, text) = house.get("/example.test/m/@v/v1.0.0.zip").await;
    assert_eq!(
        (head.status().as_u16(), header(&head, "cache-control")),
        (404, "public, max-age=60"),
        "{text}"
    );
    let (head, text) = house.get("/example.test/M/@v/v1.0.0.zip").await;
    assert_eq!(
        (head.status().as_u16(), header(&head, "cache-control")),
        (404, "public, max-age=86400"),
        "{text}"
    );
    assert!(head.extensions().get::<Answered>().unwrap().request.is_none());
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_are_not() {
    for method in [
        "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND",
    ] {
        for path in [
            "/example.test/m/@v/v1.2.0.info",
            "/example.test/m/@v/list",
            "/nonsense",
        ] {
            let (head, text) = read(house().ask(method, path, &[]).await).await;
            assert_eq!(
                (head.status().as_u16(), header(&head, "allow")),
                (405, "GET, HEAD"),
                "{method} {path}"
            );
            assert!(text.starts_with(method), "{text}");
        }
    }
}

#[tokio::test]
async fn a_request_that_comes_back_is_refused_before_anything_else() {
    let ours = format!("via: 1.1 other.test, HTTP/2.0 {OWN_ID} (a comment, 1.1 stoa), 1.1 nearest");
    for path in ["/example.test/m/@v/v1.2.0.info", "/nonsense"] {
        let (head, text) = read(house().ask("GET", path, &[&ours]).await).await;
        assert_eq!(
            (head.status().as_u16(), header(&head, "cache-control")),
            (508, "no-store")
        );
        assert!(text.contains(OWN_ID) && text.contains("leads back"), "{text}");
    }
    let others = ["via: 1.1 other.test", "via: 1.1 stoa-under-tests, 1.1 under-test"];
    let response = house()
        .ask("GET", "/example.test/m/@v/v1.2.0.info", &others)
        .await;
    assert_eq!(response.status(), 200);
}

#[tokio::test]
async fn who_asks_for_what_is_kept_alone_sends_nobody_to_an_origin() {
    let house = house();
    for (path, status) in [
        ("/example.test/m/@v/v1.2.0.info", 200),
        ("/example.test/m/@v/v1.2.0.zip", 404),
        ("/example.test/m/@v/list", 200),
        ("/example.test/other/@v/list", 404),
        ("/example.test/other/@latest", 404),
    ] {
        let (head, text) = read(house.ask("GET", path, &["disable-module-fetch: true"]).await).await;
        assert_eq!(head.status(), status, "{path}: {text}");
        if status == 404 {
            assert_eq!(header(&head, "cache-control"), "no-store", "{path}");
        }
    }
    let asked = house
        .ask(
            "GET",
            "/example.test/m/@v/v1.2.0.zip",
            &["disable-module-fetch: false"],
        )
        .await;
    assert_eq!(asked.status(), 502, "the origin was asked");
}

/// Relays what a test wrote.
#[derive(Debug)]
struct Database(&'static str);

#[async_trait]
impl ChecksumRelay for Database {
    fn name(&self) -> &str {
        self.0
    }
    async fn read(&self, path: &str) -> Result<Option<Relayed>, ChecksumError> {
        let relayed = |immutable, stale| {
            let bytes = Bytes::from(format!("{}: {path}\n", self.0));
            Ok(Some(Relayed {
                bytes,
                immutable,
                stale,
            }))
        };
        match path {
            "latest" => relayed(false, true),
            "lookup/corp.test/m@v1.0.0" => Err(ChecksumError::Private("corp.test/m".into())),
            "lookup/example.test/!m@v1.0.0" | "tile/8/0/000" => relayed(true, false),
            _ => Ok(None),
        }
    }
    async fn read_kept(&self, path: &str) -> Result<Option<Relayed>, ChecksumError> {
        match path {
            "latest" => self.read(path).await,
            _ => Err(ChecksumError::Unavailable {
                name: self.0.to_owned(),
                reason: "nobody is asked".to_owned(),
            }),
        }
    }
}

#[tokio::test]
async fn a_checksum_database_is_served_by_its_longest_name() {
    let relays: Vec<Arc<dyn ChecksumRelay>> = vec![
        Arc::new(Database("sums.test")),
        Arc::new(Database("sums.test/db")),
    ];
    let origin = Origin::says(UpstreamError::not_found("nothing"));
    let house = House::build(Shelf::default(), origin, relays);
    let day = "public, max-age=86400";
    let (minute, forever) = ("public, max-age=60", "public, max-age=31536000, immutable");
    for (path, status, text, keep) in [
        ("sums.test/supported", 200, "", minute),
        ("sums.test/db/supported", 200, "", minute),
        ("sums.test/latest", 200, "sums.test: latest\n", minute),
        ("sums.test/db/latest", 200, "sums.test/db: latest\n", minute),
        (
            "sums.test/lookup/example.test/!m@v1.0.0",
            200,
            "sums.test: lookup/example.test/!m@v1.0.0\n",
            forever,
        ),
        (
            "sums.test/lookup/example.test/%21m@v1.0.0",
            200,
            "sums.test: lookup/example.test/!m@v1.0.0\n",
            forever,
        ),
        (
            "sums.test/db/tile/8/0/000",
            200,
            "sums.test/db: tile/8/0/000\n",
            forever,
        ),
        (
            "sums.test/db/tile/8/0/001",
            404,
            "the checksum database sums.test/db has nothing of this name\n",
            minute,
        ),
        (
            "sums.test/lookup/corp.test/m@v1.0.0",
            403,
            "corp.test/m is private here: its name is not sent to a checksum database\n",
            "no-store",
        ),
        (
            "sums.tests/supported",
            404,
            "no checksum database of this name is served here\n",
            minute,
        ),
        (
            "sum.golang.org/supported",
            404,
            "no checksum database of this name is served here\n",
            minute,
        ),
    ] {
        let (head, body) = house.get(&format!("/sumdb/{path}")).await;
        assert_eq!(
            (head.status().as_u16(), &*body, header(&head, "cache-control")),
            (status, text, keep),
            "{path}"
        );
        let asked = head.extensions().get::<Answered>().unwrap().request.as_ref();
        assert_eq!(asked.map(Request::kind), Some(RequestKind::Checksums));
    }
    let (head, _) = house.get("/sumdb/sums.test/latest").await;
    assert_eq!(header(&head, "cache-status"), "stoa; hit; detail=stale");
    for (path, status) in [
        ("supported", 200),
        ("latest", 200),
        ("tile/8/0/000", 404),
        ("lookup/example.test/!m@v1.0.0", 404),
    ] {
        let path = format!("/sumdb/sums.test/{path}");
        let (head, text) = read(house.ask("GET", &path, &["disable-module-fetch: true"]).await).await;
        assert_eq!(head.status(), status, "{path}: {text}");
        if status == 404 {
            assert_eq!(header(&head, "cache-control"), "no-store", "{path}");
        }
    }
    let (head, _) = house.get("/sumdb/sums.test/secrets").await;
    assert_eq!(
        (head.status().as_u16(), header(&head, "cache-control")),
        (404, day),
        "no endpoint of a database"
    );
    let (head, _) = house.get("/sumdb/sums.test/tile/8/0/000").await;
    assert_eq!(header(&head, "content-type"), "application/octet-stream");
}
