//! Lists of datasets in JSON, one dataset at a time (PS3.18 annex F).

use serde::de::{DeserializeSeed, Deserializer as _, Error as _, SeqAccess, Visitor};

use crate::dicom::Dataset;

use super::fault::Fault;
use super::transport::{Answer, Limited};

pub(super) const MEDIA_TYPE: &str = "application/dicom+json";

/// Times that a dataset may be larger in memory than its JSON.
const GROWTH: u64 = 8;

/// The text of an answer in JSON; none if it is empty.
pub(super) fn text(answer: Answer, max_memory: u64) -> Result<Option<Vec<u8>>, Fault> {
    if answer.status == 204 {
        return Ok(None);
    }
    let media_type = answer.media_type()?;
    let json = ["application/dicom+json", "application/json"];
    if media_type.is_some_and(|media_type| !json.contains(&media_type.essence())) {
        return Err(answer.unexpected(MEDIA_TYPE));
    }
    let limit = max_memory.checked_div(GROWTH).unwrap_or(0);
    let body: Limited = answer.body("an answer in JSON", limit)?;
    let bytes = body.into_bytes()?;
    Ok((!bytes.is_empty()).then_some(bytes))
}

fn broken(error: &serde_json::Error) -> Fault {
    if error.is_eof() {
        return Fault::Truncated {
            offset: u64::try_from(error.column()).unwrap_or(0),
            what: "JSON",
        };
    }
    Fault::Json {
        problem: error.to_string().chars().take(200).collect(),
    }
}

/// The one dataset of a text.
pub(super) fn dataset(text: &[u8]) -> Result<Dataset, Fault> {
    let value = serde_json::from_slice(text).map_err(|error| broken(&error))?;
    Ok(Dataset::from_json(&value)?)
}

/// The datasets of a text that is a list.
pub(super) fn datasets(text: &[u8]) -> Result<Vec<Dataset>, Fault> {
    let mut list = List::default();
    let mut json = serde_json::Deserializer::from_slice(text);
    let read = json.deserialize_seq(&mut list).and_then(|()| json.end());
    match (list.fault, read) {
        (Some(fault), _) => Err(fault.into()),
        (None, Err(error)) => Err(broken(&error)),
        (None, Ok(())) => Ok(list.datasets),
    }
}

/// What was read, and why no more was.
#[derive(Default)]
struct List {
    datasets: Vec<Dataset>,
    fault: Option<crate::dicom::Fault>,
}

impl<'de> Visitor<'de> for &mut List {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a list of datasets")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        while list.next_element_seed(&mut *self)?.is_some() {}
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for &mut List {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        let value: serde_json::Value = serde::Deserialize::deserialize(json)?;
        match Dataset::from_json(&value) {
            Ok(dataset) => self.datasets.push(dataset),
            Err(fault) => {
                self.fault = Some(fault);
                return Err(D::Error::custom("see the fault"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dicom::Tag;

    #[test]
    fn a_list_is_read_dataset_by_dataset() {
        let text = br#" [{"00100020": {"vr": "LO", "Value": ["P1"]}}, {}] "#;
        let list = datasets(text).unwrap();
        assert_eq!(list.len(), 2);
        assert_eq!(list[0].string(Tag::PATIENT_ID).unwrap(), "P1");
        assert!(datasets(b"[]").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_list_of_datasets_is_refused() {
        for text in ["{}", "[1]", "[{}] x", "[{\"x\": 1}]", "null", "\"\""] {
            assert!(datasets(text.as_bytes()).is_err(), "{text}");
        }
        for text in ["", "[", "[{}", "[{},"] {
            let got = datasets(text.as_bytes());
            assert!(
                matches!(got, Err(Fault::Truncated { .. })),
                "{text}: {got:?}"
            );
        }
        let deep = "[".repeat(100_000);
        assert!(datasets(deep.as_bytes()).is_err());
    }
}
