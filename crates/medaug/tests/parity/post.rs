//! Post-processing as MONAI and SciPy do it.

use medaug::medcore::components::Connectivity;
use medaug::{
    Activations, Change, FillHoles, GrowInto, Holes, KeepLargest, LabelFilter, LabelToContour,
    LabelsToRegions, MapLabels, Morphology, Operation, Radius, RemoveSmall, Sample, Scope, Size,
    activate, argmax, mean_ensemble, one_hot, threshold, vote_channels, vote_labels,
};
use medcore::{Geometry, Image, LabelMap};

use crate::support::{Array, Fixture};

fn grid<const D: usize>(shape: [usize; D]) -> Geometry<D> {
    Geometry::axis_aligned(shape, std::array::from_fn(|a| [1.1, 0.8, 2.0][a])).unwrap()
}

struct Reference<const D: usize>(Fixture);

impl<const D: usize> Reference<D> {
    fn get(&self, name: &str) -> Array {
        self.0.get(&format!("{D}d.{name}"))
    }

    /// Compares the labels that an operation leaves.
    #[track_caller]
    fn check(&self, name: &str, operation: impl Into<Operation>) {
        let labels = self.get("labels");
        self.check_on(name, labels, operation);
    }

    #[track_caller]
    fn check_on(&self, name: &str, labels: Array, operation: impl Into<Operation>) {
        let grid = grid::<D>(labels.shape());
        let image = Image::zeros(1, grid).unwrap();
        let sample = Sample::with_labels(image, labels.labels(grid)).unwrap();
        let done = operation.into().apply_to(sample).unwrap();
        let got = done.labels().unwrap().as_slice();
        self.get(name).assert_labels(got, 0, name);
        assert!(
            got.iter().any(|&label| label > 0),
            "{name} leaves something"
        );
    }

    /// The labels with class 1 only.
    fn one(&self) -> Array {
        let mut labels = self.get("labels");
        labels
            .values
            .iter_mut()
            .for_each(|v| *v = f64::from(u8::from(*v == 1.0)));
        labels
    }

    fn images(&self, name: &str, count: usize) -> Vec<Image<f32, D>> {
        let array = self.get(name);
        let shape: [usize; D] = array.shape[array.shape.len() - D..].try_into().unwrap();
        let values = array.floats();
        values
            .chunks_exact(values.len() / count)
            .map(|part| {
                let channels = part.len() / shape.iter().product::<usize>();
                Image::with_channels(channels, grid(shape), part.to_vec()).unwrap()
            })
            .collect()
    }
}

fn labels_agree<const D: usize>() {
    let reference = Reference::<D>(Fixture::load("post"));
    reference.check("largest", KeepLargest::default());
    reference.check(
        "largest_two",
        KeepLargest {
            classes: vec![1, 3],
            connectivity: Connectivity::Face,
            count: 2,
            scope: Scope::Each,
        },
    );
    reference.check(
        "largest_union",
        KeepLargest {
            connectivity: Connectivity::Face,
            scope: Scope::Together,
            ..KeepLargest::default()
        },
    );
    for (name, connectivity) in [
        ("holes", Connectivity::Corner),
        ("holes_face", Connectivity::Face),
    ] {
        let fill = FillHoles {
            connectivity,
            holes: Holes::Anything,
            ..FillHoles::default()
        };
        reference.check(name, fill);
    }
    let small = RemoveSmall {
        least: Size::Voxels(6),
        ..RemoveSmall::default()
    };
    reference.check_on("small", reference.one(), small.clone());
    let measured = RemoveSmall {
        least: Size::Measure(7.3),
        ..small
    };
    reference.check_on("small_measure", reference.one(), measured);
    reference.check(
        "small_together",
        RemoveSmall {
            least: Size::Voxels(9),
            connectivity: Connectivity::Corner,
            scope: Scope::Together,
            ..RemoveSmall::default()
        },
    );
    reference.check_on("contour", reference.one(), LabelToContour::default());
    reference.check(
        "filtered",
        LabelFilter {
            classes: vec![1, 3],
        },
    );
    reference.check(
        "mapped",
        MapLabels {
            pairs: vec![(1, 2), (2, 9), (3, 1)],
        },
    );
    for (name, change, steps) in [
        ("dilated", Change::Dilate, 2),
        ("eroded", Change::Erode, 1),
        ("opened", Change::Open, 1),
        ("closed", Change::Close, 2),
    ] {
        let radius = Radius::Voxels {
            steps,
            connectivity: Connectivity::Face,
        };
        let morphology = Morphology {
            change,
            radius,
            classes: vec![1],
            into: GrowInto::Background,
        };
        reference.check_on(name, reference.one(), morphology);
    }
}

fn scores_agree<const D: usize>() {
    let reference = Reference::<D>(Fixture::load("post"));
    let scores = reference.images("scores", 1).remove(0);
    for (name, activation) in [
        ("sigmoid", Activations::Sigmoid),
        ("softmax", Activations::Softmax),
        ("tanh", Activations::Tanh),
        ("softplus", Activations::Softplus),
    ] {
        let mut image = scores.clone();
        activate(&mut image, activation);
        reference
            .get(name)
            .assert_close(image.as_slice(), 2e-6, name);
    }
    let best = argmax(&scores).unwrap();
    reference
        .get("argmax")
        .assert_labels(best.as_slice(), 0, "argmax");
    let mut image = scores.clone();
    threshold(&mut image, &[0.5]).unwrap();
    reference
        .get("threshold")
        .assert_close(image.as_slice(), 0.0, "threshold");
    let labels = reference.get("labels");
    let labels = labels.labels(grid::<D>(labels.shape()));
    let hot = one_hot(&labels, 4).unwrap();
    reference
        .get("one_hot")
        .assert_close(hot.as_slice(), 0.0, "one_hot");
    assert_eq!(argmax(&hot).unwrap(), labels, "and back");

    let mut all = vec![scores];
    all.extend(reference.images("others", 2));
    let each = reference.get("weights").values;
    for (name, weights) in [
        ("mean", &[][..]),
        ("mean_weighted", &[0.5, 1.0, 2.5]),
        ("mean_each", &each),
    ] {
        let mean = mean_ensemble(&all, weights).unwrap();
        reference
            .get(name)
            .assert_close(mean.as_slice(), 1e-6, name);
    }
    let votes: Vec<LabelMap<u8, D>> = reference
        .images("votes", 4)
        .into_iter()
        .map(|image| LabelMap::new(*image.geometry(), image.map(|v| v as u8).into_vec()).unwrap())
        .collect();
    let vote = vote_labels(&votes).unwrap();
    reference
        .get("vote")
        .assert_labels(vote.as_slice(), 0, "vote");
    let masks = vote_channels(&reference.images("masks", 4)).unwrap();
    reference
        .get("mask_vote")
        .assert_close(masks.as_slice(), 0.0, "mask_vote");

    let sample = Sample::with_labels(Image::zeros(1, *labels.geometry()).unwrap(), labels).unwrap();
    let regions = Operation::from(LabelsToRegions::brats(3))
        .apply_to(sample)
        .unwrap();
    let got = regions.image().as_slice();
    reference.get("brats").assert_close(got, 0.0, "brats");
}

#[test]
fn labels_of_slices_are_cleaned_up_as_in_monai() {
    labels_agree::<2>();
}

#[test]
fn labels_of_volumes_are_cleaned_up_as_in_monai() {
    labels_agree::<3>();
}

#[test]
fn scores_of_slices_become_classes_as_in_monai() {
    scores_agree::<2>();
}

#[test]
fn scores_of_volumes_become_classes_as_in_monai() {
    scores_agree::<3>();
}
