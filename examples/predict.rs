//! Any network of the registry on an image: classes, labels or boxes; its speed; and its ONNX file.
//!
//! ```text
//! cargo run --release --example predict -- --list
//! cargo run --release --example predict -- --model resnet18 --weights resnet18-f37072fd.pth --image photo.jpg
//! cargo run --release --example predict -- --model segresnet --classes 8 --weights organs.pt --image scan.nii.gz
//! cargo run --release --example predict -- --weights nnUNetTrainer__nnUNetPlans__3d_fullres --image scan.nii.gz
//! cargo run --release --example predict -- --model vgg16 --latency
//! cargo run --release --example predict -- --model yolov8n --onnx yolov8n.onnx
//! cargo run --release --example predict --features mednn/cuda -- --device cuda --model vgg16 --weights vgg16.pth --image a.png
//! ```
#![allow(clippy::print_stdout, reason = "a program for people")]

#[path = "predict/detect.rs"]
mod detect;
#[path = "common/device.rs"]
mod device;
#[path = "predict/folder.rs"]
mod folder;
#[path = "predict/image.rs"]
mod image;
#[path = "predict/latency.rs"]
mod latency;
#[path = "predict/result.rs"]
mod result;

use std::fmt::Write as _;
use std::io::{ErrorKind, Write as _};
use std::path::PathBuf;

use anyhow::{Context as _, Result, bail, ensure};
use clap::Parser;
use medinfer::{LabelRule, SegmenterConfig};
use medmodels::onnx::{Export, Metadata};
use medmodels::pretrained::{self, Picture, Store};
use medmodels::registry::{self, Entry, Request};
use medmodels::{ModelConfig, create, weights};
use mednn::candle_core::{DType, Device, Tensor};
use mednn::model::{Inputs, Model};
use mednn::params::Params;

/// Fresh memory is slow; this allocator hands used memory out again.
#[global_allocator]
static ALLOCATOR: medcore::Allocator = medcore::Allocator;

/// Runs a network on an image and says what it makes of it.
///
/// Exits with 1 and a report if weights do not fit the network.
#[derive(Parser)]
struct Cli {
    /// Lists networks and published weights, and ends.
    #[arg(long)]
    list: bool,
    /// The network, by its name in the list.
    #[arg(long, required_unless_present_any = ["list", "pretrained", "weights"])]
    model: Option<String>,
    /// A file of weights: safetensors, or a PyTorch checkpoint. Or a folder of nnU-Net or a bundle of MONAI, which say
    /// themselves which network it is.
    #[arg(long, conflicts_with = "pretrained")]
    weights: Option<PathBuf>,
    /// Published weights by tag; their file lies in $MEDMODELS_HOME or ~/.cache/medmodels.
    #[arg(long, conflicts_with = "model")]
    pretrained: Option<String>,
    /// The image: any format that is read, or a folder of DICOM files.
    #[arg(long)]
    image: Option<PathBuf>,
    /// Spatial axes, where the network exists in several.
    #[arg(long)]
    dims: Option<usize>,
    /// Channels of the image, if not as published.
    #[arg(long)]
    channels: Option<usize>,
    /// Classes, if not as published.
    #[arg(long)]
    classes: Option<usize>,
    /// Names of the classes, one a line.
    #[arg(long)]
    labels: Option<PathBuf>,
    /// Voxels along each axis of the network's input, if not the usual.
    #[arg(long)]
    size: Option<usize>,
    /// Where labels and pictures go.
    #[arg(long, default_value = "predicted")]
    out: PathBuf,
    /// Measures the forward pass on the processor.
    #[arg(long)]
    latency: bool,
    /// Writes the network as an ONNX file.
    #[arg(long)]
    onnx: Option<PathBuf>,
    #[command(flatten)]
    device: device::DeviceArgs,
}

/// A network and what is known of it.
struct Loaded {
    config: ModelConfig,
    network: Box<dyn Model>,
    /// The names of its outputs, none where they are not known.
    labels: Vec<String>,
    /// How logits become labels.
    rule: LabelRule,
    /// How pictures are prepared, where the weights' publisher says so.
    picture: Option<Picture>,
    /// How scans are prepared and seen, where a folder says so.
    described: Option<SegmenterConfig>,
    /// Voxels along each axis of the usual input.
    extents: Vec<usize>,
}

fn main() -> Result<()> {
    let cli = Cli::parse();
    if cli.list {
        return list();
    }
    let device = cli.device.open()?;
    let measured = device.is_cpu() || !cli.latency;
    ensure!(measured, "--latency measures the processor, not --device");
    let loaded = cli.load()?;
    if let Some(path) = &cli.onnx {
        loaded.export(path)?;
    }
    if cli.latency {
        latency::measure(&*loaded.network, &loaded.noise()?)?;
    }
    match &cli.image {
        Some(path) => result::predict(&loaded.on(&device)?, &image::read(path)?, &cli.out),
        None if cli.latency || cli.onnx.is_some() => Ok(()),
        None => bail!("nothing to do: give --image, --latency or --onnx"),
    }
}

/// The list, as far as somebody reads it.
fn list() -> Result<()> {
    match listed().and_then(|text| Ok(std::io::stdout().write_all(text.as_bytes())?)) {
        Err(error)
            if error
                .downcast_ref::<std::io::Error>()
                .is_some_and(|e| e.kind() == ErrorKind::BrokenPipe) =>
        {
            Ok(())
        }
        result => result,
    }
}

fn listed() -> Result<String> {
    let mut text = String::new();
    writeln!(
        text,
        "network                    axes   channels  classes  parameters  task, names of"
    )?;
    for entry in registry::entries() {
        let axes: Vec<String> = entry.images.iter().map(|i| i.0.to_string()).collect();
        writeln!(
            text,
            "{:<26} {:<6} {:>8} {:>8} {:>9.2} M  {:?}, {}",
            entry.name,
            axes.join(" "),
            entry.in_channels,
            entry.out_channels,
            entry.parameters as f64 / 1e6,
            entry.task,
            entry.reference,
        )?;
    }
    writeln!(text, "\nweights                          file, licence")?;
    for manifest in pretrained::manifests() {
        writeln!(
            text,
            "{:<32} {}, {}",
            manifest.tag, manifest.file, manifest.licence
        )?;
    }
    Ok(text)
}

impl Cli {
    fn request(&self) -> Request {
        let mut request = Request::new();
        if let Some(dims) = self.dims {
            request = request.with_spatial_dims(dims);
        }
        if let Some(channels) = self.channels {
            request = request.with_in_channels(channels);
        }
        if let Some(classes) = self.classes {
            request = request.with_out_channels(classes);
        }
        request
    }

    fn load(&self) -> Result<Loaded> {
        let mut loaded = match (&self.pretrained, &self.model, &self.weights) {
            (Some(tag), ..) => self.published(tag)?,
            (None, Some(name), _) => self.own(registry::find(name)?)?,
            (None, None, Some(path)) if path.is_dir() => {
                let given = [self.dims, self.channels, self.classes];
                ensure!(
                    given == [None; 3],
                    "{} says itself which network it is: --dims, --channels and --classes do not go with it",
                    path.display()
                );
                folder::load(path)?
            }
            (None, None, _) => bail!("give --model, --pretrained or --weights with a folder"),
        };
        if let Some(path) = &self.labels {
            let text = std::fs::read_to_string(path).with_context(|| path.display().to_string())?;
            loaded.labels = text.lines().map(str::to_owned).collect();
            let (named, classes) = (loaded.labels.len(), loaded.config.out_channels());
            ensure!(
                named == classes,
                "{named} names in {} for {classes} classes",
                path.display()
            );
        }
        if let Some(size) = self.size {
            loaded.extents.fill(size);
        }
        Ok(loaded)
    }

    /// The network of published weights.
    fn published(&self, tag: &str) -> Result<Loaded> {
        let manifest = pretrained::manifest(tag)?;
        let store = Store::of_user().context("no home directory: set MEDMODELS_HOME")?;
        let found = store.network(&manifest, &self.request(), 7)?;
        println!("{tag}: {}; {}", found.report, manifest.licence);
        let extents = extents(manifest.entry()?, &found.config);
        Ok(Loaded {
            config: found.config,
            network: found.network,
            labels: manifest.labels,
            rule: LabelRule::Argmax,
            picture: manifest.picture,
            described: None,
            extents,
        })
    }

    /// A network with weights of a file, or new.
    fn own(&self, entry: &Entry) -> Result<Loaded> {
        let config = entry.config(&self.request())?;
        let params = match &self.weights {
            Some(_) => Params::new(7).zeroed(),
            None => Params::new(7),
        };
        let network = create(&config, &params)?;
        match &self.weights {
            Some(path) => {
                let report = weights::read(path)?.load_into(&params, &config.load_policy())?;
                println!("{}: {report}", path.display());
            }
            None => println!(
                "{}: new weights, what it says of an image means nothing",
                entry.name
            ),
        }
        Ok(Loaded {
            network,
            labels: Vec::new(),
            rule: LabelRule::Argmax,
            picture: None,
            described: None,
            extents: extents(entry, &config),
            config,
        })
    }
}

/// The usual voxels along each axis.
fn extents(entry: &Entry, config: &ModelConfig) -> Vec<usize> {
    let axes = config.spatial_dims();
    vec![entry.extent(axes).unwrap_or_default(); axes]
}

impl Loaded {
    /// The same with the network on a device.
    fn on(self, device: &Device) -> Result<Self> {
        if device.is_cpu() {
            return Ok(self);
        }
        let params = Params::on_device(0, device).zeroed();
        let network = create(&self.config, &params)?;
        params.copy_from(self.network.params())?;
        Ok(Self { network, ..self })
    }

    /// The name of an output.
    fn label(&self, class: usize) -> String {
        self.labels
            .get(class)
            .cloned()
            .unwrap_or_else(|| format!("class {class}"))
    }

    /// The name of a value of a label map: of the class, or of the region that paints it.
    fn value(&self, value: usize) -> String {
        match folder::output_of(&self.rule, value) {
            Some(output) => self.label(output),
            None if value == 0 => "background".to_owned(),
            None => format!("value {value}"),
        }
    }

    /// Voxels along each axis of the network's input, a multiple of what it divides by.
    fn shape(&self) -> Vec<usize> {
        let divisors = self.config.divisor();
        { self.extents.iter().zip(divisors) }
            .map(|(extent, divisor)| extent.next_multiple_of(divisor.max(1)))
            .collect()
    }

    /// An image of noise of the usual size.
    fn noise(&self) -> Result<Inputs> {
        let shape = [vec![1, self.config.in_channels()], self.shape()].concat();
        let image = Tensor::randn(0f32, 1f32, shape, &Device::Cpu)?;
        Ok(image.into())
    }

    fn export(&self, path: &std::path::Path) -> Result<()> {
        let shape = [vec![1, self.config.in_channels()], self.shape()].concat();
        let inputs = Tensor::zeros(shape, DType::F32, &Device::Cpu)?.into();
        let metadata = Metadata::new().with_labels(self.labels.iter().cloned());
        let model = Export::new(&*self.network, &inputs)
            .with_dynamic_batch(true)
            .with_metadata(metadata)
            .build()?;
        model.write(path)?;
        println!(
            "{}: {:.1} MB",
            path.display(),
            model.byte_len() as f64 / 1e6
        );
        Ok(())
    }
}
