//! Which axes are space, where they lie, and which one is channels.

use medcore::{Geometry, Lps, Point, Vector};

use super::fields::Fields;
use crate::fault::{Fault, shortened};
use crate::grid::grid_of_rank;
use crate::raw::{Samples, Stored};
use crate::report::{Report, Warning};

/// What an axis is.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Axis {
    /// The step between voxels in the file's space.
    Space([f64; 3]),
    Channels,
}

/// The layout and the grid of a header.
pub(super) fn place(fields: &Fields, report: &mut Report) -> Result<(Stored, Geometry<3>), Fault> {
    let frame = Frame::new(fields, report)?;
    let axes = match &fields.directions {
        Some(directions) => by_directions(directions, frame.dimension)?,
        None => by_spacings(fields, report)?,
    };
    let stored = stored(fields, &axes)?;
    let steps: Vec<Vector<Lps>> = axes
        .iter()
        .filter_map(|axis| match axis {
            Axis::Space(step) => Some(frame.vector(*step)),
            Axis::Channels => None,
        })
        .collect();
    let [x, y, z] = frame
        .vector(origin(fields, &axes, frame.dimension, report)?)
        .components();
    let origin = Point::new(x, y, z);
    let geometry = grid_of_rank(stored.shape, origin, &steps, "space directions")?;
    Ok((stored, geometry))
}

fn stored(fields: &Fields, axes: &[Axis]) -> Result<Stored, Fault> {
    let mut shape = Vec::new();
    let (mut channels, mut run, mut before) = (1, 1, 1_u64);
    for (axis, &size) in axes.iter().zip(&fields.sizes) {
        match axis {
            Axis::Space(_) => shape.push(size),
            Axis::Channels if size == 1 => {}
            Axis::Channels if channels == 1 => (channels, run) = (size, before),
            Axis::Channels => {
                let what = format!("a second axis that is not space, of size {size},");
                return Err(Fault::Unsupported { what });
            }
        }
        before = before.saturating_mul(size);
    }
    let (width, height, depth) = match *shape.as_slice() {
        [width] => (width, 1, 1),
        [width, height] => (width, height, 1),
        [width, height, depth] => (width, height, depth),
        _ => {
            let what = format!("{} axes of space", shape.len());
            return Err(Fault::Unsupported { what });
        }
    };
    let stored = Stored::new(channels, [depth, height, width], fields.sample);
    let stored = stored.ok_or_else(|| Fault::Contradiction {
        rule: "sizes must have a product that can be addressed",
        got: format!("{:?}", fields.sizes),
    })?;
    Ok(Stored {
        order: match (channels, usize::try_from(run)) {
            (1, _) | (_, Err(_)) => Samples::Planar,
            (_, Ok(run)) => Samples::Interleaved { run },
        },
        ..stored
    })
}

fn by_directions(
    directions: &[Option<Vec<f64>>],
    dimension: Option<usize>,
) -> Result<Vec<Axis>, Fault> {
    let axis = |direction: &Option<Vec<f64>>| {
        let Some(vector) = direction else {
            return Ok(Axis::Channels);
        };
        if dimension.is_some_and(|dimension| vector.len() != dimension) {
            return Err(Fault::Contradiction {
                rule: "space directions must have as many numbers as space has dimensions",
                got: format!("{vector:?}"),
            });
        }
        let (step, beyond) = split(vector);
        match (step.iter().any(|&v| v != 0.0), beyond) {
            (true, false) => Ok(Axis::Space(step)),
            // Along time alone.
            (false, true) => Ok(Axis::Channels),
            (true, true) => Err(Fault::Unsupported {
                what: format!("an axis in both space and time {vector:?}"),
            }),
            (false, false) => Err(Fault::Contradiction {
                rule: "space directions must not be zero",
                got: format!("{vector:?}"),
            }),
        }
    };
    directions.iter().map(axis).collect()
}

/// The first three numbers, and whether any behind them is not zero.
fn split(vector: &[f64]) -> ([f64; 3], bool) {
    let mut step = [0.0; 3];
    for (to, from) in step.iter_mut().zip(vector) {
        *to = *from;
    }
    (step, vector.iter().skip(3).any(|&v| v != 0.0))
}

/// No directions: axes lie along the world's in their order, apart by their spacings.
fn by_spacings(fields: &Fields, report: &mut Report) -> Result<Vec<Axis>, Fault> {
    const OF_SPACE: [&str; 3] = ["domain", "space", "???"];
    let mut axes = Vec::new();
    let mut found = 0_usize;
    for (index, &size) in fields.sizes.iter().enumerate() {
        let kind = fields.kinds.as_ref().and_then(|kinds| kinds.get(index));
        let is_space = match kind {
            Some(kind) => OF_SPACE.contains(&kind.as_str()),
            // Without a word about it, the first three axes, or those that have a spacing.
            None => {
                let spacing = fields.spacings.as_ref().and_then(|all| all.get(index));
                let has_none = spacing.is_some_and(|spacing| spacing.is_nan());
                found < 3 && !(has_none && fields.sizes.len() > 3)
            }
        };
        let known = |numbers: &Option<Vec<f64>>| {
            let number = numbers.as_ref().and_then(|numbers| numbers.get(index));
            number.copied().filter(|v| !v.is_nan())
        };
        let Some(axis) = is_space.then_some(found).filter(|&axis| axis < 3) else {
            axes.push(Axis::Channels);
            continue;
        };
        let range = known(&fields.axis_mins).zip(known(&fields.axis_maxs));
        let spacing = match (known(&fields.spacings), range) {
            (Some(spacing), _) => spacing,
            (None, Some((min, max))) => {
                #[expect(
                    clippy::as_conversions,
                    reason = "an extent that fits memory is near enough as f64"
                )]
                let size = size as f64;
                match is_node(fields, index) {
                    true if size > 1.0 => (max - min) / (size - 1.0),
                    _ => (max - min) / size,
                }
            }
            (None, None) => {
                report.add(Warning::Assumed {
                    key: "spacings",
                    used: "1 mm",
                });
                1.0
            }
        };
        if spacing.is_nan() || spacing <= 0.0 {
            let source = medcore::Error::InvalidSpacing {
                axis: index,
                spacing,
            };
            return Err(Fault::core("spacings")(source));
        }
        let mut step = [0.0; 3];
        if let Some(along) = step.get_mut(axis) {
            *along = spacing;
        }
        axes.push(Axis::Space(step));
        found = found.saturating_add(1);
    }
    Ok(axes)
}

/// Whether samples of an axis lie on the ends of its range instead of within them.
fn is_node(fields: &Fields, index: usize) -> bool {
    let center = fields.centers.as_ref().and_then(|all| all.get(index));
    center.is_some_and(|center| center == "node")
}

/// The place of the first voxel in the file's space.
fn origin(
    fields: &Fields,
    axes: &[Axis],
    dimension: Option<usize>,
    report: &mut Report,
) -> Result<[f64; 3], Fault> {
    if let Some(origin) = &fields.space_origin {
        if dimension.is_some_and(|dimension| origin.len() != dimension) {
            return Err(Fault::Contradiction {
                rule: "space origin must have as many numbers as space has dimensions",
                got: format!("{origin:?}"),
            });
        }
        return Ok(split(origin).0);
    }
    let mut origin = [0.0; 3];
    if let (None, Some(mins)) = (&fields.directions, &fields.axis_mins) {
        for (index, (axis, min)) in axes.iter().zip(mins).enumerate() {
            let Axis::Space(step) = axis else { continue };
            for (place, along) in origin.iter_mut().zip(step) {
                if *along != 0.0 && !min.is_nan() {
                    // Ranges are those of whole cells, unless the file says of nodes.
                    let half = if is_node(fields, index) {
                        0.0
                    } else {
                        along / 2.0
                    };
                    *place = min + half;
                }
            }
        }
        return Ok(origin);
    }
    report.add(Warning::Assumed {
        key: "space origin",
        used: "0",
    });
    Ok(origin)
}

/// The file's space, and the way from it to LPS millimetres.
struct Frame {
    signs: [f64; 3],
    units: [f64; 3],
    dimension: Option<usize>,
}

impl Frame {
    fn new(fields: &Fields, report: &mut Report) -> Result<Self, Fault> {
        let space = fields.space.as_deref().unwrap_or_default();
        let name = space.to_ascii_lowercase();
        let (name, time) = match name.strip_suffix("-time") {
            Some(name) => (name, true),
            None => match name.as_str() {
                "rast" => ("ras", true),
                "last" => ("las", true),
                "lpst" => ("lps", true),
                name => (name, false),
            },
        };
        let signs = match name {
            "left-posterior-superior" | "lps" => [1.0, 1.0, 1.0],
            "right-anterior-superior" | "ras" => [-1.0, -1.0, 1.0],
            "left-anterior-superior" | "las" => [1.0, -1.0, 1.0],
            "scanner-xyz" | "3d-right-handed" | "3d-left-handed" | "" => {
                report.add(Warning::SpaceAssumed {
                    space: shortened(space),
                });
                [1.0; 3]
            }
            _ => {
                return Err(Fault::Contradiction {
                    rule: "space must be a name of the format",
                    got: format!("{:?}", shortened(space)),
                });
            }
        };
        let named = match name {
            "" => None,
            _ => Some(if time { 4 } else { 3 }),
        };
        if let (Some(_), Some(_)) = (named, fields.space_dimension) {
            return Err(Fault::Contradiction {
                rule: "space and space dimension exclude each other",
                got: "both".to_owned(),
            });
        }
        let mut units = [1.0; 3];
        for (unit, name) in units.iter_mut().zip(&fields.space_units) {
            *unit = millimetres(name, report);
        }
        Ok(Self {
            signs,
            units,
            dimension: named.or(fields.space_dimension),
        })
    }

    fn vector(&self, of_file: [f64; 3]) -> Vector<Lps> {
        let [x, y, z] = of_file;
        let ([sx, sy, sz], [ux, uy, uz]) = (self.signs, self.units);
        Vector::new(x * sx * ux, y * sy * uy, z * sz * uz)
    }
}

fn millimetres(unit: &str, report: &mut Report) -> f64 {
    let (millimetres, unit) = match unit {
        "mm" | "millimeter" | "millimeters" | "" | "???" => return 1.0,
        "cm" => (10.0, "centimetres"),
        "m" => (1e3, "metres"),
        "um" | "µm" | "microns" | "micrometer" => (1e-3, "micrometres"),
        other => {
            report.add(Warning::UnitUnknown {
                unit: shortened(other),
            });
            return 1.0;
        }
    };
    report.add(Warning::UnitsConverted { unit });
    millimetres
}
