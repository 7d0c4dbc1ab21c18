//! What the bytes of a file are: preamble, meta information, transfer syntax, dataset.

use std::path::PathBuf;

use super::super::dataset::{Cursor, Dataset, Limits, Parser, Store};
use super::super::fault::Fault;
use super::super::pixels;
use super::super::tag::Tag;
use super::super::transfer_syntax::{Encoding, TransferSyntax};
use super::super::vr::Vr;
use super::super::warning::Warning;
use super::DicomFile;
use crate::options::ReadOptions;
use crate::report::Report;

/// Values longer than this stay in the file until they are asked for.
const DEFERRED_ABOVE: u64 = 1 << 20;

/// The kind of file that a preamble makes a DICOM file look like too.
fn preamble_kind(preamble: &[u8]) -> Option<&'static str> {
    let kinds: [(&[u8], &str); 6] = [
        (b"MZ", "MZ (Windows program)"),
        (b"\x7fELF", "ELF (program)"),
        (b"\xcf\xfa\xed\xfe", "Mach-O (program)"),
        (b"II*\0", "TIFF"),
        (b"MM\0*", "TIFF"),
        (b"\x89PNG", "PNG"),
    ];
    let mut kinds = kinds.into_iter();
    kinds.find_map(|(mark, kind)| preamble.starts_with(mark).then_some(kind))
}

/// Whether bytes are the beginning of a dataset that stands in a file without preamble and meta information.
pub(crate) fn is_bare_dataset(head: &[u8]) -> bool {
    let known = matches!(head, [2 | 8, 0, ..] | [0, 2 | 8, ..]);
    known && looks_like(head, None).is_some()
}

/// The encoding that the first bytes of a dataset can only be read in.
fn looks_like(head: &[u8], remaining: Option<u64>) -> Option<Encoding> {
    let [a, b, c, d, e, f, g, h] = head.first_chunk::<8>().copied()?;
    let plausible = |group: u16| (2..=0x0028).contains(&group) && group.is_multiple_of(2);
    let explicit = Vr::from_code([e, f]).is_some();
    let little = u16::from_le_bytes([a, b]);
    if plausible(little) {
        if explicit {
            return Some(Encoding::EXPLICIT);
        }
        let length = u64::from(u32::from_le_bytes([e, f, g, h]));
        let known = Tag::new(little, u16::from_le_bytes([c, d])).vr().is_some();
        let inside = remaining.is_none_or(|left| length <= left);
        return (known && inside).then_some(Encoding::IMPLICIT);
    }
    let big = plausible(u16::from_be_bytes([a, b])) && explicit;
    big.then_some(TransferSyntax::EXPLICIT_BIG_ENDIAN.dataset)
}

fn syntax_of(encoding: Encoding) -> TransferSyntax {
    match encoding {
        Encoding {
            explicit: false, ..
        } => TransferSyntax::IMPLICIT_LITTLE_ENDIAN,
        Encoding {
            big_endian: true, ..
        } => TransferSyntax::EXPLICIT_BIG_ENDIAN,
        _ => TransferSyntax::EXPLICIT_LITTLE_ENDIAN,
    }
}

pub(super) fn read(store: Store, options: &ReadOptions) -> Result<DicomFile, Fault> {
    let budget = options.own_budget();
    let limits = Limits {
        budget: &budget,
        lenient: options.lenient,
        deferred_above: DEFERRED_ABOVE,
    };
    let mut report = Report::default();
    let mut cursor = Cursor::new(&store, 0);
    let head = cursor.peek(132)?;
    let marked = head.get(128..) == Some(b"DICM");
    if marked {
        let kind = preamble_kind(head);
        cursor.skip(132);
        if let Some(kind) = kind {
            report.add(Warning::Preamble { kind });
        }
    } else {
        let short = head.len() < 8;
        let head = head.to_vec();
        if short {
            let available = u64::try_from(head.len()).unwrap_or(0);
            return Err(Fault::Truncated {
                what: "the preamble".to_owned(),
                offset: 0,
                needed: 132,
                available,
            });
        }
        if looks_like(&head, cursor.remaining()).is_none() {
            return Err(Fault::NotDicom {
                reason: "neither DICM at byte 128 nor a dataset from byte 0",
            });
        }
        report.add(Warning::NoPreamble);
    }
    let start = cursor.offset();
    let meta = Parser::new(&mut cursor, Encoding::EXPLICIT, limits, &mut report).meta()?;
    check_meta_length(&meta, start, cursor.offset(), &mut report)?;
    if marked && meta.is_empty() && cursor.peek(1)?.is_empty() {
        return Err(Fault::Truncated {
            what: "file meta information".to_owned(),
            offset: start,
            needed: 8,
            available: 0,
        });
    }
    let named = meta.string(Tag::TRANSFER_SYNTAX_UID);
    let dataset_start = cursor.offset();
    let remaining = cursor.remaining();
    let head = cursor.peek(8)?.to_vec();
    let seen = looks_like(&head, remaining);
    let (syntax_uid, syntax) = match named {
        Some(uid) => {
            let syntax = TransferSyntax::from_uid(&uid);
            (uid, syntax)
        }
        None if !meta.is_empty() && !options.lenient => {
            return Err(Fault::MissingAttribute {
                tag: Tag::TRANSFER_SYNTAX_UID,
            });
        }
        None => {
            let syntax = seen.map_or(TransferSyntax::IMPLICIT_LITTLE_ENDIAN, syntax_of);
            let uid = syntax.uid;
            report.add(Warning::TransferSyntaxGuessed { uid });
            (uid.to_owned(), Some(syntax))
        }
    };
    let mut encoding = syntax.map_or(Encoding::EXPLICIT, |syntax| syntax.dataset);
    let store = if encoding.deflated {
        let length = remaining.unwrap_or(0);
        let claimed = budget.claim_bytes("deflated dataset", length);
        claimed.map_err(Fault::core("dataset"))?;
        Store::Deflated(store.range(dataset_start, length)?.into())
    } else {
        if let Some(seen) = seen
            && !encoding.big_endian
            && !seen.big_endian
            && seen.explicit != encoding.explicit
        {
            let explicit = seen.explicit;
            report.add(Warning::EncodingDisagrees { explicit });
            encoding = seen;
        }
        store
    };
    let first = if encoding.deflated { 0 } else { dataset_start };
    let mut cursor = Cursor::new(&store, first);
    let dataset = Parser::new(&mut cursor, encoding, limits, &mut report).dataset()?;
    if !marked && dataset.is_empty() && meta.is_empty() {
        return Err(Fault::NotDicom {
            reason: "no attributes",
        });
    }
    let mut file = DicomFile {
        path: PathBuf::from("memory"),
        meta,
        dataset,
        syntax_uid,
        syntax,
        store,
        report,
        budget,
        lenient: options.lenient,
    };
    let mut report = std::mem::take(&mut file.report);
    pixels::doubts(&file, &mut report);
    file.report = report;
    Ok(file)
}

fn check_meta_length(
    meta: &Dataset,
    start: u64,
    end: u64,
    report: &mut Report,
) -> Result<(), Fault> {
    let declared = match meta.get(Tag::FILE_META_INFORMATION_GROUP_LENGTH) {
        // A number of another size is as wrong as another number.
        Some(element) => element.integers().ok().and_then(|v| v.first().copied()),
        None => None,
    };
    let declared = declared.and_then(|v| u64::try_from(v).ok());
    // The length counts from behind its own element of twelve bytes.
    let found = end.saturating_sub(start).saturating_sub(12);
    if !meta.is_empty() && declared != Some(found) {
        report.add(Warning::MetaLength { declared, found });
    }
    Ok(())
}
