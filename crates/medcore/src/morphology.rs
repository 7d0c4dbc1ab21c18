//! Erosion, dilation and filling of holes.
//!
//! Erosion and dilation are by a ball in millimetres, from the distance transform: the time does not
//! depend on the radius, and an anisotropic voxel grows as far as an isotropic one. The ones by steps count
//! voxels, as other libraries do.

use crate::components::{Components, Connectivity};
use crate::distance;
use crate::error::{Error, Result};
use crate::region::Region;

/// The voxels whose centre lies at most `radius_mm` from a voxel of the mask.
///
/// # Errors
/// As [`distance::to_feature`]; refuses a negative radius.
pub fn dilate<const D: usize>(
    mask: &[bool],
    shape: [usize; D],
    spacing: [f64; D],
    radius_mm: f64,
) -> Result<Vec<bool>> {
    let limit = squared(radius_mm)?;
    let distances = distance::squared_to_feature(mask, shape, spacing, |&v| v)?;
    Ok(distances.into_iter().map(|d| d <= limit).collect())
}

/// The voxels of the mask whose centre lies farther than `radius_mm` from every voxel outside it.
///
/// The image is taken to go on as it is at its border: an organ that is cut there is not eroded from it.
///
/// # Errors
/// As [`dilate`].
pub fn erode<const D: usize>(
    mask: &[bool],
    shape: [usize; D],
    spacing: [f64; D],
    radius_mm: f64,
) -> Result<Vec<bool>> {
    let limit = squared(radius_mm)?;
    let distances = distance::squared_to_feature(mask, shape, spacing, |&v| !v)?;
    Ok(distances.into_iter().map(|d| d > limit).collect())
}

/// The mask grown `steps` times by its neighbours, in voxels whatever their size.
///
/// [`Connectivity::Face`] grows by the cross, [`Connectivity::Corner`] by the cube, as SciPy's
/// `binary_dilation` does with `generate_binary_structure`.
///
/// # Errors
/// Refuses a slice that does not have `shape`, and empty shapes.
pub fn dilate_steps<const D: usize>(
    mask: &[bool],
    shape: [usize; D],
    connectivity: Connectivity,
    steps: usize,
) -> Result<Vec<bool>> {
    distance::check(mask.len(), shape)?;
    let reach = Neighbours::new(shape, connectivity);
    let steps = useful(steps, shape);
    Ok((0..steps).fold(mask.to_vec(), |mask, _| reach.grown(&mask)))
}

/// The mask without its outermost voxels, `steps` times; what lies outside the image is background.
///
/// # Errors
/// As [`dilate_steps`].
pub fn erode_steps<const D: usize>(
    mask: &[bool],
    shape: [usize; D],
    connectivity: Connectivity,
    steps: usize,
) -> Result<Vec<bool>> {
    distance::check(mask.len(), shape)?;
    let wide = shape.map(|n| n + 2);
    let inner = Region::new([1; D], shape.map(|n| n + 1))?;
    let mut outside = vec![true; wide.iter().product()];
    let inside = inner.rows(wide).flatten();
    inside
        .clone()
        .zip(mask)
        .for_each(|(at, &v)| outside[at] = !v);
    let reach = Neighbours::new(wide, connectivity);
    let steps = useful(steps, wide);
    let outside = (0..steps).fold(outside, |outside, _| reach.grown(&outside));
    Ok(inside.map(|at| !outside[at]).collect())
}

/// Steps after which nothing changes any more are not taken: one voxel reaches every other in as many steps as
/// the image has voxels along its edges together.
fn useful<const D: usize>(steps: usize, shape: [usize; D]) -> usize {
    steps.min(shape.iter().sum())
}

/// The rows around a row that touch it, and whether they do so with a step along the width as well.
struct Neighbours<const D: usize> {
    shape: [usize; D],
    rows: Vec<([isize; D], bool)>,
}

impl<const D: usize> Neighbours<D> {
    fn new(shape: [usize; D], connectivity: Connectivity) -> Self {
        let most = connectivity.most_steps();
        let mut rows = Vec::new();
        for mut code in 0..3usize.pow(D as u32 - 1) {
            let mut by = [0; D];
            for step in &mut by[..D - 1] {
                *step = (code % 3) as isize - 1;
                code /= 3;
            }
            let taken = by.iter().filter(|&&v| v != 0).count();
            if taken <= most {
                rows.push((by, taken < most));
            }
        }
        Self { shape, rows }
    }

    fn grown(&self, mask: &[bool]) -> Vec<bool> {
        let (shape, width) = (self.shape, self.shape[D - 1]);
        let mut out = vec![false; mask.len()];
        for (row, out) in out.chunks_exact_mut(width).enumerate() {
            for (by, sideways) in &self.rows {
                let (mut rest, mut from, mut stride, mut inside) = (row, 0, width, true);
                for a in (0..D - 1).rev() {
                    let moved = (rest % shape[a]).checked_add_signed(by[a]);
                    rest /= shape[a];
                    match moved.filter(|&at| at < shape[a]) {
                        Some(at) => from += at * stride,
                        None => inside = false,
                    }
                    stride *= shape[a];
                }
                if !inside {
                    continue;
                }
                let from = &mask[from..from + width];
                out.iter_mut().zip(from).for_each(|(out, &v)| *out |= v);
                if *sideways {
                    out[1..]
                        .iter_mut()
                        .zip(from)
                        .for_each(|(out, &v)| *out |= v);
                    out.iter_mut()
                        .zip(&from[1..])
                        .for_each(|(out, &v)| *out |= v);
                }
            }
        }
        out
    }
}

/// The radius as the `f32` that squared distances are compared with, rounded as they are.
fn squared(radius_mm: f64) -> Result<f32> {
    if !(radius_mm >= 0.0 && radius_mm.is_finite()) {
        return Err(Error::InvalidParameter {
            parameter: "radius",
            rule: "finite and at least 0 mm",
            value: radius_mm,
        });
    }
    // A distance of exactly the radius counts, whatever the last bit of its square says.
    Ok((radius_mm * radius_mm * (1.0 + 1e-6)) as f32)
}

/// Fills background that does not reach the border of the image through background faces.
///
/// # Errors
/// Refuses a slice that does not have `shape`, and empty shapes.
pub fn fill_holes<const D: usize>(mask: &mut [bool], shape: [usize; D]) -> Result<()> {
    fill_holes_connected(mask, shape, Connectivity::Face)
}

/// Fills background that does not reach the border of the image; the background is connected as told, so that at
/// [`Connectivity::Corner`] fewer holes are closed.
///
/// # Errors
/// As [`fill_holes`].
pub fn fill_holes_connected<const D: usize>(
    mask: &mut [bool],
    shape: [usize; D],
    connectivity: Connectivity,
) -> Result<()> {
    let background = Components::new(mask, shape, connectivity, |&v| !v)?;
    let open: Vec<bool> = background
        .components()
        .iter()
        .map(|c| (0..D).any(|a| c.region.start()[a] == 0 || c.region.end()[a] == shape[a]))
        .collect();
    background.for_each_run(|component, range| {
        if !open[component] {
            mask[range].fill(true);
        }
    });
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(rows: &[&str]) -> (Vec<bool>, [usize; 2]) {
        let mask = rows
            .iter()
            .flat_map(|r| r.chars().map(|c| c == '#'))
            .collect();
        (mask, [rows.len(), rows[0].len()])
    }

    #[test]
    fn a_point_grows_into_an_ellipse_of_voxels_and_shrinks_back() {
        let (mask, shape) = drawn(&[".......", ".......", "...#...", ".......", "......."]);
        // Rows are 2 mm apart, columns 1 mm: a ball of 2 mm reaches one row and two columns.
        let (grown, _) = drawn(&[".......", "...#...", ".#####.", "...#...", "......."]);
        assert_eq!(dilate(&mask, shape, [2.0, 1.0], 2.0).unwrap(), grown);
        assert_eq!(dilate(&mask, shape, [2.0, 1.0], 0.0).unwrap(), mask);
        assert_eq!(
            erode(&grown, shape, [2.0, 1.0], 2.0).unwrap(),
            drawn(&[".......", ".......", "...#...", ".......", "......."]).0
        );
        assert!(dilate(&mask, shape, [2.0, 1.0], -1.0).is_err());
    }

    #[test]
    fn steps_grow_a_cross_or_a_square_and_the_border_is_background() {
        let (mask, shape) = drawn(&["......", "..#...", "......", ".....#"]);
        let (cross, _) = drawn(&["..#...", ".###..", "..#..#", "....##"]);
        let (square, _) = drawn(&[".###..", ".###..", ".#####", "....##"]);
        let grown = |connectivity, steps| dilate_steps(&mask, shape, connectivity, steps).unwrap();
        assert_eq!(grown(Connectivity::Face, 1), cross);
        assert_eq!(grown(Connectivity::Corner, 1), square);
        assert_eq!(grown(Connectivity::Edge, 1), square, "in a plane");
        assert_eq!(grown(Connectivity::Corner, 0), mask);
        let eroded =
            |connectivity, steps| erode_steps(&[true; 24], [4, 6], connectivity, steps).unwrap();
        assert_eq!(
            eroded(Connectivity::Face, 1),
            drawn(&["......", ".####.", ".####.", "......"]).0
        );
        assert!(eroded(Connectivity::Face, 2).iter().all(|&v| !v));
        let centre = |steps| {
            let mut one = vec![false; 125];
            one[62] = true;
            let grown = dilate_steps(&one, [5; 3], Connectivity::Edge, steps).unwrap();
            grown.iter().filter(|&&v| v).count()
        };
        assert_eq!((centre(1), centre(2)), (19, 93));
    }

    #[test]
    fn holes_are_filled_and_bays_are_not() {
        let (mut mask, shape) = drawn(&["#####", "#.#..", "#####", "#.#.#", ".####"]);
        fill_holes(&mut mask, shape).unwrap();
        assert_eq!(
            mask,
            drawn(&["#####", "###..", "#####", "#####", ".####"]).0
        );
    }

    #[test]
    fn an_empty_and_a_full_mask_stay_what_they_are() {
        for value in [false, true] {
            let mut mask = vec![value; 24];
            fill_holes(&mut mask, [2, 3, 4]).unwrap();
            assert_eq!(mask, vec![value; 24]);
            assert_eq!(dilate(&mask, [2, 3, 4], [1.0; 3], 5.0).unwrap(), mask);
            assert_eq!(erode(&mask, [2, 3, 4], [1.0; 3], 5.0).unwrap(), mask);
        }
    }
}
