//! How a picture becomes what a network was trained on.

use mednn::candle_core::Tensor;
use mednn::ops::{Interpolation, Size, resize};
use serde::{Deserialize, Serialize};

/// How a picture becomes what a network was trained on: torchvision's evaluation transform.
///
/// ```
/// use medmodels::pretrained::Picture;
/// use mednn::candle_core::{DType, Device, Tensor};
///
/// let picture = Tensor::zeros((3, 300, 400), DType::F32, &Device::Cpu)?;
/// let image = Picture::imagenet(256, 224).prepare(&picture)?;
/// assert_eq!(image.dims(), [1, 3, 224, 224]);
/// # Ok::<(), mednn::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Picture {
    /// Pixels of the shorter side after resizing.
    pub resize: usize,
    /// Pixels of the square that is then cut out of the middle.
    pub crop: usize,
    /// Whether resizing is bicubic; bilinear else, both with antialiasing.
    #[serde(default)]
    pub bicubic: bool,
    /// Means of the channels, of values from 0 to 1.
    pub mean: Vec<f32>,
    /// Standard deviations of the channels.
    pub std: Vec<f32>,
}

impl Picture {
    /// With the statistics of ImageNet's photographs, red, green and blue.
    #[must_use]
    pub fn imagenet(resize: usize, crop: usize) -> Self {
        Self {
            resize,
            crop,
            bicubic: false,
            mean: vec![0.485, 0.456, 0.406],
            std: vec![0.229, 0.224, 0.225],
        }
    }

    /// Resizes, crops and normalises a picture of values from 0 to 1.
    ///
    /// # Shapes
    /// - picture: `[channels, height, width]`, as many channels as means
    /// - output: `[1, channels, crop, crop]`
    ///
    /// # Errors
    /// Refuses other shapes, element types other than f32, and a crop larger than the resized picture.
    pub fn prepare(&self, picture: &Tensor) -> mednn::Result<Tensor> {
        let channels = self.mean.len();
        let refuse = |axis, rule: String| {
            Err(mednn::Error::Axis {
                op: "prepare",
                tensor: "the picture",
                axis,
                rule,
                got: picture.dims().to_vec(),
            })
        };
        let &[given, height, width] = picture.dims() else {
            return Err(mednn::Error::Rank {
                op: "prepare",
                tensor: "the picture",
                expected: "3".to_owned(),
                got: picture.dims().to_vec(),
            });
        };
        let short = height.min(width);
        if given != channels || self.std.len() != channels {
            return refuse(
                0,
                format!("{channels} channels long, as many as there are means"),
            );
        }
        if short == 0 {
            return refuse(1, "at least 1 long".to_owned());
        }
        let scaled = |side: usize| side * self.resize / short;
        let [rows, columns] = [scaled(height), scaled(width)];
        let interpolation = match self.bicubic {
            true => Interpolation::AntialiasedCubic,
            false => Interpolation::AntialiasedLinear,
        };
        let resized = resize(
            &picture.unsqueeze(0)?,
            Size::Voxels([rows, columns]),
            interpolation,
        )?;
        let cropped = resized
            .narrow(2, middle(rows, self.crop), self.crop)?
            .narrow(3, middle(columns, self.crop), self.crop)?;
        let statistic =
            |values: &[f32]| Tensor::from_slice(values, (1, channels, 1, 1), picture.device());
        let centred = cropped.broadcast_sub(&statistic(&self.mean)?)?;
        Ok(centred.broadcast_div(&statistic(&self.std)?)?)
    }
}

/// Where a part begins that lies in the middle; a half is rounded to the even number, as Python does.
fn middle(whole: usize, part: usize) -> usize {
    (whole.saturating_sub(part) as f64 / 2.0).round_ties_even() as usize
}
