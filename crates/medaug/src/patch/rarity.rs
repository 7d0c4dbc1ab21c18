//! Rare classes are seen more often: which cases an epoch repeats.

use std::collections::BTreeMap;

use medcore::random::Key;

use crate::error::{Result, check};

/// How often an epoch shows each case, by the classes it has: 1 for cases of common classes, more for those of
/// a class that fewer than `threshold` of the cases have (Gupta, Dollar and Girshick, LVIS, CVPR 2019,
/// <https://arxiv.org/abs/1908.03195>).
///
/// A class that a share `f` of the cases has repeats them by `max(1, sqrt(threshold / f))`, and a case follows its
/// rarest class. A case may name a class several times; one without classes has 1.
///
/// ```
/// use medaug::{oversampled, repeat_factors};
/// use medcore::random::Key;
///
/// // Class 7 is in one of 16 cases: at a threshold of one quarter it is shown twice.
/// let mut cases = vec![vec![1_u8]; 16];
/// cases[3].push(7);
/// let factors = repeat_factors(&cases, 0.25)?;
/// assert_eq!((factors[3], factors[4]), (2.0, 1.0));
/// let epoch = oversampled(&factors, Key::new(1).epoch(0))?;
/// assert_eq!((epoch.len(), epoch.iter().filter(|&&case| case == 3).count()), (17, 2));
/// # Ok::<(), medaug::Error>(())
/// ```
///
/// # Errors
/// Refuses a threshold outside 0 and 1.
pub fn repeat_factors<T: Copy + Ord, C: AsRef<[T]>>(
    cases: &[C],
    threshold: f64,
) -> Result<Vec<f64>> {
    check(
        "repeat_factors",
        "threshold",
        threshold,
        "within 0 and 1",
        |v| (0.0..=1.0).contains(&v),
    )?;
    let classes_of = |case: &C| {
        let mut classes = case.as_ref().to_vec();
        classes.sort_unstable();
        classes.dedup();
        classes
    };
    let mut cases_with = BTreeMap::<T, usize>::new();
    for class in cases.iter().flat_map(classes_of) {
        *cases_with.entry(class).or_default() += 1;
    }
    let factor = |class: &T| {
        let share = cases_with[class] as f64 / cases.len() as f64;
        (threshold / share).sqrt()
    };
    let of_case = |case: &C| case.as_ref().iter().map(factor).fold(1.0, f64::max);
    Ok(cases.iter().map(of_case).collect())
}

/// The cases of one epoch in random order: case `i` comes `factors[i]` times, a fraction left over with that
/// probability, so that the mean over epochs is the factor.
///
/// # Errors
/// Refuses factors outside 0 and 10 000.
pub fn oversampled(factors: &[f64], key: Key) -> Result<Vec<usize>> {
    let mut random = key.stream("oversampled");
    let mut epoch = Vec::with_capacity(factors.len());
    for (case, &factor) in factors.iter().enumerate() {
        check(
            "oversampled",
            "factors",
            factor,
            "within 0 and 10 000",
            |v| (0.0..=1e4).contains(&v),
        )?;
        let more = random.chance(factor.fract());
        let times = factor.trunc() as usize + usize::from(more);
        epoch.extend(std::iter::repeat_n(case, times));
    }
    random.shuffle(&mut epoch);
    Ok(epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cases_follow_their_rarest_class() {
        let cases: Vec<Vec<u16>> = vec![vec![1, 1], vec![1, 300], vec![], vec![1]];
        let factors = repeat_factors(&cases, 0.5).unwrap();
        assert_eq!(factors, [1.0, 2.0_f64.sqrt(), 1.0, 1.0]);
        assert_eq!(repeat_factors(&cases, 0.0).unwrap(), [1.0; 4]);
        assert!(repeat_factors(&cases, 1.5).is_err());
        assert!(repeat_factors::<u8, Vec<u8>>(&[], 0.5).unwrap().is_empty());
    }

    #[test]
    fn fractions_are_kept_in_the_mean_and_the_order_changes() {
        let factors = [1.0, 2.25, 0.5];
        let mut times = [0_usize; 3];
        let mut first = [0_usize; 3];
        for epoch in 0..4_000 {
            let epoch = oversampled(&factors, Key::new(3).epoch(epoch)).unwrap();
            first[epoch[0]] += 1;
            for case in epoch {
                times[case] += 1;
            }
        }
        assert_eq!(times[0], 4_000);
        assert!((8_880..9_120).contains(&times[1]), "{times:?}");
        assert!((1_880..2_120).contains(&times[2]), "{times:?}");
        assert!(first.iter().all(|&n| n > 400), "{first:?}");
        assert!(oversampled(&[f64::NAN], Key::new(0)).is_err());
        assert!(oversampled(&[-1.0], Key::new(0)).is_err());
    }
}
