//! Bundles with a signature of minisign.
//!
//! `signed/` was written by [`write`] once and signed by `signed.py`, so that it also says whether bundles of
//! then are read today.

use std::fs;
use std::path::{Path, PathBuf};

use medcore::{Geometry, Image};
use medinfer::{
    Bundle, BundleWriter, ClassLabel, Classifier, ClassifierConfig, Error, Manifest,
    SIGNATURE_FILE, SignatureKey, Version,
};
use medmodels::resnet::ResNetConfig;
use mednn::params::Params;

const USE: &str = "Tests of signatures.";
/// A key of somebody else.
const OTHER: &str = "RWQf6LRCGA9i53mlYecO4IzT51TGPpvWucNSCh1CBM0QTaLn73Y7GFO3";

fn image() -> Image<f32, 2> {
    let grid = Geometry::axis_aligned([16, 18], [1.0, 0.5]).unwrap();
    let values = (0..grid.len()).map(|i| (i * 37 % 101) as f32 / 101.0);
    Image::new(grid, values.collect::<Vec<_>>()).unwrap()
}

fn write(place: &Path, intended_use: &str) -> Manifest {
    let model = ResNetConfig::resnet10(2).with_in_channels(1);
    let model = model.small_images().with_features([1, 1, 2, 2]);
    let labels = [ClassLabel::new("normal"), ClassLabel::new("pneumonia")];
    let config = ClassifierConfig::<2>::new(model.into(), labels);
    let network = medmodels::create(&config.model, &Params::new(3)).unwrap();
    let classifier = Classifier::new(config, network).unwrap();
    BundleWriter::new(&classifier, "signed", Version::new(1, 0, 0))
        .with_intended_use(intended_use)
        .with_golden(&image(), 1e-3)
        .write(place)
        .unwrap()
}

fn fixture(name: &str) -> PathBuf {
    let tests = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    tests.join(name)
}

fn key(name: &str) -> SignatureKey {
    SignatureKey::new(&fs::read_to_string(fixture(name)).unwrap()).unwrap()
}

/// The signed bundle in a place where it may be changed.
fn copied(to: &Path) -> PathBuf {
    let place = to.join("signed");
    for name in [
        "bundle.json",
        "bundle.json.minisig",
        "README.md",
        "model.safetensors",
        "golden/0.safetensors",
    ] {
        let target = place.join(name);
        fs::create_dir_all(target.parent().unwrap()).unwrap();
        fs::copy(fixture("signed").join(name), target).unwrap();
    }
    place
}

fn blamed(error: Error) -> (String, String) {
    match error {
        Error::Bundle { path, problem } => {
            let name = path.file_name().unwrap().to_string_lossy();
            (name.into_owned(), problem)
        }
        other => panic!("{other}"),
    }
}

#[test]
#[ignore = "writes what signed.py signs"]
fn write_what_is_signed() {
    write(&fixture("signed"), USE);
}

#[test]
fn a_signed_bundle_is_that_of_its_key() {
    let place = fixture("signed");
    let bundle = Bundle::load_signed(&place, &key("signed.pub")).unwrap();
    assert_eq!(
        &Bundle::verify_signed(&place, &key("signed.pub")).unwrap(),
        bundle.manifest()
    );
    let found = bundle
        .classifier::<2>()
        .unwrap()
        .classify(&image())
        .unwrap();
    assert_eq!(found.probabilities.len(), 2);
    // Who has no key reads it, too.
    assert_eq!(Bundle::load(&place).unwrap().manifest(), bundle.manifest());
    // It is what is written today but for what the machine's arithmetic did to the golden answer.
    let folder = tempfile::tempdir().unwrap();
    let mut today = write(&folder.path().join("signed"), USE);
    let mut then = bundle.manifest().clone();
    for manifest in [&mut today, &mut then] {
        manifest.files.remove("golden/0.safetensors").unwrap();
    }
    assert_eq!(today, then);
}

#[test]
fn a_bundle_without_its_signature_is_refused_where_one_is_needed() {
    let folder = tempfile::tempdir().unwrap();
    let place = copied(folder.path());
    let key = key("signed.pub");
    let refused = || blamed(Bundle::load_signed(&place, &key).unwrap_err());
    let signature = fs::read_to_string(place.join(SIGNATURE_FILE)).unwrap();
    let (name, problem) =
        blamed(Bundle::load_signed(&place, &SignatureKey::new(OTHER).unwrap()).unwrap_err());
    assert!(
        name == SIGNATURE_FILE && problem.contains(OTHER),
        "{problem}"
    );
    // Any letter of the signature, of what it says under its protection, and of the signature over both.
    let lines: Vec<&str> = signature.lines().collect();
    for line in 1..4 {
        for at in [lines[line].len() / 2, lines[line].len() - 4] {
            let mut altered = lines
                .iter()
                .map(|line| line.to_string())
                .collect::<Vec<_>>();
            let other = if &lines[line][at..=at] == "A" {
                "B"
            } else {
                "A"
            };
            altered[line].replace_range(at..=at, other);
            fs::write(place.join(SIGNATURE_FILE), altered.join("\n")).unwrap();
            let (name, problem) = refused();
            assert_eq!(name, SIGNATURE_FILE, "line {line}: {problem}");
        }
    }
    for (text, expected) in [
        ("", "no signature"),
        ("untrusted comment: x\n", "no signature"),
        ("\u{fffd}", "no signature"),
    ] {
        fs::write(place.join(SIGNATURE_FILE), text).unwrap();
        assert!(refused().1.contains(expected), "{:?}", refused());
    }
    fs::write(place.join(SIGNATURE_FILE), [0xff, 0xfe]).unwrap();
    assert!(refused().1.contains("no text"));
    fs::write(place.join(SIGNATURE_FILE), vec![b'x'; 1 << 20]).unwrap();
    assert!(refused().1.contains("more than"));
    fs::remove_file(place.join(SIGNATURE_FILE)).unwrap();
    let (name, problem) = refused();
    assert!(
        name == SIGNATURE_FILE && problem.contains("missing"),
        "{problem}"
    );
    assert!(Bundle::load(&place).is_ok());
}

#[test]
fn a_description_that_was_made_anew_is_not_the_one_that_was_signed() {
    let folder = tempfile::tempdir().unwrap();
    let place = copied(folder.path());
    // A bundle that is whole, by somebody who cannot sign, under the signature of another.
    let other = folder.path().join("other");
    write(&other, "Use for every patient.");
    fs::copy(place.join(SIGNATURE_FILE), other.join(SIGNATURE_FILE)).unwrap();
    assert!(Bundle::load(&other).is_ok());
    let refused = blamed(Bundle::load_signed(&other, &key("signed.pub")).unwrap_err());
    assert_eq!(refused.0, SIGNATURE_FILE);
    assert!(
        refused.1.contains("not the signature of this description"),
        "{}",
        refused.1
    );
    // Whoever changes the description and leaves its own hash is told so first.
    let text = fs::read_to_string(place.join("bundle.json")).unwrap();
    let altered = text.replace("Tests of", "Use for");
    assert_ne!(altered, text);
    fs::write(place.join("bundle.json"), altered).unwrap();
    let refused = Bundle::load_signed(&place, &key("signed.pub")).unwrap_err();
    assert_eq!(blamed(refused).0, "bundle.json");
}

#[test]
fn what_is_no_key_is_refused() {
    for text in [
        "",
        "RWQf",
        "untrusted comment: minisign public key\n",
        "RUE=",
    ] {
        let error = SignatureKey::new(text).unwrap_err().to_string();
        assert!(error.contains("public key of minisign"), "{error}");
    }
    assert_eq!(SignatureKey::new(OTHER).unwrap().to_string(), OTHER);
}
