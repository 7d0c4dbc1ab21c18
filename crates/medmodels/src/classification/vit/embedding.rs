//! From an image to tokens that know their place.

use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::layers::{Conv, ConvConfig, Dropout, DropoutUnit, Linear, LinearConfig, PatchDropout};
use mednn::ops::{self, Interpolation, Size};
use mednn::params::{Buffer, Init, Param, ParamPath};

use super::choices::{
    PatchEmbedding, PositionResampling, Positions, PrefixPositions, ViTConvention,
};
use super::config::ViTConfig;
use crate::blocks::{channels_first, channels_last, per_axis, with_zero_tokens};

/// Truncation at two as `trunc_normal_` has it, which is a hundred standard deviations of 0.02.
pub(super) const TRUNCATED: Init = Init::TruncatedNormal {
    std: 0.02,
    limit: 100.0,
};

/// Tokens in front of the patches, with their names and how they are drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Prefix {
    pub(crate) name: &'static str,
    pub(crate) tokens: usize,
    pub(crate) init: Init,
}

#[derive(Debug)]
enum Patches<const D: usize> {
    Convolution(Conv<D>),
    Perceptron { linear: Linear, patch: [usize; D] },
}

#[derive(Debug)]
enum Places {
    Learned(Param),
    Fixed(Buffer),
}

/// Patches as tokens, other tokens in front of them, positions added.
#[derive(Debug)]
pub(super) struct Embedding<const D: usize> {
    patches: Patches<D>,
    patch: [usize; D],
    prefix: Vec<Param>,
    /// Tokens in front of the patches.
    prefix_length: usize,
    places: Places,
    /// Of those tokens, how many the positions are for too.
    prefix_places: usize,
    /// Patches along each axis that the positions are for.
    grid: [usize; D],
    resampling: PositionResampling,
    dropout: Dropout,
    patch_dropout: PatchDropout,
}

impl<const D: usize> Embedding<D> {
    pub(super) fn new(
        config: &ViTConfig,
        prefix: &[Prefix],
        path: &ParamPath,
    ) -> mednn::Result<Self> {
        let features = config.features;
        let (patches_path, places_path, places_name) = match config.convention {
            ViTConvention::Timm => (
                path.child("patch_embed").child("proj"),
                path.clone(),
                "pos_embed",
            ),
            ViTConvention::Torchvision => (
                path.child("conv_proj"),
                path.child("encoder"),
                "pos_embedding",
            ),
            ViTConvention::Monai => {
                let path = path.child("patch_embedding");
                (path.child("patch_embeddings"), path, "position_embeddings")
            }
        };
        let patch: [usize; D] = per_axis(&config.patch_size);
        let image: [usize; D] = per_axis(&config.image_size);
        let grid: [usize; D] = std::array::from_fn(|axis| image[axis] / patch[axis]);
        let prefix_length: usize = prefix.iter().map(|p| p.tokens).sum();
        let prefix_places = match config.prefix_positions {
            PrefixPositions::All => prefix_length,
            PrefixPositions::ClassToken => prefix_length.min(1),
            PrefixPositions::Absent => 0,
        };
        let tokens = prefix_places + grid.iter().product::<usize>();
        let places = match config.positions {
            Positions::Learned => {
                let init = match config.convention {
                    ViTConvention::Torchvision => Init::Normal {
                        mean: 0.0,
                        std: 0.02,
                    },
                    _ => TRUNCATED,
                };
                Places::Learned(places_path.parameter(places_name, &[1, tokens, features], init)?)
            }
            Positions::SinCos => {
                let buffer = places_path.buffer(places_name, &[1, tokens, features], 0.0)?;
                let values = sines_and_cosines(&grid, features);
                let device = places_path.device();
                buffer.set(&Tensor::from_vec(values, (1, tokens, features), device)?)?;
                Places::Fixed(buffer)
            }
        };
        let token = |p: &Prefix| path.parameter(p.name, &[1, p.tokens, features], p.init);
        Ok(Self {
            patches: Patches::new(config, &patches_path)?,
            patch,
            prefix: prefix.iter().map(token).collect::<mednn::Result<_>>()?,
            prefix_length,
            places,
            prefix_places,
            grid,
            resampling: config.position_resampling,
            dropout: Dropout::new(
                config.position_dropout.unwrap_or(config.dropout),
                DropoutUnit::Element,
                &places_path.child("dropout"),
            )?,
            // timm's distilled networks drop their second class token among the patches; here it stays.
            patch_dropout: PatchDropout::new(
                config.patch_dropout,
                prefix_length,
                &path.child("patch_drop"),
            )?,
        })
    }

    /// # Shapes
    /// - image: `[batch, in_channels, depth, height, width]`
    /// - output: `[batch, tokens in front + patches, features]`, of the patches those that training leaves
    pub(super) fn forward(&self, image: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        let grid = std::array::from_fn(|axis| image.dims()[axis + 2] / self.patch[axis]);
        let mut tokens = self.patches.forward(image, context)?;
        if self.prefix_length > 0 {
            // What stands in front is the same for each image: nothing here, everything in the sum.
            tokens = with_zero_tokens(&tokens, (self.prefix_length, 0))?;
        }
        let tokens = ops::add(&tokens, &self.table(grid, context)?)?;
        let tokens = self.dropout.forward(&tokens, context)?;
        self.patch_dropout.forward(&tokens, context)
    }

    /// What is added to the tokens of every image: the tokens in front, and the positions.
    fn table(&self, grid: [usize; D], context: &Context) -> mednn::Result<Tensor> {
        let places = match &self.places {
            Places::Learned(param) => param.tensor(context),
            Places::Fixed(buffer) => buffer.tensor(),
        };
        let (of_prefix, of_grid) = match self.prefix_places {
            0 => (None, places),
            n => {
                let patches = places.dims()[1] - n;
                let of_prefix = ops::narrow(&places, 1, 0, n)?;
                (Some(of_prefix), ops::narrow(&places, 1, n, patches)?)
            }
        };
        let of_grid = self.resampled(of_grid, grid)?;
        let tokens: Vec<Tensor> = self.prefix.iter().map(|p| p.tensor(context)).collect();
        if tokens.is_empty() {
            return Ok(of_grid);
        }
        let mut front = ops::concat(&tokens.iter().collect::<Vec<_>>())?;
        if let Some(places) = of_prefix {
            let without = self.prefix_length - self.prefix_places;
            front = ops::add(&front, &with_zero_tokens(&places, (0, without))?)?;
        }
        ops::concat(&[&front, &of_grid])
    }

    /// The positions of a grid of this size, `[1, patches, features]`.
    fn resampled(&self, places: Tensor, grid: [usize; D]) -> mednn::Result<Tensor> {
        if grid == self.grid {
            return Ok(places);
        }
        let (size, interpolation) = match self.resampling {
            PositionResampling::Refuse => unreachable!("the size of the image was checked"),
            PositionResampling::AntialiasedCubic => {
                (Size::Voxels(grid), Interpolation::AntialiasedCubic)
            }
            PositionResampling::DinoV2 => {
                let factor = |axis| (grid[axis] as f64 + 0.1) / self.grid[axis] as f64;
                let cubic = Interpolation::Cubic {
                    align_corners: false,
                };
                (Size::Factor(std::array::from_fn(factor)), cubic)
            }
        };
        let features = places.dims()[2];
        let places = ops::reshape(&places, &[&[1], &self.grid[..], &[features]].concat())?;
        let places = channels_first(&places)?;
        let places = ops::resize(&places, size, interpolation)?;
        let places = channels_last(&places)?;
        ops::reshape(&places, &[1, grid.iter().product(), features])
    }
}

impl<const D: usize> Patches<D> {
    fn new(config: &ViTConfig, path: &ParamPath) -> mednn::Result<Self> {
        let patch: [usize; D] = per_axis(&config.patch_size);
        let inputs = config.in_channels * patch.iter().product::<usize>();
        Ok(match config.patch_embedding {
            PatchEmbedding::Convolution => {
                let mut conv =
                    ConvConfig::same(config.in_channels, config.features, patch).with_stride(patch);
                conv.geometry.padding = [(0, 0); D];
                if config.convention == ViTConvention::Torchvision {
                    let weight = Init::TruncatedNormal {
                        std: (1.0 / inputs as f64).sqrt(),
                        limit: 2.0 * (inputs as f64).sqrt(),
                    };
                    conv = conv.with_init(weight, Some(Init::ZEROS));
                }
                Self::Convolution(Conv::new(&conv, path)?)
            }
            PatchEmbedding::Perceptron => {
                let linear = LinearConfig::new(inputs, config.features)
                    .with_init(TRUNCATED, Some(Init::ZEROS));
                Self::Perceptron {
                    linear: Linear::new(&linear, &path.child(1))?,
                    patch,
                }
            }
        })
    }

    fn forward(&self, image: &Tensor, context: &Context) -> mednn::Result<Tensor> {
        match self {
            Self::Convolution(conv) => {
                let features = ops::flatten_from(&conv.forward(image, context)?, 2)?;
                ops::permute(&features, &[0, 2, 1])
            }
            Self::Perceptron { linear, patch } => {
                let patches = ops::patchify(image, *patch)?;
                let (batch, count, values) = patches.dims3()?;
                let channels = image.dims()[1];
                let split = ops::reshape(&patches, &[batch, count, channels, values / channels])?;
                let split = ops::permute(&split, &[0, 1, 3, 2])?;
                linear.forward(&ops::reshape(&split, &[batch, count, values])?, context)
            }
        }
    }
}

/// Sines and cosines of the places in a grid, wavelengths growing to 10000 times 2 pi; MONAI begins with the second axis.
fn sines_and_cosines(grid: &[usize], features: usize) -> Vec<f32> {
    let frequencies = features / (2 * grid.len());
    let mut values = Vec::with_capacity(grid.iter().product::<usize>() * features);
    for index in 0..grid.iter().product() {
        let place = |axis: usize| {
            let inner: usize = grid[axis + 1..].iter().product();
            (index / inner % grid[axis]) as f64
        };
        for axis in [1, 0].into_iter().chain(2..grid.len()) {
            let angle = |k: usize| place(axis) / 10_000_f64.powf(k as f64 / frequencies as f64);
            values.extend((0..frequencies).map(|k| angle(k).sin() as f32));
            values.extend((0..frequencies).map(|k| angle(k).cos() as f32));
        }
    }
    values
}
