//! Concatenation along the channel axis.

#[cfg(feature = "cuda")]
use candle_core::CudaStorage;
use candle_core::{CpuStorage, CustomOp1, CustomOp2, Layout, Shape, Tensor};

use super::support::{self, check_float, check_min_rank, check_same_type, for_element};
use crate::cpu::buffer;
#[cfg(feature = "cuda")]
use crate::cpu::buffer::Columns;
use crate::cpu::real::Real;
#[cfg(feature = "cuda")]
use crate::cuda;
use crate::error::{Error, Result};
use crate::graph::{Op, Step};
use crate::tape::Apply as _;

/// Puts the channels of tensors one after another.
///
/// # Shapes
/// - inputs: `[batch, channels_i, ...]`, equal but for the channels
/// - output: `[batch, sum of channels_i, ...]`
///
/// # Errors
/// Refuses no tensor at all, shapes that differ in another axis and element types other than f32 and f64.
pub fn concat(tensors: &[&Tensor]) -> Result<Tensor> {
    const OP: &str = "concat";
    let step = Step::begin();
    let Some((first, rest)) = tensors.split_first() else {
        return Err(Error::Setting {
            op: OP,
            setting: "the number of tensors",
            rule: "at least 1",
            value: "0".to_owned(),
        });
    };
    check_float(OP, "the first tensor", first)?;
    check_min_rank(OP, "the first tensor", first, 2)?;
    let mut joined = (*first).clone();
    for tensor in rest {
        check_same_type(OP, "a tensor", tensor, first)?;
        check_min_rank(OP, "a tensor", tensor, 2)?;
        let mut expected = first.dims().to_vec();
        expected[1] = tensor.dims()[1];
        support::check_shape(OP, "a tensor", tensor, &expected)?;
        joined = joined
            .contiguous()?
            .apply2(&tensor.contiguous()?, ConcatOp)?;
    }
    let inputs: Vec<_> = tensors.iter().copied().map(Some).collect();
    step.end(&inputs, || Op::Concat, joined)
}

struct ConcatOp;

impl CustomOp2 for ConcatOp {
    fn name(&self) -> &'static str {
        "concat"
    }

    fn cpu_fwd(
        &self,
        s1: &CpuStorage,
        l1: &Layout,
        s2: &CpuStorage,
        l2: &Layout,
    ) -> candle_core::Result<(CpuStorage, Shape)> {
        let mut shape = l1.dims().to_vec();
        shape[1] += l2.dims()[1];
        for_element!(s1, "concat", T => {
            let (a, b) = (support::elements::<T>(s1, l1)?, support::elements::<T>(s2, l2)?);
            Ok(support::output(join(shape[0], a, b), &shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(
        &self,
        s1: &CudaStorage,
        l1: &Layout,
        s2: &CudaStorage,
        l2: &Layout,
    ) -> candle_core::Result<(CudaStorage, Shape)> {
        let mut shape = l1.dims().to_vec();
        shape[1] += l2.dims()[1];
        for_element!(s1, "concat", T => {
            let (a, b) = (cuda::elements::<T>(s1, l1)?, cuda::elements::<T>(s2, l2)?);
            Ok(cuda::output(cuda::parts::join(shape[0], &a, &b)?, &shape, &s1.device))
        })
    }

    fn bwd(
        &self,
        a: &Tensor,
        b: &Tensor,
        _: &Tensor,
        gradient: &Tensor,
    ) -> candle_core::Result<(Option<Tensor>, Option<Tensor>)> {
        let gradient = gradient.contiguous()?;
        let part = |of: &Tensor, first_channel: usize| {
            of.track_op()
                .then(|| {
                    gradient.apply_op1_no_bwd(&ChannelsOp {
                        first_channel,
                        channels: of.dims()[1],
                    })
                })
                .transpose()
        };
        Ok((part(a, 0)?, part(b, a.dims()[1])?))
    }
}

/// Copies consecutive channels.
struct ChannelsOp {
    first_channel: usize,
    channels: usize,
}

impl CustomOp1 for ChannelsOp {
    fn name(&self) -> &'static str {
        "channels"
    }

    fn cpu_fwd(&self, s: &CpuStorage, l: &Layout) -> candle_core::Result<(CpuStorage, Shape)> {
        let mut shape = l.dims().to_vec();
        let row_len: usize = shape[2..].iter().product();
        let (from, all) = (self.first_channel * row_len, shape[1] * row_len);
        shape[1] = self.channels;
        for_element!(s, "channels", T => {
            let input = support::elements::<T>(s, l)?;
            let item_len = self.channels * row_len;
            let output = buffer::build_rows(shape[0], item_len, |_| (), |item, (), start, out: &mut [T]| {
                let start = item * all + from + start;
                out.copy_from_slice(&input[start..start + out.len()]);
            });
            Ok(support::output(output, &shape))
        })
    }

    #[cfg(feature = "cuda")]
    fn cuda_fwd(&self, s: &CudaStorage, l: &Layout) -> candle_core::Result<(CudaStorage, Shape)> {
        let mut shape = l.dims().to_vec();
        let columns = Columns {
            outer: shape[0],
            count: shape[1],
            inner: shape[2..].iter().product(),
        };
        shape[1] = self.channels;
        let range = self.first_channel..self.first_channel + self.channels;
        for_element!(s, "channels", T => {
            let output = cuda::parts::narrow(&cuda::elements::<T>(s, l)?, columns, &range)?;
            Ok(cuda::output(output, &shape, &s.device))
        })
    }
}

/// `[batch, a + b]` from `[batch, a]` and `[batch, b]`.
fn join<T: Real>(batch: usize, a: &[T], b: &[T]) -> Vec<T> {
    let (a_len, b_len) = (a.len() / batch, b.len() / batch);
    buffer::build_rows(
        batch,
        a_len + b_len,
        |_| (),
        |item, (), start, out: &mut [T]| {
            let from_a = a_len.saturating_sub(start).min(out.len());
            let (of_a, of_b) = out.split_at_mut(from_a);
            if !of_a.is_empty() {
                let start = item * a_len + start;
                of_a.copy_from_slice(&a[start..start + of_a.len()]);
            }
            if !of_b.is_empty() {
                let start = item * b_len + (start + from_a - a_len);
                of_b.copy_from_slice(&b[start..start + of_b.len()]);
            }
        },
    )
}
