//! Header extensions: opaque bytes with a code, between header and voxels.

use super::header::Header;
use crate::raw::Endian;
use crate::report::{Report, Warning};

/// One extension as stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Extension {
    /// Who owns the contents: 2 DICOM, 4 AFNI, 6 text, 32 CIFTI ...
    pub code: i32,
    /// The contents, padding included.
    pub data: Vec<u8>,
}

/// Doubts a flag that announces extensions where the voxels leave no room for one.
pub(crate) fn check_room(head: &[u8], header: &Header, voxels: u64, report: &mut Report) {
    const SMALLEST: u64 = 16;
    let first = header.version.first_voxel();
    let flag = head.get(header.version.size()).copied().unwrap_or(0);
    if flag != 0 && voxels < first.saturating_add(SMALLEST) {
        report.add(Warning::MalformedExtension { offset: first });
    }
}

/// The extensions in the bytes between header and voxels, up to the first malformed one.
///
/// An extension starts with its size (a multiple of 16 that counts itself) and its code.
pub(crate) fn parse(bytes: &[u8], header: &Header, report: &mut Report) -> Vec<Extension> {
    let mut extensions = Vec::new();
    let Some((flag, mut rest)) = bytes.split_first_chunk::<4>() else {
        return extensions;
    };
    if flag.first() == Some(&0) {
        return extensions;
    }
    let number = |b: [u8; 4]| match header.endian {
        Endian::Little => i32::from_le_bytes(b),
        Endian::Big => i32::from_be_bytes(b),
    };
    while let Some((size, after)) = rest.split_first_chunk::<4>() {
        let parsed = usize::try_from(number(*size)).ok().and_then(|size| {
            let (code, _) = after.split_first_chunk::<4>()?;
            let data = rest.get(8..size).filter(|_| size % 16 == 0)?;
            Some((number(*code), data, rest.get(size..)?))
        });
        let Some((code, data, next)) = parsed else {
            let behind_header = bytes.len().saturating_sub(rest.len());
            let offset = behind_header.saturating_add(header.version.size());
            report.add(Warning::MalformedExtension {
                offset: u64::try_from(offset).unwrap_or(u64::MAX),
            });
            break;
        };
        extensions.push(Extension {
            code,
            data: data.to_vec(),
        });
        rest = next;
    }
    extensions
}
