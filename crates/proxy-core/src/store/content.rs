//! An opened file: how much of it was asked for, and its bytes in the fastest form the store has.

use super::StoreError;
use crate::upstream::Chunks;
use bytes::{Bytes, BytesMut};
use futures::{StreamExt, TryStreamExt, stream};
use std::{fmt, fs::File, io, ops::Range, os::unix::fs::FileExt, sync::Arc};

/// How much is read from an open file at a time. Larger pieces gain nothing, and up to four of them wait in memory for
/// each slow reader; with the 8 KiB that readers use by default, handing each piece to a blocking thread costs ten times
/// as much as reading it.
const PIECE: u64 = 128 << 10;

/// How much of a file to open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// All of it.
    Whole,
    /// Size and validator alone (HEAD, look-ups).
    Nothing,
    /// From this byte to the end.
    From(u64),
    /// The last so many bytes.
    Last(u64),
    /// From `first` to `last`, both included.
    Span {
        /// The first byte wanted.
        first: u64,
        /// The last byte wanted; past the end means the end.
        last: u64,
    },
}

/// An opened file.
#[derive(Debug)]
pub struct Content {
    /// The whole file's size, in bytes.
    pub size: u64,
    /// Equal only if the bytes are.
    pub validator: Option<Validator>,
    /// What `bytes` holds; empty if the part lies past the end.
    pub range: Range<u64>,
    /// The bytes of that range.
    pub bytes: ContentBytes,
}

/// An entity tag without its quotes: equal only if the bytes are.
///
/// The sha-256 in hex where it is known, else the backend's own mark (a bucket's tag; size and time on a disk). Never
/// the `h1:` sum, which the same module zipped by somebody else shares.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Validator(pub Arc<str>);

/// The fastest form the store has; [`Content::into_stream`] reads each.
#[non_exhaustive]
pub enum ContentBytes {
    /// The bytes themselves.
    Memory(Bytes),
    /// An open file, positioned anywhere: the range of the [`Content`] says what to read.
    File(File),
    /// A stream of just the range.
    Stream(Chunks<StoreError>),
}

impl Part {
    /// The bytes of a file of this size that the part means; empty if it lies past the end.
    pub fn of(self, size: u64) -> Range<u64> {
        match self {
            Self::Whole => 0..size,
            Self::Nothing => 0..0,
            Self::From(first) => first.min(size)..size,
            Self::Last(count) => size.saturating_sub(count)..size,
            Self::Span { first, last } => {
                first.min(size)..last.saturating_add(1).min(size).max(first.min(size))
            }
        }
    }
}

impl Content {
    /// A part of bytes that are in memory whole; nothing is copied.
    pub fn from_memory(whole: &Bytes, validator: Option<Validator>, part: Part) -> Self {
        let size = whole.len() as u64;
        let range = part.of(size);
        // `range` ends at `size`, which is a `usize`.
        let bytes = whole.slice(range.start as usize..range.end as usize);
        Self {
            size,
            validator,
            range,
            bytes: ContentBytes::Memory(bytes),
        }
    }

    /// Reads the range as a stream, whatever form it has. The stream ends with an error where the store gives less or
    /// more than the range.
    pub fn into_stream(self) -> Chunks<StoreError> {
        let length = self.range.end.saturating_sub(self.range.start);
        match self.bytes {
            ContentBytes::Memory(bytes) if bytes.is_empty() => stream::empty().boxed(),
            ContentBytes::Memory(bytes) => stream::once(async { Ok(bytes) }).boxed(),
            ContentBytes::File(file) => read_in_pieces(file, self.range),
            ContentBytes::Stream(chunks) => exactly(length, chunks),
        }
    }

    /// Reads the range to its end, into memory.
    pub async fn into_bytes(self) -> Result<Bytes, StoreError> {
        match self.bytes {
            ContentBytes::Memory(bytes) => Ok(bytes),
            ContentBytes::File(file) => read_piece(Arc::new(file), self.range).await,
            ContentBytes::Stream(chunks) => {
                let length = self.range.end.saturating_sub(self.range.start);
                let whole = BytesMut::with_capacity(usize::try_from(length).unwrap_or(0));
                let collect = |mut whole: BytesMut, chunk: Bytes| async move {
                    whole.extend_from_slice(&chunk);
                    Ok(whole)
                };
                Ok(exactly(length, chunks).try_fold(whole, collect).await?.freeze())
            }
        }
    }
}

/// Reads a range of a file, a piece at a time, each in a blocking task: one while the one before is being sent.
fn read_in_pieces(file: File, range: Range<u64>) -> Chunks<StoreError> {
    let (file, end) = (Arc::new(file), range.end);
    let pieces = stream::iter(range.step_by(PIECE as usize)).map(move |start| {
        let end = end.min(start.saturating_add(PIECE));
        read_piece(Arc::clone(&file), start..end)
    });
    pieces.buffered(2).boxed()
}

/// Reads one range of a file in a blocking task; never by the file's position, which handles can share.
async fn read_piece(file: Arc<File>, range: Range<u64>) -> Result<Bytes, StoreError> {
    let length = usize::try_from(range.end.saturating_sub(range.start))
        .map_err(|error| StoreError::from_io("a kept file could not be read", io::Error::other(error)))?;
    // Made here and not in the task: those run on dozens of threads, and an allocator that keeps what each thread
    // made for that thread would hold many times what is in use.
    let mut piece = vec![0; length];
    let read = tokio::task::spawn_blocking(move || {
        file.read_exact_at(&mut piece, range.start)?;
        Ok(Bytes::from(piece))
    });
    match read.await {
        Ok(piece) => piece.map_err(|error| StoreError::from_io("a kept file could not be read", error)),
        Err(stopped) => Err(StoreError::unavailable_because("a read was stopped", stopped)),
    }
}

/// Passes on a stream that must have so many bytes, and fails where it has not.
fn exactly(length: u64, chunks: Chunks<StoreError>) -> Chunks<StoreError> {
    let counted = stream::try_unfold((chunks, length), async |(mut chunks, missing)| {
        match (chunks.try_next().await?, missing) {
            (None, 0) => Ok(None),
            (None, _) => Err(StoreError::unavailable("a kept file ended early")),
            (Some(chunk), missing) => match missing.checked_sub(chunk.len() as u64) {
                Some(missing) => Ok(Some((chunk, (chunks, missing)))),
                None => Err(StoreError::unavailable("a kept file was longer than announced")),
            },
        }
    });
    counted.boxed()
}

impl fmt::Debug for ContentBytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Memory(_) => "Memory",
            Self::File(_) => "File",
            Self::Stream(_) => "Stream",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn a_part_is_the_bytes_it_names() {
        let cases = [
            (Part::Whole, 0..10),
            (Part::Nothing, 0..0),
            (Part::From(0), 0..10),
            (Part::From(9), 9..10),
            (Part::From(10), 10..10),
            (Part::From(u64::MAX), 10..10),
            (Part::Last(0), 10..10),
            (Part::Last(3), 7..10),
            (Part::Last(u64::MAX), 0..10),
            (Part::Span { first: 2, last: 2 }, 2..3),
            (
                Part::Span {
                    first: 2,
                    last: u64::MAX,
                },
                2..10,
            ),
            (Part::Span { first: 5, last: 4 }, 5..5),
            (Part::Span { first: 11, last: 20 }, 10..10),
        ];
        for (part, range) in cases {
            assert_eq!(part.of(10), range, "{part:?}");
        }
    }

    fn file_of(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    fn content(range: Range<u64>, bytes: ContentBytes) -> Content {
        Content {
            size: 1 << 20,
            validator: None,
            range,
            bytes,
        }
    }

    async fn streamed(content: Content) -> Result<Vec<u8>, StoreError> {
        content
            .into_stream()
            .try_fold(Vec::new(), async |all, chunk| Ok([&all[..], &chunk[..]].concat()))
            .await
    }

    #[tokio::test]
    async fn a_file_is_read_in_pieces_and_only_its_range() {
        let whole: Vec<u8> = (0..3 * PIECE + 17).map(|n| (n % 251) as u8).collect();
        for range in [
            0..whole.len() as u64,
            1..PIECE + 1,
            PIECE..2 * PIECE,
            5..5,
            3 * PIECE..3 * PIECE + 17,
        ] {
            let wanted = &whole[range.start as usize..range.end as usize];
            let opened = content(range.clone(), ContentBytes::File(file_of(&whole)));
            assert!(streamed(opened).await.unwrap() == wanted, "{range:?}");
            let opened = content(range.clone(), ContentBytes::File(file_of(&whole)));
            assert!(opened.into_bytes().await.unwrap() == wanted, "{range:?}");
        }
        let mut pieces = content(0..whole.len() as u64, ContentBytes::File(file_of(&whole))).into_stream();
        assert_eq!(pieces.try_next().await.unwrap().unwrap().len() as u64, PIECE);
    }

    #[tokio::test]
    async fn a_file_that_ends_early_is_an_error() {
        let error = streamed(content(0..11, ContentBytes::File(file_of(b"0123456789"))))
            .await
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            "the store is unavailable: a kept file could not be read"
        );
    }

    #[tokio::test]
    async fn a_stream_gives_its_range_or_an_error() {
        let chunks = || stream::iter(["012", "", "34"].map(|chunk| Ok(Bytes::from(chunk)))).boxed();
        assert_eq!(
            streamed(content(0..5, ContentBytes::Stream(chunks())))
                .await
                .unwrap(),
            b"01234"
        );
        assert_eq!(
            content(7..12, ContentBytes::Stream(chunks()))
                .into_bytes()
                .await
                .unwrap(),
            "01234"
        );
        for wrong in [0..4, 0..6] {
            assert!(
                streamed(content(wrong.clone(), ContentBytes::Stream(chunks())))
                    .await
                    .is_err()
            );
            assert!(
                content(wrong, ContentBytes::Stream(chunks()))
                    .into_bytes()
                    .await
                    .is_err()
            );
        }
    }

    #[tokio::test]
    async fn memory_is_sliced_not_copied() {
        let whole = Bytes::from_static(b"0123456789");
        let part = Content::from_memory(&whole, None, Part::Span { first: 3, last: 5 });
        assert_eq!((part.size, part.range.clone()), (10, 3..6));
        let bytes = part.into_bytes().await.unwrap();
        assert_eq!(bytes, "345");
        assert_eq!(bytes.as_ptr(), whole[3..].as_ptr());
    }
}
