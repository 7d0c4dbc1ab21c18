//! Resampling of classes: the closest one, or the one with the largest linear weight.

use serde::{Deserialize, Serialize};

use super::oblique::{Rows, bounds};
use super::source::Whole;
use super::{Border, Outside, Path, check_slice, oblique, separable, taps};
use crate::error::Result;
use crate::geometry::Geometry;
use crate::image::{Label, LabelMap};
use crate::linear::IndexMap;

/// How a class between voxel centres is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LabelInterpolation {
    /// The class of the closest voxel.
    Nearest,
    /// The class whose indicator, interpolated linearly, is largest; ties go to the closest voxel's class,
    /// then to the lower number. Borders are smoother than with `Nearest`.
    Linear,
}

/// The label map at the voxel centres of `grid`; `outside` fills what lies outside the map.
///
/// # Errors
/// Refuses grids too large to allocate and maps that reach farther than 2^30 voxels.
pub fn resample_labels<L: Label, const D: usize>(
    labels: &LabelMap<L, D>,
    grid: &Geometry<D>,
    interpolation: LabelInterpolation,
    outside: L,
) -> Result<LabelMap<L, D>> {
    let grid = grid.with_calibration(labels.geometry().calibration());
    let map = grid.index_map_to(labels.geometry());
    let mut resampled = LabelMap::background(grid)?;
    resample_labels_slice(
        labels.as_slice(),
        labels.shape(),
        &map,
        resampled.as_mut_slice(),
        grid.shape(),
        interpolation,
        Outside::Value(outside),
    )?;
    Ok(resampled)
}

/// Fills `out` with the classes of `source` at `map(index)`; the kernel below [`resample_labels`].
///
/// # Errors
/// As [`super::resample_slice`].
pub fn resample_labels_slice<L: Label, const D: usize>(
    source: &[L],
    source_shape: [usize; D],
    map: &IndexMap<D>,
    out: &mut [L],
    out_shape: [usize; D],
    interpolation: LabelInterpolation,
    outside: Outside<L>,
) -> Result<()> {
    check_slice(source.len(), source_shape)?;
    check_slice(out.len(), out_shape)?;
    let path = Path::of(source_shape, map, out_shape)?;
    let border = outside.border();
    match (interpolation, path) {
        (LabelInterpolation::Nearest, Path::Separable(axes)) => {
            let source = Whole::new(source, source_shape);
            separable::nearest(&source, &axes.indices(border), outside.value(), out);
        }
        (LabelInterpolation::Nearest, Path::Oblique(rows)) => {
            oblique::nearest(source, &rows, border, outside.value(), out);
        }
        (LabelInterpolation::Linear, _) => {
            // A map along the axes is an oblique one too.
            let rows = Rows::new(source_shape, map, out_shape);
            linear(source, &rows, border, outside.value(), out);
        }
    }
    Ok(())
}

fn linear<L: Label, const D: usize>(
    source: &[L],
    rows: &Rows<D>,
    border: Border,
    outside: L,
    out: &mut [L],
) {
    let (low, high) = bounds(rows.source, 0, 1);
    let corners = oblique::corner_offsets(rows.strides);
    rows.for_each(out, |line, out_row| {
        let interior = line.within(low, high, out_row.len());
        for x in (0..interior.start).chain(interior.end..out_row.len()) {
            out_row[x] = vote_at(source, rows.source, line.coordinates(x), border, outside);
        }
        let mut at = line.at(interior.start);
        for out in &mut out_row[interior] {
            let base: usize = (0..D)
                .map(|a| (at[a] >> 32) as usize * rows.strides[a])
                .sum();
            *out = vote_cell(source, base, &corners, at.map(oblique::fraction));
            for a in 0..D {
                at[a] += line.step()[a];
            }
        }
    });
}

/// The class within the cell that begins at `base`.
#[inline(always)]
pub(super) fn vote_cell<L: Label, const D: usize>(
    source: &[L],
    base: usize,
    corners: &[usize; 8],
    fraction: [f32; D],
) -> L {
    let first = source[base];
    let mut cell = [first; 8];
    let mut uniform = true;
    for corner in 1..1 << D {
        cell[corner] = source[base + corners[corner]];
        uniform &= cell[corner] == first;
    }
    if uniform {
        first
    } else {
        majority::<L, D>(&cell, fraction)
    }
}

/// The class of the largest weight among the 2^D corners of a cell.
fn majority<L: Label, const D: usize>(cell: &[L; 8], fraction: [f32; D]) -> L {
    let mut weight = [0.0f32; 8];
    weight[0] = 1.0;
    let mut closest = 0;
    for a in 0..D {
        let count = 1 << a;
        for c in (0..count).rev() {
            weight[2 * c + 1] = weight[c] * fraction[a];
            weight[2 * c] = weight[c] * (1.0 - fraction[a]);
        }
        closest = 2 * closest + usize::from(fraction[a] >= 0.5);
    }
    let (first, closest) = (cell[0], cell[closest]);
    let corners = 1 << D;
    let other = cell[..corners]
        .iter()
        .copied()
        .find(|&l| l != first)
        .unwrap_or(first);
    if cell[..corners].iter().all(|&l| l == first || l == other) {
        let share: f32 = (0..corners)
            .filter(|&c| cell[c] == other)
            .map(|c| weight[c])
            .sum();
        let tied = (share - 0.5).abs() <= 0.5 * TIE;
        return if tied {
            closest
        } else if share > 0.5 {
            other
        } else {
            first
        };
    }
    let mut votes: [(L, f32); 9] = [(first, 0.0); 9];
    let mut used = 1;
    for c in 0..corners {
        used = add_vote(&mut votes, used, cell[c], weight[c]);
    }
    winner(&votes[..used], closest)
}

/// Weights of classes closer than this are a tie.
const TIE: f32 = 1e-6;

/// The class at any place: slow, and right everywhere.
pub(super) fn vote_at<L: Label, const D: usize>(
    source: &[L],
    shape: [usize; D],
    at: [f64; D],
    border: Border,
    outside: L,
) -> L {
    let strides = oblique::strides(shape);
    let axes: [_; D] = std::array::from_fn(|a| taps::linear(at[a], shape[a], border));
    let mut votes: [(L, f32); 9] = [(outside, 0.0); 9];
    let inside: f32 = axes.iter().map(|t| t.inside).product();
    votes[0].1 = 1.0 - inside;
    let mut used = 1;
    for corner in 0..1usize << D {
        let (mut weight, mut index) = (1.0, 0);
        for a in 0..D {
            let k = corner >> (D - 1 - a) & 1;
            weight *= axes[a].weight[k];
            index += axes[a].index[k] * strides[a];
        }
        if weight == 0.0 {
            continue;
        }
        used = add_vote(&mut votes, used, source[index], weight);
    }
    let index = (0..D).try_fold(0, |sum, a| {
        Some(sum + taps::nearest(at[a], shape[a], border)? * strides[a])
    });
    winner(&votes[..used], index.map_or(outside, |i| source[i]))
}

fn add_vote<L: Label>(votes: &mut [(L, f32); 9], used: usize, label: L, weight: f32) -> usize {
    match votes[..used].iter_mut().find(|(l, _)| *l == label) {
        Some((_, sum)) => {
            *sum += weight;
            used
        }
        None => {
            votes[used] = (label, weight);
            used + 1
        }
    }
}

/// The class with the most votes; among equals the closest voxel's, then the lowest.
fn winner<L: Label>(votes: &[(L, f32)], closest: L) -> L {
    let best = votes.iter().fold(0.0f32, |best, &(_, w)| best.max(w));
    let tied = || {
        votes
            .iter()
            .filter(|&&(_, w)| w >= best - TIE)
            .map(|&(l, _)| l)
    };
    if tied().any(|l| l == closest) {
        closest
    } else {
        tied().min().unwrap_or(closest)
    }
}
