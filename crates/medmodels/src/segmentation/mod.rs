//! Networks that say of each voxel what it belongs to.

pub mod attention_unet;
pub mod basic_unet;
pub mod basic_unet_plus_plus;
pub mod deep_lab_v3;
pub mod deep_lab_v3_plus;
pub mod dyn_unet;
pub mod flexible_unet;
pub mod mesh_net;
pub mod plain_conv_unet;
pub mod res_enc_unet;
pub mod seg_resnet;
pub mod seg_resnet_ds;
pub mod seg_resnet_vae;
pub mod segformer;
pub mod swin_unetr;
pub mod unet;
pub mod unetr;
pub mod vnet;
