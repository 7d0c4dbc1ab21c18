//! Contours among the planes of a grid.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "indices that are checked to be finite and below 2^31"
)]

use medcore::Geometry;

use super::super::derived::{LabelFault, LabelGrid, OffGrid, OutsideGrid};
use super::contour::Contour;

/// How far a contour may lie from a plane, and what it encloses from the grid, in voxels.
const LIMIT: f64 = 0.1;
/// Indices beyond this are no places in a patient.
const FARTHEST: f64 = (1_u32 << 31) as f64;

/// A contour in indices of the grid.
#[derive(Debug, Clone, PartialEq)]
struct Flat {
    /// Lowest and highest index of its points along the depth.
    depth: [f64; 2],
    /// `[row, column]`
    points: Vec<[f64; 2]>,
    /// Its place among the region's contours.
    at: usize,
}

impl Flat {
    fn height(&self) -> f64 {
        let [low, high] = self.depth;
        (low + high) / 2.0
    }
}

/// The contours of each plane of the grid.
pub(super) type Planes = Vec<Vec<Vec<[f64; 2]>>>;

/// Sorts the closed contours of a region into the planes of a grid.
pub(super) fn planes(
    contours: &[Contour],
    name: &str,
    grid: &LabelGrid,
) -> Result<Planes, LabelFault> {
    let mut flats = Vec::new();
    let closed = contours
        .iter()
        .enumerate()
        .filter(|(_, c)| c.kind.is_closed());
    for (at, contour) in closed {
        if let Some(flat) = flatten(contour, at, &grid.geometry) {
            flats.push(flat.map_err(|index| outside(name, at, index, grid))?);
        }
    }
    let flats = check_inside(flats, name, grid)?;
    let [depth, _, _] = grid.geometry.shape();
    let mut planes: Planes = vec![Vec::new(); depth];
    match grid.off_grid {
        OffGrid::Nearest => nearest(flats, &mut planes, name, grid)?,
        OffGrid::Refuse => {
            for flat in flats {
                let plane = flat.height().round();
                let [low, high] = flat.depth;
                let off = (plane - low).max(high - plane);
                if off > LIMIT {
                    return Err(off_plane(name, flat.at, off, LIMIT, grid));
                }
                // Planes outside the grid were refused or left out before.
                let index = usize::try_from(plane as i64).ok();
                if let Some(plane) = index.and_then(|index| planes.get_mut(index)) {
                    plane.push(flat.points);
                }
            }
        }
    }
    Ok(planes)
}

/// None for contours without points; an error for points that are no place.
fn flatten(contour: &Contour, at: usize, grid: &Geometry<3>) -> Option<Result<Flat, [i64; 3]>> {
    let mut flat = Flat {
        depth: [f64::INFINITY, f64::NEG_INFINITY],
        points: Vec::with_capacity(contour.points.len()),
        at,
    };
    for point in &contour.points {
        let [d, r, c] = grid.world_to_index(*point);
        if [d, r, c].iter().any(|v| v.is_nan() || v.abs() >= FARTHEST) {
            return Some(Err([d, r, c].map(|v| v as i64)));
        }
        let [low, high] = flat.depth;
        flat.depth = [low.min(d), high.max(d)];
        flat.points.push([r, c]);
    }
    (!flat.points.is_empty()).then_some(Ok(flat))
}

/// Refuses or leaves out what lies outside the grid; parts of contours are cut off when they are filled.
fn check_inside(flats: Vec<Flat>, name: &str, grid: &LabelGrid) -> Result<Vec<Flat>, LabelFault> {
    if grid.outside == OutsideGrid::Clip {
        return Ok(flats);
    }
    let shape = grid.geometry.shape();
    let [depth, rows, columns] = shape.map(|n| n as f64 - 0.5 + LIMIT);
    let inside = |v: f64, end: f64| (-0.5 - LIMIT..=end).contains(&v);
    for flat in &flats {
        let height = flat.height();
        let beyond = |p: &&[f64; 2]| {
            let [r, c] = **p;
            !(inside(r, rows) && inside(c, columns) && inside(height, depth))
        };
        if let Some([r, c]) = flat.points.iter().find(beyond) {
            let index = [height, *r, *c].map(|v| v.round() as i64);
            return Err(outside(name, flat.at, index, grid));
        }
    }
    Ok(flats)
}

/// Gives each plane the contours of the drawn plane that lies nearest, within half the distance of drawn
/// planes.
fn nearest(
    mut flats: Vec<Flat>,
    planes: &mut Planes,
    name: &str,
    grid: &LabelGrid,
) -> Result<(), LabelFault> {
    const TILT: f64 = 0.5;
    if let Some(flat) = flats.iter().find(|f| f.depth[1] - f.depth[0] > 2.0 * TILT) {
        let off = (flat.depth[1] - flat.depth[0]) / 2.0;
        return Err(off_plane(name, flat.at, off, TILT, grid));
    }
    flats.sort_by(|a, b| a.height().total_cmp(&b.height()));
    // Drawn planes: contours of one height.
    let same = 5e-3 / between_planes(&grid.geometry);
    let mut drawn: Vec<(f64, Vec<Flat>)> = Vec::new();
    for flat in flats {
        match drawn.last_mut() {
            Some((height, contours)) if flat.height() - *height <= same => contours.push(flat),
            _ => drawn.push((flat.height(), vec![flat])),
        }
    }
    let heights = drawn.iter().map(|(height, _)| *height);
    let mut gaps: Vec<f64> = { heights.clone().zip(heights.skip(1)) }
        .map(|(a, b)| b - a)
        .collect();
    gaps.sort_by(f64::total_cmp);
    let reach = gaps.get(gaps.len() / 2).copied().unwrap_or(1.0) / 2.0;
    for (index, plane) in planes.iter_mut().enumerate() {
        let distance = |(height, _): &&(f64, Vec<Flat>)| (height - index as f64).abs();
        let near = { drawn.iter() }.min_by(|a, b| distance(a).total_cmp(&distance(b)));
        // A plane half way between the last contour and nothing belongs to the contour.
        if let Some(near) = near.filter(|near| distance(near) <= reach + 1e-6) {
            plane.extend(near.1.iter().map(|flat| flat.points.clone()));
        }
    }
    Ok(())
}

/// Millimetres from plane to plane, along their normal.
fn between_planes(grid: &Geometry<3>) -> f64 {
    let [step, down, along] = grid.steps();
    let normal = along.cross(down);
    normal.dot(step).abs() / normal.norm()
}

fn off_plane(name: &str, at: usize, off: f64, limit: f64, grid: &LabelGrid) -> LabelFault {
    let millimetres = between_planes(&grid.geometry);
    LabelFault::OffGrid {
        what: format!("contour {at} of {name}"),
        off_mm: off * millimetres,
        limit_mm: limit * millimetres,
    }
}

fn outside(name: &str, at: usize, index: [i64; 3], grid: &LabelGrid) -> LabelFault {
    LabelFault::Outside {
        what: format!("contour {at} of {name}"),
        index,
        shape: grid.geometry.shape(),
    }
}
