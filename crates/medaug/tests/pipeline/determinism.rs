//! The key decides everything; threads decide nothing.

use medaug::{
    BatchSlot, Case, ClassLocations, Compose, Draw, Laterality, PatchPipeline, RandomGaussianNoise,
    Sample, Space, Step, Transform, preset,
};
use medcore::Image;
use medcore::random::Key;

use crate::support::{oblique, sample};

fn with_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap().install(f)
}

/// nnU-Net's pipeline with every probability at one.
fn everything() -> PatchPipeline<3> {
    let pipeline = preset::nnunet_default(
        [20, 65, 70],
        Space::Millimetres,
        Laterality::Swap {
            pairs: vec![(1, 2)],
        },
    )
    .unwrap();
    let steps = pipeline.steps().iter().cloned().map(|mut step| {
        match &mut step {
            Step::RandomSpatial(t) => {
                t.rotation_probability = 1.0;
                t.scale_probability = 1.0;
                t.shear_probability = 1.0;
                t.translation_probability = 1.0;
            }
            Step::RandomGaussianNoise(t) => t.probability = 1.0,
            Step::RandomGaussianBlur(t) => t.probability = 1.0,
            Step::RandomBrightness(t) => t.probability = 1.0,
            Step::RandomContrast(t) => t.probability = 1.0,
            Step::RandomLowResolution(t) => t.probability = 1.0,
            Step::RandomGamma(t) => t.probability = 1.0,
            other => panic!("{other:?} is not part of nnU-Net's pipeline"),
        }
        step
    });
    PatchPipeline::new(pipeline.sampler().clone(), steps.collect()).unwrap()
}

const SLOT: BatchSlot = BatchSlot { index: 1, size: 2 };

#[test]
fn the_same_key_gives_the_same_bytes_with_any_number_of_threads() {
    let draw = |threads: usize| {
        with_threads(threads, || {
            let case = Case::new(sample([23, 71, 64]), None, Key::new(5));
            everything()
                .draw(&case, SLOT, Key::new(7).epoch(2).sample(3))
                .unwrap()
        })
    };
    let one = draw(1);
    assert!(one.image().as_slice().iter().all(|v| v.is_finite()));
    for threads in [2, 3] {
        assert!(draw(threads) == one, "{threads} threads");
    }
}

#[test]
fn every_part_of_the_key_changes_the_patch() {
    let case = Case::new(sample([23, 71, 64]), None, Key::new(5));
    let draw = |key: Key| everything().draw(&case, SLOT, key).unwrap();
    let first = draw(Key::new(7).epoch(2).sample(3));
    for other in [
        Key::new(8).epoch(2).sample(3),
        Key::new(7).epoch(1).sample(3),
        Key::new(7).epoch(2).sample(4),
    ] {
        assert!(draw(other) != first);
    }
}

#[test]
fn class_locations_do_not_depend_on_threads() {
    let labels = sample([61, 133, 129]).labels().unwrap().clone();
    let collect = |threads| {
        with_threads(threads, || {
            ClassLocations::collect(&labels, None, 500, Key::new(1))
        })
    };
    assert_eq!(collect(1), collect(3));
}

#[test]
fn a_step_draws_by_its_position_and_not_by_its_neighbours() {
    let steps = everything().steps().to_vec();
    let key = Key::new(3);
    let apply = |steps: Vec<Step>| -> Sample<3> {
        let chain = Compose::new(steps).unwrap();
        chain.apply(sample([5, 13, 11]), key).unwrap()
    };
    let noise = steps[1].clone();
    let mut blocked = steps[2].clone();
    if let Step::RandomGaussianBlur(blur) = &mut blocked {
        blur.probability = 0.0;
    }
    // A step that does nothing moves no other step's numbers.
    assert!(apply(vec![noise.clone(), blocked]) == apply(vec![noise]));
}

#[test]
fn a_pipeline_survives_its_description() {
    let pipeline = everything();
    let text = serde_json::to_string_pretty(&pipeline).unwrap();
    let back: PatchPipeline<3> = serde_json::from_str(&text).unwrap();
    assert_eq!(back, pipeline);
    // The same description is not one for slices.
    let flat = serde_json::from_str::<PatchPipeline<2>>(&text).unwrap_err();
    assert!(flat.to_string().contains("2 entries"), "{flat}");
    let broken = text.replacen("\"low\": 0.7", "\"low\": -0.7", 1);
    let refused = serde_json::from_str::<PatchPipeline<3>>(&broken).unwrap_err();
    assert!(refused.to_string().contains("scale"), "{refused}");
}

#[test]
fn equal_steps_one_after_the_other_draw_different_numbers() {
    let noise = RandomGaussianNoise {
        probability: 1.0,
        sigma: Draw::Fixed(1.0),
        ..RandomGaussianNoise::default()
    };
    let before = sample([5, 13, 11]);
    let apply = |times: usize| -> Vec<f32> {
        let chain = Compose::new(vec![noise.clone().into(); times]).unwrap();
        let after = chain.apply(before.clone(), Key::new(3)).unwrap();
        let pairs = after
            .image()
            .as_slice()
            .iter()
            .zip(before.image().as_slice());
        pairs.map(|(a, b)| a - b).collect()
    };
    let deviation = |noise: &[f32]| {
        let squares: f64 = noise.iter().map(|&v| f64::from(v).powi(2)).sum();
        (squares / noise.len() as f64).sqrt()
    };
    let (once, twice) = (deviation(&apply(1)), deviation(&apply(2)));
    assert!((once - 1.0).abs() < 0.06, "{once}");
    // Independent noise adds up in squares; the same noise twice would double.
    assert!((twice - 2.0_f64.sqrt()).abs() < 0.08, "{twice}");
}

#[test]
fn channels_share_the_strength_of_noise_but_never_the_noise() {
    let grid = oblique([9, 61, 67]);
    let noise = RandomGaussianNoise {
        probability: 1.0,
        ..RandomGaussianNoise::default()
    };
    let sample = Sample::<3>::new(Image::zeros(2, grid).unwrap());
    let sample = noise.apply(sample, Key::new(3)).unwrap();
    let (a, b) = (sample.image().channel(0), sample.image().channel(1));
    let sum = |f: &dyn Fn(usize) -> f32| (0..a.len()).map(|i| f64::from(f(i))).sum::<f64>();
    let (aa, bb) = (sum(&|i| a[i] * a[i]), sum(&|i| b[i] * b[i]));
    assert!((aa / bb - 1.0).abs() < 0.05, "{aa} {bb}");
    assert!((sum(&|i| a[i] * b[i]) / aa).abs() < 0.05);
    // Nor do the chunks that threads work on.
    let chunk = 1 << 15;
    assert_ne!(a[..1_000], a[chunk..chunk + 1_000]);
}
