//! A segmentation and a report of its volumes from one label map.

use std::path::{Path, PathBuf};

use medcore::{LabelMap, LabelTable};

use super::derived::{Creation, Source, Structure, codes};
use super::fault::Fault;
use super::file::{WriteOptions, write};
use super::segmentation::{Algorithm, NewSegmentation, Segment};
use super::structured_report::{
    FindingSite, MeasurementGroup, MeasurementReport, Region, SegmentReference,
};
use super::tag::Tag;

/// Labels of a source as a segmentation, and the volume of each structure as a measurement report on it.
///
/// ```no_run
/// use medio::dicom::{self, Algorithm, Creation, LabelReport, Source};
/// use medio::medcore::{LabelMap, LabelTable};
///
/// let volume = dicom::scan("ct")?.only()?.volume::<f32>()?;
/// let source = Source::of(&volume)?;
/// let table = LabelTable::new([("liver", vec![1]), ("spleen", vec![2])])?;
/// let labels = LabelMap::<u8, 3>::background(*volume.image.geometry())?;
/// let report = LabelReport::new(&source, &labels, &table, Algorithm::automatic("organs", "1.2"))?;
/// let [segmentation, volumes] = report.write("results", &Creation::now()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct LabelReport<'a> {
    source: &'a Source,
    segmentation: NewSegmentation<'a>,
    /// Of each segment, what it is and its volume in cubic millimetres.
    volumes: Vec<(Structure, f64)>,
    algorithm: Algorithm,
}

#[expect(clippy::as_conversions, reason = "exact below 2^53")]
fn voxels(count: u64) -> f64 {
    count as f64
}

/// What a name means, or that it is an anatomical structure.
fn structure(name: &str) -> Structure {
    Structure::named(name).unwrap_or(Structure {
        code: codes::ANATOMICAL_STRUCTURE,
        side: None,
    })
}

impl<'a> LabelReport<'a> {
    /// Labels on the grid of their source, with the names of a table: each class is a segment, numbered from 1
    /// in the order of the table, whatever the value of its label.
    ///
    /// Structures that [`Structure::named`] knows get their code; others are anatomical structures
    /// that only their label tells apart. All segments are written, the report measures those that are there.
    ///
    /// # Errors
    /// Refuses another grid than the source's, labels without a name, and tables without a class.
    pub fn new(
        source: &'a Source,
        labels: &LabelMap<u8, 3>,
        table: &LabelTable,
        algorithm: Algorithm,
    ) -> Result<Self, Fault> {
        let classes: Vec<(u8, &str)> = table.classes().collect();
        let counts = labels.counts();
        for (label, count) in (0_u8..=u8::MAX).zip(&counts).skip(1) {
            if *count > 0 && !classes.iter().any(|(value, _)| *value == label) {
                let rule = "a label that the table names";
                return Err(Fault::attribute(Tag::SEGMENT_NUMBER, rule, label));
            }
        }
        let number = |label: u8| {
            let mut numbered = (1_u8..=u8::MAX).zip(&classes);
            let found = numbered.find(|(_, (value, _))| *value == label);
            found.map_or(0, |(number, _)| number)
        };
        let numbers: Vec<u8> = (0..=u8::MAX).map(number).collect();
        let numbered = labels.map(|label| numbers.get(usize::from(label)).copied().unwrap_or(0));
        let segments = classes.iter().map(|(_, name)| {
            let Structure { code, side } = structure(name);
            let segment = Segment::new(*name, code).algorithm(algorithm.clone());
            match side {
                Some(side) => segment.modifier(side),
                None => segment,
            }
        });
        let segmentation = NewSegmentation::binary(source, segments, &numbered)?;
        let voxel = source.geometry().voxel_volume();
        let volumes = classes.iter().map(|(value, name)| {
            let count = counts.get(usize::from(*value)).copied().unwrap_or(0);
            (structure(name), voxels(count) * voxel)
        });
        Ok(Self {
            source,
            volumes: volumes.collect(),
            segmentation,
            algorithm,
        })
    }

    /// Writes `segmentation.dcm` and `report.dcm` into a folder, each of a series of its own.
    ///
    /// # Errors
    /// Refuses sources without a frame of reference, and passes on what the system says.
    pub fn write(
        self,
        folder: impl AsRef<Path>,
        creation: &Creation,
    ) -> crate::Result<[PathBuf; 2]> {
        let folder = folder.as_ref();
        std::fs::create_dir_all(folder).map_err(crate::Error::io("create", folder))?;
        let paths = ["segmentation.dcm", "report.dcm"].map(|name| folder.join(name));
        let [path, report] = &paths;
        let fail = crate::Error::dicom(path);
        let segmentation = self.segmentation.into_dataset(creation).map_err(&fail)?;
        write(path, &segmentation, &WriteOptions::new())?;
        let mut measured = MeasurementReport::new(self.source)
            .refers_to(&segmentation)
            .map_err(&fail)?;
        for (number, (structure, volume)) in (1..).zip(self.volumes) {
            if volume > 0.0 {
                let segment = SegmentReference::of(&segmentation, number).map_err(&fail)?;
                let site = FindingSite {
                    laterality: structure.side,
                    ..structure.code.clone().into()
                };
                let group = MeasurementGroup::volume(Region::Segment(segment))
                    .finding(structure.code)
                    .site(site)
                    .algorithm(self.algorithm.name.clone(), self.algorithm.version.clone())
                    .measure(codes::VOLUME, volume, codes::CUBIC_MILLIMETRE);
                measured = measured.group(group);
            }
        }
        measured.write(report, creation)?;
        Ok(paths)
    }
}
