//! The pixels of a radiograph, wherever they are, as a viewer shows them: bright bone on dark air.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::{Context as _, Result, ensure};
use medcore::{Image, LabelMap};
use medio::dicom::{self, Photometric, Tag};

/// Where pixels are.
#[derive(Debug, Clone)]
pub(crate) enum Pixels {
    Loaded(Image<f32, 2>),
    Picture(PathBuf),
    Dicom(PathBuf),
}

/// Where a finding is.
#[derive(Debug, Clone)]
pub(crate) enum Finding {
    /// Nobody has said.
    Unknown,
    /// Drawn pixel by pixel.
    Mask(LabelMap<u8, 2>),
    /// Boxes as shares of the image: left, top, right, bottom.
    Boxes(Vec<[f64; 4]>),
}

impl Finding {
    /// The finding on a grid of this shape that covers the whole image; none where it is not known or empty.
    pub(crate) fn mask(&self, [height, width]: [usize; 2]) -> Option<Vec<bool>> {
        let inside = |row: usize, column: usize| {
            let (y, x) = (
                (row as f64 + 0.5) / height as f64,
                (column as f64 + 0.5) / width as f64,
            );
            match self {
                Self::Unknown => false,
                Self::Mask(mask) => {
                    let [rows, columns] = mask.shape();
                    let at =
                        |share: f64, count: usize| ((share * count as f64) as usize).min(count - 1);
                    mask.as_slice()[at(y, rows) * columns + at(x, columns)] != 0
                }
                Self::Boxes(boxes) => {
                    let holds = |b: &[f64; 4]| b[0] <= x && x < b[2] && b[1] <= y && y < b[3];
                    boxes.iter().any(holds)
                }
            }
        };
        let mask: Vec<bool> = (0..height * width)
            .map(|i| inside(i / width, i % width))
            .collect();
        mask.contains(&true).then_some(mask)
    }
}

impl Pixels {
    pub(crate) fn read(&self) -> Result<Image<f32, 2>> {
        match self {
            Self::Loaded(image) => Ok(image.clone()),
            Self::Picture(path) => {
                let image = medio::read::<f32, 2>(path)?;
                grey(image).with_context(|| format!("{}", path.display()))
            }
            Self::Dicom(path) => dicom_pixels(path),
        }
    }

    /// Reads a file of either kind.
    pub(crate) fn of_file(path: PathBuf) -> Result<Self> {
        let start = || -> std::io::Result<Vec<u8>> {
            let mut start = Vec::new();
            std::fs::File::open(&path)?
                .take(132)
                .read_to_end(&mut start)?;
            Ok(start)
        };
        let start = start().with_context(|| format!("cannot read {}", path.display()))?;
        Ok(match start.get(128..132) == Some(b"DICM") {
            true => Self::Dicom(path),
            false => Self::Picture(path),
        })
    }
}

/// The mean of the colours; some archives keep grey pictures as RGB. A fourth channel is transparency.
fn grey(image: Image<f32, 2>) -> Result<Image<f32, 2>> {
    let (channels, geometry) = (image.channels(), *image.geometry());
    let colours = match channels {
        1 => return Ok(image),
        2 => 1,
        3 | 4 => 3,
        other => anyhow::bail!("{other} channels are no picture"),
    };
    let mut sum = vec![0.0; geometry.len()];
    for channel in 0..colours {
        for (sum, value) in sum.iter_mut().zip(image.channel(channel)) {
            *sum += value / colours as f32;
        }
    }
    Ok(Image::new(geometry, sum)?)
}

/// The first frame through its window; what `MONOCHROME1` or an inverse table says is turned round.
fn dicom_pixels(path: &std::path::Path) -> Result<Image<f32, 2>> {
    let file = dicom::open(path)?;
    let dataset = file.dataset();
    let text = |tag| dataset.string(tag).unwrap_or_default();
    ensure!(
        text(Tag::new(0x0008, 0x0068)) != "FOR PROCESSING",
        "{}: unprocessed detector values (Presentation Intent Type FOR PROCESSING), not an image to be read",
        path.display()
    );
    let photometric = file.image()?.photometric;
    if !photometric.is_monochrome() {
        return grey(medio::read::<f32, 2>(path)?).with_context(|| format!("{}", path.display()));
    }
    let image = file.frame::<f32>(0)?;
    let voi = file.voi(0)?;
    let mut image = match (voi.tables.first(), voi.windows.first()) {
        (Some((table, _)), _) => image.map(|v| f32::from(table.value(v.round() as i64))),
        (None, Some(window)) => image.map(|v| window.apply(f64::from(v)) as f32),
        (None, None) => image,
    };
    let shape = text(Tag::new(0x2050, 0x0020));
    if photometric == Photometric::Monochrome1 || shape == "INVERSE" {
        let most = image.as_slice().iter().copied().fold(f32::MIN, f32::max);
        image.as_mut_slice().iter_mut().for_each(|v| *v = most - *v);
    }
    Ok(image)
}
