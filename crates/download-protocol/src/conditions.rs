//! What a request for a file makes depend on: `If-None-Match`, `Range` and `If-Range` (RFC 9110, parts 13 and 14).
//!
//! The go command sends none of these; shared caches, download managers and mirrors of mirrors do.

use http::{HeaderMap, HeaderValue, Method, header};
use http_range_header::{EndPosition, RangeUnsatisfiableError, StartPosition, SyntacticallyCorrectRange};
use proxy_core::store::{Part, Validator};

/// The conditions of one request.
#[derive(Debug)]
pub(crate) struct Conditions<'a> {
    headers: &'a HeaderMap,
    head: bool,
    range: Option<Part>,
}

impl<'a> Conditions<'a> {
    /// Reads them. What is malformed counts as absent, as the RFC asks; so do several ranges at once, which it allows
    /// to be answered with the whole file.
    pub(crate) fn read(method: &Method, headers: &'a HeaderMap) -> Self {
        let head = method == Method::HEAD;
        let range = if head {
            None
        } else {
            headers.get(header::RANGE).and_then(single_range)
        };
        Self { headers, head, range }
    }

    /// What to open first: no bytes if there may be none to send.
    pub(crate) fn first_part(&self) -> Part {
        if self.head || self.headers.contains_key(header::IF_NONE_MATCH) {
            Part::Nothing
        } else {
            self.range.unwrap_or(Part::Whole)
        }
    }

    /// What to send, now that it is known which bytes they are.
    pub(crate) fn part(&self, validator: Option<&Validator>) -> Part {
        match self.range {
            _ if self.head => Part::Nothing,
            Some(range) if self.range_stands(validator) => range,
            _ => Part::Whole,
        }
    }

    /// Whether the client says that it has these bytes already.
    pub(crate) fn not_modified(&self, validator: Option<&Validator>) -> bool {
        self.headers.get_all(header::IF_NONE_MATCH).iter().any(|value| {
            let Ok(list) = value.to_str() else { return false };
            list.trim() == "*"
                || validator.is_some_and(|validator| tags(list).any(|tag| *tag.opaque == *validator.0))
        })
    }

    /// A range is meant for the bytes that `If-Range` names; of others the client wants all. It may name them by a
    /// date, of which we have none, or by a weak tag, which does not tell bytes apart: neither ever matches.
    fn range_stands(&self, validator: Option<&Validator>) -> bool {
        let Some(value) = self.headers.get(header::IF_RANGE) else {
            return true;
        };
        let tag = value.to_str().ok().and_then(|text| tags(text).next());
        matches!((tag, validator), (Some(tag), Some(validator)) if !tag.weak && *tag.opaque == *validator.0)
    }
}

/// The one range a header asks for; `None` if it is malformed or asks for several.
fn single_range(value: &HeaderValue) -> Option<Part> {
    let parsed = match http_range_header::parse_range_header(value.to_str().ok()?) {
        Ok(parsed) => parsed,
        // The last no bytes: well-formed, and satisfied by nothing.
        Err(RangeUnsatisfiableError::ZeroSuffix) => return Some(Part::Last(0)),
        Err(_) => return None,
    };
    match parsed.ranges.as_slice() {
        [SyntacticallyCorrectRange { start, end }] => match (*start, *end) {
            (StartPosition::FromLast(count), _) => Some(Part::Last(count)),
            (StartPosition::Index(first), EndPosition::LastByte) => Some(Part::From(first)),
            (StartPosition::Index(first), EndPosition::Index(last)) if first <= last => {
                Some(Part::Span { first, last })
            }
            _ => None,
        },
        _ => None,
    }
}

/// One entity tag.
struct Tag<'a> {
    weak: bool,
    opaque: &'a str,
}

/// The entity tags of a list, up to the first thing that is none.
fn tags(list: &str) -> impl Iterator<Item = Tag<'_>> {
    let mut rest = list;
    std::iter::from_fn(move || {
        let start = rest.trim_start_matches([' ', '\t', ',']);
        let (weak, quoted) = match start.strip_prefix("W/") {
            Some(quoted) => (true, quoted),
            None => (false, start),
        };
        let (opaque, behind) = quoted.strip_prefix('"')?.split_once('"')?;
        rest = behind;
        Some(Tag { weak, opaque })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    fn validator() -> Validator {
        Validator("abc".into())
    }

    #[test]
    fn one_range_is_read_and_the_rest_is_ignored() {
        for (value, expected) in [
            ("bytes=0-0", Part::Span { first: 0, last: 0 }),
            ("bytes=5-9", Part::Span { first: 5, last: 9 }),
            ("bytes=5-", Part::From(5)),
            ("bytes=-5", Part::Last(5)),
            ("bytes=-0", Part::Last(0)),
            (
                "bytes=0-18446744073709551615",
                Part::Span {
                    first: 0,
                    last: u64::MAX,
                },
            ),
            ("bytes=9-5", Part::Whole),
            ("bytes=0-1,3-4", Part::Whole),
            ("bytes=", Part::Whole),
            ("bytes=a-b", Part::Whole),
            ("bytes=0-99999999999999999999", Part::Whole),
            ("lines=0-1", Part::Whole),
            ("", Part::Whole),
        ] {
            let headers = headers(&[("range", value)]);
            let conditions = Conditions::read(&Method::GET, &headers);
            assert_eq!(conditions.first_part(), expected, "{value}");
            assert_eq!(conditions.part(None), expected, "{value}");
            let head = Conditions::read(&Method::HEAD, &headers);
            assert_eq!(
                (head.first_part(), head.part(None)),
                (Part::Nothing, Part::Nothing),
                "HEAD {value}"
            );
        }
    }

    #[test]
    fn if_none_match_compares_weakly() {
        for (value, expected) in [
            ("\"abc\"", true),
            ("W/\"abc\"", true),
            ("\"x,y\", W/\"abc\"", true),
            ("\"x\" ,\"abc\"", true),
            ("*", true),
            ("\"ABC\"", false),
            ("abc", false),
            ("\"abc", false),
            ("w/\"abc\"", false),
            ("", false),
        ] {
            let headers = headers(&[("if-none-match", value)]);
            let conditions = Conditions::read(&Method::GET, &headers);
            assert_eq!(conditions.not_modified(Some(&validator())), expected, "{value}");
            assert_eq!(
                conditions.first_part(),
                Part::Nothing,
                "nothing is opened before it is known to be sent"
            );
            assert_eq!(conditions.part(Some(&validator())), Part::Whole);
        }
        let headers = headers(&[("if-none-match", "\"abc\"")]);
        assert!(
            !Conditions::read(&Method::GET, &headers).not_modified(None),
            "no validator matches no tag"
        );
    }

    #[test]
    fn if_range_compares_strongly() {
        for (value, stands) in [
            ("\"abc\"", true),
            ("W/\"abc\"", false),
            ("\"other\"", false),
            ("Mon, 23 Nov 2026 00:00:00 GMT", false),
        ] {
            let headers = headers(&[("range", "bytes=1-"), ("if-range", value)]);
            let conditions = Conditions::read(&Method::GET, &headers);
            let expected = if stands { Part::From(1) } else { Part::Whole };
            assert_eq!(conditions.part(Some(&validator())), expected, "{value}");
            assert_eq!(conditions.part(None), Part::Whole, "{value} without a validator");
        }
    }
}
