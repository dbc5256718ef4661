//! The JSON of `.info` files, read and written as Go's `encoding/json` does it.

use super::{Info, Origin, zero_time};
use crate::module::Version;
use jiff::Timestamp;
use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use std::fmt;

/// Reads an `.info`; the error is what is wrong with it.
pub(super) fn read(json: &[u8]) -> Result<Info, String> {
    let fields: Fields = serde_json::from_slice(json).map_err(|error| error.to_string())?;
    let version = fields.version.ok_or("it names no Version")?;
    let version = Version::parse(&version).map_err(|error| error.to_string())?;
    let time = match fields.time {
        Some(time) => parse_time(&time).ok_or("its Time is no RFC 3339 time")?,
        None => zero_time(),
    };
    Ok(Info {
        version,
        time,
        origin: fields.origin,
    })
}

/// Writes an `.info`: compact, and fields of `Origin` that are empty left out.
pub(super) fn write(info: &Info) -> String {
    let mut json = String::from("{\"Version\":");
    write_string(&mut json, info.version.as_str());
    json.push_str(",\"Time\":");
    write_string(&mut json, &info.time.to_string());
    if let Some(origin) = &info.origin {
        json.push_str(",\"Origin\":{");
        let fields = [
            ("VCS", Some(&origin.vcs)),
            ("URL", Some(&origin.url)),
            ("Subdir", origin.subdir.as_ref()),
            ("Hash", origin.hash.as_ref()),
            ("Ref", origin.reference.as_ref()),
        ];
        let mut separator = "";
        for (name, value) in fields {
            if let Some(value) = value.filter(|value| !value.is_empty()) {
                json.push_str(separator);
                write_string(&mut json, name);
                json.push(':');
                write_string(&mut json, value);
                separator = ",";
            }
        }
        json.push('}');
    }
    json.push('}');
    json
}

/// Writes a string as Go does: safe inside HTML and inside JavaScript.
fn write_string(json: &mut String, text: &str) {
    json.push('"');
    for character in text.chars() {
        match character {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '\u{8}' => json.push_str("\\b"),
            '\u{c}' => json.push_str("\\f"),
            '\n' => json.push_str("\\n"),
            '\r' => json.push_str("\\r"),
            '\t' => json.push_str("\\t"),
            '\0'..='\u{1f}' | '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                json.push_str(&format!("\\u{:04x}", character as u32));
            }
            _ => json.push(character),
        }
    }
    json.push('"');
}

/// Reads a time in the strict form Go asks for; digits beyond a nanosecond are dropped, as Go drops them.
fn parse_time(text: &str) -> Option<Timestamp> {
    let (date_time, rest) = text.split_at_checked("2020-01-02T03:04:05".len())?;
    let shaped = date_time.bytes().enumerate().all(|(at, byte)| match at {
        4 | 7 => byte == b'-',
        10 => byte == b'T',
        13 | 16 => byte == b':',
        _ => byte.is_ascii_digit(),
    });
    // A second of 60 is no time to Go.
    if !shaped || date_time.ends_with("60") {
        return None;
    }
    let (fraction, zone) = match rest.strip_prefix('.') {
        Some(behind) => {
            let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
            let (fraction, zone) = behind.split_at(digits);
            (
                Some(fraction.get(..9).unwrap_or(fraction)).filter(|fraction| !fraction.is_empty())?,
                zone,
            )
        }
        None => ("0", rest),
    };
    let zone_is_shaped = match zone.as_bytes() {
        b"Z" => true,
        [b'+' | b'-', hour @ .., b':', minute_tens @ b'0'..=b'5', minute] => {
            hour.len() == 2
                && hour.iter().chain([minute_tens, minute]).all(u8::is_ascii_digit)
                && hour < b"24".as_slice()
        }
        _ => false,
    };
    if !zone_is_shaped {
        None
    } else {
        format!("{date_time}.{fraction}{zone}").parse().ok()
    }
}

/// What is read of an `.info`.
#[derive(Default)]
struct Fields {
    version: Option<String>,
    time: Option<String>,
    origin: Option<Origin>,
}

/// Whether Go would take `name` for `field`: in any case, by simple folding, which makes `ſ` an `s` and `K` a `k`.
fn names(name: &str, field: &str) -> bool {
    let fold = |character| match character {
        '\u{17f}' => 's',
        '\u{212a}' => 'k',
        _ => character.to_ascii_lowercase(),
    };
    name.chars()
        .map(fold)
        .eq(field.chars().map(|character| character.to_ascii_lowercase()))
}

/// Takes the value of a field that may be there once.
fn set<'de, T: Deserialize<'de>, M: MapAccess<'de>>(
    slot: &mut Option<Option<T>>,
    map: &mut M,
    name: &'static str,
) -> Result<(), M::Error> {
    match slot.replace(map.next_value()?) {
        None => Ok(()),
        Some(_) => Err(M::Error::custom(format_args!("it names {name} twice"))),
    }
}

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = Fields;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object with a Version")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Fields, M::Error> {
                let (mut version, mut time, mut origin) = (None, None, None);
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        name if names(name, "Version") => set(&mut version, &mut map, "Version")?,
                        name if names(name, "Time") => set(&mut time, &mut map, "Time")?,
                        name if names(name, "Origin") => set(&mut origin, &mut map, "Origin")?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                let origin: Option<ReadOrigin> = origin.flatten();
                Ok(Fields {
                    version: version.flatten(),
                    time: time.flatten(),
                    origin: origin.map(|read| read.0),
                })
            }
        }
        deserializer.deserialize_map(Read)
    }
}

/// An [`Origin`] being read: what is public does not deserialize.
struct ReadOrigin(Origin);

impl<'de> Deserialize<'de> for ReadOrigin {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Read;
        impl<'de> Visitor<'de> for Read {
            type Value = ReadOrigin;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object that says where the version came from")
            }
            fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<ReadOrigin, M::Error> {
                let (mut vcs, mut url, mut subdir, mut hash, mut reference) = (None, None, None, None, None);
                while let Some(name) = map.next_key::<String>()? {
                    match name.as_str() {
                        name if names(name, "VCS") => set(&mut vcs, &mut map, "VCS")?,
                        name if names(name, "URL") => set(&mut url, &mut map, "URL")?,
                        name if names(name, "Subdir") => set(&mut subdir, &mut map, "Subdir")?,
                        name if names(name, "Hash") => set(&mut hash, &mut map, "Hash")?,
                        name if names(name, "Ref") => set(&mut reference, &mut map, "Ref")?,
                        _ => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                let text = |slot: Option<Option<String>>| slot.flatten().filter(|text| !text.is_empty());
                Ok(ReadOrigin(Origin {
                    vcs: text(vcs).unwrap_or_default(),
                    url: text(url).unwrap_or_default(),
                    subdir: text(subdir),
                    hash: text(hash),
                    reference: text(reference),
                }))
            }
        }
        deserializer.deserialize_map(Read)
    }
}
