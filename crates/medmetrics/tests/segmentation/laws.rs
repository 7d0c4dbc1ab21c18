//! What must hold for any two masks.

use medcore::random::Key;
use medcore::{Calibration, Geometry, LabelMap, Region};
use medmetrics::{
    AverageRule, Convention, EmptyCase, Error, Evaluation, HdRule, Measure, Reason, Report,
    Structure, SurfaceDiceRule, SurfaceDistances, SurfaceModel,
};
use proptest::prelude::*;

const SHAPE: [usize; 3] = [4, 6, 9];

fn map(spacing: [f64; 3], labels: Vec<u8>) -> LabelMap<u8, 3> {
    LabelMap::new(Geometry::axis_aligned(SHAPE, spacing).unwrap(), labels).unwrap()
}

fn labels() -> impl Strategy<Value = Vec<u8>> {
    let sparse = prop::collection::vec(prop::sample::select(vec![0u8, 0, 0, 0, 1]), 216);
    let dense = prop::collection::vec(0u8..2, 216);
    prop_oneof![sparse, dense].prop_filter("some voxel", |v| v.contains(&1))
}

/// The definition, without a box, a search or a transform.
fn directed(from: &[u8], to: &[u8], spacing: [f64; 3]) -> Vec<f64> {
    let index = |i: usize| [i / 54, i / 9 % 6, i % 9];
    let surface = |mask: &[u8]| -> Vec<[usize; 3]> {
        (0..216)
            .filter(|&i| mask[i] == 1)
            .map(index)
            .filter(|&at| {
                (0..3).any(|a| {
                    [-1isize, 1].into_iter().any(|step| {
                        let moved = at[a] as isize + step;
                        if !(0..SHAPE[a] as isize).contains(&moved) {
                            return true;
                        }
                        let mut other = at;
                        other[a] = moved as usize;
                        mask[(other[0] * 6 + other[1]) * 9 + other[2]] == 0
                    })
                })
            })
            .collect()
    };
    let targets = surface(to);
    let mut distances: Vec<f64> = surface(from)
        .into_iter()
        .map(|p| {
            let to_point = |q: &[usize; 3]| {
                (0..3)
                    .map(|a| ((p[a] as f64 - q[a] as f64) * spacing[a]).powi(2))
                    .sum::<f64>()
            };
            targets
                .iter()
                .map(to_point)
                .fold(f64::INFINITY, f64::min)
                .sqrt()
        })
        .collect();
    distances.sort_unstable_by(f64::total_cmp);
    distances
}

proptest! {
    #[test]
    fn distances_agree_with_their_definition(
        a in labels(),
        b in labels(),
        spacing in prop::array::uniform3(0.3f64..4.0),
    ) {
        let (r, p) = (map(spacing, a.clone()), map(spacing, b.clone()));
        let found = SurfaceDistances::between(&r, &p, &[1], SurfaceModel::VoxelErode).unwrap();
        for (got, want) in [
            (found.from_reference(), directed(&a, &b, spacing)),
            (found.from_prediction(), directed(&b, &a, spacing)),
        ] {
            prop_assert_eq!(got.len(), want.len());
            for (got, want) in got.iter().zip(want) {
                prop_assert!((f64::from(*got) - want).abs() <= 1e-5 * want.max(1.0));
            }
        }
    }

    #[test]
    fn measures_do_not_care_which_map_is_the_reference(a in labels(), b in labels()) {
        let (r, p) = (map([3.0, 0.7, 1.1], a), map([3.0, 0.7, 1.1], b));
        for model in [SurfaceModel::VoxelErode, SurfaceModel::DualGrid] {
            let one = SurfaceDistances::between(&r, &p, &[1], model).unwrap();
            let two = SurfaceDistances::between(&p, &r, &[1], model).unwrap();
            prop_assert_eq!(one.hausdorff(), two.hausdorff());
            for rule in [HdRule::MaxOfDirected, HdRule::Pooled] {
                prop_assert_eq!(one.hausdorff_percentile(95.0, rule), two.hausdorff_percentile(95.0, rule));
            }
            prop_assert_eq!(one.average(AverageRule::FromReference), two.average(AverageRule::FromPrediction));
            let dice = one.surface_dice(1.0, SurfaceDiceRule::Pooled).unwrap();
            prop_assert!((0.0..=1.0).contains(&dice));
            prop_assert!(one.hausdorff_percentile(95.0, HdRule::MaxOfDirected) <= one.hausdorff());
        }
    }

    #[test]
    fn twice_the_spacing_doubles_every_distance(a in labels(), b in labels()) {
        for model in [SurfaceModel::VoxelErode, SurfaceModel::DualGrid] {
            let at = |scale: f64| {
                let spacing = [3.0 * scale, 0.7 * scale, 1.1 * scale];
                let (r, p) = (map(spacing, a.clone()), map(spacing, b.clone()));
                SurfaceDistances::between(&r, &p, &[1], model).unwrap()
            };
            let (one, two) = (at(1.0), at(2.0));
            prop_assert!((2.0 * one.hausdorff().unwrap() - two.hausdorff().unwrap()).abs() < 1e-5);
            let mean = AverageRule::Pooled;
            prop_assert!((2.0 * one.average(mean).unwrap() - two.average(mean).unwrap()).abs() < 1e-5);
        }
    }
}

/// A cohort of random cases with several organs.
fn cohort(evaluation: &Evaluation) -> Report {
    let mut report = Report::new(evaluation.clone());
    let mut random = Key::new(8).stream("cohort");
    for case in 0..4 {
        let mut draw = || {
            map(
                [2.0, 1.0, 1.5],
                (0..216).map(|_| random.below(4) as u8).collect(),
            )
        };
        report
            .push(
                evaluation
                    .case(format!("case-{case}"), &draw(), &draw())
                    .unwrap(),
            )
            .unwrap();
    }
    report
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    for convention in [Convention::Monai, Convention::DeepMind] {
        let evaluation = Evaluation::of_organs(["a", "b", "c"]).with_convention(convention);
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new()
                .num_threads(threads)
                .build()
                .unwrap();
            pool.install(|| cohort(&evaluation))
        };
        let one = run(1);
        assert!(run(2) == one && run(3) == one);
    }
}

#[test]
fn a_report_counts_what_it_leaves_out_and_names_the_worst() {
    let evaluation = Evaluation::of_organs(["liver", "spleen", "nothing"]);
    let mut report = Report::new(evaluation.clone());
    let organ = |liver: usize, spleen: usize| {
        let mut labels = vec![0u8; 216];
        labels[..liver].fill(1);
        labels[150..150 + spleen].fill(2);
        map([1.0; 3], labels)
    };
    let mut push = |case: &str, reference, prediction| {
        report
            .push(evaluation.case(case, &reference, &prediction).unwrap())
            .unwrap();
    };
    push("good", organ(100, 20), organ(100, 20));
    push("half", organ(100, 20), organ(50, 0));
    push("no spleen", organ(100, 0), organ(100, 5));
    let liver = report.summary("liver", Measure::Dice);
    assert_eq!((liver.n, liver.n_undefined), (3, 0));
    assert!((liver.mean.unwrap() - (1.0 + 2.0 / 3.0 + 1.0) / 3.0).abs() < 1e-12);
    assert_eq!(
        (liver.median, liver.worst_case.as_deref()),
        (Some(1.0), Some("half"))
    );
    let nothing = report.summary("nothing", Measure::Dice);
    assert_eq!((nothing.mean, nothing.n, nothing.n_undefined), (None, 0, 3));
    let spleen = report.summary("spleen", Measure::Dice);
    assert_eq!((spleen.mean, spleen.n), (Some(1.0 / 3.0), 3));
    assert_eq!(report.worst_structure(Measure::Dice).unwrap().0, "spleen");
    let mean = report.mean(Measure::Dice).unwrap();
    assert!((mean - (liver.mean.unwrap() + 1.0 / 3.0) / 2.0).abs() < 1e-12);
    let reasons: Vec<_> = report
        .findings(9)
        .into_iter()
        .map(|f| (f.case, f.structure, f.reason))
        .collect();
    let finding =
        |case: &str, structure: &str, reason| (case.to_owned(), structure.to_owned(), reason);
    assert_eq!(
        reasons,
        [
            finding("half", "spleen", Reason::Missed),
            finding("no spleen", "spleen", Reason::FalsePositive),
            finding("half", "liver", Reason::Small),
        ]
    );
    assert_eq!(report.to_markdown().lines().count(), 5);
    let repeated = report.cases[0].clone();
    assert!(matches!(
        report.push(repeated),
        Err(Error::DuplicateCase { .. })
    ));
}

#[test]
fn a_report_survives_json_with_its_infinities() {
    let evaluation = Evaluation::of_organs(["a"]).with_empty(medmetrics::EmptyPolicy::MONAI);
    let case = evaluation
        .case(
            "x",
            &map([1.0; 3], vec![1; 216]),
            &map([1.0; 3], vec![0; 216]),
        )
        .unwrap();
    let mut report = Report::new(evaluation);
    report.push(case).unwrap();
    let text = serde_json::to_string(&report).unwrap();
    assert!(
        text.contains(r#""hausdorff":{"value":"inf","empty":"prediction"}"#),
        "{text}"
    );
    assert_eq!(serde_json::from_str::<Report>(&text).unwrap(), report);
}

#[test]
fn an_organ_cut_by_the_image_border_has_a_surface_there() {
    let full = map([2.0, 1.0, 1.0], vec![1; 216]);
    let distances =
        SurfaceDistances::between(&full, &full, &[1], SurfaceModel::VoxelErode).unwrap();
    assert_eq!(distances.from_reference().len(), 216 - 2 * 4 * 7);
    // The corners of the voxels, weighted: the box's area but for the flattened edges and corners.
    let patches = SurfaceDistances::between(&full, &full, &[1], SurfaceModel::DualGrid).unwrap();
    assert_eq!(patches.from_reference().len(), 5 * 7 * 10 - 3 * 5 * 8);
    assert_eq!(patches.hausdorff(), Some(0.0));
}

#[test]
fn impossible_evaluations_are_refused_by_name() {
    let (r, p) = (map([1.0; 3], vec![0; 216]), map([1.0; 3], vec![0; 216]));
    let structure = |name: &str, labels: &[u32]| Structure {
        name: name.into(),
        labels: labels.to_vec(),
    };
    let refused = |evaluation: Evaluation| evaluation.case("x", &r, &p).unwrap_err();
    for broken in [
        Evaluation::new(vec![structure("none", &[])]),
        Evaluation::new(vec![structure("twice", &[1]), structure("twice", &[2])]),
        Evaluation::of_organs(["a", "b"]).with_labels(2),
        Evaluation::of_organs(["a", "b"]).with_ignore(2),
    ] {
        assert!(matches!(refused(broken), Error::InvalidStructure { .. }));
    }
    let negative = Evaluation::of_organs(["a"]).with_tolerance_mm(-1.0);
    assert!(matches!(
        refused(negative),
        Error::InvalidParameter {
            parameter: "tolerance",
            ..
        }
    ));
    let huge = Evaluation::of_organs(["a"]).with_labels(100_000);
    assert!(matches!(
        refused(huge),
        Error::InvalidParameter {
            parameter: "labels",
            ..
        }
    ));
    let part = r.crop(&Region::new([0; 3], [2, 6, 9]).unwrap()).unwrap();
    let other = Evaluation::of_organs(["a"]).case("x", &r, &part);
    assert!(matches!(other, Err(Error::GeometryMismatch(_))));
    // Millimetres that are not known are not measured, unless nobody asks for them.
    let grid = r.geometry().with_calibration(Calibration::Unknown);
    let (r, p) = (
        r.clone().with_geometry(grid).unwrap(),
        p.clone().with_geometry(grid).unwrap(),
    );
    let evaluation = Evaluation::of_organs(["a"]);
    assert!(matches!(
        evaluation.case("x", &r, &p),
        Err(Error::Image(medcore::Error::Uncalibrated { .. }))
    ));
    let case = evaluation.without_surfaces().case("x", &r, &p).unwrap();
    assert_eq!(case.structures[0].dice.empty, Some(EmptyCase::Both));
}
