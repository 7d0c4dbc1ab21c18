//! The curve: sensitivity against false marks a scan, by falling score.

use serde::{Deserialize, Serialize};

use super::marks::{Event, Marks};
use super::settings::{BeyondCurve, FrocPoints};
use crate::detection::curve::interpolated;

/// Sensitivity and false marks a scan for marks from a score on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FrocPoint {
    /// The lowest score that counts; `None` above all scores.
    pub threshold: Option<f64>,
    /// False marks divided by scans.
    pub false_positives_per_scan: f64,
    /// Lesions found divided by lesions.
    pub sensitivity: f64,
}

/// The points of a FROC curve by falling score; the first one is above all scores.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct FrocCurve {
    /// Its points.
    pub points: Vec<FrocPoint>,
}

impl FrocCurve {
    /// The curve of marks when each image counts so many times; `None` without lesions or images.
    pub(super) fn of(
        marks: &Marks,
        rule: FrocPoints,
        times: impl Fn(usize) -> u32,
    ) -> Option<Self> {
        let counted = marks.lesions.iter().enumerate();
        let (scans, lesions) = counted.fold((0, 0), |(scans, lesions), (image, &here)| {
            let times = u64::from(times(image));
            (scans + times, lesions + times * u64::from(here))
        });
        if lesions == 0 {
            return None;
        }
        let (mut wrong, mut found) = (0, 0);
        let mut points = vec![FrocPoint {
            threshold: None,
            false_positives_per_scan: 0.0,
            sensitivity: 0.0,
        }];
        let equal = |a: &Event, b: &Event| a.score == b.score;
        for events in marks.events.chunk_by(equal) {
            let before = (wrong, found);
            for event in events {
                let times = u64::from(times(event.image));
                match event.is_hit {
                    true => found += times,
                    false => wrong += times,
                }
            }
            if (wrong, found) != before {
                points.push(FrocPoint {
                    threshold: Some(events[0].score),
                    false_positives_per_scan: wrong as f64 / scans as f64,
                    sensitivity: found as f64 / lesions as f64,
                });
            }
        }
        // MONAI takes every missed lesion for one found with score 0, and drops the lowest score.
        let is_lost = rule == FrocPoints::Monai
            && (found == lesions || points.last().and_then(|p| p.threshold) == Some(0.0));
        if is_lost && points.len() > 1 {
            points.pop();
        }
        Some(Self { points })
    }

    /// The sensitivity at a number of false marks a scan, on the straight lines between the points; the
    /// highest one where several points share the number.
    #[must_use]
    pub fn sensitivity_at(&self, rate: f64, beyond: BeyondCurve) -> Option<f64> {
        let last = self.points.last()?;
        if beyond == BeyondCurve::Undefined && rate > last.false_positives_per_scan {
            return None;
        }
        let rates: Vec<f64> = self
            .points
            .iter()
            .map(|p| p.false_positives_per_scan)
            .collect();
        let found: Vec<f64> = self.points.iter().map(|p| p.sensitivity).collect();
        Some(interpolated(rate, &rates, &found))
    }
}
