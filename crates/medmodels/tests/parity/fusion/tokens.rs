//! Embeddings of texts as further tokens: those that are absent have no influence.

use medcore::random::Key;
use medmodels::fusion::{ABSENT_TOKENS, FusionConfig, TABLE, TOKENS, TokenBatch, create};
use mednn::candle_core::{DType, Device, Tensor, Var};
use mednn::context::Context;
use mednn::model::{Inputs, Model};
use mednn::params::Params;

use super::{attention, columns, rows, vision};
use crate::laws::bits;
use crate::reference::{fill, tensor, values};

fn network() -> Box<dyn Model> {
    let config = FusionConfig::new(vision(), columns(), attention().with_tokens(5), 3);
    let network = create(&config, &Params::new(1)).unwrap();
    fill(&*network);
    network
}

fn inputs(tokens: &Tensor, absent: &[[f32; 3]; 2]) -> Inputs {
    Inputs::new(tensor("image", &[2, 3, 33, 40]))
        .with(TABLE, rows())
        .with(TOKENS, tokens.clone())
        .with(ABSENT_TOKENS, Tensor::new(absent, &Device::Cpu).unwrap())
}

const ABSENT: [[f32; 3]; 2] = [[0.0, 1.0, 1.0], [1.0, 0.0, 1.0]];

/// Logits and the gradients of all parameters and of the tokens.
fn bits_of(tokens: &Tensor, absent: &[[f32; 3]; 2]) -> Vec<Vec<u32>> {
    let network = network();
    let tokens = Var::from_tensor(tokens).unwrap();
    let inputs = inputs(tokens.as_tensor(), absent);
    let context = Context::train(Key::new(3));
    let logits = network.forward(&inputs, &context).unwrap().logits;
    let gradients = logits.sqr().unwrap().sum_all().unwrap().backward().unwrap();
    // Zeros of either sign are one.
    let of = |tensor: &Tensor| bits(&gradients.get(tensor).unwrap().affine(1.0, 0.0).unwrap());
    let mut all = vec![bits(&logits), of(tokens.as_tensor())];
    let parameters = network.params().parameters();
    all.extend(parameters.iter().map(|p| of(p.var().as_tensor())));
    all
}

#[test]
fn an_absent_token_has_no_influence_to_the_bit_and_one_that_is_there_has_some() {
    let tokens = tensor("tokens", &[2, 3, 5]);
    let there = [[1.0_f32, 0.0, 0.0], [0.0, 1.0, 0.0]];
    let there = Tensor::new(&there, &Device::Cpu).unwrap();
    let there = there.unsqueeze(2).unwrap();
    let others = (tensor("others", &[2, 3, 5]) * 100.0).unwrap();
    // The same where there is a token, something else where there is none.
    let absent = there.affine(-1.0, 1.0).unwrap();
    let kept = tokens.broadcast_mul(&there).unwrap();
    let changed = (&kept + others.broadcast_mul(&absent).unwrap()).unwrap();
    let expected = bits_of(&kept, &ABSENT);
    assert!(expected == bits_of(&changed, &ABSENT));
    let changed = (&changed + 0.5).unwrap();
    assert_ne!(expected[0], bits_of(&changed, &ABSENT)[0]);
    assert_ne!(expected[0], bits_of(&kept, &[[0.0; 3]; 2])[0]);
    // Nothing flows to what nobody sees.
    let gradient: Vec<f32> = expected[1].iter().map(|b| f32::from_bits(*b)).collect();
    for (place, token) in gradient.chunks(5).enumerate() {
        let is_absent = ABSENT.as_flattened()[place] == 1.0;
        assert_eq!(token.iter().all(|v| *v == 0.0), is_absent, "token {place}");
    }
}

#[test]
fn tokens_are_a_set() {
    let tokens = tensor("tokens", &[2, 3, 5]);
    let order = Tensor::new(&[2_u32, 0, 1], &Device::Cpu).unwrap();
    let turned = tokens.index_select(&order, 1).unwrap();
    let network = network();
    let logits = |tokens: &Tensor| {
        let inputs = inputs(tokens, &[[0.0; 3]; 2]);
        values(
            &network
                .forward(&inputs, &Context::evaluate())
                .unwrap()
                .logits,
        )
    };
    for (a, b) in logits(&tokens).iter().zip(logits(&turned)) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
}

#[test]
fn items_may_have_different_numbers_of_tokens_also_none() {
    let token = |v: f32| vec![v; 5];
    let items = [vec![], vec![token(0.5), token(-1.0)]];
    let batch = TokenBatch::new(&items, 5, &Device::Cpu).unwrap();
    let absent = batch.absent().to_vec2::<f32>().unwrap();
    assert_eq!(absent, [[1.0, 1.0], [0.0, 0.0]]);
    let none = TokenBatch::new(&[vec![], vec![]], 5, &Device::Cpu).unwrap();
    assert_eq!(none.tokens().dims(), [2, 1, 5]);
    let network = network();
    let logits = |batch: &TokenBatch| {
        let inputs = Inputs::new(tensor("image", &[2, 3, 33, 40])).with(TABLE, rows());
        let inputs = batch.add_to(inputs);
        let logits = network
            .forward(&inputs, &Context::evaluate())
            .unwrap()
            .logits;
        logits.to_vec2::<f32>().unwrap()
    };
    let (some, none) = (logits(&batch), logits(&none));
    for (a, b) in some[0].iter().zip(&none[0]) {
        assert!((a - b).abs() < 1e-5, "{a} {b}");
    }
    assert_ne!(some[1], none[1]);
    let refused = |items: &[Vec<Vec<f32>>]| {
        TokenBatch::new(items, 5, &Device::Cpu)
            .unwrap_err()
            .to_string()
    };
    let error = refused(&[vec![], vec![token(1.0), vec![0.0; 4]]]);
    assert!(error.contains("4 in token 1 of item 1"), "{error}");
    let error = refused(&[vec![token(f32::NAN)]]);
    assert!(error.contains("NaN in token 0 of item 0"), "{error}");
    assert!(refused(&[]).contains("at least one item"));
}

#[test]
fn tokens_that_do_not_fit_are_named() {
    let network = network();
    let refused = |inputs: &Inputs| {
        let result = network.forward(inputs, &Context::evaluate());
        result.unwrap_err().to_string()
    };
    let image = Inputs::new(tensor("image", &[2, 3, 33, 40]));
    let error = refused(&image);
    assert!(error.contains("\"table\" is missing"), "{error}");
    let image = image.with(TABLE, rows());
    assert!(refused(&image).contains("\"tokens\" is missing"));
    let zeros = |shape: &[usize]| Tensor::zeros(shape, DType::F32, &Device::Cpu).unwrap();
    let given = image.with(TOKENS, zeros(&[2, 3, 4]));
    assert!(refused(&given).contains("\"absent_tokens\" is missing"));
    let given = given.with(ABSENT_TOKENS, zeros(&[2, 3]));
    assert!(refused(&given).contains("[2, 3, 5]"));
    let given = given.with(TOKENS, zeros(&[2, 2, 5]));
    assert!(refused(&given).contains("[2, 2]"));
    // A network that reads none does not pass over them.
    let config = FusionConfig::new(vision(), columns(), attention(), 3);
    let other = create(&config, &Params::new(1)).unwrap();
    let error = other.forward(&given, &Context::evaluate()).unwrap_err();
    assert!(error.to_string().contains("tokens"), "{error}");
    let given = given.with(TABLE, zeros(&[2, 10]));
    assert!(refused(&given).contains("[2, 11]"));
}
