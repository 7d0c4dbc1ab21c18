//! How strongly and in which direction a magnetic resonance image is weighted by diffusion.

use super::csa::Csa;
use super::dataset::Dataset;
use super::functional_group::functional_group;
use super::private::Private;
use super::tag::Tag;
use super::vr::Vr;

/// Diffusion weighting (PS3.3 section C.8.13.5.9, and the private attributes of Siemens, GE and Philips).
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct Diffusion {
    /// b-value in s/mm².
    pub b_value: f64,
    /// Direction of the gradient in the patient (LPS), where the file gives it there.
    pub direction: Option<[f64; 3]>,
}

const SIEMENS_B_VALUE: Private = Private {
    creator: "SIEMENS MR HEADER",
    group: 0x0019,
    element: 0x0c,
    vr: Vr::IS,
};
const SIEMENS_DIRECTION: Private = Private {
    element: 0x0e,
    vr: Vr::FD,
    ..SIEMENS_B_VALUE
};
/// The first of four numbers; newer scanners add a multiple of a hundred thousand.
const GE_B_VALUE: Private = Private {
    creator: "GEMS_PARM_01",
    group: 0x0043,
    element: 0x39,
    vr: Vr::IS,
};
const GE_MODULUS: f64 = 1e5;
const PHILIPS_B_VALUE: Private = Private {
    creator: "Philips Imaging DD 001",
    group: 0x2001,
    element: 0x03,
    vr: Vr::FL,
};

impl Diffusion {
    /// The weighting of a frame; none if neither the standard's attributes nor private ones say it.
    ///
    /// GE's directions are given along the scanner's frequency, phase and slice axes and are left out.
    #[must_use]
    pub fn of(dataset: &Dataset, frame: usize) -> Option<Self> {
        let group = functional_group(dataset, frame, Tag::MR_DIFFUSION_SEQUENCE);
        let group = group.unwrap_or(dataset);
        let csa = || Csa::of(dataset);
        let standard = group.floats(Tag::DIFFUSION_B_VALUE).ok();
        let standard = standard.and_then(|values| values.first().copied());
        let b_value = standard
            .or_else(|| SIEMENS_B_VALUE.float(dataset))
            .or_else(|| csa()?.float("B_value"))
            .or_else(|| GE_B_VALUE.float(dataset).map(|number| number % GE_MODULUS))
            .or_else(|| PHILIPS_B_VALUE.float(dataset));
        let b_value = b_value.filter(|b| b.is_finite() && *b >= 0.0)?;
        let own = group.item(Tag::DIFFUSION_GRADIENT_DIRECTION_SEQUENCE);
        let standard = own
            .unwrap_or(group)
            .float_array::<3>(Tag::DIFFUSION_GRADIENT_ORIENTATION);
        let direction = { standard.ok().flatten() }
            .or_else(|| SIEMENS_DIRECTION.floats(dataset).try_into().ok())
            .or_else(|| csa()?.floats("DiffusionGradientDirection"));
        // Without weighting there is no direction.
        let sound = |v: &[f64; 3]| v.iter().all(|c| c.is_finite()) && v.iter().any(|c| *c != 0.0);
        Some(Self {
            b_value,
            direction: direction.filter(|v| b_value > 0.0 && sound(v)),
        })
    }

    pub(super) fn compare(&self, other: &Self) -> std::cmp::Ordering {
        let numbers = |d: &Self| {
            let [x, y, z] = d.direction.unwrap_or_default();
            [d.b_value, x, y, z]
        };
        let (a, b) = (numbers(self), numbers(other));
        let mut pairs = { a.iter().zip(&b) }.map(|(a, b)| a.total_cmp(b));
        pairs
            .find(|order| order.is_ne())
            .unwrap_or(std::cmp::Ordering::Equal)
    }
}
