//! One prediction from those of several networks.

use medcore::{Geometry, GeometryTolerance, Image, LabelMap, buffer};
use rayon::prelude::*;

use crate::error::{Error, Result, check};
use crate::parallel::CHUNK;

const MEAN: &str = "mean_ensemble";
const VOTE: &str = "vote_labels";

/// The mean of scores (MONAI `MeanEnsemble`): `weights` holds one for each network, or one for each channel of each; alike
/// if there are none. Only their proportions count, channel by channel. NaN of one network is NaN in the mean.
///
/// # Errors
/// Refuses no scores, scores on another grid or of other channels than the first, and weights that are negative, not finite
/// or all zero for a channel.
pub fn mean_ensemble<const D: usize>(
    scores: &[Image<f32, D>],
    weights: &[f64],
) -> Result<Image<f32, D>> {
    let first = first_of(MEAN, scores)?;
    let channels = first.channels();
    for other in scores {
        check_grid(first.geometry(), other.geometry())?;
        if other.channels() != channels {
            return Err(Error::Unlike {
                transform: MEAN,
                what: "channels",
                first: channels.to_string(),
                other: other.channels().to_string(),
            });
        }
    }
    let count = scores.len();
    let weight: Box<dyn Fn(usize, usize) -> f64> = match weights.len() {
        0 => Box::new(|_, _| 1.0),
        n if n == count => Box::new(|network, _| weights[network]),
        n if n == count * channels => Box::new(|network, c| weights[network * channels + c]),
        got => {
            return Err(Error::EntryCount {
                transform: MEAN,
                parameter: "weights",
                expected: count,
                got,
            });
        }
    };
    for &weight in weights {
        check(MEAN, "weights", weight, "finite and at least 0", |v| {
            v.is_finite() && v >= 0.0
        })?;
    }
    let len = first.geometry().len();
    let mut mean = buffer::zeroed::<f32>(channels * len, "mean of scores")?;
    for (channel, out) in mean.chunks_exact_mut(len).enumerate() {
        let sum: f64 = (0..count).map(|network| weight(network, channel)).sum();
        check(MEAN, "weights", sum, "above 0 in sum", |v| v > 0.0)?;
        let shares: Vec<f32> = (0..count)
            .map(|network| (weight(network, channel) / sum) as f32)
            .collect();
        crate::parallel::for_each_chunk(out, |block, out| {
            for (scores, &share) in scores.iter().zip(&shares) {
                let voxels = &scores.channel(channel)[block * CHUNK..];
                for (out, &v) in out.iter_mut().zip(voxels) {
                    *out += share * v;
                }
            }
        });
    }
    Ok(Image::with_channels(channels, *first.geometry(), mean)?)
}

/// The class that most label maps give each voxel, of equally many the lowest (MONAI `VoteEnsemble(num_classes)`).
///
/// ```
/// use medaug::vote_labels;
/// use medcore::{Geometry, LabelMap};
///
/// let grid = Geometry::axis_aligned([1, 3], [1.0; 2])?;
/// let maps = [[1_u8, 2, 0], [1, 0, 2], [3, 0, 1]].map(|labels| LabelMap::new(grid, labels.to_vec()));
/// let maps: Vec<_> = maps.into_iter().collect::<Result<_, _>>()?;
/// assert_eq!(vote_labels(&maps)?.as_slice(), [1, 0, 0]);
/// # Ok::<(), medaug::Error>(())
/// ```
///
/// # Errors
/// Refuses no maps, and maps on another grid than the first.
pub fn vote_labels<const D: usize>(maps: &[LabelMap<u8, D>]) -> Result<LabelMap<u8, D>> {
    let first = first_of(VOTE, maps)?;
    for other in maps {
        check_grid(first.geometry(), other.geometry())?;
    }
    let mut winners = buffer::zeroed::<u8>(first.geometry().len(), "votes")?;
    winners
        .par_chunks_mut(CHUNK)
        .enumerate()
        .for_each(|(block, winners)| {
            let mut votes = vec![0_u8; maps.len()];
            for (i, winner) in winners.iter_mut().enumerate() {
                let voxel = block * CHUNK + i;
                for (vote, map) in votes.iter_mut().zip(maps) {
                    *vote = map.as_slice()[voxel];
                }
                *winner = most_frequent(&mut votes);
            }
        });
    Ok(LabelMap::new(*first.geometry(), winners)?)
}

/// Channels of zeros and ones voted on one by one: 1 where more than half of the networks say so (MONAI `VoteEnsemble` of
/// one-hot data).
///
/// # Errors
/// As [`mean_ensemble`].
pub fn vote_channels<const D: usize>(masks: &[Image<f32, D>]) -> Result<Image<f32, D>> {
    let mut mean = mean_ensemble(masks, &[])?;
    crate::parallel::for_each_chunk(mean.as_mut_slice(), |_, chunk| {
        // A share of one half comes out of thirds and sixths a last bit beside it.
        chunk
            .iter_mut()
            .for_each(|v| *v = if *v > 0.5 + 1e-6 { 1.0 } else { 0.0 });
    });
    Ok(mean)
}

/// The value found most often; of several the lowest.
fn most_frequent(votes: &mut [u8]) -> u8 {
    if votes.iter().all(|&vote| vote == votes[0]) {
        return votes[0];
    }
    votes.sort_unstable();
    let mut best = (0, votes[0]);
    for run in votes.chunk_by(|a, b| a == b) {
        if run.len() > best.0 {
            best = (run.len(), run[0]);
        }
    }
    best.1
}

fn first_of<'a, T>(transform: &'static str, all: &'a [T]) -> Result<&'a T> {
    all.first().ok_or(Error::SampleCount {
        transform,
        expected: 1,
        got: 0,
    })
}

fn check_grid<const D: usize>(first: &Geometry<D>, other: &Geometry<D>) -> Result<()> {
    first
        .check_same_as(other, &GeometryTolerance::default())
        .map_err(|mismatch| medcore::Error::from(mismatch).into())
}
