//! The networks of `explain.py`, with their weights, images and expected maps.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;

use medinfer::explain::Saliency;
use medmodels::resnet::{ResNet, ResNetConfig};
use medmodels::vit::{ViT, ViTConfig};
use mednn::candle_core::{DType, Device, Tensor, safetensors};
use mednn::params::LoadPolicy;
use mednn::{Inputs, Model, Params};

/// A network with its image and what was found for it.
pub(crate) struct Given {
    pub(crate) network: Box<dyn Model>,
    pub(crate) inputs: Inputs,
    found: HashMap<String, Tensor>,
}

impl Given {
    fn new(stem: &str, shape: &[usize], make: impl FnOnce(&Params) -> Box<dyn Model>) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/explain");
        let path = path.join(format!("{stem}.safetensors"));
        assert!(std::fs::metadata(&path).unwrap().len() <= 64 * 1024);
        let found = safetensors::load(&path, &Device::Cpu).unwrap();
        let params = Params::new(0);
        let network = make(&params);
        let weights: BTreeMap<String, Tensor> = { found.iter() }
            .filter_map(|(name, tensor)| {
                let name = name.strip_prefix("weight.")?.to_owned();
                Some((name, tensor.to_dtype(DType::F32).unwrap()))
            })
            .collect();
        let policy = LoadPolicy::strict().with_missing_allowed("**.num_batches_tracked");
        params.load_tensors(&path, weights, &policy).unwrap();
        Self {
            network,
            inputs: images(shape).into(),
            found,
        }
    }

    /// MONAI's ResNet with a block a stage, class 2 of interest.
    pub(crate) fn resnet_2d() -> Self {
        Self::new("resnet_2d", &[2, 2, 15, 13], |params| {
            let config = config(2).with_in_channels(2).with_features([4, 6, 6, 8]);
            Box::new(ResNet::<2>::new(&config, params).unwrap())
        })
    }

    /// The same for volumes, class 2 of interest.
    pub(crate) fn resnet_3d() -> Self {
        Self::new("resnet_3d", &[1, 1, 9, 10, 9], |params| {
            let config = config(3).with_in_channels(1).with_features([3, 4, 4, 5]);
            Box::new(ResNet::<3>::new(&config, params).unwrap())
        })
    }

    /// timm's vision transformer, class 1 of interest.
    pub(crate) fn vit() -> Self {
        Self::new("vit", &[2, 1, 24, 32], |params| {
            let config = ViTConfig::vit_tiny_patch16_224(3)
                .with_in_channels(1)
                .with_image_size(&[24, 32])
                .with_patch_size(&[8, 8])
                .with_features(12, 2)
                .with_mlp_features(24)
                .with_depth(3);
            Box::new(ViT::<2>::new(&config, params).unwrap())
        })
    }

    /// The same inputs in 64 bits.
    pub(crate) fn double(&self) -> Inputs {
        let image = self.inputs.image().unwrap();
        image.to_dtype(DType::F64).unwrap().into()
    }

    pub(crate) fn expected(&self, name: &str) -> Vec<f32> {
        let tensor = &self.found[name];
        tensor.flatten_all().unwrap().to_vec1().unwrap()
    }

    /// Fails where maps differ from those expected by more than a part of the largest of these.
    #[track_caller]
    pub(crate) fn assert_maps(&self, maps: &[Saliency], name: &str, tolerance: f32) {
        let want = self.expected(name);
        let got: Vec<f32> = maps.iter().flat_map(|map| map.values().to_vec()).collect();
        assert_close(&got, &want, tolerance, name);
    }
}

fn config(axes: usize) -> ResNetConfig {
    let config = ResNetConfig::resnet10(3).monai(axes).small_images();
    config.with_blocks([1; 4])
}

/// The images of `explain.py`.
pub(crate) fn images(shape: &[usize]) -> Tensor {
    let count = shape.iter().product::<usize>();
    let values = (0..count).map(|i| ((i * 7919 + 13) % 101) as f32 / 64.0 - 0.75);
    Tensor::from_vec(values.collect(), shape, &Device::Cpu).unwrap()
}

#[track_caller]
pub(crate) fn assert_close(got: &[f32], want: &[f32], tolerance: f32, name: &str) {
    assert_eq!(got.len(), want.len(), "{name}");
    let scale = want.iter().fold(0.0_f32, |most, v| most.max(v.abs()));
    assert!(scale > 0.0, "{name} is empty");
    for (i, (a, b)) in got.iter().zip(want).enumerate() {
        let off = (a - b).abs() / scale;
        assert!(off <= tolerance, "{name} at {i}: {a} is not {b} ({off:e})");
    }
}
