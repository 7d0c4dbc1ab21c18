//! MONAI's `DynUNet`, from `dyn_unet.py`.

use medmodels::dyn_unet::{DynUNet, DynUNetConfig};
use medmodels::{Nonlinearity, Normalization};
use mednn::params::Params;

use crate::reference::{check_against, check_aliases, check_buffers};

fn config_2d() -> DynUNetConfig {
    DynUNetConfig::new_2d(2, 3, 4)
        .with_filters(&[4, 5, 6, 8])
        .with_kernels(&[[3, 3], [5, 3], [1, 3], [3, 3]])
        .with_strides(&[[3, 2], [2, 1], [2, 2]])
        .with_normalization(Normalization::Batch)
        .with_activation(Nonlinearity::LeakyRelu { slope: 0.2 })
        .with_upsampling_bias(true)
}

fn config_3d() -> DynUNetConfig {
    DynUNetConfig::new_3d(1, 2, 5)
        .with_filters(&[3, 4, 4, 6, 6])
        .with_kernels(&[[1, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3], [3, 3, 3]])
        .with_strides(&[[1, 2, 2], [2, 2, 2], [1, 1, 1], [2, 2, 2]])
        .with_residual(true)
        .with_heads(2)
}

#[test]
pub(crate) fn outputs_features_gradients_and_running_statistics_are_those_of_monai_in_2d() {
    let network = DynUNet::<2>::new(&config_2d(), &Params::new(1)).unwrap();
    check_against("dyn_unet_2d", &network);
    check_buffers("dyn_unet_2d", &network);
}

#[test]
pub(crate) fn residual_blocks_and_the_logits_of_lower_resolutions_are_those_of_monai_in_3d() {
    let network = DynUNet::<3>::new(&config_3d(), &Params::new(1)).unwrap();
    check_against("dyn_unet_3d", &network);
}

#[test]
pub(crate) fn networks_with_group_normalisation_are_those_of_monai() {
    let config = DynUNetConfig::new_2d(1, 2, 4)
        .with_filters(&[4, 6, 6, 8])
        .with_strides(&[[2, 2], [1, 1], [2, 2]])
        .with_normalization(Normalization::Group { groups: 2 })
        .with_residual(true)
        .with_heads(1);
    let network = DynUNet::<2>::new(&config, &Params::new(1)).unwrap();
    check_against("dyn_unet_group_norm", &network);
}

#[test]
fn checkpoints_with_all_aliases_of_monai_load() {
    check_aliases("dyn_unet_2d", &config_2d().into());
    check_aliases("dyn_unet_3d", &config_3d().into());
}

#[test]
fn networks_of_full_size_have_monais_number_of_parameters() {
    let plain = DynUNetConfig::new_3d(1, 2, 6);
    for (config, parameters) in [
        (plain.clone(), 31_189_410),
        (plain.with_residual(true).with_heads(3), 31_419_912),
        (
            DynUNetConfig::new_2d(1, 4, 8).with_upsampling_bias(true),
            46_311_556,
        ),
        (
            DynUNetConfig::new_3d(5, 3, 6)
                .with_filters(&[64, 96, 128, 192, 256, 384])
                .with_heads(2),
            24_930_857,
        ),
    ] {
        let params = Params::new(1);
        medmodels::create(&config.into(), &params).unwrap();
        assert_eq!(params.count(), parameters);
    }
}
