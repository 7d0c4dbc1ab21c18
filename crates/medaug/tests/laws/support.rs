//! Samples with everything in them, whose voxels tell where they came from.

use std::collections::BTreeSet;

use medaug::{Boxes, Compose, Error, LabelledPoint, Layer, Points, Sample, Step, TurnedBox};
use medcore::random::Key;
use medcore::{BoundingBox, Geometry, Image, LabelMap, Point, Vector};

use crate::exhibits::{Exhibit, exhibits};

/// A grid turned against the body axes with uneven spacing: odd sizes, none alike.
pub(crate) fn grid<const D: usize>() -> Geometry<D> {
    let shape: [usize; D] = std::array::from_fn(|a| [21, 27, 24][a + 3 - D]);
    let steps: [Vector<medcore::Lps>; D] = std::array::from_fn(|a| {
        [
            Vector::new(0.3, -0.4, 2.1),
            Vector::new(0.03, 0.9, 0.15),
            Vector::new(0.8, -0.02, -0.05),
        ][a + 3 - D]
    });
    Geometry::new(shape, Point::new(-12.0, 30.5, 80.25), steps).unwrap()
}

/// Every index of a shape, last axis fastest.
pub(crate) fn indices<const D: usize>(shape: [usize; D]) -> impl Iterator<Item = [usize; D]> {
    (0..shape.iter().product::<usize>()).map(move |mut rest| {
        let mut index = [0; D];
        for a in (0..D).rev() {
            index[a] = rest % shape[a];
            rest /= shape[a];
        }
        index
    })
}

/// Balls of the classes 1 and 2 beside one another, and a crumb of class 1.
fn classes<const D: usize>(grid: Geometry<D>) -> LabelMap<u8, D> {
    let shape = grid.shape();
    let labels: Vec<u8> = indices(shape)
        .map(|index| {
            let near = |centre: f64, radius: f64| {
                let square: f64 = (0..D)
                    .map(|a| {
                        (index[a] as f64 / shape[a] as f64 - if a == D - 1 { centre } else { 0.5 })
                            .powi(2)
                    })
                    .sum();
                square < radius * radius
            };
            match () {
                () if near(0.3, 0.2) => 1,
                () if near(0.72, 0.18) => 2,
                () if index.iter().all(|&i| i == 1) => 1,
                () => 0,
            }
        })
        .collect();
    LabelMap::new(grid, labels).unwrap()
}

/// Image, labels, layers, boxes and points; three channels, as colours have.
pub(crate) fn full<const D: usize>(value: impl Fn(usize, [usize; D]) -> f32) -> Sample<D> {
    full_on(grid(), value)
}

/// As [`full`], on another grid.
pub(crate) fn full_on<const D: usize>(
    grid: Geometry<D>,
    value: impl Fn(usize, [usize; D]) -> f32,
) -> Sample<D> {
    let shape = grid.shape();
    let voxels: Vec<f32> = (0..3)
        .flat_map(|channel| indices(shape).map(move |index| (channel, index)))
        .map(|(channel, index)| value(channel, index))
        .collect();
    let image = Image::with_channels(3, grid, voxels).unwrap();
    let labels = classes(grid);
    let numbers = labels.map(|label| u16::from(label) * 300);
    let middle = shape.map(|n| n as f64 * 0.5);
    let bounds = BoundingBox::new(middle.map(|v| v - 5.0), middle.map(|v| v + 4.0)).unwrap();
    // Edges of 7, 3 and 5 voxels, each turned a little.
    let half_edges = std::array::from_fn(|edge| {
        std::array::from_fn(|a| {
            if a == edge {
                [3.5, 1.5, 2.5][edge]
            } else {
                0.4
            }
        })
    });
    let turned = TurnedBox::new(middle, half_edges).unwrap();
    let mut boxes = Boxes::new([(bounds, 1)]);
    boxes.extend(Boxes::turned([(turned, 0)]).items().iter().copied());
    let points = Points::new(vec![
        LabelledPoint::new(middle.map(|v| v - 3.25), 0),
        LabelledPoint::new(middle.map(|v| v + 2.5), 1),
    ]);
    Sample::with_labels(image.clone(), labels.clone())
        .unwrap()
        .with_boxes(boxes)
        .with_points(points)
        .with_layer("second", Layer::Image(image))
        .unwrap()
        .with_layer("organs", Layer::Labels(labels))
        .unwrap()
        .with_layer("instances", Layer::Instances(numbers))
        .unwrap()
}

/// Values between 0.05 and 0.95 without any symmetry, as most transforms expect them.
pub(crate) fn textured<const D: usize>() -> Sample<D> {
    full(|channel, index| {
        let i = index
            .iter()
            .fold(channel as u64 + 1, |h, &v| h * 31 + v as u64);
        0.05 + 0.9 * (i.wrapping_mul(2_654_435_761) % 10_007) as f32 / 10_007.0
    })
}

/// The examples that are made for images of `D` axes, each as a pipeline of its own.
pub(crate) fn pipelines<const D: usize>() -> Vec<(&'static str, Compose<D>)> {
    let mut made = vec![];
    let mut refused = BTreeSet::new();
    let mut broken = vec![];
    for Exhibit { step, .. } in exhibits(&grid::<D>()) {
        let name = step.name();
        match Compose::new(vec![step]) {
            Ok(pipeline) => made.push((name, pipeline)),
            Err(Error::Dimension { .. }) => {
                refused.insert(name);
            }
            Err(other) => broken.push(format!("{name}: {other}")),
        }
    }
    assert!(broken.is_empty(), "{broken:#?}");
    assert!(made.len() > refused.len(), "{refused:?}");
    made
}

/// The same under several keys where chance decides.
pub(crate) fn drawn<const D: usize>() -> Vec<(&'static str, Compose<D>, Key)> {
    let mut all = vec![];
    for (name, pipeline) in pipelines::<D>() {
        let keys = match pipeline.first_random() {
            Some(_) => &KEYS[..],
            None => &KEYS[..1],
        };
        all.extend(keys.iter().map(|&key| (name, pipeline.clone(), key)));
    }
    all
}

/// Whether an example of every step is there.
#[test]
fn every_transform_has_an_example() {
    let (flat, deep) = (exhibits(&grid::<2>()), exhibits(&grid::<3>()));
    let shown: BTreeSet<&str> = flat
        .iter()
        .chain(&deep)
        .map(|exhibit| exhibit.step.name())
        .collect();
    let missing: Vec<&&str> = Step::NAMES
        .iter()
        .filter(|name| !shown.contains(**name))
        .collect();
    assert!(missing.is_empty(), "no example of {missing:?}");
    for exhibit in flat {
        assert!(!exhibit.caption.is_empty());
    }
}

pub(crate) const KEY: Key = Key::new(11).epoch(2).sample(5);

/// Keys for laws that one draw might keep by chance.
pub(crate) const KEYS: [Key; 4] = [
    KEY,
    Key::new(3).epoch(0).sample(0),
    Key::new(4).epoch(1).sample(9),
    Key::new(5).epoch(7).sample(2),
];

pub(crate) fn with_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap().install(f)
}
