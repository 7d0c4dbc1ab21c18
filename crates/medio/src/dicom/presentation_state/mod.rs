//! Greyscale softcopy presentation states: how images are to be shown, and what is drawn on them (PS3.3
//! section A.33.1).

mod graphics;
mod reader;
mod writer;

pub use graphics::{
    Annotation, AnnotationUnits, Figure, FigureKind, GraphicLayer, TextAlignment, TextAnnotation,
    TextBox,
};

use super::dataset::Dataset;
use super::derived::Source;
use super::fault::Fault;
use super::pixels::{Voi, Window};
use super::structured_report::ImageReference;
use super::tag::Tag;

pub(super) const CLASS_UID: &str = "1.2.840.10008.5.1.4.1.1.11.1";

/// Images of one series.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReferencedSeries {
    /// Series instance UID.
    pub series_uid: String,
    /// The images.
    pub images: Vec<ImageReference>,
}

/// How large the displayed area is shown (`PresentationSizeMode`).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum PresentationSize {
    /// As large as the screen allows.
    ScaleToFit,
    /// In its true size.
    TrueSize,
    /// So many pixels of the screen for one of the image.
    Magnify(f64),
}

/// Which part of images is shown (PS3.3 section C.10.4).
#[derive(Debug, Clone, PartialEq)]
pub struct DisplayedArea {
    /// The images; none for all.
    pub images: Vec<ImageReference>,
    /// First pixel, `[column, row]` from 1.
    pub top_left: [i64; 2],
    /// Last pixel, `[column, row]` from 1.
    pub bottom_right: [i64; 2],
    /// How large.
    pub size: PresentationSize,
    /// Millimetres from row to row and from column to column, if known.
    pub spacing: Option<[f64; 2]>,
    /// Height and width of a pixel, where millimetres are not known.
    pub aspect: Option<[i64; 2]>,
}

/// With which windows and tables images are shown (PS3.3 section C.11.8).
#[derive(Debug, Clone, PartialEq)]
pub struct SoftcopyVoi {
    /// The images; none for all.
    pub images: Vec<ImageReference>,
    /// Windows and tables.
    pub voi: Voi,
}

/// How images are to be shown, and what is drawn on them.
///
/// ```no_run
/// use medio::dicom::{
///     self, Annotation, Creation, GraphicLayer, PresentationState, Source, Window,
/// };
///
/// let volume = dicom::scan("ct")?.only()?.volume::<f32>()?;
/// let source = Source::of(&volume)?;
/// let nodule = Annotation::new("NODULES")
///     .on(&source.frames()[17])
///     .ellipse([[40.0, 52.5], [48.0, 52.5], [44.0, 50.0], [44.0, 55.0]])
///     .text_at("7 mm", [48.5, 50.0]);
/// PresentationState::new(&source)?
///     .label("NODULES")
///     .window(Window::new(-600.0, 1500.0))
///     .layer(GraphicLayer::new("NODULES"))
///     .annotation(nodule)
///     .write("nodules.dcm", &Creation::now()?)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct PresentationState {
    /// A short name, at most 16 capitals, digits, spaces and underscores (`ContentLabel`).
    pub label: String,
    /// What it is for (`ContentDescription`).
    pub description: String,
    /// Who made it, the parts of the name divided by `^` (`ContentCreatorName`).
    pub creator: String,
    /// The images that it is for.
    pub series: Vec<ReferencedSeries>,
    /// Which parts of them are shown.
    pub displayed_areas: Vec<DisplayedArea>,
    /// With which windows and tables.
    pub voi: Vec<SoftcopyVoi>,
    /// What stored values become before windows: slope and intercept, and the unit.
    pub rescale: Option<(f64, f64, String)>,
    /// Whether bright and dark are exchanged.
    pub inverted: bool,
    /// Layers of drawings.
    pub layers: Vec<GraphicLayer>,
    /// Drawings and texts.
    pub annotations: Vec<Annotation>,
    /// Patient and study; for states that were read, all other attributes.
    header: Dataset,
}

impl PresentationState {
    /// Shows all images of a source as large as the screen allows, with nothing drawn on them.
    ///
    /// Stored values are rescaled as in the source's first image: a state has one rule for all its images.
    ///
    /// # Errors
    /// Refuses sources whose slope or intercept are no numbers.
    pub fn new(source: &Source) -> Result<Self, Fault> {
        let header = source.header();
        let slope = header.float(Tag::RESCALE_SLOPE)?;
        let intercept = header.float(Tag::RESCALE_INTERCEPT)?;
        let rescale = slope.map(|slope| {
            let unit = header.string(Tag::RESCALE_TYPE);
            // Hounsfield units are what CT images have if they do not say otherwise.
            let unit = unit.unwrap_or_else(|| match header.string(Tag::MODALITY).as_deref() {
                Some("CT") => "HU".to_owned(),
                _ => "US".to_owned(),
            });
            (slope, intercept.unwrap_or(0.0), unit)
        });
        let [_, rows, columns] = source.geometry().shape();
        let size = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let [_, between_rows, between_columns] = source.geometry().spacing();
        let images = source.instances().into_iter().map(|frame| ImageReference {
            frames: Vec::new(),
            ..frame.into()
        });
        Ok(Self {
            label: "PRESENTATION".to_owned(),
            description: String::new(),
            creator: String::new(),
            series: vec![ReferencedSeries {
                series_uid: source.series_uid().to_owned(),
                images: images.collect(),
            }],
            displayed_areas: vec![DisplayedArea {
                images: Vec::new(),
                top_left: [1, 1],
                bottom_right: [size(columns), size(rows)],
                size: PresentationSize::ScaleToFit,
                spacing: Some([between_rows, between_columns]),
                aspect: None,
            }],
            voi: Vec::new(),
            rescale,
            inverted: false,
            layers: Vec::new(),
            annotations: Vec::new(),
            header: header.clone(),
        })
    }

    /// Sets the short name: at most 16 capitals, digits, spaces and underscores.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what the state is for.
    #[must_use]
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.description = description.into();
        self
    }

    /// Shows all images with a window.
    #[must_use]
    pub fn window(mut self, window: Window) -> Self {
        self.voi = vec![SoftcopyVoi {
            images: Vec::new(),
            voi: Voi {
                windows: vec![window],
                tables: Vec::new(),
            },
        }];
        self
    }

    /// Adds a layer, above those that are there.
    #[must_use]
    pub fn layer(mut self, layer: GraphicLayer) -> Self {
        self.layers.push(layer);
        self
    }

    /// Adds drawings and texts to a layer.
    #[must_use]
    pub fn annotation(mut self, annotation: Annotation) -> Self {
        self.annotations.push(annotation);
        self
    }

    /// Patient and study; for states that were read, all other attributes.
    #[must_use]
    pub fn header(&self) -> &Dataset {
        &self.header
    }
}
