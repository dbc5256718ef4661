//! Numbers with units, yes and no: lengths of time, sizes, counts, and levels of the log.

use std::time::Duration;
use tracing_subscriber::filter::Targets;

/// No setting means more than this, and sums of two cannot overflow a clock.
const LONGEST: Duration = Duration::from_secs(366 * 24 * 3600);

/// Reads `60s`, `2m`, `1h30m`, `500ms`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration such as 60s or 2m");
    if let Ok(seconds) = text.parse::<u64>() {
        return within(Duration::from_secs(seconds), text);
    }
    let (mut total, mut rest) = (Duration::ZERO, text);
    while !rest.is_empty() {
        let (number, behind) = split_number(rest).ok_or_else(wrong)?;
        let unit_end = behind.find(|c: char| c.is_ascii_digit()).unwrap_or(behind.len());
        let (unit, next) = behind.split_at(unit_end);
        let milliseconds: u64 = match unit {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            "h" => 3_600_000,
            "d" => 86_400_000,
            _ => return Err(wrong()),
        };
        let part = number
            .checked_mul(milliseconds)
            .map(Duration::from_millis)
            .ok_or_else(wrong)?;
        total = total.checked_add(part).ok_or_else(wrong)?;
        rest = next;
    }
    if text.is_empty() {
        Err(wrong())
    } else {
        within(total, text)
    }
}

/// The same, and not zero.
pub(crate) fn positive_duration(text: &str) -> Result<Duration, String> {
    match duration(text)? {
        Duration::ZERO => Err(format!("{text:?} is no time at all")),
        some => Ok(some),
    }
}

/// Reads `32MiB`, `10MB`, `512kB`; a bare number is bytes.
pub(crate) fn size(text: &str) -> Result<u64, String> {
    let wrong = || format!("{text:?} is not a size such as 32MiB");
    let (number, unit) = split_number(text).ok_or_else(wrong)?;
    let factor: u64 = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(wrong()),
    };
    number.checked_mul(factor).ok_or_else(wrong)
}

/// Reads `off` as nothing, and everything else as the function does.
pub(crate) fn or_off<T>(text: &str, read: fn(&str) -> Result<T, String>) -> Result<Option<T>, String> {
    if text == "off" {
        Ok(None)
    } else {
        read(text).map(Some).map_err(|wrong| format!("{wrong}, nor off"))
    }
}

/// Reads a whole number that is at least one.
pub(crate) fn count(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(0) | Err(_) => Err(format!("{text:?} is not a whole number that is at least 1")),
        Ok(number) => Ok(number),
    }
}

/// Reads yes or no, in any of the words that people use for them.
pub(crate) fn boolean(text: &str) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(format!("{text:?} is neither true nor false")),
    }
}

/// Reads `info`, or `info,proxy_core=debug`.
pub(crate) fn log_level(text: &str) -> Result<Targets, String> {
    let wrong = || format!("{text:?} is not a level such as info, nor a list such as info,proxy_core=debug");
    // The parser takes any other single word for the name of a part, at its most talkative.
    let known = |level: &str| {
        ["error", "warn", "info", "debug", "trace", "off"].contains(&level.to_ascii_lowercase().as_str())
    };
    if !text
        .split(',')
        .all(|directive| known(directive.rsplit('=').next().unwrap_or_default().trim()))
    {
        return Err(wrong());
    }
    text.parse().map_err(|_| wrong())
}

fn within(duration: Duration, text: &str) -> Result<Duration, String> {
    if duration > LONGEST {
        Err(format!("{text:?} is longer than a year"))
    } else {
        Ok(duration)
    }
}

fn split_number(text: &str) -> Option<(u64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, rest) = text.split_at(end);
    Some((number.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_numbers_with_units() {
        for (text, milliseconds) in [
            ("60s", 60_000),
            ("2m", 120_000),
            ("1h30m", 5_400_000),
            ("250ms", 250),
            ("7", 7_000),
            ("0", 0),
            ("1d", 86_400_000),
        ] {
            assert_eq!(duration(text), Ok(Duration::from_millis(milliseconds)), "{text}");
        }
        for text in [
            "",
            "s",
            "60 s",
            "1x",
            "-1s",
            "1.5s",
            "99999999999999999999s",
            "400d",
            "10s20",
        ] {
            assert!(duration(text).is_err(), "{text}");
        }
        assert!(positive_duration("0s").is_err());
    }

    #[test]
    fn sizes_are_bytes_unless_they_say_otherwise() {
        for (text, bytes) in [
            ("0", 0),
            ("1024", 1024),
            ("32MiB", 32 << 20),
            ("32 mib", 32 << 20),
            ("10MB", 10_000_000),
        ] {
            assert_eq!(size(text), Ok(bytes), "{text}");
        }
        for text in ["", "MiB", "-1", "1.5GiB", "10X", "99999999999TiB"] {
            assert!(size(text).is_err(), "{text}");
        }
        assert_eq!(or_off("off", size), Ok(None));
        assert_eq!(or_off("1kB", size), Ok(Some(1000)));
    }

    #[test]
    fn levels_name_a_level_for_each_part() {
        for text in ["info", "WARN", "off", "info,proxy_core=debug", "proxy_core=trace"] {
            assert!(log_level(text).is_ok(), "{text}");
        }
        for text in ["", "loud", "info,proxy_core", "proxy_core=loud"] {
            assert!(log_level(text).is_err(), "{text}");
        }
    }
}
