//! Which folder of a commit holds a module, and its go.mod.
//!
//! A module of v2 or above lies either in the folder of the module path without its `/v2`, or in a folder `v2` of it;
//! the module line of the `go.mod` says which (Go modules reference, "Module directories within a repository"). The
//! line is compared by its major version only: a repository whose `go.mod` names another module is served without
//! complaint, since forks are used that way.

use super::{objects::Objects, place::Place};
use bytes::Bytes;
use gix::ObjectId;
use proxy_core::{go_mod, module::path::split_major, upstream::UpstreamError};

/// A module's folder in one commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ModuleFolder {
    /// From the repository's root; empty for the root itself.
    pub path: String,
    /// The `go.mod` in it, as it is; `None` where a module may go without.
    pub go_mod: Option<Bytes>,
}

/// Finds a module's folder; a commit that does not hold the module is "not found".
pub(super) fn find(
    objects: &dyn Objects,
    place: &Place,
    commit: ObjectId,
) -> Result<ModuleFolder, UpstreamError> {
    let (folder, major) = (place.code_folder.as_str(), place.major());
    let first = GoMod::read(objects, commit, folder)?;
    let first_fits = first.as_ref().is_some_and(|go_mod| {
        // An old mistake that versions in use depend on: a fork at a plain path may call itself gopkg.in/….v3.
        go_mod.fits(major) || (major.is_empty() && go_mod.module.starts_with("gopkg.in/"))
    });
    if major.starts_with('/') && place.root != place.path.as_str() {
        let second_folder = join(folder, &major[1..]);
        if let Some(second) = GoMod::read(objects, commit, &second_folder)? {
            return match (first_fits, second.fits(major)) {
                (true, true) => Err(refused(
                    place,
                    format!(
                        "both {} and {} claim to be it",
                        join(folder, "go.mod"),
                        join(&second_folder, "go.mod")
                    ),
                )),
                (false, true) => Ok(ModuleFolder {
                    path: second_folder,
                    go_mod: Some(second.bytes),
                }),
                (_, false) => Err(refused(place, second.complaint(&second_folder, major))),
            };
        }
    }
    match first {
        Some(first) if first_fits => Ok(ModuleFolder {
            path: folder.to_owned(),
            go_mod: Some(first.bytes),
        }),
        Some(first) => Err(refused(place, first.complaint(folder, major))),
        None if folder.is_empty() && !major.starts_with('/') => Ok(ModuleFolder {
            path: String::new(),
            go_mod: None,
        }),
        None => Err(refused(place, format!("missing {}", join(folder, "go.mod")))),
    }
}

/// A `go.mod` and the module line in it.
struct GoMod {
    bytes: Bytes,
    /// Empty where there is no module line.
    module: String,
}

impl GoMod {
    fn read(objects: &dyn Objects, commit: ObjectId, folder: &str) -> Result<Option<Self>, UpstreamError> {
        let bytes = objects.file(commit, &join(folder, "go.mod"))?;
        Ok(bytes.map(|bytes| Self {
            module: go_mod::module_path(&bytes).unwrap_or_default(),
            bytes,
        }))
    }

    /// Whether the module line has this major version; `/v2` and `.v2` are one, and so are none, v0 and v1.
    fn fits(&self, major: &str) -> bool {
        let Some((_, of_line)) = split_major(&self.module).filter(|_| !self.module.is_empty()) else {
            return false;
        };
        match major.get(1..) {
            None => matches!(
                of_line.trim_end_matches("-unstable").get(1..),
                None | Some("v0" | "v1")
            ),
            Some(major) => of_line.get(1..) == Some(major),
        }
    }

    fn complaint(&self, folder: &str, major: &str) -> String {
        let file = join(folder, "go.mod");
        if self.module.is_empty() {
            format!("{file} is missing a module path")
        } else if major.is_empty() {
            format!("{file} has post-v0/v1 module path {:?}", self.module)
        } else {
            format!(
                "{file} has module path {:?}, which is not of {}",
                self.module,
                &major[1..]
            )
        }
    }
}

fn refused(place: &Place, reason: String) -> UpstreamError {
    UpstreamError::not_found(format!("{}: {reason}", place.path))
}

/// Joins a folder, which may be empty, and a name.
pub(super) fn join(folder: &str, name: &str) -> String {
    if folder.is_empty() {
        name.to_owned()
    } else {
        format!("{folder}/{name}")
    }
}
