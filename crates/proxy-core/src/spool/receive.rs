//! Receiving a body from a stream, without ever blocking the runtime.

use super::{Spool, SpoolError, SpoolWriter};
use crate::{file::Body, upstream::Chunks};
use bytes::Bytes;
use futures::StreamExt;
use std::{
    io::{self, Write},
    mem,
};
use tokio::task::JoinHandle;

/// How much is gathered before a thread is asked to write it, in bytes: enough that the hand-over costs nothing,
/// little enough that a thousand bodies on their way in fit into memory.
const BATCH: usize = 256 << 10;

/// Why receiving ended early.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError<E> {
    /// The sender failed.
    #[error(transparent)]
    Sender(E),
    /// More bytes came than the limit allows.
    #[error("more than {limit} bytes were sent")]
    TooLarge {
        /// The limit, in bytes.
        limit: u64,
    },
    /// The spool failed.
    #[error(transparent)]
    Spool(#[from] SpoolError),
}

impl Spool {
    /// Receives a stream to its end. The next batch is gathered while one is being written.
    pub async fn receive<E: Send + 'static>(
        &self,
        mut chunks: Chunks<E>,
        limit: u64,
    ) -> Result<Body, ReceiveError<E>> {
        let mut writing = Writing::Idle(self.writer());
        let mut size = 0u64;
        let mut batch = Vec::new();
        let mut batched = 0;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk.map_err(ReceiveError::Sender)?;
            size = size.saturating_add(chunk.len() as u64);
            if size > limit {
                return Err(ReceiveError::TooLarge { limit });
            }
            batched += chunk.len();
            batch.push(chunk);
            if batched >= BATCH {
                writing = writing.write(mem::take(&mut batch), batched).await?;
                batched = 0;
            }
        }
        let writer = writing.write(batch, batched).await?.finish().await?;
        if writer.stays_in_memory_with(0) {
            return Ok(writer.seal()?);
        }
        Ok(blocking(move || writer.seal()).await?)
    }
}

/// The writer, or the task that has it now.
enum Writing {
    Idle(SpoolWriter),
    Busy(JoinHandle<io::Result<SpoolWriter>>),
}

impl Writing {
    /// Waits for the batch before, then starts this one.
    async fn write(self, batch: Vec<Bytes>, size: usize) -> Result<Self, SpoolError> {
        let mut writer = self.finish().await?;
        if writer.stays_in_memory_with(size) {
            write_all(&mut writer, batch)?;
            return Ok(Self::Idle(writer));
        }
        Ok(Self::Busy(tokio::spawn(async move {
            let folder = std::sync::Arc::clone(writer.folder());
            let _permit = folder.writes().acquire().await.map_err(io::Error::other)?;
            blocking(move || write_all(&mut writer, batch).map(|()| writer)).await
        })))
    }

    async fn finish(self) -> Result<SpoolWriter, SpoolError> {
        match self {
            Self::Idle(writer) => Ok(writer),
            Self::Busy(task) => Ok(task.await.map_err(io::Error::other)??),
        }
    }
}

fn write_all(writer: &mut SpoolWriter, batch: Vec<Bytes>) -> io::Result<()> {
    batch.iter().try_for_each(|chunk| writer.write_all(chunk))
}

/// Runs a short piece of blocking work; a task that died (a panic, or the runtime going down) is an error like any.
async fn blocking<T, E>(work: impl FnOnce() -> Result<T, E> + Send + 'static) -> Result<T, E>
where
    T: Send + 'static,
    E: From<io::Error> + Send + 'static,
{
    match tokio::task::spawn_blocking(work).await {
        Ok(result) => result,
        Err(error) => Err(E::from(io::Error::other(error))),
    }
}
