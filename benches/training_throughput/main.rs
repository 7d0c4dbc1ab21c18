//! How many samples a second does a whole training learn from: files on disk, preparation, augmentation, a network?
//!
//! ```text
//! cargo bench --bench training_throughput -- write FOLDER      generated scans and radiographs
//! cargo bench --bench training_throughput -- volumes FOLDER    a 3D U-Net on patches of the scans
//! cargo bench --bench training_throughput -- pictures FOLDER   ResNet-18 on the radiographs
//! ```
//!
//! `tools/bench/training_throughput.py` does the same with PyTorch and MONAI, step by step: the same files, the same
//! deterministic steps kept in memory, the same random ones, network, loss, optimizer and batch.
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program for people"
)]

mod pictures;
mod volumes;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use mednn::loss::Loss;
use mednn::optim::{Sgd, SgdConfig};
use mednn::{Model, Params};
use medtrain::{
    Batch, Heard, Observer, Prefetch, Sanity, Schedule, Source, StepReport, TrainConfig, Trainer,
};

#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

const RATE: f64 = 1e-3;

fn main() {
    let words: Vec<String> = std::env::args()
        .skip(1)
        .filter(|a| a != "--bench")
        .collect();
    match &words[..] {
        [word, folder] if word == "write" => {
            volumes::write(&Path::new(folder).join("volumes"));
            pictures::write(&Path::new(folder).join("pictures"));
        }
        [word, folder] if word == "volumes" => volumes::train(&Path::new(folder).join(word)),
        [word, folder] if word == "pictures" => pictures::train(&Path::new(folder).join(word)),
        _ => eprintln!("nothing measured: say write, volumes or pictures, and a folder"),
    }
}

/// When each step ended, how long it waited for data, and its samples.
struct Clock {
    started: Instant,
    steps: Vec<(f64, f64, usize)>,
}

impl Observer for Clock {
    fn step(&mut self, step: &StepReport) -> Heard {
        let at = self.started.elapsed().as_secs_f64();
        self.steps.push((at, step.data_wait_seconds, step.samples));
        Ok(())
    }
}

/// Trains for `epochs` and says how fast; the first epoch, which reads and prepares every case, is told apart.
fn train<S>(
    name: &str,
    network: &dyn Model,
    params: &Params,
    loss: &dyn Loss,
    source: S,
    epochs: u32,
) where
    S: Source<Item = Batch> + 'static,
{
    let folder = tempfile::tempdir().expect("a folder");
    let sgd = SgdConfig {
        momentum: 0.9,
        ..SgdConfig::default()
    };
    let mut optimizer = Sgd::new(params, sgd).expect("an optimizer");
    let mut config = TrainConfig::new(folder.path(), epochs);
    (config.learning_rate, config.schedule) = (RATE, Schedule::Constant);
    (config.clip_norm, config.sanity) = (None, Sanity::Skip);
    config.prefetch = Prefetch {
        threads: 1,
        ahead: 4,
    };
    let steps = source.steps_per_epoch() as usize;
    let mut clock = Clock {
        started: Instant::now(),
        steps: Vec::new(),
    };
    Trainer::new(network, loss, &mut optimizer, config)
        .with_observer(&mut clock)
        .run(&Arc::new(source))
        .expect("a run");
    let (first, rest) = clock.steps.split_at(steps);
    let (prepared, end) = (first[steps - 1].0, rest[rest.len() - 1].0);
    let samples: usize = rest.iter().map(|step| step.2).sum();
    let waited: f64 = rest.iter().map(|step| step.1).sum();
    println!(
        "{name}: {:.3} samples/s after the first epoch ({samples} in {:.1} s, {:.1} % of it waiting for data); \
         first epoch {prepared:.1} s",
        samples as f64 / (end - prepared),
        end - prepared,
        100.0 * waited / (end - prepared),
    );
}
