//! Networks of several sites, averaged.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;

use medcore::random::Key;
use mednn::candle_core::{DType, Device, Tensor};
use mednn::layers::{Linear, LinearConfig};
use mednn::loss::{CrossEntropy, Loss};
use mednn::optim::{Optimizer, Sgd, SgdConfig};
use mednn::params::{Init, NamePattern};
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

/// Parameters of these names and lengths.
fn parameters(all: &[(&str, usize)]) -> Params {
    let params = Params::new(1);
    for (name, length) in all {
        let init = Init::Constant(0.0);
        params.root().parameter(name, &[*length], init).unwrap();
    }
    params
}

/// The message of a refusal that names this value.
#[track_caller]
fn refusal<T>(result: medtrain::Result<T>, of: &str) -> String {
    match result {
        Err(Error::Federated { name, reason }) => {
            assert_eq!(name, of);
            reason
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("not refused"),
    }
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
    // What is not finite would be so for everyone, even with a weight of zero.
    for (value, weight) in [(f32::NAN, 1.0), (f32::INFINITY, 1.0), (f32::INFINITY, 0.0)] {
        let parts = [(&a, 1.0), (&network(&[("w", &[0.0, value])]), weight)];
        let parts = parts.map(|(network, weight)| Contribution { network, weight });
        let reason = refusal(average(&parts), "w of site 1");
        assert!(
            reason.contains(&value.to_string()) && reason.contains("place 1"),
            "{reason}"
        );
    }
    let most = f64::MAX;
    let heavy = [most, most].map(|weight| Contribution {
        network: &a,
        weight,
    });
    refusal(average(&heavy), "the sum of weights");
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
fn a_change_is_clipped_over_all_parameters_together() {
    let params = parameters(&[("a", 2), ("b", 1)]);
    let common = network(&[("a", &[1.0, 1.0]), ("b", &[0.0]), ("n", &[7.0])]);
    let own = network(&[("a", &[1.0, 4.0]), ("b", &[4.0]), ("n", &[7.0])]);
    let (clipped, norm) = clip_change(&common, &own, &params, 1.0).unwrap();
    assert!((norm - 5.0).abs() < 1e-12);
    assert!(
        (numbers(&clipped, "a")[1] - 1.6).abs() < 1e-6
            && (numbers(&clipped, "b")[0] - 0.8).abs() < 1e-6
    );
    assert_eq!(numbers(&clipped, "n"), [7.0]);
    let (same, _) = clip_change(&common, &own, &params, 6.0).unwrap();
    assert_eq!(numbers(&same, "a"), [1.0, 4.0]);
    assert!(clip_change(&common, &own, &params, 0.0).is_err());
}

#[test]
fn what_clipping_cannot_bound_is_refused_by_name() {
    let params = parameters(&[("a", 2), ("b", 1)]);
    let common = network(&[
        ("a", &[1.0, 1.0]),
        ("b", &[0.0]),
        ("norm.running_var", &[1.0]),
    ]);
    let with = |name: &str, values: &[f32]| {
        let mut own = common.clone();
        own.extend(network(&[(name, values)]));
        own
    };
    let clip = |own: &Network| clip_change(&common, own, &params, 1.0);
    for value in [f32::NAN, f32::NEG_INFINITY] {
        let reason = refusal(clip(&with("a", &[0.0, value])), "a");
        assert!(reason.contains(&value.to_string()), "{reason}");
    }
    // Statistics of a site's images, unless it keeps them to itself; and what is frozen.
    let own = with("norm.running_var", &[1.5]);
    refusal(clip(&own), "norm.running_var");
    let kept = Kept::matching([NamePattern::new("**.running_var")]);
    let sent = kept.take_up(&own, &common).unwrap();
    assert_eq!(clip(&sent).unwrap().1, 0.0);
    params.set_trainable(false, |name| name == "b");
    refusal(clip(&with("b", &[0.5])), "b");
    // The parameters of another network protect nothing.
    let others = parameters(&[("c", 1)]);
    refusal(clip_change(&common, &common, &others, 1.0), "c");
    refusal(add_noise(&common, &others, 0.1, Key::new(1)), "c");
}

#[test]
fn noise_falls_on_parameters_alone() {
    let params = parameters(&[("a", 3), ("b", 3)]);
    params.set_trainable(false, |name| name == "b");
    let variances = vec![0.01; 1000];
    let own = network(&[
        ("a", &[1.0, 2.0, 3.0]),
        ("b", &[1.0, 2.0, 3.0]),
        ("norm.running_var", &variances),
    ]);
    let noisy = add_noise(&own, &params, 0.1, Key::new(3)).unwrap();
    assert_ne!(numbers(&noisy, "a"), numbers(&own, "a"));
    for name in ["b", "norm.running_var"] {
        assert_eq!(numbers(&noisy, name), numbers(&own, name));
    }
    let broken = network(&[("a", &[1.0, f32::NAN, 3.0]), ("b", &[0.0; 3])]);
    refusal(add_noise(&broken, &params, 0.1, Key::new(3)), "a");
}

#[test]
fn noise_has_the_standard_deviation_asked_for_and_depends_on_key_and_name() {
    let params = parameters(&[("a", 40_000), ("b", 40_000)]);
    let zeros = vec![0.0; 40_000];
    let silent = network(&[("a", &zeros[..]), ("b", &zeros[..])]);
    let noise = |key| add_noise(&silent, &params, 0.3, Key::new(key)).unwrap();
    let noisy = noise(3);
    let a = numbers(&noisy, "a");
    let deviation = (a.iter().map(|v| v * v).sum::<f64>() / a.len() as f64).sqrt();
    assert!((deviation - 0.3).abs() < 0.006, "{deviation}");
    assert_ne!(a, numbers(&noisy, "b"));
    assert_ne!(a, numbers(&noise(4), "a"));
    assert_eq!(a, numbers(&noise(3), "a"));
    assert!(add_noise(&silent, &params, -1.0, Key::new(3)).is_err());
}
