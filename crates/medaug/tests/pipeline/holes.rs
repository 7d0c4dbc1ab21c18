//! Holes, shuffled and exchanged boxes: where they lie and what they leave.

use medaug::{CoarseDropout, CoarseShuffle, Compose, Operation, Sample, Step, Swap, Transform};
use medcore::random::Key;

use crate::intensity::step;
use crate::support::sample;

fn operations(json: &str, before: &Sample<3>, seed: u64) -> Vec<Operation> {
    let Step::RandomCoarseDropout(twin) = step(json) else {
        panic!("{json}")
    };
    Transform::<3>::draw(&twin, &mut before.clone().into_lazy(), Key::new(seed)).unwrap()
}

#[test]
fn drawn_holes_lie_everywhere_and_never_outside() {
    let before = sample([3, 17, 12]);
    let json = r#"{"RandomCoarseDropout": {"probability": 1, "holes": {"count": [1, 4], "size": {"voxels": [[1, 3]]}}}}"#;
    let (mut ends, mut counts) = ([[false; 2]; 3], [0; 5]);
    for seed in 0..400 {
        let drawn = operations(json, &before, seed);
        let [Operation::CoarseDropout(CoarseDropout { holes, .. })] = &drawn[..] else {
            panic!("{drawn:?}")
        };
        counts[holes.len()] += 1;
        for hole in holes {
            for (a, len) in [3, 17, 12].into_iter().enumerate() {
                assert!((1..=3).contains(&hole.shape[a]) && hole.start[a] + hole.shape[a] <= len);
                ends[a][0] |= hole.start[a] == 0;
                ends[a][1] |= hole.start[a] + hole.shape[a] == len;
            }
        }
    }
    assert_eq!(ends, [[true; 2]; 3]);
    assert!(
        counts[1..].iter().all(|n| (60..140).contains(n)),
        "{counts:?}"
    );
}

#[test]
fn lost_voxels_lose_their_labels_only_if_told() {
    let before = sample([3, 17, 12]);
    for (label, json) in [(None, ""), (Some(200), r#", "label": 200"#)] {
        let json = format!(
            r#"{{"CoarseDropout": {{"holes": [{{"start": [1, 2, 3], "shape": [1, 4, 5]}}]{json}}}}}"#
        );
        let operation: Operation = serde_json::from_str(&json).unwrap();
        let after = operation.apply_to(before.clone()).unwrap();
        let (was, is) = (before.labels().unwrap(), after.labels().unwrap());
        let lost = is.as_slice().iter().filter(|&&l| l == 200).count();
        assert_eq!(lost, if label.is_some() { 20 } else { 0 });
        let changed = was
            .as_slice()
            .iter()
            .zip(is.as_slice())
            .filter(|(a, b)| a != b)
            .count();
        assert_eq!(changed, lost);
        let zeros = after
            .image()
            .as_slice()
            .iter()
            .filter(|&&v| v == 0.0)
            .count();
        assert_eq!(zeros, 40);
    }
}

#[test]
fn shuffling_keeps_the_voxels_and_stays_inside() {
    let before = sample([3, 17, 12]);
    let shuffle = CoarseShuffle {
        holes: vec![medaug::Hole {
            start: vec![0, 3, 2],
            shape: vec![2, 9, 8],
        }],
        seed: 4,
    };
    let after = Operation::from(shuffle).apply_to(before.clone()).unwrap();
    let mut orders = vec![];
    for channel in 0..2 {
        let (was, is) = (
            before.image().channel(channel),
            after.image().channel(channel),
        );
        let inside = |i: usize| {
            i / 204 < 2 && (3..12).contains(&(i / 12 % 17)) && (2..10).contains(&(i % 12))
        };
        assert!((0..was.len()).all(|i| inside(i) || was[i] == is[i]));
        let sorted = |voxels: &[f32]| {
            let mut voxels = voxels.to_vec();
            voxels.sort_by(f32::total_cmp);
            voxels
        };
        assert_eq!(sorted(was), sorted(is));
        let at = |value: f32| was.iter().position(|&v| v == value);
        orders.push(is.iter().map(|&v| at(v)).collect::<Vec<_>>());
    }
    assert_ne!(orders[0], orders[1], "each channel has an order of its own");
    assert!(
        orders[0]
            .iter()
            .enumerate()
            .filter(|&(i, at)| *at != Some(i))
            .count()
            > 100
    );
}

#[test]
fn swapped_boxes_do_not_overlap_and_swap_back() {
    let before = sample([5, 17, 12]);
    let chain = Compose::new(vec![step(
        r#"{"RandomSwap": {"size": [2, 5, 4], "pairs": 30}}"#,
    )])
    .unwrap();
    let (after, record) = chain.record(before.clone(), Key::new(2)).unwrap();
    let [Operation::Swap(swap)] = record.operations() else {
        panic!("{record:?}")
    };
    assert_eq!(swap.pairs.len(), 30);
    for [a, b] in &swap.pairs {
        assert!((0..3).any(|axis| a[axis].abs_diff(b[axis]) >= [2, 5, 4][axis]));
    }
    let back = Swap {
        pairs: swap.pairs.iter().rev().cloned().collect(),
        ..swap.clone()
    };
    assert!(after != before);
    assert!(Operation::from(back).apply_to(after).unwrap() == before);
    // Where two boxes do not fit, nothing is exchanged.
    let chain = Compose::new(vec![step(
        r#"{"RandomSwap": {"size": [5, 17, 12], "pairs": 3}}"#,
    )])
    .unwrap();
    assert!(chain.apply(before.clone(), Key::new(2)).unwrap() == before);
}
