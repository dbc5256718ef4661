//! Checking a whole zip, in one pass.

use super::{
    CheckError, Checked, InvalidZip, MAX_GO_MOD, MAX_LICENSE, MAX_PATH, MAX_ZIP,
    collisions::Collisions,
    directory::{self, Entry},
    entry::{self, EntryReader},
};
use crate::{
    file::{Body, Sha256},
    module::{ModuleVersion, path::check_file_path},
    sums::H1,
};
use sha2::Digest;
use std::io::{BufReader, Seek, SeekFrom};

/// How much of the zip is read at once, in bytes.
const PIECE: usize = 128 << 10;

/// Reads the whole zip once, checks every rule and limit, and works out its sum. Blocks; run it off the runtime.
///
/// The names come first, since they cost nothing: then every entry is inflated, in the order in which they lie in
/// the file. Nothing is written anywhere, and of the contents only the root `go.mod` is kept in memory.
pub fn check(module: &ModuleVersion, zip: &Body) -> Result<Checked, CheckError> {
    if zip.size() > MAX_ZIP {
        return Err(InvalidZip::new(format!("it is larger than {MAX_ZIP} bytes")).into());
    }
    let mut reader = BufReader::with_capacity(PIECE, zip.open());
    let location = directory::locate(&mut reader, zip.size())?;
    reader.seek(SeekFrom::Start(location.offset))?;
    let mut rules = Rules::new(module);
    let mut entries = directory::read(&mut reader, &location, |entry| rules.check(entry))?;

    entries.sort_by_key(|entry| entry.offset);
    reader.seek(SeekFrom::Start(0))?;
    let mut contents = EntryReader::new(reader);
    let go_mod_name = format!("{}go.mod", rules.prefix);
    let mut go_mod = None;
    let mut sums = Vec::with_capacity(entries.len());
    let mut next = entries.iter().map(|entry| entry.offset).skip(1);
    for entry in &entries {
        let end = next.next().unwrap_or(location.offset);
        let mut kept = (*entry.name == *go_mod_name).then(Vec::new);
        let mut hasher = sha2::Sha256::new();
        contents.read(entry, end, |piece| {
            hasher.update(piece);
            if let Some(kept) = &mut kept {
                kept.extend_from_slice(piece);
            }
        })?;
        sums.push(Sha256(hasher.finalize().into()));
        go_mod = go_mod.or(kept);
    }
    if entries.is_empty() && location.offset != 0 {
        return Err(InvalidZip::new("there are bytes before its directory that belong to no entry").into());
    }
    let files = entries.iter().map(|entry| &*entry.name).zip(sums);
    let h1 = H1::of_files(files).map_err(|error| InvalidZip::new(error.to_string()))?;
    Ok(Checked {
        h1,
        go_mod: go_mod.map(bytes::Bytes::from),
    })
}

/// The rules on names and declared sizes (Go: `zip.CheckZip`), and our own on an entry's form.
struct Rules {
    prefix: String,
    collisions: Collisions,
    /// The declared sizes so far; no entry gives more than it declares.
    total: u64,
}

impl Rules {
    fn new(module: &ModuleVersion) -> Self {
        Self {
            prefix: format!("{module}/"),
            collisions: Collisions::default(),
            total: 0,
        }
    }

    fn check(&mut self, entry: &Entry) -> Result<(), InvalidZip> {
        let fault = |fault: String| InvalidZip::of_entry(&entry.name, fault);
        let Some(path) = entry.name.strip_prefix(&self.prefix) else {
            return Err(fault(format!("its name does not start with {:?}", self.prefix)));
        };
        // Go reads past these, but its sum covers them: the same files would have two sums.
        if path.is_empty() || path.ends_with('/') {
            return Err(fault("it is a folder".to_owned()));
        }
        if path.len() > MAX_PATH {
            return Err(fault(format!("its path is longer than {MAX_PATH} bytes")));
        }
        check_file_path(path).map_err(fault)?;
        entry::check_form(entry).map_err(|reason| fault(reason.to_owned()))?;
        self.collisions.add(path).map_err(fault)?;
        let base = path.rsplit_once('/').map_or(path, |(_, base)| base);
        if base.eq_ignore_ascii_case("go.mod") && path != "go.mod" {
            return Err(fault(match path {
                root if root == base => "a go.mod must be written in lower case".to_owned(),
                _ => "a go.mod may lie in the module's root only".to_owned(),
            }));
        }
        let limit = match path {
            "go.mod" => MAX_GO_MOD,
            "LICENSE" => MAX_LICENSE,
            _ => MAX_ZIP,
        };
        if entry.size > limit {
            return Err(fault(format!("it is larger than {limit} bytes")));
        }
        self.total += entry.size;
        if self.total > MAX_ZIP {
            return Err(InvalidZip::new(format!(
                "its files are larger than {MAX_ZIP} bytes together"
            )));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        module::{ModulePath, Version},
        zip::{Writer, from_files},
    };

    fn module(path: &str, version: &str) -> ModuleVersion {
        ModuleVersion::new(ModulePath::parse(path).unwrap(), Version::parse(version).unwrap()).unwrap()
    }

    /// Sums that the go command gave for these very files.
    #[test]
    fn sums_are_those_of_the_go_command() {
        let basic: &[(&str, &str)] = &[
            ("a.go", "package basic\n// x\n"),
            ("go.mod", "module example.test/basic\n\ngo 1.20\n"),
        ];
        let incompatible: &[(&str, &str)] = &[("i.go", "package i\n//2\n")];
        let sub: &[(&str, &str)] = &[
            ("LICENSE", "ROOTLICENSE\n"),
            ("go.mod", "module example.test/mono/sub\n\ngo 1.20\n"),
            ("inner/i.go", "package inner\n"),
            ("s.go", "package sub\n"),
        ];
        for (path, version, files, h1) in [
            (
                "example.test/basic",
                "v1.2.3",
                basic,
                "h1:Z0Xxn4yPRPWzXM8kaBAzY3hLdzG9Py66kA/E6YjpACQ=",
            ),
            (
                "example.test/incompat",
                "v2.0.0+incompatible",
                incompatible,
                "h1:cDtT6rdhSAS3NCoJzrN+bKksZ/qANr3rnMa9HKd6FmM=",
            ),
            (
                "example.test/mono/sub",
                "v0.1.0",
                sub,
                "h1:7/4B0vrB2Wirrkokavmgbqn/lugwXOjQH8YUPhan8sI=",
            ),
            (
                "example.test/empty",
                "v1.0.0",
                &[],
                "h1:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=",
            ),
        ] {
            let module = module(path, version);
            let zip = from_files(&module, files.iter().map(|(path, text)| (*path, text.as_bytes()))).unwrap();
            let checked = check(&module, &Body::from_bytes(zip)).unwrap();
            assert_eq!(checked.h1.to_string(), h1, "{module}");
            let go_mod = files
                .iter()
                .find(|(path, _)| *path == "go.mod")
                .map(|(_, text)| text.as_bytes());
            assert_eq!(checked.go_mod.as_deref(), go_mod, "{module}");
        }
    }

    /// Every byte of a zip of one stored and one deflated entry, changed in turn: what still passes has the same sum.
    #[test]
    fn a_flipped_bit_is_refused_or_changes_nothing_that_is_read() {
        let module = module("example.test/m", "v1.0.0");
        let text = "package m // with some text to deflate, deflate, deflate, deflate\n";
        let zip = from_files(
            &module,
            [
                ("go.mod", &b"module example.test/m\n"[..]),
                ("m.go", text.as_bytes()),
            ],
        )
        .unwrap();
        let h1 = check(&module, &Body::from_bytes(zip.clone())).unwrap().h1;
        let mut passed = 0;
        for index in 0..zip.len() {
            for bit in 0..8 {
                let mut changed = zip.clone();
                changed[index] ^= 1 << bit;
                if let Ok(checked) = check(&module, &Body::from_bytes(changed)) {
                    assert_eq!(checked.h1, h1, "byte {index}, bit {bit}");
                    passed += 1;
                }
            }
        }
        // Versions, dates and attributes are read by nobody: some 16 bytes an entry and header.
        assert!(
            passed < 4 * 20 * 8,
            "{passed} changes of {} were not noticed",
            zip.len() * 8
        );
    }

    #[test]
    fn every_cut_is_refused() {
        let module = module("example.test/m", "v1.0.0");
        let zip = from_files(&module, [("m.go", &b"package m\n"[..])]).unwrap();
        for size in 0..zip.len() {
            let cut = Body::from_bytes(zip[..size].to_vec());
            assert!(
                matches!(check(&module, &cut), Err(CheckError::Invalid(_))),
                "{size}"
            );
        }
    }

    /// More than stays in memory, so through a spool file, and in pieces.
    #[test]
    fn a_large_zip_is_written_and_checked_through_the_spool() {
        let folder = tempfile::tempdir().unwrap();
        let spool = crate::spool::Spool::open(folder.path()).unwrap();
        let module = module("example.test/big", "v1.0.0");
        let mut contents = vec![0; 3 << 20];
        let mut state = 1u32;
        for byte in &mut contents {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            *byte = (state >> 24) as u8;
        }
        let write = || {
            let mut writer = Writer::new(&module, spool.writer());
            writer.add("big.bin", &*contents).unwrap();
            writer
                .add("zeros", std::io::Read::take(std::io::repeat(0), 20 << 20))
                .unwrap();
            writer.finish().unwrap().seal().unwrap()
        };
        let (one, other) = (write(), write());
        assert!(one.bytes().is_none());
        assert_eq!(one.sha256(), other.sha256(), "the same bytes each time");
        let prefix = "example.test/big@v1.0.0/";
        let expected = H1::of_files([
            (format!("{prefix}big.bin"), Sha256::of(&contents)),
            (format!("{prefix}zeros"), Sha256::of(&vec![0; 20 << 20])),
        ]);
        assert_eq!(check(&module, &one).unwrap().h1, expected.unwrap());
    }
}
