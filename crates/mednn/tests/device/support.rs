//! Runs an operator everywhere and compares.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};

use candle_core::{DType, Device, Tensor, Var};
use mednn::Result;
use mednn::tape::Tape;

/// Every device of this machine.
pub(crate) fn devices() -> &'static [Device] {
    static DEVICES: OnceLock<Vec<Device>> = OnceLock::new();
    DEVICES.get_or_init(|| {
        let mut devices = vec![Device::Cpu];
        match Device::new_cuda(0) {
            Ok(device) => devices.push(device),
            Err(error) => {
                let required = std::env::var_os("MEDNN_REQUIRE_CUDA").is_some();
                assert!(!required, "no CUDA device: {error}");
                #[allow(clippy::print_stderr, reason = "what was passed over must show")]
                {
                    eprintln!("no CUDA device, the CPU alone is tested: {error}");
                }
            }
        }
        devices
    })
}

/// Numbers without pattern in [-2, 2), some of them equal, another sequence for each salt.
pub(crate) fn numbers(shape: &[usize], salt: usize) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f64> = (0..count)
        .map(|i| {
            let bits = (i + 1)
                .wrapping_mul(2_654_435_761)
                .wrapping_add(salt * 40_503);
            ((bits >> 7) % 1021) as f64 / 255.25 - 2.0
        })
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// The arithmetic of all products of matrices, for as long as this lives.
pub(crate) struct Arithmetic {
    _one_at_a_time: MutexGuard<'static, ()>,
}

/// Chooses the arithmetic of all products of matrices, exact when nobody does; tests of products hold it.
pub(crate) fn arithmetic(tf32: bool) -> Arithmetic {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let guard = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    candle_core::cuda::set_gemm_reduced_precision_f32(tf32);
    Arithmetic {
        _one_at_a_time: guard,
    }
}

impl Drop for Arithmetic {
    fn drop(&mut self) {
        candle_core::cuda::set_gemm_reduced_precision_f32(false);
    }
}

/// An operator, what it is given, and how far `f32` may be from `f64`.
pub(crate) struct Case<'a> {
    pub(crate) name: String,
    pub(crate) inputs: &'a [Tensor],
    pub(crate) tolerance: f64,
}

impl<'a> Case<'a> {
    pub(crate) fn new(name: impl Into<String>, inputs: &'a [Tensor]) -> Self {
        Self {
            name: name.into(),
            inputs,
            tolerance: 1e-5,
        }
    }

    /// Asserts that outputs and gradients of all inputs are everywhere those of the CPU in f64.
    #[track_caller]
    pub(crate) fn check(&self, op: impl Fn(&[Tensor]) -> Result<Tensor>) {
        self.compare(|device, dtype| self.run(device, dtype, &op));
    }

    /// As [`Case::check`], for the output alone.
    #[track_caller]
    pub(crate) fn check_output(&self, op: impl Fn(&[Tensor]) -> Result<Tensor>) {
        self.compare(|device, dtype| {
            let there =
                |tensor: &Tensor| tensor.to_dtype(dtype).unwrap().to_device(device).unwrap();
            let inputs: Vec<Tensor> = self.inputs.iter().map(there).collect();
            vec![op(&inputs).unwrap_or_else(|error| panic!("{} on {device:?}: {error}", self.name))]
        });
    }

    #[track_caller]
    fn compare(&self, run: impl Fn(&Device, DType) -> Vec<Tensor>) {
        let expected = run(&Device::Cpu, DType::F64);
        for device in devices() {
            for (dtype, tolerance) in [(DType::F32, self.tolerance), (DType::F64, 1e-11)] {
                if device.is_cpu() && dtype == DType::F64 {
                    continue;
                }
                let got = run(device, dtype);
                for (i, (got, expected)) in got.iter().zip(&expected).enumerate() {
                    let what = match i {
                        0 => "the output".to_owned(),
                        _ => format!("the gradient of input {}", i - 1),
                    };
                    let place = format!(
                        "{}: {what} on {:?} in {dtype:?}",
                        self.name,
                        device.location()
                    );
                    assert_close(got, expected, tolerance, &place);
                }
            }
        }
    }

    /// The output, and the gradient of each input.
    fn run(
        &self,
        device: &Device,
        dtype: DType,
        op: impl Fn(&[Tensor]) -> Result<Tensor>,
    ) -> Vec<Tensor> {
        let there = |tensor: &Tensor| tensor.to_dtype(dtype).unwrap().to_device(device).unwrap();
        let inputs: Vec<Var> = self
            .inputs
            .iter()
            .map(|input| Var::from_tensor(&there(input)).unwrap())
            .collect();
        let tensors: Vec<Tensor> = inputs
            .iter()
            .map(|input| input.as_tensor().clone())
            .collect();
        let (output, tape) = Tape::record(|| op(&tensors));
        let output = output.unwrap_or_else(|error| panic!("{} on {device:?}: {error}", self.name));
        let gradient = there(&numbers(output.dims(), 77));
        let gradients = tape
            .backward(vec![(output.clone(), gradient)])
            .unwrap_or_else(|error| panic!("{} back on {device:?}: {error}", self.name));
        let of_inputs = inputs
            .iter()
            .map(|input| gradients.get(input).unwrap().clone());
        std::iter::once(output.detach()).chain(of_inputs).collect()
    }
}

/// Asserts `|a - b| <= tolerance * max(1, max|b|)` for all elements, NaN equal to NaN.
#[track_caller]
pub(crate) fn assert_close(got: &Tensor, expected: &Tensor, tolerance: f64, what: &str) {
    assert_eq!(got.dims(), expected.dims(), "shape of {what}");
    let values = |tensor: &Tensor| -> Vec<f64> {
        let here = tensor
            .to_device(&Device::Cpu)
            .unwrap()
            .to_dtype(DType::F64)
            .unwrap();
        here.flatten_all().unwrap().to_vec1().unwrap()
    };
    let (got, expected) = (values(got), values(expected));
    let finite = expected.iter().filter(|x| x.is_finite());
    let scale = finite.fold(1.0_f64, |largest, x| largest.max(x.abs()));
    for (i, (a, b)) in got.iter().zip(&expected).enumerate() {
        let same = a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= tolerance * scale;
        assert!(same, "{what}: element {i} is {a}, should be {b}");
    }
}
