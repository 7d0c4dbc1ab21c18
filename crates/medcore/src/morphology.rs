//! Erosion, dilation and filling of holes.
//!
//! Erosion and dilation are by a ball in millimetres, from the distance transform: the time does not
//! depend on the radius, and an anisotropic voxel grows as far as an isotropic one.

use crate::components::{Components, Connectivity};
use crate::distance;
use crate::error::{Error, Result};

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
    let background = Components::new(mask, shape, Connectivity::Face, |&v| !v)?;
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
