//! Where a training patch is taken.

use medcore::random::{Key, Random};
use serde::{Deserialize, Serialize};

use super::guide::Guide;
#[cfg(doc)]
use super::lesions::LesionLocations;
use super::locations::{ClassLocations, ClassVoxels, index_of};
#[cfg(doc)]
use super::weights::WeightMap;
use crate::crop::{EXTENT, is_extent};
use crate::draw::weighted;
use crate::error::{Error, Result, check, check_probability, check_weights};

const NAME: &str = "PatchSampler";

/// How the place of a patch is chosen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum PatchChoice {
    /// Anywhere inside the image with equal probability; needs no labels.
    Uniform,
    /// The last part of every batch shows foreground, the rest is uniform: nnU-Net's rule, slot `i` of `n` is
    /// forced when `i >= round(n * (1 - fraction))`, halves to even. A batch of one is never forced at 0.33.
    ForcedForeground {
        /// Forced part of a batch, nnU-Net's 0.33.
        fraction: f64,
    },
    /// Each patch shows foreground with this probability (nnU-Net's probabilistic oversampling).
    Foreground {
        /// Probability of a patch.
        probability: f64,
    },
    /// Foreground or background voxels in this proportion become the centre, every voxel of either with the
    /// same probability (MONAI `RandCropByPosNegLabel`).
    PositiveNegative {
        /// Weight of foreground.
        positive: f64,
        /// Weight of background.
        negative: f64,
    },
    /// A class is chosen by these weights, `ratios[class]`, among those present, then one of its voxels
    /// becomes the centre (MONAI `RandCropByLabelClasses`).
    ClassRatios {
        /// Weights of the classes, from 0 on.
        ratios: Vec<f64>,
    },
    /// With this probability a lesion is chosen, all with the same probability however large, then one of its
    /// voxels becomes the centre; else anywhere. Needs [`LesionLocations`].
    Lesions {
        /// Probability of a patch.
        probability: f64,
    },
    /// A voxel becomes the centre with a probability proportional to its weight. Needs a [`WeightMap`] for
    /// patches of this shape.
    Weights,
}

/// A place within a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchSlot {
    /// Number of the patch, from zero.
    pub index: usize,
    /// Patches in the batch.
    pub size: usize,
}

/// Where a patch lies; it may reach outside the image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Placement<const D: usize> {
    /// First index of the patch in the image.
    pub start: [isize; D],
    /// The class that was looked for.
    pub class: Option<u8>,
}

/// Chooses patches of one shape.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PatchSampler<const D: usize> {
    /// Voxels along each axis.
    #[serde(with = "crate::array")]
    pub patch: [usize; D],
    /// How the place is chosen.
    pub choice: PatchChoice,
}

impl<const D: usize> PatchSampler<D> {
    /// Refuses empty patches and weights that choose nothing.
    ///
    /// # Errors
    /// Names the parameter and its rule.
    pub fn check(&self) -> Result<()> {
        for &voxels in &self.patch {
            check(NAME, "patch", voxels as f64, EXTENT, is_extent)?;
        }
        match &self.choice {
            PatchChoice::Uniform | PatchChoice::Weights => Ok(()),
            PatchChoice::ForcedForeground { fraction: p }
            | PatchChoice::Foreground { probability: p }
            | PatchChoice::Lesions { probability: p } => check_probability(NAME, *p),
            PatchChoice::PositiveNegative { positive, negative } => {
                check_weights(NAME, "positive and negative", &[*positive, *negative])
            }
            PatchChoice::ClassRatios { ratios } => check_weights(NAME, "ratios", ratios),
        }
    }

    /// Whether places can only be chosen in cases whose classes are known.
    #[must_use]
    pub fn needs_labels(&self) -> bool {
        !matches!(
            self.choice,
            PatchChoice::Uniform | PatchChoice::Lesions { .. } | PatchChoice::Weights
        )
    }

    /// Chooses a place in an image of `shape`.
    ///
    /// A case without the class that is looked for gets a uniform place, so every case can be trained on.
    /// An axis shorter than the patch is centred in it, nnU-Net's padding.
    ///
    /// # Errors
    /// Refuses a guide that lacks what the choice needs, or belongs to another shape of case or patch.
    pub fn place<'a>(
        &self,
        shape: [usize; D],
        guide: impl Into<Guide<'a, D>>,
        slot: BatchSlot,
        key: Key,
    ) -> Result<Placement<D>> {
        let guide = guide.into();
        guide.check(shape)?;
        let mut random = key.stream("place");
        let centre = match &self.choice {
            PatchChoice::Uniform => None,
            PatchChoice::Lesions { probability } => {
                let lesions = guide.lesions.ok_or_else(|| missing("lesions"))?.lesions();
                let forced = random.chance(*probability) && !lesions.is_empty();
                forced.then(|| {
                    let lesion = &lesions[random.below(lesions.len())];
                    let position = lesion.positions[random.below(lesion.positions.len())];
                    (index_of(shape, position), Some(lesion.class), false)
                })
            }
            PatchChoice::Weights => {
                let weights = guide.weights.ok_or_else(|| missing("weights"))?;
                if weights.patch() != self.patch {
                    return Err(Error::ForeignLocations {
                        expected: weights.patch().to_vec(),
                        got: self.patch.to_vec(),
                    });
                }
                Some((weights.voxel(random.uniform()), None, false))
            }
            by_class => {
                let classes = guide.classes;
                let classes = classes.ok_or(Error::MissingLabels { transform: NAME })?;
                let (chosen, beyond) = choose_class(by_class, classes, slot, &mut random);
                chosen.map(|class| {
                    let position = class.positions[random.below(class.positions.len())];
                    (index_of(shape, position), Some(class.class), beyond)
                })
            }
        };
        Ok(match centre {
            Some((voxel, class, beyond)) => Placement {
                start: self.around(shape, voxel, beyond),
                class,
            },
            None => self.uniform(shape, &mut random),
        })
    }

    /// The patch around a voxel, inside the image but for the far border, where nnU-Net lets it reach `beyond`.
    fn around(&self, shape: [usize; D], voxel: [usize; D], beyond: bool) -> [isize; D] {
        std::array::from_fn(|a| {
            let (len, patch) = (shape[a] as isize, self.patch[a] as isize);
            let wanted = voxel[a] as isize - patch / 2;
            if patch > len {
                // nnU-Net moves the voxel towards the middle of the patch as far as the padding allows.
                let low = (len - patch).div_euclid(2);
                if beyond { wanted.max(low) } else { low }
            } else if beyond {
                wanted.max(0)
            } else {
                wanted.clamp(0, len - patch)
            }
        })
    }

    /// Whether a case holds a class that may be looked for.
    pub(crate) fn finds_a_class_in(&self, locations: &ClassLocations<D>) -> bool {
        let mut classes = locations.classes().iter().map(|c| usize::from(c.class));
        match &self.choice {
            PatchChoice::Uniform | PatchChoice::Weights => true,
            PatchChoice::ForcedForeground { .. }
            | PatchChoice::Foreground { .. }
            | PatchChoice::Lesions { .. } => classes.any(|class| class != 0),
            PatchChoice::PositiveNegative { positive, .. } => {
                classes.any(|class| (class != 0) == (*positive > 0.0))
            }
            PatchChoice::ClassRatios { ratios } => {
                classes.any(|class| ratios.get(class).is_some_and(|&weight| weight > 0.0))
            }
        }
    }

    fn uniform(&self, shape: [usize; D], random: &mut Random) -> Placement<D> {
        Placement {
            start: uniform_start(shape, self.patch, random),
            class: None,
        }
    }
}

fn missing(guide: &'static str) -> Error {
    Error::MissingGuide {
        transform: NAME,
        guide,
    }
}

/// The class whose voxel becomes the centre, none for a uniform place, and whether the patch may reach over the
/// far border.
fn choose_class<'a, const D: usize>(
    choice: &PatchChoice,
    locations: &'a ClassLocations<D>,
    slot: BatchSlot,
    random: &mut Random,
) -> (Option<&'a ClassVoxels>, bool) {
    match choice {
        PatchChoice::ForcedForeground { fraction } => {
            let free = (slot.size as f64 * (1.0 - fraction)).round_ties_even();
            let forced = slot.index as f64 >= free;
            (forced.then(|| any(locations, random)).flatten(), true)
        }
        PatchChoice::Foreground { probability } => {
            let forced = random.chance(*probability);
            (forced.then(|| any(locations, random)).flatten(), true)
        }
        PatchChoice::PositiveNegative { positive, negative } => {
            let class = if random.chance(positive / (positive + negative)) {
                let weights = locations.foreground().map(|c| (c, c.count as f64));
                weighted(weights, random)
            } else {
                locations.class(0)
            };
            (class, false)
        }
        PatchChoice::ClassRatios { ratios } => {
            let weight = |c: &ClassVoxels| ratios.get(usize::from(c.class)).copied();
            let weights = locations
                .classes()
                .iter()
                .map(|c| (c, weight(c).unwrap_or(0.0)));
            (weighted(weights, random), false)
        }
        PatchChoice::Uniform | PatchChoice::Lesions { .. } | PatchChoice::Weights => (None, false),
    }
}

/// A place of a patch anywhere in an image of `shape`; an axis shorter than the patch is centred in it.
pub(crate) fn uniform_start<const D: usize>(
    shape: [usize; D],
    patch: [usize; D],
    random: &mut Random,
) -> [isize; D] {
    std::array::from_fn(|a| {
        let room = shape[a] as isize - patch[a] as isize;
        if room >= 0 {
            random.below(room as usize + 1) as isize
        } else {
            // An odd amount of padding has two middles.
            room.div_euclid(2) + random.below(1 + room.rem_euclid(2) as usize) as isize
        }
    })
}

/// One of the foreground classes present, all with the same probability.
fn any<'a, const D: usize>(
    locations: &'a ClassLocations<D>,
    random: &mut Random,
) -> Option<&'a ClassVoxels> {
    let count = locations.foreground().count();
    (count > 0)
        .then(|| random.below(count))
        .and_then(|n| locations.foreground().nth(n))
}
