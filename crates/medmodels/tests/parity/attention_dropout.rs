//! Dropout of attention weights and in front of logits: training alone, by the key, and as often as was said.

use medcore::random::Key;
use medmodels::segformer::SegFormerConfig;
use medmodels::swin::SwinConfig;
use medmodels::swin_unetr::SwinUNETRConfig;
use medmodels::unetr::UNETRConfig;
use medmodels::vit::ViTConfig;
use medmodels::{ModelConfig, create};
use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::graph::{Graph, Op};
use mednn::model::{Inputs, Outputs};
use mednn::params::Params;

use crate::reference::{fill, tensor, values};

/// Networks that drop weights of attention with this probability and nothing else.
fn networks(probability: f64) -> Vec<(ModelConfig, Vec<usize>)> {
    let swin = |config: SwinConfig| {
        config
            .with_stages(8, &[2, 2], &[2, 4])
            .with_window([3, 4])
            .with_dropout(0.0, 0.0)
            .with_attention_dropout(probability)
    };
    let vit = |config: ViTConfig| {
        let config = config.with_features(12, 3).with_depth(3);
        config.with_attention_dropout(probability)
    };
    vec![
        (swin(SwinConfig::swin_t(3)).into(), vec![2, 3, 29, 38]),
        (swin(SwinConfig::swin_v2_t(3)).into(), vec![2, 3, 29, 38]),
        (
            vit(ViTConfig::vit_b_32(3).with_image_size(&[64, 32])).into(),
            vec![2, 3, 64, 32],
        ),
        (
            vit(ViTConfig::monai(1, 3, &[4, 6, 6], &[2, 3, 2])).into(),
            vec![2, 1, 4, 6, 6],
        ),
        (
            SwinUNETRConfig::new_2d(1, 3)
                .with_filters(4)
                .with_stages([2, 2, 1, 1], [2, 2, 4, 4])
                .with_window(&[5, 3])
                .with_attention_dropout(probability)
                .into(),
            vec![2, 1, 64, 32],
        ),
        (
            SegFormerConfig::mit_b0(3)
                .with_features([4, 6, 8, 8], [1, 2, 2, 4])
                .with_depths([1, 2, 1, 1])
                .with_head_features(8)
                .with_dropout(0.0, 0.0, 0.0)
                .with_attention_dropout(probability)
                .into(),
            vec![2, 3, 37, 44],
        ),
    ]
}

fn run(config: &ModelConfig, shape: &[usize], context: &Context) -> Outputs {
    let network = create(config, &Params::new(5)).unwrap();
    fill(&*network);
    let inputs = Inputs::from(tensor("image", shape));
    network.forward(&inputs, context).unwrap()
}

fn differ(a: &Tensor, b: &Tensor) -> bool {
    values(a) != values(b)
}

#[test]
fn evaluation_does_not_depend_on_it_and_training_does_by_the_key() {
    for ((with, shape), (without, _)) in networks(0.3).iter().zip(&networks(0.0)) {
        let logits = |config, context: &Context| run(config, shape, context).logits;
        let evaluate = Context::evaluate();
        assert!(!differ(
            &logits(with, &evaluate),
            &logits(without, &evaluate)
        ));
        let train = |seed| Context::train(Key::new(seed)).untracked();
        let dropped = logits(with, &train(1));
        assert!(differ(&dropped, &logits(without, &train(1))), "{with:?}");
        assert!(differ(&dropped, &logits(with, &train(2))), "{with:?}");
        assert!(!differ(&dropped, &logits(with, &train(1))), "{with:?}");
    }
}

#[test]
fn every_attention_drops_as_it_was_told_and_none_as_another() {
    for (config, shape) in networks(0.3) {
        let network = create(&config, &Params::new(5)).unwrap();
        let inputs = Inputs::from(tensor("image", &shape));
        let train = Context::train(Key::new(3)).untracked();
        let graph = Graph::record_with(&*network, &inputs, &train).unwrap();
        let attentions = graph.nodes().iter().filter_map(|node| match &node.op {
            Op::SelfAttention(attributes) | Op::CrossAttention(attributes) => Some(attributes),
            _ => None,
        });
        let dropped: Vec<_> = attentions.map(|a| a.dropped.unwrap()).collect();
        assert!(dropped.len() > 2 && dropped.iter().all(|d| d.probability == 0.3));
        let others = |i: usize| dropped[..i].iter().all(|other| other.key != dropped[i].key);
        assert!((0..dropped.len()).all(others), "{config:?}");
    }
}

#[test]
fn the_mean_over_many_passes_is_what_nothing_dropped_gives() {
    // One head that sees sixteen tokens once: its output is linear in the weights that are dropped.
    let vit = ViTConfig::monai(1, 3, &[8, 8], &[2, 2])
        .with_features(12, 3)
        .with_depth(1)
        .with_attention_dropout(0.5);
    let network = create(&vit.clone().into(), &Params::new(5)).unwrap();
    fill(&*network);
    let inputs = Inputs::from(tensor("image", &[1, 1, 8, 8]));
    let tokens = |context: Context| {
        let outputs = network.forward(&inputs, &context.with_features(["blocks.0"]));
        values(&outputs.unwrap().features["blocks.0"])
    };
    let whole = tokens(Context::evaluate());
    let passes = 400;
    let mut mean = vec![0.0; whole.len()];
    for seed in 0..passes {
        let found = tokens(Context::train(Key::new(seed)).untracked());
        for (mean, value) in mean.iter_mut().zip(found) {
            *mean += value / passes as f64;
        }
    }
    let squares = |values: &[f64]| values.iter().map(|v| v * v).sum::<f64>();
    let one = tokens(Context::train(Key::new(1)).untracked());
    let apart = |from: &[f64]| {
        let differences: Vec<f64> = from.iter().zip(&whole).map(|(a, b)| a - b).collect();
        squares(&differences) / squares(&whole)
    };
    // The variance of a mean is that of one pass over their number, but for the bend of the layers behind attention.
    assert!(apart(&one) > 1e-3, "{}", apart(&one));
    assert!(
        apart(&mean) < apart(&one) / 10.0,
        "{} {}",
        apart(&mean),
        apart(&one)
    );
}

#[test]
fn monais_unetr_drops_weights_as_often_as_elements() {
    let config = UNETRConfig::new(1, 3, &[32, 48])
        .with_filters(2)
        .with_features(8, 12, 2)
        .with_dropout(0.2);
    let network = create(&config.into(), &Params::new(5)).unwrap();
    let inputs = Inputs::from(tensor("image", &[1, 1, 32, 48]));
    let train = Context::train(Key::new(3)).untracked();
    let graph = Graph::record_with(&*network, &inputs, &train).unwrap();
    let dropping = graph.nodes().iter().filter(|node| match &node.op {
        Op::SelfAttention(attributes) => attributes.dropped.is_some_and(|d| d.probability == 0.2),
        _ => false,
    });
    assert_eq!(dropping.count(), 12);
}

#[test]
fn what_the_head_reads_is_dropped_in_training_alone() {
    let vit = ViTConfig::vit_tiny_patch16_224(3)
        .with_image_size(&[32, 32])
        .with_features(12, 3)
        .with_depth(1);
    let swin = SwinConfig::swin_t(3)
        .with_stages(8, &[1, 1], &[2, 4])
        .with_dropout(0.0, 0.0);
    let pairs: [(ModelConfig, ModelConfig); 2] = [
        (vit.clone().into(), vit.with_head_dropout(0.5).into()),
        (swin.clone().into(), swin.with_head_dropout(0.5).into()),
    ];
    for (without, with) in pairs {
        let logits = |config, context: &Context| run(config, &[2, 3, 32, 32], context).logits;
        let evaluate = Context::evaluate();
        assert!(!differ(
            &logits(&with, &evaluate),
            &logits(&without, &evaluate)
        ));
        let train = Context::train(Key::new(1)).untracked();
        assert!(differ(&logits(&with, &train), &logits(&without, &train)));
    }
}

#[test]
fn probabilities_out_of_range_are_named() {
    for (config, _) in networks(1.0) {
        let error = create(&config, &Params::new(1)).err().unwrap().to_string();
        assert!(error.contains("attention_dropout"), "{error}");
    }
}
