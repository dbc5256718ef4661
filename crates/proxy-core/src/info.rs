//! `.info` files.

mod json;

use crate::module::Version;
use jiff::Timestamp;

/// What a `.info` file says of a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Info {
    /// The canonical version.
    pub version: Version,
    /// The commit time; Go's zero time (the year 1) where the file has none.
    pub time: Timestamp,
    /// Where it came from, if told.
    pub origin: Option<Origin>,
}

/// The `Origin` of a `.info`: the commit that pins the version's other files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    /// `git`, `hg`, …
    pub vcs: String,
    /// The repository.
    pub url: String,
    /// The module's folder in it, if not the root.
    pub subdir: Option<String>,
    /// The full commit hash.
    pub hash: Option<String>,
    /// The full ref name the version was resolved by.
    pub reference: Option<String>,
}

/// Why bytes are no `.info`.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed .info: {reason}")]
pub struct InvalidInfo {
    /// What is wrong.
    pub reason: String,
}

impl Info {
    /// Reads the JSON of a `.info` or `@latest` answer; unknown fields are ignored.
    ///
    /// A field's name is taken in any case, as Go takes it, but only once: where two spellings of `Version` disagree,
    /// nobody should have to know which one wins.
    pub fn parse(json: &[u8]) -> Result<Self, InvalidInfo> {
        json::read(json).map_err(|reason| InvalidInfo { reason })
    }

    /// Writes the bytes that the go command writes into its module cache: compact, `Version`, `Time`, `Origin`.
    pub fn to_json(&self) -> Vec<u8> {
        json::write(self).into_bytes()
    }
}

/// Go's zero time, the first second of the year 1, which it writes where a time is not known.
pub fn zero_time() -> Timestamp {
    Timestamp::from_second(-62_135_596_800).expect("the year 1 lies within the range of timestamps")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn info(version: &str, time: &str, origin: Option<Origin>) -> Info {
        Info {
            version: Version::parse(version).unwrap(),
            time: time.parse().unwrap(),
            origin,
        }
    }

    #[test]
    fn bytes_are_those_the_go_command_writes() {
        let origin = Origin {
            vcs: "git".into(),
            url: "https://vcs.test/basic".into(),
            hash: Some("839b".into()),
            reference: Some("refs/tags/v1.2.3".into()),
            subdir: None,
        };
        let written = concat!(
            r#"{"Version":"v1.2.3","Time":"2020-02-02T03:04:05Z","Origin":{"VCS":"git","URL":"https://vcs.test/basic","#,
            r#""Hash":"839b","Ref":"refs/tags/v1.2.3"}}"#
        );
        let info = info("v1.2.3", "2020-02-02T03:04:05Z", Some(origin));
        assert_eq!(String::from_utf8(info.to_json()).unwrap(), written);
        assert_eq!(Info::parse(written.as_bytes()), Ok(info));
    }

    #[test]
    fn strings_are_escaped_as_go_escapes_them() {
        let origin = Origin {
            vcs: "git".into(),
            url: "a<b>&c\"\\\u{2028}\u{2029}\u{1}\u{8}\u{c}\n\r\té\u{7f}".into(),
            subdir: Some("sub".into()),
            ..Origin::default()
        };
        let info = info("v1.0.0", "2020-02-02T03:04:05.5Z", Some(origin));
        let written = concat!(
            r#"{"Version":"v1.0.0","Time":"2020-02-02T03:04:05.5Z","Origin":{"VCS":"git","#,
            r#""URL":"a\u003cb\u003e\u0026c\"\\\u2028\u2029\u0001\b\f\n\r\té"#,
            "\u{7f}\",\"Subdir\":\"sub\"}}"
        );
        assert_eq!(String::from_utf8(info.to_json()).unwrap(), written);
        assert_eq!(Info::parse(written.as_bytes()), Ok(info));
    }

    #[test]
    fn what_is_missing_is_as_in_go() {
        let zero = r#"{"Version":"v1.0.0","Time":"0001-01-01T00:00:00Z"}"#;
        for json in [
            r#"{"Version":"v1.0.0"}"#,
            r#"{"Version":"v1.0.0","Time":null,"Origin":null}"#,
            r#" {"Name":"x","Short":1,"version":"v1.0.0","More":{"Version":[]}} "#,
            zero,
        ] {
            let read = Info::parse(json.as_bytes()).unwrap();
            assert_eq!(read, info("v1.0.0", "0001-01-01T00:00:00Z", None));
            assert_eq!(read.time, zero_time());
            assert_eq!(String::from_utf8(read.to_json()).unwrap(), zero);
        }
        let empty = Info::parse(br#"{"Version":"v1.0.0","Origin":{}}"#).unwrap();
        assert_eq!(empty.origin, Some(Origin::default()));
        assert_eq!(
            empty.to_json(),
            br#"{"Version":"v1.0.0","Time":"0001-01-01T00:00:00Z","Origin":{}}"#
        );
    }

    #[test]
    fn times_are_rfc_3339() {
        for (time, utc) in [
            ("2020-02-02T05:04:05+02:00", "2020-02-02T03:04:05Z"),
            ("2020-02-02T03:04:05.120Z", "2020-02-02T03:04:05.12Z"),
            (
                "2020-02-02T03:04:05.1234567891Z",
                "2020-02-02T03:04:05.123456789Z",
            ),
        ] {
            let json = format!(r#"{{"Version":"v1.0.0","Time":"{time}"}}"#);
            let read = Info::parse(json.as_bytes()).unwrap();
            assert_eq!(
                String::from_utf8(read.to_json()).unwrap(),
                json.replace(time, utc)
            );
        }
        for time in [
            "",
            "2020-02-02",
            "2020-02-02 03:04:05Z",
            "2020-02-02T03:04:05",
            "2020-02-30T03:04:05Z",
            "2020-02-02T03:04:60Z",
            "2020-02-02T03:04:05z",
            "2020-02-02T03:04Z",
            "2020-02-02T03:04:05+0200",
            "2020-02-02T03:04:05.Z",
            "2020-02-02T03:04:05Z[UTC]",
            "yesterday",
            "2020-02-02T03:04:05+24:00",
            "2020-02-02T3:04:05Z",
            "2020-02-02T03:04:05,5Z",
        ] {
            let json = format!(r#"{{"Version":"v1.0.0","Time":"{time}"}}"#);
            assert!(Info::parse(json.as_bytes()).is_err(), "{time}");
        }
    }

    #[test]
    fn what_is_no_info_is_refused() {
        for json in [
            "",
            "null",
            "[]",
            "<html>",
            "{}",
            r#"{"Version":""}"#,
            r#"{"Version":"main"}"#,
            r#"{"Version":"v1"}"#,
            r#"{"Version":1}"#,
            r#"{"Version":"v1.0.0"} x"#,
            r#"{"Version":"v1.0.0""#,
            r#"{"Version":"v1.0.0","Origin":[]}"#,
            r#"{"Version":"v1.0.0","version":"v6.6.6"}"#,
            "{\"Version\":\"v1.0.0\",\"Ver\u{17f}ion\":\"v6.6.6\"}",
            r#"{"Version":"v1.0.0","Origin":{"URL":1}}"#,
        ] {
            assert!(Info::parse(json.as_bytes()).is_err(), "{json}");
        }
    }
}
