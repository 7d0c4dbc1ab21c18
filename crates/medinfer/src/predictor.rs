//! A network over a whole image, window by window, in bounded memory.
//!
//! When labels are asked for, the values of all classes exist only where windows overlap others still to come
//! (see [`Predictor::memory`]); finished voxels become labels at once.

use medaug::Preprocessed;
use medcore::{Geometry, Image, LabelMap};
use mednn::candle_core::{Device, Tensor};
use mednn::context::Context;
use mednn::model::{Inputs, Model};
use rayon::prelude::*;

use crate::blend::{Accumulation, Blend, Sink, Sum};
use crate::error::{Error, Result};
use crate::mirror;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::rule::LabelRule;
use crate::target::{LabelSink, Target};
use crate::volume::{Kept, VolumeSink};
use crate::weight::weight_map;
use crate::window::{SlidingWindow, WindowGrid};

/// Runs a network over images of any size.
///
/// ```no_run
/// # fn f(network: &dyn mednn::model::Model, scan: medcore::Image<f32, 3>) -> Result<(), medinfer::Error> {
/// use medinfer::{LabelRule, Predictor, Silent, SlidingWindow};
///
/// let predictor = Predictor::new(network, SlidingWindow::nnunet([96, 96, 96]))?.with_mirror_axes([2]);
/// let labels = predictor.labels(&scan, &LabelRule::Argmax, &Silent)?;
/// assert_eq!(labels.geometry(), scan.geometry());
/// # Ok(()) }
/// ```
#[derive(Clone)]
pub struct Predictor<'a> {
    network: &'a dyn Model,
    /// Networks whose logits are averaged with those of the first.
    others: Vec<&'a dyn Model>,
    window: SlidingWindow,
    mirror_axes: Vec<usize>,
    batch: usize,
    accumulation: Accumulation,
}

impl std::fmt::Debug for Predictor<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Predictor")
            .field("window", &self.window)
            .field("mirror_axes", &self.mirror_axes)
            .field("batch", &self.batch)
            .field("accumulation", &self.accumulation)
            .finish_non_exhaustive()
    }
}

impl<'a> Predictor<'a> {
    /// One window at a time, no mirroring, sums in 32 bits.
    ///
    /// # Errors
    /// Refuses settings of the window that are out of range.
    pub fn new(network: &'a dyn Model, window: SlidingWindow) -> Result<Self> {
        window.check()?;
        Ok(Self {
            network,
            others: Vec::new(),
            window,
            mirror_axes: Vec::new(),
            batch: 1,
            accumulation: Accumulation::F32,
        })
    }

    /// Averages the logits of all mirror images along these spatial axes (8 for three axes), as nnU-Net does.
    ///
    /// Only for networks trained with mirroring along them; where left and right organs have their own labels,
    /// the axis from left to right must not be among them. Any other view is
    /// [`TestTimeAugmentation`](crate::TestTimeAugmentation)'s.
    #[must_use]
    pub fn with_mirror_axes(mut self, axes: impl Into<Vec<usize>>) -> Self {
        self.mirror_axes = axes.into();
        self.mirror_axes.sort_unstable();
        self.mirror_axes.dedup();
        self
    }

    /// Averages the logits with those of further networks, as nnU-Net does with its folds.
    #[must_use]
    pub fn with_ensemble(self, others: impl IntoIterator<Item = &'a dyn Model>) -> Self {
        let others = others.into_iter().collect();
        Self { others, ..self }
    }

    /// Runs so many windows in one forward pass; at least one.
    #[must_use]
    pub fn with_batch(self, windows: usize) -> Self {
        Self {
            batch: windows.max(1),
            ..self
        }
    }

    /// Stores the sums of overlapping windows otherwise.
    #[must_use]
    pub fn with_accumulation(self, accumulation: Accumulation) -> Self {
        Self {
            accumulation,
            ..self
        }
    }

    /// Bytes held at most for overlapping windows of an image of this shape when labels are asked for on its own
    /// grid; the network, the image and the labels come on top.
    ///
    /// # Errors
    /// Refuses a window that does not fit the number of axes.
    pub fn memory<const D: usize>(&self, shape: [usize; D], classes: usize) -> Result<usize> {
        Ok(self.bytes(&Plan::new(self.window.grid(shape)?, 0), classes))
    }

    /// As [`Predictor::memory`], for labels on another grid than the image's.
    ///
    /// # Errors
    /// As [`Predictor::memory`], and for grids that [`Predictor::labels_on`] refuses.
    pub fn memory_on<const D: usize>(
        &self,
        image: &Geometry<D>,
        grid: &Geometry<D>,
        classes: usize,
    ) -> Result<usize> {
        let halo = Target::new(grid, image)?.halo();
        Ok(self.bytes(&Plan::new(self.window.grid(image.shape())?, halo), classes))
    }

    fn bytes<const D: usize>(&self, plan: &Plan<D>, classes: usize) -> usize {
        let sum = match self.accumulation {
            Accumulation::F32 => f32::BYTES,
            Accumulation::F16 => half::f16::BYTES,
        };
        plan.peak_voxels() * (classes * sum + size_of::<f32>())
    }

    /// Labels on the image's own grid.
    ///
    /// # Errors
    /// When the network fails, returns another shape than its window or values that are not finite, or does not
    /// have the number of classes `rule` needs.
    pub fn labels<const D: usize>(
        &self,
        image: &Image<f32, D>,
        rule: &LabelRule,
        progress: &dyn Progress,
    ) -> Result<LabelMap<u8, D>> {
        self.labels_on(image, *image.geometry(), rule, progress)
    }

    /// Labels on another grid, for instance that of the scan from which `image` was prepared.
    ///
    /// Logits are interpolated linearly and decided afterwards; voxels outside the image are background.
    ///
    /// # Errors
    /// As [`Predictor::labels`], and when the grids differ by more than permuted, flipped, scaled and shifted axes.
    pub fn labels_on<const D: usize>(
        &self,
        image: &Image<f32, D>,
        grid: Geometry<D>,
        rule: &LabelRule,
        progress: &dyn Progress,
    ) -> Result<LabelMap<u8, D>> {
        let target = Target::new(&grid, image.geometry())?;
        self.labels_at(image, &target, grid, rule, progress)
    }

    /// Labels of a prepared scan, on the scan's own grid; what preparation cropped away is background.
    ///
    /// # Errors
    /// As [`Predictor::labels`].
    pub fn labels_of_scan(
        &self,
        scan: &Preprocessed,
        rule: &LabelRule,
        progress: &dyn Progress,
    ) -> Result<LabelMap<u8, 3>> {
        let target = Target::of_scan(scan)?;
        let grid = *scan.trace.original();
        self.labels_at(&scan.image, &target, grid, rule, progress)
    }

    fn labels_at<const D: usize>(
        &self,
        image: &Image<f32, D>,
        target: &Target<D>,
        grid: Geometry<D>,
        rule: &LabelRule,
        progress: &dyn Progress,
    ) -> Result<LabelMap<u8, D>> {
        let make = |classes| {
            rule.check(classes)?;
            LabelSink::new(target, rule, grid)
        };
        Ok(self
            .run(image, target.halo(), make, progress)?
            .into_labels())
    }

    /// Logits of all classes, `[classes, ...image]`: classes times four bytes a voxel.
    ///
    /// # Errors
    /// As [`Predictor::labels`].
    pub fn logits<const D: usize>(
        &self,
        image: &Image<f32, D>,
        progress: &dyn Progress,
    ) -> Result<Image<f32, D>> {
        self.volume(image, Kept::Logits, progress)
    }

    /// Probabilities of all classes: the softmax of the logits, or the sigmoid where `rule` has regions.
    ///
    /// # Errors
    /// As [`Predictor::labels`].
    pub fn probabilities<const D: usize>(
        &self,
        image: &Image<f32, D>,
        rule: &LabelRule,
        progress: &dyn Progress,
    ) -> Result<Image<f32, D>> {
        let kept = match rule {
            LabelRule::Argmax => Kept::Softmax,
            LabelRule::Regions(_) => Kept::Sigmoid,
        };
        self.volume(image, kept, progress)
    }

    fn volume<const D: usize>(
        &self,
        image: &Image<f32, D>,
        kept: Kept,
        progress: &dyn Progress,
    ) -> Result<Image<f32, D>> {
        let make = |classes| VolumeSink::new(kept, classes, *image.geometry());
        Ok(self.run(image, 0, make, progress)?.into_image())
    }

    fn run<K: Sink<D>, const D: usize>(
        &self,
        image: &Image<f32, D>,
        halo: usize,
        make_sink: impl FnOnce(usize) -> Result<K>,
        progress: &dyn Progress,
    ) -> Result<K> {
        match self.accumulation {
            Accumulation::F32 => self.run_with::<f32, K, D>(image, halo, make_sink, progress),
            Accumulation::F16 => self.run_with::<half::f16, K, D>(image, halo, make_sink, progress),
        }
    }

    fn run_with<S: Sum, K: Sink<D>, const D: usize>(
        &self,
        image: &Image<f32, D>,
        halo: usize,
        make_sink: impl FnOnce(usize) -> Result<K>,
        progress: &dyn Progress,
    ) -> Result<K> {
        let plan = Plan::new(self.window.grid(image.shape())?, halo);
        let grid = plan.grid();
        if let Some(&axis) = self
            .mirror_axes
            .iter()
            .find(|&&axis| axis >= self.window.roi.len())
        {
            return Err(Error::Setting {
                setting: "mirror_axes",
                rule: "below the number of axes of the window",
                value: axis.to_string(),
            });
        }
        let weights = weight_map(grid.roi(), self.window.convention, self.window.weighting);
        let mut make_sink = Some(make_sink);
        let mut state: Option<(Blend<'_, S, D>, K)> = None;
        let mut done = 0;
        for windows in plan.order().chunks(self.batch) {
            let (classes, logits) = self.forward(image, grid, windows)?;
            if let Some(make) = make_sink.take() {
                state = Some((Blend::new(&plan, classes, &weights), make(classes)?));
            }
            let Some((blend, sink)) = &mut state else {
                unreachable!("made with the first windows")
            };
            for (&window, logits) in windows
                .iter()
                .zip(logits.chunks_exact(classes * weights.len()))
            {
                blend.add(window, logits, sink)?;
            }
            done += windows.len();
            progress.windows(done, plan.order().len());
        }
        let (_, sink) = state.expect("every image has a window");
        Ok(sink)
    }

    /// The logits of some windows, `[windows, classes, ...roi]`, averaged over mirror images.
    fn forward<const D: usize>(
        &self,
        image: &Image<f32, D>,
        grid: &WindowGrid<D>,
        windows: &[[usize; D]],
    ) -> Result<(usize, Vec<f32>)> {
        let roi = grid.roi();
        let seen = usize::from(grid.is_slices());
        let mut patches = self.read(image, grid, windows);
        let subsets = mirror::subsets(&self.mirror_axes);
        let mut sum: Option<(usize, Vec<f32>)> = None;
        for axes in &subsets {
            // Axes are counted in the window; a slice has one more in front.
            let axes: Vec<usize> = axes.iter().map(|axis| axis + seen).collect();
            let mirrored = if axes.is_empty() && subsets.len() == 1 {
                std::mem::take(&mut patches)
            } else {
                let mut out = vec![0.0; patches.len()];
                mirror::mirrored(&patches, roi, &axes, &mut out, |to, from| *to = from);
                out
            };
            let mut shape = vec![windows.len(), image.channels()];
            shape.extend_from_slice(&roi[seen..]);
            let (classes, logits) = self.call(mirrored, &shape)?;
            match &mut sum {
                None => sum = Some((classes, logits)),
                Some((expected, sum)) => {
                    if *expected != classes {
                        shape[1] = *expected;
                        let got = std::iter::once(windows.len()).chain([classes]).collect();
                        return Err(Error::OutputShape {
                            expected: shape,
                            got,
                        });
                    }
                    mirror::mirrored(&logits, roi, &axes, sum, |to, from| *to += from);
                }
            }
        }
        let (classes, mut logits) = sum.expect("the empty subset is always there");
        if subsets.len() > 1 {
            let share = 1.0 / subsets.len() as f32;
            logits.iter_mut().for_each(|value| *value *= share);
        }
        check_finite(&logits, classes, grid, windows)?;
        Ok((classes, logits))
    }

    /// One forward pass of every network: the number of classes and the mean of the logits.
    fn call(&self, patches: Vec<f32>, shape: &[usize]) -> Result<(usize, Vec<f32>)> {
        let [rest @ .., last] = &self.others[..] else {
            return call(self.network, patches, shape);
        };
        let (classes, mut sum) = call(self.network, patches.clone(), shape)?;
        let mut add = |network: &dyn Model, patches| {
            let (got, logits) = call(network, patches, shape)?;
            if got != classes {
                let expected = std::iter::once(shape[0]).chain([classes]);
                return Err(Error::OutputShape {
                    expected: expected.chain(shape[2..].iter().copied()).collect(),
                    got: vec![shape[0], got],
                });
            }
            { sum.iter_mut().zip(logits) }.for_each(|(sum, logit)| *sum += logit);
            Ok(())
        };
        for network in rest {
            add(*network, patches.clone())?;
        }
        add(*last, patches)?;
        let share = 1.0 / (self.others.len() + 1) as f32;
        sum.iter_mut().for_each(|value| *value *= share);
        Ok((classes, sum))
    }

    /// The voxels of some windows, `[windows, channels, ...roi]`, padded where they reach outside.
    fn read<const D: usize>(
        &self,
        image: &Image<f32, D>,
        grid: &WindowGrid<D>,
        windows: &[[usize; D]],
    ) -> Vec<f32> {
        let (roi, shape) = (grid.roi(), grid.shape());
        let voxels: usize = roi.iter().product();
        let channels = image.channels();
        let mut patches = vec![self.window.padding_value; windows.len() * channels * voxels];
        patches
            .par_chunks_exact_mut(voxels)
            .enumerate()
            .for_each(|(number, patch)| {
                let window = windows[number / channels];
                let source = image.channel(number % channels);
                let first = grid.start(window);
                let covered: [_; D] = std::array::from_fn(|axis| grid.covered(axis, window[axis]));
                let width = covered[D - 1].len();
                crate::blend::for_each_row(covered.clone().map(|range| range.len()), |row| {
                    let (mut to, mut from) = (0, 0);
                    for axis in 0..D {
                        let index = covered[axis].start + row[axis];
                        to = to * roi[axis] + (index as isize - first[axis]) as usize;
                        from = from * shape[axis] + index;
                    }
                    patch[to..to + width].copy_from_slice(&source[from..from + width]);
                });
            });
        patches
    }
}

/// One forward pass: the number of classes and the logits.
fn call(network: &dyn Model, patches: Vec<f32>, shape: &[usize]) -> Result<(usize, Vec<f32>)> {
    let device: &Device = network.params().device();
    let tensor = Tensor::from_vec(patches, shape, device).map_err(mednn::Error::from)?;
    let logits = network
        .forward(&Inputs::from(tensor), &Context::evaluate())?
        .logits;
    let got = logits.dims();
    let fits = got.len() == shape.len() && got[0] == shape[0] && got[2..] == shape[2..];
    if !fits || got[1] == 0 {
        let mut expected = shape.to_vec();
        expected[1] = 0;
        return Err(Error::OutputShape {
            expected,
            got: got.to_vec(),
        });
    }
    let classes = got[1];
    let values = logits.flatten_all().and_then(|flat| flat.to_vec1::<f32>());
    Ok((classes, values.map_err(mednn::Error::from)?))
}

/// Refuses NaN and infinities, which would spread over all windows around them and end as background.
fn check_finite<const D: usize>(
    logits: &[f32],
    classes: usize,
    grid: &WindowGrid<D>,
    windows: &[[usize; D]],
) -> Result<()> {
    let voxels = logits.len() / (classes * windows.len());
    let bad = logits
        .par_chunks_exact(voxels)
        .position_first(|plane| !plane.iter().all(|value| value.is_finite()));
    match bad {
        None => Ok(()),
        Some(plane) => {
            let values = &logits[plane * voxels..(plane + 1) * voxels];
            let value = values.iter().copied().find(|value| !value.is_finite());
            Err(Error::NotFinite {
                value: value.unwrap_or(f32::NAN),
                class: plane % classes,
                start: grid.start(windows[plane / classes]).to_vec(),
            })
        }
    }
}
