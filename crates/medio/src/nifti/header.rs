//! The NIfTI-1 and NIfTI-2 headers as they lie in a file, in either byte order.
//!
//! Parsing copies the fields and checks only the marks that say what the bytes are; the rules between
//! fields are in [`super::layout`] and [`super::xform`]. Standard: NIfTI-1.1 and NIfTI-2, the header
//! files `nifti1.h` and `nifti2.h` (public domain, <https://nifti.nimh.nih.gov>).

use crate::fault::Fault;
use crate::format::Format;
use crate::raw::Endian;
use crate::voxel::Datatype;

/// Which of the two header layouts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Version {
    /// 348 bytes, dimensions up to 32767, `f32` geometry.
    One,
    /// 540 bytes, 64-bit dimensions, `f64` geometry.
    Two,
    /// Analyze 7.5: the layout before NIfTI-1, in pairs only, without orientation.
    Analyze,
}

impl Version {
    /// Bytes of the header itself.
    pub(crate) const fn size(self) -> usize {
        match self {
            Self::One | Self::Analyze => 348,
            Self::Two => 540,
        }
    }

    /// The first byte voxels can have in a single file: header and four bytes of extension flag.
    pub(crate) const fn first_voxel(self) -> u64 {
        match self {
            Self::One | Self::Analyze => 352,
            Self::Two => 544,
        }
    }
}

/// The fields of a NIfTI header under their names in the standard, lengths and codes as stored.
///
/// World coordinates here are NIfTI's own, RAS; images get theirs from [`Header::geometry`], in LPS.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// NIfTI-1 or NIfTI-2.
    pub version: Version,
    /// Byte order of header and voxels.
    pub endian: Endian,
    /// Whether voxels follow in the same file (`n+1`) or lie in an `.img` beside it (`ni1`).
    pub single_file: bool,
    /// Number of dimensions, then their lengths, x first.
    pub dim: [i64; 8],
    /// How voxels are stored.
    pub datatype: Datatype,
    /// Bits a voxel, as the file says.
    pub bitpix: i16,
    /// Handedness of the qform, then the step along each dimension in `xyzt_units`.
    pub pixdim: [f64; 8],
    /// Byte at which voxels start, as the file says.
    pub vox_offset: f64,
    /// Factor from stored to real values; 0 and NaN mean no scaling.
    pub scl_slope: f64,
    /// Offset from stored to real values.
    pub scl_inter: f64,
    /// Units of lengths (low three bits) and time.
    pub xyzt_units: u8,
    /// What the qform's coordinates are; 0 if there is none.
    pub qform_code: i32,
    /// What the sform's coordinates are; 0 if there is none.
    pub sform_code: i32,
    /// The quaternion's b, c, d.
    pub quatern: [f64; 3],
    /// The qform's translation.
    pub qoffset: [f64; 3],
    /// The sform: rows x, y, z of the affine from (i, j, k, 1) to RAS.
    pub srow: [[f64; 4]; 3],
    /// What the numbers mean; 0 for nothing in particular.
    pub intent_code: i32,
    /// Parameters of the intent.
    pub intent_p: [f64; 3],
    /// Name of the intent.
    pub intent_name: String,
    /// Free text, at most 79 bytes.
    pub descrip: String,
    /// Name of an auxiliary file; never opened.
    pub aux_file: String,
    /// Display range, upper end.
    pub cal_max: f64,
    /// Display range, lower end.
    pub cal_min: f64,
    /// Frequency, phase and slice axes of an MR acquisition.
    pub dim_info: u8,
    /// Order of slices in time.
    pub slice_code: i32,
    /// First slice that `slice_code` speaks of.
    pub slice_start: i64,
    /// Last slice that `slice_code` speaks of.
    pub slice_end: i64,
    /// Seconds a slice took, in the time unit.
    pub slice_duration: f64,
    /// Time of the first volume.
    pub toffset: f64,
    /// Analyze only: the voxel at zero as SPM counts it, from 1, x first; zeros where there is none.
    pub spm_origin: [i16; 3],
}

/// Big enough for either header and the extension flag behind it.
pub(crate) const MAX_HEADER: usize = 544;

/// What a header without NIfTI's mark may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unmarked {
    /// Nothing: the file is refused.
    Refused,
    /// Analyze 7.5, which has no mark: the file is half of a pair.
    Analyze,
}

/// Reads the fields of a header.
pub(crate) fn parse(bytes: &[u8], unmarked: Unmarked) -> Result<Header, Fault> {
    let size: [u8; 4] = Fields::new(bytes, Endian::Little).array(0)?;
    let (version, endian) = match (i32::from_le_bytes(size), i32::from_be_bytes(size)) {
        (348, _) => (Version::One, Endian::Little),
        (_, 348) => (Version::One, Endian::Big),
        (540, _) => (Version::Two, Endian::Little),
        (_, 540) => (Version::Two, Endian::Big),
        (other, _) => {
            let reason = format!("sizeof_hdr (byte 0) must be 348 or 540, got {other}");
            return Err(Fault::Unrecognised {
                format: Format::Nifti,
                reason,
            });
        }
    };
    if bytes.len() < version.size() {
        return Err(Fault::Truncated {
            what: "the header",
            needed: u64::try_from(version.size()).unwrap_or(u64::MAX),
            available: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
        });
    }
    let fields = Fields::new(bytes, endian);
    match version {
        Version::Two => parse_two(&fields),
        Version::One | Version::Analyze => match (fields.array::<4>(344)?, unmarked) {
            ([b'n', b'+' | b'i', b'1', 0], _) | (_, Unmarked::Refused) => parse_one(&fields),
            (_, Unmarked::Analyze) => super::analyze::parse(&fields),
        },
    }
}

fn parse_one(at: &Fields<'_>) -> Result<Header, Fault> {
    let single_file = match &at.array::<4>(344)? {
        b"n+1\0" => true,
        b"ni1\0" => false,
        other => return Err(bad_magic(other, "n+1 or ni1", 344)),
    };
    Ok(Header {
        version: Version::One,
        endian: at.endian,
        single_file,
        dim: at.each(40, 2, |o| at.i16(o).map(i64::from))?,
        datatype: datatype(at.i16(70)?, 70)?,
        bitpix: at.i16(72)?,
        pixdim: at.each(76, 4, |o| at.f32(o))?,
        vox_offset: at.f32(108)?,
        scl_slope: at.f32(112)?,
        scl_inter: at.f32(116)?,
        xyzt_units: at.u8(123)?,
        qform_code: at.i16(252)?.into(),
        sform_code: at.i16(254)?.into(),
        quatern: at.each(256, 4, |o| at.f32(o))?,
        qoffset: at.each(268, 4, |o| at.f32(o))?,
        srow: at.each(280, 16, |row| at.each(row, 4, |o| at.f32(o)))?,
        intent_code: at.i16(68)?.into(),
        intent_p: at.each(56, 4, |o| at.f32(o))?,
        intent_name: at.text::<16>(328)?,
        descrip: at.text::<80>(148)?,
        aux_file: at.text::<24>(228)?,
        cal_max: at.f32(124)?,
        cal_min: at.f32(128)?,
        dim_info: at.u8(39)?,
        slice_code: at.u8(122)?.into(),
        slice_start: at.i16(74)?.into(),
        slice_end: at.i16(120)?.into(),
        slice_duration: at.f32(132)?,
        toffset: at.f32(136)?,
        spm_origin: [0; 3],
    })
}

fn parse_two(at: &Fields<'_>) -> Result<Header, Fault> {
    let single_file = match &at.array::<8>(4)? {
        b"n+2\0\r\n\x1a\n" => true,
        b"ni2\0\r\n\x1a\n" => false,
        other => return Err(bad_magic(other, "n+2 or ni2", 4)),
    };
    let vox_offset = at.i64(168)?;
    Ok(Header {
        version: Version::Two,
        endian: at.endian,
        single_file,
        dim: at.each(16, 8, |o| at.i64(o))?,
        datatype: datatype(at.i16(12)?, 12)?,
        bitpix: at.i16(14)?,
        pixdim: at.each(104, 8, |o| at.f64(o))?,
        vox_offset: exact_f64(vox_offset).ok_or_else(|| Fault::InvalidField {
            field: "vox_offset",
            offset: 168,
            rule: "below 2^53",
            value: vox_offset.to_string(),
        })?,
        scl_slope: at.f64(176)?,
        scl_inter: at.f64(184)?,
        xyzt_units: u8::try_from(at.i32(500)? & 0xff).unwrap_or_default(),
        qform_code: at.i32(344)?,
        sform_code: at.i32(348)?,
        quatern: at.each(352, 8, |o| at.f64(o))?,
        qoffset: at.each(376, 8, |o| at.f64(o))?,
        srow: at.each(400, 32, |row| at.each(row, 8, |o| at.f64(o)))?,
        intent_code: at.i32(504)?,
        intent_p: at.each(80, 8, |o| at.f64(o))?,
        intent_name: at.text::<16>(508)?,
        descrip: at.text::<80>(240)?,
        aux_file: at.text::<24>(320)?,
        cal_max: at.f64(192)?,
        cal_min: at.f64(200)?,
        dim_info: at.u8(524)?,
        slice_code: at.i32(496)?,
        slice_start: at.i64(224)?,
        slice_end: at.i64(232)?,
        slice_duration: at.f64(208)?,
        toffset: at.f64(216)?,
        spm_origin: [0; 3],
    })
}

fn bad_magic(found: &[u8], expected: &str, offset: usize) -> Fault {
    let reason = format!(
        "magic (byte {offset}) must be {expected}, got \"{}\" (Analyze 7.5 is read from pairs of .hdr and .img only)",
        found.escape_ascii()
    );
    Fault::Unrecognised {
        format: Format::Nifti,
        reason,
    }
}

pub(super) fn datatype(code: i16, offset: usize) -> Result<Datatype, Fault> {
    Datatype::from_code(code).map_err(|known| match known {
        Some(name) => Fault::Unsupported {
            what: format!("datatype {name} ({code})"),
        },
        None => Fault::InvalidField {
            field: "datatype",
            offset,
            rule: "a code of the standard",
            value: code.to_string(),
        },
    })
}

/// An integer as a float, if that changes nothing.
fn exact_f64(value: i64) -> Option<f64> {
    const LIMIT: u64 = 1 << 53;
    #[expect(clippy::as_conversions, reason = "exact below 2^53")]
    (value.unsigned_abs() < LIMIT).then_some(value as f64)
}

/// Numbers at byte offsets; every access is checked.
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    pub(super) endian: Endian,
}

macro_rules! number {
    ($($name:ident: $t:ty => $out:ty),*) => { $(
        pub(super) fn $name(&self, offset: usize) -> Result<$out, Fault> {
            let bytes = self.array(offset)?;
            Ok(match self.endian {
                Endian::Little => <$t>::from_le_bytes(bytes),
                Endian::Big => <$t>::from_be_bytes(bytes),
            }.into())
        }
    )* };
}

impl<'a> Fields<'a> {
    fn new(bytes: &'a [u8], endian: Endian) -> Self {
        Self { bytes, endian }
    }

    number!(u8: u8 => u8, i16: i16 => i16, i32: i32 => i32, i64: i64 => i64, f32: f32 => f64, f64: f64 => f64);

    fn array<const N: usize>(&self, offset: usize) -> Result<[u8; N], Fault> {
        self.bytes
            .get(offset..)
            .and_then(|rest| rest.first_chunk::<N>())
            .copied()
            .ok_or_else(|| Fault::Truncated {
                what: "the header",
                needed: u64::try_from(offset.saturating_add(N)).unwrap_or(u64::MAX),
                available: u64::try_from(self.bytes.len()).unwrap_or(u64::MAX),
            })
    }

    /// `N` values, `stride` bytes apart.
    pub(super) fn each<T: Copy + Default, const N: usize>(
        &self,
        offset: usize,
        stride: usize,
        read: impl Fn(usize) -> Result<T, Fault>,
    ) -> Result<[T; N], Fault> {
        let mut values = [T::default(); N];
        for (i, value) in values.iter_mut().enumerate() {
            *value = read(offset.saturating_add(i.saturating_mul(stride)))?;
        }
        Ok(values)
    }

    /// Text up to the first NUL; bytes that are not UTF-8 are replaced.
    pub(super) fn text<const N: usize>(&self, offset: usize) -> Result<String, Fault> {
        let bytes = self.array::<N>(offset)?;
        let text = bytes.split(|&b| b == 0).next().unwrap_or_default();
        Ok(String::from_utf8_lossy(text).into_owned())
    }
}
