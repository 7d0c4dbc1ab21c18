//! Networks for medical images, each in one file that reads like the figure of its paper.
//!
//! Names of parameters are those of the reference library, so its weights load without a table; forward passes,
//! gradients and intermediate features are held equal to the reference by test.
//!
//! * [`basic_unet`]: MONAI's `BasicUNet`, 2D and 3D;
//! * [`plain_conv_unet`]: nnU-Net's `PlainConvUNet`, 2D and 3D, anisotropic, with deep supervision;
//! * [`yolo`]: YOLOv5 and YOLOv8;
//! * [`resnet`]: ResNet, wide ResNet and ResNeXt of torchvision, MONAI and MedicalNet, 1D to 3D;
//! * [`densenet`]: DenseNet of torchvision and MONAI, 1D to 3D;
//! * [`vgg`]: torchvision's VGG;
//! * [`weights`]: files of weights, PyTorch's checkpoints among them;
//! * [`ModelConfig`] and [`create`]: a network from a description in a file.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod block;
mod config;
mod error;

pub mod basic_unet;
pub mod densenet;
pub mod plain_conv_unet;
pub mod resnet;
pub mod vgg;
pub mod weights;
pub mod yolo;

pub use block::{Nonlinearity, Normalization};
pub use config::{Architecture, ModelConfig, Task, create};
pub use error::{Error, Result};
