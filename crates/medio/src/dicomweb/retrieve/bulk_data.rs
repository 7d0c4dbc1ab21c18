//! Values that metadata only points to.

use super::super::body::{Body, bodies};
use super::super::client::{Client, Failure, wrong};
use super::super::fault::Fault;
use super::super::transport::{Follow, Request};
use super::super::url::Url;

const ACCEPT: &str = "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*, \
    application/octet-stream; transfer-syntax=*, */*; q=0.1";

impl Client {
    /// The value that a `BulkDataURI` points to: one body, or of encapsulated pixel data one a frame.
    ///
    /// A server that does not know that it is reached over `https`, behind a proxy, writes references of scheme
    /// `http`: those below the path of the service are asked for over `https`.
    ///
    /// # Errors
    /// Refuses URIs of another origin than the service and redirections to one, passes on what the server and the way to it say, and
    /// refuses more than the settings allow.
    pub fn bulk_data(&self, uri: &str) -> crate::Result<Vec<Body>> {
        let url = self.own(uri).map_err(wrong("fetch bulk data"))?;
        let request = Request {
            follow: Follow::SameOrigin,
            ..Request::get(url, ACCEPT)
        };
        let max_memory = self.settings().max_memory;
        self.exchange(&request, |answer| {
            let found = bodies(answer.successful()?, max_memory)?;
            Ok::<_, Failure>(found)
        })
    }

    fn own(&self, uri: &str) -> Result<Url, Fault> {
        let foreign = |url: String| Fault::ForeignOrigin {
            url: url.chars().take(200).collect(),
            origin: self.service().origin(),
        };
        let Ok(url) = self.service().resolve(uri) else {
            let uri = uri.split_once('?').map_or(uri, |(before, _)| before);
            return Err(foreign(uri.to_owned()));
        };
        match self.service().take_in(&url) {
            Some(url) => Ok(url),
            None => Err(foreign(url.public())),
        }
    }
}
