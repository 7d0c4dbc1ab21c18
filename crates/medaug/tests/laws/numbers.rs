//! The key decides everything, what was done can be done again, and no number comes from nowhere.

use medaug::{Compose, Record, Sample, Step};
use medcore::random::Key;
use rayon::prelude::*;

use crate::support::{drawn, full, pipelines, textured, with_threads};

fn same_bytes<const D: usize>() {
    for (name, pipeline, key) in drawn::<D>() {
        let draw = |threads| {
            with_threads(threads, || pipeline.apply(textured::<D>(), key))
                .unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let one = draw(1);
        assert!(draw(2) == one, "{name}: 2 threads");
        assert!(draw(4) == one, "{name}: 4 threads");
    }
}

#[test]
fn the_same_key_gives_the_same_bytes_with_any_number_of_threads() {
    same_bytes::<2>();
    same_bytes::<3>();
}

/// Samples are made in another order, side by side.
fn any_order<const D: usize>() {
    let all = drawn::<D>();
    let apply = |(_, pipeline, key): &(&str, Compose<D>, Key)| {
        pipeline.apply(textured::<D>(), *key).unwrap()
    };
    for some in all.chunks(40) {
        let one_by_one: Vec<Sample<D>> = some.iter().map(apply).collect();
        let backwards: Vec<Sample<D>> =
            with_threads(4, || some.par_iter().rev().map(apply).collect());
        let pairs = one_by_one.into_iter().zip(backwards.into_iter().rev());
        for ((name, ..), (first, second)) in some.iter().zip(pairs) {
            assert!(first == second, "{name}");
        }
    }
}

#[test]
fn the_order_of_samples_changes_nothing() {
    any_order::<2>();
    any_order::<3>();
}

fn replayed<const D: usize>() {
    for (name, pipeline, key) in drawn::<D>() {
        let (done, record) = pipeline.record(textured::<D>(), key).unwrap();
        assert!(
            pipeline.apply(textured::<D>(), key).unwrap() == done,
            "{name}"
        );
        let text = serde_json::to_string(&record).unwrap();
        let record: Record<D> =
            serde_json::from_str(&text).unwrap_or_else(|error| panic!("{name}: {error}: {text}"));
        let again = record.replay(textured::<D>()).unwrap();
        assert!(again == done, "{name}: {text}");
        let warp = record.warp().unwrap();
        assert_eq!(
            warp.geometry(record.source()).unwrap().shape(),
            done.shape(),
            "{name}"
        );
    }
}

#[test]
fn what_was_done_is_written_down_and_done_again() {
    replayed::<2>();
    replayed::<3>();
}

#[test]
fn a_description_is_read_as_it_was_written() {
    fn check<const D: usize>() {
        for (name, pipeline) in pipelines::<D>() {
            let text = serde_json::to_string(&pipeline).unwrap();
            let back: Compose<D> = serde_json::from_str(&text).unwrap();
            assert_eq!(back, pipeline, "{name}");
            assert_eq!(back.hash().unwrap(), pipeline.hash().unwrap());
            let steps: Vec<Step> = serde_json::from_str(&text).unwrap();
            assert_eq!(steps[0].name(), name);
        }
    }
    check::<2>();
    check::<3>();
}

#[test]
fn finite_images_stay_finite() {
    fn check<const D: usize>() {
        for (name, pipeline, key) in drawn::<D>() {
            let done = pipeline.apply(textured::<D>(), key).unwrap();
            assert!(
                done.image().as_slice().iter().all(|v| v.is_finite()),
                "{name}"
            );
        }
    }
    check::<2>();
    check::<3>();
}

#[test]
fn constant_images_and_voxels_that_are_not_numbers_are_answered() {
    fn check<const D: usize>() {
        for (name, pipeline, key) in drawn::<D>() {
            for value in [0.0, 0.5, -3.0] {
                match pipeline.apply(full::<D>(|_, _| value), key) {
                    Ok(done) => assert!(
                        done.image().as_slice().iter().all(|v| v.is_finite()),
                        "{name} of {value}"
                    ),
                    Err(error) => assert!(!error.to_string().is_empty()),
                }
            }
            for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
                let image = full::<D>(|channel, index| {
                    if channel == 1 && index.iter().all(|&i| i == 3) {
                        odd
                    } else {
                        index[0] as f32 / 30.0
                    }
                });
                // Either an error that says so, or an image; never a panic.
                if let Err(error) = pipeline.apply(image, key) {
                    assert!(!error.to_string().is_empty(), "{name}");
                }
            }
        }
    }
    check::<2>();
    check::<3>();
}
