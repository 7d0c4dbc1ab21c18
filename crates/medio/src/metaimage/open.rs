//! From the entries of a header to a volume that may be read.

use std::path::PathBuf;

use medcore::{Geometry, Lps, Point, Vector};

use super::fields::Fields;
use super::header::{self, DATA_FILE, Header, Lines};
use crate::fault::{Fault, shortened};
use crate::format::Format;
use crate::grid::grid_of_rank;
use crate::options::ReadOptions;
use crate::raw::{
    Body, Digits, Encoding, Packing, Parts, Samples, Skip, SkipBytes, Source, Stored, below, len64,
    series,
};
use crate::report::{Report, Warning};
use crate::volume::VolumeFile;

/// Opens a MetaImage and checks everything that can be checked before the first voxel is read.
pub(crate) fn open<'a>(
    mut source: Source<'a>,
    options: &ReadOptions,
) -> Result<(VolumeFile<'a>, Header), Fault> {
    let mut report = Report::default();
    let lines = header::read(&mut source, &mut report)?;
    let fields = Fields::new(&lines.lines, &mut report)?;
    let path = source
        .path()
        .map_or_else(|| PathBuf::from("memory"), PathBuf::from);
    let mut stored = stored(&fields)?;
    let geometry = geometry(&fields, &stored, &mut report)?;
    let body = Data {
        fields: &fields,
        lines: &lines,
    }
    .open(source, &mut stored, options, &mut report)?;
    body.check_size(&stored, &mut report)?;
    let entries = lines.lines.into_iter().map(|line| (line.key, line.value));
    let header = Header {
        entries: entries.collect(),
    };
    let opened = VolumeFile {
        format: Format::MetaImage,
        stored,
        geometry,
        report,
        body,
        path,
    };
    Ok((opened, header))
}

fn stored(fields: &Fields) -> Result<Stored, Fault> {
    let size = |axis: usize| fields.sizes.get(axis).copied().unwrap_or(1);
    if let Some(extent) = fields.sizes.iter().skip(4).find(|&&n| n > 1) {
        let what = format!("a fifth or higher dimension of {extent}");
        return Err(Fault::Unsupported { what });
    }
    if size(3) > 1 && fields.channels > 1 {
        let what = format!("{} channels in four dimensions", fields.channels);
        return Err(Fault::Unsupported { what });
    }
    let channels = size(3).max(fields.channels);
    let stored = Stored::new(channels, [size(2), size(1), size(0)], fields.sample);
    let stored = stored.ok_or_else(|| Fault::Contradiction {
        rule: "DimSize and channels must have a product that can be addressed",
        got: format!("{:?} and {}", fields.sizes, fields.channels),
    })?;
    Ok(Stored {
        endian: fields.endian,
        order: match fields.channels {
            1 => Samples::Planar,
            _ => Samples::Interleaved { run: 1 },
        },
        ..stored
    })
}

fn geometry(fields: &Fields, stored: &Stored, report: &mut Report) -> Result<Geometry<3>, Fault> {
    let rank = fields.sizes.len();
    let in_space = rank.min(3);
    let mut assumed = |is_there: bool, key, used| {
        if !is_there {
            report.add(Warning::Assumed { key, used });
        }
    };
    assumed(fields.spacing.is_some(), "ElementSpacing", "1 mm");
    assumed(fields.matrix.is_some(), "TransformMatrix", "identity");
    assumed(fields.origin.is_some(), "Offset", "0");
    let of = |numbers: &Option<Vec<f64>>, at: usize, default: f64| {
        let number = numbers.as_ref().and_then(|numbers| numbers.get(at));
        number.copied().unwrap_or(default)
    };
    let mut steps: Vec<Vector<Lps>> = Vec::new();
    for axis in 0..in_space {
        let spacing = of(&fields.spacing, axis, 1.0);
        if spacing.is_nan() || spacing <= 0.0 {
            let source = medcore::Error::InvalidSpacing { axis, spacing };
            return Err(Fault::core("ElementSpacing")(source));
        }
        let along = |row: usize| {
            let identity = if row == axis { 1.0 } else { 0.0 };
            let at = axis.saturating_mul(rank).saturating_add(row);
            match row < in_space {
                true => of(&fields.matrix, at, identity) * spacing * fields.unit,
                false => 0.0,
            }
        };
        steps.push(Vector::new(along(0), along(1), along(2)));
    }
    let [x, y, z] = [0, 1, 2].map(|axis| match axis < in_space {
        true => of(&fields.origin, axis, 0.0) * fields.unit,
        false => 0.0,
    });
    let origin = Point::new(x, y, z);
    grid_of_rank(
        stored.shape,
        origin,
        &steps,
        "TransformMatrix and ElementSpacing",
    )
}

/// Where the voxels are.
struct Data<'h> {
    fields: &'h Fields,
    lines: &'h Lines,
}

impl Data<'_> {
    fn encoding(&self) -> Encoding {
        match (self.fields.is_text, self.fields.is_compressed) {
            (true, _) => Encoding::Text(Digits::Decimal),
            (false, true) => Encoding::Packed(Packing::Zlib),
            (false, false) => Encoding::Raw,
        }
    }

    fn open<'a>(
        &self,
        source: Source<'a>,
        stored: &mut Stored,
        options: &ReadOptions,
        report: &mut Report,
    ) -> Result<Body<'a>, Fault> {
        let name = self.fields.data_file.as_str();
        if matches!(name, "LOCAL" | "Local" | "local") {
            return self.local(source, stored, report);
        }
        let Some(path) = source.path() else {
            let what = "a header whose voxels are in another file, read from memory,".to_owned();
            return Err(Fault::Unsupported { what });
        };
        let names = self.names(name)?;
        let files: Vec<PathBuf> = names
            .iter()
            .map(|name| below(path, DATA_FILE, name))
            .collect::<Result<_, _>>()?;
        if let [file] = files.as_slice() {
            let source = Source::open_file(file)?.mapped(options.map);
            return self.single(source, 0, stored, report);
        }
        if self.fields.is_compressed {
            let what = "compressed data in several files".to_owned();
            return Err(Fault::Unsupported { what });
        }
        Ok(Body::Parts(Parts {
            files,
            encoding: self.encoding(),
            skip: Skip {
                lines: 0,
                bytes: self.skip(),
            },
        }))
    }

    fn skip(&self) -> SkipBytes {
        match self.fields.header_size {
            Some(bytes) => SkipBytes::Count(bytes),
            None => SkipBytes::FromEnd,
        }
    }

    /// Voxels behind the header; `HeaderSize` counts from the start of the file then.
    fn local<'a>(
        &self,
        source: Source<'a>,
        stored: &mut Stored,
        report: &mut Report,
    ) -> Result<Body<'a>, Fault> {
        let start = match self.fields.header_size {
            Some(0) | None => self.lines.end,
            Some(bytes) if bytes >= self.lines.end => bytes,
            Some(bytes) => {
                return Err(Fault::Contradiction {
                    rule: "HeaderSize of local data must not end inside the header",
                    got: format!("{bytes}, the header has {} bytes", self.lines.end),
                });
            }
        };
        self.single(source, start, stored, report)
    }

    fn single<'a>(
        &self,
        source: Source<'a>,
        start: u64,
        stored: &mut Stored,
        report: &mut Report,
    ) -> Result<Body<'a>, Fault> {
        let is_local = start > 0;
        let mut skip = Skip {
            lines: 0,
            bytes: match self.skip() {
                SkipBytes::Count(_) if is_local => SkipBytes::Count(0),
                bytes => bytes,
            },
        };
        if self.encoding() == Encoding::Raw {
            return skip.open(source, start, Encoding::Raw, stored);
        }
        // Counted in the file as it is, before it is inflated or read as text.
        let SkipBytes::Count(skipped) = skip.bytes else {
            let what = "HeaderSize -1 of data that is compressed or text".to_owned();
            return Err(Fault::Unsupported { what });
        };
        skip.bytes = SkipBytes::Count(0);
        let start = start.saturating_add(skipped);
        let available = source.len().saturating_sub(start);
        let mut body = skip.open(source, start, self.encoding(), stored)?;
        if let (Body::Packed { bytes, .. }, Some(declared)) =
            (&mut body, self.fields.compressed_size)
        {
            if declared > available {
                return Err(Fault::Truncated {
                    what: "the compressed data",
                    needed: declared,
                    available,
                });
            }
            if declared < available {
                report.add(Warning::CompressedSizeDisagrees {
                    declared,
                    found: available,
                });
            }
            bytes.shorten(declared);
        }
        Ok(body)
    }

    /// The names of the data files.
    fn names(&self, name: &str) -> Result<Vec<String>, Fault> {
        let mut words = name.split_whitespace();
        if words.next() == Some("LIST") {
            let dimension = words.next().map(str::parse);
            let rank = self.fields.sizes.len();
            let default = rank.saturating_sub(1);
            let Ok(in_file) = dimension.unwrap_or(Ok(default)) else {
                return Err(self.refused("LIST and a number of dimensions"));
            };
            return self.counted(self.lines.names.clone(), in_file);
        }
        if !name.contains('%') {
            return Ok(vec![name.to_owned()]);
        }
        let words: Vec<&str> = name.split_whitespace().collect();
        let (pattern, range) = match words.as_slice() {
            [pattern, first, last] => (*pattern, [*first, *last, "1"]),
            [pattern, first, last, step] => (*pattern, [*first, *last, *step]),
            _ => return Err(self.refused("a pattern, first, last and step")),
        };
        let [Ok(first), Ok(last), Ok(step)] = range.map(str::parse) else {
            return Err(self.refused("a pattern, first, last and step"));
        };
        let names = series(DATA_FILE, pattern, [first, last, step])?;
        self.counted(names, self.fields.sizes.len().saturating_sub(1))
    }

    /// As many names as files of `in_file` dimensions are needed.
    fn counted(&self, names: Vec<String>, in_file: usize) -> Result<Vec<String>, Fault> {
        let outer = self.fields.sizes.iter().skip(in_file);
        let needed = outer.fold(1_u64, |product, &n| product.saturating_mul(n));
        match len64(names.len()) == needed {
            true => Ok(names),
            false => Err(Fault::Contradiction {
                rule: "ElementDataFile must name a file for each slice",
                got: format!("{} names for {needed} slices", names.len()),
            }),
        }
    }

    fn refused(&self, rule: &'static str) -> Fault {
        let line = self.lines.lines.last();
        Fault::InvalidEntry {
            key: DATA_FILE.to_owned(),
            line: line.map_or(0, |line| line.number),
            rule,
            value: shortened(&self.fields.data_file),
        }
    }
}
