//! Shapley values of networks: columns of a table against the shap package, images beside them by the
//! definition.

use std::collections::HashMap;

use medinfer::explain::{KernelShap, MaskedNetwork, Player, exact};
use medmodels::fusion::table::{
    CategoricalColumn, NumericColumn, Record, TableConfig, TableEncoder,
};
use medmodels::fusion::{
    ConcatenationConfig, FilmConfig, Fusion, FusionConfig, FusionKind, ImageConfig, TABLE,
};
use medmodels::resnet::ResNetConfig;
use mednn::candle_core::{Device, Tensor};
use mednn::layers::{Linear, LinearConfig};
use mednn::ops::{self, Activation};
use mednn::{Context, Inputs, Model, Outputs, Params};

use crate::given::images;
use crate::shapley::{assert_complete, fixture};

/// The network of `shapley.py`: two linear layers on the rows of a table.
struct Tabular {
    layers: [Linear; 2],
    params: Params,
}

impl Tabular {
    fn of(found: &HashMap<String, Tensor>) -> Self {
        let params = Params::new(0);
        let layer = |name: usize, from, to| {
            Linear::new(&LinearConfig::new(from, to), &params.root().child(name)).unwrap()
        };
        let layers = [layer(0, 8, 6), layer(1, 6, 3)];
        for parameter in params.parameters() {
            let weights = &found[&format!("weight.{}", parameter.name())];
            parameter.set(weights).unwrap();
        }
        Self { layers, params }
    }
}

impl Model for Tabular {
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let hidden = self.layers[0].forward(inputs.get(TABLE)?, context)?;
        let hidden = ops::activation(&hidden, Activation::Relu)?;
        Ok(Outputs::new(self.layers[1].forward(&hidden, context)?))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

fn patients() -> TableConfig {
    TableConfig::new()
        .with(NumericColumn::new("age", 60.0, 10.0))
        .with(NumericColumn::new("hba1c", 7.0, 2.0).optional())
        .with(CategoricalColumn::new("sex", ["f", "m"]))
        .with(CategoricalColumn::new("diabetes", ["type 1", "type 2"]).optional())
}

fn patient(age: f64, hba1c: Option<f64>, sex: &str, diabetes: Option<&str>) -> Record {
    let record = Record::new().with("age", age).with("sex", sex);
    record.with("hba1c", hba1c).with("diabetes", diabetes)
}

fn table(records: &[Record]) -> Tensor {
    let encoder = TableEncoder::new(patients()).unwrap();
    encoder.rows(records, &Device::Cpu).unwrap()
}

#[test]
fn columns_have_the_values_of_the_shap_package_missing_ones_too() {
    let found = fixture();
    let network = Tabular::of(&found);
    let rows = |tensor: &Tensor| tensor.to_vec2::<f32>().unwrap();
    let background = table(&[
        patient(50.0, Some(6.0), "f", Some("type 1")),
        patient(71.0, None, "m", Some("type 2")),
        patient(64.0, Some(9.5), "f", None),
        patient(58.0, Some(7.5), "m", Some("type 2")),
        patient(83.0, Some(8.0), "f", Some("type 2")),
    ]);
    let case = table(&[patient(45.0, None, "m", Some("type 2"))]);
    assert_eq!(rows(&background), rows(&found["patients"]));
    assert_eq!(rows(&case), rows(&found["patient"]));
    let inputs = |rows: Tensor| Inputs::default().with(TABLE, rows);
    let (case, background) = (inputs(case), inputs(background));
    let want = found["columns"].to_vec2::<f64>().unwrap();
    let nobody = found["mean"].to_vec1::<f64>().unwrap();
    for class in 0..3 {
        let players = Player::columns(&patients());
        let game = MaskedNetwork::new(&network, &case, &background, players).unwrap();
        let game = game.with_class(class);
        assert_eq!(game.names(), ["age", "hba1c", "sex", "diabetes"]);
        for shares in [
            exact(&game).unwrap(),
            KernelShap::new(1).shares(&game).unwrap(),
        ] {
            assert!((shares.nobody - nobody[class]).abs() < 1e-5);
            for (got, want) in shares.values.iter().zip(&want[class]) {
                assert!((got - want).abs() < 1e-5, "{class}: {got} {want}");
            }
            assert!(shares.values[1].abs() > 1e-3, "what is missing counts");
        }
    }
}

/// A network that reads an image and a table, a case with a missing value, and background cases.
fn fused<const D: usize>(
    image: impl Into<ImageConfig>,
    fusion: impl Into<FusionKind>,
    shape: [usize; D],
) -> (Fusion<D>, Inputs, Inputs) {
    let config = FusionConfig::new(image, patients(), fusion, 3);
    let network = Fusion::<D>::new(&config, &Params::new(3)).unwrap();
    let dims: Vec<usize> = [3, 1].into_iter().chain(shape).collect();
    let many = images(&dims);
    let part = |start, length, records: &[Record]| {
        Inputs::new(many.narrow(0, start, length).unwrap()).with(TABLE, table(records))
    };
    let case = part(2, 1, &[patient(82.0, None, "m", Some("type 1"))]);
    let background = [
        patient(58.0, Some(7.5), "m", None),
        patient(64.0, Some(9.5), "f", Some("type 2")),
    ];
    (network, case, part(0, 2, &background))
}

fn with_image(columns: Vec<Player>) -> Vec<Player> {
    [Player::whole("image", Inputs::IMAGE)]
        .into_iter()
        .chain(columns)
        .collect()
}

/// Values by the definition: what a player adds to those before it, on average over all orders.
fn by_orders(players: usize, worth: &dyn Fn(usize) -> f64) -> Vec<f64> {
    let mut orders: Vec<Vec<usize>> = vec![Vec::new()];
    for _ in 0..players {
        let longer = |order: Vec<usize>| {
            let others = (0..players).filter(|player| !order.contains(player));
            let longer = others.map(|player| order.iter().copied().chain([player]).collect());
            longer.collect::<Vec<Vec<usize>>>()
        };
        orders = orders.into_iter().flat_map(longer).collect();
    }
    let mut sums = vec![0.0; players];
    for order in &orders {
        let mut present = 0;
        for &player in order {
            let with = present | 1 << player;
            sums[player] += worth(with) - worth(present);
            present = with;
        }
    }
    sums.iter().map(|sum| sum / orders.len() as f64).collect()
}

fn check_fused<const D: usize>(network: &Fusion<D>, case: &Inputs, background: &Inputs) {
    let players = with_image(Player::columns(&patients()));
    let game = MaskedNetwork::new(network, case, background, players).unwrap();
    let game = game.with_class(2);
    let shares = exact(&game).unwrap();
    // The inputs of a coalition, put together here: image, then entries 0..1, 1..3, 3..5 and 5..8 of the
    // table.
    let worth = |present: usize| {
        let from = |player: usize| {
            if present >> player & 1 == 1 {
                case
            } else {
                background
            }
        };
        let cases = background.image().unwrap().dims()[0];
        let repeated = |tensor: &Tensor| match tensor.dims()[0] {
            1 => Tensor::cat(&vec![tensor; cases], 0).unwrap(),
            _ => tensor.clone(),
        };
        let entries =
            [(1, 0, 1), (2, 1, 2), (3, 3, 2), (4, 5, 3)].map(|(player, start, length)| {
                let rows = from(player).get(TABLE).unwrap();
                repeated(&rows.narrow(1, start, length).unwrap())
            });
        let inputs = Inputs::new(repeated(from(0).image().unwrap()));
        let inputs = inputs.with(TABLE, Tensor::cat(&entries, 1).unwrap());
        let logits = network.forward(&inputs, &Context::evaluate()).unwrap();
        let logits = logits.logits.to_vec2::<f32>().unwrap();
        logits.iter().map(|row| f64::from(row[2])).sum::<f64>() / cases as f64
    };
    let worths: Vec<f64> = (0..32).map(worth).collect();
    assert!((shares.nobody - worths[0]).abs() < 1e-6 && (shares.all - worths[31]).abs() < 1e-6);
    let want = by_orders(5, &|present| worths[present]);
    for (player, (got, want)) in shares.values.iter().zip(&want).enumerate() {
        assert!((got - want).abs() < 1e-6, "{player}: {got} {want}");
        assert!(got.abs() > 1e-6, "{player} adds something");
    }
    assert_complete(&shares, 1e-9);
    let by_kernel = KernelShap::new(0).shares(&game).unwrap();
    for (a, b) in by_kernel.values.iter().zip(&shares.values) {
        assert!((a - b).abs() < 1e-9);
    }
}

fn resnet() -> ResNetConfig {
    let config = ResNetConfig::resnet10(1).with_in_channels(1);
    config.with_features([4, 4, 6, 6])
}

#[test]
fn an_image_is_one_player_beside_columns() {
    let (network, case, background) = fused(resnet(), ConcatenationConfig::new(), [32, 33]);
    check_fused::<2>(&network, &case, &background);
    // All columns as one player have what they have together when the image is there or not.
    let columns = Player::columns(&patients()).into_iter();
    let columns = columns.reduce(Player::with).unwrap();
    let two = MaskedNetwork::new(&network, &case, &background, with_image(vec![columns]));
    let two = exact(&two.unwrap().with_class(2)).unwrap();
    assert_eq!(two.values.len(), 2);
    assert_complete(&two, 1e-9);
}

#[test]
fn a_volume_is_one_player_beside_columns() {
    let image = resnet().monai(3);
    let (network, case, background) = fused(image, FilmConfig::new(), [16, 17, 16]);
    check_fused::<3>(&network, &case, &background);
}

#[test]
fn who_is_no_player_stays_as_in_the_case() {
    let (network, case, background) = fused::<2>(resnet(), ConcatenationConfig::new(), [32, 33]);
    let image = vec![Player::whole("image", Inputs::IMAGE)];
    let alone = MaskedNetwork::new(&network, &case, &background, image).unwrap();
    let alone = exact(&alone).unwrap();
    let score = |images: &Inputs| {
        let images = images.image().unwrap();
        let rows = case.get(TABLE).unwrap();
        let rows = Tensor::cat(&vec![rows; images.dims()[0]], 0).unwrap();
        let inputs = Inputs::new(images.clone()).with(TABLE, rows);
        let logits = network.forward(&inputs, &Context::evaluate()).unwrap();
        let logits = logits.logits.to_vec2::<f32>().unwrap();
        logits.iter().map(|row| f64::from(row[0])).sum::<f64>() / logits.len() as f64
    };
    assert!((alone.all - score(&case)).abs() < 1e-6);
    assert!((alone.nobody - score(&background)).abs() < 1e-6);
    assert!((alone.values[0] - (alone.all - alone.nobody)).abs() < 1e-12);
}

#[test]
fn players_that_do_not_fit_the_inputs_are_refused() {
    let (network, case, background) = fused::<2>(resnet(), ConcatenationConfig::new(), [32, 33]);
    let refused = |players: Vec<Player>| {
        let error = MaskedNetwork::new(&network, &case, &background, players).unwrap_err();
        error.to_string()
    };
    let age = || Player::entries("age", TABLE, 0..1);
    let error = refused(vec![Player::whole("all", TABLE), age()]);
    assert!(error.contains("age"), "{error}");
    assert!(refused(vec![Player::whole("text", "tokens")]).contains("tokens"));
    assert!(refused(vec![Player::entries("sex", TABLE, 7..9)]).contains("8 entries"));
    assert!(refused(vec![Player::entries("none", TABLE, 3..3)]).contains("none"));
    let error = MaskedNetwork::new(&network, &background, &background, vec![age()]).unwrap_err();
    assert!(error.to_string().contains("batch of one"), "{error}");
    let image = case.image().unwrap().clone();
    let fewer = background.clone().with(Inputs::IMAGE, image);
    let error = MaskedNetwork::new(&network, &case, &fewer, vec![age()]).unwrap_err();
    assert!(error.to_string().contains("as many"), "{error}");
    assert!(MaskedNetwork::new(&network, &case, &Inputs::default(), vec![age()]).is_err());
    let game = MaskedNetwork::new(&network, &case, &background, vec![age()]).unwrap();
    let error = exact(&game.with_class(3)).unwrap_err().to_string();
    assert!(error.contains("class 3 of 3"), "{error}");
}
