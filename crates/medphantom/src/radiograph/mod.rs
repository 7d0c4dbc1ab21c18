//! Chest radiographs: ribs, spine, heart, lungs and vessels in one projection, with or without opacities.
//!
//! A [`Chest`] is one patient, seen from the front. A [`View`] is how the patient stands and breathes on one
//! occasion, a [`Scanner`] what a detector and its software make of the rays. Everything is thickness: each
//! part adds millimetres of tissue along the rays, or takes them away, and a scanner turns the sum into grey.
//!
//! An opacity of pneumonia is a patch of lung filled with fluid: soft at its edges, uneven inside, in any part
//! of a lung. Scanners choose their window by the image, as real ones do, and the air in the lungs differs
//! between patients, so the grey values of a whole image say little about it.

mod bone;
mod chest;
mod cohort;
mod film;
mod lung;
mod opacity;
mod scanner;
mod soft_tissue;
mod stroke;
mod vessel;
mod view;

pub use chest::{Chest, ChestOptions};
pub use cohort::{ChestCohort, ChestCohortOptions, ChestImage};
pub use film::Radiograph;
pub use scanner::Scanner;
pub use view::View;
