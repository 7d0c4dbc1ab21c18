//! What the voxels of a case are, whatever file they came in.

use std::fmt;
use std::str::FromStr;

use medcore::Image;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// SHA-256 of the voxels of an image and its shape.
///
/// Names, headers, compression and type of the numbers in the file do not count: the same numbers on a grid of the same
/// shape have the same hash. Leading axes of one voxel do not count either, since one format keeps a radiograph as a stack
/// of one slice and another as a picture.
///
/// ```
/// use medcore::{Geometry, Image};
/// use medtrain::split::PixelHash;
///
/// let picture = Image::new(Geometry::axis_aligned([1, 2], [1.0; 2])?, vec![3.0_f32, 4.0])?;
/// let stack = Image::new(Geometry::axis_aligned([1, 1, 2], [5.0, 1.0, 1.0])?, vec![3.0_f32, 4.0])?;
/// assert_eq!(PixelHash::of(&picture), PixelHash::of(&stack));
/// # Ok::<(), medcore::Error>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PixelHash([u8; 32]);

/// Voxels hashed at once.
const BLOCK: usize = 4096;

impl PixelHash {
    /// The hash of an image's voxels, its channels and shape.
    #[must_use]
    pub fn of<const D: usize>(image: &Image<f32, D>) -> Self {
        let mut hash = Sha256::new();
        hash.update((image.channels() as u64).to_le_bytes());
        for extent in image.shape().into_iter().skip_while(|&extent| extent == 1) {
            hash.update((extent as u64).to_le_bytes());
        }
        // No shape is the beginning of another one's bytes and voxels.
        hash.update(u64::MAX.to_le_bytes());
        let mut bytes = Vec::with_capacity(4 * BLOCK);
        for block in image.as_slice().chunks(BLOCK) {
            bytes.clear();
            // Adding zero makes one zero of both.
            bytes.extend(block.iter().flat_map(|voxel| (voxel + 0.0).to_le_bytes()));
            hash.update(&bytes);
        }
        Self(hash.finalize().into())
    }

    /// The hash's bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for PixelHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for PixelHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PixelHash({self})")
    }
}

impl From<PixelHash> for String {
    fn from(hash: PixelHash) -> Self {
        hash.to_string()
    }
}

impl TryFrom<String> for PixelHash {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl FromStr for PixelHash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        crate::digest::from_hex(text).map(Self)
    }
}
