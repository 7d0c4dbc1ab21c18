//! Files of DVC: what a run writes for it, and data by the hashes it keeps.
//!
//! [`DvcLive`] leaves curves, metrics and settings of a run where DVC's commands and its experiment tables look for them. The data
//! of a run get their name from [`DvcOutput`], which is read out of a `.dvc` file or `dvc.lock` and compared with the files
//! themselves. Storage is left to DVC: nothing is moved, pushed or pulled.
//!
//! Formats as DVC 3.67 and DVCLive 3.49 write them (<https://dvc.org/doc/user-guide/project-structure>).

mod logger;
mod output;
mod verify;
mod yaml;

pub use logger::DvcLive;
pub use output::DvcOutput;
pub use yaml::read_params;
