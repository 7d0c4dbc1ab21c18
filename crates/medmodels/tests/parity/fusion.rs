//! Images joined with tables: parity with `fusion.py`, whose networks are written from the papers' formulas on backbones and
//! attention layers of the libraries, and the laws these networks keep.

mod guide;
pub(crate) mod laws;
mod learning;
mod table;
mod table_network;
mod tokens;

use medmodels::densenet::DenseNetConfig;
use medmodels::fusion::table::{CategoricalColumn, NumericColumn, TableConfig};
use medmodels::fusion::{
    self, ConcatenationConfig, CrossAttentionConfig, FilmConfig, Fusion, FusionConfig, FusionKind,
    GatedConfig, ImageConfig, TableMlpConfig,
};
use medmodels::resnet::ResNetConfig;
use medmodels::vit::ViTConfig;
use mednn::candle_core::{Device, Tensor};
use mednn::params::Params;

use crate::reference::{Given, check_buffers, check_names, check_outputs, tensor};

/// The columns of `fusion.py`.
fn columns() -> TableConfig {
    TableConfig::new()
        .with(NumericColumn::new("age", 60.0, 10.0).with_unit("years"))
        .with(NumericColumn::new("hba1c", 7.0, 2.0).optional())
        .with(NumericColumn::new("systolic", 130.0, 20.0).optional())
        .with(CategoricalColumn::new("sex", ["f", "m"]))
        .with(CategoricalColumn::new("smoking", ["never", "former", "current"]).optional())
}

/// The rows of `fusion.py`: the second patient's HbA1c and the first one's blood pressure are missing.
fn rows() -> Tensor {
    let mut rows = tensor("table", &[2, 11]).to_vec2::<f32>().unwrap();
    (rows[0][2], rows[1][2]) = (0.0, 1.0);
    (rows[0][4], rows[1][4]) = (1.0, 0.0);
    Tensor::new(rows, &Device::Cpu).unwrap()
}

fn vision() -> ResNetConfig {
    ResNetConfig::resnet18(1)
        .with_blocks([1; 4])
        .with_features([4, 8, 16, 32])
}

fn mlp() -> TableMlpConfig {
    TableMlpConfig::new(&[7, 6])
}

fn attention() -> CrossAttentionConfig {
    CrossAttentionConfig::new().with_features(8, 2)
}

fn check<const D: usize>(
    stem: &str,
    image: impl Into<ImageConfig>,
    kind: impl Into<FusionKind>,
    further: Vec<(&'static str, Tensor)>,
) {
    let config = FusionConfig::new(image, columns(), kind, 3);
    let network = Fusion::<D>::new(&config, &Params::new(1)).unwrap();
    check_names(stem, &network);
    let inputs = [(fusion::TABLE, rows())].into_iter().chain(further);
    let given = Given {
        inputs: inputs.collect(),
        features: Vec::new(),
    };
    check_outputs(stem, &network, &given, |outputs, _| {
        vec![outputs.logits.clone()]
    });
    check_buffers(stem, &network);
}

#[test]
pub(crate) fn concatenation_is_that_of_the_formula() {
    let kind = ConcatenationConfig::new().with_mlp(mlp()).with_features(8);
    check::<2>("fusion_concatenation", vision(), kind, Vec::new());
}

#[test]
pub(crate) fn the_gate_is_that_of_the_paper() {
    let image = DenseNetConfig::densenet121(1)
        .monai(3)
        .with_in_channels(1)
        .with_init_features(6)
        .with_growth_rate(4)
        .with_bottleneck(2)
        .with_blocks(&[2, 1, 2]);
    let kind = GatedConfig::new().with_mlp(mlp()).with_features(8);
    check::<3>("fusion_gated_3d", image, kind, Vec::new());
}

#[test]
pub(crate) fn scale_and_shift_are_those_of_the_paper() {
    let image = ResNetConfig::resnet18(1)
        .monai(3)
        .with_in_channels(1)
        .with_stem([7; 3], [2; 3])
        .with_blocks([1; 4])
        .with_features([4, 6, 8, 10]);
    let kind = FilmConfig::new().with_mlp(mlp());
    check::<3>("fusion_film_3d", image, kind, Vec::new());
}

#[test]
pub(crate) fn tokens_attend_as_in_pytorchs_decoder_layers() {
    let absent = [[0.0_f32, 0.0, 1.0], [0.0, 1.0, 1.0]];
    let absent = Tensor::new(&absent, &Device::Cpu).unwrap();
    let further = vec![
        (fusion::TOKENS, tensor("tokens", &[2, 3, 5])),
        (fusion::ABSENT_TOKENS, absent),
    ];
    let kind = attention().with_tokens(5);
    check::<2>("fusion_cross_attention", vision(), kind, further);
}

#[test]
pub(crate) fn tokens_attend_to_the_patches_of_a_transformer() {
    let image = ViTConfig::vit_tiny_patch16_224(1)
        .with_image_size(&[20, 12])
        .with_patch_size(&[4, 4])
        .with_features(12, 3)
        .with_depth(5)
        .with_registers(2);
    check::<2>("fusion_transformer", image, attention(), Vec::new());
}
