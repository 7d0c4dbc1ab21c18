//! The program of `docs/guides/other-peoples-models.md`; at the end it runs on small folders of both kinds.

use std::path::Path;

use anyhow::Result;
use medinfer::{Segmenter, SegmenterConfig};
use medio::nifti::{self, WriteOptions};
use medmodels::bundles::monai::Inferer;
use medmodels::bundles::{MonaiBundle, NnUnetFolder};
use mednn::{Context, Inputs};

/// A segmentation of either kind of folder.
fn open(folder: &Path) -> Result<Segmenter<'static>> {
    if MonaiBundle::is_at(folder) {
        let bundle = MonaiBundle::open(folder)?;
        println!("licence: {:?}", bundle.licence()?);
        return Ok(Segmenter::from_monai(&bundle)?);
    }
    let model = NnUnetFolder::open(folder)?;
    Ok(Segmenter::from_nnunet(&model, &model.folds()[0])?)
}

fn label(folder: &Path, scan: &Path, output: &Path) -> Result<()> {
    let segmenter = open(folder)?;
    let scan = nifti::read_image::<f32, 3>(scan)?;
    let labels = segmenter.segment(&scan)?;
    nifti::write_labels(output, &labels, &WriteOptions::new())?;
    Ok(())
}

/// What a folder of nnU-Net says, without its weights.
fn describe(folder: &Path) -> Result<String> {
    let model = NnUnetFolder::open(folder)?;
    let plan = model.plan();
    Ok(format!(
        "{} by {}, {} folds: {:?} at {:?} mm in windows of {:?}, {} for {} structures",
        model.configuration(),
        model.trainer(),
        model.folds().len(),
        model.channels(),
        plan.spacing,
        plan.patch_size,
        model.model().architecture(),
        model.labels().entries().len(),
    ))
}

/// The bundle's network on one window, prepared by your own program.
fn own_way(folder: &Path, window: Inputs) -> Result<Vec<usize>> {
    let bundle = MonaiBundle::open(folder)?;
    for transform in bundle.preprocessing()? {
        println!("{}: {:?}", transform.name, transform.arguments);
    }
    if let Some(Inferer::SlidingWindow { roi, overlap, .. }) = bundle.inferer()? {
        println!("windows of {roi:?}, {overlap} of them shared");
    }
    let network = bundle.load()?.network;
    let logits = network.forward(&window, &Context::evaluate())?.logits;
    Ok(logits.dims().to_vec())
}

/// As a folder of our own, which loads without the other one.
fn keep(folder: &Path, out: &Path) -> Result<SegmenterConfig> {
    let segmenter = open(folder)?;
    segmenter.save(out)?;
    Ok(Segmenter::load(out)?.config().clone())
}

#[test]
fn the_guide_runs_models_of_others() {
    use medio::medcore::{Geometry, Image};
    use mednn::candle_core::{DType, Device, Tensor};

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/medmodels/tests/weights/bundles");
    let heart = root.join("nnUNetTrainer__nnUNetPlans__3d_fullres");
    let spleen = root.join("spleen_ct_segmentation");
    let temporary = tempfile::tempdir().unwrap();
    let file = |name: &str| temporary.path().join(name);

    let geometry = Geometry::axis_aligned([9, 30, 28], [3.0, 1.0, 1.2]).unwrap();
    let voxels = (0..geometry.len()).map(|i| (i * 7919 % 400) as f32 - 100.0);
    let scan = Image::<f32, 3>::new(geometry, voxels.collect::<Vec<_>>()).unwrap();
    nifti::write_image(file("scan.nii.gz"), &scan, &WriteOptions::new()).unwrap();
    for (folder, structures) in [(&heart, 2), (&spleen, 1)] {
        label(folder, &file("scan.nii.gz"), &file("labels.nii.gz")).unwrap();
        let labels = nifti::read_labels::<u8, 3>(file("labels.nii.gz")).unwrap();
        assert_eq!(labels.geometry().shape(), scan.shape());
        assert!(labels.as_slice().iter().all(|&label| label <= structures));
        let kept = keep(folder, &file("kept")).unwrap();
        assert_eq!(kept.labels.entries().len(), usize::from(structures));
    }
    assert_eq!(
        describe(&heart).unwrap(),
        "3d_fullres by nnUNetTrainer, 3 folds: [\"CT\"] at [3.0, 0.8, 0.8] mm in windows of \
         [8, 16, 16], PlainConvUNet for 2 structures"
    );
    let window = Tensor::zeros((1, 1, 8, 12, 16), DType::F32, &Device::Cpu).unwrap();
    assert_eq!(own_way(&spleen, window.into()).unwrap(), [1, 2, 8, 12, 16]);
    // Axes in another order, and means within the body.
    let regions = root.join("nnUNetTrainerNoDeepSupervision__nnUNetResEncUNetMPlans__3d_fullres");
    let preprocess = open(&regions).unwrap().config().preprocess.clone();
    assert_eq!(preprocess.transpose, Some([2, 0, 1]));
    // What cannot be described says why.
    let windows = open(&root.join("swin_unetr_btcv_segmentation")).unwrap_err();
    assert!(windows.to_string().contains("preprocessing"), "{windows}");
}
