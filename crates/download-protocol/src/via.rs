//! `Via`: the mirrors a request has come through, so that one that runs in a circle is recognised when it comes back.

use http::{HeaderMap, header};
use std::sync::Arc;

/// The names in a request's `Via` headers (RFC 9110, 7.6.3), nearest last: `1.1 fred, HTTP/2 mirror.test (Stoa)`
/// gives `fred` and `mirror.test`.
pub fn received_by(headers: &HeaderMap) -> Arc<[Arc<str>]> {
    let values = headers.get_all(header::VIA).iter();
    values
        .filter_map(|value| value.to_str().ok())
        .flat_map(hops)
        .map(Arc::from)
        .collect()
}

/// The second word of each hop. A comment may hold commas and parentheses of its own.
fn hops(value: &str) -> impl Iterator<Item = &str> {
    let mut depth = 0_u32;
    let hops = value.split(move |letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        letter == ',' && depth == 0
    });
    hops.filter_map(|hop| hop.split_ascii_whitespace().nth(1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn every_hop_is_named_in_order() {
        let mut headers = HeaderMap::new();
        assert!(received_by(&headers).is_empty());
        headers.append(
            header::VIA,
            HeaderValue::from_static("1.0 fred, HTTP/1.1 mirror.test:80 (Stoa (a, b), c)"),
        );
        headers.append(header::VIA, HeaderValue::from_static("2 stoa-7,, 1.1"));
        let names: Vec<_> = received_by(&headers).iter().map(ToString::to_string).collect();
        assert_eq!(names, ["fred", "mirror.test:80", "stoa-7"]);
    }
}
