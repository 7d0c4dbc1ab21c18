//! A scan under another name, in another container and of another patient is the same scan.

use std::path::{Path, PathBuf};

use medaug::Sample;
use medcore::random::Key;
use medcore::{Geometry, Image};
use medtrain::split::{CaseRecord, Lists, PartName, Shared, Unlisted};
use medtrain::{BoxError, CaseReader, Cohort, Error};

/// Files that a patient each is said to have.
struct Scans(Vec<PathBuf>);

impl CaseReader<3> for Scans {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn name(&self, number: usize) -> String {
        self.0[number]
            .file_name()
            .unwrap()
            .to_string_lossy()
            .into_owned()
    }

    fn files(&self, number: usize) -> Vec<PathBuf> {
        vec![self.0[number].clone()]
    }

    fn read(&self, number: usize) -> Result<Sample<3>, BoxError> {
        Ok(Sample::new(medio::read::<f32, 3>(&self.0[number])?))
    }
}

fn radiograph(seed: u64) -> Image<u8, 3> {
    let grid = Geometry::axis_aligned([1, 23, 17], [1.0, 0.5, 0.5]).unwrap();
    let mut random = Key::new(seed).stream("radiograph");
    let voxels: Vec<u8> = (0..grid.len()).map(|_| random.below(256) as u8).collect();
    Image::new(grid, voxels).unwrap()
}

fn cohort(folder: &Path, copy: &str) -> medtrain::Result<Cohort<usize>> {
    let names = ["first.nii", "second.nii", copy];
    for (name, seed) in names.into_iter().zip([1, 2, 1]) {
        medio::write(folder.join(name), &radiograph(seed)).unwrap();
    }
    let records = names.map(|name| CaseRecord::new(name, format!("patient of {name}")));
    let reader = Scans(names.map(|name| folder.join(name)).to_vec());
    Cohort::of_records(records)?.with_pixels(&reader)
}

#[test]
fn a_copy_in_another_container_is_caught_by_its_voxels() {
    for copy in [
        "copy.nii",
        "copy.nii.gz",
        "copy.mha",
        "copy.nrrd",
        "copy.mgz",
    ] {
        let folder = tempfile::tempdir().unwrap();
        let lists = Lists {
            training: vec!["first.nii".to_owned(), "second.nii".to_owned()],
            validation: vec![],
            test: vec![copy.to_owned()],
        };
        let cohort = cohort(folder.path(), copy).unwrap();
        let refused = cohort.by_lists(&lists, Unlisted::Refuse).unwrap_err();
        let Error::Leak { overlap } = &refused else {
            panic!("{copy}: {refused}")
        };
        assert!(matches!(overlap.shared, Shared::Pixels(_)), "{overlap}");
        assert_eq!(
            (overlap.first.case.as_str(), overlap.second.case.as_str()),
            ("first.nii", copy)
        );
        assert_eq!(
            (overlap.first.part, overlap.second.part),
            (PartName::Training, PartName::Test)
        );
        for name in ["first.nii", copy, "training", "test", "all voxels"] {
            assert!(refused.to_string().contains(name), "{refused}");
        }
    }
}
