//! From the numbers of a header to a grid, with the rules that all formats share.

use medcore::{Calibration, Geometry, Lps, Point, Vector};

use crate::fault::Fault;
use crate::options::ReadOptions;

/// A grid whose spacings a scanner could have; `what` names the fields in messages.
pub(crate) fn grid(
    shape: [usize; 3],
    origin: Point<Lps>,
    steps: [Vector<Lps>; 3],
    what: &'static str,
) -> Result<Geometry<3>, Fault> {
    let geometry = Geometry::new(shape, origin, steps).map_err(Fault::core(what))?;
    for (axis, spacing) in geometry.spacing().into_iter().enumerate() {
        // A picometre and a kilometre: beyond them a header is damaged, not daring.
        if !(1e-9..=1e6).contains(&spacing) {
            let source = medcore::Error::InvalidSpacing { axis, spacing };
            return Err(Fault::core(what)(source));
        }
    }
    Ok(geometry)
}

/// A grid from steps in the file's axis order, x first, of which there may be fewer than three: missing
/// ones are perpendicular to the others and a millimetre long.
pub(crate) fn grid_of_rank(
    shape: [usize; 3],
    origin: Point<Lps>,
    steps: &[Vector<Lps>],
    what: &'static str,
) -> Result<Geometry<3>, Fault> {
    let [depth, height, width] = shape;
    let flat = |shape: &[usize]| shape.iter().all(|&n| n == 1);
    let widened = match *steps {
        [x, y, z] => return grid(shape, origin, [z, y, x], what),
        [x, y] if flat(&[depth]) => Geometry::new([height, width], origin, [y, x])
            .map_err(Fault::core(what))
            .map(|plane| crate::volume::widened(&plane)),
        [x] if flat(&[depth, height]) => Geometry::new([width], origin, [x])
            .map_err(Fault::core(what))
            .map(|line| crate::volume::widened(&line)),
        _ => Ok(Err(format!("{} axes for shape {shape:?}", steps.len()))),
    };
    let geometry = widened?.map_err(|got| Fault::Contradiction {
        rule: "space must have one to three axes",
        got,
    })?;
    grid(shape, geometry.origin(), geometry.steps(), what)
}

/// The grid of a file that says nothing of space: the caller's, or voxels of unit size without calibration.
pub(crate) fn unplaced(shape: [usize; 3], options: &ReadOptions) -> Result<Geometry<3>, Fault> {
    match &options.grid {
        None => Geometry::axis_aligned(shape, [1.0; 3])
            .map(|grid| grid.with_calibration(Calibration::Unknown))
            .map_err(Fault::core("shape")),
        Some(grid) if grid.shape() == shape => Ok(*grid),
        Some(grid) => Err(Fault::Contradiction {
            rule: "the grid given to ReadOptions must have the shape of the file",
            got: format!("{:?} for {shape:?}", grid.shape()),
        }),
    }
}
