//! Networks of every architecture, small, and the shapes of images for them.

mod backbones;
mod classifiers;
mod detectors;
mod segmenters;

use medmodels::ModelConfig;

pub(crate) use backbones::backbones;
pub(super) use detectors::retina_net;

pub(crate) fn networks() -> Vec<(ModelConfig, Vec<usize>)> {
    let mut networks = segmenters::segmenters();
    networks.extend(backbones::segmenters());
    networks.extend(detectors::detectors());
    networks.extend(classifiers::classifiers());
    networks
}
