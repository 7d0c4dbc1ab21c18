//! What samples must have in common to become one.

use medcore::LabelMap;

use crate::error::{Error, Result};
use crate::sample::Sample;

/// Refuses another number of samples.
pub(super) fn check_count<const D: usize>(
    transform: &'static str,
    samples: &[Sample<D>],
    expected: usize,
) -> Result<()> {
    if samples.len() == expected {
        return Ok(());
    }
    Err(Error::SampleCount {
        transform,
        expected,
        got: samples.len(),
    })
}

/// Refuses samples of which one has what another has not, and images of other channels.
pub(super) fn check_contents<const D: usize>(
    transform: &'static str,
    samples: &[Sample<D>],
) -> Result<()> {
    let Some((first, others)) = samples.split_first() else {
        return Ok(());
    };
    let has = |sample: &Sample<D>| {
        let contents = sample.contents();
        let layers: Vec<String> = contents.layers.into_iter().collect();
        [
            ("channels", sample.image().channels().to_string()),
            ("labels", presence(contents.labels)),
            ("boxes", presence(contents.boxes)),
            ("points", presence(contents.points)),
            ("layers", format!("{layers:?}")),
            (
                "target",
                match sample.target() {
                    None => presence(false),
                    Some(target) => format!("{} classes", target.len()),
                },
            ),
        ]
    };
    for other in others {
        for ((what, first), (_, other)) in has(first).into_iter().zip(has(other)) {
            if first != other {
                return Err(Error::Unlike {
                    transform,
                    what,
                    first,
                    other,
                });
            }
        }
    }
    Ok(())
}

/// Refuses samples of different shapes.
pub(super) fn check_shapes<const D: usize>(
    transform: &'static str,
    samples: &[Sample<D>],
) -> Result<()> {
    let mut shapes = samples.iter().map(Sample::shape);
    let first = shapes.next();
    match shapes.find(|&shape| Some(shape) != first) {
        None => Ok(()),
        Some(other) => Err(Error::Unlike {
            transform,
            what: "shape",
            first: format!("{:?}", first.unwrap_or(other)),
            other: format!("{other:?}"),
        }),
    }
}

/// Refuses points, whose list has one place for each landmark.
pub(super) fn refuse_points<const D: usize>(
    transform: &'static str,
    sample: &Sample<D>,
) -> Result<()> {
    if sample.points().is_none() {
        return Ok(());
    }
    Err(Error::CannotMix {
        transform,
        what: "points",
        instead: "a landmark would be in two places; mix samples without points",
    })
}

/// Two samples with the same things on the same shape, without points.
pub(super) fn two<const D: usize>(
    transform: &'static str,
    samples: Vec<Sample<D>>,
) -> Result<[Sample<D>; 2]> {
    let pair = <[Sample<D>; 2]>::try_from(samples).map_err(|samples| Error::SampleCount {
        transform,
        expected: 2,
        got: samples.len(),
    })?;
    check_contents(transform, &pair)?;
    check_shapes(transform, &pair)?;
    refuse_points(transform, &pair[0])?;
    Ok(pair)
}

/// `weight` of the first list of probabilities and the rest of the second.
pub(super) fn blend_targets<const D: usize>(
    weight: f64,
    first: &mut Sample<D>,
    second: &Sample<D>,
) {
    if let (Some(to), Some(from)) = (first.target_mut(), second.target()) {
        let (own, other) = (weight as f32, (1.0 - weight) as f32);
        for (to, &from) in to.iter_mut().zip(from) {
            *to = own * *to + other * from;
        }
    }
}

/// How much must be added to instances so that they follow those of `numbers`, whose largest is the first.
pub(super) fn next_numbers<const D: usize>(
    transform: &'static str,
    largest: u16,
    others: &LabelMap<u16, D>,
) -> Result<u16> {
    let most = others.as_slice().iter().copied().max().unwrap_or(0);
    match largest.checked_add(most) {
        Some(_) => Ok(largest),
        None => Err(Error::CannotMix {
            transform,
            what: "so many instances",
            instead: "their numbers together exceed 65535; number them from one on",
        }),
    }
}

fn presence(there: bool) -> String {
    if there { "some" } else { "none" }.to_owned()
}
