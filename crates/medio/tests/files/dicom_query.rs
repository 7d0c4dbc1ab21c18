//! A study of six series, of which a query chooses one and says why it is not the others.

use medio::Error;
use medio::dicom::{
    AnatomicalPlane, Preference, Reason, Scan, SeriesFault, SeriesQuery, Tag, TextPattern, Vr,
    Within,
};

use super::dicom_series::{Spec, axial, folder, scan};

const AXIAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0];
const CORONAL: [f64; 6] = [1.0, 0.0, 0.0, 0.0, 0.0, -1.0];

/// One series.
struct Kind {
    number: u16,
    name: &'static str,
    modality: &'static str,
    image_type: &'static str,
    kernel: &'static str,
    thickness: f64,
    spacing: f64,
    slices: u16,
    orientation: [f64; 6],
}

const PLAIN: Kind = Kind {
    number: 2,
    name: "Abdomen 5.0 B30",
    modality: "CT",
    image_type: "ORIGINAL\\PRIMARY\\AXIAL",
    kernel: "B30f",
    thickness: 5.0,
    spacing: 5.0,
    slices: 6,
    orientation: AXIAL,
};

const SIX: [Kind; 6] = [
    Kind {
        number: 1,
        name: "Topogram",
        image_type: "ORIGINAL\\PRIMARY\\LOCALIZER",
        slices: 1,
        orientation: CORONAL,
        kernel: "T20f",
        ..PLAIN
    },
    PLAIN,
    Kind {
        number: 3,
        name: "Abdomen 1.5 B30",
        thickness: 1.5,
        spacing: 1.0,
        slices: 9,
        ..PLAIN
    },
    Kind {
        number: 4,
        name: "Abdomen cor",
        image_type: "DERIVED\\SECONDARY\\REFORMATTED",
        thickness: 3.0,
        spacing: 3.0,
        orientation: CORONAL,
        ..PLAIN
    },
    Kind {
        number: 5,
        name: "Abdomen 1.5 B70",
        kernel: "B70f",
        thickness: 1.5,
        spacing: 1.0,
        slices: 9,
        ..PLAIN
    },
    Kind {
        number: 6,
        name: "t2 haste",
        modality: "MR",
        kernel: "",
        thickness: 4.0,
        slices: 7,
        ..PLAIN
    },
];

fn slices(kind: &Kind) -> Vec<Spec> {
    let [_, _, _, _, y, _] = kind.orientation;
    (0..kind.slices)
        .map(|k| {
            let at = kind.spacing * f64::from(k);
            let place = if y == 1.0 {
                [0.0, 0.0, at]
            } else {
                [0.0, at, 0.0]
            };
            let slice = Spec {
                position: place,
                orientation: kind.orientation,
                uid: format!("1.2.{}.{k}", kind.number),
                ..axial(k, 0.0)
            };
            slice
                .with(
                    Tag::SERIES_INSTANCE_UID,
                    Vr::UI,
                    format!("1.2.3.{}", kind.number),
                )
                .with(Tag::SERIES_NUMBER, Vr::IS, kind.number)
                .with(Tag::SERIES_DESCRIPTION, Vr::LO, kind.name)
                .with(Tag::MODALITY, Vr::CS, kind.modality)
                .with(Tag::IMAGE_TYPE, Vr::CS, kind.image_type)
                .with(Tag::CONVOLUTION_KERNEL, Vr::SH, kind.kernel)
                .with(Tag::SLICE_THICKNESS, Vr::DS, kind.thickness)
                .with(Tag::BODY_PART_EXAMINED, Vr::CS, "ABDOMEN")
        })
        .collect()
}

/// The folder goes when the test ends; the scan keeps what it has read.
fn study() -> Scan {
    let all: Vec<Spec> = SIX.iter().flat_map(slices).collect();
    scan(folder(&all).path())
}

fn chosen(scan: &Scan, query: &SeriesQuery) -> i64 {
    let selection = scan.select(query).unwrap();
    assert_eq!(selection.rejected.len(), 5);
    assert_eq!(selection.chosen.series_uid, selection.series.uid);
    selection.series.number.unwrap()
}

fn fault(scan: &Scan, query: &SeriesQuery) -> (SeriesFault, String) {
    let error = scan.select(query).unwrap_err();
    let text = error.to_string();
    match error {
        Error::Series { fault, .. } => (*fault, text),
        other => panic!("{other}"),
    }
}

#[test]
fn each_series_is_chosen_by_what_only_it_is() {
    let scan = study();
    let contains = |text: &str| TextPattern::Contains(text.to_owned());
    let ct = || SeriesQuery::new().modality("CT");
    for (number, query) in [
        (1, ct().image_type("LOCALIZER")),
        (
            2,
            ct().slice_thickness(Within::new(4.0, 6.0))
                .image_type("AXIAL"),
        ),
        (
            3,
            ct().slice_spacing(Within::at_most(2.0))
                .kernel(contains("b30")),
        ),
        (4, ct().plane(AnatomicalPlane::Coronal).minimum_slices(2)),
        (
            5,
            SeriesQuery::new().kernel(TextPattern::Equals("b70F".to_owned())),
        ),
        (6, SeriesQuery::new().modality("MR")),
        (6, SeriesQuery::new().description(contains("HASTE"))),
        (4, SeriesQuery::new().series_uid("1.2.3.4")),
        (4, ct().image_type("derived")),
        (3, {
            let axial = ct()
                .plane(AnatomicalPlane::Axial)
                .without_description("b70");
            axial.prefer(Preference::ThinnestSlices)
        }),
        (
            5,
            ct().prefer(Preference::ThinnestSlices)
                .prefer(Preference::LastSeries),
        ),
        (
            3,
            ct().prefer(Preference::MostSlices)
                .prefer(Preference::FirstSeries),
        ),
        (6, SeriesQuery::new().prefer(Preference::LastSeries)),
    ] {
        assert_eq!(chosen(&scan, &query), number, "{query:?}");
    }
}

#[test]
fn what_is_ambiguous_is_an_error_with_candidates_and_rejections() {
    let scan = study();
    let query = SeriesQuery::new()
        .modality("CT")
        .plane(AnatomicalPlane::Axial)
        .slice_thickness(Within::at_most(2.0));
    let (
        SeriesFault::Ambiguous {
            candidates,
            rejected,
        },
        text,
    ) = fault(&scan, &query)
    else {
        panic!();
    };
    let numbers: Vec<_> = candidates.iter().map(|c| c.number).collect();
    assert_eq!(numbers, [Some(3), Some(5)]);
    assert_eq!(rejected.len(), 4);
    for part in [
        "2 stacks answer the query",
        "series 5 \"Abdomen 1.5 B70\", 9 AXIAL of 3 x 4",
        "series 2 \"Abdomen 5.0 B30\", 6 AXIAL of 3 x 4",
        "slice thickness must be at most 2 mm, is 5.000 mm",
        "it must be axial within 20 degrees, is turned by 90.0",
        "Modality must be \"CT\", is \"MR\"",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }
}

#[test]
fn what_nothing_answers_is_an_error_with_every_reason() {
    let scan = study();
    let query = SeriesQuery::new()
        .modality("CT")
        .contrast(true)
        .phase("PORTAL_VENOUS")
        .minimum_slices(100);
    let (SeriesFault::NoneChosen { rejected }, text) = fault(&scan, &query) else {
        panic!();
    };
    assert_eq!(rejected.len(), 6);
    let [phase, contrast, few] = &rejected[1].reasons[..] else {
        panic!("{:?}", rejected[1]);
    };
    // The description says nothing about the phase that counts.
    assert!(matches!(
        phase,
        Reason::Text {
            attribute: "ContrastBolusAgentPhase",
            found: None,
            ..
        }
    ));
    assert_eq!(contrast, &Reason::Contrast { wanted: true });
    assert_eq!(
        few,
        &Reason::TooFewSlices {
            least: 100,
            found: 6
        }
    );
    assert!(text.contains("no stack answers the query"), "{text}");
}

#[test]
fn contrast_and_phase_count_when_a_tag_says_so() {
    let mut all = slices(&PLAIN);
    let later = Kind { number: 7, ..PLAIN };
    all.extend(slices(&later).into_iter().map(|slice| {
        slice
            .with(Tag::CONTRAST_BOLUS_AGENT, Vr::LO, "IOHEXOL")
            .with(Tag::CONTRAST_BOLUS_AGENT_PHASE, Vr::CS, "PORTAL_VENOUS")
    }));
    let scan = scan(folder(&all).path());
    let number = |query: SeriesQuery| scan.select(&query).unwrap().series.number;
    assert_eq!(number(SeriesQuery::new().contrast(false)), Some(2));
    assert_eq!(number(SeriesQuery::new().contrast(true)), Some(7));
    assert_eq!(number(SeriesQuery::new().phase("portal_venous")), Some(7));
}

#[test]
fn a_tilted_stack_is_axial_within_the_degrees_that_are_allowed() {
    let (s, c) = 25.0_f64.to_radians().sin_cos();
    let slices: Vec<Spec> = (0..3)
        .map(|k| Spec {
            orientation: [1.0, 0.0, 0.0, 0.0, c, s],
            ..axial(k, 4.0 * f64::from(k))
        })
        .collect();
    let scan = scan(folder(&slices).path());
    let axial = SeriesQuery::new().plane(AnatomicalPlane::Axial);
    let (_, text) = fault(&scan, &axial);
    assert!(text.contains("turned by 25.0"), "{text}");
    assert!(scan.select(&axial.within_degrees(26.0)).is_ok());
}

#[test]
fn a_query_is_data() {
    let text = r#"{
        "modality": "CT", "plane": "axial", "kernel": {"contains": "B30"},
        "slice_thickness": {"at_most": 2.0}, "image_type": ["ORIGINAL"],
        "prefer": ["most_slices", "last_series"]
    }"#;
    let query: SeriesQuery = serde_json::from_str(text).unwrap();
    assert_eq!(chosen(&study(), &query), 3);
    let again: SeriesQuery = serde_json::from_value(serde_json::to_value(&query).unwrap()).unwrap();
    assert_eq!(again, query);
    for wrong in [
        r#"{"modalty": "CT"}"#,
        r#"{"plane": "oblique"}"#,
        r#"{"slice_thickness": {"max": 2.0}}"#,
        r#"{"kernel": {"starts": "B"}}"#,
        r#"{"prefer": ["thin"]}"#,
    ] {
        assert!(
            serde_json::from_str::<SeriesQuery>(wrong).is_err(),
            "{wrong}"
        );
    }
}
