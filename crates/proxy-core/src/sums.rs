//! `h1:` sums.
//!
//! A sum is over names and contents, not over the bytes of a zip: whoever zips the same files gets the same sum. Each
//! file gives one line, `<sha-256 in hex>  <name>`; the lines, sorted by name, are hashed once more, so the sum of an
//! unpacked zip is what `sha256sum $(find . -type f | sort) | sha256sum` prints. (`golang.org/x/mod/sumdb/dirhash`.)

use crate::file::Sha256;
use base64::{Engine, prelude::BASE64_STANDARD};
use sha2::Digest;
use std::{fmt, str::FromStr};

/// Go's `h1:` sum of a module zip or a go.mod.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct H1(pub [u8; 32]);

/// The two sums a version has in `go.sum`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sums {
    /// Of the zip.
    pub zip: H1,
    /// Of the go.mod.
    pub go_mod: H1,
}

/// A text that is no `h1:` sum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed sum {0:?}: expected h1: and 44 base64 characters")]
pub struct InvalidSum(pub String);

/// A file name that holds a newline, which would make two different trees have one sum.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the file name {0:?} holds a newline")]
pub struct NewlineInName(pub String);

impl H1 {
    /// The sum of files, given their names and the sums of their contents in any order.
    ///
    /// The names are those in the zip, `<path>@<version>/` included.
    pub fn of_files<N: AsRef<str>>(
        files: impl IntoIterator<Item = (N, Sha256)>,
    ) -> Result<Self, NewlineInName> {
        let mut files: Vec<_> = files.into_iter().collect();
        files.sort_by(|(a, _), (b, _)| a.as_ref().cmp(b.as_ref()));
        let mut hash = sha2::Sha256::new();
        for (name, content) in &files {
            let name = name.as_ref();
            if name.contains('\n') {
                return Err(NewlineInName(name.to_owned()));
            }
            hash_line(&mut hash, name, *content);
        }
        Ok(Self(hash.finalize().into()))
    }

    /// The sum of a `go.mod` alone.
    pub fn of_go_mod(bytes: &[u8]) -> Self {
        let mut hash = sha2::Sha256::new();
        hash_line(&mut hash, "go.mod", Sha256::of(bytes));
        Self(hash.finalize().into())
    }
}

fn hash_line(hash: &mut sha2::Sha256, name: &str, content: Sha256) {
    hash.update(content.to_string());
    hash.update("  ");
    hash.update(name);
    hash.update("\n");
}

impl fmt::Display for H1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "h1:{}",
            base64::display::Base64Display::new(&self.0, &BASE64_STANDARD)
        )
    }
}
impl fmt::Debug for H1 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
impl FromStr for H1 {
    type Err = InvalidSum;
    fn from_str(text: &str) -> Result<Self, InvalidSum> {
        let bytes = text
            .strip_prefix("h1:")
            .filter(|sum| sum.len() == 44)
            .and_then(|sum| BASE64_STANDARD.decode(sum).ok());
        let sum = bytes.and_then(|bytes| bytes.try_into().ok());
        sum.map(Self)
            .ok_or_else(|| InvalidSum(text.chars().take(100).collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sum_of(files: &[(&str, &str)]) -> String {
        let files = files
            .iter()
            .map(|(name, content)| (*name, Sha256::of(content.as_bytes())));
        H1::of_files(files).unwrap().to_string()
    }

    #[test]
    fn sums_are_those_of_go() {
        let go_mod = "module example.test/basic\n\ngo 1.20\n";
        assert_eq!(
            H1::of_go_mod(go_mod.as_bytes()).to_string(),
            "h1:a0Nj8bv49qqFaruxVdlumPZG3ynjybbQ4M3PpGm7HxA="
        );
        assert_eq!(
            sum_of(&[
                ("example.test/basic@v1.2.3/go.mod", go_mod),
                ("example.test/basic@v1.2.3/a.go", "package basic\n// x\n"),
            ]),
            "h1:Z0Xxn4yPRPWzXM8kaBAzY3hLdzG9Py66kA/E6YjpACQ="
        );
        assert_eq!(
            sum_of(&[(
                "example.test/incompat@v2.0.0+incompatible/i.go",
                "package i\n//2\n"
            )]),
            "h1:cDtT6rdhSAS3NCoJzrN+bKksZ/qANr3rnMa9HKd6FmM="
        );
        let name = |file: &str| format!("example.test/mono/sub@v0.1.0/{file}");
        let files = [
            (name("go.mod"), "module example.test/mono/sub\n\ngo 1.20\n"),
            (name("s.go"), "package sub\n"),
            (name("inner/i.go"), "package inner\n"),
            (name("LICENSE"), "ROOTLICENSE\n"),
        ];
        let files: Vec<_> = files
            .iter()
            .map(|(name, content)| (name.as_str(), *content))
            .collect();
        assert_eq!(sum_of(&files), "h1:7/4B0vrB2Wirrkokavmgbqn/lugwXOjQH8YUPhan8sI=");
        assert_eq!(sum_of(&[]), "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=");
    }

    /// What git's attributes make of a tree, and the sums that `go mod download` found for it.
    #[test]
    fn sums_of_a_tree_with_attributes() {
        let sum = |version: &str, files: &[(&str, &str)]| {
            let files = files.iter().map(|(path, content)| {
                (
                    format!("example.test/{version}/{path}"),
                    Sha256::of(content.as_bytes()),
                )
            });
            H1::of_files(files).unwrap().to_string()
        };
        let go_mod = "module example.test/golden\n\ngo 1.20\n";
        let root = [
            (
                ".gitattributes",
                "*.subst export-subst\nign export-ignore\n*.crlf text eol=crlf\n*.auto text=auto eol=crlf\n*.id ident\n*.lfs filter=lfs diff=lfs merge=lfs -text\n",
            ),
            (
                ".gitmodules",
                "[submodule \"sm\"]\n\tpath = sm\n\turl = https://example.test/sm\n",
            ),
            ("go.mod", go_mod),
            ("LICENSE", "root license\n"),
            ("a.subst", "$Format:%H$\n"),
            ("ign/x.txt", "kept\n"),
            ("t.crlf", "a\r\nb\r\n"),
            ("u.auto", "a\r\nb\r\n"),
            ("mixed.auto", "a\r\nb\n"),
            ("v.id", "$Id: 055c8729cdcc372500a08db659c045e16c4409fb $\n"),
            (
                "big.lfs",
                "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a214614ab2935c943f9e0ff69d22eadbb8f32b1258daaa5e2ca24d17e2393\nsize 12345\n",
            ),
            ("run.sh", "#!/bin/sh\n"),
            ("vendor/modules.txt", "# m\n"),
        ];
        assert_eq!(
            sum("golden@v1.0.0", &root),
            "h1:gkCaVL4ljqB7F2iyjx+xEv6XeRc/hh/RV+e/hOu5r/o="
        );
        assert_eq!(
            H1::of_go_mod(go_mod.as_bytes()).to_string(),
            "h1:hU7iickIx5VLQo+ZRuMDWvGmv2KRkMoL+ub/cJccF3Y="
        );

        let go_mod = "module example.test/golden/sub\n\ngo 1.24\n";
        let sub = [
            ("go.mod", go_mod),
            ("pkg/vendor/v.go", "package v\n"),
            ("s.crlf", "x\r\n"),
            ("Ünïcode.txt", "u\n"),
            ("LICENSE", "root license\n"),
        ];
        assert_eq!(
            sum("golden/sub@v0.1.0", &sub),
            "h1:bpDKPaUF9XTNc8mQs3Io/oZO9oXI7nRAvZc0npgUJ5Y="
        );
        assert_eq!(
            H1::of_go_mod(go_mod.as_bytes()).to_string(),
            "h1:KDFRwWvHyhuOd7vSSX9lO+kAdymvhsTcrpWnFC9e/+0="
        );
    }

    #[test]
    fn a_name_with_a_newline_has_no_sum() {
        let error = H1::of_files([("a\nb", Sha256::of(b""))]).unwrap_err();
        assert_eq!(error, NewlineInName("a\nb".into()));
    }

    #[test]
    fn sums_are_read_strictly() {
        let text = "h1:a0Nj8bv49qqFaruxVdlumPZG3ynjybbQ4M3PpGm7HxA=";
        assert_eq!(text.parse::<H1>().unwrap().to_string(), text);
        for text in [
            "",
            "h1:",
            "h2:a0Nj8bv49qqFaruxVdlumPZG3ynjybbQ4M3PpGm7HxA=",
            "h1:a0Nj8bv49qqFaruxVdlumPZG3ynjybbQ4M3PpGm7HxA",
            "h1:a0Nj8bv49qqFaruxVdlumPZG3ynjybbQ4M3PpGm7HxB=",
            "h1:a0Nj8bv49qqFaruxVdlumPZG3ynjybbQ4M3PpGm7Hx==",
            "h1:a0Nj8bv49qqFaruxVdlumPZG3ynjybbQ4M3PpGm7HxA=\n",
            "h1:a0Nj8bv49qqFaruxVdlumPZG3ynjybbQ4M3PpGm7HxAé",
        ] {
            assert!(text.parse::<H1>().is_err(), "{text:?}");
        }
    }
}
