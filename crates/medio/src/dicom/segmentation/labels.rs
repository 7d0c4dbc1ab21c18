//! Segments put onto a grid: as label maps, masks and fractions.

use std::collections::HashMap;

use medcore::resample::{LabelInterpolation, resample_labels_slice};
use medcore::{Geometry, Image, Label, LabelMap};

use super::super::derived::{LabelFault, LabelGrid, OffGrid, OutsideGrid, voxel};
use super::super::fault::Fault;
use super::kind::SegmentationKind;
use super::read::Segmentation;

impl Segmentation {
    /// The segments on a grid: each voxel the number of its segment, 0 where there is none.
    ///
    /// # Errors
    /// Refuses fractions, segments that share a voxel, numbers that `L` cannot hold, another frame of
    /// reference, and frames that do not lie on the grid as its options ask.
    pub fn label_map<L: Label>(&self, grid: &LabelGrid) -> crate::Result<LabelMap<L, 3>> {
        self.labels(grid, None).map_err(self.fail())
    }

    /// As [`Self::label_map`], where later segments of `order` cover earlier ones; others are left out.
    ///
    /// # Errors
    /// As [`Self::label_map`], but for segments that share a voxel; refuses numbers that are no segments.
    pub fn label_map_in_order<L: Label>(
        &self,
        grid: &LabelGrid,
        order: &[u16],
    ) -> crate::Result<LabelMap<L, 3>> {
        self.labels(grid, Some(order)).map_err(self.fail())
    }

    /// One segment on a grid: 1 where it is.
    ///
    /// # Errors
    /// As [`Self::label_map`], but for what concerns other segments.
    pub fn mask(&self, segment: u16, grid: &LabelGrid) -> crate::Result<LabelMap<u8, 3>> {
        let mask = || {
            self.check_segment(segment)?;
            self.check_whole("a mask")?;
            self.on(grid, |grid| {
                let layout = self.layout(grid, |s| s.is_none_or(|s| s == segment))?;
                let every = self.holds_all();
                self.assemble(grid, &layout, |value, voxel: &mut u8, _| {
                    if !every || value == segment {
                        *voxel = 1;
                    }
                    Ok(())
                })
            })
        };
        mask().map_err(self.fail())
    }

    /// One segment on a grid as fractions of 0 to 1; a binary one is 0 or 1.
    ///
    /// # Errors
    /// As [`Self::mask`], but for fractions.
    pub fn fractions(&self, segment: u16, grid: &LabelGrid) -> crate::Result<Image<f32, 3>> {
        let SegmentationKind::Fractional { maximum, .. } = self.kind else {
            return indicator(&self.mask(segment, grid)?).map_err(|e| self.core(e));
        };
        let fractions = || {
            self.check_segment(segment)?;
            let steps: LabelMap<u16, 3> = self.on(grid, |grid| {
                let layout = self.layout(grid, |s| s == Some(segment))?;
                self.assemble(grid, &layout, |value, voxel: &mut u16, _| {
                    *voxel = value;
                    Ok(())
                })
            })?;
            let part = f32::from(maximum);
            let voxels: Vec<f32> = { steps.as_slice().iter() }
                .map(|step| f32::from(*step) / part)
                .collect();
            Image::new(*steps.geometry(), voxels).map_err(Fault::core("fractions"))
        };
        fractions().map_err(self.fail())
    }

    fn core(&self, error: medcore::Error) -> crate::Error {
        self.fail()(Fault::core("segmentation")(error))
    }

    pub(super) fn holds_all(&self) -> bool {
        matches!(self.kind, SegmentationKind::LabelMap { .. })
    }

    fn check_whole(&self, asked: &'static str) -> Result<(), LabelFault> {
        match self.kind {
            SegmentationKind::Fractional { .. } => Err(LabelFault::OtherKind {
                asked,
                reason: "the segmentation is one of fractions, which need a threshold".into(),
            }),
            _ => Ok(()),
        }
    }

    fn check_segment(&self, number: u16) -> Result<(), LabelFault> {
        let known = self.segments.iter().map(|s| s.number);
        if known.clone().any(|known| known == number) {
            return Ok(());
        }
        let known = known.map(u32::from);
        Err(LabelFault::no_such_part("segment", number.into(), known))
    }

    fn labels<L: Label>(
        &self,
        grid: &LabelGrid,
        order: Option<&[u16]>,
    ) -> Result<LabelMap<L, 3>, Fault> {
        self.check_whole("a label map")?;
        let mut ranks: HashMap<u16, (usize, L)> = HashMap::new();
        let all: Vec<u16> = self.segments.iter().map(|s| s.number).collect();
        for (rank, &number) in order.unwrap_or(&all).iter().enumerate() {
            self.check_segment(number)?;
            let label = L::from_class(number.into()).filter(|_| number > 0);
            let label = label.ok_or(LabelFault::LabelRange {
                number: number.into(),
                most: L::MAX_CLASS,
            })?;
            ranks.insert(number, (rank, label));
        }
        self.on(grid, |grid| {
            let mut layout = self.layout(grid, |s| s.is_none_or(|s| ranks.contains_key(&s)))?;
            let rank = |frame: usize| {
                let segment = self.frames.get(frame).and_then(|f| f.segment);
                segment.and_then(|s| ranks.get(&s)).map(|(rank, _)| *rank)
            };
            layout.places.sort_by_key(|(frame, _)| rank(*frame));
            let every = self.holds_all();
            self.assemble(grid, &layout, |value, voxel: &mut L, frame| {
                let number = if every { Some(value) } else { frame.segment };
                // Segments of a label map that were not asked for are left out here.
                let Some((_, label)) = number.and_then(|n| ranks.get(&n)) else {
                    return Ok(());
                };
                if order.is_none() && *voxel != L::default() && *voxel != *label {
                    return Err(((*voxel).into(), (*label).into()));
                }
                *voxel = *label;
                Ok(())
            })
        })
    }

    /// Checks the frame of reference, and puts frames onto the grid itself or, where the nearest is asked
    /// for, onto the grid of the frames first.
    fn on<L: Label>(
        &self,
        grid: &LabelGrid,
        put: impl Fn(&LabelGrid) -> Result<Vec<L>, Fault>,
    ) -> Result<LabelMap<L, 3>, Fault> {
        grid.check_frame(&self.frame_of_reference)?;
        let core = Fault::core("labels");
        if grid.off_grid == OffGrid::Refuse {
            return LabelMap::new(grid.geometry, put(grid)?).map_err(core);
        }
        let own = LabelGrid::new(self.own_grid()?, &self.frame_of_reference);
        let voxels = put(&own)?;
        if grid.outside == OutsideGrid::Refuse {
            check_inside(&voxels, &own.geometry, &grid.geometry)?;
        }
        let mut out: Vec<L> = grid.room(&self.file.budget)?;
        let map = grid.geometry.index_map_to(&own.geometry);
        resample_labels_slice(
            &voxels,
            own.geometry.shape(),
            &map,
            &mut out,
            grid.geometry.shape(),
            LabelInterpolation::Nearest,
            medcore::resample::Outside::Value(L::default()),
        )
        .map_err(&core)?;
        LabelMap::new(grid.geometry, out).map_err(core)
    }
}

fn indicator(mask: &LabelMap<u8, 3>) -> medcore::Result<Image<f32, 3>> {
    let voxels: Vec<f32> = mask.as_slice().iter().map(|v| f32::from(*v)).collect();
    Image::new(*mask.geometry(), voxels)
}

/// Refuses voxels that mean something and lie outside another grid.
fn check_inside<L: Label>(
    voxels: &[L],
    own: &Geometry<3>,
    grid: &Geometry<3>,
) -> Result<(), LabelFault> {
    let map = own.index_map_to(grid);
    for (at, value) in voxels.iter().enumerate() {
        if *value == L::default() {
            continue;
        }
        #[expect(clippy::as_conversions, reason = "indices of a grid in memory")]
        let index = map.apply(voxel(own, at).map(|v| v as f64));
        let shape = grid.shape();
        #[expect(clippy::as_conversions, reason = "as above; rounded for the message")]
        let inside = (index.iter().zip(shape)).all(|(v, n)| (-0.5..n as f64 - 0.5).contains(v));
        if !inside {
            #[expect(clippy::as_conversions, reason = "as above; rounded for the message")]
            let index = index.map(|v| v.round() as i64);
            return Err(LabelFault::Outside {
                what: "a segment".to_owned(),
                index,
                shape,
            });
        }
    }
    Ok(())
}
