//! From a scan to what a network reads: orientation, crop, spacing, intensities, padding.
//!
//! The steps are always the same; their order is not, and changes the numbers. It is named after who uses it:
//! nnU-Net crops, normalises and then resamples; MONAI's usual chain resamples, normalises and then crops.

mod apply;
mod fingerprint;
mod foreground;
mod grid;
mod mask;
mod modality;
mod padding;
mod plan;
mod statistics;
mod trace;

use medcore::resample::{Interpolation, LabelInterpolation};
use medcore::{Image, LabelMap, Orientation};
use serde::{Deserialize, Serialize};

pub use fingerprint::{CaseFingerprint, Fingerprint};
pub(crate) use foreground::bounds;
pub use foreground::{Foreground, ForegroundRule, foreground_region};
pub use grid::GridRule;
pub use modality::Modality;
pub use padding::Padding;
pub use plan::{MemoryModel, NetworkKind, Plan, PlannedConfiguration, PlannedNetwork, Planner};
pub use statistics::IntensityStatistics;
pub use trace::Trace;

use crate::error::{Result, check};
use crate::intensity::Intensity;
use crate::sample::Sample;

/// In which order the steps are taken; orientation comes first and padding last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PreprocessOrder {
    /// Crop, intensities, spacing.
    #[default]
    NnUnet,
    /// Spacing, intensities, crop.
    Monai,
}

/// What distance slices have after a change of spacing; slices follow each other along the first axis.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceDistance {
    /// That of the new spacing.
    #[default]
    Target,
    /// That of the scan: networks for slices see slices as they were taken.
    Own,
}

impl SliceDistance {
    fn is_target(&self) -> bool {
        *self == Self::Target
    }
}

/// What is done to every scan, in training and in use; axes in storage order after orientation.
///
/// ```
/// use medaug::{Intensity, Preprocess};
/// use medcore::{Geometry, Image, LabelMap};
///
/// let scan = Image::<i16, 3>::zeros(1, Geometry::axis_aligned([30, 64, 64], [5.0, 0.8, 0.8])?)?;
/// let preprocess = Preprocess {
///     orientation: Some("RAS".parse()?),
///     spacing: Some([2.5, 1.6, 1.6]),
///     intensity: vec![Intensity::Window { low: -160.0, high: 240.0 }],
///     ..Preprocess::monai()
/// };
/// let ready = preprocess.apply(&scan, None)?;
/// assert_eq!(ready.image.shape(), [59, 32, 32]);
///
/// let prediction = LabelMap::<u8, 3>::background(*ready.image.geometry())?;
/// let labels = ready.trace.restore_labels(&prediction)?;
/// assert_eq!(labels.geometry(), scan.geometry());
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Preprocess {
    /// Order of the steps.
    pub order: PreprocessOrder,
    /// Where the axes run to; `None` keeps the scan's own.
    pub orientation: Option<Orientation>,
    /// Which axis of the oriented scan comes first, second and third (nnU-Net's `transpose_forward`); `None` keeps their
    /// order. All other settings are of the axes in this order.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transpose: Option<[usize; 3]>,
    /// Crop to what is not background.
    pub foreground: Option<Foreground>,
    /// Millimetres between voxels; `None` keeps the scan's own.
    pub spacing: Option<[f64; 3]>,
    /// Whether scans keep their own distance of slices, whatever `spacing` says of the first axis (nnU-Net in 2D).
    #[serde(skip_serializing_if = "SliceDistance::is_target")]
    pub slice_distance: SliceDistance,
    /// How many voxels the new spacing gives, and where they lie.
    pub grid: GridRule,
    /// Between the voxels of the image.
    pub interpolation: Interpolation,
    /// Between the voxels of the labels.
    pub label_interpolation: LabelInterpolation,
    /// Scans whose spacing (or else target spacing) is more anisotropic than this take the nearest slice
    /// along their coarsest axis (nnU-Net: 3).
    pub nearest_slice_above: Option<f64>,
    /// One scheme for all channels, or one for each.
    pub intensity: Vec<Intensity>,
    /// Class of unlabelled voxels outside the body, as [`Intensity::BodyZScore`] has it, where scans are cropped
    /// first: nnU-Net labels them -1 to clear them again after augmentation. `None` leaves them background.
    pub outside_class: Option<u8>,
    /// Border.
    pub padding: Padding,
}

impl Default for Preprocess {
    /// Changes nothing but the type of the voxels.
    fn default() -> Self {
        Self {
            order: PreprocessOrder::NnUnet,
            orientation: None,
            transpose: None,
            foreground: None,
            spacing: None,
            slice_distance: SliceDistance::Target,
            grid: GridRule::FieldOfView,
            interpolation: Interpolation::Linear,
            label_interpolation: LabelInterpolation::Nearest,
            nearest_slice_above: None,
            intensity: vec![Intensity::Keep],
            outside_class: None,
            padding: Padding::default(),
        }
    }
}

/// A scan as a network reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Preprocessed {
    /// Intensities, `[channels, depth, height, width]`.
    pub image: Image<f32, 3>,
    /// Labels on the same grid.
    pub labels: Option<LabelMap<u8, 3>>,
    /// The way back.
    pub trace: Trace,
}

impl Preprocessed {
    /// Image and labels for training.
    ///
    /// # Errors
    /// None in practice: both lie on one grid.
    pub fn into_sample(self) -> Result<Sample<3>> {
        match self.labels {
            Some(labels) => Sample::with_labels(self.image, labels),
            None => Ok(Sample::new(self.image)),
        }
    }
}

impl Preprocess {
    /// nnU-Net's order, grid and interpolation: crop to what is not zero, cubic in the image, linear by class
    /// in the labels, nearest slices where spacing is anisotropic. Spacing and intensities are to be set.
    #[must_use]
    pub fn nnunet() -> Self {
        Self {
            order: PreprocessOrder::NnUnet,
            foreground: Some(Foreground {
                rule: ForegroundRule::NonZero,
                margin: [0; 3],
            }),
            grid: GridRule::NnUnet,
            interpolation: Interpolation::CubicBSpline,
            label_interpolation: LabelInterpolation::Linear,
            nearest_slice_above: Some(3.0),
            ..Self::default()
        }
    }

    /// The order and grid of MONAI's usual chain (`Orientation` to RAS, `Spacing`, `ScaleIntensityRange`),
    /// linear in the image, nearest in the labels. Spacing and intensities are to be set.
    #[must_use]
    pub fn monai() -> Self {
        Self {
            order: PreprocessOrder::Monai,
            orientation: Some(Orientation::RAS),
            grid: GridRule::Monai,
            ..Self::default()
        }
    }

    /// Checks the parameters that no type can.
    ///
    /// # Errors
    /// Names the first parameter that breaks its rule.
    pub fn check(&self) -> Result<()> {
        const NAME: &str = "Preprocess";
        for spacing in self.spacing.iter().flatten() {
            check(NAME, "spacing", *spacing, "positive and finite", |v| {
                v.is_finite() && v > 0.0
            })?;
        }
        let mut axes = self.transpose.unwrap_or([0, 1, 2]);
        axes.sort_unstable();
        if let Some(axis) = (0..3).find(|&axis| axes[axis] != axis) {
            let rule = "an order of the axes 0, 1 and 2";
            check(NAME, "transpose", axes[axis] as f64, rule, |_| false)?;
        }
        for &voxels in self.padding.minimum.iter().chain(&self.padding.divisible) {
            check(
                NAME,
                "padding",
                voxels as f64,
                "at least 1 and below 2^31",
                |v| (1.0..2_147_483_648.0).contains(&v),
            )?;
        }
        if let Some(limit) = self.nearest_slice_above {
            check(NAME, "nearest_slice_above", limit, "at least 1", |v| {
                v >= 1.0
            })?;
        }
        self.intensity.iter().try_for_each(Intensity::check)
    }
}
