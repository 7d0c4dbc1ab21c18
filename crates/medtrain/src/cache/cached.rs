//! One case of a cache, to be handed on by splits.

use std::fmt;
use std::sync::Arc;

use medaug::{Case, Compose, Sample};
use medcore::random::Key;

use super::CaseCache;
use crate::error::{Error, Result};

/// A case of a [`CaseCache`]: it is read when it is asked for, and kept as the cache can.
#[derive(Clone)]
pub struct CachedCase<const D: usize> {
    cache: Arc<CaseCache<D>>,
    number: usize,
}

impl<const D: usize> fmt::Debug for CachedCase<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CachedCase").field(&self.number).finish()
    }
}

impl<const D: usize> CachedCase<D> {
    /// The case of a number, whose name must be `id`.
    ///
    /// # Errors
    /// Refuses a number that the cache does not have, and a case of another name.
    pub fn new(cache: &Arc<CaseCache<D>>, number: usize, id: &str) -> Result<Self> {
        let count = cache.count();
        if number >= count {
            return Err(Error::NoSuchCase { number, count });
        }
        let found = cache.name(number);
        if found != id {
            return Err(Error::OtherCase {
                number,
                expected: id.to_owned(),
                found,
            });
        }
        Ok(Self {
            cache: Arc::clone(cache),
            number,
        })
    }

    /// Its number in the cache.
    #[must_use]
    pub fn number(&self) -> usize {
        self.number
    }

    /// The whole pipeline of its cache.
    #[must_use]
    pub fn pipeline(&self) -> &Compose<D> {
        self.cache.pipeline()
    }

    /// The case as the steps before the first random one leave it.
    ///
    /// # Errors
    /// As [`CaseCache::case`].
    pub fn case(&self) -> Result<Arc<Case<D>>> {
        self.cache.case(self.number)
    }

    /// A sample of the whole pipeline under `key`.
    ///
    /// # Errors
    /// As [`CaseCache::sample`].
    pub fn sample(&self, key: Key) -> Result<Sample<D>> {
        self.cache.sample(self.number, key)
    }
}
