//! Networks as ONNX files (feature `onnx`), for ONNX Runtime, OpenVINO, TensorRT and whatever else reads them.
//!
//! [`Export`] records a forward pass ([`mednn::graph`]) and says each of its operators in ONNX, opset 20: those that include
//! a norm's activation become two nodes, attention becomes products and a softmax, a resize that ONNX has no mode for
//! becomes one matrix for each axis. What ONNX cannot say is an error that names the operator and the layer; nothing is
//! approximated in silence. Parameters are initialisers under their names, inputs have the names of [`Inputs`], outputs are
//! `logits`, `auxiliary.0` and so on, and `feature.` with the name of a feature. Indices that come out are i64.
//!
//! The same network gives the same bytes. Results are those of the eager pass up to rounding: ONNX Runtime runs every
//! network of this crate, and every operator, in the tests.
//!
//! ```
//! use medmodels::onnx::{Export, Metadata};
//! use medmodels::unet::UNetConfig;
//! use mednn::candle_core::{DType, Device, Tensor};
//! use mednn::params::Params;
//!
//! let network = medmodels::create(&UNetConfig::new_2d(1, 2, &[4, 8]).into(), &Params::new(1))?;
//! let image = Tensor::zeros((1, 1, 16, 16), DType::F32, &Device::Cpu)?;
//! let model = Export::new(&*network, &image.into())
//!     .with_dynamic_batch(true)
//!     .with_metadata(Metadata::new().with_labels(["background", "vessel"]))
//!     .build()?;
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("unet.onnx");
//! model.write(&path)?;
//! assert_eq!(std::fs::metadata(&path)?.len(), model.byte_len() as u64);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod batch;
mod builder;
mod fault;
mod lower;
mod metadata;
mod proto;

use std::path::Path;

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::graph::Graph;
use mednn::model::{Inputs, Model};

use crate::error::Result;
pub use fault::Fault;
pub use metadata::{Channel, Intensity, Metadata, Preprocessing};

/// The version of ONNX's operators that files are written for: the first with volumetric grid sampling and GELU.
pub const OPSET: i64 = 20;

/// The version of the file format that belongs to [`OPSET`].
pub const IR_VERSION: i64 = 9;

/// How a network is written.
#[derive(Clone)]
pub struct Export<'a> {
    network: &'a dyn Model,
    inputs: &'a Inputs,
    dynamic_batch: bool,
    context: Context,
    metadata: Metadata,
}

impl std::fmt::Debug for Export<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Export")
            .field("inputs", self.inputs)
            .field("dynamic_batch", &self.dynamic_batch)
            .field("metadata", &self.metadata)
            .finish_non_exhaustive()
    }
}

impl<'a> Export<'a> {
    /// The network as it evaluates these inputs; their shapes become those of the file.
    #[must_use]
    pub fn new(network: &'a dyn Model, inputs: &'a Inputs) -> Self {
        Self {
            network,
            inputs,
            dynamic_batch: false,
            context: Context::evaluate(),
            metadata: Metadata::default(),
        }
    }

    /// Makes the first axis of every input the batch, of any size, in place of that of the inputs given.
    ///
    /// The network then runs twice, on 2 and on 3 copies of the first item of the inputs.
    #[must_use]
    pub fn with_dynamic_batch(mut self, dynamic: bool) -> Self {
        self.dynamic_batch = dynamic;
        self
    }

    /// Adds intermediate features to the outputs, by name.
    #[must_use]
    pub fn with_features<S: Into<String>>(mut self, names: impl IntoIterator<Item = S>) -> Self {
        self.context = self.context.with_features(names);
        self
    }

    /// Says what the file says of the network besides the computation.
    #[must_use]
    pub fn with_metadata(mut self, metadata: Metadata) -> Self {
        self.metadata = metadata;
        self
    }

    /// Makes the file's contents.
    ///
    /// # Errors
    /// Those of the network and of its recording; [`Fault::Operator`] for what ONNX cannot say, and what does not follow the
    /// batch; [`Fault::Input`] for inputs that do not share a batch; [`Fault::TooLarge`] for 2 GiB and more.
    pub fn build(&self) -> Result<OnnxModel> {
        let (graph, dims) = if self.dynamic_batch {
            let record = |size| {
                let inputs = with_batch(self.inputs, size)?;
                Ok::<_, crate::Error>(Graph::record_with(self.network, &inputs, &self.context)?)
            };
            let [small, large] = batch::SIZES;
            let (small, large) = (record(small)?, record(large)?);
            let dims = batch::common(&small, &large)?;
            (small, dims)
        } else {
            let graph = Graph::record_with(self.network, self.inputs, &self.context)?;
            let dims = batch::fixed(&graph);
            (graph, dims)
        };
        let mut model = lower::lower(&graph, &dims, self.network.params())?;
        model.properties = self.metadata.entries()?;
        let bytes = model.byte_len();
        if i32::try_from(bytes).is_err() {
            return Err(Fault::TooLarge { bytes }.into());
        }
        Ok(OnnxModel { model, bytes })
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// Those of [`Export::build`], and [`Fault::Write`].
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        self.build()?.write(path)
    }
}

/// The first item of every input, as often as this.
fn with_batch(inputs: &Inputs, size: usize) -> Result<Inputs> {
    let mut batch = None;
    let mut repeated = Inputs::default();
    for (name, tensor) in inputs.iter() {
        let refused = |rule: String| Fault::Input {
            name: name.to_owned(),
            rule,
            got: tensor.dims().to_vec(),
        };
        match (tensor.dims().first(), batch) {
            (None | Some(0), _) => {
                return Err(refused("a batch as its first axis".to_owned()).into());
            }
            (Some(&items), Some(batch)) if items != batch => {
                return Err(
                    refused(format!("the batch of {batch} of the inputs before it")).into(),
                );
            }
            (Some(&items), _) => batch = Some(items),
        }
        let item = tensor.narrow(0, 0, 1).map_err(mednn::Error::from)?;
        let items = Tensor::cat(&vec![item; size], 0).map_err(mednn::Error::from)?;
        repeated = repeated.with(name, items);
    }
    Ok(repeated)
}

/// A network in ONNX.
#[derive(Debug, Clone)]
pub struct OnnxModel {
    model: proto::Model,
    bytes: usize,
}

impl OnnxModel {
    /// Bytes of the file.
    #[must_use]
    pub fn byte_len(&self) -> usize {
        self.bytes
    }

    /// The file's contents.
    ///
    /// # Errors
    /// When a parameter cannot be read from its device.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes = Vec::with_capacity(self.bytes);
        self.model
            .write(&mut bytes)
            .map_err(|error| mednn::Error::from(mednn::candle_core::Error::from(error)))?;
        Ok(bytes)
    }

    /// Writes the file, whole or not at all.
    ///
    /// # Errors
    /// [`Fault::Write`] with what the system says.
    pub fn write(&self, path: impl AsRef<Path>) -> Result<()> {
        medcore::atomic::write(path.as_ref(), |out| self.model.write(out)).map_err(Fault::from)?;
        Ok(())
    }
}
