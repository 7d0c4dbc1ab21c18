//! `configs/metadata.json`: what a bundle is for, by whom, and what its network reads and gives.

use crate::bundles::place::Place;
use crate::bundles::value::Value;
use crate::error::Result;

/// What a bundle says of itself; what it does not say is absent.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct Metadata {
    /// Its name.
    pub name: Option<String>,
    /// Its version.
    pub version: Option<String>,
    /// The version of MONAI it is for.
    pub monai_version: Option<String>,
    /// The version of PyTorch it is for.
    pub pytorch_version: Option<String>,
    /// What the network does.
    pub task: Option<String>,
    /// The same in more words.
    pub description: Option<String>,
    /// Who made it.
    pub authors: Option<String>,
    /// Who has the rights; the licence itself is a file of the bundle.
    pub copyright: Option<String>,
    /// Where the training cases are from.
    pub data_source: Option<String>,
    /// What it may be used for.
    pub intended_use: Option<String>,
    /// Tensors that the network reads, by name, in order.
    pub inputs: Vec<(String, TensorFormat)>,
    /// Tensors that it gives.
    pub outputs: Vec<(String, TensorFormat)>,
    /// Other keys.
    pub others: Vec<String>,
}

/// A tensor that a network reads or gives.
#[derive(Debug, Clone, Default, PartialEq)]
#[non_exhaustive]
pub struct TensorFormat {
    /// `image`, `probability`, `labels` and the like.
    pub kind: Option<String>,
    /// `hounsfield`, `magnitude`, `segmentation` and the like.
    pub format: Option<String>,
    /// `CT`, `MR` and the like.
    pub modality: Option<String>,
    /// Its channels.
    pub channels: Option<usize>,
    /// Its extents, in the order of the network's axes.
    pub spatial_shape: Vec<Extent>,
    /// The type of its elements.
    pub dtype: Option<String>,
    /// Its smallest and largest value.
    pub value_range: Vec<f64>,
    /// Whether it is a window of a scan.
    pub patches: Option<bool>,
    /// What channels mean, by number.
    pub channel_def: Vec<(usize, String)>,
}

/// An extent of a tensor.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Extent {
    /// So many voxels.
    Fixed(usize),
    /// As many as this says of a free `n` or `p`: `16*n`, or `*` for any.
    Free(String),
}

const FORMAT: &str = "network_data_format";

impl Metadata {
    pub(super) fn read(file: &Place<'_>) -> Result<Self> {
        let text = |key: &str| match file.get(key)? {
            Some(place) => joined(&place).map(Some),
            None => Ok(None),
        };
        let read = [
            "name",
            "version",
            "monai_version",
            "pytorch_version",
            "task",
            "description",
            "authors",
            "copyright",
            "data_source",
            "intended_use",
            FORMAT,
        ];
        let others = file.entries()?.into_iter().map(|(key, _)| key);
        let others = others.filter(|key| !read.contains(key)).map(str::to_owned);
        let others = others.collect();
        let [mut inputs, mut outputs] = [Vec::new(), Vec::new()];
        if let Some(format) = file.get(FORMAT)? {
            inputs = tensors(&format, "inputs")?;
            outputs = tensors(&format, "outputs")?;
        }
        Ok(Self {
            name: text("name")?,
            version: text("version")?,
            monai_version: text("monai_version")?,
            pytorch_version: text("pytorch_version")?,
            task: text("task")?,
            description: text("description")?,
            authors: text("authors")?,
            copyright: text("copyright")?,
            data_source: text("data_source")?,
            intended_use: text("intended_use")?,
            inputs,
            outputs,
            others,
        })
    }
}

/// Text, or a list of texts.
fn joined(place: &Place<'_>) -> Result<String> {
    match place.value() {
        Value::List(_) => Ok(place.each(Place::text)?.join(", ")),
        _ => Ok(place.text()?.to_owned()),
    }
}

fn tensors(format: &Place<'_>, key: &str) -> Result<Vec<(String, TensorFormat)>> {
    let Some(tensors) = format.get(key)? else {
        return Ok(Vec::new());
    };
    let entries = tensors.entries()?.into_iter();
    let each = entries.map(|(name, place)| Ok((name.to_owned(), TensorFormat::read(&place)?)));
    each.collect()
}

impl TensorFormat {
    fn read(place: &Place<'_>) -> Result<Self> {
        let text = |key: &str| match place.get(key)? {
            Some(place) => joined(&place).map(Some),
            None => Ok(None),
        };
        let extents = match place.get("spatial_shape")? {
            Some(shape) => shape.each(|extent| match extent.value() {
                Value::Text(free) => Ok(Extent::Free(free.clone())),
                _ => extent.size().map(Extent::Fixed),
            })?,
            None => Vec::new(),
        };
        let mut channel_def = Vec::new();
        for (number, name) in match place.get("channel_def")? {
            Some(names) => names.entries()?,
            None => Vec::new(),
        } {
            let rule = || name.refuse("under the number of a channel");
            let number = number.parse().map_err(|_| rule())?;
            channel_def.push((number, name.text()?.to_owned()));
        }
        channel_def.sort();
        Ok(Self {
            kind: text("type")?,
            format: text("format")?,
            modality: text("modality")?,
            channels: place.get("num_channels")?.map(|p| p.size()).transpose()?,
            spatial_shape: extents,
            dtype: text("dtype")?,
            value_range: match place.get("value_range")? {
                Some(range) => range.each(Place::number)?,
                None => Vec::new(),
            },
            patches: place.get("is_patch_data")?.map(|p| p.flag()).transpose()?,
            channel_def,
        })
    }
}
