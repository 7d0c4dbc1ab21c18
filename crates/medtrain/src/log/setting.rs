//! Settings of a run as a list.

use serde_json::Value;

/// The settings in a configuration by their paths, `schedule.poly.power` say, in the order of their names.
///
/// Lists stand there as the text of JSON; what is null or empty is left out.
///
/// ```
/// let configuration = serde_json::json!({"network": {"channels": [4, 8], "norm": null}, "seed": 1});
/// let settings = medtrain::log::settings(&configuration);
/// assert_eq!(settings[0], ("network.channels".to_owned(), "[4,8]".into()));
/// assert_eq!(settings[1], ("seed".to_owned(), 1.into()));
/// ```
#[must_use]
pub fn settings(configuration: &Value) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    gather("", configuration, &mut found);
    found
}

fn gather(path: &str, value: &Value, found: &mut Vec<(String, Value)>) {
    match value {
        Value::Null => {}
        Value::Object(map) => {
            for (key, value) in map {
                match path {
                    "" => gather(key, value, found),
                    path => gather(&format!("{path}.{key}"), value, found),
                }
            }
        }
        Value::Array(list) => found.push((path.to_owned(), Value::String(text(list)))),
        value => found.push((path.to_owned(), value.clone())),
    }
}

fn text(list: &[Value]) -> String {
    let items: Vec<String> = list.iter().map(Value::to_string).collect();
    format!("[{}]", items.join(","))
}
