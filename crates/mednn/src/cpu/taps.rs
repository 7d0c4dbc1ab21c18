//! One-dimensional linear maps: every output index is a weighted sum of input indices.
//!
//! Resizing, padding, adaptive averages and the bins of ROI align are all products of such maps, one an axis, and so are
//! their gradients: the gradient of a map is its transpose.

/// One term of a sum.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Tap {
    /// The input index.
    pub index: usize,
    /// What it is multiplied by, never zero.
    pub weight: f64,
}

/// A linear map from an axis of one length to an axis of another.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisMap {
    input: usize,
    taps: Vec<Tap>,
    /// Where the taps of each output index end; those of the first begin at 0.
    ends: Vec<usize>,
}

impl AxisMap {
    /// A map without outputs yet, over an axis of `input` indices.
    #[must_use]
    pub fn new(input: usize) -> Self {
        Self {
            input,
            taps: Vec::new(),
            ends: Vec::new(),
        }
    }

    /// The map of `outputs` indices whose taps `of` gives, see [`AxisMap::push`].
    #[must_use]
    pub fn from_fn<I: IntoIterator<Item = (usize, f64)>>(
        input: usize,
        outputs: usize,
        of: impl FnMut(usize) -> I,
    ) -> Self {
        let mut map = Self::new(input);
        map.ends.reserve(outputs);
        (0..outputs).map(of).for_each(|taps| map.push(taps));
        map
    }

    /// The map that gives back its input.
    #[must_use]
    pub fn identity(length: usize) -> Self {
        Self::from_fn(length, length, |i| [(i, 1.0)])
    }

    /// Adds an output index, the sum of these input indices with their weights.
    ///
    /// Terms of one index that follow each other become one; those of weight zero are left out.
    ///
    /// # Panics
    /// If an index is not below the length of the input axis.
    pub fn push(&mut self, taps: impl IntoIterator<Item = (usize, f64)>) {
        let first = self.taps.len();
        for (index, weight) in taps {
            assert!(index < self.input, "a tap inside the input axis");
            match self.taps[first..].last_mut() {
                _ if weight == 0.0 => {}
                Some(last) if last.index == index => last.weight += weight,
                _ => self.taps.push(Tap { index, weight }),
            }
        }
        self.ends.push(self.taps.len());
    }

    /// The length of the input axis.
    #[must_use]
    pub fn input(&self) -> usize {
        self.input
    }

    /// The length of the output axis.
    #[must_use]
    pub fn output(&self) -> usize {
        self.ends.len()
    }

    /// The taps of an output index.
    ///
    /// # Panics
    /// If there is no such output index.
    #[must_use]
    pub fn of(&self, output: usize) -> &[Tap] {
        let start = output.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.taps[start..self.ends[output]]
    }

    /// The taps of every output index in turn.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[Tap]> {
        (0..self.output()).map(|output| self.of(output))
    }

    /// The map that gives back to each input index what the outputs took from it.
    #[must_use]
    pub fn transposed(&self) -> Self {
        let mut ends = vec![0; self.input];
        for tap in &self.taps {
            ends[tap.index] += 1;
        }
        let mut total = 0;
        for end in &mut ends {
            // For now the place of the next tap, which ends up behind the last one.
            (*end, total) = (total, total + *end);
        }
        let mut taps = vec![
            Tap {
                index: 0,
                weight: 0.0
            };
            total
        ];
        for (output, of_output) in self.iter().enumerate() {
            for tap in of_output {
                let place = &mut ends[tap.index];
                taps[*place] = Tap {
                    index: output,
                    weight: tap.weight,
                };
                *place += 1;
            }
        }
        Self {
            input: self.output(),
            taps,
            ends,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_transpose_of_the_transpose_is_the_map() {
        let map = AxisMap::from_fn(4, 3, |o| [(o, 0.25), (3 - o, 0.75)]);
        let back = map.transposed();
        assert_eq!((back.input(), back.output()), (3, 4));
        let weights = |i| {
            back.of(i)
                .iter()
                .map(|t| (t.index, t.weight))
                .collect::<Vec<_>>()
        };
        assert_eq!(weights(0), [(0, 0.25)]);
        assert_eq!(weights(2), [(1, 0.75), (2, 0.25)]);
        let again = back.transposed();
        for o in 0..3 {
            let mut taps = map.of(o).to_vec();
            taps.sort_by_key(|t| t.index);
            assert_eq!(again.of(o), taps);
        }
    }

    #[test]
    fn terms_of_one_index_become_one_and_zeros_none() {
        let map = AxisMap::from_fn(2, 1, |_| [(0, 0.5), (0, 0.25), (1, 0.0)]);
        assert_eq!(
            map.of(0),
            [Tap {
                index: 0,
                weight: 0.75
            }]
        );
    }
}
