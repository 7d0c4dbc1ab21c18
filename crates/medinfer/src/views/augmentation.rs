//! A network that looks at an image more than once.

use medaug::{Compose, Preprocessed};
use medcore::{Geometry, Image, LabelMap};

use super::check::{check_sides, check_view};
use super::decide;
use super::gathered::{Asked, Gathered};
use super::mean_of::MeanOf;
use super::seen::Seen;
use super::uncertainty::VoxelUncertainty;
use crate::error::Result;
use crate::predictor::Predictor;
use crate::progress::Progress;
use crate::rule::LabelRule;
use crate::target::Target;

/// A predictor that looks at an image as it is and at further views of it, and averages what it says.
///
/// A view is a pipeline without steps that draw: quarter turns and other orders of the axes, mirror images,
/// scales, small rotations, intensities. What a network says of it comes back by the recorded inverse of its
/// moves: whole voxels exactly, anything else linearly. A voxel counts in the views that show at least half
/// of what it is interpolated from; the image as it is shows all. Labels that change places by mirroring
/// ([`Flip::swap`](medaug::Flip)) change back, so that left organs are compared with left ones.
///
/// Beside what the predictor holds there are never more than the mean, the view at hand and its outputs,
/// however many views there are: classes times eight bytes a voxel, with
/// [`TestTimeAugmentation::uncertainty`] twelve, and some bytes more. Within a view mirror images of windows
/// and networks are averaged as the predictor does.
///
/// ```no_run
/// # fn f(network: &dyn mednn::model::Model, scan: medcore::Image<f32, 3>) -> Result<(), Box<dyn std::error::Error>> {
/// use medaug::{Affine, Compose, Gamma, Rotate90};
/// use medinfer::{LabelRule, Predictor, Silent, SlidingWindow, TestTimeAugmentation};
///
/// let tilt = Affine { rotation_degrees: vec![5.0, 0.0, 0.0], ..Affine::default() };
/// let brighter = Gamma { exponent: 0.8, inverted: false, retain_statistics: true };
/// let views = [
///     Compose::new(vec![Rotate90::default().into()])?,
///     Compose::new(vec![tilt.into(), brighter.into()])?,
/// ];
/// let predictor = Predictor::new(network, SlidingWindow::monai([96, 96, 96]))?;
/// let several = TestTimeAugmentation::new(predictor, views)?;
/// let labels = several.labels(&scan, &LabelRule::Argmax, &Silent)?;
/// let apart = several.uncertainty(&scan, &LabelRule::Argmax, &Silent)?;
/// println!("liver: {:?}", apart.volume_variation(1));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct TestTimeAugmentation<'a, const D: usize> {
    predictor: Predictor<'a>,
    views: Vec<Compose<D>>,
    mean_of: MeanOf,
}

impl<'a, const D: usize> TestTimeAugmentation<'a, D> {
    /// The image as it is and these views, the mean of probabilities.
    ///
    /// # Errors
    /// Names the first step of a view that draws, that needs more than an image, or whose moves cannot be led
    /// back.
    pub fn new(predictor: Predictor<'a>, views: impl Into<Vec<Compose<D>>>) -> Result<Self> {
        let views = views.into();
        views.iter().try_for_each(|view| check_view(view, None))?;
        Ok(Self {
            predictor,
            views,
            mean_of: MeanOf::Probabilities,
        })
    }

    /// Sets of what the mean is taken for labels and [`TestTimeAugmentation::mean`].
    #[must_use]
    pub fn with_mean_of(self, mean_of: MeanOf) -> Self {
        Self { mean_of, ..self }
    }

    /// The views beside the image as it is.
    #[must_use]
    pub fn views(&self) -> &[Compose<D>] {
        &self.views
    }

    /// The mean of probabilities or logits, `[classes, ...image]`.
    ///
    /// # Errors
    /// As [`Predictor::labels`]; when a view does not fit the image (a crop larger than it, a quarter turn of
    /// a plane whose two spacings differ, channels that a step added), and for labels that change places and
    /// are none of the network's.
    pub fn mean(
        &self,
        image: &Image<f32, D>,
        rule: &LabelRule,
        progress: &dyn Progress,
    ) -> Result<Image<f32, D>> {
        let asked = Asked::mean(rule);
        Ok(self.look(image, self.mean_of, asked, progress)?.into_mean())
    }

    /// The mean of probabilities, and how far the views lie apart; of [`MeanOf`] it is independent.
    ///
    /// # Errors
    /// As [`TestTimeAugmentation::mean`].
    pub fn uncertainty(
        &self,
        image: &Image<f32, D>,
        rule: &LabelRule,
        progress: &dyn Progress,
    ) -> Result<VoxelUncertainty<D>> {
        let asked = Asked::spread(rule);
        self.look(image, MeanOf::Probabilities, asked, progress)?
            .into_uncertainty()
    }

    /// Labels on the image's own grid: those of the mean.
    ///
    /// # Errors
    /// As [`TestTimeAugmentation::mean`].
    pub fn labels(
        &self,
        image: &Image<f32, D>,
        rule: &LabelRule,
        progress: &dyn Progress,
    ) -> Result<LabelMap<u8, D>> {
        self.labels_on(image, *image.geometry(), rule, progress)
    }

    /// Labels on another grid, on which the mean is interpolated before labels are made of it; see
    /// [`Predictor::labels_on`].
    ///
    /// # Errors
    /// As [`TestTimeAugmentation::mean`], and when the grids differ by more than permuted, flipped, scaled
    /// and shifted axes.
    pub fn labels_on(
        &self,
        image: &Image<f32, D>,
        grid: Geometry<D>,
        rule: &LabelRule,
        progress: &dyn Progress,
    ) -> Result<LabelMap<u8, D>> {
        if self.views.is_empty() {
            return self.predictor.labels_on(image, grid, rule, progress);
        }
        let target = Target::new(&grid, image.geometry())?;
        let mean = self.mean(image, rule, progress)?;
        decide::labels(&mean, self.border(rule), &target, rule, grid)
    }

    /// Where a region begins.
    fn border(&self, rule: &LabelRule) -> f32 {
        match (rule, self.mean_of) {
            (LabelRule::Regions(_), MeanOf::Probabilities) => 0.5,
            _ => 0.0,
        }
    }

    fn predict(
        &self,
        image: &Image<f32, D>,
        mean_of: MeanOf,
        rule: &LabelRule,
        progress: &dyn Progress,
    ) -> Result<Image<f32, D>> {
        match mean_of {
            MeanOf::Probabilities => self.predictor.probabilities(image, rule, progress),
            MeanOf::Logits => self.predictor.logits(image, progress),
        }
    }

    /// Looks at all views, one after the other.
    fn look<'r>(
        &self,
        image: &Image<f32, D>,
        mean_of: MeanOf,
        asked: Asked<'r>,
        progress: &dyn Progress,
    ) -> Result<Gathered<'r, D>> {
        let total = self.views.len() + 1;
        progress.views(0, total);
        let plain = self.predict(image, mean_of, asked.rule, progress)?;
        asked.rule.check(plain.channels())?;
        for view in &self.views {
            check_sides(view.steps(), asked.rule, plain.channels())?;
        }
        let mut gathered = Gathered::new(plain, asked)?;
        for (number, view) in self.views.iter().enumerate() {
            progress.views(number + 1, total);
            let Seen { image: seen, back } = Seen::of(view, image)?;
            let outputs = self.predict(&seen, mean_of, asked.rule, progress)?;
            drop(seen);
            gathered.take(&outputs, &back)?;
        }
        Ok(gathered)
    }
}

impl TestTimeAugmentation<'_, 3> {
    /// Labels of a prepared scan, on the scan's own grid; see [`Predictor::labels_of_scan`].
    ///
    /// # Errors
    /// As [`TestTimeAugmentation::mean`].
    pub fn labels_of_scan(
        &self,
        scan: &Preprocessed,
        rule: &LabelRule,
        progress: &dyn Progress,
    ) -> Result<LabelMap<u8, 3>> {
        if self.views.is_empty() {
            return self.predictor.labels_of_scan(scan, rule, progress);
        }
        let target = Target::of_scan(scan)?;
        let mean = self.mean(&scan.image, rule, progress)?;
        let grid = *scan.trace.original();
        decide::labels(&mean, self.border(rule), &target, rule, grid)
    }
}
