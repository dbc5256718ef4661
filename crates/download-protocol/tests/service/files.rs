//! Files of a version: whole, in part, conditionally, and by their heads alone.

use crate::house::{Form, House, Shelf, header, paths, read};
use bytes::Bytes;
use download_protocol::Body;
use http::Response;
use http_body_util::BodyExt;

const ZIP: &str = "/example.test/m/@v/v1.0.0.zip";

/// Not a zip, but the service does not look.
fn bytes() -> Bytes {
    (0..300_000_u32)
        .map(|number| (number % 251) as u8)
        .collect::<Vec<_>>()
        .into()
}

fn house(form: Form) -> House {
    House::over(Shelf::default().with(&ZIP[1..], bytes(), form))
}

async fn body(response: Response<Body>) -> Bytes {
    response.into_body().collect().await.unwrap().to_bytes()
}

#[tokio::test]
async fn each_kind_says_what_it_is_and_that_it_never_changes() {
    let [info, go_mod, zip] = paths("v1.0.0");
    let shelf = Shelf::default()
        .with(&info, "{}", Form::Memory)
        .with(&go_mod, "module example.test/m\n", Form::Memory)
        .with(&zip, "PK", Form::File);
    let house = House::over(shelf);
    for (path, content_type, length) in [
        (info, "application/json", "2"),
        (go_mod, "text/plain; charset=utf-8", "22"),
        (zip, "application/zip", "2"),
    ] {
        let response = house.ask("GET", &path, &[]).await;
        assert_eq!(response.status(), 200, "{path}");
        assert_eq!(header(&response, "content-type"), content_type);
        assert_eq!(header(&response, "content-length"), length);
        assert_eq!(
            header(&response, "cache-control"),
            "public, max-age=31536000, immutable"
        );
        assert_eq!(header(&response, "cache-status"), "stoa; hit");
        assert_eq!(header(&response, "accept-ranges"), "bytes");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        let etag = header(&response, "etag");
        assert!(
            etag.len() == 66 && etag.starts_with('"') && etag.ends_with('"'),
            "{etag}"
        );
    }
}

#[tokio::test]
async fn every_form_gives_the_same_bytes_whole_and_in_part() {
    let whole = bytes();
    for form in [Form::Memory, Form::File, Form::Stream] {
        let house = house(form);
        let response = house.ask("GET", ZIP, &[]).await;
        assert!(body(response).await == whole, "{form:?}");
        for (range, content_range) in [
            ("bytes=0-0", "bytes 0-0/300000"),
            ("bytes=1000-270000", "bytes 1000-270000/300000"),
            ("bytes=299999-", "bytes 299999-299999/300000"),
            ("bytes=-7", "bytes 299993-299999/300000"),
            ("bytes=-999999", "bytes 0-299999/300000"),
            ("bytes=299990-999999", "bytes 299990-299999/300000"),
        ] {
            let response = house.ask("GET", ZIP, &[&format!("range: {range}")]).await;
            assert_eq!(response.status(), 206, "{form:?} {range}");
            assert_eq!(header(&response, "content-range"), content_range, "{form:?}");
            let (first, rest) = content_range["bytes ".len()..].split_once('-').unwrap();
            let last: usize = rest.split_once('/').unwrap().0.parse().unwrap();
            let expected = whole.slice(first.parse().unwrap()..=last);
            assert_eq!(header(&response, "content-length"), expected.len().to_string());
            assert!(body(response).await == expected, "{form:?} {range}");
        }
    }
}

#[tokio::test]
async fn a_range_past_the_end_is_416_and_one_not_understood_is_ignored() {
    let house = house(Form::File);
    for range in [
        "bytes=300000-",
        "bytes=300000-300001",
        "bytes=-0",
        "bytes=18446744073709551615-",
    ] {
        let response = house.ask("GET", ZIP, &[&format!("range: {range}")]).await;
        assert_eq!(response.status(), 416, "{range}");
        assert_eq!(header(&response, "content-range"), "bytes */300000");
        assert_eq!(header(&response, "cache-control"), "no-store");
        let (_, text) = read(response).await;
        assert!(text.contains("300000 bytes"), "{text}");
    }
    for range in ["bytes=0-1,5-6", "bytes=5-1", "bytes=x", "pages=1-2"] {
        let response = house.ask("GET", ZIP, &[&format!("range: {range}")]).await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "content-length")),
            (200, "300000"),
            "{range}"
        );
        assert_eq!(header(&response, "content-range"), "");
    }
}

#[tokio::test]
async fn an_empty_file_is_served_and_has_no_range() {
    let house = House::over(Shelf::default().with(&ZIP[1..], "", Form::File));
    let response = house.ask("GET", ZIP, &[]).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "content-length")),
        (200, "0")
    );
    assert_eq!(body(response).await, "");
    let response = house.ask("GET", ZIP, &["range: bytes=0-"]).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "content-range")),
        (416, "bytes */0")
    );
}

#[tokio::test]
async fn a_head_says_what_get_would_send_and_sends_nothing() {
    for form in [Form::Memory, Form::File, Form::Stream] {
        let house = house(form);
        let get = house.ask("GET", ZIP, &[]).await;
        let head = house.ask("HEAD", ZIP, &["range: bytes=1-2"]).await;
        assert_eq!(head.status(), 200, "a range is for GET alone");
        assert_eq!(head.headers(), get.headers(), "{form:?}");
        assert_eq!(body(head).await, "");
    }
    let head = house(Form::File)
        .ask("HEAD", "/example.test/m/@v/main.zip", &[])
        .await;
    assert_eq!((head.status().as_u16(), body(head).await.len()), (404, 0));
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    for form in [Form::Memory, Form::File, Form::Stream] {
        let house = house(form);
        let etag = header(&house.ask("GET", ZIP, &[]).await, "etag").to_owned();
        for (method, condition) in [
            ("GET", etag.clone()),
            ("HEAD", etag.clone()),
            ("GET", format!("W/{etag}, \"x\"")),
            ("GET", "*".into()),
        ] {
            let headers = [format!("if-none-match: {condition}"), "range: bytes=0-1".into()];
            let response = house
                .ask(method, ZIP, &headers.each_ref().map(|header| &**header))
                .await;
            assert_eq!(response.status(), 304, "{method} {condition}");
            assert_eq!(header(&response, "etag"), etag);
            assert_eq!(
                header(&response, "cache-control"),
                "public, max-age=31536000, immutable"
            );
            assert_eq!(header(&response, "cache-status"), "stoa; hit");
            assert_eq!(body(response).await, "");
        }
        let response = house
            .ask("GET", ZIP, &["if-none-match: \"other\"", "range: bytes=0-1"])
            .await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "content-length")),
            (206, "2")
        );
        assert!(body(response).await == bytes()[..2]);
        let response = house.ask("GET", ZIP, &["if-none-match: \"other\""]).await;
        assert_eq!(response.status(), 200);
        assert!(body(response).await == bytes());
    }
}

#[tokio::test]
async fn a_range_of_other_bytes_gives_the_whole_file() {
    let house = house(Form::Stream);
    let etag = header(&house.ask("GET", ZIP, &[]).await, "etag").to_owned();
    for (condition, status, length) in [
        (&*etag, 206, "10"),
        ("\"other\"", 200, "300000"),
        (&format!("W/{etag}"), 200, "300000"),
        ("Mon, 23 Nov 2026 00:00:00 GMT", 200, "300000"),
    ] {
        let if_range = format!("if-range: {condition}");
        let response = house.ask("GET", ZIP, &["range: bytes=-10", &if_range]).await;
        assert_eq!(
            (response.status().as_u16(), header(&response, "content-length")),
            (status, length),
            "{condition}"
        );
        assert_eq!(body(response).await.len().to_string(), length);
    }
}

#[tokio::test]
async fn a_store_in_trouble_is_never_taken_for_an_empty_one() {
    let response = house(Form::Down).ask("GET", ZIP, &[]).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "retry-after")),
        (503, "10")
    );
    assert_eq!(header(&response, "cache-control"), "no-store");
    let response = house(Form::Damaged).ask("GET", ZIP, &[]).await;
    assert_eq!(
        (response.status().as_u16(), header(&response, "cache-status")),
        (500, "")
    );
    let (_, text) = read(response).await;
    assert!(text.starts_with("example.test/m@v1.0.0.zip is damaged"), "{text}");
}
