//! Structure sets of anyone, as their files describe them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use medcore::Budget;

use super::super::dataset::Dataset;
use super::super::derived::Code;
use super::super::fault::Fault;
use super::super::file::{DicomFile, open_with};
use super::super::segmentation::AlgorithmKind;
use super::super::tag::Tag;
use super::contour::Contour;
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
    pub(super) path: PathBuf,
    pub(super) budget: Arc<Budget>,
    label: String,
    pub(super) rois: Vec<Roi>,
    /// Those of each region, in the order of the regions.
    pub(super) contours: Vec<Vec<Contour>>,
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
                of_region.push(Contour::of(file, contour)?);
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
}

fn roi_of(item: &Dataset) -> Result<Roi, Fault> {
    let frame = item.required_string(Tag::REFERENCED_FRAME_OF_REFERENCE_UID)?;
    let drawn = item.string(Tag::ROI_GENERATION_ALGORITHM);
    let algorithm = drawn.and_then(|term| AlgorithmKind::of_term(&term));
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
