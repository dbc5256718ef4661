//! Storage URLs: which backend, and where.

use std::path::PathBuf;
use storage_postgres::PostgresUrl;
use storage_s3::BucketUrl;

/// A store that this build can open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum StorageUrl {
    /// A folder.
    File(PathBuf),
    /// Memory; gone when the process ends.
    Memory,
    /// A schema of a Postgres database.
    Postgres(Box<PostgresUrl>),
    /// A bucket, or a part of one.
    Bucket(Box<BucketUrl>),
}

impl StorageUrl {
    /// Takes this server's address where a bucket's names none.
    pub(crate) fn or_endpoint(self, endpoint: &url::Url) -> Self {
        match self {
            Self::Bucket(bucket) => Self::Bucket(Box::new(bucket.or_endpoint(endpoint))),
            other => other,
        }
    }
}

/// Reads the URL of a store. Errors do not repeat it: it may hold a password.
pub(crate) fn parse(text: &str) -> Result<StorageUrl, String> {
    let (scheme, rest) = text.split_once(':').ok_or_else(unknown)?;
    match scheme {
        "file" => folder(rest).map(StorageUrl::File),
        "memory" if rest.trim_matches('/').is_empty() => Ok(StorageUrl::Memory),
        "memory" => Err("nothing may stand behind memory:".into()),
        "s3" | "gs" | "az" => bucket(text).map(StorageUrl::Bucket),
        "postgres" | "postgresql" => postgres(text).map(StorageUrl::Postgres),
        _ => Err(unknown()),
    }
}

/// Reads a list of them.
pub(crate) fn parse_all(text: &str) -> Result<Vec<StorageUrl>, String> {
    let read = |(position, entry): (usize, &str)| match parse(entry) {
        Ok(StorageUrl::Memory) => Err(format!("entry {}: nothing is kept in memory:", position + 1)),
        read => read.map_err(|wrong| format!("entry {}: {wrong}", position + 1)),
    };
    super::go_syntax::entries(text).enumerate().map(read).collect()
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
    if !text.contains("://") {
        return Err("a database is written postgres://user:password@host/database".into());
    }
    PostgresUrl::parse(text)
        .map(Box::new)
        .map_err(|error| error.to_string())
}

fn bucket(text: &str) -> Result<Box<BucketUrl>, String> {
    BucketUrl::parse(text)
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
    fn a_database_is_read_whole_and_keeps_its_secrets() {
        for text in [
            "postgres://u:canary@h/db",
            "postgresql://u:canary@h:6432/db?sslmode=verify-full&schema=go",
        ] {
            let url = parse(text).expect(text);
            assert!(matches!(url, StorageUrl::Postgres(_)));
            assert!(!format!("{url:?}").contains("canary"));
        }
        for text in [
            "postgres:canary",
            "postgres://u:canary@h/db?sslmod=require",
            "postgres://u:canary@h/db?schema=a%20b",
        ] {
            let error = parse(text).expect_err(text);
            assert!(!error.contains("canary"), "{error}");
        }
    }

    #[test]
    fn a_bucket_is_read_whole_and_keeps_what_is_wrong_to_itself() {
        for text in [
            "s3://bucket/prefix?endpoint=http://h:9000",
            "gs://b",
            "az://c/p?account=a",
        ] {
            assert!(matches!(parse(text), Ok(StorageUrl::Bucket(_))), "{text}");
        }
        for text in [
            "s3://k:canary@bucket",
            "s3://bucket?secret_access_key=canary",
            "gs://bucket?region=canary",
        ] {
            let error = parse(text).expect_err(text);
            assert!(!error.contains("canary"), "{error}");
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
        }
    }
}
