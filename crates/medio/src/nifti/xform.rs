//! Where the voxels are: sform, qform or neither, from RAS to the workspace's LPS and back.
//!
//! NIfTI maps (i, j, k), x fastest, to RAS; the workspace stores `[depth, height, width]` in LPS. The
//! memory order is the same, so only the affine changes: columns are reversed, rows x and y negated.

use medcore::{Geometry, Lps, Point, Ras, Vector};

use super::header::Header;
use crate::fault::Fault;
use crate::grid::grid;
use crate::report::{Report, Warning};

/// An affine from (i, j, k, 1) to RAS in the file's unit, row-major.
pub(crate) type Affine = [[f64; 4]; 3];

/// Which of a file's two maps places its voxels.
///
/// Tools disagree when both are present: nibabel takes the sform, ITK the qform if its code is not
/// larger. [`crate::nifti::Report`] says when that matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum XformChoice {
    /// The sform if its code is positive, else the qform, else spacing alone (nibabel's order).
    #[default]
    Auto,
    /// The sform or an error.
    Sform,
    /// The qform or an error.
    Qform,
}

impl Header {
    /// The grid in LPS millimetres, and what was doubtful about it.
    ///
    /// # Errors
    /// Refuses a map that is absent, not finite, flat, or whose quaternion is longer than 1.
    pub fn geometry(&self, choice: XformChoice) -> Result<(Geometry<3>, Report), Fault> {
        let mut report = Report::default();
        let layout = super::layout::stored(self, &mut Report::default())?;
        let geometry = geometry(self, layout.shape, choice, &mut report)?;
        Ok((geometry, report))
    }
}

pub(crate) fn geometry(
    header: &Header,
    shape: [usize; 3],
    choice: XformChoice,
    report: &mut Report,
) -> Result<Geometry<3>, Fault> {
    let unit = millimetres(header.xyzt_units, report);
    let has_sform = present("sform_code", header.sform_code, report);
    let has_qform = present("qform_code", header.qform_code, report);
    let sform = || place(&header.srow, shape, unit, "sform");
    let absent = |field, offset| Fault::InvalidField {
        field,
        offset,
        rule: "positive, to choose this map",
        value: "0".to_owned(),
    };
    match choice {
        XformChoice::Sform if !has_sform => Err(absent("sform_code", 254)),
        XformChoice::Qform if !has_qform => Err(absent("qform_code", 252)),
        XformChoice::Sform => sform(),
        XformChoice::Qform => qform(header, shape, unit, report),
        XformChoice::Auto if has_sform => {
            let used = sform()?;
            if has_qform {
                match qform(header, shape, unit, &mut Report::default()) {
                    Ok(other) => compare(&used, &other, report),
                    Err(fault) => report.add(Warning::QformInvalid {
                        reason: fault.to_string(),
                    }),
                }
            }
            Ok(used)
        }
        XformChoice::Auto if has_qform => qform(header, shape, unit, report),
        XformChoice::Auto => {
            report.add(Warning::NoOrientation);
            let zooms = zooms(header, shape, report);
            let centre = spm_origin(header, shape).unwrap_or_else(|| middle(shape));
            place(&base_affine(centre, zooms), shape, unit, "pixdim")
        }
    }
}

/// Millimetres in one unit of the file.
fn millimetres(xyzt_units: u8, report: &mut Report) -> f64 {
    match xyzt_units & 7 {
        0 | 2 => 1.0,
        1 => {
            report.add(Warning::UnitsConverted { unit: "metres" });
            1e3
        }
        3 => {
            report.add(Warning::UnitsConverted {
                unit: "micrometres",
            });
            1e-3
        }
        code => {
            report.add(Warning::UnknownUnits { code });
            1.0
        }
    }
}

fn present(field: &'static str, code: i32, report: &mut Report) -> bool {
    if !(0..=5).contains(&code) {
        report.add(Warning::UnknownXformCode { field, code });
    }
    code > 0
}

/// Turns a RAS affine of (i, j, k) into a grid.
fn place(
    affine: &Affine,
    shape: [usize; 3],
    unit: f64,
    what: &'static str,
) -> Result<Geometry<3>, Fault> {
    let [[xi, xj, xk, xo], [yi, yj, yk, yo], [zi, zj, zk, zo]] =
        affine.map(|row| row.map(|v| v * unit));
    let step = |x, y, z| Vector::<Ras>::new(x, y, z).to_lps();
    let steps = [step(xk, yk, zk), step(xj, yj, zj), step(xi, yi, zi)];
    let origin = Point::<Ras>::new(xo, yo, zo).to_lps();
    grid(shape, origin, steps, what)
}

/// The RAS affine of a grid: the inverse of [`place`] in millimetres, exact to the bit.
pub(crate) fn ras_affine(geometry: &Geometry<3>) -> Affine {
    let [k, j, i] = geometry.steps().map(|step: Vector<Lps>| step.to_ras());
    let o = geometry.origin().to_ras();
    let ([xi, yi, zi], [xj, yj, zj]) = (i.components(), j.components());
    let ([xk, yk, zk], [xo, yo, zo]) = (k.components(), o.coordinates());
    [[xi, xj, xk, xo], [yi, yj, yk, yo], [zi, zj, zk, zo]]
}

fn compare(used: &Geometry<3>, other: &Geometry<3>, report: &mut Report) {
    let mut max_mm: f64 = 0.0;
    #[expect(
        clippy::as_conversions,
        reason = "an index that fits memory is near enough as f64"
    )]
    let last = used.shape().map(|n| n.saturating_sub(1) as f64);
    for corner in 0_u8..8 {
        let mut index = last;
        for (axis, i) in index.iter_mut().enumerate() {
            if corner & (1 << axis) == 0 {
                *i = 0.0;
            }
        }
        max_mm = max_mm.max(
            used.index_to_world(index)
                .distance(other.index_to_world(index)),
        );
    }
    let smallest = used.spacing().into_iter().fold(f64::INFINITY, f64::min);
    // A hundredth of a voxel: more than rounding to f32 makes, less than an eye sees.
    if max_mm > 0.01 * smallest {
        report.add(Warning::QformSformDisagree { max_mm });
    }
}

/// The qform: rotation by a unit quaternion, steps from pixdim, z mirrored if `pixdim[0]` is negative.
fn qform(
    header: &Header,
    shape: [usize; 3],
    unit: f64,
    report: &mut Report,
) -> Result<Geometry<3>, Fault> {
    let rotation = rotation(header.quatern).ok_or_else(|| Fault::InvalidField {
        field: "quatern_b, quatern_c, quatern_d",
        offset: 256,
        rule: "finite and of length at most 1",
        value: format!("{:?}", header.quatern),
    })?;
    let zooms = zooms(header, shape, report);
    let [handedness, ..] = header.pixdim;
    let qfac = if handedness < 0.0 { -1.0 } else { 1.0 };
    if handedness != qfac && handedness != 0.0 {
        report.add(Warning::QfacRepaired {
            value: handedness,
            used: qfac,
        });
    }
    let affine = qform_affine(rotation, zooms, qfac, header.qoffset);
    place(&affine, shape, unit, "qform")
}

pub(crate) fn qform_affine(
    rotation: [[f64; 3]; 3],
    zooms: [f64; 3],
    qfac: f64,
    offset: [f64; 3],
) -> Affine {
    let [zx, zy, zz] = zooms;
    let [rx, ry, rz] = rotation.map(|[i, j, k]| [i * zx, j * zy, k * zz * qfac]);
    let [ox, oy, oz] = offset;
    let row = |[i, j, k]: [f64; 3], o| [i, j, k, o];
    [row(rx, ox), row(ry, oy), row(rz, oz)]
}

/// Rotation matrix of the unit quaternion (a, b, c, d) with a >= 0; none if b, c, d are too long.
pub(crate) fn rotation([b, c, d]: [f64; 3]) -> Option<[[f64; 3]; 3]> {
    // nibabel's threshold: what rounding of a half-turn to f32 leaves.
    const ROUNDING: f64 = 3.0 * 1.192_092_9e-7;
    let rest = 1.0 - (b * b + c * c + d * d);
    let a = match rest {
        r if r.abs() < ROUNDING => 0.0,
        r if r > 0.0 => r.sqrt(),
        _ => return None, // also NaN
    };
    let s = 2.0 / (a * a + b * b + c * c + d * d);
    Some([
        [
            1.0 - s * (c * c + d * d),
            s * (b * c - a * d),
            s * (b * d + a * c),
        ],
        [
            s * (b * c + a * d),
            1.0 - s * (b * b + d * d),
            s * (c * d - a * b),
        ],
        [
            s * (b * d - a * c),
            s * (c * d + a * b),
            1.0 - s * (b * b + c * c),
        ],
    ])
}

/// (b, c, d) of a rotation matrix, a made non-negative (Shepperd 1978: divide by the largest part).
pub(crate) fn quaternion(m: [[f64; 3]; 3]) -> [f64; 3] {
    let [[m00, m01, m02], [m10, m11, m12], [m20, m21, m22]] = m;
    // Four times the square of a, b, c, d.
    let squares = [
        1.0 + m00 + m11 + m22,
        1.0 + m00 - m11 - m22,
        1.0 - m00 + m11 - m22,
        1.0 - m00 - m11 + m22,
    ];
    let largest = squares.iter().copied().fold(0.0, f64::max);
    let root = 2.0 * largest.sqrt();
    let half = largest.sqrt() / 2.0;
    let [sa, sb, sc, _] = squares;
    let [a, b, c, d] = if sa == largest {
        [
            half,
            (m21 - m12) / root,
            (m02 - m20) / root,
            (m10 - m01) / root,
        ]
    } else if sb == largest {
        [
            (m21 - m12) / root,
            half,
            (m01 + m10) / root,
            (m02 + m20) / root,
        ]
    } else if sc == largest {
        [
            (m02 - m20) / root,
            (m01 + m10) / root,
            half,
            (m12 + m21) / root,
        ]
    } else {
        [
            (m10 - m01) / root,
            (m02 + m20) / root,
            (m12 + m21) / root,
            half,
        ]
    };
    let sign = if a < 0.0 { -1.0 } else { 1.0 };
    [b * sign, c * sign, d * sign]
}

/// Steps along x, y, z: negative ones made positive, and anything accepted for an axis of one voxel.
fn zooms(header: &Header, shape: [usize; 3], report: &mut Report) -> [f64; 3] {
    let [_, x, y, z, ..] = header.pixdim;
    let [depth, height, width] = shape;
    let mut axis = 0_usize;
    [(x, width), (y, height), (z, depth)].map(|(value, extent)| {
        axis = axis.saturating_add(1);
        let usable = value.is_finite() && value != 0.0;
        let used = match (usable, extent) {
            (true, _) => value.abs(),
            (false, 1) => 1.0,
            (false, _) => value, // refused by the grid's constructor
        };
        if used != value && !value.is_nan() || value.is_nan() && used.is_finite() {
            report.add(Warning::PixdimRepaired { axis, value, used });
        }
        used
    })
}

/// The middle of the grid as an index, x first.
fn middle([depth, height, width]: [usize; 3]) -> [f64; 3] {
    #[expect(
        clippy::as_conversions,
        reason = "an index that fits memory is near enough as f64"
    )]
    [width, height, depth].map(|n| n.saturating_sub(1) as f64 / 2.0)
}

/// SPM's origin of an Analyze header as an index, x first, if it is set and not absurd (nibabel's rule).
fn spm_origin(header: &Header, [depth, height, width]: [usize; 3]) -> Option<[f64; 3]> {
    let origin = header.spm_origin;
    let near = |(at, extent): (&i16, usize)| {
        let (at, extent) = (i64::from(*at), i64::try_from(extent).unwrap_or(i64::MAX));
        at > extent.saturating_neg() && at < extent.saturating_mul(2)
    };
    let is_set = origin.iter().any(|&v| v != 0);
    let usable = is_set && origin.iter().zip([width, height, depth]).all(near);
    usable.then(|| origin.map(|at| f64::from(at) - 1.0))
}

/// No orientation at all: x to the left, the centre at zero (nibabel's `get_base_affine`).
fn base_affine([cx, cy, cz]: [f64; 3], [zx, zy, zz]: [f64; 3]) -> Affine {
    [
        [-zx, 0.0, 0.0, cx * zx],
        [0.0, zy, 0.0, -cy * zy],
        [0.0, 0.0, zz, -cz * zz],
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quaternion_survives_the_way_through_the_matrix() {
        let quaternions = [
            [0.0, 0.0, 0.0],
            [1.0, 0.0, 0.0],
            [0.0, 1.0, 0.0],
            [0.0, 0.0, 1.0],
            [0.5, -0.5, 0.5],
            [0.1, 0.7, -0.3],
            [-0.9, 0.2, 0.1],
        ];
        for q in quaternions {
            let matrix = rotation(q).unwrap();
            let back = rotation(quaternion(matrix)).unwrap();
            for (a, b) in matrix.iter().flatten().zip(back.iter().flatten()) {
                assert!((a - b).abs() < 1e-7, "{q:?}: {matrix:?} {back:?}");
            }
        }
    }

    #[test]
    fn a_quaternion_longer_than_one_is_no_rotation() {
        assert!(rotation([1.0, 1.0, 1.0]).is_none());
        assert!(rotation([f64::NAN, 0.0, 0.0]).is_none());
        assert!(rotation([1.0 + 1e-8, 0.0, 0.0]).is_some());
    }

    #[test]
    fn the_affine_of_a_grid_is_the_one_it_was_made_of() {
        let affine = [
            [-0.7, 0.01, 0.3, 120.5],
            [0.02, 0.69, 0.1, -80.25],
            [0.0, 0.1, 2.5, 3.0],
        ];
        let grid = place(&affine, [3, 4, 5], 1.0, "sform").unwrap();
        assert_eq!(ras_affine(&grid), affine);
    }
}
