//! The central directory: what a zip says it holds.
//!
//! Formats are those of PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.12 to 4.3.16.

use super::{CheckError, InvalidZip, MAX_DIRECTORY, MAX_ENTRIES};
use std::io::{self, Read, Seek, SeekFrom};

const ENTRY: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;
const END_64: u32 = 0x0606_4b50;
const LOCATOR_64: u32 = 0x0706_4b50;

const ENTRY_SIZE: usize = 46;
const END_SIZE: usize = 22;
const END_64_SIZE: usize = 56;
const LOCATOR_64_SIZE: usize = 20;

/// The tag of the extra field that holds what does not fit into 32 bits.
const EXTRA_64: u16 = 1;

/// One entry, as the directory describes it.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: Box<str>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) crc32: u32,
    pub(super) compressed_size: u64,
    pub(super) size: u64,
    /// Where its own header lies.
    pub(super) offset: u64,
    /// The host system's attributes: Unix modes in the upper half, those of DOS in the lower.
    pub(super) attributes: u32,
}

/// Where the directory lies, as the end of the file says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Location {
    pub(super) offset: u64,
    pub(super) size: u64,
    pub(super) entries: u64,
}

/// Finds the directory of a zip of `size` bytes. It must be followed by its end record at once, and that by the end
/// of the file, its comment aside.
pub(super) fn locate(zip: &mut (impl Read + Seek), size: u64) -> Result<Location, CheckError> {
    let tail_offset = size.saturating_sub((END_SIZE + usize::from(u16::MAX)) as u64);
    zip.seek(SeekFrom::Start(tail_offset))?;
    let mut tail = Vec::new();
    zip.by_ref().take(size - tail_offset).read_to_end(&mut tail)?;

    let signature = END.to_le_bytes();
    let Some(at) = tail
        .windows(END_SIZE)
        .rposition(|window| window.starts_with(&signature))
    else {
        return Err(InvalidZip::new("it is no zip: no end record was found").into());
    };
    let (record, comment) = tail[at..].split_at(END_SIZE);
    let mut record = Fields(&record[4..]);
    let [disk, directory_disk, entries_here, entries] = [(); 4].map(|()| u64::from(record.u16()));
    let [directory_size, offset] = [(); 2].map(|()| u64::from(record.u32()));
    if usize::from(record.u16()) != comment.len() {
        return Err(InvalidZip::new("there are bytes after its end record").into());
    }
    let narrow = Location {
        offset,
        size: directory_size,
        entries,
    };
    let end_offset = tail_offset + at as u64;
    let (location, directory_end) = match end_64(zip, end_offset)? {
        Some((wide, wide_offset)) => {
            let agree = |narrow: u64, wide: u64, full: u64| narrow == wide || narrow == full;
            if !(agree(narrow.offset, wide.offset, u32::MAX.into())
                && agree(narrow.size, wide.size, u32::MAX.into())
                && agree(narrow.entries, wide.entries, u16::MAX.into()))
            {
                return Err(InvalidZip::new("its two end records disagree").into());
            }
            (wide, wide_offset)
        }
        None if disk != 0 || directory_disk != 0 || entries_here != entries => return Err(split_zip()),
        None => (narrow, end_offset),
    };
    if location.offset.checked_add(location.size) != Some(directory_end) {
        return Err(InvalidZip::new("its directory does not lie where its end record says").into());
    }
    if location.entries > MAX_ENTRIES {
        return Err(InvalidZip::new(format!("it has more than {MAX_ENTRIES} entries")).into());
    }
    if location.size > MAX_DIRECTORY {
        return Err(InvalidZip::new(format!("its directory is larger than {MAX_DIRECTORY} bytes")).into());
    }
    if location.size < location.entries * ENTRY_SIZE as u64 {
        return Err(InvalidZip::new("its directory is too short for its entries").into());
    }
    Ok(location)
}

/// The end record with 64-bit fields, and where it lies, if there is one before the end record at `end_offset`.
fn end_64(zip: &mut (impl Read + Seek), end_offset: u64) -> Result<Option<(Location, u64)>, CheckError> {
    let Some(locator_offset) = end_offset.checked_sub(LOCATOR_64_SIZE as u64) else {
        return Ok(None);
    };
    let mut locator = [0; LOCATOR_64_SIZE];
    zip.seek(SeekFrom::Start(locator_offset))?;
    zip.read_exact(&mut locator)?;
    let mut locator = Fields(&locator);
    if locator.u32() != LOCATOR_64 {
        return Ok(None);
    }
    let (disk, offset, disks) = (locator.u32(), locator.u64(), locator.u32());
    let malformed = || InvalidZip::new("its 64-bit end record is malformed");
    if offset
        .checked_add(END_64_SIZE as u64)
        .is_none_or(|end| end > locator_offset)
    {
        return Err(malformed().into());
    }
    let mut record = [0; END_64_SIZE];
    zip.seek(SeekFrom::Start(offset))?;
    zip.read_exact(&mut record)?;
    let mut record = Fields(&record);
    // The record's size leaves out its signature and itself.
    if record.u32() != END_64 || record.u64().checked_add(offset + 12) != Some(locator_offset) {
        return Err(malformed().into());
    }
    let _versions = record.u32();
    let [record_disk, directory_disk] = [(); 2].map(|()| record.u32());
    let [entries_here, entries, size, directory] = [(); 4].map(|()| record.u64());
    if disk != 0 || disks > 1 || record_disk != 0 || directory_disk != 0 || entries_here != entries {
        return Err(split_zip());
    }
    Ok(Some((
        Location {
            offset: directory,
            size,
            entries,
        },
        offset,
    )))
}

fn split_zip() -> CheckError {
    InvalidZip::new("it is a part of a zip split over several disks").into()
}

/// Reads the directory's entries in its order; `judge` decides of each whether to go on.
pub(super) fn read(
    zip: &mut impl Read,
    location: &Location,
    mut judge: impl FnMut(&Entry) -> Result<(), InvalidZip>,
) -> Result<Vec<Entry>, CheckError> {
    let mut zip = zip.by_ref().take(location.size);
    let mut entries = Vec::with_capacity(location.entries as usize);
    for _ in 0..location.entries {
        let entry = read_entry(&mut zip)?;
        judge(&entry)?;
        entries.push(entry);
    }
    if zip.limit() != 0 {
        return Err(InvalidZip::new("its directory holds more than its entries").into());
    }
    Ok(entries)
}

fn read_entry(directory: &mut io::Take<impl Read>) -> Result<Entry, CheckError> {
    let mut header = [0; ENTRY_SIZE];
    read_within(directory, &mut header)?;
    let mut header = Fields(&header);
    if header.u32() != ENTRY {
        return Err(InvalidZip::new("its directory is malformed").into());
    }
    let _versions = header.u32();
    let (flags, method, _time) = (header.u16(), header.u16(), header.u32());
    let (crc32, compressed_size, size) = (header.u32(), header.u32(), header.u32());
    let (name_size, extra_size, comment_size) = (header.u16(), header.u16(), header.u16());
    let (disk, _internal) = (header.u16(), header.u16());
    let (attributes, offset) = (header.u32(), header.u32());

    let mut name = vec![0; name_size.into()];
    read_within(directory, &mut name)?;
    let name = String::from_utf8(name).map_err(|error| {
        InvalidZip::of_entry(
            &String::from_utf8_lossy(error.as_bytes()),
            "its name is not UTF-8",
        )
    })?;
    let mut extra = vec![0; extra_size.into()];
    read_within(directory, &mut extra)?;
    read_within(directory, &mut vec![0; comment_size.into()])?;

    let mut wide = Extra64::find(&extra);
    let (Some(size), Some(compressed_size), Some(offset)) =
        (wide.widen(size), wide.widen(compressed_size), wide.widen(offset))
    else {
        return Err(InvalidZip::of_entry(&name, "it lacks the sizes that do not fit into 32 bits").into());
    };
    if disk != 0 && disk != u16::MAX {
        return Err(split_zip());
    }
    Ok(Entry {
        name: name.into(),
        flags,
        method,
        crc32,
        compressed_size,
        size,
        offset,
        attributes,
    })
}

/// Reads on within the directory; its end is the zip's fault and not the disk's.
fn read_within(directory: &mut io::Take<impl Read>, buffer: &mut [u8]) -> Result<(), CheckError> {
    if directory.limit() < buffer.len() as u64 {
        return Err(InvalidZip::new("its directory is cut off").into());
    }
    Ok(directory.read_exact(buffer)?)
}

/// The 64-bit values of an entry: those, in order, whose 32-bit field is full.
pub(super) struct Extra64<'a>(&'a [u8]);

impl<'a> Extra64<'a> {
    /// Looks into an entry's extra fields. What is malformed there is no matter as long as nothing of it is needed.
    pub(super) fn find(mut extra: &'a [u8]) -> Self {
        while let Some((head, rest)) = extra.split_first_chunk::<4>() {
            let mut head = Fields(head);
            let (tag, size) = (head.u16(), usize::from(head.u16()));
            let Some((field, rest)) = rest.split_at_checked(size) else {
                break;
            };
            if tag == EXTRA_64 {
                return Self(field);
            }
            extra = rest;
        }
        Self(&[])
    }

    /// A field's value: its own, or the next 64-bit one if it is full. `None` if that is missing.
    pub(super) fn widen(&mut self, field: u32) -> Option<u64> {
        if field != u32::MAX {
            return Some(field.into());
        }
        let (value, rest) = self.0.split_first_chunk::<8>()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*value))
    }
}

/// Takes little-endian fields off a record whose size was checked, one after the other.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (field, rest) = self
            .0
            .split_first_chunk()
            .expect("each record is read whole, by its fixed size");
        self.0 = rest;
        *field
    }

    pub(super) fn u16(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    pub(super) fn u32(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    pub(super) fn u64(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}
