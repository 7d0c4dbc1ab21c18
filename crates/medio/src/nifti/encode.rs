//! A header for an image, and its bytes.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "what is written comes from an image, not from a file"
)]

use medcore::{Geometry, GeometryTolerance};

use super::header::{Header, Version};
use super::xform::{self, Affine, XformChoice};
use crate::raw::Endian;
use crate::voxel::Datatype;

/// What a header needs to know of an image.
pub(crate) struct Subject<'a> {
    pub geometry: &'a Geometry<3>,
    pub channels: usize,
    /// Dimensions of space to declare, 1 to 3.
    pub rank: usize,
    pub datatype: Datatype,
    /// Whether voxels follow the header in its file, or lie in an `.img` of their own.
    pub single_file: bool,
    pub descrip: Option<&'a str>,
    pub like: Option<&'a Header>,
}

/// Why no header can be made: the rule and what broke it.
pub(crate) type Refusal = (&'static str, String);

/// The header of an image; NIfTI-2 only where NIfTI-1 cannot hold its dimensions.
pub(crate) fn header(subject: &Subject<'_>) -> Result<Header, Refusal> {
    let [depth, height, width] = subject.geometry.shape();
    let mut dim = [1_i64; 8];
    dim[0] = if subject.channels > 1 {
        4
    } else {
        subject.rank as i64
    };
    for (slot, extent) in dim[1..]
        .iter_mut()
        .zip([width, height, depth, subject.channels])
    {
        *slot = i64::try_from(extent).map_err(|_| ("dimensions below 2^63", extent.to_string()))?;
    }
    let fits_one = dim.iter().all(|&n| i16::try_from(n).is_ok());
    let version = match (fits_one, subject.like.map(|like| like.version)) {
        (true, None | Some(Version::One | Version::Analyze)) => Version::One,
        _ => Version::Two,
    };
    let mut header = Header {
        version,
        endian: Endian::NATIVE,
        single_file: subject.single_file,
        dim,
        datatype: subject.datatype,
        bitpix: (subject.datatype.voxel_bytes() * 8) as i16,
        pixdim: [1.0; 8],
        vox_offset: if subject.single_file {
            version.first_voxel() as f64
        } else {
            0.0
        },
        scl_slope: 1.0,
        scl_inter: 0.0,
        xyzt_units: 2,
        qform_code: 0,
        sform_code: 1,
        quatern: [0.0; 3],
        qoffset: [0.0; 3],
        srow: [[0.0; 4]; 3],
        intent_code: 0,
        intent_p: [0.0; 3],
        intent_name: String::new(),
        descrip: subject.descrip.unwrap_or_default().to_owned(),
        aux_file: String::new(),
        cal_max: 0.0,
        cal_min: 0.0,
        dim_info: 0,
        slice_code: 0,
        slice_start: 0,
        slice_end: 0,
        slice_duration: 0.0,
        toffset: 0.0,
        spm_origin: [0; 3],
    };
    match subject.like {
        Some(like) => keep_place(&mut header, like, subject)?,
        None => set_place(&mut header, subject.geometry),
    }
    Ok(header)
}

/// Takes both maps, units and text from a header of the same grid, to the bit.
fn keep_place(header: &mut Header, like: &Header, subject: &Subject<'_>) -> Result<(), Refusal> {
    const SAME: GeometryTolerance = GeometryTolerance {
        spacing_relative: 1e-5,
        direction: 1e-5,
        origin_voxels: 1e-3,
    };
    let rule = "an image on the grid of the header given to WriteOptions::like";
    let mut difference = String::new();
    for choice in [XformChoice::Auto, XformChoice::Qform] {
        let same = like
            .geometry(choice)
            .map_err(|fault| fault.to_string())
            .and_then(|(grid, _)| {
                let same = grid.check_same_as(subject.geometry, &SAME);
                same.map_err(|mismatch| mismatch.to_string())
            });
        match same {
            Ok(()) => {
                header.pixdim[..4].copy_from_slice(&like.pixdim[..4]);
                header.xyzt_units = like.xyzt_units;
                header.qform_code = like.qform_code;
                header.sform_code = like.sform_code;
                header.quatern = like.quatern;
                header.qoffset = like.qoffset;
                header.srow = like.srow;
                if subject.descrip.is_none() {
                    header.descrip.clone_from(&like.descrip);
                }
                return Ok(());
            }
            Err(problem) if difference.is_empty() => difference = problem,
            Err(_) => {}
        }
    }
    Err((rule, difference))
}

/// Writes the grid as sform, and as qform too where a rotation and spacings say the same.
fn set_place(header: &mut Header, geometry: &Geometry<3>) {
    let stored = |v: f64| match header.version {
        Version::One | Version::Analyze => f64::from(v as f32),
        Version::Two => v,
    };
    header.srow = xform::ras_affine(geometry).map(|row| row.map(stored));
    let [zk, zj, zi] = geometry.spacing();
    let zooms = [zi, zj, zk].map(stored);
    header.pixdim[1..4].copy_from_slice(&zooms);
    let mut rotation = header.srow.map(|[i, j, k, _]| [i / zi, j / zj, k / zk]);
    let qfac = determinant(rotation).signum();
    for row in &mut rotation {
        row[2] *= qfac;
    }
    header.pixdim[0] = qfac;
    header.quatern = xform::quaternion(rotation).map(stored);
    header.qoffset = header.srow.map(|row| row[3]);
    let qform = xform::rotation(header.quatern)
        .map(|rotation| xform::qform_affine(rotation, zooms, qfac, header.qoffset));
    if qform.is_some_and(|qform| agree(&qform, &header.srow, geometry)) {
        header.qform_code = 1;
    } else {
        header.quatern = [0.0; 3];
        header.qoffset = [0.0; 3];
        header.pixdim[0] = 1.0;
    }
}

/// Whether two maps place every voxel within a hundredth of the smallest spacing.
fn agree(a: &Affine, b: &Affine, geometry: &Geometry<3>) -> bool {
    let [depth, height, width] = geometry.shape().map(|n| n as f64);
    let limit = 0.01 * geometry.spacing().into_iter().fold(f64::INFINITY, f64::min);
    // The largest distance over the grid is at most the sum of what each axis contributes.
    a.iter().zip(b).all(|(p, q)| {
        let reach = [width, height, depth, 1.0];
        let apart = |axis: usize| (p[axis] - q[axis]).abs() * reach[axis];
        (0..4).map(apart).sum::<f64>() <= limit
    })
}

fn determinant([[a, b, c], [d, e, f], [g, h, i]]: [[f64; 3]; 3]) -> f64 {
    a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)
}

/// The header; in a single file with the extension flag behind it, ready to be followed by voxels.
pub(crate) fn to_bytes(header: &Header) -> Vec<u8> {
    let flag = if header.single_file { 4 } else { 0 };
    let mut out = Writer {
        bytes: vec![0; header.version.size() + flag],
        endian: header.endian,
    };
    match header.version {
        Version::One | Version::Analyze => write_one(&mut out, header),
        Version::Two => write_two(&mut out, header),
    }
    out.bytes
}

fn write_one(out: &mut Writer, h: &Header) {
    out.i32(0, 348);
    out.put(39, &[h.dim_info]);
    out.each(40, 2, &h.dim, |out, at, v| out.i16(at, v as i16));
    out.each(56, 4, &h.intent_p, Writer::f32);
    out.i16(68, h.intent_code as i16);
    out.i16(70, h.datatype.code());
    out.i16(72, h.bitpix);
    out.i16(74, h.slice_start as i16);
    out.each(76, 4, &h.pixdim, Writer::f32);
    out.f32(108, h.vox_offset);
    out.f32(112, h.scl_slope);
    out.f32(116, h.scl_inter);
    out.i16(120, h.slice_end as i16);
    out.put(122, &[h.slice_code as u8, h.xyzt_units]);
    out.f32(124, h.cal_max);
    out.f32(128, h.cal_min);
    out.f32(132, h.slice_duration);
    out.f32(136, h.toffset);
    out.text(148, 80, &h.descrip);
    out.text(228, 24, &h.aux_file);
    out.i16(252, h.qform_code as i16);
    out.i16(254, h.sform_code as i16);
    out.each(256, 4, &h.quatern, Writer::f32);
    out.each(268, 4, &h.qoffset, Writer::f32);
    out.each(280, 16, &h.srow, |out, at, row| {
        out.each(at, 4, &row, Writer::f32);
    });
    out.text(328, 16, &h.intent_name);
    out.put(344, if h.single_file { b"n+1\0" } else { b"ni1\0" });
}

fn write_two(out: &mut Writer, h: &Header) {
    out.i32(0, 540);
    let magic = if h.single_file {
        b"n+2\0\r\n\x1a\n"
    } else {
        b"ni2\0\r\n\x1a\n"
    };
    out.put(4, magic);
    out.i16(12, h.datatype.code());
    out.i16(14, h.bitpix);
    out.each(16, 8, &h.dim, Writer::i64);
    out.each(80, 8, &h.intent_p, Writer::f64);
    out.each(104, 8, &h.pixdim, Writer::f64);
    out.i64(168, h.vox_offset as i64);
    out.f64(176, h.scl_slope);
    out.f64(184, h.scl_inter);
    out.f64(192, h.cal_max);
    out.f64(200, h.cal_min);
    out.f64(208, h.slice_duration);
    out.f64(216, h.toffset);
    out.i64(224, h.slice_start);
    out.i64(232, h.slice_end);
    out.text(240, 80, &h.descrip);
    out.text(320, 24, &h.aux_file);
    out.i32(344, h.qform_code);
    out.i32(348, h.sform_code);
    out.each(352, 8, &h.quatern, Writer::f64);
    out.each(376, 8, &h.qoffset, Writer::f64);
    out.each(400, 32, &h.srow, |out, at, row| {
        out.each(at, 8, &row, Writer::f64);
    });
    out.i32(496, h.slice_code);
    out.i32(500, h.xyzt_units.into());
    out.i32(504, h.intent_code);
    out.text(508, 16, &h.intent_name);
    out.put(524, &[h.dim_info]);
}

struct Writer {
    bytes: Vec<u8>,
    endian: Endian,
}

macro_rules! number {
    ($($name:ident: $from:ty => $t:ty),*) => { $(
        fn $name(&mut self, at: usize, value: $from) {
            match self.endian {
                Endian::Little => self.put(at, &(value as $t).to_le_bytes()),
                Endian::Big => self.put(at, &(value as $t).to_be_bytes()),
            }
        }
    )* };
}

impl Writer {
    number!(i16: i16 => i16, i32: i32 => i32, i64: i64 => i64, f32: f64 => f32, f64: f64 => f64);

    fn put(&mut self, at: usize, bytes: &[u8]) {
        self.bytes[at..at + bytes.len()].copy_from_slice(bytes);
    }

    fn each<T: Copy>(
        &mut self,
        at: usize,
        stride: usize,
        values: &[T],
        put: impl Fn(&mut Self, usize, T),
    ) {
        for (i, &value) in values.iter().enumerate() {
            put(self, at + i * stride, value);
        }
    }

    /// As much of the text as fits before a final NUL, cut between characters.
    fn text(&mut self, at: usize, room: usize, text: &str) {
        let end = (0..room)
            .rev()
            .find(|&n| text.is_char_boundary(n.min(text.len())));
        self.put(at, &text.as_bytes()[..end.unwrap_or(0).min(text.len())]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use medcore::{Point, Vector};

    fn subject(geometry: &Geometry<3>) -> Subject<'_> {
        Subject {
            geometry,
            channels: 1,
            rank: 3,
            datatype: Datatype::I16,
            single_file: true,
            descrip: None,
            like: None,
        }
    }

    #[test]
    fn a_header_reads_back_as_it_was_written_in_both_versions_and_orders() {
        let grid = Geometry::axis_aligned([3, 4, 5], [2.5, 0.7, 0.6]).unwrap();
        let mut one = header(&subject(&grid)).unwrap();
        one.intent_name = "estimate".to_owned();
        one.descrip = "é".repeat(60);
        one.intent_p = [1.0, 2.0, 3.0];
        one.slice_code = 3;
        one.slice_start = 1;
        one.slice_end = 2;
        for version in [Version::One, Version::Two] {
            for endian in [Endian::Little, Endian::Big] {
                for single_file in [true, false] {
                    let wanted = Header {
                        version,
                        endian,
                        single_file,
                        vox_offset: 0.0,
                        descrip: "é".repeat(39),
                        ..one.clone()
                    };
                    let bytes = to_bytes(&Header {
                        descrip: one.descrip.clone(),
                        ..wanted.clone()
                    });
                    assert_eq!(
                        super::super::header::parse(
                            &bytes,
                            super::super::header::Unmarked::Refused
                        )
                        .unwrap(),
                        wanted
                    );
                }
            }
        }
    }

    #[test]
    fn an_oblique_left_handed_grid_has_a_qform_and_a_sheared_one_has_none() {
        let (s, c) = 0.3_f64.sin_cos();
        let steps = [
            Vector::new(0.0, 3.0 * s, -3.0 * c),
            Vector::new(0.0, 0.9 * c, 0.9 * s),
            Vector::new(-0.8, 0.0, 0.0),
        ];
        let place = Point::new(10.5, -20.25, 7.0);
        let grid = Geometry::new([5, 6, 7], place, steps).unwrap();
        let oblique = header(&subject(&grid)).unwrap();
        assert_eq!(oblique.qform_code, 1);
        let (by_qform, report) = oblique.geometry(XformChoice::Qform).unwrap();
        assert!(report.is_clean(), "{report:?}");
        let tight = GeometryTolerance {
            spacing_relative: 1e-6,
            direction: 1e-6,
            origin_voxels: 1e-6,
        };
        by_qform.check_same_as(&grid, &tight).unwrap();

        let sheared = [steps[0] + steps[1] * 0.2, steps[1], steps[2]];
        let grid = Geometry::new([5, 6, 7], place, sheared).unwrap();
        let sheared = header(&subject(&grid)).unwrap();
        assert_eq!((sheared.qform_code, sheared.sform_code), (0, 1));
        let (by_sform, _) = sheared.geometry(XformChoice::Auto).unwrap();
        by_sform.check_same_as(&grid, &tight).unwrap();
    }

    #[test]
    fn dimensions_beyond_16_bits_make_it_nifti_2() {
        let grid = Geometry::axis_aligned([1, 1, 32768], [1.0; 3]).unwrap();
        assert_eq!(header(&subject(&grid)).unwrap().version, Version::Two);
        let grid = Geometry::axis_aligned([1, 1, 32767], [1.0; 3]).unwrap();
        assert_eq!(header(&subject(&grid)).unwrap().version, Version::One);
    }
}
