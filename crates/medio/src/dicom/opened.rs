//! A folder or a file of DICOM as the one volume that it holds, for the door that all formats share.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use medcore::{Budget, Buffer, Calibration, Geometry};

use super::derived::LabelGrid;
use super::fault::Fault;
use super::file::{DicomFile, open_with};
use super::instance::{Instance, Slice, slices};
use super::pixels::{FramePlane, ImagePixels, Photometric, Quantity, ValueRange, stored_datatype};
use super::scan::scan_with;
use super::segmentation::{Segmentation, SegmentationKind};
use super::series::{Files, PlaneSource, SeriesFault, SeriesWarning};
use super::stack::{Stack, stacks};
use super::tag::Tag;
use super::volume_header::VolumeHeader;
use crate::error::{Error, Result};
use crate::format::Format;
use crate::options::ReadOptions;
use crate::report::Report;
use crate::volume::{self, Facts, Volume};
use crate::voxel::{Datatype, Voxel};

/// A volume of DICOM files that passed every check short of its voxels.
pub(crate) struct Opened {
    /// The folder or the file, for messages.
    path: PathBuf,
    pub(crate) header: VolumeHeader,
    geometry: Geometry<3>,
    channels: usize,
    stored: Datatype,
    natural: Datatype,
    report: Report,
    content: Content,
    options: ReadOptions,
}

enum Content {
    /// Slices with places; the only file they are in, if it is open.
    Slices(Box<Stack>, Option<Box<DicomFile>>),
    /// The frames of one file, which may say nothing of places, or hold colours.
    Frames(Box<DicomFile>),
    /// The segments of one file on their own grid.
    Segments(Box<Segmentation>),
}

/// `MediaStorageDirectoryStorage`, `RTStructureSetStorage`
const DIRECTORY: &str = "1.2.840.10008.1.3.10";
const STRUCTURE_SET: &str = "1.2.840.10008.5.1.4.1.1.481.3";

/// The volume of a folder; none if nothing in it is DICOM.
pub(crate) fn open_folder(path: &Path, options: &ReadOptions) -> Result<Option<Opened>> {
    let mut scan = scan_with(path, options)?;
    if scan.studies.is_empty() {
        return match scan.refused.pop() {
            Some(file) => Err(file.error),
            None => Ok(None),
        };
    }
    let chosen = scan.select(&options.series)?;
    let series = chosen.series;
    if !options.lenient {
        scan.check_complete(series)?;
    }
    let first = chosen.chosen.slices.first();
    if let Some(first) = first.filter(|first| is_segmentation(&first.group.class_uid)) {
        return open_file(&first.path.clone(), options).map(Some);
    }
    let draft = Draft {
        path,
        header: VolumeHeader::of_series(chosen.study, series),
        options,
    };
    let mut opened = draft.stack(chosen.chosen.clone(), &series.instances, None)?;
    if let Some(warning) = series.repetition() {
        opened.report.add(warning);
    }
    Ok(Some(opened))
}

/// The volume in a file.
pub(crate) fn open_file(path: &Path, options: &ReadOptions) -> Result<Opened> {
    of_file(open_with(path, options)?, options)
}

/// The volume in a file in memory.
pub(crate) fn open_memory(bytes: &[u8], options: &ReadOptions) -> Result<Opened> {
    let file = super::decode(bytes, options).map_err(Error::dicom(Path::new("memory")))?;
    of_file(file, options)
}

fn is_segmentation(class: &str) -> bool {
    SegmentationKind::CLASSES.contains(&class)
}

fn of_file(file: DicomFile, options: &ReadOptions) -> Result<Opened> {
    let dataset = file.dataset();
    let directory = file.meta().string(Tag::MEDIA_STORAGE_SOP_CLASS_UID);
    let class = dataset.string(Tag::SOP_CLASS_UID).unwrap_or_default();
    let unread = |reason| Error::UnsupportedFormat {
        path: file.path().to_owned(),
        format: Format::Dicom,
        reason,
    };
    if directory.as_deref() == Some(DIRECTORY) {
        return Err(unread("a DICOMDIR lists files; read its folder"));
    }
    if class == STRUCTURE_SET {
        return Err(unread(
            "contours need a grid: medio::dicom::StructureSet puts them onto one",
        ));
    }
    let header = VolumeHeader::of_file(dataset);
    if is_segmentation(&class) {
        return segments(file, header, options);
    }
    let fail = Error::dicom(file.path());
    let instance = Instance {
        path: file.path().into(),
        uid: dataset.string(Tag::SOP_INSTANCE_UID).unwrap_or_default(),
        class_uid: class,
        number: None,
        image: Some(file.image()?),
    };
    let uid = header.series_uid.clone().unwrap_or_default();
    let path = file.path().to_owned();
    let draft = Draft {
        path: &path,
        header,
        options,
    };
    let mut found = stacks(&uid, slices(&file, &instance).map_err(fail)?);
    match (found.pop(), found.len()) {
        (Some(stack), 0) if is_volume(&stack, &instance) => {
            draft.stack(stack, &[instance], Some(file))
        }
        (Some(_), 0) => draft.frames(file),
        (last, _) => Err(Error::Series {
            uid,
            fault: Box::new(SeriesFault::SeveralStacks {
                stacks: found.iter().chain(&last).map(Stack::describe).collect(),
            }),
        }),
    }
}

/// Whether the slices of a file are a volume of values, and not a picture or a film.
fn is_volume(stack: &Stack, instance: &Instance) -> bool {
    let placed = |slice: &Slice| {
        let plane = &slice.plane;
        plane.position.is_some() && plane.orientation.is_some() && plane.spacing.is_some()
    };
    let [_, _, samples] = stack.shape();
    let lone = stack.slices.len() == 1;
    let films = instance.image.as_ref().is_some_and(|i| i.frames > 1);
    !(lone && (samples > 1 || films)) && stack.slices.iter().all(placed)
}

/// What is known before it is known what the pixels are.
struct Draft<'a> {
    path: &'a Path,
    header: VolumeHeader,
    options: &'a ReadOptions,
}

impl Draft<'_> {
    fn stack(
        self,
        stack: Stack,
        instances: &[Instance],
        file: Option<DicomFile>,
    ) -> Result<Opened> {
        let no_place = || stack.fault(SeriesFault::SeveralStacks { stacks: Vec::new() });
        let first = stack.slices.first().ok_or_else(no_place)?;
        let instance = instances.iter().find(|i| i.path == first.path);
        let image = instance.and_then(|instance| instance.image.as_ref());
        let (Some(instance), Some(image)) = (instance, image) else {
            return Err(no_place());
        };
        if stack.slices.len() == 1 && !is_volume(&stack, instance) {
            let path = Arc::clone(&first.path);
            let file = open_with(&path, self.options)?;
            return self.frames(file);
        }
        // Of a film among slices all frames but the first would be lost.
        let is_film = |file: &&Instance| file.image.as_ref().is_some_and(|i| i.frames > 1);
        for film in instances.iter().filter(is_film) {
            let mut own = { stack.slices.iter() }.filter(|slice| slice.path == film.path);
            if let (Some(slice), None) = (own.next(), own.next()) {
                return Err(stack.fault(SeriesFault::NoPlace {
                    path: slice.path.to_path_buf(),
                    frame: 1,
                    what: "position",
                }));
            }
        }
        let files = Files {
            options: self.options,
            only: file.as_ref(),
        };
        let plan = stack.plan(files)?;
        let quantity = &self.options.slices.quantity;
        let unit = files.with(&first.path, |file| file.unit(first.frame, quantity))?;
        let mut report = Report::default();
        plan.warnings.into_iter().for_each(|w| report.add(w));
        let natural = natural(quantity, image, plan.values);
        Ok(Opened {
            path: self.path.to_owned(),
            header: VolumeHeader {
                planes: plan.planes,
                frame_of_reference: stack.frame_of_reference().map(str::to_owned),
                axis: plan.axis,
                diffusion: plan.diffusion,
                unit,
                ..self.header
            },
            geometry: plan.geometry,
            channels: 1,
            stored: stored_datatype(image),
            natural,
            report,
            content: Content::Slices(Box::new(stack), file.map(Box::new)),
            options: self.options.clone(),
        })
    }

    fn frames(self, file: DicomFile) -> Result<Opened> {
        let fail = Error::dicom(file.path());
        let image = file.image()?;
        // A number of frames is a claim until they were found.
        if let Err(fault) = file.stored_frames() {
            return Err(fail(fault));
        }
        let quantity = &self.options.slices.quantity;
        let unit = file.unit(0, quantity)?;
        let mut report = file.report.clone();
        let geometry = frame_grid(&file, &image, &mut report).map_err(fail)?;
        let values = (0..image.frames).map(|k| ValueRange::modality(file.dataset(), k, &image));
        let natural = natural(quantity, &image, values.reduce(ValueRange::and));
        let path: Arc<Path> = file.path().into();
        let planes = (0..image.frames).map(|frame| {
            Some(PlaneSource {
                path: Arc::clone(&path),
                frame,
            })
        });
        Ok(Opened {
            path: self.path.to_owned(),
            header: VolumeHeader {
                planes: planes.collect(),
                unit,
                ..self.header
            },
            geometry,
            channels: match image.photometric {
                Photometric::PaletteColor => 3,
                _ => image.samples,
            },
            stored: stored_datatype(&image),
            natural,
            report,
            content: Content::Frames(Box::new(file)),
            options: self.options.clone(),
        })
    }
}

/// The type of what is asked for.
fn natural(quantity: &Quantity, image: &ImagePixels, values: Option<ValueRange>) -> Datatype {
    let range = match quantity {
        Quantity::Modality => values,
        Quantity::Stored => Some(ValueRange::stored(image)),
        _ if image.bits_allocated > 32 => Some(ValueRange::Double),
        _ => None,
    };
    range.unwrap_or(ValueRange::Single).datatype()
}

/// The grid of a picture, or of the frames of a film one behind the other.
fn frame_grid(
    file: &DicomFile,
    image: &ImagePixels,
    report: &mut Report,
) -> std::result::Result<Geometry<3>, Fault> {
    let plane = FramePlane::of(file.dataset(), 0)?;
    let picture = plane.geometry(image.rows, image.columns)?;
    let what = |error: String| Fault::Unsupported {
        what: format!("the place of its frames ({error})"),
    };
    let picture = volume::widened(&picture).map_err(what)?;
    if image.frames == 1 {
        return Ok(picture);
    }
    let frames = image.frames;
    report.add(SeriesWarning::FramesWithoutPlace { frames });
    let shape = [frames, image.rows, image.columns];
    let film = Geometry::new(shape, picture.origin(), picture.steps());
    let film = film.map_err(Fault::core("geometry"))?;
    Ok(film.with_calibration(Calibration::Unknown))
}

fn segments(file: DicomFile, header: VolumeHeader, options: &ReadOptions) -> Result<Opened> {
    let path = file.path().to_owned();
    let stored = stored_datatype(&file.image()?);
    let report = file.report.clone();
    let segmentation = Segmentation::of(file)?;
    let most = { segmentation.segments().iter() }.map(|segment| segment.number);
    let natural = match segmentation.kind() {
        SegmentationKind::Fractional { .. } => Datatype::F32,
        _ if most.max().unwrap_or(0) <= 255 => Datatype::U8,
        _ => Datatype::U16,
    };
    Ok(Opened {
        path,
        header,
        geometry: segmentation.geometry()?,
        channels: 1,
        stored,
        natural,
        report,
        content: Content::Segments(Box::new(segmentation)),
        options: options.clone(),
    })
}

impl volume::Opened for Opened {
    fn facts(&self) -> Facts<'_> {
        Facts {
            format: Format::Dicom,
            path: &self.path,
            geometry: self.geometry,
            channels: self.channels,
            stored: self.stored,
            natural: self.natural,
            report: &self.report,
        }
    }

    fn voxels<T: Voxel>(self, _: &Budget) -> Result<Volume<Buffer<T>>> {
        let mut report = self.report;
        let value = match self.content {
            Content::Slices(stack, file) => {
                let files = Files {
                    options: &self.options,
                    only: file.as_deref(),
                };
                let volume = stack.volume_from::<T>(files)?;
                volume.warnings.into_iter().for_each(|w| report.add(w));
                volume.image.into_vec()
            }
            Content::Frames(file) => {
                let quantity = &self.options.slices.quantity;
                let array = file.values_of::<T>(quantity)?;
                let [frames, channels, rows, columns] = array.shape();
                if frames == 1 || channels == 1 {
                    array.into_vec()
                } else {
                    // Channels first.
                    let plane = rows.saturating_mul(columns).max(1);
                    let planes: Vec<&[T]> = array.as_slice().chunks_exact(plane).collect();
                    let ordered = (0..channels)
                        .flat_map(|channel| planes.iter().skip(channel).step_by(channels.max(1)));
                    ordered.copied().collect::<Vec<_>>().concat()
                }
            }
            Content::Segments(segmentation) => {
                let uid = segmentation.frame_of_reference();
                let grid = LabelGrid::new(self.geometry, uid);
                segment_numbers(&segmentation, &grid)?
            }
        };
        let value = value.into();
        Ok(Volume { value, report })
    }
}

/// The segments as numbers of any type: which segment it is, or how much of the only one.
fn segment_numbers<T: Voxel>(segmentation: &Segmentation, grid: &LabelGrid) -> Result<Vec<T>> {
    let [_, rows, columns] = grid.geometry().shape();
    let plane = rows.saturating_mul(columns).max(1);
    let misfit = |at: usize, value: f64| {
        let pixel = at.checked_rem(plane).unwrap_or(0);
        Error::dicom(segmentation.file().path())(Fault::Value {
            value,
            frame: at.checked_div(plane).unwrap_or(0),
            index: [
                0,
                pixel.checked_div(columns).unwrap_or(0),
                pixel.checked_rem(columns).unwrap_or(0),
            ],
            target: T::DATATYPE.name(),
        })
    };
    let only = match segmentation.segments() {
        [only] => Some(only.number),
        _ => None,
    };
    if let (SegmentationKind::Fractional { .. }, Some(only)) = (segmentation.kind(), only) {
        let fractions = segmentation.fractions(only, grid)?;
        let values = fractions.as_slice().iter().map(|v| f64::from(*v));
        return { values.enumerate() }
            .map(|(at, value)| T::from_f64(value).ok_or_else(|| misfit(at, value)))
            .collect();
    }
    let labels = segmentation.label_map::<u16>(grid)?;
    { labels.as_slice().iter().enumerate() }
        .map(|(at, &n)| T::from_i32(n.into()).ok_or_else(|| misfit(at, n.into())))
        .collect()
}
