//! Distances from the points of one surface to the other, in order.

/// Distances from the points of one surface, ascending, with the area around each point.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Directed {
    pub(super) mm: Vec<f32>,
    /// Area or length around each point; `None` when each counts once.
    pub(super) area: Option<Vec<f32>>,
}

impl Directed {
    pub(super) fn sorted(mut mm: Vec<f32>, area: Option<Vec<f32>>) -> Self {
        let Some(area) = area else {
            mm.sort_unstable_by(f32::total_cmp);
            return Self { mm, area: None };
        };
        let mut pairs: Vec<(f32, f32)> = mm.into_iter().zip(area).collect();
        pairs.sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
        let (mm, area) = pairs.into_iter().unzip();
        Self {
            mm,
            area: Some(area),
        }
    }

    /// Number of points, or their area.
    pub(super) fn size(&self) -> f64 {
        match &self.area {
            None => self.mm.len() as f64,
            Some(area) => area.iter().map(|&a| f64::from(a)).sum(),
        }
    }

    pub(super) fn sum(&self) -> f64 {
        match &self.area {
            None => self.mm.iter().map(|&v| f64::from(v)).sum(),
            Some(area) => self
                .mm
                .iter()
                .zip(area)
                .map(|(&v, &a)| f64::from(v) * f64::from(a))
                .sum(),
        }
    }

    /// The size of the part that lies within `tolerance` (inclusive).
    pub(super) fn within(&self, tolerance: f64) -> f64 {
        // Distances are f32: what rounds to the tolerance is within it.
        let count = self.mm.partition_point(|&v| v <= tolerance as f32);
        match &self.area {
            None => count as f64,
            Some(area) => area[..count].iter().map(|&a| f64::from(a)).sum(),
        }
    }

    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let last = self.mm.len().checked_sub(1)?;
        let Some(area) = &self.area else {
            let place = share * last as f64;
            let below = place.floor() as usize;
            let (low, high) = (
                f64::from(self.mm[below]),
                f64::from(self.mm[(below + 1).min(last)]),
            );
            return Some(low + (high - low) * (place - below as f64));
        };
        let whole = self.size();
        let mut covered = 0.0;
        let at = area.iter().position(|&a| {
            covered += f64::from(a);
            covered / whole >= share
        });
        Some(f64::from(self.mm[at.unwrap_or(last)]))
    }
}
