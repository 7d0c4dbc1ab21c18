//! Boundary, Hausdorff and clDice losses against MONAI.

use candle_core::{DType, Device, Tensor, Var};
use mednn::Error;
use mednn::loss::{Boundary, Channels, ClDice, Hausdorff, Loss};

use super::check_in;
use crate::support::{assert_same_on_any_number_of_threads, check_gradient, pattern};

fn check(name: &str, logits: &str, target: &str, loss: &dyn Loss) {
    // Distances and MONAI's one-hot truth are f32.
    check_in("loss/surface", name, (logits, target), (loss, 3e-7));
}

#[test]
fn boundary_equals_monais() {
    check("boundary", "logits3", "labels3", &Boundary::monai());
    let sigmoid = Boundary::monai()
        .with_channels(Channels::Sigmoid)
        .with_background(false);
    check("boundary_sigmoid", "logits2", "labels2", &sigmoid);
}

#[test]
fn hausdorff_equals_monais() {
    check("hausdorff", "logits3", "labels3", &Hausdorff::monai());
    let sigmoid = Hausdorff::monai()
        .with_channels(Channels::Sigmoid)
        .with_background(true)
        .with_alpha(1.5);
    check("hausdorff_sigmoid", "logits2", "labels2", &sigmoid);
}

#[test]
fn hausdorff_measures_millimetres() {
    let millimetres = Hausdorff::monai()
        .with_background(true)
        .with_alpha(3.0)
        .with_spacing([3.0, 0.7, 1.1]);
    check("hausdorff_mm", "logits3", "labels3", &millimetres);
}

#[test]
fn the_boundary_loss_scales_with_the_spacing() {
    let logits = pattern(&[1, 2, 5, 6], 1);
    let labels: Vec<u8> = (0..30).map(|i| u8::from(i % 6 > 2 && i > 8)).collect();
    let labels = Tensor::from_vec(labels, (1, 5, 6), &Device::Cpu).unwrap();
    let of = |loss: Boundary| -> f64 {
        let value = loss.forward(&logits, &labels).unwrap();
        value.to_scalar().unwrap()
    };
    let voxels = of(Boundary::monai());
    let millimetres = of(Boundary::monai().with_spacing([0.5, 0.5]));
    assert!(
        (voxels * 0.5 - millimetres).abs() < 1e-7,
        "{voxels} {millimetres}"
    );
    assert!(of(Boundary::monai().with_spacing([3.0, 0.5])) != millimetres);
}

#[test]
fn soft_cl_dice_equals_monais() {
    check("cl_dice", "smooth3", "labels_tubes3", &ClDice::monai());
    let two = ClDice::monai()
        .with_channels(Channels::Sigmoid)
        .with_background(false)
        .with_iterations(2);
    check("cl_dice_2d", "logits2", "labels2", &two);
}

fn all() -> [Box<dyn Loss>; 4] {
    [
        Box::new(Boundary::monai().with_spacing([2.0, 0.7])),
        Box::new(Hausdorff::monai().with_alpha(1.5)),
        Box::new(ClDice::monai()),
        Box::new(
            ClDice::monai()
                .with_background(false)
                .with_channels(Channels::Sigmoid),
        ),
    ]
}

#[test]
fn gradients_agree_with_finite_differences() {
    let logits = [pattern(&[2, 3, 5, 7], 4).affine(2.0, 0.0).unwrap()];
    let labels: Vec<u32> = (0..70).map(|i| [0, 2, 1, 2, 0, 0, 2][i % 7]).collect();
    let labels = Tensor::from_vec(labels, (2, 5, 7), &Device::Cpu).unwrap();
    for loss in all() {
        check_gradient(&logits, |t| loss.forward(&t[0], &labels).unwrap(), 1e-6);
    }
}

#[test]
fn a_class_that_is_nowhere_or_everywhere_has_no_surface() {
    // Probabilities on one side of a half, so that no predicted surface exists either.
    let logits = Var::from_tensor(&pattern(&[1, 1, 4, 5], 1).affine(0.4, -1.0).unwrap()).unwrap();
    for value in [0_u8, 1] {
        let labels = Tensor::full(value, (1, 4, 5), &Device::Cpu).unwrap();
        let sigmoid = || Channels::Sigmoid;
        let losses: [&dyn Loss; 2] = [
            &Boundary::monai().with_channels(sigmoid()),
            &Hausdorff::monai().with_channels(sigmoid()),
        ];
        for loss in losses {
            let value = loss.forward(&logits, &labels).unwrap();
            assert_eq!(value.to_scalar::<f64>().unwrap(), 0.0);
        }
        let value = ClDice::monai()
            .with_channels(sigmoid())
            .forward(&logits, &labels)
            .unwrap();
        assert!(value.to_scalar::<f64>().unwrap().is_finite());
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
        let mut bad = vec![0_u8; 40];
        bad[27] = 3;
        let bad = Tensor::from_vec(bad, (2, 4, 5), &Device::Cpu).unwrap();
        assert!(matches!(
            loss.forward(&logits, &bad),
            Err(Error::Label {
                label: 3,
                voxel: 7,
                batch: 1,
                ..
            })
        ));
        assert!(matches!(
            loss.forward(&logits, &logits),
            Err(Error::ElementType { .. })
        ));
        // A classification has no surface.
        assert!(matches!(
            loss.forward(&pattern(&[2, 3], 1), &labels(&[2], 0)),
            Err(Error::Rank { .. } | Error::Setting { .. })
        ));
    }
    let spacing = Boundary::monai().with_spacing([1.0]);
    assert!(matches!(
        spacing.forward(&logits, &labels(&[2, 4, 5], 0)),
        Err(Error::Setting { .. })
    ));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let logits = pattern(&[2, 3, 121, 122], 1).to_dtype(DType::F32).unwrap();
    let labels: Vec<u8> = (0..2 * 121 * 122)
        .map(|i| (i / 30 * i / 70 % 3) as u8)
        .collect();
    let labels = Tensor::from_vec(labels, (2, 121, 122), &Device::Cpu).unwrap();
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
