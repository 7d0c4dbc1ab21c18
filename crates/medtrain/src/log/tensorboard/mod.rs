//! Event files of TensorBoard: curves, pictures, histograms, texts and settings.
//!
//! [`TensorBoard`] watches a run; its clones write what the application has to show, from a validator say. [`EventWriter`] writes
//! events of any kind anywhere, and [`export`] makes them from the log of a run that has ended.
//!
//! A file is a list of records as TensorFlow writes them, each a message `Event` of `event.proto`.
//! [torch.utils.tensorboard](https://docs.pytorch.org/docs/stable/tensorboard.html) writes the same kinds of events.

mod frame;
mod histogram;
mod logger;
mod message;
mod writer;

pub use histogram::Histogram;
pub use logger::{TensorBoard, export};
pub use writer::{At, EventWriter};
