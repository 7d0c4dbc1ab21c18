//! A study of everything that `medio::dicom` writes, and what its readers have to find in it once it came back.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use medio::dicom::{
    self, Algorithm, Annotation, CapturePixels, Creation, Date, DateTime, FractionMeaning,
    GraphicLayer, ImageKind, ImageSeries, LabelGrid, Measurement, MeasurementGroup,
    MeasurementReport, NewSegmentation, NewStructureSet, Observer, ParametricMap, PatientStudy,
    PresentationState, ReadOptions, Roi, SecondaryCapture, Segment, SegmentReference, Segmentation,
    SegmentationKind, SeriesQuery, SeriesVolume, Source, StructureSet, StructuredReport, Tag, Time,
    Uids, Window, codes,
};
use medio::dicomweb::{Client, Resource, Store};
use medio::medcore::{Geometry, GeometryTolerance, Image, LabelMap, Point, Vector};
use tempfile::TempDir;

use crate::honest;
use crate::server::{settings, within};

/// Rows and columns are neither equal nor multiples of 8.
const SHAPE: [usize; 3] = [5, 11, 13];
const VOXELS: usize = SHAPE[0] * SHAPE[1] * SHAPE[2];

/// What is left of a grid after sixteen characters a number.
const ROUNDED: GeometryTolerance = GeometryTolerance {
    spacing_relative: 1e-12,
    direction: 1e-12,
    origin_voxels: 1e-9,
};

/// A study on disk, and what is in it.
pub(crate) struct Written {
    _folder: TempDir,
    pub(crate) study: Resource,
    /// What each file that is no slice holds, and its path.
    derived: BTreeMap<&'static str, PathBuf>,
    slices: Vec<PathBuf>,
    report: MeasurementReport,
    state: PresentationState,
}

/// Turned about two axes, 2.5 mm between slices.
fn grid() -> Geometry<3> {
    let (sin, cos) = 0.3_f64.sin_cos();
    let steps = [
        Vector::new(sin * sin * 2.5, -cos * sin * 2.5, cos * 2.5),
        Vector::new(-sin * cos * 0.75, cos * cos * 0.75, sin * 0.75),
        Vector::new(cos * 0.5, sin * 0.5, 0.0),
    ];
    Geometry::new(SHAPE, Point::new(-30.25, -40.5, 100.0), steps).unwrap()
}

/// Hounsfield units without order.
fn scan(grid: Geometry<3>) -> Image<f32, 3> {
    let values = (0..VOXELS).map(|i| (i * 997 % 4001) as f32 - 1024.0);
    Image::new(grid, values.collect::<Vec<_>>()).unwrap()
}

/// Class 1 with holes, class 2 in islands, class 3 nowhere; plane 1 is empty.
fn labels(grid: Geometry<3>) -> LabelMap<u8, 3> {
    let [_, rows, columns] = SHAPE;
    let voxels = (0..VOXELS).map(|at| {
        let (d, r, c) = (at / (rows * columns), at / columns % rows, at % columns);
        let ring = r.abs_diff(5).max(c.abs_diff(6));
        match (d, ring) {
            (1, _) => 0,
            (_, 2 | 4) => 1,
            _ if (r * 7 + c * 5 + d) % 11 < 2 => 2,
            _ => 0,
        }
    });
    LabelMap::new(grid, voxels.collect::<Vec<_>>()).unwrap()
}

/// A part of each voxel for each of the segments, in steps of 1/255.
fn fractions(grid: Geometry<3>) -> Image<f32, 3> {
    let values = (0..3 * VOXELS).map(|i| (i * 31 % 256) as f32 / 255.0);
    Image::with_channels(3, grid, values.collect::<Vec<_>>()).unwrap()
}

/// A number for each voxel that needs all bits of its mantissa, and one that is not known.
fn map(grid: Geometry<3>) -> Image<f32, 3> {
    let mut values: Vec<f32> = (0..VOXELS)
        .map(|i| (i as f32 * 0.37).sin() * 1e-3)
        .collect();
    values[7] = f32::NAN;
    Image::new(grid, values).unwrap()
}

fn colours() -> Vec<u8> {
    (0..2 * 5 * 7 * 3).map(|i| (i * 101 % 256) as u8).collect()
}

fn segments() -> [Segment; 3] {
    let program = Algorithm::automatic("organs", "1.2");
    [
        Segment::new("Leber, größer", codes::LIVER)
            .category(codes::ORGAN)
            .algorithm(program)
            .colour([221, 130, 101]),
        Segment::new("Nodule 1", codes::NODULE)
            .category(codes::MORPHOLOGICALLY_ABNORMAL_STRUCTURE)
            .algorithm(Algorithm::semi_automatic("snake", ""))
            .tracking("nodule 1", "2.25.11"),
        Segment::new("Aorta", codes::AORTA).algorithm(Algorithm::manual()),
    ]
}

fn rois() -> [Roi; 3] {
    ["Leber, größer", "Nodule 1", "Aorta"].map(Roi::new)
}

/// The same moment and identifiers each time.
fn creation(series: i64) -> Creation {
    let time = Time {
        hour: 10,
        minute: Some(15),
        second: Some(0),
        microsecond: 0,
    };
    let moment = DateTime {
        year: 2026,
        month: Some(11),
        day: Some(22),
        time: Some(time),
        offset_minutes: None,
    };
    let seed = format!("series {series} of the DICOMweb tests");
    let creation = Creation::at(moment, seed.as_bytes()).unwrap();
    creation.series_number(series)
}

fn volume_in(folder: &Path) -> SeriesVolume<f32> {
    let scan = dicom::scan(folder).unwrap();
    let selection = scan.select(&SeriesQuery::new().modality("CT")).unwrap();
    let volume = selection.chosen.volume::<f32>(&ReadOptions::new());
    volume.unwrap()
}

fn measured(source: &Source, segmentation: &dicom::Dataset) -> MeasurementReport {
    let liver = SegmentReference::of(segmentation, 1).unwrap();
    let attenuation = Measurement::new(
        codes::ATTENUATION_COEFFICIENT,
        -100.0 / 3.0,
        codes::HOUNSFIELD_UNIT,
    );
    let group = MeasurementGroup::volume(dicom::Region::Segment(liver))
        .tracking("Leber, größer", "2.25.91")
        .finding(codes::LIVER)
        .site(codes::LIVER)
        .algorithm("organs", "1.2")
        .measure(codes::VOLUME, 1e12 / 7.0, codes::CUBIC_MILLIMETRE)
        .measurement_of(attenuation.derivation(codes::MEAN))
        .evaluate(codes::LESION, codes::ABSENT);
    MeasurementReport::new(source)
        .observer(Observer::person("Größe^Änne"))
        .procedure(codes::COMPUTED_TOMOGRAPHY)
        .refers_to(segmentation)
        .unwrap()
        .group(group)
}

fn shown(source: &Source) -> PresentationState {
    let nodule = Annotation::new("NODULES")
        .on(&source.frames()[2])
        .circle([[5.0, 5.0], [6.25, 5.0]])
        .text_at("größter Durchmesser\r\n7,5 mm", [1.0, 2.0]);
    PresentationState::new(source)
        .unwrap()
        .label("NODULES_1")
        .window(Window::new(-600.25, 1500.0))
        .layer(GraphicLayer::new("NODULES"))
        .annotation(nodule)
}

impl Written {
    /// A CT series, written and read again, and an object of every kind made from it.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path();
        let uid = Uids::from_seed(b"a study of the DICOMweb tests").next_uid();
        let patient = PatientStudy {
            birth_date: Some(Date {
                year: 1970,
                month: 1,
                day: 31,
            }),
            description: "Oberbauch, größer".into(),
            ..PatientStudy::new("P-9", "Größe^Änne", &uid)
        };
        let header = patient.to_header().unwrap();
        let series = ImageSeries::new(ImageKind::Ct, &header).window(Window::new(40.0, 400.0));
        let series = series.write(path.join("ct"), &scan(grid()), &creation(1));
        let slices = series.unwrap().paths;

        let volume = volume_in(&path.join("ct"));
        let source = Source::of(&volume).unwrap();
        let grid = *volume.image.geometry();
        let labels = labels(grid);
        let mut derived = BTreeMap::new();
        let mut place = |name| {
            let file = path.join(format!("{name}.dcm"));
            derived.insert(name, file.clone());
            file
        };
        let binary = place("binary");
        let made = NewSegmentation::binary(&source, segments(), &labels).unwrap();
        made.write(&binary, &creation(2)).unwrap();
        let meaning = FractionMeaning::Probability;
        let made = NewSegmentation::fractional(&source, segments(), &fractions(grid), meaning);
        made.unwrap()
            .write(place("fractional"), &creation(3))
            .unwrap();
        let made = NewSegmentation::label_map(&source, segments(), &labels).unwrap();
        made.write(place("label map"), &creation(4)).unwrap();
        let made = NewStructureSet::label_map(&source, rois(), &labels).unwrap();
        made.write(place("structure set"), &creation(5)).unwrap();
        let segmentation = dicom::open(&binary).unwrap();
        let report = measured(&source, segmentation.dataset());
        report.write(place("report"), &creation(6)).unwrap();
        let quantity = codes::APPARENT_DIFFUSION_COEFFICIENT;
        let unit = codes::SQUARE_MILLIMETRE_PER_SECOND;
        let made = ParametricMap::new(&source, map(grid), quantity, unit).unwrap();
        made.write(place("map"), &creation(7)).unwrap();
        let state = shown(&source);
        state.write(place("state"), &creation(8)).unwrap();
        let colours = colours();
        let made = SecondaryCapture::new([5, 7], CapturePixels::Rgb8(&colours)).unwrap();
        made.write(place("capture"), &header, &creation(9)).unwrap();
        Self {
            _folder: folder,
            study: Resource::study(&uid).unwrap(),
            derived,
            slices,
            report,
            state,
        }
    }

    pub(crate) fn files(&self) -> Vec<&Path> {
        let files = self.slices.iter().chain(self.derived.values());
        files.map(PathBuf::as_path).collect()
    }

    fn instance(&self, name: &str) -> Resource {
        let file = dicom::open(&self.derived[name]).unwrap();
        Resource::of(file.dataset()).unwrap()
    }

    /// Stores the study, downloads it in one answer and in many, and reads what came.
    pub(crate) fn goes_through(&self, client: impl Fn(usize) -> Client) {
        let store = Store::new().files(self.files());
        let store = store.into_study(self.study.study_uid().as_str()).unwrap();
        let report = client(1).store(&store).unwrap();
        assert!(report.all_stored(), "{report:?}");
        assert_eq!(report.warnings().count(), 0, "{report:?}");
        for connections in [1, 4] {
            let folder = tempfile::tempdir().unwrap();
            let got = client(connections).download(&self.study, folder.path());
            assert_eq!(got.unwrap().files.len(), SHAPE[0] + 8);
            self.is_in(folder.path());
        }
        self.is_read_without_files(&client(1));
    }

    /// Reads a downloaded folder with the readers of `medio::dicom`.
    fn is_in(&self, folder: &Path) {
        let file = |name| {
            let uid = self.instance(name).instance_uid().unwrap().to_string();
            folder.join(format!("{uid}.dcm"))
        };
        let volume = volume_in(folder);
        assert_eq!(volume.image.as_slice(), scan(grid()).as_slice());
        let geometry = *volume.image.geometry();
        grid().check_same_as(&geometry, &ROUNDED).unwrap();
        let grid = LabelGrid::of_volume(&volume).unwrap();
        let truth = labels(geometry);

        let mut numbered = segments();
        for (number, segment) in (1..).zip(&mut numbered) {
            segment.number = number;
        }
        let binary = Segmentation::read(file("binary")).unwrap();
        assert_eq!(binary.kind(), SegmentationKind::Binary);
        assert_eq!(binary.segments(), numbered);
        assert_eq!(binary.label_map::<u8>(&grid).unwrap(), truth);
        let fractional = Segmentation::read(file("fractional")).unwrap();
        for (number, channel) in (1..=3).zip(0..) {
            let found = fractional.fractions(number, &grid).unwrap();
            assert_eq!(found.as_slice(), fractions(geometry).channel(channel));
        }
        let label_map = Segmentation::read(file("label map")).unwrap();
        assert_eq!(
            label_map.kind(),
            SegmentationKind::LabelMap { background: 0 }
        );
        assert_eq!(label_map.label_map::<u8>(&grid).unwrap(), truth);
        let structures = StructureSet::read(file("structure set")).unwrap();
        let names = structures.rois().iter().map(|roi| roi.name.clone());
        assert!(names.eq(rois().map(|roi| roi.name)));
        let filled = structures.label_map::<u8>(&[1, 2, 3], &grid).unwrap();
        assert_eq!(filled, truth);

        let report = MeasurementReport::read(file("report")).unwrap();
        assert_eq!(report.groups, self.report.groups);
        assert_eq!(report.observers, self.report.observers);
        let map_again = ParametricMap::<f32>::read(file("map")).unwrap();
        let bits = |image: &Image<f32, 3>| {
            let values = image.as_slice().iter();
            values.map(|v| v.to_bits()).collect::<Vec<_>>()
        };
        assert_eq!(bits(&map_again.image), bits(&map(geometry)));
        assert_eq!(map_again.unit, codes::SQUARE_MILLIMETRE_PER_SECOND);
        let state = PresentationState::read(file("state")).unwrap();
        assert_eq!(state.annotations, self.state.annotations);
        assert_eq!(
            (state.voi, state.series),
            (self.state.voi.clone(), self.state.series.clone())
        );
        let capture = dicom::open(file("capture")).unwrap();
        let pixels = capture.stored::<u8>().unwrap();
        assert_eq!(pixels.shape(), [2, 3, 5, 7]);
        let red: Vec<u8> = colours().into_iter().step_by(3).collect();
        assert_eq!(
            [&pixels.frame(0)[..35], &pixels.frame(1)[..35]].concat(),
            red
        );
        let patient = capture.dataset().person_name(Tag::PATIENT_NAME).unwrap();
        assert_eq!((patient.family(), patient.given()), ("Größe", "Änne"));
    }

    /// A segmentation and a report, from the answer to their readers.
    fn is_read_without_files(&self, client: &Client) {
        let segmentation = client.instance(&self.instance("binary")).unwrap();
        let segmentation = Segmentation::of(segmentation).unwrap();
        let geometry = segmentation.geometry().unwrap();
        let grid = LabelGrid::new(geometry, segmentation.frame_of_reference());
        let found = segmentation.label_map::<u8>(&grid).unwrap().counts();
        assert_eq!(found, labels(self::grid()).counts());
        let report = client.instance(&self.instance("report")).unwrap();
        let report = StructuredReport::of(report.dataset()).unwrap();
        let report = MeasurementReport::of(report).unwrap();
        assert_eq!(report.groups, self.report.groups);
    }
}

#[test]
fn everything_that_is_written_here_goes_to_a_server_and_comes_back() {
    within(|| {
        let server = honest::serve(Vec::new(), 0);
        Written::new()
            .goes_through(|connections| server.client(settings().connections(connections)));
    });
}
