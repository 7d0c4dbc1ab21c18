//! A sample on its way through a pipeline, whose moves have not been read yet.

use medcore::Geometry;

use super::Sample;
use crate::error::Result;
use crate::mixing::Montage;
use crate::warp::Warp;

/// A sample and the moves that wait to be read at once.
///
/// ```
/// use medaug::{Flip, LazySample, Sample, SpatialOperation};
/// use medcore::{Geometry, Image};
///
/// let grid = Geometry::axis_aligned([1, 3], [1.0, 1.0])?;
/// let mut lazy = Sample::new(Image::new(grid, vec![1.0, 2.0, 3.0])?).into_lazy();
/// let flip = Flip { axes: vec![1], ..Flip::default() };
/// lazy.push(flip.warp(lazy.geometry())?)?;
/// lazy.push(flip.warp(lazy.geometry())?)?; // mirrored twice: nothing will be read
/// assert_eq!(lazy.finish()?.image().as_slice(), [1.0, 2.0, 3.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct LazySample<const D: usize> {
    source: Source<D>,
    pending: Option<Warp<D>>,
    /// The grid after the pending moves.
    geometry: Geometry<D>,
}

/// What the moves are read from.
#[derive(Debug, Clone)]
enum Source<const D: usize> {
    Sample(Sample<D>),
    /// Samples side by side, which no move needs to have joined before, and what they are joined.
    Montage(Montage<D>, Option<Sample<D>>),
}

impl<const D: usize> Source<D> {
    fn shape(&self) -> [usize; D] {
        match self {
            Self::Sample(sample) => sample.shape(),
            Self::Montage(_, Some(joined)) => joined.shape(),
            Self::Montage(montage, None) => montage.geometry().shape(),
        }
    }

    /// What a move shows of it.
    fn read(&self, warp: &Warp<D>) -> Result<Sample<D>> {
        match self {
            Self::Sample(sample) | Self::Montage(_, Some(sample)) => warp.apply(sample),
            Self::Montage(montage, None) => montage.read(warp),
        }
    }
}

impl<const D: usize> LazySample<D> {
    pub(super) fn new(sample: Sample<D>) -> Self {
        Self {
            geometry: *sample.geometry(),
            source: Source::Sample(sample),
            pending: None,
        }
    }

    /// Samples side by side, to be read with the moves that follow.
    pub(crate) fn of_montage(montage: Montage<D>) -> Self {
        Self {
            geometry: *montage.geometry(),
            source: Source::Montage(montage, None),
            pending: None,
        }
    }

    /// The grid after all moves.
    #[must_use]
    pub fn geometry(&self) -> &Geometry<D> {
        &self.geometry
    }

    /// Shape after all moves.
    #[must_use]
    pub fn shape(&self) -> [usize; D] {
        self.geometry.shape()
    }

    /// Channels of the image.
    #[must_use]
    pub fn channels(&self) -> usize {
        match &self.source {
            Source::Sample(sample) | Source::Montage(_, Some(sample)) => sample.image().channels(),
            Source::Montage(montage, None) => montage.channels(),
        }
    }

    /// Adds a move; those before it are read now only if they cannot be read together with it.
    ///
    /// # Errors
    /// Passes on what [`Warp::geometry`] and [`Warp::apply`] refuse.
    pub fn push(&mut self, warp: Warp<D>) -> Result<()> {
        self.geometry = warp.geometry(&self.geometry)?;
        self.pending = Some(match self.pending.take() {
            None => warp,
            Some(pending) => match pending.joint_reading(&warp) {
                Some(reading) => pending.composed(warp, reading),
                None => {
                    self.source = Source::Sample(self.source.read(&pending)?);
                    warp
                }
            },
        });
        Ok(())
    }

    /// The sample with all moves done.
    ///
    /// # Errors
    /// As [`Warp::apply`].
    pub fn sample(&mut self) -> Result<&mut Sample<D>> {
        let warp = self.moves();
        match &mut self.source {
            Source::Sample(sample) => {
                if let Some(warp) = warp {
                    *sample = warp.apply(sample)?;
                }
                Ok(sample)
            }
            Source::Montage(montage, joined) => {
                let sample = match (joined.take(), warp) {
                    (Some(sample), None) => sample,
                    (Some(sample), Some(warp)) => warp.apply(&sample)?,
                    (None, warp) => montage.join(warp.as_ref())?,
                };
                Ok(joined.insert(sample))
            }
        }
    }

    /// The moves that wait, if they change anything; nothing waits after that.
    fn moves(&mut self) -> Option<Warp<D>> {
        let shape = self.source.shape();
        let pending = self.pending.take();
        pending.filter(|warp| !warp.is_identity(shape))
    }

    /// Changes the sample with all moves done.
    ///
    /// # Errors
    /// As [`LazySample::sample`], and passes on what `change` refuses.
    pub fn change(self, change: impl FnOnce(Sample<D>) -> Result<Sample<D>>) -> Result<Self> {
        Ok(Self::new(change(self.finish()?)?))
    }

    /// The sample with all moves done, at the end of a pipeline.
    ///
    /// # Errors
    /// As [`LazySample::sample`].
    pub fn finish(mut self) -> Result<Sample<D>> {
        let warp = self.moves();
        match (self.source, warp) {
            (Source::Sample(sample) | Source::Montage(_, Some(sample)), None) => Ok(sample),
            (Source::Sample(sample) | Source::Montage(_, Some(sample)), Some(warp)) => {
                warp.apply(&sample)
            }
            (Source::Montage(mut montage, None), warp) => montage.join(warp.as_ref()),
        }
    }
}
