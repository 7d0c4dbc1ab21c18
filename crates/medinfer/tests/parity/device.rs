//! Models on a GPU: what they answer and how it is explained is as on the processor, up to rounding.

use medaug::Letterbox;
use medcore::Image;
use medinfer::explain::{
    AttentionRollout, Baseline, Explain, GradCam, GradCamPlusPlus, GuidedGradCam, InputGradient,
    IntegratedGradients, MaskedNetwork, Occlusion, Perturbation, Player, SmoothGrad, Target,
    cascade, exact, perturbation_curve,
};
use medinfer::{Bundle, BundleWriter, Classification, Classifier, Framing, LoadOptions, Version};
use medmodels::resnet::{ResNetConfig, ResNetPool};
use medmodels::vit::ViTConfig;
use medmodels::{ModelConfig, create};
use mednn::candle_core::{Device, Tensor};
use mednn::convert::stack_images;
use mednn::{DeviceName, Inputs, Model, Params};

use super::{bundle, classifier, detector, patient, patient_bundle};

/// How far answers may lie apart, in parts of the largest where that is above 1: sums in another order.
const CLOSE: f64 = 1e-5;

/// The device, where there is one.
fn gpu() -> Option<Device> {
    match DeviceName::Cuda(0).open() {
        Ok(device) => Some(device),
        Err(error) => {
            let required = std::env::var_os("MEDNN_REQUIRE_CUDA").is_some();
            assert!(!required, "{error}");
            #[allow(clippy::print_stderr, reason = "what was passed over must show")]
            {
                eprintln!("not tried: {error}");
            }
            None
        }
    }
}

fn assert_close(what: &str, got: &[f64], expected: &[f64]) {
    assert_eq!(got.len(), expected.len(), "{what}");
    let scale = expected.iter().fold(1.0_f64, |most, v| most.max(v.abs()));
    for (place, (a, b)) in got.iter().zip(expected).enumerate() {
        let apart = (a - b).abs() / scale;
        assert!(apart <= CLOSE, "{what}: {a} for {b} at {place}");
    }
}

fn assert_same(got: &Classification, expected: &Classification) {
    let numbers = |found: &Classification| -> Vec<f64> {
        let logits = found.logits.iter().map(|&logit| f64::from(logit));
        let outliers = found.outliers.iter().map(|outlier| outlier.value);
        logits.chain(outliers).collect()
    };
    assert_close("answer", &numbers(got), &numbers(expected));
    assert_close("probabilities", &got.probabilities, &expected.probabilities);
}

/// Maps of a network here and there, of the same inputs, which are here.
fn assert_explained(methods: &[&dyn Explain], networks: [&dyn Model; 2], inputs: &Inputs) {
    for method in methods {
        let [here, there] = networks.map(|network| {
            let maps = method.explain(network, inputs, &Target::Class(1)).unwrap();
            let values = maps.iter().flat_map(|map| map.values().to_vec());
            values.map(f64::from).collect::<Vec<_>>()
        });
        // Maps of untrained networks are small: parts of their own largest value.
        let most = here
            .iter()
            .fold(f64::MIN_POSITIVE, |most, v| most.max(v.abs()));
        let [here, there] =
            [here, there].map(|map| map.iter().map(|v| v / most).collect::<Vec<_>>());
        assert_close(method.method().name(), &there, &here);
    }
}

/// The same network here and there.
fn twins(config: &ModelConfig, gpu: &Device) -> [Box<dyn Model>; 2] {
    [&Device::Cpu, gpu].map(|device| create(config, &Params::on_device(3, device)).unwrap())
}

fn noise(shape: &[usize]) -> Inputs {
    let numbers = (0..shape.iter().product()).map(|i: usize| (i * 7919 % 251) as f32 / 125.0 - 1.0);
    let numbers: Vec<f32> = numbers.collect();
    Tensor::from_vec(numbers, shape, &Device::Cpu)
        .unwrap()
        .into()
}

#[test]
fn an_ensemble_answers_and_is_explained_as_here() {
    let Some(gpu) = gpu() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (place, _) = bundle::write(folder.path());
    let bundles = [
        Bundle::load(&place).unwrap(),
        Bundle::load_on(&place, &gpu).unwrap(),
    ];
    let [here, there] = bundles.each_ref().map(|b| b.classifier::<2>().unwrap());
    assert_eq!(there.networks().len(), 2);
    assert!(
        there
            .networks()
            .iter()
            .all(|network| network.params().device().is_cuda())
    );
    let images = [4, 5].map(|i| here.prepare(&classifier::image(i)).unwrap());
    let images: Vec<&Image<f32, 2>> = images.iter().collect();
    let [found, expected] = [there, here].map(|c| c.classify_prepared(&images).unwrap());
    assert!(!expected[0].outliers.is_empty());
    for (found, expected) in found.iter().zip(&expected) {
        assert_same(found, expected);
    }

    let networks = [here, there].map(|classifier| &*classifier.networks()[0]);
    let inputs = stack_images(&images, &Device::Cpu).unwrap().into();
    assert_explained(
        &[
            &GradCam::default(),
            &GradCamPlusPlus::default(),
            &InputGradient::default(),
            &GuidedGradCam::default(),
            &SmoothGrad::new(3).with_samples(2),
            &IntegratedGradients::default().with_steps(3),
            &Occlusion::new([16, 12], [16, 12]),
        ],
        networks,
        &inputs,
    );
    let one = stack_images(&images[..1], &Device::Cpu).unwrap().into();
    let method = GradCam::default();
    let target = Target::Class(1);
    let map = method
        .explain(networks[0], &one, &target)
        .unwrap()
        .remove(0);
    let settings = Perturbation::Deletion.with_fill(Baseline::Mean);
    let settings = settings.with_steps(4);
    let [here_curve, there_curve] = networks.map(|network| {
        perturbation_curve(network, &one, &map, &settings)
            .unwrap()
            .probability
    });
    assert_close("deletion", &there_curve, &here_curve);
    // Weights are shuffled the same, and put back.
    let [shuffled, expected] = [networks[1], networks[0]]
        .map(|network| cascade(&method, network, &one, &target, 5).unwrap());
    for (got, expected) in shuffled.iter().zip(&expected) {
        let [got, expected] = [got, expected].map(|step| [step.maps[0].score()]);
        assert_close("cascade", &got, &expected);
    }
    let again = there.classify_prepared(&images).unwrap();
    assert_eq!(again, found);
}

#[test]
fn networks_with_other_ends_are_explained_there() {
    let Some(gpu) = gpu() else { return };
    let places = ResNetConfig::resnet10(2)
        .with_in_channels(1)
        .with_features([4, 4, 6, 6])
        .with_dilated([false, false, true], false)
        .with_stem([5; 2], [2; 2])
        .with_stem_pool(false)
        .with_pool(ResNetPool::TopPlaces { share: 0.1 });
    let [here, there] = twins(&places.into(), &gpu);
    let methods: [&dyn Explain; 2] = [&GradCam::default(), &InputGradient::default()];
    assert_explained(&methods, [&*here, &*there], &noise(&[2, 1, 32, 32]));

    let tokens = ViTConfig::vit_tiny_patch16_224(3)
        .with_image_size(&[16, 16])
        .with_patch_size(&[8, 8])
        .with_features(12, 3)
        .with_depth(2);
    let [here, there] = twins(&tokens.into(), &gpu);
    let methods: [&dyn Explain; 2] = [&GradCam::default(), &AttentionRollout::default()];
    assert_explained(&methods, [&*here, &*there], &noise(&[1, 3, 16, 16]));
}

#[test]
fn patients_and_records_are_judged_as_here() {
    let Some(gpu) = gpu() else { return };
    let folder = tempfile::tempdir().unwrap();
    let (place, _) = patient_bundle::grader(folder.path());
    let bundles = [
        Bundle::load(&place).unwrap(),
        Bundle::load_on(&place, &gpu).unwrap(),
    ];
    let [here, there] = bundles
        .each_ref()
        .map(|b| b.fused_classifier::<2>().unwrap());
    let (image, record) = (classifier::image(3), patient::patient(1));
    let [expected, found] = [here, there].map(|c| c.classify(&image, &record).unwrap());
    assert_same(&found, &expected);
    let inputs = here
        .inputs(&[&here.prepare(&image).unwrap()], &[record])
        .unwrap();
    let networks = [here, there].map(|classifier| &*classifier.networks()[0]);
    assert_explained(&[&GradCam::default()], networks, &inputs);

    let model = patient::of_records(patient::record_config());
    let place = folder.path().join("records");
    BundleWriter::new(&model, "records", Version::new(0, 1, 0))
        .with_golden(&patient::patient(1), 1e-3)
        .write(&place)
        .unwrap();
    let bundle = Bundle::load_on(&place, &gpu).unwrap();
    let there = bundle.record_classifier().unwrap();
    let record = patient::patient(2);
    let [expected, found] = [&model, there].map(|c| c.classify(&record).unwrap());
    assert_same(&found, &expected);
    let case = there.inputs(&[record]).unwrap();
    let background = there.inputs(&[0, 1, 3].map(patient::patient)).unwrap();
    let [expected, found] = [&model, there].map(|classifier| {
        let network = &*classifier.networks()[0];
        let players = Player::columns(&classifier.config().model.table);
        exact(&MaskedNetwork::new(network, &case, &background, players).unwrap()).unwrap()
    });
    assert_close("shares", &found.values, &expected.values);
}

#[test]
fn boxes_are_those_found_here() {
    let Some(gpu) = gpu() else { return };
    let framing = Framing::Letterbox(Letterbox::new([32, 32]));
    let model = detector::detector(detector::config(framing));
    let image = detector::image([25, 30]);
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("nodules");
    BundleWriter::new(&model, "nodules", Version::new(0, 1, 0))
        .with_golden(&image, 1e-2)
        .write(&place)
        .unwrap();
    // Loading compares: each box with the nearest, for equally likely ones may change places.
    let bundle = Bundle::load_on(&place, &gpu).unwrap();
    let there = bundle.detector::<2>().unwrap();
    assert!(
        there
            .networks()
            .all(|network| network.params().device().is_cuda())
    );
    let [expected, found] = [&model, there].map(|detector| {
        let found = detector.detect(&image).unwrap();
        found.iter().map(|found| found.score).collect::<Vec<_>>()
    });
    assert_close("scores", &found, &expected);
}

#[test]
fn a_model_of_one_device_is_a_bundle_for_all() {
    let Some(gpu) = gpu() else { return };
    let config = classifier::config(2);
    let network = create(&config.model, &Params::on_device(3, &gpu)).unwrap();
    let there = Classifier::new(config.clone(), network).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let (image, place) = (classifier::image(1), folder.path().join("there"));
    let writer = BundleWriter::new(&there, "there", Version::new(1, 0, 0));
    let written = writer.with_golden(&image, 1e-3).write(&place).unwrap();
    let here = Bundle::load(&place).unwrap();
    let expected = classifier::classifier(config);
    assert_eq!(
        here.classifier::<2>().unwrap().classify(&image).unwrap(),
        expected.classify(&image).unwrap()
    );
    assert_eq!(written.golden[0].tolerance_on(&gpu), 1e-3);

    // What holds to the last bit on the processor alone is not asked of a GPU.
    let place = folder.path().join("here");
    let writer = BundleWriter::new(&expected, "here", Version::new(1, 0, 0));
    let written = writer.with_golden(&image, 1e-12).write(&place).unwrap();
    let tolerances = [&Device::Cpu, &gpu].map(|device| written.golden[0].tolerance_on(device));
    assert_eq!(tolerances, [1e-12, 1e-3]);
    let options = LoadOptions::new().with_device(&gpu);
    Bundle::load_with(&place, &options).unwrap();
}
