//! Whether pixels went through lossy compression, which no later step undoes (PS3.3 section C.7.6.1.1.5).

use super::super::dataset::Dataset;
use super::super::tag::Tag;

impl Dataset {
    /// Copies what a source says of lossy compression.
    pub(in super::super) fn copy_lossy_compression(&mut self, source: &Self) {
        for tag in [
            Tag::LOSSY_IMAGE_COMPRESSION,
            Tag::LOSSY_IMAGE_COMPRESSION_RATIO,
            Tag::LOSSY_IMAGE_COMPRESSION_METHOD,
        ] {
            if let Some(element) = source.get(tag).filter(|element| !element.is_empty()) {
                self.insert(element.clone());
            }
        }
    }
}
