//! Instances to files, each complete and checked before it has its name.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread;

use medcore::atomic::Pending;

use crate::dicom::{self, ReadOptions, Tag};

use super::super::client::{Client, Failure, wrong};
use super::super::fault::Fault;
use super::super::progress::Tally;
use super::super::query::Query;
use super::super::resource::Resource;
use super::super::transport::Request;
use super::super::uid::Uid;
use super::instances::{ACCEPT, each_instance};

/// What was downloaded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Download {
    /// The files, `SOPInstanceUID.dcm`, in the order of their names.
    pub files: Vec<PathBuf>,
    /// Their bytes together.
    pub bytes: u64,
}

/// The folder in which instances arrive, and those that did.
struct Incoming<'a> {
    folder: &'a Path,
    max_instance: u64,
    max_download: u64,
    tally: Tally,
    done: Mutex<Done>,
}

/// The bytes of each instance that arrived, and of all.
#[derive(Default)]
struct Done {
    instances: BTreeMap<Uid, u64>,
    bytes: u64,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn counted(bytes: usize) -> u64 {
    u64::try_from(bytes).unwrap_or(u64::MAX)
}

impl Client {
    /// Downloads all instances of a resource into a folder, which is made if it is not there.
    ///
    /// Instances go to disk as they come, whatever their transfer syntax, and take the name of their SOP
    /// instance UID when they are complete, are DICOM and are of the resource; an older file of that name is
    /// replaced. With one connection they come in a single answer, and all of it again should it break; with
    /// several (see [`Settings::connections`](super::super::Settings::connections)) each on its own. Should the
    /// download fail for good, the instances that were complete stay. Nothing waits for the disk: after a power
    /// failure, download again.
    ///
    /// # Errors
    /// Refuses answers without instances, with damaged, foreign or repeated ones, and larger than the settings
    /// allow; passes on what the server, the way to it and the system say.
    pub fn download(
        &self,
        resource: &Resource,
        folder: impl AsRef<Path>,
    ) -> crate::Result<Download> {
        let folder = folder.as_ref();
        let refused = crate::Error::io("create", folder);
        std::fs::create_dir_all(folder).map_err(refused)?;
        let settings = self.settings();
        let incoming = |expected| Incoming {
            folder,
            max_instance: settings.max_instance,
            max_download: settings.max_download,
            tally: Tally::new(settings.progress.clone(), expected),
            done: Mutex::default(),
        };
        let single = resource.instance_uid().is_some();
        let incoming = if single || settings.connections == 1 {
            let incoming = incoming(single.then_some(1));
            self.fetch(resource, &incoming)?;
            incoming
        } else {
            let instances = self.instances_of(resource)?;
            let incoming = incoming(Some(counted(instances.len())));
            self.fetch_each(&instances, &incoming)?;
            incoming
        };
        let done = locked(&incoming.done);
        let name = |uid: &Uid| folder.join(format!("{uid}.dcm"));
        Ok(Download {
            files: done.instances.keys().map(name).collect(),
            bytes: done.bytes,
        })
    }

    /// The instances of a study or a series, as the server lists them.
    fn instances_of(&self, resource: &Resource) -> crate::Result<Vec<Resource>> {
        let query = Query::instances().within(resource);
        let mut instances = Vec::new();
        for found in self.search(&query.include(Tag::SERIES_INSTANCE_UID)) {
            let found = found?;
            let named = || -> Result<Resource, Fault> {
                let uid = |tag| -> Result<Uid, Fault> { found.required_string(tag)?.parse() };
                let series = match resource.series_uid() {
                    Some(series) => series.clone(),
                    None => uid(Tag::SERIES_INSTANCE_UID)?,
                };
                Ok(resource.with_instance(series, uid(Tag::SOP_INSTANCE_UID)?))
            };
            instances.push(named().map_err(wrong(format!("list {resource}")))?);
        }
        if instances.is_empty() {
            return Err(wrong(format!("list {resource}"))(none()));
        }
        Ok(instances)
    }

    /// Fetches instances over several connections.
    fn fetch_each(&self, instances: &[Resource], incoming: &Incoming<'_>) -> crate::Result<()> {
        let next = AtomicUsize::new(0);
        let stop = AtomicBool::new(false);
        let first_error = Mutex::new(None);
        let work = || {
            while !stop.load(Ordering::Relaxed) {
                let at = next.fetch_add(1, Ordering::Relaxed);
                let Some(instance) = instances.get(at) else {
                    return;
                };
                if let Err(error) = self.fetch(instance, incoming) {
                    stop.store(true, Ordering::Relaxed);
                    locked(&first_error).get_or_insert(error);
                }
            }
        };
        thread::scope(|scope| {
            let threads = self.settings().connections.min(instances.len());
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        let error = first_error
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner);
        error.map_or(Ok(()), Err)
    }

    /// Fetches the instances of one answer.
    fn fetch(&self, resource: &Resource, incoming: &Incoming<'_>) -> crate::Result<()> {
        let request = Request::get(self.service().below(&resource.to_string()), ACCEPT);
        let limit = ("a download", incoming.max_download);
        self.exchange(&request, |answer| {
            let answer = answer.successful()?;
            let partial = answer.status == 206;
            let mut came: BTreeSet<Uid> = BTreeSet::new();
            each_instance(answer, limit, |part| {
                let uid = incoming.keep(resource, part)?;
                if came.contains(&uid) {
                    return Err(Failure::Web(Fault::Answer {
                        rule: "every instance once",
                        got: format!("{uid} twice"),
                    }));
                }
                came.insert(uid);
                Ok(())
            })?;
            if came.is_empty() {
                return Err(Failure::Web(none()));
            }
            if partial {
                let instances = counted(came.len());
                return Err(Failure::Web(Fault::Partial { instances }));
            }
            Ok(())
        })
    }
}

fn none() -> Fault {
    Fault::Answer {
        rule: "at least one instance",
        got: "none".to_owned(),
    }
}

impl Incoming<'_> {
    /// Writes one instance to its file.
    fn keep(&self, resource: &Resource, part: &mut dyn Read) -> Result<Uid, Failure> {
        let mut length = 0_u64;
        let mut fault: Option<Fault> = None;
        let unnamed = self.folder.join("incoming");
        let filled = Pending::fill_unflushed(&unnamed, |out| {
            self.copy(part, out, &mut length)
                .map_err(|failed| match failed {
                    Failed::Reading(reason) => {
                        fault = Some(reason);
                        io::Error::other("the instance did not arrive")
                    }
                    Failed::Writing(error) => error,
                })
        });
        if let Some(fault) = fault {
            return Err(Failure::Web(fault));
        }
        let local = crate::Error::not_written(&unnamed);
        let pending = filled.map_err(|error| Failure::Local(local(error)))?;
        let uid = check(resource, pending.contents())?;
        let name = format!("{uid}.dcm");
        let local = crate::Error::not_written(&self.folder.join(&name));
        let named = pending.renamed(name).commit();
        named.map_err(|error| Failure::Local(local(error)))?;
        let (before, bytes) = {
            let mut done = locked(&self.done);
            let before = done.instances.insert(uid.clone(), length);
            let others = done.bytes.saturating_sub(before.unwrap_or(0));
            done.bytes = others.saturating_add(length);
            (before, done.bytes)
        };
        if bytes > self.max_download {
            let (what, limit) = ("a download", self.max_download);
            return Err(Failure::Web(Fault::TooLarge { what, limit }));
        }
        self.tally.completed(u64::from(before.is_none()))?;
        Ok(uid)
    }

    fn copy(
        &self,
        part: &mut dyn Read,
        out: &mut dyn Write,
        length: &mut u64,
    ) -> Result<(), Failed> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            let n = match part.read(&mut buffer) {
                Ok(0) => return Ok(()),
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Failed::Reading(error.into())),
            };
            *length = length.saturating_add(counted(n));
            if *length > self.max_instance {
                return Err(Failed::Reading(Fault::TooLarge {
                    what: "an instance",
                    limit: self.max_instance,
                }));
            }
            self.tally.moved(n).map_err(Failed::Reading)?;
            let bytes = buffer.get(..n).unwrap_or(&[]);
            out.write_all(bytes).map_err(Failed::Writing)?;
        }
    }
}

/// Which side of a copy failed.
enum Failed {
    Reading(Fault),
    Writing(io::Error),
}

/// The UID of an instance that has arrived, if it is one and belongs to what was asked for.
fn check(resource: &Resource, path: &Path) -> Result<Uid, Failure> {
    // What is doubtful in it is for its reader to say: here it is asked who it is.
    let file = match dicom::open_with(path, &ReadOptions::new().lenient()) {
        Ok(file) => file,
        Err(crate::Error::Dicom { fault, .. }) => return Err(Failure::Web(Fault::Dicom(fault))),
        Err(error) => return Err(Failure::Local(error)),
    };
    resource.check(file.dataset())?;
    let uid = file.dataset().required_string(Tag::SOP_INSTANCE_UID);
    Ok(uid.map_err(Fault::from)?.parse()?)
}
