//! RetinaNet for pictures and volumes (Lin et al., ICCV 2017, <https://arxiv.org/abs/1708.02002>), MONAI's
//! `monai.apps.detection` with its names: a residual network, a pyramid of features (Lin et al., CVPR 2017,
//! <https://arxiv.org/abs/1612.03144>), and two heads that say of every anchor of every level what is in it and how it has to
//! be moved.

mod config;
mod decode;
mod network;
mod objective;
mod pyramid;

pub use config::RetinaNetConfig;
pub use network::RetinaNet;
pub use objective::{RetinaNetLoss, RetinaNetObjective, RetinaNetTargets, RetinaNetTraining};
