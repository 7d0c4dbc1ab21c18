//! What PyTorch's pickles mean: storages, tensors, modules (`torch/serialization.py`, `torch/_utils.py`).

use std::sync::Arc;

use super::fault::Fault;
use super::pickle::value::{Heap, Id, Value};

/// The number type of a tensor's elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ElementType {
    /// One byte, 0 or 1.
    Bool,
    /// Unsigned, 8 bits.
    U8,
    /// Signed, 8 bits.
    I8,
    /// Signed, 16 bits.
    I16,
    /// Signed, 32 bits.
    I32,
    /// Signed, 64 bits.
    I64,
    /// IEEE half precision.
    F16,
    /// The upper half of single precision.
    Bf16,
    /// IEEE single precision.
    F32,
    /// IEEE double precision.
    F64,
}

impl ElementType {
    /// Bytes of an element.
    #[must_use]
    pub fn size(self) -> usize {
        match self {
            Self::Bool | Self::U8 | Self::I8 => 1,
            Self::I16 | Self::F16 | Self::Bf16 => 2,
            Self::I32 | Self::F32 => 4,
            Self::I64 | Self::F64 => 8,
        }
    }

    /// By the name of a storage's class, or of a `torch.dtype`.
    fn of_name(name: &str) -> Option<Self> {
        let name = name.strip_prefix("torch.")?;
        Some(match name.strip_prefix("cuda.").unwrap_or(name) {
            "BoolStorage" | "bool" => Self::Bool,
            "ByteStorage" | "uint8" => Self::U8,
            "CharStorage" | "int8" => Self::I8,
            "ShortStorage" | "int16" => Self::I16,
            "IntStorage" | "int32" => Self::I32,
            "LongStorage" | "int64" => Self::I64,
            "HalfStorage" | "float16" => Self::F16,
            "BFloat16Storage" | "bfloat16" => Self::Bf16,
            "FloatStorage" | "float32" => Self::F32,
            "DoubleStorage" | "float64" => Self::F64,
            _ => return None,
        })
    }
}

/// A storage as a pickle names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Storage {
    /// The record that holds it.
    pub(crate) key: Arc<str>,
    pub(crate) element: Option<ElementType>,
    /// Elements, or bytes where it has no type of its own.
    pub(crate) length: u64,
}

/// A tensor as a pickle describes it: how it lies in its storage.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Layout {
    pub(crate) storage: Storage,
    pub(crate) element: ElementType,
    pub(crate) offset: usize,
    pub(crate) shape: Vec<usize>,
    pub(crate) strides: Vec<usize>,
}

/// The storage that a persistent id names.
pub(crate) fn storage(heap: &Heap, id: Id) -> Result<Storage, String> {
    let Value::Persistent(reference) = heap.get(id) else {
        return Err("its storage is none".to_owned());
    };
    let parts = heap.sequence(*reference).unwrap_or(&[]);
    let &[kind, class, key, _device, length, ..] = parts else {
        return Err("its storage is not described by five values".to_owned());
    };
    if heap.text(kind) != Some("storage") {
        return Err("what it refers to is no storage".to_owned());
    }
    let Value::Global(class) = heap.get(class) else {
        return Err("the type of its storage is no class".to_owned());
    };
    if parts
        .get(5)
        .is_some_and(|view| *heap.get(*view) != Value::None)
    {
        return Err("views of storages are not read".to_owned());
    }
    let element = ElementType::of_name(class);
    let untyped = matches!(
        &**class,
        "torch.storage.UntypedStorage" | "torch.UntypedStorage"
    );
    if element.is_none() && !untyped {
        return Err(format!("elements of {class} are not read"));
    }
    let length = heap.int(length).and_then(|n| u64::try_from(n).ok());
    Ok(Storage {
        key: heap
            .text(key)
            .ok_or("the key of its storage is no text")?
            .into(),
        element,
        length: length.ok_or("the length of its storage is no number")?,
    })
}

/// The tensor that a value is, if it is one.
pub(crate) fn layout(heap: &Heap, id: Id) -> Result<Option<Layout>, Fault> {
    let mut id = id;
    // Parameters and subclasses wrap tensors.
    for _ in 0..8 {
        let Value::Object(object) = heap.get(id) else {
            return Ok(None);
        };
        let arguments = heap.sequence(object.arguments).unwrap_or(&[]);
        let first = arguments.first().copied();
        match &*object.class {
            "torch._utils._rebuild_parameter" | "torch._utils._rebuild_parameter_with_state" => {
                id = first.ok_or_else(|| broken(Vec::new(), "a parameter without a tensor"))?;
            }
            "torch._tensor._rebuild_from_type_v2" => {
                return from_type(heap, arguments);
            }
            class @ ("torch._utils._rebuild_tensor"
            | "torch._utils._rebuild_tensor_v2"
            | "torch._utils._rebuild_tensor_v3") => {
                return described(heap, arguments, class.ends_with("v3")).map(Some);
            }
            _ => return Ok(None),
        }
    }
    Err(broken(Vec::new(), "tensors wrapped in tensors"))
}

/// `_rebuild_from_type_v2(function, class, arguments, state)`
fn from_type(heap: &Heap, arguments: &[Id]) -> Result<Option<Layout>, Fault> {
    let (Some(function), Some(inner)) = (arguments.first(), arguments.get(2)) else {
        return Err(broken(
            Vec::new(),
            "a tensor of a subclass without its arguments",
        ));
    };
    let inner = heap.sequence(*inner).unwrap_or(&[]);
    match heap.get(*function) {
        Value::Global(name) if &**name == "torch._utils._rebuild_tensor_v2" => {
            described(heap, inner, false).map(Some)
        }
        Value::Global(name) => Err(broken(Vec::new(), format!("it is made by {name}"))),
        _ => Err(broken(Vec::new(), "it is made by what is no function")),
    }
}

fn broken(shape: Vec<i64>, problem: impl Into<String>) -> Fault {
    Fault::Tensor {
        shape,
        problem: problem.into(),
    }
}

/// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`; the third version names the type last.
fn described(heap: &Heap, arguments: &[Id], typed: bool) -> Result<Layout, Fault> {
    let &[place, offset, size, stride, ..] = arguments else {
        let count = arguments.len();
        return Err(broken(
            Vec::new(),
            format!("{count} of the 4 values that describe it"),
        ));
    };
    let numbers =
        |id: Id| -> Option<Vec<i64>> { heap.sequence(id)?.iter().map(|n| heap.int(*n)).collect() };
    let declared = numbers(size).unwrap_or_default();
    let fail = |problem: &str| broken(declared.clone(), problem);
    let sizes = |id: Id| -> Option<Vec<usize>> {
        let all = numbers(id)?.into_iter();
        all.map(|n| usize::try_from(n).ok()).collect()
    };
    let shape = sizes(size).ok_or_else(|| fail("a size is negative or no number"))?;
    let strides = sizes(stride).ok_or_else(|| fail("a stride is negative or no number"))?;
    if shape.len() != strides.len() || shape.len() > 64 {
        return Err(fail("it has not one stride for each of at most 64 axes"));
    }
    let offset = heap.int(offset).and_then(|n| usize::try_from(n).ok());
    let offset = offset.ok_or_else(|| fail("its offset is negative or no number"))?;
    let storage = storage(heap, place).map_err(|problem| fail(&problem))?;
    let named = || match heap.get(*arguments.get(6)?) {
        Value::Global(name) => ElementType::of_name(name),
        _ => None,
    };
    let element = if typed { named() } else { storage.element };
    let element = element.ok_or_else(|| fail("the type of its elements is not read"))?;
    let layout = Layout {
        storage,
        element,
        offset,
        shape,
        strides,
    };
    match layout.misfit() {
        Some(problem) => Err(fail(&problem)),
        None => Ok(layout),
    }
}

impl Layout {
    /// Elements.
    pub(crate) fn count(&self) -> Option<usize> {
        self.shape
            .iter()
            .try_fold(1_usize, |product, n| product.checked_mul(*n))
    }

    /// Bytes of the whole storage.
    pub(crate) fn storage_bytes(&self) -> Option<u64> {
        let size = self.storage.element.map_or(1, ElementType::size);
        self.storage.length.checked_mul(size as u64)
    }

    /// Why it does not lie inside its storage.
    fn misfit(&self) -> Option<String> {
        let Some(bytes) = self.storage_bytes() else {
            return Some("its storage is larger than any memory".to_owned());
        };
        let held = usize::try_from(bytes).unwrap_or(usize::MAX) / self.element.size();
        let Some(count) = self.count() else {
            return Some("it has more elements than can be counted".to_owned());
        };
        if count == 0 {
            return None;
        }
        // Views that show elements several times would be unpacked to any size.
        if count > held {
            return Some(format!(
                "it shows {count} elements, its storage holds {held}"
            ));
        }
        let reach = |sum: usize, (n, stride): (&usize, &usize)| {
            sum.checked_add((n - 1).checked_mul(*stride)?)
        };
        let last = { self.shape.iter().zip(&self.strides) }.try_fold(self.offset, reach);
        match last {
            Some(last) if last < held => None,
            _ => Some(format!(
                "it reaches beyond the {held} elements of its storage"
            )),
        }
    }

    /// Its elements in order, from the bytes of its storage.
    pub(crate) fn gather(&self, storage: &[u8]) -> Vec<u8> {
        let size = self.element.size();
        let count = self.count().unwrap_or(0);
        if self.is_contiguous() {
            let start = self.offset * size;
            return storage
                .get(start..start + count * size)
                .unwrap_or(&[])
                .to_vec();
        }
        let mut out = Vec::with_capacity(count * size);
        let mut index = vec![0_usize; self.shape.len()];
        let mut at = self.offset;
        for _ in 0..count {
            out.extend_from_slice(storage.get(at * size..(at + 1) * size).unwrap_or(&[]));
            for axis in (0..index.len()).rev() {
                index[axis] += 1;
                at += self.strides[axis];
                if index[axis] < self.shape[axis] {
                    break;
                }
                at -= self.strides[axis] * self.shape[axis];
                index[axis] = 0;
            }
        }
        out
    }

    fn is_contiguous(&self) -> bool {
        let mut step = 1;
        { self.shape.iter().zip(&self.strides).rev() }.all(|(n, stride)| {
            let dense = *n == 1 || *stride == step;
            step *= n;
            dense
        })
    }
}
