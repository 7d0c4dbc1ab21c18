//! The grid that frames lie on, where some of its planes were left out.
#![allow(
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "millimetres and numbers of planes, which are bounded"
)]

use medcore::{Geometry, Lps, Point};

use super::super::derived::LabelFault;

/// Frames nearer than this lie in one plane; rounding is below it.
const SAME_PLACE_MM: f64 = 5e-3;
/// Largest difference of direction cosines, and of spacings as a part of them.
const SAME: f64 = 1e-4;
/// How far a frame may lie from its place, as a part of the smallest spacing.
const LIMIT: f64 = 0.1;
/// More planes than any scanner makes.
const MOST_PLANES: f64 = 1e6;

fn not_one(problem: impl std::fmt::Display) -> LabelFault {
    LabelFault::NotOneGrid {
        problem: problem.to_string(),
    }
}

/// The regular grid of parallel frames; `between` and `thickness` are what the file says of their distance,
/// which counts where the frames alone leave it open.
pub(super) fn one_grid(
    frames: &[Geometry<2>],
    between: Option<f64>,
    thickness: Option<f64>,
) -> Result<Geometry<3>, LabelFault> {
    let Some(first) = frames.first() else {
        return Err(not_one("there are none"));
    };
    for (at, frame) in frames.iter().enumerate() {
        same_plane_grid(first, frame)
            .map_err(|what| not_one(format_args!("frame {at} has another {what} than frame 0")))?;
    }
    let [down, along] = first.steps();
    let [down_mm, along_mm] = first.spacing();
    let normal = along.cross(down) * (1.0 / (down_mm * along_mm));
    let height = |p: Point<Lps>| normal.dot(p - first.origin());
    let mut places: Vec<(f64, Point<Lps>)> = { frames.iter() }
        .map(|frame| (height(frame.origin()), frame.origin()))
        .collect();
    places.sort_by(|a, b| a.0.total_cmp(&b.0));
    // Several segments lie in one plane.
    let smallest = down_mm.min(along_mm);
    let mut planes: Vec<(f64, Point<Lps>)> = Vec::new();
    for place in places {
        match planes.last() {
            Some(last) if place.0 - last.0 <= SAME_PLACE_MM => {
                let aside = place.1.distance(last.1);
                if aside > LIMIT * smallest {
                    return Err(not_one(format_args!(
                        "frames of one plane start {aside:.4} mm apart"
                    )));
                }
            }
            _ => planes.push(place),
        }
    }
    let stated =
        [between, thickness].map(|mm| mm.filter(|mm| mm.is_finite() && *mm > SAME_PLACE_MM));
    let [(Some(low), high)] = [(planes.first(), planes.last())] else {
        return Err(not_one("there are none"));
    };
    let high = high.unwrap_or(low);
    let extent = high.0 - low.0;
    let step_mm = match planes.len() {
        1 => { stated.into_iter().flatten().next() }.ok_or_else(|| {
            not_one("a single plane without SpacingBetweenSlices or SliceThickness")
        })?,
        _ => step_of(&planes, stated)?,
    };
    let count = (extent / step_mm).round();
    if count.is_nan() || count >= MOST_PLANES {
        return Err(not_one(format_args!("{count} planes of {step_mm} mm")));
    }
    let step = match count {
        0.0 => normal * step_mm,
        _ => (high.1 - low.1) * (1.0 / count),
    };
    let limit_mm = LIMIT * smallest.min(step_mm);
    for (height, place) in &planes {
        let steps = ((height - low.0) / step_mm).round();
        let off_mm = place.distance(low.1 + step * steps);
        if off_mm > limit_mm {
            return Err(not_one(format_args!(
                "a plane lies {off_mm:.4} mm off its place ({limit_mm:.4} mm are allowed)"
            )));
        }
    }
    let [rows, columns] = first.shape();
    let grid = Geometry::new(
        [count as usize + 1, rows, columns],
        low.1,
        [step, down, along],
    );
    grid.map_err(not_one)
}

/// The distance of which all distances are multiples: the stated one or the smallest there is.
fn step_of(planes: &[(f64, Point<Lps>)], stated: [Option<f64>; 2]) -> Result<f64, LabelFault> {
    let gaps = planes.iter().zip(planes.iter().skip(1));
    let gaps: Vec<f64> = gaps.map(|(a, b)| b.0 - a.0).collect();
    let smallest = gaps.iter().copied().fold(f64::INFINITY, f64::min);
    let off = |step: f64| {
        let parts = gaps
            .iter()
            .map(|gap| (gap / step - (gap / step).round()).abs());
        let none = gaps.iter().any(|gap| gap / step < 0.5);
        if none {
            f64::INFINITY
        } else {
            parts.fold(0.0, f64::max)
        }
    };
    let [between, _] = stated;
    let found =
        { [between, Some(smallest)].into_iter().flatten() }.find(|step| off(*step) <= LIMIT);
    found.ok_or_else(|| {
        let widest = gaps.iter().copied().fold(0.0, f64::max);
        not_one(format_args!(
            "planes lie {smallest} to {widest} mm apart, which are no multiples of one distance"
        ))
    })
}

/// What differs between the rasters of two frames.
fn same_plane_grid(a: &Geometry<2>, b: &Geometry<2>) -> Result<(), &'static str> {
    let near = |a: f64, b: f64, limit: f64| (a - b).abs() <= limit;
    let cosines = a.direction().concat();
    let others = b.direction().concat();
    if !cosines.iter().zip(&others).all(|(a, b)| near(*a, *b, SAME)) {
        return Err("orientation");
    }
    let spacings = a.spacing().into_iter().zip(b.spacing());
    if !{ spacings }.all(|(a, b)| near(a, b, SAME * a)) {
        return Err("spacing");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use medcore::Vector;

    fn frame(z: f64, shear: f64) -> Geometry<2> {
        let steps = [Vector::new(0.0, 0.5, 0.0), Vector::new(0.75, 0.0, 0.0)];
        Geometry::new([4, 5], Point::new(1.0, 2.0 + shear * z, z), steps).unwrap()
    }

    #[test]
    fn planes_that_were_left_out_come_back() {
        let frames = [6.0, 2.0, 4.0, 6.0, 12.0].map(|z| frame(z, 0.3));
        let grid = one_grid(&frames, None, None).unwrap();
        assert_eq!(grid.shape(), [6, 4, 5]);
        assert_eq!(grid.origin(), frame(2.0, 0.3).origin());
        let [step, _, _] = grid.steps();
        assert!(
            (step + Vector::new(0.0, -0.6, -2.0)).norm() < 1e-12,
            "{step:?}"
        );
    }

    #[test]
    fn the_stated_distance_decides_where_it_fits() {
        let frames = [0.0, 4.0, 10.0].map(|z| frame(z, 0.0));
        assert!(one_grid(&frames, None, None).is_err());
        assert_eq!(one_grid(&frames, Some(2.0), None).unwrap().shape()[0], 6);
        assert_eq!(
            one_grid(&frames[..2], Some(2.0), None).unwrap().shape()[0],
            3
        );
        // One that does not fit the frames does not.
        assert_eq!(
            one_grid(&frames[..2], Some(3.0), None).unwrap().shape()[0],
            2
        );
        assert_eq!(
            one_grid(&frames[..2], Some(40.0), None).unwrap().shape()[0],
            2
        );
    }

    #[test]
    fn a_single_plane_is_as_thick_as_the_file_says() {
        let one = [frame(3.0, 0.0), frame(3.0, 0.0)];
        assert_eq!(one_grid(&one, None, Some(2.5)).unwrap().spacing()[0], 2.5);
        assert!(one_grid(&one, None, None).is_err());
        assert!(one_grid(&[], None, None).is_err());
    }

    #[test]
    fn frames_that_make_no_grid_are_refused_with_what_differs() {
        let said = |frames: &[Geometry<2>]| one_grid(frames, None, None).unwrap_err().to_string();
        let turned = Geometry::new(
            [4, 5],
            Point::new(1.0, 2.0, 3.0),
            [Vector::new(0.5, 0.0, 0.0), Vector::new(0.0, 0.75, 0.0)],
        );
        assert!(said(&[frame(1.0, 0.0), turned.unwrap()]).contains("another orientation"));
        assert!(said(&[frame(0.0, 0.0), frame(1.0, 0.0), frame(2.4, 0.0)]).contains("multiples"));
        let aside = Geometry::new([4, 5], Point::new(1.4, 2.0, 0.0), frame(0.0, 0.0).steps());
        assert!(said(&[frame(0.0, 0.0), aside.unwrap()]).contains("0.4000 mm apart"));
        assert!(said(&[frame(0.0, 0.0), frame(1e-2, 0.0), frame(1e9, 0.0)]).contains("planes of"));
    }
}
