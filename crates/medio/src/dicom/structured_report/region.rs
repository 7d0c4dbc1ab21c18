//! What was measured: segments, outlines in images, outlines in the patient (PS3.16 TID 1410 and 1411).

use medcore::{Lps, Point};

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::content::ImageReference;
use super::evidence::InstanceReference;
use super::graphic::Graphic;

/// The images that were segmented.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SegmentSource {
    /// All images of a series: its series instance UID.
    Series(String),
    /// Some images.
    Images(Vec<ImageReference>),
}

/// A segment of a segmentation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentReference {
    /// SOP class UID of the segmentation.
    pub class_uid: String,
    /// SOP instance UID of the segmentation.
    pub instance_uid: String,
    /// Number of the segment; where frames are named, they decide, and it is not written (PS3.3 table 10-3).
    pub segment: Option<i64>,
    /// Numbers of its frames, from 1, where a single plane was measured.
    pub frames: Vec<i64>,
    /// What was segmented.
    pub source: SegmentSource,
}

impl SegmentReference {
    /// A segment of a segmentation, which names the series that it was made from.
    ///
    /// # Errors
    /// Refuses datasets without SOP class, instance or a referenced series.
    pub fn of(segmentation: &Dataset, segment: i64) -> Result<Self, Fault> {
        let tag = Tag::REFERENCED_SERIES_SEQUENCE;
        let series = segmentation.item(tag);
        let series = series.and_then(|item| item.string(Tag::SERIES_INSTANCE_UID));
        let series = series.ok_or(Fault::MissingAttribute { tag })?;
        let source = SegmentSource::Series(series);
        Ok(Self {
            segment: Some(segment),
            ..Self::whole(segmentation, source)?
        })
    }

    /// A frame of a segmentation, from 1: one plane of a segment; and the image that it was made from.
    ///
    /// # Errors
    /// Refuses datasets without SOP class or instance.
    pub fn frame(
        segmentation: &Dataset,
        frame: i64,
        image: impl Into<ImageReference>,
    ) -> Result<Self, Fault> {
        let source = SegmentSource::Images(vec![image.into()]);
        Ok(Self {
            frames: vec![frame],
            ..Self::whole(segmentation, source)?
        })
    }

    fn whole(segmentation: &Dataset, source: SegmentSource) -> Result<Self, Fault> {
        let object = InstanceReference::of(segmentation)?;
        Ok(Self {
            class_uid: object.class_uid,
            instance_uid: object.instance_uid,
            segment: None,
            frames: Vec::new(),
            source,
        })
    }
}

/// What was measured.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Region {
    /// A segment, or frames of one.
    Segment(SegmentReference),
    /// An outline in an image.
    Image {
        /// What the points outline.
        graphic: Graphic,
        /// `[column, row]`: 0 at the outer corner of the first pixel, 0.5 at its centre.
        points: Vec<[f32; 2]>,
        /// The image, or the frame of one.
        image: ImageReference,
    },
    /// An outline in the patient; files hold it in single precision.
    Patient {
        /// What the points outline.
        graphic: Graphic,
        /// LPS millimetres.
        points: Vec<Point<Lps>>,
        /// Frame of reference UID.
        frame_of_reference: String,
    },
    /// A part of a surface in the patient; files hold it in single precision.
    Surface {
        /// What the points outline.
        graphic: Graphic,
        /// LPS millimetres.
        points: Vec<Point<Lps>>,
        /// Frame of reference UID.
        frame_of_reference: String,
    },
}
