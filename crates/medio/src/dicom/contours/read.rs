//! Structure sets of anyone, put onto a grid.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use medcore::{Budget, Label, LabelMap, Lps, Plain, Point, buffer};
use rayon::prelude::*;

use super::super::dataset::{Dataset, Element, Value};
use super::super::derived::{Code, LabelFault, LabelGrid, SourceFrame, voxel};
use super::super::fault::Fault;
use super::super::file::{DicomFile, open_with};
use super::super::segmentation::AlgorithmKind;
use super::super::tag::Tag;
use super::place::{Planes, planes};
use super::raster::fill;
use super::roi::{Roi, RoiType, number_of};
use super::write::CLASS;
use crate::options::ReadOptions;

/// A structure set that was read: its regions and their contours.
///
/// A voxel belongs to a region if its centre lies inside an odd number of the closed contours of its plane, of
/// both types, so that holes are left out whether they are contours of their own or joined by a channel; a
/// centre on a contour belongs to what lies after it in rows and columns. Points and open contours enclose
/// nothing: they are listed and not filled.
///
/// ```no_run
/// use medio::dicom::{self, LabelGrid, StructureSet};
///
/// let structures = StructureSet::read("rtstruct.dcm")?;
/// for roi in structures.rois() {
///     println!("{} {} {:?}", roi.number, roi.name, roi.interpreted);
/// }
/// let ct = dicom::scan("ct")?.only()?.volume::<f32>()?;
/// let liver = structures.mask(1, &LabelGrid::of_volume(&ct)?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct StructureSet {
    path: PathBuf,
    budget: Arc<Budget>,
    label: String,
    rois: Vec<Roi>,
    /// Those of each region, in the order of the regions.
    contours: Vec<Vec<Contour>>,
}

/// What the points of a contour are (PS3.3 section C.8.8.6.1).
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ContourKind {
    /// A polygon in a plane.
    ClosedPlanar,
    /// A polygon in a plane, to be combined with others of its plane by even and odd.
    ClosedPlanarXor,
    /// A single point.
    Point,
    /// A line in a plane.
    OpenPlanar,
    /// A line in space.
    OpenNonplanar,
    /// Another term.
    Other(String),
}

impl ContourKind {
    fn of_term(term: &str) -> Self {
        match term {
            "CLOSED_PLANAR" => Self::ClosedPlanar,
            "CLOSEDPLANAR_XOR" => Self::ClosedPlanarXor,
            "POINT" => Self::Point,
            "OPEN_PLANAR" => Self::OpenPlanar,
            "OPEN_NONPLANAR" => Self::OpenNonplanar,
            other => Self::Other(other.chars().take(16).collect()),
        }
    }

    /// Whether it encloses something.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        matches!(self, Self::ClosedPlanar | Self::ClosedPlanarXor)
    }
}

/// A contour of a region.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Contour {
    /// What its points are.
    pub kind: ContourKind,
    /// Its points, in LPS millimetres; of a closed one the last is joined to the first.
    pub points: Vec<Point<Lps>>,
    /// The image it was drawn on, if it names one.
    pub image: Option<SourceFrame>,
}

impl StructureSet {
    /// Reads a structure set.
    ///
    /// # Errors
    /// Refuses what [`super::super::open`] refuses, objects that are no structure sets, contours without a
    /// region, and points of other than three numbers.
    pub fn read(path: impl AsRef<Path>) -> crate::Result<Self> {
        Self::read_with(path, &ReadOptions::new())
    }

    /// As [`Self::read`], with options.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> crate::Result<Self> {
        Self::of(&open_with(path, options)?)
    }

    /// The structure set in a file that was opened.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn of(file: &DicomFile) -> crate::Result<Self> {
        Self::parse(file).map_err(crate::Error::dicom(file.path()))
    }

    fn parse(file: &DicomFile) -> Result<Self, Fault> {
        let dataset = file.dataset();
        let class = dataset.string(Tag::SOP_CLASS_UID).unwrap_or_default();
        if class != CLASS {
            let rule = "that of RT Structure Set Storage";
            return Err(Fault::attribute(Tag::SOP_CLASS_UID, rule, class));
        }
        let mut rois = Vec::new();
        let mut places: HashMap<u32, usize> = HashMap::new();
        for item in dataset.items(Tag::STRUCTURE_SET_ROI_SEQUENCE) {
            let roi = roi_of(item)?;
            if places.insert(roi.number, rois.len()).is_some() {
                let rule = "different for each region";
                return Err(Fault::attribute(Tag::ROI_NUMBER, rule, roi.number));
            }
            rois.push(roi);
        }
        for item in dataset.items(Tag::RT_ROI_OBSERVATIONS_SEQUENCE) {
            observe(item, &places, &mut rois)?;
        }
        let mut contours: Vec<Vec<Contour>> = vec![Vec::new(); rois.len()];
        for item in dataset.items(Tag::ROI_CONTOUR_SEQUENCE) {
            let tag = Tag::REFERENCED_ROI_NUMBER;
            let number = number_of(item, tag)?;
            let place = places.get(&number).copied();
            let unknown = || Fault::attribute(tag, "the number of a region", number);
            let place = place.ok_or_else(unknown)?;
            let of_region = contours.get_mut(place).ok_or_else(unknown)?;
            for contour in item.items(Tag::CONTOUR_SEQUENCE) {
                of_region.push(contour_of(file, contour)?);
            }
            let colour = item.integers(Tag::ROI_DISPLAY_COLOR)?;
            let colour: Vec<u8> = { colour.into_iter() }
                .filter_map(|part| u8::try_from(part).ok())
                .collect();
            if let Some(roi) = rois.get_mut(place) {
                roi.colour = colour.try_into().ok();
            }
        }
        Ok(Self {
            path: file.path().to_owned(),
            budget: Arc::clone(&file.budget),
            label: dataset.text(Tag::STRUCTURE_SET_LABEL).unwrap_or_default(),
            rois,
            contours,
        })
    }

    /// `StructureSetLabel`
    #[must_use]
    pub fn label(&self) -> &str {
        &self.label
    }

    /// Its regions in the order of the file.
    #[must_use]
    pub fn rois(&self) -> &[Roi] {
        &self.rois
    }

    /// All contours of a region, those that enclose nothing too; none if there is no such region.
    #[must_use]
    pub fn contours(&self, roi: u32) -> &[Contour] {
        let place = self.rois.iter().position(|r| r.number == roi);
        let contours = place.and_then(|place| self.contours.get(place));
        contours.map_or(&[], Vec::as_slice)
    }

    /// A region on a grid: 1 where it is. A region without contours is nowhere.
    ///
    /// # Errors
    /// Refuses numbers that are no region, another frame of reference, contours off the grid's planes or
    /// outside it as its options ask, and regions of points and open contours alone.
    pub fn mask(&self, roi: u32, grid: &LabelGrid) -> crate::Result<LabelMap<u8, 3>> {
        let mask = || {
            let voxels = self.filled(roi, grid)?;
            LabelMap::new(grid.geometry, voxels).map_err(Fault::core("mask"))
        };
        mask().map_err(self.fail())
    }

    /// Regions on a grid: each voxel the place of its region in `rois`, from 1; 0 where there is none.
    ///
    /// # Errors
    /// As [`Self::mask`]; refuses regions that share a voxel, and more regions than `L` can number.
    pub fn label_map<L: Label>(
        &self,
        rois: &[u32],
        grid: &LabelGrid,
    ) -> crate::Result<LabelMap<L, 3>> {
        self.labels(rois, grid, false).map_err(self.fail())
    }

    /// As [`Self::label_map`], where later regions of `rois` cover earlier ones.
    ///
    /// # Errors
    /// As [`Self::label_map`], but for regions that share a voxel.
    pub fn label_map_in_order<L: Label>(
        &self,
        rois: &[u32],
        grid: &LabelGrid,
    ) -> crate::Result<LabelMap<L, 3>> {
        self.labels(rois, grid, true).map_err(self.fail())
    }

    fn fail(&self) -> impl Fn(Fault) -> crate::Error + use<> {
        crate::Error::dicom(&self.path)
    }

    fn labels<L: Label>(
        &self,
        rois: &[u32],
        grid: &LabelGrid,
        cover: bool,
    ) -> Result<LabelMap<L, 3>, Fault> {
        let mut regions = Vec::with_capacity(rois.len());
        for (&roi, class) in rois.iter().zip(1_u32..) {
            let label = L::from_class(class).ok_or(LabelFault::LabelRange {
                number: class,
                most: L::MAX_CLASS,
            })?;
            regions.push((label, self.planes(roi, grid)?));
        }
        let mut labels: Vec<L> = self.room(grid)?;
        let [_, rows, columns] = grid.geometry.shape();
        let size = rows.saturating_mul(columns).max(1);
        let put = |depth: usize, out: &mut [L]| {
            let mut inside = vec![0_u8; size];
            for (label, planes) in &regions {
                let Some(contours) = planes.get(depth).filter(|c| !c.is_empty()) else {
                    continue;
                };
                fill(
                    contours.iter().map(Vec::as_slice),
                    [rows, columns],
                    &mut inside,
                );
                for (at, (place, inside)) in out.iter_mut().zip(&inside).enumerate() {
                    if *inside == 0 {
                        continue;
                    }
                    if *place != L::default() && !cover {
                        return Err(LabelFault::Overlap {
                            first: (*place).into(),
                            second: (*label).into(),
                            voxel: voxel(
                                &grid.geometry,
                                depth.saturating_mul(size).saturating_add(at),
                            ),
                        });
                    }
                    *place = *label;
                }
            }
            Ok(())
        };
        let faults =
            { labels.par_chunks_mut(size).enumerate() }.map(|(depth, out)| put(depth, out));
        // The first in the order of planes, whichever thread is first.
        if let Some(fault) = faults.find_map_first(Result::err) {
            return Err(fault.into());
        }
        LabelMap::new(grid.geometry, labels).map_err(Fault::core("labels"))
    }

    fn filled(&self, roi: u32, grid: &LabelGrid) -> Result<Vec<u8>, Fault> {
        let planes = self.planes(roi, grid)?;
        let mut voxels: Vec<u8> = self.room(grid)?;
        let [_, rows, columns] = grid.geometry.shape();
        let size = rows.saturating_mul(columns).max(1);
        { voxels.par_chunks_mut(size).zip(planes) }.for_each(|(out, contours)| {
            if !contours.is_empty() {
                fill(contours.iter().map(Vec::as_slice), [rows, columns], out);
            }
        });
        Ok(voxels)
    }

    /// The contours of a region in each plane of the grid.
    fn planes(&self, roi: u32, grid: &LabelGrid) -> Result<Planes, Fault> {
        let found = self.rois.iter().zip(&self.contours);
        let found = { found }.find(|(region, _)| region.number == roi);
        let (region, contours) = found.ok_or_else(|| LabelFault::NoSuchPart {
            what: "region of interest",
            number: roi,
            known: super::super::segmentation::listed(self.rois.iter().map(|r| r.number)),
        })?;
        grid.check_frame(&region.frame_of_reference)?;
        if !contours.is_empty() && !contours.iter().any(|c| c.kind.is_closed()) {
            return Err(Fault::from(LabelFault::NothingClosed {
                number: roi,
                open: contours.len(),
            }));
        }
        Ok(planes(contours, &format!("region {roi}"), grid)?)
    }

    fn room<T: Plain>(&self, grid: &LabelGrid) -> Result<Vec<T>, Fault> {
        let wide = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
        let shape = grid.geometry.shape().map(wide);
        let core = Fault::core("labels");
        let total = self
            .budget
            .claim_array("labels", &shape, wide(size_of::<T>()));
        let total = usize::try_from(total.map_err(&core)?).unwrap_or(usize::MAX);
        buffer::zeroed(total, "labels").map_err(core)
    }
}

fn roi_of(item: &Dataset) -> Result<Roi, Fault> {
    let tag = Tag::REFERENCED_FRAME_OF_REFERENCE_UID;
    let frame = item.string(tag).ok_or(Fault::MissingAttribute { tag })?;
    let drawn = item.string(Tag::ROI_GENERATION_ALGORITHM);
    let kinds = [
        AlgorithmKind::Automatic,
        AlgorithmKind::SemiAutomatic,
        AlgorithmKind::Manual,
    ];
    let algorithm = drawn.and_then(|term| kinds.into_iter().find(|kind| kind.term() == term));
    let mut roi = Roi::new(item.text(Tag::ROI_NAME).unwrap_or_default());
    roi.number = number_of(item, Tag::ROI_NUMBER)?;
    roi.description = item.text(Tag::ROI_DESCRIPTION);
    roi.algorithm = algorithm;
    roi.frame_of_reference = frame;
    Ok(roi)
}

/// What an observation adds to a region.
fn observe(item: &Dataset, places: &HashMap<u32, usize>, rois: &mut [Roi]) -> Result<(), Fault> {
    let tag = Tag::REFERENCED_ROI_NUMBER;
    let number = number_of(item, tag)?;
    let roi = places.get(&number).and_then(|place| rois.get_mut(*place));
    let roi = roi.ok_or_else(|| Fault::attribute(tag, "the number of a region", number))?;
    let term = item.string(Tag::RT_ROI_INTERPRETED_TYPE);
    roi.interpreted = RoiType::of_term(&term.unwrap_or_default());
    let code = item.item(Tag::RT_ROI_IDENTIFICATION_CODE_SEQUENCE);
    roi.code = code.map(Code::of_item).transpose()?;
    Ok(())
}

fn contour_of(file: &DicomFile, item: &Dataset) -> Result<Contour, Fault> {
    let tag = Tag::CONTOUR_GEOMETRIC_TYPE;
    let kind = item.string(tag).ok_or(Fault::MissingAttribute { tag })?;
    let tag = Tag::CONTOUR_DATA;
    let numbers = match item.get(tag) {
        None => Vec::new(),
        // Long contours stay in the file like pixels.
        Some(element) if matches!(element.value(), Value::Deferred(_)) => {
            let value = file.load_value(element)?;
            Element::new(tag, element.vr(), value).floats()?
        }
        Some(element) => element.floats()?,
    };
    let (triples, []) = numbers.as_chunks::<3>() else {
        let got = format_args!("{} numbers", numbers.len());
        return Err(Fault::attribute(tag, "of three numbers a point", got));
    };
    let tag = Tag::NUMBER_OF_CONTOUR_POINTS;
    let declared = item.integer(tag)?;
    if declared.is_some_and(|n| usize::try_from(n) != Ok(triples.len())) && !file.lenient {
        let got = format_args!("{} for {}", declared.unwrap_or(0), triples.len());
        return Err(Fault::attribute(tag, "the number of points there are", got));
    }
    let image = item.item(Tag::CONTOUR_IMAGE_SEQUENCE);
    Ok(Contour {
        kind: ContourKind::of_term(&kind),
        points: { triples.iter() }
            .map(|&[x, y, z]| Point::new(x, y, z))
            .collect(),
        image: image.map(SourceFrame::of_item).transpose()?,
    })
}
