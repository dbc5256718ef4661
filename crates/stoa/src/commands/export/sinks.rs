//! Where a tree is written: a folder, or a tar file.

use proxy_core::file::{Body, Sha256};
use sha2::Digest;
use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

/// How much is compared at a time.
const PIECE: usize = 256 << 10;

/// What a tree is written to.
pub(super) enum Sink {
    /// Files that appear whole, in a folder.
    Folder(PathBuf),
    /// Entries of a tar file, which has its name once it is whole; `None` for standard output.
    Tar {
        builder: Box<tar::Builder<Box<dyn Write + Send>>>,
        names: Option<(PathBuf, PathBuf)>,
    },
}

/// What became of a file.
pub(super) enum Added {
    /// It was written.
    Written,
    /// The same bytes were there.
    Present,
    /// Other bytes are there, and stay.
    Differs,
}

impl Sink {
    /// Opens the target that a command line names. Blocks.
    pub(super) fn open(target: &str) -> io::Result<Self> {
        if target == "-" {
            return Ok(Self::tar(Box::new(io::stdout()), None));
        }
        let path = PathBuf::from(target);
        if path.extension().is_some_and(|extension| extension == "tar") {
            let unfinished = unfinished(&path);
            let file = File::create(&unfinished)?;
            return Ok(Self::tar(Box::new(file), Some((unfinished, path))));
        }
        fs::create_dir_all(&path)?;
        Ok(Self::Folder(path))
    }

    fn tar(to: Box<dyn Write + Send>, names: Option<(PathBuf, PathBuf)>) -> Self {
        let to: Box<dyn Write + Send> = Box::new(BufWriter::with_capacity(PIECE, to));
        Self::Tar {
            builder: Box::new(tar::Builder::new(to)),
            names,
        }
    }

    /// Adds a file that never changes. Blocks.
    pub(super) fn add(&mut self, name: &str, body: &Body) -> io::Result<Added> {
        match self {
            Self::Tar { builder, .. } => {
                append(builder, name, body.size(), body.open()).map(|()| Added::Written)
            }
            Self::Folder(folder) => {
                let path = folder.join(name);
                match sum_of(&path, body.size())? {
                    None => write_whole(&path, body.open()).map(|()| Added::Written),
                    Some(sum) if sum == Some(body.sha256()) => Ok(Added::Present),
                    Some(_) => Ok(Added::Differs),
                }
            }
        }
    }

    /// Writes a file that may change from one export to the next. Blocks.
    pub(super) fn replace(&mut self, name: &str, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Tar { builder, .. } => append(builder, name, bytes.len() as u64, bytes),
            Self::Folder(folder) => write_whole(&folder.join(name), bytes),
        }
    }

    /// Ends the target; a tar file that was not ended has no name. Blocks.
    pub(super) fn finish(self) -> io::Result<()> {
        match self {
            Self::Folder(_) => Ok(()),
            Self::Tar { builder, names } => {
                builder.into_inner()?.flush()?;
                names.map_or(Ok(()), |(unfinished, path)| fs::rename(unfinished, path))
            }
        }
    }
}

/// One entry: the same bytes in the same order make the same tar file, whoever writes it and when.
fn append(
    builder: &mut tar::Builder<Box<dyn Write + Send>>,
    name: &str,
    size: u64,
    bytes: impl Read,
) -> io::Result<()> {
    let mut header = tar::Header::new_gnu();
    header.set_size(size);
    header.set_mode(0o644);
    builder.append_data(&mut header, name, bytes)
}

/// The sum of what is there under this name: `None` if nothing is, `Some(None)` if it is of another size.
fn sum_of(path: &Path, size: u64) -> io::Result<Option<Option<Sha256>>> {
    let mut file = match File::open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        opened => opened?,
    };
    if file.metadata()?.len() != size {
        return Ok(Some(None));
    }
    let (mut hasher, mut piece) = (sha2::Sha256::new(), vec![0; PIECE]);
    loop {
        match file.read(&mut piece)? {
            0 => return Ok(Some(Some(Sha256(hasher.finalize().into())))),
            count => hasher.update(&piece[..count]),
        }
    }
}

/// Writes beside the name, and renames: nobody reads half a file.
fn write_whole(path: &Path, mut bytes: impl Read) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let unfinished = unfinished(path);
    let mut file = File::create(&unfinished)?;
    io::copy(&mut bytes, &mut file)?;
    file.sync_data()?;
    fs::rename(unfinished, path)
}

/// A name that no module file has, and that `go` and web servers do not look for.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".unfinished");
    name.into()
}
