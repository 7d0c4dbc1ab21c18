//! Networks for medical images, each in one file that reads like the figure of its paper.
//!
//! Names of parameters are those of the reference library, so its weights load without a table; forward passes,
//! gradients and intermediate features are held equal to the reference by test.
//!
//! Classifiers, and what others are built on:
//!
//! * [`resnet`]: ResNet, wide ResNet and ResNeXt of torchvision, MONAI and MedicalNet, 1D to 3D;
//! * [`densenet`]: DenseNet of torchvision and MONAI, 1D to 3D;
//! * [`efficientnet`]: EfficientNet and EfficientNet-Lite of torchvision, timm and MONAI, 1D to 3D;
//! * [`senet`]: MONAI's SENet, SE-ResNet and SE-ResNeXt, 1D to 3D;
//! * [`mobilenet_v3`], [`vgg`]: those of torchvision;
//! * [`convnext`]: ConvNeXt of torchvision and timm;
//! * [`vit`]: vision transformers of timm (ViT, DeiT, DINOv2), torchvision and MONAI, 2D and 3D;
//! * [`swin`]: Swin transformers of torchvision and timm, both versions;
//! * [`backbone`]: classifiers as a pyramid of features.
//!
//! Segmenters, in 2D and 3D:
//!
//! * [`basic_unet`], [`basic_unet_plus_plus`], [`unet`], [`attention_unet`], [`dyn_unet`], [`flexible_unet`],
//!   [`seg_resnet`], [`seg_resnet_ds`], [`seg_resnet_vae`], [`vnet`], [`unetr`], [`swin_unetr`]: those of MONAI;
//! * [`plain_conv_unet`], [`res_enc_unet`]: nnU-Net's, anisotropic, with deep supervision;
//! * [`deep_lab_v3`] of torchvision and [`deep_lab_v3_plus`] of segmentation_models_pytorch, on any backbone;
//! * [`segformer`]: SegFormer of Hugging Face's transformers;
//! * [`mesh_net`]: MeshNet, dilated convolutions at full resolution.
//!
//! Detectors, in 2D and 3D:
//!
//! * [`yolo`]: YOLOv5 and YOLOv8;
//! * [`retinanet`]: MONAI's `RetinaNet`;
//! * [`detection`]: what detectors find and are trained on.
//!
//! Images with patient data:
//!
//! * [`fusion`]: a backbone and a table, joined by concatenation, a gate, scale and shift (FiLM) or cross-attention, 2D and
//!   3D; [`fusion::table`]: records as rows, missing values by name.
//!
//! Around them:
//!
//! * [`ModelConfig`] and [`create`]: a network from a description in a file;
//! * [`registry`]: networks under the names people know them by;
//! * [`weights`]: files of weights, PyTorch's checkpoints among them;
//! * [`pretrained`]: weights that others published, by manifest;
//! * [`bundles`]: folders of nnU-Net and bundles of MONAI;
//! * `onnx` (feature `onnx`): networks as ONNX files, for any batch, with labels and preparation in them.

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod blocks;
mod check;
mod classification;
mod config;
mod error;
mod segmentation;

pub mod backbone;
pub mod bundles;
pub mod detection;
pub mod fusion;
#[cfg(feature = "onnx")]
pub mod onnx;
pub mod pretrained;
pub mod registry;
pub mod weights;

pub use blocks::upsample::Upsampling;
pub use blocks::{AdnStep, Nonlinearity, Normalization};
pub use classification::{
    convnext, densenet, efficientnet, mobilenet_v3, resnet, senet, swin, vgg, vit,
};
pub use config::{Architecture, ModelConfig, Task, create};
pub use detection::{retinanet, yolo};
pub use error::{Error, Result};
pub use segmentation::{
    attention_unet, basic_unet, basic_unet_plus_plus, deep_lab_v3, deep_lab_v3_plus, dyn_unet,
    flexible_unet, mesh_net, plain_conv_unet, res_enc_unet, seg_resnet, seg_resnet_ds,
    seg_resnet_vae, segformer, swin_unetr, unet, unetr, vnet,
};
