//! Ranks that learn together end where one alone ends.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod task;

use std::path::Path;

use medtrain::dist::{Collective, Solo, ThreadRank, Threads};
use medtrain::{Ending, Error, StopFlag};
use task::{Task, furthest};

/// What every rank of a world gets from `act`.
fn all<T: Send>(world_size: usize, act: impl Fn(ThreadRank) -> T + Sync) -> Vec<T> {
    std::thread::scope(|scope| {
        let ranks = Threads::ranks(world_size).into_iter();
        let act = &act;
        let threads: Vec<_> = ranks.map(|rank| scope.spawn(move || act(rank))).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

fn log(folder: &Path) -> Vec<medtrain::EpochReport> {
    medtrain::log::read(&folder.join("log.jsonl")).unwrap()
}

#[test]
fn two_ranks_with_four_samples_each_end_where_one_with_eight_ends() {
    let (alone, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let task = Task::default();
    let expected = task.train(&Solo, alone.path()).unwrap();
    let networks = all(2, |rank| task.train(&rank, shared.path()).unwrap());
    for network in &networks {
        let distance = furthest(&expected.weights, &network.weights);
        assert!(distance < 1e-5, "{distance}");
    }
    // Equal among themselves to the bit: nothing drifts apart.
    assert!(furthest(&networks[0].weights, &networks[1].weights) == 0.0);
    assert!(
        furthest(&expected.start, &expected.weights) > 0.02,
        "nothing was learnt"
    );
    let (one, two) = (log(alone.path()), log(shared.path()));
    assert_eq!(one.len(), two.len());
    for (a, b) in one.iter().zip(&two) {
        assert!((a.train_loss - b.train_loss).abs() < 1e-5);
        let scores = (
            a.validation.as_ref().unwrap().score,
            b.validation.as_ref().unwrap().score,
        );
        assert!((scores.0 - scores.1).abs() < 1e-5);
    }
}

#[test]
fn shares_of_unequal_size_and_several_batches_a_step_weigh_right() {
    let (alone, shared) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let task = Task {
        batch: 7,
        accumulate: 2,
        ..Task::default()
    };
    let expected = task.train(&Solo, alone.path()).unwrap();
    for network in all(3, |rank| task.train(&rank, shared.path()).unwrap()) {
        let distance = furthest(&expected.weights, &network.weights);
        assert!(distance < 1e-5, "{distance}");
    }
}

#[test]
fn dropout_falls_on_the_same_items_and_different_ones_in_other_places() {
    let folder = tempfile::tempdir().unwrap();
    let dropping = Task::default();
    let keeping = Task {
        dropout: 0.0,
        ..Task::default()
    };
    let with = dropping.train(&Solo, &folder.path().join("with")).unwrap();
    let without = keeping
        .train(&Solo, &folder.path().join("without"))
        .unwrap();
    assert!(furthest(&with.weights, &without.weights) > 1e-3);
}

#[test]
fn what_goes_wrong_at_one_rank_ends_all() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task {
        breaks_at: Some((1, 6)),
        ..Task::default()
    };
    let ends = all(3, |rank| task.train(&rank, folder.path()).map(drop));
    assert!(
        matches!(&ends[1], Err(Error::NonFiniteLoss { step: 1, cases, .. }) if !cases.is_empty()),
        "{:?}",
        ends[1]
    );
    for rank in [0, 2] {
        assert!(
            matches!(ends[rank], Err(Error::RankLeft { rank: 1 })),
            "{:?}",
            ends[rank]
        );
    }
}

#[test]
fn a_wish_to_stop_at_one_rank_stops_all_at_the_same_step_and_the_run_goes_on_from_there() {
    let (straight, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let task = Task::default();
    let expected = all(2, |rank| task.train(&rank, straight.path()).unwrap());
    let stopped = all(2, |rank| {
        let stop = StopFlag::new();
        let task = Task {
            stop: stop.clone(),
            stop_at: (rank.rank() == 1).then_some(4),
            ..Task::default()
        };
        task.train(&rank, broken.path()).unwrap()
    });
    assert!(
        stopped
            .iter()
            .all(|ended| ended.ending == Ending::Requested)
    );
    assert_eq!(stopped[0].weights.len(), stopped[1].weights.len());
    let resumed = all(2, |rank| task.train(&rank, broken.path()).unwrap());
    for (a, b) in expected.iter().zip(&resumed) {
        assert!(furthest(&a.weights, &b.weights) == 0.0);
    }
}
