//! Functional groups and dimensions of multi-frame objects (PS3.3 sections C.7.6.16 and C.7.6.17).

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::code::{Code, codes};
use super::fields::Field;
use super::raster::Raster;
use super::source::SourceFrame;

/// What all planes of a grid share: their orientation and spacing.
pub(in super::super) fn shared_groups(raster: &Raster) -> Result<Dataset, Fault> {
    Dataset::of([
        (
            Tag::PLANE_ORIENTATION_SEQUENCE,
            Field::Item(raster.plane_orientation()?),
        ),
        (
            Tag::PIXEL_MEASURES_SEQUENCE,
            Field::Item(raster.pixel_measures()?),
        ),
    ])
}

/// What a frame has for itself: its content, and the plane in which it lies.
pub(in super::super) fn frame_groups(
    raster: &Raster,
    plane: usize,
    content: Dataset,
) -> Result<Dataset, Fault> {
    Dataset::of([
        (Tag::FRAME_CONTENT_SEQUENCE, Field::Item(content)),
        (
            Tag::PLANE_POSITION_SEQUENCE,
            Field::Item(raster.plane_position(plane)?),
        ),
    ])
}

/// From which image a frame was derived without moving a pixel, and how.
pub(in super::super) fn derived_in_place(
    image: &SourceFrame,
    how: &Code,
) -> Result<Dataset, Fault> {
    let mut image = source_image(image)?;
    image.set_text(Tag::SPATIAL_LOCATIONS_PRESERVED, "YES")?;
    derivation(vec![image], how)
}

/// From which images frames were derived, and how.
pub(in super::super) fn derived_from(
    images: &[&SourceFrame],
    how: &Code,
) -> Result<Dataset, Fault> {
    let images: Result<Vec<Dataset>, Fault> = images.iter().map(|i| source_image(i)).collect();
    derivation(images?, how)
}

fn source_image(image: &SourceFrame) -> Result<Dataset, Fault> {
    let mut item = image.to_item()?;
    let purpose = codes::SOURCE_IMAGE_FOR_PROCESSING.to_item()?;
    item.set_items(Tag::PURPOSE_OF_REFERENCE_CODE_SEQUENCE, vec![purpose]);
    Ok(item)
}

fn derivation(images: Vec<Dataset>, how: &Code) -> Result<Dataset, Fault> {
    Dataset::of([
        (Tag::SOURCE_IMAGE_SEQUENCE, Field::Items(images)),
        (Tag::DERIVATION_CODE_SEQUENCE, Field::Item(how.to_item()?)),
    ])
}

/// An attribute in a functional group, by which frames are ordered.
pub(in super::super) struct Dimension {
    pub(in super::super) attribute: Tag,
    pub(in super::super) group: Tag,
    pub(in super::super) label: &'static str,
}

impl Dimension {
    /// The place of the frame.
    pub(in super::super) const POSITION: Self = Self {
        attribute: Tag::IMAGE_POSITION_PATIENT,
        group: Tag::PLANE_POSITION_SEQUENCE,
        label: "Image Position (Patient)",
    };
}

/// Declares the dimensions by which the frames of an object are ordered.
pub(in super::super) fn set_dimensions(
    dataset: &mut Dataset,
    organization: &str,
    dimensions: &[Dimension],
) -> Result<(), Fault> {
    let uid = (Tag::DIMENSION_ORGANIZATION_UID, Field::Text(organization));
    let items = dimensions.iter().map(|dimension| {
        Dataset::of([
            uid.clone(),
            (
                Tag::DIMENSION_INDEX_POINTER,
                Field::Pointer(dimension.attribute),
            ),
            (
                Tag::FUNCTIONAL_GROUP_POINTER,
                Field::Pointer(dimension.group),
            ),
            (
                Tag::DIMENSION_DESCRIPTION_LABEL,
                Field::Text(dimension.label),
            ),
        ])
    });
    let items: Result<Vec<Dataset>, Fault> = items.collect();
    dataset.fill([
        (
            Tag::DIMENSION_ORGANIZATION_SEQUENCE,
            Field::Item(Dataset::of([uid.clone()])?),
        ),
        (Tag::DIMENSION_INDEX_SEQUENCE, Field::Items(items?)),
    ])
}
