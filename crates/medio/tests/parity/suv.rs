//! Standardised uptake values against those of `@cornerstonejs/calculate-suv` (`suv.mjs`, `suv.json`).

use medio::dicom::{
    self, Dataset, Element, ReadOptions, Scan, Suv, SuvReference, Tag, Value, Vr, WriteOptions,
};
use serde_json::Value as Json;

const DRUG: [(&str, &str); 4] = [
    ("RadionuclideTotalDose", "RadionuclideTotalDose"),
    ("RadionuclideHalfLife", "RadionuclideHalfLife"),
    (
        "RadiopharmaceuticalStartTime",
        "RadiopharmaceuticalStartTime",
    ),
    (
        "RadiopharmaceuticalStartDateTime",
        "RadiopharmaceuticalStartDateTime",
    ),
];
const TOP: [&str; 9] = [
    "Units",
    "DecayCorrection",
    "PatientWeight",
    "PatientSize",
    "PatientSex",
    "SeriesDate",
    "SeriesTime",
    "AcquisitionDate",
    "AcquisitionTime",
];

fn text(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Array(terms) => {
            let terms: Option<Vec<String>> = terms.iter().map(text).collect();
            Some(terms?.join("\\"))
        }
        _ => None,
    }
}

fn set(dataset: &mut Dataset, keyword: &str, value: &Json) {
    let tag: Tag = keyword.parse().unwrap();
    if let Some(text) = text(value) {
        let vr = tag.vr().unwrap();
        dataset.insert(Element::new(tag, vr, Value::Bytes(text.as_bytes().into())));
    }
}

fn private(dataset: &mut Dataset, creator: &str, [group, element]: [u16; 2], vr: Vr, value: &Json) {
    let Some(text) = text(value) else { return };
    let block = Tag::new(group, 0x10);
    dataset.insert(Element::new(
        block,
        Vr::LO,
        Value::Bytes(creator.as_bytes().into()),
    ));
    let tag = Tag::new(group, 0x1000 + element);
    dataset.insert(Element::new(tag, vr, Value::Bytes(text.as_bytes().into())));
}

fn slice(instance: &Json, k: usize) -> Dataset {
    let mut d = super::dicom_slice(k);
    d.set_text(Tag::MODALITY, "PT").unwrap();
    d.set_text(Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.128")
        .unwrap();
    for keyword in TOP {
        set(&mut d, keyword, &instance[keyword]);
    }
    set(&mut d, "CorrectedImage", &instance["CorrectedImage"]);
    let mut drug = Dataset::new();
    for (keyword, key) in DRUG {
        set(&mut drug, keyword, &instance[key]);
    }
    d.set_items(Tag::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE, vec![drug]);
    let philips = &instance["PhilipsPETPrivateGroup"];
    let creator = "Philips PET Private Group";
    private(
        &mut d,
        creator,
        [0x7053, 0x00],
        Vr::DS,
        &philips["SUVScaleFactor"],
    );
    let activity = &philips["ActivityConcentrationScaleFactor"];
    private(&mut d, creator, [0x7053, 0x09], Vr::DS, activity);
    let start = &instance["GEPrivatePostInjectionDateTime"];
    private(&mut d, "GEMS_PETD_01", [0x0009, 0x0d], Vr::DT, start);
    d
}

fn scan(instances: &[Json]) -> (tempfile::TempDir, Scan) {
    let folder = tempfile::tempdir().unwrap();
    for (k, instance) in instances.iter().enumerate() {
        let path = folder.path().join(format!("{k}.dcm"));
        dicom::write(path, &slice(instance, k), &WriteOptions::new()).unwrap();
    }
    let scan = dicom::scan(folder.path()).unwrap();
    assert!(scan.refused.is_empty(), "{:?}", scan.refused);
    (folder, scan)
}

#[test]
fn factors_are_those_of_calculate_suv() {
    let cases: Json = serde_json::from_str(include_str!("suv.json")).unwrap();
    let mut references = Vec::new();
    for (name, case) in cases.as_object().unwrap() {
        let (_folder, scan) = scan(case["instances"].as_array().unwrap());
        let stack = scan.only().unwrap().stack().unwrap();
        for (suv, key) in [
            (Suv::BodyWeight, "suvbw"),
            (Suv::LeanBodyMass, "suvlbmJanma"),
            (Suv::BodySurface, "suvbsa"),
        ] {
            // There the other library forgets the scanner's own factor for these two.
            let own = name.starts_with("philips") || name == "gml";
            if own && suv != Suv::BodyWeight {
                continue;
            }
            let factors = stack.suv_factors(suv).unwrap();
            for (factor, want) in factors.iter().zip(case["factors"].as_array().unwrap()) {
                let want = want[key].as_f64().unwrap();
                let off = (factor.factor - want).abs() / want;
                assert!(off < 1e-12, "{name} {key}: {} is not {want}", factor.factor);
                references.push(factor.reference);
            }
        }
        let volume = stack.suv(Suv::BodyWeight, &ReadOptions::new()).unwrap();
        let want = case["factors"][1]["suvbw"].as_f64().unwrap() * 103.0;
        let got = f64::from(volume.image.as_slice()[12 + 3]);
        assert!(
            (got - want).abs() < 1e-6 * want,
            "{name}: {got} is not {want}"
        );
        assert_eq!(volume.unit.as_deref(), Some("{SUVbw}g/ml"));
    }
    for reference in [
        SuvReference::Series,
        SuvReference::EarliestAcquisition,
        SuvReference::GeScanStart,
        SuvReference::Scanner,
    ] {
        assert!(references.contains(&reference), "{reference:?}");
    }
}
