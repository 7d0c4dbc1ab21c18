//! Which vision transformers exist.

use super::choices::{Positions, PrefixPositions, ViTConvention};
use super::config::{NAME, ViTConfig};
use crate::blocks::FeedForward;
use crate::check::{check_axes, check_positive, check_probability};
use crate::error::{Error, Result};

impl ViTConfig {
    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        self.check_as(NAME)
    }

    /// As [`ViTConfig::check`], for a network of another name that contains this one.
    pub(crate) fn check_as(&self, name: &'static str) -> Result<()> {
        let refuse =
            |setting, rule: &str, value: String| Err(Error::setting(name, setting, rule, value));
        check_axes(name, self.spatial_dims)?;
        check_positive(
            name,
            &[
                ("in_channels", self.in_channels),
                ("out_channels", self.out_channels),
                ("features", self.features),
                ("mlp_features", self.mlp_features),
                ("depth", self.depth),
                ("heads", self.heads),
            ],
        )?;
        if !self.features.is_multiple_of(self.heads) {
            let value = format!("{} for {} features", self.heads, self.features);
            return refuse("heads", "a divisor of the features", value);
        }
        if self.patch_size.len() != self.spatial_dims || self.patch_size.contains(&0) {
            let value = format!("{:?}", self.patch_size);
            return refuse("patch_size", "one positive number an axis", value);
        }
        let mut axes = self.image_size.iter().zip(&self.patch_size);
        let fits = axes.all(|(&image, &patch)| image > 0 && image.is_multiple_of(patch));
        if self.image_size.len() != self.spatial_dims || !fits {
            let value = format!("{:?} for {:?}", self.image_size, self.patch_size);
            return refuse(
                "image_size",
                "a multiple of the patch along each axis",
                value,
            );
        }
        if self.positions == Positions::SinCos
            && !self.features.is_multiple_of(2 * self.spatial_dims)
        {
            let rule = "a multiple of twice the axes, for sines and cosines";
            return refuse("features", rule, self.features.to_string());
        }
        let gated = self.feed_forward != FeedForward::Gelu;
        let only_timm = self.distilled || self.registers > 0 || self.layer_scale.is_some() || gated;
        if only_timm && self.convention != ViTConvention::Timm {
            let rule =
                "timm's where there are registers, a distillation token, layer scale or gates";
            return refuse("convention", rule, format!("{:?}", self.convention));
        }
        let prefix = self.prefix_positions;
        if prefix != PrefixPositions::Absent && self.positions == Positions::SinCos {
            let rule = "absent where positions are sines and cosines";
            return refuse("prefix_positions", rule, format!("{prefix:?}"));
        }
        for (setting, probability) in [
            ("dropout", self.dropout),
            ("position_dropout", self.position_dropout.unwrap_or(0.0)),
            ("patch_dropout", self.patch_dropout),
            ("attention_dropout", self.attention_dropout),
            ("head_dropout", self.head_dropout),
            ("drop_path", self.drop_path),
        ] {
            check_probability(name, setting, probability)?;
        }
        Ok(())
    }
}
