//! Every kind of checkpoint against what PyTorch reads of it, to the bit.

use std::collections::BTreeMap;
use std::path::PathBuf;

use medmodels::basic_unet::BasicUNetConfig;
use medmodels::weights::{self, ReadOptions};
use mednn::candle_core::{DType, Tensor};
use mednn::params::{LoadPolicy, Params};
use safetensors::{Dtype, SafeTensors};

fn fixture(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/weights")
        .join(name)
}

/// Shape and bytes by name, as PyTorch gives them; integers of 8 bits widened.
fn expected(prefix: &str) -> BTreeMap<String, (Vec<usize>, Vec<u8>)> {
    let bytes = std::fs::read(fixture("checkpoints.safetensors")).unwrap();
    let file = SafeTensors::deserialize(&bytes).unwrap();
    let named = file.iter().filter_map(|(name, view)| {
        let name = match name.split_once('/') {
            Some((group, name)) => (group == prefix).then_some(name)?,
            None => prefix.is_empty().then_some(name)?,
        };
        let bytes = match view.dtype() {
            Dtype::I8 => { view.data().iter() }
                .flat_map(|byte| i64::from(i8::from_ne_bytes([*byte])).to_le_bytes())
                .collect(),
            _ => view.data().to_vec(),
        };
        Some((name.to_owned(), (view.shape().to_vec(), bytes)))
    });
    named.collect()
}

fn bytes_of(tensor: &Tensor) -> Vec<u8> {
    let flat = tensor.flatten_all().unwrap();
    macro_rules! all {
        ($t:ty) => {{ flat.to_vec1::<$t>().unwrap() }
            .into_iter()
            .flat_map(|n| n.to_le_bytes())
            .collect()};
    }
    match tensor.dtype() {
        DType::U8 => all!(u8),
        DType::I16 => all!(i16),
        DType::I32 => all!(i32),
        DType::I64 => all!(i64),
        DType::F32 => all!(f32),
        DType::F64 => all!(f64),
        DType::F16 | DType::BF16 => {
            // Single precision holds them; their bits are its upper ones, or compared as numbers.
            let wide: Vec<f32> = flat.to_dtype(DType::F32).unwrap().to_vec1().unwrap();
            let half = tensor.dtype() == DType::F16;
            wide.into_iter()
                .flat_map(|n| match half {
                    true => half::f16::from_f32(n).to_le_bytes(),
                    false => half::bf16::from_f32(n).to_le_bytes(),
                })
                .collect()
        }
        other => panic!("{other:?}"),
    }
}

fn check(file: &str, options: &ReadOptions, entry: &str, prefix: &str) {
    let found = weights::read_with(fixture("checkpoints").join(file), options).unwrap();
    assert_eq!(found.entry, entry, "{file}");
    let found: BTreeMap<String, (Vec<usize>, Vec<u8>)> = { found.tensors.iter() }
        .map(|(name, t)| (name.clone(), (t.dims().to_vec(), bytes_of(t))))
        .collect();
    let mut expected = expected(prefix);
    if file == "script.pt" {
        // Scripts do not say which of their buffers are not kept.
        expected.insert(
            "grid".to_owned(),
            (vec![2], [1.0_f32; 2].map(f32::to_le_bytes).concat()),
        );
    }
    assert_eq!(
        found.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>(),
        "{file}"
    );
    for (name, value) in expected {
        assert_eq!(found[&name], value, "{file}: {name}");
    }
}

#[test]
fn every_kind_is_read_to_the_bit() {
    let custom = ReadOptions::new();
    for kind in ["archive", "legacy"] {
        for protocol in 2..=5 {
            check(&format!("{kind}_{protocol}.pth"), &custom, "", "");
        }
    }
    check("big_endian.pth", &custom, "", "");
    check("nested.pth", &custom, "state_dict", "");
    check("nnunet.pth", &custom, "network_weights", "");
    check("module.pt", &custom, "ema", "ema");
    check(
        "module.pt",
        &ReadOptions::new().entry("model"),
        "model",
        "model",
    );
    check("module_legacy.pt", &custom, "model", "model");
    check("script.pt", &custom, "", "script");
}

#[test]
fn an_entry_that_is_not_there_is_named() {
    let path = fixture("checkpoints/nested.pth");
    let refused = |entry: &str| {
        let options = ReadOptions::new().entry(entry);
        weights::read_with(&path, &options).unwrap_err().to_string()
    };
    let error = refused("model");
    assert!(
        error.contains("nested.pth") && error.contains("state_dict"),
        "{error}"
    );
    assert!(
        refused("epoch").contains("no tensors"),
        "{}",
        refused("epoch")
    );
    // Deeper ones are reached, and what is no text is no name.
    assert!(refused("optimizer.state").contains("a key is no text"));
}

#[test]
fn a_network_takes_what_fits_it() {
    let folder = tempfile::tempdir().unwrap();
    let config = BasicUNetConfig::new_2d(1, 2);
    let (source, target) = (Params::new(1), Params::new(2));
    for params in [&source, &target] {
        medmodels::create(&config.clone().into(), params).unwrap();
    }
    let path = folder.path().join("weights.safetensors");
    source.save_safetensors(&path).unwrap();
    let found = weights::read(&path).unwrap();
    let report = found.load_into(&target, &LoadPolicy::strict()).unwrap();
    assert_eq!(report.loaded, source.names());
    let other = weights::read(fixture("checkpoints/archive_2.pth")).unwrap();
    let refused = other
        .load_into(&target, &LoadPolicy::strict())
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("archive_2.pth") && refused.contains("missing"),
        "{refused}"
    );
}
