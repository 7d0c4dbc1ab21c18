//! Linear maps of rows: forward, and the gradients of input, weight and bias.

mod packed;

pub use packed::PackedLinear;

use crate::cpu::matrix::{Matrix, product};
use crate::cpu::real::Real;
use crate::cpu::reduce::column_sums;

/// The sizes of a linear map.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Linear {
    /// Rows of the input.
    pub rows: usize,
    /// Features of an input row.
    pub inputs: usize,
    /// Features of an output row.
    pub outputs: usize,
}

impl Linear {
    /// `input weight^T + bias`, `[rows, outputs]`; the weight is `[outputs, inputs]`.
    ///
    /// # Panics
    /// If a slice is shorter than the sizes say.
    #[must_use]
    pub fn forward<T: Real>(&self, input: &[T], weight: &[T], bias: Option<&[T]>) -> Vec<T> {
        product(
            self.input(input),
            self.weight(weight).transposed(),
            |column, values: &mut [T]| {
                if let Some(bias) = bias {
                    let bias = &bias[column..column + values.len()];
                    T::vectorize(
                        #[inline(always)]
                        move || {
                            for (value, &b) in values.iter_mut().zip(bias) {
                                *value += b;
                            }
                        },
                    );
                }
            },
        )
    }

    /// The gradient of the input, `[rows, inputs]`.
    ///
    /// # Panics
    /// If a slice is shorter than the sizes say.
    #[must_use]
    pub fn input_gradient<T: Real>(&self, weight: &[T], gradient: &[T]) -> Vec<T> {
        product(self.output(gradient), self.weight(weight), |_, _| {})
    }

    /// The gradient of the weight, `[outputs, inputs]`.
    ///
    /// # Panics
    /// If a slice is shorter than the sizes say.
    #[must_use]
    pub fn weight_gradient<T: Real>(&self, input: &[T], gradient: &[T]) -> Vec<T> {
        product(
            self.output(gradient).transposed(),
            self.input(input),
            |_, _| {},
        )
    }

    /// The gradient of the bias, `[outputs]`.
    ///
    /// # Panics
    /// If the slice is shorter than the sizes say.
    #[must_use]
    pub fn bias_gradient<T: Real>(&self, gradient: &[T]) -> Vec<T> {
        let [sums] = column_sums(self.rows, self.outputs, |row, [sums]: &mut [Vec<T>; 1]| {
            let gradient = &gradient[row * self.outputs..(row + 1) * self.outputs];
            T::vectorize(
                #[inline(always)]
                move || {
                    for (sum, &g) in sums.iter_mut().zip(gradient) {
                        *sum += g;
                    }
                },
            );
        });
        sums.into_iter().map(T::from_f64).collect()
    }

    fn input<'a, T: Real>(&self, values: &'a [T]) -> Matrix<'a, T> {
        Matrix::rows(values, (self.rows, self.inputs), self.inputs)
    }

    fn output<'a, T: Real>(&self, values: &'a [T]) -> Matrix<'a, T> {
        Matrix::rows(values, (self.rows, self.outputs), self.outputs)
    }

    fn weight<'a, T: Real>(&self, values: &'a [T]) -> Matrix<'a, T> {
        Matrix::rows(values, (self.outputs, self.inputs), self.inputs)
    }
}
