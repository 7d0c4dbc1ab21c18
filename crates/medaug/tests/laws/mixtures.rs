//! What holds for everything that makes one sample of several.

use std::collections::BTreeSet;

use medaug::{Layer, Mix, MixPipeline, MixStep, Mixture, Sample};
use medcore::random::Key;

use crate::exhibits::mixing::{MixExhibit, mixtures};
use crate::support::{full, grid, with_threads};

/// Those that refuse labels and points, and those that refuse points alone.
const ONLY_IMAGES: &[&str] = &["RandomMixUp"];
const NO_POINTS: &[&str] = &["RandomCutMix"];

/// Samples that differ, with as much in them as may be mixed.
fn samples<const D: usize>(mix: &MixStep, key: Key) -> Vec<Sample<D>> {
    let name = Mix::<D>::name(mix);
    let count = 1 + Mix::<D>::others(mix, key);
    let made = (0..count).map(|number| {
        let whole = full::<D>(|channel, index| {
            let sum: usize = index.iter().sum();
            (number * 7 + channel * 3 + sum) as f32 / 100.0
        });
        if ONLY_IMAGES.contains(&name) {
            Sample::new(whole.image().clone()).with_target(vec![number as f32, 1.0])
        } else if NO_POINTS.contains(&name) {
            let labels = whole.labels().unwrap().clone();
            Sample::with_labels(whole.image().clone(), labels.clone())
                .unwrap()
                .with_boxes(whole.boxes().unwrap().clone())
                .with_layer("organs", Layer::Labels(labels))
                .unwrap()
        } else {
            whole
        }
    });
    made.collect()
}

fn check<const D: usize>(law: impl Fn(&MixStep, Key)) {
    for MixExhibit { caption, mix } in mixtures(&grid::<D>()) {
        assert!(!caption.is_empty());
        Mix::<D>::check(&mix).unwrap();
        for seed in 0..4 {
            law(&mix, Key::new(seed));
        }
    }
}

fn mixed<const D: usize>(mix: &MixStep, key: Key) -> Sample<D> {
    let name = Mix::<D>::name(mix);
    mix.apply(samples::<D>(mix, key), key)
        .unwrap_or_else(|error| panic!("{name}: {error}"))
}

fn same_bytes<const D: usize>() {
    check::<D>(|mix, key| {
        let one = with_threads(1, || mixed::<D>(mix, key));
        assert!(with_threads(4, || mixed::<D>(mix, key)) == one, "{mix:?}");
        assert!(one.image().as_slice().iter().all(|v| v.is_finite()));
    });
}

#[test]
fn the_same_key_mixes_the_same_bytes_with_any_number_of_threads() {
    same_bytes::<2>();
    same_bytes::<3>();
}

fn replayed<const D: usize>() {
    check::<D>(|mix, key| {
        let samples = samples::<D>(mix, key);
        if let Some(drawn) = mix.draw(&samples, key).unwrap() {
            let text = serde_json::to_string(&drawn).unwrap();
            let read: Mixture = serde_json::from_str(&text).unwrap();
            assert!(
                read.apply(samples.clone()).unwrap() == mixed::<D>(mix, key),
                "{text}"
            );
        }
        let pipeline = MixPipeline::<D>::new(vec![mix.clone()], None, 0.0, vec![]).unwrap();
        let text = serde_json::to_string(&pipeline).unwrap();
        let read: MixPipeline<D> = serde_json::from_str(&text).unwrap();
        assert_eq!(read, pipeline);
    });
}

#[test]
fn a_mixture_is_written_down_and_done_again() {
    replayed::<2>();
    replayed::<3>();
}

fn old_labels<const D: usize>() {
    check::<D>(|mix, key| {
        let done = mixed::<D>(mix, key);
        if let Some(labels) = done.labels() {
            let found: BTreeSet<u8> = labels.as_slice().iter().copied().collect();
            assert!(
                found.is_subset(&BTreeSet::from([0, 1, 2])),
                "{mix:?}: {found:?}"
            );
        }
        for layer in done.layers().values() {
            assert_eq!(layer.geometry(), done.geometry());
        }
        for item in done.boxes().into_iter().flat_map(|boxes| boxes.items()) {
            for a in 0..D {
                let (low, high) = (item.bounds.min()[a], item.bounds.max()[a]);
                assert!(low >= -0.5 && high <= done.shape()[a] as f64 - 0.5);
            }
        }
    });
}

#[test]
fn mixtures_make_no_new_labels_and_keep_boxes_within() {
    old_labels::<2>();
    old_labels::<3>();
}

fn too_few<const D: usize>() {
    check::<D>(|mix, key| {
        let mut samples = samples::<D>(mix, key);
        if samples.len() > 1 {
            samples.pop();
            assert!(mix.apply(samples, key).is_err(), "{mix:?}");
        }
    });
}

#[test]
fn another_number_of_samples_is_refused() {
    too_few::<2>();
    too_few::<3>();
}
