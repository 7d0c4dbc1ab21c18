//! Reports of measurements, written, read back and judged.

use medio::dicom::{
    self, ContentItem, ContentValue, Dataset, FindingSite, Graphic, GroupKind, Measurement,
    MeasurementGroup, MeasurementReport, Observer, Region, Relationship, SegmentReference, Source,
    StructuredReport, Tag, codes,
};
use medio::medcore::{Lps, Point};
use serde_json::json;

use crate::judge::{Place, validate};
use crate::series::{COLUMNS, Lie, ROWS, creation, read};

/// What a report needs to know of a segmentation of the series.
fn segmentation(source: &Source) -> Dataset {
    let mut segmentation = Dataset::new();
    let study = source.header().string(Tag::STUDY_INSTANCE_UID).unwrap();
    for (tag, text) in [
        (Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.66.4"),
        (Tag::SOP_INSTANCE_UID, "2.25.81"),
        (Tag::STUDY_INSTANCE_UID, &study),
        (Tag::SERIES_INSTANCE_UID, "2.25.82"),
    ] {
        segmentation.set_text(tag, text).unwrap();
    }
    let mut series = Dataset::new();
    let uid = source.series_uid();
    series.set_text(Tag::SERIES_INSTANCE_UID, uid).unwrap();
    segmentation.set_items(Tag::REFERENCED_SERIES_SEQUENCE, vec![series]);
    segmentation
}

/// Places in the patient of three corners of a plane, closed, in the precision of files.
fn corners(source: &Source, k: usize) -> Vec<Point<Lps>> {
    let (last_row, last_column) = (ROWS as f64 - 1.0, COLUMNS as f64 - 1.0);
    let corners = [[0.0, 0.0], [0.0, last_column], [last_row, 0.0], [0.0, 0.0]];
    let place = |[row, column]: [f64; 2]| [k as f64, row, column];
    { corners.into_iter() }
        .map(|corner| {
            source
                .geometry()
                .index_to_world(place(corner))
                .coordinates()
        })
        .map(|place| place.map(|v| f64::from(v as f32)))
        .map(|[x, y, z]| Point::new(x, y, z))
        .collect()
}

fn report(source: &Source) -> MeasurementReport {
    let segmentation = segmentation(source);
    let segment = SegmentReference::of(&segmentation, 2).unwrap();
    let frame = SegmentReference::frame(&segmentation, 3, &source.frames()[1]).unwrap();
    let third = 1.0 / 3.0;
    let organ = MeasurementGroup::volume(Region::Segment(segment))
        .tracking("Foie n° 1", "2.25.91")
        .category(codes::ANATOMICAL_STRUCTURE)
        .finding(codes::LIVER)
        .site(FindingSite {
            laterality: Some(codes::RIGHT),
            ..codes::LIVER.into()
        })
        .algorithm("organs", "1.0")
        .measure(codes::VOLUME, 1234.5, codes::CUBIC_MILLIMETRE)
        .measurement_of(
            Measurement::new(
                codes::ATTENUATION_COEFFICIENT,
                -100.0 * third,
                codes::HOUNSFIELD_UNIT,
            )
            .derivation(codes::MEAN),
        )
        .evaluate(codes::LESION, codes::ABSENT);
    let plane = MeasurementGroup::plane(Region::Segment(frame))
        .tracking("plane", "2.25.92")
        .measure(codes::AREA, 1e-7, codes::SQUARE_MILLIMETRE);
    let outline = MeasurementGroup::plane(Region::Image {
        graphic: Graphic::Polyline,
        points: vec![[0.5, 0.5], [12.5, 0.5], [12.5, 10.25], [0.5, 0.5]],
        image: (&source.frames()[2]).into(),
    })
    .tracking("outline", "2.25.93")
    .finding(codes::NODULE)
    .measure(codes::LONG_AXIS, 6.0, codes::MILLIMETRE);
    let patch = MeasurementGroup::plane(Region::Patient {
        graphic: Graphic::Polygon,
        points: corners(source, 1),
        frame_of_reference: source.frame_of_reference().unwrap(),
    })
    .tracking("patch", "2.25.94")
    .measure(codes::AREA, 1e12 / 7.0, codes::SQUARE_MILLIMETRE);
    let whole = MeasurementGroup::new(GroupKind::General)
        .tracking("whole", "2.25.95")
        .measure(codes::PROBABILITY, 0.1, codes::NO_UNITS)
        .evaluate(codes::HEMORRHAGE, codes::PRESENT);
    MeasurementReport::new(source)
        .observer(Observer::device("2.25.99", "organs"))
        .observer(Observer::person("Doe^Jane"))
        .procedure(codes::COMPUTED_TOMOGRAPHY)
        .refers_to(&segmentation)
        .unwrap()
        .group(organ)
        .group(plane)
        .group(outline)
        .group(patch)
        .group(whole)
}

fn expected(report: &MeasurementReport) -> serde_json::Value {
    let groups = report.groups.iter().map(|group| {
        let region = match group.regions.first() {
            None => json!(null),
            Some(Region::Segment(segment)) => json!({
                "segment": segment.segment,
                "frames": segment.frames,
                "instance": segment.instance_uid,
            }),
            Some(Region::Image {
                graphic,
                points,
                image,
            }) => json!({
                "graphic": graphic.term(), "points": points, "image": image.instance_uid,
            }),
            Some(Region::Patient {
                graphic,
                points,
                frame_of_reference,
            }) => json!({
                "graphic": graphic.term(),
                "points": points.iter().map(|p| p.coordinates()).collect::<Vec<_>>(),
                "frame_of_reference": frame_of_reference,
            }),
            other => panic!("{other:?}"),
        };
        json!({
            "kind": format!("{:?}", group.kind),
            "tracking": [group.tracking_id, group.tracking_uid],
            "finding": group.finding.as_ref().map(|code| &code.value),
            "sites": group.sites.iter().map(|site| &site.site.value).collect::<Vec<_>>(),
            "region": region,
            "measurements": group.measurements.iter().map(|m| {
                let (value, unit) = m.value.as_ref().unwrap();
                json!([m.concept.value, value, unit.value, m.derivation.as_ref().map(|d| &d.value)])
            }).collect::<Vec<_>>(),
            "evaluations": group.evaluations.iter().map(|evaluation| {
                json!([evaluation.concept.value, format!("{:?}", evaluation.value).split('"').nth(1)])
            }).collect::<Vec<_>>(),
        })
    });
    json!({ "groups": groups.collect::<Vec<_>>() })
}

#[test]
fn a_report_comes_back_as_it_was_written() {
    for lie in Lie::ALL {
        let place = Place::of(&format!("measurement-report-{}", lie.name()));
        let (_, source) = read(&place.path().join("ct"), lie);
        let report = report(&source);
        let path = place.path().join("report.dcm");
        report.write(&path, &creation("report")).unwrap();
        validate(&path);
        place.expect(&expected(&report));
        // Many readers look for the character set at the top only.
        let bytes = std::fs::read(&path).unwrap();
        let character_sets = bytes.windows(6).filter(|b| b == b"\x08\0\x05\0CS");
        assert_eq!(character_sets.count(), 1);
        let again = MeasurementReport::read(&path).unwrap();
        assert_eq!(again.groups, report.groups);
        assert_eq!(again.observers, report.observers);
        assert_eq!(again.procedures, report.procedures);
        assert_eq!((again.title.clone(), again.other.len()), (report.title, 0));
        assert_eq!(again.evidence.len(), 6);
        assert_eq!(
            again.header().string(Tag::PATIENT_ID).as_deref(),
            Some("P7")
        );
        // A report that was read can be written again.
        let second = place.path().join("again.dcm");
        again.write(&second, &creation("again")).unwrap();
        validate(&second);
        let third = MeasurementReport::read(&second).unwrap();
        assert_eq!(
            (third.groups, third.evidence),
            (again.groups, again.evidence)
        );
    }
}

#[test]
fn what_is_not_named_gets_a_name() {
    let place = Place::of("measurement-report-unnamed");
    let (_, source) = read(&place.path().join("ct"), Lie::Axial);
    let group = MeasurementGroup::new(GroupKind::General);
    let group = group.measure(codes::VOLUME, 2.0, codes::MILLILITRE);
    let report = MeasurementReport::new(&source).group(group);
    let path = place.path().join("report.dcm");
    report.write(&path, &creation("unnamed")).unwrap();
    validate(&path);
    place.expect(&json!({ "groups": null }));
    let again = MeasurementReport::read(&path).unwrap();
    let [group] = again.groups.as_slice() else {
        panic!("{again:?}")
    };
    assert_eq!(group.tracking_id.as_deref(), Some("Measurement group 1"));
    assert!(group.tracking_uid.as_ref().unwrap().starts_with("2.25."));
    let Some(Observer::Device(device)) = again.observers.first() else {
        panic!("{again:?}")
    };
    assert_eq!(device.name.as_deref(), Some("medio"));
}

#[test]
fn what_breaks_the_template_is_not_written() {
    let place = Place::of("measurement-report-refused");
    let (_, source) = read(&place.path().join("ct"), Lie::Axial);
    let path = place.path().join("report.dcm");
    let refused = |report: &MeasurementReport, words: &str| {
        let error = report.write(&path, &creation("refused")).unwrap_err();
        assert!(error.to_string().contains(words), "{error}");
        assert!(!path.exists());
    };
    let empty = MeasurementReport::new(&source);
    refused(&empty, "an empty report");
    let segmentation = segmentation(&source);
    let segment = || Region::Segment(SegmentReference::of(&segmentation, 1).unwrap());
    let with = |group| MeasurementReport::new(&source).group(group);
    refused(&with(MeasurementGroup::volume(segment())), "evidence");
    refused(
        &with(MeasurementGroup::new(GroupKind::Volumetric)),
        "0 regions",
    );
    refused(
        &with(MeasurementGroup::new(GroupKind::General).region(segment())),
        "1 regions",
    );
    refused(
        &with(MeasurementGroup::plane(segment())),
        "ReferencedFrameNumber",
    );
    let endless = MeasurementGroup::new(GroupKind::General);
    let endless = endless.measure(codes::VOLUME, f64::NAN, codes::MILLILITRE);
    refused(&with(endless), "finite");
    let open = Region::Image {
        graphic: Graphic::Ellipse,
        points: vec![[0.0; 2]; 3],
        image: (&source.frames()[0]).into(),
    };
    refused(&with(MeasurementGroup::plane(open)), "four points");
}

#[test]
fn every_kind_of_item_goes_through_a_file() {
    let place = Place::of("structured-report");
    let (_, source) = read(&place.path().join("ct"), Lie::Axial);
    let note = || dicom::Code::dcm("121106", "Comment");
    let moment = dicom::DateTime {
        year: 2025,
        month: Some(2),
        day: Some(3),
        time: Some(dicom::Time {
            hour: 4,
            minute: Some(5),
            second: None,
            microsecond: 0,
        }),
        offset_minutes: Some(-330),
    };
    let image = ContentValue::Image((&source.frames()[0]).into());
    let values = [
        ContentValue::Text("  größer\r\nals 2 \\ 3".into()),
        ContentValue::Code(codes::LEFT),
        ContentValue::Number {
            measured: None,
            qualifier: Some(dicom::Code::dcm("114006", "Measurement failure")),
        },
        ContentValue::DateTime(moment),
        ContentValue::Date(dicom::Date {
            year: 1999,
            month: 12,
            day: 31,
        }),
        ContentValue::Time(moment.time.unwrap()),
        ContentValue::PersonName("山田^太郎".into()),
        ContentValue::Uid("2.25.5".into()),
        image.clone(),
        ContentValue::Composite {
            class_uid: "1.2.840.10008.5.1.4.1.1.2".into(),
            instance_uid: "2.25.704".into(),
        },
        ContentValue::Coordinates3d {
            graphic: Graphic::Ellipsoid,
            points: (0..6)
                .map(|i| Point::new(f64::from(i), 0.5, -1.0))
                .collect(),
            frame_of_reference: "2.25.73".into(),
        },
    ];
    let mut root = ContentItem::container(dicom::Code::dcm("121070", "Findings"));
    for value in values {
        root.push(Relationship::Contains, ContentItem::new(note(), value));
    }
    let circle = ContentItem::new(
        note(),
        ContentValue::Coordinates {
            graphic: Graphic::Circle,
            points: vec![[1.5, 2.5], [3.25, 2.5]],
        },
    );
    let number = ContentItem::number(codes::DIAMETER, 0.1 + 0.2, codes::MILLIMETRE);
    let below = circle.with(Relationship::SelectedFrom, ContentItem::new(note(), image));
    root.push(
        Relationship::Contains,
        number.with(Relationship::InferredFrom, below),
    );
    let reference = ContentItem {
        concept: None,
        ..ContentItem::new(note(), ContentValue::Reference(vec![1, 12]))
    };
    let holder = ContentItem::text(note(), "see there");
    root.push(
        Relationship::Contains,
        holder.with(Relationship::InferredFrom, reference),
    );
    let report = StructuredReport::new(source.header(), root).examined(&source);
    let path = place.path().join("report.dcm");
    report.write(&path, &creation("items")).unwrap();
    place.expect(&json!({ "groups": null }));
    let again = StructuredReport::read(&path).unwrap();
    assert_eq!(again.root, report.root);
    assert_eq!(again.evidence, report.evidence);
}

#[test]
fn nesting_is_bounded_by_the_budget_and_uses_no_stack() {
    let deep = |levels: usize| {
        let mut tree = ContentItem::container(codes::ORGAN);
        for _ in 1..levels {
            tree = ContentItem::container(codes::ORGAN).with(Relationship::Contains, tree);
        }
        let mut study = Dataset::new();
        study.set_text(Tag::STUDY_INSTANCE_UID, "2.25.1").unwrap();
        StructuredReport::new(&study, tree)
    };
    let run = move || {
        for (levels, fits) in [(60, true), (70, false), (400, false)] {
            let dataset = deep(levels).to_dataset(&creation("deep")).unwrap();
            let read = StructuredReport::of(&dataset);
            assert_eq!(read.is_ok(), fits, "{levels} levels: {read:?}");
        }
    };
    let thread = std::thread::Builder::new().stack_size(512 << 10).spawn(run);
    thread.unwrap().join().unwrap();
}
