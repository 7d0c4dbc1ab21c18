//! Where decoded values go: memory with the window before them.
#![allow(
    clippy::as_conversions,
    clippy::arithmetic_side_effects,
    reason = "places lie inside the buffer, whose room was checked"
)]

use std::ops::Range;

use super::Broken;

/// How far back a match reaches at most (RFC 1951 section 3.2.5).
pub(super) const WINDOW: usize = 1 << 15;
/// The room that one turn of the decoder may fill: six literals, a match, and what a wide copy writes too far.
pub(super) const TURN: usize = 6 + 258 + 32;

/// Set in values that stand for a byte of a window that is not known; the other bits say which.
const UNKNOWN: u16 = 1 << 15;

/// Bytes, or values that may stand for bytes not known yet.
pub(super) trait Value: Copy + Default + From<u8> + Send {
    /// What an unknown window looks like; none for values that cannot say so.
    fn unknown_window() -> impl Iterator<Item = Self>;
}

impl Value for u8 {
    fn unknown_window() -> impl Iterator<Item = Self> {
        std::iter::empty()
    }
}

impl Value for u16 {
    fn unknown_window() -> impl Iterator<Item = Self> {
        UNKNOWN..=Self::MAX
    }
}

/// Memory that is filled; what lies before `at` is the window.
#[derive(Debug)]
pub(super) struct Output<'a, T> {
    pub(super) values: &'a mut [T],
    pub(super) at: usize,
}

impl<T: Value> Output<'_, T> {
    /// What is there, and the room that one turn of the decoder may fill, if there is so much.
    #[inline(always)]
    pub(super) fn split(&mut self) -> Option<(&[T], &mut [T; TURN])> {
        let (before, room) = self.values.split_at_mut_checked(self.at)?;
        Some((before, room.first_chunk_mut()?))
    }

    /// Appends bytes that were stored; how many of them found room.
    pub(super) fn stored(&mut self, bytes: &[u8]) -> usize {
        let room = self.values.get_mut(self.at..).unwrap_or_default();
        let count = room.len().min(bytes.len());
        for (to, from) in room.iter_mut().zip(bytes) {
            *to = T::from(*from);
        }
        self.at += count;
        count
    }

    /// Appends `length` values, 258 at most, that begin `distance` before the end.
    #[inline(always)]
    pub(super) fn matched(&mut self, length: usize, distance: usize) -> Result<(), Broken> {
        let from = self.at.checked_sub(distance).ok_or(Broken)?;
        let end = self.at.wrapping_add(length);
        let done = match distance {
            8.. => self.copy(from, end),
            0 => None,
            _ => repeat(self.values, self.at, from..end),
        };
        self.at = end;
        done.ok_or(Broken)
    }

    /// Copies eight values at a time, which lie before those that they go to; sixteen are enough for most.
    #[inline(always)]
    fn copy(&mut self, mut from: usize, end: usize) -> Option<()> {
        let mut to = self.at;
        self.copy_eight(from, to)?;
        loop {
            from = from.wrapping_add(8);
            to = to.wrapping_add(8);
            self.copy_eight(from, to)?;
            if to.wrapping_add(8) >= end {
                return Some(());
            }
        }
    }

    #[inline(always)]
    fn copy_eight(&mut self, from: usize, to: usize) -> Option<()> {
        let eight: [T; 8] = *self.values.get(from..)?.first_chunk()?;
        *self.values.get_mut(to..)?.first_chunk_mut()? = eight;
        Some(())
    }
}

/// Appends the period that begins with a range at `at` until the range ends: whole periods of less than eight
/// values, as many as fit into eight at a time.
#[inline(never)]
fn repeat<T: Value>(values: &mut [T], at: usize, range: Range<usize>) -> Option<()> {
    let mut pattern = [T::default(); 8];
    let period = values.get(range.start..at)?;
    for (to, from) in pattern.iter_mut().zip(period.iter().cycle()) {
        *to = *from;
    }
    let step = 8_usize.checked_div(period.len())? * period.len();
    let mut to = at;
    while to < range.end {
        *values.get_mut(to..)?.first_chunk_mut()? = pattern;
        to += step;
    }
    Some(())
}

/// Memory for values that have no place yet.
#[derive(Debug)]
pub(super) struct Segment<T> {
    values: Vec<T>,
    window: usize,
    end: usize,
}

impl<T: Value> Segment<T> {
    /// Values in a segment, with the window before them.
    const LEN: usize = WINDOW + (1 << 19);

    pub(super) fn decoded(&self) -> &[T] {
        self.values.get(self.window..self.end).unwrap_or_default()
    }

    /// The last values that a match may reach.
    pub(super) fn tail(&self) -> &[T] {
        let known = self.values.get(..self.end).unwrap_or_default();
        known
            .get(known.len().saturating_sub(WINDOW)..)
            .unwrap_or_default()
    }
}

/// Segments of which some are in use; the others keep their memory.
#[derive(Debug)]
pub(super) struct Segments<T> {
    all: Vec<Segment<T>>,
    used: usize,
}

impl<T: Value> Segments<T> {
    /// Segments of one part: more is a stream of which few parts hold much, which gains nothing from threads.
    const MOST: usize = 32;

    pub(super) fn new() -> Self {
        Self {
            all: Vec::new(),
            used: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.used = 0;
    }

    pub(super) fn used(&self) -> &[Segment<T>] {
        self.all.get(..self.used).unwrap_or_default()
    }

    /// Begins a segment behind a window and fills it; what `fill` returned.
    pub(super) fn fill<R>(
        &mut self,
        window: &[T],
        fill: impl FnOnce(&mut Output<'_, T>) -> Result<R, Broken>,
    ) -> Result<R, Broken>
    where
        T: medcore::buffer::Plain,
    {
        if self.used == Self::MOST {
            return Err(Broken);
        }
        if self.used == self.all.len() {
            let values = medcore::buffer::zeroed(Segment::<T>::LEN, "inflated data");
            self.all.push(Segment {
                values: values.map_err(|_| Broken)?,
                window: 0,
                end: 0,
            });
        }
        let segment = self.all.get_mut(self.used).ok_or(Broken)?;
        self.used += 1;
        segment.window = window.len();
        segment
            .values
            .get_mut(..window.len())
            .ok_or(Broken)?
            .copy_from_slice(window);
        let mut output = Output {
            values: &mut segment.values,
            at: window.len(),
        };
        let filled = fill(&mut output);
        segment.end = output.at;
        filled
    }
}

/// The bytes that values are, if all are known.
pub(super) fn known(values: &[u16]) -> Option<Vec<u8>> {
    // Without a branch, so that many are looked at at once.
    let all = values.iter().fold(0, |all, value| all | value);
    (all < UNKNOWN).then(|| values.iter().map(|value| value.to_le_bytes()[0]).collect())
}

/// The bytes that values stand for.
#[derive(Debug)]
pub(super) struct Resolver {
    /// A byte for each value: itself, or one of the window.
    bytes: Vec<u8>,
    /// Unknown values below this lie before the beginning of the stream.
    least: u16,
}

impl Resolver {
    /// For values behind these bytes, which are fewer than a window only at the beginning of a stream.
    pub(super) fn new(window: &[u8]) -> Result<Self, Broken> {
        let short = WINDOW.checked_sub(window.len()).ok_or(Broken)?;
        let mut bytes: Vec<u8> = (0..=u8::MAX).collect();
        bytes.resize(usize::from(UNKNOWN) + short, 0);
        bytes.extend_from_slice(window);
        let least = UNKNOWN.saturating_add(u16::try_from(short).map_err(|_| Broken)?);
        Ok(Self { bytes, least })
    }

    pub(super) fn resolve(&self, values: &[u16], bytes: &mut [u8]) -> Result<(), Broken> {
        let (values, rest) = values.as_chunks::<32>();
        let (places, behind) = bytes.as_chunks_mut::<32>();
        for (place, values) in places.iter_mut().zip(values) {
            if values.iter().fold(0, |all, value| all | value) < UNKNOWN {
                *place = values.map(|value| value.to_le_bytes()[0]);
            } else {
                self.look_up(values, place)?;
            }
        }
        self.look_up(rest, behind)
    }

    fn look_up(&self, values: &[u16], bytes: &mut [u8]) -> Result<(), Broken> {
        let mut lost = false;
        for (byte, value) in bytes.iter_mut().zip(values) {
            lost |= (UNKNOWN..self.least).contains(value);
            *byte = self.bytes.get(usize::from(*value)).copied().unwrap_or(0);
        }
        if lost { Err(Broken) } else { Ok(()) }
    }
}
