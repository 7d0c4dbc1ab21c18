//! Mixing as torchvision and MONAI do it, given what was drawn.

use medaug::{Boxes, CopyPaste, CutMix, CutRule, MixUp, Mixture, Mosaic, Sample};
use medcore::components::Connectivity;
use medcore::{BoundingBox, Geometry, Image};

use crate::support::{Array, Fixture};

/// The two samples of a batch.
fn batch<const D: usize>(fixture: &Fixture, spacing: [f64; D], target: bool) -> [Sample<D>; 2] {
    let images = fixture.get("images");
    let shape: [usize; D] = images.shape[2..].try_into().unwrap();
    let grid = Geometry::axis_aligned(shape, spacing).unwrap();
    let half = images.values.len() / 2;
    [0, 1].map(|i| {
        let voxels = images.floats()[i * half..(i + 1) * half].to_vec();
        let channels = images.shape[1];
        let sample = Sample::new(Image::with_channels(channels, grid, voxels).unwrap());
        if !target {
            return sample;
        }
        let targets = fixture.get("targets");
        let classes = targets.shape[1];
        sample.with_target(targets.floats()[i * classes..(i + 1) * classes].to_vec())
    })
}

#[track_caller]
fn check<const D: usize>(
    fixture: &Fixture,
    name: &str,
    samples: [Sample<D>; 2],
    mixture: impl Into<Mixture>,
) -> Sample<D> {
    check_any(fixture, name, samples.to_vec(), mixture)
}

#[track_caller]
fn check_any<const D: usize>(
    fixture: &Fixture,
    name: &str,
    samples: Vec<Sample<D>>,
    mixture: impl Into<Mixture>,
) -> Sample<D> {
    let mixed = mixture.into().apply(samples).unwrap();
    let want: Array = fixture.get(name);
    want.assert_close(mixed.image().as_slice(), 1e-6, name);
    mixed
}

#[test]
fn batches_are_mixed_as_in_torchvision() {
    let fixture = Fixture::load("mixing");
    let [first, second] = batch::<2>(&fixture, [1.0; 2], true);
    let target = |name: &str, mixed: &Sample<2>| {
        let name = format!("{name}.target");
        fixture
            .get(&name)
            .assert_close(mixed.target().unwrap(), 1e-6, &name);
    };
    // A sample is mixed with the one before it in the batch.
    let order = [second, first];
    let mixed = check(&fixture, "mix_up", order.clone(), MixUp { weight: 0.37 });
    target("mix_up", &mixed);
    for index in 0..3 {
        let name = format!("cut_mix.{index}");
        let drawn = fixture.get(&format!("{name}.parameters")).values;
        let voxel = [drawn[1] as usize, drawn[2] as usize];
        let block = CutRule::Centre.block(drawn[0], voxel, order[0].shape());
        let mixed = check(&fixture, &name, order.clone(), block);
        target(&name, &mixed);
    }
}

#[test]
fn volumes_are_mixed_as_in_monai() {
    let fixture = Fixture::load("mixing_volumes");
    let samples = batch::<3>(&fixture, [1.0; 3], false);
    check(
        &fixture,
        "mix_up",
        samples.clone(),
        MixUp {
            weight: f64::from(0.37_f32),
        },
    );
    let drawn = fixture.get("corner").values;
    let corner = [1, 2, 3].map(|i| drawn[i] as usize);
    let block = CutRule::Corner.block(f64::from(0.37_f32), corner, samples[0].shape());
    check(&fixture, "cut_mix", samples.clone(), block.clone());
    // Cutting out is pasting nothing.
    let grid = *samples[0].geometry();
    let nothing = Sample::new(Image::zeros(1, grid).unwrap());
    check(&fixture, "cut_out", [samples[0].clone(), nothing], block);
    let empty = CutMix {
        start: vec![2, 2, 2],
        end: vec![2, 4, 4],
    };
    let same = Mixture::from(empty).apply(samples.to_vec()).unwrap();
    assert_eq!(same, samples[0]);
}

#[test]
fn a_pasted_part_fades_over_its_edge() {
    let fixture = Fixture::load("mixing_volumes");
    let spacing = fixture.get("spacing").values;
    let [first, second] = batch::<3>(&fixture, [spacing[0], spacing[1], spacing[2]], false);
    let grid = *second.geometry();
    let labels = fixture.get("labels").labels(grid);
    let none = labels.map(|_| 0_u8);
    let samples = [
        first.with_class_labels(none).unwrap(),
        second.with_class_labels(labels).unwrap(),
    ];
    let shift = fixture.get("shift").values;
    let start = [2, 3, 4]
        .iter()
        .zip(&shift)
        .map(|(&at, by)| at + *by as isize);
    let paste = CopyPaste {
        classes: vec![3],
        connectivity: Connectivity::Face,
        part: 1,
        start: start.collect(),
        feather_mm: spacing[3],
        box_class: None,
    };
    let pasted = check(&fixture, "pasted", samples, paste);
    let got = pasted.labels().unwrap().as_slice();
    fixture
        .get("pasted.labels")
        .assert_labels(got, 0, "pasted.labels");
}

/// A box of pixel edges, x before y, in indices of voxel centres.
fn edges(values: &[f64]) -> BoundingBox<2> {
    let corner = |x: usize| [values[x + 1] - 0.5, values[x] - 0.5];
    BoundingBox::new(corner(0), corner(2)).unwrap()
}

#[test]
fn a_mosaic_is_that_of_ultralytics() {
    let fixture = Fixture::load("mosaic");
    let samples: Vec<Sample<2>> = (0..4)
        .map(|number| {
            let image = fixture.get(&format!("image.{number}"));
            let grid = Geometry::axis_aligned(image.shape(), [1.0; 2]).unwrap();
            let bounds = edges(&fixture.get(&format!("box.{number}")).values);
            Sample::new(image.image(grid)).with_boxes(Boxes::new([(bounds, number)]))
        })
        .collect();
    let centre = fixture.get("centre").values;
    let mosaic = Mosaic {
        shape: vec![16, 16],
        centre: centre.iter().map(|&v| v as usize).collect(),
        fill: 114.0,
    };
    let joined = check_any(&fixture, "canvas", samples, mosaic);
    let want = fixture.get("canvas.boxes").values;
    let items = joined.boxes().unwrap().items();
    assert_eq!(items.len(), 4);
    for (number, (item, want)) in items.iter().zip(want.chunks_exact(4)).enumerate() {
        assert_eq!((item.bounds, item.class), (edges(want), number));
    }
}
