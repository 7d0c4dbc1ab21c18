//! Regions, ignored voxels, several channels and slices, from files to files.

use std::sync::Arc;

use medaug::{Case, Laterality, Sample as Pair, Space, preset};
use medcore::random::Key;
use medcore::{Geometry, Image, LabelMap};
use medinfer::{Error, Segmenter, SegmenterConfig, SlidingWindow};
use medio::datasets::{LabelTable, NnunetWriter, SegmentationDataset};
use medio::nifti::{self, WriteOptions};
use medmetrics::{Evaluation, Structure};
use medmodels::basic_unet::BasicUNetConfig;
use mednn::Params;
use mednn::loss::DiceCrossEntropy;
use mednn::optim::{AdamW, AdamWConfig};
use medphantom::Organ;
use medtrain::split::{CaseRecord, Member};
use medtrain::{Cohort, PatchBatches, TrainConfig, Trainer};

use crate::geometry::written_like;
use crate::support::{
    ORGANS, Recipe, differing, load, only, phantoms, plan, table, train, two_channels,
    usual_cohort, write_cohort,
};

/// Liver (1) and spine (2), joined to one region and the spine again; the last slices are not annotated.
fn regions() -> LabelTable {
    LabelTable::new([("both", vec![1, 2]), ("spine", vec![2])])
        .unwrap()
        .with_regions_class_order(vec![1, 2])
        .unwrap()
        .with_ignore(3)
        .unwrap()
}

fn not_annotated(labels: &LabelMap<u8, 3>) -> LabelMap<u8, 3> {
    let mut labels = labels.clone();
    let from = labels.as_slice().len() * 3 / 4;
    labels.as_mut_slice()[from..].fill(3);
    labels
}

#[test]
fn regions_are_learned_and_painted_in_order_and_ignored_voxels_count_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = write_cohort(folder.path(), regions(), |_, phantom| {
        not_annotated(&only(phantom, &ORGANS))
    });
    let cases = load(&dataset);
    let (held_out, training) = cases.split_at(1);
    let recipe = Recipe {
        epochs: 5,
        steps: 20,
        ..Recipe::brief()
    };
    let out = folder.path().join("out");
    let trained = train(&dataset, training, &out, &recipe, None).unwrap();
    assert_eq!(trained.segmenter.config().model.out_channels(), 2);
    let segmenter = Segmenter::load(&out).unwrap();
    let case = &held_out[0];
    let prediction = segmenter.segment(&case.image).unwrap();
    assert!(
        prediction.as_slice().iter().all(|&l| l <= 2),
        "the ignored label was predicted"
    );
    written_like(
        &case.header,
        &prediction,
        &folder.path().join("prediction.nii.gz"),
    );

    let structures = dataset.labels.entries().iter().map(|entry| Structure {
        name: entry.name.clone(),
        labels: entry.values.clone(),
    });
    let evaluation = Evaluation::new(structures.collect()).with_ignore(3);
    let truth = case.labels.as_ref().unwrap();
    let measure = |prediction: &LabelMap<u8, 3>| evaluation.case("x", truth, prediction).unwrap();
    let found = measure(&prediction);
    let dice: Vec<_> = found
        .structures
        .iter()
        .map(|s| s.dice.value.unwrap())
        .collect();
    println!("Dice of the regions {dice:?}");
    assert!(dice[0] > 0.4 && dice[1] > 0.3, "{dice:?}");
    // Whatever is predicted where nobody annotated, the result is the same.
    let mut other = prediction.clone();
    let pairs = other.as_mut_slice().iter_mut().zip(truth.as_slice());
    pairs
        .filter(|(_, truth)| **truth == 3)
        .for_each(|(label, _)| *label = 2);
    assert!(differing(&other, &prediction) > 0.1);
    let again = measure(&other);
    for (a, b) in found.structures.iter().zip(&again.structures) {
        assert_eq!((a.dice, a.overlap), (b.dice, b.overlap), "{}", a.name);
    }
    // What was not annotated was not taken for background: organs are found there too.
    let mut hidden = only(&phantoms()[0], &ORGANS);
    let pairs = hidden.as_mut_slice().iter_mut().zip(truth.as_slice());
    pairs
        .filter(|(_, truth)| **truth != 3)
        .for_each(|(label, _)| *label = 3);
    let there = &evaluation
        .case("x", &hidden, &prediction)
        .unwrap()
        .structures[0];
    assert!(there.overlap.reference() > 100, "nothing to find");
    println!("Dice where nobody annotated {:?}", there.dice.value);
    assert!(there.dice.value.unwrap() > 0.3, "{there:?}");
}

#[test]
fn two_channels_go_through_the_whole_pipeline_and_both_are_looked_at() {
    let folder = tempfile::tempdir().unwrap();
    let mut writer = NnunetWriter::create(folder.path(), &["T1", "T2"], table(&ORGANS)).unwrap();
    for (patient, phantom) in phantoms().iter().enumerate() {
        let id = format!("patient_{patient}");
        writer
            .add(&id, &two_channels(phantom), &only(phantom, &ORGANS))
            .unwrap();
    }
    writer.finish().unwrap();
    let dataset = SegmentationDataset::open(folder.path()).unwrap();
    let cases = load(&dataset);
    let (held_out, training) = cases.split_at(1);
    assert_eq!(
        held_out[0].image.as_slice(),
        two_channels(&phantoms()[0]).as_slice()
    );
    let out = folder.path().join("out");
    let recipe = Recipe {
        epochs: 4,
        steps: 15,
        ..Recipe::brief()
    };
    train(&dataset, training, &out, &recipe, None).unwrap();
    let segmenter = Segmenter::load(&out).unwrap();
    assert_eq!(segmenter.config().model.in_channels(), 2);
    assert_eq!(segmenter.config().preprocess.intensity.len(), 2);
    let case = &held_out[0];
    let prediction = segmenter.segment(&case.image).unwrap();
    written_like(
        &case.header,
        &prediction,
        &folder.path().join("prediction.nii.gz"),
    );
    let dice = Evaluation::of_organs(ORGANS.map(|organ| organ.name()))
        .case("x", case.labels.as_ref().unwrap(), &prediction)
        .unwrap();
    let liver = dice.structures[0].dice.value.unwrap();
    println!("Dice of the liver in two channels {liver}");
    assert!(liver > 0.3, "{liver}");

    let grid = *case.image.geometry();
    let first = Image::new(grid, case.image.channel(0).to_vec()).unwrap();
    let refused = segmenter.segment(&first).unwrap_err();
    assert!(
        matches!(
            refused,
            Error::Channels {
                expected: 2,
                got: 1
            }
        ),
        "{refused}"
    );
    for lost in [0, 1] {
        let mut image = case.image.clone();
        let voxels = grid.len();
        image.as_mut_slice()[lost * voxels..][..voxels].reverse();
        let without = segmenter.segment(&image).unwrap();
        assert!(
            differing(&without, &prediction) > 0.01,
            "channel {lost} plays no part"
        );
    }
    // A second channel on another grid is refused with the names of both files.
    let path = &dataset.cases[0].images[1];
    nifti::write_image(path, &phantoms()[1].image, &WriteOptions::new()).unwrap();
    let error = dataset.cases[0]
        .load(&dataset.labels)
        .unwrap_err()
        .to_string();
    assert!(
        error.contains("patient_0_0000") && error.contains("patient_0_0001"),
        "{error}"
    );
}

#[test]
fn a_two_dimensional_network_learns_from_slices_and_segments_a_volume() {
    let folder = tempfile::tempdir().unwrap();
    let dataset = usual_cohort(folder.path());
    let cases = load(&dataset);
    let (held_out, training) = cases.split_at(1);
    let preprocess = plan(&dataset, training).unwrap();
    let mut slices = Vec::new();
    for case in training {
        let ready = preprocess.apply(&case.image, case.labels.as_ref()).unwrap();
        let (image, labels) = (ready.image, ready.labels.unwrap());
        let [depth, height, width] = image.shape();
        let [_, dy, dx] = image.geometry().spacing();
        let grid = Geometry::<2>::axis_aligned([height, width], [dy, dx]).unwrap();
        let area = height * width;
        for d in (0..depth).filter(|d| labels.as_slice()[d * area..][..area].contains(&1)) {
            let slice = Image::new(grid, image.as_slice()[d * area..][..area].to_vec()).unwrap();
            let truth =
                LabelMap::new(grid, labels.as_slice()[d * area..][..area].to_vec()).unwrap();
            let pair = Pair::with_labels(slice, truth).unwrap();
            let record = CaseRecord::new(format!("{} slice {d}", case.id), case.id.as_str());
            slices.push(Member::new(record, Case::new(pair, None, Key::new(2))));
        }
    }
    let network = BasicUNetConfig::new_2d(1, 3).with_features([4, 4, 8, 8, 8, 4]);
    let config = SegmenterConfig::new(network.into(), preprocess, SlidingWindow::nnunet([32, 32]));
    let pipeline = preset::nnunet_default([32, 32], Space::Millimetres, Laterality::Keep).unwrap();
    let slices = Cohort::new(slices).unwrap().train_on_all();
    let batches = Arc::new(PatchBatches::new(slices, pipeline, 4, 40, 1).unwrap());
    let params = Params::new(1);
    let model = medmodels::create(&config.model, &params).unwrap();
    let mut optimizer = AdamW::new(&params, AdamWConfig::default()).unwrap();
    let out = folder.path().join("out");
    let mut run = TrainConfig::new(&out, 5);
    run.learning_rate = 1e-2;
    let loss = DiceCrossEntropy::nnunet(false);
    Trainer::new(&*model, &loss, &mut optimizer, run)
        .run(&batches)
        .unwrap();
    Segmenter::new(config, model).unwrap().save(&out).unwrap();

    let segmenter = Segmenter::load(&out).unwrap();
    let case = &held_out[0];
    let prediction = segmenter.segment(&case.image).unwrap();
    assert_eq!(prediction.geometry(), case.image.geometry());
    written_like(
        &case.header,
        &prediction,
        &folder.path().join("prediction.nii.gz"),
    );
    let found = Evaluation::of_organs([Organ::Liver.name(), Organ::Spine.name()])
        .case("x", case.labels.as_ref().unwrap(), &prediction)
        .unwrap();
    let dice: Vec<_> = found
        .structures
        .iter()
        .map(|s| s.dice.value.unwrap())
        .collect();
    println!("Dice by slices {dice:?}");
    assert!(dice[0] > 0.3, "{dice:?}");
}
