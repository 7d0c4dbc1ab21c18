//! Any bytes as the description of a dataset: no panic, and no file outside its folder.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use med_fuzz::{bounded, folder, put};
use medio::datasets::SegmentationDataset;

static ROOT: LazyLock<PathBuf> = LazyLock::new(|| {
    for name in ["imagesTr/a_0000.nii.gz", "labelsTr/a.nii.gz"] {
        let path = folder().join(name);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("room for a folder");
        put(name, b"");
    }
    folder().canonicalize().expect("its own path")
});

fuzz_target!(|bytes: &[u8]| {
    let root = &*ROOT;
    put("dataset.json", bytes);
    let Ok(dataset) = bounded(bytes, |_| SegmentationDataset::open(root)) else {
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
