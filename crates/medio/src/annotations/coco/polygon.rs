//! Polygons as pixels, exactly as the COCO API fills them.
//!
//! Its rule, and not a better one, because areas and overlaps of published results rest on it: corners are
//! put on a grid five times as fine, the outline is walked there cell by cell, and wherever it crosses the
//! middle of a column a pixel boundary is noted; between every second pair of boundaries, down the columns,
//! lies the inside. Parts are filled one by one and united.

use medcore::Budget;

use super::super::edges;
use super::super::fault::Problem;
use super::super::mask::{Mask, Order, Runs};
use super::super::number::{narrow, real, wide};

/// How much finer than pixels the outline is walked.
const FINE: f64 = 5.0;

/// The pixels of an image of `size` (height, width) that polygons cover, as the COCO API fills them.
///
/// ```
/// use medio::annotations::coco::fill_polygons;
/// use medio::medcore::Budget;
///
/// // The whole of a 2x3 image: its outer edges, in index coordinates.
/// let ring = vec![[-0.5, -0.5], [-0.5, 2.5], [1.5, 2.5], [1.5, -0.5]];
/// let mask = fill_polygons(&[ring], [2, 3], &Budget::default())?;
/// assert_eq!(mask.area(), 6);
/// # Ok::<(), medio::annotations::Problem>(())
/// ```
///
/// # Errors
/// Refuses coordinates that are not finite, and passes on what the budget says of the cells of the outline
/// (claimed only meanwhile).
pub fn fill_polygons(
    parts: &[Vec<[f64; 2]>],
    size: [usize; 2],
    budget: &Budget,
) -> Result<Mask, Problem> {
    let mut inside: Vec<(u64, u64)> = Vec::new();
    for ring in parts {
        let claimed = walk_length(ring, budget)?;
        inside.extend(fill_ring(ring, size));
        budget.release_bytes(claimed);
    }
    inside.sort_unstable();
    let mut runs = Runs::default();
    for (start, end) in inside {
        let start = start.max(runs.total());
        runs.add(false, start.saturating_sub(runs.total()));
        runs.add(true, end.saturating_sub(start));
    }
    let [height, width] = size;
    let total = wide(height).saturating_mul(wide(width));
    runs.add(false, total.saturating_sub(runs.total()));
    Mask::new([0, 0], size, Order::Columns, runs.finish())
}

/// A corner on the fine grid, `x, y`.
fn fine(point: [f64; 2]) -> [f64; 2] {
    edges::xy(point).map(|v| (FINE * v + 0.5).trunc())
}

/// Claims what the walk along a ring will hold, and says how much it is.
fn walk_length(ring: &[[f64; 2]], budget: &Budget) -> Result<u64, Problem> {
    let next = ring.iter().cycle().skip(1);
    let cells: f64 = ring
        .iter()
        .zip(next)
        .map(|(&a, &b)| {
            let ([ax, ay], [bx, by]) = (fine(a), fine(b));
            (ax - bx).abs().max((ay - by).abs()) + 1.0
        })
        .sum();
    if !cells.is_finite() {
        return Err(Problem::expected("finite coordinates", &cells.to_string()));
    }
    // Three numbers a cell of the walk: two coordinates, and at most one boundary in two of them.
    let bytes = super::super::number::whole(cells.min(1e15)).unwrap_or(usize::MAX);
    let bytes = wide(bytes).saturating_mul(32);
    budget.claim_bytes("the outline of a polygon", bytes)?;
    Ok(bytes)
}

/// The stretches inside one ring, down the columns.
fn fill_ring(ring: &[[f64; 2]], [height, width]: [usize; 2]) -> Vec<(u64, u64)> {
    let mut cells = Vec::new();
    let next = ring.iter().cycle().skip(1);
    for (&a, &b) in ring.iter().zip(next) {
        walk(fine(a), fine(b), &mut cells);
    }
    let mut boundaries: Vec<u64> = cells
        .windows(2)
        .filter_map(|pair| match pair {
            [a, b] => boundary(*a, *b, [height, width]),
            _ => None,
        })
        .collect();
    boundaries.push(wide(height).saturating_mul(wide(width)));
    boundaries.sort_unstable();
    let pairs = boundaries.chunks_exact(2);
    pairs
        .filter_map(|pair| match pair {
            [start, end] if start < end => Some((*start, *end)),
            _ => None,
        })
        .collect()
}

/// The cells of an edge, both ends among them, from its first corner to its second.
fn walk([ax, ay]: [f64; 2], [bx, by]: [f64; 2], cells: &mut Vec<[f64; 2]>) {
    let (dx, dy) = ((bx - ax).abs(), (by - ay).abs());
    // The walk is always made towards the larger coordinate, whichever way the edge runs.
    let backwards = (dx >= dy && ax > bx) || (dx < dy && ay > by);
    let ([sx, sy], [ex, ey]) = match backwards {
        true => ([bx, by], [ax, ay]),
        false => ([ax, ay], [bx, by]),
    };
    let along = dx.max(dy);
    let slope = match (dx >= dy, along > 0.0) {
        (_, false) => 0.0,
        (true, true) => (ey - sy) / dx,
        (false, true) => (ex - sx) / dy,
    };
    let steps = super::super::number::whole(along).unwrap_or(0);
    for step in 0..=steps {
        let t = match backwards {
            true => along - real(step),
            false => real(step),
        };
        cells.push(match dx >= dy {
            true => [sx + t, (sy + slope * t + 0.5).trunc()],
            false => [(sx + slope * t + 0.5).trunc(), sy + t],
        });
    }
}

/// Where the step between two cells crosses the middle of a column: the first pixel behind, down the columns.
fn boundary(a: [f64; 2], b: [f64; 2], [height, width]: [usize; 2]) -> Option<u64> {
    if a[0] == b[0] {
        return None;
    }
    let column = (if b[0] < a[0] { b[0] } else { b[0] - 1.0 } + 0.5) / FINE - 0.5;
    if column.floor() != column || column < 0.0 || column > real(width) - 1.0 {
        return None;
    }
    let row = (b[1].min(a[1]) + 0.5) / FINE - 0.5;
    let row = row.clamp(0.0, real(height)).ceil();
    let number = |value| super::super::number::whole(value).map(wide);
    let before = number(column)?.checked_mul(wide(height))?;
    before
        .checked_add(number(row)?)
        .filter(|at| narrow(*at) != usize::MAX)
}
