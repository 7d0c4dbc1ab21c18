//! A network from a folder of nnU-Net or a bundle of MONAI.

use std::path::Path;

use anyhow::{Result, bail};
use medinfer::SegmenterConfig;
use medmodels::bundles::{self, MonaiBundle, NnUnetFolder};

use crate::Loaded;

pub(crate) fn load(path: &Path) -> Result<Loaded> {
    if NnUnetFolder::is_at(path) {
        let folder = NnUnetFolder::open(path)?;
        let fold = &folder.folds()[0];
        let plan = folder.plan();
        println!("{}, {:?} mm", fold.checkpoint.display(), plan.spacing);
        let extent = plan.patch_size.iter().copied().max().unwrap_or_default();
        let described = SegmenterConfig::of_nnunet(&folder);
        return loaded(
            folder.model().clone(),
            folder.load(fold)?,
            described,
            extent,
        );
    }
    if MonaiBundle::is_at(path) {
        let bundle = MonaiBundle::open(path)?;
        let licence = bundle.licence()?;
        let licence = licence.map_or("no licence".to_owned(), |path| path.display().to_string());
        println!("{:?}, {licence}", bundle.metadata().task);
        let described = SegmenterConfig::of_monai(&bundle);
        return loaded(bundle.model()?, bundle.load()?, described, 96);
    }
    bail!(
        "{} is no folder of nnU-Net and no bundle of MONAI",
        path.display()
    )
}

fn loaded(
    config: medmodels::ModelConfig,
    found: bundles::Loaded,
    described: medinfer::Result<SegmenterConfig>,
    extent: usize,
) -> Result<Loaded> {
    println!("{}: {}", config.architecture(), found.report);
    let described = match described {
        Ok(described) => Some(described),
        Err(error) => {
            println!("scans are prepared by a rule of thumb, as {error}");
            None
        }
    };
    let mut labels = Vec::new();
    if let Some(table) = described.as_ref().map(|described| &described.labels) {
        let name = |value: usize| table.name_of(value as u32).unwrap_or("background");
        labels = (0..config.out_channels())
            .map(name)
            .map(str::to_owned)
            .collect();
    }
    Ok(Loaded {
        config,
        network: found.network,
        labels,
        picture: None,
        described,
        extent,
    })
}
