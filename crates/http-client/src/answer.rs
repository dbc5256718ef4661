//! What an origin says about a refusal, made fit to be shown to a Go user.

use http::{HeaderMap, header};
use std::time::{Duration, SystemTime};

/// The longest reason passed on, in bytes: the go command shows no line that is much longer.
pub(crate) const MOST_BYTES: usize = 600;

/// The first line of a plain text that holds nothing but letters, digits, signs and spaces; as the go command, which
/// shows none of a text that holds anything else, we pass on none of it.
pub(crate) fn reason(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let content_type = headers
        .get(header::CONTENT_TYPE)?
        .to_str()
        .ok()?
        .to_ascii_lowercase();
    let (essence, parameters) = content_type.split_once(';').unwrap_or((&content_type, ""));
    let charset = parameters
        .trim()
        .strip_prefix("charset=")
        .map_or("utf-8", |charset| charset.trim_matches('"'));
    if essence.trim() != "text/plain" || !matches!(charset, "utf-8" | "us-ascii") {
        return None;
    }
    let line = body
        .split(|byte| *byte == b'\n')
        .map(<[u8]>::trim_ascii)
        .find(|line| !line.is_empty())?;
    let line = str::from_utf8(line).ok()?;
    let is_shown = |c: char| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric();
    let line: String = line.chars().map(|c| if c == '\t' { ' ' } else { c }).collect();
    if !line.chars().all(is_shown) {
        return None;
    }
    Some(line[..line.floor_char_boundary(MOST_BYTES)].to_owned())
}

/// `Retry-After`, in seconds or as a date.
pub(crate) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = headers.get(header::RETRY_AFTER)?.to_str().ok()?.trim();
    match value.parse() {
        Ok(seconds) => Some(Duration::from_secs(seconds)),
        Err(_) => Some(
            httpdate::parse_http_date(value)
                .ok()?
                .duration_since(SystemTime::now())
                .unwrap_or_default(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn shown(content_type: &'static str, body: &[u8]) -> Option<String> {
        let headers = HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        reason(&headers, body)
    }

    #[test]
    fn the_first_line_of_plain_text_is_shown() {
        assert_eq!(
            shown("text/plain", b"not found: x\nmore").as_deref(),
            Some("not found: x")
        );
        assert_eq!(
            shown("text/plain; charset=UTF-8", b"\n  gone\tfor good \r\n").as_deref(),
            Some("gone for good")
        );
        assert_eq!(
            shown("text/plain;charset=utf-8", "für später".as_bytes()).as_deref(),
            Some("für später")
        );
    }

    #[test]
    fn what_a_terminal_might_obey_is_not_shown() {
        assert_eq!(shown("text/plain", b"\x1b[2J you saw nothing"), None);
        assert_eq!(shown("text/plain", "a\u{202e}b".as_bytes()), None);
        assert_eq!(shown("text/plain", b"\xff\xfe"), None);
        assert_eq!(shown("text/plain; charset=iso-8859-1", b"text"), None);
        assert_eq!(shown("text/html", b"<p>text"), None);
        assert_eq!(shown("text/plain", b"\n \n"), None);
    }

    #[test]
    fn long_lines_are_cut_between_characters() {
        let long = "ä".repeat(MOST_BYTES);
        let cut = shown("text/plain", long.as_bytes()).unwrap();
        assert_eq!(cut.len(), MOST_BYTES);
        let odd = format!("x{long}");
        assert_eq!(shown("text/plain", odd.as_bytes()).unwrap().len(), MOST_BYTES - 1);
    }

    #[test]
    fn waiting_is_asked_in_seconds_or_until_a_date() {
        let asked = |value: &str| {
            retry_after(&HeaderMap::from_iter([(
                header::RETRY_AFTER,
                HeaderValue::from_str(value).unwrap(),
            )]))
        };
        assert_eq!(asked("120"), Some(Duration::from_secs(120)));
        assert_eq!(asked("Wed, 21 Oct 2015 07:28:00 GMT"), Some(Duration::ZERO));
        let soon = httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3600));
        assert!(asked(&soon).is_some_and(|wait| wait > Duration::from_secs(3500)));
        assert_eq!(asked("soon"), None);
    }
}
