//! Parametric maps as enhanced multi-frame images (PS3.3 sections A.75 and C.8.32).

use std::path::Path;

use medcore::GeometryTolerance;

use super::super::dataset::{Dataset, Element, Value};
use super::super::derived::{
    Code, Creation, Dimension, Field, NewSeries, Raster, Source, code_string, derived_from,
    derived_in_place, frame_groups, set_dimensions, shared_groups,
};
use super::super::fault::Fault;
use super::super::file::{WriteOptions, write};
use super::super::pixels::{VoiFunction, Window};
use super::super::tag::Tag;
use super::{CLASS_UID, MapValue, ParametricMap, QUANTITY};

const IMAGE_TYPE: &str = "DERIVED\\PRIMARY\\VOLUME\\QUANTITY";
const PROCESSING: Code = Code::dcm("110001", "Image Processing");

impl<T: MapValue> ParametricMap<T> {
    /// Writes the map as a new object of a new series.
    ///
    /// # Errors
    /// Refuses what [`Self::to_dataset`] refuses, and passes on what the system says.
    pub fn write(&self, path: impl AsRef<Path>, creation: &Creation) -> crate::Result<()> {
        let path = path.as_ref();
        let dataset = self.to_dataset(creation);
        let dataset = dataset.map_err(crate::Error::dicom(path))?;
        write(path, &dataset, &WriteOptions::new())
    }

    /// The map as a new object of a new series.
    ///
    /// # Errors
    /// Refuses labels that are none, infinite values, and planes whose rows and columns are not at right
    /// angles. NaN is a value like others: what is not known.
    pub fn to_dataset(&self, creation: &Creation) -> Result<Dataset, Fault> {
        let raster = Raster::of(self.image.geometry())?;
        let range = self.range()?;
        let mut series = NewSeries::new(&self.header, "OT", creation)?;
        let mut dataset = series.instance(CLASS_UID, 1)?;
        let organization = series.creation.uids.next_uid();
        let [depth, rows, columns] = raster.shape().map(|n| i64::try_from(n).unwrap_or(i64::MAX));
        let frame_of_reference = self.header.required_string(Tag::FRAME_OF_REFERENCE_UID)?;
        dataset.fill([
            (Tag::IMAGE_TYPE, Field::Text(IMAGE_TYPE)),
            (
                Tag::FRAME_OF_REFERENCE_UID,
                Field::Text(&frame_of_reference),
            ),
            (Tag::POSITION_REFERENCE_INDICATOR, Field::Text("")),
            (
                Tag::CONTENT_LABEL,
                Field::Text(code_string(Tag::CONTENT_LABEL, &self.label)?),
            ),
            (Tag::CONTENT_DESCRIPTION, Field::Text(&self.description)),
            (Tag::CONTENT_CREATOR_NAME, Field::Text("")),
            (Tag::PIXEL_PRESENTATION, Field::Text("MONOCHROME")),
            (Tag::VOLUMETRIC_PROPERTIES, Field::Text("VOLUME")),
            (Tag::VOLUME_BASED_CALCULATION_TECHNIQUE, Field::Text("NONE")),
            (Tag::CONTENT_QUALIFICATION, Field::Text("RESEARCH")),
            (Tag::BURNED_IN_ANNOTATION, Field::Text("NO")),
            (Tag::ACQUISITION_CONTEXT_SEQUENCE, Field::Items(Vec::new())),
            (Tag::PRESENTATION_LUT_SHAPE, Field::Text("IDENTITY")),
            (Tag::SAMPLES_PER_PIXEL, Field::Integer(1)),
            (Tag::PHOTOMETRIC_INTERPRETATION, Field::Text("MONOCHROME2")),
            (Tag::NUMBER_OF_FRAMES, Field::Integer(depth)),
            (Tag::ROWS, Field::Integer(rows)),
            (Tag::COLUMNS, Field::Integer(columns)),
            (Tag::BITS_ALLOCATED, Field::Integer(T::BITS)),
        ])?;
        // What the header does not say of itself is the more careful of both.
        for (tag, otherwise) in [
            (Tag::LATERALITY, ""),
            (Tag::RECOGNIZABLE_VISUAL_FEATURES, "YES"),
            (Tag::LOSSY_IMAGE_COMPRESSION, "00"),
        ] {
            let text = self.header.string(tag);
            dataset.set_text(tag, text.as_deref().unwrap_or(otherwise))?;
        }
        dataset.copy_lossy_compression(&self.header);
        if let Some(source) = &self.source {
            let series = source.series_item(Tag::REFERENCED_INSTANCE_SEQUENCE)?;
            dataset.set_items(Tag::REFERENCED_SERIES_SEQUENCE, vec![series]);
        }
        set_dimensions(&mut dataset, &organization, &[Dimension::POSITION])?;
        if raster.is_straight() {
            dataset.set_text(Tag::DIMENSION_ORGANIZATION_TYPE, "3D")?;
        }
        self.functional_groups(&mut dataset, &raster, range)?;
        let mut bytes = Vec::with_capacity(size_of_val(self.image.as_slice()));
        for value in self.image.as_slice() {
            value.put(&mut bytes);
        }
        dataset.insert(Element::new(T::TAG, T::VR, Value::Bytes(bytes.into())));
        Ok(dataset)
    }

    /// The lowest and the highest known value.
    fn range(&self) -> Result<[f64; 2], Fault> {
        let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
        for value in self.image.as_slice() {
            let value: f64 = (*value).into();
            if value.is_infinite() {
                return Err(Fault::attribute(T::TAG, "finite or NaN", value));
            }
            (low, high) = (low.min(value), high.max(value));
        }
        Ok(match low <= high {
            true => [low, high],
            false => [0.0, 0.0],
        })
    }

    fn functional_groups(
        &self,
        dataset: &mut Dataset,
        raster: &Raster,
        [low, high]: [f64; 2],
    ) -> Result<(), Fault> {
        let width = if high > low { high - low } else { 1.0 };
        let frame_type = Dataset::of([(Tag::FRAME_TYPE, Field::Text(IMAGE_TYPE))])?;
        let transformation = Dataset::of([
            (Tag::RESCALE_SLOPE, Field::Integer(1)),
            (Tag::RESCALE_INTERCEPT, Field::Integer(0)),
            (Tag::RESCALE_TYPE, Field::Text("US")),
        ])?;
        let mut window = Dataset::new();
        window.set_windows(&[Window {
            function: VoiFunction::LinearExact,
            ..Window::new(low / 2.0 + high / 2.0, width.min(f64::MAX))
        }])?;
        let mut shared = shared_groups(raster)?;
        shared.fill([
            (
                Tag::REAL_WORLD_VALUE_MAPPING_SEQUENCE,
                Field::Item(self.mapping([low, high])?),
            ),
            (
                Tag::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
                Field::Item(transformation),
            ),
            (Tag::FRAME_VOI_LUT_SEQUENCE, Field::Item(window)),
            (
                Tag::PARAMETRIC_MAP_FRAME_TYPE_SEQUENCE,
                Field::Item(frame_type),
            ),
        ])?;
        let source = self.source.as_ref();
        let same_grid = source.filter(|source| {
            let grid = self.image.geometry();
            let same = grid.check_same_as(source.geometry(), &GeometryTolerance::default());
            same.is_ok()
        });
        // On another grid every plane was made from all images.
        if let (Some(source), None) = (source, same_grid) {
            let all = derived_from(&source.instances(), &PROCESSING)?;
            shared.set_items(Tag::DERIVATION_IMAGE_SEQUENCE, vec![all]);
        }
        let [depth, _, _] = raster.shape();
        let mut frames = Vec::with_capacity(depth);
        for plane in 0..depth {
            let number = i64::try_from(plane.saturating_add(1)).unwrap_or(i64::MAX);
            let content = Dataset::of([
                (Tag::STACK_ID, Field::Text("1")),
                (Tag::IN_STACK_POSITION_NUMBER, Field::Integer(number)),
                (Tag::DIMENSION_INDEX_VALUES, Field::Integer(number)),
            ])?;
            let mut frame = frame_groups(raster, plane, content)?;
            let image = same_grid.map(Source::frames).and_then(|all| all.get(plane));
            if let Some(image) = image {
                let derived = derived_in_place(image, &PROCESSING)?;
                frame.set_items(Tag::DERIVATION_IMAGE_SEQUENCE, vec![derived]);
            }
            frames.push(frame);
        }
        dataset.set_items(Tag::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, vec![shared]);
        dataset.set_items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE, frames);
        Ok(())
    }

    /// What the values mean (PS3.3 section C.7.6.16.2.11).
    fn mapping(&self, [low, high]: [f64; 2]) -> Result<Dataset, Fault> {
        let meaning = match &self.quantity {
            Some(quantity) => &quantity.meaning,
            None => &self.unit.meaning,
        };
        let mut item = Dataset::of([
            (
                Tag::LUT_LABEL,
                Field::Text(code_string(Tag::CONTENT_LABEL, &self.label)?),
            ),
            (Tag::LUT_EXPLANATION, Field::Text(meaning)),
            (Tag::REAL_WORLD_VALUE_SLOPE, Field::Float(1.0)),
            (Tag::REAL_WORLD_VALUE_INTERCEPT, Field::Float(0.0)),
            (
                Tag::DOUBLE_FLOAT_REAL_WORLD_VALUE_FIRST_VALUE_MAPPED,
                Field::Float(low),
            ),
            (
                Tag::DOUBLE_FLOAT_REAL_WORLD_VALUE_LAST_VALUE_MAPPED,
                Field::Float(high),
            ),
            (
                Tag::MEASUREMENT_UNITS_CODE_SEQUENCE,
                Field::Item(self.unit.to_item()?),
            ),
        ])?;
        if let Some(quantity) = &self.quantity {
            let quantity = Dataset::of([
                (Tag::VALUE_TYPE, Field::Text("CODE")),
                (
                    Tag::CONCEPT_NAME_CODE_SEQUENCE,
                    Field::Item(QUANTITY.to_item()?),
                ),
                (Tag::CONCEPT_CODE_SEQUENCE, Field::Item(quantity.to_item()?)),
            ])?;
            item.set_items(Tag::QUANTITY_DEFINITION_SEQUENCE, vec![quantity]);
        }
        Ok(item)
    }
}
