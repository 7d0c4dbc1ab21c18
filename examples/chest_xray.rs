//! Tells pneumonia on chest radiographs: from images to a report that a clinician can read and a bundle that can be used.
//!
//! ```text
//! cargo run --release --example chest_xray
//! cargo run --release --example chest_xray -- --data chest_xray --weights resnet18.safetensors --freeze 2
//! cargo run --release --example chest_xray -- --data pneumoniamnist.npz --seed 1
//! cargo run --release --example chest_xray -- predict --bundle chest_xray_out/bundle --image scan.dcm
//! cargo run --release --example chest_xray --features mednn/cuda -- --device cuda
//! ```
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program")]
#![cfg_attr(test, allow(clippy::unwrap_used, reason = "a test fails by panicking"))]

#[path = "chest_xray/mod.rs"]
mod app;
#[path = "common/device.rs"]
mod device;

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser as _;

/// Fresh memory is the slowest thing in a network; this allocator hands used memory out again.
#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

fn main() -> ExitCode {
    match start(&app::cli::Cli::parse()) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(failed) => {
            eprintln!("Images that could not be judged: {failed}.");
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn start(cli: &app::cli::Cli) -> Result<usize> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(cli.threads.unwrap_or(0));
    pool.build_global()?;
    let device = cli.device.open()?;
    match &cli.command {
        None => app::run::run(&cli.train, &device).map(|()| 0),
        Some(app::cli::Command::Predict(args)) => app::predict::predict(args, &device),
    }
}
