//! A PyTorch checkpoint: its weights, and the values beside them, read and never executed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::Arc;

use medcore::Budget;

use super::archive::Archive;
use super::fault::Fault;
use super::pickle::value::{Heap, Id, Value};
use super::pickle::{Limits, load};
use super::state::{State, find};
use super::torch::{ElementType, Layout, storage};

/// A tensor as a file holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WeightTensor {
    /// The type of its elements.
    pub(crate) element: ElementType,
    /// Its shape.
    pub(crate) shape: Vec<usize>,
    /// Its elements in the order of the shape, in this machine's byte order.
    pub(crate) bytes: Vec<u8>,
}

/// The pickled part of a checkpoint may be so long.
const LONGEST_PICKLE: u64 = 256 << 20;
/// 0x1950a86a20f9469cfc6c, the number that the format before archives begins with.
const LEGACY: [u8; 10] = *b"\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19";

/// Whether a file that begins like this is of the format before archives, by any protocol.
pub(crate) fn is_legacy(head: &[u8]) -> bool {
    let begins = matches!(head, [0x80, 2..=5, ..]);
    begins && { head.windows(LEGACY.len()).take(16) }.any(|bytes| bytes == LEGACY)
}

pub(crate) const ARCHIVE: [u8; 4] = *b"PK\x03\x04";

/// A checkpoint that was opened: what it holds is known, numbers are read when asked for.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    heap: Heap,
    root: Id,
    source: Source,
    budget: Arc<Budget>,
}

#[derive(Debug)]
struct Source {
    records: Records,
    swapped: bool,
    /// The storage that was read last: tensors often share one.
    last: Option<(Arc<str>, Vec<u8>)>,
}

#[derive(Debug)]
enum Records {
    Archive {
        archive: Archive,
        prefix: String,
    },
    /// Places and lengths in the file.
    Legacy {
        file: File,
        places: BTreeMap<Arc<str>, (u64, u64)>,
    },
}

fn broken(name: &str, problem: impl Into<String>) -> Fault {
    Fault::Record {
        name: name.to_owned(),
        problem: problem.into(),
    }
}

impl Checkpoint {
    /// Opens an archive (PyTorch from 1.6 on, also TorchScript).
    pub(crate) fn open_archive(path: &Path, budget: Arc<Budget>) -> Result<Self, Fault> {
        let mut archive = Archive::open(path)?;
        let pickles: Vec<&str> = { archive.names() }
            .filter(|name| name.split('/').count() == 2 && name.ends_with("/data.pkl"))
            .collect();
        let prefix = match pickles.as_slice() {
            [one] => one.trim_end_matches("data.pkl").to_owned(),
            several => {
                return Err(Fault::Archive {
                    rule: "one data.pkl in one folder",
                    got: format!("{several:?}"),
                });
            }
        };
        let name = format!("{prefix}data.pkl");
        let size = archive.size(&name).unwrap_or(0);
        if size > LONGEST_PICKLE {
            return Err(broken(
                &name,
                format!("{size} bytes, {LONGEST_PICKLE} are allowed"),
            ));
        }
        budget.claim_bytes("pickle", size.saturating_mul(16))?;
        let bytes = archive.read(&name)?;
        let order = format!("{prefix}byteorder");
        let order = match archive.size(&order) {
            Some(0..=16) => archive.read(&order)?,
            Some(size) => return Err(broken(&order, format!("{size} bytes"))),
            None => b"little".to_vec(),
        };
        let little = match order.trim_ascii() {
            b"little" => true,
            b"big" => false,
            other => return Err(broken("byteorder", other.escape_ascii().to_string())),
        };
        let pickle = load(&bytes, 0, Limits::default())?;
        Ok(Self {
            heap: pickle.heap,
            root: pickle.root,
            source: Source {
                records: Records::Archive { archive, prefix },
                swapped: little != cfg!(target_endian = "little"),
                last: None,
            },
            budget,
        })
    }

    /// Opens the format before archives: pickles one behind the other, then the storages.
    pub(crate) fn open_legacy(path: &Path, budget: Arc<Budget>) -> Result<Self, Fault> {
        let mut file = File::open(path)?;
        let length = file.metadata()?.len();
        // Storages follow; what of them is read along with the pickles is no loss.
        let head = length.min(LONGEST_PICKLE);
        budget.claim_bytes("pickles", head)?;
        let mut bytes =
            medcore::buffer::zeroed::<u8>(usize::try_from(head).unwrap_or(usize::MAX), "pickles")?;
        file.read_exact(&mut bytes)?;
        let limits = Limits::default();
        let magic = load(&bytes, 0, limits)?;
        let version = load(&bytes, magic.end, limits)?;
        if version.heap.int(version.root) != Some(1001) {
            return Err(broken("protocol", "it is not 1001"));
        }
        let system = load(&bytes, version.end, limits)?;
        let little = system.heap.entry(system.root, "little_endian");
        let little = match little.map(|id| system.heap.get(id)) {
            Some(Value::Bool(little)) => *little,
            _ => return Err(broken("system", "it does not say the order of bytes")),
        };
        let pickle = load(&bytes, system.end, limits)?;
        let keys = load(&bytes, pickle.end, limits)?;
        let places = legacy_places(&pickle.heap, &keys, &mut file, length)?;
        drop(bytes);
        budget.release_bytes(head);
        Ok(Self {
            heap: pickle.heap,
            root: pickle.root,
            source: Source {
                records: Records::Legacy { file, places },
                swapped: little != cfg!(target_endian = "little"),
                last: None,
            },
            budget,
        })
    }

    /// The weights, before their numbers are read.
    pub(crate) fn state(&self, wanted: Option<&str>) -> Result<State, Fault> {
        find(&self.heap, self.root, wanted)
    }

    /// All values, and the place of the first.
    pub(crate) fn values(&self) -> (&Heap, Id) {
        (&self.heap, self.root)
    }

    /// The numbers of a tensor.
    pub(crate) fn read(&mut self, layout: &Layout) -> Result<WeightTensor, Fault> {
        let element = layout.element;
        let count = layout.count().unwrap_or(usize::MAX) as u64;
        self.budget
            .claim_array("weights", &[count], element.size() as u64)?;
        let bytes = match layout.count() {
            Some(0) => Vec::new(),
            _ => layout.gather(self.source.storage(layout, &self.budget)?),
        };
        let mut tensor = WeightTensor {
            element,
            shape: layout.shape.clone(),
            bytes,
        };
        if self.source.swapped && element.size() > 1 {
            tensor
                .bytes
                .chunks_exact_mut(element.size())
                .for_each(<[u8]>::reverse);
        }
        if element == ElementType::Bool && tensor.bytes.iter().any(|byte| *byte > 1) {
            return Err(broken(
                &layout.storage.key,
                "a truth value is neither 0 nor 1",
            ));
        }
        Ok(tensor)
    }
}

/// Whether a value refers to a storage, and not to a module.
fn is_storage(heap: &Heap, id: Id) -> bool {
    let Value::Persistent(reference) = heap.get(id) else {
        return false;
    };
    let kind = heap.sequence(*reference).and_then(|parts| parts.first());
    kind.and_then(|kind| heap.text(*kind)) == Some("storage")
}

/// Where storages lie: each behind its length, in the order of their keys.
fn legacy_places(
    heap: &Heap,
    keys: &super::pickle::Pickle,
    file: &mut File,
    length: u64,
) -> Result<BTreeMap<Arc<str>, (u64, u64)>, Fault> {
    let mut sizes: BTreeMap<Arc<str>, (u64, u64)> = BTreeMap::new();
    for id in heap.ids().filter(|id| is_storage(heap, *id)) {
        let storage = storage(heap, id).map_err(|problem| broken("storage", problem))?;
        let element = storage.element.map_or(1, |element| element.size() as u64);
        sizes.insert(storage.key, (storage.length, element));
    }
    let names = keys.heap.sequence(keys.root).unwrap_or(&[]);
    let mut places = BTreeMap::new();
    let mut at = keys.end as u64;
    for name in names {
        let name = keys
            .heap
            .text(*name)
            .ok_or_else(|| broken("storages", "a key is no text"))?;
        let known = sizes.get(name).copied();
        let (declared, element) = known.ok_or_else(|| broken(name, "no tensor lies in it"))?;
        let mut count = [0; 8];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut count)?;
        let count = u64::from_le_bytes(count);
        let bytes = count.checked_mul(element).filter(|_| count == declared);
        let bytes = bytes.ok_or_else(|| {
            broken(
                name,
                format!("{count} elements are there, {declared} are declared"),
            )
        })?;
        at += 8;
        let end = at.checked_add(bytes).filter(|end| *end <= length);
        let end = end.ok_or_else(|| broken(name, "it ends behind the file"))?;
        places.insert(Arc::from(name), (at, bytes));
        at = end;
    }
    if at != length {
        return Err(broken(
            "storages",
            format!("{} bytes follow the last", length - at),
        ));
    }
    Ok(places)
}

impl Source {
    /// The bytes of a tensor's storage.
    fn storage(&mut self, layout: &Layout, budget: &Budget) -> Result<&[u8], Fault> {
        let key = &layout.storage.key;
        let known = self.last.as_ref().is_some_and(|(last, _)| last == key);
        if !known {
            if let Some((_, bytes)) = self.last.take() {
                budget.release_bytes(bytes.len() as u64);
            }
            let expected = layout.storage_bytes().unwrap_or(u64::MAX);
            let wrong = |size: u64| {
                broken(
                    key,
                    format!("{size} bytes are there, {expected} are declared"),
                )
            };
            let bytes = match &mut self.records {
                Records::Archive { archive, prefix } => {
                    let name = format!("{prefix}data/{key}");
                    let size = archive.size(&name);
                    let size = size.ok_or_else(|| broken(&name, "it is not in the archive"))?;
                    if size != expected {
                        return Err(wrong(size));
                    }
                    budget.claim_bytes("storage", size)?;
                    archive.read(&name)?
                }
                Records::Legacy { file, places } => {
                    let place = places.get(key).copied();
                    let (at, size) = place.ok_or_else(|| broken(key, "it is not in the file"))?;
                    if size != expected {
                        return Err(wrong(size));
                    }
                    budget.claim_bytes("storage", size)?;
                    let room = usize::try_from(size).unwrap_or(usize::MAX);
                    let mut bytes = medcore::buffer::zeroed::<u8>(room, "storage")?;
                    file.seek(SeekFrom::Start(at))?;
                    file.read_exact(&mut bytes)?;
                    bytes
                }
            };
            self.last = Some((Arc::clone(key), bytes));
        }
        Ok(self.last.as_ref().map_or(&[], |(_, bytes)| bytes))
    }
}
