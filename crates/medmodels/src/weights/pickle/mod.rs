//! A machine for Python's pickles that builds values and calls nothing.
//!
//! It knows the operations of the protocols 0 to 5 (<https://peps.python.org/pep-0307/>, <https://peps.python.org/pep-3154/>,
//! `pickletools.py` of Python). What a class or function would make becomes an inert [`value::Object`]; a call of anything
//! that is not known to stand in checkpoints is an error with its name. Whatever is shared is stored once.

mod allowed;
mod machine;
mod reader;
pub(crate) mod value;

pub(crate) use machine::{Limits, Pickle, load};
