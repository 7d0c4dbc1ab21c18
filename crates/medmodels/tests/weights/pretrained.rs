//! Published weights by manifest.

use medmodels::pretrained::{Manifest, Store, manifest, manifests};
use medmodels::registry::Request;
use medmodels::{Error, create};
use mednn::params::Params;
use sha2::{Digest, Sha256};

#[test]
fn built_in_manifests_can_be_used() {
    let all = manifests();
    assert!(all.len() > 25);
    for manifest in &all {
        manifest.check().unwrap();
        let entry = manifest.entry().unwrap();
        let picture = manifest.picture.as_ref().unwrap();
        assert_eq!(entry.extent(2), Some(picture.crop), "{}", manifest.tag);
        assert!(manifest.file.contains(&manifest.sha256), "{}", manifest.tag);
        assert_eq!(
            all.iter().filter(|other| other.tag == manifest.tag).count(),
            1
        );
        let json = serde_json::to_string(manifest).unwrap();
        assert_eq!(&serde_json::from_str::<Manifest>(&json).unwrap(), manifest);
    }
    let error = manifest("resnet50.imagenet21k").unwrap_err().to_string();
    assert!(
        error.contains("resnet50.imagenet1k_v1, resnet50.imagenet1k_v2"),
        "{error}"
    );
}

/// A manifest of a small network's weights, and the store they are in.
fn published(folder: &std::path::Path) -> (Manifest, Params) {
    let request = Request::new().with_spatial_dims(2).with_out_channels(3);
    let config = medmodels::registry::find("segresnet")
        .unwrap()
        .config(&request)
        .unwrap();
    let params = Params::new(11);
    create(&config, &params).unwrap();
    let path = folder.join("lung.safetensors");
    params.save_safetensors(&path).unwrap();
    let hash = Sha256::digest(std::fs::read(path).unwrap());
    let hash: String = hash.iter().map(|b| format!("{b:02x}")).collect();
    let manifest = serde_json::json!({
        "tag": "segresnet.lung", "network": "segresnet", "file": "lung.safetensors",
        "source": "https://example.org/lung.safetensors", "sha256": hash, "licence": "CC0-1.0",
        "in_channels": 1, "out_channels": 3,
    });
    (serde_json::from_value(manifest).unwrap(), params)
}

#[test]
fn a_file_with_its_hash_goes_into_the_network_that_was_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, params) = published(folder.path());
    let store = Store::new(folder.path());
    let flat = Request::new().with_spatial_dims(2);
    let found = store.network(&manifest, &flat, 5).unwrap();
    assert_eq!(found.report.loaded, params.names());
    for name in params.names() {
        let bits = |params: &Params| {
            let flat = params.tensor(&name).unwrap().flatten_all().unwrap();
            flat.to_vec1::<f32>().unwrap()
        };
        assert_eq!(bits(found.network.params()), bits(&params), "{name}");
    }
    let other = flat.with_in_channels(2).with_out_channels(5);
    let found = store.network(&manifest, &other, 5).unwrap();
    assert_eq!(found.report.adapted.len(), 1);
    let heads: Vec<_> = found
        .report
        .misshapen
        .iter()
        .map(|m| m.name.as_str())
        .collect();
    assert_eq!(
        heads,
        ["conv_final.2.conv.bias", "conv_final.2.conv.weight"]
    );
    // The head is new, not zero.
    let head = found
        .network
        .params()
        .tensor("conv_final.2.conv.weight")
        .unwrap();
    assert!(
        head.abs()
            .unwrap()
            .min_all()
            .unwrap()
            .to_scalar::<f32>()
            .unwrap()
            > 0.0
    );
}

#[test]
fn what_is_not_there_or_not_what_it_says_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (manifest, _) = published(folder.path());
    let missing = Store::new(folder.path().join("elsewhere"))
        .weights(&manifest)
        .unwrap_err();
    let message = missing.to_string();
    for part in [
        "https://example.org/lung.safetensors",
        "CC0-1.0",
        "elsewhere",
    ] {
        assert!(message.contains(part), "{message}");
    }
    let store = Store::new(folder.path());
    let mut bytes = std::fs::read(store.path(&manifest)).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(store.path(&manifest), bytes).unwrap();
    assert!(matches!(
        store.weights(&manifest),
        Err(Error::OtherHash { .. })
    ));
    for (key, value) in [
        ("sha256", serde_json::json!("abc")),
        ("sha256", serde_json::json!("ABCDEF0123")),
        ("file", serde_json::json!("../../etc/passwd")),
        ("file", serde_json::json!("")),
        ("network", serde_json::json!("segresnet3")),
        ("labels", serde_json::json!(["lung"])),
        (
            "picture",
            serde_json::json!({"resize": 8, "crop": 9, "mean": [0.5], "std": [0.5]}),
        ),
        (
            "picture",
            serde_json::json!({"resize": 8, "crop": 8, "mean": [0.5], "std": [0.0]}),
        ),
        (
            "picture",
            serde_json::json!({"resize": 8, "crop": 8, "mean": [], "std": [0.5]}),
        ),
    ] {
        let mut json = serde_json::to_value(&manifest).unwrap();
        json[key] = value.clone();
        let changed: Manifest = serde_json::from_value(json).unwrap();
        let error = store.weights(&changed).unwrap_err().to_string();
        assert!(
            error.contains(key) || key == "network" && error.contains("segresnet"),
            "{key} {value}: {error}"
        );
    }
}
