//! Images and patient data in one network: a backbone for the image, columns of a table, and one of four ways to join them.
//!
//! | way | what is joined | source |
//! | --- | --- | --- |
//! | [`ConcatenationConfig`] | the vectors of both sides, one behind the other, through a hidden layer | |
//! | [`GatedConfig`] | the vectors of both sides, mixed feature by feature by a gate that sees both | Arevalo et al. 2017 |
//! | [`FilmConfig`] | scale and shift of the last feature map, made of the table | Perez et al. 2018 |
//! | [`CrossAttentionConfig`] | columns as tokens that look at the image, with embeddings of texts among them | Gorishniy et al. 2021 |
//!
//! ```
//! use medmodels::fusion::table::{CategoricalColumn, NumericColumn, Record, TableConfig, TableEncoder};
//! use medmodels::fusion::{self, FilmConfig, FusionConfig};
//! use medmodels::resnet::ResNetConfig;
//! use mednn::candle_core::{DType, Device, Tensor};
//! use mednn::{Context, Inputs, Params};
//!
//! let table = TableConfig::new()
//!     .with(NumericColumn::new("age", 58.0, 12.0).with_unit("years"))
//!     .with(NumericColumn::new("hba1c", 7.4, 1.6).with_unit("%").optional())
//!     .with(CategoricalColumn::new("sex", ["f", "m"]));
//! let backbone = ResNetConfig::resnet10(1).with_features([4, 4, 8, 8]);
//! let config = FusionConfig::new(backbone, table, FilmConfig::new(), 5);
//! let network = fusion::create(&config, &Params::new(1))?;
//!
//! let encoder = TableEncoder::new(config.table)?;
//! let patient = Record::new().with("age", 61.0).with("sex", "f"); // nobody measured HbA1c
//! let rows = encoder.rows(&[patient], &Device::Cpu)?;
//! let fundus = Tensor::zeros((1, 3, 64, 64), DType::F32, &Device::Cpu).map_err(mednn::Error::from)?;
//! let inputs = Inputs::new(fundus).with(fusion::TABLE, rows);
//! let logits = network.forward(&inputs, &Context::evaluate())?.logits;
//! assert_eq!(logits.dims(), [1, 5]);
//! # Ok::<(), medmodels::Error>(())
//! ```
//!
//! A network that joins is a [`Model`](mednn::Model) as any other: its inputs have names, so the trainer, checkpoints, the
//! recorded graph and ONNX take it as it is. Its settings, [`FusionConfig`], are an
//! [`Architecture`](crate::Architecture) but no [`ModelConfig`](crate::ModelConfig): whatever takes one of those feeds its
//! network an image alone, and a network that needs a table is refused there by the compiler and not by its first patient.
//!
//! [`TableNetworkConfig`] is the table alone: what patient data say without an image.
//!
//! Names of parameters begin with their side: `image.` and behind it those of the classifier, so that its weights load
//! ([`FusionConfig::image_policy`]), `table.`, `tokens.`, `fusion.` and `head.`.

mod columns;
mod concatenation;
mod config;
mod cross_attention;
mod film;
mod gated;
mod image;
mod join;
mod network;
mod table_mlp;
mod table_network;
mod tokens;

pub mod table;

pub use concatenation::ConcatenationConfig;
pub use config::{FusionConfig, FusionKind, create};
pub use cross_attention::CrossAttentionConfig;
pub use film::FilmConfig;
pub use gated::GatedConfig;
pub use image::ImageConfig;
pub use network::Fusion;
pub use table_mlp::TableMlpConfig;
pub use table_network::{TableNetwork, TableNetworkConfig, create_table};
pub use tokens::TokenBatch;

/// The input of the rows of the table, `[batch, entries]`, which [`table::TableEncoder`] makes: finite, and 0 or 1 where an
/// entry says that something is missing.
pub const TABLE: &str = "table";

/// The input of embeddings of texts or records, `[batch, tokens, width]`, finite also where there is none.
pub const TOKENS: &str = "tokens";

/// The input that says which of those embeddings are none, `[batch, tokens]`: 1 where there is none, 0 where there is one.
/// Other values are not looked for, and mean nothing; [`TokenBatch`] gives no others.
pub const ABSENT_TOKENS: &str = "absent_tokens";

/// What all of these networks are called in messages.
const NAME: &str = "Fusion";
