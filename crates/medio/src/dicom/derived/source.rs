//! The images that an object is derived from.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use medcore::Geometry;

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::file::open;
use super::super::series::{PlaneSource, SeriesVolume};
use super::super::tag::Tag;
use super::fields::Field;

/// One plane of a source: an image, or a frame of one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct SourceFrame {
    /// SOP class UID of the image.
    pub class_uid: String,
    /// SOP instance UID of the image.
    pub instance_uid: String,
    /// Number of the frame, from 1, if the image has several.
    pub frame: Option<usize>,
}

/// The series that an object is derived from: its patient and study, its grid, and the image behind each plane.
///
/// ```no_run
/// use medio::dicom::{self, Source};
///
/// let volume = dicom::scan("ct")?.only()?.volume::<f32>()?;
/// let source = Source::of(&volume)?;
/// assert_eq!(source.frames().len(), source.geometry().shape()[0]);
/// # Ok::<(), medio::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Source {
    header: Dataset,
    series_uid: String,
    geometry: Geometry<3>,
    frames: Vec<SourceFrame>,
}

impl Source {
    /// The source of a volume that was read: the headers of its files are read once more.
    ///
    /// # Errors
    /// Refuses what opening refuses, and volumes whose planes were filled in or belong to several series.
    pub fn of<T>(volume: &SeriesVolume<T>) -> crate::Result<Self> {
        let mut images: HashMap<Arc<Path>, SourceFrame> = HashMap::new();
        let mut frames = Vec::with_capacity(volume.planes.len());
        let mut first: Option<Dataset> = None;
        for (depth, plane) in volume.planes.iter().enumerate() {
            let Some(PlaneSource { path, frame }) = plane else {
                return Err(crate::Error::dicom(Path::new(""))(Fault::attribute(
                    Tag::IMAGE_POSITION_PATIENT,
                    "that of an image for every plane; a gap was repaired",
                    format_args!("none for plane {depth}"),
                )));
            };
            let image = match images.get(path) {
                Some(image) => image,
                None => {
                    let mut header = open(path)?.into_dataset();
                    let fail = crate::Error::dicom(path);
                    let image = SourceFrame::first_of(&header).map_err(&fail)?;
                    match &first {
                        None => {
                            // What is large or repeats for each frame is not needed to refer to the image.
                            header.remove(Tag::PIXEL_DATA);
                            header.remove(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
                            first = Some(header);
                        }
                        Some(first) => same_series(first, &header).map_err(&fail)?,
                    }
                    images.entry(Arc::clone(path)).or_insert(image)
                }
            };
            frames.push(image.with_frame(*frame));
        }
        let whole = Path::new("");
        let path = volume.planes.iter().flatten().next();
        let path = path.map_or(whole, |plane| &plane.path);
        let fail = crate::Error::dicom(path);
        let tag = Tag::PIXEL_DATA;
        let header = first.ok_or_else(|| fail(Fault::MissingAttribute { tag }))?;
        Self::new(header, *volume.image.geometry(), frames).map_err(fail)
    }

    /// A source from the header of any of its images, the grid of the volume, and the image behind each of
    /// its planes in the order of depth.
    ///
    /// # Errors
    /// Refuses headers without study or series, and another number of planes than the grid has.
    pub fn new(
        header: Dataset,
        geometry: Geometry<3>,
        frames: Vec<SourceFrame>,
    ) -> Result<Self, Fault> {
        let required = |tag| header.required_string(tag);
        required(Tag::STUDY_INSTANCE_UID)?;
        let series_uid = required(Tag::SERIES_INSTANCE_UID)?;
        let [depth, _, _] = geometry.shape();
        if frames.len() != depth {
            return Err(Fault::attribute(
                Tag::NUMBER_OF_FRAMES,
                "one for each plane of the grid",
                format_args!("{} of {depth} planes", frames.len()),
            ));
        }
        Ok(Self {
            header,
            series_uid,
            geometry,
            frames,
        })
    }

    /// The header of one of its images, without pixels.
    #[must_use]
    pub fn header(&self) -> &Dataset {
        &self.header
    }

    /// Series instance UID.
    #[must_use]
    pub fn series_uid(&self) -> &str {
        &self.series_uid
    }

    /// The frame of reference, if its images name one.
    #[must_use]
    pub fn frame_of_reference(&self) -> Option<String> {
        self.header.string(Tag::FRAME_OF_REFERENCE_UID)
    }

    /// The grid of the volume.
    #[must_use]
    pub fn geometry(&self) -> &Geometry<3> {
        &self.geometry
    }

    /// The image behind each plane, in the order of depth.
    #[must_use]
    pub fn frames(&self) -> &[SourceFrame] {
        &self.frames
    }

    /// The series with references to its images in one of its sequences (PS3.3 table 10-3b and section C.11.11).
    pub(in super::super) fn series_item(&self, references: Tag) -> Result<Dataset, Fault> {
        let mut items = Vec::new();
        for image in self.instances() {
            let mut item = image.to_item()?;
            item.remove(Tag::REFERENCED_FRAME_NUMBER);
            items.push(item);
        }
        Dataset::of([
            (Tag::SERIES_INSTANCE_UID, Field::Text(&self.series_uid)),
            (references, Field::Items(items)),
        ])
    }

    /// The images, each once, in the order of depth.
    pub(in super::super) fn instances(&self) -> Vec<&SourceFrame> {
        let mut known = std::collections::HashSet::new();
        let mut new = |frame: &SourceFrame| known.insert(frame.instance_uid.clone());
        self.frames.iter().filter(|frame| new(frame)).collect()
    }
}

impl SourceFrame {
    /// The image of a header, or its first frame if it has several.
    fn first_of(header: &Dataset) -> Result<Self, Fault> {
        let required = |tag| header.required_string(tag);
        Ok(Self {
            class_uid: required(Tag::SOP_CLASS_UID)?,
            instance_uid: required(Tag::SOP_INSTANCE_UID)?,
            frame: header.has_value(Tag::NUMBER_OF_FRAMES).then_some(1),
        })
    }

    /// Another frame of the same image, counted from 0.
    fn with_frame(&self, frame: usize) -> Self {
        Self {
            frame: self.frame.map(|_| frame.saturating_add(1)),
            ..self.clone()
        }
    }

    /// The image or first frame that an item refers to.
    pub(in super::super) fn of_item(item: &Dataset) -> Result<Self, Fault> {
        let required = |tag| item.required_string(tag);
        let frame = item
            .integers(Tag::REFERENCED_FRAME_NUMBER)?
            .first()
            .copied();
        Ok(Self {
            class_uid: required(Tag::REFERENCED_SOP_CLASS_UID)?,
            instance_uid: required(Tag::REFERENCED_SOP_INSTANCE_UID)?,
            frame: frame.and_then(|frame| usize::try_from(frame).ok()),
        })
    }

    /// A reference to the image or frame (PS3.3 table 10-3).
    pub(in super::super) fn to_item(&self) -> Result<Dataset, Fault> {
        let mut item = Dataset::of([
            (Tag::REFERENCED_SOP_CLASS_UID, Field::Text(&self.class_uid)),
            (
                Tag::REFERENCED_SOP_INSTANCE_UID,
                Field::Text(&self.instance_uid),
            ),
        ])?;
        if let Some(frame) = self.frame {
            let number = i64::try_from(frame).unwrap_or(i64::MAX);
            item.set_integers(Tag::REFERENCED_FRAME_NUMBER, &[number])?;
        }
        Ok(item)
    }
}

fn same_series(a: &Dataset, b: &Dataset) -> Result<(), Fault> {
    let tags = [
        Tag::STUDY_INSTANCE_UID,
        Tag::SERIES_INSTANCE_UID,
        Tag::FRAME_OF_REFERENCE_UID,
    ];
    let differs = |tag: &Tag| a.string(*tag) != b.string(*tag);
    match tags.into_iter().find(differs) {
        None => Ok(()),
        Some(tag) => Err(Fault::attribute(
            tag,
            "the same in all images of a source",
            b.string(tag).unwrap_or_default(),
        )),
    }
}
