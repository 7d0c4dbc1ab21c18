//! Mistakes in descriptions of more than one step: mixtures, pipelines of patches, preparation, plans, grids of patches.

use medaug::{
    BatchSlot, Case, CaseFingerprint, Fingerprint, GridSplit, Intensity, Laterality, Mix,
    MixPipeline, MixStep, Mixture, Modality, PatchGrid, PatchPipeline, Planner, Preprocess, Sample,
    Space, preset,
};
use medcore::{Geometry, Image, LabelMap};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::broken::{caught, said, with_mistakes};
use crate::exhibits::mixing::mixtures;
use crate::support::{KEY, KEYS, full_on};

/// Reads each broken description and runs what can be read.
fn law<T: Serialize + DeserializeOwned>(
    whole: &T,
    run: impl Fn(&T) -> medaug::Result<()>,
) -> Vec<String> {
    run(whole).unwrap();
    let description = serde_json::to_value(whole).unwrap();
    with_mistakes(&description, |broken: &Value| {
        caught(broken, || {
            match serde_json::from_value::<T>(broken.clone()) {
                Err(refused) => said(&refused.to_string()),
                Ok(read) => match run(&read) {
                    Err(refused) => said(&refused.to_string()),
                    Ok(()) => Ok(()),
                },
            }
        })
    })
}

#[track_caller]
fn nothing(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}: {wrong:#?}", wrong.len());
}

fn grid<const D: usize>() -> Geometry<D> {
    let shape = std::array::from_fn(|a| [6, 13, 11][a + 3 - D]);
    Geometry::axis_aligned(shape, [1.5; D]).unwrap()
}

/// Samples with what every mixture has a meaning for.
fn samples<const D: usize>(count: usize, labelled: bool) -> Vec<Sample<D>> {
    let made = (0..count).map(|number| {
        let whole = full_on(grid::<D>(), |channel, index| {
            let sum: usize = index.iter().sum();
            (number * 7 + channel * 3 + sum) as f32 / 100.0
        });
        if labelled {
            let labels = whole.labels().unwrap().clone();
            Sample::with_labels(whole.image().clone(), labels)
                .unwrap()
                .with_boxes(whole.boxes().unwrap().clone())
        } else {
            Sample::new(whole.image().clone())
        }
    });
    made.collect()
}

fn mixing<const D: usize>() {
    for exhibit in mixtures(&grid::<D>()) {
        let labelled = !matches!(exhibit.mix, MixStep::RandomMixUp(_));
        nothing(&law(&exhibit.mix, |mix| {
            Mix::<D>::check(mix)?;
            let samples = samples::<D>(1 + Mix::<D>::others(mix, KEY), labelled);
            mix.apply(samples, KEY).map(drop)
        }));
        let count = 1 + Mix::<D>::others(&exhibit.mix, KEY);
        let samples = samples::<D>(count, labelled);
        let drawn = KEYS
            .iter()
            .find_map(|&key| exhibit.mix.draw(&samples, key).unwrap());
        nothing(&law(&drawn.unwrap(), |mixture: &Mixture| {
            mixture.apply(samples.clone()).map(drop)
        }));
    }
}

#[test]
fn mistakes_in_mixtures_are_refused_or_done() {
    mixing::<2>();
    mixing::<3>();
    let yolo = preset::yolo([12, 16], 1.0, preset::Pixels::Colour, Laterality::Ignore).unwrap();
    nothing(&law(&yolo, |yolo: &MixPipeline<2>| {
        yolo.apply(samples::<2>(1 + yolo.others(KEY), true), KEY)
            .map(drop)
    }));
}

#[test]
fn mistakes_in_patch_pipelines_are_refused_or_done() {
    let sample = samples::<3>(1, true).remove(0);
    let case = Case::new(sample, None, KEY);
    let slot = BatchSlot { index: 1, size: 2 };
    let ignore = Laterality::Ignore;
    for pipeline in [
        preset::nnunet_default([4, 8, 8], Space::Voxels, ignore.clone()),
        preset::nnunet_da5([4, 8, 8], Space::Millimetres, ignore),
        preset::light([5, 7, 6]),
        preset::plain([5, 7, 6]),
    ] {
        nothing(&law(&pipeline.unwrap(), |pipeline: &PatchPipeline<3>| {
            pipeline.draw(&case, slot, KEY).map(drop)
        }));
    }
}

#[test]
fn mistakes_in_preparation_and_plans_are_refused_or_done() {
    let grid = Geometry::<3>::axis_aligned([7, 13, 11], [3.0, 1.0, 1.0]).unwrap();
    let voxels: Vec<i16> = (0..grid.len() as i16).map(|i| i % 97 - 20).collect();
    let image = Image::new(grid, voxels).unwrap();
    let labels = image.channel(0).iter().map(|&v| u8::from(v > 50));
    let labels: Vec<u8> = labels.collect();
    let labels = LabelMap::new(grid, labels).unwrap();
    let window = Intensity::Window {
        low: -160.0,
        high: 240.0,
    };
    for whole in [Preprocess::nnunet(), Preprocess::monai()] {
        let whole = Preprocess {
            spacing: Some([2.0, 1.5, 1.25]),
            transpose: Some([1, 0, 2]),
            intensity: vec![window],
            outside_class: Some(3),
            ..whole
        };
        nothing(&law(&whole, |preprocess: &Preprocess| {
            preprocess.check()?;
            let ready = preprocess.apply(&image, Some(&labels))?;
            if let Some(found) = &ready.labels {
                ready.trace.restore_labels(found)?;
            }
            Ok(())
        }));
    }
    let case = CaseFingerprint {
        spacing: [3.0, 0.8, 0.8],
        shape: [30, 120, 112],
        kept_share: 1.0,
        intensities: vec![vec![-50.0, 0.0, 50.0]],
    };
    let fingerprint = Fingerprint::of_cases(&vec![case; 3]).unwrap();
    nothing(&law(&Planner::nnunet(), |planner: &Planner| {
        planner.check()?;
        planner.plan(&fingerprint, &[Modality::Ct], 3).map(drop)
    }));
    nothing(&law(&fingerprint, |fingerprint: &Fingerprint| {
        Planner::nnunet()
            .plan(fingerprint, &[Modality::Ct], 3)
            .map(drop)
    }));
}

#[test]
fn mistakes_in_grids_of_patches_are_refused_or_done() {
    let sample = samples::<2>(1, true).remove(0);
    let split = GridSplit {
        parts: vec![2, 3],
        shape: Some(vec![5, 4]),
    };
    nothing(&law(&split, |split: &GridSplit| {
        split.apply(&sample).map(drop)
    }));
    let patches = PatchGrid {
        patch: [4, 5],
        overlap: vec![0, 2],
    };
    nothing(&law(&patches, |patches: &PatchGrid<2>| {
        patches.placements(sample.shape()).map(drop)
    }));
}
