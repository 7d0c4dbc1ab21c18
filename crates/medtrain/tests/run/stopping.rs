//! Runs that end before their last epoch, and runs that are refused.

use std::path::Path;
use std::time::Duration;

use mednn::Model;
use mednn::loss::CrossEntropy;
use medtrain::{
    BoxError, EarlyStop, Ending, Error, Heard, Observer, Sanity, StepReport, StopFlag, Trainer,
    Validation, Validator,
};

use crate::support::{Tiny, batches, config, sgd, train, train_until, values};

/// Sends the process a signal in the second step.
struct Signal(i32);

impl Observer for Signal {
    fn step(&mut self, report: &StepReport) -> Heard {
        if report.step == 1 {
            signal_hook::low_level::raise(self.0)?;
        }
        Ok(())
    }
}

/// Set in the child of a test that runs itself again.
const CHILD: &str = "MEDTRAIN_TEST_SIGNAL";

/// The test of this name as a process of its own.
fn child(test: &str, value: &Path) -> std::process::Output {
    std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(CHILD, value)
        .output()
        .unwrap()
}

#[test]
fn a_signal_ends_the_run_after_its_step_with_a_checkpoint() {
    use signal_hook::consts::{SIGINT, SIGTERM};

    if let Some(folder) = std::env::var_os(CHILD) {
        let folder = Path::new(&folder);
        let flag = StopFlag::on_signals().unwrap();
        let stop = train_until(
            config(folder, false),
            &batches(None),
            Some(&mut Signal(SIGTERM)),
            flag.clone(),
        );
        let summary = stop.1.unwrap();
        assert_eq!(summary.ending, Ending::Requested);
        assert!(summary.ending.is_resumable() && summary.history.is_empty());
        assert!(summary.checkpoints.within().exists() && !summary.checkpoints.last().exists());
        println!("stopped");
        // The second one ends the process.
        signal_hook::low_level::raise(SIGINT).unwrap();
        println!("went on");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let test = "stopping::a_signal_ends_the_run_after_its_step_with_a_checkpoint";
    let output = child(test, folder.path());
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(
        said.contains("stopped") && !said.contains("went on"),
        "{said}"
    );
    #[cfg(unix)]
    {
        use std::os::unix::process::ExitStatusExt as _;
        assert_eq!(output.status.signal(), Some(SIGINT));
    }
    let summary = train(config(folder.path(), true), &batches(None), None)
        .1
        .unwrap();
    assert_eq!((summary.first_epoch, summary.first_step), (0, 2));
    assert_eq!(
        (summary.ending, summary.history.len()),
        (Ending::Completed, 4)
    );
}

#[test]
fn a_run_whose_time_is_up_makes_a_step_and_can_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut places = Vec::new();
    for number in 0..6 {
        let mut run = config(folder.path(), number > 0);
        run.time_limit = Some(Duration::ZERO);
        let summary = train(run, &batches(None), None).1.unwrap();
        assert_eq!(summary.ending, Ending::OutOfTime);
        places.push((summary.first_epoch, summary.first_step));
    }
    assert_eq!(places, [(0, 0), (0, 1), (0, 2), (0, 3), (1, 0), (1, 1)]);
}

/// These scores, one an epoch.
struct Scores(&'static [f64]);

impl Validator for Scores {
    fn validate(&mut self, _: &dyn Model, epoch: u32) -> Result<Validation, BoxError> {
        Ok(Validation::new(self.0[epoch as usize]))
    }
}

fn scored(folder: &Path, resume: bool, epochs: u32) -> medtrain::TrainSummary {
    let network = Tiny::new(3);
    let (mut optimizer, mut run) = (sgd(&network), config(folder, resume));
    run.epochs = epochs;
    run.validate_every = 1;
    run.keep_epochs = 2;
    run.early_stop = Some(EarlyStop::new(2));
    let mut scores = Scores(&[0.2, 0.5, f64::NAN, 0.7, 0.6, 0.65, 0.9]);
    Trainer::new(&network, &CrossEntropy::new(), &mut optimizer, run)
        .with_validator(&mut scores)
        .run(&batches(None))
        .unwrap()
}

#[test]
fn a_score_that_stalls_ends_the_run_and_a_resumed_run_stays_ended() {
    let folder = tempfile::tempdir().unwrap();
    let summary = scored(folder.path(), false, 7);
    assert_eq!(summary.ending, Ending::EarlyStopped);
    assert_eq!((summary.best, summary.history.len()), (Some((3, 0.7)), 6));
    let checkpoints = &summary.checkpoints;
    let network = Tiny::new(0);
    assert_eq!(
        checkpoints.restore_epoch(3, &network.params).unwrap().epoch,
        4
    );
    assert_eq!(
        checkpoints.restore_epoch(5, &network.params).unwrap().epoch,
        6
    );
    for dropped in [0, 1, 2, 4, 6] {
        assert!(!checkpoints.epoch(dropped).exists(), "{dropped}");
    }
    let again = scored(folder.path(), true, 7);
    assert_eq!((again.ending, again.first_epoch), (Ending::EarlyStopped, 6));
    // A score that is no number is read back from the log.
    assert!(again.history[2].validation.as_ref().unwrap().score.is_nan());
}

#[test]
fn a_refused_resumption_leaves_the_network_as_it_is() {
    let folder = tempfile::tempdir().unwrap();
    train(config(folder.path(), false), &batches(None), None)
        .1
        .unwrap();
    let mut other = config(folder.path(), true);
    other.learning_rate = 0.5;
    let (network, refused) = train(other, &batches(None), None);
    assert!(matches!(refused, Err(Error::OtherRun { ref field, .. }) if field == "learning_rate"));
    let untouched = Tiny::new(3);
    assert_eq!(
        values(&network, "first.weight"),
        values(&untouched, "first.weight")
    );
    // Other steps in an epoch are another run too, and so are frozen parameters.
    let run = config(folder.path(), true);
    let refused = train(run, &crate::support::patches(None, 2, 5), None).1;
    assert!(
        matches!(refused, Err(Error::OtherRun { ref field, .. }) if field == "steps_per_epoch")
    );
    let frozen = Tiny::new(3);
    frozen
        .params
        .set_trainable(false, |name| name.starts_with("first"));
    let mut optimizer = sgd(&frozen);
    let refused = Trainer::new(
        &frozen,
        &CrossEntropy::new(),
        &mut optimizer,
        config(folder.path(), true),
    )
    .run(&batches(None));
    assert!(matches!(refused, Err(Error::OtherRun { ref field, .. }) if field == "frozen"));
}

#[test]
fn what_an_earlier_run_left_is_gone_with_the_first_checkpoint_of_a_new_one() {
    let folder = tempfile::tempdir().unwrap();
    let first = scored(folder.path(), false, 7).checkpoints;
    let before = std::fs::read(first.last()).unwrap();
    let mut run = config(folder.path(), false);
    run.time_limit = Some(Duration::ZERO);
    train(run, &batches(None), None).1.unwrap();
    assert!(!first.last().exists() && !first.previous().exists() && !first.best().exists());
    assert!(!first.epoch(3).exists() && first.within().exists());
    assert!(std::fs::read(first.within()).unwrap() != before);
    let summary = train(config(folder.path(), true), &batches(None), None)
        .1
        .unwrap();
    assert_eq!((summary.first_epoch, summary.first_step), (0, 1));
}

#[test]
fn a_run_that_comes_to_no_checkpoint_leaves_an_earlier_one_its_log() {
    struct AtOnce;
    impl Observer for AtOnce {
        fn step(&mut self, _: &StepReport) -> Heard {
            Err("not that folder".into())
        }
    }
    let folder = tempfile::tempdir().unwrap();
    let run = |resume, observer: Option<&mut dyn Observer>| {
        train(config(folder.path(), resume), &batches(None), observer).1
    };
    let log = || std::fs::read_to_string(folder.path().join("log.jsonl")).unwrap();
    let checkpoints = run(false, None).unwrap().checkpoints;
    let before = log();
    assert_eq!(before.lines().count(), 4);
    run(false, Some(&mut AtOnce)).unwrap_err();
    assert_eq!(log(), before);
    // Nor does one whose first checkpoint cannot be written.
    let in_the_way = checkpoints.last().with_file_name("next.safetensors");
    std::fs::create_dir(&in_the_way).unwrap();
    run(false, None).unwrap_err();
    assert_eq!(log(), before);
    std::fs::remove_dir(in_the_way).unwrap();
    let resumed = run(true, None).unwrap();
    assert_eq!(resumed.history.len(), 4);
    assert!(resumed.missing_epochs.is_empty());
    // A log without the epochs before its checkpoint is told of.
    let path = folder.path().join("log.jsonl");
    std::fs::write(&path, before.lines().nth(2).unwrap()).unwrap();
    let resumed = run(true, None).unwrap();
    assert_eq!(
        (resumed.missing_epochs, resumed.history.len()),
        (vec![0, 1, 3], 1)
    );
    std::fs::remove_file(path).unwrap();
    assert_eq!(run(true, None).unwrap().missing_epochs, [0, 1, 2, 3]);
}

#[test]
fn a_validation_that_cannot_work_and_a_batch_that_cannot_be_learnt_from_are_met_before_the_first_step()
 {
    struct Never;
    impl Observer for Never {
        fn step(&mut self, _: &StepReport) -> Heard {
            Err("a step was made".into())
        }
    }
    let mut broken =
        |_: &dyn Model, _: u32| -> Result<Validation, BoxError> { Err("no such organ".into()) };
    for sanity in [Sanity::BatchAndValidation, Sanity::Batch] {
        let folder = tempfile::tempdir().unwrap();
        let network = Tiny::new(3);
        let (mut optimizer, mut run) = (sgd(&network), config(folder.path(), false));
        run.sanity = sanity;
        let error = Trainer::new(&network, &CrossEntropy::new(), &mut optimizer, run)
            .with_validator(&mut broken)
            .with_observer(&mut Never)
            .run(&batches(None))
            .unwrap_err()
            .to_string();
        let expected = match sanity {
            Sanity::Batch => "a step was made",
            _ => "no such organ",
        };
        assert!(error.contains(expected), "{error}");
    }
    let folder = tempfile::tempdir().unwrap();
    let poisoned = crate::support::patches(Some(1), 3, 4);
    let error = train(config(folder.path(), false), &poisoned, Some(&mut Never)).1;
    assert!(matches!(error, Err(Error::NonFiniteLoss { .. })));
}
