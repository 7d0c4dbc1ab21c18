//! Slices that are missing or unevenly spaced, made a regular line in the way that was asked for.

use super::fault::{SeriesFault, SeriesWarning};
use super::grid::{Allowed, Line, Plane, usual};
use super::options::Gap;
use super::places::Placed;

/// More planes than a volume of slices ever has.
const MOST_PLANES: f64 = 65_536.0;

/// Slices that lie on no regular grid, and why not.
pub(super) struct Repair<'a> {
    pub(super) slices: &'a [Placed<'a>],
    pub(super) allowed: Allowed,
    pub(super) fault: SeriesFault,
}

/// Slices along the line from the first to the last.
struct Measured {
    /// Millimetres from the first slice.
    at: Vec<f64>,
    /// The largest distance from the line, in millimetres.
    aside_mm: f64,
    /// Distances from slice to slice.
    gaps: Vec<f64>,
    length: f64,
    usual: f64,
}

impl Repair<'_> {
    pub(super) fn by(
        self,
        gap: Gap,
        warnings: &mut Vec<SeriesWarning>,
    ) -> Result<Line, SeriesFault> {
        let Some(measured) = self.measure() else {
            return Err(self.fault);
        };
        let aside_allowed = self.allowed.limit(measured.usual);
        match gap {
            Gap::Accept => Ok(self.accept(&measured, warnings)),
            // What lies beside the line would be moved there.
            _ if measured.aside_mm > aside_allowed => Err(self.fault),
            Gap::Fill(value) => self.fill(&measured, value, warnings),
            Gap::Resample => self.resample(&measured, warnings),
            Gap::Error => Err(self.fault),
        }
    }

    fn measure(&self) -> Option<Measured> {
        let (first, last) = (self.slices.first()?, self.slices.last()?);
        let line = last.position - first.position;
        let length = line.norm();
        let direction = line * (1.0 / length);
        let along = |slice: &Placed<'_>| direction.dot(slice.position - first.position);
        let at: Vec<f64> = self.slices.iter().map(along).collect();
        let aside = { self.slices.iter().zip(&at) }
            .map(|(slice, at)| slice.position.distance(first.position + direction * *at));
        let aside_mm = aside.fold(0.0, f64::max);
        let gaps: Vec<f64> = at
            .iter()
            .zip(at.iter().skip(1))
            .map(|(a, b)| b - a)
            .collect();
        let usual = usual(&gaps)?;
        let sound = usual > 0.0 && length.is_finite() && length / usual < MOST_PLANES;
        sound.then_some(Measured {
            at,
            aside_mm,
            gaps,
            length,
            usual,
        })
    }

    /// A step along the line.
    fn step(&self, mm: f64) -> medcore::Vector<medcore::Lps> {
        match (self.slices.first(), self.slices.last()) {
            (Some(first), Some(last)) => {
                let line = last.position - first.position;
                line * (mm / line.norm())
            }
            _ => medcore::Vector::new(0.0, 0.0, mm),
        }
    }

    /// The widest gap and the slice before it.
    fn widest(&self, measured: &Measured) -> (f64, std::path::PathBuf) {
        let gaps = measured.gaps.iter().zip(self.slices);
        let widest = gaps.max_by(|(a, _), (b, _)| a.total_cmp(b));
        widest.map_or((0.0, std::path::PathBuf::new()), |(mm, slice)| {
            (*mm, slice.slice.path.to_path_buf())
        })
    }

    fn accept(&self, measured: &Measured, warnings: &mut Vec<SeriesWarning>) -> Line {
        let step = measured.length / measured.gaps.len().max(1) as f64;
        let off = { measured.at.iter().enumerate() }.map(|(k, at)| (at - k as f64 * step).abs());
        let off_mm = off.fold(measured.aside_mm, f64::max);
        let (widest_mm, after) = self.widest(measured);
        warnings.push(SeriesWarning::GapAccepted {
            after,
            widest_mm,
            off_mm,
        });
        Line {
            step: self.step(step),
            planes: (0..self.slices.len()).map(Plane::Slice).collect(),
        }
    }

    fn fill(
        self,
        measured: &Measured,
        value: f64,
        warnings: &mut Vec<SeriesWarning>,
    ) -> Result<Line, SeriesFault> {
        // Two neighbours that are both there give the step.
        let smallest = { measured.gaps.iter().copied() }.min_by(f64::total_cmp);
        let smallest = smallest.filter(|mm| *mm > 0.0 && measured.length / mm < MOST_PLANES);
        let Some(smallest) = smallest else {
            return Err(self.fault);
        };
        let steps = |gap: &f64| (gap / smallest).round().max(1.0) as usize;
        let counts: Vec<usize> = measured.gaps.iter().map(steps).collect();
        let step = measured.length / counts.iter().sum::<usize>().max(1) as f64;
        let mut planes = vec![Plane::Slice(0)];
        let mut filled = Vec::new();
        let mut off_mm = 0.0_f64;
        for (k, (&count, found_mm)) in counts.iter().zip(&measured.gaps).enumerate() {
            planes.extend((1..count).map(|_| Plane::Fill(value)));
            let here = measured.at.get(k + 1).copied().unwrap_or(0.0);
            off_mm = off_mm.max((here - planes.len() as f64 * step).abs());
            planes.push(Plane::Slice(k + 1));
            if let (2.., Some(slice)) = (count, self.slices.get(k)) {
                filled.push(SeriesWarning::GapFilled {
                    after: slice.slice.path.to_path_buf(),
                    missing: count - 1,
                    found_mm: *found_mm,
                    value,
                });
            }
        }
        // The slices that are there have to lie on the grid still.
        if off_mm > self.allowed.limit(step) || filled.is_empty() {
            return Err(self.fault);
        }
        if off_mm > self.allowed.rounding(step) {
            warnings.push(SeriesWarning::Uneven { off_mm });
        }
        warnings.extend(filled);
        Ok(Line {
            step: self.step(step),
            planes,
        })
    }

    fn resample(
        self,
        measured: &Measured,
        warnings: &mut Vec<SeriesWarning>,
    ) -> Result<Line, SeriesFault> {
        let count = (measured.length / measured.usual).round().max(1.0) as usize;
        let step = measured.length / count as f64;
        let close = self.allowed.rounding(step);
        let mut planes = Vec::with_capacity(count + 1);
        let mut below = 0;
        for k in 0..=count {
            let here = k as f64 * step;
            while measured
                .at
                .get(below + 1)
                .is_some_and(|next| *next <= here + close)
            {
                below += 1;
            }
            let (from, to) = match (measured.at.get(below), measured.at.get(below + 1)) {
                (Some(from), Some(to)) => (*from, *to),
                _ => (here, here),
            };
            planes.push(match here - from {
                near if near <= close => Plane::Slice(below),
                rest => Plane::Between {
                    below,
                    weight: (rest / (to - from)).clamp(0.0, 1.0),
                },
            });
        }
        let (widest_mm, after) = self.widest(measured);
        let made = planes
            .iter()
            .filter(|plane| !matches!(plane, Plane::Slice(_)));
        warnings.push(SeriesWarning::Resampled {
            after,
            widest_mm,
            step_mm: step,
            planes: made.count(),
        });
        Ok(Line {
            step: self.step(step),
            planes,
        })
    }
}
