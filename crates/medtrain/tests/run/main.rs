//! Whole training runs: interrupted, damaged, out of disk, on any number of threads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod averages;
#[cfg(feature = "cuda")]
mod device;
mod interruptions;
mod loggers;
#[cfg(feature = "mlflow")]
mod mlflow;
mod objectives;
mod records;
mod settings;
mod stopping;
mod support;
mod trials;

use std::fs;
use std::path::Path;
use std::sync::Arc;

use mednn::Inputs;
use mednn::candle_core::Tensor;
use mednn::loss::{CrossEntropy, Loss};
use mednn::optim::{Sgd, SgdConfig};
use medtrain::checkpoint::{Found, State};
use medtrain::{
    Batch, CheckpointFolder, Environment, EpochReport, Error, Heard, Observer, PatchBatches,
    Prefetch, RunReport, Source, StepReport, TrainConfig, TrainSummary, Trainer,
};
use support::{Tiny, WeightSum, batches, config, distance, patches, train, values, weights};

/// Ends the run as a killed process would: nothing after the checkpoint of `epoch` happens.
struct KillAfter(u32);

impl Observer for KillAfter {
    fn epoch(&mut self, report: &EpochReport) -> Heard {
        assert!(report.epoch < self.0, "killed");
        Ok(())
    }
}

fn averaging(mut config: TrainConfig, accumulate: u32, ema_decay: Option<f64>) -> TrainConfig {
    (config.accumulate, config.ema_decay) = (accumulate, ema_decay);
    config
}

#[test]
fn a_run_learns_and_ends_with_the_same_bytes_on_any_number_of_threads() {
    let mut results = Vec::new();
    for (threads, prefetch) in [(1, 0), (2, 1), (3, 2)] {
        let folder = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let mut config = config(folder.path(), false);
        config.prefetch = Prefetch {
            threads: prefetch,
            ahead: 2,
        };
        let (network, summary) = pool.install(|| train(config, &batches(None), None));
        let summary = summary.unwrap();
        assert!(
            summary.history[3].train_loss < summary.history[0].train_loss,
            "{:?}",
            summary.history
        );
        results.push(weights(&network, folder.path()));
    }
    assert!(results.iter().all(|r| *r == results[0]));
}

/// Ends the run within an epoch, after its first step.
struct KillWithin(u32);

impl Observer for KillWithin {
    fn step(&mut self, report: &StepReport) -> Heard {
        assert!(report.epoch < self.0, "killed");
        Ok(())
    }
}

#[test]
fn a_killed_and_resumed_run_ends_with_the_bytes_of_one_that_was_not() {
    killed_and_resumed(1, None);
}

#[test]
fn so_does_one_that_averages_gradients_and_weights() {
    // Steps of three batches and of the one that is left.
    killed_and_resumed(3, Some(0.8));
}

fn killed_and_resumed(accumulate: u32, ema_decay: Option<f64>) {
    let config = |folder: &Path, resume| averaging(config(folder, resume), accumulate, ema_decay);
    let (whole, parts) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (network, summary) = train(config(whole.path(), false), &batches(None), None);
    let expected = (weights(&network, whole.path()), summary.unwrap());
    let killers: [&mut dyn Observer; 3] =
        [&mut KillAfter(0), &mut KillWithin(2), &mut KillAfter(2)];
    for (number, killer) in killers.into_iter().enumerate() {
        let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            train(
                config(parts.path(), number > 0),
                &batches(None),
                Some(killer),
            )
        }));
        assert!(killed.is_err());
    }
    let (network, summary) = train(config(parts.path(), true), &batches(None), None);
    let summary = summary.unwrap();
    assert_eq!(summary.first_epoch, 3);
    assert_eq!(weights(&network, parts.path()), expected.0);
    assert_eq!(summary.best, expected.1.best);
    let losses = |s: &TrainSummary| s.history.iter().map(|r| r.train_loss).collect::<Vec<_>>();
    assert_eq!(losses(&summary).len(), 4);
    for (a, b) in losses(&summary).iter().zip(losses(&expected.1)) {
        assert!((a - b).abs() <= 1e-12 * b.abs());
    }
    for name in ["last", "best", "previous"] {
        let read = |folder: &Path| {
            fs::read(folder.join(format!("checkpoints/{name}.safetensors"))).unwrap()
        };
        assert!(read(whole.path()) == read(parts.path()), "{name} differs");
    }
}

#[test]
fn a_damaged_checkpoint_falls_back_to_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    train(config(folder.path(), false), &batches(None), None)
        .1
        .unwrap();
    let last = folder.path().join("checkpoints/last.safetensors");
    let mut bytes = fs::read(&last).unwrap();
    let at = bytes.len() - 9;
    bytes[at] ^= 4;
    fs::write(&last, &bytes).unwrap();
    let summary = train(config(folder.path(), true), &batches(None), None)
        .1
        .unwrap();
    assert_eq!(summary.first_epoch, 3);
    assert!(summary.passed_over.unwrap().contains("hash"));
    fs::write(&last, &bytes[..bytes.len() / 2]).unwrap();
    fs::write(folder.path().join("checkpoints/previous.safetensors"), b"").unwrap();
    let error = train(config(folder.path(), true), &batches(None), None)
        .1
        .unwrap_err();
    assert!(matches!(error, Error::BadCheckpoint { .. }), "{error}");
}

#[test]
fn a_checkpoint_that_says_another_place_than_it_was_written_at_is_damaged() {
    let folder = tempfile::tempdir().unwrap();
    train(config(folder.path(), false), &batches(None), None)
        .1
        .unwrap();
    let last = folder.path().join("checkpoints/last.safetensors");
    let whole = fs::read(&last).unwrap();
    for (before, after) in [("epoch\\\":4", "epoch\\\":5"), ("0.01", "0.02")] {
        let at = whole
            .windows(before.len())
            .position(|w| w == before.as_bytes());
        let at = at.unwrap();
        let mut bytes = whole.clone();
        bytes[at..at + after.len()].copy_from_slice(after.as_bytes());
        fs::write(&last, bytes).unwrap();
        let restored = CheckpointFolder::new(folder.path().join("checkpoints"))
            .unwrap()
            .load()
            .unwrap()
            .unwrap();
        assert_eq!(restored.position.place(), (3, 0), "{after}");
        assert!(restored.passed_over.unwrap().contains("hash"));
    }
}

#[test]
fn a_loss_that_is_not_a_number_names_its_cases_and_spares_the_checkpoint() {
    let folder = tempfile::tempdir().unwrap();
    train(config(folder.path(), false), &batches(None), None)
        .1
        .unwrap();
    let before = fs::read(folder.path().join("checkpoints/last.safetensors")).unwrap();
    let error = train(config(folder.path(), false), &batches(Some(1)), None)
        .1
        .unwrap_err();
    match &error {
        Error::NonFiniteLoss {
            cases, epoch: 0, ..
        } => assert!(cases.contains(&"case-1".to_owned())),
        other => panic!("{other}"),
    }
    assert_eq!(
        fs::read(folder.path().join("checkpoints/last.safetensors")).unwrap(),
        before
    );
}

/// A finite loss so steep that the squares of its gradient are not.
struct Steep;

impl Loss for Steep {
    fn forward(&self, logits: &Tensor, _: &Tensor) -> mednn::Result<Tensor> {
        Ok((logits.mean_all()? * 1e37)?)
    }
}

#[test]
fn gradients_that_are_not_finite_change_no_weight() {
    for (accumulate, clip_norm) in [(1, Some(12.0)), (2, Some(12.0)), (1, None), (2, None)] {
        let folder = tempfile::tempdir().unwrap();
        let network = Tiny::new(7);
        let before = values(&network, "first.weight");
        let mut optimizer = Sgd::new(&network.params, SgdConfig::default()).unwrap();
        let mut run = averaging(config(folder.path(), false), accumulate, None);
        run.clip_norm = clip_norm;
        let error = Trainer::new(&network, &Steep, &mut optimizer, run)
            .run(&batches(None))
            .unwrap_err();
        // Every batch of the step has two cases.
        assert!(
            matches!(&error, Error::NonFiniteGradient { epoch: 0, step: 0, cases, .. }
                if cases.len() == 2 * accumulate as usize),
            "{error}"
        );
        assert_eq!(before, values(&network, "first.weight"));
    }
}

#[test]
fn a_checkpoint_of_another_configuration_is_refused_by_the_name_of_what_differs() {
    let folder = tempfile::tempdir().unwrap();
    train(config(folder.path(), false), &batches(None), None)
        .1
        .unwrap();
    let mut other = config(folder.path(), true);
    other.configuration = serde_json::json!({"network": {"channels": 8}});
    let error = train(other, &batches(None), None).1.unwrap_err();
    assert!(
        matches!(&error, Error::OtherRun { field, .. } if field == "configuration.network.channels"),
        "{error}"
    );
}

#[test]
fn a_checkpoint_that_knows_no_averages_is_refused_by_name_and_goes_on_without() {
    let folder = tempfile::tempdir().unwrap();
    let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let config = config(folder.path(), false);
        train(config, &batches(None), Some(&mut KillAfter(1)))
    }));
    assert!(killed.is_err());
    // As it was written before there were these settings.
    let checkpoints = CheckpointFolder::new(folder.path().join("checkpoints")).unwrap();
    let network = Tiny::new(0);
    let old = checkpoints.restore(&network.params).unwrap().unwrap();
    let mut position = old.position;
    let identity = position.configuration.as_object_mut().unwrap();
    for setting in ["accumulate", "ema_decay"] {
        assert!(identity.remove(setting).unwrap().is_null());
    }
    let state = State {
        params: &network.params,
        optimizer: &old.optimizer,
        ema: None,
        position: &position,
    };
    checkpoints.save_epoch(&state, Found::ThisRun).unwrap();
    for (name, accumulate, ema_decay) in [("ema_decay", 1, Some(0.9)), ("accumulate", 2, None)] {
        let run = averaging(config(folder.path(), true), accumulate, ema_decay);
        let error = train(run, &batches(None), None).1.unwrap_err();
        assert!(
            matches!(&error, Error::OtherRun { field, .. } if field == name),
            "{error}"
        );
    }
    let summary = train(config(folder.path(), true), &batches(None), None).1;
    assert_eq!(summary.unwrap().first_epoch, 2);
}

#[test]
fn settings_out_of_range_are_refused_before_anything_is_done() {
    let folder = tempfile::tempdir().unwrap();
    let run = averaging(config(folder.path(), false), 0, None);
    let error = train(run, &batches(None), None).1.unwrap_err();
    assert!(matches!(error, Error::Nothing { what } if what == "batches in a step"));
    let run = averaging(config(folder.path(), false), 1, Some(1.5));
    let error = train(run, &batches(None), None).1.unwrap_err();
    assert!(error.to_string().contains("decay"), "{error}");
}

/// Single patches put together into batches of these sizes.
struct Grouped {
    patches: Arc<PatchBatches<3>>,
    sizes: Vec<u32>,
}

impl Source for Grouped {
    type Item = Batch;

    fn steps_per_epoch(&self) -> u32 {
        u32::try_from(self.sizes.len()).unwrap()
    }

    fn item(&self, epoch: u32, step: u32) -> medtrain::Result<Batch> {
        let first = self.sizes[..step as usize].iter().sum::<u32>();
        let (mut images, mut labels, mut cases) = (Vec::new(), Vec::new(), Vec::new());
        for number in first..first + self.sizes[step as usize] {
            let patch = self.patches.item(epoch, number)?;
            images.push(patch.inputs.image()?.clone());
            labels.push(patch.targets);
            cases.extend(patch.cases);
        }
        Ok(Batch {
            inputs: Inputs::new(Tensor::cat(&images, 0)?),
            targets: Tensor::cat(&labels, 0)?,
            cases,
        })
    }
}

#[test]
fn steps_over_small_batches_are_those_over_the_batches_they_make_up() {
    struct Count(u32);
    impl Observer for Count {
        fn step(&mut self, report: &StepReport) -> Heard {
            assert_eq!((report.step, report.steps), (self.0 % 3, 3));
            self.0 += 1;
            Ok(())
        }
    }
    // The last step of an epoch has what is left, one of nine.
    let results = [(vec![1; 9], 4), (vec![4, 4, 1], 1)].map(|(sizes, accumulate)| {
        let folder = tempfile::tempdir().unwrap();
        let network = Tiny::new(3);
        let mut sgd = Sgd::new(&network.params, SgdConfig::default()).unwrap();
        let mut run = averaging(config(folder.path(), false), accumulate, None);
        run.clip_norm = Some(0.2);
        let source = Arc::new(Grouped {
            patches: patches(None, 1, 9),
            sizes,
        });
        let mut count = Count(0);
        Trainer::new(&network, &CrossEntropy::new(), &mut sgd, run)
            .with_observer(&mut count)
            .run(&source)
            .unwrap();
        assert_eq!(count.0, 12);
        ["first.weight", "first.bias", "second.weight"].map(|name| values(&network, name))
    });
    let untrained = values(&Tiny::new(3), "second.weight");
    assert!(
        distance(&untrained, &results[0][2]) > 1e-4,
        "it has not learned"
    );
    for (small, large) in results[0].iter().zip(&results[1]) {
        assert!(distance(small, large) < 1e-6);
    }
}

#[test]
fn averaged_weights_follow_their_recurrence_and_are_what_is_scored_and_kept() {
    const NAME: &str = "first.weight";
    /// The weights after every step of the optimizer.
    struct Steps<'a>(&'a Tiny, Vec<Vec<f32>>);
    impl Observer for Steps<'_> {
        fn step(&mut self, _: &StepReport) -> Heard {
            self.1.push(values(self.0, NAME));
            Ok(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let network = Tiny::new(3);
    let mut average: Vec<f64> = values(&network, NAME).into_iter().map(f64::from).collect();
    let mut sgd = Sgd::new(&network.params, SgdConfig::default()).unwrap();
    let mut run = averaging(config(folder.path(), false), 1, Some(0.75));
    run.validate_every = 1;
    let (mut steps, mut validator) = (Steps(&network, Vec::new()), WeightSum);
    let summary = Trainer::new(&network, &CrossEntropy::new(), &mut sgd, run)
        .with_validator(&mut validator)
        .with_observer(&mut steps)
        .run(&batches(None))
        .unwrap();
    let mut epochs = Vec::new();
    for (number, weights) in steps.1.iter().enumerate() {
        for (average, &weight) in average.iter_mut().zip(weights) {
            *average = 0.75 * *average + 0.25 * f64::from(weight);
        }
        if number % 4 == 3 {
            epochs.push(average.iter().map(|&v| v as f32).collect::<Vec<_>>());
        }
    }
    let last = steps.1.last().unwrap();
    assert!(
        distance(last, &epochs[3]) > 1e-4,
        "nothing to tell them apart by"
    );
    assert!(distance(&values(&network, NAME), &epochs[3]) < 1e-6);
    for (report, average) in summary.history.iter().zip(&epochs) {
        let score = report.validation.as_ref().unwrap().score;
        assert!((score - f64::from(average.iter().sum::<f32>())).abs() < 1e-5);
    }
    let (best, _) = summary.best.unwrap();
    let kept = Tiny::new(0);
    summary.checkpoints.restore_best(&kept.params).unwrap();
    assert!(distance(&values(&kept, NAME), &epochs[best as usize]) < 1e-6);
    // Training would go on from the weights themselves.
    summary.checkpoints.restore(&kept.params).unwrap();
    assert_eq!(&values(&kept, NAME), last);
}

#[test]
fn two_runs_cannot_share_a_folder() {
    struct Second<'a>(&'a Path, Option<Error>);
    impl Observer for Second<'_> {
        fn started(&mut self, _: &RunReport<'_>) -> Heard {
            self.1 = train(config(self.0, false), &batches(None), None).1.err();
            Ok(())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let mut second = Second(folder.path(), None);
    train(
        config(folder.path(), false),
        &batches(None),
        Some(&mut second),
    )
    .1
    .unwrap();
    assert!(matches!(second.1, Some(Error::Locked { .. })));
}

/// The child of the test below runs this test again with a limit on the size of any file it writes.
const CHILD: &str = "MEDTRAIN_TEST_FULL_DISK";

#[cfg(unix)]
#[test]
fn a_full_disk_is_an_error_and_the_last_checkpoint_survives() {
    let config = |folder: &Path, resume| {
        let mut config = config(folder, resume);
        // Few words, so that the record is small.
        config.environment = Some(Environment::default());
        config
    };
    if let Some(folder) = std::env::var_os(CHILD) {
        let error = train(config(Path::new(&folder), true), &batches(None), None)
            .1
            .unwrap_err();
        assert!(error.to_string().contains("next.safetensors"), "{error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        train(
            config(folder.path(), false),
            &batches(None),
            Some(&mut KillAfter(1)),
        )
    }));
    assert!(killed.is_err());
    let last = folder.path().join("checkpoints/last.safetensors");
    let before = fs::read(&last).unwrap();
    // Blocks of 512 bytes: logs fit, a checkpoint of several kilobytes does not. The signal is ignored, so
    // that the write fails as it does on a full disk.
    let blocks = before.len() * 3 / 2048;
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" --exact \"$1\"");
    // Its output goes into a pipe: a log file would be under the limit too.
    let child = std::process::Command::new("sh")
        .args(["-c", &script])
        .arg(std::env::current_exe().unwrap())
        .arg("a_full_disk_is_an_error_and_the_last_checkpoint_survives")
        .env(CHILD, folder.path())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success(),
        "the child saw another error: {said}"
    );
    assert_eq!(fs::read(&last).unwrap(), before);
    let names: Vec<_> = fs::read_dir(folder.path().join("checkpoints"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains(".tmp-") || name.starts_with("next"))
        .collect();
    assert!(names.is_empty(), "left behind: {names:?}");
    let summary = train(config(folder.path(), true), &batches(None), None)
        .1
        .unwrap();
    assert_eq!(summary.first_epoch, 2);
}
