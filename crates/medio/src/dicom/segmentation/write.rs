//! Segmentations from label maps, masks and fractions (PS3.3 section A.51).

use std::path::Path;

use medcore::{Image, Label, LabelMap};

use super::super::dataset::{Dataset, Element, Value};
use super::super::derived::{
    Classes, Creation, Dimension, Field, Fractions, LabelFault, Layers, Masks, NewSeries, Raster,
    Source, check_grid, code_string, codes, derived_in_place, frame_groups, long_string,
    set_dimensions, shared_groups,
};
use super::super::fault::Fault;
use super::super::file::{WriteOptions, write};
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::encode::{self, Encoded};
use super::kind::{FractionMeaning, SegmentationKind};
use super::segment::Segment;

/// A segmentation of a source, ready to be written.
///
/// Frames without a voxel are left out, but for label maps; a segment without voxels is described and has no
/// frame. If nothing at all is segmented, one empty frame of the first segment is written, because a file
/// needs one.
///
/// ```no_run
/// use medio::dicom::{self, Algorithm, Creation, NewSegmentation, Segment, Source, codes};
/// use medio::medcore::LabelMap;
///
/// let volume = dicom::scan("ct")?.only()?.volume::<f32>()?;
/// let source = Source::of(&volume)?;
/// // 1 is the liver, 2 the spleen.
/// let labels = LabelMap::<u8, 3>::background(*volume.image.geometry())?;
/// let program = Algorithm::automatic("organs", "1.2");
/// let segments = [
///     Segment::new("Liver", codes::LIVER).algorithm(program.clone()),
///     Segment::new("Spleen", codes::SPLEEN).algorithm(program),
/// ];
/// NewSegmentation::binary(&source, segments, &labels)?.write("seg.dcm", &Creation::now()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct NewSegmentation<'a> {
    source: &'a Source,
    segments: Vec<Segment>,
    kind: SegmentationKind,
    encoded: Encoded,
    content_label: String,
    content_description: String,
    content_creator: String,
}

const WHAT: &str = "segments";

/// Segments with their numbers: from 1, each the next.
fn numbered(segments: impl IntoIterator<Item = Segment>) -> Result<Vec<Segment>, Fault> {
    let mut segments: Vec<Segment> = segments.into_iter().collect();
    for (segment, number) in segments.iter_mut().zip(1_u16..) {
        segment.number = number;
    }
    match segments.len() {
        1..=65_535 => Ok(segments),
        count => Err(Fault::attribute(
            Tag::SEGMENT_SEQUENCE,
            "of 1 to 65535 segments",
            count,
        )),
    }
}

impl<'a> NewSegmentation<'a> {
    fn new<Y: Layers>(
        source: &'a Source,
        segments: impl IntoIterator<Item = Segment>,
        kind: SegmentationKind,
        layers: impl FnOnce(usize) -> Result<Y, LabelFault>,
        encode: impl FnOnce(&Y, usize) -> Result<Encoded, Fault>,
    ) -> Result<Self, Fault> {
        let segments = numbered(segments)?;
        let layers = layers(segments.len())?;
        check_grid(layers.geometry(), source)?;
        Ok(Self {
            source,
            kind,
            encoded: encode(&layers, segments.len())?,
            segments,
            content_label: "SEGMENTATION".into(),
            content_description: String::new(),
            content_creator: String::new(),
        })
    }

    /// One bit a voxel from a label map: label n is the nth segment, 0 is background.
    ///
    /// # Errors
    /// Refuses another grid than the source's, labels that name no segment, and no segments.
    pub fn binary<L: Label>(
        source: &'a Source,
        segments: impl IntoIterator<Item = Segment>,
        labels: &LabelMap<L, 3>,
    ) -> Result<Self, Fault> {
        let kind = SegmentationKind::Binary;
        let layers = |count| Ok(Classes::new(labels, count, WHAT));
        Self::new(source, segments, kind, layers, encode::binary)
    }

    /// One bit a voxel from masks that may overlap: channel n, of zeros and ones, is the nth segment.
    ///
    /// # Errors
    /// Refuses another grid than the source's, other values than 0 and 1, another number of channels than of
    /// segments, and no segments.
    pub fn binary_masks(
        source: &'a Source,
        segments: impl IntoIterator<Item = Segment>,
        masks: &Image<u8, 3>,
    ) -> Result<Self, Fault> {
        let kind = SegmentationKind::Binary;
        let layers = |count| Masks::new(masks, count, WHAT);
        Self::new(source, segments, kind, layers, encode::binary)
    }

    /// Fractions of 0 to 1 in steps of 1 / 255: channel n is the nth segment.
    ///
    /// # Errors
    /// Refuses another grid than the source's, values outside 0 to 1, another number of channels than of
    /// segments, and no segments.
    pub fn fractional(
        source: &'a Source,
        segments: impl IntoIterator<Item = Segment>,
        fractions: &Image<f32, 3>,
        meaning: FractionMeaning,
    ) -> Result<Self, Fault> {
        let kind = SegmentationKind::Fractional {
            meaning,
            maximum: Fractions::MOST.into(),
        };
        let layers = |count| Fractions::new(fractions, count, WHAT);
        Self::new(source, segments, kind, layers, encode::fractional)
    }

    /// One number a voxel: label n is the nth segment, 0 is background. Every plane of the source is written.
    ///
    /// Its SOP class is of 2024; older software does not know it.
    ///
    /// # Errors
    /// As [`Self::binary`].
    pub fn label_map<L: Label>(
        source: &'a Source,
        segments: impl IntoIterator<Item = Segment>,
        labels: &LabelMap<L, 3>,
    ) -> Result<Self, Fault> {
        let kind = SegmentationKind::LabelMap { background: 0 };
        let layers = |count| Ok(Classes::new(labels, count, WHAT));
        let encode = |layers: &Classes<'_, L>, count| encode::label_map(labels, layers, count);
        Self::new(source, segments, kind, layers, encode)
    }

    /// Sets `ContentLabel`: capital letters, digits, spaces and underscores, at most 16; `SEGMENTATION`
    /// unless set.
    #[must_use]
    pub fn content_label(mut self, label: impl Into<String>) -> Self {
        self.content_label = label.into();
        self
    }

    /// Sets `ContentDescription`.
    #[must_use]
    pub fn content_description(mut self, description: impl Into<String>) -> Self {
        self.content_description = description.into();
        self
    }

    /// Sets `ContentCreatorName`, the person or program responsible.
    #[must_use]
    pub fn content_creator(mut self, name: impl Into<String>) -> Self {
        self.content_creator = name.into();
        self
    }

    /// The segments with their numbers.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Writes the file, complete or not at all.
    ///
    /// # Errors
    /// Refuses sources without a frame of reference, and passes on what the system says.
    pub fn write(self, path: impl AsRef<Path>, creation: &Creation) -> crate::Result<()> {
        self.write_with(path, creation, &WriteOptions::new())
    }

    /// As [`Self::write`], in another transfer syntax: the deflated one makes masks small.
    ///
    /// # Errors
    /// As [`Self::write`]; refuses encapsulated transfer syntaxes.
    pub fn write_with(
        self,
        path: impl AsRef<Path>,
        creation: &Creation,
        options: &WriteOptions,
    ) -> crate::Result<()> {
        let path = path.as_ref();
        let dataset = self.into_dataset(creation);
        write(path, &dataset.map_err(crate::Error::dicom(path))?, options)
    }

    /// The object as a dataset.
    ///
    /// # Errors
    /// Refuses sources without a frame of reference, and descriptions that do not fit their attributes.
    pub fn into_dataset(mut self, creation: &Creation) -> Result<Dataset, Fault> {
        let header = self.source.header();
        let tag = Tag::FRAME_OF_REFERENCE_UID;
        let frame_of_reference = header.required_string(tag)?;
        let indicator = header.text(Tag::POSITION_REFERENCE_INDICATOR);
        let mut series = NewSeries::new(header, "SEG", creation)?;
        let mut dataset = series.instance(self.kind.class_uid(), 1)?;
        // Sides are said of each segment.
        dataset.remove(Tag::LATERALITY);
        let organization = series.creation.uids.next_uid();
        dataset.fill([
            (Tag::IMAGE_TYPE, Field::Text("DERIVED\\PRIMARY")),
            (tag, Field::Text(&frame_of_reference)),
            (
                Tag::POSITION_REFERENCE_INDICATOR,
                Field::Text(&indicator.unwrap_or_default()),
            ),
            (
                Tag::REFERENCED_SERIES_SEQUENCE,
                Field::Item(self.source.series_item(Tag::REFERENCED_INSTANCE_SEQUENCE)?),
            ),
            (
                Tag::CONTENT_LABEL,
                Field::Text(code_string(Tag::CONTENT_LABEL, &self.content_label)?),
            ),
            (
                Tag::CONTENT_DESCRIPTION,
                Field::Text(match self.content_description.as_str() {
                    "" => "",
                    text => long_string(Tag::CONTENT_DESCRIPTION, text)?,
                }),
            ),
            (
                Tag::CONTENT_CREATOR_NAME,
                Field::Text(&self.content_creator),
            ),
        ])?;
        self.describe_pixels(&mut dataset)?;
        let segments: Result<Vec<Dataset>, Fault> =
            self.segments.iter().map(Segment::to_item).collect();
        dataset.fill([
            (Tag::SEGMENTATION_TYPE, Field::Text(self.kind.term())),
            (
                Tag::SEGMENTS_OVERLAP,
                Field::Text(if self.encoded.overlap { "YES" } else { "NO" }),
            ),
            (Tag::SEGMENT_SEQUENCE, Field::Items(segments?)),
        ])?;
        self.place_frames(&mut dataset, &organization)?;
        let vr = if self.encoded.bits > 8 {
            Vr::OW
        } else {
            Vr::OB
        };
        let pixels = std::mem::take(&mut self.encoded.pixels);
        let pixels = Value::Bytes(pixels.into_boxed_slice());
        dataset.insert(Element::new(Tag::PIXEL_DATA, vr, pixels));
        Ok(dataset)
    }

    fn describe_pixels(&self, dataset: &mut Dataset) -> Result<(), Fault> {
        let [_, rows, columns] = self.source.geometry().shape();
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let bits = i64::from(self.encoded.bits);
        dataset.fill([
            (Tag::SAMPLES_PER_PIXEL, Field::Integer(1)),
            (Tag::PHOTOMETRIC_INTERPRETATION, Field::Text("MONOCHROME2")),
            (Tag::PIXEL_REPRESENTATION, Field::Integer(0)),
            (Tag::ROWS, Field::Integer(count(rows))),
            (Tag::COLUMNS, Field::Integer(count(columns))),
            (
                Tag::NUMBER_OF_FRAMES,
                Field::Integer(count(self.encoded.frames.len())),
            ),
            (Tag::BITS_ALLOCATED, Field::Integer(bits)),
            (Tag::BITS_STORED, Field::Integer(bits)),
            (Tag::HIGH_BIT, Field::Integer(bits.saturating_sub(1))),
            (Tag::LOSSY_IMAGE_COMPRESSION, Field::Text("00")),
            (Tag::PRESENTATION_LUT_SHAPE, Field::Text("IDENTITY")),
        ])?;
        match self.kind {
            SegmentationKind::Binary => Ok(()),
            SegmentationKind::Fractional { meaning, maximum } => dataset.fill([
                (
                    Tag::SEGMENTATION_FRACTIONAL_TYPE,
                    Field::Text(meaning.term()),
                ),
                (
                    Tag::MAXIMUM_FRACTIONAL_VALUE,
                    Field::Integer(maximum.into()),
                ),
            ]),
            SegmentationKind::LabelMap { background } => {
                dataset.set_integers(Tag::PIXEL_PADDING_VALUE, &[background.into()])
            }
        }
    }

    /// Dimensions and functional groups: which segment a frame holds, where it lies, whence it comes.
    fn place_frames(&self, dataset: &mut Dataset, organization: &str) -> Result<(), Fault> {
        let segment = Dimension {
            attribute: Tag::REFERENCED_SEGMENT_NUMBER,
            group: Tag::SEGMENT_IDENTIFICATION_SEQUENCE,
            label: "Referenced Segment Number",
        };
        if let SegmentationKind::LabelMap { .. } = self.kind {
            set_dimensions(dataset, organization, &[Dimension::POSITION])?;
            dataset.set_text(Tag::DIMENSION_ORGANIZATION_TYPE, "3D")?;
        } else {
            set_dimensions(dataset, organization, &[segment, Dimension::POSITION])?;
        }
        let raster = Raster::of_source(self.source)?;
        let mut depths: Vec<usize> = self.encoded.frames.iter().map(|f| f.depth).collect();
        depths.sort_unstable();
        depths.dedup();
        let rank = |depth| depths.binary_search(&depth).unwrap_or_else(|at| at);
        let mut groups = Vec::with_capacity(self.encoded.frames.len());
        for frame in &self.encoded.frames {
            let one_based = |n: usize| i64::try_from(n).unwrap_or(i64::MAX).saturating_add(1);
            let place = one_based(rank(frame.depth));
            let index = match frame.segment {
                Some(segment) => vec![one_based(segment), place],
                None => vec![place],
            };
            let content = (Tag::DIMENSION_INDEX_VALUES, Field::Integers(&index));
            let mut group = frame_groups(&raster, frame.depth, Dataset::of([content])?)?;
            if let Some(image) = self.source.frames().get(frame.depth) {
                let whence = derived_in_place(image, &codes::SEGMENTATION)?;
                group.set_items(Tag::DERIVATION_IMAGE_SEQUENCE, vec![whence]);
            }
            if let Some(segment) = frame.segment {
                let mut which = Dataset::new();
                which.set_integers(Tag::REFERENCED_SEGMENT_NUMBER, &[one_based(segment)])?;
                group.set_items(Tag::SEGMENT_IDENTIFICATION_SEQUENCE, vec![which]);
            }
            groups.push(group);
        }
        dataset.set_items(
            Tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
            vec![shared_groups(&raster)?],
        );
        dataset.set_items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, groups);
        Ok(())
    }
}
