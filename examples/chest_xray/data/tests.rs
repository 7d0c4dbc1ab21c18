//! Every layout, from folders made up here; real files where there are some.

use std::fs;
use std::path::{Path, PathBuf};

use medcore::random::Key;
use medcore::{Geometry, Image};
use medio::dicom::{self, Dataset, Element, Tag, Value, Vr};
use medtrain::split::PartName;

use super::*;

/// A picture that no other has.
fn picture(path: &Path, number: u8) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let grid = Geometry::axis_aligned([6, 5], [1.0; 2]).unwrap();
    let pixels = (0..30).map(|i| i * 3 + number).collect::<Vec<u8>>();
    medio::write(path, &Image::new(grid, pixels).unwrap()).unwrap();
}

fn classes(collection: &Collection) -> Vec<(String, String, u32, Option<PartName>)> {
    let row = |r: &Radiograph| {
        (
            r.record.id.clone(),
            r.record.patient.to_string(),
            r.record.class.unwrap(),
            r.part,
        )
    };
    collection.radiographs.iter().map(row).collect()
}

#[test]
fn kaggle_folders_keep_a_patient_in_one_part_and_rebuild_validation() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: String| folder.path().join(name);
    for n in 0..12u8 {
        picture(&at(format!("train/NORMAL/IM-01{n:02}-0001.png")), n);
        picture(
            &at(format!("train/PNEUMONIA/person{n}_bacteria_1.png")),
            20 + n,
        );
        picture(
            &at(format!("train/PNEUMONIA/person{n}_virus_2.png")),
            40 + n,
        );
    }
    picture(&at("val/NORMAL/NORMAL2-IM-1427-0001.png".into()), 60);
    picture(&at("val/PNEUMONIA/person1946_bacteria_4874.png".into()), 61);
    picture(&at("test/NORMAL/IM-0001-0001.png".into()), 62);
    picture(&at("test/PNEUMONIA/person1_virus_6.png".into()), 63);
    let mut collection = Collection::open(folder.path(), "Pneumonia").unwrap();
    collection
        .hash_pixels(&indicatif::ProgressBar::hidden())
        .unwrap();
    assert_eq!((collection.count(0), collection.count(1)), (14, 26));
    let split = collection.split(Key::new(3)).unwrap();
    assert_eq!(split.test.len(), 2);
    assert!(split.validation.len() >= 4, "{}", split.validation.len());
    let of =
        |records: &mut dyn Iterator<Item = &CaseRecord>| -> std::collections::BTreeSet<String> {
            records.map(|r| r.patient.to_string()).collect()
        };
    let training = of(&mut split.training.members().records());
    let validation = of(&mut split.validation.members().records());
    assert!(training.is_disjoint(&validation));
}

#[test]
fn pixels_of_the_test_part_leave_training() {
    let folder = tempfile::tempdir().unwrap();
    for n in 0..8u8 {
        picture(
            &folder
                .path()
                .join(format!("train/NORMAL/IM-{n:04}-0001.png")),
            n,
        );
        picture(
            &folder
                .path()
                .join(format!("train/PNEUMONIA/person{n}_virus_1.png")),
            20 + n,
        );
    }
    picture(&folder.path().join("test/NORMAL/IM-0100-0001.png"), 3);
    picture(
        &folder.path().join("test/PNEUMONIA/person7_virus_9.png"),
        90,
    );
    let mut collection = Collection::open(folder.path(), "Pneumonia").unwrap();
    assert!(
        collection.split(Key::new(1)).is_ok(),
        "without hashes nobody can know"
    );
    collection
        .hash_pixels(&indicatif::ProgressBar::hidden())
        .unwrap();
    assert!(
        !classes(&collection)
            .iter()
            .any(|(id, ..)| id == "train/IM-0003-0001")
    );
    assert!(
        collection
            .notes
            .iter()
            .any(|note| note.starts_with("1 images")),
        "{:?}",
        collection.notes
    );
    assert!(collection.split(Key::new(1)).is_ok());
}

#[test]
fn chest_xray14_follows_its_lists_and_the_finding_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let mut table = "Image Index,Finding Labels,Follow-up #,Patient ID,Patient Age,Patient Gender,View Position\n".to_owned();
    let (mut training, mut test) = (String::new(), String::new());
    for n in 0..12u8 {
        let name = format!("{n:08}_000.png");
        let labels = if n % 3 == 0 {
            "Infiltration|Pneumonia"
        } else {
            "No Finding"
        };
        table += &format!(
            "{name},{labels},0,{n},60,M,{}\n",
            if n % 2 == 0 { "PA" } else { "AP" }
        );
        if n != 11 {
            picture(&folder.path().join(format!("images_001/images/{name}")), n);
        }
        *(if n < 8 { &mut training } else { &mut test }) += &format!("{name}\n");
    }
    fs::write(folder.path().join("Data_Entry_2017_v2020.csv"), table).unwrap();
    fs::write(folder.path().join("train_val_list.txt"), training).unwrap();
    fs::write(folder.path().join("test_list.txt"), test).unwrap();
    let collection = Collection::open(folder.path(), "pneumonia").unwrap();
    assert_eq!((collection.radiographs.len(), collection.count(1)), (11, 4));
    assert!(
        collection
            .notes
            .iter()
            .any(|note| note.starts_with("1 images"))
    );
    let split = collection.split(Key::new(1)).unwrap();
    assert_eq!(split.test.len(), 3);
    let unknown = Collection::open(folder.path(), "Gout")
        .unwrap_err()
        .to_string();
    assert!(
        unknown.contains("Gout") && unknown.contains("Infiltration"),
        "{unknown}"
    );
}

/// A radiograph whose values rise from 0 to 1000 along the rows.
fn radiograph(path: &Path, photometric: &str, intent: Option<&str>) {
    let mut dataset = Dataset::new();
    let mut text = |tag, value: &str| dataset.set_text(tag, value).unwrap();
    text(Tag::SOP_CLASS_UID, "1.2.840.10008.5.1.4.1.1.1.1");
    text(
        Tag::SOP_INSTANCE_UID,
        &format!("1.2.3.{}", path.to_string_lossy().len()),
    );
    text(Tag::PATIENT_ID, "P 17");
    text(Tag::MANUFACTURER, "Maker");
    text(Tag::PHOTOMETRIC_INTERPRETATION, photometric);
    if let Some(intent) = intent {
        text(Tag::new(0x0008, 0x0068), intent);
    }
    for (tag, value) in [
        (Tag::ROWS, 4),
        (Tag::COLUMNS, 2),
        (Tag::SAMPLES_PER_PIXEL, 1),
        (Tag::BITS_ALLOCATED, 16),
        (Tag::BITS_STORED, 12),
        (Tag::HIGH_BIT, 11),
        (Tag::PIXEL_REPRESENTATION, 0),
    ] {
        dataset.set_integers(tag, &[value]).unwrap();
    }
    let pixels = [0u16, 0, 300, 300, 600, 600, 1000, 1000]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect::<Vec<u8>>();
    dataset.insert(Element::new(
        Tag::new(0x7FE0, 0x0010),
        Vr::OW,
        Value::Bytes(pixels.into()),
    ));
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    dicom::write(path, &dataset, &dicom::WriteOptions::new()).unwrap();
}

#[test]
fn monochrome1_is_turned_round_and_unprocessed_images_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    radiograph(&at("a.dcm"), "MONOCHROME2", Some("FOR PRESENTATION"));
    radiograph(&at("bb.dcm"), "MONOCHROME1", None);
    radiograph(&at("ccc.dcm"), "MONOCHROME2", Some("FOR PROCESSING"));
    let column = |name: &str| -> Vec<f32> {
        let image = Pixels::of_file(at(name)).unwrap().read().unwrap();
        image.as_slice().iter().step_by(2).copied().collect()
    };
    assert_eq!(column("a.dcm"), [0.0, 300.0, 600.0, 1000.0]);
    assert_eq!(column("bb.dcm"), [1000.0, 700.0, 400.0, 0.0]);
    let refused = Pixels::of_file(at("ccc.dcm"))
        .unwrap()
        .read()
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("FOR PROCESSING") && refused.contains("ccc.dcm"),
        "{refused}"
    );
}

#[test]
fn a_folder_of_dicom_files_follows_its_table() {
    let folder = tempfile::tempdir().unwrap();
    radiograph(
        &folder.path().join("stage_2_train_images/one.dcm"),
        "MONOCHROME2",
        None,
    );
    radiograph(
        &folder.path().join("stage_2_train_images/three.dcm"),
        "MONOCHROME2",
        None,
    );
    let table = "patientId,x,y,width,height,Target\none,0.0,2.0,1.0,2.0,1\none,,,,,1\nthree,,,,,0\nlost,,,,,0\n";
    fs::write(folder.path().join("stage_2_train_labels.csv"), table).unwrap();
    fs::write(
        folder.path().join("stage_2_detailed_class_info.csv"),
        "patientId,class\none,Lung Opacity\n",
    )
    .unwrap();
    let collection = Collection::open(folder.path(), "Pneumonia").unwrap();
    assert_eq!(collection.radiographs.len(), 2);
    let one = collection
        .radiographs
        .iter()
        .find(|r| r.record.id == "one")
        .unwrap();
    assert_eq!(
        (one.record.class, one.record.patient.as_str()),
        (Some(1), "P 17")
    );
    assert_eq!(one.record.site.as_deref(), Some("Maker"));
    assert_eq!(
        one.finding.mask([2, 2]),
        Some(vec![false, false, true, false])
    );
}

#[test]
fn a_table_may_name_images_by_uid_and_tell_patients_that_the_files_do_not() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    radiograph(&path("study/IM1"), "MONOCHROME2", None);
    radiograph(&path("study two/IM1"), "MONOCHROME2", None);
    let uid = |path: &Path| {
        let uid = dicom::open(path)
            .unwrap()
            .dataset()
            .string(Tag::SOP_INSTANCE_UID);
        uid.unwrap()
    };
    let (one, two) = (uid(&path("study/IM1")), uid(&path("study two/IM1")));
    assert_ne!(one, two);
    let table = |names: [&str; 2]| {
        let [one, two] = names;
        format!("SOPInstanceUID,patient_id,diagnosis\n{one},A,normal\n{two},B,pneumonia\n")
    };
    fs::write(path("labels.csv"), table([&one, &two])).unwrap();
    let collection = Collection::open(folder.path(), "Pneumonia").unwrap();
    let found = classes(&collection);
    let found: Vec<_> = found
        .iter()
        .map(|(id, who, ill, _)| (&**id, &**who, *ill))
        .collect();
    let mut expected = [(&*one, "A", 0), (&*two, "B", 1)];
    expected.sort_unstable();
    assert_eq!(found, expected);
    // By the name of the file nobody can know which of the two is meant.
    fs::write(
        path("labels.csv"),
        table(["IM1", "IM1"]).replace("SOPInstanceUID", "file"),
    )
    .unwrap();
    let refused = Collection::open(folder.path(), "Pneumonia").unwrap_err();
    assert!(refused.to_string().contains("study two"), "{refused}");
}

#[test]
fn files_without_equipment_are_grouped_by_view() {
    let (maker, view) = (Some("Maker".to_owned()), Some("AP".to_owned()));
    let opened = |maker: &Option<String>| dicom_folder::Opened {
        radiograph: Radiograph {
            record: CaseRecord::new("a", "a"),
            pixels: Pixels::Dicom(PathBuf::new()),
            finding: Finding::Unknown,
            part: None,
        },
        maker: maker.clone(),
        view: view.clone(),
    };
    let sites = |makers: [&Option<String>; 2]| {
        let (grouping, radiographs) = dicom_folder::grouped(makers.map(opened).into());
        let sites = radiographs.into_iter().map(|r| r.record.site.unwrap());
        (grouping, sites.collect::<Vec<_>>())
    };
    assert_eq!(
        sites([&None, &None]),
        ("view", vec!["AP".into(), "AP".into()])
    );
    let expected = ("equipment", vec!["Maker".to_owned(), "unknown".to_owned()]);
    assert_eq!(sites([&maker, &None]), expected);
}

#[test]
fn what_is_no_collection_is_refused_with_what_would_be() {
    let folder = tempfile::tempdir().unwrap();
    let refused = Collection::open(folder.path(), "Pneumonia")
        .unwrap_err()
        .to_string();
    assert!(
        refused.contains("MedMNIST") && refused.contains("Data_Entry_2017"),
        "{refused}"
    );
    assert!(Collection::open(&folder.path().join("nowhere"), "Pneumonia").is_err());
}

fn real(name: &str) -> Option<PathBuf> {
    let found = std::env::var_os("MED_TEST_DATA").map(|data| PathBuf::from(data).join(name));
    let found = found.filter(|path| path.exists());
    if found.is_none() {
        eprintln!("MED_TEST_DATA holds no {name}: passed over");
    }
    found
}

#[test]
fn pneumoniamnist_has_its_official_parts() {
    let Some(path) = real("pneumoniamnist/pneumoniamnist.npz") else {
        return;
    };
    let mut collection = Collection::open(&path, "Pneumonia").unwrap();
    collection
        .hash_pixels(&indicatif::ProgressBar::hidden())
        .unwrap();
    let split = collection.split(Key::new(1)).unwrap();
    // Ten images of training are in validation again, pixel by pixel.
    assert_eq!(
        (
            split.training.len(),
            split.validation.len(),
            split.test.len()
        ),
        (3872, 524, 624)
    );
}

#[test]
fn real_radiographs_are_read_as_they_are() {
    let Some(folder) = real("chest-xray") else {
        return;
    };
    let image = Pixels::of_file(folder.join("00000001_000.png"))
        .unwrap()
        .read()
        .unwrap();
    assert_eq!((image.channels(), image.shape()), (1, [1024, 1024]));
    assert!(image.as_slice().iter().any(|&v| v > 200.0));
}
