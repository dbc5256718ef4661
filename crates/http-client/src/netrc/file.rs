//! A netrc file under a running server: read again when it changes, so that a password can be replaced.

use super::Netrc;
use std::{
    fmt, fs, io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
    time::SystemTime,
};

/// A netrc file, or what one would say. Cheap to clone.
#[derive(Clone, Default)]
pub struct NetrcFile(Arc<Watched>);

#[derive(Default)]
struct Watched {
    /// `None` where there is no file, and nothing changes.
    path: Option<PathBuf>,
    last: Mutex<Last>,
}

/// The file as it was when it was last read.
#[derive(Default)]
struct Last {
    stamp: Option<Stamp>,
    netrc: Arc<Netrc>,
}

/// By what a changed file is known: editors and secret mounts replace a file or write it anew.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    modified: SystemTime,
    size: u64,
    inode: u64,
}

impl NetrcFile {
    /// Reads the file for the first time. One that is not there is none so far, as for the go command.
    pub fn open(path: &Path) -> io::Result<Self> {
        let stamp = stamp_of(path);
        let netrc = Arc::new(read(path)?);
        let last = Mutex::new(Last { stamp, netrc });
        Ok(Self(Arc::new(Watched {
            path: Some(path.to_owned()),
            last,
        })))
    }

    /// What it says now. A file that cannot be read any more goes on as it was; its removal is a change like any other.
    /// Blocks shortly.
    pub fn now(&self) -> Arc<Netrc> {
        let mut last = self.0.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(path) = &self.0.path
            && let stamp = stamp_of(path)
            && last.stamp != stamp
        {
            last.stamp = stamp;
            match read(path) {
                Ok(netrc) => last.netrc = Arc::new(netrc),
                Err(error) => {
                    tracing::error!(error = %error.kind(), "the netrc file cannot be read; its passwords stay as they were");
                }
            }
        }
        Arc::clone(&last.netrc)
    }
}

impl From<Netrc> for NetrcFile {
    fn from(netrc: Netrc) -> Self {
        let last = Mutex::new(Last {
            stamp: None,
            netrc: Arc::new(netrc),
        });
        Self(Arc::new(Watched { path: None, last }))
    }
}

fn read(path: &Path) -> io::Result<Netrc> {
    match fs::read(path) {
        Ok(bytes) => Ok(Netrc::parse(&String::from_utf8_lossy(&bytes))),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(Netrc::default())
        }
        Err(error) => Err(error),
    }
}

fn stamp_of(path: &Path) -> Option<Stamp> {
    let found = fs::metadata(path).ok()?;
    Some(Stamp {
        modified: found.modified().ok()?,
        size: found.len(),
        inode: found.ino(),
    })
}

impl fmt::Debug for NetrcFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("NetrcFile").field(&self.0.path).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use url::Url;

    #[test]
    fn a_file_that_changes_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("netrc");
        let file = NetrcFile::open(&path).unwrap();
        let url = Url::parse("https://a.test").unwrap();
        let known = || file.now().for_machine(&url).is_some();
        assert!(!known(), "there is no file yet");
        fs::write(&path, "machine a.test login u password canary").unwrap();
        assert!(known());
        fs::write(&path, "machine b.test login u password p").unwrap();
        assert!(!known());
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(
            file.now()
                .for_machine(&Url::parse("https://b.test").unwrap())
                .is_some()
        );
        assert!(NetrcFile::open(&path).is_err());
        assert!(!format!("{file:?}").contains("canary"));
    }

    #[test]
    fn no_file_holds_nothing() {
        assert!(NetrcFile::default().now().default_entry().is_none());
    }
}
