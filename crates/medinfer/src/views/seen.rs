//! One view of an image, and the way back.

use medaug::{Compose, Operation, Record, Sample, Step};
use medcore::random::Key;
use medcore::{Geometry, Image};

use super::check::{check_turn, sides};
use crate::classify::refuse;
use crate::error::{Error, Result};

/// An image as a view shows it.
pub(super) struct Seen<const D: usize> {
    pub(super) image: Image<f32, D>,
    pub(super) back: WayBack<D>,
}

/// How predictions of a view come back onto the grid of the image.
pub(super) struct WayBack<const D: usize> {
    /// `None` where no voxel has moved.
    moves: Option<Record<D>>,
    /// Labels that changed places, in the order of the steps.
    sides: Vec<(u8, u8)>,
}

impl<const D: usize> Seen<D> {
    /// What a view shows of an image. Nothing in it draws, so the key has no meaning.
    pub(super) fn of(view: &Compose<D>, image: &Image<f32, D>) -> Result<Self> {
        let (sample, record) = view.record(Sample::new(image.clone()), Key::new(0))?;
        let (seen, _) = sample.into_parts();
        if seen.channels() != image.channels() {
            return Err(Error::Channels {
                expected: image.channels(),
                got: seen.channels(),
            });
        }
        let (grid, moved) = walk(&record)?;
        if grid.shape() != seen.shape() {
            let rule = "of steps that say where they move voxels";
            return refuse("views", rule, format!("{:?}", view.steps()));
        }
        let steps: Vec<Step> = { record.operations().iter() }
            .map(|operation| operation.clone().into())
            .collect();
        Ok(Self {
            image: seen,
            back: WayBack {
                sides: sides(&steps),
                moves: moved.then_some(record),
            },
        })
    }
}

/// The grid behind all moves, and whether there were any.
fn walk<const D: usize>(record: &Record<D>) -> Result<(Geometry<D>, bool)> {
    let (mut grid, mut moved) = (*record.source(), false);
    for operation in record.operations() {
        let Some(warp) = operation.warp(&grid)? else {
            continue;
        };
        let next = warp.geometry(&grid)?;
        if let Operation::Rotate90(_) | Operation::Transpose(_) = operation {
            check_turn(operation.name(), grid.spacing(), next.spacing())?;
        }
        (grid, moved) = (next, true);
    }
    Ok((grid, moved))
}

impl<const D: usize> WayBack<D> {
    /// How much of what each voxel of the image is interpolated from the view shows, 0 to 1; `None` where it
    /// shows all of all.
    pub(super) fn coverage(&self, seen: &Geometry<D>) -> Result<Option<Vec<f32>>> {
        let Some(moves) = &self.moves else {
            return Ok(None);
        };
        let ones = Image::new(*seen, vec![1.0; seen.len()])?;
        Ok(Some(moves.restore_image(&ones, 0.0)?.into_vec()))
    }

    /// Which output of the view is each output of the image.
    pub(super) fn order(&self, classes: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..classes).collect();
        for &(a, b) in self.sides.iter().rev() {
            order.swap(usize::from(a), usize::from(b));
        }
        order
    }

    /// One output of a view on the grid of the image, linearly; 0 stands in for what the view does not show.
    pub(super) fn lead(&self, output: &[f32], seen: &Geometry<D>) -> Result<Vec<f32>> {
        let Some(moves) = &self.moves else {
            return Ok(output.to_vec());
        };
        let output = Image::new(*seen, output.to_vec())?.into_shared();
        Ok(moves.restore_image(&output, 0.0)?.into_vec())
    }
}
