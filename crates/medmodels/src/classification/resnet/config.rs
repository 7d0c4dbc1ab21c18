//! What a residual network is made of.

use serde::{Deserialize, Serialize};

use super::{NAME, ResNetPool};
use crate::check::{check_all_positive, check_kernel, check_one_to_three_axes, check_positive};
use crate::error::{Error, Result};

/// What a [`ResNet`](super::ResNet) is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResNetBlock {
    /// Two convolutions of size 3.
    Basic,
    /// Convolutions of size 1, 3 and 1; the last gives four times the features.
    Bottleneck,
}

impl ResNetBlock {
    pub(super) fn expansion(self) -> usize {
        match self {
            Self::Basic => 1,
            Self::Bottleneck => 4,
        }
    }
}

/// What stands beside a block that changes the shape of its input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ResNetShortcut {
    /// A convolution of size 1 and its normalisation (type B).
    Projection,
    /// The same, the convolution with a bias (MONAI's default).
    BiasedProjection,
    /// Every second voxel, and zeros for the new channels (type A). The gradient goes through it as in the paper; MONAI
    /// cuts it there.
    ZeroPadding,
}

/// Settings of [`ResNet`](super::ResNet); defaults are torchvision's.
///
/// ```
/// use medmodels::resnet::ResNetConfig;
///
/// let chest_xray = ResNetConfig::resnet18(14).with_in_channels(1);
/// chest_xray.check()?;
/// let chest_ct = ResNetConfig::resnet50(2).medical_net();
/// assert_eq!((chest_ct.spatial_dims, chest_ct.in_channels), (3, 1));
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct ResNetConfig {
    /// 1, 2 or 3.
    pub spatial_dims: usize,
    /// Channels of the image.
    pub in_channels: usize,
    /// Classes.
    pub out_channels: usize,
    /// What the stages are made of.
    pub block: ResNetBlock,
    /// Blocks of the four stages.
    pub blocks: [usize; 4],
    /// Features of the four stages; a bottleneck gives four times as many. The stem has those of the first.
    pub features: [usize; 4],
    /// Groups of the convolutions of size 3 in bottlenecks.
    pub groups: usize,
    /// Features of each group in a bottleneck of 64 features; 64 in one group is the plain network, 128 the wide one.
    pub width_per_group: usize,
    /// Kernel of the first convolution along each axis.
    pub stem_kernel: Vec<usize>,
    /// Stride of the first convolution along each axis.
    pub stem_stride: Vec<usize>,
    /// Whether max pooling of size 3 and stride 2 follows the first convolution.
    pub stem_pool: bool,
    /// What stands beside a block that changes the shape.
    pub shortcut: ResNetShortcut,
    /// Which of the last three stages dilate their convolutions twice as far as the stage before instead of striding
    /// (torchvision's `replace_stride_with_dilation`).
    #[serde(default)]
    pub dilated: [bool; 3],
    /// Whether the first block of such a stage dilates as its other blocks do (as in segmentation_models_pytorch), not as
    /// the stage before does (as in torchvision).
    #[serde(default)]
    pub dilated_first_block: bool,
    /// How the features of all places become the scores of the classes.
    #[serde(default)]
    pub pool: ResNetPool,
}

impl ResNetConfig {
    fn new(block: ResNetBlock, blocks: [usize; 4], classes: usize) -> Self {
        Self {
            spatial_dims: 2,
            in_channels: 3,
            out_channels: classes,
            block,
            blocks,
            features: [64, 128, 256, 512],
            groups: 1,
            width_per_group: 64,
            stem_kernel: vec![7; 2],
            stem_stride: vec![2; 2],
            stem_pool: true,
            shortcut: ResNetShortcut::Projection,
            dilated: [false; 3],
            dilated_first_block: false,
            pool: ResNetPool::Average,
        }
    }

    /// 10 layers, which MONAI and MedicalNet have.
    #[must_use]
    pub fn resnet10(classes: usize) -> Self {
        Self::new(ResNetBlock::Basic, [1, 1, 1, 1], classes)
    }

    /// 18 layers.
    #[must_use]
    pub fn resnet18(classes: usize) -> Self {
        Self::new(ResNetBlock::Basic, [2, 2, 2, 2], classes)
    }

    /// 34 layers.
    #[must_use]
    pub fn resnet34(classes: usize) -> Self {
        Self::new(ResNetBlock::Basic, [3, 4, 6, 3], classes)
    }

    /// 50 layers.
    #[must_use]
    pub fn resnet50(classes: usize) -> Self {
        Self::new(ResNetBlock::Bottleneck, [3, 4, 6, 3], classes)
    }

    /// 101 layers.
    #[must_use]
    pub fn resnet101(classes: usize) -> Self {
        Self::new(ResNetBlock::Bottleneck, [3, 4, 23, 3], classes)
    }

    /// 152 layers.
    #[must_use]
    pub fn resnet152(classes: usize) -> Self {
        Self::new(ResNetBlock::Bottleneck, [3, 8, 36, 3], classes)
    }

    /// 200 layers, which MONAI and MedicalNet have.
    #[must_use]
    pub fn resnet200(classes: usize) -> Self {
        Self::new(ResNetBlock::Bottleneck, [3, 24, 36, 3], classes)
    }

    /// 50 layers, bottlenecks twice as wide inside.
    #[must_use]
    pub fn wide_resnet50_2(classes: usize) -> Self {
        Self::resnet50(classes).with_groups(1, 128)
    }

    /// 101 layers, bottlenecks twice as wide inside.
    #[must_use]
    pub fn wide_resnet101_2(classes: usize) -> Self {
        Self::resnet101(classes).with_groups(1, 128)
    }

    /// ResNeXt with 50 layers, 32 groups of 4 features.
    #[must_use]
    pub fn resnext50_32x4d(classes: usize) -> Self {
        Self::resnet50(classes).with_groups(32, 4)
    }

    /// ResNeXt with 101 layers, 32 groups of 8 features.
    #[must_use]
    pub fn resnext101_32x8d(classes: usize) -> Self {
        Self::resnet101(classes).with_groups(32, 8)
    }

    /// ResNeXt with 101 layers, 64 groups of 4 features.
    #[must_use]
    pub fn resnext101_64x4d(classes: usize) -> Self {
        Self::resnet101(classes).with_groups(64, 4)
    }

    /// The network as MONAI has it by default: a first convolution that does not stride, and biased shortcuts.
    #[must_use]
    pub fn monai(self, spatial_dims: usize) -> Self {
        Self {
            stem_stride: vec![1; spatial_dims],
            shortcut: ResNetShortcut::BiasedProjection,
            ..self.with_spatial_dims(spatial_dims)
        }
    }

    /// The network for volumes of one channel to which MedicalNet has weights, all but `fc`: 18 and 34 layers have shortcuts
    /// of type A, the others of type B without bias.
    #[must_use]
    pub fn medical_net(self) -> Self {
        let deep_basic = self.block == ResNetBlock::Basic && self.blocks != [1; 4];
        Self {
            in_channels: 1,
            shortcut: if deep_basic {
                ResNetShortcut::ZeroPadding
            } else {
                ResNetShortcut::Projection
            },
            ..self.with_spatial_dims(3)
        }
    }

    /// The network for small images (CIFAR): a first convolution of size 3 that does not stride, and no pooling.
    #[must_use]
    pub fn small_images(self) -> Self {
        Self {
            stem_kernel: vec![3; self.spatial_dims],
            stem_stride: vec![1; self.spatial_dims],
            stem_pool: false,
            ..self
        }
    }

    /// Sets the number of spatial axes; kernel and stride of the stem are then those of the first axis along all.
    #[must_use]
    pub fn with_spatial_dims(self, spatial_dims: usize) -> Self {
        let along_all =
            |of_axes: &[usize]| vec![of_axes.first().copied().unwrap_or(1); spatial_dims];
        Self {
            spatial_dims,
            stem_kernel: along_all(&self.stem_kernel),
            stem_stride: along_all(&self.stem_stride),
            ..self
        }
    }

    /// Sets the channels of the image.
    #[must_use]
    pub fn with_in_channels(self, in_channels: usize) -> Self {
        Self {
            in_channels,
            ..self
        }
    }

    /// Sets the blocks of the four stages.
    #[must_use]
    pub fn with_blocks(self, blocks: [usize; 4]) -> Self {
        Self { blocks, ..self }
    }

    /// Sets the features of the four stages.
    #[must_use]
    pub fn with_features(self, features: [usize; 4]) -> Self {
        Self { features, ..self }
    }

    /// Sets groups and features per group of bottlenecks.
    #[must_use]
    pub fn with_groups(self, groups: usize, width_per_group: usize) -> Self {
        Self {
            groups,
            width_per_group,
            ..self
        }
    }

    /// Sets kernel and stride of the first convolution.
    #[must_use]
    pub fn with_stem<const D: usize>(self, kernel: [usize; D], stride: [usize; D]) -> Self {
        Self {
            stem_kernel: kernel.to_vec(),
            stem_stride: stride.to_vec(),
            ..self
        }
    }

    /// Sets whether max pooling follows the first convolution.
    #[must_use]
    pub fn with_stem_pool(self, stem_pool: bool) -> Self {
        Self { stem_pool, ..self }
    }

    /// Sets what stands beside a block that changes the shape.
    #[must_use]
    pub fn with_shortcut(self, shortcut: ResNetShortcut) -> Self {
        Self { shortcut, ..self }
    }

    /// Sets which of the last three stages dilate instead of striding, and whether their first block does.
    #[must_use]
    pub fn with_dilated(self, dilated: [bool; 3], first_block: bool) -> Self {
        Self {
            dilated,
            dilated_first_block: first_block,
            ..self
        }
    }

    /// Sets how the features of all places become the scores of the classes.
    #[must_use]
    pub fn with_pool(self, pool: ResNetPool) -> Self {
        Self { pool, ..self }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        let refuse =
            |setting, rule: &str, value: String| Err(Error::setting(NAME, setting, rule, value));
        check_one_to_three_axes(NAME, self.spatial_dims)?;
        check_positive(
            NAME,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
                ("groups", self.groups),
                ("width_per_group", self.width_per_group),
            ],
        )?;
        check_all_positive(
            NAME,
            &[("blocks", &self.blocks), ("features", &self.features)],
        )?;
        let axes = self.spatial_dims;
        check_kernel(NAME, "stem_kernel", &self.stem_kernel, axes)?;
        if self.stem_stride.len() != axes || self.stem_stride.contains(&0) {
            let value = format!("{:?}", self.stem_stride);
            return refuse("stem_stride", "one positive number an axis", value);
        }
        if self.block == ResNetBlock::Basic && (self.groups, self.width_per_group) != (1, 64) {
            let value = format!("{} of {}", self.groups, self.width_per_group);
            return refuse("groups", "1 of 64 features in basic blocks", value);
        }
        if self.block == ResNetBlock::Bottleneck
            && self.features.map(|f| self.width(f)).contains(&0)
        {
            let value = format!("{} for {:?}", self.width_per_group, self.features);
            return refuse("width_per_group", "such that a group has features", value);
        }
        if let ResNetPool::TopPlaces { share } = self.pool {
            if !(share > 0.0 && share <= 1.0) {
                return refuse("share", "over 0 and up to 1", share.to_string());
            }
            if self.out_channels < 2 {
                let value = self.out_channels.to_string();
                return refuse("out_channels", "at least 2, the first for absence", value);
            }
        }
        let shrinks = self.features.windows(2).any(|pair| pair[0] > pair[1]);
        if shrinks && self.shortcut == ResNetShortcut::ZeroPadding {
            let value = format!("{:?}", self.features);
            return refuse("features", "growing where shortcuts have no weights", value);
        }
        Ok(())
    }

    /// Features inside a bottleneck, torchvision's formula.
    pub(super) fn width(&self, features: usize) -> usize {
        features * self.width_per_group / 64 * self.groups
    }
}
