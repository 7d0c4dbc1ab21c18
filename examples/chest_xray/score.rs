//! A network over the images of a part, in order.

use anyhow::Result;
use mednn::candle_core::{DType, Device};
use mednn::{Context, Model};
use medtrain::split::Members;
use medtrain::{CachedCase, ClassTargets, EvaluationBatches, Loader, Prefetch};

use super::scored::Scored;
use std::sync::Arc;

const BATCH: usize = 32;

/// What the network says of each image, prepared as the cache of the images does it.
pub(crate) fn score(model: &dyn Model, members: &Members<CachedCase<2>>) -> Result<Scored> {
    let targets = ClassTargets::of_records(2, members.records())?;
    let batches = Arc::new(EvaluationBatches::new(members, &targets, BATCH)?);
    let mut logits = Vec::with_capacity(members.len());
    for batch in Loader::start(
        batches,
        0,
        0,
        Prefetch {
            threads: 1,
            ahead: 2,
        },
    ) {
        let seen = batch?.inputs.to_device(model.params().device())?;
        let outputs = model.forward(&seen, &Context::evaluate())?.logits;
        let rows = outputs.to_device(&Device::Cpu)?.to_dtype(DType::F64)?;
        for row in rows.to_vec2::<f64>()? {
            logits.push(row[1] - row[0]);
        }
    }
    Ok(unscored(members).with_logits(logits))
}

/// The records of the images, without scores.
pub(crate) fn unscored(members: &Members<CachedCase<2>>) -> Scored {
    let mut scored = Scored::default();
    for record in members.records() {
        scored.ids.push(record.id.clone());
        scored.patients.push(record.patient.as_str().to_owned());
        scored.groups.push(record.site.clone().unwrap_or_default());
        scored.truth.push(record.class == Some(1));
    }
    scored
}
