//! The start of a run, or the place where its checkpoint stands.

use mednn::optim::{Ema, EmaConfig};

use super::Trainer;
use super::identity::difference;
use crate::checkpoint::{CheckpointFolder, Found, Position, Restored, State};
use crate::error::{Error, Result};

/// What changes as a run goes on, besides network and optimizer.
pub(super) struct Running {
    pub(super) position: Position,
    pub(super) ema: Option<Ema>,
    /// Batches in an epoch.
    pub(super) batches: u32,
    /// Optimizer steps in an epoch.
    pub(super) steps: u32,
}

/// Where a run starts.
pub(super) struct Start {
    pub(super) running: Running,
    pub(super) found: Found,
    pub(super) passed_over: Option<String>,
}

impl Trainer<'_> {
    /// Nothing is changed when a checkpoint is refused.
    pub(super) fn start(&mut self, checkpoints: &CheckpointFolder, batches: u32) -> Result<Start> {
        self.config.check()?;
        if batches == 0 {
            return Err(Error::Nothing {
                what: "steps per epoch",
            });
        }
        let params = self.model.params();
        let warmup = self.config.ema_warmup;
        let average = |decay| Ema::new(params, EmaConfig::new(decay).with_warmup(warmup));
        let mut ema = self.config.ema_decay.map(average).transpose()?;
        let steps = batches.div_ceil(self.config.accumulate);
        let mut position = Position::start(self.config.identity(&*self.objective, params));
        position.steps_per_epoch = Some(steps);
        let restored = match self.config.resume {
            true => checkpoints.load()?,
            false => None,
        };
        let (mut found, mut passed_over) = (Found::OtherRun, None);
        if let Some(restored) = restored {
            refuse_another(&restored, &position)?;
            if let Some(ema) = &mut ema {
                ema.load_state_dict(&restored.ema)?;
            }
            let before = self.optimizer.state_dict()?;
            self.optimizer.load_state_dict(&restored.optimizer)?;
            if let Err(error) = params.restore(&restored.network) {
                self.optimizer.load_state_dict(&before)?;
                return Err(error.into());
            }
            position = Position {
                configuration: position.configuration,
                steps_per_epoch: position.steps_per_epoch,
                ..restored.position
            };
            (found, passed_over) = (Found::ThisRun, restored.passed_over);
            if self.is_first() {
                checkpoints.finish_save(&State {
                    params,
                    optimizer: &restored.optimizer,
                    ema: ema.as_ref(),
                    position: &position,
                })?;
            }
        }
        let running = Running {
            position,
            ema,
            batches,
            steps,
        };
        Ok(Start {
            running,
            found,
            passed_over,
        })
    }
}

/// Refuses a checkpoint of another run, by the name of what differs.
fn refuse_another(restored: &Restored, now: &Position) -> Result<()> {
    let before = &restored.position;
    let other = |(field, checkpoint, current)| Error::OtherRun {
        path: restored.path.clone(),
        field,
        checkpoint,
        current,
    };
    if let Some(differing) = difference("", &before.configuration, &now.configuration) {
        return Err(other(differing));
    }
    if let (Some(a), Some(b)) = (before.steps_per_epoch, now.steps_per_epoch)
        && a != b
    {
        let field = "steps_per_epoch".to_owned();
        return Err(other((field, a.to_string(), b.to_string())));
    }
    Ok(())
}
