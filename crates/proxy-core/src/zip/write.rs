//! Writing a module zip.

use super::{MAX_GO_MOD, MAX_LICENSE, MAX_ZIP};
use crate::module::ModuleVersion;
use std::io::{self, Read, Write};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions, write::StreamWriter};

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
        if self.last.as_deref().is_some_and(|last| last >= path) {
            return Err(invalid(format!("{path:?} comes out of order")));
        }
        self.last = Some(path.to_owned());
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Deflated)
            .last_modified_time(DateTime::default())
            .unix_permissions(0o644);
        self.zip.start_file(format!("{}{path}", self.prefix), options)?;
        let limit = match path {
            "go.mod" => MAX_GO_MOD.min(self.room),
            "LICENSE" => MAX_LICENSE.min(self.room),
            _ => self.room,
        };
        let size = io::copy(&mut content.take(limit + 1), &mut self.zip)?;
        if size > limit {
            return Err(invalid(format!("{path:?} is larger than a module zip allows")));
        }
        self.room -= size;
        Ok(())
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
