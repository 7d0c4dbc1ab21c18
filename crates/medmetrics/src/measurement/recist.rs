//! The long and the short axis of a lesion, as oncology measures them.

use std::fmt;

use medcore::{Geometry, Label, LabelMap, Orientation};
use serde::{Deserialize, Serialize};

use super::chord;
use super::feret::{farthest, supports};
use super::mask::Mask;
use super::outline::{Lattice2, PixelModel};
use super::place::{Diameter, Plane, halves, unit};
use super::planar_hull::sub;
use crate::error::{Error, Result};

/// Which slices a lesion is measured in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SlicePlane {
    /// Across the storage axis that runs most from feet to head.
    #[default]
    Axial,
    /// Across the one that runs most from front to back.
    Coronal,
    /// Across the one that runs most from right to left.
    Sagittal,
    /// Across this storage axis, 0 to 2.
    Storage(usize),
}

impl SlicePlane {
    fn axis(self, grid: &Geometry<3>) -> Result<usize> {
        let world = match self {
            Self::Sagittal => 0,
            Self::Coronal => 1,
            Self::Axial => 2,
            Self::Storage(axis) if axis < 3 => return Ok(axis),
            Self::Storage(axis) => {
                return Err(Error::InvalidParameter {
                    parameter: "storage axis",
                    rule: "0, 1 or 2",
                    value: axis as f64,
                });
            }
        };
        let directions = Orientation::closest_to(grid).directions();
        Ok({ directions.iter() }
            .position(|direction| direction.world_axis().0 == world)
            .unwrap_or(0))
    }
}

/// Which slice's axes are a lesion's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SliceChoice {
    /// The one with the longest diameter, the first of equals (RECIST 1.1).
    #[default]
    LongestDiameter,
    /// The one with most pixels, the first of equals.
    LargestArea,
    /// This one.
    Given(usize),
}

/// What "perpendicular to the long axis" means; readers do the one or the other.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ShortAxis {
    /// The extent of the whole slice of the lesion across the long axis: what two callipers hold. The ends
    /// are the pixels they touch, whose distance may be larger.
    #[default]
    Projection,
    /// The longest line that stays inside the lesion and is perpendicular within a tolerance in degrees,
    /// tried in steps of one; through pixels as squares, whatever the pixel model.
    Chord {
        /// The tolerance in degrees, 0 to 45; 5 is usual.
        tolerance_deg: f64,
    },
}

impl fmt::Display for ShortAxis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Projection => f.write_str("projection"),
            Self::Chord { tolerance_deg } => write!(f, "chord{tolerance_deg}"),
        }
    }
}

/// How a lesion's axes are measured; by default as RECIST 1.1 has it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", default)]
pub struct RecistConfig {
    /// Which slices.
    pub plane: SlicePlane,
    /// Which of them.
    pub slice: SliceChoice,
    /// What the short axis is.
    pub short_axis: ShortAxis,
    /// What a pixel is.
    pub pixels: PixelModel,
}

impl RecistConfig {
    fn check(&self) -> Result<()> {
        match self.short_axis {
            ShortAxis::Chord { tolerance_deg } if !(0.0..=45.0).contains(&tolerance_deg) => {
                Err(Error::InvalidParameter {
                    parameter: "tolerance of the short axis in degrees",
                    rule: "0 to 45",
                    value: tolerance_deg,
                })
            }
            _ => Ok(()),
        }
    }

    fn convention(&self) -> String {
        let slice = match self.slice {
            SliceChoice::LongestDiameter => "longest".to_owned(),
            SliceChoice::LargestArea => "largest-area".to_owned(),
            SliceChoice::Given(slice) => format!("slice{slice}"),
        };
        let plane = match self.plane {
            SlicePlane::Axial => "axial".to_owned(),
            SlicePlane::Coronal => "coronal".to_owned(),
            SlicePlane::Sagittal => "sagittal".to_owned(),
            SlicePlane::Storage(axis) => format!("axis{axis}"),
        };
        format!("recist:{}/{plane}/{slice}/{}", self.pixels, self.short_axis)
    }
}

/// The long and the short axis of a lesion (RECIST 1.1: Eisenhauer et al., Eur. J. Cancer 45:228, 2009).
///
/// The long axis is the largest diameter in one slice, the short axis the largest perpendicular to it in the
/// same slice. A long axis may leave a lesion that is not convex, as a reader's calliper does.
///
/// ```
/// use medcore::{Geometry, LabelMap};
/// use medmetrics::measurement::{Recist, RecistConfig};
///
/// // Two axial slices 5 mm apart; the second holds a bar of 1 x 4 pixels.
/// let grid = Geometry::axis_aligned([2, 3, 6], [5.0, 0.5, 0.5])?;
/// let mut labels = vec![0u8; 36];
/// labels[18 + 7..18 + 11].fill(2);
/// let lesion = LabelMap::new(grid, labels)?;
/// let axes = Recist::new(&lesion, 2, &RecistConfig::default())?.expect("there are voxels");
/// assert_eq!((axes.axis, axes.slice), (0, 1));
/// assert!((axes.long_axis.mm - 0.5 * 17.0f64.sqrt()).abs() < 1e-12);
/// assert_eq!(axes.long_axis.ends[0].lps_mm, [0.25, 0.25, 5.0]);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recist {
    /// The storage axis that the slices lie across.
    pub axis: usize,
    /// The slice that was measured.
    pub slice: usize,
    /// The longest diameter in it.
    pub long_axis: Diameter,
    /// The diameter across the long axis.
    pub short_axis: Diameter,
    /// How they were measured, such as `recist:corners/axial/longest/projection`.
    pub convention: String,
}

impl Recist {
    /// Measures the voxels of one label, `None` if there are none, or none in the slice that was asked for.
    ///
    /// # Errors
    /// Refuses settings out of range, grids of 262144 voxels along an axis, and grids without known
    /// millimetres.
    pub fn new<L: Label>(
        map: &LabelMap<L, 3>,
        label: u32,
        config: &RecistConfig,
    ) -> Result<Option<Self>> {
        match Mask::of_label(map, label)? {
            Some(mask) => Self::of_mask(map.geometry(), &mask, config),
            None => Ok(None),
        }
    }

    /// The longest diameter of each slice that holds the label, with the slice's number.
    ///
    /// # Errors
    /// As [`Recist::new`].
    pub fn long_axes<L: Label>(
        map: &LabelMap<L, 3>,
        label: u32,
        config: &RecistConfig,
    ) -> Result<Vec<(usize, Diameter)>> {
        let grid = map.geometry();
        let axis = config.plane.axis(grid)?;
        let slices = Mask::of_label(map, label)?.map_or(Vec::new(), |mask| mask.slices(axis));
        Ok({ slices.iter() }
            .map(|(slice, mask)| {
                let plane = Plane::of_slice(grid, axis, *slice);
                let [from, to] = farthest(&plane, &config.pixels.hull(mask));
                (*slice, plane.diameter(from, to))
            })
            .collect())
    }

    /// The product of both axes in mm² (WHO handbook, 1979).
    #[must_use]
    pub fn product_mm2(&self) -> f64 {
        self.long_axis.mm * self.short_axis.mm
    }

    /// The mean of both axes, rounded to a whole mm (Fleischner Society 2017).
    #[must_use]
    pub fn mean_mm(&self) -> f64 {
        ((self.long_axis.mm + self.short_axis.mm) / 2.0).round()
    }

    /// Measures a mask.
    pub(crate) fn of_mask(
        grid: &Geometry<3>,
        mask: &Mask<3>,
        config: &RecistConfig,
    ) -> Result<Option<Self>> {
        config.check()?;
        let axis = config.plane.axis(grid)?;
        let Some(chosen) = choose(grid, axis, mask, config) else {
            return Ok(None);
        };
        let Chosen {
            slice,
            mask,
            hull,
            plane,
        } = chosen;
        let [from, to] = farthest(&plane, &hull);
        let long = plane.vector(halves(sub(to, from)));
        let direction = match from == to {
            true => plane.axes()[0],
            false => unit(long),
        };
        let across = plane.perpendicular(direction);
        let short_axis = match config.short_axis {
            ShortAxis::Projection => {
                let (mm, ends) = supports(&plane, &hull, across);
                Diameter {
                    mm,
                    ends: ends.map(|end| plane.end_point(halves(end))),
                }
            }
            ShortAxis::Chord { tolerance_deg } => {
                chord::longest(&plane, &mask, across, tolerance_deg)
            }
        };
        Ok(Some(Self {
            axis,
            slice,
            long_axis: plane.diameter(from, to),
            short_axis,
            convention: config.convention(),
        }))
    }
}

/// The slice that is measured.
struct Chosen {
    slice: usize,
    mask: Mask<2>,
    hull: Vec<Lattice2>,
    plane: Plane,
}

fn choose(
    grid: &Geometry<3>,
    axis: usize,
    mask: &Mask<3>,
    config: &RecistConfig,
) -> Option<Chosen> {
    let mut best: Option<(f64, Chosen)> = None;
    for (slice, mask) in mask.slices(axis) {
        let plane = Plane::of_slice(grid, axis, slice);
        let hull = config.pixels.hull(&mask);
        let weight = match config.slice {
            SliceChoice::LongestDiameter => {
                let [from, to] = farthest(&plane, &hull);
                plane.distance(from, to)
            }
            SliceChoice::LargestArea => mask.voxels() as f64,
            SliceChoice::Given(given) if given == slice => 1.0,
            SliceChoice::Given(_) => continue,
        };
        if best.as_ref().is_none_or(|(most, _)| weight > *most) {
            let chosen = Chosen {
                slice,
                mask,
                hull,
                plane,
            };
            best = Some((weight, chosen));
        }
    }
    best.map(|(_, chosen)| chosen)
}
