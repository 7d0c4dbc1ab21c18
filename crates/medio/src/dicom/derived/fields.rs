//! Filling datasets with many attributes at once.

use super::super::dataset::{Dataset, Element, Value};
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::super::vr::Vr;

/// What an attribute is to hold, in the representation that the standard gives it.
#[derive(Debug, Clone)]
pub(in super::super) enum Field<'a> {
    /// Text; a backslash parts values, an empty text is a value of zero length.
    Text(&'a str),
    /// One whole number.
    Integer(i64),
    /// Whole numbers.
    Integers(&'a [i64]),
    /// One number.
    Float(f64),
    /// Numbers.
    Floats(&'a [f64]),
    /// An attribute that another one names.
    Pointer(Tag),
    /// One item.
    Item(Dataset),
    /// Items, or none.
    Items(Vec<Dataset>),
}

impl Dataset {
    /// A dataset with these attributes.
    pub(in super::super) fn of<const N: usize>(
        fields: [(Tag, Field<'_>); N],
    ) -> Result<Self, Fault> {
        let mut dataset = Self::new();
        dataset.fill(fields)?;
        Ok(dataset)
    }

    /// Sets attributes.
    pub(in super::super) fn fill<const N: usize>(
        &mut self,
        fields: [(Tag, Field<'_>); N],
    ) -> Result<(), Fault> {
        for (tag, field) in fields {
            match field {
                Field::Text(text) => self.set_text(tag, text)?,
                Field::Integer(value) => self.set_integers(tag, &[value])?,
                Field::Integers(values) => self.set_integers(tag, values)?,
                Field::Float(value) => self.set_floats(tag, &[value])?,
                Field::Floats(values) => self.set_floats(tag, values)?,
                Field::Pointer(attribute) => {
                    let mut bytes = attribute.group().to_le_bytes().to_vec();
                    bytes.extend(attribute.element().to_le_bytes());
                    self.insert(Element::new(tag, Vr::AT, Value::Bytes(bytes.into())));
                }
                Field::Item(item) => self.set_items(tag, vec![item]),
                Field::Items(items) => self.set_items(tag, items),
            }
        }
        Ok(())
    }
}
