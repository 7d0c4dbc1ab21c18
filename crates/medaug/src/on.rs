//! A step for another layer than the image, or for some of its channels.

use medcore::Image;
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result, check};
use crate::sample::{Contents, Layer, LazySample, Sample};
use crate::step::{Operation, Step};

/// What of a sample stands in the image's place while a step is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
#[non_exhaustive]
pub enum Target {
    /// A layer by name: images in the image's place, label maps in the labels'.
    Layer(String),
    /// These channels of the image.
    Channels(Vec<usize>),
}

/// A step that is done on a [`Target`]; whatever moves voxels moves a whole sample and is refused here.
///
/// ```
/// use medaug::{Brightness, Compose, Layer, On, Sample, Step, Target};
/// use medcore::{Geometry, Image, random::Key};
///
/// let grid = Geometry::axis_aligned([1, 2], [1.0; 2])?;
/// let dose = Layer::Image(Image::new(grid, vec![1.0, 2.0])?);
/// let sample = Sample::new(Image::zeros(1, grid)?).with_layer("dose", dose)?;
/// let step = Step::On(Box::new(On {
///     target: Target::Layer("dose".to_owned()),
///     inner: Brightness { factor: 3.0 }.into(),
/// }));
/// let pipeline = Compose::new(vec![step])?;
/// pipeline.check_contents(&sample.contents())?;
/// let sample = pipeline.apply(sample, Key::new(0))?;
/// let Layer::Image(dose) = &sample.layers()["dose"] else { unreachable!() };
/// assert_eq!(dose.as_slice(), [3.0, 6.0]);
/// # Ok::<(), medaug::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct On<T> {
    /// What the step is done on.
    pub target: Target,
    /// The step.
    pub inner: T,
}

impl Target {
    /// The sample that the step sees.
    fn view<const D: usize>(&self, sample: &Sample<D>) -> Result<Sample<D>> {
        match self {
            Self::Layer(name) => match sample.require_layer("On", name)?.clone() {
                Layer::Image(image) => sample.clone().with_image(image),
                Layer::Labels(labels) => sample.clone().with_class_labels(labels),
                Layer::Instances(_) => Err(Error::TargetLayer {
                    layer: name.clone(),
                    rule: "an image or labels, not instances",
                }),
            },
            Self::Channels(channels) => {
                let image = sample.image();
                self.check_channels(image.channels())?;
                let len = image.geometry().len();
                let mut voxels = Vec::with_capacity(channels.len() * len);
                for &channel in channels {
                    voxels.extend_from_slice(image.channel(channel));
                }
                let chosen = Image::with_channels(channels.len(), *image.geometry(), voxels)?;
                sample.clone().with_image(chosen)
            }
        }
    }

    /// Puts what the step made of its view back into the sample.
    fn restore<const D: usize>(&self, sample: Sample<D>, seen: Sample<D>) -> Result<Sample<D>> {
        if seen.geometry() != sample.geometry() {
            return Err(Error::MovedTarget);
        }
        match self {
            Self::Layer(name) => {
                let (image, labels) = seen.into_parts();
                let layer = match (sample.require_layer("On", name)?, labels) {
                    (Layer::Labels(_), Some(labels)) => Layer::Labels(labels),
                    _ => Layer::Image(image),
                };
                sample.with_layer(name.clone(), layer)
            }
            Self::Channels(channels) => {
                let mut sample = sample;
                check_count(channels.len(), seen.image().channels())?;
                for (from, &to) in channels.iter().enumerate() {
                    let voxels = seen.image().channel(from);
                    sample.channel_mut(to).copy_from_slice(voxels);
                }
                Ok(sample)
            }
        }
    }

    fn check_channels(&self, count: usize) -> Result<()> {
        let Self::Channels(channels) = self else {
            return Ok(());
        };
        for &channel in channels {
            check(
                "On",
                "channels",
                channel as f64,
                "channels of the image",
                |v| v < count as f64,
            )?;
        }
        Ok(())
    }

    /// What a sample must hold for a step that needs `inner`.
    pub(crate) fn needs(&self, inner: Contents) -> Contents {
        match self {
            Self::Layer(name) => Contents {
                layers: [name.clone()].into(),
                labels: false,
                ..inner
            },
            Self::Channels(_) => Contents {
                channels: None,
                ..inner
            },
        }
    }
}

fn check_count(expected: usize, got: usize) -> Result<()> {
    if expected == got {
        return Ok(());
    }
    Err(Error::EntryCount {
        transform: "On",
        parameter: "channels",
        expected,
        got,
    })
}

impl On<Operation> {
    pub(crate) fn apply<const D: usize>(&self, sample: LazySample<D>) -> Result<LazySample<D>> {
        sample.change(|sample| {
            let seen = self.inner.apply_to(self.target.view(&sample)?)?;
            self.target.restore(sample, seen)
        })
    }
}

impl On<Step> {
    pub(crate) fn run<const D: usize>(
        &self,
        sample: LazySample<D>,
        key: Key,
        done: &mut Vec<Operation>,
    ) -> Result<LazySample<D>> {
        let mut inner = vec![];
        let sample = sample.change(|sample| {
            let view = self.target.view(&sample)?.into_lazy();
            let seen = self.inner.run(view, key, &mut inner)?.finish()?;
            self.target.restore(sample, seen)
        })?;
        done.extend(inner.into_iter().map(|inner| {
            Operation::On(Box::new(On {
                target: self.target.clone(),
                inner,
            }))
        }));
        Ok(sample)
    }
}
