//! The network: both sides, what joins them, a head.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Dropout, DropoutUnit, Linear, LinearConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::Params;

use super::columns::Columns;
use super::config::FusionConfig;
use super::image::ImageEncoder;
use super::join::{Join, Sides};
use super::tokens::Given;
use super::{NAME, TABLE};
use crate::blocks::{Features, check_input};
use crate::error::Result;

/// A classifier of images with patient data, for `D` spatial axes.
#[derive(Debug)]
pub struct Fusion<const D: usize> {
    config: FusionConfig,
    params: Params,
    image: ImageEncoder<D>,
    columns: Columns,
    join: Box<dyn Join>,
    dropout: Dropout,
    head: Linear,
}

impl<const D: usize> Fusion<D> {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range, another number of spatial axes and names that are taken.
    pub fn new(config: &FusionConfig, params: &Params) -> Result<Self> {
        config.check()?;
        let root = params.root();
        let image = ImageEncoder::new(&config.image, &root)?;
        let join = config
            .fusion
            .build(&config.table, image.channels(), &root)?;
        let path = root.child("head");
        Ok(Self {
            dropout: Dropout::new(config.dropout, DropoutUnit::Element, &path)?,
            head: Linear::new(
                &LinearConfig::new(join.features(), config.out_channels),
                &path,
            )?,
            columns: Columns::new(&config.table),
            params: params.clone(),
            config: config.clone(),
            image,
            join,
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &FusionConfig {
        &self.config
    }
}

impl<const D: usize> Model for Fusion<D> {
    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`
    /// - [`TABLE`]: `[batch, entries]`
    /// - [`TOKENS`](super::TOKENS): `[batch, tokens, width]` and [`ABSENT_TOKENS`](super::ABSENT_TOKENS):
    ///   `[batch, tokens]`, where the network reads tokens
    /// - logits: `[batch, out_channels]`
    /// - features: the levels of the backbone (`image.layer1`, `image.features.denseblock1` and on) or the blocks of the
    ///   transformer (`image.blocks.0` and on, `image.norm`); `fusion.gate`, `[batch, features]`, of a gated network;
    ///   `fusion.tokens`, `fusion.layers.0` and on, `[batch, tokens, features]`, of one that attends; `fusion`,
    ///   `[batch, features]`, what the head gets
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let image: &Tensor = inputs.image()?;
        check_input(NAME, image, self.config.image.in_channels(), D)?;
        let batch = image.dims()[0];
        let columns = self.columns.split(inputs.get(TABLE)?, batch)?;
        let tokens = Given::find(inputs, self.config.fusion.token_width(), batch)?;
        let mut shown = Features::of(context);
        let seen = self.image.forward(image, &mut shown, context)?;
        let sides = Sides {
            image: &seen,
            columns: &columns,
            tokens: tokens.as_ref(),
        };
        let joined = self.join.forward(&sides, &mut shown, context)?;
        shown.keep("fusion", &joined);
        let joined = self.dropout.forward(&joined, context)?;
        let logits = self.head.forward(&joined, context)?;
        Ok(Outputs::new(logits).with_features(shown.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}
