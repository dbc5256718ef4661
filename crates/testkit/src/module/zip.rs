//! Writing zips, right and wrong ones: by the `zip` crate, apart from the writer that ships.

use bytes::Bytes;
use std::io::{Cursor, Write as _};
use zip::{CompressionMethod, DateTime, ZipWriter, write::SimpleFileOptions};

/// How the entries of a zip are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ZipWriting {
    /// Compressed, as Go does.
    Deflated,
    /// As they are.
    Stored,
}

/// A zip of these entries, in this order, without dates: the same bytes each time.
pub fn zip_of(entries: impl IntoIterator<Item = (String, Bytes)>, writing: ZipWriting) -> Bytes {
    let method = match writing {
        ZipWriting::Deflated => CompressionMethod::Deflated,
        ZipWriting::Stored => CompressionMethod::Stored,
    };
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .last_modified_time(DateTime::DEFAULT);
    let entries: Vec<_> = entries.into_iter().collect();
    let weight: usize = entries
        .iter()
        .map(|(name, content)| content.len() + 2 * name.len() + 200)
        .sum();
    let mut writer = ZipWriter::new(Cursor::new(Vec::with_capacity(weight)));
    for (name, content) in entries {
        writer
            .start_file(name, options)
            .expect("memory takes every entry");
        writer.write_all(&content).expect("memory takes every byte");
    }
    Bytes::from(writer.finish().expect("memory takes the directory").into_inner())
}

/// Bytes that no compression makes smaller, the same for the same seed (Vigna's splitmix64).
pub fn incompressible(size: usize, seed: u64) -> Bytes {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = state;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(word ^ (word >> 31)).to_le_bytes());
    }
    bytes.truncate(size);
    Bytes::from(bytes)
}
