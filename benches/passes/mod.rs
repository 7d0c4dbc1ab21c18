//! The forward and the backward pass of an operator, one benchmark each, as `tools/bench/passes.py` measures PyTorch's.
//!
//! What a call makes is part of its time, giving it back is not. The backward pass is that of [`Tape`], for all inputs.

use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, SamplingMode};
use mednn::Result;
use mednn::candle_core::{Device, Tensor, Var};
use mednn::tape::Tape;

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

/// Values between -1 and 1.
pub(crate) fn uneven(shape: &[usize]) -> Tensor {
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|i: usize| ((i * 7919 + 13) % 2003) as f32 / 1001.5 - 1.0)
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).expect("a tensor")
}

/// Measures `operator` as `group/forward/name` and `group/backward/name`.
pub(crate) fn passes(
    c: &mut Criterion,
    group: &str,
    name: &str,
    inputs: &[Tensor],
    operator: impl Fn(&[Tensor]) -> Result<Tensor>,
) {
    let variables: Vec<Tensor> = inputs
        .iter()
        .map(|input| Var::from_tensor(input).expect("a variable").into_inner())
        .collect();
    let output = operator(inputs).expect("an output");
    let gradient = uneven(output.dims());
    drop(output);
    let mut group = c.benchmark_group(group);
    group
        .sample_size(15)
        .sampling_mode(SamplingMode::Flat)
        .warm_up_time(Duration::from_millis(100))
        .measurement_time(Duration::from_millis(300));
    group.bench_function(BenchmarkId::new("forward", name), |b| {
        b.iter_batched(
            || (),
            |()| operator(inputs).expect("an output"),
            BatchSize::PerIteration,
        );
    });
    group.bench_function(BenchmarkId::new("backward", name), |b| {
        b.iter_batched(
            || {
                let (output, tape) = Tape::record(|| operator(&variables));
                (output.expect("an output"), tape)
            },
            |(output, tape)| {
                let gradients = tape.backward(vec![(output.clone(), gradient.clone())]);
                (output, gradients.expect("gradients"))
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}
