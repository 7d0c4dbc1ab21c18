//! Whole instances as DICOM files.

use std::io::Read;

use crate::dicom::{self, DicomFile, ReadOptions};

use super::super::client::{Client, Failure, wrong};
use super::super::fault::Fault;
use super::super::media_type::MediaType;
use super::super::multipart::MultipartReader;
use super::super::resource::Resource;
use super::super::transport::{Answer, Request};

/// Instances as the server keeps them: without `transfer-syntax=*` it may have to decompress them.
pub(super) const ACCEPT: &str = "multipart/related; type=\"application/dicom\"; transfer-syntax=*";

const DICOM: &str = "application/dicom";

/// Calls `take` with the bytes of every instance of an answer.
pub(super) fn each_instance(
    answer: Answer,
    limit: (&'static str, u64),
    mut take: impl FnMut(&mut dyn Read) -> Result<(), Failure>,
) -> Result<(), Failure> {
    let media_type = answer.media_type()?;
    let wrong_type = answer.unexpected(DICOM);
    let (what, most) = limit;
    match media_type {
        Some(media_type) if media_type.is_multipart() => {
            let mut parts = MultipartReader::of(answer.body(what, most)?, &media_type)?;
            while let Some(mut part) = parts.next_part()? {
                let media_type = part.media_type()?;
                // A part that does not say what it is can only be what was asked for.
                if media_type
                    .as_ref()
                    .is_some_and(|m: &MediaType| m.essence() != DICOM)
                {
                    return Err(Failure::Web(wrong_type));
                }
                take(&mut part)?;
            }
            parts.into_inner().finish();
            Ok(())
        }
        Some(media_type) if media_type.essence() == DICOM => take(&mut answer.body(what, most)?),
        _ => Err(Failure::Web(wrong_type)),
    }
}

impl Client {
    /// An instance in memory.
    ///
    /// # Errors
    /// Refuses resources that are no instance, answers of other instances or of several, damaged ones, more
    /// than the settings allow, and passes on what the server and the way to it say.
    pub fn instance(&self, instance: &Resource) -> crate::Result<DicomFile> {
        if instance.instance_uid().is_none() {
            let fault = Fault::setting("what is read into memory", "an instance");
            return Err(wrong("fetch an instance")(fault));
        }
        let request = Request::get(self.service().below(&instance.to_string()), ACCEPT);
        let limit = ("an instance in memory", self.settings().max_memory);
        self.exchange(&request, |answer| {
            let mut found: Vec<Vec<u8>> = Vec::new();
            each_instance(answer.successful()?, limit, |part| {
                let mut bytes = Vec::new();
                if found.is_empty() {
                    part.read_to_end(&mut bytes)?;
                }
                found.push(bytes);
                if found.len() > 1 {
                    return Err(one("several"));
                }
                Ok(())
            })?;
            let bytes = found.pop().ok_or_else(|| one("none"))?;
            let file = dicom::decode(bytes, &ReadOptions::new()).map_err(Fault::from)?;
            instance.check(file.dataset())?;
            Ok(file)
        })
    }
}

fn one(got: &str) -> Failure {
    Failure::Web(Fault::Answer {
        rule: "the one instance that was asked for",
        got: got.to_owned(),
    })
}
