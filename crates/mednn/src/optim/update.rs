//! One pass over a tensor in place, with two others read beside it: what every optimizer is made of.

use candle_core::{CpuStorage, InplaceOp3, Layout, Tensor};
use rayon::prelude::*;

use crate::error::Result;

/// Elements a task: 64 KiB of f32.
const CHUNK: usize = 16 * 1024;

/// `target[i] = rule(target[i], a[i], b[i])` for f32 tensors of one shape.
///
/// # Errors
/// When the tensors are not contiguous f32 tensors of one shape, or `a` or `b` is `target` itself.
pub(super) fn update<F>(target: &Tensor, a: &Tensor, b: &Tensor, rule: F) -> Result<()>
where
    F: Fn(f32, f32, f32) -> f32 + Sync,
{
    Ok(target.inplace_op3(&a.contiguous()?, &b.contiguous()?, &Update(rule))?)
}

struct Update<F>(F);

impl<F: Fn(f32, f32, f32) -> f32 + Sync> InplaceOp3 for Update<F> {
    fn name(&self) -> &'static str {
        "optimizer-update"
    }

    fn cpu_fwd(
        &self,
        target: &mut CpuStorage,
        target_layout: &Layout,
        a: &CpuStorage,
        a_layout: &Layout,
        b: &CpuStorage,
        b_layout: &Layout,
    ) -> candle_core::Result<()> {
        let range = |layout: &Layout| {
            layout.contiguous_offsets().ok_or_else(|| {
                candle_core::Error::Msg("optimizer-update: tensors must be contiguous".to_owned())
            })
        };
        let (t, a_range, b_range) = (range(target_layout)?, range(a_layout)?, range(b_layout)?);
        if target_layout.dims() != a_layout.dims() || target_layout.dims() != b_layout.dims() {
            return Err(candle_core::Error::ShapeMismatchBinaryOp {
                lhs: target_layout.shape().clone(),
                rhs: a_layout.shape().clone(),
                op: "optimizer-update",
            });
        }
        let CpuStorage::F32(target) = target else {
            return Err(candle_core::Error::UnsupportedDTypeForOp(
                target_dtype(target),
                "optimizer-update",
            ));
        };
        let a = &a.as_slice::<f32>()?[a_range.0..a_range.1];
        let b = &b.as_slice::<f32>()?[b_range.0..b_range.1];
        target[t.0..t.1]
            .par_chunks_mut(CHUNK)
            .zip(a.par_chunks(CHUNK).zip(b.par_chunks(CHUNK)))
            .for_each(|(target, (a, b))| {
                for ((t, &a), &b) in target.iter_mut().zip(a).zip(b) {
                    *t = (self.0)(*t, a, b);
                }
            });
        Ok(())
    }
}

fn target_dtype(storage: &CpuStorage) -> candle_core::DType {
    use candle_core::backend::BackendStorage;
    storage.dtype()
}
