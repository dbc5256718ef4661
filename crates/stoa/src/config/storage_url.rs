//! Storage URLs: which backend, and where.

use std::path::PathBuf;
use storage_postgres::PostgresUrl;

/// A store that this build can open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StorageUrl {
    /// A folder.
    File(PathBuf),
    /// Memory; gone when the process ends.
    Memory,
    /// A schema of a Postgres database.
    Postgres(Box<PostgresUrl>),
}

/// The backends that have a name and, so far, no code in this build.
const NOT_YET: &[&str] = &["s3", "gs", "az"];

/// Reads the URL of a store that this build can open. Errors do not repeat it: it may hold a password.
pub(crate) fn parse(text: &str) -> Result<StorageUrl, String> {
    check_scheme(text)?;
    match text.split_once(':') {
        Some(("file", path)) => folder(path).map(StorageUrl::File),
        Some(("memory", _)) => Ok(StorageUrl::Memory),
        Some(("postgres" | "postgresql", _)) => postgres(text).map(StorageUrl::Postgres),
        Some((scheme, _)) => Err(format!(
            "this build has no {scheme}: backend yet; it has file:, memory: and postgres:"
        )),
        None => Err(unknown()),
    }
}

/// Checks that the URL is one of a backend that exists or is to come.
pub(crate) fn check_scheme(text: &str) -> Result<(), String> {
    let (scheme, rest) = text.split_once(':').ok_or_else(unknown)?;
    match scheme {
        "file" => folder(rest).map(drop),
        "memory" if rest.trim_matches('/').is_empty() => Ok(()),
        "memory" => Err("nothing may stand behind memory:".into()),
        "postgres" | "postgresql" => postgres(text).map(drop),
        _ if !NOT_YET.contains(&scheme) => Err(unknown()),
        _ if rest.strip_prefix("//").is_some_and(|rest| !rest.is_empty()) => Ok(()),
        _ => Err(format!("{scheme}: needs // and a place behind it")),
    }
}

/// `file:./data`, `file:/data` and `file:///data`; a host between the slashes is a mistake.
fn folder(rest: &str) -> Result<PathBuf, String> {
    let path = match rest.strip_prefix("//") {
        None => rest,
        Some(path) if path.starts_with('/') => path,
        Some(_) => return Err("file:// needs a third slash: file:///srv/stoa, or file:./stoa-data".into()),
    };
    if path.is_empty() {
        Err("file: needs a folder behind it".into())
    } else {
        Ok(path.into())
    }
}

fn postgres(text: &str) -> Result<Box<PostgresUrl>, String> {
    PostgresUrl::parse(text)
        .map(Box::new)
        .map_err(|error| error.to_string())
}

fn unknown() -> String {
    "it is not a storage URL; those begin with file:, memory:, s3:, gs:, az: or postgres:, and a folder is written \
     file:./folder"
        .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_and_memory_can_be_opened() {
        for (text, path) in [
            ("file:./stoa-data", "./stoa-data"),
            ("file:data", "data"),
            ("file:/srv/x", "/srv/x"),
            ("file:///srv/x", "/srv/x"),
        ] {
            assert_eq!(parse(text), Ok(StorageUrl::File(path.into())), "{text}");
        }
        assert_eq!(parse("memory:"), Ok(StorageUrl::Memory));
        assert_eq!(parse("memory://"), Ok(StorageUrl::Memory));
    }

    #[test]
    fn what_is_to_come_says_so_and_keeps_its_secrets() {
        for text in ["s3://canary:canary@bucket/prefix", "gs://b", "az://c/p"] {
            let error = parse(text).expect_err(text);
            assert!(
                error.contains("no") && error.contains("yet") && !error.contains("canary"),
                "{error}"
            );
            assert_eq!(check_scheme(text), Ok(()));
        }
    }

    #[test]
    fn a_database_is_read_whole_and_keeps_its_secrets() {
        for text in [
            "postgres://u:canary@h/db",
            "postgresql://u:canary@h:6432/db?sslmode=verify-full&schema=go",
        ] {
            let url = parse(text).expect(text);
            assert!(matches!(url, StorageUrl::Postgres(_)));
            assert!(!format!("{url:?}").contains("canary"));
            assert_eq!(check_scheme(text), Ok(()));
        }
        for text in [
            "postgres:canary",
            "postgres://u:canary@h/db?sslmod=require",
            "postgres://u:canary@h/db?schema=a%20b",
        ] {
            let error = parse(text).expect_err(text);
            assert!(!error.contains("canary"), "{error}");
            assert!(check_scheme(text).is_err(), "{text}");
        }
    }

    #[test]
    fn everything_else_is_refused() {
        for text in [
            "",
            "./stoa-data",
            "file:",
            "file://host/x",
            "memory:x",
            "s3:",
            "s3://",
            "ftp://x",
        ] {
            assert!(parse(text).is_err(), "{text}");
            assert!(check_scheme(text).is_err(), "{text}");
        }
    }
}
