//! nnU-Net's rules, with the numbers that its presets differ in.

use serde::{Deserialize, Serialize};

use super::topology::{NetworkKind, PlannedNetwork, Topology};
use super::{Plan, PlannedConfiguration};
use crate::error::{Error, Result, check};
use crate::preprocess::{Fingerprint, Modality};

const NAME: &str = "Planner";
/// Batches are no smaller than this.
const SMALLEST_BATCH: f64 = 2.0;
/// A patch that shows less of the median image asks for a configuration of lower resolution.
const SHOWN_BY_PATCH: f64 = 0.25;
/// Step by which spacing grows in the search for a lower resolution.
const COARSER: f64 = 1.03;
/// A lower resolution must save at least this factor of voxels.
const WORTHWHILE: f64 = 2.0;

/// What a network may use: memory as a number of feature map entries that is known to fit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MemoryModel {
    /// Memory of the device, in gigabytes.
    pub gigabytes: f64,
    /// Memory in which the numbers below fit, in gigabytes.
    pub reference_gigabytes: f64,
    /// Feature map entries of a 3D network, for a batch of 2.
    pub volumes: f64,
    /// Feature map entries of a 2D network, for a batch of 12.
    pub slices: f64,
}

/// Makes a training plan from a fingerprint by nnU-Net's rules (`ExperimentPlanner` and the residual encoder
/// planners of nnU-Net 2.8; Isensee et al. 2021 <https://doi.org/10.1038/s41592-020-01008-z> and 2024
/// <https://doi.org/10.1007/978-3-031-72114-4_47>).
///
/// ```
/// use medaug::{CaseFingerprint, Fingerprint, Modality, Planner};
///
/// let case = CaseFingerprint {
///     spacing: [3.0, 0.8, 0.8],
///     shape: [130, 512, 512],
///     kept_share: 1.0,
///     intensities: vec![vec![-50.0, 0.0, 50.0]],
/// };
/// let fingerprint = Fingerprint::of_cases(&vec![case; 30])?;
/// let plan = Planner::nnunet().plan(&fingerprint, &[Modality::Ct], 14)?;
/// let full = plan.full_resolution.as_ref().unwrap();
/// assert_eq!((full.patch.as_slice(), full.batch), ([48, 192, 192].as_slice(), 2));
/// assert!(plan.low_resolution.is_some()); // such a patch shows 5 % of the scan
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Planner {
    /// Which U-Net.
    pub network: NetworkKind,
    /// What it may use.
    pub memory: MemoryModel,
    /// Largest share of the voxels of all cases that one batch may show.
    pub most_covered: f64,
}

impl Planner {
    /// nnU-Net's default: a plain U-Net for 8 GB.
    #[must_use]
    pub fn nnunet() -> Self {
        Self::new(NetworkKind::Plain, 8.0, [560e6, 85e6], 0.05)
    }

    /// A residual encoder for 8 GB, batches of at most 5 % of all voxels (`ResEncUNetPlanner`).
    #[must_use]
    pub fn residual() -> Self {
        Self::new(NetworkKind::ResidualEncoder, 8.0, [680e6, 135e6], 0.05)
    }

    /// A residual encoder for 8 GB (`nnUNetPlannerResEncM`).
    #[must_use]
    pub fn residual_m() -> Self {
        Self::new(NetworkKind::ResidualEncoder, 8.0, [680e6, 135e6], 1.0)
    }

    /// A residual encoder for 24 GB (`nnUNetPlannerResEncL`).
    #[must_use]
    pub fn residual_l() -> Self {
        Self::new(NetworkKind::ResidualEncoder, 24.0, [2.1e9, 380e6], 1.0)
    }

    /// A residual encoder for 40 GB (`nnUNetPlannerResEncXL`).
    #[must_use]
    pub fn residual_xl() -> Self {
        Self::new(NetworkKind::ResidualEncoder, 40.0, [3.6e9, 560e6], 1.0)
    }

    /// The same for a device of another size, in gigabytes.
    #[must_use]
    pub fn with_memory(mut self, gigabytes: f64) -> Self {
        self.memory.gigabytes = gigabytes;
        self
    }

    fn new(network: NetworkKind, gigabytes: f64, reference: [f64; 2], most_covered: f64) -> Self {
        Self {
            network,
            memory: MemoryModel {
                gigabytes,
                reference_gigabytes: gigabytes,
                volumes: reference[0],
                slices: reference[1],
            },
            most_covered,
        }
    }

    /// Refuses memory that is not positive and a share of the cases that is not one.
    ///
    /// # Errors
    /// Names the parameter and its rule.
    pub fn check(&self) -> Result<()> {
        let MemoryModel {
            gigabytes,
            reference_gigabytes,
            volumes,
            slices,
        } = self.memory;
        for (parameter, value) in [
            ("gigabytes", gigabytes),
            ("reference_gigabytes", reference_gigabytes),
            ("volumes", volumes),
            ("slices", slices),
        ] {
            check(NAME, parameter, value, "finite and above 0", |v| {
                v.is_finite() && v > 0.0
            })?;
        }
        check(
            NAME,
            "most_covered",
            self.most_covered,
            "within 0 and 1",
            |v| (0.0..=1.0).contains(&v),
        )
    }

    /// Plans for cases with these channels and this number of classes, background (and nnU-Net's `ignore`)
    /// included.
    ///
    /// # Errors
    /// As [`Planner::check`] and [`Fingerprint::propose`]; refuses a fingerprint without cases or with a spacing
    /// or shape that none has, and memory that holds no patch at all.
    pub fn plan(
        &self,
        fingerprint: &Fingerprint,
        modalities: &[Modality],
        classes: usize,
    ) -> Result<Plan> {
        self.check()?;
        fingerprint.check()?;
        let intensity = fingerprint.schemes(modalities)?;
        let spacing = fingerprint.target_spacing();
        let forward = coarsest_first(spacing);
        let turned = |values: [f64; 3]| forward.map(|axis| values[axis]);
        let median = turned(fingerprint.median_shape_at(spacing));
        let spacing = turned(spacing);
        let cases = fingerprint.shapes.len() as f64;
        let all_voxels = median.iter().product::<f64>() * cases;
        let search = |spacing: &[f64], median: &[f64], voxels: f64| {
            self.configuration(spacing, median, classes, voxels)
        };
        let mut plan = Plan {
            transpose_forward: forward,
            transpose_backward: std::array::from_fn(|axis| {
                forward.iter().position(|&f| f == axis).unwrap_or(axis)
            }),
            median_spacing: turned(fingerprint.median_spacing()),
            median_shape: turned(fingerprint.median_shape()).map(|v| v.round_ties_even() as usize),
            intensity,
            full_resolution: None,
            low_resolution: None,
            slices: PlannedConfiguration {
                batch_dice: true,
                ..search(&spacing[1..], &median[1..], all_voxels)?
            },
        };
        if median[0] != 1.0 {
            let full = search(&spacing, &median, all_voxels)?;
            plan.low_resolution = self.low_resolution(&full, cases, classes)?;
            plan.full_resolution = Some(PlannedConfiguration {
                batch_dice: plan.low_resolution.is_some(),
                ..full
            });
        }
        Ok(plan)
    }

    /// The finest spacing at which a patch shows a quarter of the median image, if that is worth it: first the
    /// axes that are finer by more than two are made coarser, then all.
    fn low_resolution(
        &self,
        full: &PlannedConfiguration,
        cases: f64,
        classes: usize,
    ) -> Result<Option<PlannedConfiguration>> {
        let product = |values: &[f64]| values.iter().product::<f64>();
        let in_patch =
            |c: &PlannedConfiguration| c.patch.iter().map(|&n| n as f64).product::<f64>();
        let all = product(&full.median_shape);
        let (mut shown, mut voxels) = (in_patch(full), all);
        let mut spacing = full.spacing.clone();
        let mut found = None;
        while shown / voxels < SHOWN_BY_PATCH {
            let coarsest = spacing.iter().copied().fold(0.0, f64::max);
            let fine: Vec<bool> = spacing.iter().map(|s| coarsest / s > 2.0).collect();
            let any = fine.contains(&true);
            for (s, is_fine) in spacing.iter_mut().zip(fine) {
                if is_fine || !any {
                    *s *= COARSER;
                }
            }
            let shape: Vec<f64> = (0..3)
                .map(|a| full.spacing[a] / spacing[a] * full.median_shape[a])
                .collect();
            voxels = product(&shape);
            let median: Vec<f64> = shape.iter().map(|n| n.round_ties_even()).collect();
            let next = self.configuration(&spacing, &median, classes, voxels * cases)?;
            shown = in_patch(&next);
            found = Some(next);
        }
        Ok(found.filter(|_| all / voxels >= WORTHWHILE))
    }

    /// The largest patch that fits into memory, and the batch that fills the rest of it.
    fn configuration(
        &self,
        spacing: &[f64],
        median: &[f64],
        classes: usize,
        all_voxels: f64,
    ) -> Result<PlannedConfiguration> {
        let axes = spacing.len();
        let share = self.memory.gigabytes / self.memory.reference_gigabytes;
        let (reference, reference_batch, edge) = match axes {
            2 => (self.memory.slices * share, 12.0, 2048.0_f64),
            _ => (self.memory.volumes * share, 2.0, 256.0),
        };
        // The plain planner compares at the smallest batch, the residual ones at the reference's.
        let at_most = match self.network {
            NetworkKind::Plain => reference * reference_batch / SMALLEST_BATCH,
            NetworkKind::ResidualEncoder => reference,
        };
        let aspect: Vec<f64> = spacing.iter().map(|s| 1.0 / s).collect();
        let volume = (0..axes).fold(1.0, |v, _| v * edge);
        let scale = libm::pow(volume / aspect.iter().product::<f64>(), 1.0 / axes as f64);
        let start: Vec<f64> = aspect
            .iter()
            .zip(median)
            .map(|(a, &m)| (a * scale).round_ties_even().min(m))
            .collect();
        let mut topology = Topology::of(spacing, &start);
        let (network, size) = loop {
            let network = PlannedNetwork::new(self.network, &topology);
            let size = network.feature_map_size(&topology.patch, classes);
            if size <= at_most {
                break (network, size);
            }
            topology = smaller(&topology, spacing, median)?;
        };
        let voxels: f64 = topology.patch.iter().map(|&n| n as f64).product();
        let fits = (reference / size * reference_batch).round_ties_even();
        let covered = (all_voxels * self.most_covered / voxels).round_ties_even();
        Ok(PlannedConfiguration {
            spacing: spacing.to_vec(),
            median_shape: median.to_vec(),
            patch: topology.patch,
            batch: fits.min(covered).max(SMALLEST_BATCH) as usize,
            batch_dice: false,
            network,
        })
    }
}

/// Shortens the axis that is longest in proportion to the median image, the last of equals.
fn smaller(topology: &Topology, spacing: &[f64], median: &[f64]) -> Result<Topology> {
    let proportion = |a: usize| topology.patch[a] as f64 / median[a];
    let axis = (0..median.len()).fold(0, |longest, a| {
        if proportion(a) >= proportion(longest) {
            a
        } else {
            longest
        }
    });
    let mut size: Vec<f64> = topology.patch.iter().map(|&n| n as f64).collect();
    let before = size[axis];
    // A patch that is shorter by one step may be halved less often, so that its own step is shorter.
    size[axis] = before - topology.divisible[axis] as f64;
    let step = Topology::of(spacing, &size).divisible[axis] as f64;
    size[axis] = before - step;
    check(
        NAME,
        "gigabytes",
        size[axis],
        "enough for a patch; the voxels left along one axis must be at least 1",
        |v| v >= 1.0,
    )?;
    Ok(Topology::of(spacing, &size))
}

/// The axes with the coarsest in front.
fn coarsest_first(spacing: [f64; 3]) -> [usize; 3] {
    let worst = (0..3).fold(0, |w, a| if spacing[a] > spacing[w] { a } else { w });
    match worst {
        0 => [0, 1, 2],
        1 => [1, 0, 2],
        _ => [2, 0, 1],
    }
}

impl Fingerprint {
    /// Refuses what cannot be planned for; the fields are public.
    fn check(&self) -> Result<()> {
        let refuse = |reason: &str| {
            Err(Error::Fingerprint {
                reason: reason.to_owned(),
            })
        };
        if self.shapes.is_empty() || self.shapes.len() != self.spacings.len() {
            return refuse("a plan needs cases, each with a spacing and a shape");
        }
        if self.shapes.as_flattened().contains(&0) {
            return refuse("a case has no voxels");
        }
        let positive = |s: &f64| s.is_finite() && *s > 0.0;
        if !self.spacings.as_flattened().iter().all(positive) {
            return refuse("a spacing is not positive and finite");
        }
        Ok(())
    }
}
