//! The program of `docs/guides/logging.md`; at the end it trains a small network with everybody watching.

use std::path::Path;
use std::sync::Arc;

use anyhow::Result;
use mednn::Model;
use mednn::loss::DiceCrossEntropy;
use mednn::optim::{Sgd, SgdConfig};
use medtrain::log::RunRecord;
use medtrain::log::dvc::{DvcLive, DvcOutput};
use medtrain::log::mlflow::{Mlflow, MlflowLogger, Run, replay};
use medtrain::log::tensorboard::{TensorBoard, export};
use medtrain::{
    BoxError, DataDigest, DataManifest, Environment, PatchBatches, TrainConfig, TrainSummary,
    Trainer, Validation, Validator,
};

/// What a run says of its data and its program.
fn describe(run: &mut TrainConfig, data: &DataManifest) -> Result<()> {
    let digest = DataDigest::of_manifest("all cases", data)?;
    run.data = vec![digest];
    let program = Environment::capture();
    let program = program.with_program(env!("CARGO_PKG_NAME"), env!("CARGO_PKG_VERSION"));
    run.environment = Some(program);
    Ok(())
}

/// The hash of data that DVC keeps, once the files are found to be those.
fn tracked(file: &Path) -> Result<String> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let outputs = DvcOutput::read(file)?;
    for output in &outputs {
        output.verify(folder)?;
    }
    Ok(outputs[0].md5.clone())
}

/// Scores the network, and shows what the score does not.
struct Watched {
    board: TensorBoard,
}

impl Validator for Watched {
    fn validate(&mut self, network: &dyn Model, _epoch: u32) -> Result<Validation, BoxError> {
        for (name, weights) in network.params().snapshot()? {
            let weights: Vec<f32> = weights.flatten_all()?.to_vec1()?;
            self.board
                .histogram(&name, weights.into_iter().map(f64::from));
        }
        let mut picture = medviz::Picture::new(64, 64, [0; 3])?;
        picture.text(4, 4, "worst", [255; 3], 1);
        self.board.image("worst case", &picture.to_png()?);
        Ok(Validation::new(0.5))
    }
}

/// The server that the environment names, if it names one.
fn server(experiment: &str) -> Result<Option<MlflowLogger>> {
    let Some(server) = Mlflow::from_environment()? else {
        return Ok(None);
    };
    let experiment = server.experiment(experiment)?;
    let logger = MlflowLogger::new(server, experiment);
    Ok(Some(logger.with_steps_every(50)))
}

/// Trains with everybody watching.
fn train(
    network: &dyn Model,
    batches: &Arc<PatchBatches<3>>,
    run: TrainConfig,
) -> Result<TrainSummary> {
    let mut board = TensorBoard::new().with_steps_every(10);
    let mut live = DvcLive::new(run.folder.join("dvclive"));
    let mut server = server("liver")?;
    let mut validator = Watched {
        board: board.clone(),
    };

    let loss = DiceCrossEntropy::nnunet(false);
    let mut optimizer = Sgd::new(network.params(), SgdConfig::default())?;
    let mut trainer = Trainer::new(network, &loss, &mut optimizer, run)
        .with_validator(&mut validator)
        .with_observer(&mut board)
        .with_observer(&mut live);
    if let Some(server) = &mut server {
        trainer = trainer.with_observer(server);
    }
    let summary = trainer.run(batches)?;

    let server = server.as_ref().and_then(|server| server.problem());
    let problems =
        [board.problem().as_deref(), live.problem(), server].map(|p| p.map(str::to_owned));
    for problem in problems.iter().flatten() {
        println!("not told: {problem}");
    }
    Ok(summary)
}

/// Tells a server of a run that was made without one, and puts a bundle of its network into the registry.
fn tell(server: &Mlflow, run: &Path, bundle: &Path) -> Result<Run> {
    let experiment = server.experiment("liver")?;
    let told = replay(server, &experiment, run)?;
    told.upload_folder(bundle, "bundle")?;
    let version = told.register("liver", "bundle")?;
    server.set_alias(&version, "candidate")?;
    Ok(told)
}

/// Curves of a run that was made without TensorBoard.
fn draw(run: &Path) -> Result<()> {
    export(run, &run.join("tensorboard"))?;
    DvcLive::export(run, &run.join("dvclive"))?;
    Ok(())
}

/// Where a network comes from, for the bundle it goes into.
fn provenance(run: &Path) -> Result<medinfer::Provenance> {
    let provenance = RunRecord::read(run)?.provenance();
    let provenance = serde_json::to_value(provenance)?;
    Ok(serde_json::from_value(provenance)?)
}

#[test]
fn the_guide_tells_everybody_of_a_run() {
    use medaug::{Case, PatchChoice, PatchPipeline, PatchSampler, Sample};
    use medcore::random::Key;
    use medcore::{Geometry, Image, LabelMap};
    use medmodels::basic_unet::BasicUNetConfig;
    use medtrain::Cohort;

    let folder = tempfile::tempdir().unwrap();
    let grid = Geometry::axis_aligned([32; 3], [1.0; 3]).unwrap();
    let labels: Vec<u8> = (0..grid.len()).map(|i| u8::from(i % 16 > 7)).collect();
    let voxels: Vec<f32> = labels.iter().map(|&label| f32::from(label)).collect();
    let image = Image::new(grid, voxels).unwrap();
    let sample = Sample::with_labels(image, LabelMap::new(grid, labels).unwrap()).unwrap();
    let case = ("a".to_owned(), Case::new(sample, None, Key::new(1)));
    let cases = Cohort::of_patients([case]).unwrap().train_on_all();
    let sampler = PatchSampler {
        patch: [32; 3],
        choice: PatchChoice::ForcedForeground { fraction: 0.5 },
    };
    let pipeline = PatchPipeline::new(sampler, Vec::new()).unwrap();
    let batches = Arc::new(PatchBatches::new(cases, pipeline, 1, 2, 5).unwrap());

    std::fs::write(folder.path().join("a.nii"), "alpha").unwrap();
    let records =
        [medtrain::split::CaseRecord::new("a", "a").with_file(folder.path().join("a.nii"))];
    let records = records.iter().map(|record| (None, record));
    let manifest = DataManifest::of_records(folder.path(), records).unwrap();
    let out = folder.path().join("run");
    let mut run = TrainConfig::new(&out, 2);
    run.seed = 7;
    describe(&mut run, &manifest).unwrap();
    let dvc = "outs:\n- md5: 2c1743a391305fbf367df8e4f069f9f9\n  size: 5\n  path: a.nii\n";
    std::fs::write(folder.path().join("a.dvc"), dvc).unwrap();
    let md5 = tracked(&folder.path().join("a.dvc")).unwrap();
    run.data[0].dvc = Some(md5);

    let network = BasicUNetConfig::new_3d(1, 2).with_features([4, 4, 4, 4, 4, 4]);
    let params = mednn::Params::new(1);
    let network = medmodels::create(&network.into(), &params).unwrap();
    let summary = train(&*network, &batches, run).unwrap();
    assert_eq!(summary.history.len(), 2);
    let from = provenance(&out).unwrap();
    assert_eq!((from.seed, from.data.len()), (Some(7), 1));
    assert_eq!(from.data[0].sha256, manifest.sha256().unwrap());
    let metrics = std::fs::read(out.join("dvclive/metrics.json")).unwrap();
    std::fs::remove_dir_all(out.join("dvclive")).unwrap();
    draw(&out).unwrap();
    assert_eq!(
        std::fs::read(out.join("dvclive/metrics.json")).unwrap(),
        metrics
    );
    assert_eq!(
        std::fs::read_dir(out.join("tensorboard")).unwrap().count(),
        2
    );
    let nowhere = medtrain::log::mlflow::MlflowSettings::new("http://127.0.0.1:9")
        .with_retry(medtrain::log::mlflow::Retry::none());
    assert!(tell(&Mlflow::new(nowhere).unwrap(), &out, &out).is_err());
}
