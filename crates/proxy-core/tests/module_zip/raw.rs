//! Zips written byte by byte, so that any part of them can be wrong.

use flate2::{Compression, write::DeflateEncoder};
use std::io::Write;

/// A zip; what is not changed is as an ordinary writer would do it.
#[derive(Clone, Default)]
pub(crate) struct RawZip {
    pub(crate) before: Vec<u8>,
    pub(crate) entries: Vec<RawEntry>,
    pub(crate) before_directory: Vec<u8>,
    pub(crate) after_directory: Vec<u8>,
    /// Writes a 64-bit end record too; the other one then is full (`0xffff…`) or repeats it.
    pub(crate) wide_end: Option<WideEnd>,
    pub(crate) directory_offset: Option<u32>,
    pub(crate) count: Option<u16>,
    pub(crate) disk: u16,
    pub(crate) comment: Vec<u8>,
    pub(crate) after: Vec<u8>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum WideEnd {
    Needed,
    Repeated,
    Contradicting,
}

/// An entry.
#[derive(Clone)]
pub(crate) struct RawEntry {
    pub(crate) name: Vec<u8>,
    pub(crate) own_name: Option<Vec<u8>>,
    pub(crate) flags: u16,
    pub(crate) own_flags: Option<u16>,
    pub(crate) method: u16,
    pub(crate) own_method: Option<u16>,
    pub(crate) made_by: u16,
    pub(crate) attributes: u32,
    pub(crate) data: Vec<u8>,
    pub(crate) crc32: u32,
    pub(crate) own_crc32: Option<u32>,
    pub(crate) size: u32,
    pub(crate) own_size: Option<u32>,
    pub(crate) compressed_size: Option<u32>,
    pub(crate) own_compressed_size: Option<u32>,
    pub(crate) extra: Vec<u8>,
    pub(crate) own_extra: Vec<u8>,
    pub(crate) comment: Vec<u8>,
    /// Bytes between the contents and what comes next, such as a descriptor.
    pub(crate) after: Vec<u8>,
    pub(crate) offset: Option<u32>,
    /// Whether the directory leaves it out.
    pub(crate) hidden: bool,
    /// Whether only the directory has it.
    pub(crate) absent: bool,
}

pub(crate) const DESCRIPTOR: u16 = 8;

impl RawEntry {
    /// A deflated file.
    pub(crate) fn new(name: &str, contents: &[u8]) -> Self {
        let mut deflate = DeflateEncoder::new(Vec::new(), Compression::default());
        deflate.write_all(contents).unwrap();
        Self {
            method: 8,
            data: deflate.finish().unwrap(),
            ..Self::stored(name, contents)
        }
    }

    /// A stored file.
    pub(crate) fn stored(name: &str, contents: &[u8]) -> Self {
        let mut crc = flate2::Crc::new();
        crc.update(contents);
        Self {
            name: name.as_bytes().to_vec(),
            own_name: None,
            flags: 0,
            own_flags: None,
            method: 0,
            own_method: None,
            made_by: 20,
            attributes: 0,
            data: contents.to_vec(),
            crc32: crc.sum(),
            own_crc32: None,
            size: contents.len() as u32,
            own_size: None,
            compressed_size: None,
            own_compressed_size: None,
            extra: Vec::new(),
            own_extra: Vec::new(),
            comment: Vec::new(),
            after: Vec::new(),
            offset: None,
            hidden: false,
            absent: false,
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    /// Moves sizes and CRC-32 behind the contents.
    pub(crate) fn with_descriptor(mut self, signed: bool, wide: bool) -> Self {
        self.flags |= DESCRIPTOR;
        (self.own_crc32, self.own_size, self.own_compressed_size) = (Some(0), Some(0), Some(0));
        self.after = if signed {
            0x0807_4b50u32.to_le_bytes().to_vec()
        } else {
            Vec::new()
        };
        self.after.extend(self.crc32.to_le_bytes());
        for size in [self.data.len() as u64, self.size.into()] {
            let bytes = size.to_le_bytes();
            self.after.extend(if wide { &bytes[..] } else { &bytes[..4] });
        }
        self
    }
}

/// An extra field.
pub(crate) fn extra(tag: u16, field: &[u8]) -> Vec<u8> {
    [&tag.to_le_bytes()[..], &(field.len() as u16).to_le_bytes(), field].concat()
}

/// The extra field with 64-bit values.
pub(crate) fn wide(values: &[u64]) -> Vec<u8> {
    extra(
        1,
        &values
            .iter()
            .flat_map(|value| value.to_le_bytes())
            .collect::<Vec<_>>(),
    )
}

impl RawZip {
    pub(crate) fn of(entries: impl IntoIterator<Item = RawEntry>) -> Self {
        Self {
            entries: entries.into_iter().collect(),
            ..Self::default()
        }
    }

    pub(crate) fn with(mut self, change: impl FnOnce(&mut Self)) -> Self {
        change(&mut self);
        self
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut zip = self.before.clone();
        let mut directory = Vec::new();
        for entry in &self.entries {
            let offset = entry.offset.unwrap_or(zip.len() as u32);
            let compressed_size = entry.compressed_size.unwrap_or(entry.data.len() as u32);
            if !entry.absent {
                let name = entry.own_name.as_ref().unwrap_or(&entry.name);
                put32(&mut zip, [0x0403_4b50]);
                put16(
                    &mut zip,
                    [
                        20,
                        entry.own_flags.unwrap_or(entry.flags),
                        entry.own_method.unwrap_or(entry.method),
                        0,
                        33,
                    ],
                );
                put32(
                    &mut zip,
                    [
                        entry.own_crc32.unwrap_or(entry.crc32),
                        entry.own_compressed_size.unwrap_or(compressed_size),
                        entry.own_size.unwrap_or(entry.size),
                    ],
                );
                put16(&mut zip, [name.len() as u16, entry.own_extra.len() as u16]);
                zip.extend([&**name, &entry.own_extra, &entry.data, &entry.after].concat());
            }
            if entry.hidden {
                continue;
            }
            put32(&mut directory, [0x0201_4b50]);
            put16(
                &mut directory,
                [entry.made_by, 20, entry.flags, entry.method, 0, 33],
            );
            put32(&mut directory, [entry.crc32, compressed_size, entry.size]);
            let sizes = [&entry.name, &entry.extra, &entry.comment].map(|field| field.len() as u16);
            put16(&mut directory, sizes);
            put16(&mut directory, [0, 0]);
            put32(&mut directory, [entry.attributes, offset]);
            directory.extend([&*entry.name, &entry.extra, &entry.comment].concat());
        }
        zip.extend(&self.before_directory);
        let offset = self.directory_offset.unwrap_or(zip.len() as u32);
        let listed = self.entries.iter().filter(|entry| !entry.hidden).count();
        zip.extend(&directory);
        zip.extend(&self.after_directory);
        let mut end = (listed as u16, directory.len() as u32, offset);
        if let Some(kind) = self.wide_end {
            let at = zip.len() as u64;
            put32(&mut zip, [0x0606_4b50]);
            put64(&mut zip, [44]);
            put16(&mut zip, [45, 45]);
            put32(&mut zip, [0, 0]);
            put64(
                &mut zip,
                [
                    listed as u64,
                    listed as u64,
                    directory.len() as u64,
                    offset.into(),
                ],
            );
            put32(&mut zip, [0x0706_4b50, 0]);
            put64(&mut zip, [at]);
            put32(&mut zip, [1]);
            match kind {
                WideEnd::Needed => end = (u16::MAX, u32::MAX, u32::MAX),
                WideEnd::Repeated => {}
                WideEnd::Contradicting => end.1 += 1,
            }
        }
        put32(&mut zip, [0x0605_4b50]);
        let count = self.count.unwrap_or(end.0);
        put16(&mut zip, [self.disk, self.disk, count, count]);
        put32(&mut zip, [end.1, end.2]);
        put16(&mut zip, [self.comment.len() as u16]);
        [&*zip, &self.comment, &self.after].concat()
    }
}

fn put16<const N: usize>(to: &mut Vec<u8>, fields: [u16; N]) {
    to.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
}

fn put32<const N: usize>(to: &mut Vec<u8>, fields: [u32; N]) {
    to.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
}

fn put64<const N: usize>(to: &mut Vec<u8>, fields: [u64; N]) {
    to.extend(fields.iter().flat_map(|field| field.to_le_bytes()));
}
