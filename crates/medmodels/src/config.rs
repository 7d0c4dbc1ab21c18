//! Networks by name, for files that describe them.

use mednn::model::Model;
use mednn::params::{LoadPolicy, NameMap, Params};
use serde::{Deserialize, Serialize};

use crate::attention_unet::AttentionUnetConfig;
use crate::basic_unet::BasicUNetConfig;
use crate::basic_unet_plus_plus::BasicUNetPlusPlusConfig;
use crate::convnext::ConvNeXtConfig;
use crate::deep_lab_v3::DeepLabV3Config;
use crate::deep_lab_v3_plus::DeepLabV3PlusConfig;
use crate::densenet::DenseNetConfig;
use crate::dyn_unet::DynUNetConfig;
use crate::efficientnet::EfficientNetConfig;
use crate::error::Result;
use crate::flexible_unet::FlexibleUNetConfig;
use crate::mesh_net::MeshNetConfig;
use crate::mobilenet_v3::MobileNetV3Config;
use crate::plain_conv_unet::PlainConvUNetConfig;
use crate::res_enc_unet::ResEncUNetConfig;
use crate::resnet::ResNetConfig;
use crate::retinanet::RetinaNetConfig;
use crate::seg_resnet::SegResNetConfig;
use crate::seg_resnet_ds::SegResNetDSConfig;
use crate::seg_resnet_vae::SegResNetVAEConfig;
use crate::segformer::SegFormerConfig;
use crate::senet::SENetConfig;
use crate::swin::SwinConfig;
use crate::swin_unetr::SwinUNETRConfig;
use crate::unet::UNetConfig;
use crate::unetr::UNETRConfig;
use crate::vgg::VggConfig;
use crate::vit::ViTConfig;
use crate::vnet::VNetConfig;
use crate::weights::names;
use crate::yolo::YoloConfig;

/// What a network makes of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// One logit for each class, `[batch, classes]`.
    Classification,
    /// One logit for each class and voxel, `[batch, classes, depth, height, width]`.
    Segmentation,
    /// What is said of each cell of several levels, from which boxes are made.
    Detection,
}

/// The settings of a network, and the way from there to the network.
pub trait Architecture {
    /// The network's name, that of the reference library.
    const NAME: &'static str;

    /// What it makes of an image.
    fn task(&self) -> Task;

    /// Spatial axes of the image, 1 to 3.
    fn spatial_dims(&self) -> usize;

    /// Channels of the image.
    fn in_channels(&self) -> usize;

    /// Classes or regions of the logits.
    fn out_channels(&self) -> usize;

    /// What every extent of the image should be a multiple of; where a network pads by itself, so that it need not.
    fn divisor(&self) -> Vec<usize> {
        vec![1; self.spatial_dims()]
    }

    /// What other names the reference library has or had for this network's tensors.
    fn names(&self) -> NameMap {
        NameMap::new()
    }

    /// What files of the reference library may lack, or hold besides.
    fn accept(&self, policy: LoadPolicy) -> LoadPolicy {
        policy
    }

    /// The weights of the convolutions or embeddings that read the image, as [`NamePattern`](mednn::params::NamePattern)s.
    fn stem(&self) -> &'static [&'static str];

    /// The layers whose shape depends on the number of classes, as [`NamePattern`](mednn::params::NamePattern)s.
    fn head(&self) -> &'static [&'static str];

    /// How weights of the reference library are loaded: strictly, but for what training programs put around a network,
    /// further names of the same tensor, and counters of batches, which PyTorch once did not write.
    fn load_policy(&self) -> LoadPolicy {
        let policy = LoadPolicy::strict()
            .with_names(names::wrappers().then(self.names()))
            .with_missing_allowed("**.num_batches_tracked");
        self.accept(policy)
    }

    /// How weights are loaded that were trained on other channels and classes: the stem is adapted, as
    /// [`LoadPolicy::with_stem`] says, and the head keeps its new values where the file has another or none.
    fn transfer_policy(&self) -> LoadPolicy {
        let stems = self.stem().iter().copied();
        let policy = stems.fold(self.load_policy(), LoadPolicy::with_stem);
        { self.head().iter().copied() }.fold(policy, |policy, head| {
            policy
                .with_misshapen_allowed(head)
                .with_missing_allowed(head)
                .with_unexpected_allowed(head)
        })
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    fn check(&self) -> Result<()>;

    /// The network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range and a store that already holds parameters of these names.
    fn build(&self, params: &Params) -> Result<Box<dyn Model>>;
}

/// What settings with fields of these names say of themselves: all of [`Architecture`] that is the same for each.
macro_rules! described_by_fields {
    ($task:ident) => {
        crate::config::described_by_fields!($task, |config| config.spatial_dims);
    };
    ($task:ident, |$config:ident| $spatial_dims:expr) => {
        const NAME: &'static str = NAME;

        fn task(&self) -> crate::config::Task {
            crate::config::Task::$task
        }

        fn spatial_dims(&self) -> usize {
            let $config = self;
            $spatial_dims
        }

        fn in_channels(&self) -> usize {
            self.in_channels
        }

        fn out_channels(&self) -> usize {
            self.out_channels
        }

        fn check(&self) -> crate::error::Result<()> {
            self.check()
        }
    };
}
pub(crate) use described_by_fields;

/// Builds a network in as many dimensions as its settings say, of those in which it exists.
macro_rules! in_dimensions {
    ($network:ident, $config:expr, $params:expr, $rule:literal: $($dims:literal)*) => {
        match $config.spatial_dims {
            $($dims => Ok(Box::new($network::<$dims>::new($config, $params)?)),)*
            dims => Err($crate::error::Error::setting(
                Self::NAME,
                "spatial_dims",
                $rule,
                dims,
            )),
        }
    };
}
pub(crate) use in_dimensions;

/// All networks: the enum of their settings, and what holds for each.
macro_rules! architectures {
    ($($(#[$doc:meta])* $name:ident($config:ty),)*) => {
        /// A network and its settings.
        ///
        /// As JSON the settings stand beside the name:
        ///
        /// ```
        /// use medmodels::ModelConfig;
        /// use medmodels::basic_unet::BasicUNetConfig;
        ///
        /// let config = ModelConfig::from(BasicUNetConfig::new_2d(1, 4));
        /// let json = serde_json::to_value(&config)?;
        /// assert_eq!(json["architecture"], "BasicUNet");
        /// assert_eq!(json["features"][4], 256);
        /// assert_eq!(serde_json::from_value::<ModelConfig>(json)?, config);
        /// # Ok::<(), serde_json::Error>(())
        /// ```
        #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
        #[serde(tag = "architecture")]
        #[non_exhaustive]
        pub enum ModelConfig {
            $($(#[$doc])* $name($config),)*
        }

        $(impl From<$config> for ModelConfig {
            fn from(config: $config) -> Self {
                Self::$name(config)
            }
        })*

        /// The same for every network.
        macro_rules! of_each {
            ($self:expr, $settings:ident => $value:expr) => {
                match $self {
                    $(ModelConfig::$name($settings) => $value,)*
                }
            };
        }

        impl ModelConfig {
            /// The network's name.
            #[must_use]
            pub fn architecture(&self) -> &'static str {
                match self {
                    $(Self::$name(_) => <$config as Architecture>::NAME,)*
                }
            }
        }
    };
}

architectures! {
    /// MONAI's `AttentionUnet`.
    AttentionUnet(AttentionUnetConfig),
    /// MONAI's `BasicUNet`.
    BasicUNet(BasicUNetConfig),
    /// MONAI's `BasicUNetPlusPlus`.
    BasicUNetPlusPlus(BasicUNetPlusPlusConfig),
    /// torchvision's `DeepLabV3`.
    DeepLabV3(DeepLabV3Config),
    /// `DeepLabV3Plus` of segmentation_models_pytorch.
    DeepLabV3Plus(DeepLabV3PlusConfig),
    /// MONAI's `DynUNet`.
    DynUNet(DynUNetConfig),
    /// MONAI's `FlexibleUNet`.
    FlexibleUNet(FlexibleUNetConfig),
    /// MeshNet.
    MeshNet(MeshNetConfig),
    /// nnU-Net's `PlainConvUNet`.
    PlainConvUNet(PlainConvUNetConfig),
    /// nnU-Net's `ResidualEncoderUNet`.
    ResidualEncoderUNet(ResEncUNetConfig),
    /// MONAI's `SegResNet`.
    SegResNet(SegResNetConfig),
    /// MONAI's `SegResNetDS`.
    SegResNetDS(SegResNetDSConfig),
    /// MONAI's `SegResNetVAE`.
    SegResNetVAE(SegResNetVAEConfig),
    /// MONAI's `UNet`.
    UNet(UNetConfig),
    /// MONAI's `VNet`.
    VNet(VNetConfig),
    /// SegFormer with the names of Hugging Face's transformers.
    SegFormer(SegFormerConfig),
    /// torchvision's and timm's `SwinTransformer`.
    #[serde(rename = "SwinTransformer")]
    Swin(SwinConfig),
    /// MONAI's `SwinUNETR`.
    SwinUNETR(SwinUNETRConfig),
    /// MONAI's `UNETR`.
    UNETR(UNETRConfig),
    /// YOLOv5 and YOLOv8.
    Yolo(YoloConfig),
    /// MONAI's `RetinaNet`.
    RetinaNet(RetinaNetConfig),
    /// torchvision's, MONAI's and MedicalNet's `ResNet`.
    ResNet(ResNetConfig),
    /// torchvision's and MONAI's `DenseNet`.
    DenseNet(DenseNetConfig),
    /// torchvision's, timm's and MONAI's `EfficientNet`.
    EfficientNet(EfficientNetConfig),
    /// torchvision's `MobileNetV3`.
    MobileNetV3(MobileNetV3Config),
    /// torchvision's and timm's `ConvNeXt`.
    ConvNeXt(ConvNeXtConfig),
    /// MONAI's `SENet`.
    SENet(SENetConfig),
    /// torchvision's `VGG`.
    #[serde(rename = "VGG")]
    Vgg(VggConfig),
    /// timm's, torchvision's and MONAI's vision transformer.
    ViT(ViTConfig),
}

impl ModelConfig {
    /// What it makes of an image.
    #[must_use]
    pub fn task(&self) -> Task {
        of_each!(self, config => Architecture::task(config))
    }

    /// Spatial axes of the image, 1 to 3.
    #[must_use]
    pub fn spatial_dims(&self) -> usize {
        of_each!(self, config => Architecture::spatial_dims(config))
    }

    /// Channels of the image.
    #[must_use]
    pub fn in_channels(&self) -> usize {
        of_each!(self, config => Architecture::in_channels(config))
    }

    /// Classes or regions of the logits.
    #[must_use]
    pub fn out_channels(&self) -> usize {
        of_each!(self, config => Architecture::out_channels(config))
    }

    /// What every extent of a window should be a multiple of; where a network pads by itself, so that it need not.
    #[must_use]
    pub fn divisor(&self) -> Vec<usize> {
        of_each!(self, config => Architecture::divisor(config))
    }

    /// What other names the reference library has or had for the network's tensors.
    #[must_use]
    pub fn names(&self) -> NameMap {
        of_each!(self, config => Architecture::names(config))
    }

    /// How weights of the reference library are loaded: [`Architecture::load_policy`].
    #[must_use]
    pub fn load_policy(&self) -> LoadPolicy {
        of_each!(self, config => Architecture::load_policy(config))
    }

    /// How weights are loaded that were trained on other channels and classes: [`Architecture::transfer_policy`].
    #[must_use]
    pub fn transfer_policy(&self) -> LoadPolicy {
        of_each!(self, config => Architecture::transfer_policy(config))
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        of_each!(self, config => Architecture::check(config))
    }
}

/// Builds a network with new parameters in `params`.
///
/// ```
/// use medmodels::basic_unet::BasicUNetConfig;
/// use mednn::params::Params;
///
/// let params = Params::new(1);
/// let network = medmodels::create(&BasicUNetConfig::new_3d(1, 2).into(), &params)?;
/// assert_eq!(network.params().count(), 5_749_410);
/// # Ok::<(), medmodels::Error>(())
/// ```
///
/// # Errors
/// Refuses settings out of range and a store that already holds parameters of these names.
pub fn create(config: &ModelConfig, params: &Params) -> Result<Box<dyn Model>> {
    config.check()?;
    of_each!(config, config => config.build(params))
}
