//! Changes of intensity that are strong in one place and fade from there (batchgeneratorsv2 `transforms.local`),
//! boxes without content, and small pictures laid over.

mod blank_rectangles;
mod brightness_gradient;
mod local_gamma;
mod overlay;
mod random_overlay;
mod spot;

pub use blank_rectangles::{BlankRectangle, BlankRectangles, RandomBlankRectangles};
pub use brightness_gradient::{BrightnessGradient, RandomBrightnessGradient};
pub use local_gamma::{LocalGamma, RandomLocalGamma};
pub use overlay::{OverlayElement, OverlayElements, PlacedElement};
pub use random_overlay::RandomOverlayElements;
pub use spot::{RandomSpot, Spot};
