//! Numbers in private attributes, in the representation that their maker gives them.

use super::dataset::{Dataset, DateTime, Element};
use super::tag::Tag;
use super::vr::Vr;

/// A private attribute of numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Private {
    /// The owner of its block.
    pub(super) creator: &'static str,
    pub(super) group: u16,
    /// Last byte of the element number.
    pub(super) element: u8,
    /// The representation, where the file does not know it.
    pub(super) vr: Vr,
}

impl Private {
    /// The numbers; none if the attribute is absent, empty or holds anything else.
    pub(super) fn floats(self, dataset: &Dataset) -> Vec<f64> {
        let Some(element) = dataset.private(self.creator, self.group, self.element) else {
            return Vec::new();
        };
        let read = match element.vr() {
            Vr::UN | Vr::OB => {
                Element::new(element.tag(), self.vr, element.value().clone()).floats()
            }
            _ => element.floats(),
        };
        read.ok()
            .filter(|numbers| numbers.iter().all(|number| number.is_finite()))
            .unwrap_or_default()
    }

    pub(super) fn float(self, dataset: &Dataset) -> Option<f64> {
        self.floats(dataset).first().copied()
    }

    /// A date and time; none if the attribute is absent or none.
    pub(super) fn date_time(self, dataset: &Dataset) -> Option<DateTime> {
        let element = dataset.private(self.creator, self.group, self.element)?;
        let mut alone = Dataset::new();
        let value = element.value().clone();
        alone.insert(Element::new(Tag::ACQUISITION_DATE_TIME, self.vr, value));
        alone.date_time(Tag::ACQUISITION_DATE_TIME).ok().flatten()
    }
}
