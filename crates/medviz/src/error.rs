//! What can go wrong when a picture is drawn or written.

/// The result of a fallible operation of this crate.
pub type Result<T> = std::result::Result<T, Error>;

/// Why a picture was refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A view names a slice that is not there.
    #[error("axis {axis} has {slices} slices, there is no slice {slice}")]
    NoSuchSlice {
        /// Storage axis, 0 to 2.
        axis: usize,
        /// The refused slice.
        slice: usize,
        /// Slices along the axis.
        slices: usize,
    },
    /// A view names an axis that is not there.
    #[error("a volume has storage axes 0 to 2, there is no axis {axis}")]
    NoSuchAxis {
        /// The refused axis.
        axis: usize,
    },
    /// A pixel size that is not positive.
    #[error("the size of a pixel must be positive and finite, got {pixel_mm} mm")]
    InvalidPixelSize {
        /// The refused size in millimetres.
        pixel_mm: f64,
    },
    /// A picture would have no or too many pixels.
    #[error("a picture of {width} x {height} pixels cannot be drawn, the limit is {limit} a side")]
    InvalidPictureSize {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Largest side.
        limit: usize,
    },
    /// An overlay drawn from another view than its picture.
    #[error("the view makes {expected:?} pixels (width, height), the picture has {got:?}")]
    ViewMismatch {
        /// Width and height that the view gives.
        expected: (usize, usize),
        /// Width and height of the picture.
        got: (usize, usize),
    },
    /// The PNG encoder failed.
    #[error("the picture could not be encoded: {0}")]
    Encode(#[from] png::EncodingError),
    /// Geometry did not fit, or a file could not be written.
    #[error(transparent)]
    Core(#[from] medcore::Error),
    /// Two volumes that must lie on the same grid do not.
    #[error("the grids differ: {0}")]
    GeometryMismatch(#[from] medcore::GeometryMismatch),
}
