use mednn::optim::{clip_gradient_norm, clip_gradient_value};

use super::*;

#[test]
fn norms_are_cut_to_the_limit_and_small_ones_left_alone() {
    let shapes: [(&str, &[usize]); 2] = [("a", &[40, 1000]), ("b", &[])];
    let params = network_of(&shapes);
    let values = |g: &GradStore| -> Vec<f64> {
        let tensors = params.parameters();
        let tensors = tensors.iter().map(|p| g.get(p.var().as_tensor()).unwrap());
        tensors
            .flat_map(|t| t.flatten_all().unwrap().to_vec1::<f32>().unwrap())
            .map(f64::from)
            .collect()
    };
    let norm = |v: &[f64]| v.iter().map(|x| x * x).sum::<f64>().sqrt();
    let mut store = gradients(&params, &shapes, 2);
    let before = values(&store);
    let found = clip_gradient_norm(&mut store, &params, 12.0).unwrap();
    assert!((found / norm(&before) - 1.0).abs() < 1e-6, "{found}");
    let after = values(&store);
    assert!((norm(&after) - 12.0).abs() < 1e-4);
    for (a, b) in after.iter().zip(&before) {
        assert!((a - b * 12.0 / (found + 1e-6)).abs() < 1e-7);
    }
    clip_gradient_norm(&mut store, &params, 12.1).unwrap();
    assert_eq!(values(&store), after);
    for limit in [0.0, -1.0, f64::NAN] {
        assert!(clip_gradient_norm(&mut store, &params, limit).is_err());
        assert!(clip_gradient_value(&mut store, &params, limit).is_err());
    }
}

#[test]
fn values_are_cut_on_both_sides_and_nan_stays() {
    let shapes: [(&str, &[usize]); 1] = [("a", &[5])];
    let params = network_of(&shapes);
    let key = params.parameter("a").unwrap();
    let mut store = GradStore::default();
    let gradient = [-3.0_f32, -0.5, f32::NAN, 0.25, f32::INFINITY];
    let original = Tensor::new(&gradient, &Device::Cpu).unwrap();
    store.insert(key.var().as_tensor(), original.clone());
    clip_gradient_value(&mut store, &params, 0.5).unwrap();
    let clipped = store.get(key.var().as_tensor()).unwrap();
    let clipped = clipped.to_vec1::<f32>().unwrap();
    assert_eq!((clipped[0], clipped[1]), (-0.5, -0.5));
    assert!(clipped[2].is_nan());
    assert_eq!((clipped[3], clipped[4]), (0.25, 0.5));
    // The caller's tensor is not written to.
    assert_eq!(original.to_vec1::<f32>().unwrap()[0], -3.0);
}
