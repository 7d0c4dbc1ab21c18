//! What scanners add to images: errors of MRI in k-space, of CT along rays, and the grain of ultrasound.

mod back_projection;
mod depth_attenuation;
mod ghosting;
mod gibbs;
mod jpeg;
mod k_space_spike;
mod lines;
mod metal;
mod motion;
mod random_metal;
mod ring;
mod speckle;
mod spectrum;
mod spike;
mod tiles;
mod wave;

pub use depth_attenuation::{DepthAttenuation, RandomDepthAttenuation};
pub use ghosting::{Ghosting, RandomGhosting, ghosting};
pub use gibbs::{GibbsNoise, RandomGibbsNoise, gibbs_noise};
pub use jpeg::{ImageCompression, RandomImageCompression};
pub use k_space_spike::{KSpaceSpikeNoise, RandomKSpaceSpikeNoise, SpikeIntensity};
pub use metal::{Implant, Metal, MetalArtefact};
pub use motion::{Motion, Movement, RandomMotion};
pub use random_metal::RandomMetalArtefact;
pub use ring::{RandomRingArtefact, RingArtefact};
pub use speckle::{RandomUltrasoundSpeckle, UltrasoundSpeckle};
pub use spike::{RandomSpike, Spike};
