//! Values from hashed names and digests of large tensors: the twin of `reference.py`.

use std::collections::BTreeMap;
use std::path::Path;

use medcore::random::Key;
use medmodels::ModelConfig;
use mednn::candle_core::{DType, Device, Tensor, Var};
use mednn::context::Context;
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::{Init, LoadPolicy, Params};
use safetensors::SafeTensors;

use crate::models::measured::{self, Measured};

const SAMPLES: usize = 48;
const PROJECTIONS: usize = 4;

/// How far an output may be from the reference's, relative to its magnitude.
pub(crate) const FORWARD: f64 = 1e-4;

/// How far a gradient may.
pub(crate) const BACKWARD: f64 = 5e-3;

/// Numbers in [-1, 1) with 24 bits: FNV-1a of the name, then SplitMix64 of hash + position.
pub(crate) fn hashed(name: &str, count: usize) -> Vec<f64> {
    let state = name.bytes().fold(0xCBF2_9CE4_8422_2325u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01B3)
    });
    (1..=count as u64)
        .map(|i| {
            let mut z = state.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
            z ^= z >> 31;
            (z >> 40) as f64 / f64::from(1 << 23) - 1.0
        })
        .collect()
}

/// A hashed f32 tensor.
pub(crate) fn tensor(name: &str, shape: &[usize]) -> Tensor {
    let values: Vec<f32> = hashed(name, shape.iter().product())
        .into_iter()
        .map(|v| v as f32)
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

/// Overwrites all parameters of a network with hashed values.
pub(crate) fn fill(model: &dyn Model) {
    for parameter in model.params().parameters() {
        let value = parameter_value(parameter.name(), parameter.value().dims());
        parameter.set(&value).unwrap();
    }
}

/// The hashed value of a parameter.
pub(crate) fn parameter_value(name: &str, shape: &[usize]) -> Tensor {
    let fan_in: usize = shape[1..].iter().product();
    let value = |v: f64| {
        if shape.len() > 1 {
            v * (3.0 / fan_in as f64).sqrt()
        } else if name.ends_with(".weight") {
            1.0 + 0.3 * v
        } else {
            0.3 * v
        }
    };
    let values: Vec<f32> = hashed(name, shape.iter().product())
        .into_iter()
        .map(|v| value(v) as f32)
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

pub(crate) fn values(tensor: &Tensor) -> Vec<f64> {
    let flat = tensor.to_dtype(DType::F64).unwrap().flatten_all().unwrap();
    flat.to_vec1().unwrap()
}

/// Norm, largest magnitude, projections, then all elements or some of them.
fn digest(tensor: &Tensor, samples: usize) -> Vec<f64> {
    let flat = values(tensor);
    let n = flat.len();
    let norm = flat.iter().map(|v| v * v).sum::<f64>().sqrt();
    let largest = flat.iter().fold(0.0_f64, |m, v| m.max(v.abs()));
    let mut out = vec![norm, largest];
    for k in 0..PROJECTIONS {
        let direction = hashed(&format!("projection.{k}"), n);
        out.push(flat.iter().zip(&direction).map(|(a, b)| a * b).sum());
    }
    if n <= samples {
        out.extend(flat);
    } else {
        out.extend((0..samples).map(|i| flat[i * 7919 % n]));
    }
    out
}

/// Digests by name, and the names of the reference's state dictionary.
pub(crate) struct Fixture {
    stem: String,
    digests: BTreeMap<String, Vec<f64>>,
    samples: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) parameters: usize,
    pub(crate) state_dict: Vec<String>,
}

impl Fixture {
    pub(crate) fn load(stem: &str) -> Self {
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/parity/{stem}.safetensors"));
        let bytes = std::fs::read(path).unwrap();
        assert!(bytes.len() <= 64 * 1024);
        let (_, metadata) = SafeTensors::read_metadata(&bytes).unwrap();
        let state_dict = metadata.metadata().as_ref().unwrap()["state_dict"]
            .split(' ')
            .map(str::to_owned)
            .collect();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let mut digests = BTreeMap::new();
        let mut whole = BTreeMap::new();
        for (name, view) in file.tensors() {
            match view.dtype() {
                safetensors::Dtype::I64 => {
                    let numbers = view.data().chunks_exact(8);
                    let number = |b: &[u8]| i64::from_le_bytes(b.try_into().unwrap()) as usize;
                    whole.insert(name, numbers.map(number).collect::<Vec<_>>());
                }
                _ => {
                    let numbers = view.data().chunks_exact(4);
                    let number = |b: &[u8]| f64::from(f32::from_le_bytes(b.try_into().unwrap()));
                    digests.insert(name, numbers.map(number).collect());
                }
            }
        }
        Self {
            stem: stem.to_owned(),
            digests,
            samples: whole.get("samples").map_or(SAMPLES, |number| number[0]),
            shape: whole["shape"].clone(),
            parameters: whole["parameters"][0],
            state_dict,
        }
    }

    pub(crate) fn names(&self, prefix: &str) -> Vec<String> {
        self.digests
            .keys()
            .filter_map(|name| name.strip_prefix(prefix).map(str::to_owned))
            .collect()
    }

    pub(crate) fn raw(&self, name: &str) -> &[f64] {
        &self.digests[name]
    }

    /// Asserts that a tensor has the digest `name`: elements within `tolerance` of the largest magnitude (or of
    /// `floor`, where that is larger), projections within `tolerance` of the norm.
    #[track_caller]
    pub(crate) fn check(&self, name: &str, got: &Tensor, tolerance: f64, floor: f64) {
        let want = self
            .digests
            .get(name)
            .unwrap_or_else(|| panic!("no {name} in {}", self.stem));
        let got = digest(got, self.samples);
        assert_eq!(got.len(), want.len(), "size of {name}");
        let count = got.len() - 2 - PROJECTIONS;
        let scale = want[1].max(floor);
        let spread = want[0].max(floor * (count as f64).sqrt());
        let mut error: f64 = 0.0;
        for (i, (a, b)) in got.iter().zip(want).enumerate() {
            let scale = if i == 1 || i >= 2 + PROJECTIONS {
                scale
            } else {
                spread
            };
            let difference = (a - b).abs();
            assert!(
                difference <= tolerance * scale,
                "{name}[{i}] is {a}, the reference has {b} (scale {scale})"
            );
            // Beside a scale of zero the difference is none.
            if scale > 0.0 {
                error = error.max(difference / scale);
            }
        }
        measured::note(Measured {
            stem: self.stem.clone(),
            shape: self.shape.clone(),
            digest: name.to_owned(),
            error,
        });
    }
}

/// Runs a network as `reference.py` ran the reference, and compares outputs, features and all gradients.
///
/// The reference ran in f64. Of the hundreds of thousands of features one or two round to the other side of zero in
/// f32, which turns their gradient by the slope of the leaky ReLU and moves the gradients of all layers before by about
/// one in a thousand, here or there depending on the machine; so gradients are held less tightly than outputs.
pub(crate) fn check_against(stem: &str, model: &dyn Model) {
    check_outputs(stem, model, &Given::default(), |outputs, _| {
        outputs.scales().cloned().collect()
    });
}

/// What a network gets besides the image, and what it is asked for besides the features of the fixture.
#[derive(Default)]
pub(crate) struct Given {
    pub(crate) inputs: Vec<(&'static str, Tensor)>,
    pub(crate) features: Vec<&'static str>,
}

/// As [`check_against`], where `of` makes the reference's outputs of those of the network and the image.
pub(crate) fn check_outputs(
    stem: &str,
    model: &dyn Model,
    given: &Given,
    of: impl Fn(&Outputs, &Tensor) -> Vec<Tensor>,
) {
    let fixture = Fixture::load(stem);
    assert_eq!(model.params().count(), fixture.parameters);
    fill(model);
    let features = fixture.names("feature.");
    assert!(features.len() >= 6);
    let context = Context::train(Key::new(0))
        .with_features(features.clone())
        .with_features(given.features.iter().copied());
    let image = Var::from_tensor(&tensor("image", &fixture.shape)).unwrap();
    let mut inputs = Inputs::from(image.as_tensor());
    let variables: Vec<_> = (given.inputs.iter())
        .map(|(name, value)| (*name, Var::from_tensor(value).unwrap()))
        .collect();
    for (name, variable) in &variables {
        inputs = inputs.with(*name, variable.as_tensor().clone());
    }
    let outputs = model.forward(&inputs, &context).unwrap();
    let compared = of(&outputs, image.as_tensor());
    assert_eq!(compared.len(), fixture.names("output.").len());
    let mut loss = Tensor::zeros((), DType::F32, &Device::Cpu).unwrap();
    for (i, output) in compared.iter().enumerate() {
        fixture.check(&format!("output.{i}"), output, FORWARD, 0.0);
        let weights = tensor(&format!("loss.{i}"), output.dims());
        loss = (loss + (output * weights).unwrap().sum_all().unwrap()).unwrap();
    }
    for name in &features {
        let feature = &outputs.features[name];
        fixture.check(&format!("feature.{name}"), feature, FORWARD, 0.0);
    }
    let gradients = loss.backward().unwrap();
    let image_gradient = gradients.get(image.as_tensor()).unwrap();
    fixture.check("gradient.image", image_gradient, BACKWARD, 0.0);
    for name in fixture.names("gradient.input.") {
        let (_, variable) = variables.iter().find(|(given, _)| *given == name).unwrap();
        let gradient = gradients.get(variable.as_tensor()).unwrap();
        fixture.check(&format!("gradient.input.{name}"), gradient, BACKWARD, 0.0);
    }
    let largest = fixture
        .names("gradient.parameter.")
        .iter()
        .map(|name| fixture.raw(&format!("gradient.parameter.{name}"))[1])
        .fold(0.0, f64::max);
    let parameters = model.params().parameters();
    assert_eq!(parameters.len(), fixture.names("gradient.parameter.").len());
    for parameter in parameters {
        let name = parameter.name();
        let gradient = gradients
            .get(parameter.var().as_tensor())
            .unwrap_or_else(|| panic!("no gradient reaches {name}"));
        // A bias in front of a normalisation has gradient zero up to rounding.
        let floor = 1e-3 * largest;
        fixture.check(
            &format!("gradient.parameter.{name}"),
            gradient,
            BACKWARD,
            floor,
        );
    }
}

/// Asserts that the buffers of a network are those the reference has after one step of training.
pub(crate) fn check_buffers(stem: &str, model: &dyn Model) {
    let fixture = Fixture::load(stem);
    let buffers = model.params().buffers();
    assert_eq!(buffers.len(), fixture.names("buffer.").len());
    for buffer in buffers {
        let want = fixture.raw(&format!("buffer.{}", buffer.name()));
        for (got, want) in values(&buffer.tensor()).iter().zip(want) {
            let name = buffer.name();
            assert!((got - want).abs() <= 1e-5 * want.abs().max(1.0), "{name}");
        }
    }
}

/// Asserts that parameters and buffers have the names of the reference's state dictionary.
pub(crate) fn check_names(stem: &str, model: &dyn Model) {
    let mut expected = Fixture::load(stem).state_dict;
    expected.sort();
    assert_eq!(model.params().names(), expected);
}

/// Asserts that a file with all names of the reference's state dictionary, which has tensors under several names, loads as
/// the network says and not strictly, and that each entry of the network takes its values from its own name.
pub(crate) fn check_aliases(stem: &str, config: &ModelConfig) {
    let state_dict = Fixture::load(stem).state_dict;
    let params = Params::new(1);
    medmodels::create(config, &params).unwrap();
    let own = params.snapshot().unwrap();
    let names = config.names();
    let file = Params::new(0);
    let mut everything = BTreeMap::new();
    for name in state_dict {
        let value = own[&names.apply(&name)].clone();
        let path = file.root();
        if value.dtype() == DType::I64 {
            path.counter(&name).unwrap();
        } else {
            path.parameter(&name, value.dims(), Init::ZEROS).unwrap();
        }
        everything.insert(name, value);
    }
    assert!(everything.len() > own.len());
    file.restore(&everything).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.safetensors");
    file.save_safetensors(&path).unwrap();

    let other = Params::new(2);
    medmodels::create(config, &other).unwrap();
    let strict = other.load_safetensors(&path, &LoadPolicy::strict());
    assert!(strict.is_err());
    let report = other
        .load_safetensors(&path, &config.load_policy())
        .unwrap();
    assert_eq!(report.loaded.len(), own.len());
    assert!(report.missing.is_empty());
    for (name, value) in &own {
        assert_eq!(
            values(&other.tensor(name).unwrap()),
            values(value),
            "{name}"
        );
    }
}
