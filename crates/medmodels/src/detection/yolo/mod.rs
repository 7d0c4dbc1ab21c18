//! YOLOv5 and YOLOv8 detectors, written from a specification of their layers and names.
//!
//! A backbone halves the image five times; a neck carries the coarse maps up to the fine ones and back down; a head says for
//! every cell of each level where the box around it ends and what is in it. Levels are named by how often the image was
//! halved: level 3 has cells of 8 pixels.
//!
//! Parameters have the names of the `ultralytics` package's models (`model.0.conv.weight` ...), so that a user's own
//! checkpoint loads; neither code nor weights of that package (AGPL-3.0) are in here.

mod block;
mod cells;
mod config;
mod decode;
mod head;
mod network;
mod objective;

pub use config::{YoloConfig, YoloHead};
pub use network::Yolo;
pub use objective::{AnchorFreeLoss, AnchorLoss, YoloLoss, YoloObjective, YoloTargets};
