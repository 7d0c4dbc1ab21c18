//! Ready objectives against the same written out in PyTorch: losses, gradients and steps.

use std::collections::BTreeMap;

use medcore::random::Key;
use mednn::candle_core::{DType, Tensor};
use mednn::layers::{BatchNorm, BatchNormConfig, Conv, ConvConfig, Linear, LinearConfig};
use mednn::loss::{CrossEntropy, Estimate, MaximumMeanDiscrepancy};
use mednn::ops::{self, Activation, Reduced};
use mednn::optim::{Optimizer, Sgd, SgdConfig};
use mednn::{Context, Inputs, Model, Outputs, Params};
use medtrain::objective::{
    Coral, Discrepancy, Distillation, DomainAdaptation, DomainJudge, Hint, Likeness, Proximal, Ramp,
};
use medtrain::{Batch, Error, FineTune, Learnt, Moment, Objective, Supervised};

use super::Fixture;

struct Net {
    params: Params,
    conv: Conv<2>,
    bn: BatchNorm,
    fc: Linear,
}

impl Net {
    fn new(channels: usize) -> Self {
        let params = Params::new(1);
        let root = params.root();
        let bn = BatchNormConfig::default().with_activation(Activation::Relu);
        let conv = ConvConfig::same(1, channels, [3, 3]);
        Self {
            conv: Conv::new(&conv, &root.child("conv")).unwrap(),
            bn: BatchNorm::new(channels, &bn, &root.child("bn")).unwrap(),
            fc: Linear::new(&LinearConfig::new(channels, 3), &root.child("fc")).unwrap(),
            params,
        }
    }

    /// With the values the fixture has under a name.
    fn of(fixture: &Fixture, name: &str, channels: usize) -> Self {
        let net = Self::new(channels);
        net.params.restore(&fixture.values(name)).unwrap();
        net
    }
}

impl Model for Net {
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let hidden = self.conv.forward(inputs.image()?, context)?;
        let hidden = self.bn.forward(&hidden, context)?;
        let pooled = ops::mean(&hidden, &[2, 3], Reduced::Dropped)?;
        let logits = self.fc.forward(&pooled, context)?;
        let features = [("hidden", hidden), ("pooled", pooled)].into_iter();
        let features = features.filter(|(name, _)| context.wants_feature(name));
        let features = features.map(|(name, value)| (name.to_owned(), value));
        Ok(Outputs::new(logits).with_features(features.collect()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

impl Fixture {
    fn values(&self, name: &str) -> BTreeMap<String, Tensor> {
        let prefix = format!("{name}/");
        let own = self.0.iter();
        own.filter_map(|(key, value)| Some((key.strip_prefix(&prefix)?.to_owned(), value.clone())))
            .collect()
    }

    /// All images, and the targets of the first.
    fn batch(&self, labelled: usize) -> Batch {
        Batch {
            inputs: self.0["image"].clone().into(),
            targets: self.0["targets"].narrow(0, 0, labelled).unwrap(),
            cases: (0..7).map(|n| format!("case {n}")).collect(),
        }
    }

    /// Loss and gradients of a case, of the parameters that have one.
    fn check(&self, case: &str, learnt: &Learnt, params: &Params) {
        let expected = self.values(case);
        let loss = expected["loss"].to_scalar::<f64>().unwrap();
        assert!(
            (learnt.loss - loss).abs() < 2e-6 * loss.abs().max(1.0),
            "{case}: {} {loss}",
            learnt.loss
        );
        let mut seen = 0;
        for param in params.parameters() {
            let Some(expected) = expected.get(param.name()) else {
                assert!(
                    learnt.gradients.get(param.var()).is_none(),
                    "{case} {}",
                    param.name()
                );
                continue;
            };
            let own = learnt.gradients.get(param.var()).unwrap();
            let away = furthest(own, expected);
            // Before a batch norm the gradient of a bias is zero but for rounding.
            assert!(away < 2e-5, "{case} {}: {away}", param.name());
            seen += 1;
        }
        assert_eq!(seen, expected.len() - 1, "{case}");
    }
}

/// The largest difference, as a part of the largest expected value where that is above 1.
fn furthest(own: &Tensor, expected: &Tensor) -> f64 {
    let largest = |t: &Tensor| -> f64 {
        let t = t.abs().unwrap().flatten_all().unwrap().max(0).unwrap();
        t.to_scalar().unwrap()
    };
    assert_eq!(own.dims(), expected.dims());
    let difference = (own.to_dtype(DType::F64).unwrap() - expected).unwrap();
    largest(&difference) / largest(expected).max(1.0)
}

fn moment() -> Moment {
    Moment::new(Context::train(Key::new(1)), 0.0)
}

#[test]
fn distillation_and_hints_equal_torchs() {
    let fixture = Fixture::load("objectives");
    let loss = CrossEntropy::new();
    let (teacher, wide) = (
        Net::of(&fixture, "teacher", 4),
        Net::of(&fixture, "wide", 6),
    );
    let before = teacher.params.snapshot().unwrap();
    let of = |teacher, hint: Option<Hint>| {
        let objective = Distillation::new(teacher, &loss).unwrap();
        let objective = objective
            .with_temperature(2.5)
            .unwrap()
            .with_share(0.3)
            .unwrap();
        hint.into_iter().fold(objective, Distillation::with_hint)
    };
    let values = Hint::new("pooled", Likeness::Values, 0.5).unwrap();
    let attention = Hint::new("hidden", Likeness::Attention, 20.0).unwrap();
    for (case, objective) in [
        ("hinton", of(&teacher, None)),
        ("values", of(&teacher, Some(values.clone()))),
        ("attention", of(&wide, Some(attention))),
    ] {
        let student = Net::of(&fixture, "student", 4);
        let learnt = objective.learn(&student, &fixture.batch(7), &moment());
        fixture.check(case, &learnt.unwrap(), &student.params);
    }
    // The teacher answered as in evaluation.
    let after = teacher.params.snapshot().unwrap();
    for (name, value) in &before {
        let [value, after] = [value, &after[name]].map(|t| t.to_dtype(DType::F64).unwrap());
        assert_eq!(furthest(&after, &value), 0.0, "{name}");
    }
    let student = Net::of(&fixture, "student", 4);
    let misfit = of(&wide, Some(values)).learn(&student, &fixture.batch(7), &moment());
    assert!(matches!(misfit, Err(Error::OtherShape { .. })));
    let slip = Hint::new("poled", Likeness::Values, 0.5).unwrap();
    let slip = of(&teacher, Some(slip)).learn(&student, &fixture.batch(7), &moment());
    assert!(matches!(slip, Err(Error::NoSuchFeature { name }) if name == "poled"));
}

#[test]
fn a_teacher_is_known_by_the_hash_of_its_file() {
    let (folder, loss) = (tempfile::tempdir().unwrap(), CrossEntropy::new());
    let path = folder.path().join("teacher.safetensors");
    let teacher = Net::new(4);
    teacher.params.save_safetensors(&path).unwrap();
    let identity = |teacher: &Net| Distillation::new(teacher, &loss).unwrap().identity();
    let before = identity(&teacher);
    let file = mednn::params::read_safetensors(&path).unwrap();
    let other = Net::new(4);
    other.params.set_trainable(false, |_| true);
    other.params.restore(&file).unwrap();
    assert_eq!(before, identity(&other));
    let running = other.params.buffers();
    let mean = running
        .iter()
        .find(|b| b.name() == "bn.running_mean")
        .unwrap();
    mean.set(&mean.tensor().affine(1.0, 1e-6).unwrap()).unwrap();
    assert_ne!(before, identity(&other));
    // What is out of range is refused.
    let new = || Distillation::new(&teacher, &loss).unwrap();
    assert!(new().with_temperature(0.0).is_err() && new().with_temperature(f64::NAN).is_err());
    assert!(new().with_share(1.1).is_err() && new().with_share(f64::NAN).is_err());
    assert!(Hint::new("a", Likeness::Values, -1.0).is_err());
}

#[test]
fn adaptation_to_another_domain_equals_torchs() {
    let fixture = Fixture::load("objectives");
    let loss = CrossEntropy::new();
    let student = || Net::of(&fixture, "student", 4);
    let learn = |net: &Net, discrepancy: &dyn Discrepancy, weight: f64| {
        // With axes of space: their mean is compared.
        let objective = DomainAdaptation::new(&loss, discrepancy, ["hidden"]).unwrap();
        let objective = objective.with_weight(Ramp::Constant(weight)).unwrap();
        objective.learn(net, &fixture.batch(4), &moment())
    };
    let mmd = MaximumMeanDiscrepancy::new();
    let unbiased = mmd.clone().with_estimate(Estimate::Unbiased);
    let cases: [(&str, &dyn Discrepancy, f64); 3] = [
        ("biased", &mmd, 0.8),
        ("unbiased", &unbiased, 0.8),
        ("coral", &Coral, 30.0),
    ];
    for (case, discrepancy, weight) in cases {
        let net = student();
        fixture.check(
            case,
            &learn(&net, discrepancy, weight).unwrap(),
            &net.params,
        );
    }
    let net = Net::new(4);
    let path = net.params.root().child("judge");
    let judge = DomainJudge::new(4, &[5], &path).unwrap();
    let judge = judge.with_reversal(Ramp::Constant(0.7)).unwrap();
    let values = fixture
        .values("student")
        .into_iter()
        .chain(fixture.values("judge"));
    net.params.restore(&values.collect()).unwrap();
    fixture.check(
        "adversarial",
        &learn(&net, &judge, 0.8).unwrap(),
        &net.params,
    );
    // A judge that no optimizer of the network knows.
    let refused = learn(&student(), &judge, 0.8);
    assert!(matches!(refused, Err(Error::ForeignParameter { .. })));
}

#[test]
fn a_batch_that_is_not_of_two_domains_is_refused() {
    let fixture = Fixture::load("objectives");
    let (net, loss) = (Net::of(&fixture, "student", 4), CrossEntropy::new());
    let objective = DomainAdaptation::new(&loss, &Coral, ["pooled"]).unwrap();
    let refused = objective
        .learn(&net, &fixture.batch(7), &moment())
        .unwrap_err();
    assert!(
        matches!(
            refused,
            Error::OneDomain {
                samples: 7,
                labelled: 7,
                ..
            }
        ),
        "{refused}"
    );
    // A covariance needs two samples, and so does the unbiased discrepancy.
    let unbiased = MaximumMeanDiscrepancy::new().with_estimate(Estimate::Unbiased);
    assert!(objective.learn(&net, &fixture.batch(6), &moment()).is_err());
    let objective = DomainAdaptation::new(&loss, &unbiased, ["pooled"]).unwrap();
    assert!(objective.learn(&net, &fixture.batch(6), &moment()).is_err());
    assert!(DomainAdaptation::new(&loss, &Coral, Vec::<String>::new()).is_err());
    let objective = DomainAdaptation::new(&loss, &Coral, ["pooled"]).unwrap();
    assert!(objective.with_weight(Ramp::Constant(-1.0)).is_err());
}

#[test]
fn proximal_steps_equal_torchs() {
    let fixture = Fixture::load("objectives");
    let (net, loss) = (Net::of(&fixture, "student", 4), CrossEntropy::new());
    let common = fixture.values("teacher");
    let objective = Proximal::new(Supervised::new(&loss), &common, 0.4).unwrap();
    let mut sgd = Sgd::new(&net.params, SgdConfig::default()).unwrap();
    let expected = fixture.values("proximal");
    for step in 0..3 {
        let learnt = objective.learn(&net, &fixture.batch(7), &moment()).unwrap();
        let loss = expected[&format!("loss{step}")].to_scalar::<f64>().unwrap();
        assert!((learnt.loss - loss).abs() < 1e-5, "{} {loss}", learnt.loss);
        sgd.step(&learnt.gradients, 0.2).unwrap();
    }
    for param in net.params.parameters() {
        let away = furthest(&param.value(), &expected[param.name()]);
        assert!(away < 1e-5, "{}: {away}", param.name());
    }
}

#[test]
fn a_fixed_batch_norm_is_torchs_in_evaluation() {
    let fixture = Fixture::load("objectives");
    let (net, loss) = (Net::of(&fixture, "student", 4), CrossEntropy::new());
    let plan = FineTune::new().with_fixed_statistics("bn.**");
    assert_eq!(plan.freeze(&net.params).unwrap(), 0);
    let learn = || {
        Supervised::new(&loss)
            .learn(&net, &fixture.batch(7), &moment())
            .unwrap()
    };
    fixture.check("fixed", &learn(), &net.params);
    let counted = |net: &Net| {
        let count = net.params.tensor("bn.num_batches_tracked").unwrap();
        count.to_scalar::<i64>().unwrap()
    };
    assert_eq!(counted(&net), 0);
    // Released, it follows the batches again.
    FineTune::new().freeze(&net.params).unwrap();
    learn();
    assert_eq!(counted(&net), 1);
    let slip = FineTune::new()
        .with_fixed_statistics("fc.**")
        .freeze(&net.params);
    assert!(matches!(
        slip,
        Err(Error::NoSuchParameter {
            what: "running mean",
            ..
        })
    ));
}
