//! What became of instances that were sent (PS3.18 section 10.5.3, PS3.3 section C.12.1.1.9).

use std::collections::BTreeSet;
use std::fmt;

use crate::dicom::{Dataset, Tag};

use super::super::fault::Fault;

const FAILED_SOP_SEQUENCE: Tag = Tag::new(0x0008, 0x1198);
const REFERENCED_SOP_SEQUENCE: Tag = Tag::new(0x0008, 0x1199);
const OTHER_FAILURES_SEQUENCE: Tag = Tag::new(0x0008, 0x119a);
const REFERENCED_SOP_CLASS_UID: Tag = Tag::new(0x0008, 0x1150);
const REFERENCED_SOP_INSTANCE_UID: Tag = Tag::new(0x0008, 0x1155);
const RETRIEVE_URL: Tag = Tag::new(0x0008, 0x1190);
const WARNING_REASON: Tag = Tag::new(0x0008, 0x1196);
const FAILURE_REASON: Tag = Tag::new(0x0008, 0x1197);

/// Why a server refused an instance, or what it did to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Reason {
    /// The code of PS3.18 table I.2-1 or I.2-2, 0 if the server gave none.
    pub code: u16,
}

impl Reason {
    /// What the code means.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self.code {
            0 => "no reason given",
            0x0105 => "no such attribute",
            0x0106 => "invalid attribute value",
            0x0107 => "attribute list error",
            0x0110 => "processing failure",
            0x0111 => "duplicate SOP instance",
            0x0112 => "no such SOP instance",
            0x0116 => "attribute value out of range",
            0x0117 => "invalid SOP instance",
            0x0118 => "no such SOP class",
            0x0119 => "class and instance conflict",
            0x0120 => "missing attribute",
            0x0121 => "missing attribute value",
            0x0122 => "referenced SOP class not supported",
            0x0124 => "not authorized",
            0x0131 => "duplicate transaction UID",
            0x0210 => "duplicate invocation",
            0x0211 => "unrecognized operation",
            0x0212 => "mistyped argument",
            0x0213 => "resource limitation",
            0xa700..=0xa7ff => "out of resources",
            0xa900..=0xa9ff => "dataset does not match its SOP class",
            0xb000 => "data elements were coerced",
            0xb006 => "data elements were discarded",
            0xb007 => "dataset does not match its SOP class, stored nonetheless",
            0xc122 => "referenced transfer syntax not supported",
            0xc000..=0xcfff => "cannot understand",
            _ => "a reason of the server's own",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({:04X})", self.name(), self.code)
    }
}

/// An instance that was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stored {
    /// SOP class UID.
    pub class_uid: Option<String>,
    /// SOP instance UID.
    pub instance_uid: String,
    /// Where it can be fetched, if the server says.
    pub url: Option<String>,
    /// What the server changed or did not like.
    pub warning: Option<Reason>,
}

/// An instance that was not stored.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Failed {
    /// SOP class UID.
    pub class_uid: Option<String>,
    /// SOP instance UID; none where the server could not read as much.
    pub instance_uid: Option<String>,
    /// Why not.
    pub reason: Reason,
}

/// What became of every instance.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
#[must_use = "instances may have been refused"]
pub struct StoreReport {
    /// Stored, with or without a warning.
    pub stored: Vec<Stored>,
    /// Refused.
    pub failed: Vec<Failed>,
    /// SOP instance UIDs of which the server says nothing.
    pub unmentioned: Vec<String>,
}

impl StoreReport {
    /// Whether the server says of every instance that it was stored.
    #[must_use]
    pub fn all_stored(&self) -> bool {
        self.failed.is_empty() && self.unmentioned.is_empty()
    }

    /// Stored instances that the server changed or did not like.
    pub fn warnings(&self) -> impl Iterator<Item = (&Stored, Reason)> {
        let stored = self.stored.iter();
        stored.filter_map(|stored| Some((stored, stored.warning?)))
    }

    pub(super) fn extend(&mut self, other: Self) {
        self.stored.extend(other.stored);
        self.failed.extend(other.failed);
        self.unmentioned.extend(other.unmentioned);
    }

    /// The report in a server's answer to the instances `sent`.
    pub(super) fn of(answer: &Dataset, sent: &BTreeSet<String>) -> Result<Self, Fault> {
        let mut report = Self::default();
        let mut open = sent.clone();
        for item in answer.items(REFERENCED_SOP_SEQUENCE) {
            let instance_uid = item.required_string(REFERENCED_SOP_INSTANCE_UID)?;
            if !sent.contains(&instance_uid) {
                return Err(foreign(instance_uid));
            }
            open.remove(&instance_uid);
            report.stored.push(Stored {
                class_uid: item.string(REFERENCED_SOP_CLASS_UID),
                instance_uid,
                url: item.text(RETRIEVE_URL),
                warning: reason(item, WARNING_REASON)?,
            });
        }
        for sequence in [FAILED_SOP_SEQUENCE, OTHER_FAILURES_SEQUENCE] {
            for item in answer.items(sequence) {
                let instance_uid = item.string(REFERENCED_SOP_INSTANCE_UID);
                if let Some(uid) = &instance_uid {
                    open.remove(uid);
                }
                report.failed.push(Failed {
                    class_uid: item.string(REFERENCED_SOP_CLASS_UID),
                    instance_uid,
                    reason: reason(item, FAILURE_REASON)?.unwrap_or(Reason { code: 0 }),
                });
            }
        }
        report.unmentioned = open.into_iter().collect();
        Ok(report)
    }
}

fn foreign(uid: String) -> Fault {
    Fault::Mismatch {
        tag: REFERENCED_SOP_INSTANCE_UID,
        asked: "one of the instances that were sent".to_owned(),
        got: uid.chars().take(80).collect(),
    }
}

fn reason(item: &Dataset, tag: Tag) -> Result<Option<Reason>, Fault> {
    let code = item.integers(tag)?.first().copied();
    let code = code.map(u16::try_from).transpose();
    let code = code.map_err(|_| Fault::Answer {
        rule: "a reason must be a code of 16 bits",
        got: tag.to_string(),
    })?;
    Ok(code.map(|code| Reason { code }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, sent: &[&str]) -> Result<StoreReport, Fault> {
        let json = serde_json::from_str(text).unwrap();
        let sent = sent.iter().map(|uid| (*uid).to_owned()).collect();
        StoreReport::of(&Dataset::from_json(&json).unwrap(), &sent)
    }

    #[test]
    fn every_instance_is_stored_failed_or_unmentioned() {
        let text = r#"{
            "00081199": {"vr": "SQ", "Value": [{
                "00081150": {"vr": "UI", "Value": ["1.2"]},
                "00081155": {"vr": "UI", "Value": ["1.1"]},
                "00081190": {"vr": "UR", "Value": ["http://pacs/1"]},
                "00081196": {"vr": "US", "Value": [45056]}}]},
            "00081198": {"vr": "SQ", "Value": [{
                "00081155": {"vr": "UI", "Value": ["1.3"]},
                "00081197": {"vr": "US", "Value": [49442]}}]},
            "0008119A": {"vr": "SQ", "Value": [{"00081197": {"vr": "US", "Value": [272]}}]}
        }"#;
        let report = read(text, &["1.1", "1.3", "1.4"]).unwrap();
        assert!(!report.all_stored());
        assert_eq!(report.stored[0].url.as_deref(), Some("http://pacs/1"));
        let warned: Vec<_> = report
            .warnings()
            .map(|(_, reason)| reason.to_string())
            .collect();
        assert_eq!(warned, ["data elements were coerced (B000)"]);
        let reasons: Vec<_> = report.failed.iter().map(|f| f.reason.to_string()).collect();
        assert_eq!(
            reasons,
            [
                "referenced transfer syntax not supported (C122)",
                "processing failure (0110)"
            ]
        );
        assert_eq!(report.unmentioned, ["1.4"]);
    }

    #[test]
    fn an_instance_that_was_not_sent_cannot_have_been_stored() {
        let text =
            r#"{"00081199": {"vr": "SQ", "Value": [{"00081155": {"vr": "UI", "Value": ["9"]}}]}}"#;
        assert!(matches!(read(text, &["1"]), Err(Fault::Mismatch { .. })));
        assert!(!read("{}", &["1"]).unwrap().all_stored());
    }
}
