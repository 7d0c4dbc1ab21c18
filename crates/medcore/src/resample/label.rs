//! Resampling of classes: the closest one, or the one with the largest linear weight.

use serde::{Deserialize, Serialize};

use super::oblique::{Line, Rows, bounds};
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
            separable::nearest(source, &axes.indices(border), outside.value(), out);
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
            out_row[x] = vote_at(source, rows, &line, x, border, outside);
        }
        for x in interior {
            let at = line.at(x);
            let base: usize = (0..D)
                .map(|a| (at[a] >> 32) as usize * rows.strides[a])
                .sum();
            let first = source[base];
            let uniform = (1..1 << D).all(|c| source[base + corners[c]] == first);
            out_row[x] = if uniform {
                first
            } else {
                vote_at(source, rows, &line, x, border, outside)
            };
        }
    });
}

/// Weights of classes closer than this are a tie.
const TIE: f32 = 1e-6;

fn vote_at<L: Label, const D: usize>(
    source: &[L],
    rows: &Rows<D>,
    line: &Line<D>,
    x: usize,
    border: Border,
    outside: L,
) -> L {
    let at = line.coordinates(x);
    let axes: [_; D] = std::array::from_fn(|a| taps::linear(at[a], rows.source[a], border));
    let mut votes: [(L, f32); 9] = [(outside, 0.0); 9];
    let inside: f32 = axes.iter().map(|t| t.inside).product();
    votes[0].1 = 1.0 - inside;
    let mut used = 1;
    for corner in 0..1usize << D {
        let (mut weight, mut index) = (1.0, 0);
        for a in 0..D {
            let k = corner >> (D - 1 - a) & 1;
            weight *= axes[a].weight[k];
            index += axes[a].index[k] * rows.strides[a];
        }
        if weight == 0.0 {
            continue;
        }
        let label = source[index];
        match votes[..used].iter_mut().find(|(l, _)| *l == label) {
            Some((_, sum)) => *sum += weight,
            None => {
                votes[used] = (label, weight);
                used += 1;
            }
        }
    }
    let best = votes[..used]
        .iter()
        .fold(0.0f32, |best, &(_, w)| best.max(w));
    let mut tied = votes[..used]
        .iter()
        .filter(|&&(_, w)| w >= best - TIE)
        .map(|&(l, _)| l);
    let index = (0..D).try_fold(0, |sum, a| {
        Some(sum + taps::nearest(at[a], rows.source[a], border)? * rows.strides[a])
    });
    let closest = index.map_or(outside, |i| source[i]);
    if tied.clone().any(|l| l == closest) {
        closest
    } else {
        tied.clone()
            .min()
            .or_else(|| tied.next())
            .unwrap_or(closest)
    }
}
