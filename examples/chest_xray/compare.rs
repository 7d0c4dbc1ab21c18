//! Whether one network is better than another on the same images.

use anyhow::Result;
use medmetrics::statistics::{AucDifference, Bootstrap, CorrelatedAucs};
use medmetrics::{Confidence, Estimate};
use serde::Serialize;

use super::scored::Scored;

/// The first network's AUC minus the second's.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Comparison {
    pub(crate) names: [String; 2],
    /// DeLong's test for images that come in patients (Obuchowski 1997).
    pub(crate) delong: AucDifference,
    /// Patients drawn again, both networks under the same draws.
    pub(crate) bootstrap: Estimate,
}

impl Comparison {
    pub(crate) fn of(
        names: [&str; 2],
        scored: [&Scored; 2],
        bootstrap: &Bootstrap,
    ) -> Result<Self> {
        let clusters = scored[0].clusters();
        let curves = [scored[0].delong()?, scored[1].delong()?];
        let aucs = CorrelatedAucs::clustered(&curves, &clusters)?;
        let orders = scored.map(Order::of);
        let difference = |times: &[u32]| Some(orders[0].auc(times)? - orders[1].auc(times)?);
        Ok(Self {
            names: names.map(str::to_owned),
            delong: aucs.difference(0, 1, Confidence::default())?,
            bootstrap: bootstrap.estimate_clustered(
                &clusters,
                "auc-difference:paired",
                difference,
            )?,
        })
    }
}

/// Rows from the lowest score to the highest, equal ones together: sorted once for all draws.
struct Order<'a> {
    ties: Vec<Vec<usize>>,
    truth: &'a [bool],
}

impl<'a> Order<'a> {
    fn of(scored: &'a Scored) -> Self {
        let mut rows: Vec<usize> = (0..scored.len()).collect();
        rows.sort_by(|&a, &b| scored.logits[a].total_cmp(&scored.logits[b]));
        let ties = rows.chunk_by(|&a, &b| scored.logits[a] == scored.logits[b]);
        Self {
            ties: ties.map(<[usize]>::to_vec).collect(),
            truth: &scored.truth,
        }
    }

    /// The area where each row was drawn so many times; none without both kinds.
    fn auc(&self, times: &[u32]) -> Option<f64> {
        let (mut below, mut wins, mut positives) = (0.0, 0.0, 0.0);
        for tie in &self.ties {
            let count = |is: bool| -> f64 {
                let rows = tie.iter().filter(|&&row| self.truth[row] == is);
                rows.map(|&row| f64::from(times[row])).sum()
            };
            let (ill, well) = (count(true), count(false));
            wins += ill * (below + 0.5 * well);
            below += well;
            positives += ill;
        }
        (positives > 0.0 && below > 0.0).then(|| wins / (positives * below))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_weighted_area_is_that_of_the_repeated_rows() {
        let scored = |rows: &[(bool, f64)]| Scored {
            ids: vec![String::new(); rows.len()],
            truth: rows.iter().map(|row| row.0).collect(),
            logits: rows.iter().map(|row| row.1).collect(),
            ..Scored::default()
        };
        let rows = [
            (true, 0.9),
            (false, 0.4),
            (true, 0.4),
            (false, 0.1),
            (true, 0.2),
        ];
        let times = [2, 1, 3, 1, 0];
        let repeated: Vec<_> = rows
            .iter()
            .zip(times)
            .flat_map(|(row, n)| vec![*row; n as usize])
            .collect();
        let (whole, part) = (scored(&rows), scored(&repeated));
        assert_eq!(Order::of(&whole).auc(&times), part.auc());
        assert_eq!(Order::of(&whole).auc(&[0, 1, 0, 1, 0]), None);
    }
}
