//! PI-CAI's score against picai_eval.

use medcore::rle::Rle;
use medmetrics::detection::{
    Annotation, Detection, DetectionImage, DetectionImages, DetectionProtocol, Overlapping, PiCai,
    RepeatedMarks,
};
use medmetrics::statistics::Bootstrap;
use serde_json::Value;

use crate::fixture::{close, load, numbers};

fn images(set: &Value) -> DetectionImages<3> {
    let shape: [usize; 3] = <[f64; 3]>::try_from(numbers(&set["shape"]))
        .unwrap()
        .map(|v| v as usize);
    let mask = |voxels: &Value| {
        let mut mask = vec![false; shape.iter().product()];
        numbers(voxels)
            .iter()
            .for_each(|at| mask[*at as usize] = true);
        Rle::from_mask(shape, &mask).unwrap()
    };
    let mut images = DetectionImages::new();
    for (i, case) in set["cases"].as_array().unwrap().iter().enumerate() {
        let lesions = case["lesions"].as_array().unwrap().iter();
        let marks = case["marks"]
            .as_array()
            .unwrap()
            .iter()
            .zip(numbers(&case["scores"]));
        let image = DetectionImage::new(
            i as i64,
            lesions
                .map(|v| Annotation::from_mask(1, mask(v)).unwrap())
                .collect(),
            marks
                .map(|(v, score)| Detection::from_mask(1, mask(v), score).unwrap())
                .collect(),
        );
        images.push(image).unwrap();
    }
    images
}

#[test]
fn the_score_is_that_of_the_challenge() {
    for set in load("picai.json").as_array().unwrap() {
        let images = images(set);
        for (name, repeated) in [
            ("dropped", RepeatedMarks::Dropped),
            ("false", RepeatedMarks::False),
        ] {
            let picai = PiCai {
                repeated,
                ..PiCai::default()
            };
            let result = picai.evaluate(&images).unwrap();
            let want = &set[name];
            close(
                "AP",
                result.average_precision.value,
                want["ap"].as_f64().unwrap(),
            );
            close("AUROC", result.auroc.value, want["auroc"].as_f64().unwrap());
            close("score", result.score.value, want["score"].as_f64().unwrap());
        }
        let bootstrap = Bootstrap {
            replicates: 200,
            ..Bootstrap::default()
        };
        let drawn = PiCai::default()
            .with_bootstrap(bootstrap)
            .evaluate(&images)
            .unwrap();
        assert!(
            drawn
                .score
                .interval
                .unwrap()
                .contains(drawn.score.value.unwrap())
        );
    }
}

#[test]
fn cases_that_are_all_alike_have_no_score() {
    let lesion = Annotation::from_origin(1, [0.0; 3], [4.0; 3]).unwrap();
    let found = |score| Detection::from_origin(1, [0.0; 3], [4.0; 3], score).unwrap();
    let boxes = PiCai::default().with_overlap(Overlapping::Boxes);
    let mut images = DetectionImages::new();
    images
        .push(DetectionImage::new(
            1,
            vec![lesion.clone()],
            vec![found(0.5)],
        ))
        .unwrap();
    let result = boxes.evaluate(&images).unwrap();
    assert_eq!((result.auroc.value, result.score.value), (None, None));
    assert_eq!(result.average_precision.value, Some(1.0));
    assert!(PiCai::default().evaluate(&images).is_err(), "no masks");
    images
        .push(DetectionImage::new(2, vec![lesion], vec![found(0.0)]))
        .unwrap();
    assert!(boxes.evaluate(&images).is_err(), "a score of nothing");
    let nothing = boxes.evaluate(&DetectionImages::<3>::new()).unwrap();
    assert_eq!(nothing.score.value, None);
}
