//! Records and lookups: what a database says of one version.
//!
//! A record is the two lines that the version has in `go.sum`. A lookup is the record's number, the record, an empty
//! line, and a signed head of a tree that holds it:
//!
//! ```text
//! 7
//! example.test/m v1.0.0 h1:Z0Xxn4yPRPWzXM8kaBAzY3hLdzG9Py66kA/E6YjpACQ=
//! example.test/m v1.0.0/go.mod h1:a0Nj8bv49qqFaruxVdlumPZG3ynjybbQ4M3PpGm7HxA=
//!
//! go.sum database tree
//! …
//! ```
//!
//! Only the record is what the tree proves. Sums are looked for there and nowhere else in the answer, and a record
//! without the version's two lines is refused, however valid it is: an empty or unrelated one once passed for
//! consent (CVE-2026-42501).

use crate::tlog::decimal;
use proxy_core::{
    module::ModuleVersion,
    sums::{H1, Sums},
};

/// The text of one record, newline included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record(String);

/// An answer to a lookup, read and not believed yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lookup<'a> {
    /// The record's number.
    pub id: u64,
    /// The record.
    pub record: Record,
    /// The signed head behind it.
    pub note: &'a [u8],
}

/// Why a text is no record, or not the one of a version.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidRecord {
    /// It is no record.
    #[error("it is no record: {0}")]
    Malformed(&'static str),
    /// It has no line with the sum of the version's zip or of its `go.mod`, or two of one.
    #[error(
        "its record is not the one that was asked for: it does not hold just one sum of the zip and one of the go.mod"
    )]
    Unrelated,
}

impl Record {
    /// Takes the text of a record: lines, none empty, without control characters.
    pub fn parse(text: &str) -> Result<Self, InvalidRecord> {
        if text.bytes().any(|byte| byte < b' ' && byte != b'\n') {
            Err(InvalidRecord::Malformed("it holds control characters"))
        } else if !text.ends_with('\n') || text.starts_with('\n') || text.contains("\n\n") {
            Err(InvalidRecord::Malformed(
                "it has an empty line, or its last line does not end",
            ))
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The two sums of a version: each must be there once.
    pub fn sums(&self, module: &ModuleVersion) -> Result<Sums, InvalidRecord> {
        let sum = |suffix: &str| {
            let prefix = format!("{} {}{suffix} ", module.path(), module.version());
            let mut sums = self.0.lines().filter_map(|line| line.strip_prefix(&prefix));
            let sum = sums.find(|sum| sum.starts_with("h1:"))?;
            let alone = sums.all(|sum| !sum.starts_with("h1:"));
            sum.parse::<H1>().ok().filter(|_| alone)
        };
        let (zip, go_mod) = sum("").zip(sum("/go.mod")).ok_or(InvalidRecord::Unrelated)?;
        Ok(Sums { zip, go_mod })
    }
}

impl<'a> Lookup<'a> {
    /// Reads an answer.
    pub fn parse(message: &'a [u8]) -> Result<Self, InvalidRecord> {
        let malformed = |reason| move || InvalidRecord::Malformed(reason);
        let end = message.windows(2).position(|pair| pair == b"\n\n");
        let (head, note) = end
            .and_then(|end| Some((message.get(..=end)?, message.get(end + 2..)?)))
            .ok_or_else(malformed("no empty line ends it"))?;
        let head = str::from_utf8(head).map_err(|_| InvalidRecord::Malformed("it is not UTF-8"))?;
        let (id, record) = head.split_once('\n').ok_or_else(malformed("it has no number"))?;
        Ok(Self {
            id: decimal(id).ok_or_else(malformed("it has no number"))?,
            record: Record::parse(record)?,
            note,
        })
    }

    /// Writes an answer: the record under a head, which need not be the one it came with.
    pub fn format(id: u64, record: &Record, note: &str) -> String {
        format!("{id}\n{}\n{note}", record.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ZIP: &str = "h1:Z0Xxn4yPRPWzXM8kaBAzY3hLdzG9Py66kA/E6YjpACQ=";
    const MOD: &str = "h1:a0Nj8bv49qqFaruxVdlumPZG3ynjybbQ4M3PpGm7HxA=";

    fn module() -> ModuleVersion {
        ModuleVersion::parse("example.test/m", "v1.0.0").unwrap()
    }

    fn record() -> String {
        format!("example.test/m v1.0.0 {ZIP}\nexample.test/m v1.0.0/go.mod {MOD}\n")
    }

    #[test]
    fn the_two_sums_are_found() {
        let sums = Record::parse(&record()).unwrap().sums(&module()).unwrap();
        assert_eq!(
            (sums.zip.to_string().as_str(), sums.go_mod.to_string().as_str()),
            (ZIP, MOD)
        );
    }

    #[test]
    fn a_record_without_the_versions_own_lines_is_refused() {
        let other = record().replace("/m ", "/mm ");
        for text in [
            other.clone(),
            record().replace("v1.0.0", "v1.0.1"),
            record().replace("v1.0.0 ", "v1.0.0-x "),
            record().replace("v1.0.0/go.mod", "v1.0.0/go.sum"),
            record().replace(ZIP, "h1:short"),
            record().replace(ZIP, &format!("{ZIP} {MOD}")),
            record().replace("h1:", "h2:"),
            record() + &record(),
            record().lines().next().unwrap().to_owned() + "\n",
            record().lines().nth(1).unwrap().to_owned() + "\n",
            format!("x{}", record()),
            format!(" {}", record()),
            "nothing\n".to_owned(),
        ] {
            let refused = Record::parse(&text).unwrap().sums(&module());
            assert_eq!(refused, Err(InvalidRecord::Unrelated), "{text}");
        }
        // A line of another module beside them is nobody's business here.
        assert!(
            Record::parse(&(other + &record()))
                .unwrap()
                .sums(&module())
                .is_ok()
        );
    }

    #[test]
    fn lookups_are_read_strictly() {
        let note = "go.sum database tree\n8\n…\n\n— x y\n";
        let lookup = format!("7\n{}\n{note}", record());
        let read = Lookup::parse(lookup.as_bytes()).unwrap();
        assert_eq!(
            (read.id, read.record.as_str(), read.note),
            (7, &*record(), note.as_bytes())
        );
        assert_eq!(Lookup::format(7, &read.record, note), lookup);
        for message in [
            String::new(),
            "7\n".to_owned(),
            format!("7\n\n{note}"),
            format!("-7\n{}\n{note}", record()),
            format!("07\n{}\n{note}", record()),
            format!("\n{}\n{note}", record()),
            format!("{}\n{note}", record()),
            format!("7\n{}", record()),
            format!("7\n{}\r\n\n{note}", record()),
            format!("7\n\n{}\n{note}", record()),
        ] {
            assert!(Lookup::parse(message.as_bytes()).is_err(), "{message}");
        }
    }
}
