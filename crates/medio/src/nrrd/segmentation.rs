//! Slicer segmentations as label maps with names.
#![allow(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions,
    reason = "sizes were checked when the file was opened"
)]

use std::path::Path;

use medcore::{Label, LabelMap, LabelTable};

use super::header::Header;
use super::segments::Segment;
use super::write::{self, Extra};
use crate::error::{Error, Result};
use crate::fault::Fault;
use crate::format::Format;
use crate::header::Header as AnyHeader;
use crate::options::ReadOptions;
use crate::report::Report;
use crate::voxel::Voxel;
use crate::write::{Subject, WriteOptions};

/// Label maps, one a layer, and what their values mean.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Segmentation<L: Label> {
    /// Segments that overlap lie in different layers; most files have one.
    pub layers: Vec<LabelMap<L, 3>>,
    /// Names, values and layers, in the order of the file.
    pub segments: Vec<Segment>,
    /// The header as stored.
    pub header: Header,
    /// Doubts and repairs.
    pub report: Report,
}

impl<L: Label> Segmentation<L> {
    /// The names as a table for the one layer of a segmentation without overlaps.
    ///
    /// # Errors
    /// Refuses what a [`LabelTable`] cannot hold: two segments of one value (in different layers) or one name,
    /// and values above 255.
    pub fn table(&self) -> Result<LabelTable> {
        let named = self.segments.iter();
        LabelTable::new(named.map(|s| (s.name.clone(), vec![s.label_value])))
            .map_err(Error::LabelTable)
    }

    /// The voxels of one segment: 1 inside, 0 elsewhere.
    #[must_use]
    pub fn mask(&self, segment: &Segment) -> Option<LabelMap<u8, 3>> {
        let layer = self.layers.get(segment.layer)?;
        let inside = |value: L| u8::from(value.into() == segment.label_value);
        Some(layer.map(inside))
    }
}

/// Reads a `.seg.nrrd` of 3D Slicer with its names; any NRRD file of whole numbers, if it has none.
///
/// ```no_run
/// use medio::{ReadOptions, nrrd};
///
/// let organs = nrrd::read_segmentation::<u8>("organs.seg.nrrd", &ReadOptions::new())?;
/// for segment in &organs.segments {
///     println!("{} is {} in layer {}", segment.name, segment.label_value, segment.layer);
/// }
/// # Ok::<(), medio::Error>(())
/// ```
///
/// # Errors
/// As [`crate::read_labels`]; and for a segment in a layer that is not there.
pub fn read_segmentation<L: Label + Voxel>(
    path: impl AsRef<Path>,
    options: &ReadOptions,
) -> Result<Segmentation<L>> {
    let path = path.as_ref();
    let loaded = crate::read_with::<L, 3>(path, options)?;
    let AnyHeader::Nrrd(header) = loaded.header else {
        return Err(Error::file(loaded.header.format(), path)(
            Fault::Unrecognised {
                format: Format::Nrrd,
                reason: "a segmentation is an NRRD file".to_owned(),
            },
        ));
    };
    let image = loaded.value;
    let (grid, count) = (*image.geometry(), image.channels());
    let core = |e| Error::file(Format::Nrrd, path)(Fault::core("layers")(e));
    let layers = if count == 1 {
        vec![LabelMap::new(grid, image.into_vec()).map_err(core)?]
    } else {
        let layer = |layer| LabelMap::new(grid, image.channel(layer).to_vec()).map_err(core);
        (0..count).map(layer).collect::<Result<_>>()?
    };
    let mut segments = header.segments();
    for segment in &mut segments {
        if count == 1 && segment.layer != 0 && header.key_values.get("Segment0_Layer").is_none() {
            segment.layer = 0; // no layers were written, and there is one
        }
        if segment.layer >= count {
            return Err(Error::file(Format::Nrrd, path)(Fault::Contradiction {
                rule: "a segment's layer must be there",
                got: format!("layer {} of {count} for {:?}", segment.layer, segment.name),
            }));
        }
    }
    Ok(Segmentation {
        layers,
        segments,
        header: *header,
        report: loaded.report,
    })
}

/// Writes a label map as a segmentation that 3D Slicer opens with these names.
///
/// ```no_run
/// # fn f(organs: &medio::medcore::LabelMap<u8, 3>, table: &medio::medcore::LabelTable) -> medio::Result<()> {
/// medio::nrrd::write_segmentation("organs.seg.nrrd", organs, table, &medio::WriteOptions::new())?;
/// # Ok(()) }
/// ```
///
/// # Errors
/// Refuses a name that does not end in `.nrrd` or `.nhdr`, and regions of several values; and as
/// [`crate::write_labels`].
pub fn write_segmentation<L: Label + Voxel>(
    path: impl AsRef<Path>,
    labels: &LabelMap<L, 3>,
    table: &LabelTable,
    options: &WriteOptions,
) -> Result<()> {
    let path = path.as_ref();
    if Format::of_name(path) != Some(Format::Nrrd) {
        return Err(Error::UnknownExtension {
            path: path.to_owned(),
            expected: ".seg.nrrd, .nrrd or .nhdr",
        });
    }
    let mut extra = Extra::default();
    let mut add = |key: String, value: String| extra.0.push((key, value));
    add(
        "Segmentation_MasterRepresentation".to_owned(),
        "Binary labelmap".to_owned(),
    );
    add(
        "Segmentation_ContainedRepresentationNames".to_owned(),
        "Binary labelmap|".to_owned(),
    );
    add(
        "Segmentation_ReferenceImageExtentOffset".to_owned(),
        "0 0 0".to_owned(),
    );
    for (index, entry) in table.entries().iter().enumerate() {
        let [value] = entry.values[..] else {
            return Err(Error::NotWritable {
                path: path.to_owned(),
                rule: "structures of one value each",
                got: format!("{:?} of {:?}", entry.name, entry.values),
            });
        };
        let mut put = |field: &str, text: String| add(format!("Segment{index}_{field}"), text);
        put("ID", format!("Segment_{}", index + 1));
        put("Name", entry.name.clone());
        put("LabelValue", value.to_string());
        put("Layer", "0".to_owned());
        put("Extent", extent(labels, value));
        put("Tags", "Segmentation.Status:completed|".to_owned());
    }
    let subject = Subject::new(path, labels.geometry(), 1, labels.as_slice())?;
    write::write_with(path, &subject, options, &extra)
}

/// First and last index along x, y and z of a value's voxels; Slicer's empty extent if there is none.
fn extent<L: Label>(labels: &LabelMap<L, 3>, value: u32) -> String {
    let [_, height, width] = labels.shape();
    let mut range: Option<[usize; 6]> = None;
    for (at, &label) in labels.as_slice().iter().enumerate() {
        if label.into() != value {
            continue;
        }
        let [x, y, z] = [at % width, at / width % height, at / (width * height)];
        let [x0, x1, y0, y1, z0, z1] = range.unwrap_or([x, x, y, y, z, z]);
        range = Some([
            x0.min(x),
            x1.max(x),
            y0.min(y),
            y1.max(y),
            z0.min(z),
            z1.max(z),
        ]);
    }
    match range {
        Some(range) => range.map(|n| n.to_string()).join(" "),
        None => "0 -1 0 -1 0 -1".to_owned(),
    }
}
