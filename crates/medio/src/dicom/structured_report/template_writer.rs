//! A report of measurements as a tree of content items (PS3.16 TID 1500).

use std::collections::HashSet;

use super::super::derived::{Code, Uids};
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::content::{ContentItem, ContentValue, ImageReference, Relationship};
use super::measurement_group::{
    Evaluation, EvaluationValue, GroupKind, Measurement, MeasurementGroup,
};
use super::measurement_report::MeasurementReport;
use super::observer::Observer;
use super::region::{Region, SegmentReference, SegmentSource};
use super::report_codes::*;

use Relationship::{Contains, HasConceptModifier, HasObservationContext, SelectedFrom};

/// The tree of a report.
pub(super) fn tree(
    report: &MeasurementReport,
    observers: &[Observer],
    uids: &mut Uids,
) -> Result<ContentItem, Fault> {
    let mut root = templated(report.title.clone(), "1500");
    let mut language = ContentItem::code(LANGUAGE.code(), report.language.clone());
    if let Some(country) = &report.country {
        let country = ContentItem::code(COUNTRY.code(), country.clone());
        language.push(HasConceptModifier, country);
    }
    root.push(HasConceptModifier, language);
    for observer in observers {
        observe(&mut root, observer);
    }
    for procedure in &report.procedures {
        let procedure = ContentItem::code(PROCEDURE_REPORTED.code(), procedure.clone());
        root.push(HasConceptModifier, procedure);
    }
    root.children.extend(report.other.iter().cloned());
    if !report.groups.is_empty() {
        let mut measurements = ContentItem::container(IMAGING_MEASUREMENTS.code());
        for (index, group) in report.groups.iter().enumerate() {
            let number = index.saturating_add(1);
            measurements.push(Contains, group_item(group, number, uids)?);
        }
        root.push(Contains, measurements);
    }
    if !report.evaluations.is_empty() {
        let mut evaluations = ContentItem::container(QUALITATIVE_EVALUATIONS.code());
        for evaluation in &report.evaluations {
            evaluations.push(Contains, evaluation_item(evaluation));
        }
        root.push(Contains, evaluations);
    }
    if report.groups.is_empty() && report.evaluations.is_empty() {
        let rule = "filled with measurements or evaluations";
        return Err(Fault::attribute(
            Tag::CONTENT_SEQUENCE,
            rule,
            "an empty report",
        ));
    }
    Ok(root)
}

fn templated(concept: Code, template: &str) -> ContentItem {
    let value = ContentValue::Container {
        separate: true,
        template: Some(template.to_owned()),
    };
    ContentItem::new(concept, value)
}

fn observe(root: &mut ContentItem, observer: &Observer) {
    let mut push = |item| root.push(HasObservationContext, item);
    let text = |concept: Concept, text: &Option<String>, push: &mut dyn FnMut(ContentItem)| {
        if let Some(text) = text {
            push(ContentItem::text(concept.code(), text.clone()));
        }
    };
    let other = match observer {
        Observer::Device(device) => {
            push(ContentItem::code(OBSERVER_TYPE.code(), DEVICE.code()));
            push(ContentItem::uid(DEVICE_UID.code(), device.uid.clone()));
            text(DEVICE_NAME, &device.name, &mut push);
            text(DEVICE_MANUFACTURER, &device.manufacturer, &mut push);
            text(DEVICE_MODEL, &device.model, &mut push);
            text(DEVICE_SERIAL_NUMBER, &device.serial_number, &mut push);
            &device.other
        }
        Observer::Person(person) => {
            push(ContentItem::code(OBSERVER_TYPE.code(), PERSON.code()));
            let name = ContentValue::PersonName(person.name.clone());
            push(ContentItem::new(PERSON_NAME.code(), name));
            text(PERSON_ORGANIZATION, &person.organization, &mut push);
            &person.other
        }
    };
    root.children.extend(other.iter().cloned());
}

fn group_item(
    group: &MeasurementGroup,
    number: usize,
    uids: &mut Uids,
) -> Result<ContentItem, Fault> {
    check_regions(group)?;
    let mut item = templated(
        MEASUREMENT_GROUP.code(),
        match group.kind {
            GroupKind::General => "1501",
            GroupKind::Planar => "1410",
            GroupKind::Volumetric => "1411",
        },
    );
    let id = group.tracking_id.clone();
    let id = id.unwrap_or_else(|| format!("Measurement group {number}"));
    let uid = group.tracking_uid.clone();
    let uid = uid.unwrap_or_else(|| uids.next_uid());
    item.push(
        HasObservationContext,
        ContentItem::text(TRACKING_IDENTIFIER.code(), id),
    );
    item.push(
        HasObservationContext,
        ContentItem::uid(TRACKING_UID.code(), uid),
    );
    for (concept, value) in [
        (FINDING_CATEGORY, &group.category),
        (FINDING, &group.finding),
    ] {
        if let Some(value) = value {
            item.push(Contains, ContentItem::code(concept.code(), value.clone()));
        }
    }
    for region in &group.regions {
        push_region(&mut item, region, group.kind)?;
    }
    push_sources(&mut item, &group.regions);
    if let Some(method) = &group.method {
        let method = ContentItem::code(METHOD.code(), method.clone());
        item.push(HasConceptModifier, method);
    }
    for site in &group.sites {
        let mut place = ContentItem::code(FINDING_SITE.code(), site.site.clone());
        for (concept, value) in [
            (LATERALITY, &site.laterality),
            (SITE_MODIFIER, &site.modifier),
        ] {
            if let Some(value) = value {
                let part = ContentItem::code(concept.code(), value.clone());
                place.push(HasConceptModifier, part);
            }
        }
        item.push(HasConceptModifier, place);
    }
    if let Some([name, version]) = &group.algorithm {
        for (concept, text) in [(ALGORITHM_NAME, name), (ALGORITHM_VERSION, version)] {
            let text = ContentItem::text(concept.code(), text.clone());
            item.push(HasConceptModifier, text);
        }
    }
    item.children.extend(group.other.iter().cloned());
    for measurement in &group.measurements {
        item.push(Contains, measurement_item(measurement));
    }
    for evaluation in &group.evaluations {
        item.push(Contains, evaluation_item(evaluation));
    }
    Ok(item)
}

fn check_regions(group: &MeasurementGroup) -> Result<(), Fault> {
    let (fits, rule) = match group.kind {
        GroupKind::General => (group.regions.is_empty(), "no region of a general group"),
        GroupKind::Planar => (group.regions.len() == 1, "one region of a planar group"),
        GroupKind::Volumetric => (
            !group.regions.is_empty(),
            "a region or more of a volumetric group",
        ),
    };
    fits.then_some(()).ok_or_else(|| {
        let found = format_args!("{} regions", group.regions.len());
        Fault::attribute(Tag::CONTENT_SEQUENCE, rule, found)
    })
}

fn push_region(group: &mut ContentItem, region: &Region, kind: GroupKind) -> Result<(), Fault> {
    match region {
        Region::Segment(segment) => return push_segment(group, segment, kind),
        Region::Image {
            graphic,
            points,
            image,
        } => {
            let value = ContentValue::Coordinates {
                graphic: *graphic,
                points: points.clone(),
            };
            let source = nameless(ContentValue::Image(image.clone()));
            let outline = ContentItem::new(IMAGE_REGION.code(), value);
            group.push(Contains, outline.with(SelectedFrom, source));
        }
        Region::Patient {
            graphic,
            points,
            frame_of_reference,
        }
        | Region::Surface {
            graphic,
            points,
            frame_of_reference,
        } => {
            let concept = match region {
                Region::Surface { .. } => VOLUME_SURFACE,
                _ => IMAGE_REGION,
            };
            let value = ContentValue::Coordinates3d {
                graphic: *graphic,
                points: points.clone(),
                frame_of_reference: frame_of_reference.clone(),
            };
            group.push(Contains, ContentItem::new(concept.code(), value));
        }
    }
    Ok(())
}

fn push_segment(
    group: &mut ContentItem,
    segment: &SegmentReference,
    kind: GroupKind,
) -> Result<(), Fault> {
    let concept = match kind {
        GroupKind::Planar => REFERENCED_SEGMENTATION_FRAME,
        _ => REFERENCED_SEGMENT,
    };
    let one_image = matches!(&segment.source, SegmentSource::Images(images) if images.len() == 1);
    if kind == GroupKind::Planar && (segment.frames.is_empty() || !one_image) {
        let rule = "given with its image for a segment of a planar group";
        let found = format_args!("{:?} of {:?}", segment.frames, segment.source);
        return Err(Fault::attribute(Tag::REFERENCED_FRAME_NUMBER, rule, found));
    }
    let image = ContentValue::Image(ImageReference {
        class_uid: segment.class_uid.clone(),
        instance_uid: segment.instance_uid.clone(),
        frames: segment.frames.clone(),
        segments: match segment.frames.is_empty() {
            true => segment.segment.into_iter().collect(),
            false => Vec::new(),
        },
    });
    group.push(Contains, ContentItem::new(concept.code(), image));
    Ok(())
}

/// What was segmented, each series or image once.
fn push_sources(group: &mut ContentItem, regions: &[Region]) {
    let mut known = HashSet::new();
    let segments = regions.iter().filter_map(|region| match region {
        Region::Segment(segment) => Some(segment),
        _ => None,
    });
    for segment in segments {
        match &segment.source {
            SegmentSource::Series(uid) if known.insert(uid) => {
                let uid = ContentItem::uid(SOURCE_SERIES.code(), uid.clone());
                group.push(Contains, uid);
            }
            SegmentSource::Series(_) => {}
            SegmentSource::Images(images) => {
                for image in images
                    .iter()
                    .filter(|image| known.insert(&image.instance_uid))
                {
                    let image = ContentValue::Image(image.clone());
                    group.push(Contains, ContentItem::new(SOURCE_IMAGE.code(), image));
                }
            }
        }
    }
}

fn nameless(value: ContentValue) -> ContentItem {
    ContentItem {
        concept: None,
        ..ContentItem::new(Code::new("", "", ""), value)
    }
}

fn measurement_item(measurement: &Measurement) -> ContentItem {
    let value = ContentValue::Number {
        measured: measurement.value.clone(),
        qualifier: measurement.qualifier.clone(),
    };
    let mut item = ContentItem::new(measurement.concept.clone(), value);
    for (concept, value) in [
        (METHOD, &measurement.method),
        (DERIVATION, &measurement.derivation),
    ] {
        if let Some(value) = value {
            let part = ContentItem::code(concept.code(), value.clone());
            item.push(HasConceptModifier, part);
        }
    }
    item.children.extend(measurement.other.iter().cloned());
    item
}

fn evaluation_item(evaluation: &Evaluation) -> ContentItem {
    let concept = evaluation.concept.clone();
    match &evaluation.value {
        EvaluationValue::Code(code) => ContentItem::code(concept, code.clone()),
        EvaluationValue::Text(text) => ContentItem::text(concept, text.clone()),
    }
}
