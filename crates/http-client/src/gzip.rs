//! Answers that come compressed though nobody asked: decoded, in bounded pieces.

use crate::error::Error;
use bytes::Bytes;
use flate2::write::MultiGzDecoder;
use futures::stream::{BoxStream, StreamExt, try_unfold};
use std::{io::Write, sync::Arc};

/// How much is given to the decoder at once: gzip blows up by about a thousand times at most, so that no piece of
/// decoded bytes is larger than a few MiB.
const PIECE: usize = 4 << 10;

struct Decoding {
    encoded: BoxStream<'static, Result<Bytes, Error>>,
    waiting: Bytes,
    decoder: MultiGzDecoder<Vec<u8>>,
    host: Arc<str>,
}

/// Decodes a stream of gzip (RFC 1952).
pub(crate) fn decode(
    encoded: BoxStream<'static, Result<Bytes, Error>>,
    host: Arc<str>,
) -> BoxStream<'static, Result<Bytes, Error>> {
    let start = Decoding {
        encoded,
        waiting: Bytes::new(),
        decoder: MultiGzDecoder::new(Vec::new()),
        host,
    };
    try_unfold(start, |mut decoding| async move {
        let decoded = decoding.next().await?;
        Ok(decoded.map(|decoded| (decoded, decoding)))
    })
    .boxed()
}

impl Decoding {
    async fn next(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            if self.waiting.is_empty() {
                match self.encoded.next().await.transpose()? {
                    Some(encoded) => self.waiting = encoded,
                    None => {
                        self.decoder.try_finish().map_err(|_| self.broken())?;
                        return Ok(self.take());
                    }
                }
            }
            let piece = self.waiting.split_to(self.waiting.len().min(PIECE));
            self.decoder.write_all(&piece).map_err(|_| self.broken())?;
            if let Some(decoded) = self.take() {
                return Ok(Some(decoded));
            }
        }
    }

    fn take(&mut self) -> Option<Bytes> {
        let decoded = std::mem::take(self.decoder.get_mut());
        (!decoded.is_empty()).then(|| decoded.into())
    }

    fn broken(&self) -> Error {
        Error::malformed(&self.host, "it calls its bytes gzip, and they are not")
    }
}
