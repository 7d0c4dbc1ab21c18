//! Windows as attributes (PS3.3 section C.11.2).

use super::super::dataset::Dataset;
use super::super::fault::Fault;
use super::super::pixels::{VoiFunction, Window};
use super::super::tag::Tag;
use super::fields::Field;

impl Dataset {
    /// Sets windows, which share one shape.
    pub(in super::super) fn set_windows(&mut self, windows: &[Window]) -> Result<(), Fault> {
        let tag = Tag::WINDOW_CENTER;
        let function = windows.first().ok_or(Fault::MissingAttribute { tag })?;
        let function = function.function;
        if let Some(other) = windows.iter().find(|w| w.function != function) {
            let found = format_args!("{function:?} and {:?}", other.function);
            let rule = "the same for all windows of an image";
            return Err(Fault::attribute(Tag::VOI_LUT_FUNCTION, rule, found));
        }
        let numbers = |of: fn(&Window) -> f64| windows.iter().map(of).collect::<Vec<f64>>();
        self.fill([
            (tag, Field::Floats(&numbers(|w| w.center))),
            (Tag::WINDOW_WIDTH, Field::Floats(&numbers(|w| w.width))),
        ])?;
        if windows.iter().any(|window| window.explanation.is_some()) {
            let explanations = windows.iter().map(|w| w.explanation.as_deref());
            let explanations: Vec<&str> = explanations.map(Option::unwrap_or_default).collect();
            let tag = Tag::WINDOW_CENTER_WIDTH_EXPLANATION;
            self.set_text(tag, &explanations.join("\\"))?;
        }
        match function {
            VoiFunction::Linear => Ok(()),
            VoiFunction::LinearExact => self.set_text(Tag::VOI_LUT_FUNCTION, "LINEAR_EXACT"),
            VoiFunction::Sigmoid => self.set_text(Tag::VOI_LUT_FUNCTION, "SIGMOID"),
        }
    }
}
