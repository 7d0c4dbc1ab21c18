//! Structure sets from label maps and masks (PS3.3 section A.19).

use std::path::Path;

use medcore::{Image, Label, LabelMap};
use rayon::prelude::*;

use super::super::dataset::Dataset;
use super::super::derived::{
    Classes, Creation, Field, LabelFault, Layers, Masks, NewSeries, Source, Survey, check_grid,
    long_string, short_string,
};
use super::super::fault::Fault;
use super::super::file::{WriteOptions, write};
use super::super::tag::Tag;
use super::super::transfer_syntax::TransferSyntax;
use super::roi::Roi;
use super::trace::{Outline, outlines};

/// RT Structure Set Storage.
pub(super) const CLASS: &str = "1.2.840.10008.5.1.4.1.1.481.3";
/// The retired class by which a study is referred to.
const STUDY_CLASS: &str = "1.2.840.10008.3.1.2.3.1";
/// The longest value of `ContourData` that an explicit encoding can give a length.
const LONGEST: usize = 65_534;

/// How contours around holes are called; their points are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Holes {
    /// `CLOSED_PLANAR`, which all software reads; most of it combines contours of one slice by even and odd.
    #[default]
    ClosedPlanar,
    /// `CLOSEDPLANAR_XOR` in regions with holes, which says so and which older software does not know.
    ClosedPlanarXor,
}

/// A structure set of a source, ready to be written.
///
/// Contours run along the edges of pixels, so that they enclose exactly the area of the mask and give exactly
/// the mask back; points stand at corners only. A hole is a contour of its own inside the outer one: a point
/// belongs to the region if an odd number of its slice's contours surround it (PS3.3 section C.8.8.6.3).
/// Coordinates are rounded to a ten-thousandth of the spacing. A region without voxels is named and has no
/// contours.
///
/// ```no_run
/// use medio::dicom::{self, Creation, NewStructureSet, Roi, RoiType, Source};
/// use medio::medcore::LabelMap;
///
/// let volume = dicom::scan("ct")?.only()?.volume::<f32>()?;
/// let source = Source::of(&volume)?;
/// let labels = LabelMap::<u8, 3>::background(*volume.image.geometry())?;
/// let rois = [Roi::new("Liver").interpreted(RoiType::Organ), Roi::new("Tumour")];
/// NewStructureSet::label_map(&source, rois, &labels)?.write("rtstruct.dcm", &Creation::now()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct NewStructureSet<'a> {
    source: &'a Source,
    rois: Vec<(Roi, Vec<Contour>)>,
    label: String,
    holes: Holes,
}

#[derive(Debug, Clone)]
struct Contour {
    depth: usize,
    outline: Outline,
}

const WHAT: &str = "regions of interest";

fn numbered(rois: impl IntoIterator<Item = Roi>) -> Result<Vec<Roi>, Fault> {
    let mut rois: Vec<Roi> = rois.into_iter().collect();
    for (roi, number) in rois.iter_mut().zip(1..) {
        roi.number = number;
    }
    if rois.is_empty() {
        let tag = Tag::STRUCTURE_SET_ROI_SEQUENCE;
        return Err(Fault::attribute(tag, "of at least one region", 0));
    }
    Ok(rois)
}

impl<'a> NewStructureSet<'a> {
    /// The outlines of a label map's classes: label n is the nth region, 0 is background.
    ///
    /// # Errors
    /// Refuses another grid than the source's, labels that name no region, and no regions.
    pub fn label_map<L: Label>(
        source: &'a Source,
        rois: impl IntoIterator<Item = Roi>,
        labels: &LabelMap<L, 3>,
    ) -> Result<Self, Fault> {
        let rois = numbered(rois)?;
        let layers = Classes::new(labels, rois.len(), WHAT);
        Self::of_layers(source, rois, &layers)
    }

    /// The outlines of masks that may overlap: channel n, of zeros and ones, is the nth region.
    ///
    /// # Errors
    /// Refuses another grid than the source's, other values than 0 and 1, another number of channels than of
    /// regions, and no regions.
    pub fn masks(
        source: &'a Source,
        rois: impl IntoIterator<Item = Roi>,
        masks: &Image<u8, 3>,
    ) -> Result<Self, Fault> {
        let rois = numbered(rois)?;
        let layers = Masks::new(masks, rois.len(), WHAT)?;
        Self::of_layers(source, rois, &layers)
    }

    fn of_layers(source: &'a Source, rois: Vec<Roi>, layers: &impl Layers) -> Result<Self, Fault> {
        check_grid(layers.geometry(), source)?;
        let [depth, rows, columns] = layers.geometry().shape();
        let outlined = { (0..depth).into_par_iter() }.map(|depth| {
            let Survey { present, .. } = layers.survey(depth)?;
            let mut plane = vec![0_u8; rows.saturating_mul(columns)];
            let regions = { present.into_iter().enumerate() }.map(|(part, there)| {
                if !there {
                    return Vec::new();
                }
                layers.fill(part, depth, &mut plane);
                outlines(&plane, [rows, columns])
            });
            Ok(regions.collect::<Vec<_>>())
        });
        let planes: Vec<Result<Vec<Vec<Outline>>, LabelFault>> = outlined.collect();
        let mut regions: Vec<(Roi, Vec<Contour>)> =
            { rois.into_iter() }.map(|roi| (roi, Vec::new())).collect();
        for (depth, plane) in planes.into_iter().enumerate() {
            for ((_, contours), outlines) in regions.iter_mut().zip(plane?) {
                let new = outlines.into_iter();
                contours.extend(new.map(|outline| Contour { depth, outline }));
            }
        }
        Ok(Self {
            source,
            rois: regions,
            label: "Contours".into(),
            holes: Holes::default(),
        })
    }

    /// Sets `StructureSetLabel`, at most 16 characters; `Contours` unless set.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Sets how contours around holes are called.
    #[must_use]
    pub fn holes(mut self, holes: Holes) -> Self {
        self.holes = holes;
        self
    }

    /// Writes the file, complete or not at all: in Explicit VR Little Endian, or in Implicit VR Little Endian
    /// if a contour is too long for the former.
    ///
    /// # Errors
    /// Refuses sources without a frame of reference, and passes on what the system says.
    pub fn write(&self, path: impl AsRef<Path>, creation: &Creation) -> crate::Result<()> {
        let path = path.as_ref();
        let dataset = self
            .to_dataset(creation)
            .map_err(crate::Error::dicom(path))?;
        let items = dataset.items(Tag::ROI_CONTOUR_SEQUENCE).iter();
        let contours = items.flat_map(|item| item.items(Tag::CONTOUR_SEQUENCE));
        let length = |contour: &Dataset| contour.bytes(Tag::CONTOUR_DATA).map_or(0, <[u8]>::len);
        let longest = contours.map(length).max().unwrap_or(0);
        let mut options = WriteOptions::new();
        if longest > LONGEST {
            options = options.transfer_syntax(TransferSyntax::IMPLICIT_LITTLE_ENDIAN);
        }
        write(path, &dataset, &options)
    }

    /// The object as a dataset.
    ///
    /// # Errors
    /// Refuses sources without a frame of reference, and descriptions that do not fit their attributes.
    pub fn to_dataset(&self, creation: &Creation) -> Result<Dataset, Fault> {
        let header = self.source.header();
        let tag = Tag::FRAME_OF_REFERENCE_UID;
        let frame = header.required_string(tag)?;
        let mut series = NewSeries::new(header, "RTSTRUCT", creation)?;
        let mut dataset = series.instance(CLASS, 1)?;
        let (date, time) = (creation.date.to_string(), creation.time.to_string());
        let mut structures = Vec::new();
        let mut contours = Vec::new();
        let mut observations = Vec::new();
        for (roi, outlines) in &self.rois {
            structures.push(structure(roi, &frame)?);
            contours.push(self.contours(roi, outlines)?);
            observations.push(observation(roi)?);
        }
        let indicator = header.text(Tag::POSITION_REFERENCE_INDICATOR);
        dataset.fill([
            (tag, Field::Text(&frame)),
            (
                Tag::POSITION_REFERENCE_INDICATOR,
                Field::Text(&indicator.unwrap_or_default()),
            ),
            (Tag::OPERATORS_NAME, Field::Text("")),
            (
                Tag::STRUCTURE_SET_LABEL,
                Field::Text(short_string(Tag::STRUCTURE_SET_LABEL, &self.label)?),
            ),
            (Tag::STRUCTURE_SET_DATE, Field::Text(&date)),
            (Tag::STRUCTURE_SET_TIME, Field::Text(&time)),
            (
                Tag::REFERENCED_FRAME_OF_REFERENCE_SEQUENCE,
                Field::Item(self.images(&frame)?),
            ),
            (Tag::STRUCTURE_SET_ROI_SEQUENCE, Field::Items(structures)),
            (Tag::ROI_CONTOUR_SEQUENCE, Field::Items(contours)),
            (
                Tag::RT_ROI_OBSERVATIONS_SEQUENCE,
                Field::Items(observations),
            ),
            (Tag::APPROVAL_STATUS, Field::Text("UNAPPROVED")),
        ])?;
        // A structure set has no content of an image's kind.
        dataset.remove(Tag::CONTENT_DATE);
        dataset.remove(Tag::CONTENT_TIME);
        Ok(dataset)
    }

    /// The images that contours refer to, by study and series.
    fn images(&self, frame: &str) -> Result<Dataset, Fault> {
        let study = self
            .source
            .header()
            .required_string(Tag::STUDY_INSTANCE_UID)?;
        let series = self.source.series_item(Tag::CONTOUR_IMAGE_SEQUENCE)?;
        let study = Dataset::of([
            (Tag::REFERENCED_SOP_CLASS_UID, Field::Text(STUDY_CLASS)),
            (Tag::REFERENCED_SOP_INSTANCE_UID, Field::Text(&study)),
            (Tag::RT_REFERENCED_SERIES_SEQUENCE, Field::Item(series)),
        ])?;
        Dataset::of([
            (Tag::FRAME_OF_REFERENCE_UID, Field::Text(frame)),
            (Tag::RT_REFERENCED_STUDY_SEQUENCE, Field::Item(study)),
        ])
    }

    fn contours(&self, roi: &Roi, contours: &[Contour]) -> Result<Dataset, Fault> {
        let mut item = Dataset::of([(
            Tag::REFERENCED_ROI_NUMBER,
            Field::Integer(roi.number.into()),
        )])?;
        if let Some(rgb) = roi.colour {
            item.set_integers(Tag::ROI_DISPLAY_COLOR, &rgb.map(i64::from))?;
        }
        if contours.is_empty() {
            return Ok(item);
        }
        let holes = contours.iter().any(|contour| contour.outline.is_hole);
        let kind = match self.holes {
            Holes::ClosedPlanarXor if holes => "CLOSEDPLANAR_XOR",
            _ => "CLOSED_PLANAR",
        };
        let items = contours.iter().zip(1_i64..).map(|(contour, number)| {
            let points = i64::try_from(contour.outline.corners.len()).unwrap_or(i64::MAX);
            let mut item = Dataset::of([
                (Tag::CONTOUR_NUMBER, Field::Integer(number)),
                (Tag::CONTOUR_GEOMETRIC_TYPE, Field::Text(kind)),
                (Tag::NUMBER_OF_CONTOUR_POINTS, Field::Integer(points)),
                (Tag::CONTOUR_DATA, Field::Text(&self.coordinates(contour))),
            ])?;
            if let Some(image) = self.source.frames().get(contour.depth) {
                item.set_items(Tag::CONTOUR_IMAGE_SEQUENCE, vec![image.to_item()?]);
            }
            Ok(item)
        });
        let items: Result<Vec<Dataset>, Fault> = items.collect();
        item.set_items(Tag::CONTOUR_SEQUENCE, items?);
        Ok(item)
    }

    /// Points as decimal strings, with as many digits as a ten-thousandth of the spacing needs.
    fn coordinates(&self, contour: &Contour) -> String {
        let grid = self.source.geometry();
        let smallest = grid.spacing().into_iter().fold(f64::INFINITY, f64::min);
        let units = std::iter::successors(Some(1.0_f64), |unit| Some(unit * 0.1));
        let enough = |(_, unit): &(usize, f64)| *unit <= smallest * 1e-4;
        let digits = { (0..12_usize).zip(units) }.find(enough);
        let digits = digits.map_or(12, |(digits, _)| digits);
        let mut text = String::new();
        for &[row, column] in &contour.outline.corners {
            #[expect(clippy::as_conversions, reason = "rows and columns of an image")]
            let index = [contour.depth as f64, row as f64 - 0.5, column as f64 - 0.5];
            for value in grid.index_to_world(index).coordinates() {
                if !text.is_empty() {
                    text.push('\\');
                }
                text.push_str(&decimal(value, digits));
            }
        }
        text
    }
}

/// At most 16 characters, with fewer digits where they would be more.
fn decimal(value: f64, digits: usize) -> String {
    let shortened = (0..=digits).rev().map(|digits| {
        let text = format!("{value:.digits$}");
        match text.contains('.') {
            true => text.trim_end_matches('0').trim_end_matches('.').to_owned(),
            false => text,
        }
    });
    let text = { shortened }.find(|text| text.len() <= 16);
    // A patient is smaller than 10^15 millimetres.
    match text.as_deref() {
        Some("-0") | None => "0".to_owned(),
        Some(text) => text.to_owned(),
    }
}

fn structure(roi: &Roi, frame: &str) -> Result<Dataset, Fault> {
    let mut item = Dataset::of([
        (Tag::ROI_NUMBER, Field::Integer(roi.number.into())),
        (Tag::REFERENCED_FRAME_OF_REFERENCE_UID, Field::Text(frame)),
        (
            Tag::ROI_NAME,
            Field::Text(long_string(Tag::ROI_NAME, &roi.name)?),
        ),
        (
            Tag::ROI_GENERATION_ALGORITHM,
            Field::Text(roi.algorithm.map_or("", |kind| kind.term())),
        ),
    ])?;
    if let Some(description) = &roi.description {
        item.set_text(Tag::ROI_DESCRIPTION, description)?;
    }
    Ok(item)
}

fn observation(roi: &Roi) -> Result<Dataset, Fault> {
    let number = Field::Integer(roi.number.into());
    let mut item = Dataset::of([
        (Tag::OBSERVATION_NUMBER, number.clone()),
        (Tag::REFERENCED_ROI_NUMBER, number),
        (
            Tag::RT_ROI_INTERPRETED_TYPE,
            Field::Text(roi.interpreted.term()),
        ),
        (Tag::ROI_INTERPRETER, Field::Text("")),
    ])?;
    if let Some(code) = &roi.code {
        let code = vec![code.to_item()?];
        item.set_items(Tag::RT_ROI_IDENTIFICATION_CODE_SEQUENCE, code);
    }
    Ok(item)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimal_strings_have_16_characters_at_most_and_nothing_superfluous() {
        assert_eq!(decimal(-40.5, 5), "-40.5");
        assert_eq!(decimal(-0.000_001, 5), "0");
        assert_eq!(decimal(100.0, 5), "100");
        assert_eq!(decimal(1.0 / 3.0, 5), "0.33333");
        assert_eq!(decimal(-12_345_678.123_456_78, 12), "-12345678.123457");
        for value in [1e9 / 7.0, -1e12 / 3.0, 123.456e-7] {
            let text = decimal(value, 12);
            assert!(text.len() <= 16, "{text}");
            assert!(
                (text.parse::<f64>().unwrap() - value).abs() < 1e-2,
                "{text}"
            );
        }
    }
}
