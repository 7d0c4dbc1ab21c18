//! Networks against the reference libraries, and the laws they keep.
//!
//! `X.py` makes `X*.safetensors`, which `X.rs` reads.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod attention_dropout;
mod attention_unet;
mod backbone;
mod basic_unet;
mod basic_unet_plus_plus;
mod convnext;
mod deep_lab;
mod densenet;
mod dyn_unet;
mod efficientnet;
mod efficientnet_weights;
mod flexible_unet;
mod full_size;
mod fusion;
mod laws;
mod mesh_net;
mod mobilenet_v3;
mod models;
#[cfg(feature = "onnx")]
mod onnx;
mod picture;
mod plain_conv_unet;
mod reference;
mod registry;
mod res_enc_unet;
mod resnet;
mod retinanet;
mod seg_resnet;
mod seg_resnet_ds;
mod seg_resnet_vae;
mod segformer;
mod senet;
mod swin;
mod swin_unetr;
mod unet;
mod unetr;
mod vgg;
mod vit;
mod vit_dropout;
mod vnet;
mod yolo;
mod yolo_loss;
