//! Surfaces as patches around the corners between voxels, weighted by their area.
//!
//! The measure of Nikolov et al., "Deep learning to achieve clinically applicable segmentation of head and
//! neck anatomy for radiotherapy", arXiv:1809.04430: each corner that touches both sides carries the area
//! (the length in 2D) that marching cubes puts between the eight voxels around it. The areas are derived
//! here from the shapes that up to four voxels can form, and agree with DeepMind's `surface-distance`.

use super::crop::Crop;
use super::pair::Points;
use crate::error::Result;

/// The corners of both masks' surfaces with their areas in mm² (lengths in mm in 2D).
pub(crate) fn patches<const D: usize>(crop: &Crop<D>, spacing: [f64; D]) -> Result<Points<D>> {
    let table: Vec<f32> = match spacing[..] {
        [height, width] => contour_lengths(height, width).to_vec(),
        [depth, height, width] => patch_areas([depth, height, width]).to_vec(),
        _ => unreachable!("the caller measures surfaces in two or three dimensions"),
    };
    let shape = crop.shape.map(|n| n - 1);
    let mut strides = [1; D];
    for a in (0..D - 1).rev() {
        strides[a] = strides[a + 1] * crop.shape[a + 1];
    }
    let offsets: Vec<usize> = (0..1usize << D)
        .map(|voxel| {
            (0..D)
                .filter(|a| voxel >> (D - 1 - a) & 1 == 1)
                .map(|a| strides[a])
                .sum()
        })
        .collect();
    let mut bits: Vec<u8> = medcore::buffer::zeroed(shape.iter().product(), "surface")?;
    let mut positions = [Vec::new(), Vec::new()];
    let mut areas = [Vec::new(), Vec::new()];
    let width = shape[D - 1];
    let mut all = vec![0u8; width];
    for (row, any) in bits.chunks_exact_mut(width).enumerate() {
        let (mut rest, mut from) = (row, 0);
        for a in (0..D - 1).rev() {
            from += rest % shape[a] * strides[a];
            rest /= shape[a];
        }
        all.fill(u8::MAX);
        for &offset in &offsets {
            let voxels = &crop.bits[from + offset..from + offset + width];
            for ((any, all), &voxel) in any.iter_mut().zip(&mut all).zip(voxels) {
                *any |= voxel;
                *all &= voxel;
            }
        }
        for (w, (any, &all)) in any.iter_mut().zip(&all).enumerate() {
            // Inside for some of the voxels around the corner, outside for others.
            *any &= !all;
            for side in 0..2 {
                if *any >> side & 1 == 1 {
                    let code = offsets.iter().fold(0, |code, offset| {
                        code << 1 | usize::from(crop.bits[from + w + offset] >> side & 1)
                    });
                    positions[side].push(row * width + w);
                    areas[side].push(table[code]);
                }
            }
        }
    }
    Ok(Points {
        shape,
        bits,
        positions,
        areas: Some(areas),
    })
}

/// Length of the contour between four pixels, by which of them are inside (the first is the highest bit).
fn contour_lengths(height: f64, width: f64) -> [f32; 16] {
    let corner = 0.5 * (height * height + width * width).sqrt();
    std::array::from_fn(|code| {
        let length = match code {
            0 | 15 => 0.0,
            0b0011 | 0b1100 => width,
            0b0101 | 0b1010 => height,
            0b0110 | 0b1001 => 2.0 * corner,
            _ => corner,
        };
        length as f32
    })
}

/// A corner of the unit cube between eight voxel centres.
type Corner = [usize; 3];

/// Area of the surface between eight voxels, by which of them are inside (the first is the highest bit).
///
/// More than four inside are the complement's surface. The inside falls into groups joined by edges; each
/// group is cut off by its own patch through the middles of the cube's edges.
fn patch_areas(spacing: [f64; 3]) -> [f32; 256] {
    std::array::from_fn(|code: usize| {
        let code = if code.count_ones() > 4 {
            255 - code
        } else {
            code
        };
        let mut inside: Vec<Corner> = (0..8)
            .filter(|voxel| code >> (7 - voxel) & 1 == 1)
            .map(|voxel| [voxel >> 2, voxel >> 1 & 1, voxel & 1])
            .collect();
        let mut area = 0.0;
        while let Some(first) = inside.pop() {
            let mut group = vec![first];
            let mut reached = 0;
            while let Some(&corner) = group.get(reached) {
                reached += 1;
                let (near, far) = inside
                    .into_iter()
                    .partition(|&other| adjacent(corner, other));
                inside = far;
                group.extend::<Vec<_>>(near);
            }
            area += group_area(&group, spacing);
        }
        area as f32
    })
}

fn adjacent(a: Corner, b: Corner) -> bool {
    (0..3).filter(|&axis| a[axis] != b[axis]).count() == 1
}

/// Area of the patch that cuts a group of corners off the rest.
fn group_area(group: &[Corner], spacing: [f64; 3]) -> f64 {
    let vector = area_vector(group);
    let degree = |corner: Corner| {
        group
            .iter()
            .filter(|&&other| adjacent(corner, other))
            .count()
    };
    let ends: Vec<Corner> = group.iter().copied().filter(|&c| degree(c) == 1).collect();
    match (group.len(), ends.len()) {
        // An elbow: half a face of the cube, and a flat piece.
        (3, _) => {
            let normal = (0..3)
                .find(|&a| group.iter().all(|c| c[a] == group[0][a]))
                .unwrap_or(0);
            let mut face = [0.0; 3];
            face[normal] = 0.5 * vector[normal].signum();
            let rest = std::array::from_fn(|a| vector[a] - face[a]);
            scaled_norm(face, spacing) + scaled_norm(rest, spacing)
        }
        (4, 2) => chain_area(group, ends[0], spacing),
        // One corner, an edge, a face, or a corner with its three neighbours: the patch is flat.
        _ => scaled_norm(vector, spacing),
    }
}

/// The patch's area along each axis: what the group covers of the cube's two faces there, one minus the
/// other, since the surface of the group's part of the cube is closed.
fn area_vector(group: &[Corner]) -> [f64; 3] {
    std::array::from_fn(|axis| {
        let covered = |side: usize| match group.iter().filter(|c| c[axis] == side).count() {
            0 => 0.0,
            1 => 0.125,
            2 => 0.5,
            3 => 0.875,
            _ => 1.0,
        };
        covered(1) - covered(0)
    })
}

/// Length of an area vector of the unit cube in a cell of this spacing.
fn scaled_norm(vector: [f64; 3], spacing: [f64; 3]) -> f64 {
    let volume: f64 = spacing.iter().product();
    (0..3)
        .map(|a| (vector[a] * volume / spacing[a]).powi(2))
        .sum::<f64>()
        .sqrt()
}

/// Four corners in a twisted row, one step along each axis: the patch is a hexagon that is not flat.
fn chain_area(group: &[Corner], end: Corner, spacing: [f64; 3]) -> f64 {
    let mut chain = vec![end];
    while let Some(&next) = group
        .iter()
        .find(|&&c| adjacent(c, chain[chain.len() - 1]) && !chain.contains(&c))
    {
        chain.push(next);
    }
    let step = |k: usize| {
        (0..3)
            .find(|&a| chain[k][a] != chain[k + 1][a])
            .unwrap_or(0)
    };
    let (first, second, third) = (step(0), step(1), step(2));
    // The middle of the edge that leaves the k-th corner along an axis, in millimetres.
    let middle = |k: usize, axis: usize| -> [f64; 3] {
        std::array::from_fn(|a| if a == axis { 0.5 } else { chain[k][a] as f64 } * spacing[a])
    };
    let [a, b, c] = [middle(0, second), middle(0, third), middle(1, third)];
    let [d, e, f] = [middle(3, second), middle(3, first), middle(2, first)];
    triangle(a, b, d) + triangle(a, f, d) + triangle(b, c, d) + triangle(f, e, d)
}

fn triangle(a: [f64; 3], b: [f64; 3], c: [f64; 3]) -> f64 {
    let [u, v]: [[f64; 3]; 2] = [b, c].map(|p| std::array::from_fn(|i| p[i] - a[i]));
    let cross: [f64; 3] = std::array::from_fn(|i| {
        let (j, k) = ((i + 1) % 3, (i + 2) % 3);
        u[j] * v[k] - u[k] * v[j]
    });
    0.5 * cross.iter().map(|v| v * v).sum::<f64>().sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flat_surfaces_have_the_area_of_a_face() {
        let areas = patch_areas([3.0, 0.7, 1.1]);
        let close = |code: usize, want: f64| {
            assert!((f64::from(areas[code]) - want).abs() < 1e-6, "{code}");
        };
        close(0b1111_0000, 0.7 * 1.1);
        close(0b1100_1100, 3.0 * 1.1);
        close(0b1010_1010, 3.0 * 0.7);
        // An edge of the cube cuts a roof through two face centres.
        close(0b1100_0000, 1.1 * (1.5f64.powi(2) + 0.35f64.powi(2)).sqrt());
        close(0, 0.0);
        close(255, 0.0);
    }

    #[test]
    fn the_inside_and_the_outside_share_their_surface() {
        let areas = patch_areas([3.0, 0.7, 1.1]);
        for code in 0..256 {
            assert_eq!(areas[code], areas[255 - code]);
            assert_eq!(areas[code] == 0.0, code == 0 || code == 255, "{code}");
        }
    }
}
