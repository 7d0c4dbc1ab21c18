//! Where the networks of a program run, by its command line: one answer for all programs here.

use anyhow::Result;
use clap::Args;
use mednn::DeviceName;
use mednn::candle_core::Device;

#[derive(Debug, Args)]
pub(crate) struct DeviceArgs {
    /// Where networks run: cpu, or cuda or cuda:N in a program built with `--features mednn/cuda`.
    #[arg(long, global = true, default_value_t)]
    device: DeviceName,
}

impl DeviceArgs {
    /// The device; a program that was built for the processor alone says how to build the other.
    pub(crate) fn open(&self) -> Result<Device> {
        Ok(self.device.open()?)
    }
}
