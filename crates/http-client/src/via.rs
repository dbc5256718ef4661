//! `Via`: the mirrors a request has come through (RFC 9110, section 7.6.3), so that a loop of mirrors is recognised by
//! the first that sees itself named.

use http::HeaderValue;
use std::sync::Arc;

/// More mirrors than any sane chain has; a longer one is cut at its far end, since ours and the nearest find the loop.
const MOST: usize = 32;

/// The header for a request that came through these mirrors and now leaves this one.
pub(crate) fn header(via: &[Arc<str>], own_id: &str) -> Option<HeaderValue> {
    let far = via.len().saturating_sub(MOST);
    let chain: Vec<String> = via
        .iter()
        .skip(far)
        .map(AsRef::as_ref)
        .chain([own_id])
        .filter(|id| is_pseudonym(id))
        .map(|id| format!("1.1 {id}"))
        .collect();
    HeaderValue::try_from(chain.join(", ")).ok()
}

/// Whether a name can stand in `Via`: a host with port, or a token.
pub(crate) fn is_pseudonym(id: &str) -> bool {
    !id.is_empty()
        && id.len() <= 255
        && id
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~:[]".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_chain_ends_with_this_mirror() {
        let via: Vec<Arc<str>> = vec!["far".into(), "near:3000".into()];
        assert_eq!(header(&via, "me").unwrap(), "1.1 far, 1.1 near:3000, 1.1 me");
        assert_eq!(header(&[], "me").unwrap(), "1.1 me");
    }

    #[test]
    fn names_from_outside_cannot_break_the_header() {
        let via: Vec<Arc<str>> = vec!["bad\r\nX: y".into(), "a, 1.1 b".into(), "".into(), "good".into()];
        assert_eq!(header(&via, "me").unwrap(), "1.1 good, 1.1 me");
        let many: Vec<Arc<str>> = (0..1000).map(|n| format!("m{n}").into()).collect();
        assert!(
            header(&many, "me")
                .unwrap()
                .to_str()
                .unwrap()
                .starts_with("1.1 m968, ")
        );
    }
}
