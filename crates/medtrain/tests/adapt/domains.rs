//! A network that learns from one site what holds at another.

use std::path::Path;
use std::sync::Arc;

use mednn::loss::{CrossEntropy, Estimate, MaximumMeanDiscrepancy};
use medtrain::objective::{Coral, Discrepancy, DomainAdaptation, DomainJudge, Ramp};
use medtrain::{
    Batch, DomainPairs, Ending, Error, Prefetch, Source, StopFlag, Supervised, Switched, Trainer,
};

use crate::support::{Mlp, Patients, Site, config, sgd, train};

fn pairs(steps: u32) -> DomainPairs<Patients, Patients> {
    let marked = Patients::of(Site::Marked, steps, 1);
    // Goes round once and a half while the other does once.
    let unmarked = Patients::of(Site::Unmarked, 2 * steps / 3 + 1, 2);
    DomainPairs::new(marked, unmarked).unwrap()
}

/// Accuracy at the site with labels and at the other.
fn accuracies(network: &Mlp) -> [f64; 2] {
    [Site::Marked, Site::Unmarked].map(|site| network.accuracy(&Patients::others(site)))
}

fn adapted(discrepancy: impl FnOnce(&Mlp) -> Box<dyn Discrepancy>, weight: f64) -> [f64; 2] {
    let (network, loss) = (Mlp::new(Site::Marked, false, 3), CrossEntropy::new());
    let discrepancy = discrepancy(&network);
    let objective = DomainAdaptation::new(&loss, &*discrepancy, ["hidden"]).unwrap();
    let objective = objective.with_weight(Ramp::Constant(weight)).unwrap();
    train(&network, objective, pairs(400));
    accuracies(&network)
}

fn judge(network: &Mlp) -> DomainJudge {
    let path = network.params.root().child("judge");
    DomainJudge::new(Mlp::HIDDEN, &[16], &path).unwrap()
}

#[test]
fn what_is_learnt_from_one_site_holds_at_another_that_has_no_labels() {
    // The mark is the easier way to the labels, and leads astray where there is none.
    let network = Mlp::new(Site::Marked, false, 3);
    let loss = CrossEntropy::new();
    train(
        &network,
        Supervised::new(&loss),
        Patients::of(Site::Marked, 400, 1),
    );
    let alone = accuracies(&network);
    assert!(alone[0] > 0.97 && alone[1] < 0.6, "{alone:?}");

    let mmd = MaximumMeanDiscrepancy::new();
    let unbiased = mmd.clone().with_estimate(Estimate::Unbiased);
    for (name, least, found) in [
        ("biased", 0.8, adapted(|_| Box::new(mmd), 1.0)),
        ("unbiased", 0.8, adapted(|_| Box::new(unbiased), 1.0)),
        ("coral", 0.68, adapted(|_| Box::new(Coral), 90.0)),
        (
            "judge",
            0.68,
            adapted(|network| Box::new(judge(network)), 0.3),
        ),
    ] {
        assert!(
            found[0] > 0.9 && found[1] > least,
            "{name}: {found:?}, not {alone:?}"
        );
    }
}

#[test]
fn targets_of_the_other_domain_are_never_seen() {
    let batch = pairs(6).item(1, 2).unwrap();
    assert_eq!(batch.inputs.image().unwrap().dims(), [64, 2]);
    assert_eq!(batch.targets.dims(), [32]);
    assert_eq!(batch.cases.len(), 64);
    // Batches of the other domain follow one another over the end of an epoch.
    let other = |epoch, step| pairs(6).item(epoch, step).unwrap().cases[32].clone();
    let expected = |number| format!("patients {number} of Unmarked");
    let seen: Vec<_> = (0..3)
        .flat_map(|e| (0..6).map(move |s| other(e, s)))
        .collect();
    assert_eq!(seen, (0..18).map(expected).collect::<Vec<_>>());
}

#[test]
fn domains_that_do_not_fit_are_refused() {
    let none = Patients::of(Site::Unmarked, 0, 2);
    let some = Patients::of(Site::Marked, 3, 2);
    assert!(matches!(
        DomainPairs::new(some.clone(), none),
        Err(Error::Nothing { .. })
    ));
    let longer = Patients::of(Site::Marked, 4, 2);
    assert!(matches!(
        Switched::new(some.clone(), longer, 1),
        Err(Error::InvalidSetting { .. })
    ));
    let wider = Patients::of(Site::Mislabelled(0.0), 3, 2);
    let refused = DomainPairs::new(some, wider)
        .unwrap()
        .item(0, 0)
        .unwrap_err();
    let message = refused.to_string();
    assert!(
        matches!(refused, Error::Ragged { .. }) && message.contains("Mislabelled"),
        "{message}"
    );
}

/// Asks for a stop before some step.
struct Stopping<S> {
    source: S,
    at: (u32, u32),
    flag: StopFlag,
}

impl<S: Source<Item = Batch>> Source for Stopping<S> {
    type Item = Batch;

    fn steps_per_epoch(&self) -> u32 {
        self.source.steps_per_epoch()
    }

    fn item(&self, epoch: u32, step: u32) -> medtrain::Result<Batch> {
        if (epoch, step) == self.at {
            self.flag.request();
        }
        self.source.item(epoch, step)
    }
}

fn bytes(network: &Mlp) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights");
    network.params.save_safetensors(&path).unwrap();
    std::fs::read(path).unwrap()
}

/// A run that is taken up if it was begun, and stopped after some step: its weights, and how it ended.
fn run(folder: &Path, stop_at: (u32, u32)) -> (Vec<u8>, Ending) {
    let (network, loss) = (Mlp::new(Site::Marked, true, 3), CrossEntropy::new());
    let judge = judge(&network);
    let objective = DomainAdaptation::new(&loss, &judge, ["hidden"]).unwrap();
    let flag = StopFlag::new();
    let source = Stopping {
        source: pairs(7),
        at: stop_at,
        flag: flag.clone(),
    };
    let mut config = config(folder, 3);
    config.resume = true;
    config.prefetch = Prefetch {
        threads: 0,
        ahead: 0,
    };
    let mut sgd = sgd(&network);
    let trainer = Trainer::of_objective(&network, objective, &mut sgd, config).with_stop(flag);
    let ending = trainer.run(&Arc::new(source)).unwrap().ending;
    (bytes(&network), ending)
}

#[test]
fn adversaries_that_were_interrupted_end_with_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (whole, ending) = run(folder.path(), (9, 9));
    assert_eq!(ending, Ending::Completed);
    for (threads, stop_at) in [(1, (0, 3)), (2, (1, 0)), (3, (2, 5))] {
        let folder = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        pool.build().unwrap().install(|| {
            assert_eq!(
                run(folder.path(), stop_at).1,
                Ending::Requested,
                "{stop_at:?}"
            );
            let (resumed, ending) = run(folder.path(), (9, 9));
            assert_eq!(ending, Ending::Completed);
            assert!(
                resumed == whole,
                "{threads} threads, stopped at {stop_at:?}"
            );
        });
    }
}
