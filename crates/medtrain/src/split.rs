//! Which cases are learnt from and which are kept to judge by.

use medcore::random::Key;

use crate::error::{Error, Result};

/// Cases in two parts that share none, unless there is but one case.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Split<C> {
    /// Cases to learn from, in random order.
    pub training: Vec<C>,
    /// Cases to judge by.
    pub held_out: Vec<C>,
    /// There is one case, and it stands on both sides: what is measured on it says only that learning works.
    pub overfit: bool,
}

impl<C: Clone> Split<C> {
    /// Holds out a share of the cases, drawn by `key`: rounded up, and at least one on either side.
    ///
    /// ```
    /// use medcore::random::Key;
    /// use medtrain::Split;
    ///
    /// let split = Split::hold_out((0..12).collect(), 0.25, Key::new(7))?;
    /// assert_eq!((split.training.len(), split.held_out.len()), (9, 3));
    /// # Ok::<(), medtrain::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses no case at all, and a share outside 0 to 1.
    pub fn hold_out(mut cases: Vec<C>, share: f64, key: Key) -> Result<Self> {
        if cases.is_empty() {
            return Err(Error::Nothing { what: "cases" });
        }
        if !(0.0..=1.0).contains(&share) {
            return Err(Error::InvalidShare { share });
        }
        if let [only] = &cases[..] {
            return Ok(Self {
                held_out: vec![only.clone()],
                training: cases,
                overfit: true,
            });
        }
        key.stream("split").shuffle(&mut cases);
        let most = cases.len() - 1;
        let count = ((cases.len() as f64 * share).ceil() as usize).clamp(1, most);
        Ok(Self {
            training: cases.split_off(count),
            held_out: cases,
            overfit: false,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_on_one_side_and_the_same_key_gives_the_same_sides() {
        for n in 2..20 {
            let split = Split::hold_out((0..n).collect(), 0.25, Key::new(3)).unwrap();
            assert_eq!(
                split,
                Split::hold_out((0..n).collect(), 0.25, Key::new(3)).unwrap()
            );
            let mut all = [split.training, split.held_out].concat();
            all.sort_unstable();
            assert_eq!(all, (0..n).collect::<Vec<_>>());
        }
    }

    #[test]
    fn neither_side_is_ever_empty() {
        for share in [0.0, 1.0] {
            let split = Split::hold_out(vec!["a", "b", "c"], share, Key::new(1)).unwrap();
            assert!(!split.training.is_empty() && !split.held_out.is_empty());
        }
    }

    #[test]
    fn a_single_case_is_on_both_sides_and_says_so() {
        let split = Split::hold_out(vec!["only"], 0.25, Key::new(1)).unwrap();
        assert!(split.overfit);
        assert_eq!(split.training, split.held_out);
    }

    #[test]
    fn what_cannot_be_split_is_refused() {
        assert!(Split::<u8>::hold_out(vec![], 0.25, Key::new(1)).is_err());
        assert!(Split::hold_out(vec![1, 2], f64::NAN, Key::new(1)).is_err());
        assert!(Split::hold_out(vec![1, 2], 1.5, Key::new(1)).is_err());
    }
}
