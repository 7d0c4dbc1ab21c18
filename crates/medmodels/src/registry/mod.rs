//! Networks under the names people know them by.
//!
//! ```
//! use medmodels::registry::{self, Request};
//! use mednn::params::Params;
//!
//! let xray = Request::new().with_in_channels(1).with_out_channels(14);
//! let config = registry::find("resnet18")?.config(&xray)?;
//! let network = medmodels::create(&config, &Params::new(1))?;
//! assert_eq!(network.params().count(), 11_177_422);
//! # Ok::<(), medmodels::Error>(())
//! ```

mod entries;

use crate::config::{ModelConfig, Task};
use crate::error::{Error, Result};

pub use entries::entries;

/// What a network is to fit; what is not said is as it was published.
///
/// Weights that were published for other channels or classes go into such a network by
/// [`ModelConfig::transfer_policy`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Request {
    spatial_dims: Option<usize>,
    in_channels: Option<usize>,
    out_channels: Option<usize>,
}

impl Request {
    /// The network as published.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks for so many spatial axes.
    #[must_use]
    pub fn with_spatial_dims(self, spatial_dims: usize) -> Self {
        Self {
            spatial_dims: Some(spatial_dims),
            ..self
        }
    }

    /// Asks for images of so many channels.
    #[must_use]
    pub fn with_in_channels(self, in_channels: usize) -> Self {
        Self {
            in_channels: Some(in_channels),
            ..self
        }
    }

    /// Asks for so many classes or regions.
    #[must_use]
    pub fn with_out_channels(self, out_channels: usize) -> Self {
        Self {
            out_channels: Some(out_channels),
            ..self
        }
    }
}

impl Request {
    /// This request, its gaps filled by another.
    pub(crate) fn or(self, other: Self) -> Self {
        Self {
            spatial_dims: self.spatial_dims.or(other.spatial_dims),
            in_channels: self.in_channels.or(other.in_channels),
            out_channels: self.out_channels.or(other.out_channels),
        }
    }
}

/// A request without gaps.
#[derive(Debug, Clone, Copy)]
struct Fit {
    spatial_dims: usize,
    in_channels: usize,
    out_channels: usize,
}

/// A network of the registry.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct Entry {
    /// The name, that of the library where it has one.
    pub name: &'static str,
    /// The library whose parameter names it has.
    pub reference: &'static str,
    /// What it makes of an image.
    pub task: Task,
    /// The spatial axes it exists in and the usual extent of an image along each, the published ones first.
    pub images: &'static [(usize, usize)],
    /// Channels of the image, as published.
    pub in_channels: usize,
    /// Classes or regions, as published.
    pub out_channels: usize,
    /// Parameters, as published.
    pub parameters: usize,
    config: fn(Fit) -> ModelConfig,
}

impl Entry {
    /// The settings of the network that fits a request.
    ///
    /// # Errors
    /// Refuses dimensions it does not exist in, and settings out of range.
    pub fn config(&self, request: &Request) -> Result<ModelConfig> {
        let asked = request.spatial_dims.or(self.images.first().map(|i| i.0));
        let Some(&(spatial_dims, _)) = self.images.iter().find(|i| Some(i.0) == asked) else {
            let dims: Vec<String> = self.images.iter().map(|i| i.0.to_string()).collect();
            let value = request.spatial_dims.unwrap_or_default();
            return Err(Error::setting(
                self.name,
                "spatial_dims",
                dims.join(" or "),
                value,
            ));
        };
        let config = (self.config)(Fit {
            spatial_dims,
            in_channels: request.in_channels.unwrap_or(self.in_channels),
            out_channels: request.out_channels.unwrap_or(self.out_channels),
        });
        config.check()?;
        Ok(config)
    }

    /// The usual extent of an image along each of so many spatial axes, where the network exists in them.
    #[must_use]
    pub fn extent(&self, spatial_dims: usize) -> Option<usize> {
        let found = { self.images.iter() }.find(|(dims, _)| *dims == spatial_dims);
        found.map(|(_, extent)| *extent)
    }
}

/// The network of this name.
///
/// # Errors
/// For another name; the error has those that are most alike.
pub fn find(name: &str) -> Result<&'static Entry> {
    entries()
        .find(|entry| entry.name == name)
        .ok_or_else(|| Error::UnknownNetwork {
            name: name.to_owned(),
            alike: most_alike(name),
        })
}

/// The three names that become this one with the fewest changes.
fn most_alike(name: &str) -> Vec<&'static str> {
    let mut names: Vec<&str> = entries().map(|entry| entry.name).collect();
    names.sort_by_key(|known| changes(known, name));
    names.truncate(3);
    names
}

/// Levenshtein's distance: characters to insert, to delete or to replace.
fn changes(from: &str, to: &str) -> usize {
    let mut row: Vec<usize> = (0..=to.chars().count()).collect();
    for (i, a) in from.chars().enumerate() {
        let mut corner = std::mem::replace(&mut row[0], i + 1);
        for (j, b) in to.chars().enumerate() {
            let replaced = corner + usize::from(a != b);
            corner = row[j + 1];
            row[j + 1] = replaced.min(corner + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_named_with_what_is_most_alike() {
        let error = find("resnet19").unwrap_err().to_string();
        assert!(
            error.contains("\"resnet19\"") && error.contains("resnet18"),
            "{error}"
        );
        assert_eq!(
            (
                changes("kitten", "sitting"),
                changes("", "ab"),
                changes("a", "")
            ),
            (3, 2, 1)
        );
    }

    #[test]
    fn a_dimension_a_network_does_not_exist_in_is_refused() {
        let flat = find("resnet18").unwrap();
        let error = flat
            .config(&Request::new().with_spatial_dims(3))
            .unwrap_err();
        assert!(
            error
                .to_string()
                .contains("resnet18: spatial_dims must be 2, got 3"),
            "{error}"
        );
        assert_eq!((flat.extent(2), flat.extent(3)), (Some(224), None));
        let volume = find("basic_unet").unwrap();
        let config = volume.config(&Request::new().with_spatial_dims(2)).unwrap();
        assert_eq!(config.spatial_dims(), 2);
        assert!(volume.config(&Request::new().with_in_channels(0)).is_err());
    }

    #[test]
    fn names_stand_once() {
        let mut names: Vec<_> = entries().map(|entry| entry.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), entries().count());
    }
}
