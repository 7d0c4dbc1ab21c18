//! A tree of content items as a report of measurements (PS3.16 TID 1500).
//!
//! What is not understood is kept, at the place where it stood.

use super::super::derived::Code;
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::content::{ContentItem, ContentValue, Relationship};
use super::document::StructuredReport;
use super::measurement_group::{
    Evaluation, EvaluationValue, FindingSite, GroupKind, Measurement, MeasurementGroup,
};
use super::measurement_report::MeasurementReport;
use super::observer::{DeviceObserver, Observer, PersonObserver};
use super::region::{Region, SegmentReference, SegmentSource};
use super::report_codes::*;

/// The measurements of a document.
pub(super) fn read(document: StructuredReport) -> Result<MeasurementReport, Fault> {
    let header = document.header().clone();
    let StructuredReport {
        root,
        complete,
        evidence,
        ..
    } = document;
    let template = match &root.value {
        ContentValue::Container { template, .. } => template.as_deref(),
        _ => None,
    };
    let measured = |item: &ContentItem| {
        IMAGING_MEASUREMENTS.is(item.concept.as_ref())
            || QUALITATIVE_EVALUATIONS.is(item.concept.as_ref())
    };
    if template != Some("1500") && !root.children.iter().any(measured) {
        let rule = "1500, or a report with imaging measurements";
        let found = template.unwrap_or("another");
        return Err(Fault::attribute(Tag::TEMPLATE_IDENTIFIER, rule, found));
    }
    let mut report = MeasurementReport {
        complete,
        evidence,
        ..MeasurementReport::empty(header)
    };
    if let Some(title) = root.concept {
        report.title = title;
    }
    for item in root.children {
        top(&mut report, item)?;
    }
    Ok(report)
}

/// An item directly below the root.
fn top(report: &mut MeasurementReport, item: ContentItem) -> Result<(), Fault> {
    let concept = item.concept.as_ref();
    match &item.value {
        ContentValue::Code(code) if LANGUAGE.is(concept) => {
            report.language = code.clone();
            let mut countries = item
                .children
                .iter()
                .filter(|i| COUNTRY.is(i.concept.as_ref()));
            report.country = countries.next().and_then(code_of);
        }
        ContentValue::Code(code) if PROCEDURE_REPORTED.is(concept) => {
            report.procedures.push(code.clone());
        }
        ContentValue::Container { .. } if IMAGING_MEASUREMENTS.is(concept) => {
            for child in item.children {
                match MEASUREMENT_GROUP.is(child.concept.as_ref()) {
                    true => report.groups.push(group(child)?),
                    false => report.other.push(child),
                }
            }
        }
        ContentValue::Container { .. } if QUALITATIVE_EVALUATIONS.is(concept) => {
            for child in item.children {
                match evaluation(&child) {
                    Some(evaluation) => report.evaluations.push(evaluation),
                    None => report.other.push(child),
                }
            }
        }
        _ if item.relationship == Some(Relationship::HasObservationContext) => {
            observed(report, item);
        }
        _ => report.other.push(item),
    }
    Ok(())
}

fn code_of(item: &ContentItem) -> Option<Code> {
    match &item.value {
        ContentValue::Code(code) => Some(code.clone()),
        _ => None,
    }
}

/// An item about an observer: a type begins a new one, what follows belongs to it.
fn observed(report: &mut MeasurementReport, item: ContentItem) {
    let concept = item.concept.as_ref();
    match &item.value {
        ContentValue::Code(kind) if OBSERVER_TYPE.is(concept) => {
            report.observers.push(match DEVICE.is(Some(kind)) {
                true => Observer::Device(DeviceObserver::unknown(String::new())),
                false => Observer::person(""),
            });
            return;
        }
        // Persons need not be announced.
        ContentValue::PersonName(name)
            if PERSON_NAME.is(concept)
                && !matches!(report.observers.last(), Some(Observer::Person(p)) if p.name.is_empty()) =>
        {
            report.observers.push(Observer::person(name.clone()));
            return;
        }
        _ => {}
    }
    match (report.observers.last_mut(), &item.value) {
        (Some(Observer::Device(device)), value) => match value {
            ContentValue::Uid(uid) if DEVICE_UID.is(concept) => device.uid = uid.clone(),
            ContentValue::Text(text) => match device_text(device, concept) {
                Some(place) => *place = Some(text.clone()),
                None => device.other.push(item),
            },
            _ => device.other.push(item),
        },
        (Some(Observer::Person(person)), value) => person_item(person, value.clone(), item),
        (None, _) => report.other.push(item),
    }
}

fn device_text<'a>(
    device: &'a mut DeviceObserver,
    concept: Option<&Code>,
) -> Option<&'a mut Option<String>> {
    let places = [
        (DEVICE_NAME, &mut device.name),
        (DEVICE_MANUFACTURER, &mut device.manufacturer),
        (DEVICE_MODEL, &mut device.model),
        (DEVICE_SERIAL_NUMBER, &mut device.serial_number),
    ];
    let mut places = places.into_iter();
    places.find_map(|(name, place)| name.is(concept).then_some(place))
}

fn person_item(person: &mut PersonObserver, value: ContentValue, item: ContentItem) {
    let concept = item.concept.as_ref();
    match value {
        ContentValue::PersonName(name) if PERSON_NAME.is(concept) => person.name = name,
        ContentValue::Text(text) if PERSON_ORGANIZATION.is(concept) => {
            person.organization = Some(text);
        }
        _ => person.other.push(item),
    }
}

fn group(item: ContentItem) -> Result<MeasurementGroup, Fault> {
    let template = match &item.value {
        ContentValue::Container { template, .. } => template.as_deref(),
        _ => None,
    };
    let mut group = MeasurementGroup::new(match template {
        Some("1410") => GroupKind::Planar,
        Some("1411") => GroupKind::Volumetric,
        _ => GroupKind::General,
    });
    let stated = group.kind != GroupKind::General || template == Some("1501");
    let mut sources = Vec::new();
    let mut single_frame = false;
    for child in item.children {
        let concept = child.concept.as_ref();
        match &child.value {
            ContentValue::Text(text) if TRACKING_IDENTIFIER.is(concept) => {
                group.tracking_id = Some(text.clone());
            }
            ContentValue::Uid(uid) if TRACKING_UID.is(concept) => {
                group.tracking_uid = Some(uid.clone());
            }
            ContentValue::Code(code) if FINDING_CATEGORY.is(concept) => {
                group.category = Some(code.clone());
            }
            ContentValue::Code(code) if FINDING.is(concept) => group.finding = Some(code.clone()),
            ContentValue::Code(code) if METHOD.is(concept) => group.method = Some(code.clone()),
            ContentValue::Code(site) if FINDING_SITE.is(concept) => {
                let part = |name: Concept| {
                    let mut parts = child.children.iter();
                    parts
                        .find(|i| name.is(i.concept.as_ref()))
                        .and_then(code_of)
                };
                group.sites.push(FindingSite {
                    site: site.clone(),
                    laterality: part(LATERALITY),
                    modifier: part(SITE_MODIFIER),
                });
            }
            ContentValue::Text(text) if ALGORITHM_NAME.is(concept) => {
                let [name, _] = group.algorithm.get_or_insert_default();
                *name = text.clone();
            }
            ContentValue::Text(text) if ALGORITHM_VERSION.is(concept) => {
                let [_, version] = group.algorithm.get_or_insert_default();
                *version = text.clone();
            }
            ContentValue::Uid(_) if SOURCE_SERIES.is(concept) => sources.push(child),
            ContentValue::Image(_) if SOURCE_IMAGE.is(concept) => sources.push(child),
            ContentValue::Number { .. } => group.measurements.push(measurement(child)?),
            ContentValue::Code(_) | ContentValue::Text(_)
                if child.relationship == Some(Relationship::Contains) =>
            {
                match evaluation(&child) {
                    Some(evaluation) => group.evaluations.push(evaluation),
                    None => group.other.push(child),
                }
            }
            _ => match region(&child)? {
                Some(region) => {
                    single_frame |= REFERENCED_SEGMENTATION_FRAME.is(concept);
                    group.regions.push(region);
                }
                None => group.other.push(child),
            },
        }
    }
    segmented_from(&mut group, sources);
    if !stated {
        // Reports without template identifiers: the kind follows from the regions.
        group.kind = match group.regions.as_slice() {
            [] => GroupKind::General,
            [Region::Segment(_)] if single_frame => GroupKind::Planar,
            [Region::Image { .. } | Region::Patient { .. }] => GroupKind::Planar,
            _ => GroupKind::Volumetric,
        };
    }
    Ok(group)
}

/// Gives the segments of a group what they were made from; without segments it is kept as it is.
fn segmented_from(group: &mut MeasurementGroup, sources: Vec<ContentItem>) {
    let source = match sources.first().map(|item| &item.value) {
        Some(ContentValue::Uid(uid)) => SegmentSource::Series(uid.clone()),
        _ => SegmentSource::Images(
            { sources.iter() }
                .filter_map(|item| match &item.value {
                    ContentValue::Image(image) => Some(image.clone()),
                    _ => None,
                })
                .collect(),
        ),
    };
    let mut segmented = false;
    for region in &mut group.regions {
        if let Region::Segment(segment) = region {
            segment.source = source.clone();
            segmented = true;
        }
    }
    if !segmented {
        group.other.extend(sources);
    }
}

fn region(item: &ContentItem) -> Result<Option<Region>, Fault> {
    let concept = item.concept.as_ref();
    let segment = REFERENCED_SEGMENT.is(concept) || REFERENCED_SEGMENTATION_FRAME.is(concept);
    Ok(match &item.value {
        ContentValue::Image(image) if segment => {
            if image.segments.len() > 1 {
                let found = format_args!("{} numbers", image.segments.len());
                let tag = Tag::REFERENCED_SEGMENT_NUMBER;
                return Err(Fault::attribute(tag, "one segment of a region", found));
            }
            Some(Region::Segment(SegmentReference {
                class_uid: image.class_uid.clone(),
                instance_uid: image.instance_uid.clone(),
                segment: image.segments.first().copied(),
                frames: image.frames.clone(),
                source: SegmentSource::Images(Vec::new()),
            }))
        }
        ContentValue::Coordinates { graphic, points } if IMAGE_REGION.is(concept) => {
            let images = item.children.iter().filter_map(|child| match &child.value {
                ContentValue::Image(image) => Some(image.clone()),
                _ => None,
            });
            let tag = Tag::REFERENCED_SOP_SEQUENCE;
            let image = { images }.next().ok_or(Fault::MissingAttribute { tag })?;
            Some(Region::Image {
                graphic: *graphic,
                points: points.clone(),
                image,
            })
        }
        ContentValue::Coordinates3d {
            graphic,
            points,
            frame_of_reference,
        } => {
            let (graphic, points) = (*graphic, points.clone());
            let frame_of_reference = frame_of_reference.clone();
            if IMAGE_REGION.is(concept) {
                Some(Region::Patient {
                    graphic,
                    points,
                    frame_of_reference,
                })
            } else if VOLUME_SURFACE.is(concept) {
                Some(Region::Surface {
                    graphic,
                    points,
                    frame_of_reference,
                })
            } else {
                None
            }
        }
        _ => None,
    })
}

fn measurement(item: ContentItem) -> Result<Measurement, Fault> {
    let tag = Tag::CONCEPT_NAME_CODE_SEQUENCE;
    let concept = item.concept.ok_or(Fault::MissingAttribute { tag })?;
    let (value, qualifier) = match item.value {
        ContentValue::Number {
            measured,
            qualifier,
        } => (measured, qualifier),
        _ => (None, None),
    };
    let mut measurement = Measurement {
        concept,
        value,
        qualifier,
        derivation: None,
        method: None,
        other: Vec::new(),
    };
    for child in item.children {
        let concept = child.concept.as_ref();
        match &child.value {
            ContentValue::Code(code) if DERIVATION.is(concept) => {
                measurement.derivation = Some(code.clone());
            }
            ContentValue::Code(code) if METHOD.is(concept) => {
                measurement.method = Some(code.clone());
            }
            _ => measurement.other.push(child),
        }
    }
    Ok(measurement)
}

fn evaluation(item: &ContentItem) -> Option<Evaluation> {
    let value = match &item.value {
        ContentValue::Code(code) => EvaluationValue::Code(code.clone()),
        ContentValue::Text(text) => EvaluationValue::Text(text.clone()),
        _ => return None,
    };
    // What stands below would be lost.
    item.children.is_empty().then_some(())?;
    let concept = item.concept.clone()?;
    Some(Evaluation { concept, value })
}
