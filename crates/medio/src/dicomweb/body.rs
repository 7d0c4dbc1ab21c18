//! Bodies in memory: frames, bulk data, pictures.

use super::fault::Fault;
use super::media_type::MediaType;
use super::multipart::MultipartReader;
use super::transport::Answer;

/// Bytes that came from a server, and what they are.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Body {
    /// What the bytes are, if the server says; of frames with their transfer syntax as a parameter.
    pub media_type: Option<MediaType>,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// Bytes that a part takes at least, however short it is.
const LEAST: u64 = 256;

/// The parts of an answer, or the answer as its only part.
pub(super) fn bodies(answer: Answer, max_memory: u64) -> Result<Vec<Body>, Fault> {
    let media_type = answer.media_type()?;
    let body = answer.body("an answer in memory", max_memory)?;
    let mut parts = match media_type {
        Some(media_type) if media_type.is_multipart() => MultipartReader::of(body, &media_type)?,
        media_type => {
            let bytes = body.into_bytes()?;
            return Ok(vec![Body { media_type, bytes }]);
        }
    };
    let mut bodies = Vec::new();
    let most = max_memory.checked_div(LEAST).unwrap_or(0);
    while let Some(mut part) = parts.next_part()? {
        let media_type = part.media_type()?;
        let mut bytes = Vec::new();
        std::io::Read::read_to_end(&mut part, &mut bytes)?;
        bodies.push(Body { media_type, bytes });
        if u64::try_from(bodies.len()).unwrap_or(u64::MAX) > most {
            let (what, limit) = ("an answer of many parts in memory", max_memory);
            return Err(Fault::TooLarge { what, limit });
        }
    }
    parts.into_inner().finish();
    Ok(bodies)
}
