//! Values of interest: windows and tables that say what is shown how bright (PS3.3 section C.11.2).

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::lut::LookupTable;

/// The shape of a window (PS3.3 section C.11.2.1.2 and C.11.2.1.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum VoiFunction {
    /// Linear from `centre - 0.5 - (width - 1) / 2` to `centre - 0.5 + (width - 1) / 2`.
    #[default]
    Linear,
    /// Linear from `centre - width / 2` to `centre + width / 2`.
    LinearExact,
    /// Logistic.
    Sigmoid,
}

/// A range of values and how it is mapped to brightness.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// The middle, in values after the modality's transform.
    pub center: f64,
    /// The extent.
    pub width: f64,
    /// Its shape.
    pub function: VoiFunction,
    /// What it is meant for, for instance `LUNG`.
    pub explanation: Option<String>,
}

impl Window {
    /// A linear window.
    ///
    /// ```
    /// use medio::dicom::Window;
    ///
    /// let brain = Window::new(40.0, 80.0);
    /// assert_eq!([brain.apply(0.0), brain.apply(79.0)], [0.0, 1.0]);
    /// ```
    #[must_use]
    pub fn new(center: f64, width: f64) -> Self {
        Self {
            center,
            width,
            function: VoiFunction::Linear,
            explanation: None,
        }
    }

    /// Brightness of a value, 0 to 1.
    #[must_use]
    pub fn apply(&self, value: f64) -> f64 {
        let ramp = |centre: f64, width: f64| {
            if width <= 0.0 {
                // A window without extent is a threshold.
                return if value > centre { 1.0 } else { 0.0 };
            }
            ((value - centre) / width + 0.5).clamp(0.0, 1.0)
        };
        match self.function {
            VoiFunction::Linear => ramp(self.center - 0.5, self.width - 1.0),
            VoiFunction::LinearExact => ramp(self.center, self.width),
            VoiFunction::Sigmoid => 1.0 / (1.0 + (-4.0 * (value - self.center) / self.width).exp()),
        }
    }

    /// The windows of a dataset or of a frame's group.
    pub(super) fn of(dataset: &Dataset) -> Result<Vec<Self>, Fault> {
        let centers = dataset.floats(Tag::WINDOW_CENTER)?;
        let widths = dataset.floats(Tag::WINDOW_WIDTH)?;
        if centers.len() != widths.len() {
            return Err(Fault::attribute(
                Tag::WINDOW_WIDTH,
                "as many as there are centres",
                format_args!("{} for {}", widths.len(), centers.len()),
            ));
        }
        let function = match dataset.string(Tag::VOI_LUT_FUNCTION).as_deref() {
            None | Some("LINEAR") => VoiFunction::Linear,
            Some("LINEAR_EXACT") => VoiFunction::LinearExact,
            Some("SIGMOID") => VoiFunction::Sigmoid,
            Some(other) => {
                let rule = "LINEAR, LINEAR_EXACT or SIGMOID";
                return Err(Fault::attribute(Tag::VOI_LUT_FUNCTION, rule, other));
            }
        };
        let explanations = dataset.strings(Tag::WINDOW_CENTER_WIDTH_EXPLANATION);
        let mut windows = Vec::new();
        for (index, (center, width)) in centers.into_iter().zip(widths).enumerate() {
            let valid = match function {
                VoiFunction::Linear => width >= 1.0,
                _ => width > 0.0,
            };
            if !valid {
                let rule = "at least 1, or above 0 unless linear";
                return Err(Fault::attribute(Tag::WINDOW_WIDTH, rule, width));
            }
            let explanation = explanations.get(index).filter(|text| !text.is_empty());
            windows.push(Self {
                center,
                width,
                function,
                explanation: explanation.cloned(),
            });
        }
        Ok(windows)
    }
}

/// What an image asks to be shown with.
#[derive(Debug, Clone, PartialEq, Default)]
#[non_exhaustive]
pub struct Voi {
    /// Windows, the preferred one first.
    pub windows: Vec<Window>,
    /// Tables, which come before windows where both are given, with their explanations.
    pub tables: Vec<(LookupTable, Option<String>)>,
}

impl Voi {
    pub(in super::super) fn of(dataset: &Dataset, signed: bool) -> Result<Self, Fault> {
        let mut tables = Vec::new();
        for item in dataset.items(Tag::VOI_LUT_SEQUENCE) {
            tables.push((
                LookupTable::of(item, signed)?,
                item.string(Tag::LUT_EXPLANATION),
            ));
        }
        Ok(Self {
            windows: Window::of(dataset)?,
            tables,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of PS3.3 section C.11.2.1.2.1, note 3: centre 2048, width 4096.
    #[test]
    fn the_full_window_of_twelve_bits_maps_ends_to_ends() {
        let window = Window::new(2048.0, 4096.0);
        assert_eq!(window.apply(0.0), 0.0);
        assert_eq!(window.apply(4095.0), 1.0);
        assert!((window.apply(2047.5) - 0.5).abs() < 1e-12);
        let exact = Window {
            function: VoiFunction::LinearExact,
            ..window.clone()
        };
        assert!((exact.apply(2048.0) - 0.5).abs() < 1e-12);
        assert!(exact.apply(4095.0) < 1.0);
        let sigmoid = Window {
            function: VoiFunction::Sigmoid,
            ..window
        };
        assert!((sigmoid.apply(2048.0) - 0.5).abs() < 1e-12);
        assert!(sigmoid.apply(-1e9) < 1e-9);
    }

    #[test]
    fn a_window_of_one_is_a_threshold() {
        let window = Window::new(0.0, 1.0);
        assert_eq!([window.apply(-1.0), window.apply(0.0)], [0.0, 1.0]);
    }
}
