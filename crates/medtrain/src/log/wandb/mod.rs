//! Runs as files of Weights & Biases, for machines that reach no server: `wandb leet` shows them without any, and they are what
//! `wandb sync` sends from another one.
//!
//! [`export`] makes them of what a run leaves behind. A file is the one that W&B's own library keeps of a run without a connection:
//! a log as LevelDB writes it, of messages `Record` of `wandb_internal.proto`. The form is not promised by its makers.
//! `wandb leet inspect` of version 0.31.0 reads these files back (`tools/read_back/wandb_runs.py`); sending needs an account and was
//! not tried.

mod export;
mod frame;
mod message;

pub use export::export;
