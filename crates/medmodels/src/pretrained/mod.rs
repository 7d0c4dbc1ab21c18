//! Weights that others published: what they are, where they come from, under which licence, and how they reach a network.
//!
//! A [`Manifest`] says where a file is published and which hash it has, a [`Store`] is a folder of such files, and a file is
//! read after its hash was found right. Nothing is downloaded unless it is asked for: whether an application may ask the
//! network, and whom, is the application's choice. With the feature `download`, which is off by default, `Store::download`
//! fetches the file of a manifest over HTTPS.
//!
//! ```no_run
//! use medmodels::pretrained::{self, Store};
//! use medmodels::registry::Request;
//!
//! // Chest X-rays on weights of photographs: one channel, 14 findings.
//! let request = Request::new().with_in_channels(1).with_out_channels(14);
//! let store = Store::of_user().expect("a home directory");
//! let found = store.network(&pretrained::manifest("resnet18.imagenet1k_v1")?, &request, 7)?;
//! println!("{}", found.report); // 120 loaded; the stem was adapted, the head is new
//! # Ok::<(), medmodels::Error>(())
//! ```

#[cfg(feature = "download")]
mod download;
mod known;
mod manifest;
mod picture;
mod store;

#[cfg(feature = "download")]
pub use download::{DownloadFault, DownloadSettings, Progress, TlsRoots};
pub use known::manifests;
pub use manifest::{AxisOrder, Manifest};
pub use picture::Picture;
pub use store::{Pretrained, Store};

use crate::error::{Error, Result};

/// The manifest of this tag, of those that are built in.
///
/// # Errors
/// For another tag; the error has the tags of the same network.
pub fn manifest(tag: &str) -> Result<Manifest> {
    let known = manifests();
    if let Some(found) = known.iter().find(|manifest| manifest.tag == tag) {
        return Ok(found.clone());
    }
    let network = tag.split('.').next().unwrap_or(tag);
    let same = known.into_iter().filter(|m| m.network == network);
    Err(Error::UnknownWeights {
        tag: tag.to_owned(),
        alike: same.map(|m| m.tag).collect(),
    })
}
