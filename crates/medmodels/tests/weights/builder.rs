//! Archives and pickles by their parts, right ones and wrong ones.

/// A record of an archive and what its entry says of it.
pub(crate) struct Record {
    pub(crate) name: String,
    pub(crate) data: Vec<u8>,
    pub(crate) method: u16,
}

/// A zip archive of records as they are.
pub(crate) fn zip(records: &[Record]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for record in records {
        let place = u32::try_from(out.len()).unwrap();
        let size = u32::try_from(record.data.len()).unwrap();
        let name = u16::try_from(record.name.len()).unwrap();
        let mut common = Vec::new();
        for number in [20_u16, 0, record.method, 0, 0] {
            common.extend(number.to_le_bytes());
        }
        for number in [crc32fast::hash(&record.data), size, size] {
            common.extend(number.to_le_bytes());
        }
        common.extend(name.to_le_bytes());
        common.extend(0_u16.to_le_bytes());
        out.extend(b"PK\x03\x04");
        out.extend(&common);
        out.extend(record.name.as_bytes());
        out.extend(&record.data);
        directory.extend(b"PK\x01\x02");
        directory.extend(20_u16.to_le_bytes());
        directory.extend(&common);
        directory.extend([0; 10]);
        directory.extend(place.to_le_bytes());
        directory.extend(record.name.as_bytes());
    }
    let place = u32::try_from(out.len()).unwrap();
    let count = u16::try_from(records.len()).unwrap();
    let size = u32::try_from(directory.len()).unwrap();
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend(size.to_le_bytes());
    out.extend(place.to_le_bytes());
    out.extend([0; 2]);
    out
}

pub(crate) fn record(name: &str, data: impl Into<Vec<u8>>) -> Record {
    Record {
        name: name.to_owned(),
        data: data.into(),
        method: 0,
    }
}

/// A checkpoint with this pickle and one storage of four numbers.
pub(crate) fn checkpoint(pickle: impl Into<Vec<u8>>) -> Vec<u8> {
    zip(&records(pickle))
}

pub(crate) fn records(pickle: impl Into<Vec<u8>>) -> Vec<Record> {
    let numbers: Vec<u8> = [1.0_f32, 2.0, 3.0, 4.0]
        .iter()
        .flat_map(|n| n.to_le_bytes())
        .collect();
    vec![
        record("archive/data.pkl", pickle),
        record("archive/byteorder", "little"),
        record("archive/data/0", numbers),
        record("archive/version", "3\n"),
    ]
}

pub(crate) fn text(text: &str) -> Vec<u8> {
    let length = u32::try_from(text.len()).unwrap();
    [b"X".as_slice(), &length.to_le_bytes(), text.as_bytes()].concat()
}

pub(crate) fn number(number: i64) -> Vec<u8> {
    match i32::try_from(number) {
        Ok(short) => [b"J".as_slice(), &short.to_le_bytes()].concat(),
        Err(_) => [b"\x8a\x08".as_slice(), &number.to_le_bytes()].concat(),
    }
}

pub(crate) fn global(module: &str, name: &str) -> Vec<u8> {
    format!("c{module}\n{name}\n").into_bytes()
}

pub(crate) fn tuple(parts: &[Vec<u8>]) -> Vec<u8> {
    [b"(".to_vec(), parts.concat(), b"t".to_vec()].concat()
}

/// How a pickle refers to a storage.
pub(crate) struct Storage {
    pub(crate) class: &'static str,
    pub(crate) key: &'static str,
    pub(crate) length: i64,
}

impl Default for Storage {
    fn default() -> Self {
        Self {
            class: "FloatStorage",
            key: "0",
            length: 4,
        }
    }
}

impl Storage {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let parts = [
            text("storage"),
            global("torch", self.class),
            text(self.key),
            text("cpu"),
            number(self.length),
        ];
        [tuple(&parts), b"Q".to_vec()].concat()
    }
}

/// How a pickle describes a tensor.
pub(crate) struct Described {
    pub(crate) storage: Vec<u8>,
    pub(crate) offset: i64,
    pub(crate) shape: Vec<i64>,
    pub(crate) strides: Vec<i64>,
    /// How many of its six arguments are given.
    pub(crate) arguments: usize,
}

impl Default for Described {
    fn default() -> Self {
        Self {
            storage: Storage::default().bytes(),
            offset: 0,
            shape: vec![2, 2],
            strides: vec![2, 1],
            arguments: 6,
        }
    }
}

impl Described {
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let numbers = |all: &[i64]| tuple(&all.iter().map(|n| number(*n)).collect::<Vec<_>>());
        let hooks = [global("collections", "OrderedDict"), b")R".to_vec()].concat();
        let all = [
            self.storage.clone(),
            number(self.offset),
            numbers(&self.shape),
            numbers(&self.strides),
            b"\x89".to_vec(),
            hooks,
        ];
        let call = global("torch._utils", "_rebuild_tensor_v2");
        [call, tuple(&all[..self.arguments]), b"R".to_vec()].concat()
    }
}

/// A dictionary of weights.
pub(crate) fn state(entries: &[(&str, Vec<u8>)]) -> Vec<u8> {
    let entries: Vec<u8> = { entries.iter() }
        .flat_map(|(name, value)| [text(name), value.clone()].concat())
        .collect();
    [b"\x80\x02}(".as_slice(), &entries, b"u."].concat()
}

/// A checkpoint of one tensor.
pub(crate) fn one(tensor: &Described) -> Vec<u8> {
    checkpoint(state(&[("w", tensor.bytes())]))
}
