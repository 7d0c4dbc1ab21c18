//! What is derived from a sample as MONAI and TorchIO do, and the spoiling of nnU-Net's cascade.

use medaug::medcore::components::Connectivity;
use medaug::{
    BoxForm, Boxes, BoxesToLabels, Change, CoordinateChannels, DistanceTransform,
    ExtremePointsChannel, GenerateHeatmap, GrowInto, HeatmapCentre, LabelledPoint, LabelsToBoxes,
    Layer, Morphology, Operation, Points, Radius, RemovePart, Sample, SequentialLabels,
    SobelGradients, Space,
};
use medcore::{BoundingBox, Geometry, Image};

use crate::support::{Array, Fixture};

struct Reference<const D: usize>(Fixture);

impl<const D: usize> Reference<D> {
    fn get(&self, name: &str) -> Array {
        self.0.get(&format!("{D}d.{name}"))
    }

    fn grid(&self) -> Geometry<D> {
        let spacing = std::array::from_fn(|a| [0.8, 2.5, 1.3][a]);
        Geometry::axis_aligned(self.get("labels").shape(), spacing).unwrap()
    }

    fn image(&self, name: &str) -> Sample<D> {
        let array = self.get(name);
        let image = Image::with_channels(array.shape[0], self.grid(), array.floats());
        Sample::new(image.unwrap())
    }

    fn labelled(&self, name: &str) -> Sample<D> {
        let image = Image::zeros(1, self.grid()).unwrap();
        Sample::with_labels(image, self.get(name).labels(self.grid())).unwrap()
    }

    #[track_caller]
    fn check_image(&self, name: &str, sample: Sample<D>, operation: impl Into<Operation>) {
        let operation = operation.into();
        operation.check::<D>().unwrap();
        let done = operation.apply_to(sample).unwrap();
        self.get(name)
            .assert_close(done.image().as_slice(), 3e-6, name);
    }

    #[track_caller]
    fn check_labels(&self, name: &str, sample: Sample<D>, operations: Vec<Operation>) {
        let done = operations.iter().fold(sample, |sample, operation| {
            operation.check::<D>().unwrap();
            operation.apply_to(sample).unwrap()
        });
        self.get(name)
            .assert_labels(done.labels().unwrap().as_slice(), 0, name);
    }
}

fn channels_agree<const D: usize>() {
    let reference = Reference::<D>(Fixture::load("derived"));
    let image = || reference.image("image");
    reference.check_image("coordinates", image(), CoordinateChannels::default());
    let last = CoordinateChannels { axes: vec![D - 1] };
    let added = Operation::from(last).apply_to(image()).unwrap();
    let added = added.image();
    let expected = reference.get("last_coordinate");
    expected.assert_close(added.channel(added.channels() - 1), 3e-6, "last coordinate");
    reference.check_image("sobel", image(), SobelGradients::default());
    let wide = SobelGradients {
        size: 5,
        axes: vec![0, D - 1],
        normalised: false,
    };
    reference.check_image("sobel_wide", image(), wide);
    for (name, space) in [
        ("distance", Space::Voxels),
        ("distance_mm", Space::Millimetres),
    ] {
        let distance = DistanceTransform { above: 0.0, space };
        reference.check_image(name, reference.image("mask"), distance);
    }
    let points = reference.get("points");
    let points = points.values.chunks_exact(D);
    let extreme = ExtremePointsChannel {
        points: points
            .map(|p| p.iter().map(|&v| v as usize).collect())
            .collect(),
        sigma_voxels: [1.0, 1.7, 0.6][..D].to_vec(),
        range: [-1.0, 1.0],
    };
    let added = Operation::from(extreme).apply_to(image()).unwrap();
    let added = added.image();
    assert_eq!(added.channels(), image().image().channels() + 1);
    let expected = reference.get("extreme");
    expected.assert_close(added.channel(added.channels() - 1), 3e-6, "extreme");

    let places = reference.get("places");
    let places = places.values.chunks_exact(D);
    let places = places.map(|at| LabelledPoint::new(at.try_into().unwrap(), 0));
    let sample = image().with_points(Points::new(places.collect()));
    let heatmap = GenerateHeatmap {
        sigma_voxels: [1.0, 1.7, 0.6][..D].to_vec(),
        centre: HeatmapCentre::Voxel,
        layer: "map".to_owned(),
    };
    let done = Operation::from(heatmap).apply_to(sample).unwrap();
    let Layer::Image(map) = &done.layers()["map"] else {
        panic!("an image");
    };
    let expected = reference.get("heatmap");
    expected.assert_close(map.as_slice(), 3e-6, "heatmap");
}

/// Whether one of the voxels around has another label.
fn is_at_rim<const D: usize>(labels: &[u8], shape: [usize; D], index: usize) -> bool {
    let place = |mut index: usize| {
        let mut place = [0_i64; D];
        for a in (0..D).rev() {
            place[a] = (index % shape[a]) as i64;
            index /= shape[a];
        }
        place
    };
    let here = place(index);
    let near = |there: [i64; D]| (0..D).all(|a| (there[a] - here[a]).abs() <= 1);
    (0..labels.len()).any(|other| labels[other] != labels[index] && near(place(other)))
}

fn boxes_agree<const D: usize>() {
    let reference = Reference::<D>(Fixture::load("derived"));
    let bounds = |values: &[f64]| {
        let side = |from: usize| std::array::from_fn(|a| values[from + a] - 0.5);
        BoundingBox::new(side(0), side(D)).unwrap()
    };
    let boxes = reference.get("boxes");
    let boxes = boxes.values.chunks_exact(2 * D).map(bounds);
    let boxes = Boxes::new(boxes.zip([0, 2, 1]));
    let sample = reference.labelled("labels").with_boxes(boxes);
    let painted = |form| vec![BoxesToLabels { form }.into()];
    reference.check_labels("painted_box", sample.clone(), painted(BoxForm::Box));
    // MONAI shrinks a ball to the box and reads each voxel at its lower corner, so its rim is not symmetric: elsewhere than at
    // our rim there is no difference.
    let round = BoxesToLabels {
        form: BoxForm::Ellipsoid,
    };
    let round = Operation::from(round).apply_to(sample).unwrap();
    let (got, shape) = (round.labels().unwrap().as_slice(), round.shape());
    let expected = reference.get("painted_ellipsoid").values;
    let differs = |&i: &usize| f64::from(got[i]) != expected[i];
    for i in (0..got.len()).filter(differs) {
        assert!(is_at_rim(got, shape, i), "painted_ellipsoid at {i}");
    }

    let around = LabelsToBoxes {
        connectivity: None,
        ..LabelsToBoxes::default()
    };
    let found = Operation::from(around)
        .apply_to(reference.labelled("labels"))
        .unwrap();
    let found = found.boxes().unwrap().items();
    let expected = reference.get("around_classes");
    assert_eq!(found.len(), 3);
    for (class, (found, expected)) in found
        .iter()
        .zip(expected.values.chunks_exact(2 * D))
        .enumerate()
    {
        assert_eq!((found.bounds, found.class), (bounds(expected), class));
    }
}

fn cascade_agrees<const D: usize>() {
    let reference = Reference::<D>(Fixture::load("derived"));
    let changed = |class, change, radius| {
        let morphology = Morphology {
            change,
            radius: Radius::Ball(radius),
            classes: vec![class],
            into: GrowInto::Anything,
        };
        Operation::from(morphology)
    };
    let labels = || reference.labelled("labels");
    let three = vec![
        changed(3, Change::Dilate, 1.0),
        changed(1, Change::Close, 2.0),
        changed(2, Change::Open, 1.0),
    ];
    reference.check_labels("cascade", labels(), three);
    let one = vec![changed(1, Change::Dilate, 2.0)];
    reference.check_labels("dilated", labels(), one);
    let parts = reference.get("parts").values;
    let lost = parts.iter().zip([3, 2]).map(|(&part, class)| {
        let remove = RemovePart {
            class,
            part: part as usize,
            connectivity: Connectivity::Corner,
            becomes: 0,
        };
        Operation::from(remove)
    });
    reference.check_labels("lost", labels(), lost.collect());
    let gaps = reference.labelled("gaps");
    reference.check_labels("sequential", gaps, vec![SequentialLabels {}.into()]);
}

#[test]
fn channels_of_slices_are_monais() {
    channels_agree::<2>();
}

#[test]
fn channels_of_volumes_are_monais() {
    channels_agree::<3>();
}

#[test]
fn boxes_and_labels_become_one_another_as_in_monai() {
    boxes_agree::<2>();
    boxes_agree::<3>();
}

#[test]
fn a_cascades_segmentation_is_spoilt_as_in_nnunet() {
    cascade_agrees::<2>();
    cascade_agrees::<3>();
}
