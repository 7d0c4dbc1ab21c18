//! The table alone: what patient data say without an image, beside which every network that joins is measured.

use mednn::context::Context;
use mednn::layers::{Linear, LinearConfig};
use mednn::model::{Inputs, Model, Outputs};
use mednn::ops;
use mednn::params::Params;
use serde::{Deserialize, Serialize};

use super::TABLE;
use super::columns::Columns;
use super::table::TableConfig;
use super::table_mlp::{TableMlp, TableMlpConfig};
use crate::blocks::Features;
use crate::check::check_positive;
use crate::error::Result;

/// What it is called in messages.
const NAME: &str = "TableNetwork";

/// Settings of [`TableNetwork`].
///
/// ```
/// use medmodels::fusion::table::{NumericColumn, Record, TableConfig, TableEncoder};
/// use medmodels::fusion::{self, TableMlpConfig, TableNetworkConfig};
/// use mednn::candle_core::Device;
/// use mednn::{Context, Inputs, Model, Params};
///
/// let table = TableConfig::new().with(NumericColumn::new("age", 58.0, 12.0).with_unit("years"));
/// let config = TableNetworkConfig::new(table, 5).with_mlp(TableMlpConfig::new(&[16]));
/// let network = fusion::create_table(&config, &Params::new(1))?;
/// let encoder = TableEncoder::new(config.table)?;
/// let rows = encoder.rows(&[Record::new().with("age", 61.0)], &Device::Cpu)?;
/// let inputs = Inputs::default().with(fusion::TABLE, rows);
/// assert_eq!(network.forward(&inputs, &Context::evaluate())?.logits.dims(), [1, 5]);
/// # Ok::<(), medmodels::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct TableNetworkConfig {
    /// The columns of the table.
    pub table: TableConfig,
    /// Hidden layers; none makes a logistic regression of it.
    #[serde(default)]
    pub mlp: Option<TableMlpConfig>,
    /// Classes.
    pub out_channels: usize,
}

impl TableNetworkConfig {
    /// The network's name.
    pub const NAME: &'static str = NAME;

    /// A logistic regression of so many classes.
    #[must_use]
    pub fn new(table: TableConfig, classes: usize) -> Self {
        Self {
            table,
            mlp: None,
            out_channels: classes,
        }
    }

    /// Sets hidden layers.
    #[must_use]
    pub fn with_mlp(self, mlp: TableMlpConfig) -> Self {
        Self {
            mlp: Some(mlp),
            ..self
        }
    }

    /// Says whether such a network exists.
    ///
    /// # Errors
    /// Names the first setting out of range.
    pub fn check(&self) -> Result<()> {
        self.table.check()?;
        self.mlp.as_ref().map_or(Ok(()), TableMlpConfig::check)?;
        check_positive(NAME, &[("out_channels", self.out_channels)])
    }
}

/// A classifier of patient data without an image: hidden layers as the table's side of [`Fusion`](super::Fusion) has them,
/// or none, and a head.
#[derive(Debug)]
pub struct TableNetwork {
    config: TableNetworkConfig,
    params: Params,
    columns: Columns,
    mlp: Option<TableMlp>,
    head: Linear,
}

impl TableNetwork {
    /// A network with new parameters in `params`.
    ///
    /// # Errors
    /// Refuses settings out of range and names that are taken.
    pub fn new(config: &TableNetworkConfig, params: &Params) -> Result<Self> {
        config.check()?;
        let root = params.root();
        let entries = config.table.width();
        let mlp = config.mlp.as_ref();
        let mlp = mlp.map(|mlp| TableMlp::new(mlp, entries, &root.child("table")));
        let mlp = mlp.transpose()?;
        let features = mlp.as_ref().map_or(entries, TableMlp::features);
        let head = LinearConfig::new(features, config.out_channels);
        Ok(Self {
            columns: Columns::new(&config.table),
            head: Linear::new(&head, &root.child("head"))?,
            params: params.clone(),
            config: config.clone(),
            mlp,
        })
    }

    /// The settings it was built with.
    #[must_use]
    pub fn config(&self) -> &TableNetworkConfig {
        &self.config
    }
}

impl Model for TableNetwork {
    /// # Shapes
    /// - [`TABLE`]: `[batch, entries]`
    /// - logits: `[batch, out_channels]`
    /// - features: `table`, `[batch, features]`, what the head gets
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        let rows = inputs.get(TABLE)?;
        let batch = rows.dims().first().copied().unwrap_or(0);
        let columns = self.columns.split(rows, batch)?;
        let vector = match &self.mlp {
            Some(mlp) => mlp.forward(&columns, context)?,
            None => ops::concat(&columns.iter().collect::<Vec<_>>())?,
        };
        let mut shown = Features::of(context);
        shown.keep("table", &vector);
        let logits = self.head.forward(&vector, context)?;
        Ok(Outputs::new(logits).with_features(shown.into_map()))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

/// Builds a network of a table alone with new parameters in `params`.
///
/// # Errors
/// Refuses settings out of range and a store that already holds parameters of these names.
pub fn create_table(config: &TableNetworkConfig, params: &Params) -> Result<Box<dyn Model>> {
    Ok(Box::new(TableNetwork::new(config, params)?))
}
