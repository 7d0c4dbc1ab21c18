//! Pipelines that are known to work, by the name of who uses them.

mod fundus;
mod light;
mod nnunet;
mod nnunet_da5;
mod nnunet_default;
mod plain;
mod radiograph;
mod yolo;

pub use fundus::fundus;
pub use light::light;
pub use nnunet_da5::nnunet_da5;
pub use nnunet_default::nnunet_default;
pub use plain::plain;
pub use radiograph::radiograph;
pub use yolo::{Pixels, yolo};

#[cfg(test)]
mod tests {
    use medcore::random::Key;
    use medcore::{Geometry, Image, LabelMap};

    use super::*;
    use crate::{BatchSlot, Case, Draw, Laterality, PatchPipeline, Sample, Space, Step};

    #[test]
    fn angles_follow_the_shape_of_the_patch() {
        let spatial = |pipeline: &[Step]| match &pipeline[0] {
            Step::RandomSpatial(spatial) => spatial.clone(),
            other => panic!("{other:?} comes first"),
        };
        let cube = nnunet_default([96; 3], Space::Voxels, Laterality::Ignore).unwrap();
        let angles = spatial(cube.steps()).rotation_degrees;
        assert_eq!(angles, [Draw::symmetric(30.0)]);
        let flat = nnunet_default([16, 256, 256], Space::Voxels, Laterality::Ignore).unwrap();
        let flat = spatial(flat.steps());
        assert_eq!(flat.rotation_degrees[0], Draw::symmetric(180.0));
        assert_eq!(flat.scale_ignored_axes, [0]);
        let slice = nnunet_default([256, 128], Space::Voxels, Laterality::Ignore).unwrap();
        let angles = spatial(slice.steps()).rotation_degrees;
        assert_eq!(angles, [Draw::symmetric(15.0)]);
    }

    #[test]
    fn every_preset_is_built_and_applied_and_described() {
        let grid = Geometry::<3>::axis_aligned([12, 40, 40], [3.0, 1.0, 1.0]).unwrap();
        let voxels = (0..grid.len()).map(|i| (i * 7919 % 997) as f32 / 500.0 - 1.0);
        let image = Image::new(grid, voxels.collect::<Vec<f32>>()).unwrap();
        let labels = LabelMap::background(grid).unwrap();
        let sample = Sample::with_labels(image, labels).unwrap();
        let case = Case::new(sample, None, Key::new(1));
        let slot = BatchSlot { index: 0, size: 2 };
        for patch in [[16, 16, 16], [4, 24, 24], [8, 16, 24]] {
            let strong = nnunet_da5(patch, Space::Voxels, Laterality::Ignore).unwrap();
            let text = serde_json::to_string(&strong).unwrap();
            assert_eq!(
                serde_json::from_str::<PatchPipeline<3>>(&text).unwrap(),
                strong
            );
            let mut seen = std::collections::BTreeSet::new();
            for i in 0..40 {
                let drawn = strong.draw(&case, slot, Key::new(2).sample(i)).unwrap();
                assert_eq!(drawn.shape(), patch);
                assert!(drawn.image().as_slice().iter().all(|v| v.is_finite()));
                let sum: f32 = drawn.image().as_slice().iter().sum();
                seen.insert(sum.to_bits());
            }
            assert!(seen.len() > 30, "{}", seen.len());
        }
        let plane = Geometry::<2>::axis_aligned([20, 30], [1.0; 2]).unwrap();
        let photo = Image::with_channels(3, plane, vec![0.5_f32; 1800]).unwrap();
        for pipeline in [radiograph([20, 30]).unwrap(), fundus().unwrap()] {
            let sample = Sample::new(photo.clone());
            let drawn = pipeline.apply(sample, Key::new(3)).unwrap();
            assert_eq!(drawn.shape(), [20, 30]);
            assert_ne!(drawn.image().as_slice(), photo.as_slice());
        }
        // Colours change, not light alone.
        let red: Vec<f32> = (0..1800).map(|i| if i < 600 { 0.6 } else { 0.2 }).collect();
        let red = Sample::new(Image::with_channels(3, plane, red).unwrap());
        let drawn = fundus().unwrap().apply(red, Key::new(3)).unwrap();
        let at = |channel| drawn.image().channel(channel)[0];
        assert!(at(1) != at(2), "{} {}", at(1), at(2));
        let gray = Sample::new(Image::zeros(1, plane).unwrap());
        let refused = fundus().unwrap().check_contents(&gray.contents());
        assert!(refused.unwrap_err().to_string().contains("channels"));
        assert!(radiograph([0, 3]).is_err());
    }
}
