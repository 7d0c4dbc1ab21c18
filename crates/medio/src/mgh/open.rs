//! From the bytes of a header to a volume that may be read.

use std::path::PathBuf;

use medcore::{Budget, Geometry, Point, Ras, Vector};

use super::{HEADER, TYPES};
use crate::fault::Fault;
use crate::format::Format;
use crate::grid::grid;
use crate::raw::{Endian, Source, Stored, len64};
use crate::report::{Report, Warning};
use crate::volume::VolumeFile;
use crate::voxel::Datatype;

/// What an MGH header says beside the grid.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Header {
    /// Degrees of freedom of the data, as stored.
    pub dof: i32,
    /// Whether the header places its voxels; FreeSurfer's default was used if not.
    pub has_placement: bool,
}

/// A footer of scan parameters and tags follows the voxels; it may be this long without being mentioned.
const FOOTER: u64 = 1 << 20;

/// Opens a volume and checks everything that can be checked before the first voxel is read.
pub(crate) fn open<'a>(
    source: Source<'a>,
    budget: &Budget,
) -> Result<(VolumeFile<'a>, Header), Fault> {
    let mut report = Report::default();
    let path = source
        .path()
        .map_or_else(|| PathBuf::from("memory"), PathBuf::from);
    let mut body = source.unpacked(budget)?;
    let bytes = body.head(HEADER)?;
    let fields = Fields { bytes: &bytes };
    let version = fields.i32(0)?;
    if version != 1 {
        return Err(Fault::Unrecognised {
            format: Format::Mgh,
            reason: format!("the version (byte 0) must be 1, got {version}"),
        });
    }
    let stored = stored(&fields)?;
    let has_placement = fields.i16(28)? > 0;
    if !has_placement {
        report.add(Warning::Assumed {
            key: "goodRASFlag",
            used: "coronal slices of 1 mm (FreeSurfer's default)",
        });
    }
    let geometry = geometry(&fields, stored.shape, has_placement)?;
    body.check_size(&stored, &mut report)?;
    let header = Header {
        dof: fields.i32(24)?,
        has_placement,
    };
    let opened = VolumeFile {
        format: Format::Mgh,
        stored,
        geometry,
        report,
        body,
        path,
    };
    Ok((opened, header))
}

fn stored(fields: &Fields<'_>) -> Result<Stored, Fault> {
    const NAMES: [&str; 4] = ["width", "height", "depth", "nframes"];
    let mut sizes = [0_u64; 4];
    for (axis, (size, field)) in sizes.iter_mut().zip(NAMES).enumerate() {
        let offset = axis.saturating_mul(4).saturating_add(4);
        let value = fields.i32(offset)?;
        *size = u64::try_from(value)
            .ok()
            .filter(|&n| n > 0)
            .ok_or_else(|| Fault::InvalidField {
                field,
                offset,
                rule: "positive",
                value: value.to_string(),
            })?;
    }
    let [width, height, depth, frames] = sizes;
    let stored = Stored::new(frames, [depth, height, width], datatype(fields.i32(20)?)?);
    let stored = stored.ok_or_else(|| Fault::InvalidField {
        field: "width",
        offset: 4,
        rule: "a product that can be addressed",
        value: format!("{sizes:?}"),
    })?;
    Ok(Stored {
        endian: Endian::Big,
        offset: len64(HEADER),
        footer: FOOTER,
        ..stored
    })
}

fn datatype(code: i32) -> Result<Datatype, Fault> {
    let known = TYPES.iter().find(|(known, _)| *known == code);
    known
        .map(|(_, datatype)| *datatype)
        .ok_or_else(|| match code {
            2 | 5 | 6 | 7 | 8 | 9 | 11 => Fault::Unsupported {
                what: format!("MRI type {code}"),
            },
            _ => Fault::InvalidField {
                field: "type",
                offset: 20,
                rule: "0 (uchar), 1 (int), 3 (float), 4 (short) or 10 (ushort)",
                value: code.to_string(),
            },
        })
}

fn geometry(
    fields: &Fields<'_>,
    shape: [usize; 3],
    has_placement: bool,
) -> Result<Geometry<3>, Fault> {
    let (sizes, cosines, [cx, cy, cz]) = match has_placement {
        true => (
            fields.vector(30)?,
            [fields.vector(42)?, fields.vector(54)?, fields.vector(66)?],
            fields.vector(78)?,
        ),
        false => (
            [1.0; 3],
            [[-1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]],
            [0.0; 3],
        ),
    };
    for (axis, &spacing) in sizes.iter().enumerate() {
        if !(spacing.is_finite() && spacing > 0.0) {
            let source = medcore::Error::InvalidSpacing { axis, spacing };
            return Err(Fault::core("delta")(source));
        }
    }
    let [sx, sy, sz] = sizes;
    let [x, y, z] = cosines;
    let step = |[r, a, s]: [f64; 3], size: f64| [r * size, a * size, s * size];
    let (x, y, z) = (step(x, sx), step(y, sy), step(z, sz));
    #[expect(
        clippy::as_conversions,
        reason = "an extent that fits memory is near enough as f64"
    )]
    let [depth, height, width] = shape.map(|n| n as f64 / 2.0);
    let ([xr, xa, xs], [yr, ya, ys], [zr, za, zs]) = (x, y, z);
    let origin = Point::<Ras>::new(
        cx - (xr * width + yr * height + zr * depth),
        cy - (xa * width + ya * height + za * depth),
        cz - (xs * width + ys * height + zs * depth),
    );
    let lps = |[r, a, s]: [f64; 3]| Vector::<Ras>::new(r, a, s).to_lps();
    grid(
        shape,
        origin.to_lps(),
        [lps(z), lps(y), lps(x)],
        "delta and direction cosines",
    )
}

/// Big-endian numbers at byte offsets; every access is checked.
struct Fields<'b> {
    bytes: &'b [u8],
}

impl Fields<'_> {
    fn array<const N: usize>(&self, offset: usize) -> Result<[u8; N], Fault> {
        let rest = self.bytes.get(offset..);
        rest.and_then(|rest| rest.first_chunk::<N>())
            .copied()
            .ok_or(Fault::Truncated {
                what: "the header",
                needed: len64(HEADER),
                available: len64(self.bytes.len()),
            })
    }

    fn i32(&self, offset: usize) -> Result<i32, Fault> {
        self.array(offset).map(i32::from_be_bytes)
    }

    fn i16(&self, offset: usize) -> Result<i16, Fault> {
        self.array(offset).map(i16::from_be_bytes)
    }

    fn vector(&self, offset: usize) -> Result<[f64; 3], Fault> {
        let number = |at: usize| self.array(at).map(f32::from_be_bytes).map(f64::from);
        Ok([
            number(offset)?,
            number(offset.saturating_add(4))?,
            number(offset.saturating_add(8))?,
        ])
    }
}
