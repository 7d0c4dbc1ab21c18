//! Single frames of an instance.

use super::super::body::{Body, bodies};
use super::super::client::{Client, Failure, wrong};
use super::super::fault::Fault;
use super::super::resource::Resource;
use super::super::transport::Request;

/// How frames are to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum FrameEncoding {
    /// As the server keeps them, compressed or not: nothing is lost and nothing is computed.
    #[default]
    Stored,
    /// As native pixels, little-endian; servers without the decoder refuse.
    Native,
}

/// Frames asked for at a time: their numbers stand in the URL.
const MOST: usize = 100;

impl Client {
    /// Frames of an instance by their numbers, from 1, in the order of the numbers.
    ///
    /// # Errors
    /// Refuses frame 0, resources that are no instance, answers with another number of frames, more than the
    /// settings allow, and passes on what the server and the way to it say.
    pub fn frames(
        &self,
        instance: &Resource,
        numbers: &[u32],
        encoding: FrameEncoding,
    ) -> crate::Result<Vec<Body>> {
        let setting = |what: &str, rule| wrong("fetch frames")(Fault::setting(what, rule));
        if instance.instance_uid().is_none() {
            return Err(setting(
                "the resource whose frames are fetched",
                "an instance",
            ));
        }
        if numbers.contains(&0) {
            return Err(setting("frame numbers", "1 or more"));
        }
        let accept = match encoding {
            FrameEncoding::Stored => {
                "multipart/related; type=\"application/octet-stream\"; transfer-syntax=*"
            }
            FrameEncoding::Native => {
                "multipart/related; type=\"application/octet-stream\"; \
                 transfer-syntax=1.2.840.10008.1.2.1"
            }
        };
        let mut frames = Vec::with_capacity(numbers.len());
        let mut room = self.settings().max_memory;
        for group in numbers.chunks(MOST) {
            let list: Vec<String> = group.iter().map(u32::to_string).collect();
            let path = format!("{instance}/frames/{}", list.join(","));
            let request = Request::get(self.service().below(&path), accept);
            let found = self.exchange(&request, |answer| {
                let found = bodies(answer.successful()?, room)?;
                if found.len() != group.len() {
                    return Err(Failure::Web(Fault::Answer {
                        rule: "one part for each frame that was asked for",
                        got: format!("{} parts for {} frames", found.len(), group.len()),
                    }));
                }
                Ok(found)
            })?;
            for frame in &found {
                room = room.saturating_sub(u64::try_from(frame.bytes.len()).unwrap_or(u64::MAX));
            }
            frames.extend(found);
        }
        Ok(frames)
    }
}
