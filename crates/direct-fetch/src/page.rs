//! The page of a repository: whether there is anything at all where git is told 401.
//!
//! Some hosts answer the same to a stranger whether a repository is private or does not exist. Their page for people
//! says 404 then, and `go` itself takes that for the answer (cmd/go, `codehost/git.go`).

use http_client::{Client, Destination, HeaderValue};
use proxy_core::upstream::FetchContext;

/// Whether the page of a repository was reached and says that there is none. Anything else settles nothing.
pub(crate) async fn is_absent(client: &Client, page: Destination, context: &FetchContext) -> bool {
    match client.send(page, context).await {
        Ok(answer) => matches!(answer.status().as_u16(), 404 | 410),
        Err(_) => false,
    }
}

/// Whether what is there lists refs as a git host does (the "smart" protocol).
pub(crate) async fn lists_refs(client: &Client, listing: Destination, context: &FetchContext) -> bool {
    match client.send(listing, context).await {
        Ok(answer) => {
            let kind = answer.headers().get("content-type").map(HeaderValue::as_bytes);
            answer.status() == 200 && kind == Some(b"application/x-git-upload-pack-advertisement")
        }
        Err(_) => false,
    }
}
