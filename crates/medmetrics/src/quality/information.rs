//! How much one image says about another, whatever its scale of intensities.

use serde::{Deserialize, Serialize};

use super::pair::ImagePair;
use crate::error::{Error, Result};
use crate::estimate::Estimate;

/// By what mutual information is divided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum NmiRule {
    /// `(H(a) + H(b)) / H(a, b)`, from 1 to 2 (Studholme, Hill, Hawkes, Pattern Recognition 32:71, 1999;
    /// scikit-image).
    #[default]
    Studholme,
    /// `2 I(a; b) / (H(a) + H(b))`, from 0 to 1 (scikit-learn's arithmetic mean).
    Arithmetic,
}

pub(crate) fn nmi<T: Copy + Into<f64> + Sync, const D: usize>(
    pair: &ImagePair<'_, T, D>,
    bins: usize,
    rule: NmiRule,
) -> Result<Estimate> {
    if !(1..=4096).contains(&bins) {
        return Err(Error::InvalidParameter {
            parameter: "bins",
            rule: "1 to 4096",
            value: bins as f64,
        });
    }
    let convention = match rule {
        NmiRule::Studholme => format!("nmi:studholme/{bins}-bins"),
        NmiRule::Arithmetic => format!("nmi:arithmetic/{bins}-bins"),
    };
    let ranges = pair.parts(
        || [[f64::INFINITY, f64::NEG_INFINITY]; 2],
        |ranges, reference, image| {
            for (range, value) in ranges.iter_mut().zip([reference, image]) {
                *range = [range[0].min(value), range[1].max(value)];
            }
        },
    );
    let ends = |side: usize| {
        let low = ranges
            .iter()
            .map(|r| r[side][0])
            .fold(f64::INFINITY, f64::min);
        let high = ranges
            .iter()
            .map(|r| r[side][1])
            .fold(f64::NEG_INFINITY, f64::max);
        (low, high)
    };
    if ends(0).0 > ends(0).1 {
        return Ok(Estimate::undefined(0, convention));
    }
    let edges = [0, 1].map(|side| Edges::new(ends(side), bins));
    // Places first, counts later: one table instead of one for each part.
    let places = pair.parts(Vec::new, |places, reference, image| {
        places.push(edges[0].bin(reference) as u32 * bins as u32 + edges[1].bin(image) as u32);
    });
    let mut joint = vec![0u64; bins * bins];
    let mut n = 0;
    for place in places.into_iter().flatten() {
        joint[place as usize] += 1;
        n += 1;
    }
    let mut margins = [vec![0u64; bins], vec![0u64; bins]];
    for (place, count) in joint.iter().enumerate() {
        margins[0][place / bins] += count;
        margins[1][place % bins] += count;
    }
    let separate = entropy(&margins[0], n) + entropy(&margins[1], n);
    let together = entropy(&joint, n);
    let (above, below) = match rule {
        NmiRule::Studholme => (separate, together),
        NmiRule::Arithmetic => (2.0 * (separate - together), separate),
    };
    Ok(match below > 0.0 {
        true => Estimate::new(above / below, n, convention),
        false => Estimate::undefined(n, convention),
    })
}

/// The edges of equal bins as `numpy.histogramdd` has them: the last bin holds its upper edge.
struct Edges(Vec<f64>);

impl Edges {
    fn new((mut low, mut high): (f64, f64), bins: usize) -> Self {
        if low == high {
            (low, high) = (low - 0.5, high + 0.5);
        }
        let step = (high - low) / bins as f64;
        let mut edges: Vec<f64> = (0..bins).map(|i| i as f64 * step + low).collect();
        edges.push(high);
        Self(edges)
    }

    fn bin(&self, value: f64) -> usize {
        let bins = self.0.len() - 1;
        let share = (value - self.0[0]) / (self.0[bins] - self.0[0]);
        let mut bin = ((share * bins as f64) as usize).min(bins - 1);
        // Rounding can miss by one.
        while bin > 0 && value < self.0[bin] {
            bin -= 1;
        }
        while bin + 1 < bins && value >= self.0[bin + 1] {
            bin += 1;
        }
        bin
    }
}

/// Entropy of counts in nats.
fn entropy(counts: &[u64], n: u64) -> f64 {
    let shares = { counts.iter() }.filter(|&&count| count > 0);
    -shares
        .map(|&count| {
            let share = count as f64 / n as f64;
            share * libm::log(share)
        })
        .sum::<f64>()
}

pub(crate) fn ncc<T: Copy + Into<f64> + Sync, const D: usize>(
    pair: &ImagePair<'_, T, D>,
) -> Estimate {
    let convention = "ncc:pearson";
    let sums = pair.parts(
        || (0u64, [0.0; 2]),
        |(n, sums), reference, image| {
            *n += 1;
            *sums = [sums[0] + reference, sums[1] + image];
        },
    );
    let n: u64 = sums.iter().map(|part| part.0).sum();
    let mean = [0, 1].map(|side| sums.iter().map(|part| part.1[side]).sum::<f64>() / n as f64);
    let moments = pair.parts(
        || [0.0; 3],
        |sums, reference, image| {
            let (r, i) = (reference - mean[0], image - mean[1]);
            *sums = [sums[0] + r * r, sums[1] + i * i, sums[2] + r * i];
        },
    );
    let [rr, ii, ri] = [0, 1, 2].map(|k| moments.iter().map(|part| part[k]).sum::<f64>());
    match rr > 0.0 && ii > 0.0 && (rr + ii).is_finite() {
        true => Estimate::new(
            (ri / (rr.sqrt() * ii.sqrt())).clamp(-1.0, 1.0),
            n,
            convention,
        ),
        false => Estimate::undefined(n, convention),
    }
}
