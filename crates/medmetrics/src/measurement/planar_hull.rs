//! Convex hulls in a plane, and what rotating calipers find on them; exact, in whole numbers.

use super::outline::Lattice2;

/// The vertices of the convex hull, each a turn, the first the lexicographically smallest (Andrew's monotone
/// chain, Inf. Process. Lett. 9(5):216, 1979).
pub(crate) fn hull(mut points: Vec<Lattice2>) -> Vec<Lattice2> {
    points.sort_unstable();
    points.dedup();
    if points.len() < 3 {
        return points;
    }
    let mut hull = half(points.iter());
    hull.pop();
    let mut back = half(points.iter().rev());
    back.pop();
    hull.append(&mut back);
    hull
}

/// The chain from the first point to the last that keeps all others on one side.
fn half<'a>(points: impl Iterator<Item = &'a Lattice2>) -> Vec<Lattice2> {
    let mut chain: Vec<Lattice2> = Vec::new();
    for &point in points {
        while let [.., a, b] = chain[..] {
            if cross(sub(b, a), sub(point, a)) > 0 {
                break;
            }
            chain.pop();
        }
        chain.push(point);
    }
    chain
}

/// Calls `found` with each edge of a hull of three or more vertices and the vertex farthest from it.
///
/// Which vertex is farthest does not depend on the lengths of the axes, so whole numbers decide. Of two that
/// are equally far both are given. The pairs of an edge's ends with these vertices hold all antipodal pairs,
/// the most distant among them (Shamos, "Computational geometry", 1978).
pub(crate) fn for_each_antipode(hull: &[Lattice2], mut found: impl FnMut([usize; 2], usize)) {
    let n = hull.len();
    let mut far = 1;
    for i in 0..n {
        let next = (i + 1) % n;
        let edge = sub(hull[next], hull[i]);
        let gain = |at: usize| cross(edge, sub(hull[(at + 1) % n], hull[at]));
        if far == i {
            far = next;
        }
        while gain(far) > 0 {
            far = (far + 1) % n;
        }
        found([i, next], far);
        if gain(far) == 0 {
            found([i, next], (far + 1) % n);
        }
    }
}

pub(crate) fn sub(a: Lattice2, b: Lattice2) -> Lattice2 {
    [a[0] - b[0], a[1] - b[1]]
}

pub(crate) fn cross(a: Lattice2, b: Lattice2) -> i64 {
    a[0] * b[1] - a[1] * b[0]
}

#[cfg(test)]
mod tests {
    use medcore::random::Key;

    use super::*;

    #[test]
    fn a_hull_has_turns_only_and_keeps_every_point_inside() {
        let mut random = Key::new(8).stream("points");
        for count in [1, 2, 3, 5, 40] {
            let points: Vec<Lattice2> = (0..count)
                .map(|_| [random.below(9) as i64, random.below(6) as i64])
                .collect();
            let hull = hull(points.clone());
            let n = hull.len();
            for i in 0..if n > 2 { n } else { 0 } {
                let (a, b, c) = (hull[i], hull[(i + 1) % n], hull[(i + 2) % n]);
                assert!(cross(sub(b, a), sub(c, b)) > 0);
                assert!(points.iter().all(|&p| cross(sub(b, a), sub(p, a)) >= 0));
            }
        }
        assert_eq!(
            hull(vec![[0, 0], [2, 2], [1, 1], [3, 3]]),
            [[0, 0], [3, 3]],
            "a line has two ends"
        );
    }
}
