//! What a network predicts on the result of a pipeline, led back to the scan it came from.

use medaug::{
    Affine, CenterCrop, Compose, Draw, Laterality, Operation, Orient, Pad, PadTo, RandomFlip,
    RandomSpatial, Record, Sample, Spacing,
};
use medcore::random::Key;
use medcore::{Geometry, Image, LabelMap};

use crate::support::oblique;

/// Places in the patient and radii of two kidneys and a liver, in millimetres; their classes are 1, 2 and 3.
const ORGANS: [([f64; 3], f64); 3] = [
    ([0.8, 42.5, 835.0], 8.0),
    ([18.8, 42.5, 835.0], 8.0),
    ([9.8, 42.5, 818.0], 6.0),
];

/// The channel that is 1 in the scan and 0 outside.
const WITNESS: usize = 3;

/// How deep a place of the patient lies inside each organ, in millimetres; negative outside.
fn depths(at: [f64; 3]) -> [f64; 3] {
    ORGANS.map(|(centre, radius)| {
        let square: f64 = (0..3).map(|a| (at[a] - centre[a]).powi(2)).sum();
        radius - square.sqrt()
    })
}

fn class(at: [f64; 3]) -> u8 {
    let organ = depths(at).iter().position(|&depth| depth > 0.0);
    organ.map_or(0, |organ| organ as u8 + 1)
}

/// The probability of each class, which changes over some millimetres.
fn probabilities(at: [f64; 3]) -> [f64; 4] {
    let [a, b, c] = depths(at).map(|depth| 1.0 / (3.0 * (1.0 + (-depth / 3.0).exp())));
    [1.0 - a - b - c, a, b, c]
}

/// A scan that says of each voxel where in the patient it lies, as anatomy does, and that it is one.
fn scan(grid: Geometry<3>) -> Sample<3> {
    let [_, height, width] = grid.shape();
    let places: Vec<[f64; 3]> = (0..grid.len())
        .map(|i| [i / (height * width), i / width % height, i % width].map(|v| v as f64))
        .map(|index| grid.index_to_world(index).coordinates())
        .collect();
    let mut voxels: Vec<f32> = vec![];
    for a in 0..3 {
        voxels.extend(places.iter().map(|at| at[a] as f32));
    }
    voxels.resize(4 * grid.len(), 1.0);
    Sample::new(Image::with_channels(4, grid, voxels).unwrap())
}

fn places(sample: &Sample<3>) -> Vec<[f64; 3]> {
    let channel = |a: usize| sample.image().channel(a);
    let voxels = 0..sample.geometry().len();
    voxels
        .map(|i| std::array::from_fn(|a| f64::from(channel(a)[i])))
        .collect()
}

/// Spacing, orientation, crop, border, mirroring with the names of sides, and two turns.
fn chain() -> Compose<3> {
    let flip = RandomFlip {
        axes: vec![0, 1, 2],
        probability: 0.5,
        laterality: Laterality::Swap {
            pairs: vec![(1, 2)],
        },
    };
    let spatial = RandomSpatial {
        rotation_probability: 1.0,
        rotation_degrees: vec![Draw::symmetric(12.0)],
        scale_probability: 1.0,
        scale: vec![Draw::Uniform {
            low: 0.9,
            high: 1.1,
        }],
        translation_probability: 1.0,
        translation: vec![Draw::symmetric(2.0)],
        flip: flip.clone(),
        ..RandomSpatial::default()
    };
    let affine = Affine {
        rotation_degrees: vec![0.0, 8.0, 0.0],
        ..Affine::default()
    };
    let orient = Orient {
        orientation: "RAS".parse().unwrap(),
    };
    Compose::new(vec![
        Spacing::new([1.6, 1.1, 1.0]).into(),
        orient.into(),
        CenterCrop::new([30, 30, 32]).into(),
        Pad::new(PadTo::Divisible(vec![16])).into(),
        flip.into(),
        spatial.into(),
        affine.into(),
    ])
    .unwrap()
}

/// Whether the result shows left as right.
fn is_mirrored(record: &Record<3>) -> bool {
    let swaps = record.operations().iter().filter(|operation| {
        matches!(operation, Operation::Flip(flip) if flip.swap.is_some())
            || matches!(operation, Operation::Affine(affine) if affine.swap.is_some())
    });
    swaps.count() % 2 == 1
}

/// What a network without fault says of the result: it knows the anatomy, but takes a mirrored left for a right.
fn predict(seen: &Sample<3>, mirrored: bool) -> (LabelMap<u8, 3>, Image<f32, 3>) {
    let named = |class: usize| match class {
        1 | 2 if mirrored => 3 - class,
        _ => class,
    };
    let (grid, places) = (*seen.geometry(), places(seen));
    let labels = places.iter().map(|&at| named(class(at).into()) as u8);
    let labels: Vec<u8> = labels.collect();
    let mut voxels: Vec<f32> = vec![];
    for class in 0..4 {
        voxels.extend(
            places
                .iter()
                .map(|&at| probabilities(at)[named(class)] as f32),
        );
    }
    (
        LabelMap::new(grid, labels).unwrap(),
        Image::with_channels(4, grid, voxels).unwrap(),
    )
}

#[test]
fn a_prediction_comes_back_to_the_scan_through_every_kind_of_move() {
    let grid = oblique([13, 52, 49]);
    let (scan, chain) = (scan(grid), chain());
    let truth = places(&scan);
    let mut mirrored = 0;
    for seed in 0..6 {
        let (seen, record) = chain.record(scan.clone(), Key::new(seed)).unwrap();
        mirrored += u32::from(is_mirrored(&record));
        let (labels, soft) = predict(&seen, is_mirrored(&record));
        let text = serde_json::to_string(&record).unwrap();
        let record: Record<3> = serde_json::from_str(&text).unwrap();
        let labels = record.restore_labels(&labels).unwrap();
        let soft = record.restore_probabilities(&soft).unwrap();
        let shown = record.restore_image(seen.image(), 0.0).unwrap();
        assert_eq!((*labels.geometry(), *soft.geometry()), (grid, grid));
        let mut right = [0; 4];
        for (i, &at) in truth.iter().enumerate() {
            let got: [f64; 4] = std::array::from_fn(|c| f64::from(soft.channel(c)[i]));
            assert!((got.iter().sum::<f64>() - 1.0).abs() < 1e-5, "{got:?}");
            let witness = shown.channel(WITNESS)[i];
            if witness == 0.0 {
                assert_eq!((labels.as_slice()[i], got[0] > 0.999), (0, true), "{at:?}");
            }
            if witness < 0.9999 {
                continue;
            }
            let wanted = probabilities(at);
            for c in 0..4 {
                let error = (got[c] - wanted[c]).abs();
                assert!(error < 0.02, "{seed}: {got:?} for {wanted:?} at {at:?}");
            }
            if depths(at).iter().all(|depth| depth.abs() > 2.5) {
                assert_eq!(labels.as_slice()[i], class(at), "{seed}: {at:?}");
                right[usize::from(class(at))] += 1;
            }
        }
        let enough = right[0] > 4_000 && right[1..].iter().all(|&count| count > 20);
        assert!(enough, "{seed}: {right:?}");
    }
    assert!((1..6).contains(&mirrored), "{mirrored} of 6 are mirrored");
}

#[test]
fn the_result_knows_where_it_lies_in_the_patient() {
    let scan = scan(oblique([13, 52, 49]));
    let (seen, record) = chain().record(scan.clone(), Key::new(3)).unwrap();
    let warp = record.warp().unwrap();
    let [_, height, width] = seen.shape();
    let mut count = 0;
    for (i, shown) in places(&seen).into_iter().enumerate() {
        let index = [i / (height * width), i / width % height, i % width].map(|v| v as f64);
        // Half a voxel around its outermost voxels a scan shows those; a millionth of what is outside is a millimetre's thousandth.
        let source = warp.source_of(index);
        let inside = |a: usize| (0.0..=scan.shape()[a] as f64 - 1.0).contains(&source[a]);
        if seen.image().channel(WITNESS)[i] < 0.999_999 || !(0..3).all(inside) {
            continue;
        }
        let told = seen.geometry().index_to_world(index).coordinates();
        let apart = (0..3).map(|a| (shown[a] - told[a]).abs());
        assert!(apart.fold(0.0, f64::max) < 1e-3, "{told:?} shows {shown:?}");
        count += 1;
    }
    assert!(count > 10_000, "{count}");
}

#[test]
fn half_of_a_pair_of_sides_has_no_way_back() {
    let scan = scan(oblique([4, 9, 8]));
    let flip = RandomFlip {
        axes: vec![2],
        probability: 1.0,
        laterality: Laterality::Swap {
            pairs: vec![(1, 2)],
        },
    };
    let chain = Compose::new(vec![flip.into()]).unwrap();
    let (seen, record) = chain.record(scan, Key::new(0)).unwrap();
    let zeros = |channels| Image::<f32, 3>::zeros(channels, *seen.geometry()).unwrap();
    let refused = record.restore_probabilities(&zeros(2)).unwrap_err();
    assert!(refused.to_string().contains("channels needs 3 entries"));
    assert!(record.restore_probabilities(&zeros(1)).is_ok());
    assert!(record.restore_probabilities(&zeros(3)).is_ok());
}
