//! What the command line asks for, and what is taken where it says nothing.

use anyhow::{Result, ensure};
use mednn::candle_core::Device;
use mednn::optim::AdamWConfig;
use medtrain::StopFlag;

use super::cli::TrainArgs;
use super::data::Collection;
use super::learn::{Lesson, Objective};
use super::network::{Network, Preparation, SMALL_SIDE};

/// Pixels along a side of what the networks see.
pub(crate) fn side(args: &TrainArgs, collection: &Collection) -> Result<usize> {
    if let Some(side) = args.side {
        return Ok(side as usize);
    }
    let wanted = match (args.quick, &args.data) {
        (true, _) => 64,
        (false, None) => 96,
        (false, Some(_)) => 128,
    };
    let [height, width] = collection.radiographs[0].pixels.read()?.shape();
    Ok(wanted.min(height.max(width)))
}

/// The networks to train and compare.
pub(crate) fn networks(args: &TrainArgs, side: usize) -> Result<Vec<Network>> {
    let chosen = match &args.network[..] {
        [] if side <= SMALL_SIDE && args.weights.is_none() => vec![Network::Small],
        [] => vec![Network::Small, Network::Resnet18],
        [first, second, ..] if first == second => vec![*first],
        chosen => chosen.iter().take(2).copied().collect(),
    };
    if args.weights.is_some() {
        ensure!(
            chosen.contains(&Network::Resnet18),
            "--weights are for ResNet-18, which is not among the chosen networks"
        );
        ensure!(
            side > SMALL_SIDE,
            "--weights are for images of more than {SMALL_SIDE} pixels, not of {side}: for smaller ones ResNet-18 begins \
             with another layer; --side makes them larger"
        );
    }
    Ok(chosen)
}

/// How a network learns, by the command line.
pub(crate) fn lesson(args: &TrainArgs, network: Network, preparation: Preparation) -> Lesson<'_> {
    let is_pretrained = network == Network::Resnet18;
    Lesson {
        network,
        preparation,
        epochs: args.epochs.unwrap_or(if args.quick {
            3
        } else {
            network.epochs(preparation.side)
        }),
        batch: args
            .batch
            .map_or(if args.data.is_some() { 32 } else { 16 }, |batch| {
                batch as usize
            }),
        seed: args.seed,
        objective: args.loss.unwrap_or(match args.data {
            Some(_) => Objective::Weighted,
            None => Objective::Focal,
        }),
        optimizer: AdamWConfig {
            weight_decay: args.weight_decay,
            ..AdamWConfig::default()
        },
        data: &[],
        scanner: None,
        device: Device::Cpu,
        weights: args.weights.as_deref().filter(|_| is_pretrained),
        freeze: if is_pretrained { args.freeze.into() } else { 0 },
        folder: &args.out,
        resume: args.resume,
        stop: StopFlag::new(),
    }
}
