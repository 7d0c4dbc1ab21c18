//! Any bytes as the description of a dataset: no panic, and no file outside its folder.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use medio::datasets::SegmentationDataset;
use tempfile::TempDir;

static FOLDER: LazyLock<(TempDir, PathBuf)> = LazyLock::new(|| {
    let folder = TempDir::new().expect("a folder");
    for name in ["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"] {
        let path = folder.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a folder");
        std::fs::write(path, b"").expect("room in the temporary folder");
    }
    let root = folder.path().canonicalize().expect("its own path");
    (folder, root)
});

fuzz_target!(|bytes: &[u8]| {
    let (_, root) = &*FOLDER;
    std::fs::write(root.join("dataset.json"), bytes).expect("room in the temporary folder");
    let Ok(dataset) = SegmentationDataset::open(root) else {
        return;
    };
    for case in dataset.cases.iter().chain(&dataset.test_cases) {
        for path in case.images.iter().chain(&case.label) {
            // Only test images, which have no label, may be listed without being there.
            let found = path.canonicalize();
            assert!(found.map_or(case.label.is_none(), |path| path.starts_with(root)));
        }
    }
    // What was accepted is a table that can be asked.
    assert!(dataset.labels.class_count() <= 256 && dataset.labels.values().contains(&0));
});
