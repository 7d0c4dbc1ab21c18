//! Boxes that show only their mean (batchgeneratorsv2 `BlankRectangleTransform`).

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use crate::array::per_axis;
use crate::draw::{Channels, Draw, check_count, draw_count};
use crate::error::{Result, check, check_entries};
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

const NAME: &str = "BlankRectangles";

/// A box inside an image; one entry for all axes or one an axis.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlankRectangle {
    /// Where it lies in the room it has: 0 touches the front face, 1 the back face.
    pub place: Vec<f64>,
    /// Its edge as a share of the image, rounded down but at least one voxel.
    pub size: Vec<f64>,
}

impl BlankRectangle {
    /// First voxel and number of voxels along each axis.
    fn voxels<const D: usize>(&self, shape: [usize; D]) -> Result<([usize; D], [usize; D])> {
        let place: [f64; D] = per_axis(NAME, "place", &self.place)?;
        let size: [f64; D] = per_axis(NAME, "size", &self.size)?;
        let size: [usize; D] = std::array::from_fn(|a| {
            // A share such as 3 of 10 is not to lose a voxel to its last bit.
            ((size[a] * shape[a] as f64 + 1e-9) as usize).clamp(1, shape[a])
        });
        let start = std::array::from_fn(|a| {
            let room = shape[a] - size[a];
            ((place[a] * (room + 1) as f64 + 1e-9) as usize).min(room)
        });
        Ok((start, size))
    }
}

/// Fills boxes, one after the other, with the mean of what they show; a box with NaN becomes NaN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BlankRectangles {
    /// The boxes.
    pub rectangles: Vec<BlankRectangle>,
}

impl ChannelOperation for BlankRectangles {
    fn check(&self, dimension: usize) -> Result<()> {
        for rectangle in &self.rectangles {
            for (values, parameter) in [(&rectangle.place, "place"), (&rectangle.size, "size")] {
                check_entries(NAME, parameter, values.len(), dimension)?;
                for &value in values {
                    check(NAME, parameter, value, "within 0 and 1", |v| {
                        (0.0..=1.0).contains(&v)
                    })?;
                }
            }
        }
        Ok(())
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        for rectangle in &self.rectangles {
            let (start, size) = rectangle.voxels(channel.shape)?;
            let mut rows = vec![0];
            for a in 0..D {
                let count = if a == D - 1 { 1 } else { size[a] };
                rows = rows
                    .iter()
                    .flat_map(|row| (0..count).map(move |i| (row, i)))
                    .map(|(row, i)| row * channel.shape[a] + start[a] + i)
                    .collect();
            }
            let width = size[D - 1];
            let sum: f64 = rows
                .iter()
                .flat_map(|&row| &channel.voxels[row..row + width])
                .map(|&v| f64::from(v))
                .sum();
            let mean = (sum / (rows.len() * width) as f64) as f32;
            for row in rows {
                channel.voxels[row..row + width].fill(mean);
            }
        }
        Ok(())
    }
}

/// Fills drawn boxes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomBlankRectangles {
    /// Probability of a sample.
    pub probability: f64,
    /// Smallest and largest number of boxes.
    pub count: [usize; 2],
    /// Edges as shares of the image, every axis by itself.
    pub size: Draw,
    /// Whether the channels share the boxes.
    pub channels: Channels,
}

impl Default for RandomBlankRectangles {
    /// That of nnU-Net's DA5: one to four boxes with edges of a tenth to a third of the image.
    fn default() -> Self {
        Self {
            probability: 0.4,
            count: [1, 4],
            size: Draw::Uniform {
                low: 0.1,
                high: 1.0 / 3.0,
            },
            channels: Channels::Each { probability: 0.5 },
        }
    }
}

impl RandomChannels for RandomBlankRectangles {
    random_twin!(RandomBlankRectangles => BlankRectangles);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        check_count(Self::NAME, self.count, 1000)?;
        self.size.check(Self::NAME, "size", "within 0 and 1", |v| {
            (0.0..=1.0).contains(&v)
        })
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> BlankRectangles {
        let count = draw_count(self.count, random);
        let rectangles = (0..count).map(|_| BlankRectangle {
            place: (0..dimension).map(|_| random.uniform()).collect(),
            size: (0..dimension).map(|_| self.size.draw(random)).collect(),
        });
        BlankRectangles {
            rectangles: rectangles.collect(),
        }
    }
}
