//! One seed, one result: on any number of threads, and however often a run was stopped.

use std::fs;
use std::path::Path;

use medinfer::{Segmenter, WEIGHTS_FILE};
use medio::nifti::{self, WriteOptions};

use crate::support::{Recipe, load, train, usual_cohort};

/// Everything a run leaves behind that must not depend on how it went.
fn results(out: &Path) -> Vec<(&'static str, Vec<u8>)> {
    [
        WEIGHTS_FILE,
        "config.json",
        "checkpoints/last.safetensors",
        "checkpoints/previous.safetensors",
    ]
    .map(|name| (name, fs::read(out.join(name)).unwrap()))
    .into()
}

fn same(a: &[(&str, Vec<u8>)], b: &[(&str, Vec<u8>)]) {
    for ((name, a), (_, b)) in a.iter().zip(b) {
        assert!(a == b, "{name} differs");
    }
}

#[test]
fn one_and_two_threads_write_the_same_network_and_the_same_prediction() {
    let mut found = Vec::new();
    for (threads, loader_threads) in [(1, 0), (2, 2)] {
        let folder = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new()
            .num_threads(threads)
            .build()
            .unwrap();
        let out = folder.path().join("out");
        let prediction = folder.path().join("prediction.nii.gz");
        pool.install(|| {
            let dataset = usual_cohort(folder.path());
            let cases = load(&dataset);
            let recipe = Recipe {
                loader_threads,
                ..Recipe::brief()
            };
            train(&dataset, &cases[1..], &out, &recipe, None).unwrap();
            let labels = Segmenter::load(&out)
                .unwrap()
                .segment(&cases[0].image)
                .unwrap();
            let like = WriteOptions::new().like(&cases[0].header);
            nifti::write_labels(&prediction, &labels, &like).unwrap();
        });
        found.push((results(&out), fs::read(&prediction).unwrap()));
    }
    same(&found[0].0, &found[1].0);
    assert!(found[0].1 == found[1].1, "the predictions differ");
}

#[cfg(unix)]
#[test]
fn a_run_killed_within_an_epoch_and_resumed_ends_with_the_bytes_of_one_that_was_not() {
    use crate::support::again;
    use medtrain::{Heard, Observer, StepReport};
    const VARIABLE: &str = "MED_PIPELINE_KILLED";
    /// Takes the whole process down, with its loader threads and its lock, in the middle of the second epoch.
    struct Kill;
    impl Observer for Kill {
        fn step(&mut self, report: &StepReport) -> Heard {
            if (report.epoch, report.step) == (1, 0) {
                std::process::abort();
            }
            Ok(())
        }
    }
    if let Some(folder) = std::env::var_os(VARIABLE) {
        let folder = Path::new(&folder);
        let dataset = medio::datasets::SegmentationDataset::open(folder).unwrap();
        let cases = load(&dataset);
        let out = folder.join("out");
        train(
            &dataset,
            &cases[1..],
            &out,
            &Recipe::brief(),
            Some(&mut Kill),
        )
        .unwrap();
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let dataset = usual_cohort(folder.path());
    let cases = load(&dataset);
    let name = "reproducible::a_run_killed_within_an_epoch_and_resumed_ends_with_the_bytes_of_one_that_was_not";
    let child = again(name, "ulimit -c 0;", VARIABLE, folder.path());
    assert!(!child.status.success(), "it was not killed");
    let out = folder.path().join("out");
    assert!(
        out.join("checkpoints/last.safetensors").is_file(),
        "it was killed too early"
    );
    assert!(!out.join(WEIGHTS_FILE).exists(), "it was killed too late");

    let recipe = Recipe {
        resume: true,
        ..Recipe::brief()
    };
    let resumed = train(&dataset, &cases[1..], &out, &recipe, None).unwrap();
    assert_eq!(resumed.summary.first_epoch, 1);
    let whole = folder.path().join("whole");
    let unbroken = train(&dataset, &cases[1..], &whole, &Recipe::brief(), None).unwrap();
    same(&results(&out), &results(&whole));
    let losses = |t: &crate::support::Trained| -> Vec<u64> {
        t.summary
            .history
            .iter()
            .map(|e| e.train_loss.to_bits())
            .collect()
    };
    assert_eq!(losses(&resumed), losses(&unbroken));
}
