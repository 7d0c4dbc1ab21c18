//! Places by lesion, by weight and on a grid.

use medaug::{
    BatchSlot, Case, Error, LesionLocations, PatchChoice, PatchGrid, PatchPipeline, PatchSampler,
    Sample, WeightMap,
};
use medcore::components::Connectivity;
use medcore::random::Key;
use medcore::{Image, LabelMap};

use crate::support::{oblique, places, sample};

const SHAPE: [usize; 3] = [12, 40, 44];
const PATCH: [usize; 3] = [4, 9, 10];
const SLOT: BatchSlot = BatchSlot { index: 0, size: 2 };

fn sampler(choice: PatchChoice) -> PatchSampler<3> {
    PatchSampler {
        patch: PATCH,
        choice,
    }
}

/// One large lesion of class 1 and two of a single voxel, of class 2.
fn labels() -> LabelMap<u8, 3> {
    let grid = oblique(SHAPE);
    let voxels = (0..grid.len()).map(|i| {
        let at = [i / (40 * 44), i / 44 % 40, i % 44];
        match at {
            [3..=8, 10..=29, 10..=29] => 1,
            [2, 4, 5] | [10, 36, 40] => 2,
            _ => 0,
        }
    });
    LabelMap::new(grid, voxels.collect::<Vec<u8>>()).unwrap()
}

fn case() -> Case<3> {
    let labels = labels();
    let key = Key::new(1);
    let found = LesionLocations::collect(&labels, &[], Connectivity::Corner, 100, key).unwrap();
    let image = places(*labels.geometry());
    let sample = Sample::with_labels(image, labels).unwrap();
    Case::new(sample, None, key).with_lesions(found).unwrap()
}

#[test]
fn every_lesion_is_shown_equally_often_however_small_it_is() {
    let case = case();
    assert_eq!(case.guide().lesions.unwrap().lesions().len(), 3);
    let sampler = sampler(PatchChoice::Lesions { probability: 0.75 });
    sampler.check().unwrap();
    let (mut of_class, mut first_small) = ([0_u32; 3], 0);
    for i in 0..4_000 {
        let place = sampler
            .place(SHAPE, case.guide(), SLOT, Key::new(7).sample(i))
            .unwrap();
        of_class[usize::from(place.class.unwrap_or(0))] += 1;
        let inside = |a: usize| {
            place.start[a] >= 0 && place.start[a] + PATCH[a] as isize <= SHAPE[a] as isize
        };
        assert!((0..3).all(inside), "{place:?}");
        first_small += u32::from(place.class == Some(2) && place.start == [0, 0, 0]);
    }
    // 3000 of 4000 show a lesion, a third of them each.
    assert!((930..1_070).contains(&of_class[0]), "{of_class:?}");
    assert!((930..1_070).contains(&of_class[1]), "{of_class:?}");
    assert!((930..1_070).contains(&first_small), "{first_small}");
}

#[test]
fn a_healthy_case_is_sampled_anywhere() {
    let grid = oblique(SHAPE);
    let empty = LabelMap::<u8, 3>::background(grid).unwrap();
    let found = LesionLocations::collect(&empty, &[], Connectivity::Face, 10, Key::new(1)).unwrap();
    let case = Case::new(Sample::new(places(grid)), None, Key::new(1));
    let case = case.with_lesions(found).unwrap();
    let place = sampler(PatchChoice::Lesions { probability: 1.0 })
        .place(SHAPE, case.guide(), SLOT, Key::new(1))
        .unwrap();
    assert_eq!(place.class, None);
}

#[test]
fn weighted_places_follow_the_weights() {
    let mut weights = vec![0.0_f32; SHAPE.iter().product()];
    let at = |d: usize, h: usize, w: usize| (d * 40 + h) * 44 + w;
    weights[at(5, 20, 30)] = 1.0;
    weights[at(7, 9, 12)] = 4.0;
    weights[at(0, 0, 0)] = 1e6; // no patch inside the image has its centre there
    let map = WeightMap::new(&weights, SHAPE, PATCH).unwrap();
    let case = case().with_weights(map).unwrap();
    let sampler = sampler(PatchChoice::Weights);
    let (mut rare, mut common) = (0, 0);
    for i in 0..4_000 {
        let key = Key::new(2).sample(i);
        match sampler.place(SHAPE, case.guide(), SLOT, key).unwrap().start {
            [3, 16, 25] => rare += 1,
            [5, 5, 7] => common += 1,
            other => panic!("{other:?}"),
        }
    }
    assert!((740..860).contains(&rare), "{rare} {common}");
    let pipeline = PatchPipeline::new(sampler, vec![]).unwrap();
    let patch = pipeline.draw(&case, SLOT, Key::new(2)).unwrap();
    assert_eq!(patch.shape(), PATCH);
    let text = serde_json::to_string(&pipeline).unwrap();
    assert_eq!(
        serde_json::from_str::<PatchPipeline<3>>(&text).unwrap(),
        pipeline
    );
}

#[test]
fn what_was_not_collected_or_belongs_elsewhere_is_refused() {
    let plain = Case::new(sample(SHAPE), None, Key::new(1));
    for choice in [
        PatchChoice::Weights,
        PatchChoice::Lesions { probability: 0.0 },
    ] {
        let refused = sampler(choice).place(SHAPE, plain.guide(), SLOT, Key::new(1));
        assert!(matches!(refused, Err(Error::MissingGuide { .. })));
    }
    let map = WeightMap::new(&vec![1.0; SHAPE.iter().product()], SHAPE, [3, 3, 3]).unwrap();
    let case = plain.clone().with_weights(map).unwrap();
    let refused = sampler(PatchChoice::Weights).place(SHAPE, case.guide(), SLOT, Key::new(1));
    assert!(matches!(refused, Err(Error::ForeignLocations { .. })));
    let map = WeightMap::new(&[1.0; 27], [3, 3, 3], [1, 1, 1]).unwrap();
    assert!(plain.with_weights(map).is_err());
    let broken = PatchChoice::Lesions { probability: 1.1 };
    assert!(sampler(broken).check().is_err());
}

#[test]
fn a_grid_shows_every_voxel_and_centres_what_is_too_small() {
    let grid = PatchGrid {
        patch: [16, 9, 10],
        overlap: vec![0, 3, 4],
    };
    let image = Image::new(oblique(SHAPE), vec![1.0_f32; SHAPE.iter().product()]).unwrap();
    let case = Case::new(Sample::new(image), None, Key::new(1));
    let sampler = PatchSampler {
        patch: grid.patch,
        choice: PatchChoice::Uniform,
    };
    let pipeline = PatchPipeline::new(sampler, vec![]).unwrap();
    let mut seen = vec![false; SHAPE.iter().product()];
    for place in grid.placements(SHAPE).unwrap() {
        assert_eq!(place.start[0], -2); // 4 voxels are missing
        let patch = pipeline.draw_at(&case, place, Key::new(1)).unwrap();
        let mut ones = 0;
        for (i, &v) in patch.image().as_slice().iter().enumerate() {
            let at = [i / 90, i / 10 % 9, i % 10];
            let at: [isize; 3] = std::array::from_fn(|a| place.start[a] + at[a] as isize);
            if (0..3).all(|a| at[a] >= 0 && at[a] < SHAPE[a] as isize) {
                seen[((at[0] * 40 + at[1]) * 44 + at[2]) as usize] = true;
                ones += usize::from(v == 1.0);
            } else {
                assert_eq!(v, 0.0);
            }
        }
        assert_eq!(ones, 12 * 90);
    }
    assert!(seen.iter().all(|&s| s));
    for (patch, overlap) in [
        ([0, 1, 1], vec![0]),
        ([4, 4, 4], vec![4]),
        ([4, 4, 4], vec![1; 2]),
    ] {
        assert!(PatchGrid { patch, overlap }.check().is_err());
    }
}
