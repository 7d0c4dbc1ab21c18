//! Suppression against torchvision (2D) and MONAI (3D), weighted box clustering against its formula in NumPy.

use medcore::BoundingBox;
use mednn::Error;
use mednn::detection::{
    Candidate, ClusteringConfig, NmsConfig, batched_nms, nms, weighted_box_clustering,
};

use crate::support::Fixture;

fn boxes<const D: usize>(fixture: &Fixture, name: &str) -> Vec<BoundingBox<D>> {
    let rows = fixture.get(name).to_vec2::<f64>().unwrap();
    rows.iter()
        .map(|row| {
            let corner = |start: usize| std::array::from_fn(|axis| row[start + axis]);
            BoundingBox::new(corner(0), corner(D)).unwrap()
        })
        .collect()
}

fn floats(fixture: &Fixture, name: &str) -> Vec<f64> {
    fixture.get(name).to_vec1().unwrap()
}

fn indices(fixture: &Fixture, name: &str) -> Vec<u32> {
    fixture.get(name).to_vec1().unwrap()
}

fn whole(kept: Vec<usize>) -> Vec<u32> {
    kept.into_iter().map(|i| i as u32).collect()
}

fn check_suppression<const D: usize>() {
    let fixture = Fixture::load("detection");
    let boxes = boxes::<D>(&fixture, &format!("boxes{D}"));
    let scores = floats(&fixture, &format!("distinct{D}"));
    let classes = indices(&fixture, &format!("classes{D}"));
    for threshold in [0.1, 0.5] {
        let config = NmsConfig::new(threshold);
        let kept = whole(nms(&boxes, &scores, &config).unwrap());
        assert_eq!(kept, indices(&fixture, &format!("kept{D}.{threshold}")));
        let kept = batched_nms(&boxes, &scores, &classes, &config).unwrap();
        if D == 2 {
            let expected = indices(&fixture, &format!("batched{D}.{threshold}"));
            assert_eq!(whole(kept), expected);
            continue;
        }
        // The reference has two axes only: class by class it is plain suppression.
        let mut each: Vec<usize> = (0..3)
            .flat_map(|class| {
                let of: Vec<usize> = (0..boxes.len()).filter(|&i| classes[i] == class).collect();
                let own: Vec<_> = of.iter().map(|&i| boxes[i]).collect();
                let own_scores: Vec<_> = of.iter().map(|&i| scores[i]).collect();
                let kept = nms(&own, &own_scores, &config).unwrap();
                kept.into_iter().map(move |i| of[i])
            })
            .collect();
        each.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        assert_eq!(kept, each);
    }
}

#[test]
fn suppression_keeps_what_torchvision_and_monai_keep() {
    check_suppression::<2>();
    check_suppression::<3>();
}

#[test]
fn of_equal_scores_the_lower_index_wins_and_thresholds_cut() {
    let fixture = Fixture::load("detection");
    let boxes = boxes::<2>(&fixture, "boxes2");
    let scores = floats(&fixture, "scores2");
    let kept = nms(&boxes, &scores, &NmsConfig::new(1.0)).unwrap();
    assert_eq!(kept.len(), boxes.len());
    for pair in kept.windows(2) {
        let (a, b) = (pair[0], pair[1]);
        assert!(scores[a] > scores[b] || scores[a] == scores[b] && a < b);
    }
    let few = NmsConfig::new(1.0).with_score_threshold(0.5).with_most(7);
    let few = nms(&boxes, &scores, &few).unwrap();
    assert_eq!(few, kept[..7]);
    let none = NmsConfig::new(1.0).with_score_threshold(2.0);
    assert!(nms(&boxes, &scores, &none).unwrap().is_empty());
    assert!(nms::<3>(&[], &[], &NmsConfig::new(0.5)).unwrap().is_empty());
    let limit = nms(&boxes, &scores, &NmsConfig::new(0.5).with_most(0)).unwrap();
    assert!(limit.is_empty());
}

fn check_clustering<const D: usize>() {
    let fixture = Fixture::load("detection");
    let name = |stem: &str| format!("{stem}{D}");
    let bounds = boxes::<D>(&fixture, &name("boxes"));
    let [scores, centre, coverage, expected] = ["distinct", "centre", "coverage", "cluster_scores"]
        .map(|stem| floats(&fixture, &name(stem)));
    let view = indices(&fixture, &name("view"));
    let expected_boxes = boxes::<D>(&fixture, &name("cluster_boxes"));
    let candidates: Vec<Candidate<D>> = (0..bounds.len())
        .map(|i| Candidate {
            bounds: bounds[i],
            score: scores[i],
            class: 1,
            view: u64::from(view[i]),
            centre_weight: centre[i],
            coverage: coverage[i],
        })
        .collect();
    let found = weighted_box_clustering(&candidates, &ClusteringConfig::new(3)).unwrap();
    assert_eq!(found.len(), expected.len());
    for (cluster, (score, bounds)) in found.iter().zip(expected.iter().zip(&expected_boxes)) {
        assert!(
            (cluster.score - score).abs() < 1e-12,
            "{} {score}",
            cluster.score
        );
        for axis in 0..D {
            assert!((cluster.bounds.min()[axis] - bounds.min()[axis]).abs() < 1e-9);
            assert!((cluster.bounds.max()[axis] - bounds.max()[axis]).abs() < 1e-9);
        }
    }
    let mut members: Vec<usize> = found.into_iter().flat_map(|c| c.members).collect();
    members.sort_unstable();
    members.dedup();
    assert!(members.len() <= candidates.len());
}

#[test]
fn clustering_follows_its_formula() {
    check_clustering::<2>();
    check_clustering::<3>();
}

#[test]
fn classes_stay_apart_and_views_that_saw_nothing_lower_the_score() {
    let candidate = |class, view, score| Candidate {
        bounds: BoundingBox::new([0.0, 0.0], [2.0, 2.0]).unwrap(),
        score,
        class,
        view,
        centre_weight: 1.0,
        coverage: 1.0,
    };
    let candidates = [
        candidate(1, 0, 0.8),
        candidate(2, 0, 0.6),
        candidate(1, 1, 0.4),
    ];
    let found = weighted_box_clustering(&candidates, &ClusteringConfig::new(4)).unwrap();
    let of = |class| found.iter().find(|c| c.class == class).unwrap();
    assert_eq!(of(1).members, [0, 2]);
    assert!((of(1).score - 1.2 / 4.0).abs() < 1e-12);
    assert!((of(2).score - 0.6 / 4.0).abs() < 1e-12);
    let flat = Candidate {
        bounds: BoundingBox::new([0.0, 0.0], [2.0, 0.0]).unwrap(),
        ..candidate(1, 0, 0.9)
    };
    let weightless = Candidate {
        centre_weight: 0.0,
        ..candidate(1, 0, 0.9)
    };
    for nothing in [flat, weightless] {
        let config = ClusteringConfig::new(1);
        assert!(
            weighted_box_clustering(&[nothing], &config)
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn what_does_not_fit_is_refused() {
    let square = BoundingBox::new([0.0, 0.0], [2.0, 2.0]).unwrap();
    let config = NmsConfig::new(0.5);
    assert!(matches!(
        nms(&[square], &[], &config),
        Err(Error::Shape { .. })
    ));
    let refused = batched_nms(&[square], &[0.5], &[], &config);
    assert!(matches!(refused, Err(Error::Shape { .. })));
    assert!(matches!(
        nms(&[square], &[f64::NAN], &config),
        Err(Error::Setting { .. })
    ));
    for threshold in [-0.1, 1.1, f64::NAN] {
        let refused = nms(&[square], &[0.5], &NmsConfig::new(threshold));
        assert!(matches!(refused, Err(Error::Setting { .. })));
    }
    let good = Candidate {
        bounds: square,
        score: 0.5,
        class: 0,
        view: 0,
        centre_weight: 1.0,
        coverage: 1.0,
    };
    let bad = [
        Candidate {
            score: f64::NAN,
            ..good
        },
        Candidate {
            centre_weight: -1.0,
            ..good
        },
        Candidate {
            coverage: f64::INFINITY,
            ..good
        },
    ];
    for candidate in bad {
        let refused = weighted_box_clustering(&[candidate], &ClusteringConfig::new(1));
        assert!(matches!(refused, Err(Error::Setting { .. })));
    }
}
