//! Structured reports as files: header, evidence and the tree (PS3.3 sections A.35 and C.17).

use std::collections::HashSet;
use std::path::Path;

use medcore::Budget;

use super::super::dataset::Dataset;
use super::super::derived::{Creation, Field, NewSeries, Source};
use super::super::fault::Fault;
use super::super::file::{DicomFile, WriteOptions, open_with, write};
use super::super::tag::Tag;
use super::content::{ContentItem, ContentValue};
use super::content_item::{decode, encode};
use super::evidence::{self, InstanceReference};
use crate::options::ReadOptions;

/// A structured report: any tree of content items, and the objects that it refers to.
///
/// ```
/// use medio::dicom::{Code, ContentItem, Dataset, Relationship, StructuredReport, Tag};
///
/// let mut study = Dataset::new();
/// study.set_text(Tag::STUDY_INSTANCE_UID, "2.25.1")?;
/// let finding = ContentItem::text(Code::dcm("121071", "Finding"), "No nodule.");
/// let title = Code::new("18782-3", "LN", "Radiology Study observation (narrative)");
/// let tree = ContentItem::container(title).with(Relationship::Contains, finding);
/// let report = StructuredReport::new(&study, tree);
/// let creation = medio::dicom::Creation::now()?;
/// let again = StructuredReport::of(&report.to_dataset(&creation)?)?;
/// assert_eq!(again.root, report.root);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct StructuredReport {
    /// SOP class UID: which kinds of items the tree may hold.
    pub class_uid: String,
    /// The tree.
    pub root: ContentItem,
    /// Whether everything that was to be said is said (`CompletionFlag`).
    pub complete: bool,
    /// The objects that the tree refers to, and others that were looked at.
    pub evidence: Vec<InstanceReference>,
    /// Patient, study, and for reports that were read all other attributes.
    pub(super) header: Dataset,
}

impl StructuredReport {
    /// Text, codes, numbers and references.
    pub const ENHANCED: &str = "1.2.840.10008.5.1.4.1.1.88.22";
    /// As [`Self::ENHANCED`], with references between items.
    pub const COMPREHENSIVE: &str = "1.2.840.10008.5.1.4.1.1.88.33";
    /// As [`Self::COMPREHENSIVE`], with coordinates in the patient.
    pub const COMPREHENSIVE_3D: &str = "1.2.840.10008.5.1.4.1.1.88.34";

    /// A complete report (Comprehensive 3D SR) for the patient and study of a header.
    #[must_use]
    pub fn new(header: &Dataset, root: ContentItem) -> Self {
        Self {
            class_uid: Self::COMPREHENSIVE_3D.to_owned(),
            root,
            complete: true,
            evidence: Vec::new(),
            header: header.clone(),
        }
    }

    /// Adds the images of a source to what was looked at.
    #[must_use]
    pub fn examined(mut self, source: &Source) -> Self {
        self.evidence.extend(InstanceReference::of_source(source));
        self
    }

    /// Patient, study, and for reports that were read all other attributes but the tree.
    #[must_use]
    pub fn header(&self) -> &Dataset {
        &self.header
    }

    /// Reads a report.
    ///
    /// # Errors
    /// Refuses files that are no structured report, damaged, nested too deeply or beyond the budget.
    pub fn read(path: impl AsRef<Path>) -> crate::Result<Self> {
        Self::read_with(path, &ReadOptions::new())
    }

    /// As [`Self::read`], with options.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn read_with(path: impl AsRef<Path>, options: &ReadOptions) -> crate::Result<Self> {
        let file = open_with(path, options)?;
        Self::of_file(&file).map_err(crate::Error::dicom(file.path()))
    }

    /// The report of an open file.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn of_file(file: &DicomFile) -> Result<Self, Fault> {
        Self::within(file.dataset(), &file.budget)
    }

    /// The report of a dataset.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn of(dataset: &Dataset) -> Result<Self, Fault> {
        Self::within(dataset, &Budget::default())
    }

    fn within(dataset: &Dataset, budget: &Budget) -> Result<Self, Fault> {
        let tag = Tag::SOP_CLASS_UID;
        let class_uid = dataset.required_string(tag)?;
        if dataset.string(Tag::VALUE_TYPE).as_deref() != Some("CONTAINER") {
            let found = dataset.string(Tag::VALUE_TYPE).unwrap_or_default();
            let rule = "CONTAINER at the root of a structured report";
            return Err(Fault::attribute(Tag::VALUE_TYPE, rule, found));
        }
        let mut root = tree(dataset, budget)?;
        let mut header = std::mem::take(&mut root.other);
        for tag in OF_EVERY_REPORT {
            header.remove(tag);
        }
        Ok(Self {
            class_uid,
            root,
            complete: dataset.string(Tag::COMPLETION_FLAG).as_deref() != Some("PARTIAL"),
            evidence: evidence::decode(dataset)?,
            header,
        })
    }

    /// The report as a new object of a new series.
    ///
    /// # Errors
    /// Refuses headers without a study, references to objects that are not among the evidence, and values
    /// that their attributes cannot hold.
    pub fn to_dataset(&self, creation: &Creation) -> Result<Dataset, Fault> {
        let mut series = NewSeries::new(&self.header, "SR", creation)?;
        let mut dataset = series.instance(&self.class_uid, 1)?;
        // A report is of no side of the body.
        dataset.remove(Tag::LATERALITY);
        let complete = if self.complete { "COMPLETE" } else { "PARTIAL" };
        dataset.fill([
            (
                Tag::REFERENCED_PERFORMED_PROCEDURE_STEP_SEQUENCE,
                Field::Items(Vec::new()),
            ),
            (
                Tag::PERFORMED_PROCEDURE_CODE_SEQUENCE,
                Field::Items(Vec::new()),
            ),
            (Tag::COMPLETION_FLAG, Field::Text(complete)),
            (Tag::VERIFICATION_FLAG, Field::Text("UNVERIFIED")),
            (Tag::PRELIMINARY_FLAG, Field::Text("FINAL")),
        ])?;
        self.check_evidence()?;
        let study = self.header.string(Tag::STUDY_INSTANCE_UID);
        let own = |object: &&InstanceReference| Some(&object.study_uid) == study.as_ref();
        for (tag, items) in [
            (
                Tag::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
                evidence::encode(self.evidence.iter().filter(own))?,
            ),
            (
                Tag::PERTINENT_OTHER_EVIDENCE_SEQUENCE,
                evidence::encode(self.evidence.iter().filter(|object| !own(object)))?,
            ),
        ] {
            if !items.is_empty() {
                dataset.set_items(tag, items);
            }
        }
        for element in items_of(&self.root)?.elements() {
            dataset.insert(element.clone());
        }
        Ok(dataset)
    }

    /// Writes the report as a new object of a new series.
    ///
    /// # Errors
    /// Refuses what [`Self::to_dataset`] refuses, and passes on what the system says.
    pub fn write(&self, path: impl AsRef<Path>, creation: &Creation) -> crate::Result<()> {
        let path = path.as_ref();
        let dataset = self.to_dataset(creation);
        let dataset = dataset.map_err(crate::Error::dicom(path))?;
        write(path, &dataset, &WriteOptions::new())
    }

    /// Whether every object that the tree refers to is among the evidence.
    fn check_evidence(&self) -> Result<(), Fault> {
        let known = self.evidence.iter().map(|object| &object.instance_uid);
        let known: HashSet<&String> = known.collect();
        for item in self.root.walk() {
            let uid = match &item.value {
                ContentValue::Image(image) => &image.instance_uid,
                ContentValue::Composite { instance_uid, .. } => instance_uid,
                _ => continue,
            };
            if !known.contains(uid) {
                let rule = "one of the objects listed as evidence";
                return Err(Fault::attribute(
                    Tag::REFERENCED_SOP_INSTANCE_UID,
                    rule,
                    uid,
                ));
            }
        }
        Ok(())
    }
}

/// Attributes that say what the model says, or that each new object has its own of.
const OF_EVERY_REPORT: [Tag; 7] = [
    Tag::CURRENT_REQUESTED_PROCEDURE_EVIDENCE_SEQUENCE,
    Tag::PERTINENT_OTHER_EVIDENCE_SEQUENCE,
    Tag::COMPLETION_FLAG,
    Tag::SOP_CLASS_UID,
    Tag::SOP_INSTANCE_UID,
    Tag::SERIES_INSTANCE_UID,
    Tag::INSTANCE_NUMBER,
];

/// Claims the memory of so many children.
fn claim(item: &mut ContentItem, children: usize, budget: &Budget) -> Result<(), Fault> {
    let count = u64::try_from(children).unwrap_or(u64::MAX);
    let size = u64::try_from(size_of::<ContentItem>()).unwrap_or(u64::MAX);
    let claimed = budget.claim_array("content items", &[count], size);
    claimed.map_err(Fault::core("structured report"))?;
    item.children.reserve_exact(children);
    Ok(())
}

/// The tree below a dataset, item by item: its depth is bounded by the budget and uses no stack.
fn tree(dataset: &Dataset, budget: &Budget) -> Result<ContentItem, Fault> {
    let mut item = decode(dataset)?;
    let below = dataset.items(Tag::CONTENT_SEQUENCE);
    claim(&mut item, below.len(), budget)?;
    let mut rest = below.iter();
    // Items that have begun, and what of their children is to come.
    let mut open = Vec::new();
    loop {
        match rest.next() {
            Some(child) => {
                let depth = u32::try_from(open.len()).unwrap_or(u32::MAX);
                let depth = budget.check_depth("content items", depth.saturating_add(1));
                depth.map_err(Fault::core("structured report"))?;
                let mut child_item = decode(child)?;
                let tag = Tag::RELATIONSHIP_TYPE;
                let relationship = child_item.relationship;
                relationship.ok_or(Fault::MissingAttribute { tag })?;
                let below = child.items(Tag::CONTENT_SEQUENCE);
                claim(&mut child_item, below.len(), budget)?;
                open.push((
                    std::mem::replace(&mut item, child_item),
                    std::mem::replace(&mut rest, below.iter()),
                ));
            }
            None => {
                let Some((parent, others)) = open.pop() else {
                    return Ok(item);
                };
                let done = std::mem::replace(&mut item, parent);
                item.children.push(done);
                rest = others;
            }
        }
    }
}

/// The attributes of a tree.
fn items_of(root: &ContentItem) -> Result<Dataset, Fault> {
    let mut dataset = encode(root)?;
    let mut items = Vec::new();
    let mut rest = root.children.iter();
    let mut open = Vec::new();
    loop {
        match rest.next() {
            Some(child) => {
                let tag = Tag::RELATIONSHIP_TYPE;
                let relationship = child.relationship;
                relationship.ok_or(Fault::MissingAttribute { tag })?;
                let next = (encode(child)?, Vec::new(), child.children.iter());
                open.push((
                    std::mem::replace(&mut dataset, next.0),
                    std::mem::replace(&mut items, next.1),
                    std::mem::replace(&mut rest, next.2),
                ));
            }
            None => {
                if !items.is_empty() {
                    dataset.set_items(Tag::CONTENT_SEQUENCE, std::mem::take(&mut items));
                }
                let Some((parent, siblings, others)) = open.pop() else {
                    return Ok(dataset);
                };
                items = siblings;
                items.push(std::mem::replace(&mut dataset, parent));
                rest = others;
            }
        }
    }
}
