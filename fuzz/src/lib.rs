//! What the targets share: rules that must hold of any bytes, a place on disk, a bound on memory.

mod choice;
mod disk;
mod memory;
mod volume;

use std::sync::Arc;

use medio::medcore::Budget;

pub use choice::{choice, is_chosen};
pub use disk::{folder, put};
pub use memory::bounded;
pub use volume::check_volume;

/// What a reader may claim, 64 MiB: small beside the limit on a target's memory, large beside its inputs.
pub fn budget() -> Arc<Budget> {
    Arc::new(Budget::new(64 << 20))
}
