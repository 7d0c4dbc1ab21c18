//! Operators one by one, those of no network among them.
//!
//! Each case is written as it was recorded, and for any batch unless its inputs have none.

mod attention;
mod layer;
mod order;
mod space;

use medcore::random::Key;
use mednn::candle_core::{Device, Tensor};
use mednn::graph::Graph;
use mednn::model::Inputs;
use mednn::params::{Init, Params};

use super::{BATCHES, Export, Function, Run, exported, hand_out};
use crate::reference::tensor;

/// Operators on inputs and parameters of these shapes; the first axis of an input is the batch.
struct Case {
    name: String,
    inputs: Vec<Tensor>,
    parameters: Vec<Vec<usize>>,
    dynamic: bool,
    run: Box<Run<'static>>,
}

impl Case {
    fn new<F>(name: impl Into<String>, shapes: &[&[usize]], run: F) -> Self
    where
        F: Fn(&[Tensor]) -> mednn::Result<Tensor> + Send + Sync + 'static,
    {
        Self::of_many(name, shapes, move |x, _| Ok(vec![run(x)?]))
    }

    fn of_many<F>(name: impl Into<String>, shapes: &[&[usize]], run: F) -> Self
    where
        F: Fn(&[Tensor], &[Tensor]) -> mednn::Result<Vec<Tensor>> + Send + Sync + 'static,
    {
        let inputs = shapes.iter().enumerate();
        let inputs: Vec<Tensor> = inputs.map(|(i, s)| tensor(&format!("x{i}"), s)).collect();
        let count = inputs.len();
        Self {
            name: name.into(),
            inputs,
            parameters: Vec::new(),
            dynamic: true,
            run: Box::new(move |inputs, parameters| {
                let names = (0..count).map(|i| format!("x{i}"));
                let read: mednn::Result<Vec<Tensor>> =
                    names.map(|name| inputs.get(&name).cloned()).collect();
                run(&read?, parameters)
            }),
        }
    }

    /// With parameters behind the inputs.
    fn with_parameters<F>(
        name: impl Into<String>,
        shapes: &[&[usize]],
        parameters: &[&[usize]],
        run: F,
    ) -> Self
    where
        F: Fn(&[Tensor]) -> mednn::Result<Tensor> + Send + Sync + 'static,
    {
        let all = move |x: &[Tensor], w: &[Tensor]| Ok(vec![run(&[x, w].concat())?]);
        let mut case = Self::of_many(name, shapes, all);
        case.parameters = parameters.iter().map(|shape| shape.to_vec()).collect();
        case
    }

    /// With other values of an input.
    fn with_input(mut self, place: usize, input: Tensor) -> Self {
        self.inputs[place] = input;
        self
    }

    /// Written as recorded alone.
    fn of_one_size(mut self) -> Self {
        self.dynamic = false;
        self
    }

    fn check(&self) -> Vec<&'static str> {
        let params = Params::new(3);
        for (i, shape) in self.parameters.iter().enumerate() {
            let init = Init::Uniform {
                low: 0.2,
                high: 0.9,
            };
            params
                .root()
                .parameter(&format!("w{i}"), shape, init)
                .unwrap();
        }
        let network = Function {
            params,
            run: &*self.run,
        };
        let sized = |batch: Option<usize>| {
            let mut inputs = Inputs::default();
            for (i, input) in self.inputs.iter().enumerate() {
                let items = match batch {
                    None => input.clone(),
                    Some(size) => {
                        let count = input.dims()[0];
                        let items: Vec<Tensor> = (0..size)
                            .map(|i| input.narrow(0, (i * 7 + size) % count, 1).unwrap())
                            .collect();
                        Tensor::cat(&items, 0).unwrap()
                    }
                };
                inputs = inputs.with(format!("x{i}"), items);
            }
            inputs
        };
        let fixed = sized(None);
        exported(&Export::new(&network, &fixed));
        hand_out(&self.name, &network, std::slice::from_ref(&fixed), false);
        if self.dynamic {
            let inputs = BATCHES.map(|size| sized(Some(size)));
            exported(&Export::new(&network, &inputs[0]).with_dynamic_batch(true));
            hand_out(
                &format!("{}, any batch", self.name),
                &network,
                &inputs,
                true,
            );
        }
        let graph = Graph::record(&network, &fixed).unwrap();
        graph.nodes().iter().map(|node| node.op.name()).collect()
    }
}

fn integers(values: &[u32], shape: &[usize]) -> Tensor {
    Tensor::from_slice(values, shape, &Device::Cpu).unwrap()
}

#[test]
fn every_operator_is_written() {
    let mut written = std::collections::BTreeSet::new();
    let groups = [
        layer::activations(),
        layer::convolutions(),
        layer::norms(),
        attention::attentions(),
        space::pools(),
        space::resizes(),
        space::samplings(),
        order::rearrangements(),
        order::selections(),
    ];
    for case in groups.into_iter().flatten() {
        written.extend(case.check());
    }
    // As `mednn::graph::Op` names them.
    let expected = [
        "activation",
        "adaptive_avg_pool",
        "adaptive_max_pool",
        "adaptive_max_pool_with_indices",
        "add",
        "affine_grid",
        "attention",
        "avg_pool",
        "batch_norm",
        "batch_norm_with",
        "concat",
        "conv",
        "conv_transpose",
        "cross_attention",
        "flatten_from",
        "gather",
        "grid_sample",
        "group_norm",
        "index_select",
        "instance_norm",
        "layer_norm",
        "layer_norm_channels",
        "linear",
        "log_softmax",
        "max",
        "max_pool",
        "max_pool_with_indices",
        "max_unpool",
        "mean",
        "multiply",
        "narrow",
        "one_hot",
        "pad",
        "patchify",
        "permute",
        "pixel_shuffle",
        "pixel_unshuffle",
        "prelu",
        "relative_position_bias",
        "relative_position_coordinates",
        "relative_position_index",
        "reshape",
        "resize",
        "rms_norm",
        "roi_align",
        "scale",
        "scale_rows",
        "scatter_add",
        "self_attention",
        "shift_mask",
        "softmax",
        "subtract",
        "sum",
        "top_k",
        "unit_query_key",
        "unpatchify",
        "window_partition",
        "window_reverse",
    ];
    let missing: Vec<_> = expected
        .iter()
        .filter(|name| !written.contains(**name))
        .collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn randomness_of_training_is_no_part_of_a_file() {
    // Dropout in training multiplies by what was drawn; evaluation, which is written, leaves it out.
    let config = medmodels::densenet::DenseNetConfig::densenet121(2)
        .with_init_features(4)
        .with_growth_rate(2)
        .with_blocks(&[1, 1])
        .with_dropout(0.5);
    let network = medmodels::create(&config.into(), &Params::new(1)).unwrap();
    let inputs = Inputs::from(tensor("image", &[2, 3, 16, 16]));
    let train = mednn::Context::train(Key::new(1)).untracked();
    let graph = Graph::record_with(&*network, &inputs, &train).unwrap();
    assert!(
        graph
            .nodes()
            .iter()
            .any(|node| node.op.name() == "scale_rows")
    );
    let read = exported(&Export::new(&*network, &inputs).with_dynamic_batch(true));
    assert!(
        read.nodes
            .iter()
            .all(|node| !node.name.contains("scale_rows"))
    );
}
