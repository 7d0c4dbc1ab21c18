//! Where the frames of encapsulated pixel data lie: by the extended offset table, the basic one, one
//! fragment a frame, or the marks with which codestreams start (PS3.5 section A.4).

use super::super::dataset::{Dataset, Fragment, Store};
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::super::transfer_syntax::Codec;

/// The fragments of each frame: from one index to before another.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct FrameIndex {
    /// Where frames begin in the list of fragments, and its end.
    starts: Vec<usize>,
}

/// What a frame index is made from.
pub(super) struct Encapsulated<'a> {
    pub(super) dataset: &'a Dataset,
    pub(super) store: &'a Store,
    /// The basic offset table, then the frames' fragments.
    pub(super) fragments: &'a [Fragment],
    pub(super) codec: Codec,
    pub(super) frames: usize,
    pub(super) lenient: bool,
}

fn fault(problem: impl std::fmt::Display) -> Fault {
    Fault::FrameIndex {
        problem: problem.to_string(),
    }
}

impl FrameIndex {
    /// Indices of a frame's fragments.
    pub(super) fn fragments(&self, frame: usize) -> Option<std::ops::Range<usize>> {
        let start = *self.starts.get(frame)?;
        let end = *self.starts.get(frame.checked_add(1)?)?;
        Some(start..end)
    }

    /// Finds the frames.
    pub(super) fn of(source: &Encapsulated<'_>) -> Result<Self, Fault> {
        let Some((table, fragments)) = source.fragments.split_first() else {
            return Err(fault(
                "there are no fragments, not even an empty offset table",
            ));
        };
        if fragments.len() < source.frames {
            let (found, needed) = (fragments.len(), source.frames);
            return Err(fault(format_args!("{found} fragments for {needed} frames")));
        }
        let extended = source.dataset.bytes(Tag::EXTENDED_OFFSET_TABLE);
        let by_table = match extended.filter(|bytes| !bytes.is_empty()) {
            Some(bytes) => Some(Self::extended(bytes, fragments, source.frames)),
            None if table.length > 0 => Some(Self::basic(table, fragments, source)),
            None => None,
        };
        match by_table {
            Some(Ok(index)) => Ok(index),
            Some(Err(fault)) if !source.lenient => Err(fault),
            _ => Self::without_table(fragments, source),
        }
    }

    fn basic(
        table: &Fragment,
        fragments: &[Fragment],
        source: &Encapsulated<'_>,
    ) -> Result<Self, Fault> {
        let length = u64::from(table.length);
        let needed = u64::try_from(source.frames)
            .unwrap_or(u64::MAX)
            .saturating_mul(4);
        if length != needed {
            return Err(fault(format_args!(
                "the basic offset table has {length} bytes, {} frames need {needed}",
                source.frames
            )));
        }
        let bytes = source.store.range(table.offset, length)?;
        let offsets =
            { bytes.as_chunks::<4>().0.iter() }.map(|b| u64::from(u32::from_le_bytes(*b)));
        Self::by_offsets(offsets, fragments)
    }

    fn extended(bytes: &[u8], fragments: &[Fragment], frames: usize) -> Result<Self, Fault> {
        let (offsets, []) = bytes.as_chunks::<8>() else {
            return Err(fault("the extended offset table ends inside a number"));
        };
        if offsets.len() != frames {
            let found = offsets.len();
            return Err(fault(format_args!(
                "the extended offset table lists {found} frames of {frames}"
            )));
        }
        Self::by_offsets(offsets.iter().map(|b| u64::from_le_bytes(*b)), fragments)
    }

    /// Offsets count from the item header of the first fragment.
    fn by_offsets(
        offsets: impl Iterator<Item = u64>,
        fragments: &[Fragment],
    ) -> Result<Self, Fault> {
        let first = fragments.first().map_or(0, |f| f.offset);
        let mut starts: Vec<usize> = Vec::new();
        for (frame, offset) in offsets.enumerate() {
            let place = first.checked_add(offset);
            let found = place.map(|p| fragments.binary_search_by_key(&p, |f| f.offset));
            let Some(Ok(at)) = found else {
                return Err(fault(format_args!(
                    "the offset {offset} of frame {frame} points to no fragment"
                )));
            };
            let ascends = starts.last().is_none_or(|last| *last < at);
            if !ascends || (frame == 0 && at != 0) {
                return Err(fault(format_args!(
                    "the offset {offset} of frame {frame} does not follow the one before"
                )));
            }
            starts.push(at);
        }
        starts.push(fragments.len());
        Ok(Self { starts })
    }

    fn without_table(fragments: &[Fragment], source: &Encapsulated<'_>) -> Result<Self, Fault> {
        let frames = source.frames;
        if frames == 1 {
            return Ok(Self {
                starts: vec![0, fragments.len()],
            });
        }
        if fragments.len() == frames {
            return Ok(Self {
                starts: (0..=frames).collect(),
            });
        }
        if source.codec == Codec::Rle {
            // Run lengths have one fragment a frame and no mark (PS3.5 section A.4.2).
            return Err(fault(format_args!(
                "{} fragments for {frames} frames of run lengths",
                fragments.len()
            )));
        }
        let mut starts = Vec::new();
        for (at, fragment) in fragments.iter().enumerate() {
            let head = source
                .store
                .range(fragment.offset, u64::from(fragment.length).min(12))?;
            let marks: [&[u8]; 3] = [b"\xff\xd8\xff", b"\xff\x4f\xff\x51", b"\0\0\0\x0cjP  "];
            if marks.iter().any(|mark| head.starts_with(mark)) {
                starts.push(at);
            }
        }
        if starts.len() != frames || starts.first() != Some(&0) {
            return Err(fault(format_args!(
                "{} codestreams begin in {} fragments, {frames} frames are declared",
                starts.len(),
                fragments.len()
            )));
        }
        starts.push(fragments.len());
        Ok(Self { starts })
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::dataset::{Element, Value};
    use super::super::super::vr::Vr;
    use super::*;

    /// Fragments of these contents, as they lie in a file.
    fn index(
        contents: &[&[u8]],
        frames: usize,
        extended: Option<&[u64]>,
    ) -> Result<FrameIndex, Fault> {
        let (mut bytes, mut fragments) = (Vec::new(), Vec::new());
        for content in contents {
            bytes.extend([0xfe, 0xff, 0, 0xe0]);
            bytes.extend((content.len() as u32).to_le_bytes());
            fragments.push(Fragment {
                offset: bytes.len() as u64,
                length: content.len() as u32,
            });
            bytes.extend(*content);
        }
        let mut dataset = Dataset::new();
        if let Some(offsets) = extended {
            let table: Vec<u8> = offsets.iter().flat_map(|o| o.to_le_bytes()).collect();
            let value = Value::Bytes(table.into());
            dataset.insert(Element::new(Tag::EXTENDED_OFFSET_TABLE, Vr::OV, value));
        }
        FrameIndex::of(&Encapsulated {
            dataset: &dataset,
            store: &Store::Memory(bytes.into()),
            fragments: &fragments,
            codec: Codec::Jpeg,
            frames,
            lenient: false,
        })
    }

    const START: &[u8] = b"\xff\xd8\xff\xc0";
    const REST: &[u8] = b"1234";

    #[test]
    fn frames_are_found_in_every_way_the_standard_knows() {
        let two = [0_u32.to_le_bytes(), 24_u32.to_le_bytes()].concat();
        let by_basic = index(&[&two, START, REST, START], 2, None).unwrap();
        assert_eq!(by_basic.starts, [0, 2, 3]);
        let by_extended = index(&[b"", START, REST, START], 2, Some(&[0, 24])).unwrap();
        assert_eq!(by_extended, by_basic);
        let by_marks = index(&[b"", START, REST, START], 2, None).unwrap();
        assert_eq!(by_marks, by_basic);
        assert_eq!(
            index(&[b"", REST, REST], 2, None).unwrap().starts,
            [0, 1, 2]
        );
        assert_eq!(index(&[b"", START, REST], 1, None).unwrap().starts, [0, 2]);
        assert_eq!(by_basic.fragments(1), Some(2..3));
        assert_eq!(by_basic.fragments(2), None);
    }

    #[test]
    fn tables_that_point_elsewhere_and_missing_frames_are_refused() {
        let table = |a: u32, b: u32| [a.to_le_bytes(), b.to_le_bytes()].concat();
        for (a, b) in [(0, 25), (24, 0), (0, 0), (12, 24), (0, u32::MAX - 7)] {
            let table = table(a, b);
            let got = index(&[&table, START, REST, START], 2, None);
            assert!(got.is_err(), "{a} {b}");
        }
        for huge in [1 << 63, u64::MAX, 24 + 1] {
            assert!(index(&[b"", START, REST, START], 2, Some(&[0, huge])).is_err());
        }
        assert!(index(&[b"\x01\x02\x03", START], 1, None).is_err());
        assert!(index(&[b"", START], 1_000_000_000, None).is_err());
        assert!(index(&[b"", REST, REST, REST], 2, None).is_err());
        assert!(index(&[], 1, None).is_err());
    }
}
