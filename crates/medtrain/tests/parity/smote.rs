//! SMOTE beside imbalanced-learn's, given the numbers that it drew.

use medcore::random::Key;
use medtrain::sampler::{Between, Smote};
use medtrain::split::{CaseRecord, Member};
use medtrain::{Cohort, Error, TrainingSet};

use crate::Fixture;

fn draws(fixture: &Fixture, before: &str) -> Vec<Between> {
    let pairs = fixture.rows(&format!("{before}draws"));
    let steps = fixture.row(&format!("{before}steps"));
    let draw = |(pair, step): (&Vec<f64>, f64)| Between {
        row: pair[0] as usize,
        neighbour: pair[1] as usize,
        step,
    };
    pairs.iter().zip(steps).map(draw).collect()
}

/// Rows of class 1 after so many of class 0.
fn table(common: &[Vec<f64>], rare: &[Vec<f64>]) -> TrainingSet<Vec<f64>> {
    let classes = std::iter::repeat_n(0, common.len()).chain(std::iter::repeat_n(1, rare.len()));
    let rows = common.iter().chain(rare).zip(classes).enumerate();
    let members = rows.map(|(number, (row, class))| {
        let record = CaseRecord::new(format!("{number}"), format!("{number}"));
        Member::new(record.with_class(class), row.clone())
    });
    Cohort::new(members.collect()).unwrap().train_on_all()
}

#[test]
fn the_same_draws_make_the_same_rows() {
    let fixture = Fixture::load("smote");
    let rows = fixture.rows("rows");
    let near = |made: Vec<Vec<f64>>, want: Vec<Vec<f64>>| {
        assert_eq!(made.len(), want.len());
        for (a, b) in made.concat().iter().zip(want.concat()) {
            assert!((a - b).abs() <= 1e-12 * b.abs().max(1.0), "{a} for {b}");
        }
    };
    let views: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
    let made = Smote::new(4).between(&views, &draws(&fixture, "")).unwrap();
    near(made, fixture.rows("made"));

    let mixed: Vec<Vec<f64>> = rows
        .iter()
        .map(|row| [row.as_slice(), &[2.0]].concat())
        .collect();
    let views: Vec<&[f64]> = mixed.iter().map(Vec::as_slice).collect();
    let smote = Smote::new(4).with_categories([7]);
    near(
        smote.between(&views, &draws(&fixture, "mixed.")).unwrap(),
        fixture.rows("mixed.made"),
    );
}

#[test]
fn new_rows_lie_on_segments_between_neighbours_and_even_out_the_classes() {
    let fixture = Fixture::load("smote");
    let rare = fixture.rows("rows");
    let common: Vec<Vec<f64>> = (0..60).map(|n| vec![f64::from(n); 7]).collect();
    let table = table(&common, &rare);
    let smote = Smote::new(3);
    let made = smote.resample(&table, Key::new(2)).unwrap();
    assert_eq!(made, smote.resample(&table, Key::new(2)).unwrap());
    assert_ne!(made, smote.resample(&table, Key::new(3)).unwrap());
    assert_eq!(made.len(), 60 - rare.len());
    let distance = |a: &[f64], b: &[f64]| {
        let squares = a.iter().zip(b).map(|(a, b)| (a - b).powi(2));
        squares.sum::<f64>().sqrt()
    };
    for new in made {
        assert_eq!(new.class, 1);
        let on_segment = rare.iter().any(|from| {
            let mut others: Vec<&Vec<f64>> = rare.iter().filter(|row| *row != from).collect();
            others.sort_by(|a, b| distance(from, a).total_cmp(&distance(from, b)));
            others[..3].iter().any(|to| {
                let way = distance(from, &new.features) + distance(&new.features, to);
                (way - distance(from, to)).abs() <= 1e-9 * way
            })
        });
        assert!(on_segment, "{new:?}");
    }
}

#[test]
fn categories_are_never_in_between() {
    // Two heaps, far apart in the first column, each with its own category; the median deviation is small against that.
    let rare: Vec<Vec<f64>> = (0..8)
        .map(|n| {
            let heap = f64::from(n / 4);
            vec![100.0 * heap + f64::from(n), 3.0 + 4.0 * heap]
        })
        .collect();
    let common = vec![vec![0.0, 1.0]; 40];
    let smote = Smote::new(2).with_categories([1]);
    let made = smote.resample(&table(&common, &rare), Key::new(1)).unwrap();
    assert_eq!(made.len(), 32);
    for new in made {
        let heap = if new.features[0] < 50.0 { 3.0 } else { 7.0 };
        assert_eq!(new.features[1], heap);
    }
}

#[test]
fn another_category_is_as_far_as_the_median_deviation() {
    // The deviations of the two columns are 2 and 4, their median 3: the third row, 2.9 away, is nearer than the second, which
    // differs in its category alone, and would not be at 3.1.
    for (away, nearest) in [(2.9, 2), (3.1, 1)] {
        let mut rows = vec![
            vec![0.0, 0.0, 0.0],
            vec![0.0, 0.0, 1.0],
            vec![0.0, away, 0.0],
        ];
        // Two rows more bring the deviations to 2 and 4.
        let spread = |column: usize, want: f64, rows: &[Vec<f64>]| {
            let (n, have) = (5.0, rows.iter().map(|r| r[column]).collect::<Vec<_>>());
            let mean = have.iter().sum::<f64>() / 3.0;
            let squares: f64 = have.iter().map(|v| (v - mean).powi(2)).sum();
            let half = ((want * want * n - squares) / 2.0).sqrt();
            [mean - half, mean + half]
        };
        let (first, second) = (spread(0, 2.0, &rows), spread(1, 4.0, &rows));
        rows.push(vec![first[0], second[0], 0.0]);
        rows.push(vec![first[1], second[1], 0.0]);
        let views: Vec<&[f64]> = rows.iter().map(Vec::as_slice).collect();
        let whole = Between {
            row: 0,
            neighbour: 0,
            step: 1.0,
        };
        let smote = Smote::new(1).with_categories([2]);
        assert_eq!(
            smote.between(&views, &[whole]).unwrap()[0][..2],
            rows[nearest][..2],
            "{away}"
        );
    }
}

#[test]
fn tables_that_cannot_be_filled_are_refused() {
    let rows = |count: usize| vec![vec![1.0, 2.0]; count];
    let refused = |smote: Smote, common: &[Vec<f64>], rare: &[Vec<f64>]| {
        let refused = smote
            .resample(&table(common, rare), Key::new(1))
            .unwrap_err();
        assert!(matches!(refused, Error::InvalidSetting { .. }), "{refused}");
    };
    refused(Smote::new(5), &rows(9), &rows(5));
    refused(Smote::new(0), &rows(9), &rows(5));
    refused(Smote::new(2).with_categories([0, 1]), &rows(9), &rows(5));
    refused(Smote::new(2).with_categories([2]), &rows(9), &rows(5));
    refused(Smote::new(2), &rows(9), &[vec![1.0]]);
    refused(Smote::new(2), &rows(9), &[vec![1.0, f64::NAN]]);
    // Nothing is missing.
    let even = Smote::new(2)
        .resample(&table(&rows(4), &rows(4)), Key::new(1))
        .unwrap();
    assert!(even.is_empty());
}
