//! The program of `docs/guides/adaptation.md`; at the end it runs on small images of two sites.

use std::path::Path;
use std::sync::Arc;

use medtrain::federated::{Contribution, Kept, Network, average};
use medtrain::mednn::loss::{CrossEntropy, Estimate, MaximumMeanDiscrepancy};
use medtrain::mednn::optim::{Sgd, SgdConfig};
use medtrain::mednn::{Model, Params};
use medtrain::objective::{
    Distillation, DomainAdaptation, DomainJudge, Hint, Likeness, Proximal, Ramp,
};
use medtrain::{
    DomainPairs, FineTune, ImageBatches, Objective, Result, Supervised, TrainConfig, TrainSummary,
    Trainer,
};

/// Trains what is not frozen: the body slowly, the head at full rate.
fn train<const D: usize>(
    network: &dyn Model,
    images: ImageBatches<D>,
    run: TrainConfig,
) -> Result<TrainSummary> {
    let plan = FineTune::new()
        .with_frozen("stem.**")
        .with_fixed_statistics("stem.**")
        .with_rate("body.**", 0.1);
    plan.freeze(network.params())?;
    let mut optimizer = optimizer(network.params())?.with_groups(plan.groups());
    let loss = CrossEntropy::new();
    Trainer::new(network, &loss, &mut optimizer, run).run(&Arc::new(images))
}

fn optimizer(params: &Params) -> Result<Sgd> {
    let settings = SgdConfig {
        momentum: 0.9,
        ..SgdConfig::default()
    };
    Ok(Sgd::new(params, settings)?)
}

/// Makes a small network answer as a large one does.
fn distil<const D: usize>(
    teacher: &dyn Model,
    student: &dyn Model,
    images: ImageBatches<D>,
    run: TrainConfig,
) -> Result<TrainSummary> {
    let loss = CrossEntropy::new();
    let objective = Distillation::new(teacher, &loss)?
        .with_temperature(4.0)?
        .with_share(0.7)?
        .with_hint(Hint::new("body", Likeness::Attention, 10.0)?);
    println!("{}", objective.identity());
    let mut optimizer = optimizer(student.params())?;
    Trainer::of_objective(student, objective, &mut optimizer, run).run(&Arc::new(images))
}

/// Images with labels from one scanner, images without from another.
fn adapt<const D: usize>(
    network: &dyn Model,
    pairs: DomainPairs<ImageBatches<D>, ImageBatches<D>>,
    run: TrainConfig,
) -> Result<TrainSummary> {
    let loss = CrossEntropy::new();
    let discrepancy = MaximumMeanDiscrepancy::new().with_estimate(Estimate::Unbiased);
    let objective = DomainAdaptation::new(&loss, &discrepancy, ["pooled"])?;
    let mut optimizer = optimizer(network.params())?;
    Trainer::of_objective(network, objective, &mut optimizer, run).run(&Arc::new(pairs))
}

/// The same by a judge that the network learns to deceive; `features` is how many it is shown.
fn deceive<const D: usize>(
    network: &dyn Model,
    features: usize,
    pairs: DomainPairs<ImageBatches<D>, ImageBatches<D>>,
    run: TrainConfig,
) -> Result<TrainSummary> {
    let judge = DomainJudge::new(features, &[100], &network.params().root().child("judge"))?
        .with_reversal(Ramp::ganin())?;
    let mut optimizer = optimizer(network.params())?; // after the judge, which it trains too
    let loss = CrossEntropy::new();
    let objective = DomainAdaptation::new(&loss, &judge, ["pooled"])?;
    Trainer::of_objective(network, objective, &mut optimizer, run).run(&Arc::new(pairs))
}

/// What a hospital does in a round: it takes up the common network, but for its own batch norms, and trains near it.
fn at_site<const D: usize>(
    network: &dyn Model,
    common: &Network,
    images: ImageBatches<D>,
    run: TrainConfig,
) -> Result<Network> {
    let params = network.params();
    let own = params.snapshot()?;
    let kept = Kept::normalization(&own);
    params.restore(&kept.take_up(common, &own)?)?;
    let loss = CrossEntropy::new();
    let objective = Proximal::new(Supervised::new(&loss), common, 0.01)?.without(kept);
    let mut optimizer = optimizer(params)?;
    Trainer::of_objective(network, objective, &mut optimizer, run).run(&Arc::new(images))?;
    Ok(params.snapshot()?)
}

/// What the hospitals' networks come to: each with the number of its patients.
fn in_the_middle(networks: &[(Network, usize)]) -> Result<Network> {
    let contributions = networks.iter().map(|(network, patients)| Contribution {
        network,
        weight: *patients as f64,
    });
    average(&contributions.collect::<Vec<_>>())
}

fn short(folder: &Path) -> TrainConfig {
    let mut run = TrainConfig::new(folder, 2);
    run.learning_rate = 0.05;
    run
}

mod small {
    //! A network and images of two sites, for the run.

    use std::sync::Arc;

    use medtrain::medaug::{Compose, Sample};
    use medtrain::mednn::layers::{
        BatchNorm, BatchNormConfig, Conv, ConvConfig, Linear, LinearConfig,
    };
    use medtrain::mednn::ops::{self, Activation, Reduced};
    use medtrain::mednn::{self, Context, Inputs, Model, Outputs, Params};
    use medtrain::split::{CaseRecord, Shares};
    use medtrain::{CaseCache, ClassTargets, Cohort, ImageBatches, LoadedCases};

    pub(super) struct Small {
        params: Params,
        stem: Block,
        body: Block,
        head: Linear,
    }

    struct Block {
        conv: Conv<2>,
        norm: BatchNorm,
    }

    impl Block {
        fn new(channels: [usize; 2], params: &Params, name: &str) -> Self {
            let path = params.root().child(name);
            let conv = ConvConfig::same(channels[0], channels[1], [3, 3]);
            let norm = BatchNormConfig::default().with_activation(Activation::Relu);
            Self {
                conv: Conv::new(&conv, &path.child("conv")).unwrap(),
                norm: BatchNorm::new(channels[1], &norm, &path.child("norm")).unwrap(),
            }
        }

        fn forward(
            &self,
            input: &mednn::candle_core::Tensor,
            context: &Context,
        ) -> mednn::Result<mednn::candle_core::Tensor> {
            let out = self.conv.forward(input, context)?;
            self.norm.forward(&out, context)
        }
    }

    impl Small {
        pub(super) fn new(width: usize, seed: u64) -> Self {
            let params = Params::new(seed);
            let head = LinearConfig::new(width, 2);
            Self {
                stem: Block::new([1, 4], &params, "stem"),
                body: Block::new([4, width], &params, "body"),
                head: Linear::new(&head, &params.root().child("head")).unwrap(),
                params,
            }
        }
    }

    impl Model for Small {
        fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
            let stem = self.stem.forward(inputs.image()?, context)?;
            let body = self.body.forward(&stem, context)?;
            let pooled = ops::mean(&body, &[2, 3], Reduced::Dropped)?;
            let logits = self.head.forward(&pooled, context)?;
            let features = [("body", body), ("pooled", pooled)].into_iter();
            let features = features.filter(|(name, _)| context.wants_feature(name));
            let features = features.map(|(name, value)| (name.to_owned(), value));
            Ok(Outputs::new(logits).with_features(features.collect()))
        }

        fn params(&self) -> &Params {
            &self.params
        }
    }

    /// Twelve images, of the second class with a bright middle, brighter all over at the second site.
    pub(super) fn images(site: u8, labelled: bool) -> ImageBatches<2> {
        let grid = medcore::Geometry::axis_aligned([6, 7], [1.0; 2]).unwrap();
        let image = |n: u32| {
            let voxel = |i: u32| {
                let middle = f32::from(u8::from(i % 7 > 1 && i % 7 < 5 && i / 7 > 1 && i / 7 < 4));
                let noise = (i * 31 + n * 17) % 23;
                middle * (n % 2) as f32 + noise as f32 / 23.0 + f32::from(site)
            };
            let voxels: Vec<f32> = (0..42).map(voxel).collect();
            let image = medcore::Image::new(grid, voxels).unwrap();
            (format!("site {site} patient {n}"), Sample::new(image))
        };
        let cases: Vec<_> = (0..12).map(image).collect();
        let records = (0..12).zip(&cases);
        let records =
            records.map(|(n, (id, _))| CaseRecord::new(id.clone(), id.clone()).with_class(n % 2));
        let cohort = Cohort::of_records(records).unwrap();
        let targets = ClassTargets::of_records(2, cohort.records()).unwrap();
        let reader = Box::new(LoadedCases::new(cases));
        let steps = Compose::new(Vec::new()).unwrap();
        let cache = Arc::new(CaseCache::new(reader, steps, 1).with_memory(1 << 20));
        let split = cohort.hold_out(&Shares::new(0.0, 0.2), medcore::random::Key::new(1));
        let cases = split.unwrap().in_cache(&cache).unwrap().training;
        match labelled {
            true => ImageBatches::new(cases, &targets, 4, 7).unwrap(),
            false => ImageBatches::unlabelled(cases, 4, 8).unwrap(),
        }
    }
}

#[test]
fn the_guide_adapts_a_network_in_four_ways() {
    use small::{Small, images};

    let folder = tempfile::tempdir().unwrap();
    let run = |name: &str| short(&folder.path().join(name));
    let values = |network: &Small, name: &str| {
        let value = network.params().tensor(name).unwrap();
        value.flatten_all().unwrap().to_vec1::<f32>().unwrap()
    };
    let frozen = [
        "stem.conv.weight",
        "stem.norm.weight",
        "stem.norm.running_mean",
    ];
    let network = Small::new(8, 1);
    let before = frozen.map(|name| values(&network, name));
    let body = values(&network, "body.conv.weight");
    train(&network, images(0, true), run("train")).unwrap();
    assert_eq!(before, frozen.map(|name| values(&network, name)));
    assert_ne!(body, values(&network, "body.conv.weight"));

    let student = Small::new(3, 2);
    let taught = distil(&network, &student, images(0, true), run("distil")).unwrap();
    assert_eq!(taught.history.len(), 2);

    let pairs = || DomainPairs::new(images(0, true), images(1, false)).unwrap();
    let summary = adapt(&Small::new(8, 3), pairs(), run("adapt")).unwrap();
    assert!(
        summary
            .history
            .iter()
            .all(|epoch| epoch.train_loss.is_finite())
    );
    let network = Small::new(8, 3);
    deceive(&network, 8, pairs(), run("deceive")).unwrap();
    assert!(
        network
            .params()
            .names()
            .iter()
            .any(|name| name == "judge.1.weight")
    );

    let sites = [Small::new(8, 4), Small::new(8, 5)];
    let mut common = Small::new(8, 6).params().snapshot().unwrap();
    for round in 0..2 {
        let mut networks = Vec::new();
        for (network, site) in sites.iter().zip(0..) {
            let run = run(&format!("round {round} site {site}"));
            let network = at_site(network, &common, images(site, true), run).unwrap();
            networks.push((network, 12));
        }
        common = in_the_middle(&networks).unwrap();
    }
    let means = sites
        .each_ref()
        .map(|site| values(site, "stem.norm.running_mean"));
    assert_ne!(means[0], means[1]);
}
