//! The program of `docs/guides/explain.md`; at the end it explains a network that was taught to see a bright spot.

use medcore::{Image, LabelMap};
use medinfer::explain::{
    Baseline, Channels, Explain, GradCam, GradCamPlusPlus, GuidedGradCam, InputGradient,
    IntegratedGradients, KernelShap, MOST_EXACT, MaskedNetwork, Normalisation, Occlusion,
    Perturbation, PlaceOrder, Player, Pointing, Saliency, SmoothGrad, Target, cascade, exact,
    perturbation_curve,
};
use medmodels::fusion::TABLE;
use medmodels::fusion::table::{Record, TableEncoder};
use mednn::candle_core::Device;
use mednn::convert::stack_images;
use mednn::{Inputs, Model};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

/// Where the last features of a network speak for the class, 1 where they do most.
fn look(network: &dyn Model, image: &Image<f32, 2>, class: usize) -> Result<Image<f32, 2>> {
    let inputs = Inputs::new(stack_images(&[image], &Device::Cpu)?);
    let maps = GradCam::default().explain(network, &inputs, &Target::Class(class))?;
    let map = maps[0].normalised(Normalisation::LargestMagnitude);
    Ok(map.image(*image.geometry())?)
}

/// Ways to ask, for images of any size.
fn ways() -> Vec<Box<dyn Explain>> {
    vec![
        Box::new(GradCam::default()),
        Box::new(GradCamPlusPlus::default()),
        Box::new(GuidedGradCam::default()),
        Box::new(InputGradient::default()),
        Box::new(SmoothGrad::new(7)),
        Box::new(IntegratedGradients::default().with_baseline(Baseline::Mean)),
        Box::new(Occlusion::new([8, 8], [4, 4]).with_fill(Baseline::Mean)),
    ]
}

/// What integrated gradients miss, as a part of what they have to explain.
fn missed(network: &dyn Model, inputs: &Inputs) -> Result<f64> {
    let method = IntegratedGradients::default().with_baseline(Baseline::Mean);
    let found = method
        .with_steps(200)
        .attribute(network, inputs, &Target::Predicted)?;
    let explained = found[0].map.score() - found[0].baseline_score;
    Ok(found[0].error() / explained)
}

/// The area under the deletion curve of a map, and that of places in random order.
fn deletion(network: &dyn Model, inputs: &Inputs, map: &Saliency) -> Result<(f64, f64)> {
    let settings = Perturbation::Deletion.with_fill(Baseline::Mean);
    let area = |order: PlaceOrder| {
        let settings = settings.clone().with_order(order);
        perturbation_curve(network, inputs, map, &settings).map(|curve| curve.area)
    };
    let mut random = 0.0;
    for seed in 0..10 {
        random += area(PlaceOrder::Random(seed))? / 10.0;
    }
    Ok((area(PlaceOrder::Highest)?, random))
}

/// How alike the map of the first image stays while layers become random, from the head down.
fn forgotten(
    method: &dyn Explain,
    network: &dyn Model,
    inputs: &Inputs,
) -> Result<Vec<(String, Option<f64>)>> {
    let layers = cascade(method, network, inputs, &Target::Predicted, 1)?;
    let layers = layers.into_iter();
    Ok(layers
        .map(|random| (random.layer, random.likeness[0].magnitude))
        .collect())
}

/// How much of a map lies in a region that a reader drew.
fn inside(map: &Saliency, region: &LabelMap<u8, 2>) -> Result<String> {
    let Pointing { mass, area, .. } = map.merged(Channels::Sum).pointing(region)?;
    Ok(match mass {
        Some(mass) => format!("{mass:.2} of the map lies in {area:.2} of the image"),
        None => "nothing speaks for the class".to_owned(),
    })
}

/// What the image and each column add to the score of a class, from the score of an average patient.
fn shares(
    network: &dyn Model,
    encoder: &TableEncoder,
    case: (&Image<f32, 2>, &Record),
    background: (&[&Image<f32, 2>], &[Record]),
) -> Result<Vec<(String, f64)>> {
    let inputs = |images: &[&Image<f32, 2>], records: &[Record]| -> Result<Inputs> {
        let rows = encoder.rows(records, &Device::Cpu)?;
        Ok(Inputs::new(stack_images(images, &Device::Cpu)?).with(TABLE, rows))
    };
    let background = inputs(background.0, background.1)?;
    let case = inputs(&[case.0], std::slice::from_ref(case.1))?;
    let mut players = vec![Player::whole("image", Inputs::IMAGE)];
    players.extend(Player::columns(encoder.config()));
    let is_few = players.len() <= MOST_EXACT;
    let game = MaskedNetwork::new(network, &case, &background, players)?.with_class(1);
    let shares = match is_few {
        true => exact(&game)?,
        false => KernelShap::new(7).shares(&game)?,
    };
    let names = game.names().into_iter().map(str::to_owned);
    Ok(names.zip(shares.values).collect())
}

mod taught {
    use medcore::random::Key;
    use medcore::{Geometry, Image, LabelMap};
    use medinfer::explain::{Explain, GradCam, InputGradient, Target};
    use medmodels::fusion::table::Record;
    use medmodels::fusion::table::{CategoricalColumn, NumericColumn, TableConfig, TableEncoder};
    use medmodels::fusion::{FilmConfig, FusionConfig};
    use medmodels::resnet::ResNetConfig;
    use mednn::candle_core::{Device, Tensor};
    use mednn::convert::stack_images;
    use mednn::loss::{CrossEntropy, Loss};
    use mednn::optim::{AdamW, AdamWConfig, Optimizer};
    use mednn::params::Params;
    use mednn::tape::Pass;
    use mednn::{Context, Inputs, Model};

    const SIDE: usize = 32;

    /// Noise, with a bright spot in it or without, and where it is.
    fn example(number: u64) -> (Image<f32, 2>, LabelMap<u8, 2>) {
        let grid = Geometry::axis_aligned([SIDE; 2], [1.0; 2]).unwrap();
        let mut random = Key::new(number).stream("example");
        let centre = [0, 1].map(|_| random.uniform_in(6.0, SIDE as f64 - 6.0));
        let has_spot = number % 2 == 1;
        let (mut values, mut region) = (Vec::new(), Vec::new());
        for place in 0..SIDE * SIDE {
            let at = [place / SIDE, place % SIDE];
            let distance = at.iter().zip(centre).map(|(a, c)| (*a as f64 - c).powi(2));
            let distance: f64 = distance.sum();
            let spot = if has_spot {
                3.0 * (-distance / 8.0).exp()
            } else {
                0.0
            };
            values.push((0.5 * random.normal() + spot) as f32);
            region.push(u8::from(has_spot && distance < 36.0));
        }
        let labels = LabelMap::new(grid, region).unwrap();
        (Image::new(grid, values).unwrap(), labels)
    }

    fn batch(numbers: std::ops::Range<u64>) -> Inputs {
        let images: Vec<_> = numbers.map(|number| example(number).0).collect();
        let images: Vec<_> = images.iter().collect();
        Inputs::new(stack_images(&images, &Device::Cpu).unwrap())
    }

    fn taught() -> Box<dyn Model> {
        let config = ResNetConfig::resnet10(2).with_in_channels(1).small_images();
        let config = config
            .with_features([8, 8, 16, 16])
            .with_blocks([1, 1, 1, 1]);
        let network = medmodels::create(&config.into(), &Params::new(1)).unwrap();
        let mut optimizer = AdamW::new(network.params(), AdamWConfig::default()).unwrap();
        let classes = Tensor::from_vec((0..16_u32).map(|i| i % 2).collect(), 16, &Device::Cpu);
        let classes: Tensor = classes.unwrap();
        for step in 0..40 {
            let context = Context::train(Key::new(7).fork("step", step));
            let inputs = batch(100 + 16 * step..116 + 16 * step);
            let pass = Pass::run(&*network, &inputs, &context).unwrap();
            let loss = CrossEntropy::new().forward(&pass.outputs().logits, &classes);
            let gradients = pass.backward(loss.unwrap()).unwrap();
            optimizer.step(&gradients, 1e-2).unwrap();
        }
        network
    }

    #[test]
    fn the_guide_explains_what_the_network_learnt() {
        let network = taught();
        let network = &*network;
        let logits = network
            .forward(&batch(0..40), &Context::evaluate())
            .unwrap();
        let logits = logits.logits.to_vec2::<f32>().unwrap();
        let right = logits
            .iter()
            .enumerate()
            .filter(|(i, row)| (row[1] > row[0]) == (i % 2 == 1));
        assert!(right.count() >= 38, "{logits:?}");

        let (image, region) = example(3);
        let inputs = batch(3..4);
        let heat = super::look(network, &image, 1).unwrap();
        assert_eq!(heat.geometry(), image.geometry());
        for method in super::ways() {
            let map = method.explain(network, &inputs, &Target::Class(1)).unwrap();
            assert_eq!(map[0].shape(), [SIDE; 2]);
            let text = super::inside(&map[0], &region).unwrap();
            println!("{}: {text}", method.method().name());
            let pointing = map[0].pointing(&region).unwrap();
            assert!(pointing.mass.unwrap() > pointing.area, "{text}");
        }
        assert!(super::missed(network, &inputs).unwrap().abs() < 0.1);

        let map = GradCam::default().explain(network, &inputs, &Target::Class(1));
        let (map, random) = super::deletion(network, &inputs, &map.unwrap()[0]).unwrap();
        println!("deletion: {map:.3}, at random {random:.3}");
        assert!(map < random);
        let layers = super::forgotten(&InputGradient::default(), network, &inputs).unwrap();
        println!("{layers:?}");
        assert_eq!(layers[0].0, "fc");
        assert!(layers.last().unwrap().1.unwrap() < 0.5);
    }

    #[test]
    fn the_guide_shares_out_a_score() {
        let table = TableConfig::new()
            .with(NumericColumn::new("age", 60.0, 10.0))
            .with(NumericColumn::new("hba1c", 7.0, 2.0).optional())
            .with(CategoricalColumn::new("sex", ["f", "m"]));
        let resnet = ResNetConfig::resnet10(2).with_in_channels(1).small_images();
        let resnet = resnet.with_features([4, 4, 8, 8]);
        let config = FusionConfig::new(resnet, table.clone(), FilmConfig::new(), 2);
        let network = medmodels::fusion::create(&config, &Params::new(1)).unwrap();
        let encoder = TableEncoder::new(table).unwrap();
        let patient = |age: f64, hba1c: Option<f64>, sex: &str| {
            Record::new()
                .with("age", age)
                .with("hba1c", hba1c)
                .with("sex", sex)
        };
        let others: Vec<_> = (4..7).map(|number| example(number).0).collect();
        let others: Vec<_> = others.iter().collect();
        let records = [
            patient(50.0, Some(6.0), "f"),
            patient(61.0, Some(7.0), "m"),
            patient(72.0, None, "f"),
        ];
        let (image, record) = (example(3).0, patient(80.0, None, "m"));
        let case = (&image, &record);
        let shares = super::shares(&*network, &encoder, case, (&others, &records)).unwrap();
        let names: Vec<&str> = shares.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["image", "age", "hba1c", "sex"]);
        assert!(
            shares.iter().all(|(_, value)| value.abs() > 1e-6),
            "{shares:?}"
        );
    }
}
