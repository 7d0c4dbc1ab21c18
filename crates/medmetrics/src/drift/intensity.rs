//! Histograms of images against those of a saved reference.

use serde::{Deserialize, Serialize};

use super::divergence::{Divergences, EmptyCells, possible};
use super::thresholds::DriftReason;
use super::two_sample::sorted;
use crate::accumulator::Accumulator;
use crate::error::{Error, Result};

/// The range and number of bins of a histogram of intensities.
///
/// The default is that of computed tomography, -1024 to 3072 HU in bins of 16.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct IntensityBins {
    /// Where the first bin begins.
    pub low: f64,
    /// Where the last bin ends.
    pub high: f64,
    /// How many of one width there are; what lies outside has a bin on either side.
    pub bins: usize,
}

impl Default for IntensityBins {
    fn default() -> Self {
        Self {
            low: -1024.0,
            high: 3072.0,
            bins: 256,
        }
    }
}

/// How often intensities occur in an image or in many.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedHistogram")]
pub struct IntensityHistogram {
    bins: IntensityBins,
    counts: Vec<u64>,
}

/// More bins than this are a mistake.
const MOST_BINS: usize = 1 << 16;

#[derive(Deserialize)]
struct SavedHistogram {
    bins: IntensityBins,
    counts: Vec<u64>,
}

impl TryFrom<SavedHistogram> for IntensityHistogram {
    type Error = Error;
    fn try_from(saved: SavedHistogram) -> Result<Self> {
        let empty = Self::new(saved.bins)?;
        if saved.counts.len() != empty.counts.len() {
            return Err(Error::Length {
                what: "counts",
                got: saved.counts.len(),
                against: "bins, below and above",
                expected: empty.counts.len(),
            });
        }
        possible(&saved.counts)?;
        Ok(Self {
            counts: saved.counts,
            ..empty
        })
    }
}

impl IntensityHistogram {
    /// An empty histogram.
    ///
    /// # Errors
    /// Refuses a range that is not finite or empty, no bins, and more than 65 536.
    pub fn new(bins: IntensityBins) -> Result<Self> {
        let (low, high) = (bins.low, bins.high);
        for (parameter, rule, value, fine) in [
            (
                "low",
                "finite and below high",
                low,
                low.is_finite() && low < high,
            ),
            ("high", "finite", high, high.is_finite()),
            (
                "bins",
                "from 1 to 65536",
                bins.bins as f64,
                (1..=MOST_BINS).contains(&bins.bins),
            ),
        ] {
            if !fine {
                return Err(Error::InvalidParameter {
                    parameter,
                    rule,
                    value,
                });
            }
        }
        Ok(Self {
            bins,
            counts: vec![0; bins.bins + 2],
        })
    }

    /// Number of voxels below the range, in each bin, and above the range.
    #[must_use]
    pub fn counts(&self) -> &[u64] {
        &self.counts
    }

    /// Number of voxels.
    #[must_use]
    pub fn voxels(&self) -> u64 {
        self.counts.iter().sum()
    }

    fn place(&self, value: f64) -> usize {
        let IntensityBins { low, high, bins } = self.bins;
        if value < low {
            return 0;
        }
        if value > high {
            return bins + 1;
        }
        let bin = (value - low) / (high - low) * bins as f64;
        1 + (bin as usize).min(bins - 1)
    }

    fn distance(&self, other: &[u64]) -> Result<Divergences> {
        Divergences::between(other, &self.counts, EmptyCells::HalfCase)
    }
}

impl Accumulator for IntensityHistogram {
    /// The voxels of an image.
    type Item<'a> = &'a [f32];
    /// [`Self::counts`].
    type Output = Vec<u64>;

    fn push(&mut self, voxels: &[f32]) -> Result<()> {
        if let Some(index) = voxels.iter().position(|voxel| voxel.is_nan()) {
            return Err(Error::InvalidValue {
                what: "voxels",
                rule: "numbers",
                index,
                value: f64::NAN,
            });
        }
        for &voxel in voxels {
            let place = self.place(f64::from(voxel));
            self.counts[place] += 1;
        }
        Ok(())
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        same_bins(self, other)?;
        for (count, more) in self.counts.iter_mut().zip(&other.counts) {
            *count += more;
        }
        Ok(())
    }

    fn finish(&self) -> Result<Vec<u64>> {
        Ok(self.counts.clone())
    }
}

fn same_bins(left: &IntensityHistogram, right: &IntensityHistogram) -> Result<()> {
    if left.bins == right.bins && left.counts.len() == right.counts.len() {
        return Ok(());
    }
    Err(Error::Incompatible {
        setting: "bins of intensities",
        left: format!("{:?}", left.bins),
        right: format!("{:?}", right.bins),
    })
}

/// The histograms of reference images: all of them together, and how far each is from the others.
///
/// Millions of voxels make any difference significant, so an image is judged by the differences between the
/// reference's own images, of which there should be twenty or more.
///
/// ```
/// use medmetrics::Accumulator;
/// use medmetrics::drift::{IntensityBins, IntensityHistogram, IntensityReference};
///
/// let bins = IntensityBins { low: 0.0, high: 100.0, bins: 20 };
/// let image = |level: u32| -> medmetrics::Result<IntensityHistogram> {
///     let mut histogram = IntensityHistogram::new(bins)?;
///     let voxels: Vec<f32> = (0..500).map(|i| (level + i % 30) as f32).collect();
///     histogram.push(&voxels)?;
///     Ok(histogram)
/// };
/// let images = (0..30).map(|i| image(20 + i % 7)).collect::<Result<Vec<_>, _>>()?;
/// let reference = IntensityReference::of(&images)?;
/// assert!(reference.compare(&image(23)?, 0.05)?.reasons.is_empty());
/// assert_eq!(reference.compare(&image(60)?, 0.05)?.reasons.len(), 1);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "SavedReference")]
pub struct IntensityReference {
    pooled: IntensityHistogram,
    /// Distance of each image from all others together, ascending.
    distances: Vec<f64>,
}

/// How an image's intensities differ from the reference's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct IntensityDrift {
    /// Over the bins of the histogram.
    pub divergences: Divergences,
    /// Share of the reference's images, this one among them, that are at least as far from the others by
    /// Jensen and Shannon's distance; never 0.
    pub rank: f64,
    /// Why it is called drift; empty when it is not.
    pub reasons: Vec<DriftReason>,
}

#[derive(Deserialize)]
struct SavedReference {
    pooled: IntensityHistogram,
    distances: Vec<f64>,
}

impl TryFrom<SavedReference> for IntensityReference {
    type Error = Error;
    fn try_from(saved: SavedReference) -> Result<Self> {
        Ok(Self {
            pooled: saved.pooled,
            distances: sorted(&saved.distances)?,
        })
    }
}

impl IntensityReference {
    /// Keeps what is needed of the histograms of images.
    ///
    /// # Errors
    /// Refuses fewer than two images, images without voxels, and histograms of different bins.
    pub fn of(images: &[IntensityHistogram]) -> Result<Self> {
        let [first, _, ..] = images else {
            return Err(Error::TooFew {
                what: "a reference of intensities",
                of: "images",
                least: 2,
                got: images.len(),
            });
        };
        let mut pooled = IntensityHistogram::new(first.bins)?;
        for image in images {
            pooled.merge(image)?;
        }
        let distance = |image: &IntensityHistogram| {
            let pairs = pooled.counts.iter().zip(&image.counts);
            let others: Vec<u64> = pairs.map(|(all, own)| all - own).collect();
            Ok(image.distance(&others)?.jensen_shannon)
        };
        let mut distances = images.iter().map(distance).collect::<Result<Vec<f64>>>()?;
        distances.sort_unstable_by(f64::total_cmp);
        Ok(Self { pooled, distances })
    }

    /// Compares an image; it drifted if at most this share of the reference's images is as far out.
    ///
    /// # Errors
    /// Refuses a histogram of other bins or without voxels.
    pub fn compare(&self, image: &IntensityHistogram, significance: f64) -> Result<IntensityDrift> {
        same_bins(&self.pooled, image)?;
        let divergences = image.distance(&self.pooled.counts)?;
        let distance = divergences.jensen_shannon;
        let nearer = self.distances.partition_point(|&other| other < distance);
        let farther = self.distances.len() - nearer;
        let rank = (1 + farther) as f64 / (1 + self.distances.len()) as f64;
        let unusual = DriftReason::UnusualHistogram { distance, rank };
        Ok(IntensityDrift {
            divergences,
            rank,
            reasons: (rank <= significance)
                .then_some(unusual)
                .into_iter()
                .collect(),
        })
    }

    /// All images together.
    #[must_use]
    pub fn pooled(&self) -> &IntensityHistogram {
        &self.pooled
    }
}
