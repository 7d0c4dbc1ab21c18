//! Training on what real folders hold: empty label maps, classes that come later, full disks.

use medcore::random::Key;
use medinfer::Segmenter;
use medio::datasets::Sample;
use medmetrics::{EmptyPolicy, Evaluation, Measure, Reason, Report};
use medphantom::Organ;

use crate::geometry::written_like;
use crate::support::{
    ORGANS, Recipe, differing, load, only, phantoms, table, train, usual_cohort, write_cohort,
};

#[test]
fn a_network_trained_from_a_folder_is_saved_loaded_and_finds_the_organs_of_a_new_patient() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = usual_cohort(folder.path());
    let cases = load(&dataset);
    let (held_out, training) = cases.split_at(1);
    let recipe = Recipe {
        epochs: 6,
        steps: 25,
        ..Recipe::brief()
    };
    let out = folder.path().join("out");
    let trained = train(&dataset, training, &out, &recipe, None).unwrap();
    let losses: Vec<f64> = trained
        .summary
        .history
        .iter()
        .map(|e| e.train_loss)
        .collect();
    assert!(losses[5] < losses[0] - 0.5, "{losses:?}");

    let loaded = Segmenter::load(&out).unwrap();
    assert_eq!(loaded.config(), trained.segmenter.config());
    let case = &held_out[0];
    let labels = loaded.segment(&case.image).unwrap();
    assert_eq!(labels, trained.segmenter.segment(&case.image).unwrap());
    assert_eq!(labels.geometry(), case.image.geometry());
    let back = written_like(
        &case.header,
        &labels,
        &folder.path().join("prediction.nii.gz"),
    );

    let evaluation = Evaluation::of_organs(ORGANS.map(|organ| organ.name()));
    let truth = case.labels.as_ref().unwrap();
    let found = evaluation.case(&case.id, truth, &back).unwrap();
    let dice: Vec<_> = found
        .structures
        .iter()
        .map(|s| s.dice.value.unwrap())
        .collect();
    println!("Dice of the held-out patient {dice:?}, losses {losses:?}");
    assert!(dice[0] > 0.5 && dice[1] > 0.2, "{dice:?}");
}

#[test]
fn training_goes_on_with_a_case_of_nothing_but_background_and_its_metrics_follow_the_policy() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = write_cohort(folder.path(), table(&ORGANS), |patient, phantom| {
        let labels = only(phantom, &ORGANS);
        if patient < 2 {
            labels.map(|_| 0_u8)
        } else {
            labels
        }
    });
    let cases = load(&dataset);
    assert!(
        cases[0]
            .labels
            .as_ref()
            .unwrap()
            .as_slice()
            .iter()
            .all(|&l| l == 0)
    );
    let out = folder.path().join("out");
    let trained = train(&dataset, &cases[1..4], &out, &Recipe::brief(), None).unwrap();
    assert!(
        trained
            .summary
            .history
            .iter()
            .all(|epoch| epoch.train_loss.is_finite())
    );

    let truth = cases[0].labels.as_ref().unwrap();
    let wrong = only(&phantoms()[0], &ORGANS);
    for (policy, both, one) in [
        (EmptyPolicy::WORST, None, Some(0.0)),
        (EmptyPolicy::MONAI, None, None),
        (EmptyPolicy::METRICS_RELOADED, Some(1.0), Some(0.0)),
    ] {
        let evaluation = Evaluation::of_organs(ORGANS.map(|organ| organ.name())).with_empty(policy);
        let mut report = Report::new(evaluation.clone());
        let agree = evaluation.case("agree", truth, truth).unwrap();
        let invent = evaluation.case("invent", truth, &wrong).unwrap();
        for structure in &agree.structures {
            assert_eq!((structure.dice.value, structure.reason), (both, None));
        }
        for structure in &invent.structures {
            assert_eq!(structure.dice.value, one);
            assert_eq!(structure.reason, Some(Reason::FalsePositive));
        }
        report.push(agree).unwrap();
        report.push(invent).unwrap();
        let summary = report.summary("liver", Measure::Dice);
        assert_eq!(summary.n + summary.n_undefined, 2);
        assert_eq!(
            summary.n,
            usize::from(both.is_some()) + usize::from(one.is_some())
        );
    }
    // The network's own result on it is defined too.
    let labels = trained.segmenter.segment(&cases[0].image).unwrap();
    let evaluation = Evaluation::of_organs(ORGANS.map(|organ| organ.name()));
    for structure in evaluation.case("x", truth, &labels).unwrap().structures {
        let invented = structure.overlap.prediction() > 0;
        assert_eq!(structure.dice.value, invented.then_some(0.0));
    }
}

#[test]
fn a_cohort_without_any_foreground_is_refused_for_ct_and_trained_for_other_modalities() {
    let folder = tempfile::tempdir().unwrap();
    let mut dataset = write_cohort(folder.path(), table(&ORGANS), |_, phantom| {
        phantom.labels.map(|_| 0_u8)
    });
    let cases = load(&dataset);
    let out = folder.path().join("out");
    let refused = train(&dataset, &cases, &out, &Recipe::brief(), None).unwrap_err();
    assert!(refused.to_string().contains("no foreground"), "{refused}");
    dataset.channels = vec!["T1".to_owned()];
    let trained = train(&dataset, &cases, &out, &Recipe::brief(), None).unwrap();
    assert_eq!(trained.summary.history.len(), 3);
}

#[test]
fn a_class_that_training_never_saw_is_missed_with_a_dice_of_zero() {
    const THREE: [Organ; 3] = [Organ::Liver, Organ::Spine, Organ::Stomach];
    let folder = tempfile::tempdir().unwrap();
    let dataset = write_cohort(folder.path(), table(&THREE), |patient, phantom| {
        let labels = only(phantom, &THREE);
        if patient == 0 {
            labels
        } else {
            labels.map(|l| if l == 3 { 0_u8 } else { l })
        }
    });
    let cases = load(&dataset);
    let (held_out, training) = cases.split_at(1);
    let recipe = Recipe {
        epochs: 5,
        steps: 20,
        ..Recipe::brief()
    };
    let out = folder.path().join("out");
    let trained = train(&dataset, training, &out, &recipe, None).unwrap();
    assert_eq!(trained.segmenter.config().model.out_channels(), 4);
    let prediction = trained.segmenter.segment(&held_out[0].image).unwrap();
    let evaluation = Evaluation::of_organs(THREE.map(|organ| organ.name()));
    let truth = held_out[0].labels.as_ref().unwrap();
    let mut report = Report::new(evaluation.clone());
    report
        .push(evaluation.case("held out", truth, &prediction).unwrap())
        .unwrap();
    let stomach = &report.cases[0].structures[2];
    assert!(stomach.overlap.reference() > 50);
    assert_eq!(stomach.overlap.prediction(), 0);
    assert_eq!(
        (stomach.dice.value, stomach.reason),
        (Some(0.0), Some(Reason::Missed))
    );
    assert!(
        stomach
            .hausdorff_percentile
            .value
            .is_some_and(|mm| mm > 300.0),
        "the image's diagonal"
    );
    assert_eq!(report.summary("stomach", Measure::Dice).mean, Some(0.0));
    let findings = report.findings(3);
    let finding = findings.iter().find(|f| f.structure == "stomach").unwrap();
    assert_eq!(finding.reason.name(), "missed");
    // A class of the test case alone changes nothing for the others.
    assert!(report.summary("liver", Measure::Dice).n == 1);
}

#[test]
fn a_case_without_labels_is_refused_by_name_before_training() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = usual_cohort(folder.path());
    let mut cases: Vec<Sample> = load(&dataset);
    let preprocess = crate::support::plan(&dataset, &cases).unwrap();
    cases[3].labels = None;
    let prepared = cases.iter().map(|case| {
        let ready = preprocess.apply(&case.image, case.labels.as_ref()).unwrap();
        let sample = ready.into_sample().unwrap();
        (
            case.id.clone(),
            medaug::Case::new(sample, None, Key::new(1)),
        )
    });
    let prepared = medtrain::Cohort::of_patients(prepared)
        .unwrap()
        .train_on_all();
    let pipeline = medaug::preset::nnunet_default(
        crate::support::PATCH,
        medaug::Space::Voxels,
        medaug::Laterality::Keep,
    );
    let refused = medtrain::PatchBatches::new(prepared, pipeline.unwrap(), 2, 1, 1).unwrap_err();
    assert!(
        matches!(&refused, medtrain::Error::MissingLabels { case } if case == "patient_3"),
        "{refused}"
    );
}

#[cfg(unix)]
#[test]
fn a_full_disk_leaves_the_earlier_checkpoint_and_model_readable() {
    use crate::support::again;
    use medinfer::WEIGHTS_FILE;
    use mednn::Params;
    use medtrain::CheckpointFolder;
    const VARIABLE: &str = "MED_PIPELINE_FULL_DISK";
    let longer = Recipe {
        epochs: 4,
        resume: true,
        ..Recipe::brief()
    };
    if let Some(folder) = std::env::var_os(VARIABLE) {
        let folder = std::path::PathBuf::from(folder);
        let dataset = medio::datasets::SegmentationDataset::open(&folder).unwrap();
        let cases = load(&dataset);
        let out = folder.join("out");
        let error = train(&dataset, &cases[1..3], &out, &longer, None).unwrap_err();
        assert!(
            format!("{error:#}").contains("next.safetensors"),
            "{error:#}"
        );
        let error = Segmenter::load(&out).unwrap().save(&out).unwrap_err();
        assert!(error.to_string().contains(WEIGHTS_FILE), "{error}");
        let error = Segmenter::load(&out)
            .unwrap()
            .save(folder.join("new"))
            .unwrap_err();
        assert!(error.to_string().contains(WEIGHTS_FILE), "{error}");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let dataset = usual_cohort(folder.path());
    let cases = load(&dataset);
    let out = folder.path().join("out");
    // A run of four epochs that stops after the second one.
    let mut stop = StopAfter(1);
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        train(&dataset, &cases[1..3], &out, &longer, Some(&mut stop))
    }));
    assert!(stopped.is_err());
    let segmenter = crate::support::untrained(&dataset, &cases[1..3]);
    segmenter.save(&out).unwrap();
    let files = ["checkpoints/last.safetensors", WEIGHTS_FILE, "config.json"].map(|n| out.join(n));
    let before = files.each_ref().map(|path| std::fs::read(path).unwrap());
    // Blocks of 512 bytes: logs and descriptions fit, weights and checkpoints do not. The signal is ignored, so
    // that a write fails as it does on a full disk.
    let limits = format!("trap '' XFSZ; ulimit -f {};", before[1].len() / 1024);
    let name = "training::a_full_disk_leaves_the_earlier_checkpoint_and_model_readable";
    let child = again(name, &limits, VARIABLE, folder.path());
    let said = String::from_utf8_lossy(&child.stdout);
    assert!(
        child.status.success() && said.contains("1 passed"),
        "the child said: {said}"
    );
    assert_eq!(
        files.each_ref().map(|path| std::fs::read(path).unwrap()),
        before
    );

    let params = Params::new(0);
    medmodels::create(&segmenter.config().model, &params).unwrap();
    let checkpoints = CheckpointFolder::new(out.join("checkpoints")).unwrap();
    let restored = checkpoints.restore(&params).unwrap().unwrap();
    assert_eq!((restored.position.epoch, restored.passed_over), (2, None));
    let image = &cases[0].image;
    let kept = Segmenter::load(&out).unwrap().segment(image).unwrap();
    assert_eq!(differing(&kept, &segmenter.segment(image).unwrap()), 0.0);
    let trained = train(&dataset, &cases[1..3], &out, &longer, None).unwrap();
    assert_eq!(trained.summary.first_epoch, 2);
    let names = std::fs::read_dir(&out)
        .unwrap()
        .chain(std::fs::read_dir(out.join("checkpoints")).unwrap());
    for entry in names {
        let name = entry.unwrap().file_name().into_string().unwrap();
        assert!(
            !name.contains(".tmp-") && !name.starts_with("next"),
            "{name} was left behind"
        );
    }
}

/// Ends a run when the checkpoint of an epoch is on disk.
#[cfg(unix)]
struct StopAfter(u32);

#[cfg(unix)]
impl medtrain::Observer for StopAfter {
    fn epoch(&mut self, report: &medtrain::EpochReport) -> medtrain::Heard {
        assert!(report.epoch < self.0, "stopped");
        Ok(())
    }
}
