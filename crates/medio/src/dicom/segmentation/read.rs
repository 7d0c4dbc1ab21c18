//! Segmentations of anyone, as their files describe them.

use std::path::Path;

use medcore::Geometry;

use super::super::fault::Fault;
use super::super::file::{DicomFile, open_with};
use super::super::functional_group::functional_group;
use super::super::tag::Tag;
use super::description::{ImageRules, place, segment_of, segments};
use super::kind::SegmentationKind;
use super::planes::one_grid;
use super::segment::Segment;
use crate::options::ReadOptions;

/// A segmentation that was read: its segments, and where its frames lie.
///
/// ```no_run
/// use medio::dicom::{self, LabelGrid, Segmentation};
///
/// let segmentation = Segmentation::read("seg.dcm")?;
/// for segment in segmentation.segments() {
///     println!("{} {}", segment.number, segment.label);
/// }
/// // On the grid of the images, checked to lie in the same frame of reference.
/// let ct = dicom::scan("ct")?.only()?.volume::<f32>()?;
/// let labels = segmentation.label_map::<u8>(&LabelGrid::of_volume(&ct)?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Segmentation {
    pub(super) file: DicomFile,
    pub(super) kind: SegmentationKind,
    pub(super) segments: Vec<Segment>,
    pub(super) frames: Vec<SegmentFrame>,
    pub(super) frame_of_reference: String,
}

/// A frame of a segmentation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SegmentFrame {
    /// The number of its segment; none if it holds all of them.
    pub segment: Option<u16>,
    /// Its pixels in the patient, `[rows, columns]`.
    pub geometry: Geometry<2>,
}

impl Segmentation {
    /// Reads a segmentation; its pixels stay in the file until they are asked for.
    ///
    /// Reading with [`ReadOptions::lenient`] passes over descriptions of frames that are not there.
    ///
    /// # Errors
    /// Refuses what [`super::super::open`] refuses, objects that are no segmentations, and frames without a
    /// place or with a segment that is not described.
    pub fn read(path: impl AsRef<Path>) -> crate::Result<Self> {
        Self::read_with(path, &ReadOptions::new())
    }

    /// As [`Self::read`], with options.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> crate::Result<Self> {
        Self::of(open_with(path, options)?)
    }

    /// The segmentation in a file that was opened.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn of(file: DicomFile) -> crate::Result<Self> {
        let fail = crate::Error::dicom(file.path());
        Self::parse(file).map_err(fail)
    }

    fn parse(file: DicomFile) -> Result<Self, Fault> {
        let dataset = file.dataset();
        let kind = SegmentationKind::of(dataset)?;
        let image = ImageRules::check(&file, kind)?;
        let frame_of_reference = dataset.required_string(Tag::FRAME_OF_REFERENCE_UID)?;
        let segments = segments(dataset, kind)?;
        let described = dataset.items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
        let more = described.len() > image.frames && file.lenient;
        if described.len() != image.frames && !more {
            return Err(Fault::attribute(
                Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
                "of one item for each frame",
                format_args!("{} items, {} frames", described.len(), image.frames),
            ));
        }
        let mut numbers: Vec<u16> = segments.iter().map(|s| s.number).collect();
        numbers.sort_unstable();
        let frames = (0..image.frames).map(|frame| {
            let geometry = place(dataset, frame)?.geometry(image.rows, image.columns)?;
            let segment = match kind {
                SegmentationKind::LabelMap { .. } => None,
                _ => Some(segment_of(dataset, frame, &numbers)?),
            };
            Ok(SegmentFrame { segment, geometry })
        });
        let frames: Result<Vec<SegmentFrame>, Fault> = frames.collect();
        Ok(Self {
            frames: frames?,
            kind,
            segments,
            frame_of_reference,
            file,
        })
    }

    /// What its pixels mean.
    #[must_use]
    pub fn kind(&self) -> SegmentationKind {
        self.kind
    }

    /// Its segments in the order of the file; the background of a label map is none.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Its frames in the order of the file.
    #[must_use]
    pub fn frames(&self) -> &[SegmentFrame] {
        &self.frames
    }

    /// UID of the frame of reference in which its millimetres count.
    #[must_use]
    pub fn frame_of_reference(&self) -> &str {
        &self.frame_of_reference
    }

    /// The file it was read from.
    #[must_use]
    pub fn file(&self) -> &DicomFile {
        &self.file
    }

    /// The smallest regular grid on which all its frames lie; frames that were left out have their planes.
    ///
    /// # Errors
    /// Refuses frames of different orientation or spacing, and distances that are no multiples of one step.
    pub fn geometry(&self) -> crate::Result<Geometry<3>> {
        self.own_grid().map_err(self.fail())
    }

    pub(super) fn own_grid(&self) -> Result<Geometry<3>, Fault> {
        let frames: Vec<Geometry<2>> = self.frames.iter().map(|f| f.geometry).collect();
        let measures = functional_group(self.file.dataset(), 0, Tag::PIXEL_MEASURES_SEQUENCE);
        let measure = |tag| measures.and_then(|m| m.float(tag).ok().flatten());
        let between = measure(Tag::SPACING_BETWEEN_SLICES);
        let thickness = measure(Tag::SLICE_THICKNESS);
        Ok(one_grid(&frames, between, thickness)?)
    }

    pub(super) fn fail(&self) -> impl Fn(Fault) -> crate::Error + use<> {
        crate::Error::dicom(self.file.path())
    }
}
