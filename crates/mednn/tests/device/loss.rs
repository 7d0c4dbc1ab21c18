use candle_core::{DType, Device, Tensor};
use mednn::loss::{
    CrossEntropy, Dice, DiceCrossEntropy, DiceFocal, Focal, Loss, RegionDiceCrossEntropy,
};

use crate::support::{Case, devices, numbers};

/// Labels below a number, one for each voxel.
fn labels(shape: &[usize], below: usize) -> Tensor {
    let count: usize = shape.iter().product();
    let values: Vec<u8> = (0..count).map(|i| (i * 7919 / 13 % below) as u8).collect();
    Tensor::from_vec(values, shape, &Device::Cpu).unwrap()
}

fn check(name: &str, loss: &dyn Loss, shape: &[usize], target: &Tensor) {
    let logits = [(numbers(shape, 1) * 3.0).unwrap()];
    Case::new(format!("{name} {shape:?}"), &logits).check(|x| {
        // Labels stay what they are, shares take the type of the logits.
        let target = match target.dtype() {
            DType::F64 => target.to_dtype(x[0].dtype())?,
            _ => target.clone(),
        };
        loss.forward(&x[0], &target.to_device(x[0].device())?)
    });
}

/// Fewer voxels than a block takes, and more; 2D and 3D.
const SHAPES: [&[usize]; 3] = [&[2, 4, 5, 7], &[2, 4, 13, 17, 11], &[1, 4, 2100]];

fn of_voxels(shape: &[usize]) -> Vec<usize> {
    [&shape[..1], &shape[2..]].concat()
}

#[test]
fn one_class_holds() {
    let weighted = CrossEntropy::new()
        .with_class_weights([1.0, 0.5, 2.0, 3.0])
        .with_ignore_label(2)
        .with_label_smoothing(0.1);
    for shape in SHAPES {
        let target = labels(&of_voxels(shape), 4);
        check("cross-entropy", &CrossEntropy::new(), shape, &target);
        check("weighted cross-entropy", &weighted, shape, &target);
        check(
            "cross-entropy of wide labels",
            &weighted,
            shape,
            &target.to_dtype(DType::U32).unwrap(),
        );
        check(
            "Dice and cross-entropy",
            &DiceCrossEntropy::monai(),
            shape,
            &target,
        );
        check(
            "nnU-Net's loss",
            &DiceCrossEntropy::nnunet(true).with_ignore_label(1),
            shape,
            &target,
        );
        check("focal", &Focal::softmax().with_gamma(1.5), shape, &target);
        check(
            "Dice and focal",
            &DiceFocal::new(Dice::monai(), Focal::softmax()),
            shape,
            &target,
        );
    }
}

#[test]
fn classes_overlap() {
    let regions = vec![vec![1, 2, 3], vec![2], vec![1, 3], vec![3]];
    let regions = RegionDiceCrossEntropy::nnunet(regions, false).unwrap();
    for shape in SHAPES {
        let target = labels(&of_voxels(shape), 4);
        check(
            "focal of sigmoids",
            &Focal::sigmoid().with_alpha(0.25),
            shape,
            &target,
        );
        check("regions", &regions, shape, &target);
    }
}

#[test]
fn classes_have_shares() {
    for shape in SHAPES {
        let shares = (numbers(shape, 5).abs().unwrap() * 0.4).unwrap();
        check(
            "cross-entropy of shares",
            &CrossEntropy::new(),
            shape,
            &shares,
        );
        check(
            "Dice and cross-entropy of shares",
            &DiceCrossEntropy::monai(),
            shape,
            &shares,
        );
    }
}

#[test]
fn the_first_label_that_is_no_class_is_named() {
    let logits = numbers(&[2, 3, 50, 50], 1).to_dtype(DType::F32).unwrap();
    let target = labels(&[2, 50, 50], 4);
    let say = |device: &Device| {
        let (logits, target) = (
            logits.to_device(device).unwrap(),
            target.to_device(device).unwrap(),
        );
        CrossEntropy::new()
            .forward(&logits, &target)
            .unwrap_err()
            .to_string()
    };
    assert!(say(&Device::Cpu).contains("label 3"));
    for device in devices() {
        assert_eq!(say(device), say(&Device::Cpu));
    }
}
