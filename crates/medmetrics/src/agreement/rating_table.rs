//! How often one rater said this while the other said that.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::accumulator::Accumulator;
use crate::agreement::kappa::{Chance, Kappa, KappaEstimate};
use crate::agreement::weights::KappaWeights;
use crate::error::{Error, Result, check_table_sizes};

/// Counts of pairs of ratings, in categories `0..categories`; rows are the first rater's.
///
/// The number of categories is said, never guessed: a category that nobody used still lies between its
/// neighbours, and weighted kappa depends on it.
///
/// ```
/// use medmetrics::agreement::{Kappa, KappaWeights, RatingTable};
///
/// let first = [0u8, 0, 1, 1, 3, 3, 3, 0, 1, 3];
/// let second = [0u8, 1, 1, 3, 3, 3, 1, 0, 0, 0];
/// let table = RatingTable::of(4, &first, &second)?;
/// let kappa = Kappa::cohen(KappaWeights::Quadratic).of(&table)?;
/// assert!((kappa.estimate.value.expect("two categories are used") - 0.424242).abs() < 1e-6);
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "Vec<Vec<u64>>", into = "Vec<Vec<u64>>")]
pub struct RatingTable {
    categories: usize,
    counts: Vec<u64>,
}

/// What can be a category: its number, from 0 on.
pub trait Rating: Copy + Send + Sync + sealed::Sealed {
    /// The category; beyond any table for a negative number.
    fn category(self) -> u64;
}

mod sealed {
    pub trait Sealed {}
}

macro_rules! ratings {
    ($($number:ty),*) => {$(
        impl sealed::Sealed for $number {}
        impl Rating for $number {
            #[inline]
            fn category(self) -> u64 {
                // A negative number becomes larger than any category.
                self as u64
            }
        }
    )*};
}
ratings!(u8, u16, u32, u64, i32, i64);

/// Every coefficient of a table of two raters, each as declared by its name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RatingAgreement {
    /// Cohen's kappa.
    pub cohen: KappaEstimate,
    /// Cohen's kappa with weights that grow with the distance.
    pub cohen_linear: KappaEstimate,
    /// Cohen's kappa with weights that grow with the squared distance.
    pub cohen_quadratic: KappaEstimate,
    /// Scott's pi.
    pub scott: KappaEstimate,
    /// Brennan and Prediger's kappa, with two categories PABAK.
    pub brennan_prediger: KappaEstimate,
    /// Gwet's AC1.
    pub gwet: KappaEstimate,
}

impl RatingTable {
    /// The most categories a table can have.
    pub const MOST_CATEGORIES: usize = 4096;

    /// A table without ratings.
    ///
    /// # Errors
    /// Refuses no categories, and more than [`RatingTable::MOST_CATEGORIES`].
    pub fn new(categories: usize) -> Result<Self> {
        if categories == 0 || categories > Self::MOST_CATEGORIES {
            return Err(Error::InvalidParameter {
                parameter: "categories",
                rule: "between 1 and 4096",
                value: categories as f64,
            });
        }
        Ok(Self {
            categories,
            counts: vec![0; categories * categories],
        })
    }

    /// The table of two raters' ratings of the same items.
    ///
    /// # Errors
    /// As [`RatingTable::new`] and [`RatingTable::add`].
    pub fn of<T: Rating>(categories: usize, first: &[T], second: &[T]) -> Result<Self> {
        let mut table = Self::new(categories)?;
        table.add(first, second)?;
        Ok(table)
    }

    /// Counts the ratings of more items.
    ///
    /// # Errors
    /// Refuses lists of different lengths and undeclared categories; the table is then as it was.
    pub fn add<T: Rating>(&mut self, first: &[T], second: &[T]) -> Result<()> {
        if first.len() != second.len() {
            return Err(Error::Length {
                what: "the second rater",
                got: second.len(),
                against: "the first",
                expected: first.len(),
            });
        }
        if self.categories <= SMALL {
            self.add_few_categories(first, second)
        } else {
            self.check(first, second)?;
            for (&row, &column) in first.iter().zip(second) {
                let (row, column) = (row.category() as usize, column.category() as usize);
                self.counts[row * self.categories + column] += 1;
            }
            Ok(())
        }
    }

    /// How often the first rater chose `row` and the second `column`; 0 outside the table.
    #[must_use]
    pub fn count(&self, row: usize, column: usize) -> u64 {
        if row.max(column) >= self.categories {
            return 0;
        }
        self.counts[row * self.categories + column]
    }

    /// Number of categories.
    #[must_use]
    pub fn categories(&self) -> usize {
        self.categories
    }

    /// Number of pairs of ratings.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// The categories that either rater used.
    #[must_use]
    pub fn used(&self) -> Vec<usize> {
        let all = 0..self.categories;
        all.clone()
            .filter(|&c| {
                all.clone()
                    .any(|other| self.count(c, other) + self.count(other, c) > 0)
            })
            .collect()
    }

    /// The part of the table that belongs to these categories, in this order.
    pub(crate) fn of_categories(&self, kept: &[usize]) -> Self {
        let rows = kept.iter();
        Self {
            categories: kept.len(),
            counts: rows
                .flat_map(|&row| kept.iter().map(move |&column| self.count(row, column)))
                .collect(),
        }
    }

    fn add_few_categories<T: Rating>(&mut self, first: &[T], second: &[T]) -> Result<()> {
        let (table, beyond) = first
            .par_chunks(CHUNK)
            .zip(second.par_chunks(CHUNK))
            .map(|(first, second)| count_few(first, second))
            .reduce(
                || ([0; SMALL * SMALL], 0),
                |(mut table, beyond), (other, also)| {
                    table.iter_mut().zip(other).for_each(|(c, more)| *c += more);
                    (table, beyond | also)
                },
            );
        let declared = |place: usize| (place / SMALL).max(place % SMALL) < self.categories;
        let undeclared = (0..table.len()).any(|place| table[place] > 0 && !declared(place));
        if beyond >= SMALL as u64 || undeclared {
            self.check(first, second)?;
        }
        for (row, counts) in self.counts.chunks_exact_mut(self.categories).enumerate() {
            let more = &table[row * SMALL..];
            counts.iter_mut().zip(more).for_each(|(c, more)| *c += more);
        }
        Ok(())
    }

    fn check<T: Rating>(&self, first: &[T], second: &[T]) -> Result<()> {
        for (what, ratings) in [("the first rater", first), ("the second rater", second)] {
            let undeclared = |rating: &T| rating.category() >= self.categories as u64;
            if let Some(index) = ratings.iter().position(undeclared) {
                return Err(Error::InvalidValue {
                    what,
                    rule: "a declared category",
                    index,
                    // Back from two's complement, so that -1 reads as -1.
                    value: ratings[index].category() as i64 as f64,
                });
            }
        }
        Ok(())
    }
}

/// Tables of up to so many categories are counted in registers' reach.
const SMALL: usize = 16;

/// Pairs that one 32-bit table counts without overflow, and few enough to share among threads.
const CHUNK: usize = 1 << 20;

/// Counts into four tables in turn, because adding twice to one address waits for the first store.
/// Categories above 15 land anywhere; the second number says that there were some.
fn count_few<T: Rating>(first: &[T], second: &[T]) -> ([u64; SMALL * SMALL], u64) {
    let mut tables = [[0u32; SMALL * SMALL]; 4];
    let mut beyond = 0;
    let mut take = |table: &mut [u32; SMALL * SMALL], row: T, column: T| {
        let (row, column) = (row.category(), column.category());
        beyond |= row | column;
        table[((row << 4 | column) & 0xff) as usize] += 1;
    };
    let (rows, rest_of_rows) = first.as_chunks::<4>();
    let (columns, rest_of_columns) = second.as_chunks::<4>();
    for (row, column) in rows.iter().zip(columns) {
        for (lane, table) in tables.iter_mut().enumerate() {
            take(table, row[lane], column[lane]);
        }
    }
    for (&row, &column) in rest_of_rows.iter().zip(rest_of_columns) {
        take(&mut tables[0], row, column);
    }
    let sum = |place| tables.iter().map(|table| u64::from(table[place])).sum();
    (std::array::from_fn(sum), beyond)
}

impl Accumulator for RatingTable {
    /// The first and the second rater's category of one item.
    type Item<'a> = [u32; 2];
    type Output = RatingAgreement;

    fn push(&mut self, [first, second]: [u32; 2]) -> Result<()> {
        self.add(&[first], &[second])
    }

    fn merge(&mut self, other: &Self) -> Result<()> {
        check_table_sizes(self.categories, other.categories)?;
        let counts = self.counts.iter_mut().zip(&other.counts);
        counts.for_each(|(count, more)| *count += more);
        Ok(())
    }

    fn finish(&self) -> Result<RatingAgreement> {
        let by_chance = |chance| Kappa {
            chance,
            ..Kappa::default()
        };
        Ok(RatingAgreement {
            cohen: Kappa::default().of(self)?,
            cohen_linear: Kappa::cohen(KappaWeights::Linear).of(self)?,
            cohen_quadratic: Kappa::cohen(KappaWeights::Quadratic).of(self)?,
            scott: by_chance(Chance::Scott).of(self)?,
            brennan_prediger: by_chance(Chance::BrennanPrediger).of(self)?,
            gwet: by_chance(Chance::Gwet).of(self)?,
        })
    }
}

impl TryFrom<Vec<Vec<u64>>> for RatingTable {
    type Error = Error;

    /// # Errors
    /// Refuses a table that is not square or counts 1e18 ratings, and as [`RatingTable::new`].
    fn try_from(rows: Vec<Vec<u64>>) -> Result<Self> {
        let mut table = Self::new(rows.len())?;
        if let Some(row) = rows.iter().find(|row| row.len() != rows.len()) {
            return Err(Error::Length {
                what: "a row of a table of ratings",
                got: row.len(),
                against: "its first column",
                expected: rows.len(),
            });
        }
        table.counts = rows.concat();
        // Leaves room to merge: no machine counts so many.
        let total = table.counts.iter().map(|&count| count as f64).sum::<f64>();
        if total >= 1e18 {
            return Err(Error::InvalidParameter {
                parameter: "number of ratings",
                rule: "below 1e18",
                value: total,
            });
        }
        Ok(table)
    }
}

impl From<RatingTable> for Vec<Vec<u64>> {
    fn from(table: RatingTable) -> Self {
        table
            .counts
            .chunks(table.categories)
            .map(<[u64]>::to_vec)
            .collect()
    }
}
