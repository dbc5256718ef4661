//! The backend of `docs/storage-backends.md`: it is the code that the page shows, and it keeps every promise.
#![expect(
    unreachable_pub,
    reason = "what is a module here is a crate of its own to whoever copies it"
)]

mod proof;
mod service;
mod shelf;

/// The page is what people copy from, so it must show just what is proven here.
#[test]
fn the_page_shows_this_code() {
    let page = include_str!("../../../../docs/storage-backends.md");
    let blocks: Vec<&str> = page
        .split("```rust\n")
        .skip(1)
        .filter_map(|behind| behind.split_once("```"))
        .map(|(code, _)| code)
        .collect();
    for (name, code) in [
        ("shelf.rs", include_str!("shelf.rs")),
        ("proof.rs", include_str!("proof.rs")),
    ] {
        assert!(blocks.contains(&code), "the page does not show {name} as it is");
    }
}
