//! Every structure of a label map with its volume and diameters.

use std::f64::consts::PI;

use medcore::components::Connectivity;
use medcore::{Geometry, Label, LabelMap};
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::mask::Mask;
use super::recist::{Recist, RecistConfig};
use super::solid_feret::SolidFeret;
use crate::error::Result;

/// What is measured as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unit {
    /// All voxels of a label.
    #[default]
    Label,
    /// Each connected component of a label.
    Component(Connectivity),
}

/// How the structures of a label map are measured.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default)]
pub struct SizeConfig {
    /// What is measured as one.
    pub unit: Unit,
    /// How axes are measured, and what a voxel is for all diameters.
    pub recist: RecistConfig,
}

/// The volume and the diameters of a structure.
///
/// ```
/// use medcore::components::Connectivity;
/// use medcore::{Geometry, LabelMap};
/// use medmetrics::measurement::{SizeConfig, StructureSize, Unit};
///
/// let grid = Geometry::axis_aligned([1, 3, 8], [5.0, 10.0, 10.0])?;
/// let mut labels = vec![0u8; 24];
/// for at in [1, 2, 6, 13] {
///     labels[at] = 1;
/// }
/// let lesions = LabelMap::new(grid, labels)?;
/// let config = SizeConfig { unit: Unit::Component(Connectivity::Face), ..SizeConfig::default() };
/// let sizes = StructureSize::of_map(&lesions, &config)?;
/// assert_eq!(sizes.iter().map(|s| s.volume_ml).collect::<Vec<_>>(), [1.0, 0.5, 0.5]);
/// assert!((sizes[0].diameter.maximum.mm - (400.0f64 + 100.0 + 25.0).sqrt()).abs() < 1e-12);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StructureSize {
    /// The label.
    pub label: u32,
    /// The number of the component, from 0 in the order in which memory meets them; `None` for all of a
    /// label.
    pub component: Option<usize>,
    /// Number of voxels.
    pub voxels: u64,
    /// Volume in ml.
    pub volume_ml: f64,
    /// Diameter of the sphere of that volume, in mm.
    pub equivalent_diameter_mm: f64,
    /// The largest diameter and the width in space.
    pub diameter: SolidFeret,
    /// The long and the short axis; `None` if the slice that was asked for does not meet the structure.
    pub recist: Option<Recist>,
}

impl StructureSize {
    /// Measures every label but 0, by label and component.
    ///
    /// # Errors
    /// As [`Recist::new`]; and refuses volumes too large to allocate.
    pub fn of_map<L: Label>(map: &LabelMap<L, 3>, config: &SizeConfig) -> Result<Vec<Self>> {
        let grid = map.geometry();
        let masks: Vec<(u32, Mask<3>)> = Mask::of_labels(map)?.into_iter().collect();
        let sizes: Vec<Vec<Self>> = { masks.into_par_iter() }
            .map(|(label, mask)| match config.unit {
                Unit::Label => Ok(vec![Self::new(grid, label, &mask, config)?]),
                Unit::Component(connectivity) => {
                    { mask.components(connectivity)?.into_par_iter().enumerate() }
                        .map(|(number, mask)| {
                            Ok(Self {
                                component: Some(number),
                                ..Self::new(grid, label, &mask, config)?
                            })
                        })
                        .collect()
                }
            })
            .collect::<Result<_>>()?;
        Ok(sizes.into_iter().flatten().collect())
    }

    fn new(grid: &Geometry<3>, label: u32, mask: &Mask<3>, config: &SizeConfig) -> Result<Self> {
        let voxels = mask.voxels();
        let volume_mm3 = voxels as f64 * grid.voxel_volume();
        Ok(Self {
            label,
            component: None,
            voxels,
            volume_ml: volume_mm3 / 1000.0,
            equivalent_diameter_mm: equivalent_diameter_mm(volume_mm3),
            diameter: SolidFeret::of_mask(grid, mask, config.recist.pixels),
            recist: Recist::of_mask(grid, mask, &config.recist)?,
        })
    }
}

/// Diameter of the sphere of a volume in mm³.
pub(crate) fn equivalent_diameter_mm(volume_mm3: f64) -> f64 {
    libm::cbrt(6.0 * volume_mm3 / PI)
}
