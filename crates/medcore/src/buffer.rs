//! Contiguous voxels that are owned, shared or mapped from a file, behind one type.
//!
//! This is the one module of the crate with `unsafe`: memory maps, and advice to the system to back
//! large buffers with huge pages (fresh 4 KiB pages cost more than the arithmetic done on them).
#![expect(
    unsafe_code,
    reason = "memory maps and page advice; every block states its invariant"
)]

use std::alloc::{Layout, alloc_zeroed};
use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;

use memmap2::Mmap;

use crate::error::{Error, Result};

mod sealed {
    pub trait Sealed {}
}

/// Numbers that may be read from any initialised bytes: no padding, every bit pattern valid.
pub trait Plain: sealed::Sealed + Copy + Default + Send + Sync + 'static {}

macro_rules! plain {
    ($($t:ty),*) => { $(impl sealed::Sealed for $t {} impl Plain for $t {})* };
}
plain!(u8, i8, u16, i16, u32, i32, u64, i64, f32, f64);

/// A run of `T` that is cheap to share and copied only when a shared or mapped one is written to.
pub struct Buffer<T>(Store<T>);

enum Store<T> {
    Owned(Vec<T>),
    Shared(Arc<[T]>),
    Mapped(Mapped<T>),
}

/// A typed window into a mapped file; `offset` and length were checked when it was made.
struct Mapped<T> {
    map: Arc<Mmap>,
    offset: usize,
    len: usize,
    element: PhantomData<T>,
}

impl<T> Mapped<T> {
    fn as_slice(&self) -> &[T] {
        // SAFETY: `Buffer::map_file` checked that `offset..offset + len * size_of::<T>()` lies inside the
        // map and is aligned for `T`, `T: Plain` accepts every bit pattern, and the map lives as long as
        // `self`. That nobody truncates the file meanwhile is `map_file`'s documented contract.
        unsafe {
            std::slice::from_raw_parts(self.map.as_ptr().add(self.offset).cast::<T>(), self.len)
        }
    }
}

impl<T> Buffer<T> {
    /// The elements as a slice.
    #[must_use]
    pub fn as_slice(&self) -> &[T] {
        match &self.0 {
            Store::Owned(v) => v,
            Store::Shared(v) => v,
            Store::Mapped(v) => v.as_slice(),
        }
    }
}

impl<T: Clone> Buffer<T> {
    /// The elements for writing; a shared or mapped buffer is copied first.
    pub fn make_mut(&mut self) -> &mut [T] {
        if !matches!(self.0, Store::Owned(_)) {
            self.0 = Store::Owned(self.as_slice().to_vec());
        }
        match &mut self.0 {
            Store::Owned(v) => v,
            Store::Shared(_) | Store::Mapped(_) => unreachable!("made owned above"),
        }
    }

    /// The elements as a vector, copied only if they are shared or mapped.
    #[must_use]
    pub fn into_vec(self) -> Vec<T> {
        match self.0 {
            Store::Owned(v) => v,
            Store::Shared(v) => v.to_vec(),
            Store::Mapped(v) => v.as_slice().to_vec(),
        }
    }

    /// Turns the buffer into one whose clones cost nothing.
    #[must_use]
    pub fn into_shared(self) -> Self {
        match self.0 {
            Store::Owned(v) => Self(Store::Shared(v.into())),
            other => Self(other),
        }
    }
}

impl<T: Plain> Buffer<T> {
    /// Maps `len` elements of a file, starting `offset` bytes into it, in native byte order.
    ///
    /// Pages are read when first touched. The file must not be truncated or changed while the buffer or
    /// a clone lives: on Unix a touch behind a new end kills the process. Readers of untrusted or shared
    /// folders should read instead of mapping.
    ///
    /// # Errors
    /// Refuses a range outside the file, an offset not aligned for `T`, and passes on what the system says.
    pub fn map_file(path: &Path, offset: usize, len: usize) -> Result<Self> {
        let io = |source| Error::Io {
            operation: "map",
            path: path.to_owned(),
            source,
        };
        let file = std::fs::File::open(path).map_err(io)?;
        // SAFETY: the contract above hands the file's stability to the caller.
        let map = unsafe { Mmap::map(&file) }.map_err(io)?;
        let bytes = len
            .checked_mul(size_of::<T>())
            .and_then(|n| n.checked_add(offset));
        if bytes.is_none_or(|end| end > map.len()) {
            let what = format!(
                "{len} elements at byte {offset} of a file of {} bytes",
                map.len()
            );
            return Err(io(std::io::Error::new(
                std::io::ErrorKind::UnexpectedEof,
                what,
            )));
        }
        if !offset.is_multiple_of(align_of::<T>()) {
            return Err(Error::InvalidParameter {
                parameter: "offset",
                rule: "a multiple of the element's alignment",
                value: offset as f64,
            });
        }
        Ok(Self(Store::Mapped(Mapped {
            map: Arc::new(map),
            offset,
            len,
            element: PhantomData,
        })))
    }
}

/// A vector with room for `len` elements, in huge pages where the system offers them.
///
/// # Errors
/// Returns [`Error::OutOfMemory`] instead of ending the process.
pub fn reserve<T>(len: usize, what: &'static str) -> Result<Vec<T>> {
    let mut v: Vec<T> = Vec::new();
    v.try_reserve_exact(len).map_err(|_| Error::OutOfMemory {
        what,
        bytes: (len as u64).saturating_mul(size_of::<T>() as u64),
    })?;
    advise_huge_pages(&mut v);
    Ok(v)
}

/// A vector of `len` zeros, in huge pages where the system offers them.
///
/// Fresh pages come zeroed from the system and are touched by nobody until they are written: threads that
/// fill the vector share that cost.
///
/// # Errors
/// Returns [`Error::OutOfMemory`] instead of ending the process.
pub fn zeroed<T: Plain>(len: usize, what: &'static str) -> Result<Vec<T>> {
    let refused = || Error::OutOfMemory {
        what,
        bytes: (len as u64).saturating_mul(size_of::<T>() as u64),
    };
    let layout = Layout::array::<T>(len).map_err(|_| refused())?;
    if layout.size() == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: the layout has a size above zero; a null pointer is handled before use. The pointer then
    // owns `len` elements of `T`'s layout from the global allocator, as `Vec` asks, and zero bytes are a
    // valid `T: Plain` (zero, its default).
    let mut v = unsafe {
        let start = alloc_zeroed(layout).cast::<T>();
        if start.is_null() {
            return Err(refused());
        }
        Vec::from_raw_parts(start, len, len)
    };
    advise_huge_pages(&mut v);
    Ok(v)
}

/// Bytes of a plain slice, in native order.
#[must_use]
pub fn as_bytes<T: Plain>(values: &[T]) -> &[u8] {
    // SAFETY: `T: Plain` has no padding, so all its bytes are initialised; `u8` has no alignment.
    unsafe { std::slice::from_raw_parts(values.as_ptr().cast::<u8>(), size_of_val(values)) }
}

/// Bytes of a plain slice for writing, in native order.
#[must_use]
pub fn as_bytes_mut<T: Plain>(values: &mut [T]) -> &mut [u8] {
    let bytes = size_of_val(values);
    // SAFETY: as `as_bytes`, and every bit pattern written is a valid `T`.
    unsafe { std::slice::from_raw_parts_mut(values.as_mut_ptr().cast::<u8>(), bytes) }
}

/// Asks for 2 MiB pages under a large, still untouched vector; a refusal costs nothing but speed.
#[cfg(target_os = "linux")]
fn advise_huge_pages<T>(v: &mut Vec<T>) {
    const HUGE: usize = 2 << 20;
    let bytes = v.capacity() * size_of::<T>();
    if bytes < 2 * HUGE {
        return;
    }
    let start = v.as_mut_ptr() as usize;
    let aligned = start.next_multiple_of(4096);
    let len = (start + bytes - aligned) & !4095;
    unsafe extern "C" {
        fn madvise(addr: *mut std::ffi::c_void, length: usize, advice: i32) -> i32;
    }
    const MADV_HUGEPAGE: i32 = 14;
    // SAFETY: the range lies inside the vector's own allocation and the advice changes no contents.
    let _ = unsafe { madvise(aligned as *mut std::ffi::c_void, len, MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn advise_huge_pages<T>(_: &mut Vec<T>) {}

impl<T> Deref for Buffer<T> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        self.as_slice()
    }
}

impl<T> From<Vec<T>> for Buffer<T> {
    fn from(values: Vec<T>) -> Self {
        Self(Store::Owned(values))
    }
}

impl<T> From<Arc<[T]>> for Buffer<T> {
    fn from(values: Arc<[T]>) -> Self {
        Self(Store::Shared(values))
    }
}

impl<T: Clone> Clone for Buffer<T> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Store::Owned(v) => Store::Owned(v.clone()),
            Store::Shared(v) => Store::Shared(Arc::clone(v)),
            Store::Mapped(m) => Store::Mapped(Mapped {
                map: Arc::clone(&m.map),
                offset: m.offset,
                len: m.len,
                element: PhantomData,
            }),
        })
    }
}

impl<T: PartialEq> PartialEq for Buffer<T> {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl<T> fmt::Debug for Buffer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match &self.0 {
            Store::Owned(_) => "owned",
            Store::Shared(_) => "shared",
            Store::Mapped(_) => "mapped",
        };
        write!(
            f,
            "Buffer({kind}, {} x {})",
            self.len(),
            std::any::type_name::<T>()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapped_file_reads_as_its_numbers_and_is_copied_on_write() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        let numbers: Vec<i16> = (0..500).map(|v| v * 7 - 1000).collect();
        std::io::Write::write_all(&mut file, &[0; 6]).unwrap();
        std::io::Write::write_all(&mut file, as_bytes(&numbers)).unwrap();
        let mut mapped = Buffer::<i16>::map_file(file.path(), 6, 500).unwrap();
        assert_eq!(mapped.as_slice(), numbers);
        let other = mapped.clone();
        mapped.make_mut()[3] = 99;
        assert_eq!((mapped[3], other[3]), (99, numbers[3]));
    }

    #[test]
    fn a_map_behind_the_end_or_off_alignment_is_refused() {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        std::io::Write::write_all(&mut file, &[0; 64]).unwrap();
        assert!(Buffer::<f32>::map_file(file.path(), 4, 16).is_err());
        assert!(Buffer::<f32>::map_file(file.path(), 2, 4).is_err());
        assert!(Buffer::<f32>::map_file(file.path(), 0, usize::MAX).is_err());
        assert!(Buffer::<f32>::map_file(file.path(), 4, 15).is_ok());
    }

    #[test]
    fn writing_to_a_shared_buffer_leaves_the_other_alone() {
        let mut a = Buffer::from(vec![1, 2, 3]).into_shared();
        let b = a.clone();
        a.make_mut()[0] = 9;
        assert_eq!(
            (a.as_slice(), b.as_slice()),
            (&[9, 2, 3][..], &[1, 2, 3][..])
        );
    }

    #[test]
    fn an_absurd_reservation_is_an_error() {
        assert!(matches!(
            reserve::<f64>(usize::MAX / 16, "test"),
            Err(Error::OutOfMemory { .. })
        ));
        assert_eq!(zeroed::<f32>(3 << 20, "test").unwrap().len(), 3 << 20);
    }
}
