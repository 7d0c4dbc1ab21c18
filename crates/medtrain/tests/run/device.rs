//! A run on a GPU is the run on the processor, up to rounding; checkpoints lead from one to the other.

use std::path::Path;
use std::time::Duration;

use mednn::candle_core::Device;
use mednn::loss::DiceCrossEntropy;
use medtrain::{RunRecord, TrainConfig, TrainSummary, Trainer};

use crate::support::{Tiny, batches, distance, sgd, values};

/// The device, where there is one.
fn gpu() -> Option<Device> {
    match mednn::DeviceName::Cuda(0).open() {
        Ok(device) => Some(device),
        Err(error) => {
            let required = std::env::var_os("MEDNN_REQUIRE_CUDA").is_some();
            assert!(!required, "{error}");
            #[allow(clippy::print_stderr, reason = "what was passed over must show")]
            {
                eprintln!("not tried: {error}");
            }
            None
        }
    }
}

fn train(
    folder: &Path,
    device: &Device,
    change: impl Fn(&mut TrainConfig),
) -> (Tiny, TrainSummary) {
    let network = Tiny::on(device, 3);
    let mut optimizer = sgd(&network);
    let mut config = TrainConfig::new(folder, 3);
    config.ema_decay = Some(0.9);
    config.clip_norm = Some(1.0);
    change(&mut config);
    let loss = DiceCrossEntropy::nnunet(false);
    let summary = Trainer::new(&network, &loss, &mut optimizer, config)
        .run(&batches(None))
        .unwrap();
    (network, summary)
}

fn assert_same(got: &(Tiny, TrainSummary), expected: &(Tiny, TrainSummary)) {
    for (got, expected) in got.1.history.iter().zip(&expected.1.history) {
        let (got, expected) = (got.train_loss, expected.train_loss);
        assert!((got - expected).abs() < 1e-4, "{got} for {expected}");
    }
    for name in ["first.weight", "first.bias", "second.weight", "second.bias"] {
        let apart = distance(&values(&got.0, name), &values(&expected.0, name));
        assert!(apart < 1e-4, "{name}: {apart}");
    }
}

#[test]
fn as_on_the_processor() {
    let Some(gpu) = gpu() else { return };
    let folders = [0; 2].map(|_| tempfile::tempdir().unwrap());
    let here = train(folders[0].path(), &Device::Cpu, |_| {});
    let there = train(folders[1].path(), &gpu, |_| {});
    assert_eq!(there.1.history.len(), 3);
    assert_same(&there, &here);
}

#[test]
fn begun_on_one_and_ended_on_the_other() {
    let Some(gpu) = gpu() else { return };
    let folders = [0; 3].map(|_| tempfile::tempdir().unwrap());
    let expected = train(folders[0].path(), &Device::Cpu, |_| {});
    for (folder, devices) in folders[1..]
        .iter()
        .zip([[&gpu, &Device::Cpu], [&Device::Cpu, &gpu]])
    {
        let begun = train(folder.path(), devices[0], |config| {
            config.time_limit = Some(Duration::ZERO);
        });
        assert_eq!(begun.1.history.len(), 0);
        let ended = train(folder.path(), devices[1], |config| config.resume = true);
        assert_eq!((ended.1.first_epoch, ended.1.first_step), (0, 1));
        assert_same(&ended, &expected);
        let sessions = RunRecord::read(folder.path()).unwrap().sessions;
        let named = sessions.iter().map(|session| session.device.as_deref());
        let name = |device: &Device| if device.is_cpu() { "cpu" } else { "cuda:0" };
        assert!(named.eq(devices.map(|device| Some(name(device)))));
    }
}
