//! One content item to and from its attributes (PS3.3 tables C.17-5, C.17-6 and C.18.1-1 to C.18.9-1).

use medcore::Point;

use super::super::dataset::{Dataset, DateTime, Element, Value};
use super::super::derived::{Code, Field};
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::content::{ContentItem, ContentValue, ImageReference, Relationship};
use super::graphic::Graphic;

impl Relationship {
    const ALL: [Self; 7] = [
        Self::Contains,
        Self::HasObservationContext,
        Self::HasConceptModifier,
        Self::HasProperties,
        Self::HasAcquisitionContext,
        Self::InferredFrom,
        Self::SelectedFrom,
    ];

    const fn term(self) -> &'static str {
        match self {
            Self::Contains => "CONTAINS",
            Self::HasObservationContext => "HAS OBS CONTEXT",
            Self::HasConceptModifier => "HAS CONCEPT MOD",
            Self::HasProperties => "HAS PROPERTIES",
            Self::HasAcquisitionContext => "HAS ACQ CONTEXT",
            Self::InferredFrom => "INFERRED FROM",
            Self::SelectedFrom => "SELECTED FROM",
        }
    }
}

impl ContentValue {
    fn type_term(&self) -> Option<&str> {
        Some(match self {
            Self::Container { .. } => "CONTAINER",
            Self::Text(_) => "TEXT",
            Self::Code(_) => "CODE",
            Self::Number { .. } => "NUM",
            Self::DateTime(_) => "DATETIME",
            Self::Date(_) => "DATE",
            Self::Time(_) => "TIME",
            Self::PersonName(_) => "PNAME",
            Self::Uid(_) => "UIDREF",
            Self::Image(_) => "IMAGE",
            Self::Composite { .. } => "COMPOSITE",
            Self::Coordinates { .. } => "SCOORD",
            Self::Coordinates3d { .. } => "SCOORD3D",
            Self::Reference(_) => return None,
            Self::Other(term) => term,
        })
    }
}

/// Attributes that an item's model holds; the others are kept as they are.
fn modelled(value: &ContentValue) -> &'static [Tag] {
    match value {
        ContentValue::Container { .. } => {
            &[Tag::CONTINUITY_OF_CONTENT, Tag::CONTENT_TEMPLATE_SEQUENCE]
        }
        ContentValue::Text(_) => &[Tag::TEXT_VALUE],
        ContentValue::Code(_) => &[Tag::CONCEPT_CODE_SEQUENCE],
        ContentValue::Number { .. } => &[
            Tag::MEASURED_VALUE_SEQUENCE,
            Tag::NUMERIC_VALUE_QUALIFIER_CODE_SEQUENCE,
        ],
        ContentValue::DateTime(_) => &[Tag::DATE_TIME],
        ContentValue::Date(_) => &[Tag::DATE],
        ContentValue::Time(_) => &[Tag::TIME],
        ContentValue::PersonName(_) => &[Tag::PERSON_NAME],
        ContentValue::Uid(_) => &[Tag::UID],
        ContentValue::Image(_) | ContentValue::Composite { .. } => &[Tag::REFERENCED_SOP_SEQUENCE],
        ContentValue::Coordinates { .. } => &[Tag::GRAPHIC_DATA, Tag::GRAPHIC_TYPE],
        ContentValue::Coordinates3d { .. } => &[
            Tag::GRAPHIC_DATA,
            Tag::GRAPHIC_TYPE,
            Tag::REFERENCED_FRAME_OF_REFERENCE_UID,
        ],
        ContentValue::Reference(_) => &[Tag::REFERENCED_CONTENT_ITEM_IDENTIFIER],
        ContentValue::Other(_) => &[],
    }
}

const OF_EVERY_ITEM: [Tag; 5] = [
    Tag::SPECIFIC_CHARACTER_SET,
    Tag::VALUE_TYPE,
    Tag::RELATIONSHIP_TYPE,
    Tag::CONCEPT_NAME_CODE_SEQUENCE,
    Tag::CONTENT_SEQUENCE,
];

/// The attributes of an item, without those of its children.
pub(super) fn encode(item: &ContentItem) -> Result<Dataset, Fault> {
    let mut out = item.other.clone();
    if let Some(term) = item.value.type_term() {
        out.set_text(Tag::VALUE_TYPE, term)?;
    }
    if let Some(relationship) = item.relationship {
        out.set_text(Tag::RELATIONSHIP_TYPE, relationship.term())?;
    }
    if let Some(concept) = &item.concept {
        out.set_items(Tag::CONCEPT_NAME_CODE_SEQUENCE, vec![concept.to_item()?]);
    }
    match &item.value {
        ContentValue::Container { separate, template } => {
            let term = if *separate { "SEPARATE" } else { "CONTINUOUS" };
            out.set_text(Tag::CONTINUITY_OF_CONTENT, term)?;
            if let Some(template) = template {
                let template = Dataset::of([
                    (Tag::MAPPING_RESOURCE, Field::Text("DCMR")),
                    (Tag::TEMPLATE_IDENTIFIER, Field::Text(template)),
                ])?;
                out.set_items(Tag::CONTENT_TEMPLATE_SEQUENCE, vec![template]);
            }
        }
        ContentValue::Text(text) => {
            out.set_text(Tag::TEXT_VALUE, filled(Tag::TEXT_VALUE, text)?)?;
        }
        ContentValue::Code(code) => {
            out.set_items(Tag::CONCEPT_CODE_SEQUENCE, vec![code.to_item()?]);
        }
        ContentValue::Number {
            measured,
            qualifier,
        } => {
            let measured = measured.as_ref().map(|(value, unit)| number(*value, unit));
            let measured = measured.transpose()?;
            out.set_items(Tag::MEASURED_VALUE_SEQUENCE, measured.into_iter().collect());
            if let Some(qualifier) = qualifier {
                let tag = Tag::NUMERIC_VALUE_QUALIFIER_CODE_SEQUENCE;
                out.set_items(tag, vec![qualifier.to_item()?]);
            }
        }
        ContentValue::DateTime(moment) => out.set_text(Tag::DATE_TIME, &date_time(moment))?,
        ContentValue::Date(date) => out.set_text(Tag::DATE, &date.to_string())?,
        ContentValue::Time(time) => out.set_text(Tag::TIME, &time.to_string())?,
        ContentValue::PersonName(name) => {
            out.set_text(Tag::PERSON_NAME, filled(Tag::PERSON_NAME, name)?)?;
        }
        ContentValue::Uid(uid) => out.set_text(Tag::UID, filled(Tag::UID, uid)?)?,
        ContentValue::Image(image) => {
            out.set_items(Tag::REFERENCED_SOP_SEQUENCE, vec![image.to_item()?]);
        }
        ContentValue::Composite {
            class_uid,
            instance_uid,
        } => {
            let item = reference(class_uid, instance_uid)?;
            out.set_items(Tag::REFERENCED_SOP_SEQUENCE, vec![item]);
        }
        ContentValue::Coordinates { graphic, points } => {
            let flat: Vec<f64> = points.iter().flatten().map(|v| f64::from(*v)).collect();
            figure(&mut out, *graphic, points.len(), &flat)?;
        }
        ContentValue::Coordinates3d {
            graphic,
            points,
            frame_of_reference,
        } => {
            let flat: Vec<f64> = { points.iter() }
                .flat_map(|point| point.coordinates())
                .collect();
            figure(&mut out, *graphic, points.len(), &flat)?;
            let tag = Tag::REFERENCED_FRAME_OF_REFERENCE_UID;
            out.set_text(tag, filled(tag, frame_of_reference)?)?;
        }
        ContentValue::Reference(place) => {
            out.set_integers(Tag::REFERENCED_CONTENT_ITEM_IDENTIFIER, place)?;
        }
        ContentValue::Other(_) => {}
    }
    Ok(out)
}

/// The item of some attributes, without children.
pub(super) fn decode(dataset: &Dataset) -> Result<ContentItem, Fault> {
    let relationship = dataset.string(Tag::RELATIONSHIP_TYPE);
    let relationship = relationship.map(|term| {
        let found = Relationship::ALL.into_iter().find(|r| r.term() == term);
        let rule = "a relationship of content items";
        found.ok_or_else(|| Fault::attribute(Tag::RELATIONSHIP_TYPE, rule, term))
    });
    let concept = dataset.item(Tag::CONCEPT_NAME_CODE_SEQUENCE);
    let value = value(dataset)?;
    let known = modelled(&value);
    let template = dataset.item(Tag::CONTENT_TEMPLATE_SEQUENCE);
    let foreign = template.is_some_and(|item| !is_standard(item));
    let mut other = Dataset::new();
    for element in dataset.elements() {
        let tag = element.tag();
        let kept = foreign && tag == Tag::CONTENT_TEMPLATE_SEQUENCE;
        let held = OF_EVERY_ITEM.contains(&tag) || known.contains(&tag);
        if kept || !held {
            keep(&mut other, dataset, element)?;
        }
    }
    Ok(ContentItem {
        relationship: relationship.transpose()?,
        concept: concept.map(Code::of_item).transpose()?,
        value,
        children: Vec::new(),
        other,
    })
}

fn value(dataset: &Dataset) -> Result<ContentValue, Fault> {
    let Some(term) = dataset.string(Tag::VALUE_TYPE) else {
        let place = dataset.integers(Tag::REFERENCED_CONTENT_ITEM_IDENTIFIER)?;
        let tag = Tag::VALUE_TYPE;
        return match place.is_empty() {
            true => Err(Fault::MissingAttribute { tag }),
            false => Ok(ContentValue::Reference(place)),
        };
    };
    let missing = |tag| Fault::MissingAttribute { tag };
    let item = |tag| dataset.required_item(tag);
    Ok(match term.as_str() {
        "CONTAINER" => ContentValue::Container {
            separate: dataset.string(Tag::CONTINUITY_OF_CONTENT).as_deref() != Some("CONTINUOUS"),
            template: { dataset.item(Tag::CONTENT_TEMPLATE_SEQUENCE) }
                .filter(|item| is_standard(item))
                .and_then(|item| item.string(Tag::TEMPLATE_IDENTIFIER)),
        },
        "TEXT" => ContentValue::Text(dataset.text(Tag::TEXT_VALUE).unwrap_or_default()),
        "CODE" => ContentValue::Code(Code::of_item(item(Tag::CONCEPT_CODE_SEQUENCE)?)?),
        "NUM" => {
            let measured = dataset.item(Tag::MEASURED_VALUE_SEQUENCE);
            let qualifier = dataset.item(Tag::NUMERIC_VALUE_QUALIFIER_CODE_SEQUENCE);
            ContentValue::Number {
                measured: measured.map(number_of).transpose()?,
                qualifier: qualifier.map(Code::of_item).transpose()?,
            }
        }
        "DATETIME" => {
            let moment = dataset.date_time(Tag::DATE_TIME)?;
            ContentValue::DateTime(moment.ok_or_else(|| missing(Tag::DATE_TIME))?)
        }
        "DATE" => {
            let date = dataset.date(Tag::DATE)?;
            ContentValue::Date(date.ok_or_else(|| missing(Tag::DATE))?)
        }
        "TIME" => {
            let time = dataset.time(Tag::TIME)?;
            ContentValue::Time(time.ok_or_else(|| missing(Tag::TIME))?)
        }
        "PNAME" => ContentValue::PersonName(dataset.string(Tag::PERSON_NAME).unwrap_or_default()),
        "UIDREF" => ContentValue::Uid(dataset.string(Tag::UID).ok_or_else(|| missing(Tag::UID))?),
        "IMAGE" => ContentValue::Image(ImageReference::of_item(item(
            Tag::REFERENCED_SOP_SEQUENCE,
        )?)?),
        "COMPOSITE" => {
            let image = ImageReference::of_item(item(Tag::REFERENCED_SOP_SEQUENCE)?)?;
            ContentValue::Composite {
                class_uid: image.class_uid,
                instance_uid: image.instance_uid,
            }
        }
        "SCOORD" => {
            let numbers = dataset.floats(Tag::GRAPHIC_DATA)?;
            let (points, rest) = numbers.as_chunks::<2>();
            ContentValue::Coordinates {
                graphic: graphic_of(dataset, points.len(), rest)?,
                #[expect(clippy::as_conversions, reason = "they were single precision")]
                points: points.iter().map(|p| p.map(|v| v as f32)).collect(),
            }
        }
        "SCOORD3D" => {
            let numbers = dataset.floats(Tag::GRAPHIC_DATA)?;
            let (points, rest) = numbers.as_chunks::<3>();
            let tag = Tag::REFERENCED_FRAME_OF_REFERENCE_UID;
            ContentValue::Coordinates3d {
                graphic: graphic_of(dataset, points.len(), rest)?,
                points: { points.iter() }
                    .map(|&[x, y, z]| Point::new(x, y, z))
                    .collect(),
                frame_of_reference: dataset.string(tag).ok_or_else(|| missing(tag))?,
            }
        }
        other => ContentValue::Other(other.chars().take(16).collect()),
    })
}

fn graphic_of(dataset: &Dataset, points: usize, rest: &[f64]) -> Result<Graphic, Fault> {
    let term = dataset.required_string(Tag::GRAPHIC_TYPE)?;
    let graphic = Graphic::from_term(&term)?;
    if !rest.is_empty() {
        let rule = "of whole points";
        return Err(Fault::attribute(Tag::GRAPHIC_DATA, rule, rest.len()));
    }
    graphic.check_count(points)?;
    Ok(graphic)
}

fn figure(
    out: &mut Dataset,
    graphic: Graphic,
    points: usize,
    numbers: &[f64],
) -> Result<(), Fault> {
    graphic.check_count(points)?;
    if let Some(wrong) = numbers.iter().find(|number| !number.is_finite()) {
        return Err(Fault::attribute(Tag::GRAPHIC_DATA, "finite", wrong));
    }
    out.set_text(Tag::GRAPHIC_TYPE, graphic.term())?;
    out.set_floats(Tag::GRAPHIC_DATA, numbers)
}

/// How far a number may be from its decimal string of sixteen characters.
const AGREES: f64 = 1e-6;

/// A measured value: a decimal string, and the number itself where that is not exact.
fn number(value: f64, unit: &Code) -> Result<Dataset, Fault> {
    let mut item = Dataset::of([
        (Tag::NUMERIC_VALUE, Field::Float(value)),
        (
            Tag::MEASUREMENT_UNITS_CODE_SEQUENCE,
            Field::Item(unit.to_item()?),
        ),
    ])?;
    if item.float(Tag::NUMERIC_VALUE)? != Some(value) {
        item.set_floats(Tag::FLOATING_POINT_VALUE, &[value])?;
    }
    Ok(item)
}

fn number_of(item: &Dataset) -> Result<(f64, Code), Fault> {
    let unit = item.required_item(Tag::MEASUREMENT_UNITS_CODE_SEQUENCE)?;
    let decimal = item.required_float(Tag::NUMERIC_VALUE)?;
    let value = match item.float(Tag::FLOATING_POINT_VALUE)? {
        None => decimal,
        Some(exact) if (exact - decimal).abs() <= AGREES * decimal.abs() => exact,
        Some(other) => {
            let rule = "the same number as NumericValue";
            return Err(Fault::attribute(Tag::FLOATING_POINT_VALUE, rule, other));
        }
    };
    Ok((value, Code::of_item(unit)?))
}

fn reference(class_uid: &str, instance_uid: &str) -> Result<Dataset, Fault> {
    let (class, instance) = (
        Tag::REFERENCED_SOP_CLASS_UID,
        Tag::REFERENCED_SOP_INSTANCE_UID,
    );
    Dataset::of([
        (class, Field::Text(filled(class, class_uid)?)),
        (instance, Field::Text(filled(instance, instance_uid)?)),
    ])
}

impl ImageReference {
    pub(in super::super) fn to_item(&self) -> Result<Dataset, Fault> {
        let mut item = reference(&self.class_uid, &self.instance_uid)?;
        for (tag, numbers) in [
            (Tag::REFERENCED_FRAME_NUMBER, &self.frames),
            (Tag::REFERENCED_SEGMENT_NUMBER, &self.segments),
        ] {
            if !numbers.is_empty() {
                item.set_integers(tag, numbers)?;
            }
        }
        Ok(item)
    }

    pub(in super::super) fn of_item(item: &Dataset) -> Result<Self, Fault> {
        let required = |tag| item.required_string(tag);
        Ok(Self {
            class_uid: required(Tag::REFERENCED_SOP_CLASS_UID)?,
            instance_uid: required(Tag::REFERENCED_SOP_INSTANCE_UID)?,
            frames: item.integers(Tag::REFERENCED_FRAME_NUMBER)?,
            segments: item.integers(Tag::REFERENCED_SEGMENT_NUMBER)?,
        })
    }
}

/// A text that has to be there.
fn filled(tag: Tag, text: &str) -> Result<&str, Fault> {
    match text.is_empty() {
        true => Err(Fault::MissingAttribute { tag }),
        false => Ok(text),
    }
}

/// Whether a template is one of PS3.16.
fn is_standard(template: &Dataset) -> bool {
    template.string(Tag::MAPPING_RESOURCE).as_deref() == Some("DCMR")
}

/// Copies an element; its text becomes UTF-8, as the new object need not have the old one's character set.
fn keep(out: &mut Dataset, from: &Dataset, element: &Element) -> Result<(), Fault> {
    match element.value() {
        Value::Items(items) => {
            let mut copies = Vec::with_capacity(items.len());
            for item in items {
                let mut copy = Dataset::new();
                let elements = item.elements().iter();
                for inner in elements.filter(|e| e.tag() != Tag::SPECIFIC_CHARACTER_SET) {
                    keep(&mut copy, item, inner)?;
                }
                copies.push(copy);
            }
            out.set_items(element.tag(), copies);
        }
        _ if element.vr().is_text() && element.bytes().is_some_and(|bytes| !bytes.is_ascii()) => {
            out.set_text(element.tag(), &element.text(from.character_set()))?;
        }
        _ => out.insert(element.clone()),
    }
    Ok(())
}

/// `YYYYMMDDHHMMSS.FFFFFF&ZZXX`, as exact as it was given.
fn date_time(moment: &DateTime) -> String {
    let mut text = format!("{:04}", moment.year);
    for part in [moment.month, moment.day].into_iter().flatten() {
        text.push_str(&format!("{part:02}"));
    }
    if let Some(time) = moment.time {
        text.push_str(&time.to_string());
    }
    if let Some(offset) = moment.offset_minutes {
        let (hours, minutes) = (offset.unsigned_abs() / 60, offset.unsigned_abs() % 60);
        let sign = if offset < 0 { '-' } else { '+' };
        text.push_str(&format!("{sign}{hours:02}{minutes:02}"));
    }
    text
}
