//! The judgement of a module file: a pure function of its bytes and of what they are held against.

use super::{VerifyError, of_commit};
use crate::{
    file::{Body, Kind, ModuleFile, Sha256},
    go_mod,
    info::Info,
    sums::H1,
    zip::{self, CheckError},
};
use bytes::Bytes;
use std::sync::Arc;

/// What a file is held against.
#[derive(Debug, Default)]
pub(super) struct Evidence {
    /// The `.mod` that is kept of the version; always there for a zip.
    pub(super) go_mod: Option<Bytes>,
    /// The sum it must have, and who says so.
    pub(super) expected: Option<Expected>,
    /// The bytes that were kept under this name and are lost.
    pub(super) lost: Option<Lost>,
}

/// Bytes that were kept and are lost, and where those come from that would take their place.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) sha256: Sha256,
    pub(super) kept_commit: Option<String>,
    pub(super) offered_commit: Option<String>,
}

/// A sum a file must have.
#[derive(Debug)]
pub(super) enum Expected {
    /// A checksum database proves it.
    Proven { h1: H1, authority: String },
    /// It was recorded when the version was first seen.
    Seen {
        h1: H1,
        kept_commit: Option<String>,
        offered_commit: Option<String>,
    },
}

impl Expected {
    /// Compares, and says whose word was broken.
    fn hold(&self, file: &ModuleFile, offered: H1) -> Result<(), VerifyError> {
        match self {
            Self::Proven { h1, .. } | Self::Seen { h1, .. } if *h1 == offered => Ok(()),
            Self::Proven { h1, authority } => Err(VerifyError::SumMismatch {
                file: file.clone(),
                expected: *h1,
                offered,
                authority: authority.clone(),
            }),
            Self::Seen {
                h1,
                kept_commit,
                offered_commit,
            } => Err(VerifyError::SeenOtherwise {
                file: file.clone(),
                kept: *h1,
                kept_commit: kept_commit.clone(),
                offered,
                offered_commit: offered_commit.clone(),
            }),
        }
    }
}

/// Decides whether a file may be kept; its `h1:` sum if its kind has one. Blocks.
pub(super) fn judge(file: &ModuleFile, body: &Body, evidence: &Evidence) -> Result<Option<H1>, VerifyError> {
    let invalid = |reason: String| VerifyError::Invalid {
        file: file.clone(),
        reason,
    };
    let limit = file.kind.facts().max_size;
    if body.size() > limit {
        return Err(invalid(format!("it is larger than {limit} bytes")));
    }
    let h1 = match file.kind {
        Kind::Info => {
            check_info(file, &read(body)?).map_err(invalid)?;
            None
        }
        Kind::Mod => {
            let bytes = read(body)?;
            check_go_mod(&bytes).map_err(invalid)?;
            Some(H1::of_go_mod(&bytes))
        }
        Kind::Zip => {
            let checked = zip::check(&file.module, body).map_err(|error| match error {
                CheckError::Invalid(fault) => invalid(fault.reason),
                CheckError::Io(error) => VerifyError::Spool(Arc::new(error)),
            })?;
            let kept = evidence
                .go_mod
                .as_ref()
                .ok_or_else(|| VerifyError::NoGoMod(file.clone()))?;
            check_agreement(file, checked.go_mod.as_deref(), kept).map_err(invalid)?;
            Some(checked.h1)
        }
    };
    if let (Some(offered), Some(expected)) = (h1, &evidence.expected) {
        expected.hold(file, offered)?;
    }
    match &evidence.lost {
        Some(lost) if lost.sha256 != body.sha256() => Err(invalid(format!(
            "other bytes were kept of it before: their sha-256 was {}{}, that of these is {}{}",
            lost.sha256,
            of_commit(&lost.kept_commit),
            body.sha256(),
            of_commit(&lost.offered_commit)
        ))),
        _ => Ok(h1),
    }
}

fn read(body: &Body) -> Result<Bytes, VerifyError> {
    body.read_to_bytes()
        .map_err(|error| VerifyError::Spool(Arc::new(error)))
}

pub(crate) fn check_info(file: &ModuleFile, bytes: &[u8]) -> Result<(), String> {
    let info = Info::parse(bytes).map_err(|error| error.reason)?;
    match info.version == *file.module.version() {
        true => Ok(()),
        false => Err(format!("it is that of {}", info.version)),
    }
}

/// Go itself reads a `.mod` of other people leniently, so nothing more is asked of it.
pub(crate) fn check_go_mod(bytes: &[u8]) -> Result<(), String> {
    if bytes.contains(&0) {
        return Err("it is no text".to_owned());
    }
    match go_mod::module_path(bytes) {
        Some(_) => Ok(()),
        None => Err("it has no module line".to_owned()),
    }
}

/// The zip's `go.mod` is the `.mod`, or the `.mod` is the one Go makes up for a module without.
///
/// Line endings do not count: the `.mod` is the file as it is committed, the zip's is what git writes out of it, and
/// an `eol` attribute in the repository makes those differ.
pub(crate) fn check_agreement(file: &ModuleFile, inside: Option<&[u8]>, kept: &[u8]) -> Result<(), String> {
    let synthesized = go_mod::synthesized(file.module.path());
    match inside {
        Some(inside) if lines(inside).eq(lines(kept)) => Ok(()),
        Some(inside) => Err(format!(
            "its go.mod is not the one kept of this version: the sum of one is {}, that of the other {}",
            H1::of_go_mod(inside),
            H1::of_go_mod(kept)
        )),
        None if lines(kept).eq(lines(&synthesized)) => Ok(()),
        None => Err("it has no go.mod, but its version has one".to_owned()),
    }
}

/// The lines of a text without their endings, `\n` or `\r\n`, and whether each has one.
fn lines(text: &[u8]) -> impl Iterator<Item = (&[u8], bool)> {
    text.split_inclusive(|&byte| byte == b'\n')
        .map(|line| match line.strip_suffix(b"\n") {
            Some(line) => (line.strip_suffix(b"\r").unwrap_or(line), true),
            None => (line, false),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        module::{ModulePath, ModuleVersion, Version},
        zip::from_files,
    };

    const PATH: &str = "example.test/m";
    const GO_MOD: &str = "module example.test/m\n\ngo 1.20\n";

    fn file(kind: Kind) -> ModuleFile {
        let path = ModulePath::parse(PATH).unwrap();
        ModuleFile::new(
            ModuleVersion::new(path, Version::parse("v1.0.0").unwrap()).unwrap(),
            kind,
        )
    }

    fn zip(files: &[(&str, &str)]) -> Vec<u8> {
        let files = files.iter().map(|(path, text)| (*path, text.as_bytes()));
        from_files(&file(Kind::Zip).module, files).unwrap()
    }

    fn outcome(kind: Kind, bytes: &[u8], evidence: &Evidence) -> Result<Option<H1>, String> {
        let body = Body::from_bytes(bytes.to_vec());
        judge(&file(kind), &body, evidence).map_err(|error| error.to_string())
    }

    #[test]
    fn an_info_names_its_version() {
        let none = Evidence::default();
        for (json, refusal) in [
            (r#"{"Version":"v1.0.0","Time":"2024-01-02T03:04:05Z"}"#, ""),
            (r#"{"Version":"v1.0.0"}"#, ""),
            (r#"{"Version":"v1.0.1"}"#, "it is that of v1.0.1"),
            (r#"{"Version":"v1.0.0""#, "was refused: "),
            ("<html>", "was refused: "),
        ] {
            let outcome = outcome(Kind::Info, json.as_bytes(), &none);
            match refusal {
                "" => assert_eq!(outcome, Ok(None), "{json}"),
                _ => assert!(
                    outcome.as_ref().unwrap_err().contains(refusal),
                    "{json}: {outcome:?}"
                ),
            }
        }
        let long = format!(r#"{{"Version":"v1.0.0","Pad":"{}"}}"#, "x".repeat(1 << 20));
        assert!(
            outcome(Kind::Info, long.as_bytes(), &none)
                .unwrap_err()
                .ends_with("larger than 1048576 bytes")
        );
    }

    #[test]
    fn a_mod_is_text_with_a_module_line() {
        let none = Evidence::default();
        for text in [
            GO_MOD,
            "// c\r\nmodule example.test/other\r\n",
            "module \"m\"\n",
            "module m // caf\u{e9}",
        ] {
            assert_eq!(
                outcome(Kind::Mod, text.as_bytes(), &none),
                Ok(Some(H1::of_go_mod(text.as_bytes()))),
                "{text}"
            );
        }
        for (text, refusal) in [
            ("", "it has no module line"),
            ("go 1.20\n", "it has no module line"),
            ("<!DOCTYPE html>", "it has no module line"),
            ("\u{feff}module m\n", "it has no module line"),
            ("module m\n\0", "it is no text"),
        ] {
            assert!(
                outcome(Kind::Mod, text.as_bytes(), &none)
                    .unwrap_err()
                    .ends_with(refusal),
                "{text:?}"
            );
        }
        let largest = format!("{GO_MOD}{}", " ".repeat((16 << 20) - GO_MOD.len()));
        assert!(outcome(Kind::Mod, largest.as_bytes(), &none).is_ok());
        assert!(
            outcome(Kind::Mod, (largest + " ").as_bytes(), &none)
                .unwrap_err()
                .contains("larger than 16777216")
        );
    }

    #[test]
    fn a_zip_s_go_mod_is_the_mod_but_for_line_endings() {
        let synthesized = "module example.test/m\n";
        let crlf = GO_MOD.replace('\n', "\r\n");
        for (inside, kept, refusal) in [
            (Some(GO_MOD), GO_MOD, ""),
            (Some(&*crlf), GO_MOD, ""),
            (Some(GO_MOD), &*crlf, ""),
            (Some("module example.test/m\r\n\ngo 1.20\n"), GO_MOD, ""),
            (Some(synthesized), synthesized, ""),
            (None, synthesized, ""),
            (None, "module example.test/m\r\n", ""),
            (
                Some("module example.test/other\n"),
                "module example.test/other\n",
                "",
            ),
            (None, GO_MOD, "it has no go.mod, but its version has one"),
            (
                None,
                "module example.test/other\n",
                "it has no go.mod, but its version has one",
            ),
            (
                Some("module example.test/m\n\ngo 1.21\n"),
                GO_MOD,
                "its go.mod is not the one kept",
            ),
            (Some(GO_MOD), synthesized, "its go.mod is not the one kept"),
            (
                Some("module example.test/m\n\ngo 1.20"),
                GO_MOD,
                "its go.mod is not the one kept",
            ),
            (
                Some("module example.test/m\n\ngo 1.20\n\r"),
                GO_MOD,
                "its go.mod is not the one kept",
            ),
        ] {
            let files: Vec<_> = inside
                .map(|text| ("go.mod", text))
                .into_iter()
                .chain([("m.go", "package m\n")])
                .collect();
            let evidence = Evidence {
                go_mod: Some(Bytes::copy_from_slice(kept.as_bytes())),
                ..Evidence::default()
            };
            let outcome = outcome(Kind::Zip, &zip(&files), &evidence);
            match refusal {
                "" => assert!(
                    matches!(outcome, Ok(Some(_))),
                    "{inside:?} and {kept:?}: {outcome:?}"
                ),
                _ => assert!(
                    outcome.as_ref().unwrap_err().contains(refusal),
                    "{inside:?} and {kept:?}: {outcome:?}"
                ),
            }
        }
    }

    #[test]
    fn a_zip_that_breaks_a_rule_or_has_no_mod_is_refused() {
        let evidence = Evidence {
            go_mod: Some(Bytes::from_static(GO_MOD.as_bytes())),
            ..Evidence::default()
        };
        let refusal = outcome(Kind::Zip, b"no zip at all", &evidence).unwrap_err();
        assert_eq!(
            refusal,
            "example.test/m@v1.0.0.zip was refused: it is no zip: no end record was found"
        );
        let whole = zip(&[("go.mod", GO_MOD)]);
        assert!(outcome(Kind::Zip, &whole, &evidence).is_ok());
        assert!(
            outcome(Kind::Zip, &whole, &Evidence::default())
                .unwrap_err()
                .contains("no go.mod of its version")
        );
    }

    #[test]
    fn sums_must_be_equal_and_both_are_named() {
        let zip = zip(&[("go.mod", GO_MOD)]);
        let go_mod = Some(Bytes::from_static(GO_MOD.as_bytes()));
        for (kind, bytes) in [(Kind::Mod, GO_MOD.as_bytes()), (Kind::Zip, &zip)] {
            let evidence = |h1: Option<H1>| Evidence {
                go_mod: go_mod.clone(),
                expected: h1.map(|h1| Expected::Proven {
                    h1,
                    authority: "sum.golang.org".to_owned(),
                }),
                lost: None,
            };
            let h1 = outcome(kind, bytes, &evidence(None)).unwrap().unwrap();
            assert_eq!(outcome(kind, bytes, &evidence(Some(h1))), Ok(Some(h1)));
            let other = H1::of_go_mod(b"other");
            assert_eq!(
                outcome(kind, bytes, &evidence(Some(other))),
                Err(format!(
                    "example.test/m@v1.0.0.{kind} was refused: its sum is {h1}, but sum.golang.org says {other}"
                ))
            );
        }
    }

    #[test]
    fn a_refusal_of_what_was_seen_otherwise_names_both_commits() {
        let (offered, kept) = (H1::of_go_mod(GO_MOD.as_bytes()), H1::of_go_mod(b"other"));
        let evidence = |offered_commit: Option<&str>| Evidence {
            expected: Some(Expected::Seen {
                h1: kept,
                kept_commit: Some("c0ffee".to_owned()),
                offered_commit: offered_commit.map(str::to_owned),
            }),
            ..Evidence::default()
        };
        assert_eq!(
            outcome(Kind::Mod, GO_MOD.as_bytes(), &evidence(Some("decaf"))),
            Err(format!(
                "example.test/m@v1.0.0.mod was refused: its sum is {offered} (commit decaf), but it was {kept} \
                 (commit c0ffee) when the version was first seen"
            ))
        );
        let refusal = outcome(Kind::Mod, GO_MOD.as_bytes(), &evidence(None)).unwrap_err();
        assert!(
            refusal.contains(&format!("is {offered}, but it was {kept} (commit c0ffee)")),
            "{refusal}"
        );
    }

    #[test]
    fn what_was_lost_comes_back_as_the_same_bytes_only() {
        for (kind, bytes) in [
            (Kind::Info, &b"{\"Version\":\"v1.0.0\"}"[..]),
            (Kind::Mod, GO_MOD.as_bytes()),
        ] {
            let lost = |sha256| Evidence {
                lost: Some(Lost {
                    sha256,
                    kept_commit: Some("c0ffee".to_owned()),
                    offered_commit: None,
                }),
                ..Evidence::default()
            };
            assert!(outcome(kind, bytes, &lost(Sha256::of(bytes))).is_ok());
            let refusal = outcome(kind, bytes, &lost(Sha256::of(b"before"))).unwrap_err();
            let before = format!("{} (commit c0ffee)", Sha256::of(b"before"));
            assert!(refusal.contains(&before), "{refusal}");
            assert!(refusal.contains(&Sha256::of(bytes).to_string()), "{refusal}");
        }
    }
}
