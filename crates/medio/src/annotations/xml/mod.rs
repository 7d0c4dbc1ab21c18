//! XML read element by element: no declarations of types, no entities but XML's own five, bounded in depth,
//! attributes and size of what is held at once; and written, or refused where XML has no characters for it.
//!
//! Readers of annotations keep what they do not understand and write it again, so what is not well-formed must
//! not get in, and what XML cannot say must not get out.
//!
//! Source: Extensible Markup Language (XML) 1.0, fifth edition, <https://www.w3.org/TR/xml/>.

mod cursor;
mod element;
mod rule;
mod writer;

pub(super) use cursor::Cursor;
pub(super) use element::{Element, finite};
pub(super) use rule::check_characters;
pub(super) use writer::{Writer, escaped};
