//! Damaged headers of mosaics, uptakes, dose grids, mappings and regions: an error, or a volume.

use std::path::Path;
use std::sync::Arc;

use medio::dicom::{
    self, Dataset, Duplicates, Element, Gap, Quantity, ReadOptions, SeriesQuery, Suv, Tag, Value,
    Vr, WriteOptions,
};
use medio::medcore::Budget;
use medio::medcore::random::Key;
use safetensors::SafeTensors;

use super::super::allocator::peak_of;
use super::builder::{Image, element, pixels};
use super::mutation::change;

/// Every attribute of numbers that decides places, values and units, in one small file.
fn rich() -> Vec<u8> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let bytes = std::fs::read(folder.join("mosaic.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mosaic = tensors.tensor("axial.file").unwrap().data().to_vec();
    let file = dicom::decode(mosaic, &ReadOptions::new()).unwrap();
    let mut d = file.dataset().clone();
    let pixels = d.get(Tag::PIXEL_DATA).map(|e| file.load(e).unwrap());
    d.insert(Element::new(Tag::PIXEL_DATA, Vr::OW, pixels.unwrap()));
    let texts = [
        (Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.481.2"),
        (Tag::IMAGE_TYPE, "ORIGINAL\\PRIMARY\\AXIAL"),
        (Tag::UNITS, "BQML"),
        (Tag::DECAY_CORRECTION, "START"),
        (Tag::CORRECTED_IMAGE, "ATTN\\DECY"),
        (Tag::PATIENT_SEX, "F"),
        (Tag::SERIES_DATE, "20240229"),
        (Tag::SERIES_TIME, "094000"),
        (Tag::ACQUISITION_DATE, "20240229"),
        (Tag::ACQUISITION_TIME, "094000"),
    ];
    for (tag, text) in texts {
        d.set_text(tag, text).unwrap();
    }
    for (tag, number) in [
        (Tag::GRID_FRAME_OFFSET_VECTOR, 0.0),
        (Tag::DOSE_GRID_SCALING, 0.5),
        (Tag::PATIENT_WEIGHT, 70.0),
        (Tag::PATIENT_SIZE, 1.7),
    ] {
        d.set_floats(tag, &[number]).unwrap();
    }
    let mut drug = Dataset::new();
    drug.set_floats(Tag::RADIONUCLIDE_TOTAL_DOSE, &[4e8])
        .unwrap();
    drug.set_floats(Tag::RADIONUCLIDE_HALF_LIFE, &[6000.0])
        .unwrap();
    drug.set_text(Tag::RADIOPHARMACEUTICAL_START_TIME, "080000")
        .unwrap();
    d.set_items(Tag::RADIOPHARMACEUTICAL_INFORMATION_SEQUENCE, vec![drug]);
    let mut mapping = Dataset::new();
    let first = Tag::REAL_WORLD_VALUE_FIRST_VALUE_MAPPED;
    mapping.set_integers(first, &[0]).unwrap();
    mapping
        .set_integers(Tag::REAL_WORLD_VALUE_LAST_VALUE_MAPPED, &[3])
        .unwrap();
    mapping
        .set_floats(Tag::REAL_WORLD_VALUE_LUT_DATA, &[1.0, 2.0, 3.0, 4.0])
        .unwrap();
    d.set_items(Tag::REAL_WORLD_VALUE_MAPPING_SEQUENCE, vec![mapping]);
    let mut region = Dataset::new();
    for tag in [
        Tag::REGION_LOCATION_MIN_X0,
        Tag::REGION_LOCATION_MIN_Y0,
        Tag::REGION_LOCATION_MAX_X1,
        Tag::REGION_LOCATION_MAX_Y1,
        Tag::PHYSICAL_UNITS_X_DIRECTION,
        Tag::PHYSICAL_UNITS_Y_DIRECTION,
        Tag::REGION_SPATIAL_FORMAT,
    ] {
        region.set_integers(tag, &[3]).unwrap();
    }
    region.set_floats(Tag::PHYSICAL_DELTA_X, &[0.1]).unwrap();
    region.set_floats(Tag::PHYSICAL_DELTA_Y, &[0.1]).unwrap();
    d.set_items(Tag::SEQUENCE_OF_ULTRASOUND_REGIONS, vec![region]);
    dicom::encode(&d, &WriteOptions::new()).unwrap()
}

fn seeds() -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/parity");
    let bytes = std::fs::read(folder.join("mosaic.safetensors")).unwrap();
    let tensors = SafeTensors::deserialize(&bytes).unwrap();
    let mosaics = ["axial", "oblique", "flipped"].map(|name| {
        let file = tensors.tensor(&format!("{name}.file")).unwrap();
        file.data().to_vec()
    });
    let mut seeds = Vec::from(mosaics);
    seeds.push(rich());
    seeds
}

/// Everything that is made of a folder; whether it gave a volume.
fn use_up(folder: &Path) -> bool {
    let scan = dicom::scan(folder).unwrap();
    let budget = Arc::new(Budget::new(64 << 20));
    let mut read = false;
    let _ = scan.select(&SeriesQuery::new().minimum_slices(2));
    for stack in scan.series().flat_map(|series| &series.stacks) {
        for gap in [Gap::Error, Gap::Fill(0.0), Gap::Resample, Gap::Accept] {
            let options = ReadOptions::new()
                .budget(Arc::clone(&budget))
                .on_gap(gap)
                .on_duplicates(Duplicates::KeepFirst);
            read |= stack.volumes::<f32>(&options).is_ok();
            let _ = stack.suv(Suv::LeanBodyMass, &options);
            let real = Quantity::RealWorld { unit: None };
            let _ = stack.volume::<f32>(&options.quantity(real));
        }
        for slice in &stack.slices {
            let Ok(file) = dicom::open(&slice.path) else {
                continue;
            };
            let _ = file.real_world(slice.frame);
            if let Ok(calibration) = file.calibration(slice.frame) {
                let _ = calibration.distance([1.0, 1.0], [3.0, 3.0]);
            }
        }
    }
    read
}

#[test]
fn hundreds_of_damaged_headers_end_in_an_error_or_a_volume() {
    let seeds = seeds();
    let (mut read, mut not) = (0, 0);
    for (index, seed) in seeds.iter().enumerate() {
        for number in 0..200 {
            let key = Key::new(700 + index as u64).sample(number);
            let mut random = key.stream("series");
            let mut bytes = seed.clone();
            let other = &seeds[random.below(seeds.len())];
            if number > 0 {
                for _ in 0..=random.below(3) {
                    change(&mut bytes, other, &mut random);
                }
            }
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join("x.dcm"), &bytes).unwrap();
            let size = bytes.len() as u64;
            let (volume, peak) = peak_of(|| use_up(folder.path()));
            assert!(
                peak <= 16 * size + (16 << 20),
                "seed {index}, mutant {number}: {peak} bytes"
            );
            assert!(volume || number > 0, "seed {index} is no volume");
            *(if volume { &mut read } else { &mut not }) += 1;
        }
    }
    assert!(read > 100 && not > 100, "{read} read, {not} not");
}

/// Three slices of one series, and what `dicom_series` cuts files at between them.
fn slices() -> Vec<u8> {
    let image = Image::with(|i| {
        (i.rows, i.columns) = (Some(4), Some(4));
        i.pixel_data = Some(element(0x7fe0, 0x10, "OW", &pixels()[..32]));
    });
    let file = dicom::decode(image.file(), &ReadOptions::new()).unwrap();
    let files = [0, 1, 3].map(|k| {
        let mut slice = file.dataset().clone();
        let place = [0.0, 0.0, f64::from(k)];
        let words = Value::Bytes(pixels()[..32].into());
        slice.insert(Element::new(Tag::PIXEL_DATA, Vr::OW, words));
        let uid = format!("1.2.3.4.5.{k}");
        slice.set_text(Tag::SOP_INSTANCE_UID, &uid).unwrap();
        slice
            .set_floats(Tag::IMAGE_POSITION_PATIENT, &place)
            .unwrap();
        dicom::encode(&slice, &WriteOptions::new()).unwrap()
    });
    files.join(&b"//cut//\n"[..])
}

/// Run by hand before fuzzing: `MED_FUZZ_SEEDS=$PWD/fuzz/corpus`.
#[test]
fn every_seed_of_a_series_is_written_for_the_fuzzer_on_request() {
    let scratch = tempfile::tempdir().unwrap();
    let chosen = std::env::var_os("MED_FUZZ_SEEDS").map(std::path::PathBuf::from);
    let folder = chosen.as_deref().unwrap_or(scratch.path());
    let folder = folder.join("dicom_series");
    std::fs::create_dir_all(&folder).unwrap();
    for (index, seed) in seeds().into_iter().chain([slices()]).enumerate() {
        std::fs::write(folder.join(index.to_string()), seed).unwrap();
    }
}
