//! The transforms of this crate as data: one line for each, read from and written to JSON or TOML.

use medcore::Geometry;
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use crate::artefact::*;
use crate::colour::*;
use crate::compose::{Choice, OneOf, Sequence, SomeOf, Sometimes, needs_of};
use crate::crop::*;
use crate::derived::*;
use crate::error::Result;
use crate::histogram::*;
use crate::intensity::*;
use crate::local::*;
use crate::on::On;
use crate::operation::{PerChannel, SampleOperation, SpatialOperation};
use crate::post::*;
use crate::resize::*;
use crate::sample::{Contents, LazySample, Sample};
use crate::spatial::*;
use crate::transform::Transform;
use crate::warp::Warp;

macro_rules! transforms {
    (
        spatial: [$($spatial:ident),* $(,)?],
        channel: [$($channel:ident),* $(,)?],
        sample: [$($sample:ident),* $(,)?],
        random: [$($random:ident),* $(,)?],
        choice: [$($choice:ident),* $(,)?] $(,)?
    ) => {
        /// One thing done to a sample, with all its numbers, by name.
        ///
        /// ```
        /// use medaug::{Brightness, Operation, Sample};
        /// use medcore::{Geometry, Image};
        ///
        /// let twice: Operation = serde_json::from_str(r#"{"Brightness": {"factor": 2.0}}"#)?;
        /// assert_eq!(twice, Brightness { factor: 2.0 }.into());
        /// let image = Image::new(Geometry::axis_aligned([1, 2], [1.0; 2])?, vec![1.0, 3.0])?;
        /// assert_eq!(twice.apply_to(Sample::new(image))?.image().as_slice(), [2.0, 6.0]);
        /// # Ok::<(), Box<dyn std::error::Error>>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Operation {
            $(#[doc = concat!("See [`", stringify!($spatial), "`].")] $spatial($spatial),)*
            $(#[doc = concat!("See [`", stringify!($channel), "`].")] $channel(PerChannel<$channel>),)*
            $(#[doc = concat!("See [`", stringify!($sample), "`].")] $sample($sample),)*
            /// See [`On`].
            On(Box<On<Operation>>),
        }

        /// One step of a pipeline, by name: an operation that is always done, a transform that draws, or a choice.
        ///
        /// ```
        /// use medaug::Step;
        ///
        /// let step: Step = serde_json::from_str(r#"{"RandomGamma": {"probability": 0.3}}"#)?;
        /// assert!(matches!(step, Step::RandomGamma(gamma) if gamma.retain_statistics));
        /// # Ok::<(), serde_json::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[non_exhaustive]
        pub enum Step {
            $(#[doc = concat!("See [`", stringify!($spatial), "`].")] $spatial($spatial),)*
            $(#[doc = concat!("See [`", stringify!($channel), "`].")] $channel(PerChannel<$channel>),)*
            $(#[doc = concat!("See [`", stringify!($sample), "`].")] $sample($sample),)*
            $(#[doc = concat!("See [`", stringify!($random), "`].")] $random($random),)*
            $(#[doc = concat!("See [`", stringify!($choice), "`].")] $choice($choice),)*
            /// See [`On`].
            On(Box<On<Step>>),
        }

        $(
            impl From<$spatial> for Operation {
                fn from(operation: $spatial) -> Self {
                    Self::$spatial(operation)
                }
            }
        )*
        $(
            impl From<$channel> for Operation {
                fn from(operation: $channel) -> Self {
                    Self::$channel(operation.into())
                }
            }
            impl From<PerChannel<$channel>> for Operation {
                fn from(operation: PerChannel<$channel>) -> Self {
                    Self::$channel(operation)
                }
            }
            impl From<PerChannel<$channel>> for Step {
                fn from(operation: PerChannel<$channel>) -> Self {
                    Self::$channel(operation)
                }
            }
            impl From<$channel> for Step {
                fn from(operation: $channel) -> Self {
                    Self::$channel(operation.into())
                }
            }
        )*
        $(
            impl From<$sample> for Operation {
                fn from(operation: $sample) -> Self {
                    Self::$sample(operation)
                }
            }
        )*
        transforms!(@steps $($spatial)* $($sample)* $($random)* $($choice)*);

        impl From<Operation> for Step {
            fn from(operation: Operation) -> Self {
                match operation {
                    $(Operation::$spatial(operation) => Self::$spatial(operation),)*
                    $(Operation::$channel(operation) => Self::$channel(operation),)*
                    $(Operation::$sample(operation) => Self::$sample(operation),)*
                    Operation::On(on) => Self::On(Box::new(On {
                        target: on.target,
                        inner: on.inner.into(),
                    })),
                }
            }
        }

        impl Operation {
            /// Its name, as in JSON.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$spatial(_) => stringify!($spatial),)*
                    $(Self::$channel(_) => stringify!($channel),)*
                    $(Self::$sample(_) => stringify!($sample),)*
                    Self::On(on) => on.inner.name(),
                }
            }

            /// Checks the parameters for samples of `D` axes.
            ///
            /// # Errors
            /// Names the first parameter that breaks its rule.
            pub fn check<const D: usize>(&self) -> Result<()> {
                match self {
                    $(Self::$spatial(operation) => SpatialOperation::<D>::check(operation),)*
                    $(Self::$channel(operation) => operation.check(D),)*
                    $(Self::$sample(operation) => SampleOperation::<D>::check(operation),)*
                    Self::On(on) => on.check::<D>(),
                }
            }

            /// What it needs beside an image.
            #[must_use]
            pub fn needs<const D: usize>(&self) -> Contents {
                match self {
                    $(Self::$sample(operation) => SampleOperation::<D>::needs(operation),)*
                    Self::On(on) => on.needs::<D>(),
                    _ => Contents::default(),
                }
            }

            /// Where each voxel of the result lies in a sample on `grid`; `None` when none moves.
            ///
            /// # Errors
            /// Refuses a grid that the parameters do not fit.
            pub fn warp<const D: usize>(&self, grid: &Geometry<D>) -> Result<Option<Warp<D>>> {
                match self {
                    $(Self::$spatial(operation) => operation.warp(grid).map(Some),)*
                    $(Self::$sample(operation) => operation.warp(grid),)*
                    _ => Ok(None),
                }
            }

            /// Does it, or lets it wait if it only moves voxels.
            ///
            /// # Errors
            /// Refuses a sample that lacks what it needs or that its parameters do not fit.
            pub fn apply<const D: usize>(&self, mut sample: LazySample<D>) -> Result<LazySample<D>> {
                match self {
                    $(Self::$spatial(operation) => {
                        sample.push(operation.warp(sample.geometry())?)?;
                        Ok(sample)
                    })*
                    $(Self::$channel(operation) => {
                        operation.apply(stringify!($channel), sample.sample()?)?;
                        Ok(sample)
                    })*
                    $(Self::$sample(operation) => sample.change(|sample| operation.apply(sample)),)*
                    Self::On(on) => on.apply(sample),
                }
            }

            /// Does it to a sample at once.
            ///
            /// # Errors
            /// As [`Operation::apply`].
            pub fn apply_to<const D: usize>(&self, sample: Sample<D>) -> Result<Sample<D>> {
                self.apply(sample.into_lazy())?.finish()
            }
        }

        impl Step {
            /// The names of all steps but `On`, in the order of their kinds.
            pub const NAMES: &'static [&'static str] = &[
                $(stringify!($spatial),)*
                $(stringify!($channel),)*
                $(stringify!($sample),)*
                $(stringify!($random),)*
                $(stringify!($choice),)*
            ];

            /// Its name, as in JSON: random numbers are drawn under it.
            #[must_use]
            pub fn name(&self) -> &'static str {
                match self {
                    $(Self::$spatial(_) => stringify!($spatial),)*
                    $(Self::$channel(_) => stringify!($channel),)*
                    $(Self::$sample(_) => stringify!($sample),)*
                    $(Self::$random(_) => stringify!($random),)*
                    $(Self::$choice(_) => $choice::NAME,)*
                    Self::On(on) => on.inner.name(),
                }
            }

            /// Checks the parameters for samples of `D` axes.
            ///
            /// # Errors
            /// Names the first parameter that breaks its rule.
            pub fn check<const D: usize>(&self) -> Result<()> {
                match self {
                    $(Self::$spatial(operation) => SpatialOperation::<D>::check(operation),)*
                    $(Self::$channel(operation) => operation.check(D),)*
                    $(Self::$sample(operation) => SampleOperation::<D>::check(operation),)*
                    $(Self::$random(transform) => Transform::<D>::check(transform),)*
                    $(Self::$choice(choice) => choice.check::<D>(),)*
                    Self::On(on) => on.check::<D>(),
                }
            }

            /// What it needs beside an image.
            #[must_use]
            pub fn needs<const D: usize>(&self) -> Contents {
                match self {
                    $(Self::$sample(operation) => SampleOperation::<D>::needs(operation),)*
                    $(Self::$random(transform) => Transform::<D>::needs(transform),)*
                    $(Self::$choice(choice) => needs_of::<D>(choice.steps()),)*
                    Self::On(on) => on.needs::<D>(),
                    _ => Contents::default(),
                }
            }

            /// Whether what it does depends on the key.
            #[must_use]
            pub fn is_random<const D: usize>(&self) -> bool {
                match self {
                    $(Self::$random(transform) => Transform::<D>::is_random(transform),)*
                    $(Self::$choice(choice) => choice.is_random::<D>(),)*
                    Self::On(on) => on.inner.is_random::<D>(),
                    _ => false,
                }
            }

            /// Decides under `key` what is done, does it, and adds it to `done`.
            ///
            /// # Errors
            /// Refuses a sample that lacks what it needs, and passes on what the operations refuse.
            pub fn run<const D: usize>(
                &self,
                mut sample: LazySample<D>,
                key: Key,
                done: &mut Vec<Operation>,
            ) -> Result<LazySample<D>> {
                let operations = match self {
                    $(Self::$spatial(operation) => vec![operation.clone().into()],)*
                    $(Self::$channel(operation) => vec![operation.clone().into()],)*
                    $(Self::$sample(operation) => vec![operation.clone().into()],)*
                    $(Self::$random(transform) => transform.draw(&mut sample, key)?,)*
                    $(Self::$choice(choice) => return choice.run(sample, key, done),)*
                    Self::On(on) => return on.run(sample, key, done),
                };
                for operation in operations {
                    sample = operation.apply(sample)?;
                    done.push(operation);
                }
                Ok(sample)
            }
        }
    };
    (@steps $($transform:ident)*) => {
        $(
            impl From<$transform> for Step {
                fn from(transform: $transform) -> Self {
                    Self::$transform(transform)
                }
            }
        )*
    };
}

transforms! {
    spatial: [
        Affine,
        CenterCrop,
        Crop,
        CropOrPad,
        ElasticDeformation,
        ElasticTransform,
        Flip,
        GridDistortion,
        MonaiAffine,
        OpticalDistortion,
        Orient,
        Pad,
        Perspective,
        ResampleTo,
        Resize,
        Rotate90,
        ShiftScaleRotate,
        Spacing,
        TorchioAffine,
        Transpose,
        Zoom,
    ],
    channel: [
        AdjustContrast,
        Anisotropy,
        BiasField,
        BlankRectangles,
        Blur,
        BoxBlur,
        Brightness,
        BrightnessGradient,
        Clahe,
        ClaheEightBit,
        Clamp,
        Contrast,
        DepthAttenuation,
        DistanceTransform,
        Gamma,
        GaussianBlur,
        GaussianNoise,
        GaussianSharpen,
        GaussianSmooth,
        Ghosting,
        GibbsNoise,
        HistogramMatching,
        HistogramNormalize,
        HistogramShift,
        HistogramStandardization,
        Invert,
        KSpaceSpikeNoise,
        LaplacianSharpen,
        LocalGamma,
        LowResolution,
        MedianFilter,
        MetalArtefact,
        Motion,
        MotionBlur,
        MultiplicativeNoise,
        PoissonNoise,
        Posterize,
        RicianNoise,
        RingArtefact,
        SaltAndPepper,
        ScaleIntensity,
        ScaleIntensityFixedMean,
        ScaleIntensityRange,
        Sharpen,
        ShiftIntensity,
        SmoothFieldAdjustIntensity,
        Solarize,
        SpeckleNoise,
        Spike,
        StdShiftIntensity,
        ThresholdIntensity,
        UltrasoundSpeckle,
        UnsharpMask,
    ],
    sample: [
        Activations,
        ArgMax,
        BoxesToLabels,
        BrightnessContrast,
        ChannelDropout,
        ChannelShuffle,
        ClipIntensityPercentiles,
        CoarseDropout,
        CoarseShuffle,
        ColorJitter,
        CoordinateChannels,
        ExtremePointsChannel,
        FillHoles,
        GenerateHeatmap,
        GridDropout,
        HedJitter,
        HueSaturationValue,
        KeepLargest,
        LabelFilter,
        LabelToContour,
        LabelsToBoxes,
        LabelsToRegions,
        Letterbox,
        MapLabels,
        MaskIntensity,
        Morphology,
        Normalise,
        NormalizeIntensity,
        OneHot,
        RegionsToLabels,
        RemovePart,
        RemoveSmall,
        RepeatChannel,
        RescaleIntensity,
        ResizeAntialiased,
        ResizeArea,
        ScaleIntensityRangePercentiles,
        SequentialLabels,
        SobelGradients,
        Swap,
        Threshold,
        ToGray,
    ],
    random: [
        CropForeground,
        RandomAdjustContrast,
        RandomAnisotropy,
        RandomBiasField,
        RandomBlankRectangles,
        RandomBlur,
        RandomBoxBlur,
        RandomBoxSafeCrop,
        RandomBrightness,
        RandomBrightnessContrast,
        RandomBrightnessGradient,
        RandomChannelDropout,
        RandomChannelShuffle,
        RandomClahe,
        RandomClaheEightBit,
        RandomCoarseDropout,
        RandomCoarseShuffle,
        RandomColorJitter,
        RandomContrast,
        RandomCrop,
        RandomCropAroundBox,
        RandomCropByClass,
        RandomDepthAttenuation,
        RandomElasticDeformation,
        RandomElasticTransform,
        RandomExtremePointsChannel,
        RandomFlip,
        RandomGamma,
        RandomGaussianBlur,
        RandomGaussianNoise,
        RandomGaussianSharpen,
        RandomGaussianSmooth,
        RandomGhosting,
        RandomGibbsNoise,
        RandomGridDistortion,
        RandomGridDropout,
        RandomHedJitter,
        RandomHistogramMatching,
        RandomHistogramShift,
        RandomHueSaturationValue,
        RandomInvert,
        RandomKSpaceSpikeNoise,
        RandomLaplacianSharpen,
        RandomLocalGamma,
        RandomLowResolution,
        RandomMedianFilter,
        RandomMetalArtefact,
        RandomMonaiAffine,
        RandomMorphology,
        RandomMotion,
        RandomMotionBlur,
        RandomMultiplicativeNoise,
        RandomOpticalDistortion,
        RandomPerspective,
        RandomPoissonNoise,
        RandomPosterize,
        RandomRemovePart,
        RandomResizedCrop,
        RandomRicianNoise,
        RandomRingArtefact,
        RandomRotate,
        RandomRotate90,
        RandomSaltAndPepper,
        RandomScale,
        RandomScaleIntensity,
        RandomScaleIntensityFixedMean,
        RandomSharpen,
        RandomShear,
        RandomShiftIntensity,
        RandomShiftScaleRotate,
        RandomSmoothFieldAdjustIntensity,
        RandomSolarize,
        RandomSpatial,
        RandomSpeckleNoise,
        RandomSpike,
        RandomStdShiftIntensity,
        RandomSwap,
        RandomSymmetry,
        RandomToGray,
        RandomTorchioAffine,
        RandomTranslate,
        RandomTranspose,
        RandomUltrasoundSpeckle,
        RandomUnsharpMask,
        RandomZoom,
    ],
    choice: [
        OneOf,
        Sequence,
        SomeOf,
        Sometimes,
    ],
}
