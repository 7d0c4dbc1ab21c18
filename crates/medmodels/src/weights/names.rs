//! Names that published files have for the tensors of our networks, as data.
//!
//! Most files need nothing: a network has the names of its reference library. What stands here is the rest: what training
//! programs put around a network, names that a library gave up, and tensors that stand in a file several times.

use mednn::params::NameMap;

/// Prefixes of `DataParallel`, `DistributedDataParallel` and `torch.compile`, which every file may have, and of what holds a
/// network whose names begin with `model` as its own `model` (ultralytics' `YOLO`, MONAI's U-Net in a training module).
const WRAPPERS: &[(&str, &str)] = &[
    ("module.**", "$1"),
    ("_orig_mod.**", "$1"),
    ("model.model.**", "model.$1"),
    ("model.module.**", "$1"),
];

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

/// The transformers that MONAI's SwinUNETR is given before it is trained: those that learned to tell rotations and views
/// apart (Tang et al. 2022, `model_swinvit.pt`), and disruptive autoencoders (Valanarasu et al. 2023).
const MONAI_SWIN_VIT: &[(&str, &str)] = &[
    ("encoder.patch_embed.**", "swinViT.patch_embed.$1"),
    ("encoder.layers*.0.0.**", "swinViT.layers$1.0.$2"),
    ("patch_embed.**", "swinViT.patch_embed.$1"),
    (
        "layers*.0.blocks.*.mlp.fc*.*",
        "swinViT.layers$1.0.blocks.$2.mlp.linear$3.$4",
    ),
    ("layers*.**", "swinViT.layers$1.$2"),
];

/// DINOv2's own files, where timm has another name.
const DINOV2: &[(&str, &str)] = &[
    ("register_tokens", "reg_token"),
    ("blocks.*.mlp.w12.*", "blocks.$1.mlp.fc1.$2"),
    ("blocks.*.mlp.w3.*", "blocks.$1.mlp.fc2.$2"),
];

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

/// Names in MONAI's SwinUNETR for the tensors of the transformers that were trained without labels for it.
///
/// Such a file has nothing for the rest of the network, and a few tensors that only that training needed.
///
/// ```
/// use medmodels::weights::names;
/// use mednn::params::LoadPolicy;
///
/// let names = names::wrappers().then(names::monai_swin_vit());
/// assert_eq!(
///     names.apply("module.layers1.0.blocks.0.mlp.fc1.weight"),
///     "swinViT.layers1.0.blocks.0.mlp.linear1.weight"
/// );
/// let policy = LoadPolicy::strict()
///     .with_names(names)
///     .with_missing_allowed("encoder*.layer.**")
///     .with_missing_allowed("decoder*.**")
///     .with_missing_allowed("out.**")
///     .with_unexpected_allowed("encoder.**");
/// # let _ = policy;
/// ```
#[must_use]
pub fn monai_swin_vit() -> NameMap {
    map(MONAI_SWIN_VIT)
}

/// timm's names for what DINOv2's own files call otherwise.
#[must_use]
pub fn dinov2() -> NameMap {
    map(DINOV2)
}
