//! Attributes without bulk data, in JSON.

use crate::dicom::{Dataset, Element, Tag, Value};

use super::super::client::{Client, Failure};
use super::super::json;
use super::super::resource::Resource;
use super::super::transport::Request;
use super::super::url::Url;

impl Client {
    /// The attributes of all instances of a resource, in the server's order.
    ///
    /// Large values are [`Value::Uri`], which [`Self::bulk_data`] fetches; relative ones have been made absolute.
    ///
    /// # Errors
    /// Passes on what the server and the way to it say, and refuses datasets of other resources, broken JSON
    /// and more of it than the settings allow.
    pub fn metadata(&self, resource: &Resource) -> crate::Result<Vec<Dataset>> {
        let url = self.service().below(&format!("{resource}/metadata"));
        let request = Request::get(url, json::MEDIA_TYPE);
        let max_memory = self.settings().max_memory;
        self.exchange(&request, |answer| {
            let answer = answer.successful()?;
            let base = answer.url.clone();
            let text = json::text(answer, max_memory)?;
            let read = text.map(|text| json::datasets(&text)).transpose()?;
            let mut datasets = read.unwrap_or_default();
            for dataset in &mut datasets {
                resource.check(dataset)?;
                make_absolute(dataset, &base);
            }
            Ok::<_, Failure>(datasets)
        })
    }
}

/// Resolves the references of a dataset and its items; what is no reference stays for [`Client::bulk_data`]
/// to refuse.
fn make_absolute(dataset: &mut Dataset, base: &Url) {
    // Items nest 64 levels at most.
    let mut changed: Vec<Element> = Vec::new();
    for element in dataset.elements() {
        let (tag, vr): (Tag, _) = (element.tag(), element.vr());
        let value = match element.value() {
            Value::Uri(uri) => match base.resolve(uri) {
                Ok(url) => Value::Uri(url.to_string().into()),
                Err(_) => continue,
            },
            Value::Items(items) if !items.is_empty() => {
                let mut items = items.clone();
                for item in &mut items {
                    make_absolute(item, base);
                }
                Value::Items(items)
            }
            _ => continue,
        };
        changed.push(Element::new(tag, vr, value));
    }
    for element in changed {
        dataset.insert(element);
    }
}
