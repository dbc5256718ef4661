//! From a finished body to what is sent: a spooled file is mapped, so that hundreds of megabytes go up without ever
//! being in our memory.

use bytes::Bytes;
use memmap2::Mmap;
use object_store::PutPayload;
use proxy_core::{
    file::{Body, Held},
    spool::SpoolFile,
};
use std::{io, sync::Arc};

/// How much is handed on at a time, so that no layer below is tempted to copy everything at once.
const PIECE: usize = 1 << 20;

/// The bytes of a body, as a bucket's client wants them. Blocks shortly if they are in a file.
pub(crate) fn of(body: &Body) -> io::Result<PutPayload> {
    match body.held() {
        Held::Memory(bytes) => Ok(bytes.clone().into()),
        Held::File(file) => Ok(pieces(&map(Arc::clone(file))?).collect()),
    }
}

fn pieces(whole: &Bytes) -> impl Iterator<Item = Bytes> {
    (0..whole.len())
        .step_by(PIECE)
        .map(|start| whole.slice(start..whole.len().min(start + PIECE)))
}

/// A mapped file, and what keeps it from being removed before the last piece of it was sent.
struct Mapped {
    bytes: Mmap,
    _file: Arc<SpoolFile>,
}

impl AsRef<[u8]> for Mapped {
    fn as_ref(&self) -> &[u8] {
        &self.bytes
    }
}

fn map(file: Arc<SpoolFile>) -> io::Result<Bytes> {
    #[expect(
        unsafe_code,
        reason = "the one audited exception: a sealed spool file is mapped"
    )]
    // SAFETY: memory that is mapped from a file changes, or is gone (SIGBUS), when the file is written or cut. Nobody
    // does either to a sealed spool file: it lies in a folder that only this process writes in, under a name that
    // nobody else knows, its writer is closed, its rights to be written are taken away, and whoever sweeps such
    // folders removes names, which leaves the mapped bytes alone.
    let bytes = unsafe { Mmap::map(file.file())? };
    Ok(Bytes::from_owner(Mapped { bytes, _file: file }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proxy_core::spool::Spool;
    use std::io::Write;

    #[test]
    fn every_form_of_a_body_is_sent_whole_and_in_pieces() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        for size in [1, 70_000, PIECE, PIECE + 1, 3 * PIECE + 5] {
            let bytes: Vec<u8> = (0..size).map(|i| (i % 251) as u8).collect();
            let mut writer = spool.writer();
            writer.write_all(&bytes).unwrap();
            let body = writer.seal().unwrap();
            let payload = of(&body).unwrap();
            // The name goes with the body; the bytes stay for as long as they are being sent.
            drop(body);
            assert!(payload.iter().all(|piece| piece.len() <= PIECE));
            assert_eq!(Bytes::from(payload), bytes);
        }
    }
}
