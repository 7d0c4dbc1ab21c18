//! Frames of a segmentation put down voxel by voxel, plane by plane on all cores.

use std::collections::HashMap;

use medcore::Plain;
use rayon::prelude::*;

use super::super::derived::{LabelFault, LabelGrid, voxel};
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::kind::SegmentationKind;
use super::place::Placed;
use super::read::{SegmentFrame, Segmentation};

/// How frames become the voxels of a grid.
pub(super) struct Layout {
    /// Frames with their places, in the order in which they are put down.
    pub(super) places: Vec<(usize, Placed)>,
    /// The number of pixels that mean nothing.
    background: u16,
}

impl Segmentation {
    /// The places of the frames whose segment is wanted.
    pub(super) fn layout(
        &self,
        grid: &LabelGrid,
        wanted: impl Fn(Option<u16>) -> bool,
    ) -> Result<Layout, LabelFault> {
        let mut places = Vec::new();
        let mut known: HashMap<(Option<u16>, Placed), usize> = HashMap::new();
        for (at, frame) in self.frames.iter().enumerate() {
            if !wanted(frame.segment) {
                continue;
            }
            let place = Placed::new(&frame.geometry, &grid.geometry, || format!("frame {at}"))?;
            if let Some(first) = known.insert((frame.segment, place), at) {
                return Err(LabelFault::Repeated {
                    first,
                    second: at,
                    segment: frame.segment.unwrap_or(0),
                });
            }
            places.push((at, place));
        }
        let background = match self.kind {
            SegmentationKind::LabelMap { background } => background,
            _ => 0,
        };
        Ok(Layout { places, background })
    }

    /// Reads frames and hands each pixel that means something to `put` with its voxel; what two labels `put`
    /// refuses to see in one voxel becomes a fault.
    pub(super) fn assemble<T: Plain>(
        &self,
        grid: &LabelGrid,
        layout: &Layout,
        put: impl Fn(u16, &mut T, &SegmentFrame) -> Result<(), (u32, u32)> + Sync,
    ) -> Result<Vec<T>, Fault> {
        let mut voxels = grid.room::<T>(&self.file.budget)?;
        let stored = self.file.stored_frames()?;
        let pixels = stored.image().frame_pixels();
        let most = match self.kind {
            SegmentationKind::Binary => 1,
            SegmentationKind::Fractional { maximum, .. } => maximum,
            SegmentationKind::LabelMap { .. } => u16::MAX,
        };
        let every = self.holds_all();
        let mut known = vec![false; if every { 1 << 16 } else { 0 }];
        let numbers = self.segments.iter().map(|s| s.number);
        for number in { numbers }.chain([layout.background]) {
            if let Some(known) = known.get_mut(usize::from(number)) {
                *known = true;
            }
        }
        let check = |frame: usize, scratch: &[u16]| {
            // The largest is found many at a time; which one it is matters only where it is refused.
            if !every && scratch.iter().fold(0, |a, b| a.max(*b)) <= most {
                return Ok(());
            }
            let refused = |value: &&u16| match known.get(usize::from(**value)) {
                Some(known) => !known,
                None => **value > most,
            };
            let found = scratch.iter().find(refused);
            found.map_or(Ok(()), |value| {
                let rule = match every {
                    true => "the number of a segment or the background",
                    false => "within the range of its kind",
                };
                let got = format_args!("{value} in frame {frame}");
                Err(Fault::attribute(Tag::PIXEL_DATA, rule, got))
            })
        };
        let fill = |first: usize, part: &mut [T], places: &[(usize, Placed)]| {
            let mut scratch = vec![0_u16; pixels];
            for &(at, place) in places {
                let Some(frame) = self.frames.get(at) else {
                    continue;
                };
                stored.read(at, &mut scratch)?;
                check(at, &scratch)?;
                let what = || format!("frame {at}");
                place.for_each(&scratch, layout.background, grid, what, |index, value| {
                    let inside = index.checked_sub(first).and_then(|i| part.get_mut(i));
                    let Some(place) = inside else {
                        return Ok(());
                    };
                    put(value, place, frame).map_err(|(first, second)| LabelFault::Overlap {
                        first,
                        second,
                        voxel: voxel(&grid.geometry, index),
                    })
                })?;
            }
            Ok::<(), Fault>(())
        };
        // Frames that lie in planes of the grid are put down plane by plane, on all cores.
        let [depth, rows, columns] = grid.geometry.shape();
        let mut planes: Vec<Vec<(usize, Placed)>> = vec![Vec::new(); depth];
        let mut elsewhere = false;
        for &(at, place) in &layout.places {
            let plane = place.depth().map(usize::try_from);
            match plane {
                Some(Ok(plane)) if plane < depth => {
                    if let Some(plane) = planes.get_mut(plane) {
                        plane.push((at, place));
                    }
                }
                _ => elsewhere = true,
            }
        }
        if elsewhere {
            fill(0, &mut voxels, &layout.places)?;
            return Ok(voxels);
        }
        let size = rows.saturating_mul(columns).max(1);
        let faults = { voxels.par_chunks_mut(size).zip(planes).enumerate() }
            .map(|(depth, (part, places))| fill(depth.saturating_mul(size), part, &places));
        // The first in the order of planes, whichever thread is first.
        match faults.find_map_first(Result::err) {
            Some(fault) => Err(fault),
            None => Ok(voxels),
        }
    }
}
