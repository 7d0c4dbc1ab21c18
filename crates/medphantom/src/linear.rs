//! Vectors of three `f32`, (x, y, z) in millimetres of the patient.
//!
//! Shapes are evaluated in single precision with `+ - * /` and square roots only, which every platform
//! rounds alike; angles go through `libm`.

pub(crate) type Vec3 = [f32; 3];

#[inline(always)]
pub(crate) fn sub(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

#[inline(always)]
pub(crate) fn add(a: Vec3, b: Vec3) -> Vec3 {
    [a[0] + b[0], a[1] + b[1], a[2] + b[2]]
}

#[inline(always)]
pub(crate) fn scale(a: Vec3, factor: f32) -> Vec3 {
    [a[0] * factor, a[1] * factor, a[2] * factor]
}

#[inline(always)]
pub(crate) fn dot(a: Vec3, b: Vec3) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

#[inline(always)]
pub(crate) fn norm(a: Vec3) -> f32 {
    dot(a, a).sqrt()
}

/// Rows of the rotation by `degrees` about x, then y, then z.
pub(crate) fn rotation(degrees: [f64; 3]) -> [Vec3; 3] {
    let [(sx, cx), (sy, cy), (sz, cz)] = degrees.map(|d| libm::sincos(d.to_radians()));
    [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
        [-sy, cy * sx, cy * cx],
    ]
    .map(|row| row.map(|v| v as f32))
}

/// `rows` times `v`.
#[inline(always)]
pub(crate) fn rotate(rows: &[Vec3; 3], v: Vec3) -> Vec3 {
    [dot(rows[0], v), dot(rows[1], v), dot(rows[2], v)]
}

/// The transpose of `rows` times `v`: the inverse rotation.
#[inline(always)]
pub(crate) fn rotate_back(rows: &[Vec3; 3], v: Vec3) -> Vec3 {
    add(
        add(scale(rows[0], v[0]), scale(rows[1], v[1])),
        scale(rows[2], v[2]),
    )
}

/// The largest whole number not above `t`, without a call into the mathematical library.
#[inline(always)]
pub(crate) fn floor(t: f32) -> f32 {
    let truncated = t as i32 as f32;
    if truncated > t {
        truncated - 1.0
    } else {
        truncated
    }
}
