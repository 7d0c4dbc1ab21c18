//! A client of DICOMweb servers (PS3.18): search, fetch and store over HTTP.
//!
//! ```no_run
//! use medio::dicomweb::{Client, Query, Resource, Settings, Store};
//!
//! let settings = Settings::new().basic("reader", "secret").connections(4);
//! let client = Client::with_settings("https://pacs.example/dicom-web", settings)?;
//!
//! for found in client.search(&Query::series().patient_id("P-7").modality("CT")) {
//!     let series = Resource::of(&found?)?;
//!     client.download(&series, "ct")?;
//! }
//! let volume = medio::dicom::scan("ct")?.only()?.volume::<f32>()?;
//!
//! let report = client.store(&Store::new().file("segmentation.dcm"))?;
//! assert!(report.all_stored());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! The client blocks and needs no runtime: threads of the caller wait, and as many of its own as
//! [`Settings::connections`] says. Everything that comes from a server is held to be hostile: answers end where
//! the settings say, instances are written to disk as they come and have no name before they are complete and
//! known to be what was asked for, UIDs are checked before they become names, bulk data is fetched from the
//! server itself only, and no credentials go anywhere else. Requests that failed in passing are sent again
//! ([`Retry`]).

mod body;
mod client;
mod credentials;
mod fault;
mod json;
mod matches;
mod media_type;
mod multipart;
mod progress;
mod query;
mod resource;
mod retrieve;
mod retry;
mod settings;
mod store;
mod transport;
mod uid;
mod url;

pub use body::Body;
pub use client::Client;
pub use fault::Fault;
pub use matches::Matches;
pub use media_type::MediaType;
pub use multipart::{MultipartReader, Part};
pub use query::Query;
pub use resource::Resource;
pub use retrieve::{Download, FrameEncoding, Rendering};
pub use retry::Retry;
pub use settings::{Progress, Proxy, Settings, TlsRoots};
pub use store::{Failed, Reason, Store, StoreReport, Stored};
pub use uid::Uid;
