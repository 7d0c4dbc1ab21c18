//! Who observed: PS3.16 TID 1001 to 1004.

use super::super::derived::{Equipment, Uids};
use super::content::ContentItem;

/// A device or program that observed.
#[derive(Debug, Clone, PartialEq)]
pub struct DeviceObserver {
    /// Its unique identifier.
    pub uid: String,
    /// Its name.
    pub name: Option<String>,
    /// Who made it.
    pub manufacturer: Option<String>,
    /// Its model.
    pub model: Option<String>,
    /// Its serial number.
    pub serial_number: Option<String>,
    /// Items that are not modelled here.
    pub other: Vec<ContentItem>,
}

/// A person who observed.
#[derive(Debug, Clone, PartialEq)]
pub struct PersonObserver {
    /// The name as in files: its parts divided by `^`.
    pub name: String,
    /// The organisation.
    pub organization: Option<String>,
    /// Items that are not modelled here.
    pub other: Vec<ContentItem>,
}

/// Who observed.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Observer {
    /// A device or program.
    Device(DeviceObserver),
    /// A person.
    Person(PersonObserver),
}

impl Observer {
    /// A program with its unique identifier.
    #[must_use]
    pub fn device(uid: impl Into<String>, name: impl Into<String>) -> Self {
        Self::Device(DeviceObserver {
            name: Some(name.into()),
            ..DeviceObserver::unknown(uid.into())
        })
    }

    /// A person, by a name whose parts are divided by `^`.
    #[must_use]
    pub fn person(name: impl Into<String>) -> Self {
        Self::Person(PersonObserver {
            name: name.into(),
            organization: None,
            other: Vec::new(),
        })
    }

    /// The equipment that makes an object: the same identifier for the same equipment.
    pub(super) fn equipment(made_by: &Equipment) -> Self {
        let Equipment {
            manufacturer,
            model,
            serial_number,
            software,
        } = made_by;
        let seed =
            [manufacturer, model, serial_number, software].map(|part| part.replace('\n', " "));
        let uid = Uids::from_seed(seed.join("\n").as_bytes()).next_uid();
        let given = |text: &String| (!text.is_empty()).then(|| text.clone());
        Self::Device(DeviceObserver {
            name: given(model),
            manufacturer: given(manufacturer),
            model: given(model),
            serial_number: given(serial_number),
            ..DeviceObserver::unknown(uid)
        })
    }
}

impl DeviceObserver {
    pub(super) fn unknown(uid: String) -> Self {
        Self {
            uid,
            name: None,
            manufacturer: None,
            model: None,
            serial_number: None,
            other: Vec::new(),
        }
    }
}
