//! De-identification: the profiles of PS3.15 annex E, for files and folders of files.
//!
//! ```no_run
//! use medio::dicom::deidentify::{Deidentifier, Key, Profile, Vocabulary};
//!
//! let key = Key::random()?; // keep it as long as files are to be added, and never beside them
//! let profile = Profile::basic()
//!     .retain_patient_characteristics()
//!     .retain_modified_dates()
//!     .clean_descriptors(Vocabulary::radiology())
//!     .clean_pixel_data([]);
//! let done = Deidentifier::new(key).profile(profile).folder("clinic", "research")?;
//! println!("{} files written, {} refused", done.written.len(), done.refused.len());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Unique identifiers, pseudonyms and shifts of dates are derived from a [`Key`], so that they agree over all
//! files of a patient, whenever and wherever those are processed, and no table of them has to be kept.
//!
//! What a program can do is done here; whether the result identifies nobody is for a person to say. Faces can
//! be made out in volumes of heads, and text can be where no rule expects it.

mod action;
mod attributes;
mod dates;
mod dummy;
mod folder;
mod identity;
mod key;
mod pixels;
mod private;
mod profile;
#[cfg(test)]
mod rows;
mod table;
mod text;

use std::path::Path;

pub use action::{Action, Change};
pub use folder::Folder;
pub use key::Key;
pub use pixels::{PixelCondition, PixelRegion, PixelRule, Rectangle};
pub use private::SafePrivate;
pub use profile::Profile;
pub use text::Vocabulary;

use super::dataset::{Dataset, Element, Value};
use super::fault::Fault;
use super::file::{DicomFile, WriteOptions, encode};
use super::tag::Tag;
use super::transfer_syntax::TransferSyntax;
use super::vr::Vr;
use attributes::Walker;
use pixels::Plan;
use profile::Dates;

/// Takes out of DICOM objects what tells whose they are.
///
/// ```
/// use medio::dicom::deidentify::{Deidentifier, Key};
/// use medio::dicom::{Dataset, Tag};
///
/// let mut dataset = Dataset::new();
/// dataset.set_text(Tag::PATIENT_NAME, "Doe^Jane")?;
/// dataset.set_text(Tag::STUDY_DATE, "20240229")?;
/// let deidentifier = Deidentifier::new(Key::new([7; 32]));
/// let (clean, changes) = deidentifier.dataset(&dataset)?;
/// assert_eq!(clean.string(Tag::STUDY_DATE), None);
/// assert_eq!(changes.len(), 2);
/// # Ok::<(), medio::dicom::Fault>(())
/// ```
#[derive(Debug, Clone)]
pub struct Deidentifier {
    key: Key,
    profile: Profile,
}

/// A file without its identity; pixels that did not change are still in the file it was made from.
#[derive(Debug)]
pub struct Deidentified<'f> {
    file: &'f DicomFile,
    dataset: Dataset,
    syntax: TransferSyntax,
    changes: Vec<Change>,
}

impl Deidentifier {
    /// By the basic profile without options, with replacements derived from this key.
    #[must_use]
    pub fn new(key: Key) -> Self {
        Self {
            key,
            profile: Profile::basic(),
        }
    }

    /// By another profile.
    #[must_use]
    pub fn profile(mut self, profile: Profile) -> Self {
        self.profile = profile;
        self
    }

    /// The unique identifier that replaces this one; those of the standard stay, and those given before.
    #[must_use]
    pub fn uid(&self, uid: &str) -> String {
        match key::is_of_the_standard(uid) {
            true => uid.to_owned(),
            false => self.key.uid(uid),
        }
    }

    /// The pseudonym that replaces this `PatientID`, and the name of the patient.
    #[must_use]
    pub fn pseudonym(&self, patient_id: &str) -> String {
        self.key.pseudonym(patient_id.trim())
    }

    /// By how many days the dates of the patient with this `PatientID` move: -3650 to -1.
    #[must_use]
    pub fn shift_days(&self, patient_id: &str) -> i64 {
        self.key.shift_days(patient_id.trim())
    }

    /// De-identifies a file.
    ///
    /// # Errors
    /// Refuses images into which text may be burned and that no rule of the profile fits, pixels that have to
    /// be blanked and cannot be decoded, and directories of media.
    pub fn file<'f>(&self, file: &'f DicomFile) -> crate::Result<Deidentified<'f>> {
        let refused = crate::Error::dicom(file.path());
        let syntax = file.transfer_syntax().ok_or_else(|| {
            let uid = file.transfer_syntax_uid().chars().take(64).collect();
            refused(Fault::UnsupportedTransferSyntax {
                uid,
                name: "unknown",
            })
        })?;
        let plan = Plan::of(file.dataset(), &self.profile).map_err(&refused)?;
        let (mut dataset, mut changes) =
            self.attributes(file.dataset(), &plan).map_err(&refused)?;
        let syntax = match plan.blanks() {
            false => syntax,
            true => {
                let path = Tag::PIXEL_DATA.keyword().unwrap_or_default().to_owned();
                let action = Action::Blanked;
                changes.push(Change { path, action });
                pixels::blanked(file, &plan, &mut dataset)?
            }
        };
        Ok(Deidentified {
            file,
            dataset,
            syntax,
            changes,
        })
    }

    /// De-identifies a dataset that is no file; its pixels, if it has any, stay as they are.
    ///
    /// # Errors
    /// Refuses images into which text may be burned or whose pixels have to be blanked, and directories of
    /// media.
    pub fn dataset(&self, dataset: &Dataset) -> Result<(Dataset, Vec<Change>), Fault> {
        let plan = Plan::of(dataset, &self.profile)?;
        if plan.blanks() {
            let what = "blanking pixels outside of a file".to_owned();
            return Err(Fault::Unsupported { what });
        }
        self.attributes(dataset, &plan)
    }

    fn attributes(&self, dataset: &Dataset, plan: &Plan) -> Result<(Dataset, Vec<Change>), Fault> {
        if dataset.get(Tag::new(0x0004, 0x1220)).is_some() {
            let what = "de-identifying a directory of media".to_owned();
            return Err(Fault::Unsupported { what });
        }
        let mut walker = Walker::new(&self.profile, &self.key, dataset);
        let mut out = walker.top(dataset)?;
        let changes = walker.changes;
        self.declare(&mut out, plan.cleaned)?;
        Ok((out, changes))
    }

    /// Says in the object what was done to it (PS3.15 section E.1.1 and E.3).
    fn declare(&self, dataset: &mut Dataset, pixels_cleaned: bool) -> Result<(), Fault> {
        dataset.set_text(Tag::PATIENT_IDENTITY_REMOVED, "YES")?;
        let ours = format!("medio, PS3.15 table E.1-1 of {}", table::EDITION);
        let methods = dataset.strings(Tag::DEIDENTIFICATION_METHOD);
        if !methods.contains(&ours) {
            // Bytes, because others may have written in another character set.
            let before = dataset.get(Tag::DEIDENTIFICATION_METHOD);
            let before = before.filter(|e| e.vr() == Vr::LO && !methods.is_empty());
            let mut all = before
                .and_then(Element::bytes)
                .map(<[u8]>::to_vec)
                .unwrap_or_default();
            if !all.is_empty() {
                all.push(b'\\');
            }
            all.extend(ours.bytes());
            let all = Value::Bytes(all.into());
            dataset.insert(Element::new(Tag::DEIDENTIFICATION_METHOD, Vr::LO, all));
        }
        let mut codes = dataset
            .items(Tag::DEIDENTIFICATION_METHOD_CODE_SEQUENCE)
            .to_vec();
        for (value, meaning) in self.profile.codes(pixels_cleaned) {
            let known = |item: &Dataset| item.string(Tag::CODE_VALUE).as_deref() == Some(value);
            if !codes.iter().any(known) {
                let mut item = Dataset::new();
                item.set_text(Tag::CODE_VALUE, value)?;
                item.set_text(Tag::CODING_SCHEME_DESIGNATOR, "DCM")?;
                item.set_text(Tag::CODE_MEANING, meaning)?;
                codes.push(item);
            }
        }
        dataset.set_items(Tag::DEIDENTIFICATION_METHOD_CODE_SEQUENCE, codes);
        let tag = Tag::LONGITUDINAL_TEMPORAL_INFORMATION_MODIFIED;
        let before = dataset.string(tag).unwrap_or_default();
        // What is gone or moved already does not come back.
        let now = match (self.profile.dates, before.as_str()) {
            (Dates::Removed, _) | (_, "REMOVED") => "REMOVED",
            (Dates::Modified, _) | (_, "MODIFIED") => "MODIFIED",
            (Dates::Full, _) => "UNMODIFIED",
        };
        dataset.set_text(tag, now)?;
        if pixels_cleaned {
            dataset.set_text(Tag::BURNED_IN_ANNOTATION, "NO")?;
        }
        Ok(())
    }
}

impl Deidentified<'_> {
    /// The dataset without its identity.
    #[must_use]
    pub fn dataset(&self) -> &Dataset {
        &self.dataset
    }

    /// What was changed, in the order of the attributes, without the values that were there.
    #[must_use]
    pub fn changes(&self) -> &[Change] {
        &self.changes
    }

    /// How it will be written: as the file was, or natively if compressed pixels had to be blanked.
    #[must_use]
    pub fn transfer_syntax(&self) -> TransferSyntax {
        self.syntax
    }

    /// Writes it as a file with new file meta information and an empty preamble, complete or not at all.
    ///
    /// # Errors
    /// Refuses what [`dicom::write()`](super::write()) refuses.
    pub fn write(&self, path: impl AsRef<Path>) -> crate::Result<()> {
        let options = WriteOptions::new().transfer_syntax(self.syntax);
        self.file.write_edited(path, &options, |dataset| {
            dataset.clone_from(&self.dataset);
            Ok(())
        })
    }

    /// The bytes of such a file.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn encode(&self) -> crate::Result<Vec<u8>> {
        let mut dataset = self.dataset.clone();
        for element in self.dataset.elements() {
            if let Value::Deferred(_) = element.value() {
                let value = self.file.load(element)?;
                dataset.insert(Element::new(element.tag(), element.vr(), value));
            }
        }
        let options = WriteOptions::new().transfer_syntax(self.syntax);
        encode(&dataset, &options).map_err(crate::Error::dicom(self.file.path()))
    }
}
