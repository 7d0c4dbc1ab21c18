//! Segmentations of anyone, put onto a grid.

use std::collections::HashMap;
use std::path::Path;

use medcore::resample::{LabelInterpolation, resample_labels_slice};
use medcore::{Geometry, Image, Label, LabelMap, Plain, buffer};
use rayon::prelude::*;

use super::super::dataset::Dataset;
use super::super::derived::{LabelFault, LabelGrid, OffGrid, OutsideGrid, voxel};
use super::super::fault::Fault;
use super::super::file::{DicomFile, open_with};
use super::super::functional_group::functional_group;
use super::super::pixels::FramePlane;
use super::super::tag::Tag;
use super::kind::SegmentationKind;
use super::place::Placed;
use super::planes::one_grid;
use super::segment::Segment;
use crate::options::ReadOptions;

/// A segmentation that was read: its segments, and where its frames lie.
///
/// ```no_run
/// use medio::dicom::{self, LabelGrid, Segmentation};
///
/// let segmentation = Segmentation::read("seg.dcm")?;
/// for segment in segmentation.segments() {
///     println!("{} {}", segment.number, segment.label);
/// }
/// // On the grid of the images, checked to lie in the same frame of reference.
/// let ct = dicom::scan("ct")?.only()?.volume::<f32>()?;
/// let labels = segmentation.label_map::<u8>(&LabelGrid::of_volume(&ct)?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Segmentation {
    file: DicomFile,
    kind: SegmentationKind,
    segments: Vec<Segment>,
    frames: Vec<SegmentFrame>,
    frame_of_reference: String,
}

/// A frame of a segmentation.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct SegmentFrame {
    /// The number of its segment; none if it holds all of them.
    pub segment: Option<u16>,
    /// Its pixels in the patient, `[rows, columns]`.
    pub geometry: Geometry<2>,
}

/// How frames become the voxels of a grid.
struct Layout {
    /// Frames with their places, in the order in which they are put down.
    places: Vec<(usize, Placed)>,
    /// The number of pixels that mean nothing.
    background: u16,
}

impl Segmentation {
    /// Reads a segmentation; its pixels stay in the file until they are asked for.
    ///
    /// Reading with [`ReadOptions::lenient`] passes over descriptions of frames that are not there.
    ///
    /// # Errors
    /// Refuses what [`super::super::open`] refuses, objects that are no segmentations, and frames without a
    /// place or with a segment that is not described.
    pub fn read(path: impl AsRef<Path>) -> crate::Result<Self> {
        Self::read_with(path, &ReadOptions::new())
    }

    /// As [`Self::read`], with options.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> crate::Result<Self> {
        Self::of(open_with(path, options)?)
    }

    /// The segmentation in a file that was opened.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn of(file: DicomFile) -> crate::Result<Self> {
        let fail = crate::Error::dicom(file.path());
        Self::parse(file).map_err(fail)
    }

    fn parse(file: DicomFile) -> Result<Self, Fault> {
        let dataset = file.dataset();
        let kind = SegmentationKind::of(dataset)?;
        let image = ImageRules::check(&file, kind)?;
        let tag = Tag::FRAME_OF_REFERENCE_UID;
        let frame_of_reference = dataset.string(tag);
        let segments = segments(dataset, kind)?;
        let described = dataset.items(Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE);
        let more = described.len() > image.frames && file.lenient;
        if described.len() != image.frames && !more {
            return Err(Fault::attribute(
                Tag::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
                "of one item for each frame",
                format_args!("{} items, {} frames", described.len(), image.frames),
            ));
        }
        let mut numbers: Vec<u16> = segments.iter().map(|s| s.number).collect();
        numbers.sort_unstable();
        let frames = (0..image.frames).map(|frame| {
            let geometry = place(dataset, frame)?.geometry(image.rows, image.columns)?;
            let segment = match kind {
                SegmentationKind::LabelMap { .. } => None,
                _ => Some(segment_of(dataset, frame, &numbers)?),
            };
            Ok(SegmentFrame { segment, geometry })
        });
        let frames: Result<Vec<SegmentFrame>, Fault> = frames.collect();
        Ok(Self {
            frames: frames?,
            kind,
            segments,
            frame_of_reference: frame_of_reference.ok_or(Fault::MissingAttribute { tag })?,
            file,
        })
    }

    /// What its pixels mean.
    #[must_use]
    pub fn kind(&self) -> SegmentationKind {
        self.kind
    }

    /// Its segments in the order of the file; the background of a label map is none.
    #[must_use]
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Its frames in the order of the file.
    #[must_use]
    pub fn frames(&self) -> &[SegmentFrame] {
        &self.frames
    }

    /// UID of the frame of reference in which its millimetres count.
    #[must_use]
    pub fn frame_of_reference(&self) -> &str {
        &self.frame_of_reference
    }

    /// The file it was read from.
    #[must_use]
    pub fn file(&self) -> &DicomFile {
        &self.file
    }

    /// The smallest regular grid on which all its frames lie; frames that were left out have their planes.
    ///
    /// # Errors
    /// Refuses frames of different orientation or spacing, and distances that are no multiples of one step.
    pub fn geometry(&self) -> crate::Result<Geometry<3>> {
        self.own_grid().map_err(self.fail())
    }

    fn own_grid(&self) -> Result<Geometry<3>, Fault> {
        let frames: Vec<Geometry<2>> = self.frames.iter().map(|f| f.geometry).collect();
        let measures = functional_group(self.file.dataset(), 0, Tag::PIXEL_MEASURES_SEQUENCE);
        let measure = |tag| measures.and_then(|m| m.float(tag).ok().flatten());
        let between = measure(Tag::SPACING_BETWEEN_SLICES);
        let thickness = measure(Tag::SLICE_THICKNESS);
        Ok(one_grid(&frames, between, thickness)?)
    }

    /// The segments on a grid: each voxel the number of its segment, 0 where there is none.
    ///
    /// # Errors
    /// Refuses fractions, segments that share a voxel, numbers that `L` cannot hold, another frame of
    /// reference, and frames that do not lie on the grid as its options ask.
    pub fn label_map<L: Label>(&self, grid: &LabelGrid) -> crate::Result<LabelMap<L, 3>> {
        self.labels(grid, None).map_err(self.fail())
    }

    /// As [`Self::label_map`], where later segments of `order` cover earlier ones; others are left out.
    ///
    /// # Errors
    /// As [`Self::label_map`], but for segments that share a voxel; refuses numbers that are no segments.
    pub fn label_map_in_order<L: Label>(
        &self,
        grid: &LabelGrid,
        order: &[u16],
    ) -> crate::Result<LabelMap<L, 3>> {
        self.labels(grid, Some(order)).map_err(self.fail())
    }

    /// One segment on a grid: 1 where it is.
    ///
    /// # Errors
    /// As [`Self::label_map`], but for what concerns other segments.
    pub fn mask(&self, segment: u16, grid: &LabelGrid) -> crate::Result<LabelMap<u8, 3>> {
        let mask = || {
            self.check_segment(segment)?;
            self.check_whole("a mask")?;
            self.on(grid, |grid| {
                let layout = self.layout(grid, |s| s.is_none_or(|s| s == segment))?;
                let every = self.holds_all();
                self.assemble(grid, &layout, |value, voxel: &mut u8, _| {
                    if !every || value == segment {
                        *voxel = 1;
                    }
                    Ok(())
                })
            })
        };
        mask().map_err(self.fail())
    }

    /// One segment on a grid as fractions of 0 to 1; a binary one is 0 or 1.
    ///
    /// # Errors
    /// As [`Self::mask`], but for fractions.
    pub fn fractions(&self, segment: u16, grid: &LabelGrid) -> crate::Result<Image<f32, 3>> {
        let SegmentationKind::Fractional { maximum, .. } = self.kind else {
            return indicator(&self.mask(segment, grid)?).map_err(|e| self.core(e));
        };
        let fractions = || {
            self.check_segment(segment)?;
            let steps: LabelMap<u16, 3> = self.on(grid, |grid| {
                let layout = self.layout(grid, |s| s == Some(segment))?;
                self.assemble(grid, &layout, |value, voxel: &mut u16, _| {
                    *voxel = value;
                    Ok(())
                })
            })?;
            let part = f32::from(maximum);
            let voxels: Vec<f32> = { steps.as_slice().iter() }
                .map(|step| f32::from(*step) / part)
                .collect();
            Image::new(*steps.geometry(), voxels).map_err(Fault::core("fractions"))
        };
        fractions().map_err(self.fail())
    }

    fn fail(&self) -> impl Fn(Fault) -> crate::Error + use<> {
        crate::Error::dicom(self.file.path())
    }

    fn core(&self, error: medcore::Error) -> crate::Error {
        self.fail()(Fault::core("segmentation")(error))
    }

    fn holds_all(&self) -> bool {
        matches!(self.kind, SegmentationKind::LabelMap { .. })
    }

    fn check_whole(&self, asked: &'static str) -> Result<(), LabelFault> {
        match self.kind {
            SegmentationKind::Fractional { .. } => Err(LabelFault::OtherKind {
                asked,
                reason: "the segmentation is one of fractions, which need a threshold".into(),
            }),
            _ => Ok(()),
        }
    }

    fn check_segment(&self, number: u16) -> Result<(), LabelFault> {
        let known = self.segments.iter().map(|s| s.number);
        if known.clone().any(|known| known == number) {
            return Ok(());
        }
        Err(LabelFault::NoSuchPart {
            what: "segment",
            number: number.into(),
            known: listed(known.map(u32::from)),
        })
    }

    fn labels<L: Label>(
        &self,
        grid: &LabelGrid,
        order: Option<&[u16]>,
    ) -> Result<LabelMap<L, 3>, Fault> {
        self.check_whole("a label map")?;
        let mut ranks: HashMap<u16, (usize, L)> = HashMap::new();
        let all: Vec<u16> = self.segments.iter().map(|s| s.number).collect();
        for (rank, &number) in order.unwrap_or(&all).iter().enumerate() {
            self.check_segment(number)?;
            let label = L::from_class(number.into()).filter(|_| number > 0);
            let label = label.ok_or(LabelFault::LabelRange {
                number: number.into(),
                most: L::MAX_CLASS,
            })?;
            ranks.insert(number, (rank, label));
        }
        self.on(grid, |grid| {
            let mut layout = self.layout(grid, |s| s.is_none_or(|s| ranks.contains_key(&s)))?;
            let rank = |frame: usize| {
                let segment = self.frames.get(frame).and_then(|f| f.segment);
                segment.and_then(|s| ranks.get(&s)).map(|(rank, _)| *rank)
            };
            layout.places.sort_by_key(|(frame, _)| rank(*frame));
            let every = self.holds_all();
            self.assemble(grid, &layout, |value, voxel: &mut L, frame| {
                let number = if every { Some(value) } else { frame.segment };
                // Segments of a label map that were not asked for are left out here.
                let Some((_, label)) = number.and_then(|n| ranks.get(&n)) else {
                    return Ok(());
                };
                if order.is_none() && *voxel != L::default() && *voxel != *label {
                    return Err(((*voxel).into(), (*label).into()));
                }
                *voxel = *label;
                Ok(())
            })
        })
    }

    /// Checks the frame of reference, and puts frames onto the grid itself or, where the nearest is asked
    /// for, onto the grid of the frames first.
    fn on<L: Label>(
        &self,
        grid: &LabelGrid,
        put: impl Fn(&LabelGrid) -> Result<Vec<L>, Fault>,
    ) -> Result<LabelMap<L, 3>, Fault> {
        grid.check_frame(&self.frame_of_reference)?;
        let core = Fault::core("labels");
        if grid.off_grid == OffGrid::Refuse {
            return LabelMap::new(grid.geometry, put(grid)?).map_err(core);
        }
        let own = LabelGrid::new(self.own_grid()?, &self.frame_of_reference);
        let voxels = put(&own)?;
        if grid.outside == OutsideGrid::Refuse {
            check_inside(&voxels, &own.geometry, &grid.geometry)?;
        }
        let mut out: Vec<L> = self.room(grid)?;
        let map = grid.geometry.index_map_to(&own.geometry);
        resample_labels_slice(
            &voxels,
            own.geometry.shape(),
            &map,
            &mut out,
            grid.geometry.shape(),
            LabelInterpolation::Nearest,
            medcore::resample::Outside::Value(L::default()),
        )
        .map_err(&core)?;
        LabelMap::new(grid.geometry, out).map_err(core)
    }

    /// The places of the frames whose segment is wanted.
    fn layout(
        &self,
        grid: &LabelGrid,
        wanted: impl Fn(Option<u16>) -> bool,
    ) -> Result<Layout, LabelFault> {
        let mut places = Vec::new();
        let mut known: HashMap<(Option<u16>, Placed), usize> = HashMap::new();
        for (at, frame) in self.frames.iter().enumerate() {
            if !wanted(frame.segment) {
                continue;
            }
            let place = Placed::new(&frame.geometry, &grid.geometry, || format!("frame {at}"))?;
            if let Some(first) = known.insert((frame.segment, place), at) {
                return Err(LabelFault::Repeated {
                    first,
                    second: at,
                    segment: frame.segment.unwrap_or(0),
                });
            }
            places.push((at, place));
        }
        let background = match self.kind {
            SegmentationKind::LabelMap { background } => background,
            _ => 0,
        };
        Ok(Layout { places, background })
    }

    fn room<T: Plain>(&self, grid: &LabelGrid) -> Result<Vec<T>, Fault> {
        let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let shape = grid.geometry.shape().map(wide);
        let core = Fault::core("labels");
        let budget = &self.file.budget;
        let total = budget.claim_array("labels", &shape, wide(size_of::<T>()));
        let total = usize::try_from(total.map_err(&core)?).unwrap_or(usize::MAX);
        buffer::zeroed(total, "labels").map_err(core)
    }

    /// Reads frames and hands each pixel that means something to `put` with its voxel; what two labels `put`
    /// refuses to see in one voxel becomes a fault.
    fn assemble<T: Plain>(
        &self,
        grid: &LabelGrid,
        layout: &Layout,
        put: impl Fn(u16, &mut T, &SegmentFrame) -> Result<(), (u32, u32)> + Sync,
    ) -> Result<Vec<T>, Fault> {
        let mut voxels = self.room::<T>(grid)?;
        let stored = self.file.stored_frames()?;
        let pixels = stored.image().frame_pixels();
        let most = match self.kind {
            SegmentationKind::Binary => 1,
            SegmentationKind::Fractional { maximum, .. } => maximum,
            SegmentationKind::LabelMap { .. } => u16::MAX,
        };
        let every = self.holds_all();
        let mut known = vec![false; if every { 1 << 16 } else { 0 }];
        let numbers = self.segments.iter().map(|s| s.number);
        for number in { numbers }.chain([layout.background]) {
            if let Some(known) = known.get_mut(usize::from(number)) {
                *known = true;
            }
        }
        let check = |frame: usize, scratch: &[u16]| {
            // The largest is found many at a time; which one it is matters only where it is refused.
            if !every && scratch.iter().fold(0, |a, b| a.max(*b)) <= most {
                return Ok(());
            }
            let refused = |value: &&u16| match known.get(usize::from(**value)) {
                Some(known) => !known,
                None => **value > most,
            };
            let found = scratch.iter().find(refused);
            found.map_or(Ok(()), |value| {
                let rule = match every {
                    true => "the number of a segment or the background",
                    false => "within the range of its kind",
                };
                let got = format_args!("{value} in frame {frame}");
                Err(Fault::attribute(Tag::PIXEL_DATA, rule, got))
            })
        };
        let fill = |first: usize, part: &mut [T], places: &[(usize, Placed)]| {
            let mut scratch = vec![0_u16; pixels];
            for &(at, place) in places {
                let Some(frame) = self.frames.get(at) else {
                    continue;
                };
                stored.read(at, &mut scratch)?;
                check(at, &scratch)?;
                let what = || format!("frame {at}");
                place.for_each(&scratch, layout.background, grid, what, |index, value| {
                    let inside = index.checked_sub(first).and_then(|i| part.get_mut(i));
                    let Some(place) = inside else {
                        return Ok(());
                    };
                    put(value, place, frame).map_err(|(first, second)| LabelFault::Overlap {
                        first,
                        second,
                        voxel: voxel(&grid.geometry, index),
                    })
                })?;
            }
            Ok::<(), Fault>(())
        };
        // Frames that lie in planes of the grid are put down plane by plane, on all cores.
        let [depth, rows, columns] = grid.geometry.shape();
        let mut planes: Vec<Vec<(usize, Placed)>> = vec![Vec::new(); depth];
        let mut elsewhere = false;
        for &(at, place) in &layout.places {
            let plane = place.depth().map(usize::try_from);
            match plane {
                Some(Ok(plane)) if plane < depth => {
                    if let Some(plane) = planes.get_mut(plane) {
                        plane.push((at, place));
                    }
                }
                _ => elsewhere = true,
            }
        }
        if elsewhere {
            fill(0, &mut voxels, &layout.places)?;
            return Ok(voxels);
        }
        let size = rows.saturating_mul(columns).max(1);
        let faults = { voxels.par_chunks_mut(size).zip(planes).enumerate() }
            .map(|(depth, (part, places))| fill(depth.saturating_mul(size), part, &places));
        // The first in the order of planes, whichever thread is first.
        match faults.find_map_first(Result::err) {
            Some(fault) => Err(fault),
            None => Ok(voxels),
        }
    }
}

/// What the image module of a segmentation has to say.
struct ImageRules {
    frames: usize,
    rows: usize,
    columns: usize,
}

impl ImageRules {
    fn check(file: &DicomFile, kind: SegmentationKind) -> Result<Self, Fault> {
        let frames = file.stored_frames()?;
        let image = frames.image();
        let (allowed, rule): (&[u32], _) = match kind {
            SegmentationKind::Binary => (&[1, 8], "1 for binary segments"),
            SegmentationKind::Fractional { .. } => (&[8], "8 for fractions"),
            SegmentationKind::LabelMap { .. } => (&[8, 16], "8 or 16 for label maps"),
        };
        let bits = image.bits_allocated;
        if !allowed.contains(&bits) {
            return Err(Fault::attribute(Tag::BITS_ALLOCATED, rule, bits));
        }
        if image.samples != 1 {
            let rule = "1 in a segmentation";
            return Err(Fault::attribute(
                Tag::SAMPLES_PER_PIXEL,
                rule,
                image.samples,
            ));
        }
        Ok(Self {
            frames: image.frames,
            rows: image.rows,
            columns: image.columns,
        })
    }
}

fn segments(dataset: &Dataset, kind: SegmentationKind) -> Result<Vec<Segment>, Fault> {
    let tag = Tag::SEGMENT_SEQUENCE;
    let items = dataset.items(tag);
    if items.is_empty() {
        return Err(Fault::MissingAttribute { tag });
    }
    let segments: Result<Vec<Segment>, Fault> = items.iter().map(Segment::of_item).collect();
    let mut segments = segments?;
    if let SegmentationKind::LabelMap { background } = kind {
        segments.retain(|segment| segment.number != background);
    }
    let mut numbers: Vec<u16> = segments.iter().map(|s| s.number).collect();
    numbers.sort_unstable();
    let twice = numbers.iter().zip(numbers.iter().skip(1));
    match { twice }.find(|(a, b)| a == b) {
        None => Ok(segments),
        Some((number, _)) => {
            let rule = "different for each segment";
            Err(Fault::attribute(Tag::SEGMENT_NUMBER, rule, number))
        }
    }
}

fn place(dataset: &Dataset, frame: usize) -> Result<FramePlane, Fault> {
    let plane = FramePlane::of(dataset, frame)?;
    let needed = [
        (plane.position.is_some(), Tag::IMAGE_POSITION_PATIENT),
        (plane.orientation.is_some(), Tag::IMAGE_ORIENTATION_PATIENT),
        (plane.spacing.is_some(), Tag::PIXEL_SPACING),
    ];
    match needed.into_iter().find(|(there, _)| !there) {
        None => Ok(plane),
        Some((_, tag)) => Err(Fault::MissingAttribute { tag }),
    }
}

fn segment_of(dataset: &Dataset, frame: usize, numbers: &[u16]) -> Result<u16, Fault> {
    let tag = Tag::REFERENCED_SEGMENT_NUMBER;
    let group = functional_group(dataset, frame, Tag::SEGMENT_IDENTIFICATION_SEQUENCE);
    let number = match group {
        Some(group) => group.integer(tag)?,
        None => None,
    };
    let number = number.ok_or(Fault::MissingAttribute { tag })?;
    let known = u16::try_from(number)
        .ok()
        .filter(|n| numbers.binary_search(n).is_ok());
    known.ok_or_else(|| {
        let known = listed(numbers.iter().copied().map(u32::from));
        let got = format_args!("{number} in frame {frame} (there are {known})");
        Fault::attribute(tag, "the number of a segment", got)
    })
}

/// Numbers for a message, the first of them where they are many.
pub(in super::super) fn listed(numbers: impl Iterator<Item = u32>) -> String {
    let mut texts: Vec<String> = numbers.take(17).map(|n| n.to_string()).collect();
    if texts.len() > 16 {
        texts.pop();
        texts.push("...".to_owned());
    }
    texts.join(", ")
}

fn indicator(mask: &LabelMap<u8, 3>) -> medcore::Result<Image<f32, 3>> {
    let voxels: Vec<f32> = mask.as_slice().iter().map(|v| f32::from(*v)).collect();
    Image::new(*mask.geometry(), voxels)
}

/// Refuses voxels that mean something and lie outside another grid.
fn check_inside<L: Label>(
    voxels: &[L],
    own: &Geometry<3>,
    grid: &Geometry<3>,
) -> Result<(), LabelFault> {
    let map = own.index_map_to(grid);
    for (at, value) in voxels.iter().enumerate() {
        if *value == L::default() {
            continue;
        }
        #[expect(clippy::as_conversions, reason = "indices of a grid in memory")]
        let index = map.apply(voxel(own, at).map(|v| v as f64));
        let shape = grid.shape();
        #[expect(clippy::as_conversions, reason = "as above; rounded for the message")]
        let inside = (index.iter().zip(shape)).all(|(v, n)| (-0.5..n as f64 - 0.5).contains(v));
        if !inside {
            #[expect(clippy::as_conversions, reason = "as above; rounded for the message")]
            let index = index.map(|v| v.round() as i64);
            return Err(LabelFault::Outside {
                what: "a segment".to_owned(),
                index,
                shape,
            });
        }
    }
    Ok(())
}
