//! The entries of a MetaImage header that decide where and how voxels are stored.

use super::header::{DATA_FILE, Line};
use crate::fault::{Fault, shortened};
use crate::raw::Endian;
use crate::report::{Report, Warning};
use crate::voxel::Datatype;

/// Entries with their values checked one by one; rules between them are in [`super::open`].
#[derive(Debug)]
pub(super) struct Fields {
    /// x first, as many as `NDims`.
    pub sizes: Vec<u64>,
    pub spacing: Option<Vec<f64>>,
    pub origin: Option<Vec<f64>>,
    /// Rows are the directions of the index axes.
    pub matrix: Option<Vec<f64>>,
    pub unit: f64,
    pub sample: Datatype,
    pub channels: u64,
    pub is_text: bool,
    pub is_compressed: bool,
    pub compressed_size: Option<u64>,
    pub endian: Endian,
    /// Bytes before the voxels; none if they end the file.
    pub header_size: Option<u64>,
    pub data_file: String,
}

/// Dimensions beyond the fourth must have one voxel.
const MOST_DIMENSIONS: usize = 10;

impl Fields {
    pub(super) fn new(lines: &[Line], report: &mut Report) -> Result<Self, Fault> {
        let entry = |keys: &[&str]| {
            let named = |line: &&Line| keys.contains(&line.key.as_str());
            lines.iter().rev().find(named)
        };
        let needed = |key: &'static str| {
            let found = entry(&[key]).filter(|line| !line.value.is_empty());
            found.ok_or(Fault::MissingEntry { key })
        };
        if let Some(line) = entry(&["ObjectType"])
            && line.value != "Image"
        {
            return Err(Fault::Unsupported {
                what: format!("ObjectType {:?}", shortened(&line.value)),
            });
        }
        let rank = dimensions(needed("NDims")?)?;
        let numbers = |keys: &[&str], count: usize, rule| match entry(keys) {
            None => Ok(None),
            Some(line) => numbers(line, count, rule).map(Some),
        };
        let rule = "one number a dimension";
        let spacing = match numbers(&["ElementSpacing"], rank, rule)? {
            None => numbers(&["ElementSize"], rank, rule)?,
            spacing => spacing,
        };
        let flag = |keys: &[&str], default| entry(keys).map_or(Ok(default), boolean);
        let is_text = !flag(&["BinaryData"], true)?;
        let sample = needed("ElementType").and_then(datatype)?;
        let order = &["BinaryDataByteOrderMSB", "ElementByteOrderMSB"];
        if entry(order).is_none() && !is_text && sample.voxel_bytes() > 1 {
            report.add(Warning::Assumed {
                key: "BinaryDataByteOrderMSB",
                used: "False (lowest byte first)",
            });
        }
        let is_identity = |line: &&Line| matches!(line.value.parse(), Ok(0.0) | Ok(1.0));
        let scaling = [
            "ElementToIntensityFunctionSlope",
            "ElementToIntensityFunctionOffset",
        ];
        for key in scaling {
            if entry(&[key]).is_some_and(|line| !is_identity(&line)) {
                report.add(Warning::EntryIgnored { key });
            }
        }
        Ok(Self {
            sizes: sizes(needed("DimSize")?, rank)?,
            spacing,
            origin: numbers(&["Offset", "Origin", "Position"], rank, rule)?,
            matrix: numbers(
                &["TransformMatrix", "Rotation", "Orientation"],
                rank.saturating_mul(rank),
                "NDims times NDims numbers",
            )?,
            unit: entry(&["DistanceUnits"]).map_or(Ok(1.0), |line| unit(line, report))?,
            sample,
            channels: match entry(&["ElementNumberOfChannels"]) {
                Some(line) => positive(line, &line.value)?,
                None => 1,
            },
            is_text,
            is_compressed: flag(&["CompressedData"], false)?,
            compressed_size: match entry(&["CompressedDataSize"]) {
                Some(line) => Some(positive(line, &line.value)?),
                None => None,
            },
            endian: match flag(order, false)? {
                true => Endian::Big,
                false => Endian::Little,
            },
            header_size: entry(&["HeaderSize"]).map_or(Ok(Some(0)), header_size)?,
            data_file: needed(DATA_FILE)?.value.clone(),
        })
    }
}

fn invalid(line: &Line, rule: &'static str) -> Fault {
    Fault::InvalidEntry {
        key: shortened(&line.key),
        line: line.number,
        rule,
        value: shortened(&line.value),
    }
}

fn dimensions(line: &Line) -> Result<usize, Fault> {
    let rank = line.value.parse().ok();
    rank.filter(|rank| (1..=MOST_DIMENSIONS).contains(rank))
        .ok_or_else(|| invalid(line, "1 to 10"))
}

fn positive(line: &Line, text: &str) -> Result<u64, Fault> {
    let value = text.parse().ok();
    value
        .filter(|&value| value > 0)
        .ok_or_else(|| invalid(line, "positive and whole"))
}

fn sizes(line: &Line, rank: usize) -> Result<Vec<u64>, Fault> {
    let sizes: Vec<u64> = line
        .value
        .split_whitespace()
        .map(|word| positive(line, word))
        .collect::<Result<_, _>>()?;
    match sizes.len() == rank {
        true => Ok(sizes),
        false => Err(invalid(line, "one size a dimension")),
    }
}

fn numbers(line: &Line, count: usize, rule: &'static str) -> Result<Vec<f64>, Fault> {
    let number = |word: &str| word.parse().ok().filter(|v: &f64| v.is_finite());
    let words = line.value.split_whitespace();
    // One more than wanted shows that there are too many, however many there are.
    let numbers: Option<Vec<f64>> = words.take(count.saturating_add(1)).map(number).collect();
    let numbers = numbers.ok_or_else(|| invalid(line, "finite numbers"))?;
    match numbers.len() == count {
        true => Ok(numbers),
        false => Err(invalid(line, rule)),
    }
}

fn boolean(line: &Line) -> Result<bool, Fault> {
    match line.value.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" | "yes" => Ok(true),
        "false" | "f" | "0" | "no" => Ok(false),
        _ => Err(invalid(line, "True or False")),
    }
}

fn unit(line: &Line, report: &mut Report) -> Result<f64, Fault> {
    let (millimetres, unit) = match line.value.as_str() {
        "mm" | "?" | "" => return Ok(1.0),
        "cm" => (10.0, "centimetres"),
        "um" => (1e-3, "micrometres"),
        _ => return Err(invalid(line, "mm, cm, um or ?")),
    };
    report.add(Warning::UnitsConverted { unit });
    Ok(millimetres)
}

fn header_size(line: &Line) -> Result<Option<u64>, Fault> {
    match line.value.as_str() {
        "-1" => Ok(None),
        text => text
            .parse()
            .map(Some)
            .map_err(|_| invalid(line, "-1, or not negative and whole")),
    }
}

fn datatype(line: &Line) -> Result<Datatype, Fault> {
    Ok(match line.value.as_str() {
        "MET_CHAR" => Datatype::I8,
        "MET_UCHAR" => Datatype::U8,
        "MET_SHORT" => Datatype::I16,
        "MET_USHORT" => Datatype::U16,
        // MetaIO's long is that of its time: four bytes.
        "MET_INT" | "MET_LONG" => Datatype::I32,
        "MET_UINT" | "MET_ULONG" => Datatype::U32,
        "MET_LONG_LONG" => Datatype::I64,
        "MET_ULONG_LONG" => Datatype::U64,
        "MET_FLOAT" => Datatype::F32,
        "MET_DOUBLE" => Datatype::F64,
        _ => return Err(invalid(line, "a number type, MET_UCHAR to MET_DOUBLE")),
    })
}
