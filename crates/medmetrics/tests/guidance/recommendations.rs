//! Which metric follows from which fingerprint, after Metrics Reloaded.

use medmetrics::guidance::{Fingerprint, Metric, Problem, Property, Recommendation};
use proptest::prelude::*;

const PROBLEMS: [Problem; 4] = [
    Problem::ImageClassification,
    Problem::SemanticSegmentation,
    Problem::ObjectDetection,
    Problem::InstanceSegmentation,
];

fn fingerprint(problem: Problem, properties: &[Property]) -> Fingerprint {
    (properties.iter()).fold(Fingerprint::new(problem), |print, p| print.with(*p))
}

fn metrics(problem: Problem, properties: &[Property]) -> Vec<Metric> {
    let recommended = fingerprint(problem, properties).recommend();
    recommended.iter().map(|r| r.metric).collect()
}

#[test]
fn segmentation_by_what_matters() {
    use Property as P;
    let of = |properties: &[P]| metrics(Problem::SemanticSegmentation, properties);
    assert_eq!(of(&[]), [Metric::Dice]);
    assert_eq!(of(&[P::UnequalErrorCosts]), [Metric::FBeta]);
    assert_eq!(of(&[P::TubularStructures]), [Metric::ClDice]);
    assert_eq!(
        of(&[P::SmallStructures]),
        [Metric::Dice, Metric::SurfaceDice]
    );
    assert_eq!(
        of(&[P::BoundaryOfInterest, P::ToleranceKnown]),
        [Metric::Dice, Metric::SurfaceDice]
    );
    assert_eq!(
        of(&[P::BoundaryOfInterest]),
        [
            Metric::Dice,
            Metric::SurfaceDice,
            Metric::AverageSurfaceDistance
        ]
    );
    let distant = [
        P::BoundaryOfInterest,
        P::DistantErrorsMatter,
        P::ToleranceKnown,
    ];
    assert_eq!(of(&distant), [Metric::Dice, Metric::HausdorffPercentile]);
    // Wrong parts of the annotation would decide the Hausdorff distance.
    let outliers = [&distant[..], &[P::OutliersInReference]].concat();
    assert_eq!(of(&outliers), [Metric::Dice, Metric::SurfaceDice]);
    assert!(of(&[P::BoundaryOfInterest, P::NoisyContours]).contains(&Metric::BoundaryIou));
    assert_eq!(of(&[P::VaryingSizes]), [Metric::Dice, Metric::LesionDice]);
    assert_eq!(
        of(&[P::EmptyReferences]),
        [Metric::Dice, Metric::SensitivitySpecificity]
    );
}

#[test]
fn classification_by_what_matters() {
    use Property as P;
    let of = |properties: &[P]| metrics(Problem::ImageClassification, properties);
    assert_eq!(of(&[]), [Metric::Accuracy, Metric::SensitivitySpecificity]);
    assert!(of(&[P::UnequalConfusions]).contains(&Metric::ExpectedCost));
    assert!(of(&[P::OrderedClasses]).contains(&Metric::WeightedKappa));
    let unequal = of(&[P::ClassImbalance]);
    assert!(unequal.contains(&Metric::BalancedAccuracy) && !unequal.contains(&Metric::Accuracy));
    assert!(unequal.contains(&Metric::LikelihoodRatio));
    let fixed = of(&[P::ClassImbalance, P::PrevalenceFixed]);
    assert!(fixed.contains(&Metric::MatthewsCorrelation));
    assert!(!fixed.contains(&Metric::BalancedAccuracy));
    assert!(of(&[P::ScoresAvailable]).contains(&Metric::AreaUnderRoc));
    let rare = of(&[P::ScoresAvailable, P::RarePositives]);
    assert!(rare.contains(&Metric::AveragePrecision) && !rare.contains(&Metric::AreaUnderRoc));
    assert!(of(&[P::CostBenefitKnown, P::PrevalenceFixed]).contains(&Metric::NetBenefit));
    let probabilities = of(&[P::ScoresAvailable, P::CalibrationOfInterest]);
    assert!(probabilities.ends_with(&[Metric::Brier, Metric::CalibrationError]));
}

#[test]
fn objects_by_what_matters() {
    use Property as P;
    let of = |properties: &[P]| metrics(Problem::ObjectDetection, properties);
    assert_eq!(of(&[]), [Metric::FBeta]);
    assert_eq!(
        of(&[P::ScoresAvailable]),
        [Metric::AveragePrecision, Metric::FBeta]
    );
    assert_eq!(
        of(&[P::ScoresAvailable, P::FalsePositivesPerImage]),
        [Metric::Froc, Metric::FBeta]
    );
    let instances = metrics(Problem::InstanceSegmentation, &[]);
    assert_eq!(instances, [Metric::Dice, Metric::PanopticQuality]);
    let settings = |property: P| {
        let print = fingerprint(Problem::ObjectDetection, &[P::ScoresAvailable, property]);
        let texts = print.recommend().swap_remove(0).settings;
        texts
            .into_iter()
            .map(|advice| advice.text)
            .collect::<Vec<_>>()
    };
    assert!(settings(P::PositionOnly)[0].contains("distance of centres"));
    assert!(settings(P::FineOutlines)[0].contains("mask overlaps"));
    assert!(settings(P::HierarchicalData)[0].contains("boxes overlap"));
}

#[test]
fn small_structures_come_with_their_pitfall() {
    let print = fingerprint(Problem::SemanticSegmentation, &[Property::SmallStructures]);
    let dice = &print.recommend()[0];
    assert_eq!(dice.metric, Metric::Dice);
    assert!(
        dice.pitfalls[0].text.contains("small structure"),
        "{dice:?}"
    );
    let markdown = print.recommendation_table().unwrap().to_markdown();
    assert_eq!(markdown.lines().count(), 4);
    assert!(markdown.contains("| surface Dice (NSD) | "));
}

proptest! {
    #[test]
    fn any_fingerprint_has_recommendations_with_sources(
        problem in 0_usize..4,
        properties in proptest::collection::vec(0_usize..Property::ALL.len(), 0..12),
    ) {
        let properties: Vec<_> = properties.into_iter().map(|i| Property::ALL[i]).collect();
        let print = fingerprint(PROBLEMS[problem], &properties);
        let recommended = print.recommend();
        prop_assert!(!recommended.is_empty(), "{print:?}");
        let advice = recommended.iter().flat_map(|r| r.why.iter().chain(&r.settings).chain(&r.pitfalls));
        for sentence in advice {
            prop_assert!(!sentence.text.is_empty() && sentence.source.contains(char::is_numeric));
        }
        let mut metrics: Vec<_> = recommended.iter().map(|r| r.metric).collect();
        let n = metrics.len();
        metrics.sort_unstable();
        metrics.dedup();
        prop_assert_eq!(metrics.len(), n, "a metric is recommended once");
        // The order of properties is of no account, and everything survives JSON.
        let reversed: Vec<_> = properties.into_iter().rev().collect();
        prop_assert_eq!(&fingerprint(PROBLEMS[problem], &reversed), &print);
        let json = serde_json::to_string(&print).unwrap();
        prop_assert_eq!(serde_json::from_str::<Fingerprint>(&json).unwrap(), print);
        let json = serde_json::to_string(&recommended).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vec<Recommendation>>(&json).unwrap(), recommended);
    }
}
