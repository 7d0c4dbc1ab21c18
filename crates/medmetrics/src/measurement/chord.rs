//! The longest line inside a mask in nearly a given direction.

use std::f64::consts::PI;

use medcore::{Lps, Vector};

use super::mask::Mask;
use super::place::{Diameter, Plane};

/// Pixels are closed squares, touching within this many of their sides.
const TOUCH: f64 = 1e-9;

/// The longest line that does not leave the mask's pixels, within `tolerance_deg` of a direction.
///
/// Directions are tried in steps of one degree from the middle to both ends. For each, the longest line
/// passes through a corner of the mask, so lines through the corners are all that is needed.
pub(crate) fn longest(
    plane: &Plane,
    mask: &Mask<2>,
    direction: Vector<Lps>,
    tolerance_deg: f64,
) -> Diameter {
    let across = plane.perpendicular(direction);
    let corners = corners(mask);
    let mut best = ([corners[0]; 2], 0.0);
    for turn in turns(tolerance_deg) {
        let (sin, cos) = (libm::sin(turn), libm::cos(turn));
        let way = index_of(plane, direction * cos + across * sin);
        for ends in lines(mask, &corners, way) {
            let [from, to] = ends;
            let length = plane.vector([to[0] - from[0], to[1] - from[1]]).norm();
            // Rounding is no reason to prefer a line further from the direction.
            if length > best.1 * (1.0 + TOUCH) {
                best = (ends, length);
            }
        }
    }
    Diameter {
        mm: best.1,
        ends: best.0.map(|end| plane.end_point(end)),
    }
}

/// 0, then whole degrees to both sides, then the tolerance itself; in radians.
fn turns(tolerance_deg: f64) -> Vec<f64> {
    let mut degrees = vec![0.0];
    let mut step = 1.0;
    while step < tolerance_deg {
        degrees.extend([-step, step]);
        step += 1.0;
    }
    if tolerance_deg > 0.0 {
        degrees.extend([-tolerance_deg, tolerance_deg]);
    }
    degrees.into_iter().map(|d| d * (PI / 180.0)).collect()
}

/// The ends of runs: every corner of the mask is among them.
fn corners(mask: &Mask<2>) -> Vec<[f64; 2]> {
    let mut corners = Vec::with_capacity(4 * mask.runs.len());
    for run in &mask.runs {
        for row in [run.row as f64 - 0.5, run.row as f64 + 0.5] {
            corners.extend([[row, run.start as f64 - 0.5], [row, run.end as f64 - 0.5]]);
        }
    }
    corners
}

/// A direction of the plane as a way on its grid.
fn index_of(plane: &Plane, direction: Vector<Lps>) -> [f64; 2] {
    let [along, across] = plane.axes();
    let rows = direction.dot(across) / plane.steps[0].dot(across);
    let rest = direction + plane.steps[0] * -rows;
    [rows, rest.dot(along) / plane.steps[1].dot(along)]
}

/// The longest piece inside the mask of each line through a corner.
fn lines(mask: &Mask<2>, corners: &[[f64; 2]], way: [f64; 2]) -> Vec<[[f64; 2]; 2]> {
    // Corners on one line need to be met once: what differs between lines is the offset across the way.
    let offset = |corner: [f64; 2]| corner[0] * way[1] - corner[1] * way[0];
    let mut starts: Vec<(f64, [f64; 2])> = corners.iter().map(|&c| (offset(c), c)).collect();
    starts.sort_by(|a, b| a.0.total_cmp(&b.0));
    starts.dedup_by(|a, b| (a.0 - b.0).abs() < TOUCH);
    let mut pieces = Vec::new();
    let mut found = Vec::with_capacity(starts.len());
    for (_, start) in starts {
        pieces.clear();
        pieces.extend(mask.runs.iter().filter_map(|run| {
            let rows = between(start[0], way[0], run.row as f64 - 0.5, run.row as f64 + 0.5)?;
            let columns = (run.start as f64 - 0.5, run.end as f64 - 0.5);
            let columns = between(start[1], way[1], columns.0, columns.1)?;
            let (low, high) = (rows.0.max(columns.0), rows.1.min(columns.1));
            (low <= high + TOUCH).then_some((low, high.max(low)))
        }));
        pieces.sort_by(|a, b| a.0.total_cmp(&b.0));
        let mut longest = (0.0, 0.0);
        let mut current: Option<(f64, f64)> = None;
        for &(low, high) in &pieces {
            let joined = match current {
                Some((start, end)) if low <= end + TOUCH => (start, end.max(high)),
                _ => (low, high),
            };
            if joined.1 - joined.0 > longest.1 - longest.0 {
                longest = joined;
            }
            current = Some(joined);
        }
        let at = |t: f64| [start[0] + t * way[0], start[1] + t * way[1]];
        found.push([at(longest.0), at(longest.1)]);
    }
    found
}

/// Where `start + t * way` lies between two numbers: the range of t.
fn between(start: f64, way: f64, low: f64, high: f64) -> Option<(f64, f64)> {
    if way.abs() < TOUCH {
        let inside = start >= low - TOUCH && start <= high + TOUCH;
        return inside.then_some((f64::NEG_INFINITY, f64::INFINITY));
    }
    let (a, b) = ((low - start) / way, (high - start) / way);
    Some((a.min(b), a.max(b)))
}
