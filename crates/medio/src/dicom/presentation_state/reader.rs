//! Presentation states from their attributes.

use std::path::Path;

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::file::open_with;
use super::super::pixels::Voi;
use super::super::structured_report::ImageReference;
use super::super::tag::Tag;
use super::graphics::{
    Annotation, AnnotationUnits, Figure, FigureKind, GraphicLayer, TextAlignment, TextAnnotation,
    TextBox,
};
use super::{
    CLASS_UID, DisplayedArea, PresentationSize, PresentationState, ReferencedSeries, SoftcopyVoi,
};
use crate::options::ReadOptions;

impl PresentationState {
    /// Reads a greyscale presentation state.
    ///
    /// # Errors
    /// Refuses what [`dicom::open`](super::super::open) refuses, states of other kinds, and attributes that
    /// break their rules.
    pub fn read(path: impl AsRef<Path>) -> crate::Result<Self> {
        Self::read_with(path, &ReadOptions::new())
    }

    /// As [`Self::read`], with options.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> crate::Result<Self> {
        let file = open_with(path, options)?;
        Self::of(file.dataset()).map_err(crate::Error::dicom(file.path()))
    }

    /// The state of a dataset.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn of(dataset: &Dataset) -> Result<Self, Fault> {
        let class_uid = dataset.string(Tag::SOP_CLASS_UID).unwrap_or_default();
        if class_uid != CLASS_UID {
            let rule = "that of a greyscale softcopy presentation state";
            return Err(Fault::attribute(Tag::SOP_CLASS_UID, rule, class_uid));
        }
        let series = each(dataset, Tag::REFERENCED_SERIES_SEQUENCE, |item| {
            let tag = Tag::SERIES_INSTANCE_UID;
            Ok(ReferencedSeries {
                series_uid: item.required_string(tag)?,
                images: images(item)?,
            })
        });
        let slope = dataset.float(Tag::RESCALE_SLOPE)?;
        let intercept = dataset.float(Tag::RESCALE_INTERCEPT)?.unwrap_or(0.0);
        let unit = dataset.string(Tag::RESCALE_TYPE).unwrap_or_default();
        // Tables start from values after the modality's transform.
        let voi = each(dataset, Tag::SOFTCOPY_VOI_LUT_SEQUENCE, |item| {
            Ok(SoftcopyVoi {
                images: images(item)?,
                voi: Voi::of(item, intercept < 0.0)?,
            })
        });
        let inverted = match dataset.string(Tag::PRESENTATION_LUT_SHAPE).as_deref() {
            Some("INVERSE") => true,
            Some("IDENTITY") | None => false,
            Some(other) => {
                let rule = "IDENTITY or INVERSE";
                return Err(Fault::attribute(Tag::PRESENTATION_LUT_SHAPE, rule, other));
            }
        };
        Ok(Self {
            label: dataset.string(Tag::CONTENT_LABEL).unwrap_or_default(),
            description: dataset.text(Tag::CONTENT_DESCRIPTION).unwrap_or_default(),
            creator: dataset
                .string(Tag::CONTENT_CREATOR_NAME)
                .unwrap_or_default(),
            series: series?,
            displayed_areas: each(dataset, Tag::DISPLAYED_AREA_SELECTION_SEQUENCE, area)?,
            voi: voi?,
            rescale: slope.map(|slope| (slope, intercept, unit)),
            inverted,
            layers: each(dataset, Tag::GRAPHIC_LAYER_SEQUENCE, layer)?,
            annotations: each(dataset, Tag::GRAPHIC_ANNOTATION_SEQUENCE, annotation)?,
            header: rest(dataset),
        })
    }
}

/// The attributes that the model does not hold.
fn rest(dataset: &Dataset) -> Dataset {
    let held = [
        Tag::REFERENCED_SERIES_SEQUENCE,
        Tag::DISPLAYED_AREA_SELECTION_SEQUENCE,
        Tag::SOFTCOPY_VOI_LUT_SEQUENCE,
        Tag::GRAPHIC_LAYER_SEQUENCE,
        Tag::GRAPHIC_ANNOTATION_SEQUENCE,
    ];
    let mut rest = dataset.clone();
    rest.retain(|element| !held.contains(&element.tag()));
    rest
}

/// What each item of a sequence is; the memory is had at once, as growing would need twice as much.
fn each<T>(
    dataset: &Dataset,
    tag: Tag,
    read: impl Fn(&Dataset) -> Result<T, Fault>,
) -> Result<Vec<T>, Fault> {
    let items = dataset.items(tag);
    let mut all = Vec::with_capacity(items.len());
    for item in items {
        all.push(read(item)?);
    }
    Ok(all)
}

fn images(item: &Dataset) -> Result<Vec<ImageReference>, Fault> {
    each(
        item,
        Tag::REFERENCED_IMAGE_SEQUENCE,
        ImageReference::of_item,
    )
}

fn pair<const N: usize>(item: &Dataset, tag: Tag) -> Result<[i64; N], Fault> {
    let values = item.integers(tag)?;
    let found = format!("{} values", values.len());
    let array = values.try_into();
    array.map_err(|_| Fault::attribute(tag, "of two or three values", found))
}

fn area(item: &Dataset) -> Result<DisplayedArea, Fault> {
    let size = match item.string(Tag::PRESENTATION_SIZE_MODE).as_deref() {
        Some("SCALE TO FIT") => PresentationSize::ScaleToFit,
        Some("TRUE SIZE") => PresentationSize::TrueSize,
        Some("MAGNIFY") => {
            let ratio = item.required_float(Tag::PRESENTATION_PIXEL_MAGNIFICATION_RATIO)?;
            PresentationSize::Magnify(ratio)
        }
        other => {
            let rule = "SCALE TO FIT, TRUE SIZE or MAGNIFY";
            let found = other.unwrap_or("nothing");
            return Err(Fault::attribute(Tag::PRESENTATION_SIZE_MODE, rule, found));
        }
    };
    let aspect = Tag::PRESENTATION_PIXEL_ASPECT_RATIO;
    let aspect = item.has_value(aspect).then(|| pair(item, aspect));
    Ok(DisplayedArea {
        images: images(item)?,
        top_left: pair(item, Tag::DISPLAYED_AREA_TOP_LEFT_HAND_CORNER)?,
        bottom_right: pair(item, Tag::DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER)?,
        size,
        spacing: item.float_array(Tag::PRESENTATION_PIXEL_SPACING)?,
        aspect: aspect.transpose()?,
    })
}

fn layer(item: &Dataset) -> Result<GraphicLayer, Fault> {
    let tag = Tag::GRAPHIC_LAYER;
    let small = |tag| {
        let narrow = |value: i64| {
            let value = u16::try_from(value).ok();
            value.ok_or_else(|| Fault::attribute(tag, "0 to 65535", "another number"))
        };
        item.integers(tag)?
            .into_iter()
            .map(narrow)
            .collect::<Result<Vec<u16>, Fault>>()
    };
    let grey = small(Tag::GRAPHIC_LAYER_RECOMMENDED_DISPLAY_GRAYSCALE_VALUE)?;
    let colour = small(Tag::GRAPHIC_LAYER_RECOMMENDED_DISPLAY_CIE_LAB_VALUE)?;
    Ok(GraphicLayer {
        name: item.required_string(tag)?,
        order: item.integer(Tag::GRAPHIC_LAYER_ORDER)?,
        description: item
            .text(Tag::GRAPHIC_LAYER_DESCRIPTION)
            .unwrap_or_default(),
        grey: grey.first().copied(),
        cie_lab: colour.try_into().ok(),
    })
}

fn annotation(item: &Dataset) -> Result<Annotation, Fault> {
    let tag = Tag::GRAPHIC_LAYER;
    Ok(Annotation {
        layer: item.required_string(tag)?,
        images: images(item)?,
        texts: each(item, Tag::TEXT_OBJECT_SEQUENCE, text)?,
        figures: each(item, Tag::GRAPHIC_OBJECT_SEQUENCE, figure)?,
    })
}

fn units(item: &Dataset, tag: Tag) -> Result<AnnotationUnits, Fault> {
    match item.string(tag).as_deref() {
        Some("PIXEL") => Ok(AnnotationUnits::Pixel),
        Some("DISPLAY") => Ok(AnnotationUnits::Display),
        Some(other) => Err(Fault::attribute(tag, "PIXEL or DISPLAY", other)),
        None => Err(Fault::MissingAttribute { tag }),
    }
}

#[expect(clippy::as_conversions, reason = "they were single precision")]
fn single(point: [f64; 2]) -> [f32; 2] {
    point.map(|v| v as f32)
}

fn text(item: &Dataset) -> Result<TextAnnotation, Fault> {
    let tag = Tag::UNFORMATTED_TEXT_VALUE;
    let text = item.text(tag).ok_or(Fault::MissingAttribute { tag })?;
    let corner = |tag| -> Result<[f32; 2], Fault> {
        let corner = item.float_array(tag)?;
        Ok(single(corner.ok_or(Fault::MissingAttribute { tag })?))
    };
    let bounds = match item.has_value(Tag::BOUNDING_BOX_TOP_LEFT_HAND_CORNER) {
        false => None,
        true => {
            let tag = Tag::BOUNDING_BOX_TEXT_HORIZONTAL_JUSTIFICATION;
            let alignments = [
                TextAlignment::Left,
                TextAlignment::Center,
                TextAlignment::Right,
            ];
            let term = item.string(tag);
            let found = { alignments.into_iter() }.find(|a| term.as_deref() == Some(a.term()));
            Some(TextBox {
                top_left: corner(Tag::BOUNDING_BOX_TOP_LEFT_HAND_CORNER)?,
                bottom_right: corner(Tag::BOUNDING_BOX_BOTTOM_RIGHT_HAND_CORNER)?,
                units: units(item, Tag::BOUNDING_BOX_ANNOTATION_UNITS)?,
                alignment: found.unwrap_or_default(),
            })
        }
    };
    let anchor = item.float_array(Tag::ANCHOR_POINT)?.map(|point| {
        let units = units(item, Tag::ANCHOR_POINT_ANNOTATION_UNITS)?;
        Ok::<_, Fault>((single(point), units))
    });
    Ok(TextAnnotation {
        text,
        bounds,
        anchor: anchor.transpose()?,
        anchor_visible: item.string(Tag::ANCHOR_POINT_VISIBILITY).as_deref() == Some("Y"),
    })
}

fn figure(item: &Dataset) -> Result<Figure, Fault> {
    let tag = Tag::GRAPHIC_TYPE;
    let term = item.required_string(tag)?;
    let kind = FigureKind::ALL.into_iter().find(|kind| kind.term() == term);
    let kind = kind.ok_or_else(|| Fault::attribute(tag, "a figure of points", term))?;
    let numbers = item.floats(Tag::GRAPHIC_DATA)?;
    let (points, rest) = numbers.as_chunks::<2>();
    if !rest.is_empty() {
        let found = format_args!("{} numbers", numbers.len());
        return Err(Fault::attribute(
            Tag::GRAPHIC_DATA,
            "of whole points",
            found,
        ));
    }
    kind.check_count(points.len())?;
    let count = item.integer(Tag::NUMBER_OF_GRAPHIC_POINTS)?;
    if count.is_some_and(|count| usize::try_from(count) != Ok(points.len())) {
        let found = format_args!("{} for {}", count.unwrap_or(0), points.len());
        let rule = "the number of points that are there";
        return Err(Fault::attribute(Tag::NUMBER_OF_GRAPHIC_POINTS, rule, found));
    }
    Ok(Figure {
        kind,
        points: points.iter().map(|point| single(*point)).collect(),
        units: units(item, Tag::GRAPHIC_ANNOTATION_UNITS)?,
        filled: item.string(Tag::GRAPHIC_FILLED).as_deref() == Some("Y"),
    })
}
