//! The bias field of a receiver coil: the exponential of a polynomial (MONAI `RandBiasField`, TorchIO
//! `RandomBiasField`).
//!
//! The polynomial of the whole image becomes one of a slice, then one of a row, and only the last is
//! evaluated for every voxel.

use medcore::random::Random;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::draw::{Channels, Draw};
use crate::error::{Error, Result, check};
use crate::math;
use crate::operation::{Channel, ChannelOperation};
use crate::transform::{RandomChannels, random_twin};

const NAME: &str = "BiasField";
const ORDER: &str = "within 1 and 10";

/// Exponents of a field: those that are larger leave what an `f32` holds.
const COEFFICIENT: &str = "within -20 and 20";

fn is_coefficient(value: f64) -> bool {
    (-20.0..=20.0).contains(&value)
}

/// The polynomials of a field; each axis runs from -1 to 1 over the centres of its voxels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BiasBasis {
    /// Products of Legendre polynomials (MONAI). In two axes MONAI takes those whose second degree is at most
    /// the first, up to the order along each axis, and not those whose sum of degrees is at most the order.
    #[default]
    Legendre,
    /// Products of powers (TorchIO).
    Powers,
}

impl BiasBasis {
    /// The degrees along each axis that a coefficient belongs to, in the order of the coefficients.
    fn degrees<const D: usize>(self, order: usize) -> Vec<[usize; D]> {
        let all = (0..(order + 1).pow(D as u32)).map(|n| {
            let digit = |axis: usize| n / (order + 1).pow((D - 1 - axis) as u32) % (order + 1);
            std::array::from_fn(digit)
        });
        let chosen = |degrees: &[usize; D]| match (self, degrees.as_slice()) {
            (Self::Legendre, &[first, second]) => second <= first,
            (_, degrees) => degrees.iter().sum::<usize>() <= order,
        };
        all.filter(chosen).collect()
    }

    /// The values of all degrees up to `order` at `x`.
    fn values(self, order: usize, x: f64) -> Vec<f64> {
        let mut values = vec![1.0, x];
        for n in 2..=order {
            let next = match self {
                Self::Powers => values[n - 1] * x,
                Self::Legendre => {
                    let n = n as f64;
                    let (one, two) = (values[n as usize - 1], values[n as usize - 2]);
                    ((2.0 * n - 1.0) * x * one - (n - 1.0) * two) / n
                }
            };
            values.push(next);
        }
        values.truncate(order + 1);
        values
    }

    /// For each place along an axis the values of all degrees.
    fn table(self, order: usize, len: usize) -> Vec<Vec<f64>> {
        let x = |i: usize| match self {
            _ if len > 1 => 2.0 * i as f64 / (len - 1) as f64 - 1.0,
            Self::Legendre => -1.0,
            Self::Powers => 0.0,
        };
        (0..len).map(|i| self.values(order, x(i))).collect()
    }
}

/// Coefficients of a field of `order` in `dimension` axes.
fn coefficient_count(order: usize, dimension: usize) -> usize {
    (1..=dimension).fold(1, |n, k| n * (order + k) / k)
}

/// Multiplies intensities by the exponential of a polynomial; NaN stays NaN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BiasField {
    /// The largest degree.
    pub order: usize,
    /// A coefficient for each combination of degrees, that of the last axis running fastest.
    pub coefficients: Vec<f64>,
    /// The polynomials.
    #[serde(default)]
    pub basis: BiasBasis,
}

impl ChannelOperation for BiasField {
    fn check(&self, dimension: usize) -> Result<()> {
        check(NAME, "order", self.order as f64, ORDER, is_order)?;
        let expected = coefficient_count(self.order, dimension);
        if self.coefficients.len() != expected {
            return Err(Error::EntryCount {
                transform: NAME,
                parameter: "coefficients",
                expected,
                got: self.coefficients.len(),
            });
        }
        self.coefficients
            .iter()
            .try_for_each(|&c| check(NAME, "coefficients", c, COEFFICIENT, is_coefficient))
    }

    fn apply<const D: usize>(&self, channel: Channel<'_, D>) -> Result<()> {
        let (order, count) = (self.order, self.order + 1);
        let shape = channel.shape;
        let rows: usize = shape[..D - 1].iter().product();
        let width = shape[D - 1];
        let degrees = self.basis.degrees::<D>(order);
        let tables: [Vec<Vec<f64>>; D] = std::array::from_fn(|a| self.basis.table(order, shape[a]));
        // For each degree of the last axis its values along a row.
        let along_row: Vec<Vec<f32>> = (0..count)
            .map(|k| {
                tables[D - 1]
                    .iter()
                    .map(|values| values[k] as f32)
                    .collect()
            })
            .collect();
        debug_assert_eq!(rows * width, channel.voxels.len());
        channel
            .voxels
            .par_chunks_mut(width)
            .enumerate()
            .for_each_init(
                || vec![0.0_f32; width],
                |exponent, (row, voxels)| {
                    let polynomial =
                        row_polynomial(&degrees, &self.coefficients, |axis, degree| {
                            let at = row / shape[axis + 1..D - 1].iter().product::<usize>()
                                % shape[axis];
                            tables[axis][at][degree]
                        });
                    exponent.fill(polynomial[0] as f32);
                    for (&c, values) in polynomial.iter().zip(&along_row).skip(1) {
                        let c = c as f32;
                        exponent
                            .iter_mut()
                            .zip(values)
                            .for_each(|(e, v)| *e += c * v);
                    }
                    for (v, &e) in voxels.iter_mut().zip(exponent.iter()) {
                        *v *= math::exp(e);
                    }
                },
            );
        Ok(())
    }
}

/// The coefficients of the polynomial along the last axis, from the values of the others.
fn row_polynomial<const D: usize>(
    degrees: &[[usize; D]],
    coefficients: &[f64],
    value: impl Fn(usize, usize) -> f64,
) -> [f64; 11] {
    let mut row = [0.0; 11];
    for (degrees, coefficient) in degrees.iter().zip(coefficients) {
        let others = (0..D - 1).map(|axis| value(axis, degrees[axis]));
        row[degrees[D - 1]] += coefficient * others.product::<f64>();
    }
    row
}

fn is_order(value: f64) -> bool {
    (1.0..=10.0).contains(&value)
}

/// Multiplies intensities by a drawn bias field.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct RandomBiasField {
    /// Probability of a sample.
    pub probability: f64,
    /// The largest degree.
    pub order: usize,
    /// Every coefficient.
    pub coefficients: Draw,
    /// The polynomials.
    pub basis: BiasBasis,
    /// Whether the channels share the field.
    pub channels: Channels,
}

impl Default for RandomBiasField {
    /// MONAI's parameters; TorchIO's are powers of order 3 with coefficients within -0.5 and 0.5.
    fn default() -> Self {
        Self {
            probability: 0.1,
            order: 3,
            coefficients: Draw::Uniform {
                low: 0.0,
                high: 0.1,
            },
            basis: BiasBasis::Legendre,
            channels: Channels::Together,
        }
    }
}

impl RandomChannels for RandomBiasField {
    random_twin!(RandomBiasField => BiasField);

    fn check_for(&self, _dimension: usize) -> Result<()> {
        check(Self::NAME, "order", self.order as f64, ORDER, is_order)?;
        self.coefficients
            .check(Self::NAME, "coefficients", COEFFICIENT, is_coefficient)
    }

    fn draw(&self, dimension: usize, random: &mut Random) -> BiasField {
        BiasField {
            order: self.order,
            coefficients: (0..coefficient_count(self.order, dimension))
                .map(|_| self.coefficients.draw(random))
                .collect(),
            basis: self.basis,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_a_combination_of_degrees_for_every_coefficient() {
        for order in 1..=10 {
            for basis in [BiasBasis::Legendre, BiasBasis::Powers] {
                assert_eq!(basis.degrees::<1>(order).len(), coefficient_count(order, 1));
                assert_eq!(basis.degrees::<2>(order).len(), coefficient_count(order, 2));
                assert_eq!(basis.degrees::<3>(order).len(), coefficient_count(order, 3));
            }
        }
    }
}
