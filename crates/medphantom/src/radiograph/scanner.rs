//! What a detector and its software make of the rays.

use medcore::random::Random;
use serde::{Deserialize, Serialize};

use super::film::Film;

/// Attenuation of soft tissue per millimetre, at about 100 kV.
const ATTENUATION: f32 = 0.019;

/// A maker of images. The same patient looks different on each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Scanner {
    /// A flat detector: little noise, edges raised, a curve that opens the lungs and presses bones together.
    Digital,
    /// An imaging plate behind a grid: coarser, noisier, flatter in the lungs, darker at one side, with the black
    /// border of a collimator and a lead letter.
    Plate,
}

impl Scanner {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Digital, Self::Plate];

    /// For tables and files.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Digital => "digital",
            Self::Plate => "plate",
        }
    }

    /// Radius of the blur in millimetres, share of the edges added again, noise, and power of the curve.
    fn character(self) -> (f32, f32, f32, f64) {
        match self {
            Self::Digital => (0.6, 0.5, 0.010, 0.8),
            Self::Plate => (1.5, 0.15, 0.015, 1.3),
        }
    }

    /// Grey values of a film, `dose` beside the usual one.
    pub(super) fn expose(self, film: &Film, dose: f64, random: &mut Random) -> Vec<u8> {
        let side = film.side;
        let (blur_mm, edges, noise, power) = self.character();
        let mut rays: Vec<f32> = film
            .tissue
            .iter()
            .map(|t| t.max(0.0) * ATTENUATION)
            .collect();
        blurred(&mut rays, side, blur_mm / film.pixel_mm());
        if edges > 0.0 {
            let mut smooth = rays.clone();
            blurred(&mut smooth, side, 7.0 / film.pixel_mm());
            for (ray, smooth) in rays.iter_mut().zip(&smooth) {
                *ray += edges * (*ray - smooth);
            }
        }
        // Fewer quanta arrive behind thick tissue.
        let grain = (film.pixel_mm() / 1.4).min(1.4);
        let scale = noise / (dose.sqrt() as f32 * grain);
        let mut hiss: Vec<f32> = (0..side * side).map(|_| random.normal() as f32).collect();
        if self == Self::Plate {
            blurred(&mut hiss, side, 1.0);
            hiss.iter_mut().for_each(|v| *v *= 2.2);
        }
        let slope = match self {
            Self::Digital => 0.0,
            Self::Plate => random.uniform_in(-0.35, 0.35) as f32,
        };
        for (index, (ray, hiss)) in rays.iter_mut().zip(&hiss).enumerate() {
            let across = (index % side) as f32 / side as f32 - 0.5;
            let quanta = libm::expf(0.42 * *ray);
            *ray += slope * across + scale * quanta * hiss;
        }
        let window = self.window(&rays, random);
        let mut grey: Vec<u8> = rays.iter().map(|&ray| curve(ray, window, power)).collect();
        if self == Self::Plate {
            self.frame(&mut grey, side, random);
        }
        grey
    }

    /// Attenuations shown black and white: shares of the image itself, a little off as automatic windows are.
    fn window(self, rays: &[f32], random: &mut Random) -> (f32, f32) {
        let mut sample: Vec<f32> = rays
            .iter()
            .step_by(5)
            .copied()
            .filter(|&r| r > 0.3)
            .collect();
        sample.sort_unstable_by(f32::total_cmp);
        let at = |share: f64| {
            let index = (share * sample.len() as f64) as usize;
            sample
                .get(index.min(sample.len().saturating_sub(1)))
                .copied()
                .unwrap_or(1.0)
        };
        let (low, high) = (at(0.01), at(0.985));
        let span = (high - low).max(0.1);
        let mut off = || (random.normal().clamp(-2.0, 2.0) * 0.045) as f32 * span;
        (low - 0.02 * span + off(), high + off())
    }

    /// The collimator's border and the letter that marks the patient's left.
    fn frame(self, grey: &mut [u8], side: usize, random: &mut Random) {
        let mut border = || (side as f64 * random.uniform_in(0.0, 0.055)) as usize;
        let [top, bottom, left, right] = [(); 4].map(|()| border());
        for (row, line) in grey.chunks_exact_mut(side).enumerate() {
            for (column, value) in line.iter_mut().enumerate() {
                let inside =
                    (top..side - bottom).contains(&row) && (left..side - right).contains(&column);
                if !inside {
                    *value = 4;
                }
            }
        }
        // An L of lead, high on the patient's left.
        let unit = (side / 56).max(1);
        let (row, column) = (side / 12, side - side / 8);
        for r in row..row + 5 * unit {
            for c in column..column + 3 * unit {
                if c < column + unit || r >= row + 4 * unit {
                    grey[r * side + c] = 250;
                }
            }
        }
    }
}

fn curve(ray: f32, (low, high): (f32, f32), power: f64) -> u8 {
    let t = f64::from((ray - low) / (high - low)).clamp(0.0, 1.0);
    (255.0 * libm::pow(t, power)).round() as u8
}

/// A Gaussian blur, with edges repeated.
fn blurred(values: &mut [f32], side: usize, sigma: f32) {
    if sigma < 0.25 {
        return;
    }
    let radius = (2.5 * sigma).ceil() as usize;
    let mut taps: Vec<f32> = (0..=2 * radius)
        .map(|i| {
            let d = (i as f32 - radius as f32) / sigma;
            libm::expf(-0.5 * d * d)
        })
        .collect();
    let sum: f32 = taps.iter().sum();
    taps.iter_mut().for_each(|tap| *tap /= sum);
    let mut line = vec![0.0; side + 2 * radius];
    // Along rows, then along columns: the transpose of the transpose.
    for stride in [[side, 1], [1, side]] {
        for start in (0..side).map(|i| i * stride[0]) {
            for (i, value) in line.iter_mut().enumerate() {
                let at = i.saturating_sub(radius).min(side - 1);
                *value = values[start + at * stride[1]];
            }
            for i in 0..side {
                let window = line[i..].iter().zip(&taps);
                values[start + i * stride[1]] = window.map(|(v, tap)| v * tap).sum();
            }
        }
    }
}
