//! Run lengths (PS3.5 annex G): one segment of PackBits for each byte of each sample.

use super::decoder::{CodecFault, Wanted};

const CODEC: &str = "RLE";

fn fault(offset: usize, problem: impl std::fmt::Display) -> CodecFault {
    CodecFault {
        codec: CODEC,
        offset,
        problem: problem.to_string(),
    }
}

/// Decodes a frame to little-endian samples, those of one colour together.
pub(super) fn decode(bytes: &[u8], wanted: &Wanted) -> Result<Vec<u8>, CodecFault> {
    let Some((header, _)) = bytes.split_first_chunk::<64>() else {
        return Err(fault(
            0,
            format_args!("{} bytes are no header", bytes.len()),
        ));
    };
    let mut numbers = { header.as_chunks::<4>().0.iter() }.map(|b| u32::from_le_bytes(*b));
    let declared = numbers.next().unwrap_or(0);
    let width = wanted.bytes_per_sample();
    let segments = wanted.samples.saturating_mul(width);
    if usize::try_from(declared) != Ok(segments) || segments > 15 {
        return Err(fault(
            0,
            format_args!("{declared} segments, the image needs {segments}"),
        ));
    }
    let pixels = wanted.pixels();
    // Two bytes give at most 128: what is promised beyond that cannot be there.
    if pixels.saturating_mul(segments) / 64 > bytes.len() {
        return Err(fault(
            0,
            format_args!("{} bytes for {segments} segments of {pixels}", bytes.len()),
        ));
    }
    let offsets: Vec<usize> = { numbers.take(segments) }
        .map(|n| usize::try_from(n).unwrap_or(usize::MAX))
        .collect();
    let mut out = vec![0_u8; pixels.saturating_mul(segments)];
    for (index, &start) in offsets.iter().enumerate() {
        let next = offsets.get(index.saturating_add(1)).copied();
        let end = next.unwrap_or(bytes.len());
        let Some(segment) = bytes.get(start..end).filter(|_| start >= 64) else {
            return Err(fault(
                index.saturating_add(1).saturating_mul(4),
                format_args!(
                    "segment {index} lies from {start} to {end} of {}",
                    bytes.len()
                ),
            ));
        };
        // The most significant byte of a sample comes first.
        let (sample, byte) = (index / width, index % width);
        let at = width.saturating_sub(1).saturating_sub(byte);
        let plane = pixels.saturating_mul(width);
        let place = out
            .get_mut(sample.saturating_mul(plane)..)
            .unwrap_or(&mut []);
        let place = place.get_mut(..plane).unwrap_or(&mut []);
        unpack(segment, place, at, width).map_err(|(used, done)| {
            fault(
                start.saturating_add(used),
                format_args!("segment {index} ends after {done} of {pixels} bytes"),
            )
        })?;
    }
    Ok(out)
}

/// Unpacks PackBits into every `width`-th byte; where and after how many it ended early as error.
fn unpack(packed: &[u8], out: &mut [u8], first: usize, width: usize) -> Result<(), (usize, usize)> {
    let total = out.len() / width;
    let mut places = out.iter_mut().skip(first).step_by(width);
    let (mut rest, mut done) = (packed, 0_usize);
    while done < total {
        let used = packed.len().saturating_sub(rest.len());
        let Some((&control, behind)) = rest.split_first() else {
            return Err((used, done));
        };
        rest = behind;
        match control {
            0..=127 => {
                let length = usize::from(control).saturating_add(1);
                let Some((literal, behind)) = rest.split_at_checked(length) else {
                    return Err((used, done));
                };
                rest = behind;
                for (place, byte) in places.by_ref().take(length).zip(literal) {
                    *place = *byte;
                }
                done = done.saturating_add(length);
            }
            128 => {}
            129..=255 => {
                let length = 257_usize.saturating_sub(usize::from(control));
                let Some((&byte, behind)) = rest.split_first() else {
                    return Err((used, done));
                };
                rest = behind;
                for place in places.by_ref().take(length) {
                    *place = byte;
                }
                done = done.saturating_add(length);
            }
        }
    }
    Ok(())
}
