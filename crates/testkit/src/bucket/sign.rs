//! Signing the one request that no client library signs for us: make this bucket.

use crate::client::Ask;
use aws_lc_rs::{digest, hmac};
use base64::{Engine as _, prelude::BASE64_STANDARD};
use jiff::Timestamp;

/// The account that the S3 server is started with.
pub(super) const KEY: &str = "testkey";
/// Its secret.
pub(super) const SECRET: &str = "testsecret";
/// Any region does.
pub(super) const REGION: &str = "us-east-1";

/// `PUT /bucket` by Signature Version 4 (Amazon S3 reference, "Authenticating Requests").
pub(super) fn s3(address: &str, bucket: &str) -> Ask {
    let host = address.trim_start_matches("http://");
    let now = Timestamp::now().strftime("%Y%m%dT%H%M%SZ").to_string();
    let day = &now[..8];
    let nothing = hex(digest::digest(&digest::SHA256, b"").as_ref());
    let headers = format!("host:{host}\nx-amz-content-sha256:{nothing}\nx-amz-date:{now}\n");
    let signed = "host;x-amz-content-sha256;x-amz-date";
    let request = format!("PUT\n/{bucket}\n\n{headers}\n{signed}\n{nothing}");
    let request = hex(digest::digest(&digest::SHA256, request.as_bytes()).as_ref());
    let scope = format!("{day}/{REGION}/s3/aws4_request");
    let text = format!("AWS4-HMAC-SHA256\n{now}\n{scope}\n{request}");
    let mut key = format!("AWS4{SECRET}").into_bytes();
    for part in [day, REGION, "s3", "aws4_request"] {
        key = sum(&key, part);
    }
    let signature = hex(&sum(&key, &text));
    Ask::get(&format!("{address}/{bucket}"))
        .method("PUT")
        .header("x-amz-content-sha256", &nothing)
        .header("x-amz-date", &now)
        .header(
            "authorization",
            &format!(
                "AWS4-HMAC-SHA256 Credential={KEY}/{scope},SignedHeaders={signed},Signature={signature}"
            ),
        )
}

/// `PUT /account/container?restype=container` by shared key (Azure Storage reference, "Authorize with Shared Key").
pub(super) fn azure(address: &str, container: &str, account: &str, key: &str) -> Ask {
    let now = Timestamp::now().strftime("%a, %d %b %Y %H:%M:%S GMT").to_string();
    let version = "2023-11-03";
    let text = format!(
        "PUT\n\n\n\n\n\n\n\n\n\n\n\nx-ms-date:{now}\nx-ms-version:{version}\n/{account}/{account}/{container}\nrestype:container"
    );
    let key = BASE64_STANDARD.decode(key).expect("the key is base64");
    let signature = BASE64_STANDARD.encode(sum(&key, &text));
    Ask::get(&format!("{address}/{account}/{container}?restype=container"))
        .method("PUT")
        .header("x-ms-date", &now)
        .header("x-ms-version", version)
        .header("authorization", &format!("SharedKey {account}:{signature}"))
}

fn sum(key: &[u8], text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key);
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
