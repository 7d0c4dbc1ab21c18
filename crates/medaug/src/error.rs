//! What can go wrong between an image and a training sample.

/// The result of a fallible operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a transform, a patch or a preprocessing step was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A parameter lies outside its range; found when a pipeline is built.
    #[error("{transform}: {parameter} must be {rule}, got {value}")]
    InvalidParameter {
        /// Name of the transform.
        transform: &'static str,
        /// Name of the parameter.
        parameter: &'static str,
        /// The rule it broke.
        rule: &'static str,
        /// The refused value.
        value: f64,
    },
    /// A parameter has one entry for each of something, and their number is wrong.
    #[error("{transform}: {parameter} needs {expected} entries, got {got}")]
    EntryCount {
        /// Name of the transform.
        transform: &'static str,
        /// Name of the parameter.
        parameter: &'static str,
        /// Entries needed.
        expected: usize,
        /// Entries given.
        got: usize,
    },
    /// A transform needs labels and the sample has none.
    #[error("{transform} needs labels, the sample has none")]
    MissingLabels {
        /// Name of the transform.
        transform: &'static str,
    },
    /// Places are to be chosen by something that was not collected.
    #[error(
        "{transform} needs the {guide} of the case, which were not given; collect them when the case is made"
    )]
    MissingGuide {
        /// Name of the transform.
        transform: &'static str,
        /// What is needed.
        guide: &'static str,
    },
    /// A transform needs boxes and the sample has none.
    #[error("{transform} needs boxes, the sample has none")]
    MissingBoxes {
        /// Name of the transform.
        transform: &'static str,
    },
    /// A transform needs points and the sample has none.
    #[error("{transform} needs points, the sample has none")]
    MissingPoints {
        /// Name of the transform.
        transform: &'static str,
    },
    /// A transform was told to use a layer that the sample does not have.
    #[error("{transform} needs the layer {layer:?}, the sample has {found:?}")]
    MissingLayer {
        /// Name of the transform.
        transform: &'static str,
        /// Name of the layer.
        layer: String,
        /// Layers there are.
        found: Vec<String>,
    },
    /// A step was told to work on a layer that it cannot.
    #[error("layer {layer:?} must be {rule}")]
    TargetLayer {
        /// Name of the layer.
        layer: String,
        /// The rule it breaks.
        rule: &'static str,
    },
    /// A step that moves voxels was told to work on a part of a sample.
    #[error("On: a step that moves voxels must move the whole sample; take it out of `On`")]
    MovedTarget,
    /// A crop reaches outside the image and was not told what is there.
    #[error(
        "{transform}: a block of {shape:?} voxels from {start:?} on reaches outside an image of {image:?}; \
         make it smaller or set `outside`"
    )]
    CropOutside {
        /// Name of the transform.
        transform: &'static str,
        /// First index of the block.
        start: Vec<isize>,
        /// Shape of the block.
        shape: Vec<usize>,
        /// Shape of the image.
        image: Vec<usize>,
    },
    /// A sample does not hold what a transform looks for, and it was told to refuse such samples.
    #[error("{transform} finds no {wanted}; set `absent` to `go_on` to do without")]
    Absent {
        /// Name of the transform.
        transform: &'static str,
        /// What it looks for.
        wanted: &'static str,
    },
    /// An operation can only be done in images of other dimension.
    #[error("{transform} is for images of {expected} axes, these have {got}")]
    Dimension {
        /// Name of the transform.
        transform: &'static str,
        /// Axes it is made for.
        expected: &'static str,
        /// Axes of the image.
        got: usize,
    },
    /// A pipeline cannot be described.
    #[error("this pipeline cannot be described: {reason}")]
    Description {
        /// What does not fit.
        reason: String,
    },
    /// Class locations were collected on a grid of another shape than the sample's.
    #[error(
        "class locations belong to shape {expected:?}, the sample has shape {got:?}; collect them on this sample"
    )]
    ForeignLocations {
        /// Shape the locations were collected on.
        expected: Vec<usize>,
        /// Shape of the sample.
        got: Vec<usize>,
    },
    /// A label map lies on another grid than the one a trace leads back from.
    #[error("the trace leads back from the {expected} grid, the labels lie elsewhere: {source}")]
    ForeignGrid {
        /// Name of the grid.
        expected: &'static str,
        /// The first difference.
        #[source]
        source: medcore::GeometryMismatch,
    },
    /// A voxel is NaN or infinite.
    #[error(
        "channel {channel} holds a voxel that is NaN or infinite; give such voxels a value first"
    )]
    NotFinite {
        /// Channel, from zero.
        channel: usize,
    },
    /// A mask chooses no voxel, where statistics of the chosen ones are needed.
    #[error("{transform}: the mask holds no voxel; choose another mask or leave this image out")]
    EmptyMask {
        /// Name of the transform.
        transform: &'static str,
    },
    /// Something is made of several samples, and another number of them was given.
    #[error("{transform} is made of {expected} samples, got {got}")]
    SampleCount {
        /// Name of the transform.
        transform: &'static str,
        /// Samples needed.
        expected: usize,
        /// Samples given.
        got: usize,
    },
    /// Samples that should become one differ in something that must be alike.
    #[error("{transform}: the {what} of the samples must be alike, got {first} and {other}")]
    Unlike {
        /// Name of the transform.
        transform: &'static str,
        /// What differs.
        what: &'static str,
        /// That of the first sample.
        first: String,
        /// That of another.
        other: String,
    },
    /// Samples hold something that has no mean in this way of mixing.
    #[error("{transform} cannot mix {what}: {instead}")]
    CannotMix {
        /// Name of the transform.
        transform: &'static str,
        /// What it cannot mix.
        what: &'static str,
        /// What to do instead.
        instead: &'static str,
    },
    /// A fingerprint was asked of no case, or of cases that do not go together.
    #[error("cannot describe these cases together: {reason}")]
    Fingerprint {
        /// What does not fit.
        reason: String,
    },
    /// Image, geometry or label operations refused their input.
    #[error(transparent)]
    Core(#[from] medcore::Error),
}

/// Refuses numbers outside `accepted`; the one way in which this crate checks a parameter.
pub(crate) fn check(
    transform: &'static str,
    parameter: &'static str,
    value: f64,
    rule: &'static str,
    accepted: impl Fn(f64) -> bool,
) -> Result<()> {
    if accepted(value) {
        Ok(())
    } else {
        Err(Error::InvalidParameter {
            transform,
            parameter,
            rule,
            value,
        })
    }
}

/// Refuses numbers so large that sums and products of a few of them are infinite in `f32`.
pub(crate) fn check_size(
    transform: &'static str,
    parameter: &'static str,
    value: f64,
) -> Result<()> {
    check(transform, parameter, value, "within -1e18 and 1e18", |v| {
        v.abs() <= 1e18
    })
}

/// Refuses what is not a probability.
pub(crate) fn check_probability(transform: &'static str, value: f64) -> Result<()> {
    check(transform, "probability", value, "within 0 and 1", |v| {
        (0.0..=1.0).contains(&v)
    })
}

/// Refuses weights below zero, and those that choose nothing.
pub(crate) fn check_weights(
    transform: &'static str,
    parameter: &'static str,
    weights: &[f64],
) -> Result<()> {
    for &weight in weights {
        check(transform, parameter, weight, "finite and at least 0", |v| {
            v.is_finite() && v >= 0.0
        })?;
    }
    let sum = weights.iter().sum();
    check(transform, parameter, sum, "above 0 in sum", |v| v > 0.0)
}

/// Refuses a range of intensities that is empty.
pub(crate) fn check_range(transform: &'static str, range: [f32; 2]) -> Result<()> {
    let [low, high] = range.map(f64::from);
    check(transform, "range", low, "finite", f64::is_finite)?;
    let rule = "finite and above its lower end";
    check(transform, "range", high, rule, |v| v.is_finite() && v > low)
}

/// Refuses a list that has neither one entry nor one for each axis.
pub(crate) fn check_entries(
    transform: &'static str,
    parameter: &'static str,
    got: usize,
    expected: usize,
) -> Result<()> {
    if got == 1 || got == expected {
        return Ok(());
    }
    Err(Error::EntryCount {
        transform,
        parameter,
        expected,
        got,
    })
}

/// Refuses images whose number of axes is none of these.
pub(crate) fn check_dimension(
    transform: &'static str,
    dimension: usize,
    accepted: &[usize],
) -> Result<()> {
    if accepted.contains(&dimension) {
        return Ok(());
    }
    Err(Error::Dimension {
        transform,
        expected: match accepted {
            [2] => "two",
            [3] => "three",
            _ => "two or three",
        },
        got: dimension,
    })
}

/// Refuses axes that images of `dimension` axes do not have.
pub(crate) fn check_axes(
    transform: &'static str,
    parameter: &'static str,
    axes: &[usize],
    dimension: usize,
) -> Result<()> {
    axes.iter().try_for_each(|&axis| {
        check(
            transform,
            parameter,
            axis as f64,
            "axes of the image",
            |v| v < dimension as f64,
        )
    })
}
