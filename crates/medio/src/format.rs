//! The formats of image files, and how their first bytes tell them apart.

use std::path::Path;

use medcore::Budget;

use crate::error::{Error, Result};
use crate::raw::{Source, is_gzip_name, without_gzip};

/// A format of image files, read or only known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Format {
    /// NIfTI-1 and NIfTI-2, single files and pairs.
    Nifti,
    /// Analyze 7.5, the ancestor of NIfTI pairs.
    Analyze,
    /// MetaImage (`.mha`, `.mhd`).
    MetaImage,
    /// NRRD (`.nrrd`, `.nhdr`).
    Nrrd,
    /// FreeSurfer's MGH and MGZ.
    Mgh,
    /// A NumPy array (`.npy`).
    Npy,
    /// Several NumPy arrays (`.npz`).
    Npz,
    /// Portable Network Graphics.
    Png,
    /// TIFF and BigTIFF.
    Tiff,
    /// JPEG.
    Jpeg,
    /// Windows bitmap.
    Bmp,
    /// DICOM.
    Dicom,
    /// MINC 1 (netCDF).
    Minc,
    /// HDF5, which also holds MINC 2.
    Hdf5,
}

/// Enough of a file to tell its format; a comment may come first in a text header.
const HEAD: u64 = 4096;

impl Format {
    /// The format of a file, by its contents; the name is not believed.
    ///
    /// Of the voxel file of a pair (`.img`) it is the header beside it that is looked at.
    ///
    /// # Errors
    /// [`Error::UnknownFormat`] with the first bytes; [`Error::Io`].
    pub fn of_file(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let header = crate::nifti::header_of(path);
        let path = header.as_deref().unwrap_or(path);
        let fault = Error::opening(Self::Nifti, path);
        let mut source = Source::open_file(path).map_err(fault)?;
        let read = Error::file(Self::Nifti, path);
        let head = source.bytes(0, HEAD).map_err(read)?;
        Self::of_bytes(&head).ok_or_else(|| Error::unknown_format(path, &head))
    }

    /// The format of a file that starts with these bytes, of which 4096 are enough.
    #[must_use]
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        if !bytes.starts_with(&[0x1f, 0x8b]) {
            return Self::of_plain(bytes);
        }
        // Only what is stored compressed as a whole; a damaged end does not matter here.
        let source = Source::memory(bytes);
        let mut body = source.unpacked(&Budget::new(0)).ok()?;
        let head = body.beginning(2048);
        Self::of_plain(&head)
            .filter(|format| matches!(format, Self::Nifti | Self::Analyze | Self::Mgh))
    }

    fn of_plain(bytes: &[u8]) -> Option<Self> {
        let at = |from: usize, mark: &[u8]| bytes.get(from..).is_some_and(|b| b.starts_with(mark));
        let starts = |mark| at(0, mark);
        if starts(b"\x5c\x01\0\0") || starts(b"\0\0\x01\x5c") {
            return Some(match at(344, b"n+1\0") || at(344, b"ni1\0") {
                true => Self::Nifti,
                false => Self::Analyze,
            });
        }
        // Its preamble may make a DICOM file look like a TIFF to programs that want one.
        if at(128, b"DICM") {
            return Some(Self::Dicom);
        }
        let marks: [(&[u8], Self); 16] = [
            (b"\x1c\x02\0\0", Self::Nifti), // 540, the size of a NIfTI-2 header
            (b"\0\0\x02\x1c", Self::Nifti),
            (b"NRRD", Self::Nrrd),
            (b"\x93NUMPY", Self::Npy),
            (b"PK\x03\x04", Self::Npz),
            (b"PK\x05\x06", Self::Npz),
            (b"\x89PNG\r\n\x1a\n", Self::Png),
            (b"II*\0", Self::Tiff),
            (b"MM\0*", Self::Tiff),
            (b"II+\0", Self::Tiff),
            (b"MM\0+", Self::Tiff),
            (b"\xff\xd8\xff", Self::Jpeg),
            (b"BM", Self::Bmp),
            (b"CDF\x01", Self::Minc),
            (b"CDF\x02", Self::Minc),
            (b"\x89HDF\r\n\x1a\n", Self::Hdf5),
        ];
        if let Some((_, format)) = marks.into_iter().find(|(mark, _)| starts(mark)) {
            return Some(format);
        }
        match () {
            () if crate::metaimage::is_start(bytes) => Some(Self::MetaImage),
            // The version, and a number type that exists.
            () if starts(&[0, 0, 0, 1]) && at(20, &[0, 0, 0]) => Some(Self::Mgh),
            // DICOM from before its files had a preamble.
            () if crate::dicom::is_bare_dataset(bytes) => Some(Self::Dicom),
            () => None,
        }
    }

    /// The format that a file is written in by its name; none for names that are not written.
    #[must_use]
    pub fn of_name(path: impl AsRef<Path>) -> Option<Self> {
        let path = path.as_ref();
        let plain = without_gzip(path);
        let ending = plain.extension()?.to_str()?.to_ascii_lowercase();
        let format = match ending.as_str() {
            "nii" | "hdr" | "img" => return Some(Self::Nifti),
            "mha" | "mhd" => Self::MetaImage,
            "nrrd" | "nhdr" => Self::Nrrd,
            "mgh" => return Some(Self::Mgh),
            "mgz" => Self::Mgh,
            "npy" => Self::Npy,
            "npz" => Self::Npz,
            "png" => Self::Png,
            "tif" | "tiff" => Self::Tiff,
            _ => return None,
        };
        (!is_gzip_name(path)).then_some(format)
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Nifti => "NIfTI",
            Self::Analyze => "Analyze 7.5",
            Self::MetaImage => "MetaImage",
            Self::Nrrd => "NRRD",
            Self::Mgh => "MGH",
            Self::Npy => "NumPy array",
            Self::Npz => "NumPy archive",
            Self::Png => "PNG",
            Self::Tiff => "TIFF",
            Self::Jpeg => "JPEG",
            Self::Bmp => "BMP",
            Self::Dicom => "DICOM",
            Self::Minc => "MINC",
            Self::Hdf5 => "HDF5",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_choose_what_is_written_and_gzip_only_where_it_belongs() {
        let of = |name: &str| Format::of_name(name);
        assert_eq!(of("a.nii.gz"), Some(Format::Nifti));
        assert_eq!(of("a.b.MHA"), Some(Format::MetaImage));
        assert_eq!(of("seg.seg.nrrd"), Some(Format::Nrrd));
        assert_eq!(of("a.mgh.gz"), Some(Format::Mgh));
        for name in ["a.nrrd.gz", "a.png.gz", "a.dcm", "a.jpg", "a", "nii"] {
            assert_eq!(of(name), None, "{name}");
        }
    }

    #[test]
    fn contents_choose_what_is_read() {
        let of = |bytes: &[u8]| Format::of_bytes(bytes);
        assert_eq!(of(b"NRRD0005\n"), Some(Format::Nrrd));
        assert_eq!(of(b"ObjectType = Image\n"), Some(Format::MetaImage));
        assert_eq!(of(b"\x89HDF\r\n\x1a\n...."), Some(Format::Hdf5));
        assert_eq!(
            of(&[[0; 128].as_slice(), b"DICM"].concat()),
            Some(Format::Dicom)
        );
        for nothing in [b"".as_slice(), b"text", &[0; 400], b"\x1f\x8b", b"a = b"] {
            assert_eq!(of(nothing), None, "{nothing:?}");
        }
    }
}
