//! AWS profiles: the keys that `aws configure` writes into `~/.aws/credentials`, by a name.
//!
//! Only keys that are written there are read. A profile that says how keys are to be had (a role to assume, a single
//! sign-on, a program to run) is refused in a sentence: such keys expire, and who renews them is the workload's own
//! identity, which needs no profile. (AWS SDKs and Tools reference, "Shared config and credentials files".)

use std::{collections::BTreeMap, fs, io, path::PathBuf, sync::Arc};

/// Keys of an account.
#[derive(Clone, Default)]
pub(crate) struct Profile {
    pub(crate) access_key_id: Option<String>,
    pub(crate) secret_access_key: Option<String>,
    pub(crate) session_token: Option<String>,
    pub(crate) region: Option<String>,
}

/// Why a profile cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ProfileError {
    /// A file is there and cannot be read.
    #[error("the file of AWS profiles cannot be read")]
    Unreadable(#[source] Arc<io::Error>),
    /// No file has it.
    #[error("there is no AWS profile named {0} with keys in it")]
    Missing(String),
    /// It has no keys, only a way to get some.
    #[error(
        "the AWS profile {0} holds no keys but {1}, which is not supported: give the keys, or the workload's own identity"
    )]
    OnlyAWay(String, String),
}

/// Where profiles are written.
pub(crate) struct Files {
    pub(crate) credentials: Option<PathBuf>,
    pub(crate) config: Option<PathBuf>,
    pub(crate) home: Option<PathBuf>,
}

impl Files {
    /// The keys and the region of a profile; the credentials file goes before the configuration file.
    pub(crate) fn read(&self, name: &str) -> Result<Profile, ProfileError> {
        let of_home = |file: &str| self.home.as_ref().map(|home| home.join(".aws").join(file));
        let credentials = section(self.credentials.clone().or_else(|| of_home("credentials")), name)?;
        let mut table = section(self.config.clone().or_else(|| of_home("config")), name)?;
        table.extend(credentials);
        let take = |key: &str| table.get(key).filter(|value| !value.is_empty()).cloned();
        let profile = Profile {
            access_key_id: take("aws_access_key_id"),
            secret_access_key: take("aws_secret_access_key"),
            session_token: take("aws_session_token"),
            region: take("region"),
        };
        if profile.access_key_id.is_some() && profile.secret_access_key.is_some() {
            return Ok(profile);
        }
        let ways = [
            "role_arn",
            "sso_session",
            "sso_start_url",
            "credential_process",
            "login_session",
        ];
        match ways.into_iter().find(|way| table.contains_key(*way)) {
            Some(way) => Err(ProfileError::OnlyAWay(name.to_owned(), way.to_owned())),
            None => Err(ProfileError::Missing(name.to_owned())),
        }
    }
}

/// One section of a file: `[name]`, which a configuration file writes `[profile name]`. No file has no sections.
fn section(file: Option<PathBuf>, name: &str) -> Result<BTreeMap<String, String>, ProfileError> {
    let text = match file.map(fs::read_to_string) {
        None => return Ok(BTreeMap::new()),
        Some(Err(error)) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeMap::new()),
        Some(read) => read.map_err(|error| ProfileError::Unreadable(Arc::new(error)))?,
    };
    let (mut table, mut inside) = (BTreeMap::new(), false);
    for line in text.lines() {
        // An indented line belongs to the setting above it.
        if line.starts_with([' ', '\t', '#', ';']) {
            continue;
        }
        if let Some(header) = line.strip_prefix('[').and_then(|line| line.split(']').next()) {
            let header = header.trim();
            inside = header == name
                || header
                    .strip_prefix("profile")
                    .is_some_and(|rest| rest.starts_with([' ', '\t']) && rest.trim() == name);
        } else if let Some((key, value)) = line.split_once('=').filter(|_| inside) {
            table.insert(key.trim().to_ascii_lowercase(), value.trim().to_owned());
        }
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(credentials: &str, config: &str) -> (tempfile::TempDir, Files) {
        let home = tempfile::tempdir().unwrap();
        fs::create_dir(home.path().join(".aws")).unwrap();
        fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
        fs::write(home.path().join(".aws/config"), config).unwrap();
        let files = Files {
            credentials: None,
            config: None,
            home: Some(home.path().to_owned()),
        };
        (home, files)
    }

    #[test]
    fn keys_and_region_are_found_by_name() {
        let credentials = "[default]\naws_access_key_id = one\naws_secret_access_key=a=b\n# x\n\n[ dev ]\n\
                           AWS_ACCESS_KEY_ID = two\naws_secret_access_key = c\naws_session_token = t\n";
        let config = "[default]\nregion = eu-1\n[profile dev]\nregion = eu-2\ns3 =\n  region = no\n[developer]\nregion = no\n";
        let (_home, files) = files(credentials, config);
        let all = |profile: Profile| {
            [
                profile.access_key_id,
                profile.secret_access_key,
                profile.session_token,
                profile.region,
            ]
        };
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(
            all(files.read("default").unwrap()),
            [some("one"), some("a=b"), None, some("eu-1")]
        );
        assert_eq!(
            all(files.read("dev").unwrap()),
            [some("two"), some("c"), some("t"), some("eu-2")]
        );
    }

    #[test]
    fn a_profile_without_keys_is_refused_in_a_sentence() {
        let (_home, files) = files(
            "[half]\naws_access_key_id = canary\n",
            "[profile sso]\nsso_session = s\n",
        );
        for (name, part) in [
            ("half", "no AWS profile named half"),
            ("none", "no AWS profile named none"),
            ("sso", "holds no keys but sso_session"),
        ] {
            let Err(error) = files.read(name) else {
                panic!("{name} has no keys")
            };
            assert!(error.to_string().contains(part), "{error}");
            assert!(!format!("{error:?}").contains("canary"));
        }
    }
}
