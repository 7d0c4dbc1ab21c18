//! How samples lie in their bytes, and the one way from there to voxels in memory.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "sizes were checked when the file was opened"
)]

use std::io::Read;

use medcore::{Budget, Buffer};

use super::body::{Body, Parts};
use super::convert::{self, Conversion, Staged, Stop};
use super::inflate::{Members, Packing};
use super::text::{Digits, Text};
use super::{Endian, len64};
use crate::fault::Fault;
use crate::report::{Report, Warning};
use crate::voxel::{Datatype, Voxel};

/// Which samples of a voxel lie beside which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Samples {
    /// A whole channel, then the next.
    Planar,
    /// So many voxels of a channel, then as many of the next: 1 where all samples of a voxel are together.
    Interleaved { run: usize },
    /// All axes the other way round: channels fastest, then depth, height and width (Fortran's order).
    Reversed,
}

/// Sizes that were checked against each other; nothing is allocated before this exists.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stored {
    pub(crate) channels: usize,
    /// `[depth, height, width]`.
    pub(crate) shape: [usize; 3],
    /// Channels times voxels.
    pub(crate) samples: usize,
    /// The type of one sample; never a colour.
    pub(crate) sample: Datatype,
    pub(crate) endian: Endian,
    pub(crate) order: Samples,
    /// Bytes of all samples.
    pub(crate) bytes: u64,
    /// First byte of the samples in their data, after decompression.
    pub(crate) offset: u64,
    /// Slope and intercept, none if values are as stored.
    pub(crate) scale: Option<(f64, f64)>,
    /// Bytes that may follow the samples without being mentioned.
    pub(crate) footer: u64,
}

impl Stored {
    /// Native, planar and unscaled, from the first byte on; none for nothing, and for what cannot be addressed.
    pub(crate) fn new(channels: u64, shape: [u64; 3], sample: Datatype) -> Option<Self> {
        let [depth, height, width] = shape;
        let samples = [depth, height, width, channels]
            .into_iter()
            .try_fold(1_u64, u64::checked_mul)
            .filter(|&samples| samples > 0)?;
        // The largest sample is eight bytes: no later product of these can overflow.
        isize::try_from(samples.checked_mul(8)?).ok()?;
        let size = |n: u64| usize::try_from(n).ok();
        Some(Self {
            channels: size(channels)?,
            shape: [size(depth)?, size(height)?, size(width)?],
            samples: size(samples)?,
            sample,
            endian: Endian::NATIVE,
            order: Samples::Planar,
            bytes: samples * sample.voxel_bytes() as u64,
            offset: 0,
            scale: None,
            footer: 0,
        })
    }

    /// Bytes up to and including the last sample.
    pub(crate) fn end(&self) -> Result<u64, Fault> {
        let end = self.offset.checked_add(self.bytes);
        end.filter(|&end| isize::try_from(end).is_ok())
            .ok_or(Fault::Truncated {
                what: "the voxels",
                needed: u64::MAX,
                available: 0,
            })
    }

    /// What one of `parts` equal pieces holds.
    pub(crate) fn share(&self, parts: usize) -> Result<Self, Fault> {
        let whole = parts > 0 && self.samples.is_multiple_of(parts);
        if !whole {
            return Err(Fault::Contradiction {
                rule: "data files must hold equal shares of the voxels",
                got: format!("{} samples in {parts} files", self.samples),
            });
        }
        Ok(Self {
            samples: self.samples / parts,
            bytes: self.bytes / parts as u64,
            ..*self
        })
    }

    /// The voxels, channel after channel.
    pub(crate) fn read<T: Voxel>(
        &self,
        body: Body<'_>,
        budget: &Budget,
        report: &mut Report,
    ) -> Result<Buffer<T>, Fault> {
        let mixed = match body {
            Body::Parts(parts) => self.joined(&parts, budget, report)?,
            body => self.stretch(0, body, budget, report)?,
        };
        let voxels = self.samples / self.channels;
        let run = match self.order {
            Samples::Interleaved { run } if self.channels > 1 && run < voxels => run,
            Samples::Reversed => return self.turned(&mixed, budget),
            _ => return Ok(mixed),
        };
        let what = "channels";
        budget
            .claim_array(what, &[len64(mixed.len())], size_of::<T>() as u64)
            .map_err(Fault::core(what))?;
        let mut planes = medcore::buffer::reserve(mixed.len(), what).map_err(Fault::core(what))?;
        for channel in 0..self.channels {
            if run == 1 {
                planes.extend(mixed.iter().skip(channel).step_by(self.channels));
                continue;
            }
            for group in mixed.chunks(run * self.channels) {
                planes.extend_from_slice(&group[channel * run..(channel + 1) * run]);
            }
        }
        Ok(planes.into())
    }

    /// Samples of Fortran's order in that of images.
    fn turned<T: Voxel>(&self, mixed: &[T], budget: &Budget) -> Result<Buffer<T>, Fault> {
        let what = "axes";
        budget
            .claim_array(what, &[len64(mixed.len())], size_of::<T>() as u64)
            .map_err(Fault::core(what))?;
        let mut turned = medcore::buffer::reserve(mixed.len(), what).map_err(Fault::core(what))?;
        let [depth, height, width] = self.shape;
        for channel in 0..self.channels {
            for d in 0..depth {
                for h in 0..height {
                    let first = channel + self.channels * (d + depth * h);
                    let row = mixed[first..]
                        .iter()
                        .step_by(self.channels * depth * height);
                    turned.extend(row.take(width));
                }
            }
        }
        Ok(turned.into())
    }

    /// The samples of several files, one after the other.
    fn joined<T: Voxel>(
        &self,
        parts: &Parts,
        budget: &Budget,
        report: &mut Report,
    ) -> Result<Buffer<T>, Fault> {
        let what = "voxels";
        budget
            .claim_array(what, &[len64(self.samples)], size_of::<T>() as u64)
            .map_err(Fault::core(what))?;
        let mut all = medcore::buffer::reserve(self.samples, what).map_err(Fault::core(what))?;
        let count = parts.files.len();
        for index in 0..count {
            let mut share = self.share(count)?;
            let body = parts.open(index, &mut share)?;
            let fetched = body.fetched();
            let piece = share.stretch::<T>(index * share.samples, body, budget, report)?;
            all.extend_from_slice(&piece);
            drop(piece);
            // What this piece claimed: its numbers and its stored data.
            let numbers = len64(share.samples) * (size_of::<T>() as u64);
            budget.release_bytes(numbers + fetched);
        }
        Ok(all.into())
    }

    /// The samples of one body in the order in which they are stored; the first of them is `first` of all.
    fn stretch<T: Voxel>(
        &self,
        first: usize,
        body: Body<'_>,
        budget: &Budget,
        report: &mut Report,
    ) -> Result<Buffer<T>, Fault> {
        let conversion = Conversion {
            sample: self.sample,
            endian: self.endian,
            scale: self.scale,
        };
        if let Body::Plain {
            map: Some(path), ..
        } = &body
            && conversion.is_copy::<T>()
            && self.offset.is_multiple_of(align_of::<T>() as u64)
        {
            let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
            return Buffer::map_file(path, offset, self.samples).map_err(Fault::core("map"));
        }
        budget
            .claim_array("voxels", &[len64(self.samples)], size_of::<T>() as u64)
            .map_err(Fault::core("voxels"))?;
        let read = match body {
            Body::Plain { bytes, .. } => {
                convert::from_storage(self.samples, conversion, &bytes, self.offset)
            }
            Body::Packed { packing, bytes } => {
                let compressed = bytes.load(budget)?;
                self.inflated(packing, &compressed, conversion, budget, report)
            }
            Body::Text { digits, bytes } => {
                let bytes = bytes.load(budget)?;
                self.written(digits, &bytes, conversion)
            }
            Body::Decoded(decode) => {
                let bytes = decode(budget)?;
                let mut rest = bytes.as_slice();
                convert::from_stream(self.samples, conversion, &mut |block| {
                    Ok(rest.read_exact(block)?)
                })
            }
            Body::Parts(_) => {
                return Err(Fault::Unsupported {
                    what: "a list of files inside a list of files".to_owned(),
                });
            }
        };
        match read {
            Ok(voxels) => Ok(voxels.into()),
            Err(Stop::Fault(fault)) => Err(fault),
            Err(Stop::Misfit { sample, value }) => Err(self.misfit::<T>(first + sample, value)),
        }
    }

    fn written<T: Voxel>(
        &self,
        digits: Digits,
        bytes: &[u8],
        conversion: Conversion,
    ) -> Result<Vec<T>, Stop> {
        let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
        let bytes = bytes.get(offset..).unwrap_or_default();
        let mut text = Text::new(digits, self.sample, bytes);
        let conversion = Conversion {
            endian: digits.endian(self),
            ..conversion
        };
        convert::from_stream(self.samples, conversion, &mut |block| text.fill(block))
    }

    fn inflated<T: Voxel>(
        &self,
        packing: Packing,
        compressed: &[u8],
        conversion: Conversion,
        budget: &Budget,
        report: &mut Report,
    ) -> Result<Vec<T>, Stop> {
        let end = self.end()?;
        // A damaged file may not cost much more than its own size: what expands enormously is gone
        // through once before memory is spent on it. Scans expand three- to tenfold.
        let expands = end
            > len64(compressed.len())
                .saturating_mul(16)
                .saturating_add(8 << 20);
        if expands {
            self.verify(packing, compressed, end, report)?;
        }
        if let Some(promised) = packing.promised(compressed, end) {
            // The header in front of the voxels, what follows them, and wide numbers that become narrow
            // ones need room beyond the result's until they are converted.
            let extra = promised.saturating_sub(len64(self.samples) * (size_of::<T>() as u64));
            let claim = budget.claim_bytes("inflated file", extra);
            claim.map_err(Fault::core("inflated file"))?;
            let file_bytes = usize::try_from(promised).unwrap_or(usize::MAX);
            let mut staged = Staged::<T>::new(self.samples, file_bytes)?;
            let whole = packing.inflate_single(compressed, staged.file_bytes());
            budget.release_bytes(extra);
            if whole {
                self.note_tail(promised - end, report);
                let offset = usize::try_from(self.offset).unwrap_or(usize::MAX);
                return staged.finish(self.samples, offset, conversion);
            }
        }
        // Several members, much behind the last voxel, or damage.
        if !expands {
            self.verify(packing, compressed, end, report)?;
        }
        let mut members = Members::new(packing, compressed);
        members.skip(self.offset)?;
        convert::from_stream(self.samples, conversion, &mut |block| {
            let wanted = block.len();
            let there = members.read_some(block)?;
            if there == wanted {
                return Ok(());
            }
            Err(Fault::Truncated {
                what: "a block of voxels",
                needed: len64(wanted),
                available: len64(there),
            })
        })
    }

    /// Goes through compressed data to its end, checksums and all, and keeps nothing.
    fn verify(
        &self,
        packing: Packing,
        compressed: &[u8],
        end: u64,
        report: &mut Report,
    ) -> Result<(), Fault> {
        const TAIL: u64 = 1 << 20;
        let mut members = Members::new(packing, compressed);
        let there = members.skip(end)?;
        if there < end {
            return Err(Fault::Truncated {
                what: "the uncompressed file up to the last voxel",
                needed: end,
                available: there,
            });
        }
        let tail = members.finish(TAIL.max(self.bytes), report)?;
        self.note_tail(tail, report);
        Ok(())
    }

    /// Mentions bytes behind the samples, if the format has none there.
    pub(crate) fn note_tail(&self, bytes: u64, report: &mut Report) {
        if bytes > self.footer {
            report.add(Warning::TrailingBytes { bytes });
        }
    }

    fn misfit<T: Voxel>(&self, sample: usize, value: f64) -> Fault {
        let [depth, height, width] = self.shape;
        let voxels = depth * height * width;
        let (channel, at) = match self.order {
            Samples::Planar => (sample / voxels, sample % voxels),
            Samples::Reversed => {
                let (channel, at) = (sample % self.channels, sample / self.channels);
                let (d, at) = (at % depth, at / depth);
                (channel, (d * height + at % height) * width + at / height)
            }
            Samples::Interleaved { run } => {
                let group = run * self.channels;
                let (outer, inside) = (sample / group, sample % group);
                (inside / run, outer * run + inside % run)
            }
        };
        Fault::Value {
            value,
            channel,
            voxel: [at / (height * width), at / width % height, at % width],
            target: T::DATATYPE.name(),
        }
    }
}
