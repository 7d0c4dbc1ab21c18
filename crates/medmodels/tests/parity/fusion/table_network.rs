//! The table alone: the layers are those of the formula, and missing numbers have no influence.

use medmodels::fusion::{TABLE, TableMlpConfig, TableNetwork, TableNetworkConfig, create_table};
use mednn::candle_core::{Device, Tensor, Var};
use mednn::context::Context;
use mednn::model::{Inputs, Model};
use mednn::params::Params;

use super::{columns, rows};

fn logits(network: &dyn Model, rows: &Tensor) -> Vec<Vec<f32>> {
    let inputs = Inputs::default().with(TABLE, rows.clone());
    let outputs = network.forward(&inputs, &Context::evaluate()).unwrap();
    outputs.logits.to_vec2().unwrap()
}

/// `W x + b`, in 64 bits, of the parameters of this name.
fn layer(params: &Params, name: &str, x: &[f64]) -> Vec<f64> {
    let weight = params.tensor(&format!("{name}.weight")).unwrap();
    let weight = weight.to_vec2::<f32>().unwrap();
    let bias = params.tensor(&format!("{name}.bias")).unwrap();
    let bias = bias.to_vec1::<f32>().unwrap();
    let row = |(weight, bias): (&Vec<f32>, &f32)| {
        let products = weight.iter().zip(x).map(|(w, x)| f64::from(*w) * x);
        products.sum::<f64>() + f64::from(*bias)
    };
    weight.iter().zip(&bias).map(row).collect()
}

#[test]
fn layers_are_those_of_the_formula() {
    let config = TableNetworkConfig::new(columns(), 3);
    let deep = config.clone().with_mlp(TableMlpConfig::new(&[7, 6]));
    for (config, hidden) in [(config, &[][..]), (deep, &["table.0", "table.1"])] {
        let params = Params::new(1);
        let network = TableNetwork::new(&config, &params).unwrap();
        assert_eq!(network.config(), &config);
        let got = logits(&network, &rows());
        for (got, row) in got.iter().zip(rows().to_vec2::<f32>().unwrap()) {
            let mut x: Vec<f64> = row.into_iter().map(f64::from).collect();
            // HbA1c and blood pressure, and what says that they are missing.
            for number in [1, 3] {
                x[number] *= 1.0 - x[number + 1];
            }
            for name in hidden {
                x = layer(&params, name, &x)
                    .into_iter()
                    .map(|x| x.max(0.0))
                    .collect();
            }
            for (got, expected) in got.iter().zip(layer(&params, "head", &x)) {
                assert!(
                    (f64::from(*got) - expected).abs() < 1e-5,
                    "{got} {expected}"
                );
            }
        }
    }
}

#[test]
fn a_missing_number_has_no_influence_and_no_gradient() {
    let config = TableNetworkConfig::new(columns(), 2).with_mlp(TableMlpConfig::new(&[5]));
    let network = create_table(&config, &Params::new(2)).unwrap();
    let mut other = rows().to_vec2::<f32>().unwrap();
    other[1][1] = 123.0;
    let other = Tensor::new(other, &Device::Cpu).unwrap();
    assert_eq!(logits(&*network, &rows()), logits(&*network, &other));
    let rows = Var::from_tensor(&rows()).unwrap();
    let inputs = Inputs::default().with(TABLE, rows.as_tensor().clone());
    let outputs = network.forward(&inputs, &Context::evaluate()).unwrap();
    let grads = outputs.logits.sum_all().unwrap().backward().unwrap();
    let grad = grads.get(&rows).unwrap().to_vec2::<f32>().unwrap();
    assert_eq!((grad[1][1], grad[0][3]), (0.0, 0.0));
    assert!(grad[0][1] != 0.0 && grad[1][3] != 0.0);
}

#[test]
fn settings_and_rows_that_do_not_fit_are_refused() {
    let config = TableNetworkConfig::new(columns(), 0);
    assert!(create_table(&config, &Params::new(1)).is_err());
    let config = TableNetworkConfig::new(columns(), 2).with_mlp(TableMlpConfig::new(&[]));
    assert!(create_table(&config, &Params::new(1)).is_err());
    let config = TableNetworkConfig::new(columns(), 2);
    let json = serde_json::to_value(&config).unwrap();
    assert_eq!(
        serde_json::from_value::<TableNetworkConfig>(json).unwrap(),
        config
    );
    let network = create_table(&config, &Params::new(1)).unwrap();
    let narrow = Tensor::zeros((2, 10), mednn::candle_core::DType::F32, &Device::Cpu).unwrap();
    let inputs = Inputs::default().with(TABLE, narrow);
    assert!(network.forward(&inputs, &Context::evaluate()).is_err());
    assert!(
        network
            .forward(&Inputs::default(), &Context::evaluate())
            .is_err()
    );
}
