//! What vision transformers drop behind their embedding: elements and patches, in training alone and by the key.

use medcore::random::Key;
use medmodels::vit::{ViT, ViTConfig};
use mednn::candle_core::{Tensor, Var};
use mednn::context::Context;
use mednn::graph::{Graph, Op};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::Params;

use crate::reference::{FORWARD, Fixture, fill, tensor, values};

/// The network of the fixture `vit_timm`: positions of 5 by 3 patches, features of 12.
fn config() -> ViTConfig {
    ViTConfig::vit_base_patch16_224(5)
        .with_patch_size(&[4, 4])
        .with_image_size(&[20, 12])
        .with_features(12, 3)
        .with_depth(5)
}

fn network(config: &ViTConfig) -> ViT<2> {
    let network = ViT::<2>::new(config, &Params::new(1)).unwrap();
    fill(&network);
    network
}

fn run(config: &ViTConfig, shape: &[usize], context: &Context) -> Outputs {
    let inputs = Inputs::from(tensor("image", shape));
    network(config).forward(&inputs, context).unwrap()
}

fn logits(config: &ViTConfig, context: &Context) -> Vec<f64> {
    values(&run(config, &[2, 3, 24, 20], context).logits)
}

#[test]
fn evaluation_is_that_of_timm_and_training_drops_by_the_key() {
    let plain = config();
    let of_positions = config().with_position_dropout(0.3);
    let of_patches = config().with_patch_dropout(0.4);
    let fixture = Fixture::load("vit_timm");
    let evaluate = Context::evaluate();
    let train = |seed| Context::train(Key::new(seed)).untracked();
    assert_eq!(logits(&plain, &train(1)), logits(&plain, &evaluate));
    for config in [&of_positions, &of_patches] {
        let evaluated = run(config, &fixture.shape, &evaluate).logits;
        fixture.check("output.0", &evaluated, FORWARD, 0.0);
        assert_eq!(logits(config, &evaluate), logits(&plain, &evaluate));
        let dropped = logits(config, &train(1));
        assert_ne!(dropped, logits(&plain, &train(1)));
        assert_ne!(dropped, logits(config, &train(2)));
        assert_eq!(dropped, logits(config, &train(1)));
        // Draws from the networks that dropout trains at once differ too.
        let draw = |seed| logits(config, &Context::monte_carlo(Key::new(seed)));
        assert_ne!(draw(1), draw(2));
    }
}

/// The factors of everything that is dropped by elements, in order.
fn factors(config: &ViTConfig) -> Vec<Vec<f32>> {
    let inputs = Inputs::from(tensor("image", &[8, 3, 24, 20]));
    let train = Context::train(Key::new(3)).untracked();
    let graph = Graph::record_with(&network(config), &inputs, &train).unwrap();
    let dropping = graph.nodes().iter().filter_map(|node| match &node.op {
        Op::ScaleRows(factors) => Some(factors.clone()),
        _ => None,
    });
    dropping.collect()
}

#[test]
fn elements_of_the_embedding_are_dropped_as_often_as_was_said_apart_from_others() {
    let share = |factors: &[f32]| {
        let zeros = factors.iter().filter(|&&factor| factor == 0.0).count();
        zeros as f64 / factors.len() as f64
    };
    // 8 images of 31 tokens: 2976 elements, a standard deviation of less than 0.01.
    let alone = factors(&config().with_position_dropout(0.3));
    assert_eq!(alone.len(), 1);
    assert_eq!(alone[0].len(), 8 * 31 * 12);
    assert!(
        (share(&alone[0]) - 0.3).abs() < 0.04,
        "{}",
        share(&alone[0])
    );
    let kept = 1.0 / 0.7_f32;
    assert!(
        alone[0]
            .iter()
            .all(|&factor| factor == 0.0 || (factor - kept).abs() < 1e-6)
    );
    // Three times in each block, and once in front where nothing else was said.
    let everywhere = factors(&config().with_dropout(0.2, 0.0));
    assert_eq!(everywhere.len(), 1 + 3 * 5);
    assert!((share(&everywhere[0]) - 0.2).abs() < 0.04);
    let not_in_front = factors(&config().with_dropout(0.2, 0.0).with_position_dropout(0.0));
    assert_eq!(not_in_front, everywhere[1..]);
    let more_in_front = factors(&config().with_dropout(0.2, 0.0).with_position_dropout(0.6));
    assert!((share(&more_in_front[0]) - 0.6).abs() < 0.04);
    assert_eq!(more_in_front[1..], everywhere[1..]);
}

#[test]
fn blocks_see_the_tokens_in_front_and_the_patches_that_are_left() {
    let tokens = |config: ViTConfig| {
        let train = Context::train(Key::new(3)).with_features(["blocks.0", "norm"]);
        let outputs = run(&config, &[2, 3, 24, 20], &train);
        ["blocks.0", "norm"].map(|name| outputs.features[name].dims()[1])
    };
    // Of 30 patches behind a class token, a distillation token and registers.
    assert_eq!(tokens(config()), [31, 31]);
    assert_eq!(tokens(config().with_patch_dropout(0.4)), [1 + 18; 2]);
    assert_eq!(
        tokens(config().distilled().with_patch_dropout(0.5)),
        [2 + 15; 2]
    );
    let registers = config().with_registers(3).distilled();
    assert_eq!(tokens(registers.with_patch_dropout(0.99)), [5 + 1; 2]);
}

#[test]
fn positions_of_patches_that_are_left_out_get_no_gradient_and_all_else_does() {
    let config = config().with_patch_dropout(0.4).with_position_dropout(0.1);
    let network = network(&config);
    let inputs = |batch: usize| Inputs::from(tensor("image", &[batch, 3, 20, 12]));
    let gradients = |batch: usize| {
        let outputs = network
            .forward(&inputs(batch), &Context::train(Key::new(3)))
            .unwrap();
        let weights = tensor("loss", outputs.logits.dims());
        (outputs.logits * weights)
            .unwrap()
            .sum_all()
            .unwrap()
            .backward()
            .unwrap()
    };
    // One image: its 15 positions are those of the patches, of which 9 are left, behind that of the class token.
    let of_one = gradients(1);
    let arrived = |name: &str| {
        let parameter = network
            .params()
            .parameters()
            .into_iter()
            .find(|p| p.name() == name);
        of_one
            .get(parameter.unwrap().var().as_tensor())
            .unwrap()
            .clone()
    };
    let places: Vec<Vec<f32>> = arrived("pos_embed").squeeze(0).unwrap().to_vec2().unwrap();
    let reached = |row: &Vec<f32>| row.iter().any(|value| *value != 0.0);
    assert!(reached(&places[0]));
    assert_eq!(places[1..].iter().filter(|row| reached(row)).count(), 9);
    // The others reach every parameter, and of many images every position.
    let of_many = gradients(12);
    for parameter in network.params().parameters() {
        let gradient = of_many.get(parameter.var().as_tensor()).unwrap();
        assert!(
            values(gradient).iter().any(|value| *value != 0.0),
            "{}",
            parameter.name()
        );
        if parameter.name() == "pos_embed" {
            let places: Vec<Vec<f32>> = gradient.squeeze(0).unwrap().to_vec2().unwrap();
            assert!(places.iter().all(reached));
        }
    }
}

#[test]
fn pixels_of_patches_that_are_left_out_change_nothing() {
    let config = config().with_patch_dropout(0.4);
    let network = network(&config);
    let image = Var::from_tensor(&tensor("image", &[2, 3, 24, 20])).unwrap();
    let logits = |image: &Tensor| {
        let inputs = Inputs::from(image.clone());
        network
            .forward(&inputs, &Context::train(Key::new(3)))
            .unwrap()
            .logits
    };
    let before = logits(image.as_tensor());
    let gradients = before.sqr().unwrap().sum_all().unwrap().backward().unwrap();
    let gradient = gradients.get(image.as_tensor()).unwrap();
    // A pixel without gradient is one of a patch that was left out: 12 of 30 patches of 16 pixels.
    let unseen = gradient.eq(0.0).unwrap().to_dtype(before.dtype()).unwrap();
    let count = values(&unseen).iter().sum::<f64>();
    assert_eq!(count, 2.0 * 3.0 * 12.0 * 16.0);
    let painted = (image.as_tensor() + (unseen * 50.0).unwrap()).unwrap();
    assert_eq!(values(&logits(&painted)), values(&before));
}
