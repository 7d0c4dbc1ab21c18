//! What the training cases have in common, and the preprocessing that follows from it (nnU-Net's rules:
//! Isensee et al., Nature Methods 2021, <https://doi.org/10.1038/s41592-020-01008-z>).

use medcore::orientation::Reorientation;
use medcore::random::Key;
use medcore::resample::Voxel;
use medcore::{Geometry, GeometryTolerance, Image, LabelMap, Orientation, Region};
use serde::{Deserialize, Serialize};

use super::foreground::{Foreground, ForegroundRule, foreground_region};
use super::statistics::{IntensityStatistics, percentile, statistics};
use crate::error::{Error, Result};

/// What is remembered of one training case.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CaseFingerprint {
    /// Millimetres between voxels.
    pub spacing: [f64; 3],
    /// Voxels after the crop to what is not zero.
    pub shape: [usize; 3],
    /// Share of the voxels that the crop left.
    pub kept_share: f64,
    /// Intensities of foreground voxels, drawn with replacement, for every channel; none without foreground.
    pub intensities: Vec<Vec<f32>>,
}

impl CaseFingerprint {
    /// Draws in a case; with equal numbers from every case, large organs do not outweigh small patients.
    pub const DRAWS: usize = 50_000;

    /// Looks at one case, in the orientation that preprocessing will give it; the class `ignored` is not
    /// foreground.
    ///
    /// # Errors
    /// Refuses labels on another grid and intensities that are not finite.
    pub fn of<T: Voxel>(
        image: &Image<T, 3>,
        labels: &LabelMap<u8, 3>,
        orientation: Option<Orientation>,
        ignored: Option<u8>,
        key: Key,
    ) -> Result<Self> {
        image
            .geometry()
            .check_same_as(labels.geometry(), &GeometryTolerance::default())
            .map_err(medcore::Error::from)?;
        let non_zero = Foreground {
            rule: ForegroundRule::NonZero,
            margin: [0; 3],
        };
        let region = match foreground_region(image, &non_zero) {
            Some(region) => region,
            None => Region::whole(image.shape())?,
        };
        let cropped: Geometry<3> = image.geometry().crop(&region)?;
        let oriented = match orientation {
            Some(orientation) => Reorientation::new(&cropped, orientation).geometry(&cropped)?,
            None => cropped,
        };
        let positions = draw_foreground(labels.as_slice(), ignored, key);
        let intensities: Vec<Vec<f32>> = (0..image.channels())
            .map(|channel| {
                let voxels = image.channel(channel);
                positions.iter().map(|&p| voxels[p].to_f32()).collect()
            })
            .collect();
        if let Some(channel) = intensities
            .iter()
            .position(|values| values.iter().any(|v| !v.is_finite()))
        {
            return Err(Error::NotFinite { channel });
        }
        Ok(Self {
            spacing: oriented.spacing(),
            shape: oriented.shape(),
            kept_share: region.len() as f64 / image.geometry().len() as f64,
            intensities,
        })
    }
}

/// Positions of foreground voxels, drawn with replacement, in rising order.
fn draw_foreground(labels: &[u8], ignored: Option<u8>, key: Key) -> Vec<usize> {
    let counts = |label: u8| label != 0 && Some(label) != ignored;
    let total = labels.iter().filter(|&&label| counts(label)).count();
    if total == 0 {
        return vec![];
    }
    let mut random = key.stream("fingerprint");
    let mut wanted: Vec<usize> = (0..CaseFingerprint::DRAWS)
        .map(|_| random.below(total))
        .collect();
    wanted.sort_unstable();
    let mut positions = Vec::with_capacity(wanted.len());
    let (mut at, mut seen) = (0, 0);
    for run in labels.chunk_by(|&a, &b| counts(a) == counts(b)) {
        if counts(run[0]) {
            while let Some(&number) = wanted.get(positions.len()) {
                if number >= seen + run.len() {
                    break;
                }
                positions.push(at + number - seen);
            }
            seen += run.len();
        }
        at += run.len();
    }
    positions
}

/// What the training cases have in common.
///
/// ```
/// use medaug::{CaseFingerprint, Fingerprint, Intensity, Modality};
///
/// let case = |spacing: f64| CaseFingerprint {
///     spacing: [spacing, 0.8, 0.8],
///     shape: [60, 400, 400],
///     kept_share: 1.0,
///     intensities: vec![vec![-50.0, 0.0, 50.0]],
/// };
/// let fingerprint = Fingerprint::of_cases(&[case(2.0), case(5.0), case(5.0)])?;
/// // Slices that are thick in the median but thin in some cases: their 10th percentile is taken.
/// assert_eq!(fingerprint.target_spacing(), [2.6, 0.8, 0.8]);
/// let preprocess = fingerprint.propose(&[Modality::Ct])?;
/// assert!(matches!(preprocess.intensity[0], Intensity::ClipZScore { mean, .. } if mean == 0.0));
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Fingerprint {
    /// Spacing of every case, in millimetres.
    pub spacings: Vec<[f64; 3]>,
    /// Shape of every case after the crop.
    pub shapes: Vec<[usize; 3]>,
    /// Median over cases of the share of voxels that the crop left.
    pub median_kept_share: f64,
    /// Foreground intensities of each channel; `None` if no case has foreground.
    pub intensities: Vec<Option<IntensityStatistics>>,
}

impl Fingerprint {
    /// Looks at cases one after the other, in the orientation that preprocessing will give them; the class
    /// `ignored` is not foreground.
    ///
    /// # Errors
    /// As [`CaseFingerprint::of`] and [`Fingerprint::of_cases`].
    pub fn of<'a, T: Voxel>(
        cases: impl IntoIterator<Item = (&'a Image<T, 3>, &'a LabelMap<u8, 3>)>,
        orientation: Option<Orientation>,
        ignored: Option<u8>,
        key: Key,
    ) -> Result<Self> {
        let look = |(image, labels)| CaseFingerprint::of(image, labels, orientation, ignored, key);
        let cases: Vec<_> = cases.into_iter().map(look).collect::<Result<_>>()?;
        Self::of_cases(&cases)
    }

    /// Pools cases; their order does not matter.
    ///
    /// # Errors
    /// Refuses no case at all, and cases with different numbers of channels.
    pub fn of_cases(cases: &[CaseFingerprint]) -> Result<Self> {
        let refuse = |reason: String| Error::Fingerprint { reason };
        let Some(first) = cases.first() else {
            return Err(refuse("there are none".to_owned()));
        };
        let channels = first.intensities.len();
        if let Some(other) = cases.iter().find(|c| c.intensities.len() != channels) {
            return Err(refuse(format!(
                "one has {channels} channels, another {}",
                other.intensities.len()
            )));
        }
        let pooled = |channel: usize| -> Vec<f32> {
            let values = cases.iter().flat_map(|c| &c.intensities[channel]);
            values.copied().collect()
        };
        let mut shares: Vec<f64> = cases.iter().map(|c| c.kept_share).collect();
        Ok(Self {
            spacings: cases.iter().map(|c| c.spacing).collect(),
            shapes: cases.iter().map(|c| c.shape).collect(),
            median_kept_share: percentile(&mut shares, 50.0),
            intensities: (0..channels).map(|c| statistics(pooled(c))).collect(),
        })
    }

    /// The spacing to train at, in millimetres: the median of each axis; where one axis is more than three
    /// times coarser than the others and has less than a third of their voxels, its 10th percentile, but
    /// nothing finer than the others.
    #[must_use]
    pub fn target_spacing(&self) -> [f64; 3] {
        const ANISOTROPY: f64 = 3.0;
        let mut target = self.median_spacing();
        let shape = self.median_shape();
        let worst = (0..3).fold(0, |w, a| if target[a] > target[w] { a } else { w });
        let others = (0..3).filter(|&a| a != worst);
        let coarsest_other = others.clone().map(|a| target[a]).fold(0.0, f64::max);
        let shortest_other = others.map(|a| shape[a]).fold(f64::INFINITY, f64::min);
        if target[worst] > ANISOTROPY * coarsest_other && shape[worst] * ANISOTROPY < shortest_other
        {
            let finer = self.spacing_percentile(10.0)[worst];
            target[worst] = if finer < coarsest_other {
                coarsest_other + 1e-5
            } else {
                finer
            };
        }
        target
    }

    /// Median spacing of each axis, in millimetres.
    #[must_use]
    pub fn median_spacing(&self) -> [f64; 3] {
        self.spacing_percentile(50.0)
    }

    /// Median number of voxels along each axis, after the crop.
    #[must_use]
    pub fn median_shape(&self) -> [f64; 3] {
        std::array::from_fn(|a| {
            let mut voxels: Vec<f64> = self.shapes.iter().map(|s| s[a] as f64).collect();
            percentile(&mut voxels, 50.0)
        })
    }

    /// Median number of voxels along each axis once all cases have this spacing.
    #[must_use]
    pub fn median_shape_at(&self, spacing: [f64; 3]) -> [f64; 3] {
        std::array::from_fn(|a| {
            let cases = self.shapes.iter().zip(&self.spacings);
            let mut voxels: Vec<f64> = cases
                .map(|(shape, old)| (old[a] / spacing[a] * shape[a] as f64).round_ties_even())
                .collect();
            percentile(&mut voxels, 50.0)
        })
    }

    fn spacing_percentile(&self, percent: f64) -> [f64; 3] {
        std::array::from_fn(|a| {
            let mut spacing: Vec<f64> = self.spacings.iter().map(|s| s[a]).collect();
            percentile(&mut spacing, percent)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::preprocess::Modality;

    fn case(spacing: [f64; 3], shape: [usize; 3], values: Vec<f32>) -> CaseFingerprint {
        CaseFingerprint {
            spacing,
            shape,
            kept_share: 0.5,
            intensities: vec![values],
        }
    }

    #[test]
    fn percentiles_are_numpys() {
        // numpy.percentile([1, 2, 4, 8], [0.5, 25, 50, 99.5])
        let mut values = [8.0, 1.0, 4.0, 2.0];
        for (percent, want) in [(0.5, 1.015), (25.0, 1.75), (50.0, 3.0), (99.5, 7.94)] {
            assert!((percentile(&mut values, percent) - want).abs() < 1e-12);
        }
    }

    #[test]
    fn the_order_of_cases_does_not_matter() {
        let a = case([1.0; 3], [10, 20, 30], vec![1.0, 5.5, 3.25]);
        let b = case([2.0; 3], [11, 21, 31], vec![0.1, 0.2, 1e6]);
        let one = Fingerprint::of_cases(&[a.clone(), b.clone()]).unwrap();
        let two = Fingerprint::of_cases(&[b, a]).unwrap();
        assert_eq!(one.intensities, two.intensities);
        assert_eq!(one.target_spacing(), two.target_spacing());
    }

    #[test]
    fn thick_slices_never_become_finer_than_pixels() {
        let thick = |s: f64| case([s, 1.0, 1.1], [20, 300, 300], vec![1.0]);
        let cases = [thick(0.5), thick(5.0), thick(5.0)];
        // The 10th percentile, 1.4, is still coarser than the pixels.
        let target = Fingerprint::of_cases(&cases).unwrap().target_spacing();
        assert!((target[0] - 1.4).abs() < 1e-12, "{target:?}");
        let cases = [thick(0.5), thick(0.6), thick(5.0), thick(5.0), thick(5.0)];
        let target = Fingerprint::of_cases(&cases).unwrap().target_spacing();
        assert_eq!(target, [1.1 + 1e-5, 1.0, 1.1]);
        // As many slices as pixels: not anisotropic in voxels, so the median stays.
        let cases = [case([5.0, 1.0, 1.0], [300, 300, 300], vec![1.0])];
        let target = Fingerprint::of_cases(&cases).unwrap().target_spacing();
        assert_eq!(target, [5.0, 1.0, 1.0]);
    }

    #[test]
    fn a_case_is_seen_in_the_orientation_it_will_have() {
        let grid = Geometry::axis_aligned([4, 6, 8], [3.0, 2.0, 1.0]).unwrap();
        let voxels: Vec<i16> = (0..192).map(|v| v - 50).collect();
        let image = Image::new(grid, voxels).unwrap();
        let labels: Vec<u8> = (0..192).map(|v| u8::from(v % 24 < 9) * 2).collect();
        let labels = LabelMap::new(grid, labels).unwrap();
        let sagittal = Some("SPL".parse().unwrap());
        let seen = CaseFingerprint::of(&image, &labels, sagittal, None, Key::new(1)).unwrap();
        assert_eq!((seen.spacing, seen.shape), ([1.0, 2.0, 3.0], [8, 6, 4]));
        assert_eq!(seen.intensities[0].len(), CaseFingerprint::DRAWS);
        let places = seen.intensities[0].iter().map(|v| (*v + 50.0) as usize);
        assert!(places.clone().all(|p| p % 24 < 9));
        assert_eq!(places.collect::<std::collections::BTreeSet<_>>().len(), 72);
        let mean = seen.intensities[0].iter().sum::<f32>() / seen.intensities[0].len() as f32;
        assert!((mean - 38.0).abs() < 1.5, "{mean}"); // the middle of 0..9 and 168..177, less 50
    }

    #[test]
    fn a_case_without_foreground_teaches_its_grid_only() {
        let grid = Geometry::axis_aligned([4, 6, 8], [3.0, 2.0, 1.0]).unwrap();
        let image = Image::<f32, 3>::zeros(1, grid).unwrap();
        let labels = LabelMap::background(grid).unwrap();
        let seen = CaseFingerprint::of(&image, &labels, None, None, Key::new(1)).unwrap();
        let fingerprint = Fingerprint::of_cases(&[seen]).unwrap();
        assert_eq!(fingerprint.intensities, [None]);
        assert!(matches!(
            fingerprint.propose(&[Modality::Ct]),
            Err(Error::Fingerprint { .. })
        ));
        assert!(fingerprint.propose(&[Modality::Mr]).is_ok());
        assert!(Fingerprint::of_cases(&[]).is_err());
    }
}
