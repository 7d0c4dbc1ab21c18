//! Each lint on data that have its fault, and none on data that have not.

use medcore::{Geometry, LabelMap};
use medmetrics::guidance::{Lint, Linter};
use medmetrics::{Evaluation, Report};

const SHAPE: [usize; 3] = [20, 40, 40];

/// A map with a box of label 1, half-open in each axis.
fn with_box(spacing: [f64; 3], low: [usize; 3], high: [usize; 3]) -> LabelMap<u8, 3> {
    let grid = Geometry::<3>::axis_aligned(SHAPE, spacing).unwrap();
    let inside = |i: usize| {
        let place = [i / (40 * 40), i / 40 % 40, i % 40];
        (0..3).all(|a| (low[a]..high[a]).contains(&place[a]))
    };
    LabelMap::new(
        grid,
        (0..grid.len())
            .map(|i| u8::from(inside(i)))
            .collect::<Vec<_>>(),
    )
    .unwrap()
}

/// The same map with one more voxel in a corner.
fn with_speck(map: &LabelMap<u8, 3>) -> LabelMap<u8, 3> {
    let mut voxels = map.as_slice().to_vec();
    if let Some(last) = voxels.last_mut() {
        *last = 1;
    }
    LabelMap::new(*map.geometry(), voxels).unwrap()
}

fn report(cases: usize, pair: impl Fn(usize) -> (LabelMap<u8, 3>, LabelMap<u8, 3>)) -> Report {
    let mut report = Report::new(Evaluation::of_organs(["lesion"]));
    for i in 0..cases {
        let (truth, found) = pair(i);
        let case = report
            .evaluation
            .case(format!("case {i}"), &truth, &found)
            .unwrap();
        report.push(case).unwrap();
    }
    report
}

const ONE_MM: [f64; 3] = [1.0; 3];

fn large() -> LabelMap<u8, 3> {
    with_box(ONE_MM, [5, 5, 5], [12, 15, 15])
}

#[test]
fn good_data_have_no_lint() {
    let report = report(20, |_| (large(), large()));
    assert_eq!(Linter::default().report(&report), []);
}

#[test]
fn small_structures_are_named_with_their_size() {
    let small = |n: usize| with_box(ONE_MM, [5, 5, 5], [5 + n, 8, 8]);
    let report = report(20, |i| (small(1 + i % 2 * 2), small(1)));
    let lints = Linter::default().report(&report);
    let [
        Lint::OverlapOfSmallStructure {
            structure,
            median_voxels,
            dice_half_a_voxel_off,
        },
    ] = &lints[..]
    else {
        panic!("{lints:?}");
    };
    assert_eq!((structure.as_str(), *median_voxels), ("lesion", 18.0));
    // A ball of 18 voxels has a radius of 1.626; (2.126 / 1.626)^3 = 2.236.
    assert!(
        (dice_half_a_voxel_off - 2.0 / 3.236).abs() < 1e-3,
        "{dice_half_a_voxel_off}"
    );
    assert!(
        lints[0]
            .to_string()
            .starts_with("lesion has 18 voxels in the median case")
    );
}

#[test]
fn one_voxel_far_away_decides_the_hausdorff_distance() {
    let report = report(20, |i| {
        let found = if i == 7 {
            with_speck(&large())
        } else {
            large()
        };
        (large(), found)
    });
    let lints = Linter::default().report(&report);
    let [
        Lint::HausdorffOutliers {
            cases,
            of,
            worst,
            hausdorff_mm,
            percentile_mm,
            ..
        },
    ] = &lints[..]
    else {
        panic!("{lints:?}");
    };
    assert_eq!(
        (*cases, *of, worst.as_str(), *percentile_mm),
        (1, 20, "case 7", 0.0)
    );
    // From voxel (19, 39, 39) to the corner (11, 14, 14) of the box.
    let corner = f64::sqrt(64.0 + 2.0 * 625.0);
    assert!(
        (hausdorff_mm - corner).abs() < 1e-6,
        "{hausdorff_mm} {corner}"
    );
}

#[test]
fn absent_structures_few_cases_and_low_tolerances_are_counted() {
    let thick = |high| with_box([5.0, 2.0, 2.0], [5, 5, 5], high);
    let report = report(8, |i| {
        let high = if i < 3 { [5, 5, 5] } else { [15, 15, 15] };
        (thick(high), thick([15, 15, 15]))
    });
    let lints = Linter::default().report(&report);
    let [absent, tolerance, few] = &lints[..] else {
        panic!("{lints:?}");
    };
    let structure = "lesion".to_owned();
    assert_eq!(
        *absent,
        Lint::AbsentStructure {
            structure,
            absent: 3,
            of: 8
        }
    );
    let Lint::ToleranceBelowVoxel {
        tolerance_mm,
        voxel_mm,
    } = tolerance
    else {
        panic!("{tolerance:?}");
    };
    assert_eq!(*tolerance_mm, 2.0);
    assert!((voxel_mm - f64::cbrt(20.0)).abs() < 1e-9, "{voxel_mm}");
    let what = "cases".to_owned();
    assert_eq!(
        *few,
        Lint::FewCases {
            what,
            n: 8,
            least: 20
        }
    );
}

#[test]
fn data_are_looked_at_before_they_are_measured() {
    let linter = Linter::default();
    let patients = ["a", "b", "a", "c", "a", "b"];
    assert_eq!(
        linter.lesions(&patients),
        Some(Lint::PooledLesions {
            lesions: 6,
            patients: 3,
            most: 3
        })
    );
    assert_eq!(linter.lesions(&["a", "b"]), None);
    assert_eq!(linter.lesions::<&str>(&[]), None);
    assert_eq!(
        linter.bins(&[0, 500, 29, 7, 30]),
        Some(Lint::SparseBins {
            sparse: 2,
            of: 4,
            fewest: 7,
            least: 30
        })
    );
    assert_eq!(linter.bins(&[0, 30, 31]), None);
    assert_eq!(linter.class_counts(&[]), None);
    assert_eq!(linter.class_counts(&[0, 0]), None);
    assert_eq!(
        linter.class_counts(&[5]),
        None,
        "one class has nothing to be confused with"
    );
    let half = linter.class_counts(&[u64::MAX, u64::MAX]);
    assert_eq!(half, None);
    assert_eq!(linter.tolerance(3.0, &[3.0, 0.8, 0.8]).unwrap(), None);
    assert!(linter.tolerance(f64::NAN, &[1.0]).is_err());
    assert!(linter.tolerance(1.0, &[1.0, f64::NAN]).is_err());
    assert_eq!(linter.cases("positive cases", 20), None);
}

#[test]
fn lints_survive_json_with_their_names() {
    let lint = Linter::default().bins(&[5]).unwrap();
    let json = serde_json::to_string(&lint).unwrap();
    assert!(
        json.starts_with(r#"{"lint":"sparse_bins","sparse":1"#),
        "{json}"
    );
    assert_eq!(serde_json::from_str::<Lint>(&json).unwrap(), lint);
}
