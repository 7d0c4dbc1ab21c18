//! Dataset folders: recognised, loaded, and refused by name.

use std::fs;
use std::path::Path;

use medio::Error;
use medio::datasets::{Case, LabelTable, Layout, NnunetWriter, SegmentationDataset};
use medio::medcore::{Geometry, Image, LabelMap, Point, Vector};
use medio::nifti::{self, WriteOptions};

fn grid() -> Geometry<3> {
    let steps = [
        Vector::new(0.0, -0.5, 2.5),
        Vector::new(0.0, 0.8, 0.16),
        Vector::new(-0.7, 0.0, 0.0),
    ];
    Geometry::new([3, 4, 5], Point::new(10.0, -20.0, 30.0), steps).unwrap()
}

fn image(channels: usize) -> Image<i16, 3> {
    let voxels: Vec<i16> = (0..channels * grid().len())
        .map(|i| i as i16 - 30)
        .collect();
    Image::with_channels(channels, grid(), voxels).unwrap()
}

fn labels(values: &[u8]) -> LabelMap<u8, 3> {
    let voxels: Vec<u8> = (0..grid().len())
        .map(|i| values[i % values.len()])
        .collect();
    LabelMap::new(grid(), voxels).unwrap()
}

fn table() -> LabelTable {
    LabelTable::new([("liver", vec![1]), ("spleen", vec![2])]).unwrap()
}

/// Two channels, two cases and a test case.
fn nnunet(folder: &Path) {
    let mut writer = NnunetWriter::create(folder, &["CT", "PET"], table()).unwrap();
    writer.add("b", &image(2), &labels(&[0, 1, 2])).unwrap();
    writer.add("a", &image(2), &labels(&[0, 1])).unwrap();
    writer.add_test("t", &image(2)).unwrap();
    writer.finish().unwrap();
}

fn edit(folder: &Path, from: &str, to: &str) {
    let path = folder.join("dataset.json");
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains(from), "{from} is not in {text}");
    fs::write(path, text.replacen(from, to, 1)).unwrap();
}

#[test]
fn a_written_nnunet_dataset_is_opened_and_loaded_as_it_was() {
    let folder = tempfile::tempdir().unwrap();
    nnunet(folder.path());
    let dataset = SegmentationDataset::open(folder.path()).unwrap();
    assert_eq!(dataset.layout, Layout::NnunetRaw);
    assert_eq!(dataset.channels, ["CT", "PET"]);
    assert_eq!(dataset.labels, table());
    let ids: Vec<_> = dataset.cases.iter().map(|case| case.id.as_str()).collect();
    assert_eq!(
        (ids, dataset.test_cases[0].id.as_str()),
        (vec!["a", "b"], "t")
    );
    let sample = dataset.cases[1].load(&dataset.labels).unwrap();
    assert!(sample.warnings.is_empty(), "{:?}", sample.warnings);
    let want: Vec<f32> = image(2).as_slice().iter().map(|&v| v.into()).collect();
    assert_eq!(
        (sample.image.channels(), sample.image.as_slice()),
        (2, &want[..])
    );
    let map = sample.labels.unwrap();
    assert_eq!(map.as_slice(), labels(&[0, 1, 2]).as_slice());
    assert_eq!(map.geometry(), sample.image.geometry());
    assert!(
        dataset.test_cases[0]
            .load(&dataset.labels)
            .unwrap()
            .labels
            .is_none()
    );
}

#[test]
fn regions_and_ignore_survive_the_description_and_stay_integers_in_the_maps() {
    let folder = tempfile::tempdir().unwrap();
    let regions = LabelTable::new([
        ("whole", vec![1, 2, 3]),
        ("core", vec![2, 3]),
        ("enhancing", vec![3]),
    ])
    .unwrap()
    .with_regions_class_order(vec![1, 2, 3])
    .unwrap()
    .with_ignore(4)
    .unwrap();
    let mut writer = NnunetWriter::create(folder.path(), &["MR"], regions.clone()).unwrap();
    writer
        .add("x", &image(1), &labels(&[0, 1, 2, 3, 4]))
        .unwrap();
    writer.finish().unwrap();
    let dataset = SegmentationDataset::open(folder.path()).unwrap();
    assert_eq!(dataset.labels, regions);
    let sample = dataset.cases[0].load(&dataset.labels).unwrap();
    assert_eq!(sample.labels.unwrap().counts(), [12; 5]);

    edit(folder.path(), "\"regions_class_order\"", "\"other\"");
    let error = SegmentationDataset::open(folder.path()).unwrap_err();
    assert!(
        matches!(&error, Error::InvalidDescription { field, .. } if field == "regions_class_order")
    );
}

#[test]
fn regions_are_painted_in_the_order_in_which_they_were_declared() {
    let folder = tempfile::tempdir().unwrap();
    let regions = LabelTable::new([("right", vec![3]), ("left", vec![1, 2])])
        .unwrap()
        .with_regions_class_order(vec![3, 1])
        .unwrap();
    let mut writer = NnunetWriter::create(folder.path(), &["MR"], regions.clone()).unwrap();
    writer.add("x", &image(1), &labels(&[0, 1, 2, 3])).unwrap();
    writer.finish().unwrap();
    let dataset = SegmentationDataset::open(folder.path()).unwrap();
    assert_eq!(dataset.labels, regions);

    // A label that its region does not have would be painted into another.
    edit(folder.path(), "3,\n    1", "1,\n    3");
    let error = SegmentationDataset::open(folder.path())
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("right") && error.contains("none of its values"),
        "{error}"
    );
}

#[test]
fn a_missing_label_or_channel_is_named() {
    let folder = tempfile::tempdir().unwrap();
    nnunet(folder.path());
    let open = || SegmentationDataset::open(folder.path()).unwrap_err();
    let hide = |name: &str| fs::rename(folder.path().join(name), folder.path().join("hidden"));
    let show = |name: &str| fs::rename(folder.path().join("hidden"), folder.path().join(name));
    for (name, part) in [
        ("labelsTr/a.nii.gz", "label"),
        ("imagesTr/a_0000.nii.gz", "channel 0 (CT)"),
        ("imagesTr/b_0001.nii.gz", "channel 1 (PET)"),
        ("imagesTs/t_0001.nii.gz", "channel 1 (PET)"),
    ] {
        hide(name).unwrap();
        let error = open();
        let Error::MissingFile { role, path, .. } = &error else {
            panic!("{error}");
        };
        assert_eq!((role.as_str(), path), (part, &folder.path().join(name)));
        show(name).unwrap();
    }
    let extra = folder.path().join("imagesTr/a_0002.nii.gz");
    fs::copy(folder.path().join("imagesTr/a_0000.nii.gz"), &extra).unwrap();
    assert!(matches!(
        open(),
        Error::ChannelCount {
            expected: 2,
            got: 3,
            ..
        }
    ));
    fs::rename(&extra, folder.path().join("imagesTr/unnumbered.nii.gz")).unwrap();
    assert!(matches!(open(), Error::MissingFile { .. }));
}

#[test]
fn a_label_that_the_table_does_not_name_is_found_with_its_voxel() {
    let folder = tempfile::tempdir().unwrap();
    nnunet(folder.path());
    let mut map = labels(&[0]);
    map.as_mut_slice()[20 + 5 + 3] = 9;
    let path = folder.path().join("labelsTr/a.nii.gz");
    nifti::write_labels(&path, &map, &WriteOptions::new()).unwrap();
    let dataset = SegmentationDataset::open(folder.path()).unwrap();
    let error = dataset.cases[0].load(&dataset.labels).unwrap_err();
    let text = error.to_string();
    assert!(
        matches!(
            error,
            Error::UnknownLabel {
                value: 9,
                voxel: [1, 1, 3],
                ..
            }
        ),
        "{text}"
    );
    assert!(
        text.contains("0, 1, 2") && text.contains("a.nii.gz"),
        "{text}"
    );
}

#[test]
fn files_of_one_case_on_different_grids_are_refused_with_both_names() {
    let folder = tempfile::tempdir().unwrap();
    nnunet(folder.path());
    let shifted = {
        let [d, h, w] = grid().steps();
        Geometry::new(grid().shape(), Point::new(10.5, -20.0, 30.0), [d, h, w]).unwrap()
    };
    let turned = {
        let [d, h, w] = grid().steps();
        Geometry::new(grid().shape(), grid().origin(), [d, h, -w]).unwrap()
    };
    let larger = grid().pad([0, 0, 1], [0; 3]).unwrap();
    let load = || {
        let dataset = SegmentationDataset::open(folder.path()).unwrap();
        dataset.cases[0].load(&dataset.labels)
    };
    assert!(load().is_ok());
    for other in [shifted, turned, larger] {
        for name in ["labelsTr/a.nii.gz", "imagesTr/a_0001.nii.gz"] {
            let path = folder.path().join(name);
            let kept = fs::read(&path).unwrap();
            let map = LabelMap::<u8, 3>::background(other).unwrap();
            nifti::write_labels(&path, &map, &WriteOptions::new()).unwrap();
            let Err(Error::GridsDiffer { left, right, .. }) = load() else {
                panic!("{name} on another grid was accepted");
            };
            assert!(left.ends_with("imagesTr/a_0000.nii.gz") && right.ends_with(name));
            fs::write(path, kept).unwrap();
        }
    }
}

#[test]
fn a_bad_description_is_refused_with_the_key_at_fault() {
    let folder = tempfile::tempdir().unwrap();
    for (from, to, key) in [
        ("\"numTraining\": 2", "\"numTraining\": 3", "numTraining"),
        ("\"liver\": 1", "\"liver\": -1", "labels.liver"),
        ("\"liver\": 1", "\"liver\": 2", "labels"),
        ("\"liver\": 1", "\"ignore\": 1", "labels"),
        ("\"0\": \"CT\"", "\"2\": \"CT\"", "channel_names.0"),
        ("\"channel_names\"", "\"channels\"", "channel_names"),
        ("\".nii.gz\"", "\".nrrd\"", "file_ending"),
        ("{", "[", "(whole file)"),
    ] {
        nnunet(folder.path());
        edit(folder.path(), from, to);
        match SegmentationDataset::open(folder.path()) {
            Err(Error::InvalidDescription { field, .. }) => assert_eq!(field, key),
            other => panic!("{to}: {other:?}"),
        }
    }
    assert!(matches!(
        SegmentationDataset::open(tempfile::tempdir().unwrap().path()),
        Err(Error::UnknownLayout { .. })
    ));
    assert!(matches!(
        SegmentationDataset::open(folder.path().join("nowhere")),
        Err(Error::Io { .. })
    ));
}

fn decathlon(folder: &Path, image_path: &str) {
    for below in ["imagesTr", "labelsTr", "imagesTs"] {
        fs::create_dir_all(folder.join(below)).unwrap();
    }
    let options = WriteOptions::new();
    for id in ["brain_2", "brain_1"] {
        nifti::write_image(
            folder.join(format!("imagesTr/{id}.nii.gz")),
            &image(4),
            &options,
        )
        .unwrap();
        let map = labels(&[0, 1]);
        nifti::write_labels(folder.join(format!("labelsTr/{id}.nii.gz")), &map, &options).unwrap();
    }
    nifti::write_image(folder.join("imagesTs/brain_9.nii.gz"), &image(4), &options).unwrap();
    let text = r#"{"name": "BRATS", "tensorImageSize": "4D",
        "modality": {"0": "FLAIR", "1": "T1w", "2": "t1gd", "3": "T2w"},
        "labels": {"0": "background", "1": "edema", "2": "enhancing tumour"},
        "numTraining": 2, "numTest": 1,
        "training": [{"image": "IMAGE", "label": "./labelsTr/brain_2.nii.gz"},
                     {"image": "./imagesTr/brain_1.nii.gz", "label": "./labelsTr/brain_1.nii.gz"}],
        "test": ["./imagesTs/brain_9.nii.gz"]}"#;
    fs::write(
        folder.join("dataset.json"),
        text.replace("IMAGE", image_path),
    )
    .unwrap();
}

#[test]
fn a_decathlon_task_is_opened_with_its_channels_in_one_file() {
    let folder = tempfile::tempdir().unwrap();
    decathlon(folder.path(), "./imagesTr/brain_2.nii.gz");
    let dataset = SegmentationDataset::open(folder.path()).unwrap();
    assert_eq!(
        (dataset.layout, dataset.name.as_str()),
        (Layout::Decathlon, "BRATS")
    );
    assert_eq!(dataset.channels[3], "T2w");
    assert_eq!(dataset.labels.name_of(2), Some("enhancing tumour"));
    assert_eq!(dataset.cases[0].id, "brain_1");
    assert_eq!(dataset.test_cases[0].id, "brain_9");
    let sample = dataset.cases[0].load(&dataset.labels).unwrap();
    assert_eq!(
        (sample.image.channels(), sample.labels.unwrap().counts()),
        (4, vec![30, 30])
    );

    edit(folder.path(), ", \"3\": \"T2w\"", "");
    let dataset = SegmentationDataset::open(folder.path()).unwrap();
    assert!(matches!(
        dataset.cases[0].load(&dataset.labels),
        Err(Error::ChannelCount {
            expected: 3,
            got: 4,
            ..
        })
    ));
}

#[test]
fn a_decathlon_task_without_its_test_images_is_opened_and_says_so_when_one_is_read() {
    let folder = tempfile::tempdir().unwrap();
    decathlon(folder.path(), "./imagesTr/brain_2.nii.gz");
    fs::remove_dir_all(folder.path().join("imagesTs")).unwrap();
    let dataset = SegmentationDataset::open(folder.path()).unwrap();
    assert_eq!(dataset.cases.len(), 2);
    let error = dataset.test_cases[0].load(&dataset.labels).unwrap_err();
    assert!(error.to_string().contains("brain_9.nii.gz"), "{error}");
}

#[test]
fn voxels_that_are_no_numbers_are_refused_with_file_place_and_number() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("scan.nii.gz");
    let mut voxels = vec![1.0_f32; 2 * grid().len()];
    // Second channel, depth 1, height 2, width 3; and its last voxel.
    voxels[grid().len() + (4 + 2) * 5 + 3] = f32::NAN;
    voxels[2 * grid().len() - 1] = f32::NEG_INFINITY;
    let image = Image::with_channels(2, grid(), voxels).unwrap();
    nifti::write_image(&path, &image, &WriteOptions::new()).unwrap();
    let scan = Case::unlabelled("scan", [&path], 2);
    let Error::NotFinite {
        path: named,
        count,
        voxel,
    } = scan.load(&LabelTable::default()).unwrap_err()
    else {
        panic!("another error");
    };
    assert_eq!((named, count, voxel), (path, 2, [1, 2, 3]));
}

#[test]
fn a_scan_of_no_dataset_is_read_from_one_file_a_channel_or_one_for_all() {
    let folder = tempfile::tempdir().unwrap();
    let options = WriteOptions::new();
    let [both, first, second] =
        ["both", "first", "second"].map(|n| folder.path().join(n).with_extension("nii"));
    nifti::write_image(&both, &image(2), &options).unwrap();
    for (path, channel) in [(&first, 0), (&second, 1)] {
        let voxels = image(2).channel(channel).to_vec();
        nifti::write_image(path, &Image::new(grid(), voxels).unwrap(), &options).unwrap();
    }
    let none = LabelTable::default();
    let whole = Case::unlabelled("a", [&both], 2).load(&none).unwrap();
    let stacked = Case::unlabelled("a", [&first, &second], 2)
        .load(&none)
        .unwrap();
    assert_eq!(whole.image, stacked.image);
    assert!(matches!(
        Case::unlabelled("a", [&first], 2).load(&none),
        Err(Error::ChannelCount {
            expected: 2,
            got: 1,
            ..
        })
    ));
}

#[test]
fn whether_a_result_can_be_written_is_known_before_it_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("labels.nii.gz");
    fs::write(&path, b"an older result").unwrap();
    nifti::check_target(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"an older result");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    let unknown = nifti::check_target(folder.path().join("labels.png"));
    assert!(matches!(unknown, Err(Error::UnknownExtension { .. })));
    let nowhere = nifti::check_target(folder.path().join("none/labels.nii"));
    assert!(matches!(nowhere, Err(Error::Write { .. })));
}

#[test]
fn a_path_that_leaves_the_folder_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for path in [
        "../secret.nii.gz",
        "/etc/passwd",
        "imagesTr/../../x",
        "..\\\\\\\\x",
    ] {
        decathlon(folder.path(), path);
        let error = SegmentationDataset::open(folder.path()).unwrap_err();
        assert!(
            matches!(&error, Error::PathEscapes { field, .. } if field == "training[0].image"),
            "{path}: {error}"
        );
    }
    decathlon(folder.path(), "./imagesTr/none.nii.gz");
    let error = SegmentationDataset::open(folder.path()).unwrap_err();
    assert!(matches!(error, Error::MissingFile { .. }), "{error}");
}

#[test]
fn a_btcv_folder_is_opened_at_any_level_of_its_archive() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("RawData/Training");
    for below in ["img", "label"] {
        fs::create_dir_all(root.join(below)).unwrap();
    }
    let options = WriteOptions::new();
    for id in ["0002", "0001"] {
        nifti::write_image(
            root.join(format!("img/img{id}.nii.gz")),
            &image(1),
            &options,
        )
        .unwrap();
        let path = root.join(format!("label/label{id}.nii.gz"));
        nifti::write_labels(path, &labels(&[0, 6, 13]), &options).unwrap();
    }
    for level in [folder.path(), &folder.path().join("RawData/Training")] {
        let dataset = SegmentationDataset::open(level).unwrap();
        assert_eq!((dataset.layout, dataset.cases.len()), (Layout::Btcv, 2));
        assert_eq!(dataset.labels.name_of(6), Some("liver"));
        let sample = dataset.cases[0].load(&dataset.labels).unwrap();
        assert_eq!(
            (sample.id.as_str(), sample.labels.unwrap().counts()[13]),
            ("0001", 20)
        );
    }
    fs::rename(
        root.join("img/img0001.nii.gz"),
        root.join("img/img0003.nii.gz"),
    )
    .unwrap();
    let error = SegmentationDataset::open(&root).unwrap_err();
    assert!(
        matches!(&error, Error::MissingFile { case, .. } if case == "0003"),
        "{error}"
    );
    fs::remove_file(root.join("img/img0003.nii.gz")).unwrap();
    let error = SegmentationDataset::open(&root).unwrap_err();
    assert!(
        matches!(&error, Error::MissingFile { case, role, .. } if case == "0001" && role == "image")
    );
}

#[test]
fn a_writer_refuses_what_could_not_be_read_back() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = NnunetWriter::create(folder.path(), &["CT"], table()).unwrap();
    writer.add("a", &image(1), &labels(&[0])).unwrap();
    for id in ["a", "", "../b", "b/c", ".b"] {
        let refused = writer.add(id, &image(1), &labels(&[0]));
        assert!(matches!(refused, Err(Error::NotWritable { .. })), "{id:?}");
    }
    assert!(matches!(
        writer.add("b", &image(2), &labels(&[0])),
        Err(Error::ChannelCount { .. })
    ));
    let elsewhere = LabelMap::<u8, 3>::background(grid().pad([1, 0, 0], [0; 3]).unwrap()).unwrap();
    assert!(matches!(
        writer.add("b", &image(1), &elsewhere),
        Err(Error::GridsDiffer { .. })
    ));
    assert!(matches!(
        NnunetWriter::create(folder.path(), &[], table()),
        Err(Error::NotWritable { .. })
    ));
}

#[test]
fn a_real_dataset_is_opened_where_one_is_given() {
    let Some(folder) = std::env::var_os("MED_TEST_DATA") else {
        println!("passed over: MED_TEST_DATA is not set");
        return;
    };
    let path = Path::new(&folder).join("torso-ct-nnunet");
    if !path.is_dir() {
        println!("passed over: {} does not exist", path.display());
        return;
    }
    let dataset = SegmentationDataset::open(&path).unwrap();
    let sample = dataset.cases[0].load(&dataset.labels).unwrap();
    println!(
        "{:?} {:?} {:?}",
        sample.image.geometry(),
        sample.warnings,
        dataset.labels.values()
    );
    let counts = sample.labels.unwrap().counts();
    assert_eq!(counts.len(), dataset.labels.class_count());
    assert!(counts.iter().all(|&count| count > 0), "{counts:?}");
}
