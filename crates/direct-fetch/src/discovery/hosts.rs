//! Repositories that a module path names by itself: the hosts the go command knows by heart, and paths with a
//! version control suffix.
//!
//! The table is that of Go 1.27 (cmd/go, `internal/vcs`), in which Bazaar and Launchpad no longer stand. A path below a
//! known host that does not have the host's shape is settled: no page is asked for it.

use super::{NoRepository, RepositoryAddress, Vcs};

/// A repository that a path names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// What it is reached by.
    pub vcs: Vcs,
    /// The import path of its root.
    pub root: String,
    /// Its addresses, in the order in which they are to be tried.
    pub addresses: Vec<RepositoryAddress>,
}

/// A host known by heart.
struct Host {
    /// What a path begins with, as whole elements.
    prefix: &'static str,
    /// How many elements the repository's root has.
    elements: usize,
    /// Whether the elements from the prefix to the root's end have the host's shape.
    shape: fn(&[&str]) -> bool,
    /// Whether more may follow the root.
    open: bool,
    vcs: Vcs,
    /// Whether a root may not end like `.git`.
    no_suffix: bool,
}

const HOSTS: &[Host] = &[
    Host {
        prefix: "github.com",
        elements: 3,
        shape: |own| own.iter().all(|element| is_word(element)),
        open: true,
        vcs: Vcs::Git,
        no_suffix: true,
    },
    Host {
        prefix: "bitbucket.org",
        elements: 3,
        shape: |own| own.iter().all(|element| is_word(element)),
        open: true,
        vcs: Vcs::Git,
        no_suffix: true,
    },
    Host {
        prefix: "hub.jazz.net/git",
        elements: 4,
        shape: |own| matches!(own, [user, name] if user.bytes().all(is_lower_or_digit) && is_word(name)),
        open: true,
        vcs: Vcs::Git,
        no_suffix: true,
    },
    Host {
        prefix: "git.apache.org",
        elements: 2,
        shape: |own| {
            matches!(own, [name] if name.len() > ".git".len() && name.ends_with(".git")
                && name.bytes().all(|byte| is_lower_or_digit(byte) || b"_.-".contains(&byte)))
        },
        open: true,
        vcs: Vcs::Git,
        no_suffix: false,
    },
    Host {
        prefix: "git.openstack.org",
        elements: 3,
        shape: |own| own.iter().all(|element| is_word(element)),
        open: true,
        vcs: Vcs::Git,
        no_suffix: false,
    },
    Host {
        prefix: "chiselapp.com",
        elements: 5,
        shape: |own| {
            matches!(own, ["user", user, "repository", name]
                if user.bytes().all(|byte| byte.is_ascii_alphanumeric()) && is_word(name))
        },
        open: false,
        vcs: Vcs::Fossil,
        no_suffix: false,
    },
];

/// Suffixes by which a path names a repository of any server.
const SUFFIXES: &[(&str, Vcs)] = &[
    (".git", Vcs::Git),
    (".hg", Vcs::Mercurial),
    (".svn", Vcs::Subversion),
    (".fossil", Vcs::Fossil),
];

/// The repository a module path names by itself, or `None` if a page must be asked.
pub fn by_path(path: &str, insecure: bool) -> Result<Option<Named>, NoRepository> {
    // The go command's own exceptions, which keep its tests off the network.
    if path == "example.net" || path.starts_with("example.net/") {
        return Err(NoRepository::because("no modules on example.net"));
    }
    if path == "rsc.io" {
        return Err(NoRepository::because("rsc.io is not a module"));
    }
    for host in HOSTS {
        let below = path.strip_prefix(host.prefix);
        if below.is_some_and(|below| below.is_empty() || below.starts_with('/')) {
            return host.named(path).map(Some);
        }
    }
    Ok(by_suffix(path, insecure))
}

impl Host {
    fn named(&self, path: &str) -> Result<Named, NoRepository> {
        let elements: Vec<&str> = path.split('/').collect();
        let own_from = self.prefix.split('/').count();
        let invalid = || NoRepository::because(format!("invalid {} import path \"{path}\"", self.prefix));
        let own = elements.get(own_from..self.elements).ok_or_else(invalid)?;
        let rest = elements.get(self.elements..).unwrap_or_default();
        let rest_fits = if self.open {
            rest.iter().all(|element| is_word(element))
        } else {
            rest.is_empty()
        };
        if !(self.shape)(own) || !rest_fits {
            return Err(invalid());
        }
        let root = elements.get(..self.elements).unwrap_or_default().join("/");
        let suffixed =
            |name: &str| SUFFIXES.iter().any(|(suffix, _)| name.ends_with(suffix)) || name.ends_with(".bzr");
        if self.no_suffix && suffixed(&root) {
            let reason = format!("invalid version control suffix in {}/ path", self.prefix);
            return Err(NoRepository::because(reason));
        }
        let address = RepositoryAddress::parse(&format!("https://{root}"), false)
            .map_err(|why| NoRepository::because(format!("{path}: {why}")))?;
        Ok(Named {
            vcs: self.vcs,
            root,
            addresses: vec![address],
        })
    }
}

/// `host/path.git/rest` is the repository `host/path`, whose root has the import path `host/path.git`: the first
/// element with a suffix ends it.
fn by_suffix(path: &str, insecure: bool) -> Option<Named> {
    let elements: Vec<&str> = path.split('/').collect();
    let shaped = |element: &&str| is_word(element.strip_prefix('~').unwrap_or(element));
    if !elements.iter().skip(1).all(shaped) {
        return None;
    }
    let ended = elements.iter().enumerate().skip(1).find_map(|(at, element)| {
        let (suffix, vcs) = SUFFIXES.iter().find(|(suffix, _)| element.ends_with(suffix))?;
        // Something stands before the suffix.
        (element.trim_start_matches('~').len() > suffix.len()).then_some((at, *suffix, *vcs))
    });
    let (at, suffix, vcs) = ended?;
    let root = elements.get(..=at)?.join("/");
    let repository = root.strip_suffix(suffix)?;
    let addresses = vcs.schemes(insecure).iter();
    let addresses = addresses
        .filter_map(|scheme| RepositoryAddress::parse(&format!("{scheme}://{repository}"), insecure).ok());
    Some(Named {
        vcs,
        addresses: addresses.collect(),
        root,
    })
}

/// `[0-9A-Za-z_.-]+`.
fn is_word(element: &str) -> bool {
    !element.is_empty()
        && element
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
}

fn is_lower_or_digit(byte: u8) -> bool {
    byte.is_ascii_lowercase() || byte.is_ascii_digit()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(path: &str) -> (String, String) {
        let named = by_path(path, false).unwrap().unwrap();
        (named.root, named.addresses[0].to_string())
    }

    fn refused(path: &str) -> String {
        by_path(path, false).unwrap_err().reason
    }

    #[test]
    fn known_hosts_name_their_repositories() {
        for (path, root) in [
            (
                "github.com/Azure/azure-sdk-for-go/sdk/v2",
                "github.com/Azure/azure-sdk-for-go",
            ),
            ("bitbucket.org/o/r_1.x", "bitbucket.org/o/r_1.x"),
            (
                "hub.jazz.net/git/user1/pkgname/submodule",
                "hub.jazz.net/git/user1/pkgname",
            ),
            (
                "git.apache.org/package-name_2.x.git/path/to/lib",
                "git.apache.org/package-name_2.x.git",
            ),
            (
                "git.openstack.org/openstack/swift.git/go",
                "git.openstack.org/openstack/swift.git",
            ),
            (
                "chiselapp.com/user/kyle/repository/fossilgg",
                "chiselapp.com/user/kyle/repository/fossilgg",
            ),
        ] {
            assert_eq!(
                named(path),
                (root.to_owned(), format!("https://{root}")),
                "{path}"
            );
        }
    }

    #[test]
    fn a_path_of_another_shape_below_a_known_host_is_settled() {
        for (path, prefix) in [
            ("github.com/o", "github.com"),
            ("github.com", "github.com"),
            ("github.com/o/a~b", "github.com"),
            ("hub.jazz.net/git/USER/pkgname", "hub.jazz.net/git"),
            ("git.apache.org/package-name.hg", "git.apache.org"),
            (
                "chiselapp.com/user/kyle/repository/fossilgg/more",
                "chiselapp.com",
            ),
        ] {
            assert_eq!(refused(path), format!("invalid {prefix} import path \"{path}\""));
        }
        assert_eq!(
            refused("github.com/o/r.git"),
            "invalid version control suffix in github.com/ path"
        );
        assert_eq!(
            refused("bitbucket.org/o/r.bzr/x"),
            "invalid version control suffix in bitbucket.org/ path"
        );
        assert_eq!(refused("example.net/x"), "no modules on example.net");
        assert_eq!(refused("rsc.io"), "rsc.io is not a module");
    }

    #[test]
    fn a_suffix_names_a_repository_of_any_server() {
        let found = by_path("e.test/a/~u/r.git/sub.git/x", false).unwrap().unwrap();
        assert_eq!((found.vcs, found.root.as_str()), (Vcs::Git, "e.test/a/~u/r.git"));
        let addresses: Vec<_> = found.addresses.iter().map(ToString::to_string).collect();
        assert_eq!(
            addresses,
            [
                "https://e.test/a/~u/r",
                "git+ssh://e.test/a/~u/r",
                "ssh://e.test/a/~u/r"
            ]
        );
        let insecure = by_path("e.test/r.hg", true).unwrap().unwrap();
        assert_eq!(insecure.vcs, Vcs::Mercurial);
        assert!(
            insecure
                .addresses
                .iter()
                .any(|address| address.scheme() == "http")
        );
        assert!(insecure.addresses.iter().all(|address| address.scheme() != "git"));
    }

    #[test]
    fn everything_else_needs_its_page() {
        for path in [
            "e.test/x",
            "e.test",
            "githubb.com/o",
            "e.test/x.gitx",
            "rsc.io/x",
            "e.test/r.bzr",
            "x.git/y",
        ] {
            assert_eq!(by_path(path, false), Ok(None), "{path}");
        }
    }
}
