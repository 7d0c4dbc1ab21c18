//! The frames of a segmentation: which there are, and their pixels packed.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "frames of an array whose shape its type promises"
)]

use medcore::{Label, LabelMap, buffer};
use rayon::prelude::*;

use super::super::derived::{LabelFault, Layers, Survey};
use super::super::fault::Fault;

/// One segment in one plane of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Frame {
    /// Its place among the segments; none if the frame holds all of them.
    pub(super) segment: Option<usize>,
    pub(super) depth: usize,
}

/// Frames and their pixels, in the order of the file.
#[derive(Debug, Clone)]
pub(super) struct Encoded {
    pub(super) frames: Vec<Frame>,
    pub(super) pixels: Vec<u8>,
    pub(super) bits: u32,
    pub(super) overlap: bool,
}

/// The frames that hold something, segment after segment; where nothing at all is segmented the first plane
/// of the first segment, because a file needs a frame.
fn frames(layers: &impl Layers, segments: usize) -> Result<(Vec<Frame>, bool), LabelFault> {
    let [depth, _, _] = layers.geometry().shape();
    let planes = { (0..depth).into_par_iter() }.map(|d| layers.survey(d));
    let planes: Vec<Result<Survey, LabelFault>> = planes.collect();
    let planes: Vec<Survey> = planes.into_iter().collect::<Result<_, _>>()?;
    let overlap = planes.iter().any(|plane| plane.overlap);
    let mut frames = Vec::new();
    for segment in 0..segments {
        let there = |depth: &usize| planes[*depth].present[segment];
        let new = (0..depth).filter(there).map(|depth| Frame {
            segment: Some(segment),
            depth,
        });
        frames.extend(new);
    }
    if frames.is_empty() {
        frames.push(Frame {
            segment: Some(0),
            depth: 0,
        });
    }
    Ok((frames, overlap))
}

fn plane_len(layers: &impl Layers) -> usize {
    let [_, rows, columns] = layers.geometry().shape();
    rows * columns
}

fn room(bytes: usize) -> Result<Vec<u8>, Fault> {
    buffer::zeroed(bytes, "pixels of a segmentation").map_err(Fault::core("segmentation"))
}

/// One bit a pixel, without gaps between frames (PS3.5 section 8.1.1).
pub(super) fn binary(layers: &impl Layers, segments: usize) -> Result<Encoded, Fault> {
    let (frames, overlap) = frames(layers, segments)?;
    let plane = plane_len(layers);
    let mut pixels = room((plane * frames.len()).div_ceil(8))?;
    // Eight frames fill whole bytes, however many pixels they have.
    let groups = pixels.par_chunks_mut(plane).zip(frames.par_chunks(8));
    groups.for_each_init(
        || vec![0_u8; plane],
        |scratch, (bytes, frames)| {
            for (index, frame) in frames.iter().enumerate() {
                layers.fill(frame.segment.unwrap_or(0), frame.depth, scratch);
                pack(scratch, bytes, index * plane);
            }
        },
    );
    Ok(Encoded {
        frames,
        pixels,
        bits: 1,
        overlap,
    })
}

/// Sets bits from the one at `first` on, where `ones` holds ones instead of zeros.
fn pack(ones: &[u8], out: &mut [u8], first: usize) {
    let shift = first % 8;
    let out = &mut out[first / 8..];
    let (eights, rest) = ones.as_chunks::<8>();
    let mut put = |at: usize, byte: u8| {
        if byte != 0 {
            out[at] |= byte << shift;
            if shift > 0 && byte >> (8 - shift) != 0 {
                out[at + 1] |= byte >> (8 - shift);
            }
        }
    };
    for (at, eight) in eights.iter().enumerate() {
        // The product moves the lowest bit of byte i to bit 56 + i; no two terms meet in the highest byte.
        let gathered = u64::from_le_bytes(*eight).wrapping_mul(0x0102_0408_1020_4080);
        put(at, (gathered >> 56) as u8);
    }
    let last = (0..rest.len()).fold(0, |byte, i| byte | (rest[i] << i));
    put(eights.len(), last);
}

/// A byte a pixel.
pub(super) fn fractional(layers: &impl Layers, segments: usize) -> Result<Encoded, Fault> {
    let (frames, overlap) = frames(layers, segments)?;
    let plane = plane_len(layers);
    let mut pixels = room(plane * frames.len())?;
    { pixels.par_chunks_mut(plane).zip(&frames) }.for_each(|(out, frame)| {
        layers.fill(frame.segment.unwrap_or(0), frame.depth, out);
    });
    Ok(Encoded {
        frames,
        pixels,
        bits: 8,
        overlap,
    })
}

/// Every plane, empty ones too: a byte a pixel, two if there are more than 255 segments.
pub(super) fn label_map<L: Label>(
    labels: &LabelMap<L, 3>,
    layers: &impl Layers,
    segments: usize,
) -> Result<Encoded, Fault> {
    // Refuses labels that name no segment.
    frames(layers, segments)?;
    let [depth, _, _] = labels.shape();
    let frames = { 0..depth }.map(|depth| Frame {
        segment: None,
        depth,
    });
    let wide = segments > usize::from(u8::MAX);
    let labels = labels.as_slice();
    let mut pixels = room(labels.len() * if wide { 2 } else { 1 })?;
    if wide {
        for (out, &label) in pixels.as_chunks_mut::<2>().0.iter_mut().zip(labels) {
            let label: u32 = label.into();
            *out = (label as u16).to_le_bytes();
        }
    } else {
        for (out, &label) in pixels.iter_mut().zip(labels) {
            let label: u32 = label.into();
            *out = label as u8;
        }
    }
    Ok(Encoded {
        frames: frames.collect(),
        pixels,
        bits: if wide { 16 } else { 8 },
        overlap: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_packed_from_the_lowest_on_at_any_place() {
        for len in 0..40 {
            for first in 0..17 {
                let ones: Vec<u8> = (0..len).map(|i| u8::from(i * i % 7 < 3)).collect();
                let mut out = vec![0_u8; usize::div_ceil(first + len, 8) + 1];
                pack(&ones, &mut out, first);
                for bit in 0..out.len() * 8 {
                    let inside = bit.checked_sub(first).filter(|i| *i < len);
                    let expected = inside.map_or(0, |i| ones[i]);
                    assert_eq!(
                        (out[bit / 8] >> (bit % 8)) & 1,
                        expected,
                        "{len} {first} {bit}"
                    );
                }
            }
        }
    }
}
