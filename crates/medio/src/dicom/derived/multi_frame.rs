//! Functional groups and dimensions of multi-frame objects on a source's grid (PS3.3 sections C.7.6.16 and
//! C.7.6.17).

#![allow(clippy::arithmetic_side_effects, reason = "millimetres")]

use medcore::{Lps, Vector};

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::pixels::functional_group;
use super::super::tag::Tag;
use super::code::{Code, codes};
use super::fields::Field;
use super::source::{Source, SourceFrame};

/// Rows and columns of an image are this much at right angles, as a cosine.
const PERPENDICULAR: f64 = 1e-4;

/// What all planes of a source's grid share: their orientation and spacing.
pub(in super::super) fn shared_groups(source: &Source) -> Result<Dataset, Fault> {
    let grid = source.geometry();
    let [step, down, along] = grid.steps();
    let [_, between_rows, between_columns] = grid.spacing();
    let unit = |v: Vector<Lps>| v * v.norm().recip();
    let (row, column) = (unit(along), unit(down));
    if row.dot(column).abs() > PERPENDICULAR {
        return Err(Fault::attribute(
            Tag::IMAGE_ORIENTATION_PATIENT,
            "of rows and columns at right angles",
            format_args!("a cosine of {}", row.dot(column)),
        ));
    }
    // Shear moves slices along themselves and not apart.
    let between_slices = row.cross(column).dot(step).abs();
    let header = source.header();
    let measures = functional_group(header, 0, Tag::PIXEL_MEASURES_SEQUENCE).unwrap_or(header);
    let thickness = measures.float(Tag::SLICE_THICKNESS).ok().flatten();
    let thickness = thickness.filter(|mm| *mm > 0.0).unwrap_or(between_slices);
    let cosines = [row.components(), column.components()].concat();
    Dataset::of([
        (
            Tag::PLANE_ORIENTATION_SEQUENCE,
            Field::Item(Dataset::of([(
                Tag::IMAGE_ORIENTATION_PATIENT,
                Field::Floats(&cosines),
            )])?),
        ),
        (
            Tag::PIXEL_MEASURES_SEQUENCE,
            Field::Item(Dataset::of([
                (Tag::SLICE_THICKNESS, Field::Float(thickness)),
                (Tag::SPACING_BETWEEN_SLICES, Field::Float(between_slices)),
                (
                    Tag::PIXEL_SPACING,
                    Field::Floats(&[between_rows, between_columns]),
                ),
            ])?),
        ),
    ])
}

/// Where a plane of the source's grid lies.
pub(in super::super) fn plane_position(source: &Source, depth: usize) -> Result<Dataset, Fault> {
    #[expect(clippy::as_conversions, reason = "a number of planes")]
    let first = source.geometry().index_to_world([depth as f64, 0.0, 0.0]);
    Dataset::of([(
        Tag::IMAGE_POSITION_PATIENT,
        Field::Floats(&first.coordinates()),
    )])
}

/// From which image a frame was derived, and how.
pub(in super::super) fn derivation(frame: &SourceFrame, how: &Code) -> Result<Dataset, Fault> {
    let mut image = frame.to_item()?;
    image.fill([
        (Tag::SPATIAL_LOCATIONS_PRESERVED, Field::Text("YES")),
        (
            Tag::PURPOSE_OF_REFERENCE_CODE_SEQUENCE,
            Field::Item(codes::SOURCE_IMAGE_FOR_PROCESSING.to_item()?),
        ),
    ])?;
    Dataset::of([
        (Tag::SOURCE_IMAGE_SEQUENCE, Field::Item(image)),
        (Tag::DERIVATION_CODE_SEQUENCE, Field::Item(how.to_item()?)),
    ])
}

/// An attribute in a functional group, by which frames are ordered.
pub(in super::super) struct Dimension {
    pub(in super::super) attribute: Tag,
    pub(in super::super) group: Tag,
    pub(in super::super) label: &'static str,
}

/// Declares the dimensions by which the frames of an object are ordered.
pub(in super::super) fn set_dimensions(
    dataset: &mut Dataset,
    organization: &str,
    dimensions: &[Dimension],
) -> Result<(), Fault> {
    let items = dimensions.iter().map(|dimension| {
        Dataset::of([
            (Tag::DIMENSION_ORGANIZATION_UID, Field::Text(organization)),
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
            Field::Item(Dataset::of([(
                Tag::DIMENSION_ORGANIZATION_UID,
                Field::Text(organization),
            )])?),
        ),
        (Tag::DIMENSION_INDEX_SEQUENCE, Field::Items(items?)),
    ])
}
