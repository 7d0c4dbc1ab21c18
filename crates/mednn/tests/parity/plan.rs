//! Plans: which operators run in one pass, and that the pass gives what they give.

use std::sync::atomic::{AtomicUsize, Ordering};

use candle_core::{DType, Device, Tensor};
use medcore::random::Key;
use mednn::layers::{BatchNorm, BatchNormConfig, Conv, ConvConfig};
use mednn::ops::{self, Activation};
use mednn::plan::Planned;
use mednn::{Context, Inputs, Model, Outputs, Params};

/// Blocks as in ResNet and YOLO, with traps: a result that two read, one that is asked for, a sum that is broadcast.
struct Net {
    params: Params,
    convs: Vec<Conv<2>>,
    norms: Vec<BatchNorm>,
    passes: AtomicUsize,
}

impl Net {
    fn new() -> Self {
        let params = Params::new(3);
        let path = params.root();
        let conv = |i: usize, from| {
            let config = ConvConfig::same(from, 4, [3, 3]);
            Conv::new(&config, &path.child(format!("conv{i}"))).unwrap()
        };
        let norm = |(i, activation): (usize, &Activation)| {
            let config = BatchNormConfig::default().with_activation(*activation);
            BatchNorm::new(4, &config, &path.child(format!("norm{i}"))).unwrap()
        };
        let activations = [
            Activation::Relu,
            Activation::None,
            Activation::Silu,
            Activation::None,
        ];
        Self {
            convs: (0..7)
                .map(|i| conv(i, if i == 0 { 2 } else { 4 }))
                .collect(),
            norms: activations.iter().enumerate().map(norm).collect(),
            params,
            passes: AtomicUsize::new(0),
        }
    }
}

impl Model for Net {
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        self.passes.fetch_add(1, Ordering::Relaxed);
        let conv = |i: usize, x: &Tensor| self.convs[i].forward(x, context);
        let norm = |i: usize, x: &Tensor| self.norms[i].forward(x, context);
        let x = norm(0, &conv(0, inputs.image()?)?)?;
        // ResNet: the shortcut is made after the convolution that it is added to.
        let long = norm(1, &conv(1, &x)?)?;
        let short = norm(3, &conv(2, &x)?)?;
        let x = ops::activation(&ops::add(&long, &short)?, Activation::Relu)?;
        // YOLO: the sum sees the activated values.
        let x = ops::add(&x, &norm(2, &conv(3, &x)?)?)?;
        // Two read what this convolution gives, and the activation must not become part of it.
        let twice = conv(4, &x)?;
        let x = ops::add(&ops::activation(&twice, Activation::Relu)?, &twice)?;
        // A sum with itself, and one that is repeated along axes.
        let doubled = conv(5, &x)?;
        let x = ops::add(&doubled, &doubled)?;
        let pooled = ops::adaptive_avg_pool(&x, [1, 1])?;
        let logits = ops::add(&conv(6, &x)?, &pooled)?;
        Ok(Outputs::new(logits).with_auxiliary(vec![twice]))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

fn image(batch: usize, size: usize) -> Inputs {
    let count = batch * 2 * size * size;
    let values: Vec<f32> = (0..count).map(|i| (i as f32 * 0.37).sin()).collect();
    Tensor::from_vec(values, (batch, 2, size, size), &Device::Cpu)
        .unwrap()
        .into()
}

fn values(tensor: &Tensor) -> Vec<f32> {
    tensor.flatten_all().unwrap().to_vec1().unwrap()
}

#[test]
fn a_plan_gives_what_the_operators_give_and_is_made_once() {
    let net = Net::new();
    net.forward(&image(3, 9), &Context::train(Key::new(1)))
        .unwrap();
    let planned = Planned::new(net);
    for (batch, size) in [(1, 9), (2, 9), (1, 12), (1, 9)] {
        let inputs = image(batch, size);
        let eager = planned
            .network()
            .forward(&inputs, &Context::evaluate())
            .unwrap();
        let fast = planned.forward(&inputs, &Context::evaluate()).unwrap();
        for (eager, fast) in eager.scales().zip(fast.scales()) {
            assert_eq!(eager.dims(), fast.dims());
            for (a, b) in values(eager).iter().zip(values(fast)) {
                assert!((a - b).abs() < 1e-5, "{a} {b}");
            }
        }
    }
    // One in training, four eager, and one to record each of three shapes.
    assert_eq!(planned.network().passes.load(Ordering::Relaxed), 1 + 4 + 3);
}

#[test]
fn what_is_no_inference_is_the_networks_own() {
    let planned = Planned::new(Net::new());
    let inputs = image(2, 8);
    let context = Context::train(Key::new(1));
    let tracked = planned.forward(&inputs, &context).unwrap().logits;
    assert!(tracked.track_op());
    // The gradient of an image, for a saliency map.
    let var = candle_core::Var::from_tensor(inputs.image().unwrap()).unwrap();
    let logits = planned
        .forward(&var.as_tensor().into(), &Context::evaluate())
        .unwrap()
        .logits;
    let gradients = logits.sum_all().unwrap().backward().unwrap();
    assert_eq!(gradients.get(&var).unwrap().dims(), [2, 2, 8, 8]);
}

#[test]
fn inputs_of_another_shape_are_refused_by_a_plan() {
    let planned = Planned::new(Net::new());
    let plan = planned.plan(&image(1, 8)).unwrap();
    let error = plan.run(&image(1, 9)).unwrap_err().to_string();
    assert!(
        error.contains("plan") && error.contains("[1, 2, 8, 8]"),
        "{error}"
    );
    assert!(plan.run(&Inputs::default()).is_err());
    assert_eq!(plan.run(&image(1, 8)).unwrap().logits.dtype(), DType::F32);
}
