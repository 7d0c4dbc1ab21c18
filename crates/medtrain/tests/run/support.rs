//! A network that learns in a moment, and what it learns from.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use medaug::{Case, Draw, PatchChoice, PatchPipeline, PatchSampler, RandomSpatial, Sample};
use medcore::random::Key;
use medcore::{Geometry, Image, LabelMap};
use mednn::candle_core::Device;
use mednn::layers::{Conv, ConvConfig};
use mednn::loss::DiceCrossEntropy;
use mednn::optim::{Sgd, SgdConfig};
use mednn::{Context, Inputs, Model, Outputs, ParamPath, Params};
use medtrain::{
    BoxError, Cohort, Error, Observer, PatchBatches, StopFlag, TrainConfig, TrainSummary, Trainer,
    Validation, Validator,
};

/// Two convolutions: enough to learn a bright ball.
pub(crate) struct Tiny {
    pub(crate) params: Params,
    first: Conv<3>,
    second: Conv<3>,
}

impl Tiny {
    pub(crate) fn new(seed: u64) -> Self {
        Self::on(&Device::Cpu, seed)
    }

    pub(crate) fn on(device: &Device, seed: u64) -> Self {
        let params = Params::on_device(seed, device);
        let conv = |name: &str, from, to| {
            let path: ParamPath = params.root().child(name);
            Conv::new(&ConvConfig::same(from, to, [3; 3]), &path).unwrap()
        };
        let (first, second) = (conv("first", 1, 4), conv("second", 4, 2));
        Self {
            params,
            first,
            second,
        }
    }
}

impl Model for Tiny {
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let hidden = self.first.forward(inputs.image()?, context)?;
        let hidden = mednn::ops::activation(&hidden, mednn::ops::Activation::Relu)?;
        Ok(Outputs::new(self.second.forward(&hidden, context)?))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

/// A noisy volume with a ball; `poison` puts a NaN into it.
pub(crate) fn case(number: u32, poison: bool) -> (String, Case<3>) {
    let grid = Geometry::axis_aligned([13, 14, 15], [2.0, 1.0, 1.5]).unwrap();
    let mut random = Key::new(77).sample(number).stream("case");
    let centre: [f64; 3] = [0; 3].map(|_| random.uniform_in(4.0, 9.0));
    let (mut voxels, mut labels) = (Vec::new(), Vec::new());
    for index in 0..grid.len() {
        let at = [index / 210, index / 15 % 14, index % 15];
        let inside = (0..3)
            .map(|a| (at[a] as f64 - centre[a]).powi(2))
            .sum::<f64>()
            < 9.0;
        voxels.push((f64::from(u8::from(inside)) + 0.2 * random.normal()) as f32);
        labels.push(u8::from(inside));
    }
    if poison {
        voxels.fill(f32::NAN);
    }
    let image = Image::new(grid, voxels).unwrap();
    let sample = Sample::with_labels(image, LabelMap::new(grid, labels).unwrap()).unwrap();
    (
        format!("case-{number}"),
        Case::new(sample, None, Key::new(1)),
    )
}

pub(crate) fn batches(poisoned: Option<u32>) -> Arc<PatchBatches<3>> {
    patches(poisoned, 2, 4)
}

pub(crate) fn patches(
    poisoned: Option<u32>,
    batch_size: usize,
    steps: u32,
) -> Arc<PatchBatches<3>> {
    let cases = (0..3).map(|n| case(n, poisoned == Some(n)));
    let cases = Cohort::of_patients(cases).unwrap().train_on_all();
    let sampler = PatchSampler {
        patch: [8, 9, 10],
        choice: PatchChoice::ForcedForeground { fraction: 0.5 },
    };
    let spatial = RandomSpatial {
        rotation_probability: 0.5,
        rotation_degrees: vec![Draw::symmetric(20.0)],
        ..RandomSpatial::default()
    };
    let pipeline = PatchPipeline::new(sampler, vec![spatial.into()]).unwrap();
    Arc::new(PatchBatches::new(cases, pipeline, batch_size, steps, 5).unwrap())
}

/// Scores by the sum of the weights: any number that follows the network will do.
pub(crate) struct WeightSum;

impl Validator for WeightSum {
    fn validate(&mut self, model: &dyn Model, _: u32) -> Result<Validation, BoxError> {
        let score = model
            .params()
            .tensor("first.weight")?
            .sum_all()?
            .to_scalar::<f32>()?;
        Ok(Validation {
            score: f64::from(score),
            metrics: vec![("sum".to_owned(), f64::from(score))],
        })
    }
}

pub(crate) fn config(folder: &Path, resume: bool) -> TrainConfig {
    let mut config = TrainConfig::new(folder, 4);
    config.validate_every = 2;
    config.resume = resume;
    config.configuration = serde_json::json!({"network": {"channels": 4}});
    config
}

pub(crate) fn train(
    config: TrainConfig,
    source: &Arc<PatchBatches<3>>,
    observer: Option<&mut dyn Observer>,
) -> (Tiny, Result<TrainSummary, Error>) {
    train_until(config, source, observer, StopFlag::new())
}

pub(crate) fn train_until(
    config: TrainConfig,
    source: &Arc<PatchBatches<3>>,
    observer: Option<&mut dyn Observer>,
    stop: StopFlag,
) -> (Tiny, Result<TrainSummary, Error>) {
    let network = Tiny::new(3);
    let mut sgd = sgd(&network);
    let (loss, mut validator) = (DiceCrossEntropy::nnunet(false), WeightSum);
    let mut trainer = Trainer::new(&network, &loss, &mut sgd, config)
        .with_validator(&mut validator)
        .with_stop(stop);
    if let Some(observer) = observer {
        trainer = trainer.with_observer(observer);
    }
    let summary = trainer.run(source);
    (network, summary)
}

pub(crate) fn sgd(network: &Tiny) -> Sgd {
    let settings = SgdConfig {
        momentum: 0.9,
        nesterov: true,
        ..Default::default()
    };
    Sgd::new(&network.params, settings).unwrap()
}

pub(crate) fn weights(network: &Tiny, folder: &Path) -> Vec<u8> {
    let path = folder.join("weights.safetensors");
    network.params.save_safetensors(&path).unwrap();
    fs::read(path).unwrap()
}

pub(crate) fn values(network: &Tiny, name: &str) -> Vec<f32> {
    let tensor = network.params.tensor(name).unwrap();
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

pub(crate) fn distance(a: &[f32], b: &[f32]) -> f32 {
    a.iter()
        .zip(b)
        .map(|(a, b)| (a - b).abs())
        .fold(0.0, f32::max)
}
