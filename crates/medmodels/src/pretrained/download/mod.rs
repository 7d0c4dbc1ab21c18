//! Published files over HTTPS into a store (feature `download`).

mod fault;
mod settings;

use std::io::{self, Read, Write};
use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use medcore::atomic::Pending;
use sha2::{Digest, Sha256};
use ureq::http::StatusCode;

pub use fault::DownloadFault;
pub use settings::{DownloadSettings, Progress, TlsRoots};

use super::Manifest;
use super::store::{Store, hexadecimal};
use crate::error::{Error, Result};

type Fetched<T> = std::result::Result<T, DownloadFault>;

/// Bytes read at a time, after which progress is told.
const PIECE: usize = 1 << 16;

/// Servers on the way from the address to the file.
const MAX_REDIRECTS: u32 = 8;

impl Store {
    /// Where the file of a manifest is, after it was fetched from where it is published if it was not there or was damaged.
    ///
    /// The file is written beside its place and gets its name after its hash was found right, so what stands in the store is
    /// whole; an older file of that name is replaced. Nothing but HTTPS is spoken, also where a server leads elsewhere.
    ///
    /// ```no_run
    /// use medmodels::pretrained::{self, DownloadSettings, Store};
    ///
    /// let store = Store::of_user().expect("a home directory");
    /// let manifest = pretrained::manifest("resnet18.imagenet1k_v1")?;
    /// let settings = DownloadSettings::new().with_max_bytes(1 << 30);
    /// let path = store.download(&manifest, &settings)?;
    /// println!("{} ({})", path.display(), manifest.licence);
    /// # Ok::<(), medmodels::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the manifest cannot be used, and [`Error::Download`] for what the server, the way to it and the system say.
    pub fn download(&self, manifest: &Manifest, settings: &DownloadSettings) -> Result<PathBuf> {
        manifest.check()?;
        let path = self.path(manifest);
        if path.is_file() && super::store::sha256(&path)?.starts_with(&manifest.sha256) {
            return Ok(path);
        }
        match fetch(manifest, settings, &path) {
            Ok(()) => Ok(path),
            Err(fault) => Err(Error::Download {
                tag: manifest.tag.clone(),
                source_url: manifest.source.clone(),
                fault: Box::new(fault),
            }),
        }
    }
}

/// Fetches a file and gives it its name.
fn fetch(manifest: &Manifest, settings: &DownloadSettings, path: &Path) -> Fetched<()> {
    if !manifest.source.starts_with("https://") {
        return Err(DownloadFault::NotHttps);
    }
    let agent = agent(settings)?;
    let request = agent.get(&manifest.source);
    let response = request.header("accept-encoding", "identity").call()?;
    if response.status() != StatusCode::OK {
        return Err(DownloadFault::Status(response.status().as_u16()));
    }
    let expected = response.body().content_length();
    let limit = settings.max_bytes;
    if let Some(bytes) = expected.filter(|&bytes| bytes > limit) {
        return Err(DownloadFault::TooLarge { bytes, limit });
    }
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(|cause| DownloadFault::Folder {
            folder: folder.to_owned(),
            cause,
        })?;
    }
    let mut incoming = Incoming {
        settings,
        expected,
        bytes: 0,
        hash: Sha256::new(),
        fault: None,
    };
    let mut body = response.into_body().into_reader();
    let filled = Pending::fill(path, |out| incoming.copy(&mut body, out));
    if let Some(fault) = incoming.fault {
        return Err(fault);
    }
    let filled = filled?;
    let found = hexadecimal(&incoming.hash.finalize());
    if !found.starts_with(&manifest.sha256) {
        return Err(DownloadFault::OtherHash {
            expected: manifest.sha256.clone(),
            found,
        });
    }
    Ok(filled.commit()?)
}

fn agent(settings: &DownloadSettings) -> Fetched<ureq::Agent> {
    let config = ureq::Agent::config_builder()
        .https_only(true)
        .http_status_as_error(false)
        .max_redirects(MAX_REDIRECTS)
        .max_redirects_will_error(true)
        .user_agent(concat!("medmodels/", env!("CARGO_PKG_VERSION")))
        .timeout_resolve(Some(settings.connect_timeout))
        .timeout_connect(Some(settings.connect_timeout))
        .timeout_per_read(Some(settings.read_timeout))
        .timeout_per_write(Some(settings.read_timeout))
        .tls_config(settings.roots.tls()?);
    Ok(config.build().new_agent())
}

/// A file on its way.
struct Incoming<'a> {
    settings: &'a DownloadSettings,
    expected: Option<u64>,
    bytes: u64,
    hash: Sha256,
    /// Why it ended, where the disk was not to blame.
    fault: Option<DownloadFault>,
}

impl Incoming<'_> {
    /// Copies all of a body; a fault of its own is kept, and the copy ends with any error.
    fn copy(&mut self, body: &mut dyn Read, out: &mut dyn Write) -> io::Result<()> {
        let mut piece = vec![0; PIECE];
        loop {
            let length = match self.next(body, &mut piece) {
                Ok(0) => return Ok(()),
                Ok(length) => length,
                Err(fault) => {
                    self.fault = Some(fault);
                    return Err(io::Error::other("the download ended"));
                }
            };
            out.write_all(&piece[..length])?;
        }
    }

    /// Reads the next piece of a body and counts it; 0 bytes at its end.
    fn next(&mut self, body: &mut dyn Read, piece: &mut [u8]) -> Fetched<usize> {
        let length = body.read(piece).map_err(DownloadFault::read)?;
        if length == 0 {
            return match self.expected {
                Some(expected) if self.bytes < expected => Err(DownloadFault::Incomplete {
                    bytes: self.bytes,
                    expected,
                }),
                _ => Ok(0),
            };
        }
        self.hash.update(&piece[..length]);
        self.bytes = self.bytes.saturating_add(length as u64);
        let limit = self.settings.max_bytes;
        if self.bytes > limit {
            let bytes = self.bytes;
            return Err(DownloadFault::TooLarge { bytes, limit });
        }
        let progress = Progress {
            bytes: self.bytes,
            expected: self.expected,
        };
        match self.settings.tell(progress) {
            ControlFlow::Continue(()) => Ok(length),
            ControlFlow::Break(()) => Err(DownloadFault::Stopped),
        }
    }
}
