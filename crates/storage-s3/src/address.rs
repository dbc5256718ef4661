//! Addresses of buckets: `s3://bucket/prefix`, `gs://bucket/prefix`, `az://container/prefix`, each with settings of its
//! own behind a `?`.
//!
//! Credentials are never among them: addresses are shown, logged and copied. A second account is named by the beginning
//! of its variables (`env=OTHER_` reads `OTHER_AWS_ACCESS_KEY_ID`) or by a profile.

use object_store::path::Path;
use std::fmt;
use url::Url;

/// Where a bucket is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BucketUrl {
    pub(crate) cloud: Cloud,
    pub(crate) bucket: String,
    /// Behind which names begin; no slash at either end.
    pub(crate) prefix: String,
    pub(crate) settings: Settings,
}

/// Whose protocol a bucket speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cloud {
    /// Amazon S3 and what is compatible with it.
    S3,
    /// Google Cloud Storage.
    Gcs,
    /// Azure Blob Storage.
    Azure,
}

/// What stood behind the `?`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Settings {
    pub(crate) endpoint: Option<String>,
    pub(crate) region: Option<String>,
    pub(crate) profile: Option<String>,
    pub(crate) env: Option<String>,
    pub(crate) account: Option<String>,
    pub(crate) virtual_hosted: Option<bool>,
}

/// A text that is no address of a bucket. It does not repeat the text, which may hold a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBucketUrl {
    /// The scheme is none of ours.
    #[error("a bucket's address begins with s3://, gs:// or az://")]
    Scheme,
    /// No bucket is named.
    #[error("it names no {0}: write {1}")]
    NoBucket(&'static str, &'static str),
    /// No bucket can have that name.
    #[error("a {0}'s name holds only letters, digits, dots, dashes and underscores")]
    BucketName(&'static str),
    /// A user, a password, a port or a fragment.
    #[error(
        "there is more in it than a bucket, a prefix and settings: credentials come from the environment \
         (env=PREFIX_ names other variables), and a server's address from endpoint="
    )]
    Credentials,
    /// The prefix cannot begin an object's name.
    #[error("its prefix holds an empty element, `.` or `..`, or is not UTF-8")]
    Prefix,
    /// A setting that nobody knows.
    #[error("it has the setting {name:?}, and a bucket of this kind knows only {known}")]
    UnknownSetting {
        /// Its name.
        name: String,
        /// Those it could have.
        known: &'static str,
    },
    /// A setting whose value means nothing.
    #[error("its setting {name} must be {expected}")]
    Setting {
        /// Its name.
        name: &'static str,
        /// What it could be.
        expected: &'static str,
    },
    /// A setting that is there twice.
    #[error("its setting {0} is there twice")]
    Twice(&'static str),
}

impl Cloud {
    fn of_scheme(scheme: &str) -> Option<Self> {
        match scheme {
            "s3" => Some(Self::S3),
            "gs" => Some(Self::Gcs),
            "az" => Some(Self::Azure),
            _ => None,
        }
    }

    /// The scheme of its addresses.
    pub const fn scheme(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::Gcs => "gs",
            Self::Azure => "az",
        }
    }

    /// What its users call a bucket.
    const fn bucket(self) -> &'static str {
        match self {
            Self::S3 | Self::Gcs => "bucket",
            Self::Azure => "container",
        }
    }

    const fn example(self) -> &'static str {
        match self {
            Self::S3 => "s3://bucket/prefix",
            Self::Gcs => "gs://bucket/prefix",
            Self::Azure => "az://container/prefix",
        }
    }

    const fn known_settings(self) -> &'static str {
        match self {
            Self::S3 => "endpoint, region, profile, style and env",
            Self::Gcs => "endpoint and env",
            Self::Azure => "endpoint, account and env",
        }
    }
}

impl BucketUrl {
    /// Reads an address.
    pub fn parse(text: &str) -> Result<Self, InvalidBucketUrl> {
        let (scheme, rest) = text.split_once("://").ok_or(InvalidBucketUrl::Scheme)?;
        let cloud = Cloud::of_scheme(scheme).ok_or(InvalidBucketUrl::Scheme)?;
        if rest.is_empty() || rest.starts_with(['/', '?']) {
            return Err(InvalidBucketUrl::NoBucket(cloud.bucket(), cloud.example()));
        }
        let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if authority.contains(['@', ':']) || rest.contains('#') {
            return Err(InvalidBucketUrl::Credentials);
        }
        let named = |letter: u8| letter.is_ascii_alphanumeric() || b".-_".contains(&letter);
        if !authority.bytes().all(named) {
            return Err(InvalidBucketUrl::BucketName(cloud.bucket()));
        }
        let (path, query) = rest[authority.len()..]
            .split_once('?')
            .unwrap_or((&rest[authority.len()..], ""));
        Ok(Self {
            cloud,
            bucket: authority.to_owned(),
            prefix: prefix(path)?,
            settings: Settings::parse(cloud, query)?,
        })
    }

    /// Takes this server's address where the bucket's address names none.
    pub fn or_endpoint(mut self, endpoint: &Url) -> Self {
        self.settings
            .endpoint
            .get_or_insert_with(|| endpoint.as_str().trim_end_matches('/').to_owned());
        self
    }

    /// The bucket's own name.
    pub(crate) fn bucket_name(&self) -> &str {
        &self.bucket
    }

    /// Whose protocol it speaks.
    pub fn cloud(&self) -> Cloud {
        self.cloud
    }
}

/// Without its settings: what a log or a record may say.
impl fmt::Display for BucketUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}://{}", self.cloud.scheme(), self.bucket)?;
        if !self.prefix.is_empty() {
            write!(f, "/{}", self.prefix)?;
        }
        Ok(())
    }
}

fn prefix(path: &str) -> Result<String, InvalidBucketUrl> {
    let path = percent_encoding::percent_decode_str(path)
        .decode_utf8()
        .map_err(|_| InvalidBucketUrl::Prefix)?;
    let path = path.strip_prefix('/').unwrap_or(&path);
    let path = path.strip_suffix('/').unwrap_or(path);
    if path.is_empty() {
        return Ok(String::new());
    }
    let sound = |element: &str| !matches!(element, "" | "." | "..");
    if !path.split('/').all(sound) || Path::parse(path).is_err() {
        return Err(InvalidBucketUrl::Prefix);
    }
    Ok(path.to_owned())
}

impl Settings {
    fn parse(cloud: Cloud, query: &str) -> Result<Self, InvalidBucketUrl> {
        let mut settings = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let (name, place) = match (&*name, cloud) {
                ("endpoint", _) => ("endpoint", &mut settings.endpoint),
                ("env", _) => ("env", &mut settings.env),
                ("region", Cloud::S3) => ("region", &mut settings.region),
                ("profile", Cloud::S3) => ("profile", &mut settings.profile),
                ("account", Cloud::Azure) => ("account", &mut settings.account),
                ("style", Cloud::S3) => {
                    let virtual_hosted = match &*value {
                        "path" => false,
                        "virtual" => true,
                        _ => return Err(wrong("style", "path or virtual")),
                    };
                    if settings.virtual_hosted.replace(virtual_hosted).is_some() {
                        return Err(InvalidBucketUrl::Twice("style"));
                    }
                    continue;
                }
                _ => {
                    return Err(InvalidBucketUrl::UnknownSetting {
                        name: name.chars().take(60).collect(),
                        known: cloud.known_settings(),
                    });
                }
            };
            if place.is_some() {
                return Err(InvalidBucketUrl::Twice(name));
            }
            *place = Some(checked(name, &value)?);
        }
        Ok(settings)
    }
}

fn checked(name: &'static str, value: &str) -> Result<String, InvalidBucketUrl> {
    match name {
        "endpoint" => match Url::parse(value) {
            Ok(url)
                if matches!(url.scheme(), "http" | "https")
                    && url.username().is_empty()
                    && url.password().is_none()
                    && url.query().is_none()
                    && url.fragment().is_none() =>
            {
                Ok(value.trim_end_matches('/').to_owned())
            }
            _ => Err(wrong(name, "an http or https address without credentials")),
        },
        "env" => {
            let letter = |letter: u8| letter.is_ascii_alphanumeric() || letter == b'_';
            if !value.is_empty() && value.bytes().all(letter) {
                Ok(value.to_owned())
            } else {
                Err(wrong(name, "the beginning of variable names, such as OTHER_"))
            }
        }
        _ if value.is_empty() => Err(wrong(name, "a name")),
        _ => Ok(value.to_owned()),
    }
}

fn wrong(name: &'static str, expected: &'static str) -> InvalidBucketUrl {
    InvalidBucketUrl::Setting { name, expected }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_part_by_part() {
        let url = BucketUrl::parse(
            "s3://my.bucket-1/a/b%20c/?endpoint=http://127.0.0.1:9000/&region=eu-1&profile=dev&env=OTHER_&style=virtual",
        )
        .unwrap();
        assert_eq!(
            (url.cloud, &*url.bucket, &*url.prefix),
            (Cloud::S3, "my.bucket-1", "a/b c")
        );
        assert_eq!(
            url.settings,
            Settings {
                endpoint: Some("http://127.0.0.1:9000".into()),
                region: Some("eu-1".into()),
                profile: Some("dev".into()),
                env: Some("OTHER_".into()),
                account: None,
                virtual_hosted: Some(true),
            }
        );
        assert_eq!(url.to_string(), "s3://my.bucket-1/a/b c");
        for (text, shown) in [
            ("gs://b", "gs://b"),
            ("az://c/", "az://c"),
            ("az://c?account=a", "az://c"),
        ] {
            assert_eq!(BucketUrl::parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_in_a_sentence_without_the_text() {
        for (text, part) in [
            ("s3:bucket", "begins with s3://"),
            ("ftp://canary", "begins with s3://"),
            ("s3://", "names no bucket"),
            ("az:///canary", "names no container"),
            ("gs://?endpoint=http://h", "names no bucket"),
            ("s3://key:canary@bucket", "credentials come from the environment"),
            ("s3://bucket:9000/canary", "endpoint="),
            ("s3://bucket/x#canary", "more in it than"),
            ("s3://b√cket", "holds only letters"),
            ("s3://bucket/a//b", "its prefix"),
            ("s3://bucket/../b", "its prefix"),
            ("s3://bucket/%ff", "its prefix"),
            (
                "s3://bucket?secret_access_key=canary",
                "knows only endpoint, region",
            ),
            ("gs://bucket?region=canary", "knows only endpoint and env"),
            (
                "s3://bucket?endpoint=canary",
                "endpoint must be an http or https address",
            ),
            ("s3://bucket?endpoint=http://u:canary@h", "without credentials"),
            ("s3://bucket?env=can-ary", "env must be"),
            ("s3://bucket?style=canary", "style must be path or virtual"),
            ("s3://bucket?region=", "region must be a name"),
            ("s3://bucket?region=a&region=canary", "region is there twice"),
        ] {
            let error = BucketUrl::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
            assert!(!error.contains("canary"), "{text}: {error}");
        }
    }

    #[test]
    fn an_address_that_names_its_server_keeps_it() {
        let endpoint = Url::parse("http://127.0.0.1:1/").unwrap();
        let of = |text| {
            BucketUrl::parse(text)
                .unwrap()
                .or_endpoint(&endpoint)
                .settings
                .endpoint
        };
        assert_eq!(of("s3://b").as_deref(), Some("http://127.0.0.1:1"));
        assert_eq!(of("s3://b?endpoint=http://h").as_deref(), Some("http://h"));
    }
}
