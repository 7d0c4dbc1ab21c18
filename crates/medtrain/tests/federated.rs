//! Networks of several sites, averaged.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use medcore::random::Key;
use mednn::candle_core::{DType, Device, Tensor};
use mednn::layers::{Linear, LinearConfig};
use mednn::loss::{CrossEntropy, Loss};
use mednn::optim::{Optimizer, Sgd, SgdConfig};
use mednn::{Context, Params};
use medtrain::Error;
use medtrain::federated::{Contribution, Kept, Network, add_noise, average, clip_change};

fn numbers(network: &Network, name: &str) -> Vec<f64> {
    let value = network[name].flatten_all().unwrap();
    value.to_dtype(DType::F64).unwrap().to_vec1().unwrap()
}

fn network(values: &[(&str, &[f32])]) -> Network {
    let tensor = |values: &[f32]| Tensor::new(values, &Device::Cpu).unwrap();
    values
        .iter()
        .map(|(name, v)| ((*name).to_owned(), tensor(v)))
        .collect()
}

/// One step of gradient descent from a common start on some samples.
fn step(start: &Network, samples: std::ops::Range<usize>) -> Network {
    let params = Params::new(1);
    let linear = Linear::new(&LinearConfig::new(3, 2), &params.root()).unwrap();
    params.restore(start).unwrap();
    let image = |n: usize| (0..3).map(move |i| ((n * 7 + i * 3) % 5) as f32 - 2.0);
    let values: Vec<f32> = samples.clone().flat_map(image).collect();
    let labels: Vec<u8> = samples.clone().map(|n| u8::from(n % 3 == 0)).collect();
    let x = Tensor::from_vec(values, (samples.len(), 3), &Device::Cpu).unwrap();
    let y = Tensor::new(labels, &Device::Cpu).unwrap();
    let out = linear.forward(&x, &Context::train(Key::new(1))).unwrap();
    let loss = CrossEntropy::default().forward(&out, &y).unwrap();
    let mut sgd = Sgd::new(&params, SgdConfig::default()).unwrap();
    sgd.step(&loss.backward().unwrap(), 0.5).unwrap();
    params.snapshot().unwrap()
}

#[test]
fn one_step_at_each_of_two_sites_averages_to_a_step_on_all_samples() {
    let params = Params::new(5);
    Linear::new(&LinearConfig::new(3, 2), &params.root()).unwrap();
    let start = params.snapshot().unwrap();
    let (small, large, all) = (step(&start, 0..3), step(&start, 3..11), step(&start, 0..11));
    let weighted = |network, weight| Contribution { network, weight };
    let common = average(&[weighted(&small, 3.0), weighted(&large, 8.0)]).unwrap();
    for name in all.keys() {
        for (a, b) in numbers(&all, name).iter().zip(numbers(&common, name)) {
            assert!((a - b).abs() < 1e-6, "{name}: {a} {b}");
        }
        assert_ne!(numbers(&start, name), numbers(&all, name));
    }
}

#[test]
fn a_counter_becomes_the_nearest_whole_number() {
    let counter = |count: i64| -> Network {
        BTreeMap::from([("n".to_owned(), Tensor::new(count, &Device::Cpu).unwrap())])
    };
    let (a, b) = (counter(3), counter(8));
    let weighted = |network, weight| Contribution { network, weight };
    let common = average(&[weighted(&a, 1.0), weighted(&b, 1.0)]).unwrap();
    assert_eq!(common["n"].to_scalar::<i64>().unwrap(), 6);
}

#[test]
fn what_cannot_be_averaged_is_refused() {
    let a = network(&[("w", &[1.0, 2.0])]);
    let refused = |other: &Network, weight: f64| {
        let parts = [
            Contribution {
                network: &a,
                weight: 1.0,
            },
            Contribution {
                network: other,
                weight,
            },
        ];
        average(&parts).is_err()
    };
    assert!(refused(&network(&[("w", &[1.0])]), 1.0));
    assert!(refused(&network(&[("v", &[1.0, 2.0])]), 1.0));
    assert!(refused(&network(&[("w", &[1.0, 2.0]), ("x", &[0.0])]), 1.0));
    assert!(refused(&a, -1.0) && refused(&a, f64::NAN) && !refused(&a, 0.0));
    assert!(matches!(average(&[]), Err(Error::Nothing { .. })));
    let nothing = Contribution {
        network: &a,
        weight: 0.0,
    };
    assert!(matches!(average(&[nothing]), Err(Error::Nothing { .. })));
}

#[test]
fn a_site_keeps_its_batch_norms_and_takes_up_the_rest() {
    let names = [
        "bn.weight",
        "bn.bias",
        "bn.running_mean",
        "bn.running_var",
        "conv.weight",
    ];
    let (own, common) = (
        network(&names.map(|name| (name, &[0.0][..]))),
        network(&names.map(|name| (name, &[1.0][..]))),
    );
    let next = Kept::normalization(&own).take_up(&common, &own).unwrap();
    for name in names {
        let expected = if name.starts_with("bn.") { 0.0 } else { 1.0 };
        assert_eq!(numbers(&next, name), [expected], "{name}");
    }
}

#[test]
fn a_change_is_clipped_over_all_values_together() {
    let common = network(&[("a", &[1.0, 1.0]), ("b", &[0.0])]);
    let own = network(&[("a", &[1.0, 4.0]), ("b", &[4.0])]);
    let (clipped, norm) = clip_change(&common, &own, 1.0).unwrap();
    assert!((norm - 5.0).abs() < 1e-12);
    assert!(
        (numbers(&clipped, "a")[1] - 1.6).abs() < 1e-6
            && (numbers(&clipped, "b")[0] - 0.8).abs() < 1e-6
    );
    let (same, _) = clip_change(&common, &own, 6.0).unwrap();
    assert_eq!(numbers(&same, "a"), [1.0, 4.0]);
    assert!(clip_change(&common, &own, 0.0).is_err());
}

#[test]
fn noise_has_the_standard_deviation_asked_for_and_depends_on_key_and_name() {
    let zeros = vec![0.0; 40_000];
    let silent = network(&[("a", &zeros[..]), ("b", &zeros[..])]);
    let noisy = add_noise(&silent, 0.3, Key::new(3)).unwrap();
    let a = numbers(&noisy, "a");
    let deviation = (a.iter().map(|v| v * v).sum::<f64>() / a.len() as f64).sqrt();
    assert!((deviation - 0.3).abs() < 0.006, "{deviation}");
    assert_ne!(a, numbers(&noisy, "b"));
    assert_eq!(
        a,
        numbers(&add_noise(&silent, 0.3, Key::new(3)).unwrap(), "a")
    );
    assert!(add_noise(&silent, -1.0, Key::new(3)).is_err());
}
