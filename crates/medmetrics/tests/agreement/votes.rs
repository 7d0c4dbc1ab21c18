//! Majority vote, STAPLE and pairwise Dice: SimpleITK, merging, edges.

use medcore::{Geometry, LabelMap};
use medmetrics::agreement::{Staple, VoteTable};
use medmetrics::{Accumulator, Error};
use proptest::prelude::*;

use crate::support::{fixture, near, number, numbers, rows};

#[test]
fn staple_is_itks_and_dice_is_dice() {
    for case in fixture("votes")["cases"].as_array().unwrap() {
        let masks = rows(&case["masks"]);
        let mut votes = VoteTable::new(masks.len()).unwrap();
        for voxel in 0..masks[0].len() {
            let marks: Vec<bool> = masks.iter().map(|mask| mask[voxel] == 1.0).collect();
            votes.push(&marks).unwrap();
        }
        let consensus = votes.finish().unwrap();
        assert!(consensus.converged);
        for (got, name) in [
            (&consensus.sensitivity, "sensitivity"),
            (&consensus.specificity, "specificity"),
        ] {
            for (got, want) in got.iter().zip(numbers(&case[name])) {
                near(*got, want, 1e-5, name);
            }
        }
        let end = &case["end"];
        for (got, want) in [
            (&consensus.sensitivity, &end[0]),
            (&consensus.specificity, &end[1]),
        ] {
            for (got, want) in got.iter().zip(numbers(want)) {
                near(*got, want, 1e-9, "performance at the end");
            }
        }
        near(consensus.volume, number(&end[2]), 1e-9, "volume at the end");
        let probabilities = numbers(&case["probability"]);
        for (voxel, want) in probabilities.iter().enumerate() {
            let marks: Vec<bool> = masks.iter().map(|mask| mask[voxel] == 1.0).collect();
            near(consensus.probability(&marks), *want, 1e-4, "probability");
        }
        near(consensus.volume, probabilities.iter().sum(), 1e-4, "volume");
        assert_eq!(votes.majority() as f64, number(&case["majority"]));
        for (one, row) in rows(&case["dice"]).iter().enumerate() {
            for (other, want) in row.iter().enumerate() {
                near(votes.dice(one, other).value.unwrap(), *want, 1e-14, "Dice");
            }
        }
    }
}

#[test]
fn maps_of_labels_count_as_masks() {
    let grid = Geometry::<3>::axis_aligned([1, 2, 3], [3.0, 1.0, 1.0]).unwrap();
    let map = |voxels: [u16; 6]| LabelMap::new(grid, voxels.to_vec()).unwrap();
    let (a, b) = (map([0, 2, 2, 1, 2, 300]), map([2, 2, 0, 1, 2, 2]));
    let mut votes = VoteTable::new(2).unwrap();
    votes.add_label(&[&a, &b], 2).unwrap();
    assert_eq!(serde_json::to_string(&votes).unwrap(), "[1,1,2,2]");
    assert_eq!(votes.dice(0, 1).value, Some(4.0 / 7.0));
    assert_eq!(votes.majority(), 2);
    let before = votes.clone();
    let other = Geometry::<3>::axis_aligned([1, 2, 3], [3.0, 1.0, 1.5]).unwrap();
    let elsewhere = LabelMap::new(other, vec![0u16; 6]).unwrap();
    assert!(matches!(
        votes.add_label(&[&a, &elsewhere], 2),
        Err(Error::GeometryMismatch(_))
    ));
    assert!(matches!(
        votes.add_label(&[&a], 2),
        Err(Error::Length { got: 1, .. })
    ));
    assert_eq!(votes, before);
}

#[test]
fn votes_that_say_nothing_have_no_truth() {
    for readers in [0, 1, 17] {
        assert!(VoteTable::new(readers).is_err());
    }
    let mut votes = VoteTable::new(2).unwrap();
    assert!(votes.finish().is_err(), "no voxels");
    votes.push(&[false, false]).unwrap();
    assert!(votes.finish().is_err(), "no marks");
    assert_eq!(votes.dice(0, 1).value, None);
    assert_eq!(votes.dice(0, 7).value, None);
    votes.push(&[true, true]).unwrap();
    let agreed = votes.finish().unwrap();
    near(agreed.volume, 1.0, 1e-9, "volume");
    near(agreed.probability(&[true, true]), 1.0, 1e-9, "agreed");
    assert_eq!(agreed.probability(&[true]), 0.0);
    assert!(
        votes
            .staple(&Staple {
                prior: Some(1.0),
                ..Staple::default()
            })
            .is_err()
    );
    assert!(votes.merge(&VoteTable::new(3).unwrap()).is_err());
    for wrong in ["[]", "[1,2]", "[1,2,3]", "[1,2,3,99999999999999999]"] {
        assert!(serde_json::from_str::<VoteTable>(wrong).is_err(), "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_partition_in_any_order_gives_the_same_bits(
        voxels in prop::collection::vec(prop::array::uniform3(any::<bool>()), 4..60),
        cut in 0usize..60,
    ) {
        let cut = cut.min(voxels.len());
        let of = |voxels: &[[bool; 3]]| {
            let mut votes = VoteTable::new(3).unwrap();
            voxels.iter().rev().for_each(|marks| votes.push(marks).unwrap());
            votes
        };
        let whole = of(&voxels);
        let mut late = of(&voxels[cut..]);
        late.merge(&of(&voxels[..cut])).unwrap();
        prop_assert_eq!(&late, &whole);
        match (late.finish(), whole.finish()) {
            (Ok(one), Ok(other)) => {
                prop_assert_eq!(&one, &other);
                prop_assert!(one.volume >= 0.0 && one.volume <= voxels.len() as f64);
            }
            (one, other) => prop_assert_eq!(one.is_err(), other.is_err()),
        }
    }
}
