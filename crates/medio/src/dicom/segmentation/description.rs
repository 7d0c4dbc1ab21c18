//! What a segmentation says of its image, its segments and its frames, checked.

use super::super::dataset::Dataset;
use super::super::derived::listed;
use super::super::fault::Fault;
use super::super::file::DicomFile;
use super::super::functional_group::functional_group;
use super::super::pixels::FramePlane;
use super::super::tag::Tag;
use super::kind::SegmentationKind;
use super::segment::Segment;

/// What the image module of a segmentation has to say.
pub(super) struct ImageRules {
    pub(super) frames: usize,
    pub(super) rows: usize,
    pub(super) columns: usize,
}

impl ImageRules {
    pub(super) fn check(file: &DicomFile, kind: SegmentationKind) -> Result<Self, Fault> {
        let frames = file.stored_frames()?;
        let image = frames.image();
        let (allowed, rule): (&[u32], _) = match kind {
            SegmentationKind::Binary => (&[1, 8], "1 for binary segments"),
            SegmentationKind::Fractional { .. } => (&[8], "8 for fractions"),
            SegmentationKind::LabelMap { .. } => (&[8, 16], "8 or 16 for label maps"),
        };
        let bits = image.bits_allocated;
        if !allowed.contains(&bits) {
            return Err(Fault::attribute(Tag::BITS_ALLOCATED, rule, bits));
        }
        if image.samples != 1 {
            let rule = "1 in a segmentation";
            return Err(Fault::attribute(
                Tag::SAMPLES_PER_PIXEL,
                rule,
                image.samples,
            ));
        }
        Ok(Self {
            frames: image.frames,
            rows: image.rows,
            columns: image.columns,
        })
    }
}

pub(super) fn segments(dataset: &Dataset, kind: SegmentationKind) -> Result<Vec<Segment>, Fault> {
    let tag = Tag::SEGMENT_SEQUENCE;
    let items = dataset.items(tag);
    if items.is_empty() {
        return Err(Fault::MissingAttribute { tag });
    }
    let segments: Result<Vec<Segment>, Fault> = items.iter().map(Segment::of_item).collect();
    let mut segments = segments?;
    if let SegmentationKind::LabelMap { background } = kind {
        segments.retain(|segment| segment.number != background);
    }
    let mut numbers: Vec<u16> = segments.iter().map(|s| s.number).collect();
    numbers.sort_unstable();
    let twice = numbers.iter().zip(numbers.iter().skip(1));
    match { twice }.find(|(a, b)| a == b) {
        None => Ok(segments),
        Some((number, _)) => {
            let rule = "different for each segment";
            Err(Fault::attribute(Tag::SEGMENT_NUMBER, rule, number))
        }
    }
}

pub(super) fn place(dataset: &Dataset, frame: usize) -> Result<FramePlane, Fault> {
    let plane = FramePlane::of(dataset, frame)?;
    let needed = [
        (plane.position.is_some(), Tag::IMAGE_POSITION_PATIENT),
        (plane.orientation.is_some(), Tag::IMAGE_ORIENTATION_PATIENT),
        (plane.spacing.is_some(), Tag::PIXEL_SPACING),
    ];
    match needed.into_iter().find(|(there, _)| !there) {
        None => Ok(plane),
        Some((_, tag)) => Err(Fault::MissingAttribute { tag }),
    }
}

pub(super) fn segment_of(dataset: &Dataset, frame: usize, numbers: &[u16]) -> Result<u16, Fault> {
    let tag = Tag::REFERENCED_SEGMENT_NUMBER;
    let group = functional_group(dataset, frame, Tag::SEGMENT_IDENTIFICATION_SEQUENCE);
    let number = match group {
        Some(group) => group.integer(tag)?,
        None => None,
    };
    let number = number.ok_or(Fault::MissingAttribute { tag })?;
    let known = u16::try_from(number)
        .ok()
        .filter(|n| numbers.binary_search(n).is_ok());
    known.ok_or_else(|| {
        let known = listed(numbers.iter().copied().map(u32::from));
        let got = format_args!("{number} in frame {frame} (there are {known})");
        Fault::attribute(tag, "the number of a segment", got)
    })
}
