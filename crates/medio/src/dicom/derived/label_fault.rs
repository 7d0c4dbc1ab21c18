//! Why labels do not become an object, or an object no labels on a grid.

/// Why labels and a grid do not fit one another.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum LabelFault {
    /// A label map holds a class that nothing describes.
    #[error("label {label} of voxel {voxel:?} names none of the {count} {what}")]
    UnknownLabel {
        /// The class.
        label: u32,
        /// `[depth, height, width]` of its first voxel in that plane.
        voxel: [usize; 3],
        /// How many there are; classes are 1 to this number.
        count: usize,
        /// `segments` or `regions of interest`.
        what: &'static str,
    },
    /// A mask or a fraction holds something else than its range allows.
    #[error("channel {channel} must hold {rule}, voxel {voxel:?} is {value}")]
    VoxelValue {
        /// The channel.
        channel: usize,
        /// `0 or 1`, `0 to 1`.
        rule: &'static str,
        /// `[depth, height, width]` of the first one.
        voxel: [usize; 3],
        /// The refused value.
        value: f32,
    },
    /// There is not one description for each channel.
    #[error("{channels} channels were given for {count} {what}")]
    ChannelCount {
        /// Channels of the image.
        channels: usize,
        /// Descriptions.
        count: usize,
        /// `segments` or `regions of interest`.
        what: &'static str,
    },
    /// The grid lies in another frame of reference: its millimetres say nothing of these.
    #[error("the frame of reference is {found}, the grid's is {expected}")]
    FrameOfReference {
        /// That of the object.
        found: String,
        /// That of the grid.
        expected: String,
    },
    /// A frame or contour does not lie on the grid's planes or pixels.
    #[error("{what} lies {off_mm:.4} mm off the voxels of the grid ({limit_mm:.4} mm are allowed)")]
    OffGrid {
        /// Which.
        what: String,
        /// How far, in millimetres.
        off_mm: f64,
        /// What is allowed, in millimetres.
        limit_mm: f64,
    },
    /// The pixels of a frame are turned against the voxels, or of another size.
    #[error(
        "{what} has pixels of {pixel_mm:?} mm, turned by {degrees:.3} degrees against the grid's voxels of \
         {voxel_mm:?} mm"
    )]
    OtherPixels {
        /// Which.
        what: String,
        /// Millimetres between rows and between columns.
        pixel_mm: [f64; 2],
        /// The grid's spacing in millimetres.
        voxel_mm: [f64; 3],
        /// Angle between its axes and the grid's, in degrees.
        degrees: f64,
    },
    /// A part lies outside the grid.
    #[error("{what} reaches outside the grid, to index {index:?} of shape {shape:?}")]
    Outside {
        /// Which.
        what: String,
        /// `[depth, height, width]`
        index: [i64; 3],
        /// The grid's.
        shape: [usize; 3],
    },
    /// Two parts share a voxel, which a label map cannot say.
    #[error(
        "{first} and {second} share voxel {voxel:?}; a label map needs an order, masks need none"
    )]
    Overlap {
        /// The label that was there.
        first: u32,
        /// The label that comes.
        second: u32,
        /// `[depth, height, width]`
        voxel: [usize; 3],
    },
    /// Two frames of a segment lie in one place.
    #[error("frames {first} and {second} of segment {segment} lie in the same place")]
    Repeated {
        /// One of them, from 0.
        first: usize,
        /// Another.
        second: usize,
        /// Their segment.
        segment: u16,
    },
    /// A segment or region was asked for that is not there.
    #[error("there is no {what} {number} (there are {known})")]
    NoSuchPart {
        /// `segment` or `region of interest`.
        what: &'static str,
        /// The number asked for.
        number: u32,
        /// The numbers there are.
        known: String,
    },
    /// A number cannot be a label of the type that was asked for.
    #[error("{number} cannot be a label of 1 to {most}")]
    LabelRange {
        /// The number.
        number: u32,
        /// The largest label.
        most: u32,
    },
    /// What is there is of another kind than what was asked for.
    #[error("{asked} cannot be had: {reason}")]
    OtherKind {
        /// `a mask`, `a label map`.
        asked: &'static str,
        /// Why, and what can be had.
        reason: String,
    },
    /// Frames or contours do not lie on one regular grid.
    #[error("the frames do not make one grid: {problem}")]
    NotOneGrid {
        /// What does not fit, with numbers.
        problem: String,
    },
    /// A region holds nothing that can be filled.
    #[error("region of interest {number} has no closed contour, but {open} of other types")]
    NothingClosed {
        /// Its number.
        number: u32,
        /// How many contours it has.
        open: usize,
    },
}

impl LabelFault {
    pub(in super::super) fn no_such_part(
        what: &'static str,
        number: u32,
        known: impl Iterator<Item = u32>,
    ) -> Self {
        Self::NoSuchPart {
            what,
            number,
            known: listed(known),
        }
    }
}

/// Numbers for a message, the first of them where they are many.
pub(in super::super) fn listed(numbers: impl Iterator<Item = u32>) -> String {
    let mut texts: Vec<String> = numbers.take(17).map(|n| n.to_string()).collect();
    if texts.len() > 16 {
        texts.pop();
        texts.push("...".to_owned());
    }
    texts.join(", ")
}
