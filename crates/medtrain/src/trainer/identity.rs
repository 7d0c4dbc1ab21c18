//! Whether two runs are one.

use serde_json::Value;

/// The first place where two configurations differ: its path, and both values.
pub(super) fn difference(
    path: &str,
    before: &Value,
    now: &Value,
) -> Option<(String, String, String)> {
    if let (Some(a), Some(b)) = (before.as_object(), now.as_object()) {
        let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
        keys.sort();
        keys.dedup();
        let null = Value::Null;
        return keys.into_iter().find_map(|key| {
            let name = match path.is_empty() {
                true => key.clone(),
                false => format!("{path}.{key}"),
            };
            let [before, now] = [a, b].map(|map| map.get(key).unwrap_or(&null));
            difference(&name, before, now)
        });
    }
    (before != now).then(|| (path.to_owned(), before.to_string(), now.to_string()))
}
