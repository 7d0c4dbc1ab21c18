//! Reports, maps and presentation states by highdicom and dcmqi (`derived.py`): read as they were meant.

use std::path::Path;

use medio::dicom::{
    self, EvaluationValue, FigureKind, Graphic, GroupKind, MeasurementReport, Observer,
    ParametricMap, PresentationSize, PresentationState, ReadOptions, Region, SegmentSource,
    StructuredReport, Tag, codes,
};
use safetensors::SafeTensors;
use serde_json::Value;

struct Case {
    file: Vec<u8>,
    expected: Value,
}

fn case(name: &str) -> Case {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let bytes = std::fs::read(folder.join("derived.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let tensor = |part: &str| tensors.tensor(&format!("{name}.{part}")).unwrap();
    Case {
        file: tensor("file").data().to_vec(),
        expected: serde_json::from_slice(tensor("expected").data()).unwrap(),
    }
}

fn report(name: &str) -> MeasurementReport {
    let case = case(name);
    let file = dicom::decode(case.file, &ReadOptions::new()).unwrap();
    let document = StructuredReport::of_file(&file).unwrap();
    let report = MeasurementReport::of(document).unwrap();
    let found = report.groups.iter().map(|group| {
        let numbers = group
            .measurements
            .iter()
            .map(|m| m.value.as_ref().unwrap().0);
        serde_json::json!([
            format!("{:?}", group.kind),
            group.tracking_id,
            numbers.collect::<Vec<f64>>()
        ])
    });
    assert_eq!(
        case.expected["groups"],
        Value::Array(found.collect()),
        "{name}"
    );
    report
}

#[test]
fn a_report_of_highdicom_is_read_as_it_was_meant() {
    let report = report("report highdicom");
    let [Observer::Person(person), Observer::Device(device)] = report.observers.as_slice() else {
        panic!("{:?}", report.observers)
    };
    assert_eq!(
        (person.name.as_str(), person.organization.as_deref()),
        ("Doe^Jane", Some("Clinic"))
    );
    assert_eq!(
        (device.uid.as_str(), device.name.as_deref()),
        ("2.25.71", Some("observer"))
    );
    assert_eq!(
        (report.language.value.as_ref(), report.procedures.len()),
        ("en-US", 1)
    );
    // The image library is kept as it is.
    let kept: Vec<_> = report
        .other
        .iter()
        .map(|item| item.concept.clone().unwrap())
        .collect();
    assert_eq!(
        kept.iter()
            .map(|code| code.value.as_ref())
            .collect::<Vec<_>>(),
        ["111028"]
    );
    assert_eq!(report.evidence.len(), 4);
    let [volume, outline, frame, patch, whole] = report.groups.as_slice() else {
        panic!("{:?}", report.groups)
    };
    let [Region::Segment(segment)] = volume.regions.as_slice() else {
        panic!("{:?}", volume.regions)
    };
    assert_eq!(
        (segment.segment, segment.instance_uid.as_str()),
        (Some(1), "2.25.62")
    );
    assert_eq!(segment.source, SegmentSource::Series("2.25.52".into()));
    assert!(volume.finding.as_ref().unwrap().is(&codes::LIVER));
    assert_eq!(volume.category.as_ref().unwrap().value, "91723000");
    assert!(
        volume.sites[0]
            .laterality
            .as_ref()
            .unwrap()
            .is(&codes::RIGHT)
    );
    assert_eq!(volume.algorithm, Some(["organs".into(), "1.0".into()]));
    let [_, mean] = volume.measurements.as_slice() else {
        panic!("{:?}", volume.measurements)
    };
    assert!(mean.derivation.as_ref().unwrap().is(&codes::MEAN));
    assert_eq!(mean.method.as_ref().unwrap().value, "126410");
    assert!(mean.value.as_ref().unwrap().1.is(&codes::HOUNSFIELD_UNIT));
    let [evaluation] = volume.evaluations.as_slice() else {
        panic!("{:?}", volume.evaluations)
    };
    assert!(matches!(&evaluation.value, EvaluationValue::Code(code) if code.is(&codes::ABSENT)));
    let [
        Region::Image {
            graphic,
            points,
            image,
        },
    ] = outline.regions.as_slice()
    else {
        panic!("{:?}", outline.regions)
    };
    assert_eq!(
        (*graphic, points.len(), points[2]),
        (Graphic::Polyline, 4, [3.0, 3.0])
    );
    assert_eq!(image.instance_uid, "2.25.501");
    // What stands below a number and is not modelled is kept.
    assert_eq!(outline.measurements[0].other.len(), 2);
    let [Region::Segment(segment)] = frame.regions.as_slice() else {
        panic!("{:?}", frame.regions)
    };
    assert_eq!(
        (segment.segment, segment.frames.as_slice()),
        (Some(1), [1].as_slice())
    );
    let [
        Region::Patient {
            points,
            frame_of_reference,
            ..
        },
    ] = patch.regions.as_slice()
    else {
        panic!("{:?}", patch.regions)
    };
    assert_eq!(
        (points[2].coordinates(), frame_of_reference.as_str()),
        ([1.5, 2.25, 0.0], "2.25.53")
    );
    assert_eq!((whole.kind, whole.other.len()), (GroupKind::General, 1));
}

#[test]
fn a_report_of_dcmqi_is_read_as_it_was_meant() {
    let report = report("report dcmqi");
    let [Observer::Person(person)] = report.observers.as_slice() else {
        panic!("{:?}", report.observers)
    };
    assert_eq!(person.name, "Reader1");
    let [group] = report.groups.as_slice() else {
        panic!("{:?}", report.groups)
    };
    assert_eq!(
        group.measurement(&codes::VOLUME),
        Some((1234.5, &codes::CUBIC_MILLIMETRE))
    );
    assert!(group.finding.as_ref().unwrap().is(&codes::LIVER));
    assert_eq!(group.sites[0].site.meaning, "Abdomen");
    // Session and time point are kept.
    assert_eq!(group.other.len(), 2);
}

#[test]
fn what_was_read_can_be_written_again() {
    for name in ["report highdicom", "report dcmqi"] {
        let report = report(name);
        let creation = dicom::Creation::now().unwrap();
        let document = report.to_document(&creation).unwrap();
        let dataset = document.to_dataset(&creation).unwrap();
        let again = MeasurementReport::of(StructuredReport::of(&dataset).unwrap()).unwrap();
        let mut groups = report.groups.clone();
        for region in groups.iter_mut().flat_map(|group| &mut group.regions) {
            if let Region::Segment(segment) = region
                && !segment.frames.is_empty()
            {
                segment.segment = None;
            }
        }
        assert_eq!(again.groups, groups, "{name}");
        assert_eq!(again.other, report.other, "{name}");
        assert_eq!(again.evidence.len(), report.evidence.len(), "{name}");
    }
}

#[test]
fn maps_of_highdicom_come_onto_their_grids() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["map float32", "map float64", "map uint16"] {
        let case = case(name);
        let path = folder.path().join("map.dcm");
        std::fs::write(&path, &case.file).unwrap();
        let map = ParametricMap::<f64>::read(&path).unwrap();
        assert_eq!(map.image.shape(), [3, 4, 5]);
        let values = serde_json::json!(map.image.as_slice());
        assert_eq!(values, case.expected["values"], "{name}");
        let origin = serde_json::json!(map.image.geometry().origin().coordinates());
        assert_eq!(origin, case.expected["position"], "{name}");
        let spacing = map.image.geometry().spacing();
        assert!({ spacing.iter().zip([2.0, 0.75, 0.5]) }.all(|(a, b)| (a - b).abs() < 1e-6));
        assert_eq!(map.unit.value, "mm2/s");
        assert!(
            map.quantity
                .unwrap()
                .is(&codes::APPARENT_DIFFUSION_COEFFICIENT)
        );
        assert_eq!(map.label, "ADC");
    }
}

#[test]
fn a_state_of_highdicom_is_read_as_it_was_meant() {
    let file = dicom::decode(case("state highdicom").file, &ReadOptions::new()).unwrap();
    let state = PresentationState::of(file.dataset()).unwrap();
    assert_eq!(
        (state.label.as_str(), state.description.as_str()),
        ("STATE", "lines and texts")
    );
    assert_eq!(state.series[0].images.len(), 3);
    assert_eq!(state.rescale, Some((1.0, -1024.0, "HU".into())));
    let area = &state.displayed_areas[0];
    assert_eq!((area.top_left, area.bottom_right), ([1, 1], [5, 4]));
    assert_eq!(area.size, PresentationSize::ScaleToFit);
    let window = &state.voi[0].voi.windows[0];
    assert_eq!((window.center, window.width), (40.0, 400.0));
    assert_eq!(window.explanation.as_deref(), Some("soft tissue"));
    let [lines, texts] = state.layers.as_slice() else {
        panic!("{:?}", state.layers)
    };
    assert_eq!(
        (lines.order, lines.description.as_str()),
        (Some(2), "found")
    );
    assert_eq!(texts.name, "TEXTS");
    let [drawn, written] = state.annotations.as_slice() else {
        panic!("{:?}", state.annotations)
    };
    assert_eq!((drawn.layer.as_str(), drawn.images.len()), ("LINES", 1));
    let [ellipse, line] = drawn.figures.as_slice() else {
        panic!("{:?}", drawn.figures)
    };
    assert_eq!((ellipse.kind, ellipse.filled), (FigureKind::Ellipse, true));
    assert_eq!(ellipse.points[2], [2.5, 0.5]);
    assert_eq!(line.points, [[0.5, 0.5], [4.25, 3.75]]);
    let [boxed, anchored] = written.texts.as_slice() else {
        panic!("{:?}", written.texts)
    };
    assert_eq!(boxed.bounds.unwrap().bottom_right, [0.5, 0.75]);
    assert_eq!(anchored.anchor.unwrap().0, [1.5, 2.5]);
    assert!(anchored.anchor_visible);
    let patient = state.header().string(Tag::PATIENT_ID);
    assert_eq!(patient.as_deref(), Some("P8"));
}
