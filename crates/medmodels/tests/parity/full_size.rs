//! Networks at their full size against the references, from `full_size.py`.

pub(crate) mod networks;

use medmodels::create;
use mednn::context::Context;
use mednn::params::Params;

use crate::reference::{Fixture, fill, tensor};

#[test]
fn thirteen_full_networks_give_what_the_references_give() {
    let fixture = Fixture::load("full_size");
    for (name, config, shape) in networks::networks() {
        let network = create(&config, &Params::new(1).zeroed()).unwrap();
        fill(&*network);
        let inputs = tensor("image", &shape).into();
        let outputs = network.forward(&inputs, &Context::evaluate()).unwrap();
        for (number, output) in outputs.scales().enumerate() {
            fixture.check(&format!("{name}.{number}"), output, 1e-4, 0.0);
        }
    }
}
