//! The number types that scores come in.

/// A probability or a logit as a network writes it, `f32` or `f64`; arithmetic is `f64` throughout.
pub trait Score: Copy + Into<f64> + Send + Sync + private::Sealed {
    /// The nearest number of this type.
    fn nearest(value: f64) -> Self;
}

impl Score for f32 {
    fn nearest(value: f64) -> Self {
        value as Self
    }
}

impl Score for f64 {
    fn nearest(value: f64) -> Self {
        value
    }
}

mod private {
    pub trait Sealed {}
    impl Sealed for f32 {}
    impl Sealed for f64 {}
}
