//! Losses of grades against coral-pytorch.

use candle_core::{DType, Device, Tensor, Var};
use mednn::Error;
use mednn::loss::{Loss, OrdinalCrossEntropy};

use crate::support::{
    Fixture, assert_close, assert_same_on_any_number_of_threads, check_gradient, pattern,
};

fn check(name: &str, [logits, grades]: [&str; 2], loss: &OrdinalCrossEntropy) {
    let fixture = Fixture::load("loss/ordinal");
    let grades = fixture.get(grades);
    for wide in [DType::U8, DType::U32] {
        let grades = grades.to_dtype(wide).unwrap();
        for (dtype, tolerance) in [(DType::F64, 1e-9), (DType::F32, 1e-5)] {
            let logits = fixture.get(logits).to_dtype(dtype).unwrap();
            let logits = Var::from_tensor(&logits).unwrap();
            let value = loss.forward(&logits, &grades).unwrap();
            let expected = fixture.get(&format!("{name}.value"));
            assert_close(&value, &expected, tolerance, name);
            let gradients = value.affine(3.0, 0.0).unwrap().backward().unwrap();
            let gradient = gradients.get(&logits).unwrap();
            let expected = fixture.get(&format!("{name}.d0"));
            assert_close(
                &gradient.affine(1.0 / 3.0, 0.0).unwrap(),
                &expected,
                tolerance,
                name,
            );
        }
    }
}

#[test]
fn grades_cost_what_coral_and_corn_say() {
    let (flat, maps) = (["flat", "grades"], ["maps", "map_grades"]);
    let cumulative = OrdinalCrossEntropy::cumulative();
    let conditional = OrdinalCrossEntropy::conditional();
    check("cumulative", flat, &cumulative);
    check("cumulative_dense", maps, &cumulative);
    check("conditional", flat, &conditional);
    check("conditional_dense", maps, &conditional);
    let weighted = cumulative.clone().with_level_weights([1.0, 0.5, 0.0, 2.0]);
    check("cumulative_weighted", flat, &weighted);
    check("cumulative_ignored", flat, &cumulative.with_ignore_label(1));
    check(
        "conditional_ignored",
        flat,
        &conditional.with_ignore_label(1),
    );
}

#[test]
fn gradients_agree_with_finite_differences() {
    let logits = [pattern(&[3, 2, 5], 1)];
    let grades: Vec<u8> = (0..15).map(|i| i % 3).collect();
    let grades = Tensor::from_vec(grades, (3, 5), &Device::Cpu).unwrap();
    for loss in [
        OrdinalCrossEntropy::cumulative().with_level_weights([0.5, 2.0]),
        OrdinalCrossEntropy::conditional().with_ignore_label(2),
    ] {
        check_gradient(&logits, |t| loss.forward(&t[0], &grades).unwrap(), 1e-6);
    }
}

#[test]
fn where_nothing_counts_nothing_is_lost() {
    let logits = Var::from_tensor(&pattern(&[2, 3], 1)).unwrap();
    let grades = Tensor::new(&[255_u8, 255], &Device::Cpu).unwrap();
    for loss in [
        OrdinalCrossEntropy::cumulative(),
        OrdinalCrossEntropy::conditional(),
    ] {
        let loss = loss.with_ignore_label(255);
        let value = loss.forward(&logits, &grades).unwrap();
        assert_eq!(value.to_scalar::<f64>().unwrap(), 0.0);
        let gradients = value.backward().unwrap();
        let gradient = gradients.get(&logits).unwrap().to_vec2::<f64>().unwrap();
        assert!(gradient.iter().flatten().all(|&g| g == 0.0));
    }
}

#[test]
fn a_grade_that_is_none_is_named_with_its_place() {
    let logits = pattern(&[2, 3, 4], 1);
    let mut grades = vec![0_u32; 8];
    grades[6] = 4;
    let grades = Tensor::from_vec(grades, (2, 4), &Device::Cpu).unwrap();
    let refused = OrdinalCrossEntropy::cumulative().forward(&logits, &grades);
    assert!(matches!(
        refused,
        Err(Error::Label {
            label: 4,
            voxel: 2,
            batch: 1,
            classes: 4,
            ..
        })
    ));
    let flat = Tensor::zeros((2, 3), DType::U8, &Device::Cpu).unwrap();
    let refused = OrdinalCrossEntropy::cumulative().forward(&logits, &flat);
    assert!(matches!(refused, Err(Error::Shape { .. })));
    let shares = Tensor::zeros((2, 4), DType::F32, &Device::Cpu).unwrap();
    let refused = OrdinalCrossEntropy::cumulative().forward(&logits, &shares);
    assert!(matches!(refused, Err(Error::ElementType { .. })));
    let grades = Tensor::zeros((2, 4), DType::U8, &Device::Cpu).unwrap();
    let weighted = OrdinalCrossEntropy::cumulative().with_level_weights([1.0, -1.0, 1.0]);
    let refused = weighted.forward(&logits, &grades);
    assert!(matches!(refused, Err(Error::Setting { .. })));
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let logits = pattern(&[3, 4, 70, 61], 2).to_dtype(DType::F32).unwrap();
    let grades: Vec<u8> = (0..3 * 70 * 61).map(|i| (i * 7 % 5) as u8).collect();
    let grades = Tensor::from_vec(grades, (3, 70, 61), &Device::Cpu).unwrap();
    assert_same_on_any_number_of_threads(|| {
        let x = Var::from_tensor(&logits).unwrap();
        let value = OrdinalCrossEntropy::conditional()
            .forward(&x, &grades)
            .unwrap();
        let gradients = value.backward().unwrap();
        vec![value, gradients.get(&x).unwrap().clone()]
    });
}
