//! Box losses against torchvision, MONAI and their definitions.

use candle_core::{DType, Device, Tensor, Var};
use mednn::Error;
use mednn::loss::{BoxOverlap, box_overlap_loss, distribution_focal_loss};

use crate::support::{Fixture, assert_close, check_gradient, pattern};

const KINDS: [(BoxOverlap, &str); 4] = [
    (BoxOverlap::Iou, "iou"),
    (BoxOverlap::Giou, "giou"),
    (BoxOverlap::Diou, "diou"),
    (BoxOverlap::Ciou, "ciou"),
];

#[test]
fn box_overlaps_equal_torchvisions_and_monais() {
    let fixture = Fixture::load("loss/boxes");
    let mut compared = 0;
    for axes in ["2d", "3d"] {
        for (overlap, kind) in KINDS {
            let name = format!("{axes}.{kind}");
            let Some(expected) = fixture.find(&name) else {
                continue;
            };
            compared += 1;
            for (dtype, tolerance) in [(DType::F64, 3e-7), (DType::F32, 3e-6)] {
                let var = |part: &str| {
                    let boxes = fixture.get(&format!("{axes}.{part}")).to_dtype(dtype);
                    Var::from_tensor(&boxes.unwrap()).unwrap()
                };
                let (a, b) = (var("a"), var("b"));
                let value = box_overlap_loss(overlap, &a, &b).unwrap();
                assert_close(&value, &expected, tolerance, &name);
                let weight = fixture.get("weight").to_dtype(dtype).unwrap();
                let gradients = (value * weight).unwrap().sum_all().unwrap();
                let gradients = gradients.backward().unwrap();
                for (var, part) in [(a, "da"), (b, "db")] {
                    let expected = fixture.get(&format!("{name}.{part}"));
                    assert_close(gradients.get(&var).unwrap(), &expected, tolerance, &name);
                }
            }
        }
    }
    assert_eq!(compared, 7);
}

#[test]
fn gradients_of_boxes_agree_with_finite_differences() {
    for axes in [2, 3] {
        let low = pattern(&[6, axes], 1);
        let high = (&low + pattern(&[6, axes], 2).affine(1.0, 1.5).unwrap()).unwrap();
        let boxes = Tensor::cat(&[&low, &high], 1).unwrap();
        let moved = (&boxes + pattern(&[6, 2 * axes], 3).affine(0.3, 0.1).unwrap()).unwrap();
        // CIoU takes a factor as constant, so its gradient is not that of its value.
        for (overlap, _) in &KINDS[..3] {
            check_gradient(
                &[boxes.clone(), moved.clone()],
                |t| box_overlap_loss(*overlap, &t[0], &t[1]).unwrap(),
                1e-6,
            );
        }
    }
}

#[test]
fn equal_boxes_have_no_loss_and_empty_ones_a_finite_one() {
    for width in [4, 6] {
        let mut corners = vec![1.0_f64; width];
        corners[width / 2..].fill(3.0);
        let boxes = Tensor::from_vec(corners, (1, width), &Device::Cpu).unwrap();
        let empty = Var::from_tensor(&Tensor::ones((1, width), DType::F64, &Device::Cpu).unwrap());
        let empty = empty.unwrap();
        for (overlap, kind) in KINDS {
            let of = |a: &Tensor, b: &Tensor| box_overlap_loss(overlap, a, b).unwrap();
            let same = of(&boxes, &boxes).to_vec1::<f64>().unwrap();
            assert!(same[0].abs() < 1e-7, "{kind}: {same:?}");
            let value = of(&empty, &empty);
            assert!(value.to_vec1::<f64>().unwrap()[0].is_finite(), "{kind}");
            let gradients = value.sum_all().unwrap().backward().unwrap();
            let gradient = gradients.get(&empty).unwrap().to_vec2::<f64>().unwrap();
            assert!(gradient[0].iter().all(|g| g.is_finite()), "{kind}");
        }
    }
}

#[test]
fn no_boxes_are_refused_by_name() {
    let boxes = pattern(&[3, 4], 1);
    let five = pattern(&[3, 5], 1);
    assert!(matches!(
        box_overlap_loss(BoxOverlap::Iou, &five, &five),
        Err(Error::Axis { axis: 1, .. })
    ));
    assert!(matches!(
        box_overlap_loss(BoxOverlap::Iou, &boxes, &pattern(&[2, 4], 1)),
        Err(Error::Shape { .. })
    ));
    let single = boxes.to_dtype(DType::F32).unwrap();
    assert!(matches!(
        box_overlap_loss(BoxOverlap::Iou, &boxes, &single),
        Err(Error::ElementType { .. })
    ));
}

#[test]
fn the_distribution_focal_loss_equals_its_definition() {
    let fixture = Fixture::load("loss/boxes");
    for (dtype, tolerance) in [(DType::F64, 1e-12), (DType::F32, 3e-6)] {
        let get = |name: &str| fixture.get(name).to_dtype(dtype).unwrap();
        let logits = Var::from_tensor(&get("dfl.logits")).unwrap();
        let value = distribution_focal_loss(&logits, &get("dfl.target")).unwrap();
        assert_close(&value, &fixture.get("dfl"), tolerance, "value");
        let total = (value * get("dfl.weight")).unwrap().sum_all().unwrap();
        let gradients = total.backward().unwrap();
        let got = gradients.get(&logits).unwrap();
        assert_close(got, &fixture.get("dfl.dx"), tolerance, "gradient");
    }
}

#[test]
fn distances_beyond_the_bins_are_clamped_and_nan_is_refused() {
    let logits = pattern(&[3, 5], 1);
    let of = |distances: [f64; 3]| {
        let target = Tensor::new(&distances, &Device::Cpu).unwrap();
        distribution_focal_loss(&logits, &target)
    };
    let beyond = of([-2.0, 100.0, 1.5]).unwrap().to_vec1::<f64>().unwrap();
    let within = of([0.0, 3.99, 1.5]).unwrap().to_vec1::<f64>().unwrap();
    assert_eq!(beyond, within);
    assert!(matches!(
        of([0.0, f64::NAN, 1.0]),
        Err(Error::Setting { .. })
    ));
    assert!(matches!(
        distribution_focal_loss(&logits, &pattern(&[2], 1)),
        Err(Error::Shape { .. })
    ));
    let target = Tensor::zeros(3, DType::F64, &Device::Cpu).unwrap();
    assert!(matches!(
        distribution_focal_loss(&pattern(&[3, 1], 1), &target),
        Err(Error::Axis { .. })
    ));
    let target = pattern(&[3], 2).affine(1.0, 2.0).unwrap();
    check_gradient(
        &[logits],
        |t| distribution_focal_loss(&t[0], &target).unwrap(),
        1e-6,
    );
}
