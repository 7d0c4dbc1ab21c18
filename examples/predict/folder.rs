//! A network from a folder of nnU-Net or a bundle of MONAI.

use std::path::Path;

use anyhow::{Result, bail};
use medinfer::{LabelRule, SegmenterConfig};
use medio::medcore::LabelTable;
use medmodels::ModelConfig;
use medmodels::bundles::monai::Inferer;
use medmodels::bundles::{self, MonaiBundle, NnUnetFolder};

use crate::Loaded;

/// Voxels of a window along an axis of which a bundle says nothing.
const USUAL: usize = 96;

pub(crate) fn load(path: &Path) -> Result<Loaded> {
    if NnUnetFolder::is_at(path) {
        let folder = NnUnetFolder::open(path)?;
        let fold = &folder.folds()[0];
        let plan = folder.plan();
        println!("{}, {:?} mm", fold.checkpoint.display(), plan.spacing);
        return loaded(
            folder.model().clone(),
            folder.load(fold)?,
            SegmenterConfig::of_nnunet(&folder),
            Some(folder.labels()),
            plan.patch_size.clone(),
        );
    }
    if MonaiBundle::is_at(path) {
        let bundle = MonaiBundle::open(path)?;
        let licence = bundle.licence()?;
        let licence = licence.map_or("no licence".to_owned(), |path| path.display().to_string());
        println!("{:?}, {licence}", bundle.metadata().task);
        let described = SegmenterConfig::of_monai(&bundle);
        let model = bundle.model()?;
        let extents = window(bundle.inferer()?.as_ref(), model.spatial_dims());
        return loaded(model, bundle.load()?, described, None, extents);
    }
    bail!(
        "{} is no folder of nnU-Net and no bundle of MONAI",
        path.display()
    )
}

/// The extents of a bundle's windows.
fn window(inferer: Option<&Inferer>, axes: usize) -> Vec<usize> {
    match inferer {
        Some(Inferer::SlidingWindow { roi, .. }) => match roi[..] {
            [one] => vec![one.unwrap_or(USUAL); axes],
            _ if roi.len() == axes => roi.iter().map(|voxels| voxels.unwrap_or(USUAL)).collect(),
            _ => vec![USUAL; axes],
        },
        _ => vec![USUAL; axes],
    }
}

fn loaded(
    config: ModelConfig,
    found: bundles::Loaded,
    described: medinfer::Result<SegmenterConfig>,
    table: Option<&LabelTable>,
    extents: Vec<usize>,
) -> Result<Loaded> {
    println!("{}: {}", config.architecture(), found.report);
    let described = match described {
        Ok(described) => Some(described),
        Err(error) => {
            println!("scans are prepared and labelled by a rule of thumb, as {error}");
            None
        }
    };
    let table = table.or(described.as_ref().map(|described| &described.labels));
    Ok(Loaded {
        labels: table.map_or(Vec::new(), |table| names(table, config.out_channels())),
        rule: table.map_or(Ok(LabelRule::Argmax), LabelRule::of)?,
        config,
        network: found.network,
        picture: None,
        described,
        extents,
    })
}

/// What each output of a network says: a region, or the class of that value.
fn names(table: &LabelTable, outputs: usize) -> Vec<String> {
    if table.has_regions() {
        return { table.entries().iter() }
            .map(|entry| entry.name.clone())
            .collect();
    }
    let name = |value: usize| match table.name_of(value as u32) {
        Some(name) => name.to_owned(),
        None if value == 0 => "background".to_owned(),
        None => format!("class {value}"),
    };
    (0..outputs).map(name).collect()
}

/// The output that a value of a label map is of: its class, or the last region that is painted with it.
pub(crate) fn output_of(rule: &LabelRule, value: usize) -> Option<usize> {
    match rule {
        LabelRule::Regions(order) => order
            .iter()
            .rposition(|&painted| usize::from(painted) == value),
        _ => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use medmodels::bundles::monai::Blend;

    use super::*;

    #[test]
    fn only_zero_is_background() {
        let table = LabelTable::new([("aorta", vec![2])]).unwrap();
        assert_eq!(names(&table, 3), ["background", "class 1", "aorta"]);
        let nameless = LabelTable::default();
        assert_eq!(names(&nameless, 2), ["background", "class 1"]);
    }

    #[test]
    fn outputs_for_regions_have_their_names_and_values_those_that_paint_them() {
        let regions = [
            ("whole", vec![1, 2, 3]),
            ("core", vec![2, 3]),
            ("enhancing", vec![3]),
        ];
        let table = LabelTable::new(regions).unwrap();
        let table = table.with_regions_class_order(vec![2, 2, 3]).unwrap();
        assert_eq!(names(&table, 3), ["whole", "core", "enhancing"]);
        let rule = LabelRule::of(&table).unwrap();
        // The core is painted over the whole.
        let outputs = [0, 1, 2, 3].map(|value| output_of(&rule, value));
        assert_eq!(outputs, [None, None, Some(1), Some(2)]);
        assert_eq!(output_of(&LabelRule::Argmax, 2), Some(2));
    }

    #[test]
    fn a_window_keeps_its_shape() {
        let inferer = |roi: Vec<Option<usize>>| Inferer::SlidingWindow {
            roi,
            overlap: 0.5,
            blend: Blend::Constant,
            sigma: 0.125,
            padding: "constant".to_owned(),
            padding_value: 0.0,
        };
        let shape = |roi| window(Some(&inferer(roi)), 3);
        assert_eq!(
            shape(vec![Some(240), Some(240), Some(160)]),
            [240, 240, 160]
        );
        assert_eq!(shape(vec![Some(64)]), [64, 64, 64]);
        assert_eq!(shape(vec![Some(64), Some(32), None]), [64, 32, 96]);
        assert_eq!(window(Some(&Inferer::Whole), 2), [96, 96]);
    }
}
