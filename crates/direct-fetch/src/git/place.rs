//! Where in its repository a module lies.

use proxy_core::module::{ModulePath, path::check_major};

/// A module's place in its repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The module path.
    pub path: ModulePath,
    /// The module path that the repository's root has.
    pub root: String,
    /// The module's folder in the repository, without its major version; empty for the root.
    pub code_folder: String,
}

/// Why a module cannot lie in a repository.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoPlace {
    /// It is somewhere else.
    #[error("{path} is not below its repository's root {root}")]
    Outside {
        /// The module path.
        path: ModulePath,
        /// The root of the repository that was found for it.
        root: String,
    },
    /// Its subfolder is a name for the repository's root. The go command looks for tags that begin with `./` then, of which
    /// there are none, and makes zips that lack the module's files: no module can be had so.
    #[error(
        "{path} has the subfolder {subfolder:?} in its go-import tag, where the go command finds no files: leave it out"
    )]
    NoFolder {
        /// The module path.
        path: ModulePath,
        /// The subfolder as it was written.
        subfolder: String,
    },
}

impl Place {
    /// Finds the place of a module below the repository root `root`; `subfolder` is the fourth field of a go-import
    /// tag, empty where there is none.
    ///
    /// The subfolder goes *behind* the rest of the path, as the go command has it: for the root `e.test/r` with the
    /// subfolder `sub`, the module `e.test/r/inner` lies in `inner/sub`.
    pub fn new(path: ModulePath, root: &str, subfolder: &str) -> Result<Self, NoPlace> {
        let (prefix, _) = path.split_major();
        let rest = if root == path.as_str() || root == prefix {
            ""
        } else {
            let root = root.strip_suffix('/').unwrap_or(root);
            let rest = prefix.strip_prefix(root).and_then(|rest| rest.strip_prefix('/'));
            rest.ok_or_else(|| NoPlace::Outside {
                path: path.clone(),
                root: root.to_owned(),
            })?
        };
        let code_folder = clean(rest, subfolder);
        if code_folder.is_empty() && !subfolder.is_empty() {
            return Err(NoPlace::NoFolder {
                path,
                subfolder: subfolder.to_owned(),
            });
        }
        Ok(Self {
            path,
            root: root.to_owned(),
            code_folder,
        })
    }

    /// The major version at the end of the module path: `/v2`, `.v3`, or nothing. Nothing as well where the
    /// repository's root has just this path: no folder is looked for then.
    pub fn major(&self) -> &str {
        self.path.split_major().1
    }

    /// What the module's tags begin with: `sub/`, or nothing. A folder `v2` adds nothing to it.
    pub fn tag_prefix(&self) -> String {
        if self.code_folder.is_empty() {
            String::new()
        } else {
            format!("{}/", self.code_folder)
        }
    }

    /// Whether a version's major number is that of the module path (Go's `module.MatchPathMajor`).
    pub fn fits(&self, version: &str) -> bool {
        check_major(self.major(), version).is_ok()
    }

    /// Whether versions of v2 and above without a go.mod may be taken for versions of this path at all.
    pub fn may_be_incompatible(&self) -> bool {
        self.code_folder.is_empty() && self.major().is_empty()
    }
}

/// Joins two relative paths and resolves `.` and `..`, which a go-import tag may hold.
fn clean(rest: &str, subfolder: &str) -> String {
    let mut elements: Vec<&str> = Vec::new();
    for element in rest.split('/').chain(subfolder.split('/')) {
        match element {
            "" | "." => {}
            ".." if elements.last().is_some_and(|last| *last != "..") => {
                elements.pop();
            }
            element => elements.push(element),
        }
    }
    elements.join("/")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(path: &str, root: &str, subfolder: &str) -> Result<Place, NoPlace> {
        Place::new(ModulePath::parse(path).unwrap(), root, subfolder)
    }

    #[test]
    fn a_module_lies_below_its_root_and_its_major_version_is_no_folder_of_its_tags() {
        for (path, root, subfolder, folder, prefix) in [
            ("e.test/r", "e.test/r", "", "", ""),
            ("e.test/r/v2", "e.test/r", "", "", ""),
            ("e.test/r/v2", "e.test/r/v2", "", "", ""),
            ("e.test/r/sub", "e.test/r", "", "sub", "sub/"),
            ("e.test/r/sub/v2", "e.test/r", "", "sub", "sub/"),
            ("e.test/sd", "e.test/sd", "sub", "sub", "sub/"),
            ("e.test/sd/inner", "e.test/sd", "sub/", "inner/sub", "inner/sub/"),
            ("e.test/sd/inner", "e.test/sd", "../up", "up", "up/"),
            ("gopkg.in/yaml.v3", "gopkg.in/yaml.v3", "", "", ""),
            ("e.test/r.git/sub", "e.test/r.git", "", "sub", "sub/"),
            ("e.test/r/sub", "e.test/r/", "", "sub", "sub/"),
        ] {
            let place = place(path, root, subfolder).unwrap();
            assert_eq!(
                (place.code_folder.as_str(), place.tag_prefix().as_str()),
                (folder, prefix),
                "{path}"
            );
        }
        assert!(place("e.test/other", "e.test/r", "").is_err());
        assert!(place("e.test/rest", "e.test/r", "").is_err());
        for root in [".", "./", "sub/.."] {
            let refused = place("e.test/r", "e.test/r", root);
            assert!(matches!(refused, Err(NoPlace::NoFolder { .. })), "{root}");
        }
    }

    #[test]
    fn versions_fit_by_their_major_number() {
        for (path, version, fits) in [
            ("e.test/r", "v1.2.3", true),
            ("e.test/r", "v2.0.0", false),
            ("e.test/r", "v2.0.0+incompatible", true),
            ("e.test/r/v2", "v2.0.0", true),
            ("e.test/r/v2", "v1.0.0", false),
            ("gopkg.in/y.v1", "v0.0.0-20200102030405-0123456789ab", true),
            ("gopkg.in/y.v2-unstable", "v2.1.0", true),
        ] {
            assert_eq!(
                place(path, path, "").unwrap().fits(version),
                fits,
                "{path} {version}"
            );
        }
    }
}
