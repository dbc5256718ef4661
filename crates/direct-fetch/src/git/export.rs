//! The module zip of a folder in one commit: which files, with which bytes.
//!
//! Every rule is elsewhere: which files belong into a zip in [`proxy_core::zip::select`], what attributes do to their bytes in
//! [`attributes`](super::attributes). Here a tree is walked, and a module below the root inherits the repository's
//! `LICENSE` if it has none (Go modules reference, "Module zip files"). The files are read and deflated on all cores,
//! a little ahead of the zip that they are written to.

mod ahead;
mod packs;
pub(super) mod shelf;

use super::{
    attributes::{Checkout, TreeAttributes},
    cache::disk,
    folder::{ModuleFolder, join},
    session::Session,
};
use gix::{ObjectId, bstr::ByteSlice, objs::tree::EntryKind};
use packs::Packs;
use proxy_core::{
    file::Body,
    module::ModuleVersion,
    spool::Spool,
    upstream::UpstreamError,
    zip::{FileKind, InvalidTree, Packed, TreeFile, VendorRule, Writer, select},
};
use shelf::Shelf;
use std::{fmt::Display, io};

/// How much of files is read ahead of the zip, in bytes.
const AHEAD: u64 = 8 << 20;
/// From this size on a blob is worked out of its pack delta by delta, in bytes.
const LARGE_BLOB: u64 = 128 << 10;

/// A file in a module's folder.
struct File {
    /// From the module's folder.
    path: String,
    kind: FileKind,
    blob: ObjectId,
    /// Of the blob; what attributes make of it may be larger.
    size: u64,
    /// The repository's own `LICENSE` is taken as it is.
    inherited: bool,
}

/// Writes the zip of a module that lies in `folder` of `commit`.
pub(super) fn zip(
    objects: &gix::Repository,
    module: &ModuleVersion,
    commit: ObjectId,
    folder: &ModuleFolder,
    spool: &Spool,
    shelf: &Shelf,
    session: &Session,
) -> Result<Body, UpstreamError> {
    let export = Export {
        objects,
        module,
        folder: &folder.path,
        session,
    };
    let root = objects
        .find_object(commit)
        .ok()
        .and_then(|object| object.peel_to_tree().ok())
        .ok_or_else(|| export.broken(&"the commit has no tree"))?;
    let mut attributes = Vec::new();
    let mut files = Vec::new();
    let tree = export.descend(root.clone(), &mut attributes)?;
    export.list(&tree, "", &mut files, &mut attributes)?;
    export.inherit_license(&root, &mut files)?;
    let names_encodings = attributes
        .iter()
        .any(|(_, content)| content.contains_str("working-tree-encoding"));
    let attributes = TreeAttributes::new(
        attributes
            .iter()
            .map(|(folder, content)| (folder.as_str(), content.as_slice())),
    );
    if names_encodings {
        // Git gives no archive then, whether the file is of use or not.
        for file in &files {
            export.checkout(file, &attributes)?;
        }
    }
    let mut chosen = export.choose(&files, &attributes)?;
    chosen.sort_by(|a, b| a.path.cmp(&b.path));
    export.write(&chosen, &attributes, spool, shelf)
}

struct Export<'a> {
    objects: &'a gix::Repository,
    module: &'a ModuleVersion,
    folder: &'a str,
    session: &'a Session,
}

impl Export<'_> {
    /// Goes down to the module's folder, collecting the attributes on the way.
    fn descend<'r>(
        &self,
        root: gix::Tree<'r>,
        attributes: &mut Vec<(String, Vec<u8>)>,
    ) -> Result<gix::Tree<'r>, UpstreamError> {
        let (mut tree, mut path) = (root, String::new());
        for element in self.folder.split('/').filter(|element| !element.is_empty()) {
            if let Some(content) = self.attributes_in(&tree)? {
                attributes.push((path.clone(), content));
            }
            let entry = tree
                .lookup_entry_by_path(element)
                .map_err(|error| self.broken(&error))?;
            let entry = entry.ok_or_else(|| self.broken(&"its folder is not in the commit"))?;
            tree = entry
                .object()
                .map_err(|error| self.broken(&error))?
                .peel_to_tree()
                .map_err(|error| self.broken(&error))?;
            path = join(&path, element);
        }
        Ok(tree)
    }

    /// Lists all below a tree that lies at `below` in the module's folder.
    fn list(
        &self,
        tree: &gix::Tree<'_>,
        below: &str,
        files: &mut Vec<File>,
        attributes: &mut Vec<(String, Vec<u8>)>,
    ) -> Result<(), UpstreamError> {
        self.session.check()?;
        if let Some(content) = self.attributes_in(tree)? {
            let folder = if below.is_empty() {
                self.folder.to_owned()
            } else {
                join(self.folder, below)
            };
            attributes.push((folder, content));
        }
        for entry in tree.iter() {
            let entry = entry.map_err(|error| self.broken(&error))?;
            // What is no UTF-8 is refused by the character that stands for it, unless the file is left out in any case.
            let path = join(below, &entry.filename().to_str_lossy());
            let kind = match entry.mode().kind() {
                EntryKind::Tree => {
                    let tree = entry.object().map_err(|error| self.broken(&error))?;
                    let tree = tree.try_into_tree().map_err(|error| self.broken(&error))?;
                    self.list(&tree, &path, files, attributes)?;
                    continue;
                }
                // A submodule contributes nothing, not even a name that could collide.
                EntryKind::Commit => continue,
                EntryKind::Link => FileKind::Symlink,
                EntryKind::Blob | EntryKind::BlobExecutable => FileKind::Regular,
            };
            let blob = entry.object_id();
            files.push(File {
                path,
                kind,
                blob,
                size: self.size_of(blob)?,
                inherited: false,
            });
        }
        Ok(())
    }

    /// A module below the root that has nothing called `LICENSE`, not even a link, gets the repository's.
    fn inherit_license(&self, root: &gix::Tree<'_>, files: &mut Vec<File>) -> Result<(), UpstreamError> {
        if self.folder.is_empty() || files.iter().any(|file| file.path == "LICENSE") {
            return Ok(());
        }
        let entry = root
            .lookup_entry_by_path("LICENSE")
            .map_err(|error| self.broken(&error))?;
        let Some(entry) = entry else { return Ok(()) };
        if matches!(entry.mode().kind(), EntryKind::Tree | EntryKind::Commit) {
            return Ok(());
        }
        let blob = entry.object_id();
        files.push(File {
            path: "LICENSE".to_owned(),
            kind: FileKind::Regular,
            blob,
            size: self.size_of(blob)?,
            inherited: true,
        });
        Ok(())
    }

    fn choose<'f>(
        &self,
        files: &'f [File],
        attributes: &TreeAttributes,
    ) -> Result<Vec<&'f File>, UpstreamError> {
        let go_mod = files
            .iter()
            .find(|file| file.path == "go.mod" && file.kind == FileKind::Regular);
        let go_mod = go_mod.map(|file| {
            let checkout = self.checkout(file, attributes)?;
            let packs = Packs::open(self.objects);
            read(
                self.objects,
                &packs,
                self.module,
                file,
                checkout.as_ref(),
                <[u8]>::to_vec,
            )
        });
        let go_mod = go_mod.transpose()?;
        let listed: Vec<_> = files
            .iter()
            .map(|file| TreeFile {
                path: &file.path,
                kind: file.kind,
                size: file.size,
            })
            .collect();
        match select(&listed, VendorRule::of(go_mod.as_deref())) {
            Ok(selection) => Ok(selection
                .kept
                .into_iter()
                .filter_map(|index| files.get(index))
                .collect()),
            Err(InvalidTree::TooLarge) => Err(UpstreamError::not_found(format!(
                "{}: module source tree too large (max size is 524288000 bytes)",
                self.module
            ))),
            Err(InvalidTree::Files(invalid)) => {
                let (path, reason) = invalid.into_iter().next().unwrap_or_default();
                Err(UpstreamError::not_found(format!(
                    "{}: create zip: {path}: {reason}",
                    self.module
                )))
            }
        }
    }

    fn write(
        &self,
        files: &[&File],
        attributes: &TreeAttributes,
        spool: &Spool,
        shelf: &Shelf,
    ) -> Result<Body, UpstreamError> {
        let mut asked = Vec::with_capacity(files.len());
        for file in files {
            let checkout = self.checkout(file, attributes)?;
            if let Some(encoding) = checkout.as_ref().and_then(Checkout::unknown_encoding) {
                return Err(UpstreamError::Unsupported {
                    reason: format!(
                        "{}: {} has the attribute working-tree-encoding={encoding}, which is not known here exactly as git \
                         writes it; name a proxy that has the module before direct in upstream.chain",
                        self.module, file.path
                    )
                    .into(),
                });
            }
            asked.push((*file, checkout));
        }
        let mut writer = Writer::new(self.module, spool.writer());
        let (module, session) = (self.module, self.session);
        let packs = Packs::open(self.objects);
        let shared = self.objects.clone().into_sync();
        // Not the handle that remembers objects: a blob is read once.
        let objects = shared.to_thread_local();
        let mut buffer = Vec::new();
        let is_large = |file: &File| file.size > shelf::LARGEST;
        ahead::in_order(
            &asked,
            |(file, _)| if is_large(file) { 0 } else { file.size },
            AHEAD,
            || shared.to_thread_local(),
            |objects, (file, checkout)| {
                session.check()?;
                if is_large(file) {
                    return Ok(None);
                }
                let pack =
                    || read(objects, &packs, module, file, checkout.as_ref(), Packed::new)?.map_err(disk);
                shelf.get((file.blob, checkout.clone()), pack).map(Some)
            },
            |(file, checkout), packed| {
                // Making the zip is progress that the host has no part in.
                session.note_activity();
                let added = match packed {
                    Some(shelved) => shelved
                        .with(&mut buffer, |packed| writer.add_packed(&file.path, packed))
                        .map_err(disk)?,
                    None => read(&objects, &packs, module, file, checkout.as_ref(), |content| {
                        writer.add_bytes(&file.path, content)
                    })?,
                };
                added.map_err(|error| unwritable(module, error))
            },
        )?;
        let writer = writer.finish().map_err(|error| unwritable(module, error))?;
        Ok(writer.seal()?)
    }

    /// What attributes ask for; `None` where the blob stays as it is.
    fn checkout(&self, file: &File, attributes: &TreeAttributes) -> Result<Option<Checkout>, UpstreamError> {
        if file.inherited {
            return Ok(None);
        }
        let checkout = attributes
            .of(&join(self.folder, &file.path))
            .map_err(|error| UpstreamError::not_found(format!("{}: {error}", self.module)))?;
        Ok(Some(checkout).filter(|checkout| !checkout.is_nothing()))
    }

    /// A tree's own `.gitattributes`; a symbolic link is not followed.
    fn attributes_in(&self, tree: &gix::Tree<'_>) -> Result<Option<Vec<u8>>, UpstreamError> {
        let entry = tree
            .lookup_entry_by_path(".gitattributes")
            .map_err(|error| self.broken(&error))?;
        match entry {
            Some(entry) if matches!(entry.mode().kind(), EntryKind::Blob | EntryKind::BlobExecutable) => Ok(
                Some(entry.object().map_err(|error| self.broken(&error))?.detach().data),
            ),
            _ => Ok(None),
        }
    }

    fn size_of(&self, blob: ObjectId) -> Result<u64, UpstreamError> {
        self.objects
            .find_header(blob)
            .map(|header| header.size())
            .map_err(|error| self.broken(&error))
    }

    fn broken(&self, error: &dyn Display) -> UpstreamError {
        broken(self.module, error)
    }
}

/// Gives `work` a file as it goes into the zip. Not as a vector of its own: the library uses its memory again for the
/// next file.
fn read<T>(
    objects: &gix::Repository,
    packs: &Packs,
    module: &ModuleVersion,
    file: &File,
    checkout: Option<&Checkout>,
    work: impl FnOnce(&[u8]) -> T,
) -> Result<T, UpstreamError> {
    let work = |blob: &[u8]| match checkout {
        Some(checkout) => work(&checkout.convert(blob, &file.blob.to_hex().to_string())),
        None => work(blob),
    };
    if file.size >= LARGE_BLOB
        && let Some(blob) = packs.read(file.blob).map_err(|error| broken(module, &error))?
    {
        return Ok(work(&blob));
    }
    let blob = objects
        .find_object(file.blob)
        .map_err(|error| broken(module, &error))?;
    Ok(work(&blob.data))
}

fn unwritable(module: &ModuleVersion, error: io::Error) -> UpstreamError {
    match error.kind() {
        io::ErrorKind::InvalidInput => UpstreamError::not_found(format!("{module}: {error}")),
        _ => disk(error),
    }
}

fn broken(module: &ModuleVersion, error: &dyn Display) -> UpstreamError {
    UpstreamError::malformed(format!("the objects of {module} cannot be read: {error}"))
}
