//! One simple store on disk, with a mistake.

use async_trait::async_trait;
use bytes::Bytes;
use futures::{StreamExt, TryStreamExt, stream};
use proxy_core::{
    file::{Kind, ModuleFile},
    module::{ModulePath, Version},
    store::{Content, ContentBytes, Inserted, ModuleStore, Part, StoreError, Validator},
    verify::Verified,
};
use std::{
    collections::HashSet,
    io,
    path::{Path, PathBuf},
    sync::{
        Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::{fs, io::AsyncWriteExt};

/// What is wrong with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mistake {
    /// Nothing: a finished file is linked to its name, and what is there already is compared.
    None,
    /// Opens the final name, truncates it and writes.
    TruncatesInPlace,
    /// Compares with what is there; if nothing is, writes to the final name.
    LooksThenWrites,
    /// Compares with what is there; if nothing is, renames a finished file over the final name.
    LooksThenRenames,
    /// Renames a finished file over the final name.
    OverwritesByRename,
    /// Takes the name with an empty file, and then writes to it.
    NamesBeforeWriting,
    /// Writes beside the final name what it finds nothing at, and marks it as finished last.
    MarksLast,
    /// Says that what is there is the same.
    NeverCompares,
    /// Says that what has the same size is the same.
    ComparesSizes,
    /// Uses the plain path in lower case.
    LowerCasesPaths,
    /// Uses an underscore for what is no letter, digit or full stop.
    ReplacesOddLetters,
    /// Lists the versions of everything below the path's folder.
    ListsByPrefix,
    /// Lists a version when any of its files is there.
    ListsEveryKind,
    /// Remembers that a file was not there.
    RemembersAbsence,
    /// Removes everything when it is opened.
    Forgets,
    /// Gives the whole file, whatever part was asked for.
    IgnoresParts,
    /// Keeps whole pieces of 4 KiB of anything larger than one.
    DropsTheLastPiece,
    /// Counts up a validator.
    NewValidators,
    /// Answers with an error where there is nothing.
    FailsOnAbsence,
    /// Opens a file only if all three of its version are there.
    WantsAllThree,
    /// Reads what it gives, and what it is given, whole.
    BuffersZips,
}

#[derive(Debug)]
pub(super) struct OnDisk {
    root: PathBuf,
    mistake: Mistake,
    absent: Mutex<HashSet<ModuleFile>>,
}

static NEXT: AtomicU64 = AtomicU64::new(0);

impl OnDisk {
    pub(super) fn open(root: PathBuf, mistake: Mistake) -> Self {
        if mistake == Mistake::Forgets {
            std::fs::remove_dir_all(&root).unwrap();
            std::fs::create_dir(&root).unwrap();
        }
        Self {
            root,
            mistake,
            absent: Mutex::default(),
        }
    }

    fn path_of(&self, file: &ModuleFile) -> PathBuf {
        let path = file.tree_path();
        self.root.join(match self.mistake {
            Mistake::LowerCasesPaths => path.replace('!', ""),
            Mistake::ReplacesOddLetters => path.replace(['~', '+', '-'], "_"),
            _ => path,
        })
    }

    /// Writes all that is to be written into a file of its own.
    async fn stage(&self, file: &Verified) -> io::Result<PathBuf> {
        let staged = self
            .root
            .join(format!("staged-{}", NEXT.fetch_add(1, Ordering::Relaxed)));
        self.write(&staged, file).await?;
        Ok(staged)
    }

    async fn write(&self, path: &Path, file: &Verified) -> io::Result<()> {
        let mut to = fs::File::create(path).await?;
        let mut chunks = match self.mistake {
            Mistake::BuffersZips => {
                let body = file.body().clone();
                let whole = tokio::task::spawn_blocking(move || body.read_to_bytes())
                    .await
                    .unwrap();
                stream::once(async { whole }).boxed()
            }
            _ => file.body().to_stream(),
        };
        let mut left = file.body().size();
        if self.mistake == Mistake::DropsTheLastPiece && left > 4096 {
            left -= left % 4096;
        }
        while let Some(chunk) = chunks.try_next().await? {
            let piece = &chunk[..chunk.len().min(left as usize)];
            left -= piece.len() as u64;
            to.write_all(piece).await?;
        }
        to.flush().await
    }

    async fn compare(&self, path: &Path, file: &Verified) -> io::Result<Option<Inserted>> {
        let kept = match fs::metadata(path).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            other => other?.len(),
        };
        let same = match self.mistake {
            Mistake::NeverCompares => true,
            Mistake::ComparesSizes => kept == file.body().size(),
            Mistake::DropsTheLastPiece => return Ok(Some(Inserted::Same)),
            _ => kept == file.body().size() && fs::read(path).await? == file.body().read_to_bytes()?,
        };
        Ok(Some(if same { Inserted::Same } else { Inserted::Other }))
    }

    async fn try_insert(&self, file: &Verified) -> io::Result<Inserted> {
        let path = self.path_of(file.file());
        fs::create_dir_all(path.parent().unwrap()).await?;
        match self.mistake {
            Mistake::TruncatesInPlace => {
                self.write(&path, file).await?;
                Ok(Inserted::New)
            }
            Mistake::OverwritesByRename => {
                fs::rename(self.stage(file).await?, &path).await?;
                Ok(Inserted::New)
            }
            Mistake::LooksThenWrites => match self.compare(&path, file).await? {
                Some(found) => Ok(found),
                None => self.write(&path, file).await.map(|()| Inserted::New),
            },
            Mistake::LooksThenRenames => match self.compare(&path, file).await? {
                Some(found) => Ok(found),
                None => fs::rename(self.stage(file).await?, &path)
                    .await
                    .map(|()| Inserted::New),
            },
            Mistake::NamesBeforeWriting => match fs::File::create_new(&path).await {
                Ok(_) => self.write(&path, file).await.map(|()| Inserted::New),
                Err(_) => Ok(self.compare(&path, file).await?.unwrap_or(Inserted::New)),
            },
            Mistake::MarksLast => {
                let staged = self.stage(file).await?;
                let found = self
                    .link(&staged, &path.with_added_extension("written"), file)
                    .await?;
                if found != Inserted::Other {
                    fs::write(&path.with_added_extension("finished"), "").await?;
                }
                Ok(found)
            }
            _ => {
                let staged = self.stage(file).await?;
                self.link(&staged, &path, file).await
            }
        }
    }

    async fn link(&self, staged: &Path, path: &Path, file: &Verified) -> io::Result<Inserted> {
        let linked = fs::hard_link(staged, path).await;
        fs::remove_file(staged).await?;
        match linked {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                Ok(self.compare(path, file).await?.expect("it exists"))
            }
            linked => linked.map(|()| Inserted::New),
        }
    }

    async fn try_open(&self, file: &ModuleFile, part: Part) -> io::Result<Option<Content>> {
        let mut path = self.path_of(file);
        if self.mistake == Mistake::MarksLast {
            if !fs::try_exists(path.with_added_extension("finished")).await? {
                return Ok(None);
            }
            path = path.with_added_extension("written");
        }
        if self.mistake == Mistake::WantsAllThree {
            for kind in Kind::ALL {
                if !fs::try_exists(self.path_of(&ModuleFile::new(file.module.clone(), kind))).await? {
                    return Ok(None);
                }
            }
        }
        if self.mistake == Mistake::RemembersAbsence && self.absent.lock().unwrap().contains(file) {
            return Ok(None);
        }
        let opened = match fs::File::open(&path).await {
            Err(error)
                if error.kind() == io::ErrorKind::NotFound && self.mistake != Mistake::FailsOnAbsence =>
            {
                self.absent.lock().unwrap().insert(file.clone());
                return Ok(None);
            }
            opened => opened?,
        };
        let size = opened.metadata().await?.len();
        let range = match self.mistake {
            Mistake::IgnoresParts => 0..size,
            _ => part.of(size),
        };
        let bytes = match self.mistake {
            Mistake::BuffersZips => ContentBytes::Memory(
                Bytes::from(fs::read(&path).await?).slice(range.start as usize..range.end as usize),
            ),
            _ => ContentBytes::File(opened.into_std().await),
        };
        let validator = match self.mistake {
            Mistake::NewValidators => NEXT.fetch_add(1, Ordering::Relaxed).to_string(),
            _ => format!("{size:x}"),
        };
        Ok(Some(Content {
            size,
            validator: Some(Validator(validator.into())),
            range,
            bytes,
        }))
    }

    fn list(&self, folder: &Path, versions: &mut Vec<Version>) {
        let Ok(entries) = std::fs::read_dir(folder) else {
            return;
        };
        for entry in entries.map(Result::unwrap) {
            let name = entry.file_name().into_string().unwrap();
            if self.mistake == Mistake::ListsByPrefix && entry.file_type().unwrap().is_dir() {
                self.list(&entry.path(), versions);
            }
            let name = name.strip_suffix(".finished").unwrap_or(&name);
            let Some((version, extension)) = name.rsplit_once('.') else {
                continue;
            };
            if let Ok(version) = Version::unescape(version)
                && (extension == "info" || self.mistake == Mistake::ListsEveryKind)
                && !versions.contains(&version)
            {
                versions.push(version);
            }
        }
    }
}

#[async_trait]
impl ModuleStore for OnDisk {
    async fn open(&self, file: &ModuleFile, part: Part) -> Result<Option<Content>, StoreError> {
        self.try_open(file, part)
            .await
            .map_err(|error| StoreError::from_io("not opened", error))
    }

    async fn versions(&self, path: &ModulePath) -> Result<Vec<Version>, StoreError> {
        let mut versions = Vec::new();
        let folder = self.root.join(path.escaped());
        let folder = if self.mistake == Mistake::ListsByPrefix {
            folder
        } else {
            folder.join("@v")
        };
        self.list(&folder, &mut versions);
        Ok(versions)
    }

    async fn insert(&self, file: Verified) -> Result<Inserted, StoreError> {
        self.try_insert(&file)
            .await
            .map_err(|error| StoreError::from_io("not inserted", error))
    }
}
