//! The networks of the page, and the tests that compare each with its reference.

/// A network under the parameter names of one library.
pub(super) struct Network {
    /// Its name in `ModelConfig`.
    pub(super) name: &'static str,
    /// The library, as the registry names it.
    pub(super) reference: &'static str,
    /// What compares it with fixtures.
    pub(super) tests: &'static [fn()],
}

/// Networks: name and reference, then the module and its tests.
macro_rules! networks {
    ($($name:ident $reference:literal $module:ident: $($test:ident)*;)*) => {
        /// In the order of names.
        pub(super) const NETWORKS: &[Network] = &[$(Network {
            name: stringify!($name),
            reference: $reference,
            tests: &[$(crate::$module::$test),*],
        },)*];
    };
}

networks! {
    AttentionUnet "MONAI" attention_unet:
        outputs_features_gradients_and_running_statistics_are_those_of_monai_in_2d
        outputs_features_gradients_and_running_statistics_are_those_of_monai_in_3d;
    BasicUNet "MONAI" basic_unet:
        outputs_features_and_gradients_are_those_of_monai_in_2d
        outputs_features_and_gradients_are_those_of_monai_in_3d
        group_normalisation_is_that_of_monai
        batch_normalisation_and_its_running_statistics_are_those_of_monai;
    BasicUNetPlusPlus "MONAI" basic_unet_plus_plus:
        outputs_of_all_heads_features_and_gradients_are_those_of_monai_in_2d
        outputs_of_all_heads_features_and_gradients_are_those_of_monai_in_3d;
    ConvNeXt "torchvision" convnext:
        outputs_features_and_gradients_are_those_of_torchvision;
    ConvNeXt "timm" convnext:
        outputs_features_and_gradients_are_those_of_timm;
    DeepLabV3 "torchvision" deep_lab:
        outputs_features_gradients_and_running_statistics_are_those_of_torchvision;
    DeepLabV3Plus "segmentation_models_pytorch" deep_lab:
        outputs_features_and_gradients_are_those_of_segmentation_models
        a_stride_of_eight_is_that_of_segmentation_models;
    DenseNet "torchvision" densenet:
        outputs_features_and_gradients_are_those_of_torchvision;
    DenseNet "MONAI" densenet:
        outputs_features_and_gradients_are_those_of_monai;
    DynUNet "MONAI" dyn_unet:
        outputs_features_gradients_and_running_statistics_are_those_of_monai_in_2d
        residual_blocks_and_the_logits_of_lower_resolutions_are_those_of_monai_in_3d
        networks_with_group_normalisation_are_those_of_monai;
    EfficientNet "torchvision" efficientnet:
        outputs_features_and_gradients_are_those_of_torchvision;
    EfficientNet "timm" efficientnet:
        the_zeros_of_tensorflow_are_those_of_timm
        lite_is_that_of_timm;
    EfficientNet "MONAI" efficientnet:
        outputs_features_and_gradients_are_those_of_monai_in_1d
        the_zeros_of_monai_are_those_of_the_resolution_in_3d;
    FlexibleUNet "MONAI" flexible_unet:
        outputs_features_gradients_and_running_statistics_are_those_of_monai_in_2d
        outputs_features_and_gradients_are_those_of_monai_in_3d
        linear_upsampling_is_that_of_monai
        on_an_efficientnet_it_is_that_of_monai_in_2d
        on_an_efficientnet_it_is_that_of_monai_in_3d;
    Fusion "the papers' formulas" fusion:
        concatenation_is_that_of_the_formula
        the_gate_is_that_of_the_paper
        scale_and_shift_are_those_of_the_paper
        tokens_attend_as_in_pytorchs_decoder_layers
        tokens_attend_to_the_patches_of_a_transformer;
    MeshNet "MONAI" mesh_net:
        outputs_features_and_gradients_are_those_of_the_sequence_in_2d
        outputs_features_and_gradients_are_those_of_the_sequence_in_3d;
    MobileNetV3 "torchvision" mobilenet_v3:
        the_small_network_is_that_of_torchvision
        the_large_network_is_that_of_torchvision
        the_network_for_segmenters_is_that_of_torchvision;
    PlainConvUNet "nnU-Net" plain_conv_unet:
        outputs_features_and_gradients_are_those_of_nnunet_in_2d
        outputs_features_and_gradients_are_those_of_nnunet_in_3d;
    ResNet "torchvision" resnet:
        outputs_features_and_gradients_are_those_of_torchvision
        grouped_bottlenecks_are_those_of_torchvision
        scores_of_the_highest_places_are_those_of_torchvisions_features;
    ResNet "MONAI" resnet:
        outputs_features_and_gradients_are_those_of_monai_in_1d
        outputs_features_and_gradients_are_those_of_monai_in_3d;
    ResNet "MedicalNet" resnet:
        shortcuts_without_weights_are_those_of_medical_net;
    ResidualEncoderUNet "nnU-Net" res_enc_unet:
        outputs_features_and_gradients_are_those_of_nnunet_in_2d
        outputs_features_and_gradients_are_those_of_nnunet_in_3d;
    RetinaNet "MONAI" retinanet:
        outputs_features_gradients_and_names_are_those_of_monai;
    SENet "MONAI" senet:
        senet_154_is_that_of_monai
        se_resnet_is_that_of_monai_in_3d
        se_resnext_is_that_of_monai;
    SegFormer "transformers" segformer:
        outputs_features_and_gradients_are_those_of_transformers;
    SegResNet "MONAI" seg_resnet:
        outputs_features_and_gradients_are_those_of_monai_in_2d
        outputs_features_gradients_and_running_statistics_are_those_of_monai_in_3d;
    SegResNetDS "MONAI" seg_resnet_ds:
        outputs_features_and_gradients_are_those_of_monai_in_2d
        outputs_of_all_heads_gradients_and_running_statistics_are_those_of_monai_in_3d;
    SegResNetVAE "MONAI" seg_resnet_vae:
        outputs_the_loss_features_and_gradients_are_those_of_monai;
    SwinTransformer "torchvision" swin:
        outputs_features_and_gradients_are_those_of_torchvision
        the_second_version_is_that_of_torchvision;
    SwinTransformer "timm" swin:
        outputs_features_and_gradients_are_those_of_timm
        the_second_version_is_that_of_timm
        places_in_windows_of_another_size_than_before_are_those_of_timm;
    SwinUNETR "MONAI" swin_unetr:
        outputs_features_and_gradients_are_those_of_monai_in_2d
        outputs_features_and_gradients_are_those_of_monai_in_3d
        convolutions_in_front_of_stages_are_those_of_monai
        tokens_can_be_merged_in_storage_order
        tokens_can_be_merged_as_monai_did_before_version_1_5
        transformers_trained_without_labels_load_as_monai_loads_them;
    UNETR "MONAI" unetr:
        outputs_features_and_gradients_are_those_of_monai_in_2d
        outputs_features_and_gradients_are_those_of_monai_in_3d;
    UNet "MONAI" unet:
        outputs_features_and_gradients_are_those_of_monai_in_2d
        outputs_features_gradients_and_running_statistics_are_those_of_monai_in_3d
        without_residual_units_it_is_that_of_monai;
    VGG "torchvision" vgg:
        outputs_features_and_gradients_are_those_of_torchvision;
    VNet "MONAI" vnet:
        outputs_features_and_gradients_are_those_of_monai_in_2d
        outputs_features_and_gradients_are_those_of_monai_in_3d;
    ViT "timm" vit:
        positions_are_resampled_as_timm_does
        both_heads_of_deit_are_those_of_timm
        registers_and_layer_scale_are_those_of_timm
        positions_are_resampled_as_dinov2_does
        gates_between_linear_layers_are_those_of_timm;
    ViT "torchvision" vit:
        outputs_features_and_gradients_are_those_of_torchvision;
    ViT "MONAI" vit:
        outputs_features_and_gradients_are_those_of_monai;
    Yolo "ultralytics" yolo:
        outputs_features_and_gradients_are_those_of_ultralytics;
    Yolo "ultralytics, in 3D" yolo:
        in_volumes_the_blocks_are_the_same;
}
