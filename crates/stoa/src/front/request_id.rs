//! Request ids: the client's own if it is fit to print, else a new one.

use http::{HeaderMap, HeaderValue};
use rand::RngExt;

/// Longer ones are somebody's mistake or worse.
const LONGEST: usize = 128;

/// The id that the request came with, if it is made of letters, digits and `-._~+/=:`; else a random one.
pub(crate) fn of(headers: &HeaderMap) -> HeaderValue {
    let given = headers.get(super::REQUEST_ID).filter(|id| is_fit(id.as_bytes()));
    given.cloned().unwrap_or_else(new)
}

fn is_fit(id: &[u8]) -> bool {
    !id.is_empty()
        && id.len() <= LONGEST
        && id
            .iter()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=:".contains(byte))
}

fn new() -> HeaderValue {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let bytes: [u8; 8] = rand::rng().random();
    let mut text = [0; 16];
    for (digits, byte) in text.chunks_exact_mut(2).zip(bytes) {
        digits[0] = DIGITS[usize::from(byte >> 4)];
        digits[1] = DIGITS[usize::from(byte & 15)];
    }
    HeaderValue::from_bytes(&text).expect("hexadecimal digits may stand in a header")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_value(value: &[u8]) -> HeaderValue {
        let mut headers = HeaderMap::new();
        headers.insert(
            "x-request-id",
            HeaderValue::from_bytes(value).expect("a header value"),
        );
        of(&headers)
    }

    #[test]
    fn a_fit_id_stays_and_any_other_is_replaced() {
        for id in ["7", "01J9Z-abc.def", "a/b+c=", &"x".repeat(128)] {
            assert_eq!(of_value(id.as_bytes()), id);
        }
        let too_long = "x".repeat(129);
        for id in [
            b"" as &[u8],
            b"a b",
            b"a\"b",
            b"a,b",
            b"\xff",
            too_long.as_bytes(),
        ] {
            let new = of_value(id);
            assert!(new.len() == 16 && is_fit(new.as_bytes()), "{new:?}");
        }
        assert_ne!(of(&HeaderMap::new()), of(&HeaderMap::new()));
    }
}
