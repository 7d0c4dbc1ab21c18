//! All that is kept of the views so far.

use medcore::Image;

use super::running::Running;
use super::seen::WayBack;
use super::spread::Spread;
use super::uncertainty::VoxelUncertainty;
use crate::error::{Error, Result};
use crate::rule::LabelRule;

/// What is made of outputs, and whether it is asked how far they lie apart.
#[derive(Clone, Copy)]
pub(super) struct Asked<'r> {
    pub(super) rule: &'r LabelRule,
    is_spread: bool,
}

impl<'r> Asked<'r> {
    /// The mean alone.
    pub(super) fn mean(rule: &'r LabelRule) -> Self {
        let is_spread = false;
        Self { rule, is_spread }
    }

    /// The mean of probabilities and how far they lie apart.
    pub(super) fn spread(rule: &'r LabelRule) -> Self {
        let is_spread = true;
        Self { rule, is_spread }
    }
}

/// Running means, and where it is asked for what tells how far the views lie apart.
pub(super) struct Gathered<'r, const D: usize> {
    running: Running<D>,
    spread: Option<Spread<'r, D>>,
}

impl<'r, const D: usize> Gathered<'r, D> {
    /// The outputs for the image as it is.
    pub(super) fn new(plain: Image<f32, D>, asked: Asked<'r>) -> Result<Self> {
        let mut spread = match asked.is_spread {
            true => Some(Spread::new(&plain, asked.rule)?),
            false => None,
        };
        if let Some(spread) = &mut spread {
            for class in 0..plain.channels() {
                spread.add(class, plain.channel(class));
            }
        }
        let running = Running::new(plain);
        if let Some(spread) = &mut spread {
            spread.end(&running, None);
        }
        Ok(Self { running, spread })
    }

    /// Takes up the outputs for a further view, one after the other, so that never more than one is led back.
    pub(super) fn take(&mut self, outputs: &Image<f32, D>, back: &WayBack<D>) -> Result<()> {
        let expected = self.running.mean().channels();
        if outputs.channels() != expected {
            return Err(Error::Classes {
                expected: expected.to_string(),
                got: outputs.channels(),
            });
        }
        let coverage = back.coverage(outputs.geometry())?;
        let coverage = coverage.as_deref();
        self.running.count(coverage);
        for (class, output) in back.order(expected).into_iter().enumerate() {
            let mut values = back.lead(outputs.channel(output), outputs.geometry())?;
            self.running.complete(class, &mut values, coverage);
            let mut squares = None;
            if let Some(spread) = &mut self.spread {
                spread.add(class, &values);
                squares = Some(spread.squares(class));
            }
            self.running.add(class, &values, squares);
        }
        if let Some(spread) = &mut self.spread {
            spread.end(&self.running, coverage);
        }
        Ok(())
    }

    pub(super) fn into_mean(self) -> Image<f32, D> {
        self.running.into_mean()
    }

    /// The mean and how far the views lie apart, which was asked for.
    pub(super) fn into_uncertainty(self) -> Result<VoxelUncertainty<D>> {
        let spread = self.spread.expect("asked for by whom it is handed to");
        spread.finish(self.running)
    }
}
