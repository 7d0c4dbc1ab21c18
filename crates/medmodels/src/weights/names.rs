//! Names that published files have for the tensors of our networks, as data.
//!
//! Most files need nothing: a network has the names of its reference library. What stands here is the rest: what training
//! programs put around a network, names that a library gave up, and tensors that stand in a file several times.

use mednn::params::NameMap;

/// Prefixes of `DataParallel`, `DistributedDataParallel` and `torch.compile`, which every file may have.
const WRAPPERS: &[(&str, &str)] = &[("module.**", "$1"), ("_orig_mod.**", "$1")];

/// nnU-Net's blocks hold their layers in a list too (a convolution, then dropout or not, then a normalisation), and the
/// decoder holds the encoder.
const NNUNET: &[(&str, &str)] = &[
    ("decoder.encoder.**", "encoder.$1"),
    ("**.all_modules.0.*", "$1.conv.$2"),
    ("**.all_modules.1.*", "$1.norm.$2"),
    ("**.all_modules.2.*", "$1.norm.$2"),
];

/// The levels of MONAI's DynUNet once more, each inside the one above.
const DYN_UNET: &str = "skip_layers";

/// The first DenseNets of torchvision.
const TORCHVISION_DENSENET: &[(&str, &str)] = &[
    ("**.denselayer*.norm.*.*", "$1.denselayer$2.norm$3.$4"),
    ("**.denselayer*.conv.*.*", "$1.denselayer$2.conv$3.$4"),
];

/// DINOv2's own files, where timm has another name.
const DINOV2: &[(&str, &str)] = &[("register_tokens", "reg_token")];

fn map(rules: &[(&str, &str)]) -> NameMap {
    rules.iter().copied().collect()
}

/// Takes off what training programs put around a network.
#[must_use]
pub fn wrappers() -> NameMap {
    map(WRAPPERS)
}

/// One name for each tensor of nnU-Net's networks; the file may hold each under several, equal to the bit.
#[must_use]
pub fn nnunet() -> NameMap {
    map(NNUNET)
}

/// Layers named `norm.1` become `norm1`, as torchvision has named them since.
#[must_use]
pub fn torchvision_densenet() -> NameMap {
    map(TORCHVISION_DENSENET)
}

/// One name for each tensor of MONAI's DynUNet, which holds its levels once in lists and once inside each other.
#[must_use]
pub fn monai_dyn_unet(levels: usize) -> NameMap {
    let last = levels.saturating_sub(1);
    let nested = (0..last).flat_map(|level| {
        let place = format!("{DYN_UNET}{}", ".next_layer".repeat(level));
        let down = match level {
            0 => "input_block.$1".to_owned(),
            _ => format!("downsamples.{}.$1", level - 1),
        };
        [
            (format!("{place}.downsample.**"), down),
            (
                format!("{place}.upsample.**"),
                format!("upsamples.{}.$1", last - 1 - level),
            ),
            (
                format!("{place}.super_head.**"),
                format!("deep_supervision_heads.{}.$1", level.saturating_sub(1)),
            ),
        ]
    });
    let deepest = format!("{DYN_UNET}{}.**", ".next_layer".repeat(last));
    nested
        .chain([(deepest, "bottleneck.$1".to_owned())])
        .collect()
}

/// timm's names for what DINOv2's own files call otherwise.
#[must_use]
pub fn dinov2() -> NameMap {
    map(DINOV2)
}
