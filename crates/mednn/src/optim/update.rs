//! One pass over several tensors in place, with others read beside them.

use std::cell::Cell;

use candle_core::{CpuStorage, InplaceOp1, Layout, Storage, Tensor};

use crate::cpu;
use crate::error::{Error, Result};
use crate::ops::support::{check_shape, elements};

const OP: &str = "optimizer";

/// Replaces the elements at each place of the `written` tensors by what `rule(written, read)` makes of those at that place.
///
/// # Errors
/// When the tensors are not contiguous f32 tensors of one shape, or one that is written shares memory with another.
pub(super) fn update<const W: usize, const R: usize>(
    written: [&Tensor; W],
    read: [&Tensor; R],
    rule: impl Fn([f32; W], [f32; R]) -> [f32; W] + Sync + Copy,
) -> Result<()> {
    let [] = update_and_sum(
        written,
        read,
        rule,
        #[inline(always)]
        |_, _| [],
    )?;
    Ok(())
}

/// As [`update`]; returns the sums of `terms(written, read)`, of the elements written, the same on any number of threads.
///
/// # Errors
/// As [`update`].
pub(super) fn update_and_sum<const W: usize, const R: usize, const S: usize>(
    written: [&Tensor; W],
    read: [&Tensor; R],
    rule: impl Fn([f32; W], [f32; R]) -> [f32; W] + Sync + Copy,
    terms: impl Fn([f32; W], [f32; R]) -> [f32; S] + Sync + Copy,
) -> Result<[f64; S]> {
    check_distinct(&written, &read)?;
    let guards = read.map(Tensor::storage_and_layout);
    let mut slices: [&[f32]; R] = [&[]; R];
    for (slice, (storage, layout)) in slices.iter_mut().zip(&guards) {
        let Storage::Cpu(storage) = &**storage else {
            return Err(Error::Device {
                op: OP,
                device: format!("{:?}", storage.device().location()),
            });
        };
        *slice = elements(storage, layout)?;
    }
    let sums = Cell::new([0.0; S]);
    lend(
        &written,
        std::array::from_fn(|_| Default::default()),
        &|lent| {
            sums.set(cpu::update::update_and_sum(lent, slices, rule, terms));
        },
    )?;
    Ok(sums.get())
}

/// Refuses tensors of different shapes, and memory that would be locked twice: waiting for it would never end.
pub(super) fn check_distinct(written: &[&Tensor], read: &[&Tensor]) -> Result<()> {
    let address = |tensor: &Tensor| std::ptr::from_ref(&*tensor.storage_and_layout().0).addr();
    let all: Vec<&Tensor> = written.iter().chain(read).copied().collect();
    for tensor in &all {
        check_shape(OP, "a tensor of the update", tensor, all[0].dims())?;
    }
    let addresses: Vec<usize> = all.into_iter().map(address).collect();
    for i in 0..written.len() {
        if addresses[i + 1..].contains(&addresses[i]) {
            return Err(Error::Setting {
                op: OP,
                setting: "a tensor that is changed",
                rule: "memory of its own",
                value: "memory shared with another tensor of the step".to_owned(),
            });
        }
    }
    Ok(())
}

/// Calls `then` with the elements of all tensors, each locked for writing while it runs.
fn lend<const W: usize>(
    tensors: &[&Tensor],
    lent: [&mut [f32]; W],
    then: &dyn Fn([&mut [f32]; W]),
) -> candle_core::Result<()> {
    match tensors.split_first() {
        None => then(lent),
        Some((first, rest)) => first.inplace_op1(&Lend {
            rest,
            lent: Cell::new(lent),
            then,
        })?,
    }
    Ok(())
}

/// candle lends one storage for writing at a time; each of these waits inside the one before it.
struct Lend<'t, 'l, const W: usize> {
    rest: &'t [&'t Tensor],
    lent: Cell<[&'l mut [f32]; W]>,
    then: &'t dyn Fn([&mut [f32]; W]),
}

impl<const W: usize> InplaceOp1 for Lend<'_, '_, W> {
    fn name(&self) -> &'static str {
        OP
    }

    fn cpu_fwd(&self, storage: &mut CpuStorage, layout: &Layout) -> candle_core::Result<()> {
        let Some((start, end)) = layout.contiguous_offsets() else {
            return Err(candle_core::Error::RequiresContiguous { op: OP });
        };
        let CpuStorage::F32(values) = storage else {
            let got = candle_core::backend::BackendStorage::dtype(storage);
            return Err(candle_core::Error::UnsupportedDTypeForOp(got, OP));
        };
        let mut lent: [&mut [f32]; W] = self
            .lent
            .replace(std::array::from_fn(|_| Default::default()));
        lent[W - 1 - self.rest.len()] = &mut values[start..end];
        lend(self.rest, lent, self.then)
    }
}

#[cfg(test)]
mod tests {
    use candle_core::Device;

    use super::*;

    #[test]
    fn shared_memory_and_other_shapes_are_refused() {
        let tensor = |n: usize| Tensor::new(vec![1.0_f32; n], &Device::Cpu).unwrap();
        let (a, b) = (tensor(3), tensor(3));
        let view = a.narrow(0, 0, 3).unwrap();
        assert!(update([&a], [&view], |[a], [_]| [a]).is_err());
        assert!(update([&a, &view], [], |x, []| x).is_err());
        assert!(update([&a], [&tensor(4)], |[a], [_]| [a]).is_err());
        assert!(
            update(
                [&a],
                [&b.to_dtype(candle_core::DType::F64).unwrap()],
                |[a], [_]| [a]
            )
            .is_err()
        );
        // Reading one tensor twice is no harm.
        update([&a], [&b, &b], |[a], [b, c]| [a + b + c]).unwrap();
        assert_eq!(a.to_vec1::<f32>().unwrap(), [3.0; 3]);
        update([&a, &b], [], |[a, b], []| [b, a]).unwrap();
        assert_eq!(a.to_vec1::<f32>().unwrap(), [1.0; 3]);
        assert_eq!(b.to_vec1::<f32>().unwrap(), [3.0; 3]);
    }
}
