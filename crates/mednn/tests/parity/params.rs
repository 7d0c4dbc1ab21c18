//! The parameter store: naming, drawing, loading and saving.

use std::collections::BTreeMap;

use candle_core::{DType, Device, Tensor};
use medcore::random::Key;
use mednn::params::{Init, LoadPolicy, NameMap, Params, read_safetensors, write_safetensors};
use mednn::{Context, Error};

fn network(seed: u64) -> Params {
    let params = Params::new(seed);
    let root = params.root();
    for name in ["encoder", "decoder"] {
        let path = root.child(name).child(0);
        path.parameter("weight", &[4, 2, 3, 3], Init::PYTORCH_WEIGHT)
            .unwrap();
        path.parameter("bias", &[4], Init::pytorch_bias(&[4, 2, 3, 3]))
            .unwrap();
    }
    root.child("norm")
        .buffer("running_mean", &[4], 0.5)
        .unwrap();
    root.child("norm").counter("num_batches_tracked").unwrap();
    params
}

fn values(params: &Params, name: &str) -> Vec<f32> {
    params
        .tensor(name)
        .unwrap()
        .flatten_all()
        .unwrap()
        .to_vec1()
        .unwrap()
}

#[test]
fn values_depend_on_seed_and_name_and_on_nothing_else() {
    let whole = network(7);
    let alone = Params::new(7);
    let path = alone.root().child("decoder").child(0);
    path.parameter("weight", &[4, 2, 3, 3], Init::PYTORCH_WEIGHT)
        .unwrap();
    assert_eq!(
        values(&whole, "decoder.0.weight"),
        values(&alone, "decoder.0.weight")
    );
    assert_ne!(
        values(&whole, "decoder.0.weight"),
        values(&whole, "encoder.0.weight")
    );
    assert_ne!(
        values(&whole, "decoder.0.weight"),
        values(&network(8), "decoder.0.weight")
    );
}

#[test]
fn names_come_in_order_and_only_once() {
    let params = network(1);
    let names = params.names();
    assert!(names.is_sorted());
    assert_eq!(names.len(), 6);
    assert_eq!(params.count(), 2 * (72 + 4));
    assert_eq!(params.parameters().len(), 4);
    assert_eq!(params.buffers().len(), 2);
    let again = params
        .root()
        .child("norm")
        .parameter("running_mean", &[1], Init::ZEROS);
    assert!(
        matches!(again, Err(Error::DuplicateParameter { name }) if name == "norm.running_mean")
    );
    assert!(matches!(
        params.parameter("norm.running_mean"),
        Err(Error::UnknownParameter { .. })
    ));
}

#[test]
fn parameters_are_tracked_only_where_a_gradient_is_wanted() {
    let params = network(1);
    let param = params.parameter("encoder.0.weight").unwrap();
    let train = Context::train(Key::new(1));
    assert!(param.tensor(&train).track_op());
    assert!(!param.tensor(&Context::evaluate()).track_op());
    assert_eq!(
        params.set_trainable(false, |name| name.starts_with("encoder.")),
        2
    );
    assert!(!param.tensor(&train).track_op());
    assert_eq!(params.set_trainable(true, |_| true), 4);
    assert!(param.tensor(&train).track_op());
}

#[test]
fn a_saved_network_comes_back_to_the_bit_and_saves_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (
        folder.path().join("a.safetensors"),
        folder.path().join("b.safetensors"),
    );
    let params = network(7);
    params.save_safetensors(&first).unwrap();
    let other = network(8);
    let report = other
        .load_safetensors(&first, &LoadPolicy::strict())
        .unwrap();
    assert_eq!(report.loaded, params.names());
    for name in params.names() {
        if name != "norm.num_batches_tracked" {
            assert_eq!(values(&params, &name), values(&other, &name), "{name}");
        }
    }
    other.save_safetensors(&second).unwrap();
    assert_eq!(
        std::fs::read(first).unwrap(),
        std::fs::read(second).unwrap()
    );
}

#[test]
fn weights_that_do_not_fit_are_refused_with_every_reason_and_change_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let params = network(7);
    let mut weights = params.snapshot().unwrap();
    weights.remove("decoder.0.bias");
    weights.insert(
        "head.weight".to_owned(),
        Tensor::zeros(3, DType::F32, &Device::Cpu).unwrap(),
    );
    weights.insert(
        "encoder.0.bias".to_owned(),
        Tensor::zeros(5, DType::F32, &Device::Cpu).unwrap(),
    );
    write_safetensors(&path, &weights, None).unwrap();
    let other = network(8);
    let before = values(&other, "encoder.0.weight");
    let error = other
        .load_safetensors(&path, &LoadPolicy::strict())
        .unwrap_err();
    let Error::Weights { report, .. } = &error else {
        panic!("{error}")
    };
    assert_eq!(report.missing, ["decoder.0.bias"]);
    assert_eq!(report.unexpected, ["head.weight"]);
    assert_eq!(report.misshapen[0].name, "encoder.0.bias");
    assert_eq!(
        (
            &report.misshapen[0].expected[..],
            &report.misshapen[0].got[..]
        ),
        (&[4][..], &[5][..])
    );
    for word in ["decoder.0.bias", "head.weight", "encoder.0.bias"] {
        assert!(error.to_string().contains(word), "{error}");
    }
    assert_eq!(values(&other, "encoder.0.weight"), before);

    let policy = LoadPolicy::strict()
        .with_missing_allowed("decoder.**")
        .with_unexpected_allowed("head.**")
        .with_misshapen_allowed("encoder.0.bias");
    let bias = values(&other, "encoder.0.bias");
    other.load_safetensors(&path, &policy).unwrap();
    assert_eq!(
        values(&other, "encoder.0.weight"),
        values(&params, "encoder.0.weight")
    );
    assert_eq!(values(&other, "encoder.0.bias"), bias);
}

#[test]
fn prefixes_are_renamed_and_narrow_types_widened() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let params = network(7);
    let weights: BTreeMap<String, Tensor> = params
        .snapshot()
        .unwrap()
        .into_iter()
        .map(|(name, value)| {
            let wide = if value.dtype() == DType::F32 {
                value.to_dtype(DType::F64).unwrap()
            } else {
                value
            };
            (format!("module.{name}"), wide)
        })
        .collect();
    write_safetensors(&path, &weights, Some(("source", "a test".to_owned()))).unwrap();
    let other = network(8);
    let stripped = LoadPolicy::strict().with_names(NameMap::new().with("module.**", "$1"));
    other.load_safetensors(&path, &stripped).unwrap();
    assert_eq!(
        values(&other, "decoder.0.weight"),
        values(&params, "decoder.0.weight")
    );
    assert!(
        other
            .load_safetensors(&path, &LoadPolicy::strict())
            .is_err()
    );
}

#[test]
fn names_of_one_tensor_must_agree() {
    let params = network(7);
    let mut weights = params.snapshot().unwrap();
    let weight = weights["encoder.0.weight"].clone();
    weights.insert("copy.encoder.0.weight".to_owned(), weight.clone());
    let policy = LoadPolicy::strict().with_names(NameMap::new().with("copy.**", "$1"));
    let other = network(8);
    let origin = std::path::Path::new("memory");
    let report = other
        .load_tensors(origin, weights.clone(), &policy)
        .unwrap();
    assert_eq!(report.aliases, ["encoder.0.weight"]);
    assert_eq!(report.loaded, params.names());
    let before = values(&other, "decoder.0.weight");
    let changed = weight.affine(1.0, 1e-3).unwrap();
    weights.insert("copy.encoder.0.weight".to_owned(), changed);
    let error = other.load_tensors(origin, weights, &policy).unwrap_err();
    let message = error.to_string();
    assert!(
        message.contains("copy.encoder.0.weight") && message.contains("differ"),
        "{message}"
    );
    assert_eq!(values(&other, "decoder.0.weight"), before);
}

#[test]
fn a_stem_is_summed_for_one_channel_and_repeated_for_more() {
    let origin = std::path::Path::new("memory");
    let load = |channels: usize, policy: &LoadPolicy| {
        let file = Tensor::arange(1f32, 13., &Device::Cpu).unwrap();
        let file = file.reshape((2, 3, 2, 1)).unwrap();
        let params = Params::new(1);
        let shape = [2, channels, 2, 1];
        params
            .root()
            .parameter("stem.weight", &shape, Init::ZEROS)
            .unwrap();
        let report =
            params.load_tensors(origin, [("stem.weight".to_owned(), file)].into(), policy)?;
        Ok::<_, Error>((report, values(&params, "stem.weight")))
    };
    let policy = LoadPolicy::strict().with_stem("stem.weight");
    let (report, one) = load(1, &policy).unwrap();
    assert_eq!(one, [9., 12., 27., 30.]);
    assert_eq!(
        (&report.adapted[0].got, &report.adapted[0].expected),
        (&vec![2, 3, 2, 1], &vec![2, 1, 2, 1])
    );
    // timm: repeated in turn, times 3 / 4.
    let (_, four) = load(4, &policy).unwrap();
    assert_eq!(four[..8], [0.75, 1.5, 2.25, 3., 3.75, 4.5, 0.75, 1.5]);
    assert!(load(3, &policy).unwrap().0.adapted.is_empty());
    assert!(matches!(
        load(1, &LoadPolicy::strict()),
        Err(Error::Weights { .. })
    ));
}

#[test]
fn values_that_are_no_numbers_are_refused_where_that_is_asked_for() {
    let params = network(7);
    let mut weights = params.snapshot().unwrap();
    let bias = Tensor::new(&[0f32, f32::NAN, 1., 2.], &Device::Cpu).unwrap();
    weights.insert("encoder.0.bias".to_owned(), bias);
    let origin = std::path::Path::new("memory");
    let finite = LoadPolicy::strict().with_finite_values();
    let error = network(8)
        .load_tensors(origin, weights.clone(), &finite)
        .unwrap_err();
    assert!(
        error.to_string().contains("1 not finite (encoder.0.bias)"),
        "{error}"
    );
    assert!(
        network(8)
            .load_tensors(origin, weights, &LoadPolicy::strict())
            .is_ok()
    );
}

#[test]
fn a_store_refuses_what_is_too_large_before_it_asks_for_memory() {
    let params = Params::new(1).with_most_parameters(100);
    let root = params.root();
    root.parameter("a", &[9, 10], Init::ZEROS).unwrap();
    let error = root
        .parameter("b", &[11], Init::ZEROS)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("b of shape [11]") && error.contains("100"),
        "{error}"
    );
    root.parameter("c", &[10], Init::ZEROS).unwrap();
    for shape in [vec![1 << 40], vec![usize::MAX, 2], vec![1 << 32, 1 << 32]] {
        let error = Params::new(1)
            .root()
            .parameter("w", &shape, Init::NNUNET_WEIGHT);
        assert!(
            matches!(error, Err(Error::TooManyParameters { .. })),
            "{shape:?}"
        );
    }
}

#[test]
fn a_zeroed_store_draws_nothing() {
    let params = Params::new(1).zeroed();
    let weight = params
        .root()
        .parameter("w", &[3, 4], Init::NNUNET_WEIGHT)
        .unwrap();
    assert_eq!(values(&params, "w"), [0.0; 12]);
    weight
        .set(&Tensor::ones((3, 4), DType::F32, &Device::Cpu).unwrap())
        .unwrap();
    assert_eq!(values(&params, "w"), [1.0; 12]);
}

#[test]
fn broken_files_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("weights.safetensors");
    let params = network(7);
    assert!(matches!(
        params.load_safetensors(&path, &LoadPolicy::strict()),
        Err(Error::Io { .. })
    ));
    params.save_safetensors(&path).unwrap();
    let whole = std::fs::read(&path).unwrap();
    for length in [0, 7, 8, 50, whole.len() - 1] {
        std::fs::write(&path, &whole[..length]).unwrap();
        assert!(
            matches!(read_safetensors(&path), Err(Error::InvalidFile { .. })),
            "{length} bytes"
        );
    }
    let mut huge = whole;
    huge[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    std::fs::write(&path, huge).unwrap();
    assert!(matches!(
        read_safetensors(&path),
        Err(Error::InvalidFile { .. })
    ));
}

#[test]
fn a_copy_follows_and_a_snapshot_stays() {
    let (params, average) = (network(7), network(8));
    average.copy_from(&params).unwrap();
    assert_eq!(
        values(&average, "encoder.0.weight"),
        values(&params, "encoder.0.weight")
    );
    let snapshot = params.snapshot().unwrap();
    let param = params.parameter("encoder.0.bias").unwrap();
    param
        .set(&Tensor::ones(4, DType::F32, &Device::Cpu).unwrap())
        .unwrap();
    assert_eq!(values(&params, "encoder.0.bias"), [1.0; 4]);
    assert_ne!(
        snapshot["encoder.0.bias"].to_vec1::<f32>().unwrap(),
        [1.0; 4]
    );
    params.restore(&snapshot).unwrap();
    assert_eq!(
        values(&params, "encoder.0.bias"),
        snapshot["encoder.0.bias"].to_vec1::<f32>().unwrap()
    );
    assert!(Params::new(1).copy_from(&params).is_err());
}
