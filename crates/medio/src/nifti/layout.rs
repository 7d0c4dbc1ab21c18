//! From header fields to a volume that may be allocated: every product checked, every rule named.

use super::header::{Header, Version};
use crate::fault::Fault;
use crate::raw::{Samples, Stored};
use crate::report::{Report, Warning};
use crate::voxel::Datatype;

/// How the voxels of a header lie in their file.
pub(crate) fn stored(header: &Header, report: &mut Report) -> Result<Stored, Fault> {
    let extents = extents(header)?;
    let [width, height, depth, time, vector, ..] = extents;
    let samples = u64::try_from(header.datatype.samples()).unwrap_or(u64::MAX);
    if samples > 1 && time.max(vector) > 1 {
        let what = format!("{} with more than three dimensions", header.datatype.name());
        return Err(Fault::Unsupported { what });
    }
    if time > 1 && vector > 1 {
        let what = format!("dim[5] = {vector} beside dim[4] = {time}");
        return Err(Fault::Unsupported { what });
    }
    let (sample, order) = match samples {
        1 => (header.datatype, Samples::Planar),
        _ => (Datatype::U8, Samples::Interleaved { run: 1 }),
    };
    let channels = time.max(vector).max(samples);
    let stored = Stored::new(channels, [depth, height, width], sample).ok_or_else(|| {
        dim_fault(
            header,
            1,
            "a product that can be addressed",
            format!("{extents:?}"),
        )
    })?;
    check_bitpix(header, report);
    Ok(Stored {
        endian: header.endian,
        order,
        offset: offset(header, report)?,
        scale: scale(header, report)?,
        ..stored
    })
}

/// The seven lengths, x first, 1 where there is no such dimension.
fn extents(header: &Header) -> Result<[u64; 7], Fault> {
    let [rank, lengths @ ..] = header.dim;
    let rank = usize::try_from(rank)
        .ok()
        .filter(|n| (1..=7).contains(n))
        .ok_or_else(|| dim_fault(header, 0, "1 to 7", rank.to_string()))?;
    let mut extents = [1; 7];
    for (axis, (extent, &length)) in extents.iter_mut().zip(&lengths).take(rank).enumerate() {
        let axis = axis.saturating_add(1);
        *extent = u64::try_from(length)
            .ok()
            .filter(|&n| n > 0)
            .ok_or_else(|| dim_fault(header, axis, "positive", length.to_string()))?;
        if axis > 5 && *extent > 1 {
            let what = format!("dim[{axis}] = {length} (a sixth or seventh dimension)");
            return Err(Fault::Unsupported { what });
        }
    }
    Ok(extents)
}

fn dim_fault(header: &Header, axis: usize, rule: &'static str, value: String) -> Fault {
    const NAMES: [&str; 8] = [
        "dim[0]", "dim[1]", "dim[2]", "dim[3]", "dim[4]", "dim[5]", "dim[6]", "dim[7]",
    ];
    let (start, stride) = match header.version {
        Version::One | Version::Analyze => (40_usize, 2),
        Version::Two => (16, 8),
    };
    Fault::InvalidField {
        field: NAMES.get(axis).copied().unwrap_or("dim"),
        offset: start.saturating_add(axis.saturating_mul(stride)),
        rule,
        value,
    }
}

fn check_bitpix(header: &Header, report: &mut Report) {
    let bits = header.datatype.voxel_bytes().checked_mul(8);
    if bits != usize::try_from(header.bitpix).ok() {
        report.add(Warning::BitpixDisagrees {
            bitpix: header.bitpix,
            datatype: header.datatype.name(),
        });
    }
}

/// Where voxels start; 0 in a single file is the common slip of old writers.
fn offset(header: &Header, report: &mut Report) -> Result<u64, Fault> {
    let value = header.vox_offset;
    let invalid = |rule| Fault::InvalidField {
        field: "vox_offset",
        offset: match header.version {
            Version::One | Version::Analyze => 108,
            Version::Two => 168,
        },
        rule,
        value: value.to_string(),
    };
    if !(value.is_finite() && value >= 0.0 && value.fract() == 0.0 && value < 9e15) {
        return Err(invalid("a whole, non-negative number"));
    }
    #[expect(clippy::as_conversions, reason = "whole and below 2^53, checked above")]
    let offset = value as u64;
    if !header.single_file {
        return Ok(offset);
    }
    let first = header.version.first_voxel();
    if offset == 0 {
        report.add(Warning::VoxOffsetRepaired { used: first });
        return Ok(first);
    }
    if offset < first {
        return Err(invalid("behind the header (352, or 544 in NIfTI-2)"));
    }
    Ok(offset)
}

/// Slope and intercept: 0 and NaN slopes mean none, as the standard and nibabel say.
fn scale(header: &Header, report: &mut Report) -> Result<Option<(f64, f64)>, Fault> {
    let (slope, inter) = (header.scl_slope, header.scl_inter);
    let (slope_at, inter_at) = match header.version {
        Version::One | Version::Analyze => (112, 116),
        Version::Two => (176, 184),
    };
    let infinite = |field, offset, value: f64| Fault::InvalidField {
        field,
        offset,
        rule: "finite (or 0 for no scaling)",
        value: value.to_string(),
    };
    if header.datatype.samples() > 1 {
        return Ok(None); // The standard: colours are not scaled.
    }
    if slope == 0.0 || slope.is_nan() {
        if inter != 0.0 && !inter.is_nan() {
            report.add(Warning::InterceptIgnored { slope, inter });
        }
        return Ok(None);
    }
    if !slope.is_finite() {
        return Err(infinite("scl_slope", slope_at, slope));
    }
    if !inter.is_finite() {
        return Err(infinite("scl_inter", inter_at, inter));
    }
    Ok((slope != 1.0 || inter != 0.0).then_some((slope, inter)))
}
