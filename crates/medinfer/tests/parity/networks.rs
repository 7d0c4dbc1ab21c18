//! Networks without weights, for tests.

use medcore::{Geometry, Image};
use mednn::candle_core::{Device, Tensor};
use mednn::context::Context;
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::Params;

type Forward = dyn Fn(&Tensor) -> mednn::candle_core::Result<Tensor> + Send + Sync;

/// A network made of one function over `[batch, channels, ...]`.
pub(crate) struct Function {
    forward: Box<Forward>,
    params: Params,
}

impl Function {
    pub(crate) fn new(
        forward: impl Fn(&Tensor) -> mednn::candle_core::Result<Tensor> + Send + Sync + 'static,
    ) -> Self {
        Self {
            forward: Box::new(forward),
            params: Params::new(0),
        }
    }

    /// Returns its input.
    pub(crate) fn identity() -> Self {
        Self::new(|image| Ok(image.clone()))
    }

    /// The network of `sliding_window.py`, which knows where in the window it is.
    pub(crate) fn ramp() -> Self {
        Self::new(|image| {
            let spatial = image.dims()[2..].to_vec();
            let mut ramp = Tensor::zeros(spatial.clone(), image.dtype(), &Device::Cpu)?;
            for (axis, &n) in spatial.iter().enumerate() {
                let mut shape = vec![1; spatial.len()];
                shape[axis] = n;
                let values: Vec<f32> = (0..n).map(|i| ((axis + 1) * i) as f32 / n as f32).collect();
                ramp = ramp.broadcast_add(&Tensor::from_vec(values, shape, &Device::Cpu)?)?;
            }
            let first = image.narrow(1, 0, 1)?;
            let last = image.narrow(1, image.dims()[1] - 1, 1)?;
            let second = first.broadcast_mul(&(&ramp - 1.0)?)?;
            let third = ramp.sqr()?.broadcast_sub(&last)?;
            Tensor::cat(&[&first, &second, &third], 1)
        })
    }
}

impl Model for Function {
    fn forward(&self, inputs: &Inputs, context: &Context) -> mednn::Result<Outputs> {
        assert!(!context.is_training());
        Ok(Outputs::new((self.forward)(inputs.image()?)?))
    }

    fn params(&self) -> &Params {
        &self.params
    }
}

/// Small whole numbers divided by 16, as in `sliding_window.py`.
pub(crate) fn image<const D: usize>(channels: usize, shape: [usize; D]) -> Image<f32, D> {
    let grid = Geometry::axis_aligned(shape, [1.0; D]).unwrap();
    let values: Vec<f32> = (0..channels * grid.len())
        .map(|i| ((i * 7919 + 13) % 101) as f32 / 16.0 - 3.0)
        .collect();
    Image::with_channels(channels, grid, values).unwrap()
}
