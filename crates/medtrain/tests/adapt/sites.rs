//! Three hospitals that learn together, each with patients of its own kind.

use mednn::loss::CrossEntropy;
use medtrain::federated::{Contribution, Kept, Network, average};
use medtrain::objective::Proximal;
use medtrain::{Error, Supervised};

use crate::support::{Mlp, Patients, Site, config, train, train_with};

const MIXES: [Site; 3] = [Site::Mostly(0), Site::Mostly(1), Site::Mostly(2)];

const SCANNERS: [Site; 3] = [
    Site::Scanner {
        gain: 0.5,
        offset: -3.0,
    },
    Site::Scanner {
        gain: 1.0,
        offset: 0.0,
    },
    Site::Scanner {
        gain: 2.0,
        offset: 4.0,
    },
];

fn mean(networks: &[Network]) -> Network {
    let contribution = |network| Contribution {
        network,
        weight: 1.0,
    };
    let all: Vec<_> = networks.iter().map(contribution).collect();
    average(&all).unwrap()
}

fn distance(a: &Network, b: &Network) -> f64 {
    let squares = |(name, value): (&String, &mednn::candle_core::Tensor)| {
        let squares = (value - &b[name])
            .unwrap()
            .sqr()
            .unwrap()
            .sum_all()
            .unwrap();
        f64::from(squares.to_scalar::<f32>().unwrap())
    };
    a.iter().map(squares).sum::<f64>().sqrt()
}

/// After some rounds: how far the sites are from the common network, how well they classify the patients of all sites, and
/// how well the common network does.
fn rounds(strength: f64) -> [f64; 3] {
    let loss = CrossEntropy::new();
    let mut common = Mlp::new(MIXES[0], false, 3).params.snapshot().unwrap();
    let (mut away, mut own) = (0.0, 0.0);
    let everywhere = MIXES.map(Patients::others);
    let accuracy = |network: &Mlp| {
        everywhere
            .iter()
            .map(|all| network.accuracy(all))
            .sum::<f64>()
            / 3.0
    };
    for round in 0..4 {
        let trained = MIXES.iter().zip(0..).map(|(&site, number)| {
            let network = Mlp::new(site, false, 3);
            network.params.restore(&common).unwrap();
            let near = Proximal::new(Supervised::new(&loss), &common, strength).unwrap();
            train(&network, near, Patients::of(site, 60, 10 * round + number));
            network
        });
        let trained: Vec<Mlp> = trained.collect();
        let networks: Vec<Network> = trained
            .iter()
            .map(|n| n.params.snapshot().unwrap())
            .collect();
        away = networks.iter().map(|n| distance(n, &common)).sum::<f64>() / 3.0;
        own = trained.iter().map(accuracy).sum::<f64>() / 3.0;
        common = mean(&networks);
    }
    let network = Mlp::new(MIXES[0], false, 3);
    network.params.restore(&common).unwrap();
    [away, own, accuracy(&network)]
}

#[test]
fn sites_that_stay_near_the_common_network_forget_less_of_what_others_know() {
    let (free, near) = (rounds(0.0), rounds(0.3));
    let all = [free, near];
    assert!(near[0] < 0.5 * free[0], "{all:?}");
    assert!(near[1] > free[1] + 0.03 && near[2] > 0.88, "{all:?}");
}

#[test]
fn each_scanner_keeps_its_own_batch_norm() {
    let loss = CrossEntropy::new();
    let accuracies = |keeps: bool| {
        let networks = SCANNERS.map(|site| Mlp::new(site, true, 3));
        let start = networks[0].params.snapshot().unwrap();
        let kept = match keeps {
            true => Kept::normalization(&start),
            false => Kept::matching([]),
        };
        for round in 0..3 {
            for (network, number) in networks.iter().zip(0..) {
                let common = network.params.snapshot().unwrap();
                let near = Proximal::new(Supervised::new(&loss), &common, 0.01).unwrap();
                let patients = Patients::of(SCANNERS[number], 60, 10 * round + number as u64);
                train(network, near.without(kept.clone()), patients);
            }
            let trained: Vec<Network> = networks
                .iter()
                .map(|n| n.params.snapshot().unwrap())
                .collect();
            let common = mean(&trained);
            for (network, own) in networks.iter().zip(&trained) {
                let next = kept.take_up(&common, own).unwrap();
                network.params.restore(&next).unwrap();
            }
        }
        // All but what is kept is the same everywhere.
        let [a, b, _] = networks.each_ref().map(|n| n.params.snapshot().unwrap());
        for (name, value) in &a {
            let same = (value - &b[name])
                .unwrap()
                .abs()
                .unwrap()
                .flatten_all()
                .unwrap();
            let same = same
                .to_dtype(mednn::candle_core::DType::F64)
                .unwrap()
                .max(0)
                .unwrap();
            let same = same.to_scalar::<f64>().unwrap() == 0.0;
            assert!(
                same != (keeps && name.starts_with("norm.") && name != "norm.num_batches_tracked"),
                "{name}"
            );
        }
        let own = networks.iter().zip(SCANNERS);
        own.map(|(network, site)| network.accuracy(&Patients::others(site)))
            .collect::<Vec<_>>()
    };
    let (averaged, kept) = (accuracies(false), accuracies(true));
    let all = [&averaged, &kept];
    assert!(kept.iter().all(|&accuracy| accuracy > 0.95), "{all:?}");
    assert!(averaged.iter().any(|&accuracy| accuracy < 0.75), "{all:?}");
}

#[test]
fn what_the_common_network_does_not_have_is_refused_unless_it_is_kept() {
    let (network, loss) = (Mlp::new(MIXES[0], true, 3), CrossEntropy::new());
    let mut common = network.params.snapshot().unwrap();
    let kept = Kept::normalization(&common);
    common.retain(|name, _| !name.starts_with("norm."));
    let folder = tempfile::tempdir().unwrap();
    let run = |kept: Option<&Kept>| {
        let near = Proximal::new(Supervised::new(&loss), &common, 1.0).unwrap();
        let near = kept.cloned().into_iter().fold(near, Proximal::without);
        let patients = Patients::of(MIXES[0], 2, 1);
        train_with(config(folder.path(), 1), &network, near, patients)
    };
    assert!(matches!(run(None), Err(Error::Federated { name, .. }) if name == "norm.bias"));
    run(Some(&kept)).unwrap();
    assert!(Proximal::new(Supervised::new(&loss), &common, -1.0).is_err());
}
