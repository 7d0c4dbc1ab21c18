//! Changes of intensity that are strong in one place and fade from there (batchgeneratorsv2 `transforms.local`),
//! and boxes without content.

mod blank_rectangles;
mod brightness_gradient;
mod local_gamma;
mod spot;

pub use blank_rectangles::{BlankRectangle, BlankRectangles, RandomBlankRectangles};
pub use brightness_gradient::{BrightnessGradient, RandomBrightnessGradient};
pub use local_gamma::{LocalGamma, RandomLocalGamma};
pub use spot::{RandomSpot, Spot};
