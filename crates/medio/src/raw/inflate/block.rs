//! Blocks of a deflate stream (RFC 1951 section 3.2).
#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "counts stay below 320, sizes of stored blocks below 2^16"
)]

use super::Broken;
use super::bits::Bits;
use super::output::{Output, TURN, Value};
use super::tables::{Distances, Entry, Literals, is_complete};

/// A stream between blocks or inside one, with the tables of the block.
#[derive(Debug)]
pub(super) struct Stream<'a> {
    pub(super) bits: Bits<'a>,
    literals: Literals,
    distances: Distances,
    state: State<'a>,
}

#[derive(Debug, Clone, Copy)]
enum State<'a> {
    Between,
    Coded { last: bool },
    Stored { rest: &'a [u8], last: bool },
}

/// Why decoding paused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pause {
    /// The output is full.
    Full,
    /// A block ended, and others follow.
    Block,
    /// The last block ended.
    End,
}

/// The order in which lengths of codes of lengths are given.
const ORDER: [usize; 19] = [
    16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
];
/// Codes of literals and lengths, of distances, and of both.
const MOST: [usize; 2] = [286, 30];

impl<'a> Stream<'a> {
    /// A stream whose next block begins at this bit.
    pub(super) fn at(data: &'a [u8], position: u64) -> Self {
        Self {
            bits: Bits::at(data, position),
            literals: Literals::new(),
            distances: Distances::new(),
            state: State::Between,
        }
    }

    /// Goes to another block of the same data.
    pub(super) fn seek(&mut self, data: &'a [u8], position: u64) {
        self.bits = Bits::at(data, position);
        self.state = State::Between;
    }

    /// Whether another dynamic block that is not the last one begins here.
    pub(super) fn is_before_dynamic(&self) -> bool {
        let mut bits = self.bits;
        matches!(self.state, State::Between) && bits.take(3) == 0b100
    }

    /// Decodes until a block ends or there is no more room.
    pub(super) fn decode<T: Value>(&mut self, out: &mut Output<'_, T>) -> Result<Pause, Broken> {
        if let State::Between = self.state {
            self.state = self.begin()?;
        }
        let (whole, last) = match &mut self.state {
            State::Between => (true, false),
            State::Coded { last } => {
                let last = *last;
                let (bits, tables) = (&mut self.bits, (&self.literals, &self.distances));
                let whole = medcore::cpu::with_bit_instructions(
                    #[inline(always)]
                    || symbols(bits, tables, out),
                )?;
                (whole, last)
            }
            State::Stored { rest, last } => {
                let taken = out.stored(rest);
                *rest = rest.get(taken..).unwrap_or_default();
                (rest.is_empty(), *last)
            }
        };
        if !whole {
            return Ok(Pause::Full);
        }
        self.bits.check()?;
        self.state = State::Between;
        Ok(if last { Pause::End } else { Pause::Block })
    }

    /// Reads the header of a block.
    fn begin(&mut self) -> Result<State<'a>, Broken> {
        let last = self.bits.take(1) == 1;
        match self.bits.take(2) {
            0 => {
                let head = self.bits.bytes(4)?;
                let [a, b, c, d] = *head.first_chunk().ok_or(Broken)?;
                let length = u16::from_le_bytes([a, b]);
                if length != !u16::from_le_bytes([c, d]) {
                    return Err(Broken);
                }
                let rest = self.bits.bytes(usize::from(length))?;
                Ok(State::Stored { rest, last })
            }
            1 => {
                let mut lengths = [8; 288];
                lengths.iter_mut().take(256).skip(144).for_each(|l| *l = 9);
                lengths.iter_mut().take(280).skip(256).for_each(|l| *l = 7);
                self.literals.build(&lengths)?;
                self.distances.build(&[5; 32])?;
                Ok(State::Coded { last })
            }
            2 => {
                let lengths = Lengths::read(&mut self.bits)?;
                self.literals.build(lengths.literals())?;
                self.distances.build(lengths.distances())?;
                Ok(State::Coded { last })
            }
            _ => Err(Broken),
        }
    }
}

/// Lengths of the codes of a dynamic block.
#[derive(Debug)]
pub(super) struct Lengths {
    both: [u8; 320],
    literals: usize,
    distances: usize,
}

impl Lengths {
    pub(super) fn literals(&self) -> &[u8] {
        self.both.get(..self.literals).unwrap_or_default()
    }

    pub(super) fn distances(&self) -> &[u8] {
        let end = self.literals + self.distances;
        self.both.get(self.literals..end).unwrap_or_default()
    }

    /// Reads what stands behind the three bits that begin a dynamic block (RFC 1951 section 3.2.7).
    pub(super) fn read(bits: &mut Bits<'_>) -> Result<Self, Broken> {
        let literals = bits.take(5) as usize + 257;
        let distances = bits.take(5) as usize + 1;
        let given = bits.take(4) as usize + 4;
        let [most_literals, most_distances] = MOST;
        if literals > most_literals || distances > most_distances {
            return Err(Broken);
        }
        let mut small = [0_u8; 19];
        for at in ORDER.into_iter().take(given) {
            *small.get_mut(at).ok_or(Broken)? = bits.take(3) as u8;
        }
        if !is_complete::<7>(&small) {
            return Err(Broken);
        }
        let symbols = small_symbols(&small);
        let mut lengths = Self {
            both: [0; 320],
            literals,
            distances,
        };
        let total = literals + distances;
        let mut at = 0;
        while at < total {
            bits.refill();
            let index = bits.peek() as usize & 127;
            let (symbol, length) = *symbols.get(index).ok_or(Broken)?;
            bits.skip(u32::from(length));
            let (value, repeat) = match symbol {
                0..=15 => (symbol, 1),
                16 => {
                    let before = at.checked_sub(1).and_then(|at| lengths.both.get(at));
                    (*before.ok_or(Broken)?, 3 + bits.take(2) as usize)
                }
                17 => (0, 3 + bits.take(3) as usize),
                _ => (0, 11 + bits.take(7) as usize),
            };
            let end = at + repeat;
            if end > total {
                return Err(Broken);
            }
            lengths.both.get_mut(at..end).ok_or(Broken)?.fill(value);
            at = end;
        }
        bits.check()?;
        // A block without an end is none.
        match lengths.literals().get(256) {
            Some(1..) => Ok(lengths),
            _ => Err(Broken),
        }
    }
}

/// Symbol and length of the code that begins with each seven bits.
fn small_symbols(lengths: &[u8; 19]) -> [(u8, u8); 128] {
    let mut table = [(0, 0); 128];
    let mut code = 0_u32;
    for length in 1..=7_u8 {
        for (symbol, _) in lengths.iter().enumerate().filter(|(_, l)| **l == length) {
            let reversed = (code.reverse_bits() >> (32 - u32::from(length))) as usize;
            for place in table.iter_mut().skip(reversed).step_by(1 << length) {
                *place = (symbol as u8, length);
            }
            code += 1;
        }
        code <<= 1;
    }
    table
}

/// Decodes symbols until the block ends (true) or there is no more room.
#[inline(always)]
fn symbols<T: Value>(
    bits: &mut Bits<'_>,
    (literals, distances): (&Literals, &Distances),
    out: &mut Output<'_, T>,
) -> Result<bool, Broken> {
    // Copies of their own, which stay in registers.
    let mut local = *bits;
    let (at, values) = (out.at, &mut *out.values);
    let mut output = Output { values, at };
    let done = loop {
        let Some((before, room)) = output.split() else {
            break false;
        };
        // 56 bits are enough for a literal or two of 11 and a match of 16 and 28.
        local.refill();
        let mut entry = literals.first(local.peek());
        let mut put = 0;
        if entry.is_literal() {
            put = literal(&mut local, entry, room, 0)?;
            entry = literals.first(local.peek());
            if entry.is_literal() {
                output.at = before
                    .len()
                    .wrapping_add(literal(&mut local, entry, room, put)?);
                continue;
            }
        }
        let mut looked_at = local.peek();
        if entry.is_rare() {
            if entry.is_end() {
                local.skip(entry.bits());
                output.at = before.len().wrapping_add(put);
                break true;
            }
            let (second, behind) = literals.second(entry, looked_at).ok_or(Broken)?;
            local.skip(entry.bits());
            (entry, looked_at) = (second, behind);
            if entry.is_literal() {
                output.at = before
                    .len()
                    .wrapping_add(literal(&mut local, entry, room, put)?);
                continue;
            }
            if entry.is_rare() && !entry.is_end() {
                return Err(Broken);
            }
            if entry.is_end() {
                local.skip(entry.bits());
                output.at = before.len().wrapping_add(put);
                break true;
            }
        }
        let length = entry.value(looked_at);
        local.skip(entry.bits());
        if local.count() < 28 {
            local.refill();
        }
        let distance = distance(&mut local, distances)?;
        let at = before.len().wrapping_add(put);
        if distance >= FAR && length <= 8 {
            let from = at.checked_sub(distance).ok_or(Broken)?;
            let eight: &[T; 8] = before
                .get(from..)
                .and_then(<[T]>::first_chunk)
                .ok_or(Broken)?;
            let place = room.get_mut(put..).and_then(<[T]>::first_chunk_mut);
            *place.ok_or(Broken)? = *eight;
            output.at = at.wrapping_add(length);
        } else {
            output.at = at;
            output.matched(length, distance)?;
        }
    };
    *bits = local;
    out.at = output.at;
    Ok(done)
}

/// Reads the distance of a match, at most 28 bits.
#[inline(always)]
fn distance(bits: &mut Bits<'_>, distances: &Distances) -> Result<usize, Broken> {
    let mut looked_at = bits.peek();
    let mut entry = distances.first(looked_at);
    if entry.is_rare() {
        let (second, behind) = distances.second(entry, looked_at).ok_or(Broken)?;
        bits.skip(entry.bits());
        (entry, looked_at) = (second, behind);
        if entry.is_rare() {
            return Err(Broken);
        }
    }
    let distance = entry.value(looked_at);
    bits.skip(entry.bits());
    Ok(distance)
}

/// From here on back, eight values lie before what one turn puts out.
const FAR: usize = 10;

/// Puts out a literal or two behind what was put out; how many values those are together.
#[inline(always)]
fn literal<T: Value>(
    bits: &mut Bits<'_>,
    entry: Entry,
    room: &mut [T; TURN],
    put: usize,
) -> Result<usize, Broken> {
    bits.skip(entry.bits());
    let (both, count) = entry.literals();
    let place = room.get_mut(put..).and_then(<[T]>::first_chunk_mut);
    *place.ok_or(Broken)? = both.map(T::from);
    Ok(put.wrapping_add(count))
}
