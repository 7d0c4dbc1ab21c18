use candle_core::{DType, Device, Tensor};
use mednn::loss::{
    BinaryCrossEntropy, BoxOverlap, CrossEntropy, Dice, DiceCrossEntropy, DiceFocal, Focal,
    FocalTversky, GeneralizedDice, Loss, OrdinalCrossEntropy, RegionDiceCrossEntropy, Tversky,
    box_overlap_loss, distribution_focal_loss, downsample_labels, gradient_reversal, huber,
    smooth_l1,
};

use crate::support::{Case, assert_close, devices, numbers};

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
fn grades_in_an_order() {
    for shape in SHAPES {
        let target = labels(&of_voxels(shape), 5);
        let cumulative = OrdinalCrossEntropy::cumulative().with_ignore_label(3);
        check("CORAL", &cumulative, shape, &target);
        check("CORN", &OrdinalCrossEntropy::conditional(), shape, &target);
    }
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
            "generalized Dice",
            &GeneralizedDice::monai(),
            shape,
            &target,
        );
        check("Tversky", &Tversky::monai(0.3, 0.7), shape, &target);
        check("focal Tversky", &FocalTversky::paper(), shape, &target);
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
        check(
            "binary cross-entropy",
            &BinaryCrossEntropy::new().with_positive_weights([1.0, 2.0, 0.5, 3.0]),
            shape,
            &target,
        );
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

#[test]
fn coarser_labels_and_shares() {
    for (shape, coarse) in [(&[2, 9, 7][..], &[4, 3][..]), (&[1, 8, 9, 10], &[4, 4, 5])] {
        for dtype in [DType::U8, DType::U32] {
            let target = labels(shape, 5).to_dtype(dtype).unwrap();
            let expected = downsample_labels(&target, coarse).unwrap();
            for device in devices() {
                let got = downsample_labels(&target.to_device(device).unwrap(), coarse).unwrap();
                assert_eq!(got.dtype(), dtype);
                assert_close(&got, &expected, 0.0, &format!("labels of {shape:?}"));
            }
        }
    }
    let shares = [numbers(&[2, 3, 9, 7], 1)];
    Case::new("shares", &shares).check_output(|x| downsample_labels(&x[0], &[4, 3]));
}

#[test]
fn gradients_turn_round() {
    let features = [numbers(&[3, 70], 1)];
    Case::new("gradient_reversal", &features).check(|x| gradient_reversal(&x[0], 0.3));
}

#[test]
fn differences() {
    for shape in [&[7][..], &[2, 3, 700]] {
        let inputs = [numbers(shape, 1), numbers(shape, 2)];
        Case::new(format!("huber {shape:?}"), &inputs).check(|x| huber(&x[0], &x[1], 0.7));
        for beta in [0.0, 1.5] {
            Case::new(format!("smooth_l1 {shape:?} {beta}"), &inputs)
                .check(|x| smooth_l1(&x[0], &x[1], beta));
        }
    }
}

#[test]
fn overlaps_of_boxes() {
    for axes in [2, 3] {
        // Pairs that overlap, that do not and of which one is empty, at places that f32 has exactly: sides meet there or not.
        let exact = |salt| {
            ((numbers(&[300, axes], salt) * 16.0)
                .unwrap()
                .round()
                .unwrap()
                / 16.0)
                .unwrap()
        };
        let corners = |salt| {
            let low = exact(salt);
            let size = exact(salt + 1).abs().unwrap();
            Tensor::cat(&[&low, &(low.clone() + size).unwrap()], 1).unwrap()
        };
        let inputs = [corners(1), corners(5)];
        for overlap in [
            BoxOverlap::Iou,
            BoxOverlap::Giou,
            BoxOverlap::Diou,
            BoxOverlap::Ciou,
        ] {
            // Quotients of small boxes are steep.
            let case = Case {
                tolerance: 1e-3,
                ..Case::new(format!("{overlap:?} in {axes}D"), &inputs)
            };
            case.check(|x| box_overlap_loss(overlap, &x[0], &x[1]));
        }
    }
}

#[test]
fn distances_in_bins() {
    let logits = [numbers(&[30, 4, 16], 1)];
    let target = (numbers(&[30, 4], 2).abs().unwrap() * 8.0).unwrap();
    Case::new("distribution_focal_loss", &logits).check(|x| {
        let target = target.to_dtype(x[0].dtype())?.to_device(x[0].device())?;
        distribution_focal_loss(&x[0], &target)
    });
}
