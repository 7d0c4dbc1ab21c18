//! Cases read and prepared once: what a pipeline makes of them before its first random step.
//!
//! A cache changes how fast a sample is there and nothing else: with and without it, in memory and from disk, the same
//! bytes come out, because the steps before the first random one are always done as a pipeline of their own.

mod cached;
mod disk;
mod entry;
mod loaded;
mod memory;

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use medaug::{Case, Compose, Sample};
use medcore::random::Key;

pub use self::cached::CachedCase;
use self::disk::{Disk, Found};
pub use self::loaded::LoadedCases;
use self::memory::Memory;
use crate::error::BoxError;
use crate::error::{Error, Result};

/// Where cases come from.
pub trait CaseReader<const D: usize>: Send + Sync {
    /// Number of cases.
    fn count(&self) -> usize;

    /// Name of a case, which no other has: in messages, and part of what tells it apart on disk (cases of one file, say).
    fn name(&self, number: usize) -> String;

    /// The files that a case is read from: what they contain is part of what tells it apart on disk. A case without files
    /// is kept in memory only.
    fn files(&self, number: usize) -> Vec<PathBuf>;

    /// Whatever else decides what is read (a channel, a scale, a table that targets come from): cases on disk are those of
    /// readers that say the same.
    fn identity(&self) -> String {
        String::new()
    }

    /// Reads a case.
    ///
    /// # Errors
    /// Whatever keeps it from being read.
    fn read(&self, number: usize) -> std::result::Result<Sample<D>, BoxError>;
}

/// An entry on disk that was not used, or could not be written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The file.
    pub path: PathBuf,
    /// What was wrong.
    pub reason: String,
}

/// What a cache did so far.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CacheReport {
    /// Cases found in memory.
    pub from_memory: u64,
    /// Cases found on disk.
    pub from_disk: u64,
    /// Cases that were read and prepared.
    pub made: u64,
    /// Cases that left the memory to make room.
    pub evicted: u64,
    /// Damaged entries: their cases were made again.
    pub damaged: Vec<Refused>,
    /// Entries that could not be written: their cases will be made again.
    pub unwritten: Vec<Refused>,
}

/// Cases as the steps before the first random one leave them, for all threads of a loader.
///
/// Threads that ask for one case at the same time wait for the first of them; do not ask from within tasks of a thread pool
/// that the reader or the steps use too.
pub struct CaseCache<const D: usize> {
    reader: Box<dyn CaseReader<D>>,
    pipeline: Compose<D>,
    /// Where voxels of classes are chosen, for patches.
    key: Key,
    memory: Memory<Case<D>>,
    disk: Option<Disk>,
    /// SHA-256 of each case's files, once it is known.
    contents: Mutex<Vec<Option<[u8; 32]>>>,
    report: Mutex<CacheReport>,
}

impl<const D: usize> std::fmt::Debug for CaseCache<D> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CaseCache")
            .field("cases", &self.reader.count())
            .field("pipeline", &self.pipeline)
            .field("disk", &self.disk)
            .field("report", &self.report())
            .finish_non_exhaustive()
    }
}

impl<const D: usize> CaseCache<D> {
    /// Cases of a reader through a pipeline, nothing of them kept yet; `seed` chooses the voxels that patches are drawn
    /// around.
    #[must_use]
    pub fn new(reader: Box<dyn CaseReader<D>>, pipeline: Compose<D>, seed: u64) -> Self {
        Self {
            contents: Mutex::new(vec![None; reader.count()]),
            reader,
            pipeline,
            key: Key::new(seed),
            memory: Memory::new(0),
            disk: None,
            report: Mutex::default(),
        }
    }

    /// Keeps cases in memory as long as they take up at most so many bytes together; those not used for longest go first.
    ///
    /// Cases that a thread still works with are not counted once they have left the cache.
    #[must_use]
    pub fn with_memory(self, bytes: usize) -> Self {
        Self {
            memory: Memory::new(bytes),
            ..self
        }
    }

    /// Keeps cases in files of a folder, too, which is made if it is not there; the files take up at most so many bytes together, and
    /// those not used for longest are removed first. Processes may share a folder.
    ///
    /// A file is named by the case's name, the contents of its files, the reader's [identity](CaseReader::identity), the
    /// steps and the version of this crate, written whole or not at all, and checked whenever it is read.
    ///
    /// # Errors
    /// Refuses a folder that cannot be made or listed, steps that cannot be described, and two cases of one name.
    pub fn with_disk(self, folder: impl Into<PathBuf>, bytes: u64) -> Result<Self> {
        let mut names = HashSet::new();
        for case in (0..self.count()).map(|number| self.name(number)) {
            if let Some(case) = names.replace(case) {
                return Err(Error::SameName { case });
            }
        }
        let steps = self
            .pipeline
            .prefix()
            .hash()
            .map_err(|source| Error::Transform {
                case: "of the cache".to_owned(),
                source: Box::new(source),
            })?;
        let reader = self.reader.identity();
        let recipe = format!("{D} axes, steps {steps}, reader {reader:?}");
        let disk = Disk::open(folder.into(), bytes, recipe)?;
        Ok(Self {
            disk: Some(disk),
            ..self
        })
    }

    /// Number of cases.
    #[must_use]
    pub fn count(&self) -> usize {
        self.reader.count()
    }

    /// Name of a case.
    #[must_use]
    pub fn name(&self, number: usize) -> String {
        self.reader.name(number)
    }

    /// The whole pipeline.
    #[must_use]
    pub fn pipeline(&self) -> &Compose<D> {
        &self.pipeline
    }

    /// What the cache did so far.
    #[must_use]
    pub fn report(&self) -> CacheReport {
        let mut report = self.lock_report().clone();
        report.evicted = self.memory.evicted();
        report
    }

    /// Bytes kept in memory now.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.memory.bytes()
    }

    /// A case as the steps before the first random one leave it.
    ///
    /// # Errors
    /// Passes on what reader and steps refuse.
    pub fn case(&self, number: usize) -> Result<Arc<Case<D>>> {
        let count = self.reader.count();
        if number >= count {
            return Err(Error::NoSuchCase { number, count });
        }
        let size = |case: &Case<D>| {
            case.sample().bytes() + case.locations().map_or(0, |found| found.bytes())
        };
        let (case, found) = self
            .memory
            .get_or_make(number, size, || self.load(number))?;
        if found {
            self.lock_report().from_memory += 1;
        }
        Ok(case)
    }

    /// A sample of the whole pipeline: the case as it is kept, then the random steps under `key`.
    ///
    /// # Errors
    /// As [`CaseCache::case`], and passes on what the random steps refuse.
    pub fn sample(&self, number: usize, key: Key) -> Result<Sample<D>> {
        let sample = self.case(number)?.sample().clone();
        self.pipeline
            .apply_after_prefix(sample, key)
            .map_err(|source| self.transform(number, source))
    }

    /// A case from disk, or read and prepared.
    fn load(&self, number: usize) -> Result<Case<D>> {
        let Some(path) = self.path(number)? else {
            return self.make(number).map(|sample| self.finished(sample));
        };
        let disk = self
            .disk
            .as_ref()
            .expect("a path is a path of the disk cache");
        match disk.read(&path) {
            Found::Sample(sample) => {
                self.lock_report().from_disk += 1;
                return Ok(self.finished(*sample));
            }
            Found::Nothing => {}
            Found::Damaged(reason) => {
                let path = path.clone();
                self.lock_report().damaged.push(Refused { path, reason });
            }
        }
        let sample = self.make(number)?;
        if let Err(reason) = disk.write(&path, &sample) {
            self.lock_report().unwritten.push(Refused { path, reason });
        }
        Ok(self.finished(sample))
    }

    fn make(&self, number: usize) -> Result<Sample<D>> {
        let sample = self.reader.read(number).map_err(|source| Error::Reading {
            case: self.name(number),
            source,
        })?;
        let prepared = self
            .pipeline
            .apply_prefix(sample)
            .map_err(|source| self.transform(number, source))?;
        self.lock_report().made += 1;
        Ok(prepared)
    }

    fn finished(&self, sample: Sample<D>) -> Case<D> {
        Case::new(sample, None, self.key)
    }

    /// The file of a case; `None` without a disk cache or files.
    fn path(&self, number: usize) -> Result<Option<PathBuf>> {
        let Some(disk) = &self.disk else {
            return Ok(None);
        };
        let known = self.lock_contents()[number];
        let content = match known {
            Some(content) => content,
            None => {
                let files = self.reader.files(number);
                if files.is_empty() {
                    return Ok(None);
                }
                let content = disk::content(&files)?;
                self.lock_contents()[number] = Some(content);
                content
            }
        };
        Ok(Some(disk.path(&self.name(number), content)))
    }

    fn transform(&self, number: usize, source: medaug::Error) -> Error {
        Error::Transform {
            case: self.name(number),
            source: Box::new(source),
        }
    }

    // A panic never happens while one of these is locked, so poison means nothing.
    fn lock_report(&self) -> MutexGuard<'_, CacheReport> {
        self.report.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_contents(&self) -> MutexGuard<'_, Vec<Option<[u8; 32]>>> {
        self.contents.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
