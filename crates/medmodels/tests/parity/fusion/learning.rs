//! Each way of joining learns what neither side says alone.

use medcore::random::{Key, Random};
use medmodels::fusion::table::{NumericColumn, Record, TableConfig, TableEncoder};
use medmodels::fusion::{FusionConfig, FusionKind, TABLE, create};
use medmodels::resnet::ResNetConfig;
use mednn::candle_core::{Device, Tensor};
use mednn::context::Context;
use mednn::loss::{CrossEntropy, Loss};
use mednn::model::{Inputs, Model};
use mednn::optim::{AdamW, AdamWConfig, Optimizer};
use mednn::params::Params;
use mednn::tape::Pass;

use super::laws::kinds;

const EXTENT: usize = 8;
const STEPS: usize = 100;
const BATCH: usize = 24;

/// What a network may see.
#[derive(Clone, Copy, PartialEq)]
enum Sides {
    Both,
    Image,
    Table,
}

fn table() -> TableConfig {
    TableConfig::new()
        .with(NumericColumn::new("marker", 0.0, 1.0))
        .with(NumericColumn::new("noise", 0.0, 1.0).optional())
}

/// Stripes along one axis or the other, a marker above or below 0; the label is whether exactly one of both holds.
fn batch(random: &mut Random, count: usize, sides: Sides) -> (Inputs, Tensor) {
    let (mut images, mut records, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..count {
        let (along_rows, high) = (random.chance(0.5), random.chance(0.5));
        labels.push(u8::from(along_rows != high));
        for place in 0..EXTENT * EXTENT {
            let axis = if along_rows {
                place / EXTENT
            } else {
                place % EXTENT
            };
            let stripe = if axis / 2 % 2 == 0 { 1.0 } else { -1.0 };
            let seen = stripe + 0.3 * random.normal();
            images.push(if sides == Sides::Table {
                0.0
            } else {
                seen as f32
            });
        }
        let marker = if high { 1.0 } else { -1.0 } + 0.2 * random.normal();
        let noise = random.chance(0.7).then(|| random.normal());
        let marker = if sides == Sides::Image { 0.0 } else { marker };
        records.push(Record::new().with("marker", marker).with("noise", noise));
    }
    let images = Tensor::from_vec(images, (count, 1, EXTENT, EXTENT), &Device::Cpu).unwrap();
    let encoder = TableEncoder::new(table()).unwrap();
    let rows = encoder.rows(&records, &Device::Cpu).unwrap();
    let labels = Tensor::from_vec(labels, count, &Device::Cpu).unwrap();
    (Inputs::new(images).with(TABLE, rows), labels)
}

/// The share of unseen items that a network gets right after training.
fn learned(kind: FusionKind, sides: Sides) -> f64 {
    let image = ResNetConfig::resnet10(1)
        .with_in_channels(1)
        .small_images()
        .with_features([4, 4, 8, 8]);
    let config = FusionConfig::new(image, table(), kind, 2);
    let params = Params::new(11);
    let network = create(&config, &params).unwrap();
    let mut optimizer = AdamW::new(&params, AdamWConfig::default()).unwrap();
    let mut random = Key::new(1).stream("training");
    for step in 0..STEPS {
        let (inputs, labels) = batch(&mut random, BATCH, sides);
        let context = Context::train(Key::new(step as u64));
        let pass = Pass::run(&*network, &inputs, &context).unwrap();
        let loss = CrossEntropy::new()
            .forward(&pass.outputs().logits, &labels)
            .unwrap();
        let gradients = pass.backward(loss).unwrap();
        optimizer.step(&gradients, 5e-3).unwrap();
    }
    let (inputs, labels) = batch(&mut Key::new(2).stream("test"), 200, sides);
    right(&*network, &inputs, &labels)
}

fn right(network: &dyn Model, inputs: &Inputs, labels: &Tensor) -> f64 {
    let logits = network
        .forward(inputs, &Context::evaluate())
        .unwrap()
        .logits;
    let logits = logits.to_vec2::<f32>().unwrap();
    let labels = labels.to_vec1::<u8>().unwrap();
    let hits = logits.iter().zip(&labels);
    let hits = hits.filter(|(logits, label)| u8::from(logits[1] > logits[0]) == **label);
    hits.count() as f64 / labels.len() as f64
}

#[test]
fn what_needs_both_sides_is_learned_from_both_and_from_neither_alone() {
    for kind in kinds() {
        let both = learned(kind.clone(), Sides::Both);
        assert!(both > 0.95, "{both} with {kind:?}");
        for side in [Sides::Image, Sides::Table] {
            let one = learned(kind.clone(), side);
            assert!(one < 0.65, "{one} with {kind:?}");
        }
    }
}
