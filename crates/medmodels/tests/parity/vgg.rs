//! torchvision's `VGG`, from `vgg.py`.

use medmodels::vgg::{Vgg, VggConfig};
use mednn::params::Params;

use crate::reference::{Fixture, check_against, check_buffers};

fn small(config: VggConfig) -> Vgg {
    let config = config
        .with_features([4, 5, 6, 8, 8])
        .with_hidden(6)
        .with_dropout(0.0);
    Vgg::new(&config, &Params::new(1)).unwrap()
}

#[test]
pub(crate) fn outputs_features_and_gradients_are_those_of_torchvision() {
    check_against("vgg_11", &small(VggConfig::vgg11(3)));
    let network = small(VggConfig::vgg13_bn(3));
    check_against("vgg_13_bn", &network);
    check_buffers("vgg_13_bn", &network);
}

#[test]
fn names_are_those_of_torchvisions_state_dictionary() {
    for (stem, config) in [
        ("vgg_11", VggConfig::vgg11(2)),
        ("vgg_13_bn", VggConfig::vgg13_bn(2)),
    ] {
        let mut expected = Fixture::load(stem).state_dict;
        expected.sort();
        let params = Params::new(1);
        Vgg::new(&config.with_hidden(8), &params).unwrap();
        assert_eq!(params.names(), expected);
    }
}

#[test]
fn full_networks_have_torchvisions_number_of_parameters() {
    // Drawing the classifier of all eight takes minutes; its size follows from that of its hidden layers.
    let classifier = |hidden: usize| (512 * 49 + 1 + hidden + 1 + 1000) * hidden + 1000;
    for (config, parameters) in [
        (VggConfig::vgg11(1000), 132_863_336),
        (VggConfig::vgg11_bn(1000), 132_868_840),
        (VggConfig::vgg13(1000), 133_047_848),
        (VggConfig::vgg13_bn(1000), 133_053_736),
        (VggConfig::vgg16(1000), 138_357_544),
        (VggConfig::vgg16_bn(1000), 138_365_992),
        (VggConfig::vgg19(1000), 143_667_240),
        (VggConfig::vgg19_bn(1000), 143_678_248),
    ] {
        let hidden = config.hidden;
        let params = Params::new(1);
        Vgg::new(&config.with_hidden(8), &params).unwrap();
        let count = params.count() - classifier(8) + classifier(hidden);
        assert_eq!(count, parameters);
    }
}
