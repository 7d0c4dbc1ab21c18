//! The parts of the program, in the order in which a run needs them.

pub(crate) mod baseline;
pub(crate) mod bundle;
pub(crate) mod cli;
pub(crate) mod compare;
pub(crate) mod data;
pub(crate) mod heat;
pub(crate) mod judge;
pub(crate) mod learn;
pub(crate) mod network;
pub(crate) mod odds;
pub(crate) mod plan;
pub(crate) mod predict;
pub(crate) mod report;
pub(crate) mod run;
pub(crate) mod score;
pub(crate) mod scored;
pub(crate) mod shift;
