//! How far CT numbers alone would take a segmentation.

use medcore::{Image, Label, LabelMap, LabelTable};

use crate::error::{Error, Result};

/// A table from intensity to class: the best that looking at one voxel at a time can do.
///
/// Fitting counts every training voxel in a histogram of intensity and class. It starts from the most
/// probable class of each bin (Bayes' rule), and then changes the class of single bins as long as that
/// raises the mean Dice over the foreground classes, pooled over the training voxels. So the table is
/// at least as good on the training set as the maximum a posteriori one by the measure that
/// segmentations are judged by; a network worth its name must be clearly better.
///
/// ```
/// use medcore::{Geometry, Image, LabelMap, LabelTable};
/// use medphantom::IntensityBaseline;
///
/// let grid = Geometry::<3>::axis_aligned([1, 1, 4], [1.0; 3])?;
/// let image = Image::new(grid, vec![-100i16, 50, 60, 400])?;
/// let labels = LabelMap::new(grid, vec![0u8, 1, 1, 2])?;
/// let table = LabelTable::new([("organ", vec![1]), ("bone", vec![2])])?;
/// let baseline = IntensityBaseline::fit([(&image, &labels)], &table)?;
/// assert_eq!(baseline.predict(&image)?, labels);
/// # Ok::<(), medphantom::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct IntensityBaseline {
    classes: usize,
    table: Vec<u32>,
}

/// First intensity of the table, width and number of its bins; it covers -1100 to 3100.
const LOW: f64 = -1100.0;
const BIN: f64 = 3.0;
const BINS: usize = 1400;
const SWEEPS: usize = 20;

/// How often each intensity occurs in each class, counted one case at a time.
///
/// ```
/// use medcore::{Geometry, Image, LabelMap, LabelTable};
/// use medphantom::IntensityCounts;
///
/// let grid = Geometry::<3>::axis_aligned([1, 1, 4], [1.0; 3])?;
/// let labels = LabelMap::new(grid, vec![0u8, 1, 1, 2])?;
/// let mut counts = IntensityCounts::new(&LabelTable::new([("organ", vec![1]), ("bone", vec![2])])?);
/// counts.add(&Image::new(grid, vec![-100i16, 50, 60, 400])?, &labels)?;
/// let baseline = counts.fit()?;
/// assert_eq!(baseline.predict(&Image::new(grid, vec![-100i16, 50, 60, 400])?)?, labels);
/// # Ok::<(), medphantom::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct IntensityCounts {
    classes: usize,
    ignore: Option<u32>,
    counts: Vec<u64>,
    cases: usize,
}

impl IntensityCounts {
    /// Nothing counted yet.
    #[must_use]
    pub fn new(table: &LabelTable) -> Self {
        let classes = table.class_count();
        Self {
            classes,
            ignore: table.ignore(),
            counts: vec![0; BINS * classes],
            cases: 0,
        }
    }

    /// Counts the first channel of an image in HU; voxels with the table's ignore label are passed over.
    ///
    /// # Errors
    /// Refuses a label outside the classes, and an image with more or fewer voxels than labels.
    pub fn add<T, L>(&mut self, image: &Image<T, 3>, labels: &LabelMap<L, 3>) -> Result<()>
    where
        T: Copy + Into<f64>,
        L: Label,
    {
        let (case, classes) = (self.cases, self.classes);
        let (voxels, labels) = (image.channel(0), labels.as_slice());
        if voxels.len() != labels.len() {
            return Err(Error::CaseMismatch {
                case,
                image: voxels.len(),
                labels: labels.len(),
            });
        }
        for (&voxel, &label) in voxels.iter().zip(labels) {
            let label: u32 = label.into();
            if self.ignore == Some(label) {
                continue;
            }
            if label as usize >= classes {
                return Err(Error::UnknownLabel {
                    case,
                    label,
                    classes,
                });
            }
            self.counts[bin(voxel.into()) * classes + label as usize] += 1;
        }
        self.cases += 1;
        Ok(())
    }

    /// The best table for what was counted.
    ///
    /// # Errors
    /// Refuses an empty set.
    pub fn fit(&self) -> Result<IntensityBaseline> {
        if self.cases == 0 {
            return Err(Error::NoCases);
        }
        Ok(IntensityBaseline {
            table: ascend(&self.counts, self.classes),
            classes: self.classes,
        })
    }
}

impl IntensityBaseline {
    /// Fits the table on cases of an image in HU, of which the first channel counts, and its labels; voxels
    /// with the table's ignore label are passed over.
    ///
    /// # Errors
    /// Refuses an empty set, a label outside the classes, and an image with more or fewer voxels than labels.
    pub fn fit<'a, T, L>(
        cases: impl IntoIterator<Item = (&'a Image<T, 3>, &'a LabelMap<L, 3>)>,
        table: &LabelTable,
    ) -> Result<Self>
    where
        T: Copy + Into<f64> + 'a,
        L: Label + 'a,
    {
        let mut counts = IntensityCounts::new(table);
        for (image, labels) in cases {
            counts.add(image, labels)?;
        }
        counts.fit()
    }

    /// The class of every voxel by its intensity in the first channel.
    ///
    /// # Errors
    /// None for an image that could be made.
    pub fn predict<T: Copy + Into<f64>>(&self, image: &Image<T, 3>) -> Result<LabelMap<u8, 3>> {
        let labels: Vec<u8> = (image.channel(0).iter())
            .map(|&voxel| self.table[bin(voxel.into())] as u8)
            .collect();
        Ok(LabelMap::new(*image.geometry(), labels)?)
    }

    /// Mean Dice of the prediction over the foreground classes present in `labels`; `None` if there are none.
    ///
    /// # Errors
    /// As [`IntensityBaseline::predict`], and for a label map of another size.
    pub fn mean_dice<T: Copy + Into<f64>>(
        &self,
        image: &Image<T, 3>,
        labels: &LabelMap<u8, 3>,
    ) -> Result<Option<f64>> {
        let prediction = self.predict(image)?;
        if prediction.as_slice().len() != labels.as_slice().len() {
            return Err(Error::CaseMismatch {
                case: 0,
                image: prediction.as_slice().len(),
                labels: labels.as_slice().len(),
            });
        }
        let mut tallies = vec![Tally::default(); 256];
        for (&p, &t) in prediction.as_slice().iter().zip(labels.as_slice()) {
            tallies[p as usize].predicted += 1;
            tallies[t as usize].true_voxels += 1;
            tallies[t as usize].hit += u64::from(p == t);
        }
        let scores: Vec<f64> = (tallies[1..].iter())
            .filter(|tally| tally.true_voxels > 0)
            .map(|tally| tally.dice())
            .collect();
        Ok((!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64))
    }
}

fn bin(intensity: f64) -> usize {
    // NaN goes to the first bin, as a cast does.
    (((intensity - LOW) / BIN) as usize).min(BINS - 1)
}

/// Voxels of one class: predicted, true, and both.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    predicted: u64,
    true_voxels: u64,
    hit: u64,
}

impl Tally {
    fn dice(&self) -> f64 {
        let sum = self.predicted + self.true_voxels;
        if sum == 0 {
            0.0
        } else {
            2.0 * self.hit as f64 / sum as f64
        }
    }
}

/// The class of every bin: Bayes' choice, then coordinate ascent on the mean Dice.
fn ascend(counts: &[u64], classes: usize) -> Vec<u32> {
    let mut table = vec![0u32; BINS];
    let mut tallies = vec![Tally::default(); classes];
    for (row, choice) in counts.chunks_exact(classes).zip(&mut table) {
        let most = row.iter().copied().max().unwrap_or(0);
        let best = row.iter().position(|&c| c == most).unwrap_or(0);
        *choice = best as u32;
        tallies[best].predicted += row.iter().sum::<u64>();
        tallies[best].hit += row[best];
        for (tally, &count) in tallies.iter_mut().zip(row) {
            tally.true_voxels += count;
        }
    }
    // Background does not count, so its Dice is left out of the sum.
    let dice = |class: usize, tally: &Tally| if class == 0 { 0.0 } else { tally.dice() };
    for _ in 0..SWEEPS {
        let mut changed = false;
        for (row, choice) in counts.chunks_exact(classes).zip(&mut table) {
            let total: u64 = row.iter().sum();
            if total == 0 {
                continue;
            }
            let old = *choice as usize;
            let mut without = tallies[old];
            without.predicted -= total;
            without.hit -= row[old];
            let gain = |class: usize| {
                let mut with = if class == old {
                    without
                } else {
                    tallies[class]
                };
                let before = dice(class, &with);
                with.predicted += total;
                with.hit += row[class];
                dice(class, &with) - before
            };
            let (mut best, mut best_gain) = (old, gain(old) + 1e-12);
            for class in 0..classes {
                if gain(class) > best_gain {
                    (best, best_gain) = (class, gain(class));
                }
            }
            if best != old {
                tallies[old] = without;
                tallies[best].predicted += total;
                tallies[best].hit += row[best];
                *choice = best as u32;
                changed = true;
            }
        }
        if !changed {
            break;
        }
    }
    table
}
