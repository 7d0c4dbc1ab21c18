//! Runs that are stopped and killed at random steps end as those that were not.

use std::collections::BTreeMap;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use medcore::random::Key;
use medtrain::{
    EarlyStop, Ending, Heard, Observer, Plateau, Prefetch, StepReport, StopFlag, TrainConfig,
};

use crate::support::{config, patches, train, train_until, weights};

const INTERRUPTIONS: u32 = 20;

/// Ends an attempt after so many of its steps: by a wish, or as a killed process would.
struct Interrupt {
    steps: usize,
    by: Option<StopFlag>,
}

impl Observer for Interrupt {
    fn step(&mut self, _: &StepReport) -> Heard {
        self.steps = self.steps.saturating_sub(1);
        if self.steps == 0 {
            self.by.as_ref().expect("killed").request();
        }
        Ok(())
    }
}

/// Everything that has a state: averages, momentum, accumulation, kept epochs, a rate that falls and a stop that waits.
fn everything(folder: &Path, resume: bool, threads: usize) -> TrainConfig {
    let mut config = config(folder, resume);
    config.epochs = 6;
    config.accumulate = 3;
    config.ema_decay = Some(0.8);
    config.validate_every = 1;
    config.keep_epochs = 2;
    config.checkpoint_every = 2;
    config.plateau = Some(Plateau {
        patience: 0,
        minimum_change: 10.0,
        factor: 0.7,
        ..Plateau::default()
    });
    config.early_stop = Some(EarlyStop::new(6));
    config.prefetch = Prefetch { threads, ahead: 3 };
    config
}

/// All checkpoints of a run, and its log without the times.
fn left_behind(folder: &Path) -> (BTreeMap<String, Vec<u8>>, Vec<serde_json::Value>) {
    let entries = fs::read_dir(folder.join("checkpoints")).unwrap();
    let files = entries.map(|entry| {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        (name, fs::read(entry.path()).unwrap())
    });
    let log = fs::read_to_string(folder.join("log.jsonl")).unwrap();
    let lines = log.lines().map(|line| {
        let mut line: serde_json::Value = serde_json::from_str(line).unwrap();
        for time in ["seconds", "data_wait_seconds"] {
            line.as_object_mut().unwrap().remove(time).unwrap();
        }
        line
    });
    (files.collect(), lines.collect())
}

#[test]
fn twenty_interruptions_on_any_number_of_threads_leave_the_same_bytes() {
    // Eleven steps of three batches and one of the two that are left.
    let source = patches(None, 1, 35);
    let whole = tempfile::tempdir().unwrap();
    let (network, summary) = train(everything(whole.path(), false, 1), &source, None);
    let (expected, expected_log) = left_behind(whole.path());
    let expected_weights = weights(&network, whole.path());
    assert_eq!(summary.unwrap().ending, Ending::Completed);
    let names: Vec<&str> = expected.keys().map(String::as_str).collect();
    assert!(
        names.contains(&"best.safetensors") && names.len() == 5,
        "{names:?}"
    );
    for threads in [1, 2, 4] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let pool = pool.build().unwrap();
        let parts = tempfile::tempdir().unwrap();
        let mut random = Key::new(8).sample(threads as u32).stream("interruptions");
        let (mut interruptions, mut killed, mut within) = (0, 0, 0);
        let network = loop {
            let flag = StopFlag::new();
            let by_wish = interruptions >= INTERRUPTIONS || random.chance(0.5);
            let mut interrupt = Interrupt {
                steps: match interruptions {
                    INTERRUPTIONS => usize::MAX,
                    _ => 1 + random.below(4),
                },
                by: by_wish.then(|| flag.clone()),
            };
            let config = everything(parts.path(), interruptions > 0, threads);
            let attempt = catch_unwind(AssertUnwindSafe(|| {
                pool.install(|| train_until(config, &source, Some(&mut interrupt), flag))
            }));
            match attempt {
                Err(_) => killed += 1,
                Ok((network, summary)) => {
                    let summary = summary.unwrap();
                    within += u32::from(summary.first_step > 0);
                    if summary.ending == Ending::Completed {
                        break network;
                    }
                    assert_eq!(summary.ending, Ending::Requested);
                }
            }
            interruptions += 1;
        };
        assert_eq!(interruptions, INTERRUPTIONS, "the run was over too soon");
        assert!(
            killed > 3 && within > 3,
            "{killed} killed, {within} resumed within"
        );
        let (files, log) = left_behind(parts.path());
        assert_eq!(log, expected_log, "{threads} threads");
        assert_eq!(weights(&network, parts.path()), expected_weights);
        assert!(files.keys().eq(expected.keys()), "{:?}", files.keys());
        for (name, bytes) in &files {
            assert!(
                *bytes == expected[name],
                "{name} differs on {threads} threads"
            );
        }
    }
}
