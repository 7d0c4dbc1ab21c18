//! Slices in the order of their places, parted into volumes where several lie in each place.

use std::path::PathBuf;

use medcore::{Lps, Point, Vector};

use super::super::instance::{Axis, AxisValue, Slice};
use super::super::stack::Stack;
use super::fault::{SeriesFault, SeriesWarning};
use super::files::Files;
use super::options::Duplicates;
use super::read::read_slices;

/// A slice with the numbers that place it.
#[derive(Clone)]
pub(super) struct Placed<'a> {
    pub(super) slice: &'a Slice,
    pub(super) position: Point<Lps>,
    /// Distance along the normal, in millimetres.
    pub(super) along: f64,
}

/// Slices of one volume, and what tells it from others.
pub(super) type Part<'a> = (Option<(Axis, AxisValue)>, Vec<Placed<'a>>);

/// Slices nearer than this lie in one place; rounding is below it.
pub(super) const SAME_PLACE_MM: f64 = 5e-3;

const AXES: [Axis; 10] = [
    Axis::TemporalPosition,
    Axis::Acquisition,
    Axis::TriggerTime,
    Axis::Echo,
    Axis::BValue,
    Axis::Gradient,
    Axis::AcquisitionTime,
    Axis::ContentTime,
    Axis::Component,
    Axis::Instance,
];

/// Slices in order.
fn placed(stack: &Stack) -> Result<Vec<Placed<'_>>, SeriesFault> {
    let mut placed = Vec::new();
    let mut normal = None;
    for slice in &stack.slices {
        let missing = |what| SeriesFault::NoPlace {
            path: slice.path.to_path_buf(),
            frame: slice.frame,
            what,
        };
        let [row, column] = slice
            .plane
            .orientation
            .ok_or_else(|| missing("orientation"))?;
        let position = slice.plane.position.ok_or_else(|| missing("position"))?;
        slice.plane.spacing.ok_or_else(|| missing("spacing"))?;
        let normal: Vector<Lps> = *normal.get_or_insert_with(|| row.cross(column));
        let [x, y, z] = position.coordinates();
        let along = normal.dot(Vector::new(x, y, z));
        placed.push(Placed {
            slice,
            position,
            along,
        });
    }
    let number = |slice: &Slice| match on(Axis::Instance, slice) {
        Some(AxisValue::Number(number)) => *number,
        _ => f64::INFINITY,
    };
    placed.sort_by(|a, b| {
        let place = a.along.total_cmp(&b.along);
        let frames = a.slice.frame.cmp(&b.slice.frame);
        place
            .then(number(a.slice).total_cmp(&number(b.slice)))
            .then(frames)
    });
    Ok(placed)
}

/// Slices by place.
fn places(placed: Vec<Placed<'_>>) -> Vec<Vec<Placed<'_>>> {
    let mut places: Vec<Vec<Placed<'_>>> = Vec::new();
    for slice in placed {
        let last = places.last_mut();
        match last {
            Some(place)
                if { place.first() }
                    .is_some_and(|first| slice.along - first.along <= SAME_PLACE_MM) =>
            {
                place.push(slice);
            }
            _ => places.push(vec![slice]),
        }
    }
    places
}

/// Distances from place to place, sorted; none if slices do not say where they lie.
fn distances(stack: &Stack) -> Option<Vec<f64>> {
    let places = places(placed(stack).ok()?);
    let firsts = places.iter().filter_map(|place| place.first());
    let next = firsts.clone().skip(1);
    let mut distances: Vec<f64> = firsts
        .zip(next)
        .map(|(a, b)| a.position.distance(b.position))
        .collect();
    distances.sort_by(f64::total_cmp);
    Some(distances)
}

impl Stack {
    /// The usual distance from slice to slice in millimetres, measured between their places; none for one
    /// place, and for slices that do not say where they lie.
    #[must_use]
    pub fn slice_spacing(&self) -> Option<f64> {
        let distances = distances(self)?;
        distances.get(distances.len() / 2).copied()
    }

    /// The number of different places in which slices lie; of slices that do not say where, their number.
    #[must_use]
    pub fn places(&self) -> usize {
        distances(self).map_or(self.slices.len(), |distances| distances.len() + 1)
    }

    fn duplicate(places: &[Vec<Placed<'_>>]) -> SeriesFault {
        let crowded = places.iter().max_by_key(|place| place.len());
        let mut paths = { crowded.into_iter().flatten() }.map(|p| p.slice.path.to_path_buf());
        SeriesFault::DuplicatePositions {
            first: paths.next().unwrap_or_default(),
            second: paths.next().unwrap_or_default(),
        }
    }

    /// The stack's volumes: one, unless several slices lie in each place.
    pub(super) fn parts(
        &self,
        files: Files<'_>,
    ) -> crate::Result<(Vec<Part<'_>>, Vec<SeriesWarning>)> {
        let fail = |fault| self.fault(fault);
        let [_, _, samples] = self.shape();
        if samples > 1 {
            return Err(fail(SeriesFault::Colours { samples }));
        }
        let mut warnings = Vec::new();
        let mut places = places(placed(self).map_err(fail)?);
        // Numbers of instances tell the same image twice from itself: they count only where pixels differ.
        let kept = files.options.slices.duplicates == Duplicates::KeepFirst;
        let axes = { AXES.into_iter() }.filter(|axis| !kept || *axis != Axis::Instance);
        let axis = { axes }.find(|axis| even(&places) && tells_apart(*axis, &places));
        if kept && axis.is_none() && crowded(&places) {
            self.drop_repeated(&mut places, files, &mut warnings)?;
        }
        if !crowded(&places) {
            let only = places.into_iter().flatten().collect();
            return Ok((vec![(None, only)], warnings));
        }
        let instance =
            Some(Axis::Instance).filter(|axis| even(&places) && tells_apart(*axis, &places));
        let axis = axis.or(instance);
        let axis = axis.ok_or_else(|| fail(Self::duplicate(&places)))?;
        Ok((along(axis, places), warnings))
    }

    /// Leaves out slices whose pixels are those of the first in their place.
    fn drop_repeated(
        &self,
        places: &mut [Vec<Placed<'_>>],
        files: Files<'_>,
        warnings: &mut Vec<SeriesWarning>,
    ) -> crate::Result<()> {
        let [rows, columns, _] = self.shape();
        let size = rows.saturating_mul(columns);
        let claim = u64::try_from(size).unwrap_or(u64::MAX).saturating_mul(16);
        for place in places.iter_mut().filter(|place| place.len() > 1) {
            let core = |error: medcore::Error| self.fault(SeriesFault::Core(error.to_string()));
            { files.options.own_budget() }
                .claim_bytes("two slices", claim)
                .map_err(core)?;
            let pixels = |slice: &Slice| {
                let mut pixels = vec![0.0_f64; size];
                read_slices(vec![(slice, &mut pixels[..])], files)?;
                let bits = pixels.into_iter().map(f64::to_bits);
                Ok::<_, crate::Error>(bits.collect::<Vec<u64>>())
            };
            let (first, others) = match place.split_first() {
                Some((first, others)) => (first, others),
                None => continue,
            };
            let kept = pixels(first.slice)?;
            let mut dropped: Vec<PathBuf> = Vec::new();
            for other in others {
                if pixels(other.slice)? != kept {
                    return Err(self.fault(SeriesFault::DuplicatePositions {
                        first: first.slice.path.to_path_buf(),
                        second: other.slice.path.to_path_buf(),
                    }));
                }
                dropped.push(other.slice.path.to_path_buf());
            }
            let kept = first.slice.path.to_path_buf();
            warnings.push(SeriesWarning::DuplicatesDropped { kept, dropped });
            place.truncate(1);
        }
        Ok(())
    }
}

fn crowded(places: &[Vec<Placed<'_>>]) -> bool {
    places.iter().any(|place| place.len() > 1)
}

fn even(places: &[Vec<Placed<'_>>]) -> bool {
    let count = places.first().map_or(0, Vec::len);
    places.iter().all(|place| place.len() == count)
}

/// One volume for each value on an axis that tells slices apart.
fn along(axis: Axis, places: Vec<Vec<Placed<'_>>>) -> Vec<Part<'_>> {
    let mut parts: Vec<Part<'_>> = Vec::new();
    for mut place in places {
        place.sort_by(|a, b| match (on(axis, a.slice), on(axis, b.slice)) {
            (Some(a), Some(b)) => a.compare(b),
            _ => std::cmp::Ordering::Equal,
        });
        for (index, slice) in place.into_iter().enumerate() {
            match parts.get_mut(index) {
                Some((_, slices)) => slices.push(slice),
                None => {
                    let value = on(axis, slice.slice).cloned();
                    parts.push((value.map(|value| (axis, value)), vec![slice]));
                }
            }
        }
    }
    parts
}

fn on(axis: Axis, slice: &Slice) -> Option<&AxisValue> {
    let found = slice.axes.iter().find(|(other, _)| *other == axis);
    found.map(|(_, value)| value)
}

/// Whether the slices of each place differ on an axis, and for axes of steps by the same values.
fn tells_apart(axis: Axis, places: &[Vec<Placed<'_>>]) -> bool {
    let values = |place: &Vec<Placed<'_>>| -> Option<Vec<AxisValue>> {
        let values: Option<Vec<AxisValue>> = { place.iter() }
            .map(|p| on(axis, p.slice).cloned())
            .collect();
        let mut values = values?;
        values.sort_by(AxisValue::compare);
        let distinct = values.is_sorted_by(|a, b| a.compare(b).is_lt());
        distinct.then_some(values)
    };
    // Clocks run on from slice to slice; the other axes have one set of values.
    let clock = matches!(
        axis,
        Axis::TriggerTime | Axis::AcquisitionTime | Axis::ContentTime | Axis::Instance
    );
    let first = places.first().and_then(values);
    first.is_some() && { places.iter() }.all(|place| {
        let here = values(place);
        here.is_some() && (clock || here == first)
    })
}
