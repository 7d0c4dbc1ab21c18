//! Images in folders that are named after their classes, with or without splits above.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::folder_name;
use crate::error::{Error, Result};
use crate::relative::{ends_in, files_below};

/// Endings of images, pictures and volumes.
const IMAGES: [&str; 14] = [
    "bmp", "dcm", "gif", "jpeg", "jpg", "mha", "nii", "nii.gz", "nrrd", "npy", "png", "tif",
    "tiff", "webp",
];

/// Folders that are splits, by the name that they are given here.
const SPLITS: [(&str, &[&str]); 3] = [
    ("train", &["train", "training"]),
    ("val", &["val", "valid", "validation"]),
    ("test", &["test", "testing"]),
];

/// A dataset of images with one class each: `<class>/<image>` or `<train|val|test>/<class>/<image>`.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassificationDataset {
    /// The folder's name.
    pub name: String,
    /// Names of the classes of all splits, in alphabetical order.
    pub classes: Vec<String>,
    /// `train`, `val` and `test`, as far as they are there, or one of the name `all`.
    pub splits: Vec<ImageSplit>,
}

/// One part of a [`ClassificationDataset`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImageSplit {
    /// `train`, `val`, `test` or `all`.
    pub name: String,
    /// In the order of their paths.
    pub images: Vec<ClassifiedImage>,
}

/// An image and its class.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ClassifiedImage {
    /// Where it is.
    pub path: PathBuf,
    /// Its class, by place in [`ClassificationDataset::classes`].
    pub class: usize,
}

impl ClassificationDataset {
    /// Lists the images of a folder by their endings, without opening them; folders inside a class are part of it.
    ///
    /// ```
    /// use medio::datasets::ClassificationDataset;
    ///
    /// # let folder = tempfile::tempdir()?;
    /// # let folder = folder.path();
    /// for path in ["train/normal", "train/pneumonia", "test/normal"] {
    ///     std::fs::create_dir_all(folder.join(path))?;
    ///     std::fs::write(folder.join(path).join("a.png"), "")?;
    /// }
    /// let dataset = ClassificationDataset::open(folder)?;
    /// assert_eq!(dataset.classes, ["normal", "pneumonia"]);
    /// assert_eq!(dataset.split("train").unwrap().counts(dataset.classes.len()), [1, 1]);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::UnknownLayout`] for a folder without images in folders; [`Error::InvalidDescription`] for an
    /// image that lies beside the classes, and for two folders of one split; passes on what the system says.
    pub fn open(folder: impl AsRef<Path>) -> Result<Self> {
        let folder = folder.as_ref();
        let mut parts: Vec<(&str, PathBuf)> = Vec::new();
        for (split, names) in SPLITS {
            let there = names
                .iter()
                .map(|name| folder.join(name))
                .filter(|path| path.is_dir());
            for path in there {
                if parts.iter().any(|(other, _)| *other == split) {
                    return Err(Error::InvalidDescription {
                        path,
                        field: "(folder)".to_owned(),
                        problem: format!("is a second folder of the split {split}"),
                    });
                }
                parts.push((split, path));
            }
        }
        if parts.is_empty() {
            parts.push(("all", folder.to_owned()));
        }
        let mut found: Vec<(&str, Vec<(PathBuf, String)>)> = Vec::new();
        for (split, path) in parts {
            found.push((split, images(&path)?));
        }
        let names: BTreeSet<&String> = found
            .iter()
            .flat_map(|(_, images)| images.iter().map(|(_, class)| class))
            .collect();
        let classes: Vec<String> = names.into_iter().cloned().collect();
        if classes.is_empty() {
            return Err(Error::UnknownLayout {
                path: folder.to_owned(),
                expected: "<class>/<image> or <train|val|test>/<class>/<image>",
            });
        }
        let split = |(name, images): (&str, Vec<(PathBuf, String)>)| ImageSplit {
            name: name.to_owned(),
            images: images
                .into_iter()
                .filter_map(|(path, class)| {
                    let class = classes.binary_search(&class).ok()?;
                    Some(ClassifiedImage { path, class })
                })
                .collect(),
        };
        let splits = found.into_iter().map(split).collect();
        Ok(Self {
            name: folder_name(folder),
            classes,
            splits,
        })
    }

    /// The split of a name.
    #[must_use]
    pub fn split(&self, name: &str) -> Option<&ImageSplit> {
        self.splits.iter().find(|split| split.name == name)
    }
}

impl ImageSplit {
    /// Images of each class, for as many classes as the dataset has.
    #[must_use]
    pub fn counts(&self, classes: usize) -> Vec<usize> {
        let mut counts = vec![0; classes];
        for image in &self.images {
            if let Some(count) = counts.get_mut(image.class) {
                *count += 1;
            }
        }
        counts
    }
}

/// Images with the names of the folders they are in.
fn images(folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let names = files_below(folder)?;
    let images = names.iter().filter(|name| ends_in(name, &IMAGES));
    let image = |name: &String| match name.split_once('/') {
        Some((class, _)) => Ok((folder.join(name), class.to_owned())),
        None => Err(Error::InvalidDescription {
            path: folder.join(name),
            field: "(file)".to_owned(),
            problem: "is an image beside the classes, in none of them".to_owned(),
        }),
    };
    images.map(image).collect()
}
