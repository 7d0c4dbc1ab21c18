//! The code of all steps for images of two and of three axes, compiled once, here.
//!
//! Steps are generic over the number of axes, and there are hundreds of them: a program that runs a pipeline would compile
//! every one again, for minutes. The doors to them, [`Operation`] and [`Step`], therefore lead images of two and three axes to
//! the functions below, which are not generic and thus part of this crate; other images take the generic way.

use std::any::Any;

use medcore::Geometry;
use medcore::random::Key;

use super::{Operation, Step};
use crate::error::{Error, Result};
use crate::sample::{Contents, LazySample};
use crate::warp::Warp;

/// The same value, whose type has another name where `D` is a number; `None` where the types differ.
fn same<A: 'static, B: 'static>(value: A) -> Option<B> {
    let mut value = Some(value);
    let value: &mut dyn Any = &mut value;
    value.downcast_mut().and_then(Option::take)
}

/// What `code` for `N` axes makes of a sample of `D`, which are as many.
pub(super) fn through<const D: usize, const N: usize>(
    sample: LazySample<D>,
    code: impl FnOnce(LazySample<N>) -> Result<LazySample<N>>,
) -> Result<LazySample<D>> {
    match same(sample).map(code).transpose()?.and_then(same) {
        Some(sample) => Ok(sample),
        None => Err(other_axes::<D, N>()),
    }
}

/// What `code` for `N` axes finds of a grid of `D`, which are as many.
pub(super) fn found<const D: usize, const N: usize>(
    grid: &Geometry<D>,
    code: impl FnOnce(&Geometry<N>) -> Result<Option<Warp<N>>>,
) -> Result<Option<Warp<D>>> {
    let grid = same(*grid).ok_or_else(other_axes::<D, N>)?;
    same(code(&grid)?).ok_or_else(other_axes::<D, N>)
}

fn other_axes<const D: usize, const N: usize>() -> Error {
    let expected = if N == 2 { "two" } else { "three" };
    Error::Dimension {
        transform: "Step",
        expected,
        got: D,
    }
}

macro_rules! axes {
    ($($axes:ident: $number:literal),*) => { $(
        pub(super) mod $axes {
            use super::{Contents, Geometry, Key, LazySample, Operation, Result, Step, Warp};

            #[inline(never)]
            pub(in crate::step) fn check_operation(operation: &Operation) -> Result<()> {
                operation.check_generic::<$number>()
            }

            #[inline(never)]
            pub(in crate::step) fn needs_of_operation(operation: &Operation) -> Contents {
                operation.needs_generic::<$number>()
            }

            #[inline(never)]
            pub(in crate::step) fn warp(
                operation: &Operation,
                grid: &Geometry<$number>,
            ) -> Result<Option<Warp<$number>>> {
                operation.warp_generic(grid)
            }

            #[inline(never)]
            pub(in crate::step) fn apply(
                operation: &Operation,
                sample: LazySample<$number>,
            ) -> Result<LazySample<$number>> {
                operation.apply_generic(sample)
            }

            #[inline(never)]
            pub(in crate::step) fn check(step: &Step) -> Result<()> {
                step.check_generic::<$number>()
            }

            #[inline(never)]
            pub(in crate::step) fn needs(step: &Step) -> Contents {
                step.needs_generic::<$number>()
            }

            #[inline(never)]
            pub(in crate::step) fn is_random(step: &Step) -> bool {
                step.is_random_generic::<$number>()
            }

            #[inline(never)]
            pub(in crate::step) fn run(
                step: &Step,
                sample: LazySample<$number>,
                key: Key,
                done: &mut Vec<Operation>,
            ) -> Result<LazySample<$number>> {
                step.run_generic(sample, key, done)
            }
        }
    )* };
}

axes!(two: 2, three: 3);
