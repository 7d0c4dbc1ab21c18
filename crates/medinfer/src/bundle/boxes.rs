//! Two lists of boxes that should be the same ones.

use std::collections::BTreeMap;

use mednn::candle_core::Tensor;

use crate::detect::BoxRules;

/// What a box is among boxes: its corners, how likely it is, and its class.
#[derive(Debug, Clone, PartialEq)]
struct One<'a> {
    corners: &'a [f64],
    score: f64,
    class: u32,
}

/// The parts of a detector's answer.
pub(super) struct Boxes {
    corners: Vec<f64>,
    scores: Vec<f64>,
    classes: Vec<u32>,
}

/// However loose the tolerance of corners, a score this far from the edge is beyond it.
const MOST_OF_A_SCORE: f64 = 0.01;

impl Boxes {
    /// Those of an answer; `None` where its parts do not fit each other.
    pub(super) fn of(answer: &BTreeMap<&str, &Tensor>) -> Option<Self> {
        let boxes = Self {
            corners: answer.get("boxes")?.to_vec1().ok()?,
            scores: answer.get("scores")?.to_vec1().ok()?,
            classes: answer.get("classes")?.to_vec1().ok()?,
        };
        let (count, corners) = (boxes.scores.len(), boxes.corners.len());
        let fits = match count {
            0 => corners == 0,
            _ => corners > 0 && corners % count == 0,
        };
        (fits && boxes.classes.len() == count).then_some(boxes)
    }

    fn iter(&self) -> impl Iterator<Item = One<'_>> {
        let count = self.scores.len();
        let corners = self
            .corners
            .chunks_exact((self.corners.len() / count.max(1)).max(1));
        let rest = self.scores.iter().zip(&self.classes);
        corners.zip(rest).map(|(corners, (&score, &class))| One {
            corners,
            score,
            class,
        })
    }

    /// The score below which a box might as well not have been reported: a little above the threshold or, where there are as
    /// many boxes as there may be, above the worst of them.
    fn edge(&self, rules: &BoxRules, tolerance: f64) -> f64 {
        let worst = self.scores.iter().copied().fold(f64::INFINITY, f64::min);
        let last = match self.scores.len() < rules.most {
            true => rules.score_threshold,
            false => worst.max(rules.score_threshold),
        };
        last + tolerance.min(MOST_OF_A_SCORE)
    }
}

/// The largest difference, in voxels or score, between boxes that belong together; infinite where a box has no other.
///
/// Boxes come in the order of their scores, and two that are nearly equal may change places from one processor to another;
/// so each is compared with the nearest of its class. One that might as well not have been reported may be alone.
pub(super) fn difference(expected: &Boxes, got: &Boxes, rules: &BoxRules, tolerance: f64) -> f64 {
    let edges = [expected, got].map(|boxes| boxes.edge(rules, tolerance));
    let mut others: Vec<One<'_>> = got.iter().collect();
    let (mut largest, mut pairs): (f64, usize) = (0.0, 0);
    for one in expected.iter() {
        let nearest = { others.iter().enumerate() }
            .map(|(place, other)| (apart(&one, other), place))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        match nearest {
            Some((distance, place)) if distance <= tolerance => {
                others.remove(place);
                pairs += 1;
                largest = largest.max(distance);
            }
            _ if one.score <= edges[0] => {}
            Some((distance, _)) => largest = largest.max(distance),
            None => largest = f64::INFINITY,
        }
    }
    let is_sure = |other: &One<'_>| other.score.is_nan() || other.score > edges[1];
    let is_new = others.iter().any(is_sure);
    let nothing_agrees = pairs == 0 && expected.iter().chain(others).next().is_some();
    if largest <= tolerance && (is_new || nothing_agrees) {
        return f64::INFINITY;
    }
    largest
}

/// The largest difference of two boxes; infinite where it is none, or they are of two classes.
fn apart(one: &One<'_>, other: &One<'_>) -> f64 {
    if one.class != other.class || one.corners.len() != other.corners.len() {
        return f64::INFINITY;
    }
    let corners = one.corners.iter().zip(other.corners);
    let differences = corners.map(|(a, b)| (a - b).abs());
    let all = differences.chain([(one.score - other.score).abs()]);
    all.fold(0.0, |largest, difference| match difference.is_nan() {
        true => f64::INFINITY,
        false => largest.max(difference),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: BoxRules = BoxRules {
        score_threshold: 0.25,
        iou_threshold: 0.5,
        most: 4,
    };

    fn boxes(all: &[(f64, f64, u32)]) -> Boxes {
        Boxes {
            corners: all
                .iter()
                .flat_map(|b| [b.0, 0.0, b.0 + 5.0, 9.0])
                .collect(),
            scores: all.iter().map(|b| b.1).collect(),
            classes: all.iter().map(|b| b.2).collect(),
        }
    }

    fn compare(expected: &[(f64, f64, u32)], got: &[(f64, f64, u32)]) -> f64 {
        difference(&boxes(expected), &boxes(got), &RULES, 1e-3)
    }

    #[test]
    fn boxes_may_change_places_and_those_at_the_edge_may_go() {
        let three = [(0.0, 0.9, 0), (20.0, 0.8, 1), (40.0, 0.8, 1)];
        let other = [(0.0, 0.9, 0), (40.0, 0.8004, 1), (20.0, 0.7996, 1)];
        let difference = compare(&three, &other);
        assert!((difference - 4e-4).abs() < 1e-9, "{difference}");
        let edge = (60.0, 0.2503, 0);
        let four = [three[0], three[1], three[2], edge];
        assert_eq!((compare(&four, &three), compare(&three, &four)), (0.0, 0.0));
        // Where there are as many as there may be, the worst of them is the edge.
        let (a, b) = ((60.0, 0.5, 0), (80.0, 0.4995, 0));
        let with = |last| [three[0], three[1], three[2], last];
        assert_eq!(compare(&with(a), &with(b)), 0.0);
        assert_eq!((compare(&[], &[]), compare(&three, &three)), (0.0, 0.0));
    }

    #[test]
    fn everything_else_is_a_difference() {
        let two = [(0.0, 0.9, 0), (20.0, 0.6, 1)];
        for other in [
            &[(0.0, 0.9, 0)][..],
            &[],
            &[two[0], (20.0, 0.6, 0)],
            &[two[0], two[1], two[1]],
            &[two[0], (20.0, f64::NAN, 1)],
        ] {
            assert!(compare(&two, other) > 1e-3, "{other:?}");
            assert!(compare(other, &two) > 1e-3, "{other:?}");
        }
        let moved = compare(&two, &[two[0], (20.5, 0.6, 1)]);
        assert!((moved - 0.5).abs() < 1e-12);
        // Boxes at the edge alone are no agreement, however loose the tolerance.
        let edge = [(0.0, 0.251, 0)];
        assert_eq!(
            difference(&boxes(&edge), &boxes(&[]), &RULES, 50.0),
            f64::INFINITY
        );
        assert_eq!(
            difference(&boxes(&two), &boxes(&two[..1]), &RULES, 50.0),
            f64::INFINITY
        );
    }
}
