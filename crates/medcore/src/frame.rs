//! World frames as types: a point in LPS cannot be added to one in RAS.
//!
//! All lengths are millimetres in `f64`. [`Lps`] (x to the patient's left, y to posterior, z to
//! superior) is DICOM's and ITK's frame and the only one used inside the workspace; [`Ras`] is
//! NIfTI's and appears at that file border alone.

use std::fmt;
use std::marker::PhantomData;
use std::ops::{Add, Index, Mul, Neg, Sub};

mod sealed {
    pub trait Sealed {}
}

/// A named world frame.
pub trait Frame: sealed::Sealed + Copy + 'static {
    /// The frame's name, `"LPS"` or `"RAS"`.
    const NAME: &'static str;
}

/// x to the left, y to posterior, z to superior (DICOM, ITK).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lps;
/// x to the right, y to anterior, z to superior (NIfTI, nibabel).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ras;

impl sealed::Sealed for Lps {}
impl sealed::Sealed for Ras {}
impl Frame for Lps {
    const NAME: &'static str = "LPS";
}
impl Frame for Ras {
    const NAME: &'static str = "RAS";
}

/// A displacement in millimetres, (x, y, z) in frame `F`.
#[derive(Clone, Copy, PartialEq)]
pub struct Vector<F: Frame>([f64; 3], PhantomData<F>);

/// A place in millimetres, (x, y, z) in frame `F`.
#[derive(Clone, Copy, PartialEq)]
pub struct Point<F: Frame>([f64; 3], PhantomData<F>);

impl<F: Frame> Vector<F> {
    /// The displacement (x, y, z) in millimetres.
    pub const fn new(x: f64, y: f64, z: f64) -> Self {
        Self([x, y, z], PhantomData)
    }

    /// Its three components.
    pub const fn components(self) -> [f64; 3] {
        self.0
    }

    /// The inner product, in square millimetres.
    pub fn dot(self, other: Self) -> f64 {
        (0..3).map(|i| self.0[i] * other.0[i]).sum()
    }

    /// The vector perpendicular to both.
    pub fn cross(self, other: Self) -> Self {
        let ([a, b, c], [d, e, f]) = (self.0, other.0);
        Self::new(b * f - c * e, c * d - a * f, a * e - b * d)
    }

    /// Its length in millimetres.
    pub fn norm(self) -> f64 {
        self.dot(self).sqrt()
    }
}

impl<F: Frame> Point<F> {
    /// The place (x, y, z) in millimetres.
    pub const fn new(x: f64, y: f64, z: f64) -> Self {
        Self([x, y, z], PhantomData)
    }

    /// Its three coordinates.
    pub const fn coordinates(self) -> [f64; 3] {
        self.0
    }

    /// The distance to another place in millimetres.
    pub fn distance(self, other: Self) -> f64 {
        (self - other).norm()
    }
}

impl Point<Lps> {
    /// The same place in RAS: x and y change sign.
    pub fn to_ras(self) -> Point<Ras> {
        Point::new(-self.0[0], -self.0[1], self.0[2])
    }
}

impl Point<Ras> {
    /// The same place in LPS: x and y change sign.
    pub fn to_lps(self) -> Point<Lps> {
        Point::new(-self.0[0], -self.0[1], self.0[2])
    }
}

impl Vector<Lps> {
    /// The same displacement in RAS: x and y change sign.
    pub fn to_ras(self) -> Vector<Ras> {
        Vector::new(-self.0[0], -self.0[1], self.0[2])
    }
}

impl Vector<Ras> {
    /// The same displacement in LPS: x and y change sign.
    pub fn to_lps(self) -> Vector<Lps> {
        Vector::new(-self.0[0], -self.0[1], self.0[2])
    }
}

impl<F: Frame> Add for Vector<F> {
    type Output = Self;
    fn add(self, other: Self) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + other.0[i]), PhantomData)
    }
}

impl<F: Frame> Neg for Vector<F> {
    type Output = Self;
    fn neg(self) -> Self {
        Self(self.0.map(|v| -v), PhantomData)
    }
}

impl<F: Frame> Mul<f64> for Vector<F> {
    type Output = Self;
    fn mul(self, factor: f64) -> Self {
        Self(self.0.map(|v| v * factor), PhantomData)
    }
}

impl<F: Frame> Add<Vector<F>> for Point<F> {
    type Output = Self;
    fn add(self, step: Vector<F>) -> Self {
        Self(std::array::from_fn(|i| self.0[i] + step.0[i]), PhantomData)
    }
}

impl<F: Frame> Sub for Point<F> {
    type Output = Vector<F>;
    fn sub(self, other: Self) -> Vector<F> {
        Vector(std::array::from_fn(|i| self.0[i] - other.0[i]), PhantomData)
    }
}

impl<F: Frame> Index<usize> for Vector<F> {
    type Output = f64;
    fn index(&self, axis: usize) -> &f64 {
        &self.0[axis]
    }
}

impl<F: Frame> Index<usize> for Point<F> {
    type Output = f64;
    fn index(&self, axis: usize) -> &f64 {
        &self.0[axis]
    }
}

impl<F: Frame> fmt::Debug for Vector<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}[{}, {}, {}]",
            F::NAME,
            self.0[0],
            self.0[1],
            self.0[2]
        )
    }
}

impl<F: Frame> fmt::Debug for Point<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}({}, {}, {})",
            F::NAME,
            self.0[0],
            self.0[1],
            self.0[2]
        )
    }
}
