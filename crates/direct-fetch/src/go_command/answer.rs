//! The JSON that `go` answers with.

use serde::Deserialize;
use std::path::PathBuf;

/// What `go mod download -json` and `go list -m -json` say of one module. Both leave out what they do not know.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub(crate) struct Answer {
    pub(crate) version: String,
    pub(crate) versions: Vec<String>,
    pub(crate) zip: Option<PathBuf>,
    /// The source tree that `go` unpacked, which nobody needs here.
    pub(crate) dir: Option<PathBuf>,
    /// `go mod download` puts its complaint here.
    pub(crate) error: Option<Complaint>,
}

/// A text from `go mod download`, an object from `go list -e`.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(crate) enum Complaint {
    Text(String),
    Object {
        #[serde(rename = "Err")]
        text: String,
    },
}

impl Complaint {
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Text(text) | Self::Object { text } => text,
        }
    }
}
