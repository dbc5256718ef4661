//! One entry: its own header, its contents, and the descriptor that may follow them.
//!
//! Formats are those of PKWARE's APPNOTE.TXT 6.3.10, sections 4.3.7 to 4.3.9.

use super::{
    CheckError, InvalidZip,
    directory::{Entry, Extra64, Fields},
};
use flate2::{Crc, Decompress, FlushDecompress, Status};
use std::io::BufRead;

const HEADER: u32 = 0x0403_4b50;
const HEADER_SIZE: usize = 30;
const DESCRIPTOR: u32 = 0x0807_4b50;

const STORED: u16 = 0;
const DEFLATED: u16 = 8;

/// Bit 3: the sizes are not in the entry's header but in a descriptor after its contents.
const HAS_DESCRIPTOR: u16 = 1 << 3;
/// Bits 0, 6 and 13: the contents, or the headers too, are encrypted.
const ENCRYPTED: u16 = 1 | 1 << 6 | 1 << 13;
/// Bit 5: the contents are a patch to another file.
const PATCH: u16 = 1 << 5;
/// Bit 11: the name is UTF-8.
const UTF8: u16 = 1 << 11;

/// How much is inflated at once, in bytes.
const PIECE: usize = 64 << 10;

/// Reads entries one after the other from a zip that is read from its start.
pub(super) struct EntryReader<R> {
    zip: R,
    position: u64,
    inflate: Decompress,
    piece: Vec<u8>,
}

/// What the directory says of an entry that cannot be in a module zip, whatever its contents.
pub(super) fn check_form(entry: &Entry) -> Result<(), &'static str> {
    if entry.flags & ENCRYPTED != 0 {
        return Err("it is encrypted");
    }
    if entry.flags & PATCH != 0 {
        return Err("it is a patch to another file");
    }
    if !matches!(entry.method, STORED | DEFLATED) {
        return Err("it is neither stored nor deflated");
    }
    if entry.method == STORED && entry.size != entry.compressed_size {
        return Err("it is stored, but its two sizes differ");
    }
    const TYPE: u32 = 0xf000;
    match entry.attributes >> 16 & TYPE {
        0 | 0x8000 => {}
        0xa000 => return Err("it is a symbolic link"),
        0x4000 => return Err("it is a folder"),
        _ => return Err("it is no regular file"),
    }
    if entry.attributes & 0x10 != 0 {
        return Err("it is a folder");
    }
    Ok(())
}

impl<R: BufRead> EntryReader<R> {
    pub(super) fn new(zip: R) -> Self {
        Self {
            zip,
            position: 0,
            inflate: Decompress::new(false),
            piece: vec![0; PIECE],
        }
    }

    /// Reads the next entry, which must start where the last one ended and end at `end`, where the next thing
    /// starts; gives its contents to `contents` piece by piece, and checks sizes and CRC-32.
    pub(super) fn read(
        &mut self,
        entry: &Entry,
        end: u64,
        contents: impl FnMut(&[u8]),
    ) -> Result<(), CheckError> {
        let fault = |fault: &str| CheckError::from(InvalidZip::of_entry(&entry.name, fault));
        if entry.offset != self.position {
            return Err(fault(if entry.offset < self.position {
                "it overlaps the entry before it"
            } else {
                "there are bytes before it that belong to no entry"
            }));
        }
        let has_descriptor = self.read_header(entry, end)?;
        let contents_end = self
            .position
            .checked_add(entry.compressed_size)
            .filter(|&at| at <= end);
        let Some(contents_end) = contents_end else {
            return Err(fault("it overlaps what comes after it"));
        };
        let crc32 = match entry.method {
            STORED => self.read_stored(entry, contents)?,
            _ => self.read_deflated(entry, contents)?,
        };
        self.position = contents_end;
        if crc32 != entry.crc32 {
            return Err(fault("its contents do not match their CRC-32"));
        }
        if has_descriptor {
            self.read_descriptor(entry, end - contents_end)?;
        } else if contents_end != end {
            return Err(fault("there are bytes after it that belong to no entry"));
        }
        self.position = end;
        Ok(())
    }

    /// Reads the entry's own header and compares it with the directory's; whether a descriptor follows.
    fn read_header(&mut self, entry: &Entry, end: u64) -> Result<bool, CheckError> {
        let fault = |fault: &str| CheckError::from(InvalidZip::of_entry(&entry.name, fault));
        let room = end.saturating_sub(self.position);
        if room < HEADER_SIZE as u64 {
            return Err(fault("it overlaps what comes after it"));
        }
        let mut header = [0; HEADER_SIZE];
        self.zip.read_exact(&mut header)?;
        let mut header = Fields(&header);
        if header.u32() != HEADER {
            return Err(fault("there is no entry where the directory says"));
        }
        let _version = header.u16();
        let (flags, method, _time) = (header.u16(), header.u16(), header.u32());
        let (crc32, compressed_size, size) = (header.u32(), header.u32(), header.u32());
        let (name_size, extra_size) = (usize::from(header.u16()), usize::from(header.u16()));
        if room < (HEADER_SIZE + name_size + extra_size) as u64 {
            return Err(fault("it overlaps what comes after it"));
        }
        let mut rest = vec![0; name_size + extra_size];
        self.zip.read_exact(&mut rest)?;
        self.position += (HEADER_SIZE + rest.len()) as u64;
        let (name, extra) = rest.split_at(name_size);
        if name != entry.name.as_bytes() {
            return Err(fault("its own header gives it another name than the directory"));
        }
        let compared = ENCRYPTED | PATCH | HAS_DESCRIPTOR | UTF8;
        if method != entry.method || flags & compared != entry.flags & compared {
            return Err(fault("its own header and the directory disagree on its form"));
        }
        let has_descriptor = flags & HAS_DESCRIPTOR != 0;
        let mut wide = Extra64::find(extra);
        // A full field without a wide one stands for itself; it cannot be right, except where zero is.
        let mut agrees = |own: u32, directory: u64| {
            let own = wide.widen(own).unwrap_or(own.into());
            own == directory || (has_descriptor && own == 0)
        };
        if !(agrees(size, entry.size) && agrees(compressed_size, entry.compressed_size)) {
            return Err(fault("its own header and the directory disagree on its size"));
        }
        if crc32 != entry.crc32 && !(has_descriptor && crc32 == 0) {
            return Err(fault("its own header and the directory disagree on its CRC-32"));
        }
        Ok(has_descriptor)
    }

    fn read_stored(&mut self, entry: &Entry, mut contents: impl FnMut(&[u8])) -> Result<u32, CheckError> {
        let mut crc = Crc::new();
        let mut rest = entry.size;
        while rest > 0 {
            let piece = self
                .piece
                .get_mut(..rest.min(PIECE as u64) as usize)
                .unwrap_or_default();
            self.zip.read_exact(piece)?;
            crc.update(piece);
            contents(piece);
            rest -= piece.len() as u64;
        }
        Ok(crc.sum())
    }

    fn read_deflated(&mut self, entry: &Entry, mut contents: impl FnMut(&[u8])) -> Result<u32, CheckError> {
        let fault = |fault: &str| CheckError::from(InvalidZip::of_entry(&entry.name, fault));
        let mut crc = Crc::new();
        let (mut compressed, mut size) = (entry.compressed_size, 0);
        self.inflate.reset(false);
        loop {
            let available = self.zip.fill_buf()?;
            let input = &available[..available
                .len()
                .min(usize::try_from(compressed).unwrap_or(usize::MAX))];
            let (before_in, before_out) = (self.inflate.total_in(), self.inflate.total_out());
            let status = self
                .inflate
                .decompress(input, &mut self.piece, FlushDecompress::None)
                .map_err(|_| fault("its contents cannot be inflated"))?;
            let (taken, given) = (
                self.inflate.total_in() - before_in,
                self.inflate.total_out() - before_out,
            );
            self.zip.consume(taken as usize);
            compressed -= taken;
            size += given;
            // At once, so that a bomb costs no more than it declares.
            if size > entry.size {
                return Err(fault("it holds more than it declares"));
            }
            let piece = &self.piece[..given as usize];
            crc.update(piece);
            contents(piece);
            match status {
                Status::StreamEnd => break,
                _ if taken == 0 && given == 0 => return Err(fault("its contents are cut off")),
                _ => {}
            }
        }
        if compressed != 0 {
            return Err(fault("there are bytes behind its deflated contents"));
        }
        if size != entry.size {
            return Err(fault("it holds less than it declares"));
        }
        Ok(crc.sum())
    }

    /// Reads the descriptor. Its signature is optional and its sizes have 32 or 64 bits, but only one of the four
    /// forms fits the room there is.
    fn read_descriptor(&mut self, entry: &Entry, room: u64) -> Result<(), CheckError> {
        let fault = || {
            InvalidZip::of_entry(
                &entry.name,
                "its descriptor is malformed or disagrees with the directory",
            )
        };
        let mut descriptor = [0; 24];
        let descriptor = match room {
            12 | 16 | 20 | 24 => &mut descriptor[..room as usize],
            _ => return Err(fault().into()),
        };
        self.zip.read_exact(descriptor)?;
        let mut fields = Fields(descriptor);
        let signed = room == 16 || room == 24;
        if signed && fields.u32() != DESCRIPTOR || fields.u32() != entry.crc32 {
            return Err(fault().into());
        }
        let mut size = || {
            if room >= 20 {
                fields.u64()
            } else {
                fields.u32().into()
            }
        };
        if size() != entry.compressed_size || size() != entry.size {
            return Err(fault().into());
        }
        Ok(())
    }
}
