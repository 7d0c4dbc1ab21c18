//! Readers against the published analysis of Van Dyke's study, special cases, and the level of the test.
//!
//! C. Van Dyke et al., Radiology 1993: 114 patients, 5 readers, 2 kinds of magnetic resonance imaging. AUCs,
//! covariances and results are those in the vignette of the R package MRMCaov.

use medcore::random::Key;
use medmetrics::statistics::distribution::student_cdf;
use medmetrics::statistics::{CorrelatedAucs, DeLong, MultiReader, RandomFactors};
use medmetrics::{Confidence, Error, Estimate};

use crate::assert_near;

const AUCS: [[f64; 5]; 2] = [
    [0.9196457, 0.8587762, 0.9038647, 0.9731079, 0.8297907],
    [0.9478261, 0.9053140, 0.9217391, 0.9993559, 0.9299517],
];

/// Variances and covariances that are the same within each of Obuchowski and Rockette's groups: of each
/// modality the variance and the covariance of readers, and both covariances between modalities.
fn study(error: [f64; 2], modality: [f64; 2], reader: f64, neither: f64) -> MultiReader {
    let entry = |i: usize, j: usize| match (i / 5 == j / 5, i % 5 == j % 5) {
        (true, true) => error[i / 5],
        (true, false) => modality[i / 5],
        (false, true) => reader,
        (false, false) => neither,
    };
    let covariance = (0..10)
        .map(|i| (0..10).map(|j| entry(i, j)).collect())
        .collect();
    MultiReader::new(AUCS.map(Vec::from).to_vec(), covariance, 114).unwrap()
}

#[track_caller]
fn assert_interval(estimate: &Estimate, [value, low, high]: [f64; 3]) {
    let interval = estimate.interval.unwrap();
    let got = [estimate.value.unwrap(), interval.low, interval.high];
    // What goes in is published to seven digits.
    assert!(
        got.iter()
            .zip([value, low, high])
            .all(|(a, b)| (a - b).abs() < 1e-7),
        "{got:?}"
    );
}

/// Variance and covariances by DeLong.
#[test]
fn random_readers_and_cases_are_as_published() {
    let error = [0.0007921325; 2];
    let study = study(
        error,
        [0.0004775239, 0.0002015292],
        0.0003420090,
        0.0002358497,
    );
    let result = study
        .analyse(RandomFactors::ReadersAndCases, Confidence::default())
        .unwrap();
    let components = result.components;
    assert_near(components.modality_square, 0.004796171, 1e-5);
    assert_near(components.interaction_square, 0.0005510306, 1e-5);
    assert_near(components.covariance_modality, 0.0003395265, 1e-6);
    assert_near(components.reader, 0.0015364254, 1e-5);
    assert_near(components.interaction, 0.0002045840, 1e-5);
    assert_near(result.equality.statistic.unwrap(), 4.484854, 1e-5);
    assert_near(result.denominator_df.unwrap(), 15.06611, 1e-5);
    assert_near(result.equality.p.unwrap(), 0.05123303, 1e-5);
    let difference = &result.differences[0];
    assert_near(difference.standard_error, 0.0206825, 1e-5);
    assert_near(difference.test.statistic.unwrap(), -2.117747, 1e-5);
    assert_near(difference.test.p.unwrap(), 0.05123303, 1e-5);
    assert_interval(
        &difference.difference,
        [-0.04380032, -0.0878671960, 0.0002665519],
    );
    assert_interval(&result.modalities[0], [0.8970370, 0.8253461, 0.9687280]);
    assert_interval(&result.modalities[1], [0.9408374, 0.8942155, 0.9874592]);
}

/// Variance and covariances by jackknife.
#[test]
fn fixed_readers_and_fixed_cases_are_as_published() {
    let (error, modality) = ([0.0010141028, 0.0005904738], [0.0004839618, 0.0002041879]);
    let study = study(error, modality, 0.0003466137, 0.0002390284);
    let readers = study
        .analyse(RandomFactors::Cases, Confidence::default())
        .unwrap();
    assert_near(readers.equality.statistic.unwrap(), 5.475953, 1e-5);
    assert_near(readers.equality.p.unwrap(), 0.01927984, 1e-5);
    assert_interval(
        &readers.differences[0].difference,
        [-0.04380032, -0.08048591, -0.00711473],
    );
    assert_interval(&readers.modalities[0], [0.8970370, 0.8494301, 0.9446440]);
    assert_interval(&readers.modalities[1], [0.9408374, 0.9079564, 0.9737183]);
    let cases = study
        .analyse(RandomFactors::Readers, Confidence::default())
        .unwrap();
    assert_near(cases.equality.statistic.unwrap(), 8.704, 1e-5);
    assert_eq!(cases.denominator_df, Some(4.0));
    assert_near(cases.equality.p.unwrap(), 0.04195875, 1e-5);
    assert_interval(
        &cases.differences[0].difference,
        [-0.04380032, -0.08502022, -0.00258042],
    );
    assert_interval(&cases.modalities[0], [0.8970370, 0.8280981, 0.9659760]);
}

/// A reader's rating is a sum of normal effects: the case, the reader, both, the modality with the case, and
/// chance (the model of C. Roe and C. Metz, Academic Radiology 4, 1997), without an effect of modality.
fn ratings(sample: u32) -> Vec<Vec<DeLong>> {
    const READERS: usize = 4;
    const CASES: usize = 60;
    let mut random = Key::new(31).sample(sample).stream("ratings");
    let labels: Vec<bool> = (0..CASES).map(|i| i % 2 == 0).collect();
    let case: Vec<f64> = (0..CASES).map(|_| 0.55 * random.normal()).collect();
    let skill: Vec<f64> = (0..READERS).map(|_| 1.3 + 0.2 * random.normal()).collect();
    let taste: Vec<f64> = (0..READERS * CASES)
        .map(|_| 0.45 * random.normal())
        .collect();
    (0..2)
        .map(|_| {
            let look: Vec<f64> = (0..CASES).map(|_| 0.55 * random.normal()).collect();
            (0..READERS)
                .map(|reader| {
                    let shift = skill[reader] + 0.1 * random.normal();
                    let scores: Vec<f64> = (0..CASES)
                        .map(|i| {
                            let effects = case[i] + taste[reader * CASES + i] + look[i];
                            effects
                                + 0.45 * random.normal()
                                + shift * f64::from(u8::from(labels[i]))
                        })
                        .collect();
                    DeLong::new(&scores, &labels).unwrap()
                })
                .collect()
        })
        .collect()
}

/// Of 1500 studies without a difference 5 % find one, give or take 2.25 % (four standard errors).
#[test]
fn without_a_difference_the_level_is_kept() {
    let mut refused = 0;
    for sample in 0..1500 {
        let study = MultiReader::from_curves(&ratings(sample)).unwrap();
        let result = study
            .analyse(RandomFactors::ReadersAndCases, Confidence::default())
            .unwrap();
        refused += u32::from(result.equality.p.unwrap() < 0.05);
    }
    let share = f64::from(refused) / 1500.0;
    assert!((0.0275..0.0725).contains(&share), "{share}");
}

/// The only reader is fixed: nothing but DeLong's test is left.
#[test]
fn one_fixed_reader_is_delongs_test() {
    let [a, b] = [0, 1].map(|modality| ratings(0)[modality][0].clone());
    let study = MultiReader::from_curves(&[vec![a.clone()], vec![b.clone()]]).unwrap();
    let result = study
        .analyse(RandomFactors::Cases, Confidence::default())
        .unwrap();
    let aucs = CorrelatedAucs::new(&[a, b]).unwrap();
    let delong = aucs.difference(0, 1, Confidence::default()).unwrap();
    assert_near(
        result.differences[0].test.p.unwrap(),
        delong.test.p.unwrap(),
        1e-10,
    );
    assert_near(result.equality.p.unwrap(), delong.test.p.unwrap(), 1e-9);
    let random = study.analyse(RandomFactors::Readers, Confidence::default());
    assert!(matches!(random, Err(Error::TooFew { .. })));
}

/// Without covariances, or with the same cases again, two modalities are a t test of the readers' pairs.
#[test]
fn fixed_cases_are_a_paired_t_test() {
    let study = study([0.0; 2], [0.0; 2], 0.0, 0.0);
    let differences: Vec<f64> = (0..5).map(|i| AUCS[0][i] - AUCS[1][i]).collect();
    let mean = differences.iter().sum::<f64>() / 5.0;
    let squares: f64 = differences.iter().map(|d| (d - mean) * (d - mean)).sum();
    let t = mean / (squares / 20.0).sqrt();
    for random in [RandomFactors::Readers, RandomFactors::ReadersAndCases] {
        let result = study.analyse(random, Confidence::default()).unwrap();
        assert_near(
            result.equality.p.unwrap(),
            2.0 * student_cdf(-t.abs(), 4.0),
            1e-9,
        );
    }
}

/// The mean contribution of positive cases is the AUC, and its variance, which a jackknife finds, is the
/// first of the two parts of DeLong's.
#[test]
fn the_jackknife_of_a_mean_is_its_variance() {
    let curves = ratings(7);
    let auc = |modality: usize, reader: usize, left_out: Option<usize>| {
        let curve = &curves[modality][reader];
        let keep = |&i: &usize| Some(i) != left_out;
        let cases: Vec<usize> = (0..curve.labels().len()).filter(keep).collect();
        let labels: Vec<bool> = cases.iter().map(|&i| curve.labels()[i]).collect();
        let positives = cases.iter().zip(&labels).filter(|(_, label)| **label);
        let sum: f64 = positives
            .clone()
            .map(|(&i, _)| curve.contributions()[i])
            .sum();
        Some(sum / positives.count() as f64)
    };
    let jackknife = MultiReader::jackknife([2, 4, 60], auc).unwrap();
    let result = jackknife
        .analyse(RandomFactors::Cases, Confidence::default())
        .unwrap();
    let delong = MultiReader::from_curves(&curves).unwrap();
    let delong = delong
        .analyse(RandomFactors::Cases, Confidence::default())
        .unwrap();
    for (a, b) in result.modalities.iter().zip(&delong.modalities) {
        assert_near(a.value.unwrap(), b.value.unwrap(), 1e-12);
    }
    let first_part = |curve: &DeLong| {
        let auc = curve.auc().unwrap();
        let cases = curve.contributions().iter().zip(curve.labels());
        let squares = cases
            .filter(|(_, label)| **label)
            .map(|(c, _)| (c - auc) * (c - auc));
        squares.sum::<f64>() / (29.0 * 30.0)
    };
    let parts = curves.iter().flatten().map(first_part).sum::<f64>() / 8.0;
    // Leaving out a negative case changes nothing, and counts in the factor of the jackknife.
    let factor = 59.0 / 60.0 * 30.0 / 29.0;
    assert_near(result.components.error, parts * factor, 1e-9);
}

#[test]
fn what_does_not_fit_is_refused() {
    assert!(MultiReader::new(vec![], vec![], 9).is_err());
    let ragged = MultiReader::new(vec![vec![0.9, 0.8], vec![0.9]], vec![vec![0.0; 3]; 3], 9);
    assert!(matches!(ragged, Err(Error::Length { .. })));
    let small = MultiReader::new(vec![vec![0.9, 0.8]], vec![vec![0.0; 1]; 1], 9);
    assert!(matches!(small, Err(Error::Length { .. })));
    assert!(MultiReader::jackknife([1, 2, 5], |_, _, _| None).is_err());
    let single = MultiReader::new(vec![vec![0.9, 0.8]], vec![vec![0.0; 2]; 2], 9).unwrap();
    let result = single
        .analyse(RandomFactors::Readers, Confidence::default())
        .unwrap();
    assert_eq!((result.equality.p, result.differences.len()), (None, 0));
}
