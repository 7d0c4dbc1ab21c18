//! Blocks of 8 by 8 pixels and their rounded cosine transforms.

use rayon::prelude::*;

use super::Plane;

const EDGE: usize = 8;

/// ITU-T T.81, table K.1.
#[rustfmt::skip]
const LUMINANCE: [u32; 64] = [
    16, 11, 10, 16,  24,  40,  51,  61,
    12, 12, 14, 19,  26,  58,  60,  55,
    14, 13, 16, 24,  40,  57,  69,  56,
    14, 17, 22, 29,  51,  87,  80,  62,
    18, 22, 37, 56,  68, 109, 103,  77,
    24, 35, 55, 64,  81, 104, 113,  92,
    49, 64, 78, 87, 103, 121, 120, 101,
    72, 92, 95, 98, 112, 100, 103,  99,
];

/// ITU-T T.81, table K.2.
#[rustfmt::skip]
const CHROMINANCE: [u32; 64] = [
    17, 18, 24, 47, 99, 99, 99, 99,
    18, 21, 26, 66, 99, 99, 99, 99,
    24, 26, 56, 99, 99, 99, 99, 99,
    47, 66, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
    99, 99, 99, 99, 99, 99, 99, 99,
];

/// To multiples of which the frequencies of a block are rounded, rows first.
pub(super) struct Quantization([f32; 64]);

impl Quantization {
    pub(super) fn luminance(quality: u32) -> Self {
        Self::scaled(LUMINANCE, quality)
    }

    pub(super) fn chrominance(quality: u32) -> Self {
        Self::scaled(CHROMINANCE, quality)
    }

    /// libjpeg's scaling: the table at 50, a half of it at 75.
    fn scaled(table: [u32; 64], quality: u32) -> Self {
        let quality = quality.clamp(1, 100);
        let percent = if quality < 50 {
            5000 / quality
        } else {
            200 - 2 * quality
        };
        Self(table.map(|step| ((step * percent + 50) / 100).clamp(1, 255) as f32))
    }
}

/// The cosine transform of eight numbers as a matrix, and its transposed, which leads back.
struct Cosines {
    forward: [[f32; EDGE]; EDGE],
    back: [[f32; EDGE]; EDGE],
}

impl Cosines {
    fn new() -> Self {
        let value = |frequency: usize, at: usize| {
            let scale = if frequency == 0 { 0.125_f64 } else { 0.25 };
            let turn = (2 * at + 1) as f64 * frequency as f64 * std::f64::consts::PI / 16.0;
            (scale.sqrt() * libm::cos(turn)) as f32
        };
        Self {
            forward: std::array::from_fn(|u| std::array::from_fn(|x| value(u, x))),
            back: std::array::from_fn(|x| std::array::from_fn(|u| value(u, x))),
        }
    }
}

type Block = [[f32; EDGE]; EDGE];

/// `matrix * block * matrix^T`.
#[inline(always)]
fn transform(matrix: &Block, block: &Block) -> Block {
    let half = product(matrix, block);
    let turned = std::array::from_fn(|y| std::array::from_fn(|x| half[x][y]));
    let both = product(matrix, &turned);
    std::array::from_fn(|y| std::array::from_fn(|x| both[x][y]))
}

#[inline(always)]
fn product(matrix: &Block, block: &Block) -> Block {
    std::array::from_fn(|y| {
        let mut row = [0.0; EDGE];
        for k in 0..EDGE {
            for x in 0..EDGE {
                row[x] += matrix[y][k] * block[k][x];
            }
        }
        row
    })
}

/// A frequency as a multiple of a step, halves away from zero; libjpeg knows it to an eighth.
#[inline(always)]
fn rounded(value: f32, step: f32) -> f32 {
    let eighths = (value * 8.0).round();
    let count = ((eighths.abs() + 4.0 * step) / (8.0 * step)).floor();
    (count * step).copysign(eighths)
}

/// What is left of a plane; blocks over its border see its last pixels repeated.
pub(super) fn lossy(plane: &Plane, quantization: &Quantization) -> Plane {
    let [height, width] = plane.shape;
    let cosines = Cosines::new();
    let mut levels = vec![0; plane.levels.len()];
    let bands = levels.par_chunks_mut(EDGE * width).enumerate();
    bands.for_each(|(band, out)| {
        let row = |y: usize| &plane.levels[(band * EDGE + y).min(height - 1) * width..][..width];
        for left in (0..width).step_by(EDGE) {
            let pixel = |y: usize, x: usize| f32::from(row(y)[(left + x).min(width - 1)]) - 128.0;
            let block = std::array::from_fn(|y| std::array::from_fn(|x| pixel(y, x)));
            let mut frequencies = transform(&cosines.forward, &block);
            for (value, step) in frequencies
                .as_flattened_mut()
                .iter_mut()
                .zip(&quantization.0)
            {
                *value = rounded(*value, *step);
            }
            let block = transform(&cosines.back, &frequencies);
            for (out, values) in out.chunks_exact_mut(width).zip(&block) {
                for (level, value) in out[left..].iter_mut().zip(values) {
                    *level = (value + 128.0).round() as u8;
                }
            }
        }
    });
    Plane {
        levels,
        shape: plane.shape,
    }
}
