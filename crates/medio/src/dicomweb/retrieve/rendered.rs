//! Pictures that the server draws.

use super::super::body::{Body, bodies};
use super::super::client::{Client, Failure, wrong};
use super::super::fault::Fault;
use super::super::resource::Resource;
use super::super::transport::Request;

/// How the server is to draw a picture (PS3.18 section 8.3.5).
///
/// ```
/// use medio::dicomweb::Rendering;
///
/// let liver = Rendering::png().window(60.0, 160.0).viewport(512, 512);
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Rendering {
    accept: &'static str,
    frame: Option<u32>,
    window: Option<[f64; 2]>,
    viewport: Option<[u32; 2]>,
    quality: Option<u8>,
}

impl Default for Rendering {
    fn default() -> Self {
        Self::png()
    }
}

impl Rendering {
    fn new(accept: &'static str) -> Self {
        Self {
            accept,
            frame: None,
            window: None,
            viewport: None,
            quality: None,
        }
    }

    /// Without loss.
    #[must_use]
    pub fn png() -> Self {
        Self::new("image/png")
    }

    /// Small.
    #[must_use]
    pub fn jpeg() -> Self {
        Self::new("image/jpeg")
    }

    /// Draws this frame, from 1, of an instance.
    #[must_use]
    pub fn frame(mut self, number: u32) -> Self {
        self.frame = Some(number);
        self
    }

    /// Shows values around `center` in the range of `width`, by a linear window.
    #[must_use]
    pub fn window(mut self, center: f64, width: f64) -> Self {
        self.window = Some([center, width]);
        self
    }

    /// Fits the picture into so many pixels.
    #[must_use]
    pub fn viewport(mut self, width: u32, height: u32) -> Self {
        self.viewport = Some([width, height]);
        self
    }

    /// Quality of a JPEG, 1 to 100.
    #[must_use]
    pub fn quality(mut self, quality: u8) -> Self {
        self.quality = Some(quality);
        self
    }

    /// Refuses what no server can draw.
    fn check(&self) -> Result<(), Fault> {
        let refused = |what, rule| Err(Fault::setting(what, rule));
        match *self {
            Self { frame: Some(0), .. } => refused("a frame to be drawn", "1 or more"),
            Self {
                window: Some([center, width]),
                ..
            } if !center.is_finite() || !width.is_finite() || width < 1.0 => {
                refused("a window", "of finite values, and 1 wide or more")
            }
            Self {
                viewport: Some([width, height]),
                ..
            } if width == 0 || height == 0 => refused("a viewport", "of 1 pixel or more each way"),
            Self {
                quality: Some(quality),
                ..
            } if !(1..=100).contains(&quality) => refused("a quality", "1 to 100"),
            _ => Ok(()),
        }
    }

    fn query(&self) -> String {
        let mut parts = Vec::new();
        if let Some([center, width]) = self.window {
            parts.push(format!("window={center},{width},linear"));
        }
        if let Some([width, height]) = self.viewport {
            parts.push(format!("viewport={width},{height}"));
        }
        if let Some(quality) = self.quality {
            parts.push(format!("quality={quality}"));
        }
        parts.join("&")
    }
}

impl Client {
    /// A picture of a resource.
    ///
    /// # Errors
    /// Refuses what cannot be drawn, frames of other resources than instances, answers of another type, more than the settings allow,
    /// and passes on what the server and the way to it say.
    pub fn rendered(&self, resource: &Resource, rendering: &Rendering) -> crate::Result<Body> {
        self.picture(resource, "rendered", rendering)
    }

    /// A small picture of a resource, as the server makes them for lists.
    ///
    /// # Errors
    /// As [`Self::rendered`].
    pub fn thumbnail(&self, resource: &Resource, rendering: &Rendering) -> crate::Result<Body> {
        self.picture(resource, "thumbnail", rendering)
    }

    fn picture(
        &self,
        resource: &Resource,
        kind: &'static str,
        rendering: &Rendering,
    ) -> crate::Result<Body> {
        rendering.check().map_err(wrong("draw a picture"))?;
        let path = match rendering.frame {
            None => format!("{resource}/{kind}"),
            Some(number) if resource.instance_uid().is_some() => {
                format!("{resource}/frames/{number}/{kind}")
            }
            Some(_) => {
                let fault = Fault::setting("a frame to be drawn", "that of an instance");
                return Err(wrong("draw a picture")(fault));
            }
        };
        let url = self.service().below(&path).with_query(&rendering.query());
        let request = Request::get(url, rendering.accept);
        let max_memory = self.settings().max_memory;
        self.exchange(&request, |answer| {
            let answer = answer.successful()?;
            let wrong_type = answer.unexpected(rendering.accept);
            let mut pictures = bodies(answer, max_memory)?;
            let drawn = |body: &Body| {
                let media_type = body.media_type.as_ref();
                media_type.is_some_and(|media_type| media_type.essence() == rendering.accept)
            };
            match (pictures.pop(), pictures.is_empty()) {
                (Some(picture), true) if drawn(&picture) => Ok(picture),
                _ => Err(Failure::Web(wrong_type)),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_drawn_is_refused() {
        let plain = Rendering::jpeg;
        for (rendering, drawn) in [
            (
                plain().window(-600.0, 1.0).viewport(1, 9).quality(100),
                true,
            ),
            (plain().window(f64::NAN, 400.0), false),
            (plain().window(40.0, 0.5), false),
            (plain().window(40.0, f64::INFINITY), false),
            (plain().viewport(64, 0), false),
            (plain().quality(0), false),
            (plain().quality(101), false),
            (plain().frame(0), false),
        ] {
            assert_eq!(rendering.check().is_ok(), drawn, "{rendering:?}");
        }
    }

    #[test]
    fn a_rendering_is_a_query() {
        assert_eq!(Rendering::png().query(), "");
        let all = Rendering::jpeg()
            .window(40.5, 400.0)
            .viewport(64, 32)
            .quality(80);
        assert_eq!(
            all.query(),
            "window=40.5,400,linear&viewport=64,32&quality=80"
        );
    }
}
