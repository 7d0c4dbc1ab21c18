//! Where metrics mislead: rules with thresholds.

use serde::{Deserialize, Serialize};

use super::lint::Lint;
use crate::error::{Error, Result};
use crate::segmentation::{Measure, Report};

/// When a metric is said to mislead.
///
/// ```
/// use medmetrics::guidance::{Lint, Linter};
///
/// let linter = Linter::default();
/// assert_eq!(
///     linter.class_counts(&[950, 50]),
///     Some(Lint::AccuracyUnderImbalance { class: 0, share: 0.95 })
/// );
/// assert_eq!(linter.class_counts(&[60, 40]), None);
/// assert!(linter.tolerance(0.5, &[3.0, 0.8, 0.8])?.is_some());
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct Linter {
    /// Structures are small below this median of voxels, 100 by default.
    pub small_voxels: f64,
    /// Single voxels decide a Hausdorff distance this many times its percentile, 3 by default ...
    pub outlier_ratio: f64,
    /// ... if it lies beyond by this many millimetres too, 10 by default.
    pub outlier_mm: f64,
    /// Classes are unequal when one of them has this share or more, 0.8 by default.
    pub majority_share: f64,
    /// Fewer cases than this are too few for an interval, 20 by default.
    pub least_cases: u64,
    /// Bins with fewer predictions than this are sparse, 30 by default.
    pub least_in_bin: u64,
}

impl Default for Linter {
    fn default() -> Self {
        Self {
            small_voxels: 100.0,
            outlier_ratio: 3.0,
            outlier_mm: 10.0,
            majority_share: 0.8,
            least_cases: 20,
            least_in_bin: 30,
        }
    }
}

impl Linter {
    /// Where a report on label maps misleads: structure by structure, then the whole of it.
    #[must_use]
    pub fn report(&self, report: &Report) -> Vec<Lint> {
        let mut lints = Vec::new();
        for (i, structure) in report.evaluation.structures.iter().enumerate() {
            let found = [
                self.small_structure(report, i, &structure.name),
                self.hausdorff_outliers(report, i, &structure.name),
                absent_structure(report, i, &structure.name),
            ];
            lints.extend(found.into_iter().flatten());
        }
        lints.extend(tolerance_of(report));
        lints.extend(self.cases("cases", report.cases.len() as u64));
        lints
    }

    /// Whether accuracy says little about these classes, given the number of cases of each.
    #[must_use]
    pub fn class_counts(&self, counts: &[u64]) -> Option<Lint> {
        let total: u128 = counts.iter().map(|&count| u128::from(count)).sum();
        // Of equal counts the first.
        let largest = (counts.iter().enumerate()).reduce(|a, b| if b.1 > a.1 { b } else { a });
        let (class, &most) = largest.filter(|_| total > 0 && counts.len() > 1)?;
        let share = most as f64 / total as f64;
        (share >= self.majority_share).then_some(Lint::AccuracyUnderImbalance { class, share })
    }

    /// Whether lesions belong to fewer patients, given the patient of each lesion.
    #[must_use]
    pub fn lesions<S: AsRef<str>>(&self, patients: &[S]) -> Option<Lint> {
        let mut names: Vec<&str> = patients.iter().map(AsRef::as_ref).collect();
        names.sort_unstable();
        let sizes = || names.chunk_by(|a, b| a == b).map(<[&str]>::len);
        let most = sizes().max().filter(|&most| most > 1)?;
        Some(Lint::PooledLesions {
            lesions: names.len() as u64,
            patients: sizes().count() as u64,
            most: most as u64,
        })
    }

    /// Whether bins of a calibration error hold too few predictions, given the number in each.
    #[must_use]
    pub fn bins(&self, counts: &[u64]) -> Option<Lint> {
        let filled = || counts.iter().copied().filter(|&count| count > 0);
        let sparse = filled().filter(|&count| count < self.least_in_bin).count();
        let fewest = filled().min().filter(|_| sparse > 0)?;
        Some(Lint::SparseBins {
            sparse: sparse as u64,
            of: filled().count() as u64,
            fewest,
            least: self.least_in_bin,
        })
    }

    /// Whether there are too few of something for an interval, such as `positive cases`.
    #[must_use]
    pub fn cases(&self, what: &str, n: u64) -> Option<Lint> {
        (n < self.least_cases).then(|| Lint::FewCases {
            what: what.to_owned(),
            n,
            least: self.least_cases,
        })
    }

    /// Whether a tolerance of the surface Dice is below the largest voxel edge; both in millimetres.
    ///
    /// # Errors
    /// Refuses a tolerance and a spacing that are no numbers.
    pub fn tolerance(&self, tolerance_mm: f64, spacing: &[f64]) -> Result<Option<Lint>> {
        if tolerance_mm.is_nan() {
            return Err(Error::InvalidParameter {
                parameter: "tolerance",
                rule: "a number of millimetres",
                value: tolerance_mm,
            });
        }
        if let Some(index) = spacing.iter().position(|edge| edge.is_nan()) {
            return Err(Error::InvalidValue {
                what: "the spacing",
                rule: "numbers of millimetres",
                index,
                value: spacing[index],
            });
        }
        let voxel_mm = spacing.iter().copied().fold(0.0, f64::max);
        Ok(
            (tolerance_mm < voxel_mm).then_some(Lint::ToleranceBelowVoxel {
                tolerance_mm,
                voxel_mm,
            }),
        )
    }

    fn small_structure(&self, report: &Report, i: usize, name: &str) -> Option<Lint> {
        let results = report
            .cases
            .iter()
            .filter_map(|case| case.structures.get(i));
        let mut voxels: Vec<u64> = (results.map(|s| s.overlap.reference()))
            .filter(|&voxels| voxels > 0)
            .collect();
        voxels.sort_unstable();
        let last = voxels.len().checked_sub(1)?;
        let median_voxels = (voxels[last / 2] as f64 + voxels[last.div_ceil(2)] as f64) / 2.0;
        (median_voxels < self.small_voxels).then(|| Lint::OverlapOfSmallStructure {
            structure: name.to_owned(),
            median_voxels,
            dice_half_a_voxel_off: dice_half_a_voxel_off(median_voxels),
        })
    }

    fn hausdorff_outliers(&self, report: &Report, i: usize, name: &str) -> Option<Lint> {
        let distances = report.cases.iter().filter_map(|case| {
            let structure = case.structures.get(i)?;
            let value = |measure: Measure| {
                let measured = measure.of(structure);
                // Distances that a policy put there say nothing about single voxels.
                measured
                    .value
                    .filter(|v| v.is_finite() && measured.empty.is_none())
            };
            let percentile = value(Measure::HausdorffPercentile)?;
            Some((case.case.as_str(), value(Measure::Hausdorff)?, percentile))
        });
        let distances: Vec<_> = distances.collect();
        let decided = |&&(_, hausdorff, percentile): &&(&str, f64, f64)| {
            hausdorff > self.outlier_ratio * percentile && hausdorff - percentile > self.outlier_mm
        };
        let outliers: Vec<_> = distances.iter().filter(decided).collect();
        // Of equal distances the first case.
        let worst = (outliers.iter()).reduce(|a, b| if b.1 > a.1 { b } else { a })?;
        Some(Lint::HausdorffOutliers {
            structure: name.to_owned(),
            cases: outliers.len() as u64,
            of: distances.len() as u64,
            worst: worst.0.to_owned(),
            hausdorff_mm: worst.1,
            percentile_mm: worst.2,
        })
    }
}

/// The Dice of a ball of so many voxels and the same ball with a radius half a voxel larger.
fn dice_half_a_voxel_off(voxels: f64) -> f64 {
    let radius = libm::cbrt(0.75 * voxels / std::f64::consts::PI);
    let larger = (radius + 0.5) / radius;
    2.0 / (1.0 + larger * larger * larger)
}

fn absent_structure(report: &Report, i: usize, name: &str) -> Option<Lint> {
    let results = report
        .cases
        .iter()
        .filter_map(|case| case.structures.get(i));
    let absent = results.filter(|s| s.overlap.reference() == 0).count();
    (absent > 0).then(|| Lint::AbsentStructure {
        structure: name.to_owned(),
        absent: absent as u64,
        of: report.cases.len() as u64,
    })
}

/// Whether the smallest tolerance of a structure is below the voxels.
///
/// A report knows volumes, so what it can say is that the mean voxel edge is beyond the tolerance, and with
/// it the largest one.
fn tolerance_of(report: &Report) -> Option<Lint> {
    let edges = report.cases.iter().flat_map(|case| {
        case.structures.iter().filter_map(|s| {
            let volumes = [
                (s.reference_ml, s.overlap.reference()),
                (s.prediction_ml, s.overlap.prediction()),
            ];
            let (ml, voxels) = volumes.into_iter().find(|(_, voxels)| *voxels > 0)?;
            Some(libm::cbrt(1000.0 * ml? / voxels as f64))
        })
    });
    let voxel_mm = edges.reduce(f64::max)?;
    let evaluation = &report.evaluation;
    let tolerances = evaluation.structures.iter();
    let tolerance_mm = tolerances
        .map(|s| evaluation.tolerance_mm_of(&s.name))
        .reduce(f64::min)?;
    (evaluation.surfaces && tolerance_mm < voxel_mm).then_some(Lint::ToleranceBelowVoxel {
        tolerance_mm,
        voxel_mm,
    })
}
