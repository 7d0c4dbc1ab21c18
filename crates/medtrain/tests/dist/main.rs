//! Ranks that learn together end where one alone ends.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod task;

use std::path::Path;
use std::sync::{Arc, Mutex};

use mednn::candle_core::Tensor;
use medtrain::dist::{Collective, Solo, ThreadRank, Threads};
use medtrain::{Ending, Error, Shard, StopFlag};
use task::{Data, Task, furthest, images};

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

/// A rank that notes the calls it makes: where no other can see that a rank has ended, all must make the same, or one waits.
struct Noted<'a> {
    rank: ThreadRank,
    calls: &'a Mutex<Vec<Vec<&'static str>>>,
}

impl Noted<'_> {
    fn note(&self, call: &'static str) {
        self.calls.lock().unwrap()[self.rank.rank()].push(call);
    }
}

impl Collective for Noted<'_> {
    fn rank(&self) -> usize {
        self.rank.rank()
    }

    fn world_size(&self) -> usize {
        self.rank.world_size()
    }

    fn all_reduce_sum(&self, values: &Tensor) -> medtrain::Result<Tensor> {
        self.note("sum");
        self.rank.all_reduce_sum(values)
    }

    fn broadcast(&self, values: &Tensor, root: usize) -> medtrain::Result<Tensor> {
        self.note("broadcast");
        self.rank.broadcast(values, root)
    }

    fn all_gather_bytes(&self, bytes: &[u8]) -> medtrain::Result<Vec<Vec<u8>>> {
        self.note("gather");
        self.rank.all_gather_bytes(bytes)
    }
}

/// As [`all`], of ranks that must make the same calls to the last.
fn noted<T: Send>(world_size: usize, act: impl Fn(&Noted<'_>) -> T + Sync) -> Vec<T> {
    let calls = Mutex::new(vec![Vec::new(); world_size]);
    let results = all(world_size, |rank| {
        let calls = &calls;
        act(&Noted { rank, calls })
    });
    let calls = calls.into_inner().unwrap();
    for (rank, own) in calls.iter().enumerate() {
        assert_eq!(own, &calls[0], "calls of rank {rank}");
    }
    results
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
fn batches_of_the_crate_make_the_steps_of_one_process_dropout_included() {
    let task = Task {
        data: Data::Images,
        ..Task::default()
    };
    let folder = tempfile::tempdir().unwrap();
    let expected = task.train(&Solo, &folder.path().join("alone")).unwrap();
    assert!(
        furthest(&expected.start, &expected.weights) > 0.02,
        "nothing was learnt"
    );
    for world in [2, 4] {
        let path = folder.path().join(format!("{world}"));
        for network in all(world, |rank| task.train(&rank, &path).unwrap()) {
            let distance = furthest(&expected.weights, &network.weights);
            assert!(distance < 1e-5, "{distance} of {world} ranks");
        }
    }
}

#[test]
fn dropout_falls_on_the_same_items_and_different_ones_in_other_places() {
    let folder = tempfile::tempdir().unwrap();
    let task = |dropout, rotate| Task {
        dropout,
        rotate,
        ..Task::default()
    };
    let alone = |dropout, rotate| {
        let path = folder.path().join(format!("alone {dropout} {rotate}"));
        task(dropout, rotate).train(&Solo, &path).unwrap().weights
    };
    // Without dropout it does not matter where in its batch a sample stands; with it, it does.
    let distance = furthest(&alone(0.0, 0), &alone(0.0, 3));
    assert!(distance < 1e-5, "{distance}");
    let distance = furthest(&alone(0.25, 0), &alone(0.25, 3));
    assert!(distance > 1e-3, "{distance}");
    // And each sample stands where it stands alone.
    let shared = all(2, |rank| {
        task(0.25, 3)
            .train(&rank, &folder.path().join("shared"))
            .unwrap()
    });
    let distance = furthest(&alone(0.25, 3), &shared[1].weights);
    assert!(distance < 1e-5, "{distance}");
}

#[test]
fn batches_of_another_rank_or_of_all_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::default();
    let whole = |_: &ThreadRank| Shard::SOLO;
    let same = |_: &ThreadRank| Shard::new(0, 2).unwrap();
    let other = |rank: &ThreadRank| Shard::new(1 - rank.rank() as u32, 2).unwrap();
    let shards: [fn(&ThreadRank) -> Shard; 3] = [whole, same, other];
    for shard in shards {
        let ends = all(2, |rank| {
            let source = Arc::new(images(4, shard(&rank)).unwrap());
            task.train_on(&source, &rank, folder.path()).map(drop)
        });
        assert!(
            ends.iter().any(
                |end| matches!(end, Err(Error::Collective { reason }) if reason.contains("with_shard"))
            ),
            "{ends:?}"
        );
        assert!(ends.iter().all(Result::is_err));
    }
    let source = Arc::new(images(4, Shard::new(0, 2).unwrap()).unwrap());
    let alone = task.train_on(&source, &Solo, folder.path());
    assert!(matches!(alone, Err(Error::Collective { .. })));
    assert!(!folder.path().join("log.jsonl").exists());
}

#[test]
fn what_goes_wrong_at_one_rank_ends_all() {
    for accumulate in [1, 2, 3] {
        let folder = tempfile::tempdir().unwrap();
        let task = Task {
            accumulate,
            breaks_at: Some((1, 7)),
            ..Task::default()
        };
        let ends = noted(3, |rank| task.train(rank, folder.path()).map(drop));
        assert!(
            matches!(&ends[1], Err(Error::NonFiniteLoss { epoch: 1, cases, .. }) if !cases.is_empty()),
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
    let folder = tempfile::tempdir().unwrap();
    let task = Task {
        accumulate: 2,
        lacks: Some((0, 6)),
        ..Task::default()
    };
    let ends = noted(2, |rank| task.train(rank, folder.path()).map(drop));
    assert!(matches!(ends[0], Err(Error::Nothing { what: "cases" })));
    assert!(matches!(ends[1], Err(Error::RankLeft { rank: 0 })));
}

#[test]
fn a_log_that_the_first_rank_cannot_open_ends_all() {
    let folder = tempfile::tempdir().unwrap();
    let task = Task::default();
    all(2, |rank| {
        task.train(&rank, folder.path()).map(drop).unwrap();
    });
    std::fs::write(folder.path().join("log.jsonl"), "no epoch").unwrap();
    let ends = noted(2, |rank| task.train(rank, folder.path()).map(drop));
    assert!(matches!(ends[0], Err(Error::Io { .. })), "{:?}", ends[0]);
    assert!(
        matches!(ends[1], Err(Error::RankLeft { rank: 0 })),
        "{:?}",
        ends[1]
    );
}

#[test]
fn ranks_that_start_in_other_places_or_with_other_settings_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let stopped = all(2, |rank| {
        let stop = StopFlag::new();
        let task = Task {
            stop: stop.clone(),
            stop_at: (rank.rank() == 1).then_some(7),
            ..Task::default()
        };
        task.train(&rank, &folder.path().join("0")).unwrap()
    });
    assert_eq!(stopped[0].ending, Ending::Requested);
    let task = Task::default();
    // Each sees a folder of its own.
    let ends = noted(2, |rank| {
        let own = folder.path().join(rank.rank().to_string());
        task.train(rank, &own).map(drop)
    });
    for end in ends {
        assert!(
            matches!(&end, Err(Error::Collective { reason }) if reason.contains("the same folder")),
            "{end:?}"
        );
    }
    let ends = noted(2, |rank| {
        let task = Task {
            learning_rate: [0.05, 0.06][rank.rank()],
            ..Task::default()
        };
        task.train(rank, &folder.path().join("new")).map(drop)
    });
    for end in ends {
        assert!(
            matches!(&end, Err(Error::Collective { reason }) if reason.contains("learning_rate")),
            "{end:?}"
        );
    }
}

#[test]
fn running_statistics_are_those_of_all_ranks_in_averages_and_after_a_stop_too() {
    let folder = tempfile::tempdir().unwrap();
    let task = |stop: &StopFlag, stop_at| Task {
        batch_norm: true,
        stop: stop.clone(),
        stop_at,
        ..Task::default()
    };
    let run = |name: &str, stops: Option<u32>| {
        let path = folder.path().join(name);
        all(2, |rank| {
            task(&StopFlag::new(), stops).train(&rank, &path).unwrap()
        })
    };
    let straight = run("straight", None);
    let moved = furthest(&straight[0].start, &straight[0].weights);
    assert!(moved > 0.02, "nothing was learnt");
    assert!(straight[0].weights.contains_key("norm.running_var"));
    // What a run leaves are the averages with their statistics: the same everywhere.
    assert!(furthest(&straight[0].weights, &straight[1].weights) == 0.0);
    for stops in [3, 7, 8] {
        let name = format!("stopped at {stops}");
        assert_eq!(run(&name, Some(stops))[0].ending, Ending::Requested);
        let resumed = run(&name, None);
        for (a, b) in straight.iter().zip(&resumed) {
            assert!(furthest(&a.weights, &b.weights) == 0.0, "{name}");
        }
        for file in ["last", "best"] {
            let read = |run: &str| {
                let path = format!("{run}/checkpoints/{file}.safetensors");
                std::fs::read(folder.path().join(path)).unwrap()
            };
            assert!(read("straight") == read(&name), "{file}, {name}");
        }
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
