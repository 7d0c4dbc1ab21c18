//! Segmentations that other programs describe: nnU-Net's folders and MONAI's bundles.

mod postprocessing;

use medaug::{Foreground, ForegroundRule, Intensity, Preprocess, SliceDistance};
use medcore::LabelTable;
use medcore::resample::Interpolation;
use medmodels::bundles::monai::{Blend, Inferer, Step, TensorFormat, Transform};
use medmodels::bundles::nnunet::{Fold, NormalizationScheme, Resampling};
use medmodels::bundles::{MonaiBundle, NnUnetFolder, Value};

use crate::error::{Error, Result};
use crate::segmenter::{Segmenter, SegmenterConfig};
use crate::weight::Weighting;
use crate::window::SlidingWindow;

fn refuse(setting: &'static str, rule: &'static str, value: impl std::fmt::Debug) -> Error {
    Error::Setting {
        setting,
        rule,
        value: format!("{value:?}"),
    }
}

impl Segmenter<'static> {
    /// A fold of a model of nnU-Net; [`Segmenter::from_nnunet_folds`] takes several, as nnU-Net itself does.
    ///
    /// # Errors
    /// As [`SegmenterConfig::of_nnunet`], and when weights do not fit.
    pub fn from_nnunet(folder: &NnUnetFolder, fold: &Fold) -> Result<Self> {
        let config = SegmenterConfig::of_nnunet(folder)?;
        Self::new(config, folder.load(fold)?.network)
    }

    /// Folds of a model of nnU-Net, whose logits are averaged: nnU-Net takes [`NnUnetFolder::folds`], all of them.
    ///
    /// # Errors
    /// As [`Segmenter::from_nnunet`], and without a fold.
    pub fn from_nnunet_folds(folder: &NnUnetFolder, folds: &[Fold]) -> Result<Self> {
        let [first, others @ ..] = folds else {
            return Err(refuse("folds", "at least one", folds));
        };
        let load = |fold: &Fold| Ok(folder.load(fold)?.network);
        let others = others.iter().map(load).collect::<Result<_>>()?;
        Ok(Self::from_nnunet(folder, first)?.with_ensemble(others))
    }

    /// A bundle of MONAI.
    ///
    /// # Errors
    /// As [`SegmenterConfig::of_monai`], and when weights do not fit.
    pub fn from_monai(bundle: &MonaiBundle) -> Result<Self> {
        let config = SegmenterConfig::of_monai(bundle)?;
        Self::new(config, bundle.load()?.network)
    }
}

impl SegmenterConfig {
    /// What nnU-Net does with a model: crop, normalise, resample, windows with mirror images, and logits back on the scan's
    /// grid; axes in the order of its plans, and for a network of two axes slice by slice along the first of them, slices as
    /// far from each other as the scan has them.
    ///
    /// # Errors
    /// Refuses what is not described here: a second stage, readers that turn axes in another way than
    /// `NibabelIOWithReorient`, other functions for resampling, and division by 255.
    pub fn of_nnunet(folder: &NnUnetFolder) -> Result<Self> {
        let plan = folder.plan();
        let (spacing, slice_distance) = match plan.spacing[..] {
            [slices, rows, columns] => ([slices, rows, columns], SliceDistance::Target),
            // The first is of no meaning.
            [rows, columns] => ([1.0, rows, columns], SliceDistance::Own),
            _ => return Err(refuse("spacing", "of two or three axes", &plan.spacing)),
        };
        if let Some(stage) = &plan.previous_stage {
            return Err(refuse("previous_stage", "absent", stage));
        }
        let transpose = match plan.transpose_forward[..] {
            [0, 1, 2] => None,
            [first, second, third] => Some([first, second, third]),
            _ => {
                let axes = &plan.transpose_forward;
                return Err(refuse("transpose_forward", "of three axes", axes));
            }
        };
        let orientation = match plan.reader.as_deref() {
            None | Some("SimpleITKIO" | "NibabelIO") => None,
            // Axes of the file run to right, anterior and superior, and are stored the other way round.
            Some("NibabelIOWithReorient") => Some("SAR".parse()?),
            Some(other) => {
                let rule = "SimpleITKIO, NibabelIO or NibabelIOWithReorient";
                return Err(refuse("image_reader_writer", rule, other));
            }
        };
        let preprocess = Preprocess {
            orientation,
            transpose,
            spacing: Some(spacing),
            slice_distance,
            interpolation: interpolation(&plan.resampling)?,
            intensity: { plan.normalization.iter() }
                .map(intensity)
                .collect::<Result<_>>()?,
            ..Preprocess::nnunet()
        };
        if interpolation(&plan.logit_resampling)? != Interpolation::Linear {
            let order = plan.logit_resampling.order;
            return Err(refuse("resampling_fn_probabilities order", "1", order));
        }
        let window = SlidingWindow::nnunet(plan.patch_size.clone());
        Self::new(folder.model().clone(), preprocess, window)
            .with_mirror_axes(folder.mirror_axes())
            .with_labels(folder.labels().clone())
    }

    /// What a bundle of MONAI does: `Orientationd`, `Spacingd`, an intensity transform and `CropForegroundd` in this order,
    /// each where it is there; windows; the class with the largest logit.
    ///
    /// MONAI brings probabilities back to the scan's grid where its `Invertd` does; here it is logits, as for all models, so
    /// borders may differ by a voxel.
    ///
    /// # Errors
    /// Refuses what is not described here: transforms that change an image in another way or order, arrays in the order of
    /// the file (without `Orientationd`), another inferer, outputs that are no classes, and transforms that change labels
    /// afterwards (`KeepLargestConnectedComponentd` and its like): for those the description can be made by hand of what
    /// [`MonaiBundle`] says.
    pub fn of_monai(bundle: &MonaiBundle) -> Result<Self> {
        let model = bundle.model()?;
        let preprocess = preprocess(&bundle.preprocessing()?, model.in_channels())?;
        let window = window(bundle.inferer()?, model.spatial_dims())?;
        let labels = match bundle.metadata().outputs.as_slice() {
            [(_, output)] => classes(output)?,
            _ => LabelTable::default(),
        };
        postprocessing::check(&bundle.postprocessing()?)?;
        Self::new(model, preprocess, window).with_labels(labels)
    }
}

fn intensity(scheme: &NormalizationScheme) -> Result<Intensity> {
    Ok(match *scheme {
        NormalizationScheme::Ct(known) => Intensity::ClipZScore {
            low: known.percentile_00_5,
            high: known.percentile_99_5,
            mean: known.mean,
            std: known.std,
        },
        NormalizationScheme::ZScore { masked: false } => Intensity::ZScore { masked: false },
        NormalizationScheme::ZScore { masked: true } => Intensity::BodyZScore,
        NormalizationScheme::Keep => Intensity::Keep,
        NormalizationScheme::RescaleTo01 => Intensity::MinMax,
        other => {
            let rule = "CT, ZScore, No or RescaleTo01";
            return Err(refuse("normalization_schemes", rule, other));
        }
    })
}

/// nnU-Net's own resampling: splines within slices, and the nearest slice where these are far apart.
fn interpolation(resampling: &Resampling) -> Result<Interpolation> {
    let known = resampling.function == "resample_data_or_seg_to_shape"
        && resampling.order_z.unwrap_or(0) == 0
        && resampling.force_separate_z.is_none()
        && { resampling.others.iter() }
            .all(|(key, value)| key == "is_seg" && *value == Value::Bool(false));
    match resampling.order {
        Some(1) if known => Ok(Interpolation::Linear),
        Some(3) if known => Ok(Interpolation::CubicBSpline),
        _ => {
            let rule = "resample_data_or_seg_to_shape of order 1 or 3, nearest across slices";
            Err(refuse("resampling", rule, resampling))
        }
    }
}

/// A transform's class without what says that it is for dictionaries: `Spacing` of `Spacingd`, `SpacingD` and `SpacingDict`.
fn class(name: &str) -> &str {
    { ["Dict", "d", "D"].into_iter() }
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name)
}

/// Transforms that leave geometry and intensities as they are.
const PLAIN: [&str; 6] = [
    "LoadImage",
    "EnsureChannelFirst",
    "EnsureType",
    "ToTensor",
    "CastToType",
    "ToDevice",
];

fn preprocess(transforms: &[Transform], channels: usize) -> Result<Preprocess> {
    let mut preprocess = Preprocess {
        orientation: None,
        ..Preprocess::monai()
    };
    // Where in the chain the last step stood.
    let mut last = 0;
    for transform in transforms.iter().filter(|transform| !transform.disabled) {
        let name = transform.name.as_str();
        if PLAIN.contains(&class(name)) {
            // Integers would be rounded ones.
            let dtype = { transform.arguments.iter() }.find(|(key, _)| key == "dtype");
            if let Some((_, dtype)) = dtype
                && dtype.to_string().contains("int")
            {
                return Err(refuse("dtype", "of floating point numbers", dtype));
            }
            continue;
        }
        let place = match transform.step.as_ref() {
            Some(Step::Orientation(code)) => {
                preprocess.orientation = Some(code.parse()?);
                1
            }
            Some(Step::Spacing { spacing, modes }) if modes.iter().all(|m| m == "bilinear") => {
                preprocess.spacing = Some(match spacing[..] {
                    [one] => [one; 3],
                    [first, second, third] => [first, second, third],
                    _ => return Err(refuse("pixdim", "of three axes", spacing)),
                });
                2
            }
            Some(&Step::ScaleRange {
                from: [low, high],
                to: Some([0.0, 1.0]),
                clip: true,
            }) => {
                preprocess.intensity = vec![Intensity::Window { low, high }];
                3
            }
            Some(&Step::Normalize {
                nonzero,
                channel_wise,
            }) if channel_wise || channels == 1 => {
                preprocess.intensity = vec![Intensity::ZScore { masked: nonzero }];
                3
            }
            Some(&Step::CropForeground { margin }) => {
                preprocess.foreground = Some(Foreground {
                    rule: ForegroundRule::Above(0.0),
                    margin: [margin; 3],
                });
                4
            }
            _ => {
                return Err(refuse(
                    "preprocessing",
                    "of steps that are known",
                    transform,
                ));
            }
        };
        if place <= last {
            let rule = "Orientationd, Spacingd, intensities, CropForegroundd in this order";
            return Err(refuse("preprocessing", rule, name));
        }
        last = place;
    }
    match preprocess.orientation {
        Some(_) => Ok(preprocess),
        None => {
            let rule = "with Orientationd, for the order of axes";
            Err(refuse("preprocessing", rule, "none"))
        }
    }
}

fn window(inferer: Option<Inferer>, axes: usize) -> Result<SlidingWindow> {
    let rule = "a SlidingWindowInferer with a size, sigma_scale 0.125 and constant padding";
    let Some(Inferer::SlidingWindow {
        roi,
        overlap,
        blend,
        sigma: 0.125,
        padding,
        padding_value,
    }) = &inferer
    else {
        return Err(refuse("inferer", rule, inferer));
    };
    let size: Option<Vec<usize>> = roi.iter().copied().collect();
    let size = match size.as_deref() {
        _ if padding != "constant" => return Err(refuse("inferer", rule, inferer)),
        Some([one]) => vec![*one; axes],
        Some(size) => size.to_vec(),
        _ => return Err(refuse("inferer", rule, inferer)),
    };
    let weighting = match blend {
        Blend::Gaussian => Weighting::Gaussian,
        _ => Weighting::Constant,
    };
    Ok(SlidingWindow::monai(size)
        .with_overlap(*overlap)
        .with_weighting(weighting)
        .with_padding_value(*padding_value as f32))
}

/// The names of classes, background left out.
fn classes(output: &TensorFormat) -> Result<LabelTable> {
    let mut named = Vec::new();
    for (number, name) in { output.channel_def.iter() }.filter(|(number, _)| *number > 0) {
        let Ok(value) = u32::try_from(*number) else {
            return Err(refuse("channel_def", "of classes up to 255", number));
        };
        named.push((name.as_str(), vec![value]));
    }
    Ok(LabelTable::new(named)?)
}
