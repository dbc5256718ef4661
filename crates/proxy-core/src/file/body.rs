//! Finished bytes: what a module file is made of before and while it is kept.

use crate::{spool::SpoolFile, upstream::Chunks};
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use std::{
    fmt,
    io::{self, Read, Seek, SeekFrom},
    str::FromStr,
    sync::Arc,
};

/// How much is read from a spool file at once, in bytes.
const PIECE: u64 = 256 << 10;

/// Finished bytes with size and sha-256, in memory or in a sealed spool file. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Body {
    size: u64,
    sha256: Sha256,
    held: Held,
}

/// A sha-256 of bytes as they are; written as lower-case hex.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Sha256(pub [u8; 32]);

/// A text that is no sha-256.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("malformed sha-256 {0:?}: expected 64 lower-case hex digits")]
pub struct InvalidSha256(pub String);

/// Where a [`Body`]'s bytes are.
#[derive(Clone, Debug)]
pub enum Held {
    /// In memory.
    Memory(Bytes),
    /// In a spool file that nobody can write any more.
    File(Arc<SpoolFile>),
}

/// Reads a [`Body`] from the start, at a position of its own. Blocks if the body is in a file.
#[derive(Debug)]
pub struct BodyReader {
    body: Body,
    position: u64,
}

impl Body {
    /// Holds bytes in memory.
    pub fn from_bytes(bytes: impl Into<Bytes>) -> Self {
        let bytes = bytes.into();
        Self {
            size: bytes.len() as u64,
            sha256: Sha256::of(&bytes),
            held: Held::Memory(bytes),
        }
    }

    /// Only the spool makes bodies of files: it hashed them as it wrote them.
    pub(crate) fn from_spool(size: u64, sha256: Sha256, file: Arc<SpoolFile>) -> Self {
        Self {
            size,
            sha256,
            held: Held::File(file),
        }
    }

    /// How many bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The sum of the bytes as they are.
    pub fn sha256(&self) -> Sha256 {
        self.sha256
    }

    /// Where the bytes are.
    pub fn held(&self) -> &Held {
        &self.held
    }

    /// The bytes if they are in memory already, as those of small bodies are.
    pub fn bytes(&self) -> Option<&Bytes> {
        match &self.held {
            Held::Memory(bytes) => Some(bytes),
            Held::File(_) => None,
        }
    }

    /// All bytes, in memory: not for zips. Blocks if the body is in a file.
    pub fn read_to_bytes(&self) -> io::Result<Bytes> {
        self.read_piece(0, self.size)
    }

    /// A reader at the start; each has its own position.
    pub fn open(&self) -> BodyReader {
        BodyReader {
            body: self.clone(),
            position: 0,
        }
    }

    /// Streams the bytes in pieces of moderate size; files are read on the blocking threads.
    pub fn to_stream(&self) -> Chunks<io::Error> {
        if let Some(bytes) = self.bytes() {
            let whole = (!bytes.is_empty()).then(|| Ok(bytes.clone()));
            return stream::iter(whole).boxed();
        }
        let body = self.clone();
        stream::iter((0..self.size).step_by(PIECE as usize))
            .then(move |first| {
                let body = body.clone();
                tokio::task::spawn_blocking(move || body.read_piece(first, PIECE.min(body.size - first)))
            })
            .map_err(io::Error::other)
            .and_then(std::future::ready)
            .boxed()
    }

    fn read_piece(&self, first: u64, size: u64) -> io::Result<Bytes> {
        match &self.held {
            Held::Memory(bytes) => Ok(bytes.slice(first as usize..(first + size) as usize)),
            Held::File(file) => {
                let mut piece = vec![0; size as usize];
                read_exact_at(file, &mut piece, first)?;
                Ok(piece.into())
            }
        }
    }
}

#[cfg(unix)]
fn read_at(file: &SpoolFile, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file.file(), buffer, position)
}

#[cfg(windows)]
fn read_at(file: &SpoolFile, buffer: &mut [u8], position: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file.file(), buffer, position)
}

fn read_exact_at(file: &SpoolFile, mut buffer: &mut [u8], mut position: u64) -> io::Result<()> {
    while !buffer.is_empty() {
        match read_at(file, buffer, position) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(count) => {
                buffer = &mut buffer[count..];
                position += count as u64;
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

impl Read for BodyReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let rest = self.body.size.saturating_sub(self.position);
        let wanted = (buffer.len() as u64).min(rest) as usize;
        let count = match &self.body.held {
            _ if wanted == 0 => 0,
            Held::Memory(bytes) => {
                let first = self.position as usize;
                buffer[..wanted].copy_from_slice(&bytes[first..first + wanted]);
                wanted
            }
            Held::File(file) => match read_at(file, &mut buffer[..wanted], self.position)? {
                // Somebody cut the file: never read that as the end of a shorter body.
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => count,
            },
        };
        self.position += count as u64;
        Ok(count)
    }
}

impl Seek for BodyReader {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.body.size.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

impl Sha256 {
    /// The sum of bytes.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest;
        Self(sha2::Sha256::digest(bytes).into())
    }
}

impl FromStr for Sha256 {
    type Err = InvalidSha256;

    fn from_str(hex: &str) -> Result<Self, InvalidSha256> {
        let invalid = || InvalidSha256(hex.chars().take(80).collect());
        if hex.len() != 64 || !hex.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')) {
            return Err(invalid());
        }
        let mut sum = [0; 32];
        for (byte, pair) in sum.iter_mut().zip(hex.as_bytes().chunks_exact(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| invalid())?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| invalid())?;
        }
        Ok(Self(sum))
    }
}

impl fmt::Display for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn bodies(bytes: &[u8]) -> Vec<(Body, Option<tempfile::TempDir>)> {
        let folder = tempfile::tempdir().unwrap();
        let spool = crate::spool::Spool::open(folder.path()).unwrap();
        let mut writer = spool.writer();
        writer.write_all(bytes).unwrap();
        vec![
            (Body::from_bytes(bytes.to_vec()), None),
            (writer.seal().unwrap(), Some(folder)),
        ]
    }

    fn pattern(size: usize) -> Vec<u8> {
        (0..size).map(|i| (i % 251) as u8).collect()
    }

    #[test]
    fn readers_of_one_body_have_positions_of_their_own() {
        let bytes = pattern(300_000);
        for (body, _folder) in bodies(&bytes) {
            let (mut one, mut other) = (body.open(), body.open());
            one.seek(SeekFrom::End(-3)).unwrap();
            let (mut end, mut whole) = (Vec::new(), Vec::new());
            other.read_to_end(&mut whole).unwrap();
            one.read_to_end(&mut end).unwrap();
            assert_eq!(whole, bytes);
            assert_eq!(end, bytes[bytes.len() - 3..]);
            assert_eq!(one.seek(SeekFrom::Current(10)).unwrap(), bytes.len() as u64 + 10);
            assert_eq!(one.read(&mut [0; 4]).unwrap(), 0, "past the end");
            assert!(one.seek(SeekFrom::Current(-1_000_000)).is_err());
        }
    }

    #[tokio::test]
    async fn every_form_streams_all_its_bytes() {
        for size in [0, 1, PIECE as usize, PIECE as usize + 1, 700_001] {
            let bytes = pattern(size);
            for (body, _folder) in bodies(&bytes) {
                let pieces: Vec<Bytes> = body.to_stream().try_collect().await.unwrap();
                assert!(pieces.iter().all(|piece| !piece.is_empty()));
                assert_eq!(pieces.concat(), bytes);
                assert_eq!(body.read_to_bytes().unwrap(), bytes);
                assert_eq!((body.size(), body.sha256()), (size as u64, Sha256::of(&bytes)));
            }
        }
    }

    #[test]
    fn a_sum_is_read_as_it_is_written() {
        let sum = Sha256::of(b"x");
        assert_eq!(sum.to_string().parse(), Ok(sum));
        for text in [
            "",
            "ab",
            &sum.to_string().to_uppercase(),
            &format!("+{}", &sum.to_string()[1..]),
        ] {
            assert!(text.parse::<Sha256>().is_err(), "{text}");
        }
    }
}
