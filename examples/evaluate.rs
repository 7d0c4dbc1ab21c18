//! Compares predictions with the truth: two folders of label maps, or two COCO files; writes a report.
//!
//! ```text
//! cargo run --release --example evaluate -- --truth labelsTs --prediction predicted
//! cargo run --release --example evaluate -- --truth t --prediction p --labels liver=1,spleen=2 --images i
//! cargo run --release --example evaluate -- --coco instances.json --detections boxes.json
//! cargo run --release --example evaluate -- --coco instances.json --detections masks.json --iou-type segm
//! ```
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people"
)]

#[path = "evaluate/app.rs"]
mod app;

use std::process::ExitCode;

use clap::Parser;

/// Fresh memory is slow; this allocator hands used memory out again.
#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

fn main() -> ExitCode {
    match app::run(&app::Cli::parse()) {
        Ok(outcome) => {
            println!("{}", outcome.text);
            for problem in &outcome.problems {
                eprintln!("  ! {problem}");
            }
            match outcome.problems.len() {
                0 => ExitCode::SUCCESS,
                n => {
                    eprintln!("Problems: {n}. What they concern is not in the numbers.");
                    ExitCode::FAILURE
                }
            }
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
