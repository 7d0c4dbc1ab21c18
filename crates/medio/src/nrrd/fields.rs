//! The fields of an NRRD header, checked one by one; rules between them are in [`super::open`].

use super::header::{Field, is};
use crate::fault::{Fault, shortened};
use crate::raw::{Digits, Encoding, Endian, Packing, SkipBytes};
use crate::voxel::Datatype;

/// The most dimensions that the format knows.
const MOST_DIMENSIONS: usize = 16;

/// What decides where and how voxels are stored.
pub(super) struct Fields {
    /// Fastest axis first.
    pub sizes: Vec<u64>,
    pub sample: Datatype,
    pub encoding: Encoding,
    pub endian: Option<Endian>,
    pub line_skip: u64,
    pub byte_skip: SkipBytes,
    pub data_file: Option<String>,
    pub space: Option<String>,
    pub space_dimension: Option<usize>,
    /// A vector an axis, none for axes that are not of space.
    pub directions: Option<Vec<Option<Vec<f64>>>>,
    pub space_origin: Option<Vec<f64>>,
    /// A unit a dimension of space.
    pub space_units: Vec<String>,
    pub kinds: Option<Vec<String>>,
    /// NaN where an axis has none.
    pub spacings: Option<Vec<f64>>,
    pub axis_mins: Option<Vec<f64>>,
    pub axis_maxs: Option<Vec<f64>>,
    pub centers: Option<Vec<String>>,
}

impl Fields {
    pub(super) fn new(fields: &[Field]) -> Result<Self, Fault> {
        let find = Finder { fields };
        let dimension = find.needed("dimension")?;
        let rank = dimension.value.parse().ok();
        let rank = rank
            .filter(|rank| (1..=MOST_DIMENSIONS).contains(rank))
            .ok_or_else(|| invalid(dimension, "1 to 16"))?;
        let space_dimension = match find.one("space dimension")? {
            None => None,
            Some(field) => {
                let value = field.value.parse().ok();
                let value = value.filter(|n| (1..=MOST_DIMENSIONS).contains(n));
                Some(value.ok_or_else(|| invalid(field, "1 to 16"))?)
            }
        };
        let text = |name| Ok::<_, Fault>(find.one(name)?.map(|field| field.value.clone()));
        Ok(Self {
            sizes: sizes(find.needed("sizes")?, rank)?,
            sample: datatype(find.needed("type")?)?,
            encoding: encoding(find.needed("encoding")?)?,
            endian: find.map("endian", endian)?,
            line_skip: find.map("line skip", line_skip)?.unwrap_or(0),
            byte_skip: find.map("byte skip", byte_skip)?.unwrap_or_default(),
            data_file: text("data file")?,
            space: text("space")?,
            space_dimension,
            directions: find.map("space directions", |field| directions(field, rank))?,
            space_origin: find.map("space origin", |field| {
                let vectors = vectors(field)?;
                match vectors.as_slice() {
                    [Some(vector)] => Ok(vector.clone()),
                    _ => Err(invalid(
                        field,
                        "one vector of finite numbers in parentheses",
                    )),
                }
            })?,
            space_units: find.map("space units", quoted)?.unwrap_or_default(),
            kinds: find.map("kinds", |field| words(field, rank))?,
            spacings: find.map("spacings", |field| numbers(field, rank))?,
            axis_mins: find.map("axis mins", |field| numbers(field, rank))?,
            axis_maxs: find.map("axis maxs", |field| numbers(field, rank))?,
            centers: match find.map("centers", |field| words(field, rank))? {
                None => find.map("centerings", |field| words(field, rank))?,
                centers => centers,
            },
        })
    }
}

struct Finder<'f> {
    fields: &'f [Field],
}

impl<'f> Finder<'f> {
    /// A field, which the format allows once.
    fn one(&self, name: &str) -> Result<Option<&'f Field>, Fault> {
        let mut found = self.fields.iter().filter(|field| is(&field.name, name));
        let first = found.next();
        match found.next() {
            Some(second) => Err(invalid(second, "there once")),
            None => Ok(first),
        }
    }

    fn needed(&self, key: &'static str) -> Result<&'f Field, Fault> {
        let found = self.one(key)?.filter(|field| !field.value.is_empty());
        found.ok_or(Fault::MissingEntry { key })
    }

    fn map<T>(
        &self,
        name: &str,
        read: impl FnOnce(&Field) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        self.one(name)?.map(read).transpose()
    }
}

fn invalid(field: &Field, rule: &'static str) -> Fault {
    Fault::InvalidEntry {
        key: shortened(&field.name),
        line: field.line,
        rule,
        value: shortened(&field.value),
    }
}

fn sizes(field: &Field, rank: usize) -> Result<Vec<u64>, Fault> {
    let size = |word: &str| word.parse().ok().filter(|&n: &u64| n > 0);
    let words = field.value.split_whitespace();
    let sizes: Option<Vec<u64>> = words.take(rank.saturating_add(1)).map(size).collect();
    let sizes = sizes.ok_or_else(|| invalid(field, "positive whole numbers"))?;
    match sizes.len() == rank {
        true => Ok(sizes),
        false => Err(invalid(field, "one size a dimension")),
    }
}

/// A number an axis, NaN for unknown.
fn numbers(field: &Field, rank: usize) -> Result<Vec<f64>, Fault> {
    let number = |word: &str| word.parse().ok().filter(|v: &f64| !v.is_infinite());
    let words = field.value.split_whitespace();
    let numbers: Option<Vec<f64>> = words.take(rank.saturating_add(1)).map(number).collect();
    let numbers = numbers.ok_or_else(|| invalid(field, "finite numbers, or nan"))?;
    match numbers.len() == rank {
        true => Ok(numbers),
        false => Err(invalid(field, "one number a dimension")),
    }
}

fn words(field: &Field, rank: usize) -> Result<Vec<String>, Fault> {
    let words = field.value.split_whitespace();
    let words: Vec<String> = words
        .take(rank.saturating_add(1))
        .map(str::to_ascii_lowercase)
        .collect();
    match words.len() == rank {
        true => Ok(words),
        false => Err(invalid(field, "one word a dimension")),
    }
}

fn directions(field: &Field, rank: usize) -> Result<Vec<Option<Vec<f64>>>, Fault> {
    let vectors = vectors(field)?;
    match vectors.len() == rank {
        true => Ok(vectors),
        false => Err(invalid(field, "one vector, or none, a dimension")),
    }
}

/// Vectors like `(1,0,0)`, or the word `none`; at most as many as the format has dimensions, and one.
fn vectors(field: &Field) -> Result<Vec<Option<Vec<f64>>>, Fault> {
    let broken = || invalid(field, "vectors of finite numbers in parentheses, or none");
    let mut rest = field.value.trim_start();
    let mut vectors = Vec::new();
    while !rest.is_empty() && vectors.len() <= MOST_DIMENSIONS {
        if let Some(after) = rest.strip_prefix("none") {
            vectors.push(None);
            rest = after.trim_start();
            continue;
        }
        let inside = rest.strip_prefix('(').ok_or_else(broken)?;
        let (inside, after) = inside.split_once(')').ok_or_else(broken)?;
        let parts = inside.split(',').take(MOST_DIMENSIONS.saturating_add(1));
        let number = |word: &str| word.trim().parse().ok().filter(|v: &f64| v.is_finite());
        // Vectors of NaN are how some writers say none.
        let is_nan = |word: &str| word.trim().parse().is_ok_and(f64::is_nan);
        let vector = match inside.split(',').all(is_nan) {
            true => None,
            false => Some(
                parts
                    .map(number)
                    .collect::<Option<Vec<f64>>>()
                    .ok_or_else(broken)?,
            ),
        };
        vectors.push(vector);
        rest = after.trim_start();
    }
    Ok(vectors)
}

/// Words in double quotes.
fn quoted(field: &Field) -> Result<Vec<String>, Fault> {
    let inside = field.value.split('"').skip(1).step_by(2);
    Ok(inside.take(MOST_DIMENSIONS).map(str::to_owned).collect())
}

fn endian(field: &Field) -> Result<Endian, Fault> {
    match field.value.to_ascii_lowercase().as_str() {
        "little" => Ok(Endian::Little),
        "big" => Ok(Endian::Big),
        _ => Err(invalid(field, "little or big")),
    }
}

fn line_skip(field: &Field) -> Result<u64, Fault> {
    let lines = field.value.parse();
    lines.map_err(|_| invalid(field, "not negative and whole"))
}

fn byte_skip(field: &Field) -> Result<SkipBytes, Fault> {
    match field.value.as_str() {
        "-1" => Ok(SkipBytes::FromEnd),
        text => text
            .parse()
            .map(SkipBytes::Count)
            .map_err(|_| invalid(field, "-1, or not negative and whole")),
    }
}

fn encoding(field: &Field) -> Result<Encoding, Fault> {
    Ok(match field.value.to_ascii_lowercase().as_str() {
        "raw" => Encoding::Raw,
        "gz" | "gzip" => Encoding::Packed(Packing::Gzip),
        "bz2" | "bzip2" => Encoding::Packed(Packing::Bzip2),
        "txt" | "text" | "ascii" => Encoding::Text(Digits::Decimal),
        "hex" => Encoding::Text(Digits::Hexadecimal),
        _ => return Err(invalid(field, "raw, gzip, bzip2, ascii or hex")),
    })
}

fn datatype(field: &Field) -> Result<Datatype, Fault> {
    Ok(match field.value.to_ascii_lowercase().as_str() {
        "signed char" | "int8" | "int8_t" => Datatype::I8,
        "uchar" | "unsigned char" | "uint8" | "uint8_t" => Datatype::U8,
        "short" | "short int" | "signed short" | "signed short int" | "int16" | "int16_t" => {
            Datatype::I16
        }
        "ushort" | "unsigned short" | "unsigned short int" | "uint16" | "uint16_t" => Datatype::U16,
        "int" | "signed int" | "int32" | "int32_t" => Datatype::I32,
        "uint" | "unsigned int" | "uint32" | "uint32_t" => Datatype::U32,
        "longlong"
        | "long long"
        | "long long int"
        | "signed long long"
        | "signed long long int"
        | "int64"
        | "int64_t" => Datatype::I64,
        "ulonglong" | "unsigned long long" | "unsigned long long int" | "uint64" | "uint64_t" => {
            Datatype::U64
        }
        "float" => Datatype::F32,
        "double" => Datatype::F64,
        "block" => {
            return Err(Fault::Unsupported {
                what: "type block".to_owned(),
            });
        }
        _ => return Err(invalid(field, "a number type, uint8 to double")),
    })
}
