//! Settings, numbers and tags of a run, in portions that the server takes.

use serde_json::{Value, json};

use super::MlflowFault;
use crate::log::plain::plain;
use crate::provenance::Time;

/// Most entities of one kind in a request, and of all kinds; MLflow takes 1000 metrics, 100 settings, 100 tags and 1000 in all.
const MOST_METRICS: usize = 1000;
const MOST_SETTINGS: usize = 100;
const MOST: usize = 1000;
/// Bytes of a request; MLflow takes a million.
const MOST_BYTES: usize = 900_000;
/// Characters of a name, of a setting and of a tag.
const NAME: usize = 250;
const SETTING: usize = 6000;
const TAG: usize = 8000;

/// A number of a run.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    /// Its name.
    pub name: String,
    /// Its value, which may be no number.
    pub value: f64,
    /// When it was found.
    pub at: Time,
    /// The step, epochs done say.
    pub step: i64,
}

/// Settings, numbers and tags of a run, of any number.
///
/// Characters of names that MLflow refuses are written as `_`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Batch {
    /// Settings by name: each is told once and stays.
    pub settings: Vec<(String, String)>,
    /// Numbers.
    pub metrics: Vec<Metric>,
    /// Tags by name: each can be told again.
    pub tags: Vec<(String, String)>,
}

/// The kinds of entities, by their names in a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Settings,
    Metrics,
    Tags,
}

impl Kind {
    fn key(self) -> &'static str {
        match self {
            Self::Settings => "params",
            Self::Metrics => "metrics",
            Self::Tags => "tags",
        }
    }

    fn most(self) -> usize {
        match self {
            Self::Metrics => MOST_METRICS,
            Self::Settings | Self::Tags => MOST_SETTINGS,
        }
    }
}

impl Batch {
    /// True if there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.metrics.is_empty() && self.tags.is_empty()
    }

    /// Adds a tag.
    #[must_use]
    pub fn with_tag(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.tags.push((name.into(), value.into()));
        self
    }

    /// The requests that say all of it of a run.
    pub(super) fn requests(&self, run: &str) -> Result<Vec<Value>, MlflowFault> {
        let mut requests = Vec::new();
        let mut open = Portion::default();
        for (kind, entity) in self.entities()? {
            let bytes = entity.to_string().len() + 1;
            if !open.has_room(kind, bytes) {
                requests.push(std::mem::take(&mut open).request(run));
            }
            open.push(kind, entity, bytes);
        }
        if open.count > 0 {
            requests.push(open.request(run));
        }
        Ok(requests)
    }

    fn entities(&self) -> Result<Vec<(Kind, Value)>, MlflowFault> {
        let mut entities = Vec::new();
        for (name, value) in &self.settings {
            let key = name_of(name)?;
            let value = within(name, value, SETTING)?;
            entities.push((Kind::Settings, json!({"key": key, "value": value})));
        }
        for metric in &self.metrics {
            let entity = json!({
                "key": name_of(&metric.name)?,
                "value": number(metric.value),
                "timestamp": metric.at.0,
                "step": metric.step,
            });
            entities.push((Kind::Metrics, entity));
        }
        for (name, value) in &self.tags {
            let key = name_of(name)?;
            let value = within(name, value, TAG)?;
            entities.push((Kind::Tags, json!({"key": key, "value": value})));
        }
        Ok(entities)
    }
}

/// What goes into one request.
#[derive(Default)]
struct Portion {
    entities: [Vec<Value>; 3],
    count: usize,
    bytes: usize,
}

impl Portion {
    fn has_room(&self, kind: Kind, bytes: usize) -> bool {
        let of_kind = self.entities[kind as usize].len();
        self.count < MOST && of_kind < kind.most() && self.bytes + bytes <= MOST_BYTES
    }

    fn push(&mut self, kind: Kind, entity: Value, bytes: usize) {
        self.entities[kind as usize].push(entity);
        self.count += 1;
        self.bytes += bytes;
    }

    fn request(self, run: &str) -> Value {
        let mut request = json!({"run_id": run});
        let kinds = [Kind::Settings, Kind::Metrics, Kind::Tags];
        for (kind, entities) in kinds.into_iter().zip(self.entities) {
            if !entities.is_empty() {
                request[kind.key()] = entities.into();
            }
        }
        request
    }
}

fn name_of(name: &str) -> Result<String, MlflowFault> {
    let key = plain(name);
    match key.chars().count() <= NAME {
        true => Ok(key),
        false => {
            let short: String = key.chars().take(60).collect();
            let what = format!("the name that begins with {short:?}");
            Err(MlflowFault::setting(what, "of 250 characters at most"))
        }
    }
}

fn within<'a>(name: &str, value: &'a str, most: usize) -> Result<&'a str, MlflowFault> {
    match value.chars().count() <= most {
        true => Ok(value),
        false => Err(MlflowFault::setting(
            format!("the value of {name:?}"),
            "of 6000 characters at most in a setting, of 8000 in a tag",
        )),
    }
}

/// A number as the JSON of Protocol Buffers has it.
fn number(value: f64) -> Value {
    match serde_json::Number::from_f64(value) {
        Some(number) => Value::Number(number),
        None if value.is_nan() => "NaN".into(),
        None if value > 0.0 => "Infinity".into(),
        None => "-Infinity".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metric(value: f64) -> Metric {
        Metric {
            name: "a/b (c)".to_owned(),
            value,
            at: Time(7),
            step: 3,
        }
    }

    #[test]
    fn portions_are_within_the_limits_and_lose_nothing() {
        let batch = Batch {
            settings: (0..250)
                .map(|i| (format!("s{i}"), "é".repeat(6000)))
                .collect(),
            metrics: (0..2500).map(|i| metric(f64::from(i))).collect(),
            tags: (0..130)
                .map(|i| (format!("t{i}"), "x".to_owned()))
                .collect(),
        };
        let requests = batch.requests("r").unwrap();
        let count = |request: &Value, key: &str| request[key].as_array().map_or(0, Vec::len);
        for request in &requests {
            let counts = ["params", "metrics", "tags"].map(|key| count(request, key));
            assert!(counts[0] <= 100 && counts[2] <= 100 && counts.iter().sum::<usize>() <= 1000);
            assert!(request.to_string().len() <= 1_000_000);
            assert_eq!(request["run_id"], "r");
        }
        let all = |key| {
            requests
                .iter()
                .map(|request| count(request, key))
                .sum::<usize>()
        };
        assert_eq!(
            [all("params"), all("metrics"), all("tags")],
            [250, 2500, 130]
        );
        assert!(Batch::default().requests("r").unwrap().is_empty());
    }

    #[test]
    fn numbers_that_are_none_have_names() {
        let values = [f64::NAN, f64::INFINITY, -f64::INFINITY, 0.1];
        let batch = Batch {
            metrics: values.map(metric).into(),
            ..Batch::default()
        };
        let request = &batch.requests("r").unwrap()[0];
        let told: Vec<&Value> = (0..4).map(|i| &request["metrics"][i]["value"]).collect();
        assert_eq!(
            told,
            [
                &json!("NaN"),
                &json!("Infinity"),
                &json!("-Infinity"),
                &json!(0.1)
            ]
        );
        assert_eq!(request["metrics"][0]["key"], "a/b _c_");
    }

    #[test]
    fn what_the_server_would_cut_is_refused() {
        let long = Batch::default().with_tag("a", "x".repeat(8001));
        assert!(
            long.requests("r")
                .unwrap_err()
                .to_string()
                .contains("\"a\"")
        );
        let name = Batch::default().with_tag("n".repeat(251), "x");
        assert!(name.requests("r").is_err());
    }
}
