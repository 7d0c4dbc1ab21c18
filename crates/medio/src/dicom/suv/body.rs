//! What uptakes are related to: masses in grams and a surface in square centimetres.

use super::super::tag::Tag;
use super::Suv;

/// A patient's measures.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Body {
    /// Kilograms.
    pub(super) weight: Option<f64>,
    /// Metres.
    pub(super) height: Option<f64>,
    /// `M`, `F` or anything else.
    pub(super) sex: Option<String>,
}

impl Body {
    /// Grams, or square centimetres; what is missing if it cannot be had.
    pub(super) fn measure(&self, suv: Suv) -> Result<f64, Vec<Tag>> {
        let sexes = matches!(self.sex.as_deref(), Some("M" | "F"));
        let needs_sex = !matches!(suv, Suv::BodyWeight | Suv::BodySurface);
        let missing: Vec<Tag> = [
            (
                Tag::PATIENT_WEIGHT,
                suv != Suv::Ideal && self.weight.is_none(),
            ),
            (
                Tag::PATIENT_SIZE,
                suv != Suv::BodyWeight && self.height.is_none(),
            ),
            (Tag::PATIENT_SEX, needs_sex && !sexes),
        ]
        .into_iter()
        .filter_map(|(tag, missing)| missing.then_some(tag))
        .collect();
        if !missing.is_empty() {
            return Err(missing);
        }
        let kilograms = self.weight.unwrap_or_default();
        let metres = self.height.unwrap_or_default();
        let centimetres = 100.0 * metres;
        let female = self.sex.as_deref() == Some("F");
        Ok(match suv {
            Suv::BodyWeight => 1000.0 * kilograms,
            Suv::LeanBodyMass => {
                let index = kilograms / (metres * metres);
                let (constant, slope) = if female {
                    (8780.0, 244.0)
                } else {
                    (6680.0, 216.0)
                };
                1000.0 * 9270.0 * kilograms / (constant + slope * index)
            }
            Suv::LeanBodyMassJames => {
                let ratio = kilograms / centimetres;
                let (a, b) = if female { (1.07, 148.0) } else { (1.10, 128.0) };
                1000.0 * (a * kilograms - b * ratio * ratio)
            }
            Suv::BodySurface => 71.84 * kilograms.powf(0.425) * centimetres.powf(0.725),
            Suv::Ideal => {
                let (base, slope) = if female { (45.5, 0.91) } else { (48.0, 1.06) };
                1000.0 * (base + slope * (centimetres - 152.0))
            }
        })
    }
}
