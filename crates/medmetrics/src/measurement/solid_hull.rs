//! Convex hulls in space, by quickhull (Barber, Dobkin, Huhdanpaa, ACM Trans. Math. Softw. 22(4):469, 1996).
//!
//! Points are whole numbers and every decision is exact. A facet that a new point lies level with is replaced
//! together with those that the point sees, so no triangle without area can arise.

use super::outline::Lattice3;

/// A hull as triangles of points, each seen from outside as a turn to the left.
#[derive(Debug)]
pub(crate) struct SolidHull {
    pub(crate) vertices: Vec<Lattice3>,
    pub(crate) facets: Vec<[Lattice3; 3]>,
}

/// A triangle of the growing hull.
struct Facet {
    corners: [usize; 3],
    /// The facet behind the edge from each corner to the next.
    neighbours: [usize; 3],
    normal: Lattice3,
    /// Points in front of it that no other facet has.
    outside: Vec<usize>,
    replaced: bool,
}

impl SolidHull {
    /// The hull of points without repetition; `None` if they lie in one plane.
    pub(crate) fn new(points: &[Lattice3]) -> Option<Self> {
        let mut growing = Growing::start(points)?;
        growing.grow();
        let facets: Vec<[usize; 3]> = { growing.facets.iter() }
            .filter(|facet| !facet.replaced)
            .map(|facet| facet.corners)
            .collect();
        let mut vertices: Vec<usize> = facets.iter().flatten().copied().collect();
        vertices.sort_unstable();
        vertices.dedup();
        Some(Self {
            vertices: vertices.into_iter().map(|v| points[v]).collect(),
            facets: facets.into_iter().map(|f| f.map(|v| points[v])).collect(),
        })
    }
}

struct Growing<'a> {
    points: &'a [Lattice3],
    facets: Vec<Facet>,
    /// Facets that may have points in front of them.
    open: Vec<usize>,
    /// For a vertex of the horizon, the new facet whose edge begins there.
    begins: Vec<usize>,
}

impl<'a> Growing<'a> {
    /// A tetrahedron of points that lie far apart.
    fn start(points: &'a [Lattice3]) -> Option<Self> {
        let first = (0..points.len()).min_by_key(|&i| points[i])?;
        let from_first = |i: usize| sub(points[i], points[first]);
        let second = best(points.len(), |i| wide(dot(from_first(i), from_first(i))))?;
        let line = from_first(second);
        let third = best(points.len(), |i| {
            let area = cross(line, from_first(i)).map(i128::from);
            area.iter().map(|v| v * v).sum()
        })?;
        let normal = cross(line, from_first(third));
        let fourth = best(points.len(), |i| wide(dot(normal, from_first(i)).abs()))?;
        let [a, b, c, d] = match dot(normal, from_first(fourth)) > 0 {
            true => [first, third, second, fourth],
            false => [first, second, third, fourth],
        };
        let mut growing = Self {
            points,
            facets: Vec::new(),
            open: Vec::new(),
            begins: vec![0; points.len()],
        };
        // Facet 0 is the base, the others stand on its edges reversed.
        growing.add([a, b, c], [1, 2, 3]);
        growing.add([b, a, d], [0, 3, 2]);
        growing.add([c, b, d], [0, 1, 3]);
        growing.add([a, c, d], [0, 2, 1]);
        growing.share_out((0..points.len()).collect(), 0);
        Some(growing)
    }

    fn add(&mut self, corners: [usize; 3], neighbours: [usize; 3]) -> usize {
        let [a, b, c] = corners.map(|corner| self.points[corner]);
        self.facets.push(Facet {
            corners,
            neighbours,
            normal: cross(sub(b, a), sub(c, a)),
            outside: Vec::new(),
            replaced: false,
        });
        self.facets.len() - 1
    }

    /// How far a point is in front of a facet, in units of its own.
    fn height(&self, facet: &Facet, point: usize) -> i64 {
        dot(
            facet.normal,
            sub(self.points[point], self.points[facet.corners[0]]),
        )
    }

    /// Gives each point to the first facet from `first` on that it is in front of; the others are inside.
    fn share_out(&mut self, points: Vec<usize>, first: usize) {
        for point in points {
            let home =
                { self.facets[first..].iter() }.position(|facet| self.height(facet, point) > 0);
            if let Some(home) = home {
                self.facets[first + home].outside.push(point);
            }
        }
        let open = (first..self.facets.len()).filter(|&f| !self.facets[f].outside.is_empty());
        self.open.extend(open);
    }

    fn grow(&mut self) {
        while let Some(base) = self.open.pop() {
            let facet = &self.facets[base];
            if facet.replaced {
                continue;
            }
            let farthest = { facet.outside.iter().copied() }
                .max_by_key(|&point| (self.height(facet, point), point));
            let Some(apex) = farthest else { continue };
            let (seen, horizon) = self.seen_from(apex, base);
            let mut orphans = Vec::new();
            for facet in seen {
                self.facets[facet].replaced = true;
                orphans.append(&mut self.facets[facet].outside);
            }
            orphans.retain(|&point| point != apex);
            let first = self.facets.len();
            for &(from, to, behind) in &horizon {
                let new = self.add([from, to, apex], [behind; 3]);
                self.begins[from] = new;
                let edges = self.facets[behind].corners;
                if let Some(edge) = (0..3).find(|&k| edges[k] == to && edges[(k + 1) % 3] == from) {
                    self.facets[behind].neighbours[edge] = new;
                }
            }
            for (new, &(_, to, _)) in (first..).zip(&horizon) {
                let next = self.begins[to];
                self.facets[new].neighbours[1] = next;
                self.facets[next].neighbours[2] = new;
            }
            self.share_out(orphans, first);
        }
    }

    /// The facets that a point is in front of or level with, and the edges around them: from, to, behind.
    fn seen_from(&self, apex: usize, base: usize) -> (Vec<usize>, Vec<(usize, usize, usize)>) {
        let mut seen = vec![base];
        let mut horizon = Vec::new();
        let mut reached = 0;
        while let Some(&facet) = seen.get(reached) {
            reached += 1;
            for (k, &behind) in self.facets[facet].neighbours.iter().enumerate() {
                if seen.contains(&behind) {
                    continue;
                }
                if self.height(&self.facets[behind], apex) >= 0 {
                    seen.push(behind);
                } else {
                    let corners = self.facets[facet].corners;
                    horizon.push((corners[k], corners[(k + 1) % 3], behind));
                }
            }
        }
        (seen, horizon)
    }
}

/// The first of the numbers below `count` with the largest weight, `None` if that is 0.
fn best(count: usize, weight: impl Fn(usize) -> i128) -> Option<usize> {
    let mut best = (0, None);
    for i in 0..count {
        let here = weight(i);
        if here > best.0 {
            best = (here, Some(i));
        }
    }
    best.1
}

fn wide(value: i64) -> i128 {
    value.into()
}

pub(crate) fn sub(a: Lattice3, b: Lattice3) -> Lattice3 {
    [a[0] - b[0], a[1] - b[1], a[2] - b[2]]
}

fn dot(a: Lattice3, b: Lattice3) -> i64 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

fn cross(a: Lattice3, b: Lattice3) -> Lattice3 {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

#[cfg(test)]
mod tests {
    use medcore::random::Key;

    use super::*;

    /// Every point lies behind every facet, and the facets close up (V - E + F = 2).
    fn check(points: &[Lattice3]) {
        let hull = SolidHull::new(points).unwrap();
        for &[a, b, c] in &hull.facets {
            let normal = cross(sub(b, a), sub(c, a));
            assert_ne!(normal, [0; 3]);
            assert!(points.iter().all(|&p| dot(normal, sub(p, a)) <= 0));
        }
        let (vertices, facets) = (hull.vertices.len(), hull.facets.len());
        assert_eq!(vertices + facets, 3 * facets / 2 + 2);
    }

    #[test]
    fn points_are_behind_every_facet_of_their_hull() {
        let mut random = Key::new(4).stream("points");
        // Few places along an axis: many points in one plane and on one line.
        for extent in [2, 3, 5, 12, 200] {
            for _ in 0..40 {
                let mut points: Vec<Lattice3> = (0..60)
                    .map(|_| std::array::from_fn(|_| random.below(extent) as i64))
                    .collect();
                points.sort_unstable();
                points.dedup();
                if SolidHull::new(&points).is_some() {
                    check(&points);
                }
            }
        }
        let cube: Vec<Lattice3> = (0..27).map(|i| [i / 9, i / 3 % 3, i % 3]).collect();
        check(&cube);
    }

    #[test]
    fn points_in_a_plane_have_no_hull() {
        for points in [
            vec![[1, 2, 3]],
            vec![[0, 0, 0], [2, 2, 2], [4, 4, 4]],
            (0..16).map(|i| [i / 4, i % 4, i / 4 + i % 4]).collect(),
        ] {
            assert!(SolidHull::new(&points).is_none());
        }
    }
}
