//! A whole YOLO dataset: images, labels beside them, and the description.

use std::path::{Path, PathBuf};

use medcore::Budget;

use super::super::fault::{Fault, Problem};
use super::super::file;
use super::super::loss::{Loss, LossReport};
use super::super::model::{AnnotatedImage, Annotations, Category, repeated};
use super::description::Description;
use super::line::{Options, Task, decode, encode};
use crate::error::{Error, Result};
use crate::picture::size_of_file;
use crate::relative::inside;

/// Endings of image files.
const IMAGES: [&str; 7] = ["bmp", "jpeg", "jpg", "png", "tif", "tiff", "webp"];

/// Reads one split (`train`, `val`, `test`) of the dataset that a `data.yaml` describes.
///
/// Images are named by their path below the split's folder, in order; one without a file of labels, or with an
/// empty one, has no objects. The image files are opened for their sizes (PNG, JPEG and BMP).
///
/// # Errors
/// Returns [`Error::Annotations`] for a description or labels that break the format, [`Error::PathEscapes`] for
/// folders and files outside the description's folder, and passes on what the system says.
pub fn read(description: impl AsRef<Path>, split: &str, task: Task) -> Result<Annotations> {
    let path = description.as_ref();
    let budget = Budget::default();
    let described = file::decoded(path, &budget, Description::decode)?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let escapes = |field: &str, value: &str| Error::PathEscapes {
        path: path.to_owned(),
        field: field.to_owned(),
        value: value.to_owned(),
    };
    let root = match &described.path {
        Some(below) => inside(folder, below).ok_or_else(|| escapes("path", below))?,
        None => folder.to_owned(),
    };
    let places = described.splits.iter().find(|(name, _)| name == split);
    let places = places.map(|(_, places)| places).ok_or_else(|| {
        let value = split.to_owned();
        let fault = Fault::new(
            "(whole file)",
            Problem::Unknown {
                what: "split",
                value,
            },
        );
        Error::annotations(path)(fault)
    })?;
    let categories = described.names.iter().map(Category::new);
    let mut found = Annotations {
        categories: categories.collect(),
        ..Annotations::default()
    };
    if let Some([keypoints, _]) = described.kpt_shape
        && matches!(task, Task::Pose { keypoints: asked, .. } if asked != keypoints)
    {
        let problem =
            Problem::expected("the number of key points asked for", &keypoints.to_string());
        return Err(Error::annotations(path)(Fault::new("kpt_shape", problem)));
    }
    let options = Options::new(task).classes(described.names.len());
    for place in places {
        let place = inside(&root, place).ok_or_else(|| escapes(split, place))?;
        let (base, names) = match place.extension().is_some_and(|ending| ending == "txt") {
            true => (
                place.parent().unwrap_or(&root).to_owned(),
                listed(&place, &budget)?,
            ),
            false => {
                let names = file::below(&place, &IMAGES)?;
                (place, names)
            }
        };
        for name in names {
            let image = inside(&base, &name).ok_or_else(|| escapes(split, &name))?;
            let size = size_of(&image)?;
            let labels = labels_of(&image);
            let objects = match labels.is_file() {
                true => file::decoded(&labels, &budget, |bytes, budget| {
                    decode(bytes, size, &options, budget)
                })?,
                false => Vec::new(),
            };
            found.images.push(AnnotatedImage {
                objects,
                ..AnnotatedImage::new(name, size)
            });
        }
    }
    Ok(found)
}

fn size_of(image: &Path) -> Result<[usize; 2]> {
    size_of_file(image)?.ok_or_else(|| {
        let problem = Problem::expected("a PNG, JPEG or BMP picture", "something else");
        Error::annotations(image)(Fault::new("(picture)", problem))
    })
}

/// The lines of a list of image files, without `./`.
fn listed(path: &Path, budget: &Budget) -> Result<Vec<String>> {
    let names = |bytes: &[u8], budget: &Budget| {
        let text = super::super::json::utf8(bytes, budget)?;
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        Ok(lines
            .map(|line| line.strip_prefix("./").unwrap_or(line).to_owned())
            .collect())
    };
    file::decoded(path, budget, names)
}

/// The file of labels of an image: the last folder `images` of its path replaced by `labels`.
fn labels_of(image: &Path) -> PathBuf {
    let parts: Vec<_> = image.iter().collect();
    let last = parts.iter().rposition(|part| *part == "images");
    let labels: PathBuf = parts
        .iter()
        .enumerate()
        .map(|(i, part)| match Some(i) == last {
            true => std::ffi::OsStr::new("labels"),
            false => part,
        })
        .collect();
    labels.with_extension("txt")
}

/// Writes labels of one split below `folder` (`labels/<split>/<image>.txt`) and `data.yaml`, which names the
/// images at `images/<split>`; other splits that are described there already stay.
///
/// # Errors
/// Refuses what [`encode`] does, image names that leave the folder and names whose labels would be one file;
/// passes on what the system says.
pub fn write(
    folder: impl AsRef<Path>,
    split: &str,
    annotations: &Annotations,
    task: Task,
) -> Result<LossReport> {
    let folder = folder.as_ref();
    let labels = folder.join("labels").join(split);
    let targets = file::targets(&labels, &annotations.images, "txt")?;
    let described = folder.join("data.yaml");
    let mut description = match described.is_file() {
        true => file::decoded(&described, &Budget::default(), Description::decode)?,
        false => Description::default(),
    };
    let names: Vec<String> = annotations
        .categories
        .iter()
        .map(|c| c.name.clone())
        .collect();
    let refused = |problem| Error::annotations(&described)(Fault::new("names", problem));
    if !description.names.is_empty() && description.names != names {
        let got = names.join(", ");
        return Err(refused(Problem::expected(
            "the names that stand there",
            &got,
        )));
    }
    if names.is_empty() {
        return Err(refused(Problem::Missing { key: "a category" }));
    }
    if let Some(name) = repeated(names.iter()) {
        let value = name.clone();
        return Err(refused(Problem::Duplicate {
            what: "category",
            value,
        }));
    }
    let mut losses = LossReport::default();
    for category in &annotations.categories {
        let details = category.supercategory.is_some() || !category.keypoints.is_empty();
        if details || category.id.is_some() {
            losses.add(Loss::CategoryDetails, || {
                format!("category {:?}", category.name)
            });
        }
    }
    let options = Options::new(task).classes(names.len());
    let texts: std::result::Result<Vec<_>, Fault> = annotations
        .images
        .iter()
        .map(|image| encode(image, &options))
        .collect();
    let texts = texts.map_err(Error::annotations(&labels))?;
    for ((text, lost), target) in texts.into_iter().zip(&targets) {
        file::write_below(target, &text)?;
        losses.extend(lost);
    }
    description.path = Some(description.path.unwrap_or_else(|| ".".to_owned()));
    description.names = names;
    let place = vec![format!("images/{split}")];
    match description
        .splits
        .iter_mut()
        .find(|(name, _)| name == split)
    {
        Some((_, places)) => *places = place,
        None => description.splits.push((split.to_owned(), place)),
    }
    if let Task::Pose { keypoints, dims } = task {
        description.kpt_shape = Some([keypoints, dims]);
    }
    file::write(&described, &description.encode())?;
    Ok(losses)
}
