//! The way from the model's grid back to the scan's.

use medcore::orientation::{Orientation, Reorientation};
use medcore::resample::{LabelInterpolation, Outside, resample_labels_slice};
use medcore::{Geometry, GeometryTolerance, IndexMap, Label, LabelMap, Region, buffer};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::raw_grid::RawGrid;

/// What preprocessing did to the grid of one scan.
///
/// Three grids: the `original` of the scan; the `oriented` one, the same voxels in another order; and the
/// `model`'s, whose axes are parallel to the oriented one's. Whoever resamples probabilities does so from the
/// model's grid to the scan's ([`Trace::from_original`]), slab by slab and only where the scan was kept
/// ([`Trace::kept_of_original`]); finished labels come back by [`Trace::restore_labels`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawTrace", into = "RawTrace")]
pub struct Trace {
    original: Geometry<3>,
    /// The orientation asked for; `None` if the scan kept its own.
    orientation: Option<Orientation>,
    oriented: Geometry<3>,
    kept: Region<3>,
    model: Geometry<3>,
}

impl Trace {
    pub(super) fn new(
        original: Geometry<3>,
        orientation: Option<Orientation>,
        kept: Region<3>,
        model: Geometry<3>,
    ) -> Result<Self> {
        let oriented = match orientation {
            Some(orientation) => Reorientation::new(&original, orientation).geometry(&original)?,
            None => original,
        };
        kept.check_inside(oriented.shape())?;
        Ok(Self {
            original,
            orientation,
            oriented,
            kept,
            model,
        })
    }

    /// The grid of the scan.
    #[must_use]
    pub fn original(&self) -> &Geometry<3> {
        &self.original
    }

    /// The scan's voxels in the order of the model's axes.
    #[must_use]
    pub fn oriented(&self) -> &Geometry<3> {
        &self.oriented
    }

    /// The part of the oriented grid that the model sees; the rest was cropped away.
    #[must_use]
    pub fn kept(&self) -> Region<3> {
        self.kept
    }

    /// The same part as a block of the original grid.
    ///
    /// # Errors
    /// None in practice: a block stays one when axes are swapped and mirrored.
    pub fn kept_of_original(&self) -> Result<Region<3>> {
        let turn = self
            .to_original()
            .inverse()
            .index_map(self.original.shape());
        let place = |index: [usize; 3]| turn.apply(index.map(|v| v as f64)).map(|v| v as usize);
        let (a, b) = (
            place(self.kept.start()),
            place(self.kept.end().map(|end| end - 1)),
        );
        Ok(Region::new(
            std::array::from_fn(|axis| a[axis].min(b[axis])),
            std::array::from_fn(|axis| a[axis].max(b[axis]) + 1),
        )?)
    }

    /// The grid of the preprocessed image.
    #[must_use]
    pub fn model(&self) -> &Geometry<3> {
        &self.model
    }

    /// The map from indices of the oriented grid to indices of the model's, exactly along the axes.
    #[must_use]
    pub fn from_oriented(&self) -> IndexMap<3> {
        let exact = self.oriented.index_map_to(&self.model);
        let mut map = IndexMap::translation(exact.offset);
        for a in 0..3 {
            map.matrix[a][a] = exact.matrix[a][a];
            // Voxels that were only moved are found again exactly.
            if (map.matrix[a][a] - 1.0).abs() < 1e-9 {
                map.matrix[a][a] = 1.0;
                let whole = map.offset[a].round();
                if (map.offset[a] - whole).abs() < 1e-6 {
                    map.offset[a] = whole;
                }
            }
        }
        map
    }

    /// The map from indices of the scan to indices of the model's grid.
    #[must_use]
    pub fn from_original(&self) -> IndexMap<3> {
        self.to_original()
            .index_map(self.oriented.shape())
            .then(&self.from_oriented())
    }

    /// Brings labels on the model's grid back to the scan's: the class of the nearest voxel, background where
    /// the scan was cropped. Exact where preprocessing only turned, cropped and padded.
    ///
    /// # Errors
    /// Refuses labels that do not lie on the model's grid.
    pub fn restore_labels<L: Label>(&self, labels: &LabelMap<L, 3>) -> Result<LabelMap<L, 3>> {
        self.model
            .check_same_as(labels.geometry(), &GeometryTolerance::default())
            .map_err(|source| Error::ForeignGrid {
                expected: "model",
                source,
            })?;
        let part = self.oriented.crop(&self.kept)?;
        let map =
            IndexMap::translation(self.kept.start().map(|v| v as f64)).then(&self.from_oriented());
        let mut classes = buffer::zeroed::<L>(part.len(), "labels")?;
        resample_labels_slice(
            labels.as_slice(),
            self.model.shape(),
            &map,
            &mut classes,
            part.shape(),
            LabelInterpolation::Nearest,
            Outside::Edge,
        )?;
        let background = L::default();
        let before = self.kept.start();
        let after = std::array::from_fn(|a| self.oriented.shape()[a] - self.kept.end()[a]);
        let part = LabelMap::new(part, classes)?;
        let whole = if part.shape() == self.oriented.shape() {
            part
        } else {
            part.pad(before, after, background)?
        };
        self.turned_back(whole)
    }

    /// Puts labels on the oriented grid into the scan's order.
    fn turned_back<L: Label>(&self, labels: LabelMap<L, 3>) -> Result<LabelMap<L, 3>> {
        let turn = self.to_original();
        if turn.is_identity() {
            return Ok(labels.with_geometry(self.original)?);
        }
        let mut restored = buffer::zeroed(self.original.len(), "restored labels")?;
        turn.apply_slice(labels.as_slice(), self.oriented.shape(), &mut restored)?;
        Ok(LabelMap::new(self.original, restored)?)
    }

    /// The turn from the oriented grid back to the original.
    fn to_original(&self) -> Reorientation {
        let orientation = self
            .orientation
            .unwrap_or_else(|| Orientation::closest_to(&self.original));
        Reorientation::new(&self.original, orientation).inverse()
    }
}

/// The serialised form of a trace.
#[derive(Serialize, Deserialize)]
struct RawTrace {
    original: RawGrid,
    orientation: Option<Orientation>,
    /// First and first excluded index of the kept part.
    kept: [[usize; 3]; 2],
    model: RawGrid,
}

impl From<Trace> for RawTrace {
    fn from(trace: Trace) -> Self {
        Self {
            original: trace.original.into(),
            orientation: trace.orientation,
            kept: [trace.kept.start(), trace.kept.end()],
            model: trace.model.into(),
        }
    }
}

impl TryFrom<RawTrace> for Trace {
    type Error = Error;

    fn try_from(raw: RawTrace) -> Result<Self> {
        let [start, end] = raw.kept;
        Self::new(
            raw.original.geometry()?,
            raw.orientation,
            Region::new(start, end)?,
            raw.model.geometry()?,
        )
    }
}
