//! One deflate stream inflated by several threads.
//!
//! A stream can be entered at the beginning of any block, except that matches may reach back into bytes that
//! are not known there. So each thread takes a part of the stream, looks for the first block in it, and
//! decodes to values that may stand for bytes of the unknown window; once 32 KiB in a row are known, it goes
//! on with bytes alone. The parts are joined in order, and a part only counts if the one before it ended
//! exactly where it begins: nothing is guessed. The idea is that of pugz and rapidgzip
//! (Kerbiriou and Chikhi 2019, <https://doi.org/10.1109/IPDPSW.2019.00042>; Knespel and Brunst 2023,
//! <https://doi.org/10.1145/3588195.3592992>).
#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "sizes and positions of data that is in memory"
)]

use rayon::prelude::*;

use super::Broken;
use super::block::{Pause, Stream};
use super::output::{Output, Resolver, Segments, Value, WINDOW, known};
use super::starts;

/// Compressed bytes of a part.
const PART: usize = 1 << 20;
/// The first of several parts knows its window, and so does more.
const FIRST: usize = PART + PART / 4;

/// Bits in which a block has to begin; writers end one after 64 KiB or much less.
const REACH: u64 = (1 << 17) * 8;

/// Whether so many compressed bytes are worth several threads.
pub(super) fn is_worth_it(compressed: usize) -> bool {
    compressed >= 4 * PART && rayon::current_num_threads() > 1
}

/// Inflates a stream that fills the output exactly; the bytes of it that were used.
///
/// Gives up after the first parts if threads do not help, and where the stream is damaged.
pub(super) fn inflate(data: &[u8], out: &mut [u8]) -> Result<usize, Broken> {
    let threads = rayon::current_num_threads();
    let mut first = Part::new(data);
    let mut others: Vec<Part<'_>> = { 1..threads }.map(|_| Part::new(data)).collect();
    let (mut filled, mut position) = (0, 0);
    loop {
        // Parts end behind these bits, with the block before the next one that may be entered.
        let end = |part: usize| position + ((FIRST + part * PART) as u64) * 8;
        rayon::join(
            || first.run_known(position, end(0), out, filled),
            || {
                let others = others.par_iter_mut().enumerate();
                others.for_each(|(part, other)| other.run(end(part), end(part + 1)));
            },
        );
        // A part counts if the one before it ended where it begins.
        let is_first_turn = position == 0;
        let mut counted = 0;
        for part in std::iter::once(&first).chain(&others) {
            let pause = match part.outcome {
                Ok(pause) if part.begin == position => pause,
                Err(broken) if counted == 0 => return Err(broken),
                _ => break,
            };
            counted += 1;
            filled = part.join(out, filled)?;
            position = part.stream.bits.position();
            if pause == Pause::End {
                let used = usize::try_from(position.div_ceil(8)).map_err(|_| Broken)?;
                return (filled == out.len()).then_some(used).ok_or(Broken);
            }
        }
        if is_first_turn && counted == 1 && threads > 1 {
            return Err(Broken);
        }
    }
}

/// A part of the stream and what it was decoded to.
#[derive(Debug)]
struct Part<'a> {
    data: &'a [u8],
    stream: Stream<'a>,
    begin: u64,
    outcome: Result<Pause, Broken>,
    /// Bytes that went to their place.
    direct: usize,
    /// Values as long as the window is not known.
    values: Segments<u16>,
    /// Bytes behind them.
    bytes: Segments<u8>,
}

impl<'a> Part<'a> {
    fn new(data: &'a [u8]) -> Self {
        Self {
            data,
            stream: Stream::at(data, 0),
            begin: 0,
            outcome: Err(Broken),
            direct: 0,
            values: Segments::new(),
            bytes: Segments::new(),
        }
    }

    fn start(&mut self, begin: u64) {
        self.stream.seek(self.data, begin);
        self.begin = begin;
        self.direct = 0;
        self.values.clear();
        self.bytes.clear();
    }

    /// Decodes a part whose window are the `filled` first bytes of the output.
    fn run_known(&mut self, begin: u64, end: u64, out: &mut [u8], filled: usize) {
        self.start(begin);
        let mut output = Output {
            values: out,
            at: filled,
        };
        self.outcome = decode(&mut self.stream, end, &mut output, |_| false);
        self.direct = output.at - filled;
        if self.outcome == Ok(Pause::Full) {
            let known = output.values.get(..output.at).unwrap_or_default();
            let window = known.get(known.len().saturating_sub(WINDOW)..);
            let window = window.unwrap_or_default().to_vec();
            self.outcome = self.run_bytes(end, window);
        }
    }

    /// Looks for a block and decodes from there, without a window.
    fn run(&mut self, from: u64, end: u64) {
        let far = from.saturating_add(REACH).min(end);
        self.outcome = match starts::find(self.data, from..far) {
            None => Err(Broken),
            Some(begin) => {
                self.start(begin);
                self.run_values(end)
            }
        };
    }

    fn run_values(&mut self, end: u64) -> Result<Pause, Broken> {
        let mut window: Vec<u16> = u16::unknown_window().collect();
        loop {
            let stream = &mut self.stream;
            let all_known = |output: &Output<'_, u16>| {
                let tail = output.at.checked_sub(WINDOW).map(|from| from..output.at);
                tail.and_then(|tail| known(output.values.get(tail)?))
            };
            let mut found = None;
            let pause = self.values.fill(&window, |output| {
                decode(stream, end, output, |output| {
                    found = all_known(output);
                    found.is_some()
                })
            })?;
            match (pause, found) {
                (_, Some(window)) => return self.run_bytes(end, window),
                (Pause::Full, None) => {
                    let last = self.values.used().last().ok_or(Broken)?;
                    window.clear();
                    window.extend_from_slice(last.tail());
                }
                _ => return Ok(pause),
            }
        }
    }

    fn run_bytes(&mut self, end: u64, mut window: Vec<u8>) -> Result<Pause, Broken> {
        loop {
            let stream = &mut self.stream;
            let bytes = &mut self.bytes;
            let pause = bytes.fill(&window, |output| decode(stream, end, output, |_| false))?;
            if pause != Pause::Full {
                return Ok(pause);
            }
            let last = self.bytes.used().last().ok_or(Broken)?;
            window.clear();
            window.extend_from_slice(last.tail());
        }
    }

    /// Puts what has no place yet behind the `filled` first bytes of the output; how many are filled then.
    fn join(&self, out: &mut [u8], filled: usize) -> Result<usize, Broken> {
        let filled = filled + self.direct;
        let (before, mut rest) = out.split_at_mut_checked(filled).ok_or(Broken)?;
        let window = before
            .get(before.len().saturating_sub(WINDOW)..)
            .ok_or(Broken)?;
        let room = rest.len();
        let mut put = |len: usize| -> Result<&mut [u8], Broken> {
            let halves = std::mem::take(&mut rest).split_at_mut_checked(len);
            let (place, behind) = halves.ok_or(Broken)?;
            rest = behind;
            Ok(place)
        };
        let mut jobs = Vec::new();
        for segment in self.values.used() {
            let place = put(segment.decoded().len())?;
            jobs.extend({ place.chunks_mut(SHARE) }.zip(segment.decoded().chunks(SHARE)));
        }
        let bytes = self.bytes.used().iter().map(|segment| segment.decoded());
        for decoded in bytes {
            put(decoded.len())?.copy_from_slice(decoded);
        }
        let filled = filled + room - rest.len();
        if !jobs.is_empty() {
            let resolver = Resolver::new(window)?;
            { jobs.into_par_iter() }
                .try_for_each(|(place, values)| resolver.resolve(values, place))?;
        }
        Ok(filled)
    }
}

/// Values that one thread resolves at a time.
const SHARE: usize = 1 << 18;

/// Decodes until there is no more room, `stop` says so between blocks, or a block ends behind these bits and
/// before one that may be entered.
fn decode<T: Value>(
    stream: &mut Stream<'_>,
    end: u64,
    output: &mut Output<'_, T>,
    mut stop: impl FnMut(&Output<'_, T>) -> bool,
) -> Result<Pause, Broken> {
    loop {
        let pause = stream.decode(output)?;
        let ends = || stream.bits.position() >= end && stream.is_before_dynamic();
        if pause != Pause::Block || ends() || stop(output) {
            return Ok(pause);
        }
    }
}
