//! Networks that say of an image what it shows, and the backbones of others.

pub mod convnext;
pub mod densenet;
pub mod efficientnet;
pub mod mobilenet_v3;
pub mod resnet;
pub mod senet;
pub mod swin;
pub mod vgg;
pub mod vit;
