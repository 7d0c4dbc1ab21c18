//! Cases come out of preprocessing as they come out of nnU-Net's own, and look the same in the fingerprint.

use medaug::{
    CaseFingerprint, Fingerprint, Intensity, Modality, Planner, Preprocess, SliceDistance,
};
use medcore::random::Key;
use medcore::{Geometry, Image, LabelMap};

use crate::support::{Array, Fixture};

/// nnU-Net's -1: background outside the body.
const OUTSIDE: u8 = 255;

struct Case {
    name: &'static str,
    fixture: Fixture,
}

impl Case {
    fn load(name: &'static str) -> Self {
        let fixture = Fixture::load("nnunet_case");
        Self { name, fixture }
    }

    fn get(&self, key: &str) -> Array {
        self.fixture.get(&format!("{}.{key}", self.name))
    }

    fn sizes(&self, key: &str) -> Vec<usize> {
        self.get(key).values.iter().map(|&v| v as usize).collect()
    }

    fn scan(&self) -> (Image<f32, 3>, LabelMap<u8, 3>) {
        let data = self.get("data");
        let [_, shape @ ..] = data.shape::<4>();
        let spacing: [f64; 3] = self.get("spacing").values.try_into().unwrap();
        let grid = Geometry::axis_aligned(shape, spacing).unwrap();
        let image = Image::with_channels(2, grid, data.floats()).unwrap();
        (image, self.get("labels").labels(grid))
    }

    fn fingerprint(&self) -> CaseFingerprint {
        let (image, labels) = self.scan();
        CaseFingerprint::of(&image, &labels, None, None, Key::new(1)).unwrap()
    }

    /// As a plan for such cases says, but for the spacing.
    fn preprocess(&self) -> Preprocess {
        let fingerprint = Fingerprint::of_cases(&[self.fingerprint()]).unwrap();
        let plan = Planner::nnunet()
            .plan(&fingerprint, &[Modality::Mr; 2], 3)
            .unwrap();
        let is_planned = matches!(self.name, "thick" | "even");
        let forward = plan.transpose_forward.to_vec();
        assert_eq!(forward == self.sizes("forward"), is_planned);
        let full = plan.full_resolution.as_ref().unwrap();
        let preprocess = plan.preprocess(full, None).unwrap();
        let slices = plan.preprocess(&plan.slices, None).unwrap();
        assert_eq!(slices.slice_distance, SliceDistance::Own);
        Preprocess {
            transpose: preprocess.transpose.filter(|_| is_planned),
            intensity: vec![Intensity::BodyZScore],
            spacing: Some(self.get("target").values.try_into().unwrap()),
            outside_class: Some(OUTSIDE),
            ..preprocess
        }
    }
}

#[test]
fn masked_scores_crops_transposition_and_resampling_are_nnunets() {
    for name in ["thick", "even", "last", "middle"] {
        let case = Case::load(name);
        let (image, labels) = case.scan();
        let ready = case.preprocess().apply(&image, Some(&labels)).unwrap();
        let kept = ready.trace.kept();
        let ends = kept.start().into_iter().zip(kept.end());
        let ends: Vec<usize> = ends.flat_map(|(start, end)| [start, end]).collect();
        assert_eq!(ends, case.sizes("box"), "{name}");
        let expected = case.get("image");
        let [_, shape @ ..] = expected.shape::<4>();
        assert_eq!(ready.image.shape(), shape, "{name}");
        expected.assert_close(ready.image.as_slice(), 1e-5, name);
        let seg = case.get("seg");
        assert!(seg.values.contains(&f64::from(OUTSIDE)));
        let labels = ready.labels.unwrap();
        seg.assert_labels(labels.as_slice(), 0, name);
    }
}

#[test]
fn the_mask_is_that_of_all_channels_with_its_holes() {
    // The second channel is dark in half of the head: by its own zeros it has other scores.
    let case = Case::load("even");
    let (image, labels) = case.scan();
    let alone = Preprocess {
        intensity: vec![Intensity::ZScore { masked: true }],
        ..case.preprocess()
    };
    let ready = alone.apply(&image, Some(&labels)).unwrap();
    let expected = case.get("image");
    let got = ready.image.as_slice().iter().zip(&expected.values);
    let largest = got.fold(0.0_f64, |m, (&a, &b)| m.max((f64::from(a) - b).abs()));
    assert!(largest > 0.2, "{largest}");
}

#[test]
fn fingerprints_of_cases_are_nnunets() {
    for name in ["thick", "even"] {
        let case = Case::load(name);
        let seen = case.fingerprint();
        assert_eq!(seen.shape.to_vec(), case.sizes("cropped"), "{name}");
        assert_eq!(seen.spacing.to_vec(), case.get("spacing").values, "{name}");
        assert!((seen.kept_share - case.get("kept").values[0]).abs() < 1e-12);
        // Intensities are drawn, here of few voxels and often: the extremes are all found.
        let known = case.get("known").values;
        let fingerprint = Fingerprint::of_cases(&[seen]).unwrap();
        for (channel, want) in fingerprint.intensities.iter().zip(known.chunks_exact(6)) {
            let got = channel.unwrap();
            assert_eq!([got.min, got.max], [want[2], want[3]], "{name}");
            let near = |got: f64, want: f64, share: f64| (got - want).abs() <= share * want.abs();
            assert!(
                near(got.mean, want[0], 0.01),
                "{name} {} {}",
                got.mean,
                want[0]
            );
            assert!(
                near(got.median, want[1], 0.05),
                "{name} {} {}",
                got.median,
                want[1]
            );
        }
    }
}
