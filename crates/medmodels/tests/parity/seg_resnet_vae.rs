//! MONAI's `SegResNetVAE`, from `seg_resnet_vae.py`.

use medmodels::seg_resnet::SegResNetConfig;
use medmodels::seg_resnet_vae::{SegResNetVAE, SegResNetVAEConfig};
use mednn::context::Context;
use mednn::model::{Inputs, Model};
use mednn::params::Params;

use crate::reference::{Given, check_names, check_outputs, tensor};

fn config() -> SegResNetVAEConfig {
    let segmenter = SegResNetConfig::new_2d(2, 3).with_blocks(&[1, 1, 1], &[1, 1]);
    SegResNetVAEConfig::new(segmenter, [16, 24])
        .with_latent(6)
        .with_estimated_std()
}

#[test]
pub(crate) fn outputs_the_loss_features_and_gradients_are_those_of_monai() {
    let config = config();
    let network = SegResNetVAE::<2>::new(&config, &Params::new(1)).unwrap();
    let given = Given {
        inputs: vec![(SegResNetVAE::<2>::NOISE, tensor("noise", &[2, 6]))],
        features: vec!["vae.std"],
    };
    check_outputs("seg_resnet_vae_2d", &network, &given, |outputs, image| {
        let loss = config.loss(outputs, image).unwrap();
        vec![outputs.logits.clone(), loss]
    });
    check_names("seg_resnet_vae_2d", &network);
}

#[test]
fn a_given_deviation_moves_the_latent_variables_and_is_reproduced_by_the_key() {
    let mut config = config().with_std(0.5);
    config.estimated_std = false;
    let network = SegResNetVAE::<2>::new(&config, &Params::new(1)).unwrap();
    let inputs = Inputs::from(tensor("image", &[2, 2, 16, 24]));
    let image = |seed: u64| {
        let key = medcore::random::Key::new(seed);
        let context = Context::train(key).with_features(["vae.image", "vae.mean"]);
        let outputs = network.forward(&inputs, &context).unwrap();
        assert!(config.loss(&outputs, inputs.image().unwrap()).is_ok());
        crate::reference::values(&outputs.features["vae.image"])
    };
    assert_eq!(image(1), image(1));
    assert_ne!(image(1), image(2));
}

#[test]
fn the_loss_says_which_feature_was_not_asked_for() {
    let network = SegResNetVAE::<2>::new(&config(), &Params::new(1)).unwrap();
    let image = tensor("image", &[1, 2, 32, 24]);
    let outputs = network
        .forward(&Inputs::from(&image), &Context::evaluate())
        .unwrap();
    let error = config().loss(&outputs, &image).unwrap_err().to_string();
    assert!(error.contains("vae.image"), "{error}");
    let training = Context::train(medcore::random::Key::new(1)).with_features(["vae.image"]);
    let error = network.forward(&Inputs::from(&image), &training);
    assert!(error.is_err(), "another extent than that of the settings");
}

#[test]
fn networks_of_full_size_have_monais_number_of_parameters() {
    let segmenter = SegResNetConfig::new_3d(4, 3).with_filters(16);
    let config = SegResNetVAEConfig::new(segmenter, [128, 160, 160]);
    let params = Params::new(1);
    medmodels::create(&config.into(), &params).unwrap();
    assert_eq!(params.count(), 14_603_943);
}
