//! Module files in the bucket: opened, listed, inserted.

use crate::{
    BucketStore, Cloud, Spelling,
    objects::{Objects, Put, State, to_its_end, unreadable},
    payload,
};
use async_trait::async_trait;
use bytes::Bytes;
use futures::TryStreamExt;
use object_store::{GetRange, GetResult, path::Path};
use proxy_core::{
    file::{Held, Kind, ModuleFile, Sha256},
    module::{ModulePath, Version},
    store::{Content, ContentBytes, Inserted, ModuleStore, Part, StoreError, Validator},
    verify::Verified,
};
use sha2::Digest;
use std::sync::Arc;
use tokio::{runtime::Handle, sync::Semaphore};

/// How many files go up at a time that are not in memory. Each is hashed for its signature, and its pages are read, on
/// a thread of its own: the runtime's workers belong to hits, and so do most of its blocking threads.
static UPLOADS: Semaphore = Semaphore::const_new(16);

#[async_trait]
impl ModuleStore for BucketStore {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        let path = self.objects.path(&self.name_of(file))?;
        self.objects.open(file, path, part).await
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        let folder = match self.spelling {
            Spelling::Escaped => format!("{}/@v", path.escaped()),
            Spelling::AsWritten => format!("{path}/@v"),
        };
        let objects = self.objects.below(&self.objects.path(&folder)?).await?;
        // Sums, records of other tools, folders of a sort: whatever is no `.info` of a version of just this path is
        // not ours.
        let names = objects.iter().filter_map(|object| {
            let name = self.objects.name(&object.location)?;
            name.strip_prefix(&*folder)?
                .strip_prefix('/')?
                .strip_suffix(".info")
        });
        let read = |name: &str| match self.spelling {
            Spelling::Escaped => Version::unescape(name).ok(),
            Spelling::AsWritten => Version::parse(name).ok(),
        };
        Ok(names
            .filter_map(read)
            .filter(|version| path.check_version(version).is_ok())
            .collect())
    }

    async fn insert(&self, file: Verified) -> Result<Inserted, StoreError> {
        if self.spelling == Spelling::AsWritten {
            return Err(StoreError::unavailable(
                "it is laid out for another program, and opened for reading alone",
            ));
        }
        let objects = Arc::clone(&self.objects);
        match file.body().held() {
            Held::Memory(_) => to_its_end(async move { objects.insert(&file).await }).await,
            Held::File(_) => {
                let permit = UPLOADS.acquire().await;
                let permit = permit
                    .map_err(|closed| StoreError::unavailable_because("the store is closed", closed))?;
                let runtime = Handle::current();
                let insert = move || {
                    let _until_done = permit;
                    runtime.block_on(objects.insert(&file))
                };
                match tokio::task::spawn_blocking(insert).await {
                    Ok(inserted) => inserted,
                    Err(stopped) => Err(StoreError::unavailable_because("an upload was stopped", stopped)),
                }
            }
        }
    }
}

impl BucketStore {
    pub(crate) fn name_of(&self, file: &ModuleFile) -> String {
        match self.spelling {
            Spelling::Escaped => file.tree_path(),
            Spelling::AsWritten => {
                let (path, version) = (file.module.path(), file.module.version());
                format!("{path}/@v/{version}.{}", file.kind)
            }
        }
    }
}

impl Objects {
    async fn open(&self, file: &ModuleFile, path: Path, part: Part) -> Result<Option<Content>, StoreError> {
        let asked = match part {
            Part::Whole => None,
            Part::Nothing => return self.look(file, &path).await,
            Part::From(first) => Some(GetRange::Offset(first)),
            // An end before the beginning is no range that could be asked for.
            Part::Span { first, last } if first <= last => {
                Some(GetRange::Bounded(first..last.saturating_add(1)))
            }
            Part::Last(count) if count > 0 && self.url.cloud != Cloud::Azure => Some(GetRange::Suffix(count)),
            Part::Last(_) | Part::Span { .. } => return self.open_known(file, path, part).await,
        };
        match self.get(&path, asked).await {
            Ok(found) => found.map(|found| self.content(file, path, found)).transpose(),
            // A part that lies past the end is an error to the servers, and not one that tells itself from others.
            Err(_) if part != Part::Whole => self.open_known(file, path, part).await,
            Err(error) => Err(unreadable(error)),
        }
    }

    /// Opens a part by its place, which takes a look at the size first.
    async fn open_known(
        &self,
        file: &ModuleFile,
        path: Path,
        part: Part,
    ) -> Result<Option<Content>, StoreError> {
        let Some(known) = self.look(file, &path).await? else {
            return Ok(None);
        };
        let range = part.of(known.size);
        if range.is_empty() {
            return Ok(Some(Content { range, ..known }));
        }
        let found = self
            .get(&path, Some(GetRange::Bounded(range)))
            .await
            .map_err(unreadable)?;
        found.map(|found| self.content(file, path, found)).transpose()
    }

    async fn look(&self, file: &ModuleFile, path: &Path) -> Result<Option<Content>, StoreError> {
        let Some(meta) = self.head(path).await? else {
            return Ok(None);
        };
        not_empty(file, meta.size)?;
        Ok(Some(Content {
            size: meta.size,
            validator: validator(&State::of(&meta)),
            range: 0..0,
            bytes: ContentBytes::Memory(Bytes::new()),
        }))
    }

    fn content(&self, file: &ModuleFile, path: Path, found: GetResult) -> Result<Content, StoreError> {
        not_empty(file, found.meta.size)?;
        Ok(Content {
            size: found.meta.size,
            validator: validator(&State::of(&found.meta)),
            range: found.range.clone(),
            bytes: ContentBytes::Stream(self.stream(path, found)),
        })
    }

    async fn insert(&self, file: &Verified) -> Result<Inserted, StoreError> {
        let path = self.path(&file.file().tree_path())?;
        // A look first saves the upload of what is there already. It decides nothing: the conditional put does.
        if matches!(file.body().held(), Held::File(_))
            && let Some(found) = self.get(&path, None).await.map_err(unreadable)?
        {
            return self.compare(file, path, found).await;
        }
        let ziphash = match self.check_ziphash(file).await {
            Ok(ziphash) => ziphash,
            // The zip itself may be there, or have come meanwhile; then other bytes are what they are everywhere.
            Err(refused) => match self.get(&path, None).await.map_err(unreadable)? {
                Some(found) => return self.compare(file, path, found).await,
                None => return Err(refused),
            },
        };
        let payload = payload::of(file.body())
            .map_err(|error| StoreError::from_io("a spooled file could not be mapped", error))?;
        let content_type = file.file().kind.facts().content_type;
        match self.create(&path, payload, content_type).await? {
            Put::Done(_) => {
                self.keep_ziphash(file, ziphash).await;
                Ok(Inserted::New)
            }
            Put::Changed(Some(found)) => self.compare(file, path, found).await,
            Put::Changed(None) => Err(StoreError::unavailable(
                "a module file vanished while it was compared",
            )),
        }
    }

    /// What an insert finds where the name is taken: every byte is compared, by its sum.
    async fn compare(&self, file: &Verified, path: Path, found: GetResult) -> Result<Inserted, StoreError> {
        not_empty(file.file(), found.meta.size)?;
        if found.meta.size != file.body().size() {
            return Ok(Inserted::Other);
        }
        if self.sum(path, found).await? != file.body().sha256() {
            return Ok(Inserted::Other);
        }
        if file.file().kind == Kind::Zip {
            // Whoever put the zip may have died before it came to this.
            match self.check_ziphash(file).await {
                Ok(ziphash) => self.keep_ziphash(file, ziphash).await,
                Err(error) => {
                    tracing::warn!(file = %file.file(), %error, "the .ziphash of a kept zip is not its sum");
                }
            }
        }
        Ok(Inserted::Same)
    }

    /// The sum of an object's bytes, read to their end.
    pub(crate) async fn sum(&self, path: Path, found: GetResult) -> Result<Sha256, StoreError> {
        let hashed = self
            .stream(path, found)
            .try_fold(sha2::Sha256::new(), async |hasher, chunk| {
                Ok(hasher.chain_update(chunk))
            });
        Ok(Sha256(hashed.await?.finalize().into()))
    }
}

/// No module file is empty.
fn not_empty(file: &ModuleFile, size: u64) -> Result<(), StoreError> {
    if size > 0 {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        file: file.clone(),
        reason: "it is empty".to_owned(),
    })
}

/// The server's own entity tag; a weak one does not tell bytes apart.
fn validator(state: &State) -> Option<Validator> {
    let tag = state.tag.as_deref()?;
    if tag.starts_with("W/") {
        return None;
    }
    let tag = tag.trim_matches('"');
    (!tag.is_empty()).then(|| Validator(tag.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_validator_is_a_strong_tag_without_its_quotes() {
        let of = |tag: &str| {
            validator(&State {
                tag: Some(tag.to_owned()),
                generation: None,
            })
            .map(|validator| validator.0.to_string())
        };
        assert_eq!(of("\"abc-2\"").as_deref(), Some("abc-2"));
        assert_eq!(of("abc").as_deref(), Some("abc"));
        assert_eq!(of("W/\"abc\""), None);
        assert_eq!(of("\"\""), None);
    }
}
