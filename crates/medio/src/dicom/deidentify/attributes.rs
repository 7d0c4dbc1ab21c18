//! Goes through a dataset and does to each attribute what the profile asks for.

use std::collections::HashSet;

use super::super::dataset::{Dataset, Element, Value};
use super::super::fault::Fault;
use super::super::tag::Tag;
use super::super::vr::Vr;
use super::action::{Action, Change};
use super::identity::{Identifiers, Identity, Shift};
use super::key::{Key, is_of_the_standard};
use super::profile::{Dates, Profile};
use super::table::{self, Rule};
use super::{dates, dummy};

/// What the sequence around an item asks of those of its attributes that are not in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Nothing.
    Plain,
    /// To mean nothing.
    Dummy,
    /// To identify nobody.
    Clean,
    /// Nothing: they are a code of a public scheme.
    Code,
}

/// An attribute, and what to do with it.
enum Step {
    /// By a rule; with the one to follow where cleaning leaves nothing.
    Rule(Rule, Rule),
    /// Out, and no word of it.
    Drop,
}

pub(super) struct Walker<'a> {
    pub(super) profile: &'a Profile,
    pub(super) key: &'a Key,
    pub(super) identity: Identity,
    pub(super) identifiers: Identifiers,
    pub(super) changes: Vec<Change>,
    /// The items that are open: sequence and index.
    open: Vec<(Tag, usize)>,
}

/// Sequences may be nested so deep, as deep as the writer goes.
const DEEPEST: usize = 64;

/// Coding schemes whose codes stand in public lists (PS3.16 table 8-1).
const PUBLIC_SCHEMES: &[&str] = &[
    "DCM",
    "SCT",
    "SRT",
    "SNM3",
    "LN",
    "UCUM",
    "RADLEX",
    "UMLS",
    "FMA",
    "I9C",
    "I10",
    "I10P",
    "I11",
    "C4",
    "C5",
    "BI",
    "NCIt",
    "MA",
    "MSH",
    "NEU",
    "RFC3066",
    "RFC5646",
    "ISO3166_1",
    "ISO639_1",
    "ISO639_2",
    "CD10",
    "MDC",
    "ACR",
    "SDM",
    "UNS",
    "ATC",
    "RXNORM",
    "IBSI",
    "NYUMCCG",
    "CADSR",
    "BARI",
    "FFIP",
    "PATHLEX",
    "HL7",
];

/// Text of a code, which says nothing of its own if the scheme is public.
fn is_code(tag: Tag) -> bool {
    let public = [
        Tag::CODE_VALUE,
        Tag::CODING_SCHEME_DESIGNATOR,
        Tag::new(0x0008, 0x0103),
        Tag::CODE_MEANING,
        Tag::MAPPING_RESOURCE,
        Tag::LONG_CODE_VALUE,
        Tag::URN_CODE_VALUE,
    ];
    public.contains(&tag)
}

/// Whether a unique identifier that is not in the table names a thing of the standard or of a maker, and
/// not an object.
fn names_a_class(tag: Tag) -> bool {
    let marks = [
        "SOPClass",
        "TransferSyntax",
        "ImplementationClass",
        "CodingScheme",
        "ContextUID",
        "CreatorUID",
        "CreatorVersionUID",
        "MappingResource",
        "SegmentationTemplate",
        "GeneralSOP",
    ];
    let keyword = tag.keyword().unwrap_or("");
    marks.iter().any(|mark| keyword.contains(mark))
}

fn has_text(vr: Vr) -> bool {
    matches!(vr, Vr::LO | Vr::LT | Vr::SH | Vr::ST | Vr::UC | Vr::UT)
}

impl<'a> Walker<'a> {
    pub(super) fn new(profile: &'a Profile, key: &'a Key, dataset: &Dataset) -> Self {
        let identity = Identity::of(dataset, key);
        let identifiers = Identifiers::of(dataset, profile, identity.pseudonym.as_deref());
        Self {
            profile,
            key,
            identity,
            identifiers,
            changes: Vec::new(),
            open: Vec::new(),
        }
    }

    /// The dataset as the profile leaves it.
    pub(super) fn top(&mut self, dataset: &Dataset) -> Result<Dataset, Fault> {
        self.dataset(dataset, Dataset::new(), Within::Plain)
    }

    pub(super) fn log(&mut self, tag: Tag, action: Action) {
        let name = |tag: Tag| match tag.keyword() {
            Some(keyword) => keyword.to_owned(),
            None => format!("({:04X},{:04X})", tag.group(), tag.element()),
        };
        let items = self.open.iter();
        let mut path: String = items
            .map(|(sequence, index)| format!("{}[{index}].", name(*sequence)))
            .collect();
        path += &name(tag);
        self.changes.push(Change { path, action });
    }

    fn dataset(
        &mut self,
        dataset: &Dataset,
        mut out: Dataset,
        within: Within,
    ) -> Result<Dataset, Fault> {
        let safe = self.profile.safe_private.as_ref();
        let safe = safe.map(|safe| safe.among(dataset)).unwrap_or_default();
        let overlays = self.kept_overlays(dataset);
        let scheme = dataset.string(Tag::CODING_SCHEME_DESIGNATOR);
        let public = scheme.is_some_and(|scheme| PUBLIC_SCHEMES.contains(&scheme.as_str()));
        for element in dataset.elements() {
            let tag = element.tag();
            let within = match tag.group() {
                0x6000..=0x60ff => Within::Clean,
                _ if public && is_code(tag) => Within::Code,
                _ => within,
            };
            let kept = match self.step(element, &safe, &overlays) {
                Step::Drop => None,
                Step::Rule(rule, after) => self.apply(dataset, element, rule, after, within)?,
            };
            if let Some(kept) = kept {
                out.append(kept);
            }
        }
        Ok(out)
    }

    /// Groups of overlays that stay: regions with pixels of their own, if graphics are cleaned.
    fn kept_overlays(&self, dataset: &Dataset) -> HashSet<u16> {
        let mut kept = HashSet::new();
        if self.profile.graphics {
            for group in (0x6000..=0x601e_u16).step_by(2) {
                let region = dataset.string(Tag::new(group, 0x0040));
                let own = dataset.has_value(Tag::new(group, 0x3000));
                if own && region.as_deref() == Some("R") {
                    kept.insert(group);
                }
            }
        }
        kept
    }

    fn step(&self, element: &Element, safe: &HashSet<Tag>, overlays: &HashSet<u16>) -> Step {
        let tag = element.tag();
        let only = |rule| Step::Rule(rule, rule);
        match tag.group() {
            // Group lengths are not written, and group 0002 is made anew.
            _ if tag.element() == 0 => return Step::Drop,
            0x0000 | 0x0002 => return only(Rule::Remove),
            _ if tag.is_private() && !safe.contains(&tag) => return only(Rule::Remove),
            // A curve without its data is none.
            0x5000..=0x50ff => return only(Rule::Remove),
            group @ 0x6000..=0x60ff if !overlays.contains(&group) => return only(Rule::Remove),
            // The bits of a region that stays: they show no letters.
            0x6000..=0x60ff if tag.element() == 0x3000 => return only(Rule::Keep),
            _ => {}
        }
        if let Some(row) = table::row(tag) {
            return Step::Rule(self.profile.rule(row), row.basic);
        }
        if !tag.is_private() && tag.entry().is_none() {
            return only(Rule::Remove);
        }
        match (element.vr(), self.profile.dates) {
            (Vr::DA | Vr::DT, Dates::Removed) | (Vr::PN, _) => only(Rule::Dummy),
            (Vr::DA | Vr::DT, Dates::Modified) => Step::Rule(Rule::Clean, Rule::Dummy),
            (Vr::UI, _) if !self.profile.uids && !names_a_class(tag) => only(Rule::Uid),
            _ => only(Rule::Keep),
        }
    }

    fn apply(
        &mut self,
        dataset: &Dataset,
        element: &Element,
        rule: Rule,
        after: Rule,
        within: Within,
    ) -> Result<Option<Element>, Fault> {
        let (tag, vr) = (element.tag(), element.vr());
        if self.open.is_empty() && matches!(tag, Tag::PATIENT_ID | Tag::PATIENT_NAME) {
            return Ok(Some(self.pseudonym(element)));
        }
        if let Value::Items(items) = element.value() {
            let inner = match rule {
                Rule::Remove | Rule::Empty => None,
                Rule::Dummy => Some(Within::Dummy),
                Rule::Clean => Some(Within::Clean),
                Rule::Uid => Some(Within::Plain),
                Rule::Keep => Some(within),
            };
            if let Some(inner) = inner {
                return self.items(dataset, element, items, inner).map(Some);
            }
        }
        Ok(match rule {
            Rule::Remove => {
                self.log(tag, Action::Removed);
                None
            }
            Rule::Empty => {
                let none = match element.value() {
                    Value::Items(_) => Value::Items(Vec::new()),
                    _ => Value::Bytes(Box::default()),
                };
                if !element.is_empty() {
                    self.log(tag, Action::Emptied);
                }
                Some(Element::new(tag, vr, none))
            }
            Rule::Dummy => Some(self.dummy(element)),
            Rule::Uid => Some(self.uids(element)),
            Rule::Clean => match self.clean(dataset, element) {
                Some(cleaned) => Some(cleaned),
                None if after == Rule::Clean => Some(self.dummy(element)),
                None => return self.apply(dataset, element, after, after, within),
            },
            Rule::Keep => Some(self.keep(dataset, element, within)),
        })
    }

    fn items(
        &mut self,
        dataset: &Dataset,
        element: &Element,
        items: &[Dataset],
        within: Within,
    ) -> Result<Element, Fault> {
        let tag = element.tag();
        if self.open.len() >= DEEPEST {
            return Err(Fault::attribute(
                tag,
                "nested at most 64 levels deep",
                "more",
            ));
        }
        let mut done = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            self.open.push((tag, index));
            let inside = Dataset::within(dataset.character_set());
            let result = self.dataset(item, inside, within);
            self.open.pop();
            done.push(result?);
        }
        Ok(Element::new(tag, element.vr(), Value::Items(done)))
    }

    /// Replaces a value; the log gets a line if that changes it.
    fn replaced(&mut self, element: &Element, bytes: Vec<u8>, action: Action) -> Element {
        let (tag, vr) = (element.tag(), element.vr());
        let padding = |b: &u8| *b == b' ' || *b == 0;
        let same = element.bytes().is_some_and(|old| {
            old == bytes
                || (old.len() > bytes.len() && old.starts_with(&bytes) && {
                    old.iter().skip(bytes.len()).all(padding)
                })
        });
        if same {
            return element.clone();
        }
        self.log(tag, action);
        Element::new(tag, vr, Value::Bytes(bytes.into()))
    }

    fn pseudonym(&mut self, element: &Element) -> Element {
        let text = self.identity.pseudonym.clone().unwrap_or_default();
        // Whatever representation the file gave it: a sequence, say.
        let vr = element.tag().vr().unwrap_or(Vr::LO);
        let element = Element::new(element.tag(), vr, element.value().clone());
        self.replaced(&element, text.into_bytes(), Action::Pseudonymised)
    }

    /// An empty value says nothing, and stays empty.
    fn dummy(&mut self, element: &Element) -> Element {
        let vr = element.vr();
        if element.is_empty() {
            return element.clone();
        }
        if vr == Vr::UI {
            return self.uids(element);
        }
        let bytes = match element.value() {
            _ if element.tag() == Tag::CODING_SCHEME_DESIGNATOR => b"99ANON".to_vec(),
            Value::Bytes(bytes) if bytes.len() <= 1 << 16 => dummy::bytes(vr, bytes),
            _ => dummy::bytes(vr, &[0; 2]),
        };
        self.replaced(element, bytes, Action::Replaced)
    }

    /// Replaces unique identifiers but those of the standard itself.
    fn uids(&mut self, element: &Element) -> Element {
        let texts = element.strings(super::super::CharacterSet::default());
        let given = texts.iter().map(|uid| match uid.as_str() {
            "" => String::new(),
            known if is_of_the_standard(known) => known.to_owned(),
            other => self.key.uid(other),
        });
        let given = given.collect::<Vec<_>>().join("\\");
        self.replaced(element, given.into_bytes(), Action::UidReplaced)
    }

    /// What is left of a value that may stay if it identifies nobody; none if that is nothing.
    fn clean(&mut self, dataset: &Dataset, element: &Element) -> Option<Element> {
        let vr = element.vr();
        if element.is_empty() {
            return Some(element.clone());
        }
        match vr {
            Vr::DA | Vr::DT => {
                let days = match self.identity.shift {
                    Shift::Days(days) => days,
                    Shift::Done => return Some(element.clone()),
                    Shift::Unknown => return None,
                };
                let texts = element.strings(dataset.character_set());
                let moved: Option<Vec<String>> = { texts.iter() }
                    .map(|text| match text.as_str() {
                        "" => Some(String::new()),
                        text => dates::shifted(vr, text, days),
                    })
                    .collect();
                let moved = moved?.join("\\").into_bytes();
                Some(self.replaced(element, moved, Action::DateShifted))
            }
            // Days move as a whole, so times of day and zones stay what they are.
            Vr::TM => Some(element.clone()),
            _ if element.tag() == Tag::new(0x0008, 0x0201) => Some(element.clone()),
            _ if has_text(vr) || vr == Vr::AE => {
                let texts = element.strings(dataset.character_set());
                let (vocabulary, known) = (&self.profile.vocabulary, &self.identifiers);
                let cleaned = texts
                    .iter()
                    .map(|text| vocabulary.clean_unless(text, |word| known.knows(word)));
                let cleaned = cleaned.filter(|text| !text.is_empty());
                let cleaned = cleaned.collect::<Vec<_>>().join("\\");
                if cleaned.is_empty() {
                    return None;
                }
                Some(self.replaced(element, cleaned.into_bytes(), Action::Cleaned))
            }
            _ => None,
        }
    }

    fn keep(&mut self, dataset: &Dataset, element: &Element, within: Within) -> Element {
        let (tag, vr) = (element.tag(), element.vr());
        if tag == Tag::PATIENT_AGE && !self.profile.ages {
            return self.age(element);
        }
        let text = has_text(vr) || matches!(vr, Vr::AE | Vr::UR);
        let decimal = matches!(vr, Vr::DS | Vr::FL | Vr::FD | Vr::OF | Vr::OD);
        let opaque = matches!(vr, Vr::OB | Vr::OW | Vr::OL | Vr::OV | Vr::UN);
        match within {
            Within::Dummy if text || decimal || opaque || matches!(vr, Vr::TM | Vr::AS) => {
                return self.dummy(element);
            }
            Within::Clean if text => {
                let cleaned = self.clean(dataset, element);
                return cleaned.unwrap_or_else(|| self.dummy(element));
            }
            _ => {}
        }
        let repeats = || {
            let text = element.text(dataset.character_set());
            self.identifiers.occur_in(&text)
        };
        let code = within == Within::Code && tag != Tag::CODE_MEANING;
        if has_text(vr) && !code && repeats() {
            return self.dummy(element);
        }
        element.clone()
    }

    /// Ages above 89 years become 90.
    fn age(&mut self, element: &Element) -> Element {
        let text = element.text(super::super::CharacterSet::default());
        let number = |unit| {
            text.strip_suffix(unit)
                .and_then(|digits| digits.parse::<u32>().ok())
        };
        let years = [('Y', 1), ('M', 12), ('W', 52), ('D', 365)];
        let years =
            { years.into_iter() }.find_map(|(unit, parts)| number(unit)?.checked_div(parts));
        match years {
            Some(0..=89) => element.clone(),
            Some(_) => self.replaced(element, b"090Y".to_vec(), Action::Cleaned),
            None => self.dummy(element),
        }
    }
}
