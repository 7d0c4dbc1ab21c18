//! Datasets: attributes by tag, nested in sequences, with values typed on access (PS3.5 sections 6 and 7).

mod character_set;
mod json;
mod number;
mod reader;
mod source;
mod temporal;
mod value;
mod writer;

pub use character_set::CharacterSet;
pub use temporal::{Date, DateTime, PersonName, Time};
pub use value::{Deferred, Element, Fragment, Value};

pub(crate) use reader::{Limits, Parser};
pub(crate) use source::{Cursor, Store};
pub(crate) use writer::write_dataset;

use super::fault::Fault;
use super::tag::Tag;
use super::vr::Vr;

/// Attributes in ascending order of their tags, each at most once.
///
/// ```
/// use medio::dicom::{Dataset, Tag};
///
/// let mut dataset = Dataset::new();
/// dataset.set_text(Tag::PATIENT_NAME, "Doe^Jane")?;
/// dataset.set_floats(Tag::PIXEL_SPACING, &[0.5, 0.75])?;
/// assert_eq!(dataset.floats(Tag::PIXEL_SPACING)?, [0.5, 0.75]);
/// assert_eq!(dataset.person_name(Tag::PATIENT_NAME).unwrap().family(), "Doe");
/// # Ok::<(), medio::dicom::Fault>(())
/// ```
#[derive(Debug, Clone, Default)]
pub struct Dataset {
    elements: Vec<Element>,
    character_set: CharacterSet,
}

/// The same attributes with the same bytes; what an item inherits is not compared.
impl PartialEq for Dataset {
    fn eq(&self, other: &Self) -> bool {
        self.elements == other.elements
    }
}

impl Dataset {
    /// A dataset without attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    pub(crate) fn within(character_set: CharacterSet) -> Self {
        Self {
            elements: Vec::new(),
            character_set,
        }
    }

    /// The attributes in ascending order.
    #[must_use]
    pub fn elements(&self) -> &[Element] {
        &self.elements
    }

    /// Whether there are no attributes.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.elements.is_empty()
    }

    /// The encoding of its text: its own `SpecificCharacterSet`, or that of the dataset it lies in.
    #[must_use]
    pub fn character_set(&self) -> CharacterSet {
        self.character_set
    }

    fn position(&self, tag: Tag) -> Result<usize, usize> {
        self.elements.binary_search_by_key(&tag, Element::tag)
    }

    /// An attribute.
    #[must_use]
    pub fn get(&self, tag: Tag) -> Option<&Element> {
        self.position(tag).ok().and_then(|at| self.elements.get(at))
    }

    /// Whether an attribute is there and not empty.
    #[must_use]
    pub fn has_value(&self, tag: Tag) -> bool {
        self.get(tag).is_some_and(|element| !element.is_empty())
    }

    /// An attribute of a private block, whatever block number its creator was given (PS3.5 section 7.8).
    ///
    /// `element` is the last byte of the element number.
    #[must_use]
    pub fn private(&self, creator: &str, group: u16, element: u8) -> Option<&Element> {
        let first = self.position(Tag::new(group, 0x10)).unwrap_or_else(|at| at);
        let blocks = self.elements.get(first..)?.iter();
        let mut blocks =
            blocks.take_while(|e| e.tag().group() == group && e.tag().element() <= 0xff);
        let owner = blocks.find(|e| e.text(self.character_set).trim() == creator)?;
        let [_, block] = owner.tag().element().to_be_bytes();
        self.get(Tag::new(group, u16::from_be_bytes([block, element])))
    }

    /// An attribute by its path, for instance `RequestAttributesSequence[0].ScheduledProcedureStepID`.
    ///
    /// # Errors
    /// Refuses names that are no attributes and indices that are no numbers.
    pub fn find(&self, path: &str) -> Result<Option<&Element>, Fault> {
        let mut steps = path.split('.').peekable();
        let mut dataset = self;
        while let Some(step) = steps.next() {
            let (name, index) = match step.split_once('[') {
                None => (step, None),
                Some((name, index)) => {
                    let digits = index.strip_suffix(']').map(str::parse::<usize>);
                    let Some(Ok(index)) = digits else {
                        let text = step.chars().take(80).collect();
                        return Err(Fault::UnknownTag { text });
                    };
                    (name, Some(index))
                }
            };
            let tag: Tag = name.parse()?;
            if steps.peek().is_none() && index.is_none() {
                return Ok(dataset.get(tag));
            }
            match dataset.items(tag).get(index.unwrap_or(0)) {
                Some(item) => dataset = item,
                None => return Ok(None),
            }
        }
        Ok(None)
    }

    /// The items of a sequence; none if it is absent, empty or no sequence.
    #[must_use]
    pub fn items(&self, tag: Tag) -> &[Self] {
        match self.get(tag).map(Element::value) {
            Some(Value::Items(items)) => items,
            _ => &[],
        }
    }

    /// The first item of a sequence.
    #[must_use]
    pub fn item(&self, tag: Tag) -> Option<&Self> {
        self.items(tag).first()
    }

    /// The bytes of a value, little-endian, with padding.
    #[must_use]
    pub fn bytes(&self, tag: Tag) -> Option<&[u8]> {
        self.get(tag).and_then(Element::bytes)
    }

    /// The values of an attribute as text, without padding; none if it is absent or empty.
    #[must_use]
    pub fn strings(&self, tag: Tag) -> Vec<String> {
        self.get(tag)
            .map(|e| e.strings(self.character_set))
            .unwrap_or_default()
    }

    /// The whole value of an attribute as text, without padding; none if it is absent or empty.
    #[must_use]
    pub fn text(&self, tag: Tag) -> Option<String> {
        let text = self.get(tag)?.text(self.character_set);
        (!text.is_empty()).then_some(text)
    }

    /// The first value of an attribute as text, without padding; none if it is absent or empty.
    #[must_use]
    pub fn string(&self, tag: Tag) -> Option<String> {
        let first = self.strings(tag).into_iter().next();
        first.filter(|text| !text.is_empty())
    }

    /// As [`Self::string`], where there has to be one.
    pub(crate) fn required_string(&self, tag: Tag) -> Result<String, Fault> {
        self.string(tag).ok_or(Fault::MissingAttribute { tag })
    }

    /// As [`Self::integer`], where there has to be one.
    pub(crate) fn required_integer(&self, tag: Tag) -> Result<i64, Fault> {
        self.integer(tag)?.ok_or(Fault::MissingAttribute { tag })
    }

    /// As [`Self::float`], where there has to be one.
    pub(crate) fn required_float(&self, tag: Tag) -> Result<f64, Fault> {
        self.float(tag)?.ok_or(Fault::MissingAttribute { tag })
    }

    /// As [`Self::item`], where there has to be one.
    pub(crate) fn required_item(&self, tag: Tag) -> Result<&Self, Fault> {
        self.item(tag).ok_or(Fault::MissingAttribute { tag })
    }

    /// The numbers of an attribute; none if it is absent or empty.
    ///
    /// # Errors
    /// Refuses text that is no finite number and representations that hold no numbers.
    pub fn floats(&self, tag: Tag) -> Result<Vec<f64>, Fault> {
        self.get(tag).map_or(Ok(Vec::new()), Element::floats)
    }

    /// So many numbers, or none if the attribute is absent or empty.
    ///
    /// # Errors
    /// Refuses what [`Self::floats`] refuses, and another count.
    pub fn float_array<const N: usize>(&self, tag: Tag) -> Result<Option<[f64; N]>, Fault> {
        let numbers = self.floats(tag)?;
        if numbers.is_empty() {
            return Ok(None);
        }
        let count = numbers.len();
        numbers.try_into().map(Some).map_err(|_| {
            Fault::attribute(
                tag,
                "of another number of values",
                format_args!("{count} values, {N} are needed"),
            )
        })
    }

    /// The one number of an attribute; none if it is absent or empty.
    ///
    /// # Errors
    /// Refuses what [`Self::floats`] refuses, and several values.
    pub fn float(&self, tag: Tag) -> Result<Option<f64>, Fault> {
        Ok(self.float_array::<1>(tag)?.map(|[value]| value))
    }

    /// The whole numbers of an attribute; none if it is absent or empty.
    ///
    /// # Errors
    /// Refuses text that is no whole number and representations that hold none.
    pub fn integers(&self, tag: Tag) -> Result<Vec<i64>, Fault> {
        self.get(tag).map_or(Ok(Vec::new()), Element::integers)
    }

    /// The one whole number of an attribute; none if it is absent or empty.
    ///
    /// # Errors
    /// Refuses what [`Self::integers`] refuses, and several values.
    pub fn integer(&self, tag: Tag) -> Result<Option<i64>, Fault> {
        match self.integers(tag)?.as_slice() {
            [] => Ok(None),
            [value] => Ok(Some(*value)),
            more => Err(Fault::attribute(
                tag,
                "a single value",
                format_args!("{} values", more.len()),
            )),
        }
    }

    /// The tags that an attribute names.
    ///
    /// # Errors
    /// Refuses another representation than `AT`.
    pub fn tags(&self, tag: Tag) -> Result<Vec<Tag>, Fault> {
        self.get(tag).map_or(Ok(Vec::new()), Element::tags)
    }

    /// A date (`DA`); none if it is absent or empty.
    ///
    /// # Errors
    /// Refuses what is no date.
    pub fn date(&self, tag: Tag) -> Result<Option<Date>, Fault> {
        let parse = |text: String| Date::parse(tag, &text);
        self.string(tag).map(parse).transpose()
    }

    /// A time of day (`TM`); none if it is absent or empty.
    ///
    /// # Errors
    /// Refuses what is no time.
    pub fn time(&self, tag: Tag) -> Result<Option<Time>, Fault> {
        let parse = |text: String| Time::parse(tag, &text);
        self.string(tag).map(parse).transpose()
    }

    /// A date and time (`DT`); none if it is absent or empty.
    ///
    /// # Errors
    /// Refuses what is no date and time.
    pub fn date_time(&self, tag: Tag) -> Result<Option<DateTime>, Fault> {
        let parse = |text: String| DateTime::parse(tag, &text);
        self.string(tag).map(parse).transpose()
    }

    /// A person's name (`PN`); none if it is absent or empty.
    #[must_use]
    pub fn person_name(&self, tag: Tag) -> Option<PersonName> {
        self.string(tag).map(|text| PersonName::parse(&text))
    }

    /// Puts an attribute in its place, instead of what was there.
    pub fn insert(&mut self, element: Element) {
        if element.tag() == Tag::SPECIFIC_CHARACTER_SET {
            self.character_set = CharacterSet::of(&element);
        }
        match self.position(element.tag()) {
            Ok(at) => {
                if let Some(place) = self.elements.get_mut(at) {
                    *place = element;
                }
            }
            Err(at) => self.elements.insert(at, element),
        }
    }

    /// Takes an attribute out.
    pub fn remove(&mut self, tag: Tag) -> Option<Element> {
        self.position(tag).ok().map(|at| self.elements.remove(at))
    }

    /// Keeps only the attributes for which `keep` holds.
    pub fn retain(&mut self, keep: impl FnMut(&Element) -> bool) {
        self.elements.retain(keep);
    }

    /// Sets the text of an attribute; a backslash parts values. Text outside ASCII makes the dataset UTF-8.
    ///
    /// # Errors
    /// Refuses attributes that hold no text, and text outside ASCII in a dataset of another character set
    /// that already holds such text.
    pub fn set_text(&mut self, tag: Tag, text: &str) -> Result<(), Fault> {
        let vr = self.standard_vr(tag)?;
        if !vr.is_text() {
            return Err(Fault::attribute(tag, "an attribute of text", text));
        }
        let fits = text.is_ascii() || (vr.is_extensible_text() && self.becomes_utf8());
        if !fits {
            return Err(Fault::attribute(
                tag,
                "in the dataset's character set",
                text,
            ));
        }
        self.insert(Element::new(tag, vr, Value::Bytes(text.as_bytes().into())));
        Ok(())
    }

    /// Sets the numbers of an attribute, in the representation that the standard gives it.
    ///
    /// # Errors
    /// Refuses attributes that hold no numbers, and numbers that do not fit.
    pub fn set_floats(&mut self, tag: Tag, values: &[f64]) -> Result<(), Fault> {
        let vr = self.standard_vr(tag)?;
        self.insert(Element::from_floats(tag, vr, values)?);
        Ok(())
    }

    /// Sets the whole numbers of an attribute, in the representation that the standard gives it.
    ///
    /// # Errors
    /// Refuses attributes that hold no numbers, and numbers that do not fit.
    pub fn set_integers(&mut self, tag: Tag, values: &[i64]) -> Result<(), Fault> {
        let vr = self.standard_vr(tag)?;
        self.insert(Element::from_integers(tag, vr, values)?);
        Ok(())
    }

    /// Makes this a dataset of UTF-8, unless it holds text outside ASCII in another character set.
    fn becomes_utf8(&mut self) -> bool {
        if self.character_set == CharacterSet::UTF_8 {
            return true;
        }
        let foreign =
            |e: &Element| e.vr().is_extensible_text() && e.bytes().is_some_and(|b| !b.is_ascii());
        if self.elements.iter().any(foreign) {
            return false;
        }
        self.insert(Element::new(
            Tag::SPECIFIC_CHARACTER_SET,
            Vr::CS,
            Value::Bytes((*b"ISO_IR 192").into()),
        ));
        true
    }

    /// Sets the items of a sequence; items of UTF-8 make the dataset UTF-8 where they can, as many readers
    /// look for the character set at the top only.
    pub fn set_items(&mut self, tag: Tag, mut items: Vec<Self>) {
        let utf8 = |item: &Self| {
            item.character_set == CharacterSet::UTF_8
                && item.get(Tag::SPECIFIC_CHARACTER_SET).is_some()
        };
        if items.iter().any(utf8) && self.becomes_utf8() {
            for item in items.iter_mut().filter(|item| utf8(item)) {
                item.remove(Tag::SPECIFIC_CHARACTER_SET);
            }
        }
        self.insert(Element::new(tag, Vr::SQ, Value::Items(items)));
    }

    /// The representation of an attribute here: where the standard leaves the choice between signed and
    /// unsigned, `PixelRepresentation` makes it.
    fn standard_vr(&self, tag: Tag) -> Result<Vr, Fault> {
        let Some(vr) = tag.vr() else {
            return Err(Fault::attribute(tag, "an attribute of the standard", tag));
        };
        let signed = || matches!(self.integer(Tag::PIXEL_REPRESENTATION), Ok(Some(1)));
        let ambiguous = tag.entry().is_some_and(|e| e.ambiguous);
        Ok(if vr == Vr::US && ambiguous && signed() {
            Vr::SS
        } else {
            vr
        })
    }

    /// The dataset in the JSON model of PS3.18 annex F.
    ///
    /// # Errors
    /// Refuses values that do not fit their representation, and those that were left in their file.
    pub fn to_json(&self) -> Result<serde_json::Value, Fault> {
        json::to_json(self)
    }

    /// A dataset from the JSON model of PS3.18 annex F; bulk data stays a locator.
    ///
    /// # Errors
    /// Refuses what breaks the model, with the attributes on the way there.
    pub fn from_json(json: &serde_json::Value) -> Result<Self, Fault> {
        json::from_json(json)
    }

    /// Appends in file order; [`Self::settle`] sorts.
    pub(crate) fn append(&mut self, element: Element) {
        if element.tag() == Tag::SPECIFIC_CHARACTER_SET {
            self.character_set = CharacterSet::of(&element);
        }
        self.elements.push(element);
    }

    /// Brings appended elements into order and gives back pairs that share a tag.
    pub(crate) fn settle(&mut self) -> Settled {
        let mut settled = Settled::default();
        let ordered = self.elements.is_sorted_by(|a, b| a.tag() < b.tag());
        if !ordered {
            let descent = self.elements.iter().zip(self.elements.iter().skip(1));
            let descent = descent.map(|(a, b)| (a.tag(), b.tag()));
            settled.unordered = { descent }.find(|(a, b)| a > b).map(|(_, b)| b);
            self.elements.sort_by_key(Element::tag);
            // The last of several stays.
            self.elements.dedup_by(|later, earlier| {
                let same = later.tag() == earlier.tag();
                if same {
                    let which = match later == earlier {
                        true => &mut settled.repeated,
                        false => &mut settled.contradictory,
                    };
                    *which = which.or(Some(later.tag()));
                    std::mem::swap(later, earlier);
                }
                same
            });
        }
        self.elements.shrink_to_fit();
        settled
    }
}

/// What [`Dataset::settle`] found out of order: the first tag of each kind.
#[derive(Debug, Default)]
pub(crate) struct Settled {
    pub(crate) unordered: Option<Tag>,
    pub(crate) repeated: Option<Tag>,
    pub(crate) contradictory: Option<Tag>,
}
