//! Instances sent to a server (STOW-RS, PS3.18 section 10.5).

mod report;

pub use report::{Failed, Reason, StoreReport, Stored};

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::dicom::{self, Dataset, ReadOptions, Tag, WriteOptions};

use super::client::{Client, Failure, wrong};
use super::fault::Fault;
use super::json;
use super::multipart::{Content, MultipartBody};
use super::progress::Tally;
use super::transport::{Answer, Follow, Request, excerpt};
use super::uid::Uid;

/// Instances to be stored, from files and from memory.
///
/// ```no_run
/// use medio::dicom::{Dataset, WriteOptions};
/// use medio::dicomweb::{Client, Store};
/// # fn report() -> Dataset { Dataset::new() }
///
/// let client = Client::new("http://localhost:8042/dicom-web")?;
/// let send = Store::new().file("segmentation.dcm").dataset(report(), WriteOptions::new());
/// let answer = client.store(&send)?;
/// for failed in &answer.failed {
///     println!("{:?}: {}", failed.instance_uid, failed.reason);
/// }
/// # Ok::<(), medio::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Store {
    items: Vec<Item>,
    study: Option<Uid>,
    request_bytes: u64,
}

#[derive(Debug, Clone)]
enum Item {
    File(PathBuf),
    Dataset(Box<Dataset>, WriteOptions),
}

impl Default for Store {
    fn default() -> Self {
        Self {
            items: Vec::new(),
            study: None,
            request_bytes: 64 << 20,
        }
    }
}

impl Store {
    /// Nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a DICOM file, which is sent as it is.
    #[must_use]
    pub fn file(mut self, path: impl AsRef<Path>) -> Self {
        self.items.push(Item::File(path.as_ref().to_owned()));
        self
    }

    /// Adds DICOM files.
    #[must_use]
    pub fn files<P: AsRef<Path>>(mut self, paths: impl IntoIterator<Item = P>) -> Self {
        let paths = paths.into_iter();
        self.items
            .extend(paths.map(|path| Item::File(path.as_ref().to_owned())));
        self
    }

    /// Adds a dataset, which is encoded when its turn comes.
    #[must_use]
    pub fn dataset(mut self, dataset: Dataset, options: WriteOptions) -> Self {
        self.items.push(Item::Dataset(Box::new(dataset), options));
        self
    }

    /// Has the server refuse instances of other studies than this one.
    ///
    /// # Errors
    /// Refuses what is no UID.
    pub fn into_study(mut self, study: &str) -> Result<Self, Fault> {
        self.study = Some(study.parse()?);
        Ok(self)
    }

    /// Sends so many bytes in one request at most, or one instance if that is larger; 64 MiB unless told
    /// otherwise. After a broken connection a request is sent again as a whole.
    #[must_use]
    pub fn request_bytes(mut self, bytes: u64) -> Self {
        self.request_bytes = bytes;
        self
    }
}

/// An instance that is about to be sent.
struct Outgoing {
    instance: Uid,
    bytes: u64,
    content: Content,
}

impl Client {
    /// Stores instances and says what became of each.
    ///
    /// That the server refuses some of them is no error but in the report. Instances go over the network from
    /// their files, never a whole series in memory. A request that failed in passing is sent again: an instance
    /// that arrives twice is the same instance.
    ///
    /// # Errors
    /// Refuses files that are no DICOM and datasets that cannot be written, answers without a report, and
    /// passes on what the server and the way to it say. What earlier requests stored stays stored.
    pub fn store(&self, store: &Store) -> crate::Result<StoreReport> {
        let mut report = StoreReport::default();
        let expected = u64::try_from(store.items.len()).ok();
        let tally = Tally::new(self.settings().progress.clone(), expected);
        let mut batch: Vec<Outgoing> = Vec::new();
        let mut bytes = 0_u64;
        for item in &store.items {
            let outgoing = prepare(item)?;
            let after = outgoing.bytes.saturating_add(bytes);
            if !batch.is_empty() && after > store.request_bytes {
                self.post(store, std::mem::take(&mut batch), &tally, &mut report)?;
                bytes = 0;
            }
            bytes = bytes.saturating_add(outgoing.bytes);
            batch.push(outgoing);
        }
        if !batch.is_empty() {
            self.post(store, batch, &tally, &mut report)?;
        }
        Ok(report)
    }

    fn post(
        &self,
        store: &Store,
        batch: Vec<Outgoing>,
        tally: &Tally,
        report: &mut StoreReport,
    ) -> crate::Result<()> {
        let count = u64::try_from(batch.len()).unwrap_or(u64::MAX);
        let mut uids = BTreeSet::new();
        let mut contents = Vec::with_capacity(batch.len());
        for outgoing in batch {
            uids.insert(outgoing.instance.to_string());
            contents.push(outgoing.content);
        }
        let body = MultipartBody::new("application/dicom", contents);
        let path = match &store.study {
            None => "studies".to_owned(),
            Some(study) => format!("studies/{study}"),
        };
        let request = Request {
            url: self.service().below(&path),
            accept: json::MEDIA_TYPE,
            upload: Some(&body),
            follow: Follow::SameOrigin,
        };
        let max_memory = self.settings().max_memory;
        let mut sent = |bytes| tally.moved(bytes).map_err(Fault::into_io);
        let answered = self.exchange_counted(&request, &mut sent, |answer| {
            // A conflict is that of some instances, if the answer says which (PS3.18 table 10.5.3-1).
            let dataset = match answer.status {
                409 => conflict(answer, max_memory)?,
                _ => {
                    let text = json::text(answer.successful()?, max_memory)?;
                    text.map(|text| json::dataset(&text)).transpose()?
                }
            };
            let part = StoreReport::of(&dataset.unwrap_or_default(), &uids)?;
            Ok::<_, Failure>(part)
        })?;
        report.extend(answered);
        tally.completed(count).map_err(wrong(request.public()))
    }
}

/// The report in an answer of status 409, which some servers send without saying that it is JSON.
fn conflict(answer: Answer, max_memory: u64) -> Result<Option<Dataset>, Fault> {
    match answer.media_type() {
        Ok(Some(media_type)) if !media_type.essence().ends_with("json") => {
            return Err(answer.into_fault());
        }
        _ => {}
    }
    let text = json::text(answer, max_memory)?.unwrap_or_default();
    let report = json::dataset(&text).map_err(|_| Fault::Http {
        status: 409,
        excerpt: excerpt(&text),
        retry_after: None,
    })?;
    Ok(Some(report))
}

/// Who an instance is, and what it is to send.
fn prepare(item: &Item) -> crate::Result<Outgoing> {
    match item {
        Item::File(path) => {
            let file = dicom::open_with(path, &ReadOptions::new().lenient())?;
            let status = std::fs::metadata(path).map_err(crate::Error::io("open", path))?;
            let length = status.len();
            Ok(Outgoing {
                instance: uid_of(file.dataset())?,
                bytes: length,
                content: Content::File {
                    path: path.clone(),
                    length,
                },
            })
        }
        Item::Dataset(dataset, options) => {
            let instance = uid_of(dataset)?;
            let name = format!("encode {instance}");
            let bytes = dicom::encode(dataset, options).map_err(Fault::from);
            let bytes = bytes.map_err(wrong(name))?;
            Ok(Outgoing {
                instance,
                bytes: u64::try_from(bytes.len()).unwrap_or(u64::MAX),
                content: Content::Bytes(bytes),
            })
        }
    }
}

fn uid_of(dataset: &Dataset) -> crate::Result<Uid> {
    let uid = dataset.required_string(Tag::SOP_INSTANCE_UID);
    { uid.map_err(Fault::from) }
        .and_then(|uid| uid.parse())
        .map_err(wrong("store an instance"))
}
