//! What others are told of a run: TensorBoard, DVC and W&B. In the folder that `MED_LOG_OUT` names, files stay with what must be read
//! in them, for `tools/read_back/events.py` and `tools/read_back/wandb_runs.py`.

use std::fs;
use std::path::{Path, PathBuf};

use mednn::Model;
use medtrain::log::dvc::{DvcLive, DvcOutput};
use medtrain::log::tensorboard::{TensorBoard, export};
use medtrain::log::{EpochReport, LOG_FILE, RunRecord, read, wandb};
use medtrain::{
    BoxError, Heard, Observer, RunReport, StepReport, TrainConfig, TrainSummary, Trainer,
    Validation, Validator,
};
use serde_json::{Value, json};

use crate::support::{Tiny, batches, config, sgd, train};

/// A folder that stays, if somebody wants to look into it.
pub(crate) fn out(name: &str, temporary: &Path) -> PathBuf {
    let folder = match std::env::var_os("MED_LOG_OUT") {
        Some(folder) => PathBuf::from(folder).join(name),
        None => temporary.join(name),
    };
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Three by two grey pixels.
fn picture() -> &'static [u8] {
    let fixture = include_bytes!("../parity/events.tfevents");
    let find = |wanted: &[u8]| fixture.windows(wanted.len()).position(|w| w == wanted);
    &fixture[find(b"\x89PNG").unwrap()..find(b"IEND").unwrap() + 8]
}

/// Scores by the epoch and shows what it sees.
struct Shows(TensorBoard);

impl Validator for Shows {
    fn validate(&mut self, model: &dyn Model, epoch: u32) -> Result<Validation, BoxError> {
        let weights = model.params().tensor("first.weight")?;
        let weights: Vec<f32> = weights.flatten_all()?.to_vec1()?;
        self.0.image("worst case", picture());
        self.0
            .histogram("first.weight", weights.iter().copied().map(f64::from));
        self.0.text("notes", &format!("after epoch **{epoch}**"));
        Ok(Validation {
            score: f64::from(epoch) / 3.0,
            metrics: vec![("dice (liver)".to_owned(), f64::NAN)],
        })
    }
}

/// Passes everything on, and panics before a step.
struct Until<'a>(&'a mut TensorBoard, u32, u32);

impl Observer for Until<'_> {
    fn started(&mut self, report: &RunReport<'_>) -> Heard {
        self.0.started(report)
    }

    fn step(&mut self, report: &StepReport) -> Heard {
        assert!((report.epoch, report.step) != (self.1, self.2), "killed");
        self.0.step(report)
    }

    fn epoch(&mut self, report: &EpochReport) -> Heard {
        self.0.epoch(report)
    }

    fn finished(&mut self, summary: &TrainSummary) -> Heard {
        self.0.finished(summary)
    }
}

fn shown(config: TrainConfig, board: &mut TensorBoard, kill: (u32, u32)) -> Option<TrainSummary> {
    let network = Tiny::new(3);
    let mut sgd = sgd(&network);
    let loss = mednn::loss::DiceCrossEntropy::nnunet(false);
    let mut shows = Shows(board.clone());
    let mut observer = Until(board, kill.0, kill.1);
    let run = std::panic::AssertUnwindSafe(|| {
        Trainer::new(&network, &loss, &mut sgd, config)
            .with_validator(&mut shows)
            .with_observer(&mut observer)
            .run(&batches(None))
            .unwrap()
    });
    std::panic::catch_unwind(run).ok()
}

/// The curves of a log, by tag, each at the steps done.
fn curves(history: &[EpochReport], steps: u32) -> Value {
    let mut curves = json!({});
    for report in history {
        for (tag, value) in report.numbers() {
            let step = (report.epoch + 1) * steps;
            let value: Value = match value.is_finite() {
                true => value.into(),
                false => value.to_string().into(),
            };
            let point = json!([step, value]);
            match curves[&tag].as_array_mut() {
                Some(curve) => curve.push(point),
                None => curves[&tag] = json!([point]),
            }
        }
    }
    curves
}

#[test]
fn tensorboard_is_told_of_a_run_that_was_killed_and_resumed() {
    let temporary = tempfile::tempdir().unwrap();
    let folder = temporary.path().join("run");
    let events = out("tensorboard-run", temporary.path());
    let board = || TensorBoard::new().in_folder(&events).with_steps_every(2);
    // The last step before the end has no checkpoint behind it: step 14 is told twice, and counts once.
    assert!(shown(config(&folder, false), &mut board(), (3, 3)).is_none());
    let mut second = board();
    let summary = shown(config(&folder, true), &mut second, (9, 9)).unwrap();
    assert_eq!((summary.first_epoch, second.problem()), (3, None));
    let files: Vec<_> = fs::read_dir(&events).unwrap().collect();
    assert_eq!(files.len(), 2);

    let step_tags = ["step/loss", "step/learning_rate", "step/gradient_norm"];
    let expected = json!({
        "scalars": curves(&summary.history, 4),
        "steps": step_tags.map(|tag| (tag, (1..=8).map(|n| 2 * n).collect::<Vec<_>>())),
        "images": {"worst case": [8, 16]},
        "image_size": [3, 2],
        "histograms": {"first.weight": [8, 16]},
        "histogram_count": 108,
        "texts": {"notes": [[8, "after epoch **1**"], [16, "after epoch **3**"]]},
        "settings": {"epochs": 4.0, "configuration.network.channels": 4.0, "learning_rate": 0.01},
        "status": 1,
    });
    fs::write(events.join("expected.json"), expected.to_string()).unwrap();

    // The same curves from the log alone.
    let exported = out("tensorboard-export", temporary.path());
    let file = export(&folder, &exported).unwrap();
    assert!(fs::metadata(&file).unwrap().len() > 1000);
    let expected = json!({
        "scalars": curves(&read(&folder.join(LOG_FILE)).unwrap(), 4),
        "settings": {"epochs": 4.0},
        "status": 1,
    });
    fs::write(exported.join("expected.json"), expected.to_string()).unwrap();
}

#[test]
fn a_folder_that_cannot_be_written_ends_no_run() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let mut board = TensorBoard::new().in_folder(file.join("below"));
    let run = config(&folder.path().join("run"), false);
    train(run, &batches(None), Some(&mut board)).1.unwrap();
    assert!(board.problem().unwrap().contains("below"));
    let mut live = DvcLive::new(file.join("below"));
    let run = config(&folder.path().join("run"), false);
    train(run, &batches(None), Some(&mut live)).1.unwrap();
    assert!(live.problem().unwrap().contains("below"));
}

#[test]
fn w_and_b_is_told_of_a_run_by_its_files() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let mut shows = Shows(TensorBoard::new());
    let network = Tiny::new(3);
    let mut sgd = sgd(&network);
    let loss = mednn::loss::DiceCrossEntropy::nnunet(false);
    let summary = Trainer::new(&network, &loss, &mut sgd, config(&run, false))
        .with_validator(&mut shows)
        .run(&batches(None));
    let summary = summary.unwrap();
    let offline = out("wandb", folder.path());
    let made = wandb::export(&run, &offline, "livers").unwrap();
    let id = RunRecord::read(&run).unwrap().id;
    let file = made.join(format!("run-{id}.wandb"));
    let bytes = fs::read(&file).unwrap();
    assert!(bytes.starts_with(b":W&B"));
    let has = |text: &str| {
        bytes
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    let first = summary.history[0].train_loss.to_string();
    for text in [
        "livers",
        &id,
        "learning_rate",
        "validation/dice (liver)",
        "NaN",
        &first,
    ] {
        assert!(has(text), "{text}");
    }
    // The same run once more is the same file.
    assert_eq!(wandb::export(&run, &offline, "livers").unwrap(), made);
    assert_eq!(fs::read(&file).unwrap(), bytes);

    let lines = { summary.history.iter() }.map(|report| {
        let numbers = report.numbers().into_iter();
        let numbers = numbers.map(|(name, value)| match value.is_finite() {
            true => (name, json!(value)),
            false => (name, json!(value.to_string())),
        });
        json!({"step": 4 * (report.epoch + 1), "numbers": numbers.collect::<serde_json::Map<_, _>>()})
    });
    let expected = json!({
        "project": "livers",
        "id": id,
        "config": {"epochs": 4, "learning_rate": 0.01},
        "lines": lines.collect::<Vec<_>>(),
        "exit": 0,
    });
    fs::write(offline.join("expected.json"), expected.to_string()).unwrap();
}

#[test]
fn dvc_finds_settings_metrics_and_curves() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    let live = out("dvclive", folder.path());
    let mut logger = DvcLive::new(&live);
    let (_, summary) = train(config(&run, false), &batches(None), Some(&mut logger));
    let history = summary.unwrap().history;
    assert_eq!(logger.problem(), None);
    let text = |name: &str| fs::read_to_string(live.join(name)).unwrap();
    let metrics: Value = serde_json::from_str(&text("metrics.json")).unwrap();
    assert_eq!(metrics["train"]["loss"], history[3].train_loss);
    assert_eq!(metrics["validation"]["sum"], metrics["score"]);
    assert_eq!(metrics["step"], 3);
    let curve = text("plots/metrics/train/loss.tsv");
    let lines: Vec<&str> = curve.lines().collect();
    assert_eq!((lines[0], lines.len()), ("step\tloss", 5));
    assert_eq!(lines[2], format!("1\t{}", history[1].train_loss));
    assert_eq!(text("plots/metrics/score.tsv").lines().count(), 3);
    let params = medtrain::log::dvc::read_params(&live.join("params.yaml")).unwrap();
    assert_eq!(params["configuration"]["network"]["channels"], 4);
    assert_eq!(params["learning_rate"], 0.01);

    // Again from the log, and by a run that goes on after its end.
    let before = [
        "metrics.json",
        "params.yaml",
        "plots/metrics/train/loss.tsv",
    ]
    .map(text);
    let exported = folder.path().join("exported");
    DvcLive::export(&run, &exported).unwrap();
    let read = |name: &str| fs::read_to_string(exported.join(name)).unwrap();
    let names = [
        "metrics.json",
        "params.yaml",
        "plots/metrics/train/loss.tsv",
    ];
    assert_eq!(names.map(read), before);
    fs::remove_dir_all(&live).unwrap();
    train(config(&run, true), &batches(None), Some(&mut logger))
        .1
        .unwrap();
    assert_eq!(names.map(text), before);
}

#[test]
fn data_are_known_by_what_dvc_keeps_of_them() {
    // DVC 3.67.1: `dvc add data`, and `dvc repro` of a stage that reads it.
    let folder = tempfile::tempdir().unwrap();
    let top = folder.path();
    fs::create_dir(top.join("data")).unwrap();
    fs::write(top.join("data/a.txt"), "alpha").unwrap();
    let tracked = "outs:\n- md5: 2c1743a391305fbf367df8e4f069f9f9\n  size: 5\n  hash: md5\n  path: data/a.txt\n";
    fs::write(top.join("a.dvc"), tracked).unwrap();
    let output = &DvcOutput::read(&top.join("a.dvc")).unwrap()[0];
    assert_eq!((output.size, output.files), (Some(5), None));
    output.verify(top).unwrap();
    let lock = "schema: '2.0'\nstages:\n  train:\n    cmd: printf model > model.bin; echo {} > metrics.json\n    deps:\n    - path: data\n      hash: md5\n      md5: 69488884cb57f541781437f90c626239.dir\n      size: 14\n      nfiles: 4\n    params:\n      params.yaml:\n        lr: 0.1\n    outs:\n    - path: model.bin\n      hash: md5\n      md5: 20f35e630daf44dbfa4c3f68f5399d8c\n      size: 5\n";
    fs::write(top.join("dvc.lock"), lock).unwrap();
    let (read, made) = DvcOutput::of_stage(&top.join("dvc.lock"), "train").unwrap();
    assert_eq!(read[0].md5, "69488884cb57f541781437f90c626239.dir");
    assert_eq!(
        (read[0].files, made[0].path.to_str()),
        (Some(4), Some("model.bin"))
    );
    let error = read[0].verify(top).unwrap_err().to_string();
    assert!(
        error.contains("69488884") && error.contains("data"),
        "{error}"
    );
    assert!(DvcOutput::of_stage(&top.join("dvc.lock"), "test").is_err());
    for wrong in [
        "outs:\n- md5: 2c17\n  path: a\n",
        "outs:\n- path: a\n",
        "outs: a\n",
        "outs:\n- md5: 2c1743a391305fbf367df8e4f069f9f9\n  hash: md5-dos2unix\n  path: a\n",
    ] {
        fs::write(top.join("a.dvc"), wrong).unwrap();
        assert!(DvcOutput::read(&top.join("a.dvc")).is_err(), "{wrong}");
    }
}
