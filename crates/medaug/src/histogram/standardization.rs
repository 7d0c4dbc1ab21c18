//! One scale for MR images of one kind: landmarks of their histograms are moved to where those of the training
//! images lay on average (Nyúl and Udupa, "On standardizing the MR image intensity scale", 1999; TorchIO
//! `HistogramStandardization`).

use serde::{Deserialize, Serialize};

use super::{Counted, sorted};
use crate::error::{Error, Result, check};
use crate::operation::{Channel, ChannelOperation};
use crate::parallel::for_each_chunk;

/// Landmarks: two cut-offs and the deciles between.
const COUNT: usize = 11;

/// The scale that training images are brought to: their cut-offs become its ends.
const SCALE: (f64, f64) = (0.0, 100.0);

/// Landmarks of an image closer than this are taken for one (TorchIO's `epsilon`).
const CLOSE: f64 = 1e-5;

/// Where the landmarks of the training images lie on the common scale.
///
/// ```
/// use medaug::{Landmarks, LandmarkTraining};
///
/// let mut training = LandmarkTraining::default();
/// for brightness in [1.0, 3.0] {
///     let image: Vec<f32> = (0..=1000).map(|i| i as f32 * brightness).collect();
///     training.add(&image)?;
/// }
/// let landmarks: Landmarks = training.landmarks()?;
/// assert!((landmarks.values()[5] - 50.0).abs() < 1e-9, "the median is in the middle");
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Landmarks {
    /// Shares of voxels below the first and the last landmark.
    cutoffs: [f64; 2],
    values: Vec<f64>,
}

impl Landmarks {
    /// Landmarks that TorchIO trained with its default cut-offs: 13, of which it uses all but the quartiles.
    #[must_use]
    pub fn from_torchio(trained: &[f64; 13]) -> Self {
        let used = [0, 1, 2, 4, 5, 6, 7, 8, 10, 11, 12];
        Self {
            cutoffs: LandmarkTraining::default().cutoffs,
            values: used.map(|i| trained[i]).to_vec(),
        }
    }

    /// The eleven landmarks: lower cut-off, deciles, upper cut-off.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }

    fn check(&self) -> Result<()> {
        check_cutoffs(self.cutoffs)?;
        if self.values.len() != COUNT {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "landmarks",
                expected: COUNT,
                got: self.values.len(),
            });
        }
        let mut before = f64::NEG_INFINITY;
        for &value in &self.values {
            check(NAME, "landmarks", value, "finite and in order", |v| {
                v.is_finite() && v >= before
            })?;
            before = value;
        }
        Ok(())
    }
}

fn check_cutoffs(cutoffs: [f64; 2]) -> Result<()> {
    check(
        NAME,
        "lower cut-off",
        cutoffs[0],
        "at least 0 and below 0.1",
        |v| (0.0..0.1).contains(&v),
    )?;
    check(
        NAME,
        "upper cut-off",
        cutoffs[1],
        "above 0.9 and at most 1",
        |v| v > 0.9 && v <= 1.0,
    )
}

/// The landmarks of an image, linearly between sorted voxels (numpy's `percentile`).
fn landmarks_of(sorted: &[f32], cutoffs: [f64; 2]) -> [f64; COUNT] {
    std::array::from_fn(|i| {
        let share = match i {
            0 => cutoffs[0],
            10 => cutoffs[1],
            _ => i as f64 / 10.0,
        };
        let at = share * (sorted.len() - 1) as f64;
        let low = at as usize;
        let high = (low + 1).min(sorted.len() - 1);
        let (a, b) = (f64::from(sorted[low]), f64::from(sorted[high]));
        a + (b - a) * (at - low as f64)
    })
}

/// Collects the landmarks of training images; their order makes no difference, not in the last bit either.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LandmarkTraining {
    cutoffs: [f64; 2],
    images: Vec<[f64; COUNT]>,
}

impl Default for LandmarkTraining {
    /// Cut-offs of one percent.
    fn default() -> Self {
        Self {
            cutoffs: [0.01, 0.99],
            images: vec![],
        }
    }
}

impl LandmarkTraining {
    /// With shares of voxels below the lower and the upper cut-off.
    ///
    /// # Errors
    /// Refuses cut-offs beyond the first and the last decile.
    pub fn new(cutoffs: [f64; 2]) -> Result<Self> {
        check_cutoffs(cutoffs)?;
        Ok(Self {
            cutoffs,
            images: vec![],
        })
    }

    /// Adds the voxels of an image that count, for instance those of [`Counted::select`].
    ///
    /// # Errors
    /// Refuses images that are not finite and those whose cut-offs fall together, as a constant one's.
    pub fn add(&mut self, voxels: &[f32]) -> Result<()> {
        let sorted = sorted(voxels.to_vec(), 0)?;
        let spread = if sorted.is_empty() {
            0.0
        } else {
            let landmarks = landmarks_of(&sorted, self.cutoffs);
            self.images.push(landmarks);
            landmarks[COUNT - 1] - landmarks[0]
        };
        let spread_out = check(
            NAME,
            "spread between the cut-offs",
            spread,
            "above 0",
            |v| v > 0.0,
        );
        if spread_out.is_err() && !sorted.is_empty() {
            self.images.pop();
        }
        spread_out
    }

    /// Adds the images of another training with the same cut-offs.
    ///
    /// # Errors
    /// Refuses other cut-offs.
    pub fn merge(&mut self, other: Self) -> Result<()> {
        for (mine, theirs) in self.cutoffs.into_iter().zip(other.cutoffs) {
            check(NAME, "cut-off", theirs, "that of the other training", |v| {
                v == mine
            })?;
        }
        self.images.extend(other.images);
        Ok(())
    }

    /// The mean of the landmarks, each image stretched so that its cut-offs become 0 and 100.
    ///
    /// # Errors
    /// Refuses a training without images.
    pub fn landmarks(&self) -> Result<Landmarks> {
        let count = self.images.len() as f64;
        check(NAME, "images trained on", count, "at least one", |v| {
            v > 0.0
        })?;
        let mut images = self.images.clone();
        images.sort_by(|a, b| {
            let pairs = a.iter().zip(b).map(|(a, b)| a.total_cmp(b));
            pairs.fold(std::cmp::Ordering::Equal, std::cmp::Ordering::then)
        });
        let mut sums = [0.0; COUNT];
        for image in &images {
            let slope = (SCALE.1 - SCALE.0) / (image[COUNT - 1] - image[0]);
            for (sum, value) in sums.iter_mut().zip(image) {
                *sum += SCALE.0 + slope * (value - image[0]);
            }
        }
        Ok(Landmarks {
            cutoffs: self.cutoffs,
            values: sums.iter().map(|sum| sum / count).collect(),
        })
    }
}

/// Moves the landmarks of a channel to trained ones, linearly between and beyond. There is nothing to draw.
///
/// Where two landmarks of the channel fall together, all between becomes the lower one's. A channel with NaN is
/// refused; a constant one becomes the highest landmark but one, and one of which no voxel counts stays as it is. TorchIO
/// 1.2.1 applies with cut-offs of one percent whatever it was trained with; here they come with the landmarks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HistogramStandardization {
    /// Where the landmarks go.
    pub landmarks: Landmarks,
    /// Which voxels are counted.
    #[serde(default)]
    pub counted: Counted,
}

const NAME: &str = "HistogramStandardization";

impl ChannelOperation for HistogramStandardization {
    fn check(&self, _dimension: usize) -> Result<()> {
        self.landmarks.check()
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        super::check_finite(channel.voxels, channel.number)?;
        let counted = sorted(self.counted.select(channel.voxels), channel.number)?;
        if counted.is_empty() {
            return Ok(());
        }
        let from = landmarks_of(&counted, self.landmarks.cutoffs);
        let to = &self.landmarks.values;
        let lines: [(f64, f64); COUNT - 1] = std::array::from_fn(|i| {
            let width = from[i + 1] - from[i];
            let slope = if width < CLOSE {
                0.0
            } else {
                (to[i + 1] - to[i]) / width
            };
            (slope, to[i] - slope * from[i])
        });
        let inner = &from[1..COUNT - 1];
        for_each_chunk(channel.voxels, |_, chunk| {
            for v in chunk {
                let value = f64::from(*v);
                let line = inner.iter().filter(|&&border| border <= value).count();
                let (slope, shift) = lines[line];
                *v = (slope * value + shift) as f32;
            }
        });
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(seed: u32) -> Vec<f32> {
        (0..777_u32)
            .map(|i| ((i * seed) % 1_009) as f32 * 0.37 + seed as f32)
            .collect()
    }

    #[test]
    fn any_order_of_images_gives_the_same_bits() {
        let train = |seeds: &[u32]| {
            let mut training = LandmarkTraining::default();
            for &seed in seeds {
                training.add(&image(seed)).unwrap();
            }
            training
        };
        let forth = train(&[17, 23, 31, 101]).landmarks().unwrap();
        assert_eq!(train(&[101, 17, 31, 23]).landmarks().unwrap(), forth);
        let mut parts = train(&[31, 101]);
        parts.merge(train(&[23, 17])).unwrap();
        assert_eq!(parts.landmarks().unwrap(), forth);
    }

    #[test]
    fn what_cannot_be_trained_on_is_refused_and_leaves_no_trace() {
        let mut training = LandmarkTraining::default();
        assert!(training.add(&[4.0; 30]).is_err());
        assert!(training.add(&[]).is_err());
        assert!(training.add(&[1.0, f32::NAN]).is_err());
        assert!(training.landmarks().is_err());
        assert!(LandmarkTraining::new([0.2, 0.99]).is_err());
    }
}
