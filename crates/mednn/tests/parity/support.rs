//! Fixtures, comparison and finite differences.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Tensor, Var};

/// The tensors of `tests/parity/<stem>.safetensors`.
pub(crate) struct Fixture(HashMap<String, Tensor>);

impl Fixture {
    pub(crate) fn load(stem: &str) -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/parity/{stem}.safetensors"));
        let size = std::fs::metadata(&path).unwrap().len();
        assert!(size <= 64 * 1024, "{path:?} has {size} bytes");
        Self(candle_core::safetensors::load(path, &Device::Cpu).unwrap())
    }

    pub(crate) fn get(&self, name: &str) -> Tensor {
        self.0
            .get(name)
            .unwrap_or_else(|| panic!("the fixture has no {name:?}"))
            .clone()
    }

    pub(crate) fn find(&self, name: &str) -> Option<Tensor> {
        self.0.get(name).cloned()
    }

    pub(crate) fn var(&self, name: &str) -> Var {
        Var::from_tensor(&self.get(name)).unwrap()
    }
}

/// Asserts `max|a-b| / max|b| <= tolerance`, shapes equal and no NaN.
#[track_caller]
pub(crate) fn assert_close(got: &Tensor, reference: &Tensor, tolerance: f64, what: &str) {
    assert_eq!(got.dims(), reference.dims(), "shape of {what}");
    let values = |tensor: &Tensor| -> Vec<f64> {
        tensor
            .to_dtype(DType::F64)
            .unwrap()
            .flatten_all()
            .unwrap()
            .to_vec1()
            .unwrap()
    };
    let (got, reference) = (values(got), values(reference));
    let scale = reference
        .iter()
        .fold(0.0_f64, |m, v| m.max(v.abs()))
        .max(1e-30);
    let mut worst = (0.0, 0);
    for (i, (a, b)) in got.iter().zip(&reference).enumerate() {
        assert!(
            a.is_finite() == b.is_finite(),
            "{what}: element {i} is {a}, should be {b}"
        );
        let error = (a - b).abs();
        if error > worst.0 {
            worst = (error, i);
        }
    }
    assert!(
        worst.0 / scale <= tolerance,
        "{what}: relative error {:e} > {tolerance:e} at element {}: {} against {}",
        worst.0 / scale,
        worst.1,
        got[worst.1],
        reference[worst.1]
    );
}

/// Compares the gradient that `backward` gives for each input with central differences, in f64.
///
/// `f` maps the inputs to one tensor; its sum weighted with fixed uneven weights is differentiated.
#[track_caller]
pub(crate) fn check_gradient(inputs: &[Tensor], f: impl Fn(&[Tensor]) -> Tensor, tolerance: f64) {
    let weighted = |out: &Tensor| -> Tensor {
        let n = out.elem_count();
        let weights: Vec<f64> = (0..n)
            .map(|i| ((i * 7919 + 13) % 101) as f64 / 50.0 - 1.0)
            .collect();
        let weights = Tensor::from_vec(weights, out.dims(), &Device::Cpu).unwrap();
        (out * weights).unwrap().sum_all().unwrap()
    };
    let vars: Vec<Var> = inputs
        .iter()
        .map(|t| Var::from_tensor(t).unwrap())
        .collect();
    let tracked: Vec<Tensor> = vars.iter().map(|v| v.as_tensor().clone()).collect();
    let gradients = weighted(&f(&tracked)).backward().unwrap();
    let step = 1e-5;
    for (which, input) in inputs.iter().enumerate() {
        assert_eq!(input.dtype(), DType::F64, "finite differences need f64");
        let analytic = gradients
            .get(&tracked[which])
            .unwrap_or_else(|| panic!("input {which} has no gradient"))
            .flatten_all()
            .unwrap()
            .to_vec1::<f64>()
            .unwrap();
        let base = input.flatten_all().unwrap().to_vec1::<f64>().unwrap();
        let scale = analytic.iter().fold(1e-3_f64, |m, v| m.max(v.abs()));
        let at = |i: usize, delta: f64| -> f64 {
            let mut moved = base.clone();
            moved[i] += delta;
            let mut all = inputs.to_vec();
            all[which] = Tensor::from_vec(moved, input.dims(), &Device::Cpu).unwrap();
            weighted(&f(&all)).to_scalar::<f64>().unwrap()
        };
        for i in 0..base.len() {
            let numeric = (at(i, step) - at(i, -step)) / (2.0 * step);
            assert!(
                (numeric - analytic[i]).abs() <= tolerance * scale,
                "input {which}, element {i}: analytic {} against numeric {numeric}",
                analytic[i]
            );
        }
    }
}

/// Uneven numbers in [-1, 1), the same on every run.
pub(crate) fn pattern(shape: &[usize], seed: u64) -> Tensor {
    let n: usize = shape.iter().product();
    let values: Vec<f64> = (0..n as u64)
        .map(|i| {
            let mut bits = (i + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15)
                ^ seed.wrapping_mul(0xd1b5_4a32_d192_ed03);
            bits ^= bits >> 29;
            bits = bits.wrapping_mul(0xbf58_476d_1ce4_e5b9);
            bits ^= bits >> 32;
            (bits >> 11) as f64 / (1u64 << 52) as f64 - 1.0
        })
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Runs `f` in rayon pools of one, two and four threads and asserts that the bits of its result are the same.
#[track_caller]
pub(crate) fn assert_same_on_any_number_of_threads(f: impl Fn() -> Vec<Tensor> + Sync) {
    let run = |threads: usize| -> Vec<Vec<u64>> {
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        pool.install(&f)
            .iter()
            .map(|t| {
                let t = t.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
                t.to_vec1::<f64>()
                    .unwrap()
                    .into_iter()
                    .map(f64::to_bits)
                    .collect()
            })
            .collect()
    };
    let one = run(1);
    assert!(one == run(2), "two threads give other bits than one");
    assert!(one == run(4), "four threads give other bits than one");
}
