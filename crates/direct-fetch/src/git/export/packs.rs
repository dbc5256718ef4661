//! Large blobs out of packs, within little memory.
//!
//! In a pack a blob may be a delta on a blob that is a delta, fifty times over. The library works such a chain out at
//! once, with all its deltas in memory: for files of some megabytes that is a hundred. Here one delta is worked out
//! after the other, from the base up, so that it takes the blob, the one before it and the delta between them.

use crate::git::cache::LARGEST_BUFFER;
use gix::{
    ObjectId,
    odb::pack::{
        Bundle,
        cache::DecodeEntry,
        data::{self, decode::entry::ResolvedBase},
    },
    oid,
};
use std::fs;

/// The packs of a repository, mapped.
pub(super) struct Packs(Vec<Bundle>);

/// The longest chain that is worked out, as in git.
const LONGEST_CHAIN: usize = 4096;

impl Packs {
    /// Those that are there now; one that cannot be opened holds nothing.
    pub(super) fn open(objects: &gix::Repository) -> Self {
        let folder = objects.objects.store_ref().path().join("pack");
        let files = fs::read_dir(folder).into_iter().flatten().flatten();
        let indices = files
            .map(|file| file.path())
            .filter(|path| path.extension().is_some_and(|extension| extension == "idx"));
        let open = |index| {
            let mut pack = Bundle::at(index, objects.object_hash()).ok()?;
            pack.pack = pack.pack.with_alloc_limit_bytes(Some(LARGEST_BUFFER));
            Some(pack)
        };
        Self(indices.filter_map(open).collect())
    }

    /// A blob; `None` where no pack holds it, or a base of it.
    pub(super) fn read(&self, id: ObjectId) -> gix::Result<Option<Vec<u8>>> {
        for pack in &self.0 {
            if let Some(entry) = entry_of(pack, &id)? {
                return read(pack, entry);
            }
        }
        Ok(None)
    }
}

fn entry_of(pack: &Bundle, id: &oid) -> gix::Result<Option<data::Entry>> {
    match pack.index.lookup(id) {
        Some(index) => pack.pack.entry(pack.index.pack_offset_at_index(index)).map(Some),
        None => Ok(None),
    }
}

fn read(pack: &Bundle, entry: data::Entry) -> gix::Result<Option<Vec<u8>>> {
    let mut chain = vec![entry];
    while let Some(last) = chain.last()
        && last.header.is_delta()
    {
        let base = match last.header {
            data::entry::Header::OfsDelta { base_distance } => {
                match last.checked_base_pack_offset(base_distance) {
                    Some(offset) => Some(pack.pack.entry(offset)?),
                    None => None,
                }
            }
            data::entry::Header::RefDelta { base_id } => entry_of(pack, &base_id)?,
            _ => None,
        };
        match base {
            Some(base) if chain.len() < LONGEST_CHAIN => chain.push(base),
            _ => return Ok(None),
        }
    }
    let (mut before, mut blob) = (Before::default(), Vec::new());
    let mut inflate = gix::zlib::Inflate::default();
    let in_pack = |id: &oid, _: &mut Vec<u8>| Ok(entry_of(pack, id)?.map(ResolvedBase::InPack));
    while let Some(entry) = chain.pop() {
        let (offset, is_base) = (entry.data_offset, entry.header.is_base());
        blob.clear();
        let decoded = pack
            .pack
            .decode_entry(entry, &mut blob, &mut inflate, &in_pack, &mut before)?;
        // The library tells of what it made of deltas, and not of what it only inflated.
        if is_base && !chain.is_empty() {
            before.put(pack.pack.id, offset, &blob, decoded.kind, decoded.compressed_size);
        }
    }
    Ok(Some(blob))
}

/// The one object that the next delta is on.
#[derive(Default)]
struct Before {
    offset: Option<u64>,
    kind: Option<gix::objs::Kind>,
    compressed_size: usize,
    object: Vec<u8>,
}

impl DecodeEntry for Before {
    fn put(&mut self, _pack: u32, offset: u64, object: &[u8], kind: gix::objs::Kind, compressed_size: usize) {
        self.offset = Some(offset);
        self.kind = Some(kind);
        self.compressed_size = compressed_size;
        self.object.clear();
        self.object.extend_from_slice(object);
    }

    fn get(&mut self, _pack: u32, offset: u64, out: &mut Vec<u8>) -> Option<(gix::objs::Kind, usize)> {
        if self.offset != Some(offset) {
            return None;
        }
        out.clear();
        out.extend_from_slice(&self.object);
        Some((self.kind?, self.compressed_size))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use testkit::{
        git::{Commit, GitHost},
        module::incompressible,
        skip_or_fail,
    };

    #[test]
    fn chains_of_deltas_are_worked_out_as_the_library_does() {
        if !testkit::git::is_here() {
            skip_or_fail!("there is no git here")
        }
        let host = GitHost::start();
        let repository = host.repository("r");
        let mut tree = Commit::at(1);
        for number in 0..20 {
            // Each is the one before it with something at its beginning and its end.
            let mut content = format!("{number}\n").repeat(number).into_bytes();
            content.extend_from_slice(&incompressible(100_000, 1));
            content.extend_from_slice(format!("{number}\n").repeat(100).as_bytes());
            tree = tree.file(&format!("{number}"), content);
        }
        repository.commit("main", &tree);
        repository.git(["repack", "-a", "-d", "-f", "-q", "--depth=20", "--window=30"]);
        let deltas = repository.git(["cat-file", "--batch-all-objects", "--batch-check=%(deltabase)"]);
        assert!(
            deltas.lines().filter(|base| base.contains(|c| c != '0')).count() > 10,
            "{deltas}"
        );
        let objects = gix::open_opts(repository.folder(), gix::open::Options::isolated()).unwrap();
        let packs = Packs::open(&objects);
        for id in repository
            .git(["ls-tree", "--format=%(objectname)", "main"])
            .lines()
        {
            let id = ObjectId::from_hex(id.as_bytes()).unwrap();
            let read = packs.read(id).unwrap().unwrap();
            assert!(read == objects.find_object(id).unwrap().data, "{id}");
        }
        let absent = ObjectId::from_hex("1".repeat(40).as_bytes()).unwrap();
        assert!(packs.read(absent).unwrap().is_none());
    }
}
