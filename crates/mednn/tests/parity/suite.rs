//! The tests that every differentiable operator passes, from one description of it.
//!
//! An [`Op`] names cases of a fixture that `suite.py` helped to write, and says how each is computed here.
//! [`check`] then compares outputs and gradients in f64 and f32 with the reference, takes finite differences in f64, feeds
//! views in another memory order, runs on one, two and four threads, sends a NaN through, and computes its graph again.

use candle_core::{DType, Device, Tensor, Var};
use mednn::graph::Graph;
use mednn::{Context, Error, Inputs, Model, Outputs, Params, Result};

use crate::support::{Fixture, assert_close, assert_same_on_any_number_of_threads, check_gradient};

/// Largest relative error of f32 arithmetic (the rule), and of f64 arithmetic against values stored in f32.
const F32_ERROR: f64 = 1e-5;
const F64_ERROR: f64 = 2e-7;
/// Largest relative difference between the gradient and central differences in f64.
const DIFFERENCE: f64 = 1e-6;
/// Cases with more input elements than this skip finite differences, which take two runs an element.
const MOST_DIFFERENCES: usize = 600;

/// One operator and the cases it is tested by.
pub(crate) struct Op {
    /// The name under which `docs/operators.md` lists it.
    pub(crate) name: &'static str,
    /// The fixture's stem.
    pub(crate) fixture: &'static str,
    /// Name in the fixture, and what gives the output for the inputs.
    pub(crate) cases: &'static [Case<'static>],
    /// Inputs large enough to be shared among threads, for the first case.
    pub(crate) large: fn() -> Vec<Tensor>,
}

/// A name in the fixture, and how its output is computed.
pub(crate) type Case<'a> = (&'a str, fn(&[Tensor]) -> Result<Tensor>);

/// Runs all tests of these operators.
#[track_caller]
pub(crate) fn check(ops: &[Op]) {
    for op in ops {
        assert!(!op.cases.is_empty(), "{} has no case", op.name);
        let fixture = Fixture::load(op.fixture);
        let recorded = op
            .cases
            .iter()
            .map(|case| check_case(op.name, &fixture, case));
        let recorded = recorded.filter(|&recorded| recorded).count();
        assert!(
            recorded > 0 || crate::graph::BY_HAND.contains(&op.name),
            "{} has no graph",
            op.name
        );
        let run = op.cases[0].1;
        let large = (op.large)();
        assert_same_on_any_number_of_threads(|| {
            let (vars, output) = tracked(&large, DType::F32, run);
            let gradients = output.sqr().unwrap().sum_all().unwrap().backward().unwrap();
            let gradients = vars
                .iter()
                .flatten()
                .map(|v| gradients.get(v).unwrap().clone());
            std::iter::once(output).chain(gradients).collect()
        });
    }
}

/// True when the case leaves a graph, which one that brings constants of its own does not.
fn check_case(op: &str, fixture: &Fixture, case: &Case<'_>) -> bool {
    let inputs = check_values(op, fixture, case);
    let &(name, run) = case;
    check_views(name, &inputs, run);
    check_nan(name, &inputs, run);
    check_differences(&inputs, run);
    check_graph(name, &inputs, run)
}

/// Compares output and gradients with the fixture, in f64 and f32, and gives back the inputs.
///
/// On its own for cases at which there is a gradient by convention only, as that of the maximum among ties.
#[track_caller]
pub(crate) fn check_values(op: &str, fixture: &Fixture, &(name, run): &Case<'_>) -> Vec<Tensor> {
    let get = |part: String| fixture.find(&format!("{name}.{part}"));
    let inputs: Vec<Tensor> = (0..).map_while(|i| get(format!("x{i}"))).collect();
    let expected = fixture.get(&format!("{name}.y"));
    for (dtype, tolerance) in [(DType::F64, F64_ERROR), (DType::F32, F32_ERROR)] {
        let (vars, output) = tracked(&inputs, dtype, run);
        assert_close(
            &output,
            &expected,
            tolerance,
            &format!("{op}: {name}.y in {dtype:?}"),
        );
        let sent = fixture.get(&format!("{name}.g")).to_dtype(dtype).unwrap();
        let gradients = (output * sent)
            .unwrap()
            .sum_all()
            .unwrap()
            .backward()
            .unwrap();
        for (i, var) in vars.iter().enumerate() {
            let Some(var) = var else { continue };
            let what = format!("{op}: {name}.dx{i} in {dtype:?}");
            let got = gradients
                .get(var)
                .unwrap_or_else(|| panic!("{what} is missing"));
            assert_close(
                got,
                &fixture.get(&format!("{name}.dx{i}")),
                tolerance,
                &what,
            );
        }
    }
    inputs
}

/// The output for inputs of which the real ones are variables.
fn tracked(
    inputs: &[Tensor],
    dtype: DType,
    run: fn(&[Tensor]) -> Result<Tensor>,
) -> (Vec<Option<Var>>, Tensor) {
    let vars: Vec<Option<Var>> = inputs
        .iter()
        .map(|t| is_real(t).then(|| Var::from_tensor(&t.to_dtype(dtype).unwrap()).unwrap()))
        .collect();
    let tensors: Vec<Tensor> = vars
        .iter()
        .zip(inputs)
        .map(|(var, input)| var.as_ref().map_or(input, |v| v.as_tensor()).clone())
        .collect();
    let output = run(&tensors).unwrap();
    (vars, output)
}

fn is_real(tensor: &Tensor) -> bool {
    tensor.dtype().is_float()
}

/// The same values in another memory order give the same output.
fn check_views(name: &str, inputs: &[Tensor], run: fn(&[Tensor]) -> Result<Tensor>) {
    let turned: Vec<Tensor> = inputs.iter().map(reordered).collect();
    let (plain, view) = (run(inputs).unwrap(), run(&turned).unwrap());
    assert_close(&view, &plain, 0.0, &format!("{name} of views"));
}

/// A view that equals the tensor and whose last two axes lie in memory the other way round.
fn reordered(tensor: &Tensor) -> Tensor {
    let rank = tensor.rank();
    if rank < 2 {
        return tensor.clone();
    }
    let turned = tensor.transpose(rank - 2, rank - 1).unwrap().contiguous();
    turned.unwrap().transpose(rank - 2, rank - 1).unwrap()
}

/// A NaN everywhere in the first input comes out somewhere.
fn check_nan(name: &str, inputs: &[Tensor], run: fn(&[Tensor]) -> Result<Tensor>) {
    if !is_real(&inputs[0]) {
        return;
    }
    let mut poisoned = inputs.to_vec();
    poisoned[0] = (inputs[0].zeros_like().unwrap() + f64::NAN).unwrap();
    let output = run(&poisoned).unwrap().to_dtype(DType::F64).unwrap();
    let output = output.flatten_all().unwrap().to_vec1::<f64>().unwrap();
    assert!(output.iter().any(|v| v.is_nan()), "{name} hides a NaN");
}

/// An operator as a network.
struct Probe {
    params: Params,
    inputs: usize,
    run: fn(&[Tensor]) -> Result<Tensor>,
}

impl Model for Probe {
    fn forward(&self, inputs: &Inputs, _: &Context) -> Result<Outputs> {
        let get = |i: usize| inputs.get(&format!("x{i}")).cloned();
        let inputs: Result<Vec<_>> = (0..self.inputs).map(get).collect();
        Ok(Outputs::new((self.run)(&inputs?)?))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

/// The recorded operators, computed again, give the same bits; recorded once more, they are the same graph. False when a
/// tensor is neither an input nor comes from an operator.
pub(crate) fn check_graph(
    name: &str,
    inputs: &[Tensor],
    run: fn(&[Tensor]) -> Result<Tensor>,
) -> bool {
    let probe = Probe {
        params: Params::on_device(0, &Device::Cpu),
        inputs: inputs.len(),
        run,
    };
    let mut named = Inputs::default();
    for (i, tensor) in inputs.iter().enumerate() {
        named = named.with(format!("x{i}"), tensor.clone());
    }
    let graph = match Graph::record(&probe, &named) {
        Err(Error::NotRecorded { .. }) => return false,
        graph => graph.unwrap(),
    };
    assert!(!graph.nodes().is_empty(), "{name} leaves no node");
    let replayed = graph.run(&probe.params, &named).unwrap().logits;
    assert_close(
        &replayed,
        &run(inputs).unwrap(),
        0.0,
        &format!("{name} replayed"),
    );
    assert_eq!(graph, Graph::record(&probe, &named).unwrap(), "{name}");
    true
}

fn check_differences(inputs: &[Tensor], run: fn(&[Tensor]) -> Result<Tensor>) {
    let real: Vec<usize> = (0..inputs.len()).filter(|&i| is_real(&inputs[i])).collect();
    let elements: usize = real.iter().map(|&i| inputs[i].elem_count()).sum();
    if elements > MOST_DIFFERENCES {
        return;
    }
    let varied: Vec<Tensor> = real
        .iter()
        .map(|&i| inputs[i].to_dtype(DType::F64).unwrap())
        .collect();
    let with = |varied: &[Tensor]| {
        let mut all = inputs.to_vec();
        for (&i, tensor) in real.iter().zip(varied) {
            all[i] = tensor.clone();
        }
        run(&all).unwrap()
    };
    check_gradient(&varied, with, DIFFERENCE);
}
