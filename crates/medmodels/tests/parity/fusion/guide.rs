//! The program of `docs/guides/fusion.md`.

use std::path::Path;

use medcore::random::Key;
use medmodels::fusion::table::{
    CategoricalColumn, NumericColumn, Record, TableConfig, TableEncoder,
};
use medmodels::fusion::{self, CrossAttentionConfig, FilmConfig, FusionConfig, TokenBatch};
use medmodels::resnet::ResNetConfig;
use medmodels::weights;
use mednn::candle_core::{Device, Tensor};
use mednn::loss::{CrossEntropy, Loss};
use mednn::optim::{AdamW, AdamWConfig, Optimizer};
use mednn::params::{LoadReport, Params};
use mednn::tape::Pass;
use mednn::{Context, Inputs, Model};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn columns(training: &[Record]) -> Result<TableConfig> {
    let table = TableConfig::new()
        .with(NumericColumn::new("age", 0.0, 1.0).with_unit("years"))
        .with(
            NumericColumn::new("hba1c", 0.0, 1.0)
                .with_unit("%")
                .optional(),
        )
        .with(
            NumericColumn::new("systolic", 0.0, 1.0)
                .with_unit("mmHg")
                .optional(),
        )
        .with(CategoricalColumn::new("sex", ["f", "m"]))
        .with(CategoricalColumn::new("diabetes", ["type 1", "type 2"]).optional());
    Ok(table.fitted(training)?)
}

fn grader(table: TableConfig, backbone: ResNetConfig) -> FusionConfig {
    FusionConfig::new(backbone, table, FilmConfig::new(), 5).with_dropout(0.2)
}

fn build(config: &FusionConfig, pretrained: &Path) -> Result<(Box<dyn Model>, LoadReport)> {
    let params = Params::new(1);
    let network = fusion::create(config, &params)?;
    // The file's head stays behind; table, fusion and head are new.
    let report = weights::read(pretrained)?.load_into(&params, &config.image_policy())?;
    Ok((network, report))
}

fn inputs(encoder: &TableEncoder, images: Tensor, patients: &[Record]) -> Result<Inputs> {
    let rows = encoder.rows(patients, &Device::Cpu)?;
    Ok(Inputs::new(images).with(fusion::TABLE, rows))
}

fn train(network: &dyn Model, batches: &[(Inputs, Tensor)]) -> Result<f32> {
    let mut optimizer = AdamW::new(network.params(), AdamWConfig::default())?;
    let mut last = f32::NAN;
    for (step, (inputs, grades)) in batches.iter().enumerate() {
        let context = Context::train(Key::new(7).fork("step", step as u64));
        let pass = Pass::run(network, inputs, &context)?;
        let loss = CrossEntropy::new().forward(&pass.outputs().logits, grades)?;
        last = loss.to_scalar()?;
        optimizer.step(&pass.backward(loss)?, 1e-4)?;
    }
    Ok(last)
}

fn keep(network: &dyn Model, config: &FusionConfig, folder: &Path) -> Result<()> {
    std::fs::write(folder.join("config.json"), serde_json::to_vec(config)?)?;
    network
        .params()
        .save_safetensors(folder.join("model.safetensors"))?;
    Ok(())
}

fn without(
    network: &dyn Model,
    encoder: &TableEncoder,
    eye: Tensor,
    patient: &Record,
) -> Result<[Vec<f32>; 2]> {
    let unmeasured = patient.clone().with("hba1c", None::<f64>);
    let eyes = Tensor::cat(&[&eye, &eye], 0)?;
    let inputs = inputs(encoder, eyes, &[patient.clone(), unmeasured])?;
    let logits = network
        .forward(&inputs, &Context::evaluate())?
        .logits
        .to_vec2()?;
    Ok([logits[0].clone(), logits[1].clone()])
}

fn with_letters(table: TableConfig, backbone: ResNetConfig) -> FusionConfig {
    let attention = CrossAttentionConfig::new()
        .with_features(64, 4)
        .with_tokens(384);
    FusionConfig::new(backbone, table, attention, 5)
}

fn letters(inputs: Inputs, sentences: &[Vec<Vec<f32>>]) -> Result<Inputs> {
    let tokens = TokenBatch::new(sentences, 384, &Device::Cpu)?;
    Ok(tokens.add_to(inputs))
}

#[test]
fn the_guide_goes_from_records_to_a_network_that_reads_them() {
    let folder = tempfile::tempdir().unwrap();
    let backbone = ResNetConfig::resnet10(1000).with_features([4, 4, 8, 8]);
    let classifier = Params::new(3);
    medmodels::create(&backbone.clone().into(), &classifier).unwrap();
    let pretrained = folder.path().join("resnet.safetensors");
    classifier.save_safetensors(&pretrained).unwrap();

    let patient = |i: u32| {
        Record::new()
            .with("age", 50.0 + f64::from(i))
            .with("hba1c", (i != 1).then_some(6.5 + 0.5 * f64::from(i)))
            .with("systolic", 120.0 + f64::from(i * i))
            .with("sex", if i.is_multiple_of(2) { "f" } else { "m" })
    };
    let patients: Vec<Record> = (0..4).map(patient).collect();
    let table = columns(&patients).unwrap();
    let config = grader(table.clone(), backbone.clone());
    let (network, report) = build(&config, &pretrained).unwrap();
    assert_eq!(report.unexpected, ["image.fc.bias", "image.fc.weight"]);
    assert!({ report.missing.iter() }.all(|name| !name.starts_with("image.")));
    let own = network.params().tensor("image.conv1.weight").unwrap();
    let theirs = classifier.tensor("conv1.weight").unwrap();
    assert_eq!(crate::laws::bits(&own), crate::laws::bits(&theirs));

    let encoder = TableEncoder::new(table.clone()).unwrap();
    let images = crate::reference::tensor("image", &[4, 3, 40, 48]);
    let given = inputs(&encoder, images.clone(), &patients).unwrap();
    let grades = Tensor::new(&[0_u8, 1, 2, 4], &Device::Cpu).unwrap();
    let batches = vec![(given.clone(), grades); 3];
    assert!(train(&*network, &batches).unwrap().is_finite());

    keep(&*network, &config, folder.path()).unwrap();
    let json = std::fs::read(folder.path().join("config.json")).unwrap();
    let read: FusionConfig = serde_json::from_slice(&json).unwrap();
    assert_eq!(read, config);
    let eye = images.narrow(0, 0, 1).unwrap();
    let [known, unknown] = without(&*network, &encoder, eye, &patients[0]).unwrap();
    assert_ne!(known, unknown);

    let reading = fusion::create(&with_letters(table, backbone), &Params::new(2)).unwrap();
    let sentences = [
        vec![vec![0.1; 384]; 2],
        vec![],
        vec![vec![0.2; 384]],
        vec![],
    ];
    let given = letters(given, &sentences).unwrap();
    let logits = reading
        .forward(&given, &Context::evaluate())
        .unwrap()
        .logits;
    assert_eq!(logits.dims(), [4, 5]);
}
