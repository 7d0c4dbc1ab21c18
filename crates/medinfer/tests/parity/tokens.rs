//! Fused networks that read embeddings beside image and table: as the network says, stored, and refused by name.

use std::fs;
use std::path::{Path, PathBuf};

use medinfer::{
    AnswerConfig, Bundle, BundleWriter, Examination, FusedClassifier, FusedConfig, PatientData,
    TokenSource, Version,
};
use medmodels::fusion::{self, CrossAttentionConfig};
use mednn::context::Context;
use mednn::params::{Params, read_safetensors};

use super::bundle::forge;
use super::classifier::{image, labels};
use super::patient::{config as without, fused, patient};

const WIDTH: usize = 5;

fn source() -> TokenSource {
    TokenSource::new("letters", "2.1.0").of("a sentence of the referral")
}

fn config(source: Option<TokenSource>) -> FusedConfig<2> {
    let plain = without(2);
    let attention = CrossAttentionConfig::new().with_features(8, 2);
    let mut model = plain.model;
    model.fusion = attention.with_tokens(WIDTH).into();
    let config =
        FusedConfig::new(model, AnswerConfig::new(labels(2))).with_preparation(plain.preparation);
    match source {
        Some(source) => config.with_tokens(source),
        None => config,
    }
}

fn letter(sentences: usize, seed: usize) -> Vec<Vec<f32>> {
    let number = |s: usize, i: usize| ((s * 31 + i * 17 + seed * 7) % 13) as f32 / 6.0 - 1.0;
    let sentence = |s: usize| (0..WIDTH).map(|i| number(s, i)).collect();
    (0..sentences).map(sentence).collect()
}

fn data(number: usize, sentences: usize) -> PatientData {
    PatientData::new(patient(number)).with_tokens(letter(sentences, number))
}

#[test]
fn tokens_reach_the_network_and_absent_ones_change_nothing() {
    let classifier = fused(config(Some(source().optional())));
    let patients = [data(0, 2), data(1, 0), data(2, 3)];
    let images: Vec<_> = (0..3)
        .map(|i| classifier.prepare(&image(i)).unwrap())
        .collect();
    let images: Vec<_> = images.iter().collect();
    let together = classifier.classify_prepared(&images, &patients).unwrap();
    for (number, patient) in patients.iter().enumerate() {
        // A batch is rounded in another order than one case.
        let alone = classifier.classify(&image(number), patient).unwrap();
        for (a, b) in alone.logits.iter().zip(&together[number].logits) {
            assert!((a - b).abs() < 1e-5, "{number}: {a} {b}");
        }
    }
    // A record alone is a patient without tokens.
    let of_record = classifier.classify(&image(1), &patient(1)).unwrap();
    let without = classifier.classify(&image(1), &data(1, 0)).unwrap();
    assert_eq!(of_record.logits, without.logits);
    let first = classifier.classify(&image(0), &data(0, 2)).unwrap();
    let other = PatientData::new(patient(0)).with_tokens(letter(2, 9));
    let other = classifier.classify(&image(0), &other).unwrap();
    assert!((other.logits[0] - first.logits[0]).abs() > 1e-3);
    // As put together by hand.
    let inputs = classifier.inputs(&images[..1], &patients[..1]).unwrap();
    let tokens = inputs.get(fusion::TOKENS).unwrap();
    assert_eq!(tokens.dims(), [1, 2, WIDTH]);
    assert_eq!(tokens.to_vec3::<f32>().unwrap()[0], letter(2, 0));
    let network = &classifier.networks()[0];
    let logits = network.forward(&inputs, &Context::evaluate()).unwrap();
    let logits = logits.logits.to_vec2::<f32>().unwrap();
    assert_eq!(logits[0], first.logits);
}

#[test]
fn what_the_network_does_not_read_is_refused() {
    let refused = |classifier: &FusedClassifier<'_, 2>, patient: &PatientData| {
        let error = classifier.classify(&image(0), patient).unwrap_err();
        error.to_string()
    };
    let strict = fused(config(Some(source())));
    strict.classify(&image(0), &data(0, 1)).unwrap();
    assert!(refused(&strict, &data(0, 0)).contains("given for each patient"));
    let wide = PatientData::new(patient(0)).with_tokens([vec![0.5; WIDTH + 1]]);
    let error = refused(&strict, &wide);
    assert!(
        error.contains("5 numbers long") && error.contains('6'),
        "{error}"
    );
    let broken = PatientData::new(patient(0)).with_tokens([vec![f32::NAN; WIDTH]]);
    assert!(refused(&strict, &broken).contains("finite"));
    let error = refused(&fused(without(3)), &data(0, 1));
    assert!(
        error.contains("tokens") && error.contains("reads none"),
        "{error}"
    );

    let check = |config: FusedConfig<2>| config.check().unwrap_err().to_string();
    assert!(check(config(None)).contains("width 5"));
    let nameless = TokenSource::new("letters", " ");
    assert!(check(config(Some(nameless))).contains("version"));
    let unread = without(3).with_tokens(source());
    assert!(check(unread).contains("letters"));
}

fn write(folder: &Path, config: FusedConfig<2>) -> PathBuf {
    let network = fusion::create(&config.model, &Params::new(3)).unwrap();
    let classifier = FusedClassifier::new(config, network).unwrap();
    let place = folder.join("letters");
    let cases = [
        Examination::new(image(0), patient(0)).with_tokens(letter(2, 0)),
        Examination::new(image(1), patient(1)),
    ];
    let manifest = BundleWriter::new(&classifier, "letters", Version::new(1, 0, 0))
        .with_golden(&cases[0], 1e-3)
        .with_golden(&cases[1], 1e-3)
        .write(&place)
        .unwrap();
    let (named, width) = manifest.task.tokens().unwrap();
    assert_eq!((named.encoder.as_str(), width), ("letters", WIDTH));
    place
}

#[test]
fn a_bundle_says_where_tokens_come_from_and_tries_some() {
    let folder = tempfile::tempdir().unwrap();
    let place = write(folder.path(), config(Some(source().optional())));
    let bundle = Bundle::load(&place).unwrap();
    let loaded = bundle.fused_classifier::<2>().unwrap();
    let first = fused(config(Some(source().optional())));
    assert_eq!(loaded.config(), first.config());
    assert_eq!(
        loaded.classify(&image(2), &data(2, 3)).unwrap(),
        first.classify(&image(2), &data(2, 3)).unwrap()
    );
    let golden = read_safetensors(&place.join("golden/0.safetensors")).unwrap();
    assert_eq!(golden["tokens"].dims(), [2, WIDTH]);
    let golden = read_safetensors(&place.join("golden/1.safetensors")).unwrap();
    assert!(!golden.contains_key("tokens"));
    let card = fs::read_to_string(place.join("README.md")).unwrap();
    for text in ["letters", "2.1.0", "a sentence of the referral", "| 5 |"] {
        assert!(card.contains(text), "{text} in {card}");
    }
    // Another encoder is another input.
    let mut next = bundle.manifest().clone();
    let other = TokenSource::new("letters", "3.0.0").optional();
    next.task = config(Some(other)).into();
    let version = next.version_after(bundle.manifest()).unwrap();
    assert_eq!(version, Version::new(2, 0, 0));
    // What says nothing of tokens reads none, and a description without the word is one of before.
    let json = serde_json::to_string(&without(3)).unwrap();
    assert!(!json.contains("tokens\":{"), "{json}");
    let before: FusedConfig<2> = serde_json::from_str(&json).unwrap();
    assert_eq!(before, without(3));

    // The second case has none, which the first letter forbids once it is no longer optional.
    let forbid = |json: &mut serde_json::Value| {
        json["task"]["fused_classification_2d"]["tokens"]["optional"] = false.into();
    };
    forge(&place, forbid);
    let error = Bundle::load(&place).unwrap_err().to_string();
    assert!(error.contains("given for each patient"), "{error}");
    forge(&place, |json| {
        json["task"]["fused_classification_2d"]["tokens"]["width"] = 5.into();
    });
    let error = Bundle::load(&place).unwrap_err().to_string();
    assert!(error.contains("width"), "{error}");
}
