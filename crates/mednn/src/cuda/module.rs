//! The compiled kernels.

use super::Element;

/// The kernels of one file, as PTX.
#[derive(Debug, Clone, Copy)]
pub(super) struct Module {
    /// Under which the driver's copy is kept; another for other contents.
    pub(super) name: &'static str,
    pub(super) ptx: &'static str,
}

/// One kernel.
#[derive(Debug, Clone)]
pub(super) struct Kernel {
    pub(super) module: Module,
    pub(super) name: String,
}

impl Module {
    /// A kernel with this very name.
    pub(super) fn kernel(self, name: &str) -> Kernel {
        Kernel {
            module: self,
            name: name.to_owned(),
        }
    }

    /// The kernel for an element type.
    pub(super) fn of<T: Element>(self, name: &str) -> Kernel {
        self.kernel(&format!("{name}_{}", T::SUFFIX))
    }
}

include!(concat!(env!("OUT_DIR"), "/modules.rs"));
