//! Deformations: everything in a sample follows them, alone and in chains, and the way back is found.

use medaug::{
    Affine, Boxes, Compose, Draw, ElasticDeformation, ElasticTransform, Flip, Folding,
    GridDistortion, LabelledPoint, Layer, Operation, OpticalDistortion, Perspective, Points,
    RandomElasticDeformation, RandomElasticTransform, RandomGridDistortion,
    RandomOpticalDistortion, RandomPerspective, Reading, Record, Sample, Sampling,
    SpatialOperation, Step, Warp,
};
use medcore::random::Key;
use medcore::resample::{Interpolation, LabelInterpolation, Outside};
use medcore::{BoundingBox, Geometry, Image, IndexMap, LabelMap};

use crate::support::{oblique, sample};

fn elastic() -> ElasticTransform {
    ElasticTransform {
        sigma_voxels: vec![5.0, 6.0, 7.0],
        magnitude: vec![2.5],
        measure: medaug::Magnitude::Largest,
        seed: 5,
        folding: Folding::Weaken,
        sampling: Sampling::default(),
    }
}

/// A blob and a label around each landmark, on a grid of `shape`.
fn marked<const D: usize>(grid: Geometry<D>, marks: &[[f64; D]]) -> Sample<D> {
    let shape = grid.shape();
    let (mut values, mut labels) = (vec![], vec![]);
    for i in 0..grid.len() {
        let mut rest = i;
        let mut index = [0.0; D];
        for a in (0..D).rev() {
            index[a] = (rest % shape[a]) as f64;
            rest /= shape[a];
        }
        let square =
            |mark: &[f64; D]| -> f64 { (0..D).map(|a| (index[a] - mark[a]).powi(2)).sum() };
        let blobs = marks.iter().map(|mark| (-square(mark) / 8.0).exp());
        values.push(blobs.sum::<f64>() as f32);
        let near = marks.iter().position(|mark| square(mark) < 9.5);
        labels.push(near.map_or(0, |k| k as u8 + 1));
    }
    let points = marks
        .iter()
        .enumerate()
        .map(|(k, &mark)| LabelledPoint::new(mark, k));
    let boxes = marks.iter().enumerate().map(|(k, mark)| {
        (
            BoundingBox::new(mark.map(|v| v - 3.0), mark.map(|v| v + 3.0)).unwrap(),
            k,
        )
    });
    let labels = LabelMap::new(grid, labels).unwrap();
    let image = Image::new(grid, values).unwrap();
    let copy = Layer::Image(image.clone());
    Sample::with_labels(image, labels)
        .unwrap()
        .with_layer("copy", copy)
        .unwrap()
        .with_points(Points::new(points.collect()))
        .with_boxes(Boxes::new(boxes))
}

/// The middle of the voxels near `at`, weighted.
fn middle<const D: usize>(
    shape: [usize; D],
    at: [f64; D],
    weight: impl Fn(usize) -> f64,
) -> [f64; D] {
    let (mut sum, mut whole) = ([0.0; D], 0.0);
    for i in 0..shape.iter().product() {
        let mut rest: usize = i;
        let mut index = [0.0; D];
        for a in (0..D).rev() {
            index[a] = (rest % shape[a]) as f64;
            rest /= shape[a];
        }
        if (0..D).all(|a| (index[a] - at[a]).abs() < 7.0) {
            let weight = weight(i);
            whole += weight;
            (0..D).for_each(|a| sum[a] += weight * index[a]);
        }
    }
    sum.map(|v| v / whole)
}

fn check_landmarks<const D: usize>(
    operation: &Operation,
    grid: Geometry<D>,
    marks: &[[f64; D]],
    least: f64,
) {
    let sample = marked(grid, marks);
    let moved = operation.apply_to(sample.clone()).unwrap();
    let shape = moved.shape();
    let (mut farthest, mut seen) = (0.0_f64, 0);
    for (k, point) in moved.points().unwrap().items.iter().enumerate() {
        assert!(point.known);
        farthest = (0..D).fold(farthest, |m, a| m.max((point.at[a] - marks[k][a]).abs()));
        if !(0..D).all(|a| (7.0..shape[a] as f64 - 8.0).contains(&point.at[a])) {
            continue;
        }
        seen += 1;
        let blob = middle(shape, point.at, |i| f64::from(moved.image().as_slice()[i]));
        let labels = moved.labels().unwrap().as_slice();
        let label = middle(shape, point.at, |i| {
            f64::from(u8::from(labels[i] == k as u8 + 1))
        });
        for a in 0..D {
            assert!(
                (blob[a] - point.at[a]).abs() < 0.5,
                "{operation:?} {k}: {blob:?} {point:?}"
            );
            assert!(
                (label[a] - point.at[a]).abs() < 0.5,
                "{operation:?} {k}: {label:?} {point:?}"
            );
        }
        let bounds = moved
            .boxes()
            .unwrap()
            .items()
            .iter()
            .find(|b| b.class == k)
            .unwrap()
            .bounds;
        for (i, _) in labels
            .iter()
            .enumerate()
            .filter(|&(_, &l)| l == k as u8 + 1)
        {
            let mut rest = i;
            for a in (0..D).rev() {
                let at = (rest % shape[a]) as f64;
                rest /= shape[a];
                let inside = (bounds.min()[a] - 0.6..=bounds.max()[a] + 0.6).contains(&at);
                assert!(inside, "{operation:?} {k}: {at} {bounds:?}");
            }
        }
        assert!((0..D).all(|a| bounds.extent()[a] < 13.0), "{bounds:?}");
    }
    assert!(
        seen >= 2 && farthest > least,
        "{operation:?}: {seen} seen, moved by {farthest}"
    );
    let Layer::Image(copy) = &moved.layers()["copy"] else {
        panic!("another kind of layer");
    };
    assert_eq!(copy.as_slice(), moved.image().as_slice());
    // And all the way back.
    let record = Record::new(grid, vec![operation.clone()]);
    let back = record.restore_labels(moved.labels().unwrap()).unwrap();
    let before = sample.labels().unwrap().as_slice();
    let whole = before.iter().filter(|&&l| l > 0).count();
    let wrong = before
        .iter()
        .zip(back.as_slice())
        .filter(|(a, b)| a != b)
        .count();
    assert!(
        wrong * 5 < whole * 2,
        "{operation:?}: {wrong} of {whole} came back wrong"
    );
    let back = record.restore_image(moved.image(), 0.0).unwrap();
    for (k, &mark) in marks.iter().enumerate() {
        if moved.points().unwrap().items[k].is_inside(shape) {
            let blob = middle(grid.shape(), mark, |i| f64::from(back.as_slice()[i]));
            assert!(
                (0..D).all(|a| (blob[a] - mark[a]).abs() < 0.5),
                "{blob:?} {mark:?}"
            );
        }
    }
}

#[test]
fn landmarks_of_a_volume_stay_with_image_labels_and_boxes() {
    let marks = [
        [14.0, 15.0, 16.0],
        [24.0, 30.0, 18.0],
        [16.0, 33.0, 36.0],
        [28.0, 16.0, 33.0],
    ];
    let grid = oblique([40, 48, 52]);
    check_landmarks(&elastic().into(), grid, &marks, 0.5);
    let mut random = Key::new(8).stream("spline");
    let spline = ElasticDeformation {
        control_points: vec![6, 6, 7],
        displacements_mm: (0..3 * 252)
            .map(|_| random.uniform_in(-3.0, 3.0) as f32)
            .collect(),
        folding: Folding::Weaken,
        ..ElasticDeformation::default()
    };
    check_landmarks(&spline.into(), grid, &marks, 0.5);
    let steps = vec![
        vec![1.04, 0.97, 1.02, 0.97, 0.0],
        vec![1.03, 0.97, 1.0, 0.0],
        vec![0.96, 1.04, 1.0, 1.0, 0.0],
    ];
    let distortion = GridDistortion {
        steps,
        ..GridDistortion::default()
    };
    // Near the edge of a cell, a layer of voxels is shown twice; these lie in the middle of theirs.
    let marks = [[15.0, 24.0, 19.5], [25.0, 24.0, 32.5], [15.0, 24.0, 32.5]];
    check_landmarks(&distortion.into(), grid, &marks, 0.2);
}

#[test]
fn landmarks_of_a_picture_stay_with_image_labels_and_boxes() {
    let marks = [[16.0, 18.0], [30.0, 44.0], [41.0, 20.0], [20.0, 60.0]];
    let grid = Geometry::<2>::axis_aligned([57, 80], [0.7, 0.9]).unwrap();
    let optical = OpticalDistortion {
        distortion: -0.2,
        ..OpticalDistortion::default()
    };
    check_landmarks(&optical.into(), grid, &marks, 0.3);
    let perspective = Perspective {
        corners: [[2.0, 4.0], [5.0, 76.0], [54.0, 78.0], [51.0, 1.0]],
        ..Perspective::default()
    };
    check_landmarks(&perspective.into(), grid, &marks, 0.5);
}

/// Reads cubically and continues the border.
fn smooth() -> Sampling {
    Sampling {
        interpolation: Interpolation::Linear,
        labels: LabelInterpolation::Nearest,
        outside: Outside::Edge,
        outside_label: 0,
    }
}

#[test]
fn a_chain_with_deformations_is_read_once_and_shows_what_its_parts_do() {
    let grid = Geometry::<3>::axis_aligned([30, 40, 44], [2.0, 1.0, 1.0]).unwrap();
    let smooth_values = (0..grid.len()).map(|i| {
        let [d, h, w] = [i / 1760, i / 44 % 40, i % 44].map(|v| v as f64);
        (40.0 * (d / 7.0).sin() + 30.0 * (h / 9.0).cos() + 2.0 * w) as f32
    });
    let sample = Sample::new(Image::new(grid, smooth_values.collect::<Vec<f32>>()).unwrap());
    let crop = Warp::new(
        [28, 36, 40],
        IndexMap::translation([1.0, 2.0, 2.0]),
        Reading::EXACT,
    );
    let after_crop = crop.geometry(&grid).unwrap();
    let affine = Affine {
        rotation_degrees: vec![6.0, 0.0, 4.0],
        scale: vec![0.95],
        sampling: smooth(),
        ..Affine::default()
    };
    let elastic = ElasticTransform {
        sampling: smooth(),
        ..elastic()
    };
    let flip = Flip {
        axes: vec![0, 2],
        swap: None,
    };
    let warps = [
        crop,
        affine.warp(&after_crop).unwrap(),
        elastic.warp(&after_crop).unwrap(),
        SpatialOperation::<3>::warp(&flip, &after_crop).unwrap(),
        affine.warp(&after_crop).unwrap(),
    ];
    let mut one_by_one = sample.clone();
    let mut whole = Warp::identity(grid.shape());
    for warp in warps {
        one_by_one = warp.apply(&one_by_one).unwrap();
        whole = whole.then(warp).expect("readings that go together");
    }
    let at_once = whole.apply(&sample).unwrap();
    assert_eq!(at_once.shape(), one_by_one.shape());
    at_once
        .geometry()
        .check_same_as(one_by_one.geometry(), &Default::default())
        .unwrap();
    // Where no part looked over the border, only the smoothing of repeated reading is between them.
    let (a, b) = (at_once.image().as_slice(), one_by_one.image().as_slice());
    for (i, (a, b)) in a.iter().zip(b).enumerate() {
        let [d, h, w] = [i / 1440, i / 40 % 36, i % 40];
        let inside = (7..21).contains(&d) && (8..28).contains(&h) && (8..32).contains(&w);
        assert!(!inside || (a - b).abs() < 0.6, "{:?}: {a} {b}", [d, h, w]);
    }
    let at = [12.0, 15.0, 22.0];
    let back = whole.place_of(whole.source_of(at)).unwrap();
    assert!((0..3).all(|k| (back[k] - at[k]).abs() < 1e-5), "{back:?}");
}

fn with_threads<T: Send>(threads: usize, f: impl FnOnce() -> T + Send) -> T {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.unwrap().install(f)
}

#[test]
fn threads_do_not_change_a_byte_and_records_are_done_again() {
    let volume: Vec<Step> = vec![
        RandomElasticDeformation::default().into(),
        RandomElasticTransform {
            probability: 1.0,
            ..Default::default()
        }
        .into(),
        RandomGridDistortion {
            probability: 1.0,
            ..Default::default()
        }
        .into(),
    ];
    let pipeline = Compose::<3>::new(volume).unwrap();
    let before = sample([23, 41, 37]);
    let run = |threads| {
        with_threads(threads, || {
            pipeline.record(before.clone(), Key::new(3)).unwrap()
        })
    };
    let (one, record) = run(1);
    assert!(run(3).0 == one, "threads changed the result");
    assert_ne!(one.image().as_slice(), before.image().as_slice());
    let text = serde_json::to_string(&record).unwrap();
    let record: Record<3> = serde_json::from_str(&text).unwrap();
    assert_eq!(record.replay(before.clone()).unwrap(), one);
    let restore = |threads| {
        with_threads(threads, || {
            record.restore_labels(one.labels().unwrap()).unwrap()
        })
    };
    assert_eq!(restore(1).as_slice(), restore(3).as_slice());

    let picture: Vec<Step> = vec![
        RandomOpticalDistortion {
            probability: 1.0,
            ..Default::default()
        }
        .into(),
        RandomPerspective {
            probability: 1.0,
            ..Default::default()
        }
        .into(),
        RandomElasticTransform {
            probability: 1.0,
            ..Default::default()
        }
        .into(),
    ];
    let pipeline = Compose::<2>::new(picture).unwrap();
    let grid = Geometry::<2>::axis_aligned([61, 75], [0.5; 2]).unwrap();
    let before = Sample::new(Image::new(grid, crate::support::texture(grid.len())).unwrap());
    let run = |threads| {
        with_threads(threads, || {
            pipeline.apply(before.clone(), Key::new(3)).unwrap()
        })
    };
    assert!(run(1) == run(3), "threads changed the result");
}

#[test]
fn constant_images_stay_constant_and_nan_stays_near() {
    let grid = oblique([20, 24, 28]);
    let edge = Sampling {
        outside: Outside::Edge,
        ..Sampling::default()
    };
    let elastic = ElasticTransform {
        sampling: edge,
        ..elastic()
    };
    let constant = Sample::new(Image::new(grid, vec![7.0; grid.len()]).unwrap());
    let moved = elastic.warp(&grid).unwrap().apply(&constant).unwrap();
    assert!(
        moved
            .image()
            .as_slice()
            .iter()
            .all(|&v| (v - 7.0).abs() < 1e-5)
    );
    let mut values = vec![7.0; grid.len()];
    values[10 * 24 * 28 + 12 * 28 + 14] = f32::NAN;
    let spoilt = Sample::new(Image::new(grid, values).unwrap());
    let moved = elastic.warp(&grid).unwrap().apply(&spoilt).unwrap();
    let unknown = moved
        .image()
        .as_slice()
        .iter()
        .filter(|v| v.is_nan())
        .count();
    assert!((1..64).contains(&unknown), "{unknown}");
}

#[test]
fn what_cannot_be_is_refused_with_what_to_change() {
    let refused = |step: Step| step.check::<3>().unwrap_err().to_string();
    let points = RandomElasticDeformation {
        control_points: vec![3],
        ..Default::default()
    };
    assert!(refused(points.into()).contains("control_points must be within 4"));
    let locked = RandomElasticDeformation {
        control_points: vec![4],
        ..Default::default()
    };
    assert!(refused(locked.into()).contains("locked_borders"));
    let sigma = RandomElasticTransform {
        sigma_voxels: vec![Draw::Fixed(-2.0)],
        ..Default::default()
    };
    assert!(refused(sigma.into()).contains("sigma_voxels must be within 1"));
    assert!(refused(RandomPerspective::default().into()).contains("images of two axes"));
    assert!(refused(RandomOpticalDistortion::default().into()).contains("images of two axes"));
    let far = RandomPerspective {
        distortion: Draw::Fixed(0.6),
        ..Default::default()
    };
    assert!(Step::from(far).check::<2>().is_err());
    let cells = GridDistortion {
        steps: vec![vec![1.0]; 3],
        ..GridDistortion::default()
    };
    assert!(refused(cells.into()).contains("steps must be at least 2"));

    let folded = ElasticTransform {
        magnitude: vec![60.0],
        folding: Folding::Refuse,
        ..elastic()
    };
    let message = folded.warp(&oblique([40, 48, 52])).unwrap_err().to_string();
    assert!(message.contains("not folded"), "{message}");
    let crossed = Perspective {
        corners: [[0.0, 0.0], [9.0, 9.0], [0.0, 9.0], [9.0, 0.0]],
        ..Perspective::default()
    };
    let grid = Geometry::<2>::axis_aligned([10, 10], [1.0; 2]).unwrap();
    assert!(
        crossed
            .warp(&grid)
            .unwrap_err()
            .to_string()
            .contains("convex quadrangle")
    );
}
