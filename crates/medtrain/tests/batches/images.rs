//! What a batch of images holds, in whatever process or thread it is made.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use medaug::{
    Brightness, Compose, Intensity, MixPipeline, Normalise, RandomCutMix, RandomGamma, RandomMixUp,
    Sample,
};
use medcore::random::Key;
use medcore::{Geometry, Image};
use medtrain::split::{CaseRecord, Shares};
use medtrain::{
    CachedCase, CaseCache, ClassTargets, Cohort, Error, EvaluationBatches, ImageBatches,
    LoadedCases, Loader, Prefetch, Remainder, Sampling, Shard, Source, Split, TrainingSet,
};

const CASES: u32 = 23;

fn image(number: u32, shape: [usize; 2]) -> Sample<2> {
    let grid = Geometry::axis_aligned(shape, [1.0; 2]).unwrap();
    let mut random = Key::new(3).sample(number).stream("image");
    let voxels: Vec<f32> = (0..grid.len()).map(|_| random.uniform() as f32).collect();
    Sample::new(Image::new(grid, voxels).unwrap())
}

/// A step that is always the same, one that draws, and one behind it that is always the same again.
fn cache() -> Arc<CaseCache<2>> {
    let gamma = RandomGamma {
        probability: 1.0,
        ..RandomGamma::default()
    };
    let steps = vec![
        Normalise::from(Intensity::MinMax).into(),
        gamma.into(),
        Brightness { factor: 3.0 }.into(),
    ];
    let cases = (0..CASES).map(|n| (format!("{n}"), image(n, [5, 7])));
    let pipeline = Compose::new(steps).unwrap();
    Arc::new(CaseCache::new(Box::new(LoadedCases::new(cases)), pipeline, 1).with_memory(1 << 20))
}

fn records() -> Vec<CaseRecord> {
    let record = |n: u32| {
        CaseRecord::new(format!("{n}"), format!("patient {}", n / 2))
            .with_class(u32::from(n.is_multiple_of(5)))
    };
    (0..CASES).map(record).collect()
}

fn split() -> Split<CachedCase<2>> {
    let cohort = Cohort::of_records(records()).unwrap();
    let split = cohort
        .hold_out(&Shares::new(0.2, 0.0), Key::new(1))
        .unwrap();
    split.in_cache(&cache()).unwrap()
}

fn everyone() -> TrainingSet<CachedCase<2>> {
    let cache = cache();
    let numbers = Cohort::of_records(records()).unwrap().train_on_all();
    let case = |record: &CaseRecord, number| CachedCase::new(&cache, number, &record.id);
    numbers.try_map(case).unwrap()
}

fn targets() -> ClassTargets {
    ClassTargets::of_records(2, &records()).unwrap()
}

fn batches() -> ImageBatches<2> {
    ImageBatches::new(everyone(), &targets(), 4, 9).unwrap()
}

/// Name, voxels and targets of every sample of an epoch, batch by batch.
type Epoch = Vec<Vec<(String, Vec<f32>, Vec<f32>)>>;

fn epoch(source: ImageBatches<2>, epoch: u32, threads: usize) -> Epoch {
    let prefetch = Prefetch { threads, ahead: 3 };
    let loader = Loader::start(Arc::new(source), epoch, 0, prefetch);
    let rows = loader.map(|batch| {
        let batch = batch.unwrap();
        let images = batch.inputs.image().unwrap().flatten_from(1).unwrap();
        let targets = match batch.targets.dims().len() {
            1 => batch.targets.unsqueeze(1).unwrap(),
            _ => batch.targets,
        };
        let targets = targets.to_dtype(mednn::candle_core::DType::F32).unwrap();
        let images = images.to_vec2::<f32>().unwrap();
        let rows = images.into_iter().zip(targets.to_vec2::<f32>().unwrap());
        batch
            .cases
            .into_iter()
            .zip(rows)
            .map(|(name, (i, t))| (name, i, t))
            .collect()
    });
    rows.collect()
}

fn mixing() -> MixPipeline<2> {
    let mixes = vec![
        RandomMixUp {
            probability: 0.7,
            alpha: 1.0,
        }
        .into(),
        RandomCutMix {
            probability: 0.5,
            ..RandomCutMix::default()
        }
        .into(),
    ];
    MixPipeline::new(mixes, None, 0.0, vec![]).unwrap()
}

#[test]
fn every_case_comes_once_with_its_own_voxels_and_class() {
    let rows = epoch(batches().with_remainder(Remainder::Keep).unwrap(), 2, 0);
    assert_eq!(
        rows.iter().map(Vec::len).collect::<Vec<_>>(),
        [4, 4, 4, 4, 4, 3]
    );
    let names: BTreeSet<&str> = rows.iter().flatten().map(|row| row.0.as_str()).collect();
    assert_eq!(names.len(), CASES as usize);
    let cache = cache();
    for (name, voxels, target) in rows.iter().flatten() {
        let number: u32 = name.parse().unwrap();
        let key = Key::new(9).epoch(2).sample(number);
        let sample = cache.sample(number as usize, key).unwrap();
        assert_eq!(sample.image().as_slice(), voxels);
        assert_eq!(target, &[f32::from(u8::from(number.is_multiple_of(5)))]);
    }
}

#[test]
fn the_order_is_another_in_every_epoch_and_so_are_those_left_out() {
    let names = |e| -> Vec<String> {
        epoch(batches(), e, 0)
            .into_iter()
            .flatten()
            .map(|row| row.0)
            .collect()
    };
    assert_eq!(names(0).len(), 20);
    assert_eq!(names(0), names(0));
    assert_ne!(names(0), names(1));
    let seen: BTreeSet<String> = (0..6).flat_map(names).collect();
    assert_eq!(seen.len(), CASES as usize);
}

#[test]
fn threads_change_nothing() {
    for mix in [false, true] {
        let source = || match mix {
            true => batches().with_mixing(mixing()),
            false => batches(),
        };
        let alone = epoch(source(), 1, 0);
        for threads in [1, 3] {
            assert!(
                epoch(source(), 1, threads) == alone,
                "{threads} threads, mixing {mix}"
            );
        }
    }
}

#[test]
fn processes_make_together_the_batch_that_one_would_make() {
    for mix in [false, true] {
        let source = |batch, shard| {
            let source = ImageBatches::new(everyone(), &targets(), batch, 9).unwrap();
            let source = source.with_shard(shard).unwrap();
            match mix {
                true => source.with_mixing(mixing()),
                false => source,
            }
        };
        let whole = epoch(source(8, Shard::SOLO), 3, 0);
        for world in [2, 4] {
            let parts: Vec<Epoch> = (0..world)
                .map(|rank| {
                    epoch(
                        source(8 / world as usize, Shard::new(rank, world).unwrap()),
                        3,
                        0,
                    )
                })
                .collect();
            for (step, batch) in whole.iter().enumerate() {
                // One after the other, in the order of ranks: a trainer numbers its samples so.
                let together = parts.iter().flat_map(|part| part[step].clone());
                let together: Vec<_> = together.collect();
                assert!(together == *batch, "step {step} of {world} processes");
            }
            assert!(parts.iter().all(|part| part.len() == whole.len()));
        }
    }
}

#[test]
fn a_case_that_comes_again_is_augmented_anew() {
    let mut weights = vec![0.0; CASES as usize];
    weights[4] = 1.0;
    let sampling = Sampling::Weighted {
        weights,
        draws: 8,
        replacement: medtrain::sampler::Replacement::With,
    };
    let rows = epoch(batches().with_sampling(&sampling).unwrap(), 0, 0).concat();
    assert_eq!(rows.len(), 8);
    for (number, row) in rows.iter().enumerate() {
        assert_eq!(row.0, "4");
        assert!(
            rows[..number].iter().all(|other| other.1 != row.1),
            "sample {number}"
        );
    }
}

#[test]
fn mixed_samples_have_shares_of_classes_and_name_all_cases() {
    let rows = epoch(batches().with_mixing(mixing()), 0, 0).concat();
    let shares: BTreeMap<&str, &Vec<f32>> = rows.iter().map(|r| (r.0.as_str(), &r.2)).collect();
    let mut soft = 0;
    for (name, target) in shares {
        assert!(
            (target.iter().sum::<f32>() - 1.0).abs() < 1e-5,
            "{name}: {target:?}"
        );
        let classes: BTreeSet<bool> = name
            .split(" + ")
            .map(|case| case.parse::<u32>().unwrap().is_multiple_of(5))
            .collect();
        // A share of a class that none of its cases has would be a lie.
        for (class, &share) in target.iter().enumerate() {
            assert!(
                share == 0.0 || classes.contains(&(class == 1)),
                "{name}: {target:?}"
            );
        }
        soft += usize::from(target.iter().all(|share| *share > 0.0));
    }
    assert!(soft > 0);
}

#[test]
fn images_to_judge_by_come_in_order_and_are_not_augmented() {
    let split = split();
    let members = split.validation.members();
    let source = EvaluationBatches::new(members, &targets(), 2).unwrap();
    assert_eq!(source.steps_per_epoch() as usize, members.len().div_ceil(2));
    let mut names = vec![];
    for step in 0..source.steps_per_epoch() {
        let batch = source.item(step + 5, step).unwrap();
        let rows = batch.inputs.image().unwrap().flatten_from(1).unwrap();
        let classes = batch.targets.to_vec1::<u32>().unwrap();
        let rows = rows.to_vec2::<f32>().unwrap().into_iter().zip(classes);
        for (name, (voxels, class)) in batch.cases.iter().zip(rows) {
            let number: u32 = name.parse().unwrap();
            assert_eq!(class, u32::from(number.is_multiple_of(5)));
            // What does not draw is done, behind the step that draws, too.
            let steps = [
                Normalise::from(Intensity::MinMax).into(),
                Brightness { factor: 3.0 }.into(),
            ];
            let plain = Compose::new(steps.to_vec()).unwrap();
            let plain = plain.apply(image(number, [5, 7]), Key::new(0)).unwrap();
            assert_eq!(plain.image().as_slice(), voxels);
        }
        names.extend(batch.cases);
    }
    assert!(names.iter().eq(members.records().map(|record| &record.id)));
    assert!(source.item(0, source.steps_per_epoch()).is_err());
}

#[test]
fn steps_that_draw_are_none_to_judge_by() {
    let split = split();
    let source = || EvaluationBatches::new(split.validation.members(), &targets(), 2).unwrap();
    let random = Compose::new(vec![RandomGamma::default().into()]).unwrap();
    let refused = source().with_steps(random).unwrap_err();
    assert!(matches!(refused, Error::InvalidSetting { .. }), "{refused}");
    let fixed = Compose::new(vec![Brightness { factor: 3.0 }.into()]).unwrap();
    assert!(source().with_steps(fixed).is_ok());
}

#[test]
fn findings_and_shares_are_rows_of_the_targets() {
    let rows = |n: u32| (format!("{n}"), vec![1.0, n as f32 / 64.0, 0.0]);
    let findings = ClassTargets::findings(3, (0..CASES).map(rows)).unwrap();
    let source = ImageBatches::new(everyone(), &findings, 4, 9).unwrap();
    for (name, _, target) in epoch(source, 0, 0).concat() {
        assert_eq!(target, rows(name.parse().unwrap()).1);
    }
    let counts = findings.counts(&records()).unwrap();
    assert_eq!(counts, [23.0, 253.0 / 64.0, 0.0]);
    let halves = (0..CASES).map(|n| (format!("{n}"), vec![0.25, 0.75]));
    let soft = ClassTargets::soft(2, halves).unwrap();
    let source = EvaluationBatches::new(everyone().members(), &soft, 50).unwrap();
    assert_eq!(source.item(0, 0).unwrap().targets.dims(), [23, 2]);
}

#[test]
fn targets_that_are_none_are_refused_by_the_name_of_the_case() {
    let one = |values: &[f32]| [("a".to_owned(), values.to_vec())];
    for values in [&[0.5, 0.6][..], &[1.0], &[f32::NAN, 1.0], &[1.5, -0.5]] {
        let refused = ClassTargets::soft(2, one(values)).unwrap_err();
        assert!(
            matches!(refused, Error::InvalidTarget { case, .. } if case == "a"),
            "{values:?}"
        );
    }
    assert!(ClassTargets::findings(2, one(&[1.0, 1.0])).is_ok());
    assert!(ClassTargets::findings(2, one(&[1.0, 1.1])).is_err());
    let twice = [("a".to_owned(), 0), ("a".to_owned(), 1)];
    assert!(matches!(
        ClassTargets::single(2, twice),
        Err(Error::SameName { .. })
    ));
    let few = ClassTargets::single(2, [("0".to_owned(), 0)]).unwrap();
    let refused = ImageBatches::new(everyone(), &few, 4, 9).unwrap_err();
    assert!(
        matches!(&refused, Error::Unnamed { what: "target", .. }),
        "{refused}"
    );
}

#[test]
fn settings_that_leave_no_batch_are_refused() {
    let of = |batch| ImageBatches::new(everyone(), &targets(), batch, 9);
    assert!(matches!(of(0), Err(Error::Nothing { what: "batch size" })));
    assert!(matches!(of(24), Err(Error::InvalidSetting { .. })));
    assert!(
        of(12)
            .unwrap()
            .with_shard(Shard::new(0, 2).unwrap())
            .is_err()
    );
    assert!(Shard::new(2, 2).is_err() && Shard::new(0, 0).is_err());
    let two = of(4)
        .unwrap()
        .with_shard(Shard::new(1, 2).unwrap())
        .unwrap();
    assert!(two.with_remainder(Remainder::Keep).is_err());
    let twelve = of(13).unwrap().with_sampling(&Sampling::Patients);
    assert!(
        matches!(twelve, Err(Error::InvalidSetting { .. })),
        "twelve patients"
    );
}

#[test]
fn images_of_different_shapes_name_both_cases() {
    let cases = [("a", [5, 7]), ("b", [5, 8])].map(|(n, shape)| (n.to_owned(), image(1, shape)));
    let reader = Box::new(LoadedCases::new(cases));
    let cache = Arc::new(CaseCache::new(reader, Compose::default(), 1));
    let records = ["a", "b"].map(|n| CaseRecord::new(n, n).with_class(0));
    let targets = ClassTargets::of_records(2, &records).unwrap();
    let numbers = Cohort::of_records(records).unwrap().train_on_all();
    let cases = numbers
        .try_map(|r, n| CachedCase::new(&cache, n, &r.id))
        .unwrap();
    let refused = EvaluationBatches::new(cases.members(), &targets, 2)
        .unwrap()
        .item(0, 0);
    let refused = refused.unwrap_err();
    assert!(
        matches!(&refused, Error::Ragged { first_case, other_case, .. } if first_case == "a" && other_case == "b"),
        "{refused}"
    );
}

#[test]
fn images_without_labels_are_the_same_images() {
    let labelled = ImageBatches::new(everyone(), &targets(), 4, 7).unwrap();
    let unlabelled = ImageBatches::unlabelled(everyone(), 4, 7).unwrap();
    assert_eq!(labelled.steps_per_epoch(), unlabelled.steps_per_epoch());
    let [a, b] = [labelled, unlabelled].map(|source| source.item(3, 2).unwrap());
    assert_eq!(b.targets.dims(), [4, 0]);
    assert_eq!(a.cases, b.cases);
    let values = |batch: &medtrain::Batch| {
        let image = batch.inputs.image().unwrap().flatten_all().unwrap();
        image.to_vec1::<f32>().unwrap()
    };
    assert_eq!(values(&a), values(&b));
    assert!(ImageBatches::unlabelled(everyone(), 0, 7).is_err());
}
