//! Writing a module zip.

use super::{
    MAX_GO_MOD, MAX_LICENSE, MAX_ZIP,
    packed::{Packed, method, options},
};
use crate::module::ModuleVersion;
use std::io::{self, Read, Write};
use zip::{CompressionMethod, ZipWriter, write::StreamWriter};

/// Writes the zip of one module version, always the same bytes for the same files: sorted, deflated, with a fixed
/// time. It never goes back, so it writes to anything, such as a [`SpoolWriter`](crate::spool::SpoolWriter). Blocks.
///
/// It writes what it is given: [`select`](super::select()) knows which files of a tree those should be.
pub struct Writer<W: Write> {
    zip: ZipWriter<StreamWriter<W>>,
    prefix: String,
    last: Option<String>,
    /// How much the files may still hold.
    room: u64,
}

impl<W: Write> Writer<W> {
    /// Starts a zip.
    pub fn new(module: &ModuleVersion, to: W) -> Self {
        Self {
            zip: ZipWriter::new_stream(to),
            prefix: format!("{module}/"),
            last: None,
            room: MAX_ZIP,
        }
    }

    /// Adds a file. Paths (from the module's root) come in the order of their bytes, each once; files keep to the
    /// limits of a module zip. Anything else is [`io::ErrorKind::InvalidInput`].
    pub fn add(&mut self, path: &str, content: impl Read) -> io::Result<()> {
        self.stream(path, content, CompressionMethod::Deflated)
    }

    /// Adds a file whose content is in memory; unlike [`Writer::add`] it stores what does not compress.
    pub fn add_bytes(&mut self, path: &str, content: &[u8]) -> io::Result<()> {
        self.stream(path, content, method(content))
    }

    /// Adds a file that is packed already.
    pub fn add_packed(&mut self, path: &str, packed: &Packed) -> io::Result<()> {
        self.check_order(path)?;
        if packed.size() > self.limit(path) {
            return Err(too_large(path));
        }
        let mut archive = packed.archive()?;
        let name = format!("{}{path}", self.prefix);
        self.zip.raw_copy_file_rename(archive.by_index_raw(0)?, name)?;
        self.room -= packed.size();
        Ok(())
    }

    fn stream(&mut self, path: &str, content: impl Read, method: CompressionMethod) -> io::Result<()> {
        self.check_order(path)?;
        let name = format!("{}{path}", self.prefix);
        self.zip.start_file(name, options(method))?;
        let limit = self.limit(path);
        let size = io::copy(&mut content.take(limit + 1), &mut self.zip)?;
        if size > limit {
            return Err(too_large(path));
        }
        self.room -= size;
        Ok(())
    }

    fn check_order(&mut self, path: &str) -> io::Result<()> {
        if self.last.as_deref().is_some_and(|last| last >= path) {
            return Err(invalid(format!("{path:?} comes out of order")));
        }
        self.last = Some(path.to_owned());
        Ok(())
    }

    /// How large the file of this path may be.
    fn limit(&self, path: &str) -> u64 {
        match path {
            "go.mod" => MAX_GO_MOD.min(self.room),
            "LICENSE" => MAX_LICENSE.min(self.room),
            _ => self.room,
        }
    }

    /// Writes the directory, and gives back what was written to.
    pub fn finish(self) -> io::Result<W> {
        Ok(self.zip.finish()?.into_inner())
    }
}

/// A zip of files in memory, in any order: for fixtures, and small modules.
pub fn from_files<'a>(
    module: &ModuleVersion,
    files: impl IntoIterator<Item = (&'a str, &'a [u8])>,
) -> io::Result<Vec<u8>> {
    let mut files: Vec<_> = files.into_iter().collect();
    files.sort_unstable_by_key(|(path, _)| *path);
    let mut writer = Writer::new(module, Vec::new());
    files
        .into_iter()
        .try_for_each(|(path, content)| writer.add(path, content))?;
    writer.finish()
}

fn too_large(path: &str) -> io::Error {
    invalid(format!("{path:?} is larger than a module zip allows"))
}

fn invalid(reason: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, reason)
}

impl<W: Write> std::fmt::Debug for Writer<W> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Writer")
            .field("prefix", &self.prefix)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        file::{Body, Sha256},
        module::{ModulePath, Version},
        sums::H1,
        zip::check,
    };

    /// Empty, short, compressible, and of the kind that deflating makes larger, both below and above what is sampled.
    fn contents() -> Vec<(&'static str, Vec<u8>)> {
        let noise =
            |size: u32| -> Vec<u8> { (0..size).map(|nth| Sha256::of(&nth.to_le_bytes()).0[0]).collect() };
        let mut mixed = noise(40_000);
        mixed.extend(vec![b'a'; 40_000]);
        vec![
            ("a-empty", Vec::new()),
            ("b-short", b"package b\n".to_vec()),
            ("c-text", b"package c // and so on\n".repeat(5000)),
            ("d-small-noise", noise(3000)),
            ("e-noise", noise(100_000)),
            ("f-mixed", mixed),
        ]
    }

    #[test]
    fn packed_files_make_the_same_module_and_always_the_same_bytes() {
        let version = Version::parse("v1.0.0").unwrap();
        let module = ModuleVersion::new(ModulePath::parse("example.test/m").unwrap(), version).unwrap();
        let contents = contents();
        let write = |packed: &[Packed]| {
            let mut writer = Writer::new(&module, Vec::new());
            for ((path, _), packed) in contents.iter().zip(packed) {
                writer.add_packed(path, packed).unwrap();
            }
            writer.finish().unwrap()
        };
        let pack = || -> Vec<_> {
            contents
                .iter()
                .map(|(_, bytes)| Packed::new(bytes).unwrap())
                .collect()
        };
        let packed = pack();
        let zip = write(&packed);
        assert_eq!(zip, write(&packed), "used again");
        assert_eq!(zip, write(&pack()), "packed again");

        let sums = contents
            .iter()
            .map(|(path, bytes)| (format!("{module}/{path}"), Sha256::of(bytes)));
        let checked = check(&module, &Body::from_bytes(zip.clone())).unwrap();
        assert_eq!(checked.h1, H1::of_files(sums).unwrap());

        let mut archive = ::zip::ZipArchive::new(io::Cursor::new(zip)).unwrap();
        let method = |archive: &mut ::zip::ZipArchive<_>, index| -> CompressionMethod {
            archive.by_index_raw(index).unwrap().compression()
        };
        for (index, expected) in [
            (2, CompressionMethod::Deflated),
            (3, CompressionMethod::Stored),
            (4, CompressionMethod::Stored),
            (5, CompressionMethod::Deflated),
        ] {
            assert_eq!(method(&mut archive, index), expected, "{}", contents[index].0);
        }
    }

    #[test]
    fn packed_files_keep_to_order_and_limits() {
        let version = Version::parse("v1.0.0").unwrap();
        let module = ModuleVersion::new(ModulePath::parse("example.test/m").unwrap(), version).unwrap();
        let mut writer = Writer::new(&module, io::sink());
        let large = Packed::new(&vec![0; MAX_GO_MOD as usize + 1]).unwrap();
        let refused = writer.add_packed("go.mod", &large).unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        writer
            .add_packed("m.go", &Packed::new(b"package m").unwrap())
            .unwrap();
        let refused = writer
            .add_packed("a.go", &Packed::new(b"package a").unwrap())
            .unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
        let refused = writer.add_bytes("m.go", b"package m").unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::InvalidInput);
    }
}
