//! Labels of outputs that exist for the whole image, slab after slab.

use medcore::{Geometry, Image, LabelMap};
use rayon::prelude::*;

use crate::blend::{Finished, Sink};
use crate::error::Result;
use crate::plan::Segment;
use crate::rule::LabelRule;
use crate::target::{LabelSink, Target};

/// Voxels of a slab along the first axis.
const SLAB: usize = 8;

/// What a rule makes of outputs above `border`, on the grid of a target.
pub(super) fn labels<const D: usize>(
    outputs: &Image<f32, D>,
    border: f32,
    target: &Target<D>,
    rule: &LabelRule,
    grid: Geometry<D>,
) -> Result<LabelMap<u8, D>> {
    rule.check(outputs.channels())?;
    let mut sink = LabelSink::new(target, rule, grid)?;
    let shape = outputs.shape();
    let whole: [Segment; D] = std::array::from_fn(|axis| Segment::new(0..shape[axis], shape[axis]));
    let cutter = &sink;
    let cut = |slab: usize| {
        let (start, end) = (slab * SLAB, ((slab + 1) * SLAB).min(shape[0]));
        let reach = (end + target.halo()).min(shape[0]);
        let first = Segment::new(start..end, reach);
        let mut segments = whole.each_ref();
        segments[0] = &first;
        let plane: usize = shape[1..].iter().product();
        let held = (0..outputs.channels())
            .flat_map(|class| &outputs.channel(class)[start * plane..reach * plane])
            .map(|value| value - border);
        cutter.cut(&Finished {
            segments,
            classes: outputs.channels(),
            logits: held.collect(),
        })
    };
    let slabs = (0..shape[0].div_ceil(SLAB)).into_par_iter();
    let pieces: Vec<_> = slabs.map(cut).collect();
    for piece in pieces {
        sink.place(piece);
    }
    Ok(sink.into_labels())
}
