//! Presentation states as objects (PS3.3 sections C.10.4, C.10.5, C.10.7 and C.11.8 to C.11.11).

use std::collections::HashSet;
use std::path::Path;

use super::super::dataset::Dataset;
use super::super::derived::{Creation, Field, NewSeries, code_string};
use super::super::fault::Fault;
use super::super::file::{WriteOptions, write};
use super::super::structured_report::ImageReference;
use super::super::tag::Tag;
use super::graphics::{
    Annotation, AnnotationUnits, Figure, FigureKind, GraphicLayer, TextAlignment, TextAnnotation,
};
use super::{CLASS_UID, DisplayedArea, PresentationSize, PresentationState, SoftcopyVoi};

impl AnnotationUnits {
    pub(super) const fn term(self) -> &'static str {
        match self {
            Self::Pixel => "PIXEL",
            Self::Display => "DISPLAY",
        }
    }
}

impl FigureKind {
    pub(super) const ALL: [Self; 5] = [
        Self::Point,
        Self::Polyline,
        Self::Interpolated,
        Self::Circle,
        Self::Ellipse,
    ];

    pub(super) const fn term(self) -> &'static str {
        match self {
            Self::Point => "POINT",
            Self::Polyline => "POLYLINE",
            Self::Interpolated => "INTERPOLATED",
            Self::Circle => "CIRCLE",
            Self::Ellipse => "ELLIPSE",
        }
    }

    /// Whether there are as many points as the figure has.
    pub(super) fn check_count(self, points: usize) -> Result<(), Fault> {
        let (fits, rule) = match self {
            Self::Point => (points == 1, "one point"),
            Self::Circle => (points == 2, "two points of a circle"),
            Self::Ellipse => (points == 4, "four points of an ellipse"),
            _ => (points > 1, "two points or more of a line"),
        };
        fits.then_some(())
            .ok_or_else(|| Fault::attribute(Tag::GRAPHIC_DATA, rule, points))
    }
}

impl TextAlignment {
    pub(super) const fn term(self) -> &'static str {
        match self {
            Self::Left => "LEFT",
            Self::Center => "CENTER",
            Self::Right => "RIGHT",
        }
    }
}

impl PresentationState {
    /// Writes the state as a new object of a new series.
    ///
    /// # Errors
    /// Refuses what [`Self::to_dataset`] refuses, and passes on what the system says.
    pub fn write(&self, path: impl AsRef<Path>, creation: &Creation) -> crate::Result<()> {
        let path = path.as_ref();
        let dataset = self.to_dataset(creation);
        let dataset = dataset.map_err(crate::Error::dicom(path))?;
        write(path, &dataset, &WriteOptions::new())
    }

    /// The state as a new object of a new series.
    ///
    /// # Errors
    /// Refuses names that are none, annotations in layers that are not there, images that the state is not
    /// for, figures of another number of points, and tables.
    pub fn to_dataset(&self, creation: &Creation) -> Result<Dataset, Fault> {
        let mut series = NewSeries::new(&self.header, "PR", creation)?;
        let mut dataset = series.instance(CLASS_UID, 1)?;
        let (date, time) = (
            series.creation.date.to_string(),
            series.creation.time.to_string(),
        );
        // States have moments of their own instead.
        for tag in [Tag::CONTENT_DATE, Tag::CONTENT_TIME] {
            dataset.remove(tag);
        }
        let side = self.header.string(Tag::LATERALITY).unwrap_or_default();
        dataset.set_text(Tag::LATERALITY, &side)?;
        let shape = if self.inverted { "INVERSE" } else { "IDENTITY" };
        let known = Known {
            images: { self.series.iter().flat_map(|series| &series.images) }
                .map(|image| image.instance_uid.as_str())
                .collect(),
            layers: self.layers.iter().map(|l| l.name.as_str()).collect(),
        };
        if known.images.is_empty() {
            let tag = Tag::REFERENCED_IMAGE_SEQUENCE;
            return Err(Fault::MissingAttribute { tag });
        }
        let mut referenced = Vec::new();
        for series in &self.series {
            referenced.push(Dataset::of([
                (Tag::SERIES_INSTANCE_UID, Field::Text(&series.series_uid)),
                (
                    Tag::REFERENCED_IMAGE_SEQUENCE,
                    Field::Items(known.items(&series.images)?),
                ),
            ])?);
        }
        dataset.fill([
            (
                Tag::CONTENT_LABEL,
                Field::Text(code_string(Tag::CONTENT_LABEL, &self.label)?),
            ),
            (Tag::CONTENT_DESCRIPTION, Field::Text(&self.description)),
            (Tag::CONTENT_CREATOR_NAME, Field::Text(&self.creator)),
            (Tag::PRESENTATION_CREATION_DATE, Field::Text(&date)),
            (Tag::PRESENTATION_CREATION_TIME, Field::Text(&time)),
            (Tag::REFERENCED_SERIES_SEQUENCE, Field::Items(referenced)),
            (Tag::PRESENTATION_LUT_SHAPE, Field::Text(shape)),
        ])?;
        if let Some((slope, intercept, unit)) = &self.rescale {
            dataset.fill([
                (Tag::RESCALE_SLOPE, Field::Float(*slope)),
                (Tag::RESCALE_INTERCEPT, Field::Float(*intercept)),
                (Tag::RESCALE_TYPE, Field::Text(unit)),
            ])?;
        }
        let areas = self.displayed_areas.iter().map(|area| known.area(area));
        let voi = self.voi.iter().map(|voi| known.voi(voi));
        let layers = self.layers.iter().enumerate();
        let layers = layers.map(|(index, layer)| layer_item(index, layer));
        let annotations = self.annotations.iter().map(|a| known.annotation(a));
        let none = |items: &Vec<Dataset>| items.is_empty();
        for (tag, items) in [
            (
                Tag::DISPLAYED_AREA_SELECTION_SEQUENCE,
                areas.collect::<Result<Vec<_>, Fault>>()?,
            ),
            (
                Tag::SOFTCOPY_VOI_LUT_SEQUENCE,
                voi.collect::<Result<_, _>>()?,
            ),
            (
                Tag::GRAPHIC_LAYER_SEQUENCE,
                layers.collect::<Result<_, _>>()?,
            ),
            (
                Tag::GRAPHIC_ANNOTATION_SEQUENCE,
                annotations.collect::<Result<_, _>>()?,
            ),
        ] {
            if !none(&items) {
                dataset.set_items(tag, items);
            }
        }
        Ok(dataset)
    }
}

/// What a state's parts may refer to.
struct Known<'a> {
    images: HashSet<&'a str>,
    layers: HashSet<&'a str>,
}

impl Known<'_> {
    fn items(&self, images: &[ImageReference]) -> Result<Vec<Dataset>, Fault> {
        let item = |image: &ImageReference| {
            if !self.images.contains(image.instance_uid.as_str()) {
                let rule = "one of the images that the state is for";
                let tag = Tag::REFERENCED_SOP_INSTANCE_UID;
                return Err(Fault::attribute(tag, rule, &image.instance_uid));
            }
            image.to_item()
        };
        images.iter().map(item).collect()
    }

    /// References to images, unless it is all of them.
    fn some_images(&self, out: &mut Dataset, images: &[ImageReference]) -> Result<(), Fault> {
        if !images.is_empty() {
            out.set_items(Tag::REFERENCED_IMAGE_SEQUENCE, self.items(images)?);
        }
        Ok(())
    }

    fn area(&self, area: &DisplayedArea) -> Result<Dataset, Fault> {
        let mode = match area.size {
            PresentationSize::ScaleToFit => "SCALE TO FIT",
            PresentationSize::TrueSize => "TRUE SIZE",
            PresentationSize::Magnify(_) => "MAGNIFY",
        };
        let mut item = Dataset::of([
            (
                Tag::DISPLAYED_AREA_TOP_LEFT_HAND_CORNER,
                Field::Integers(&area.top_left),
            ),
            (
                Tag::DISPLAYED_AREA_BOTTOM_RIGHT_HAND_CORNER,
                Field::Integers(&area.bottom_right),
            ),
            (Tag::PRESENTATION_SIZE_MODE, Field::Text(mode)),
        ])?;
        if let PresentationSize::Magnify(ratio) = area.size {
            item.set_floats(Tag::PRESENTATION_PIXEL_MAGNIFICATION_RATIO, &[ratio])?;
        }
        match (area.spacing, area.aspect) {
            (Some(spacing), _) => item.set_floats(Tag::PRESENTATION_PIXEL_SPACING, &spacing)?,
            (None, Some(aspect)) => {
                item.set_integers(Tag::PRESENTATION_PIXEL_ASPECT_RATIO, &aspect)?;
            }
            (None, None) => item.set_integers(Tag::PRESENTATION_PIXEL_ASPECT_RATIO, &[1, 1])?,
        }
        self.some_images(&mut item, &area.images)?;
        Ok(item)
    }

    fn voi(&self, voi: &SoftcopyVoi) -> Result<Dataset, Fault> {
        if !voi.voi.tables.is_empty() {
            let what = "writing tables of values of interest".to_owned();
            return Err(Fault::Unsupported { what });
        }
        let mut item = Dataset::new();
        item.set_windows(&voi.voi.windows)?;
        self.some_images(&mut item, &voi.images)?;
        Ok(item)
    }

    fn annotation(&self, annotation: &Annotation) -> Result<Dataset, Fault> {
        if !self.layers.contains(annotation.layer.as_str()) {
            let rule = "the name of a layer of the state";
            return Err(Fault::attribute(
                Tag::GRAPHIC_LAYER,
                rule,
                &annotation.layer,
            ));
        }
        let mut item = Dataset::of([(Tag::GRAPHIC_LAYER, Field::Text(&annotation.layer))])?;
        let texts: Result<Vec<_>, _> = annotation.texts.iter().map(text_item).collect();
        let figures: Result<Vec<_>, _> = annotation.figures.iter().map(figure_item).collect();
        for (tag, items) in [
            (Tag::TEXT_OBJECT_SEQUENCE, texts?),
            (Tag::GRAPHIC_OBJECT_SEQUENCE, figures?),
        ] {
            if !items.is_empty() {
                item.set_items(tag, items);
            }
        }
        self.some_images(&mut item, &annotation.images)?;
        Ok(item)
    }
}

fn layer_item(index: usize, layer: &GraphicLayer) -> Result<Dataset, Fault> {
    let place = i64::try_from(index.saturating_add(1)).unwrap_or(i64::MAX);
    let name = code_string(Tag::GRAPHIC_LAYER, &layer.name)?;
    let mut item = Dataset::of([
        (Tag::GRAPHIC_LAYER, Field::Text(name)),
        (
            Tag::GRAPHIC_LAYER_ORDER,
            Field::Integer(layer.order.unwrap_or(place)),
        ),
    ])?;
    if !layer.description.is_empty() {
        item.set_text(Tag::GRAPHIC_LAYER_DESCRIPTION, &layer.description)?;
    }
    if let Some(grey) = layer.grey {
        let tag = Tag::GRAPHIC_LAYER_RECOMMENDED_DISPLAY_GRAYSCALE_VALUE;
        item.set_integers(tag, &[i64::from(grey)])?;
    }
    if let Some(colour) = layer.cie_lab {
        let tag = Tag::GRAPHIC_LAYER_RECOMMENDED_DISPLAY_CIE_LAB_VALUE;
        item.set_integers(tag, &colour.map(i64::from))?;
    }
    Ok(item)
}

fn text_item(text: &TextAnnotation) -> Result<Dataset, Fault> {
    let length = text.text.chars().count();
    let tag = Tag::UNFORMATTED_TEXT_VALUE;
    if !(1..=1024).contains(&length) {
        let found = format_args!("{length} characters");
        return Err(Fault::attribute(tag, "1 to 1024 characters", found));
    }
    if text.bounds.is_none() && text.anchor.is_none() {
        return Err(Fault::attribute(tag, "in a box or at a point", &text.text));
    }
    let mut item = Dataset::of([(tag, Field::Text(&text.text))])?;
    if let Some(bounds) = &text.bounds {
        let corner = |point: [f32; 2]| point.map(f64::from);
        item.fill([
            (
                Tag::BOUNDING_BOX_ANNOTATION_UNITS,
                Field::Text(bounds.units.term()),
            ),
            (
                Tag::BOUNDING_BOX_TOP_LEFT_HAND_CORNER,
                Field::Floats(&corner(bounds.top_left)),
            ),
            (
                Tag::BOUNDING_BOX_BOTTOM_RIGHT_HAND_CORNER,
                Field::Floats(&corner(bounds.bottom_right)),
            ),
            (
                Tag::BOUNDING_BOX_TEXT_HORIZONTAL_JUSTIFICATION,
                Field::Text(bounds.alignment.term()),
            ),
        ])?;
    }
    if let Some((point, units)) = text.anchor {
        let visible = if text.anchor_visible { "Y" } else { "N" };
        item.fill([
            (
                Tag::ANCHOR_POINT_ANNOTATION_UNITS,
                Field::Text(units.term()),
            ),
            (Tag::ANCHOR_POINT, Field::Floats(&point.map(f64::from))),
            (Tag::ANCHOR_POINT_VISIBILITY, Field::Text(visible)),
        ])?;
    }
    Ok(item)
}

fn figure_item(figure: &Figure) -> Result<Dataset, Fault> {
    figure.kind.check_count(figure.points.len())?;
    let numbers: Vec<f64> = figure
        .points
        .iter()
        .flatten()
        .map(|v| f64::from(*v))
        .collect();
    if let Some(wrong) = numbers.iter().find(|number| !number.is_finite()) {
        return Err(Fault::attribute(Tag::GRAPHIC_DATA, "finite", wrong));
    }
    let count = i64::try_from(figure.points.len()).unwrap_or(i64::MAX);
    let mut item = Dataset::of([
        (
            Tag::GRAPHIC_ANNOTATION_UNITS,
            Field::Text(figure.units.term()),
        ),
        (Tag::GRAPHIC_DIMENSIONS, Field::Integer(2)),
        (Tag::NUMBER_OF_GRAPHIC_POINTS, Field::Integer(count)),
        (Tag::GRAPHIC_DATA, Field::Floats(&numbers)),
        (Tag::GRAPHIC_TYPE, Field::Text(figure.kind.term())),
    ])?;
    let closed = match figure.kind {
        FigureKind::Circle | FigureKind::Ellipse => true,
        FigureKind::Point => false,
        _ => figure.points.first() == figure.points.last(),
    };
    if figure.filled && !closed {
        let rule = "N for figures that are not closed";
        return Err(Fault::attribute(Tag::GRAPHIC_FILLED, rule, "Y"));
    }
    if closed {
        let filled = if figure.filled { "Y" } else { "N" };
        item.set_text(Tag::GRAPHIC_FILLED, filled)?;
    }
    Ok(item)
}
