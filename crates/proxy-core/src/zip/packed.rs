//! A file in the form in which zips keep it, worked out once for any number of zips.

use std::io::{self, Cursor, Write};
use zip::{CompressionMethod, DateTime, ZipArchive, ZipWriter, write::SimpleFileOptions};

/// A content that is packed already. Many versions of a module hold the same file; [`Writer::add_packed`] puts
/// it into each of their zips at the price of copying it.
///
/// What it is depends on the content alone, so a zip has the same bytes whether its files were packed for it or for
/// another zip before.
///
/// [`Writer::add_packed`]: super::Writer::add_packed
#[derive(Debug)]
pub struct Packed {
    /// A zip of this one file: the library copies entries from zip to zip without looking into them.
    zip: Vec<u8>,
    size: u64,
}

/// The library wants a name for the entry, which gets its own where it is copied to.
const NAME: &str = "f";
/// What is around a file in a zip of its own, in bytes: more than enough.
const FRAME: usize = 256;

impl Packed {
    /// Packs a content: deflated, or as it is if deflating does not make it smaller. Takes the processor's time.
    pub fn new(content: &[u8]) -> io::Result<Self> {
        let mut zip = pack(content, method(content))?;
        if zip.len() > content.len() {
            let stored = pack(content, CompressionMethod::Stored)?;
            if stored.len() <= zip.len() {
                zip = stored;
            }
        }
        zip.shrink_to_fit();
        Ok(Self {
            zip,
            size: content.len() as u64,
        })
    }

    /// Its bytes, to be kept somewhere until [`Packed::from_parts`] takes them.
    pub fn as_bytes(&self) -> &[u8] {
        &self.zip
    }

    /// The same again from its bytes and the size of its content.
    pub fn from_parts(bytes: Vec<u8>, size: u64) -> Self {
        Self { zip: bytes, size }
    }

    /// Its bytes, when nobody needs it any more.
    pub fn into_bytes(self) -> Vec<u8> {
        self.zip
    }

    /// The size of the content, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// A reader of the zip of this one file.
    pub(super) fn archive(&self) -> io::Result<ZipArchive<Cursor<&[u8]>>> {
        Ok(ZipArchive::new(Cursor::new(self.zip.as_slice()))?)
    }
}

/// How every file is written.
pub(super) fn options(method: CompressionMethod) -> SimpleFileOptions {
    SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(DateTime::default())
        .unix_permissions(0o644)
}

/// How a content is to be written: deflating what is compressed already takes the longest and gives nothing, so
/// three samples of a large one are tried first.
pub(super) fn method(content: &[u8]) -> CompressionMethod {
    const SAMPLE: usize = 4 << 10;
    if content.len() < 8 * SAMPLE {
        return CompressionMethod::Deflated;
    }
    let starts = [0, content.len() / 2, content.len() - SAMPLE];
    let shrinks = starts.into_iter().any(|start| {
        let sample = content.get(start..start + SAMPLE).unwrap_or_default();
        pack(sample, CompressionMethod::Deflated).is_ok_and(|packed| packed.len() < SAMPLE - SAMPLE / 50)
    });
    if shrinks {
        CompressionMethod::Deflated
    } else {
        CompressionMethod::Stored
    }
}

fn pack(content: &[u8], method: CompressionMethod) -> io::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::with_capacity(match method {
        CompressionMethod::Stored => content.len() + FRAME,
        _ => content.len() / 3 + FRAME,
    })));
    zip.start_file(NAME, options(method))?;
    zip.write_all(content)?;
    Ok(zip.finish()?.into_inner())
}
