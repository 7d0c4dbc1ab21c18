//! What stands around the network: transforms and the way it sees an image.

use super::arguments::Arguments;
use super::expression::TARGET;
use crate::bundles::place::Place;
use crate::bundles::value::Value;
use crate::error::Result;

/// A transform by name, and what it is given.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Transform {
    /// MONAI's class, without its modules.
    pub name: String,
    /// Its arguments; what is more than data is an [`Value::Expression`].
    pub arguments: Vec<(String, Value)>,
    /// Whether the bundle passes it over (`_disabled_`).
    pub disabled: bool,
    /// What it does, for transforms that are known here.
    pub step: Option<Step>,
}

/// What a transform does. Axes are MONAI's: the first, second and third of the image.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// `Orientationd`: axes run to these sides, as `RAS`.
    Orientation(String),
    /// `Spacingd`: millimetres between voxels, and the interpolation of each key (`bilinear`, `nearest`).
    Spacing {
        /// One number an axis; one for all if it is one.
        spacing: Vec<f64>,
        /// One for each key; one for all if it is one.
        modes: Vec<String>,
    },
    /// `ScaleIntensityRanged`: `from` becomes `to`.
    ScaleRange {
        /// Two intensities of the scan.
        from: [f64; 2],
        /// What they become; none where the transform only shifts and scales to 0..1.
        to: Option<[f64; 2]>,
        /// Whether the rest is clipped.
        clip: bool,
    },
    /// `NormalizeIntensityd` by the image's own mean and deviation.
    Normalize {
        /// Whether zeros are left out and stay zero.
        nonzero: bool,
        /// Whether each channel is normalised by itself.
        channel_wise: bool,
    },
    /// `CropForegroundd` to what is above zero.
    CropForeground {
        /// Voxels kept around it.
        margin: usize,
    },
}

/// How weights of a window's voxels are chosen where windows overlap.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Blend {
    /// All alike.
    Constant,
    /// Less towards the border.
    Gaussian,
}

/// How the network sees an image.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Inferer {
    /// As a whole (`SimpleInferer`).
    Whole,
    /// In windows (`SlidingWindowInferer`).
    SlidingWindow {
        /// Voxels of a window along each axis, none for all of the image; one for all axes if it is one.
        roi: Vec<Option<usize>>,
        /// Overlap of windows as a fraction.
        overlap: f64,
        /// Weights of overlapping windows.
        blend: Blend,
        /// Standard deviation of Gaussian weights as a fraction of the window.
        sigma: f64,
        /// How an image smaller than a window is padded, `constant` and the like.
        padding: String,
        /// With which value, where that is `constant`.
        padding_value: f64,
    },
    /// By another class.
    Other(String),
}

/// The transforms of a `Compose`, or of a list.
pub(super) fn transforms(place: &Place<'_>) -> Result<Vec<Transform>> {
    let list = match place.value() {
        Value::List(_) => place.list()?,
        _ => {
            let compose = place.need(TARGET)?;
            if compose.text()?.rsplit('.').next() != Some("Compose") {
                return Err(compose.refuse("Compose"));
            }
            place.need("transforms")?.list()?
        }
    };
    list.iter().map(transform).collect()
}

fn transform(place: &Place<'_>) -> Result<Transform> {
    // A transform that an expression makes has no arguments that could be named.
    if let Value::Expression(text) = place.value() {
        return Ok(Transform {
            name: text.clone(),
            arguments: Vec::new(),
            disabled: false,
            step: None,
        });
    }
    let target = place.need(TARGET)?.text()?;
    let disabled = match place.get("_disabled_")? {
        Some(disabled) => disabled.flag()?,
        None => false,
    };
    let arguments = place.entries()?.into_iter();
    let arguments = arguments.filter(|(key, _)| ![TARGET, "_disabled_"].contains(key));
    Ok(Transform {
        name: target.rsplit('.').next().unwrap_or(target).to_owned(),
        arguments: arguments
            .map(|(key, place)| (key.to_owned(), place.value().clone()))
            .collect(),
        disabled,
        step: match disabled {
            true => None,
            // What is given in another way than is known here does something that is not known.
            false => { Arguments::of(place.clone()) }
                .and_then(|arguments| step(&arguments))
                .unwrap_or_default(),
        },
    })
}

/// What a transform does, if all it is given is known.
fn step(arguments: &Arguments<'_>) -> Result<Option<Step>> {
    // Which entries of a sample it is for says nothing about what it does.
    arguments.ignore(&[
        "keys",
        "allow_missing_keys",
        "meta_keys",
        "meta_key_postfix",
        "lazy",
    ]);
    let name = arguments.target()?;
    let name = name.strip_suffix(['d', 'D']).unwrap_or(name);
    let name = name.strip_suffix("Dict").unwrap_or(name);
    let step = match name {
        "Orientation" => {
            // Older versions say their default.
            let usual = ["L", "R", "P", "A", "I", "S"].map(|side| Value::Text(side.to_owned()));
            let usual = usual.chunks(2).map(|sides| Value::List(sides.to_vec()));
            arguments.fixed_or_none("labels", &Value::List(usual.collect()))?;
            Step::Orientation(arguments.need("axcodes")?.text()?.to_owned())
        }
        "Spacing" => {
            let mode = arguments.get("mode")?;
            let pixdim = arguments.need("pixdim")?;
            arguments.ignore(&["ensure_same_shape"]);
            floating(arguments)?;
            for (key, usual) in [("padding_mode", "border"), ("align_corners", "false")] {
                if let Some(place) = arguments.get(key)?
                    && several(&place, |place| Ok(shown(place.value())))?
                        .iter()
                        .any(|value| value != usual)
                {
                    return Ok(None);
                }
            }
            Step::Spacing {
                spacing: several(&pixdim, Place::positive)?,
                modes: match mode {
                    Some(mode) => several(&mode, |mode| mode.text().map(str::to_owned))?,
                    None => vec!["bilinear".to_owned()],
                },
            }
        }
        "ScaleIntensityRange" => {
            let number = |key| arguments.need(key)?.number();
            let optional = |key| arguments.get(key)?.map(|place| place.number()).transpose();
            let to = match (optional("b_min")?, optional("b_max")?) {
                (Some(low), Some(high)) => Some([low, high]),
                _ => None,
            };
            floating(arguments)?;
            Step::ScaleRange {
                from: [number("a_min")?, number("a_max")?],
                to,
                clip: arguments.flag("clip", false)?,
            }
        }
        "NormalizeIntensity" => {
            floating(arguments)?;
            // Given means and deviations are another thing; they are listed among the arguments.
            for key in ["subtrahend", "divisor"] {
                if arguments.get(key)?.is_some() {
                    return Ok(None);
                }
            }
            Step::Normalize {
                nonzero: arguments.flag("nonzero", false)?,
                channel_wise: arguments.flag("channel_wise", false)?,
            }
        }
        "CropForeground" => {
            arguments.ignore(&["source_key", "start_coord_key", "end_coord_key"]);
            arguments.fixed("channel_indices", &Value::Null)?;
            let margin = arguments.size("margin", 0)?;
            match margin {
                // Nothing reaches beyond the image.
                0 => arguments.ignore(&["mode", "allow_smaller"]),
                _ => {
                    arguments.fixed("mode", &Value::Text("constant".to_owned()))?;
                    arguments.fixed("allow_smaller", &Value::Bool(false))?;
                }
            }
            for key in ["select_fn", "k_divisible"] {
                if arguments
                    .get(key)?
                    .is_some_and(|place| !is_one(place.value()))
                {
                    return Ok(None);
                }
            }
            Step::CropForeground { margin }
        }
        _ => return Ok(None),
    };
    // With another argument it does another thing.
    Ok(arguments.finish().is_ok().then_some(step))
}

/// That a transform does not round to integers.
fn floating(arguments: &Arguments<'_>) -> Result<()> {
    match arguments.get("dtype")? {
        Some(place) if !shown(place.value()).contains("float") => {
            Err(place.refuse("a type of floating point numbers"))
        }
        _ => Ok(()),
    }
}

/// Text without quotes.
fn shown(value: &Value) -> String {
    value
        .as_text()
        .map_or_else(|| value.to_string(), str::to_owned)
}

fn is_one(value: &Value) -> bool {
    *value == Value::Integer(1)
}

/// A list, or one value as a list.
fn several<'a, T>(place: &Place<'a>, of: impl Fn(&Place<'a>) -> Result<T>) -> Result<Vec<T>> {
    match place.value() {
        Value::List(_) => place.each(of),
        _ => Ok(vec![of(place)?]),
    }
}

/// The way the network sees an image.
pub(super) fn inferer(place: &Place<'_>) -> Result<Inferer> {
    let arguments = Arguments::of(place.clone())?;
    match arguments.target()? {
        "SimpleInferer" => Ok(Inferer::Whole),
        "SlidingWindowInferer" => sliding_window(&arguments),
        other => Ok(Inferer::Other(other.to_owned())),
    }
}

fn sliding_window(arguments: &Arguments<'_>) -> Result<Inferer> {
    // Where and in how many at a time windows are computed.
    arguments.ignore(&[
        "sw_batch_size",
        "sw_device",
        "device",
        "progress",
        "cpu_thresh",
    ]);
    arguments.ignore(&["cache_roi_weight_map", "buffer_steps", "buffer_dim"]);
    arguments.fixed("with_coord", &Value::Bool(false))?;
    let one = |key: &'static str, default: f64| match arguments.get(key)? {
        None => Ok(default),
        Some(place) => match several(&place, Place::number)?.as_slice() {
            [first, rest @ ..] if rest.iter().all(|other| other == first) => Ok(*first),
            _ => Err(place.refuse("one number for all axes")),
        },
    };
    let overlap = one("overlap", 0.25)?;
    if !(0.0..1.0).contains(&overlap) {
        return Err(arguments.need("overlap")?.refuse("at least 0 and below 1"));
    }
    let mode = arguments.get("mode")?;
    let blend = match &mode {
        None => Blend::Constant,
        Some(place) => match place.text()? {
            "constant" => Blend::Constant,
            "gaussian" => Blend::Gaussian,
            _ => return Err(place.refuse("constant or gaussian")),
        },
    };
    let roi = arguments.need("roi_size")?;
    let extent = |place: &Place<'_>| match place.value() {
        Value::Integer(i64::MIN..=0) => Ok(None),
        _ => place.size().map(Some),
    };
    let inferer = Inferer::SlidingWindow {
        roi: several(&roi, extent)?,
        overlap,
        blend,
        sigma: one("sigma_scale", 0.125)?,
        padding: match arguments.get("padding_mode")? {
            Some(place) => place.text()?.to_owned(),
            None => "constant".to_owned(),
        },
        padding_value: arguments.number("cval", 0.0)?,
    };
    arguments.finish()?;
    Ok(inferer)
}
