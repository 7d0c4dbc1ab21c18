//! Maximum likelihood of logistic models that are linear in their parameters, by Newton's method.
//!
//! One solver serves them all: recalibration (two classes, the first with predictor 0), temperature, Platt's,
//! vector and matrix scaling. It is sequential and deterministic.

use crate::error::{Error, Result};

/// The predictor of a class: an offset and parameters with their factors.
#[derive(Debug, Clone, Default)]
pub(super) struct Predictor {
    pub(super) offset: f64,
    pub(super) terms: Vec<(usize, f64)>,
}

/// A model and its data.
pub(super) struct Problem<'a> {
    /// What is fitted, for errors.
    pub(super) what: &'static str,
    pub(super) samples: usize,
    pub(super) classes: usize,
    /// Half of this times the square of each parameter is added to the loss.
    pub(super) ridge: Vec<f64>,
    /// Where to start; as many as there are parameters.
    pub(super) start: Vec<f64>,
    /// Writes the predictors of all classes for a sample, which come empty.
    pub(super) predictors: &'a dyn Fn(usize, &mut [Predictor]),
    /// The share of a sample that belongs to a class; the shares of a sample sum to 1.
    pub(super) target: &'a dyn Fn(usize, usize) -> f64,
}

/// Where the likelihood is largest.
pub(super) struct Fit {
    pub(super) parameters: Vec<f64>,
    /// The second derivatives of the loss there.
    hessian: Matrix,
}

impl Fit {
    /// Wald's standard error of a parameter.
    pub(super) fn standard_error(&self, parameter: usize) -> Option<f64> {
        let mut unit = vec![0.0; self.parameters.len()];
        unit[parameter] = 1.0;
        let column = self.hessian.cholesky()?.solve(&unit);
        Some(column[parameter].sqrt())
    }
}

const MOST_ITERATIONS: usize = 200;

/// Newton's steps below this share of a parameter are rounding.
const SMALL_STEP: f64 = 1e-9;

impl Problem<'_> {
    /// Finds the parameters of largest likelihood.
    ///
    /// # Errors
    /// Refuses data that leave a parameter without a finite best value, such as classes that a parameter
    /// separates, or without any (constant scores).
    pub(super) fn fit(&self) -> Result<Fit> {
        let mut parameters = self.start.clone();
        let mut at = self.derivatives(&parameters);
        let steepest = at.hessian.largest_diagonal();
        for _ in 0..MOST_ITERATIONS {
            let Some(step) = at.newton_step(steepest) else {
                return Err(self.no_fit());
            };
            let small = |(s, p): (&f64, &f64)| s.abs() <= SMALL_STEP * (1.0 + p.abs());
            if step.iter().zip(&parameters).all(small) {
                // The last step is taken too: convergence is quadratic, and small parameters (large logits)
                // gain the digits that a threshold beside 1 leaves out.
                let last = parameters.iter().zip(&step).map(|(p, s)| p - s);
                return Ok(Fit {
                    parameters: last.collect(),
                    hessian: at.hessian,
                });
            }
            parameters = self.shortened(&parameters, &step, &at)?;
            at = self.derivatives(&parameters);
        }
        // Where a likelihood has no largest value, steps stay long while slopes vanish.
        let slope = at.gradient.iter().fold(0.0f64, |most, g| most.max(g.abs()));
        if slope < 1e-6 * steepest {
            return Err(self.no_fit());
        }
        Err(Error::NotConverged {
            what: self.what,
            iterations: MOST_ITERATIONS,
        })
    }

    /// The parameters after as much of a step as lowers the loss.
    fn shortened(&self, from: &[f64], step: &[f64], at: &Derivatives) -> Result<Vec<f64>> {
        let descent: f64 = at.gradient.iter().zip(step).map(|(g, s)| g * s).sum();
        let rounding = 1e-13 * (1.0 + at.loss.abs());
        let mut share = 1.0;
        for _ in 0..60 {
            let to: Vec<f64> = from.iter().zip(step).map(|(p, s)| p - share * s).collect();
            if self.loss(&to) <= at.loss - 1e-4 * share * descent + rounding {
                return Ok(to);
            }
            share *= 0.5;
        }
        Err(Error::NotConverged {
            what: self.what,
            iterations: MOST_ITERATIONS,
        })
    }

    fn no_fit(&self) -> Error {
        Error::NoFit {
            what: self.what,
            reason: "the scores separate the classes, or do not vary",
        }
    }

    fn loss(&self, parameters: &[f64]) -> f64 {
        let mut loss = self.penalty(parameters);
        self.visit(parameters, |sample, _, z, top, sum| {
            let log_sum = top + libm::log(sum);
            for (class, z) in z.iter().enumerate() {
                let target = (self.target)(sample, class);
                if target > 0.0 {
                    loss += target * (log_sum - z);
                }
            }
        });
        loss
    }

    fn penalty(&self, parameters: &[f64]) -> f64 {
        let pairs = parameters.iter().zip(&self.ridge);
        pairs.map(|(p, r)| 0.5 * r * p * p).sum()
    }

    /// Shows every sample's predictors, their values, the largest value and the sum of exponentials below it.
    fn visit(
        &self,
        parameters: &[f64],
        mut see: impl FnMut(usize, &[Predictor], &[f64], f64, f64),
    ) {
        let mut predictors = vec![Predictor::default(); self.classes];
        let mut values = vec![0.0; self.classes];
        for sample in 0..self.samples {
            for predictor in &mut predictors {
                predictor.offset = 0.0;
                predictor.terms.clear();
            }
            (self.predictors)(sample, &mut predictors);
            for (value, predictor) in values.iter_mut().zip(&predictors) {
                let terms = predictor
                    .terms
                    .iter()
                    .map(|&(i, factor)| parameters[i] * factor);
                *value = predictor.offset + terms.sum::<f64>();
            }
            let top = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum = values.iter().map(|z| libm::exp(z - top)).sum();
            see(sample, &predictors, &values, top, sum);
        }
    }

    fn derivatives(&self, parameters: &[f64]) -> Derivatives {
        let size = parameters.len();
        let mut loss = self.penalty(parameters);
        let mut gradient: Vec<f64> = parameters
            .iter()
            .zip(&self.ridge)
            .map(|(p, r)| p * r)
            .collect();
        let mut hessian = Matrix::diagonal(&self.ridge);
        let mut mean = vec![0.0; size];
        self.visit(parameters, |sample, predictors, z, top, sum| {
            mean.fill(0.0);
            for (class, predictor) in predictors.iter().enumerate() {
                let share = libm::exp(z[class] - top) / sum;
                let target = (self.target)(sample, class);
                if target > 0.0 {
                    loss += target * (top + libm::log(sum) - z[class]);
                }
                for &(i, factor) in &predictor.terms {
                    gradient[i] += (share - target) * factor;
                    mean[i] += share * factor;
                    for &(j, other) in &predictor.terms {
                        hessian.rows[i * size + j] += share * factor * other;
                    }
                }
            }
            for (row, &left) in hessian.rows.chunks_exact_mut(size).zip(&mean) {
                row.iter_mut()
                    .zip(&mean)
                    .for_each(|(h, right)| *h -= left * right);
            }
        });
        Derivatives {
            loss,
            gradient,
            hessian,
        }
    }
}

struct Derivatives {
    loss: f64,
    gradient: Vec<f64>,
    hessian: Matrix,
}

impl Derivatives {
    /// The way to the minimum of the parabola; `None` where the loss is flat.
    fn newton_step(&self, steepest: f64) -> Option<Vec<f64>> {
        let largest = self.hessian.largest_diagonal();
        if largest <= 1e-13 * steepest || !largest.is_finite() {
            return None;
        }
        Some(self.hessian.cholesky()?.solve(&self.gradient))
    }
}

/// A symmetric matrix, row after row.
struct Matrix {
    size: usize,
    rows: Vec<f64>,
}

impl Matrix {
    fn diagonal(entries: &[f64]) -> Self {
        let size = entries.len();
        let mut rows = vec![0.0; size * size];
        for (i, &entry) in entries.iter().enumerate() {
            rows[i * size + i] = entry;
        }
        Self { size, rows }
    }

    fn largest_diagonal(&self) -> f64 {
        (0..self.size)
            .map(|i| self.rows[i * self.size + i])
            .fold(0.0, f64::max)
    }

    /// The lower triangular root; `None` unless the matrix is positive definite beyond rounding.
    fn cholesky(&self) -> Option<Root> {
        let n = self.size;
        let mut root = vec![0.0; n * n];
        for i in 0..n {
            for j in 0..=i {
                let dot: f64 = (0..j).map(|k| root[i * n + k] * root[j * n + k]).sum();
                let rest = self.rows[i * n + j] - dot;
                if i != j {
                    root[i * n + j] = rest / root[j * n + j];
                } else if rest > 1e-14 * self.rows[i * n + i] {
                    root[i * n + i] = rest.sqrt();
                } else {
                    return None;
                }
            }
        }
        Some(Root {
            size: n,
            rows: root,
        })
    }
}

struct Root {
    size: usize,
    rows: Vec<f64>,
}

impl Root {
    fn solve(&self, right: &[f64]) -> Vec<f64> {
        let n = self.size;
        let mut x = right.to_vec();
        for i in 0..n {
            let dot: f64 = (0..i).map(|k| self.rows[i * n + k] * x[k]).sum();
            x[i] = (x[i] - dot) / self.rows[i * n + i];
        }
        for i in (0..n).rev() {
            let dot: f64 = (i + 1..n).map(|k| self.rows[k * n + i] * x[k]).sum();
            x[i] = (x[i] - dot) / self.rows[i * n + i];
        }
        x
    }
}
