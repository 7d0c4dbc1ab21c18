//! Keys and values of a text header, in the order of the file.

/// Keys and values as a header holds them, in order; a key may stand there more than once.
///
/// ```
/// use medio::Entries;
///
/// let mut notes = Entries::default();
/// notes.push("Modality", "MET_MOD_MR");
/// assert_eq!(notes.get("Modality"), Some("MET_MOD_MR"));
/// assert_eq!(notes.get("Comment"), None);
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Entries(Vec<(String, String)>);

impl Entries {
    /// Adds an entry behind the others.
    pub fn push(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.0.push((key.into(), value.into()));
    }

    /// The value of a key, of the last one if it is there several times.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(k, _)| k == key);
        found.map(|(_, value)| value.as_str())
    }

    /// Keys and values in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Entries {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let text = |(key, value): (K, V)| (key.into(), value.into());
        Self(entries.into_iter().map(text).collect())
    }
}
