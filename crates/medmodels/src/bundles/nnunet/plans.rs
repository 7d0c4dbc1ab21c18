//! `plans.json`: what happens to a scan, and where the network is described.

use crate::bundles::place::Place;
use crate::bundles::value::Value;
use crate::error::Result;

/// What the plans say of one configuration, all but the network. Axes are those of the network: the scan's in storage order,
/// taken in the order of `transpose_forward`; a configuration for images has the last two of them.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Plan {
    /// The configuration.
    pub configuration: String,
    /// The data set the model was planned for.
    pub dataset: Option<String>,
    /// nnU-Net's class that reads the files, as `SimpleITKIO`; none in old plans.
    pub reader: Option<String>,
    /// Which axis of the scan comes first, second and third.
    pub transpose_forward: Vec<usize>,
    /// The way back.
    pub transpose_backward: Vec<usize>,
    /// Millimetres between voxels, one number an axis of the network.
    pub spacing: Vec<f64>,
    /// Voxels of a window.
    pub patch_size: Vec<usize>,
    /// Patches of a batch in training.
    pub batch_size: Option<usize>,
    /// How each channel is normalised.
    pub normalization: Vec<NormalizationScheme>,
    /// What is known of each channel's foreground in the training cases; none in plans that do not say it.
    pub intensities: Vec<Intensities>,
    /// How images are brought to the spacing.
    pub resampling: Resampling,
    /// How labels are.
    pub label_resampling: Resampling,
    /// How logits come back to the scan's spacing.
    pub logit_resampling: Resampling,
    /// The configuration whose labels are further channels, where there are two in a row.
    pub previous_stage: Option<String>,
    /// Keys of the plans that say nothing about predictions, or nothing that is known here.
    pub others: Vec<String>,
}

/// How a channel is normalised.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum NormalizationScheme {
    /// `CTNormalization`: clipped to two percentiles of the training cases, then shifted and scaled by their mean and
    /// deviation.
    Ct(Intensities),
    /// `ZScoreNormalization`: shifted and scaled by the scan's own mean and deviation.
    ZScore {
        /// Whether what is zero around the body is left out and stays zero.
        masked: bool,
    },
    /// `NoNormalization`.
    Keep,
    /// `RescaleTo01Normalization`: the scan's smallest intensity becomes 0, its largest 1.
    RescaleTo01,
    /// `RGBTo01Normalization`: divided by 255.
    RgbTo01,
}

/// Intensities of one channel in the foreground of the training cases.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Intensities {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub std: f64,
    /// The percentile 0.5.
    pub percentile_00_5: f64,
    /// The percentile 99.5.
    pub percentile_99_5: f64,
}

/// How a grid is changed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Resampling {
    /// nnU-Net's function.
    pub function: String,
    /// Order of the spline, where the function has one.
    pub order: Option<usize>,
    /// Order of the spline across slices that are resampled by themselves.
    pub order_z: Option<usize>,
    /// Whether slices are resampled by themselves; by the spacing if not given.
    pub force_separate_z: Option<bool>,
    /// Its other arguments.
    pub others: Vec<(String, Value)>,
}

/// The format in which a network is described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    /// The block `architecture`.
    Block,
    /// Keys of the configuration itself.
    Flat,
}

/// Where the network is described: its keys, once configurations have inherited from others.
#[derive(Debug, Clone)]
pub(super) struct Described {
    pub(super) key: String,
    pub(super) value: Value,
    pub(super) format: Format,
}

/// Keys of a configuration that say nothing about predictions.
const TRAINING: [&str; 6] = [
    "data_identifier",
    "preprocessor_name",
    "median_image_size_in_voxels",
    "batch_dice",
    "next_stage",
    "num_pool_per_axis",
];
/// Keys that are read.
const READ: [&str; 14] = [
    "batch_size",
    "patch_size",
    "spacing",
    "normalization_schemes",
    "use_mask_for_norm",
    "resampling_fn_data",
    "resampling_fn_data_kwargs",
    "resampling_fn_seg",
    "resampling_fn_seg_kwargs",
    "resampling_fn_probabilities",
    "resampling_fn_probabilities_kwargs",
    "architecture",
    "previous_stage",
    "inherits_from",
];
/// Configurations in a row that inherit from one another.
const MOST_PARENTS: usize = 16;
/// Keys that describe the network in old plans.
pub(super) const FLAT: [&str; 7] = [
    "UNet_class_name",
    "UNet_base_num_features",
    "unet_max_num_features",
    "n_conv_per_stage_encoder",
    "n_conv_per_stage_decoder",
    "pool_op_kernel_sizes",
    "conv_kernel_sizes",
];
/// Keys of the plans that are read.
const TOP: [&str; 7] = [
    "configurations",
    "dataset_name",
    "image_reader_writer",
    "transpose_forward",
    "transpose_backward",
    "foreground_intensity_properties_per_channel",
    "foreground_intensity_properties_by_modality",
];

impl Plan {
    /// One configuration of a file, and where its network is described.
    pub(super) fn read(file: &Place<'_>, name: &str, channels: usize) -> Result<(Self, Described)> {
        let configurations = file.need("configurations")?;
        let merged = inherited(&configurations, name)?;
        let path = configurations.path();
        let key = format!("configurations.{name}");
        let place = Place::new(path, key.as_str(), &merged);
        let patch_size = place.need("patch_size")?;
        let axes = patch_size.list()?.len();
        if !matches!(axes, 2 | 3) {
            return Err(patch_size.refuse("given for 2 or 3 axes"));
        }
        let count = |place: &Place<'_>| match place.size()? {
            0 => Err(place.refuse("at least 1")),
            size => Ok(size),
        };
        let spacing = place.need("spacing")?;
        let distances = spacing.each(Place::positive)?;
        if distances.len() != axes {
            return Err(spacing.refuse(format!("given for {axes} axes")));
        }
        let text = |key: &str| -> Result<Option<String>> {
            let text = file.get(key)?.map(|place| place.text());
            Ok(text.transpose()?.map(str::to_owned))
        };
        let intensities = intensities(file, channels)?;
        let others = file.entries()?.into_iter().map(|(key, _)| key);
        let others = others.filter(|key| !TOP.contains(key)).map(str::to_owned);
        let described = match place.get("architecture")? {
            Some(block) => Described {
                key: format!("{key}.architecture"),
                value: block.value().clone(),
                format: Format::Block,
            },
            None => Described {
                key: key.clone(),
                value: merged.clone(),
                format: Format::Flat,
            },
        };
        let previous = place.get("previous_stage")?;
        let plan = Self {
            configuration: name.to_owned(),
            dataset: text("dataset_name")?,
            reader: text("image_reader_writer")?,
            transpose_forward: permutation(&file.need("transpose_forward")?)?,
            transpose_backward: permutation(&file.need("transpose_backward")?)?,
            spacing: distances,
            patch_size: patch_size.each(count)?,
            batch_size: place.get("batch_size")?.map(|b| b.size()).transpose()?,
            normalization: schemes(&place, &intensities, channels)?,
            resampling: Resampling::read(&place, "resampling_fn_data")?,
            label_resampling: Resampling::read(&place, "resampling_fn_seg")?,
            logit_resampling: Resampling::read(&place, "resampling_fn_probabilities")?,
            previous_stage: match previous {
                Some(stage) => Some(stage.text()?.to_owned()),
                None => None,
            },
            intensities,
            others: others.collect(),
        };
        let [forward, backward] = [&plan.transpose_forward, &plan.transpose_backward];
        if forward
            .iter()
            .enumerate()
            .any(|(i, &axis)| backward[axis] != i)
        {
            let place = file.need("transpose_backward")?;
            return Err(place.refuse(format!("the way back from {forward:?}")));
        }
        Ok((plan, described))
    }
}

/// A configuration with what it inherits: its own keys over those of the one it names.
fn inherited(configurations: &Place<'_>, name: &str) -> Result<Value> {
    let mut chain = vec![configurations.need(name)?];
    let mut names = vec![name.to_owned()];
    let known: Vec<&str> = { TRAINING.into_iter() }.chain(READ).chain(FLAT).collect();
    chain[0].only(&known)?;
    while let Some(parent) = chain[chain.len() - 1].get("inherits_from")? {
        let next = parent.text()?.to_owned();
        if names.contains(&next) {
            return Err(parent.refuse("a configuration that does not inherit from this one"));
        }
        if chain.len() == MOST_PARENTS {
            return Err(parent.refuse(format!("absent after {MOST_PARENTS} configurations")));
        }
        let next_place = configurations.need(&next)?;
        next_place.only(&known)?;
        chain.push(next_place);
        names.push(next);
    }
    let mut merged: Vec<(String, Value)> = Vec::new();
    for place in chain {
        for (key, value) in place.entries()? {
            if !merged.iter().any(|(known, _)| known == key) {
                merged.push((key.to_owned(), value.value().clone()));
            }
        }
    }
    Ok(Value::Object(merged))
}

/// Three axes in some order.
fn permutation(place: &Place<'_>) -> Result<Vec<usize>> {
    let axes = place.each(Place::size)?;
    let mut sorted = axes.clone();
    sorted.sort_unstable();
    match sorted[..] {
        [0, 1, 2] => Ok(axes),
        _ => Err(place.refuse("0, 1 and 2 in some order")),
    }
}

/// What is known of the foreground of each channel.
fn intensities(file: &Place<'_>, channels: usize) -> Result<Vec<Intensities>> {
    let found = match file.get("foreground_intensity_properties_per_channel")? {
        Some(found) => Some(found),
        None => file.get("foreground_intensity_properties_by_modality")?,
    };
    let Some(found) = found else {
        return Ok(Vec::new());
    };
    let of = |channel: usize| {
        let place = found.need(&channel.to_string())?;
        let number = |key: &str| place.need(key)?.number();
        let intensities = Intensities {
            mean: number("mean")?,
            std: number("std")?,
            percentile_00_5: number("percentile_00_5")?,
            percentile_99_5: number("percentile_99_5")?,
        };
        if intensities.std < 0.0 {
            return Err(place.need("std")?.refuse("at least 0"));
        }
        match intensities.percentile_00_5 <= intensities.percentile_99_5 {
            true => Ok(intensities),
            false => Err(place.refuse("percentiles in order")),
        }
    };
    (0..channels).map(of).collect()
}

fn schemes(
    place: &Place<'_>,
    intensities: &[Intensities],
    channels: usize,
) -> Result<Vec<NormalizationScheme>> {
    let names = place.need("normalization_schemes")?;
    let masks = place.need("use_mask_for_norm")?;
    for list in [&names, &masks] {
        if list.list()?.len() != channels {
            return Err(list.refuse(format!("given for {channels} channels")));
        }
    }
    let scheme = |(channel, (name, mask)): (usize, (Place<'_>, Place<'_>))| {
        Ok(match name.text()? {
            "CTNormalization" => match intensities.get(channel) {
                Some(known) if known.std > 0.0 && known.percentile_00_5 < known.percentile_99_5 => {
                    NormalizationScheme::Ct(*known)
                }
                Some(known) => {
                    let rule =
                        "a scheme for intensities that differ: std above 0, percentiles apart";
                    return Err(name.refuse_as(rule, format!("CTNormalization of {known:?}")));
                }
                None => {
                    let rule = "a scheme without foreground_intensity_properties_per_channel";
                    return Err(name.refuse(rule));
                }
            },
            "ZScoreNormalization" => NormalizationScheme::ZScore {
                masked: mask.flag()?,
            },
            "NoNormalization" => NormalizationScheme::Keep,
            "RescaleTo01Normalization" => NormalizationScheme::RescaleTo01,
            "RGBTo01Normalization" => NormalizationScheme::RgbTo01,
            _ => {
                let rule = "CTNormalization, ZScoreNormalization, NoNormalization, \
                            RescaleTo01Normalization or RGBTo01Normalization";
                return Err(name.refuse(rule));
            }
        })
    };
    let both = names.list()?.into_iter().zip(masks.list()?);
    both.enumerate().map(scheme).collect()
}

impl Resampling {
    fn read(place: &Place<'_>, function: &str) -> Result<Self> {
        let arguments = place.need(&format!("{function}_kwargs"))?;
        let size = |key: &str| arguments.get(key)?.map(|p| p.size()).transpose();
        let known = ["order", "order_z", "force_separate_z"];
        let others = arguments.entries()?.into_iter();
        let others = others.filter(|(key, _)| !known.contains(key));
        Ok(Self {
            function: place.need(function)?.text()?.to_owned(),
            order: size("order")?,
            order_z: size("order_z")?,
            force_separate_z: match arguments.get("force_separate_z")? {
                Some(place) => Some(place.flag()?),
                None => None,
            },
            others: others
                .map(|(key, place)| (key.to_owned(), place.value().clone()))
                .collect(),
        })
    }
}
