//! Binary cross-entropy, soft targets, focal, generalised Dice and Tversky against PyTorch and MONAI.

use candle_core::{DType, Device, Tensor, Var};
use mednn::loss::{
    BinaryCrossEntropy, Channels, CrossEntropy, DeepSupervision, Dice, DiceCrossEntropy, DiceFocal,
    Focal, FocalTversky, GeneralizedDice, Loss, RegionDiceCrossEntropy, ScaleWeights, Tversky,
    VolumeWeight,
};
use mednn::{Error, Outputs};

use super::{IGNORE, check_in};
use crate::support::{
    Fixture, assert_close, assert_same_on_any_number_of_threads, check_gradient, pattern,
};

fn check(name: &str, logits: &str, target: &str, loss: &dyn Loss) {
    // MONAI makes its one-hot truth in f32.
    let ours = name.starts_with("ce") || name.starts_with("bce");
    let exact = if ours { 1e-12 } else { 1e-7 };
    check_in("loss/segmentation", name, (logits, target), (loss, exact));
}

const WEIGHTS: [f64; 3] = [0.2, 1.5, 0.7];

#[test]
fn cross_entropy_with_soft_targets_equals_pytorchs() {
    check("ce_shares", "logits2", "shares2", &CrossEntropy::new());
    let all = CrossEntropy::new()
        .with_class_weights(WEIGHTS)
        .with_label_smoothing(0.2);
    check("ce_shares_all", "logits2", "shares2", &all);
}

#[test]
fn cross_entropy_of_a_classification_equals_pytorchs() {
    let loss = CrossEntropy::new()
        .with_class_weights(WEIGHTS)
        .with_label_smoothing(0.1);
    check("ce_classification", "scores", "labels0", &loss);
}

#[test]
fn binary_cross_entropy_equals_pytorchs() {
    let plain = BinaryCrossEntropy::new();
    check("bce", "scores", "findings", &plain);
    check("bce_shares", "logits2", "shares2", &plain);
    check("bce_single", "logits2", "binary2", &plain);
    let weighted = plain.with_positive_weights(WEIGHTS);
    check("bce_positive", "scores", "findings", &weighted);
    check("bce_labels", "logits2", "labels2", &weighted);
    // The same labels as regions.
    let regions = weighted.with_regions([vec![0], vec![1], vec![2]]);
    check("bce_labels", "logits2", "labels2", &regions);
}

#[test]
fn focal_equals_monais() {
    check("focal", "logits3", "labels3", &Focal::sigmoid());
    let alpha = Focal::sigmoid()
        .with_gamma(0.7)
        .with_alpha(0.25)
        .with_background(false)
        .with_class_weights([0.5, 2.0]);
    check("focal_alpha", "logits2", "labels2", &alpha);
    check("focal_softmax", "logits3", "labels3", &Focal::softmax());
    let alpha = Focal::softmax()
        .with_gamma(1.3)
        .with_alpha(0.25)
        .with_class_weights([0.5, 2.0, 1.0]);
    check("focal_softmax_alpha", "logits2", "labels2", &alpha);
    let single = Focal::sigmoid().with_alpha(0.3);
    check("focal_single", "logits2", "binary2", &single);
}

#[test]
fn focal_with_a_label_to_ignore_is_monais_over_the_number_of_channels() {
    let fixture = Fixture::load("loss/segmentation");
    let loss = Focal::sigmoid().with_ignore_label(IGNORE);
    let logits = fixture.var("logits3");
    let value = loss.forward(&logits, &fixture.get("ignored3")).unwrap();
    let times_channels = value.affine(4.0, 0.0).unwrap();
    assert_close(
        &times_channels,
        &fixture.get("focal_ignore.value"),
        1e-7,
        "value",
    );
    let gradients = times_channels.backward().unwrap();
    let got = gradients.get(&logits).unwrap();
    assert_close(got, &fixture.get("focal_ignore.dx"), 1e-7, "gradient");
}

#[test]
fn dice_with_focal_equals_monais() {
    check("dice_focal", "logits3", "labels3", &DiceFocal::monai());
    let dice = Dice::monai()
        .with_channels(Channels::Sigmoid)
        .with_background(false);
    let focal = Focal::sigmoid().with_gamma(3.0).with_background(false);
    let one_pass = DiceFocal::new(dice, focal).with_weights(0.7, 1.6);
    check("dice_focal_sigmoid", "logits2", "labels2", &one_pass);
}

#[test]
fn dice_on_sigmoids_and_soft_targets_equals_monais() {
    let sigmoid = Dice::monai().with_channels(Channels::Sigmoid);
    check("dice_sigmoid", "logits3", "labels3", &sigmoid);
    check("dice_shares", "logits2", "shares2", &Dice::monai());
}

#[test]
fn generalised_dice_equals_monais() {
    check("gdl", "logits3", "labels3", &GeneralizedDice::monai());
    let simple = GeneralizedDice::monai()
        .with_channels(Channels::Sigmoid)
        .with_weight(VolumeWeight::Simple)
        .with_background(false);
    check("gdl_simple", "logits2", "labels2", &simple);
    let batch = GeneralizedDice::monai().with_batch(true);
    check("gdl_batch", "logits3", "labels3", &batch);
}

#[test]
fn tversky_equals_monais() {
    check("tversky", "logits3", "labels3", &Tversky::monai(0.3, 0.7));
    let ignoring = Tversky::monai(0.3, 0.7)
        .with_ignore_label(IGNORE)
        .with_background(false)
        .with_batch(true);
    check("tversky_ignore", "logits3", "ignored3", &ignoring);
}

#[test]
fn focal_tversky_equals_its_formula() {
    check(
        "focal_tversky",
        "logits3",
        "labels3",
        &FocalTversky::paper(),
    );
}

#[test]
fn deep_supervision_takes_soft_targets_as_monais_does() {
    let fixture = Fixture::load("loss/segmentation");
    let levels: Vec<Tensor> = (0..3).map(|i| fixture.get(&format!("level{i}"))).collect();
    let outputs = Outputs::new(levels[0].clone()).with_auxiliary(levels[1..].to_vec());
    let loss = DeepSupervision::new(CrossEntropy::new(), ScaleWeights::Monai);
    let value = loss
        .of_outputs(&outputs, &fixture.get("level_shares"))
        .unwrap();
    // MONAI adds up in f32.
    assert_close(&value, &fixture.get("deep.value"), 1e-7, "value");
}

#[test]
fn golden_values_of_monai_come_out() {
    let logits = [[[[0.2_f64, -0.5], [1.0, 0.3]], [[0.1, 0.7], [-0.4, 0.9]]]];
    let logits = Tensor::new(&logits, &Device::Cpu).unwrap();
    let labels = Tensor::new(&[[[0_u8, 1], [0, 1]]], &Device::Cpu).unwrap();
    let losses: [(&dyn Loss, f64); 6] = [
        (&Focal::sigmoid(), 0.106_755_2),
        (&Focal::softmax(), 0.027_883_4),
        (&Focal::sigmoid().with_alpha(0.25), 0.066_518_6),
        (&Tversky::monai(0.3, 0.7), 0.314_829_6),
        (&GeneralizedDice::monai(), 0.314_662_4),
        (&DiceFocal::monai(), 0.421_567_4),
    ];
    for (loss, expected) in losses {
        let got = loss
            .forward(&logits, &labels)
            .unwrap()
            .to_scalar::<f64>()
            .unwrap();
        assert!((got - expected).abs() < 1.5e-7, "{got} against {expected}");
    }
}

/// One of each loss over the sums of classes.
fn all() -> Vec<Box<dyn Loss>> {
    let sigmoid_dice = Dice::monai().with_channels(Channels::Sigmoid);
    vec![
        Box::new(BinaryCrossEntropy::new().with_positive_weights([0.5, 2.0, 1.0])),
        Box::new(Focal::sigmoid().with_gamma(1.5).with_alpha(0.3)),
        Box::new(Focal::softmax().with_gamma(0.5)),
        Box::new(Focal::softmax().with_gamma(2.0).with_alpha(0.3)),
        Box::new(DiceFocal::monai()),
        Box::new(DiceFocal::new(sigmoid_dice.clone(), Focal::sigmoid())),
        Box::new(DiceFocal::new(Dice::monai(), Focal::softmax())),
        Box::new(sigmoid_dice),
        Box::new(GeneralizedDice::monai()),
        Box::new(GeneralizedDice::monai().with_batch(true)),
        Box::new(Tversky::monai(0.2, 0.9)),
        Box::new(FocalTversky::paper()),
        Box::new(CrossEntropy::new().with_class_weights([0.5, 2.0, 1.0])),
    ]
}

#[test]
fn gradients_agree_with_finite_differences() {
    let logits = [pattern(&[2, 3, 2, 5], 1).affine(2.0, 0.0).unwrap()];
    let labels: Vec<u32> = (0..20).map(|i| [0, 2, 1, 2, 0, 0, 2][i % 7]).collect();
    let labels = Tensor::from_vec(labels, (2, 2, 5), &Device::Cpu).unwrap();
    let shares = pattern(&[2, 3, 2, 5], 2).affine(0.5, 0.5).unwrap();
    for loss in all() {
        for target in [&labels, &shares] {
            check_gradient(&logits, |t| loss.forward(&t[0], target).unwrap(), 1e-6);
        }
    }
}

#[test]
fn logits_without_items_channels_or_voxels_are_refused() {
    for shape in [[0, 3, 4], [2, 0, 4], [2, 3, 0]] {
        let logits = Tensor::zeros(&shape, DType::F64, &Device::Cpu).unwrap();
        let labels = Tensor::zeros((shape[0], shape[2]), DType::U8, &Device::Cpu).unwrap();
        for loss in all() {
            let error = loss.forward(&logits, &labels).unwrap_err();
            // Class weights are counted first.
            assert!(
                matches!(error, Error::Axis { .. } | Error::Setting { .. }),
                "{error}"
            );
        }
    }
}

#[test]
fn a_formula_made_of_another_keeps_its_settings() {
    let tversky = Tversky::monai(0.3, 0.7)
        .with_channels(Channels::Sigmoid)
        .with_background(false)
        .with_batch(true)
        .with_smooth(0.1, 0.2)
        .with_ignore_label(IGNORE);
    let set_later = FocalTversky::paper()
        .with_channels(Channels::Sigmoid)
        .with_background(false)
        .with_batch(true)
        .with_smooth(0.1, 0.2)
        .with_ignore_label(IGNORE);
    assert_eq!(FocalTversky::new(tversky, 4.0 / 3.0), set_later);
}

#[test]
fn shares_of_zero_and_one_are_labels() {
    let logits = pattern(&[2, 3, 7, 5], 1);
    let labels: Vec<u8> = (0..70).map(|i| [0, 2, 1, 2, 0, 0, 2][i % 7]).collect();
    let shares: Vec<f64> = (0..2 * 3 * 35)
        .map(|i| {
            f64::from(u8::from(
                labels[i / 105 * 35 + i % 35] as usize == i / 35 % 3,
            ))
        })
        .collect();
    let labels = Tensor::from_vec(labels, (2, 7, 5), &Device::Cpu).unwrap();
    let shares = Tensor::from_vec(shares, (2, 3, 7, 5), &Device::Cpu).unwrap();
    // Class weights of cross-entropy normalise differently.
    for loss in all().iter().rev().skip(1) {
        let a = loss.forward(&logits, &labels).unwrap();
        let b = loss.forward(&logits, &shares).unwrap();
        assert_close(&a, &b, 1e-14, "value");
    }
}

#[test]
fn extreme_logits_give_exact_losses_and_finite_gradients() {
    let logits = Var::new(&[[300.0_f32, -300.0, 300.0, -300.0]], &Device::Cpu).unwrap();
    let findings = Tensor::new(&[[0.0_f32, 1.0, 1.0, 0.0]], &Device::Cpu).unwrap();
    for (loss, expected) in [
        (&BinaryCrossEntropy::new() as &dyn Loss, 150.0),
        (&Focal::sigmoid(), 150.0),
        (&Focal::sigmoid().with_gamma(0.5), 150.0),
    ] {
        let value = loss.forward(&logits, &findings).unwrap();
        assert_eq!(value.to_scalar::<f32>().unwrap(), expected);
        let gradients = value.backward().unwrap();
        let got = gradients.get(&logits).unwrap().to_vec2::<f32>().unwrap();
        assert_eq!(got, [[0.25, -0.25, 0.0, 0.0]]);
    }
    // Two classes share the probability, and the true one is 600 below them.
    let softmax = Focal::softmax().with_gamma(0.5);
    let labels = Tensor::new(&[1_u8], &Device::Cpu).unwrap();
    let value = softmax.forward(&logits, &labels).unwrap();
    let expected = (600.0 + std::f32::consts::LN_2) / 4.0;
    assert!((value.to_scalar::<f32>().unwrap() - expected).abs() < 1e-4);
}

#[test]
fn nan_in_gives_nan_out() {
    let mut values = vec![0.5_f32; 24];
    values[7] = f32::NAN;
    let logits = Tensor::from_vec(values, (1, 3, 8), &Device::Cpu).unwrap();
    let labels = Tensor::zeros((1, 8), DType::U8, &Device::Cpu).unwrap();
    for loss in all() {
        let value = loss.forward(&logits, &labels).unwrap();
        assert!(value.to_scalar::<f32>().unwrap().is_nan());
    }
}

#[test]
fn an_ignored_batch_gives_a_finite_loss_and_no_gradient() {
    let logits = Var::from_tensor(&pattern(&[1, 3, 4, 4], 1)).unwrap();
    let labels = Tensor::full(255_u8, (1, 4, 4), &Device::Cpu).unwrap();
    let losses: [&dyn Loss; 4] = [
        &BinaryCrossEntropy::new().with_ignore_label(IGNORE),
        &DiceFocal::monai().with_ignore_label(IGNORE),
        &GeneralizedDice::monai().with_ignore_label(IGNORE),
        &Tversky::monai(0.3, 0.7).with_ignore_label(IGNORE),
    ];
    for loss in losses {
        let value = loss.forward(&logits, &labels).unwrap();
        assert!(value.to_scalar::<f64>().unwrap().is_finite());
        let gradients = value.backward().unwrap();
        let largest = gradients.get(&logits).unwrap().abs().unwrap();
        let largest = largest.max_all().unwrap().to_scalar::<f64>().unwrap();
        assert_eq!(largest, 0.0);
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let logits = pattern(&[2, 3, 4, 5], 1);
    let labels = |shape: &[usize], value: u8| Tensor::full(value, shape, &Device::Cpu).unwrap();
    for loss in all() {
        assert!(matches!(
            loss.forward(&logits, &labels(&[2, 5, 4], 0)),
            Err(Error::Shape { .. })
        ));
        assert!(matches!(
            loss.forward(&logits, &pattern(&[2, 4, 4, 5], 1)),
            Err(Error::Shape { .. })
        ));
        assert!(matches!(
            loss.forward(&logits, &labels(&[2, 4, 5], 3)),
            Err(Error::Label { label: 3, .. })
        ));
    }
    let right = labels(&[2, 4, 5], 1);
    let settings: [&dyn Loss; 9] = [
        &Focal::sigmoid().with_gamma(-1.0),
        &Focal::sigmoid().with_alpha(1.5),
        &Focal::sigmoid().with_class_weights([1.0]),
        &Tversky::monai(f64::NAN, 0.5),
        &FocalTversky::new(Tversky::monai(0.5, 0.5), 0.0),
        &BinaryCrossEntropy::new().with_positive_weights([1.0, 2.0]),
        &CrossEntropy::new().with_label_smoothing(-0.1),
        &DiceCrossEntropy::new(Dice::monai().with_channels(Channels::Sigmoid)),
        &DiceFocal::new(Dice::monai(), Focal::softmax().with_gamma(-2.0)),
    ];
    for loss in settings {
        let error = loss.forward(&logits, &right).unwrap_err();
        assert!(matches!(error, Error::Setting { .. }), "{error}");
    }
    // The formula of squared Dice holds for labels.
    let squared = Dice::monai().with_squared(true);
    let shares = pattern(&[2, 3, 4, 5], 2);
    for loss in [
        &squared as &dyn Loss,
        &DiceCrossEntropy::new(squared.clone()),
    ] {
        assert!(matches!(
            loss.forward(&logits, &shares),
            Err(Error::ElementType { .. })
        ));
    }
    let regions = RegionDiceCrossEntropy::monai([vec![1]]).unwrap();
    assert!(matches!(
        regions.forward(&logits, &right),
        Err(Error::Axis { axis: 1, .. })
    ));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let logits = pattern(&[2, 3, 21, 22, 23], 1)
        .to_dtype(DType::F32)
        .unwrap();
    let labels: Vec<u8> = (0..2 * 21 * 22 * 23).map(|i| (i * i % 3) as u8).collect();
    let labels = Tensor::from_vec(labels, (2, 21, 22, 23), &Device::Cpu).unwrap();
    assert_same_on_any_number_of_threads(|| {
        let mut results = Vec::new();
        for loss in all() {
            let x = Var::from_tensor(&logits).unwrap();
            let value = loss.forward(&x, &labels).unwrap();
            let gradients = value.backward().unwrap();
            results.extend([value, gradients.get(&x).unwrap().clone()]);
        }
        results
    });
}
