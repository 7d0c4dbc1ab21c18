//! The members of a ZIP archive, as far as NumPy writes them: stored or deflated, ZIP64 sizes.

use crate::fault::{Fault, shortened};
use crate::format::Format;
use crate::raw::{Source, len64};

/// A member as the central directory describes it.
#[derive(Debug, Clone)]
pub(super) struct Member {
    /// Its name, without `.npy`.
    pub name: String,
    method: u16,
    crc: u32,
    packed: u64,
    unpacked: u64,
    local_header: u64,
}

/// The end record and the longest comment that may follow it.
const END_AND_COMMENT: u64 = 22 + 65_535;

/// A directory is not longer; NumPy needs 60 bytes a member.
const LARGEST_DIRECTORY: u64 = 4 << 20;

/// The arrays of an archive.
pub(super) fn members(source: &mut Source<'_>) -> Result<Vec<Member>, Fault> {
    let from = source.len().saturating_sub(END_AND_COMMENT);
    let tail = source.bytes(from, END_AND_COMMENT)?;
    let at = tail
        .windows(4)
        .rposition(|window| window == b"PK\x05\x06")
        .ok_or_else(|| damaged("it has no end record"))?;
    let end = Numbers(tail.get(at..).unwrap_or_default());
    let (mut count, mut size, mut start) = (
        u64::from(end.u16(10)?),
        u64::from(end.u32(12)?),
        u64::from(end.u32(16)?),
    );
    if start == u64::from(u32::MAX) || count == u64::from(u16::MAX) {
        let locator = at.checked_sub(20).and_then(|at| tail.get(at..));
        let locator = Numbers(locator.unwrap_or_default());
        if locator.u32(0)? != 0x0706_4b50 {
            return Err(damaged("its ZIP64 record is not there"));
        }
        let record = source.bytes(locator.u64(8)?, 56)?;
        let record = Numbers(&record);
        if record.u32(0)? != 0x0606_4b50 {
            return Err(damaged("its ZIP64 record is not there"));
        }
        (count, size, start) = (record.u64(32)?, record.u64(40)?, record.u64(48)?);
    }
    if size > LARGEST_DIRECTORY {
        return Err(Fault::Oversized {
            what: "archive directory",
            limit: LARGEST_DIRECTORY,
        });
    }
    let directory = source.bytes(start, size)?;
    let mut rest = directory.as_ref();
    let mut members = Vec::new();
    for _ in 0..count {
        let (member, after) = entry(rest)?;
        rest = after;
        members.extend(member);
    }
    Ok(members)
}

/// One entry of the directory, none if it is no array, and what follows it.
fn entry(bytes: &[u8]) -> Result<(Option<Member>, &[u8]), Fault> {
    let at = Numbers(bytes);
    if at.u32(0)? != 0x0201_4b50 {
        return Err(damaged("an entry of its directory is broken"));
    }
    let [name, extra, comment] = [28, 30, 32].map(|offset| at.u16(offset).map(usize::from));
    let (name, extra, comment) = (name?, extra?, comment?);
    let name_end = name.saturating_add(46);
    let extra_end = name_end.saturating_add(extra);
    let end = extra_end.saturating_add(comment);
    let part = |from: usize, to: usize| {
        let part = bytes.get(from..to);
        part.ok_or_else(|| damaged("an entry of its directory is broken"))
    };
    let text = String::from_utf8_lossy(part(46, name_end)?).into_owned();
    let mut large = Zip64::find(part(name_end, extra_end)?);
    let unpacked = large.or_small(at.u32(24)?)?;
    let packed = large.or_small(at.u32(20)?)?;
    let local_header = large.or_small(at.u32(42)?)?;
    let is_encrypted = at.u16(8)? & 1 != 0;
    let member = text.strip_suffix(".npy").map(|name| Member {
        name: name.to_owned(),
        method: at.u16(10).unwrap_or_default(),
        crc: at.u32(16).unwrap_or_default(),
        packed,
        unpacked,
        local_header,
    });
    if is_encrypted && member.is_some() {
        let what = "an encrypted archive".to_owned();
        return Err(Fault::Unsupported { what });
    }
    part(extra_end, end)?;
    Ok((member, bytes.get(end..).unwrap_or_default()))
}

/// Sizes that do not fit 32 bits, in the order in which they are missing.
struct Zip64<'b>(&'b [u8]);

impl<'b> Zip64<'b> {
    fn find(mut extra: &'b [u8]) -> Self {
        while let Some((head, rest)) = extra.split_first_chunk::<4>() {
            let [id0, id1, size0, size1] = *head;
            let size = usize::from(u16::from_le_bytes([size0, size1]));
            let Some((field, after)) = rest.split_at_checked(size) else {
                break;
            };
            if [id0, id1] == [1, 0] {
                return Self(field);
            }
            extra = after;
        }
        Self(&[])
    }

    fn or_small(&mut self, small: u32) -> Result<u64, Fault> {
        if small != u32::MAX {
            return Ok(small.into());
        }
        let (number, rest) = self
            .0
            .split_first_chunk::<8>()
            .ok_or_else(|| damaged("a ZIP64 size is missing"))?;
        self.0 = rest;
        Ok(u64::from_le_bytes(*number))
    }
}

/// Where the bytes of a member are.
pub(super) enum Contents {
    /// In the file, from a byte on.
    Stored { start: u64, len: u64 },
    /// As a gzip member, so that the checksum counts.
    Gzip(Vec<u8>),
}

impl Member {
    /// Finds the bytes of a member; those of a stored one are held against their checksum.
    pub(super) fn open(&self, source: &mut Source<'_>) -> Result<Contents, Fault> {
        let header = source.bytes(self.local_header, 30)?;
        let at = Numbers(&header);
        if at.u32(0)? != 0x0403_4b50 {
            return Err(damaged("a member is not where the directory says"));
        }
        let names = u64::from(at.u16(26)?).saturating_add(u64::from(at.u16(28)?));
        let start = self.local_header.saturating_add(30).saturating_add(names);
        let available = source.len().saturating_sub(start);
        if self.packed > available {
            return Err(Fault::Truncated {
                what: "an array of the archive",
                needed: self.packed,
                available,
            });
        }
        match self.method {
            0 if self.packed == self.unpacked => {
                self.verify(source, start)?;
                Ok(Contents::Stored {
                    start,
                    len: self.packed,
                })
            }
            8 => Ok(Contents::Gzip(
                self.as_gzip(&source.bytes(start, self.packed)?),
            )),
            0 => Err(damaged("a stored member has two sizes")),
            method => Err(Fault::Unsupported {
                what: format!("compression method {method} of {:?}", shortened(&self.name)),
            }),
        }
    }

    /// RFC 1952 around the deflated bytes.
    fn as_gzip(&self, deflated: &[u8]) -> Vec<u8> {
        let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
        gzip.extend_from_slice(deflated);
        gzip.extend(self.crc.to_le_bytes());
        let length = u32::try_from(self.unpacked & 0xffff_ffff).unwrap_or_default();
        gzip.extend(length.to_le_bytes());
        gzip
    }

    fn verify(&self, source: &mut Source<'_>, start: u64) -> Result<(), Fault> {
        const CHUNK: u64 = 1 << 20;
        let mut crc = libdeflater::Crc::new();
        let (mut at, end) = (start, start.saturating_add(self.packed));
        while at < end {
            let chunk = source.bytes(at, CHUNK.min(end.saturating_sub(at)))?;
            if chunk.is_empty() {
                break;
            }
            crc.update(&chunk);
            at = at.saturating_add(len64(chunk.len()));
        }
        match crc.sum() == self.crc {
            true => Ok(()),
            false => Err(Fault::Compressed {
                packing: "stored",
                offset: start,
                problem: "the checksum is another".to_owned(),
            }),
        }
    }
}

fn damaged(reason: &str) -> Fault {
    Fault::Unrecognised {
        format: Format::Npz,
        reason: reason.to_owned(),
    }
}

/// Little-endian numbers at byte offsets; every access is checked.
struct Numbers<'b>(&'b [u8]);

impl Numbers<'_> {
    fn array<const N: usize>(&self, offset: usize) -> Result<[u8; N], Fault> {
        let rest = self.0.get(offset..);
        rest.and_then(|rest| rest.first_chunk::<N>())
            .copied()
            .ok_or_else(|| damaged("a record of the archive is cut"))
    }

    fn u16(&self, offset: usize) -> Result<u16, Fault> {
        self.array(offset).map(u16::from_le_bytes)
    }

    fn u32(&self, offset: usize) -> Result<u32, Fault> {
        self.array(offset).map(u32::from_le_bytes)
    }

    fn u64(&self, offset: usize) -> Result<u64, Fault> {
        self.array(offset).map(u64::from_le_bytes)
    }
}
