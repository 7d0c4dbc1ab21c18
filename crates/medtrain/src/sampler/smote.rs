//! Rows of features between those that are there, for classes with few.
//!
//! SMOTE (Chawla et al., "SMOTE: synthetic minority over-sampling technique", JAIR 2002) and, where columns are categories,
//! its SMOTE-NC. It is for tables of features, of a network's last layer or of measurements: a mean of two images is an image
//! of nobody (for that see mixing, [`ImageBatches::with_mixing`](crate::ImageBatches::with_mixing)).

use std::collections::BTreeMap;

use medcore::random::Key;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::split::TrainingSet;

/// Makes rows of classes with few cases until each class has as many as the largest.
///
/// It takes a [`TrainingSet`], because rows made before a split carry what is held out into what is learnt from.
///
/// ```
/// use medcore::random::Key;
/// use medtrain::sampler::Smote;
/// use medtrain::split::{CaseRecord, Cohort, Member};
///
/// let row = |n: u32| {
///     let record = CaseRecord::new(format!("{n}"), format!("{n}")).with_class(u32::from(n < 3));
///     Member::new(record, vec![f64::from(n), 1.0])
/// };
/// let training = Cohort::new((0..12).map(row).collect())?.train_on_all();
/// let made = Smote::new(2).resample(&training, Key::new(1))?;
/// assert_eq!(made.len(), 6);
/// assert!(made.iter().all(|new| new.class == 1 && (0.0..=2.0).contains(&new.features[0])));
/// # Ok::<(), medtrain::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
#[non_exhaustive]
pub struct Smote {
    /// How many neighbours of its class a row may be drawn towards; 5 in the paper.
    pub neighbours: usize,
    /// Columns that are categories: any numbers, of which there is nothing in between.
    ///
    /// Two rows that differ in one are as far apart as by the median of the standard deviations of the other columns
    /// within the class, and a new row has the category that most neighbours have (of equally many the smallest).
    #[serde(default)]
    pub categories: Vec<usize>,
}

/// Where a new row lies.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Between {
    /// The row it starts from, by its place in the class.
    pub row: usize,
    /// The neighbour it goes towards: 0 is the nearest.
    pub neighbour: usize,
    /// How far, from 0 to 1.
    pub step: f64,
}

/// A row that was made.
#[derive(Debug, Clone, PartialEq)]
pub struct MadeRow {
    /// Its features.
    pub features: Vec<f64>,
    /// Its class.
    pub class: u32,
}

impl Smote {
    /// SMOTE with so many neighbours and no categories.
    #[must_use]
    pub fn new(neighbours: usize) -> Self {
        Self {
            neighbours,
            categories: vec![],
        }
    }

    /// Sets the columns that are categories.
    #[must_use]
    pub fn with_categories(self, categories: impl Into<Vec<usize>>) -> Self {
        Self {
            categories: categories.into(),
            ..self
        }
    }

    /// The rows that are missing, class by class; those that are there are not among them.
    ///
    /// # Errors
    /// Refuses no rows, rows of different lengths or with anything but finite numbers, a case without class, a class with no
    /// more rows than neighbours, no neighbours, and categories that are no columns or all of them.
    pub fn resample(&self, table: &TrainingSet<Vec<f64>>, key: Key) -> Result<Vec<MadeRow>> {
        let mut classes: BTreeMap<u32, Vec<&[f64]>> = BTreeMap::new();
        let columns = table.members().cases().next().map_or(0, Vec::len);
        for member in table {
            let (record, row) = (&member.record, &member.case);
            let class = record.class.ok_or_else(|| Error::Unnamed {
                case: record.id.clone(),
                what: "class",
            })?;
            if row.len() != columns || row.iter().any(|value| !value.is_finite()) {
                return Err(Error::InvalidSetting {
                    setting: "each row of features",
                    rule: "finite numbers, as many as in the first",
                    value: format!("{row:?} of case {}", record.id),
                });
            }
            classes.entry(class).or_default().push(row);
        }
        let most = classes.values().map(Vec::len).max().unwrap_or(0);
        let mut made = vec![];
        for (class, rows) in classes {
            if rows.len() == most {
                continue;
            }
            let mut random = key.fork("smote", class.into()).stream("between");
            let draws = (rows.len()..most).map(|_| Between {
                row: random.below(rows.len()),
                neighbour: random.below(self.neighbours.max(1)),
                step: random.uniform(),
            });
            let features = self.between(&rows, &draws.collect::<Vec<_>>())?;
            made.extend(
                features
                    .into_iter()
                    .map(|features| MadeRow { features, class }),
            );
        }
        Ok(made)
    }

    /// Rows between given rows of one class and their neighbours.
    ///
    /// # Errors
    /// As [`Smote::resample`], and refuses a draw of a row or neighbour that is not there.
    pub fn between(&self, rows: &[&[f64]], draws: &[Between]) -> Result<Vec<Vec<f64>>> {
        let distance = Distance::new(self, rows)?;
        let mut neighbours: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
        let mut made = Vec::with_capacity(draws.len());
        for draw in draws {
            if draw.row >= rows.len() || draw.neighbour >= self.neighbours {
                return Err(Error::InvalidSetting {
                    setting: "a draw",
                    rule: "of a row and a neighbour that are there",
                    value: format!("{draw:?}"),
                });
            }
            let near = neighbours
                .entry(draw.row)
                .or_insert_with(|| distance.nearest(draw.row, self.neighbours));
            let (from, to) = (rows[draw.row], rows[near[draw.neighbour]]);
            let pairs = from.iter().zip(to).enumerate();
            let row = pairs.map(
                |(column, (from, to))| match self.categories.contains(&column) {
                    true => most_frequent(near.iter().map(|&row| rows[row][column])),
                    false => from + draw.step * (to - from),
                },
            );
            made.push(row.collect());
        }
        Ok(made)
    }
}

/// How far rows of a class are apart.
struct Distance<'a> {
    rows: &'a [&'a [f64]],
    categories: &'a [usize],
    /// What another category adds to the squared distance.
    other: f64,
}

impl<'a> Distance<'a> {
    fn new(smote: &'a Smote, rows: &'a [&'a [f64]]) -> Result<Self> {
        let columns = rows.first().map_or(0, |row| row.len());
        let categories = &smote.categories;
        let refused = |setting, rule, found| {
            Err(Error::InvalidSetting {
                setting,
                rule,
                value: found,
            })
        };
        if smote.neighbours == 0 || rows.len() <= smote.neighbours {
            let found = format!("{} for {} neighbours", rows.len(), smote.neighbours);
            return refused(
                "the rows of a class",
                "more than the neighbours, of which there is one at least",
                found,
            );
        }
        let continuous: Vec<usize> = (0..columns).filter(|c| !categories.contains(c)).collect();
        if continuous.is_empty() || categories.iter().any(|column| *column >= columns) {
            let found = format!("{categories:?} of {columns} columns");
            return refused("categories", "columns, and not all of them", found);
        }
        let deviation = |&column: &usize| {
            let count = rows.len() as f64;
            let mean = rows.iter().map(|row| row[column]).sum::<f64>() / count;
            let squares = rows.iter().map(|row| (row[column] - mean).powi(2));
            (squares.sum::<f64>() / count).sqrt()
        };
        let mut deviations: Vec<f64> = continuous.iter().map(deviation).collect();
        deviations.sort_by(f64::total_cmp);
        let middle = deviations.len() / 2;
        let median = match deviations.len().is_multiple_of(2) {
            true => 0.5 * (deviations[middle - 1] + deviations[middle]),
            false => deviations[middle],
        };
        Ok(Self {
            rows,
            categories,
            other: median * median,
        })
    }

    fn squared(&self, a: usize, b: usize) -> f64 {
        let pairs = self.rows[a].iter().zip(self.rows[b]).enumerate();
        let parts = pairs.map(|(column, (a, b))| match self.categories.contains(&column) {
            true if a == b => 0.0,
            true => self.other,
            false => (a - b) * (a - b),
        });
        parts.sum()
    }

    /// The nearest rows of another place, the first of equally near ones first.
    fn nearest(&self, row: usize, count: usize) -> Vec<usize> {
        let others = (0..self.rows.len()).filter(|&other| other != row);
        let mut near: Vec<(f64, usize)> = others.map(|o| (self.squared(row, o), o)).collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        near.into_iter().take(count).map(|(_, row)| row).collect()
    }
}

/// The value that is there most often, the smallest of equally frequent ones.
fn most_frequent(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let runs = values.chunk_by(|a, b| a == b);
    let longest = runs.fold(
        &[][..],
        |best: &[f64], run| {
            if run.len() > best.len() { run } else { best }
        },
    );
    longest.first().copied().unwrap_or(0.0)
}
