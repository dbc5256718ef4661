//! What the rules ask of a repository's objects.

use bytes::Bytes;
use gix::ObjectId;
use proxy_core::{Timestamp, upstream::UpstreamError};

/// A repository's objects, brought from its host where they are not here yet. Blocks.
pub(super) trait Objects {
    /// When the commit was made: the committer's time, in whole seconds. Not found if it is no commit (a tag can be
    /// put on a tree or a blob).
    fn commit_time(&self, commit: ObjectId) -> Result<Timestamp, UpstreamError>;
    /// A file's blob as it is, `None` if there is none of that path; a symbolic link is the text of its target.
    fn file(&self, commit: ObjectId, path: &str) -> Result<Option<Bytes>, UpstreamError>;
    /// Whether one commit can be reached from another, itself included.
    fn is_ancestor(&self, ancestor: ObjectId, of: ObjectId) -> Result<bool, UpstreamError>;
}
