//! What cannot be drawn is refused with its place, and what is empty is still a picture.

use medmetrics::plot::{
    BlandAltmanPlot, ConfusionPlot, Curve, DecisionPlot, DistributionPlot, DriftPlot, FrocPlot,
    Group, Plot, PrecisionRecallPlot, ReliabilityPlot, RocPlot,
};
use medmetrics::{Error, Estimate};

#[test]
fn numbers_without_a_place_are_refused_by_their_index() {
    let nan = Curve::new("a", vec![(0.0, 0.0), (0.5, f64::NAN)]);
    let refused = |plot: &dyn Fn() -> Result<String, Error>| match plot().unwrap_err() {
        Error::InvalidValue { index, .. } => index,
        other => panic!("{other}"),
    };
    assert_eq!(refused(&|| RocPlot::new(vec![nan.clone()]).to_svg()), 3);
    assert_eq!(refused(&|| FrocPlot::new(vec![nan.clone()]).to_svg()), 3);
    assert_eq!(
        refused(&|| DecisionPlot::new(vec![nan.clone()], 0.1).to_svg()),
        3
    );
    assert_eq!(
        refused(&|| PrecisionRecallPlot::new(vec![nan.clone()]).to_svg()),
        3
    );
    let group = Group::new("a", vec![1.0, f64::INFINITY]);
    assert_eq!(
        refused(&|| DistributionPlot::new("HD", vec![group.clone()]).to_svg()),
        1
    );
    let outside = DistributionPlot::new("Dice", vec![Group::new("a", vec![0.5, 1.5])]);
    assert_eq!(
        refused(&|| outside.clone().with_range((0.0, 1.0)).to_svg()),
        1
    );
    let late = Curve::new("a", vec![(0.5, 0.0), (1.0, 0.0)]);
    assert_eq!(
        refused(&|| DecisionPlot::new(vec![late.clone()], 0.1).to_svg()),
        1
    );
}

#[test]
fn tables_must_be_square() {
    let plot = ConfusionPlot::new(["a", "b"], vec![1, 2, 3]);
    assert!(matches!(
        plot.to_svg(),
        Err(Error::Length {
            got: 3,
            expected: 4,
            ..
        })
    ));
    let none: [&str; 0] = [];
    assert!(matches!(
        ConfusionPlot::new(none, vec![]).to_svg(),
        Err(Error::TooFew { .. })
    ));
    let huge = ConfusionPlot::new(["a", "b"], vec![u64::MAX; 4])
        .to_svg()
        .unwrap();
    assert!(huge.contains("36893488147419103230 of 73786976294838206460"));
}

#[test]
fn empty_plots_are_pictures_without_nan() {
    let undefined = || Estimate::undefined(0, "limit");
    let pictures = [
        RocPlot::new(vec![]).to_svg(),
        RocPlot::new(vec![Curve::new("a", vec![])]).to_svg(),
        PrecisionRecallPlot::new(vec![]).to_svg(),
        FrocPlot::new(vec![]).to_svg(),
        ReliabilityPlot::new(vec![]).to_svg(),
        DistributionPlot::new("Dice", vec![]).to_svg(),
        DriftPlot::new("PSI", vec![]).to_svg(),
        DecisionPlot::new(vec![], 0.0).to_svg(),
        BlandAltmanPlot::new(vec![], undefined(), [undefined(), undefined()]).to_svg(),
        BlandAltmanPlot::new(vec![(1.0, 0.0)], undefined(), [undefined(), undefined()]).to_svg(),
    ];
    for svg in pictures {
        let svg = svg.unwrap();
        assert!(svg.ends_with("</svg>\n"));
        assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
    }
}

#[test]
fn hostile_names_stay_text() {
    let name = "<script>&\"'\u{0}\u{fffe}";
    let svg = RocPlot::new(vec![Curve::new(name, vec![(0.0, 0.0), (1.0, 1.0)])])
        .with_title(name)
        .to_svg()
        .unwrap();
    assert!(!svg.contains("<script") && !svg.contains('\u{0}') && !svg.contains('\u{fffe}'));
}
