//! The program of `docs/guides/onnx.md`.

use std::path::Path;

use medmodels::basic_unet::BasicUNetConfig;
use medmodels::onnx::{Export, Fault, Intensity, Metadata, Preprocessing};
use medmodels::weights;
use mednn::candle_core::{DType, Device, Tensor};
use mednn::params::{LoadPolicy, Params};
use mednn::{Inputs, Model};

type Result<T> = std::result::Result<T, Box<dyn std::error::Error>>;

fn trained(file: &Path) -> Result<Box<dyn Model>> {
    let config = BasicUNetConfig::new_3d(1, 3).with_features([4; 6]);
    let params = Params::new(1);
    let network = medmodels::create(&config.into(), &params)?;
    weights::read(file)?.load_into(&params, &LoadPolicy::strict())?;
    Ok(network)
}

fn write(network: &dyn Model, file: &Path) -> Result<()> {
    // The shape counts, not the values; of the batch not even that.
    let patch = Tensor::zeros((1, 1, 32, 32, 32), DType::F32, &Device::Cpu)?;
    Export::new(network, &Inputs::from(patch))
        .with_dynamic_batch(true)
        .with_metadata(metadata())
        .write(file)?;
    Ok(())
}

fn metadata() -> Metadata {
    let hounsfield = Intensity::Standardize {
        clip: Some([-160.0, 240.0]),
        mean: 40.0,
        deviation: 80.0,
    };
    let preparation = Preprocessing::new(3)
        .with_orientation("LPS")
        .with_spacing_mm(&[2.0, 1.0, 1.0])
        .with_channel("CT", hounsfield)
        .with_patch(&[32, 32, 32]);
    Metadata::new()
        .with_labels(["background", "liver", "tumour"])
        .with_preprocessing(preparation)
        .with_licence("CC-BY-4.0")
        .with_property("version", "1.2.0")
}

fn why_not(network: &dyn Model, inputs: &Inputs) -> Option<String> {
    match Export::new(network, inputs).build() {
        Ok(_) => None,
        Err(medmodels::Error::Onnx(fault)) => match *fault {
            Fault::Operator { op, layer, .. } => Some(format!("{op} behind {layer:?}")),
            other => Some(other.to_string()),
        },
        Err(other) => Some(other.to_string()),
    }
}

#[test]
fn a_trained_network_leaves_as_the_guide_says() {
    let folder = tempfile::tempdir().unwrap();
    let stored = folder.path().join("model.safetensors");
    let params = Params::new(7);
    let config = BasicUNetConfig::new_3d(1, 3).with_features([4; 6]);
    medmodels::create(&config.into(), &params).unwrap();
    params.save_safetensors(&stored).unwrap();

    let network = trained(&stored).unwrap();
    let file = folder.path().join("liver.onnx");
    write(&*network, &file).unwrap();
    let read = super::reader::read(&std::fs::read(&file).unwrap());
    assert_eq!(read.inputs[0].dims, ["batch", "1", "32", "32", "32"]);
    assert_eq!(read.properties.len(), 4);

    let double = Tensor::zeros((1, 1, 32, 32, 32), DType::F64, &Device::Cpu).unwrap();
    assert!(why_not(&*network, &double.into()).is_some());
    let patch = Tensor::zeros((1, 1, 32, 32, 32), DType::F32, &Device::Cpu).unwrap();
    assert_eq!(why_not(&*network, &patch.into()), None);
}
