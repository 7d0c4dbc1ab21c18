//! The program of `docs/guides/augment.md`.

use anyhow::Result;
use medaug::{
    Affine, Boxes, Compose, Contents, Draw, Flip, KeepLargest, LabelledPoint, Laterality, Layer,
    MixPipeline, On, OneOf, Operation, Points, RandomCopyPaste, RandomElasticDeformation,
    RandomFlip, RandomGamma, RandomGaussianNoise, RandomRicianNoise, RandomSpatial, Record, Sample,
    Space, Step, Target, TurnedBox,
};
use medcore::random::Key;
use medcore::{BoundingBox, Geometry, Image, LabelMap};

/// A scan with organs, a finding, a landmark and a second contrast.
fn sample() -> Result<Sample<3>> {
    let grid = Geometry::<3>::axis_aligned([24, 40, 48], [3.0, 1.0, 1.0])?;
    let voxels: Vec<f32> = (0..grid.len()).map(|i| (i % 97) as f32 / 97.0).collect();
    let image = Image::new(grid, voxels)?;
    let mut classes = vec![0_u8; grid.len()];
    classes[grid.len() / 2..][..900].fill(1);
    let finding = BoundingBox::new([6.0, 10.0, 12.0], [14.0, 25.0, 30.0])?;
    Ok(
        Sample::with_labels(image.clone(), LabelMap::new(grid, classes)?)?
            .with_boxes(Boxes::new([(finding, 0)]))
            .with_points(Points::new(vec![LabelledPoint::new([12.0, 20.0, 24.0], 0)]))
            .with_layer("t2", Layer::Image(image))?,
    )
}

/// A needle whose box leans, and where it lies when the scan is turned.
fn turned() -> Result<([f64; 2], f64)> {
    let grid = Geometry::<2>::axis_aligned([64, 64], [1.0; 2])?;
    let needle = TurnedBox::from_size([32.0, 32.0], [40.0, 6.0], 10.0)?;
    let sample = Sample::new(Image::zeros(1, grid)?).with_boxes(Boxes::turned([(needle, 0)]));
    let turn = Affine {
        rotation_degrees: vec![30.0],
        ..Affine::default()
    };
    let sample = Operation::from(turn).apply_to(sample)?;
    let found = sample.boxes().and_then(|boxes| boxes.items()[0].turned);
    let found = found.expect("it is seen whole");
    Ok(found.fitted(grid.spacing()).size_and_degrees())
}

/// What is done to every sample of a training set.
fn pipeline() -> Result<Compose<3>> {
    let turn = RandomSpatial {
        rotation_probability: 0.5,
        rotation_degrees: vec![Draw::symmetric(15.0)],
        scale_probability: 0.5,
        scale: vec![Draw::Uniform {
            low: 0.85,
            high: 1.15,
        }],
        space: Space::Millimetres,
        ..RandomSpatial::default()
    };
    let flip = RandomFlip {
        axes: vec![2],
        laterality: Laterality::Swap {
            pairs: vec![(2, 3)],
        },
        ..RandomFlip::default()
    };
    let bend = RandomElasticDeformation {
        probability: 0.3,
        ..RandomElasticDeformation::default()
    };
    let noise = OneOf {
        steps: vec![
            RandomGaussianNoise {
                probability: 1.0,
                ..Default::default()
            }
            .into(),
            RandomRicianNoise {
                probability: 1.0,
                ..Default::default()
            }
            .into(),
        ],
        weights: vec![3.0, 1.0],
    };
    let second = Step::On(Box::new(On {
        target: Target::Layer("t2".to_owned()),
        inner: RandomGamma::default().into(),
    }));
    Ok(Compose::new(vec![
        turn.into(),
        bend.into(),
        flip.into(),
        noise.into(),
        RandomGamma::default().into(),
        second,
    ])?)
}

/// The same chain as a file that people read, and its name.
fn described(pipeline: &Compose<3>) -> Result<String> {
    let text = serde_json::to_string_pretty(pipeline)?;
    let read: Compose<3> = serde_json::from_str(&text)?;
    assert_eq!(read.hash()?, pipeline.hash()?);
    Ok(text)
}

/// Mistakes that are found before the first scan is read.
fn mistakes(pipeline: &Compose<3>) -> Vec<String> {
    let backwards = Affine {
        scale: vec![-1.0],
        ..Affine::default()
    };
    let sideways = Flip {
        axes: vec![3],
        swap: None,
    };
    let refused = [
        Compose::<3>::new(vec![backwards.into()]).unwrap_err(),
        Compose::<3>::new(vec![sideways.into()]).unwrap_err(),
        pipeline.check_contents(&Contents::default()).unwrap_err(),
    ];
    refused.iter().map(ToString::to_string).collect()
}

/// What was drawn, done again and led back.
fn recorded(pipeline: &Compose<3>) -> Result<Record<3>> {
    let key = Key::new(7).epoch(3).sample(12);
    let (changed, record) = pipeline.record(sample()?, key)?;
    let text = serde_json::to_string(&record)?;
    let record: Record<3> = serde_json::from_str(&text)?;
    assert_eq!(record.replay(sample()?)?, changed);

    let found = changed.labels().expect("labels move with the image");
    let back = record.restore_labels(found)?;
    assert_eq!(back.geometry(), sample()?.geometry());
    Ok(record)
}

/// The same key, the same bytes.
fn keyed(pipeline: &Compose<3>) -> Result<()> {
    let run = Key::new(7);
    let first = pipeline.apply(sample()?, run.epoch(0).sample(4))?;
    assert_eq!(first, pipeline.apply(sample()?, run.epoch(0).sample(4))?);
    assert_ne!(first, pipeline.apply(sample()?, run.epoch(1).sample(4))?);
    Ok(())
}

/// One operation on its own.
fn cleaned(sample: Sample<3>) -> Result<Sample<3>> {
    Ok(Operation::from(KeepLargest::default()).apply_to(sample)?)
}

/// A lesion of another scan pasted into the first, then changed.
fn mixed(scans: &[Sample<3>]) -> Result<Sample<3>> {
    let lesions = RandomCopyPaste {
        probability: 1.0,
        classes: vec![1],
        box_class: Some(0),
        ..RandomCopyPaste::default()
    };
    let steps = vec![RandomGamma::default().into()];
    let pipeline = MixPipeline::<3>::new(vec![lesions.into()], None, 0.0, steps)?;
    let key = Key::new(7).epoch(0).sample(2);
    let taken = scans[..=pipeline.others(key)].to_vec();
    Ok(pipeline.apply(taken, key)?)
}

#[test]
fn the_program_of_the_guide_runs() {
    let pipeline = pipeline().unwrap();
    assert!(
        described(&pipeline)
            .unwrap()
            .contains("RandomElasticDeformation")
    );
    let mistakes = mistakes(&pipeline);
    assert!(
        mistakes[0].contains("scale") && mistakes[1].contains("axes"),
        "{mistakes:?}"
    );
    assert!(mistakes[2].contains("t2"), "{mistakes:?}");
    assert!(!recorded(&pipeline).unwrap().operations().is_empty());
    keyed(&pipeline).unwrap();
    let cleaned = cleaned(sample().unwrap()).unwrap();
    assert_eq!(cleaned.labels().unwrap().counts()[1], 900);
    let (size, degrees) = turned().unwrap();
    assert!((size[0] - 40.0).abs() < 1e-9 && (degrees + 20.0).abs() < 1e-9);
    let mixed = mixed(&[sample().unwrap(), sample().unwrap()]).unwrap();
    assert_eq!(mixed.boxes().unwrap().items().len(), 2);
}
