//! Losses against PyTorch, MONAI and nnU-Net's formulas.

use candle_core::{DType, Device, Tensor, Var};
use mednn::loss::{
    CrossEntropy, DeepSupervision, Dice, DiceCrossEntropy, Loss, RegionDiceCrossEntropy,
    ScaleWeights,
};
use mednn::{Error, Outputs};

use crate::support::{
    Fixture, assert_close, assert_same_on_any_number_of_threads, check_gradient, pattern,
};

mod boxes;
mod features;
mod ordinal;
mod segmentation;
mod surface;

const IGNORE: u32 = 255;

fn check(name: &str, logits: &str, labels: &str, loss: &dyn Loss) {
    // MONAI makes its one-hot truth in f32.
    let exact = if name.starts_with("dice") {
        1e-7
    } else {
        1e-12
    };
    check_in("loss", name, (logits, labels), (loss, exact));
}

/// Compares value and gradient with `name` of a fixture: in f64 within `exact`, and in f32.
fn check_in(
    stem: &str,
    name: &str,
    (logits, target): (&str, &str),
    (loss, exact): (&dyn Loss, f64),
) {
    let fixture = Fixture::load(stem);
    let target = fixture.get(target);
    for (dtype, tolerance) in [(DType::F64, exact), (DType::F32, 3e-6)] {
        let target_types = match target.dtype() {
            DType::U8 => vec![DType::U8, DType::U32],
            _ => vec![DType::F32, DType::F64],
        };
        for target_type in target_types {
            // Targets in f32 are exact to f32 only.
            let tolerance = match target_type {
                DType::F32 => 3e-6,
                _ => tolerance,
            };
            let mut x = fixture.get(logits).to_dtype(dtype).unwrap();
            let expected = fixture.get(&format!("{name}.dx"));
            if x.dims() != expected.dims() {
                x = x.narrow(1, 0, expected.dims()[1]).unwrap();
            }
            let x = Var::from_tensor(&x).unwrap();
            let value = loss
                .forward(&x, &target.to_dtype(target_type).unwrap())
                .unwrap();
            assert_close(
                &value,
                &fixture.get(&format!("{name}.value")),
                tolerance,
                name,
            );
            // A factor shows that the incoming gradient is used.
            let gradients = value.affine(3.0, 0.0).unwrap().backward().unwrap();
            let got = gradients.get(&x).unwrap().affine(1.0 / 3.0, 0.0).unwrap();
            assert_close(&got, &expected, 3.0 * tolerance, name);
        }
    }
}

fn weights() -> Vec<f64> {
    Fixture::load("loss").get("weights").to_vec1().unwrap()
}

#[test]
fn cross_entropy_equals_pytorchs() {
    let plain = CrossEntropy::new();
    check("ce", "logits3", "labels3", &plain);
    let weighted = plain.with_class_weights(weights());
    check("ce_weighted", "logits3", "labels3", &weighted);
    let ignoring = weighted.with_ignore_label(IGNORE);
    check("ce_ignore", "logits3", "ignored3", &ignoring);
    check(
        "ce_smooth",
        "logits3",
        "ignored3",
        &ignoring.with_label_smoothing(0.2),
    );
}

#[test]
fn dice_equals_monais() {
    check("dice", "logits3", "labels3", &Dice::monai());
    let squared = Dice::monai().with_background(false).with_squared(true);
    check("dice_nobg_squared", "logits2", "labels2", &squared);
    let batch = Dice::monai().with_batch(true).with_smooth(0.0, 1e-3);
    check("dice_batch", "logits3", "labels3", &batch);
}

#[test]
fn dice_with_cross_entropy_equals_monais() {
    check("dice_ce", "logits3", "labels3", &DiceCrossEntropy::monai());
    let weighted =
        DiceCrossEntropy::new(Dice::monai().with_background(false)).with_weights(0.7, 1.6);
    check("dice_ce_weights", "logits2", "labels2", &weighted);
    let binary = RegionDiceCrossEntropy::monai([vec![1]]).unwrap();
    check("dice_ce_sigmoid", "logits2", "labels2", &binary);
}

#[test]
fn dice_with_cross_entropy_equals_nnunets_formula() {
    check(
        "nnunet",
        "logits3",
        "labels3",
        &DiceCrossEntropy::nnunet(false),
    );
    check(
        "nnunet_batch",
        "logits2",
        "labels2",
        &DiceCrossEntropy::nnunet(true),
    );
    let ignoring = DiceCrossEntropy::nnunet(true).with_ignore_label(IGNORE);
    check("nnunet_ignore", "logits3", "ignored3", &ignoring);
}

#[test]
fn regions_equal_nnunets_formula() {
    let regions = || vec![vec![1, 2], vec![2]];
    let loss = RegionDiceCrossEntropy::nnunet(regions(), false).unwrap();
    check("regions", "logits3", "labels3", &loss);
    let ignoring = RegionDiceCrossEntropy::nnunet(regions(), true)
        .unwrap()
        .with_ignore_label(IGNORE);
    check("regions_ignore", "logits3", "ignored3", &ignoring);
}

#[test]
fn deep_supervision_equals_monais() {
    let fixture = Fixture::load("loss");
    let levels: Vec<Tensor> = (0..3).map(|i| fixture.get(&format!("level{i}"))).collect();
    let outputs = Outputs::new(levels[0].clone()).with_auxiliary(levels[1..].to_vec());
    let loss = DeepSupervision::new(DiceCrossEntropy::monai(), ScaleWeights::Monai);
    let value = loss
        .of_outputs(&outputs, &fixture.get("level_labels"))
        .unwrap();
    assert_close(&value, &fixture.get("deep.value"), 1e-7, "deep supervision");
}

#[test]
fn deep_supervision_weighs_the_losses_of_its_scales() {
    let fixture = Fixture::load("loss");
    let levels: Vec<Tensor> = (0..3).map(|i| fixture.get(&format!("level{i}"))).collect();
    let labels = fixture.get("level_labels");
    let inner = DiceCrossEntropy::nnunet(true);
    let loss = DeepSupervision::new(inner.clone(), ScaleWeights::NnUnet);
    let outputs = Outputs::new(levels[0].clone()).with_auxiliary(levels[1..].to_vec());
    let got = loss
        .of_outputs(&outputs, &labels)
        .unwrap()
        .to_scalar::<f64>()
        .unwrap();
    let of = |i: usize| {
        let labels = mednn::loss::downsample_labels(&labels, &levels[i].dims()[2..]).unwrap();
        inner
            .forward(&levels[i], &labels)
            .unwrap()
            .to_scalar::<f64>()
            .unwrap()
    };
    assert!((got - (of(0) * 2.0 + of(1)) / 3.0).abs() < 1e-12);
}

#[test]
fn golden_values_of_monai_come_out() {
    let logits = [[[[0.2_f64, -0.5], [1.0, 0.3]], [[0.1, 0.7], [-0.4, 0.9]]]];
    let logits = Tensor::new(&logits, &Device::Cpu).unwrap();
    let labels = Tensor::new(&[[[0_u8, 1], [0, 1]]], &Device::Cpu).unwrap();
    let squared = Dice::monai().with_background(false).with_squared(true);
    let losses: [(&dyn Loss, f64); 4] = [
        (&Dice::monai(), 0.314_812_2),
        (&Dice::monai().with_batch(true), 0.314_812_2),
        (&squared, 0.135_659_3),
        (&DiceCrossEntropy::monai(), 0.706_208_2),
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

#[test]
fn gradients_agree_with_finite_differences() {
    let logits = [pattern(&[2, 3, 2, 5], 1).affine(2.0, 0.0).unwrap()];
    let labels: Vec<u32> = (0..20).map(|i| [0, 2, 1, 255, 0, 0, 2][i % 7]).collect();
    let labels = Tensor::from_vec(labels, (2, 2, 5), &Device::Cpu).unwrap();
    let cross_entropy = CrossEntropy::new()
        .with_ignore_label(IGNORE)
        .with_class_weights([0.5, 2.0, 1.0])
        .with_label_smoothing(0.1);
    let dice = Dice::monai().with_squared(true).with_ignore_label(IGNORE);
    let both = DiceCrossEntropy::new(dice.clone()).with_cross_entropy(cross_entropy.clone());
    let regions = RegionDiceCrossEntropy::monai([vec![1], vec![1, 2], vec![]])
        .unwrap()
        .with_ignore_label(IGNORE);
    let losses: [&dyn Loss; 4] = [&cross_entropy, &dice, &both, &regions];
    for loss in losses {
        check_gradient(&logits, |t| loss.forward(&t[0], &labels).unwrap(), 1e-6);
    }
}

#[test]
fn nothing_to_learn_from_gives_a_finite_loss_and_no_gradient() {
    let logits = Var::from_tensor(&pattern(&[1, 3, 4, 4], 1)).unwrap();
    let labels = Tensor::full(255_u8, (1, 4, 4), &Device::Cpu).unwrap();
    let cross_entropy = CrossEntropy::new().with_ignore_label(IGNORE);
    let value = cross_entropy.forward(&logits, &labels).unwrap();
    assert_eq!(value.to_scalar::<f64>().unwrap(), 0.0);
    let both = DiceCrossEntropy::nnunet(true).with_ignore_label(IGNORE);
    let value = both.forward(&logits, &labels).unwrap();
    assert!(value.to_scalar::<f64>().unwrap().is_finite());
    let gradients = value.backward().unwrap();
    let largest = gradients
        .get(&logits)
        .unwrap()
        .abs()
        .unwrap()
        .max_all()
        .unwrap();
    assert_eq!(largest.to_scalar::<f64>().unwrap(), 0.0);
}

#[test]
fn extreme_logits_do_not_overflow() {
    let logits = Tensor::new(&[[[[300.0_f32, -300.0]], [[-300.0, 300.0]]]], &Device::Cpu).unwrap();
    let labels = Tensor::new(&[[[0_u8, 0]]], &Device::Cpu).unwrap();
    let value = CrossEntropy::new()
        .forward(&logits, &labels)
        .unwrap()
        .to_scalar::<f32>()
        .unwrap();
    assert_eq!(value, 300.0);
    let regions = RegionDiceCrossEntropy::nnunet([vec![0], vec![1]], true)
        .unwrap()
        .with_weights(0.0, 1.0);
    let value = regions
        .forward(&logits, &labels)
        .unwrap()
        .to_scalar::<f32>()
        .unwrap();
    assert_eq!(value, 150.0);
}

#[test]
fn a_label_that_is_no_class_is_named_with_its_place() {
    let logits = pattern(&[2, 3, 4, 4], 1);
    let mut labels = vec![0_u8; 32];
    labels[16 + 5] = 3;
    let labels = Tensor::from_vec(labels, (2, 4, 4), &Device::Cpu).unwrap();
    let error = DiceCrossEntropy::monai()
        .forward(&logits, &labels)
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::Label {
                label: 3,
                voxel: 5,
                batch: 1,
                classes: 3,
                ..
            }
        ),
        "{error}"
    );
}

#[test]
fn shapes_that_do_not_belong_together_are_refused() {
    let logits = pattern(&[2, 3, 4, 5], 1);
    let labels = |shape: &[usize]| Tensor::zeros(shape, DType::U8, &Device::Cpu).unwrap();
    let loss = DiceCrossEntropy::monai();
    assert!(matches!(
        loss.forward(&logits, &labels(&[2, 5, 4])),
        Err(Error::Shape { .. })
    ));
    assert!(matches!(
        loss.forward(&logits, &labels(&[2, 1, 4, 5])),
        Err(Error::Shape { .. })
    ));
    let float = labels(&[2, 4, 5]).to_dtype(DType::F32).unwrap();
    assert!(matches!(
        loss.forward(&logits, &float),
        Err(Error::ElementType { .. })
    ));
    let weighted = CrossEntropy::new().with_class_weights([1.0, 2.0]);
    assert!(matches!(
        weighted.forward(&logits, &labels(&[2, 4, 5])),
        Err(Error::Setting { .. })
    ));
    let regions = RegionDiceCrossEntropy::monai([vec![1]]).unwrap();
    assert!(matches!(
        regions.forward(&logits, &labels(&[2, 4, 5])),
        Err(Error::Axis { axis: 1, .. })
    ));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let logits = pattern(&[2, 5, 21, 22, 23], 1)
        .to_dtype(DType::F32)
        .unwrap();
    let labels: Vec<u8> = (0..2 * 21 * 22 * 23).map(|i| (i * i % 5) as u8).collect();
    let labels = Tensor::from_vec(labels, (2, 21, 22, 23), &Device::Cpu).unwrap();
    assert_same_on_any_number_of_threads(|| {
        let x = Var::from_tensor(&logits).unwrap();
        let value = DiceCrossEntropy::nnunet(true).forward(&x, &labels).unwrap();
        let gradients = value.backward().unwrap();
        vec![value, gradients.get(&x).unwrap().clone()]
    });
}
