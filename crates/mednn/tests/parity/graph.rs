//! Graphs of what has no suite, and what cannot be recorded.

use candle_core::{DType, Device, Tensor};
use mednn::graph::{Graph, Op, Output, Source};
use mednn::layers::{Conv, ConvConfig};
use mednn::ops::conv::{self, conv};
use mednn::ops::conv_transpose::{self, conv_transpose};
use mednn::ops::{
    Activation, AttentionConfig, RoiAlignConfig, WindowConfig, attention, batch_norm,
    batch_norm_with, concat, group_norm, instance_norm, log_softmax, prelu,
    relative_position_index, roi_align, shift_mask, softmax,
};
use mednn::{Context, Error, Inputs, Model, Outputs, Params, Result};

use crate::suite;

/// Operators of suites whose cases bring constants, which are tested here.
pub(crate) const BY_HAND: &[&str] = &["roi_align 2D", "roi_align 3D"];

#[track_caller]
fn check_graph(name: &str, inputs: &[Tensor], run: fn(&[Tensor]) -> Result<Tensor>) {
    assert!(suite::check_graph(name, inputs, run), "{name} has a graph");
}

fn tensor(shape: &[usize]) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<f32> = (0..count)
        .map(|i| ((i * 37 + 11) % 101) as f32 / 50.0 - 1.0)
        .collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn tensors<const N: usize>(shapes: [&[usize]; N]) -> Vec<Tensor> {
    shapes.iter().map(|shape| tensor(shape)).collect()
}

#[test]
fn convolutions_are_computed_again_for_any_number_of_axes() {
    let images = tensors([&[2, 4, 9], &[6, 2, 3], &[6]]);
    check_graph("conv1d", &images, |x| {
        let config = conv::ConvConfig {
            stride: [2],
            padding: [(1, 2)],
            dilation: [2],
            groups: 2,
        };
        conv(&x[0], &x[1], Some(&x[2]), &config)
    });
    check_graph("conv2d", &tensors([&[2, 3, 8, 7], &[5, 3, 3, 1]]), |x| {
        let config = conv::ConvConfig {
            stride: [2, 1],
            padding: [(1, 0), (0, 1)],
            ..Default::default()
        };
        conv(&x[0], &x[1], None, &config)
    });
    check_graph(
        "conv3d",
        &tensors([&[1, 2, 5, 6, 7], &[3, 2, 3, 3, 3]]),
        |x| conv(&x[0], &x[1], None, &conv::ConvConfig::<3>::default()),
    );
    check_graph(
        "conv_transpose2d",
        &tensors([&[2, 4, 5, 3], &[4, 3, 2, 3], &[6]]),
        |x| {
            let config = conv_transpose::ConvTransposeConfig {
                stride: [2, 3],
                padding: [(0, 1), (1, 1)],
                output_padding: [1, 2],
                dilation: [1, 2],
                groups: 2,
            };
            conv_transpose(&x[0], &x[1], Some(&x[2]), &config)
        },
    );
}

#[test]
fn norms_and_the_rest_are_computed_again() {
    let slope = Activation::LeakyRelu { slope: 0.1 };
    assert_eq!(slope, Activation::LeakyRelu { slope: 0.1 });
    let inputs = tensors([&[2, 4, 5, 3], &[4], &[4]]);
    check_graph("instance_norm", &inputs, |x| {
        instance_norm(
            &x[0],
            Some((&x[1], &x[2])),
            1e-5,
            Activation::LeakyRelu { slope: 0.1 },
        )
    });
    check_graph("group_norm", &inputs, |x| {
        group_norm(&x[0], 2, Some((&x[1], &x[2])), 1e-3, Activation::None)
    });
    check_graph("group_norm without scale", &inputs[..1], |x| {
        group_norm(&x[0], 2, None, 1e-3, Activation::Silu)
    });
    check_graph("batch_norm", &inputs, |x| {
        Ok(batch_norm(&x[0], Some((&x[1], &x[2])), 1e-5, Activation::Relu)?.0)
    });
    let mut with = tensors([&[2, 4, 5, 3], &[4]]);
    with.push(tensor(&[4]).sqr().unwrap());
    check_graph("batch_norm_with", &with, |x| {
        batch_norm_with(&x[0], (&x[1], &x[2]), None, 1e-5, Activation::Relu)
    });
    check_graph("softmax", &inputs[..1], |x| softmax(&x[0], 1));
    check_graph("log_softmax", &inputs[..1], |x| log_softmax(&x[0], 3));
    check_graph("prelu", &inputs[..2], |x| prelu(&x[0], &x[1]));
    check_graph("concat", &inputs[..1], |x| concat(&[&x[0], &x[0], &x[0]]));
    check_graph("shift_mask", &inputs[..1], |x| {
        let windows = WindowConfig::new([2, 2]).with_shift([1, 1]);
        shift_mask([4, 4], &windows, x[0].device())
    });
    let boxes = [
        tensor(&[1, 2, 6, 7]),
        (tensor(&[3, 4]).abs().unwrap() * 3.0).unwrap(),
    ];
    check_graph("roi_align 2D", &boxes, |x| {
        roi_align(&x[0], &x[1], &[0, 0, 0], &RoiAlignConfig::new([2, 3]))
    });
    let boxes = [
        tensor(&[2, 2, 6, 7, 5]),
        (tensor(&[2, 6]).abs().unwrap() * 3.0).unwrap(),
    ];
    check_graph("roi_align 3D", &boxes, |x| {
        roi_align(&x[0], &x[1], &[1, 0], &RoiAlignConfig::new([2, 1, 3]))
    });
    check_graph(
        "attention with mask",
        &tensors([&[1, 2, 3, 4], &[1, 2, 5, 4], &[1, 3, 5]]),
        |x| {
            let mask = AttentionConfig::default().with_mask(x[2].clone());
            attention(&x[0], &x[1], &x[1], None, &mask)
        },
    );
    check_graph("relative_position_index", &inputs[..1], |x| {
        relative_position_index([2, 3], x[0].device())
    });
}

/// Two convolutions with something between them.
struct Net {
    first: Conv<2>,
    second: Conv<2>,
    between: fn(Tensor) -> Result<Tensor>,
    params: Params,
}

impl Net {
    fn new(between: fn(Tensor) -> Result<Tensor>) -> Self {
        let params = Params::new(1);
        let layer = |name, channels| {
            let config = ConvConfig::same(channels, 3, [3, 3]);
            Conv::new(&config, &params.root().child(name)).unwrap()
        };
        Self {
            first: layer("encoder.first", 1),
            second: layer("second", 3),
            between,
            params: params.clone(),
        }
    }
}

impl Model for Net {
    fn forward(&self, inputs: &Inputs, context: &Context) -> Result<Outputs> {
        let first = self.first.forward(inputs.image()?, context)?;
        // Nothing reads it: it is not in the graph.
        let _unused = softmax(&first, 1)?;
        let second = self.second.forward(&(self.between)(first)?, context)?;
        Ok(Outputs::new(second))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

fn image() -> Inputs {
    Inputs::new(tensor(&[1, 1, 6, 5])).with("age", tensor(&[1]))
}

#[test]
fn a_graph_says_where_every_tensor_comes_from() {
    let graph = Graph::record(&Net::new(Ok), &image()).unwrap();
    let names: Vec<_> = graph.nodes().iter().map(|node| node.op.name()).collect();
    assert_eq!(names, ["conv", "conv"]);
    let layers: Vec<_> = graph.nodes().iter().map(|n| n.layer.as_deref()).collect();
    assert_eq!(layers, [Some("encoder.first"), Some("second")]);
    let sources: Vec<_> = graph.nodes()[0]
        .inputs
        .iter()
        .map(|id| graph.value(id.unwrap()).source.clone())
        .collect();
    assert_eq!(
        sources,
        [
            Source::Input("image".into()),
            Source::Parameter("encoder.first.weight".into()),
            Source::Parameter("encoder.first.bias".into()),
        ]
    );
    assert_eq!(
        graph.nodes()[1].inputs[0],
        Some(graph.nodes()[0].outputs[0])
    );
    assert_eq!(
        graph.outputs(),
        [(Output::Logits, graph.nodes()[1].outputs[0])]
    );
    let Op::Conv(conv) = &graph.nodes()[1].op else {
        panic!("another operator");
    };
    assert_eq!((&conv.padding[..], conv.groups), (&[(1, 1), (1, 1)][..], 1));
    let value = graph.value(graph.outputs()[0].1);
    assert_eq!(
        (&value.shape[..], value.dtype),
        (&[1, 3, 6, 5][..], DType::F32)
    );
    // The input that nothing reads is still one.
    assert!(
        graph
            .values()
            .iter()
            .any(|v| v.source == Source::Input("age".into()))
    );
    let text = graph.to_string();
    assert!(
        text.contains("conv(image, encoder.first.weight, encoder.first.bias)"),
        "{text}"
    );
}

#[test]
fn what_came_from_elsewhere_is_refused_with_the_layer_before_it() {
    let net = Net::new(|t| Ok((t * 2.0)?));
    let Err(Error::NotRecorded {
        op,
        argument,
        shape,
        layer,
    }) = Graph::record(&net, &image())
    else {
        panic!("it was recorded");
    };
    assert_eq!((op, argument, shape), ("conv", 0, vec![1, 3, 6, 5]));
    assert_eq!(layer.as_deref(), Some("encoder.first"));
    // The recording is over: the network runs as before.
    net.forward(&image(), &Context::evaluate()).unwrap();
    assert!(Graph::record(&Net::new(Ok), &image()).is_ok());
}

#[test]
fn what_does_not_fit_a_graph_is_refused() {
    let net = Net::new(Ok);
    let graph = Graph::record(&net, &image()).unwrap();
    let missing = graph.run(&net.params, &Inputs::default());
    assert!(matches!(missing, Err(Error::MissingInput { .. })));
    let larger = Inputs::new(tensor(&[1, 1, 7, 5])).with("age", tensor(&[1]));
    let refused = graph.run(&net.params, &larger).unwrap_err().to_string();
    assert!(
        refused.contains("[1, 1, 6, 5]") && refused.contains("[1, 1, 7, 5]"),
        "{refused}"
    );
    let unknown = graph.run(&Params::new(1), &image());
    assert!(matches!(unknown, Err(Error::UnknownParameter { .. })));
    let conv = &graph.nodes()[0].op;
    let bare = conv.run(&[Some(&tensor(&[1, 1, 6, 5]))], &Device::Cpu);
    assert!(bare.unwrap_err().to_string().contains("conv"));
}

#[test]
fn a_panic_in_a_network_ends_the_recording() {
    let net = Net::new(|_| panic!("on purpose"));
    let record = || drop(Graph::record(&net, &image()));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(record));
    assert!(panicked.is_err());
    assert!(Graph::record(&Net::new(Ok), &image()).is_ok());
}
