//! The matches of a search, page by page.

use std::collections::HashSet;
use std::vec;

use crate::dicom::{Dataset, Tag};

use super::client::{Client, Failure, wrong};
use super::fault::Fault;
use super::json;
use super::query::{Level, Query};
use super::transport::Request;

/// The matches of a search, asked for page by page as they are needed; ends after its first error.
///
/// The same match is given once, also where the server's list moves between two pages. A server that
/// gives fewer matches at a time than it is asked for is asked on until it has no more.
#[derive(Debug)]
pub struct Matches {
    client: Client,
    query: Query,
    page: vec::IntoIter<Dataset>,
    offset: u64,
    left: u64,
    seen: HashSet<String>,
    done: bool,
}

/// Bytes that the UID of a match takes at least while the others are asked for.
const LEAST: u64 = 256;

impl Client {
    /// Searches for studies, series or instances; nothing is sent before the first match is asked for.
    ///
    /// An empty list, status 204 and status 404 all mean that nothing matches.
    #[must_use]
    pub fn search(&self, query: &Query) -> Matches {
        Matches {
            client: self.clone(),
            page: Vec::new().into_iter(),
            offset: query.first(),
            left: query.most().unwrap_or(u64::MAX),
            query: query.clone(),
            seen: HashSet::new(),
            done: false,
        }
    }
}

impl Matches {
    /// The attribute that tells matches apart.
    fn key(&self) -> Tag {
        match self.query.level() {
            Level::Study => Tag::STUDY_INSTANCE_UID,
            Level::Series => Tag::SERIES_INSTANCE_UID,
            Level::Instance => Tag::SOP_INSTANCE_UID,
        }
    }

    fn turn(&mut self) -> crate::Result<()> {
        let asked = self.query.page_size().min(self.left);
        let path = self.query.path().map_err(wrong("search"))?;
        let query = self.query.text(asked, self.offset);
        let url = self.client.service().below(&path).with_query(&query);
        let request = Request::get(url, json::MEDIA_TYPE);
        let max_memory = self.client.settings().max_memory;
        let page = self.client.exchange(&request, |answer| {
            if answer.status == 404 {
                return Ok(Vec::new());
            }
            let text = json::text(answer.successful()?, max_memory)?;
            let page = text.map(|text| json::datasets(&text)).transpose()?;
            Ok::<_, Failure>(page.unwrap_or_default())
        })?;
        let fresh = self.keep(page, asked).map_err(wrong(request.public()))?;
        self.page = fresh.into_iter();
        Ok(())
    }

    /// Those of a page that were not there before.
    fn keep(&mut self, page: Vec<Dataset>, asked: u64) -> Result<Vec<Dataset>, Fault> {
        let count = u64::try_from(page.len()).unwrap_or(u64::MAX);
        let key = self.key();
        let mut fresh = Vec::with_capacity(page.len());
        for dataset in page {
            let uid = dataset.required_string(key)?;
            if self.seen.insert(uid) {
                fresh.push(dataset);
            }
        }
        let limit = self.client.settings().max_memory;
        let known = u64::try_from(self.seen.len()).unwrap_or(u64::MAX);
        if known.saturating_mul(LEAST) > limit {
            let what = "a list of matches without end";
            return Err(Fault::TooLarge { what, limit });
        }
        let turned = self.offset > self.query.first();
        if turned && fresh.is_empty() && count >= asked {
            return Err(Fault::Answer {
                rule: "the next matches must begin at the offset that was asked for",
                got: format!("{count} matches again that were given before"),
            });
        }
        fresh.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
        let given = u64::try_from(fresh.len()).unwrap_or(u64::MAX);
        self.left = self.left.saturating_sub(given);
        self.offset = self.offset.saturating_add(count);
        // More than a page can only be all there is.
        self.done = fresh.is_empty() || self.left == 0 || count > asked;
        Ok(fresh)
    }
}

impl Iterator for Matches {
    type Item = crate::Result<Dataset>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(dataset) = self.page.next() {
                return Some(Ok(dataset));
            }
            if self.done || self.left == 0 {
                return None;
            }
            if let Err(error) = self.turn() {
                self.done = true;
                return Some(Err(error));
            }
        }
    }
}
