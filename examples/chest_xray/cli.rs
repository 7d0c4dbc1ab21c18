//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, value_parser};

use super::learn::Objective;
use super::network::Network;
use super::predict::PredictArgs;
use crate::device::DeviceArgs;

/// Tells pneumonia on chest radiographs: trains networks, reports on them for clinicians, writes a bundle and uses it.
///
/// Without arguments it draws its own patients; with --data it learns from yours.
#[derive(Debug, Parser)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Exit codes: 0 done; 1 something failed, or an image could \
not be judged; 2 wrong arguments."
)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) train: TrainArgs,
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
    /// Threads for everything [default: all cores].
    #[arg(long, global = true)]
    pub(crate) threads: Option<usize>,
    #[command(flatten)]
    pub(crate) device: DeviceArgs,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Says what a bundle sees on radiographs.
    Predict(PredictArgs),
}

#[derive(Debug, Args)]
pub(crate) struct TrainArgs {
    /// Kaggle's chest_xray folder, ChestX-ray14, a folder of DICOM files with a table (RSNA Pneumonia), or an .npz of MedMNIST
    /// [default: generated patients].
    #[arg(long)]
    pub(crate) data: Option<PathBuf>,
    /// The finding to learn, where a table tells several.
    #[arg(long, default_value = "Pneumonia")]
    pub(crate) finding: String,
    /// Folder for results.
    #[arg(long, default_value = "chest_xray_out")]
    pub(crate) out: PathBuf,
    /// Networks to train and compare [default: both; on images of up to 48 pixels the small one].
    #[arg(long, value_enum, value_delimiter = ',')]
    pub(crate) network: Vec<Network>,
    /// Weights for ResNet-18 to begin with (.safetensors or .pth, of ImageNet for instance).
    #[arg(long)]
    pub(crate) weights: Option<PathBuf>,
    /// Parts of the ResNet-18 that keep the given weights: 1 the stem, 2 also layer1, and so on to 4.
    #[arg(long, default_value_t = 0, value_parser = value_parser!(u8).range(0..=4), requires = "weights")]
    pub(crate) freeze: u8,
    /// What is made small [default: focal, whose probabilities need their scaling; with --data weighted].
    #[arg(long, value_enum)]
    pub(crate) loss: Option<Objective>,
    /// Weight decay of the optimizer, AdamW.
    #[arg(long, default_value_t = 0.01)]
    pub(crate) weight_decay: f64,
    /// Epochs of each network [default: 24 and 8; on images of up to 48 pixels 14; with --quick 3].
    #[arg(long, value_parser = value_parser!(u32).range(1..))]
    pub(crate) epochs: Option<u32>,
    /// Pixels along each side of what the networks see [default: 96; that of the images where they are smaller; with files 128].
    #[arg(long, value_parser = value_parser!(u32).range(16..=1024))]
    pub(crate) side: Option<u32>,
    /// Images in a batch [default: 16; with --data 32].
    #[arg(long, value_parser = value_parser!(u32).range(2..))]
    pub(crate) batch: Option<u32>,
    /// Generated patients [default: 700; with --quick 80].
    #[arg(long, value_parser = value_parser!(u32).range(20..), conflicts_with = "data")]
    pub(crate) patients: Option<u32>,
    /// The layer whose Grad-CAM is measured and shown: an early one is finer, a late one knows more [default: the last].
    #[arg(long)]
    pub(crate) heat_layer: Option<String>,
    /// Decides everything random.
    #[arg(long, default_value_t = 7)]
    pub(crate) seed: u64,
    /// Goes on from the last checkpoints in --out.
    #[arg(long)]
    pub(crate) resume: bool,
    /// Does not read all files beforehand to look for the same pixels under other names.
    #[arg(long)]
    pub(crate) no_pixel_check: bool,
    /// A run of seconds that shows the program works, not what it can learn.
    #[arg(long)]
    pub(crate) quick: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_is_named_before_training_and_before_a_prediction() {
        let read = |words: &str| Cli::try_parse_from(words.split_whitespace());
        let predict = "chest_xray predict --bundle bundle --image a.png";
        for words in ["chest_xray --quick", predict] {
            let usual = read(words).unwrap().device.open().unwrap();
            assert!(usual.is_cpu(), "{words}");
            // No machine has as many: whatever the program was built for, it says which it does not get.
            let none = read(&format!("{words} --device cuda:4096")).unwrap();
            let refused = none.device.open().unwrap_err().to_string();
            assert!(refused.starts_with("cuda:4096: "), "{refused}");
        }
        for device in ["gpu", "cuda:", "cuda:-1"] {
            for words in ["chest_xray --quick", predict] {
                let refused = read(&format!("{words} --device {device}")).unwrap_err();
                assert_eq!(refused.exit_code(), 2);
                assert!(refused.to_string().contains("cuda:N"), "{refused}");
            }
        }
    }
}
