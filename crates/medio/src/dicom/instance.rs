//! What is kept of one file when a folder is scanned: enough to sort it, no pixels.

use std::path::Path;
use std::sync::Arc;

use super::Fault;
use super::acquisition::Acquisition;
use super::dataset::Dataset;
use super::diffusion::Diffusion;
use super::dose;
use super::file::DicomFile;
use super::functional_group::functional_group;
use super::mosaic::Mosaic;
use super::pixels::{FramePlane, ImagePixels, ValueRange, slice_thickness};
use super::tag::Tag;

/// One file of a series.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Instance {
    /// The file.
    pub path: Arc<Path>,
    /// SOP instance UID.
    pub uid: String,
    /// SOP class UID.
    pub class_uid: String,
    /// `InstanceNumber`, if it has one.
    pub number: Option<i64>,
    /// Its image, if it has one.
    pub image: Option<ImagePixels>,
}

/// What distinguishes images of one place from one another (in the order in which they are tried).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Axis {
    /// `TemporalPositionIdentifier` or `TemporalPositionIndex`
    TemporalPosition,
    /// `AcquisitionNumber`
    Acquisition,
    /// `TriggerTime`, in milliseconds
    TriggerTime,
    /// `EchoNumbers` or `EchoTime`
    Echo,
    /// `DiffusionBValue`, or what Siemens, GE and Philips write instead
    BValue,
    /// b-value and direction of the diffusion gradient
    Gradient,
    /// `AcquisitionTime`
    AcquisitionTime,
    /// `ContentTime`
    ContentTime,
    /// The third and later values of `ImageType`: magnitude and phase, water and fat
    Component,
    /// `InstanceNumber`, where nothing else tells them apart
    Instance,
}

/// A value on an axis.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum AxisValue {
    /// A number.
    Number(f64),
    /// A term.
    Term(String),
    /// A diffusion gradient.
    Gradient(Diffusion),
}

impl AxisValue {
    pub(super) fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let kind = |value: &Self| match value {
            Self::Number(_) => 0,
            Self::Term(_) => 1,
            Self::Gradient(_) => 2,
        };
        match (self, other) {
            (Self::Number(a), Self::Number(b)) => a.total_cmp(b),
            (Self::Term(a), Self::Term(b)) => a.cmp(b),
            (Self::Gradient(a), Self::Gradient(b)) => a.compare(b),
            (a, b) => kind(a).cmp(&kind(b)),
        }
    }
}

/// Where a slice begins in a mosaic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tile {
    pub(super) row: usize,
    pub(super) column: usize,
}

/// One frame of one file and its place.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Slice {
    /// The file.
    pub path: Arc<Path>,
    /// The frame in it, from 0.
    pub frame: usize,
    /// Where it lies.
    pub plane: FramePlane,
    /// What tells it from others in the same place.
    pub axes: Vec<(Axis, AxisValue)>,
    /// `SliceThickness` in millimetres.
    pub thickness: Option<f64>,
    /// How it is weighted by diffusion, if the file says so.
    pub diffusion: Option<Diffusion>,
    /// How its file was acquired.
    pub acquisition: Arc<Acquisition>,
    pub(super) group: GroupKey,
    /// The numbers that its pixels can stand for.
    pub(super) values: ValueRange,
    /// Its place in a mosaic.
    pub(super) tile: Option<Tile>,
}

/// What all slices of a stack share.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct GroupKey {
    pub(super) class_uid: String,
    /// Rows, columns, samples.
    pub(super) shape: [usize; 3],
    pub(super) frame_of_reference: Option<String>,
    /// `AXIAL`, `LOCALIZER` and the like.
    pub(super) role: Option<String>,
    pub(super) stack_id: Option<String>,
}

fn number(values: Result<Vec<f64>, Fault>) -> Option<AxisValue> {
    let first = values.ok()?.first().copied();
    first.map(AxisValue::Number)
}

/// A time of day, or the time in a date and time.
fn seconds(dataset: &Dataset, tag: Tag) -> Option<AxisValue> {
    let time = dataset.time(tag).ok()??;
    Some(AxisValue::Number(time.seconds()))
}

fn axes(dataset: &Dataset, frame: usize, diffusion: Option<Diffusion>) -> Vec<(Axis, AxisValue)> {
    let group = |tag| functional_group(dataset, frame, tag);
    let content = group(Tag::FRAME_CONTENT_SEQUENCE);
    let temporal = content.and_then(|c| number(c.floats(Tag::TEMPORAL_POSITION_INDEX)));
    let temporal = temporal.or_else(|| number(dataset.floats(Tag::TEMPORAL_POSITION_IDENTIFIER)));
    let echo = number(dataset.floats(Tag::ECHO_NUMBERS))
        .or_else(|| number(dataset.floats(Tag::ECHO_TIME)));
    let b_value = diffusion.map(|diffusion| AxisValue::Number(diffusion.b_value));
    let kind = dataset.strings(Tag::IMAGE_TYPE);
    let component = kind.get(3..).filter(|terms| !terms.is_empty());
    let found = [
        (Axis::TemporalPosition, temporal),
        (
            Axis::Acquisition,
            number(dataset.floats(Tag::ACQUISITION_NUMBER)),
        ),
        (Axis::TriggerTime, number(dataset.floats(Tag::TRIGGER_TIME))),
        (Axis::Echo, echo),
        (Axis::BValue, b_value),
        (Axis::Gradient, diffusion.map(AxisValue::Gradient)),
        (
            Axis::AcquisitionTime,
            seconds(dataset, Tag::ACQUISITION_TIME),
        ),
        (Axis::ContentTime, seconds(dataset, Tag::CONTENT_TIME)),
        (
            Axis::Component,
            component.map(|terms| AxisValue::Term(terms.join("\\"))),
        ),
        (Axis::Instance, number(dataset.floats(Tag::INSTANCE_NUMBER))),
    ];
    { found.into_iter() }
        .filter_map(|(axis, value)| value.map(|value| (axis, value)))
        .collect()
}

impl Instance {
    pub(super) fn of(file: &DicomFile) -> Result<Self, Fault> {
        let dataset = file.dataset();
        let image = match ImagePixels::of(dataset, &mut crate::Report::default()) {
            Ok(image) => Some(image),
            Err(Fault::NoPixelData) => None,
            Err(fault) => return Err(fault),
        };
        Ok(Self {
            path: file.path().into(),
            uid: dataset.required_string(Tag::SOP_INSTANCE_UID)?,
            class_uid: dataset.required_string(Tag::SOP_CLASS_UID)?,
            number: dataset.integer(Tag::INSTANCE_NUMBER).ok().flatten(),
            image,
        })
    }
}

/// The frames of a file with their places.
pub(super) fn slices(file: &DicomFile, instance: &Instance) -> Result<Vec<Slice>, Fault> {
    let dataset = file.dataset();
    let Some(image) = &instance.image else {
        return Ok(Vec::new());
    };
    // Frames are there only if their functional groups or their pixels are: the count alone is a claim.
    let described = dataset
        .items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE)
        .len();
    let frames = if described == 0 {
        1
    } else {
        described.min(image.frames)
    };
    let dose = dose::offsets(dataset, image)?;
    let frames = dose.as_ref().map_or(frames, Vec::len);
    let acquisition = Arc::new(Acquisition::of(dataset));
    let role = { acquisition.image_type.get(2) }.filter(|term| !term.is_empty());
    let mut slices = Vec::with_capacity(frames);
    for frame in 0..frames {
        let content = functional_group(dataset, frame, Tag::FRAME_CONTENT_SEQUENCE);
        let diffusion = Diffusion::of(dataset, frame);
        let mut plane = FramePlane::of(dataset, frame)?;
        if let Some(offset) = dose.as_ref().and_then(|offsets| offsets.get(frame)) {
            plane = dose::shifted(plane, *offset);
        }
        let slice = Slice {
            path: Arc::clone(&instance.path),
            frame,
            plane,
            axes: axes(dataset, frame, diffusion),
            thickness: slice_thickness(dataset, frame),
            diffusion,
            acquisition: Arc::clone(&acquisition),
            group: GroupKey {
                class_uid: instance.class_uid.clone(),
                shape: [image.rows, image.columns, image.samples],
                frame_of_reference: dataset.string(Tag::FRAME_OF_REFERENCE_UID),
                role: role.cloned(),
                stack_id: content.and_then(|c| c.string(Tag::STACK_ID)),
            },
            values: ValueRange::modality(dataset, frame, image),
            tile: None,
        };
        match Mosaic::of(dataset, image, &plane)? {
            Some(mosaic) => slices.extend(mosaic.tiles.into_iter().map(|(tile, plane)| Slice {
                plane,
                tile: Some(tile),
                group: GroupKey {
                    shape: [mosaic.rows, mosaic.columns, 1],
                    ..slice.group.clone()
                },
                ..slice.clone()
            })),
            None => slices.push(slice),
        }
    }
    Ok(slices)
}
