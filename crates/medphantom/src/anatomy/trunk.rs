//! Spine, body wall, muscles, ribs and diaphragm: the frame in which the organs lie.

use super::{Draw, grown, intersection, outside, smooth_curve, tube, union};
use crate::linear::rotation;
use crate::shape::{Column, Dome, Ellipsoid, Field, Part, Segment, Spine, SpinePart};
use crate::tissue::Tissue;
use crate::warp::Wave;

const UPRIGHT: [[f32; 3]; 3] = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]];

/// The frame of one patient.
#[derive(Debug, Clone)]
pub(super) struct Trunk {
    pub(super) spine: Spine,
    /// Inner surface of the body wall, endless in z.
    pub(super) cavity: Column,
    /// What the diaphragm covers.
    dome: Field,
    muscle_mm: f32,
    fat_mm: f32,
    psoas_mm: f32,
}

impl Trunk {
    pub(super) fn draw(draw: &mut Draw) -> Self {
        let spine = Spine {
            centre: [draw.shift(2.0), 38.0 + draw.shift(2.0)],
            bend: [draw.shift(3.0), 7.0 + draw.shift(2.5)],
            phase: [draw.between(0.0, 1.0), 0.30 + draw.shift(0.04)],
            period: 35.0 * draw.factor(0.03),
            level: draw.between(-17.0, 17.0),
            radii: [23.0 * draw.factor(0.05), 17.0 * draw.factor(0.05)],
            half_height: 13.5,
        };
        let cavity = Column {
            centre: [0.0, -8.0],
            radii: [128.0 * draw.factor(0.03), 87.0 * draw.factor(0.04)],
            squareness: 0.35,
        };
        let vault = |x: f32, y: f32, top: f32| Ellipsoid {
            centre: [x, y, 40.0],
            radii: [82.0, 108.0, top - 40.0],
            axes: UPRIGHT,
        };
        let dome = Field::Dome(Dome {
            vaults: [
                vault(-62.0, -6.0, 132.0 + draw.shift(5.0)),
                vault(62.0, -6.0, 122.0 + draw.shift(5.0)),
                vault(0.0, -22.0, 98.0),
            ],
        });
        Self {
            dome,
            spine,
            cavity,
            muscle_mm: 12.0 * draw.factor(0.15),
            fat_mm: 18.0 * draw.factor(0.35),
            psoas_mm: 17.0 * draw.factor(0.10),
        }
    }

    /// The abdomen less `margin` millimetres: what an organ may fill.
    pub(super) fn room(&self, margin: f32) -> Field {
        let abdomen = intersection(vec![self.dome.clone(), Field::Column(self.cavity)], 10.0);
        grown(&abdomen, -margin)
    }

    pub(super) fn spine_parts(&self) -> Vec<Part> {
        let part =
            |part, layers: &[(f32, Tissue)]| Part::new(Field::Spine(self.spine, part), layers);
        let bone = [(-1.7, Tissue::Trabecular), (0.0, Tissue::Cortical)];
        vec![
            part(SpinePart::Canal, &[(0.0, Tissue::SpinalCanal)]),
            part(SpinePart::Bodies, &bone),
            part(SpinePart::Arches, &bone),
            part(SpinePart::Column, &[(-0.3, Tissue::Disc)]),
        ]
    }

    /// The psoas muscles beside the lumbar spine.
    pub(super) fn psoas_parts(&self) -> Vec<Part> {
        [-1.0f32, 1.0]
            .into_iter()
            .flat_map(|side| {
                let thick = self.psoas_mm;
                let curve = smooth_curve(
                    &[
                        ([side * 29.0, 40.0, 45.0], 0.35 * thick),
                        ([side * 33.0, 40.0, 5.0], 0.70 * thick),
                        ([side * 39.0, 37.0, -45.0], 1.05 * thick),
                        ([side * 48.0, 28.0, -110.0], 1.25 * thick),
                        ([side * 56.0, 14.0, -170.0], 1.15 * thick),
                    ],
                    30.0,
                );
                tube(
                    &curve,
                    &[(0.0, Tissue::Muscle)],
                    &[(1.5, Tissue::VisceralFat)],
                )
            })
            .collect()
    }

    /// Back muscles, ribs, hips, and the muscular wall with the fat outside it.
    pub(super) fn wall_parts(&self, draw: &mut Draw) -> Vec<Part> {
        let mut parts = self.ribs(draw);
        parts.extend(self.back_muscles());
        parts.push(Part::new(
            outside(Field::Column(self.cavity)),
            &[
                (-self.muscle_mm, Tissue::SubcutaneousFat),
                (0.0, Tissue::Muscle),
            ],
        ));
        parts
    }

    /// Heart and mediastinum, lungs, and the diaphragm below them.
    pub(super) fn chest_parts(&self) -> Vec<Part> {
        let heart = Field::Ellipsoid(Ellipsoid {
            centre: [22.0, -32.0, 172.0],
            radii: [58.0, 44.0, 46.0],
            axes: rotation([0.0, 15.0, 25.0]),
        });
        let above = outside(self.dome.clone());
        let mediastinum = Field::Column(Column {
            centre: [2.0, 38.0],
            radii: [38.0, 62.0],
            squareness: 0.2,
        });
        vec![
            Part::new(
                intersection(vec![heart, grown(&above, -3.0)], 4.0),
                &[
                    (-7.0, Tissue::Heart),
                    (0.0, Tissue::Muscle),
                    (4.0, Tissue::VisceralFat),
                ],
            ),
            Part::new(
                intersection(vec![mediastinum, grown(&above, -3.0)], 4.0),
                &[(0.0, Tissue::VisceralFat)],
            ),
            Part::new(
                above,
                &[
                    (-3.0, Tissue::Lung),
                    (0.0, Tissue::Muscle),
                    (1.5, Tissue::VisceralFat),
                ],
            ),
        ]
    }

    fn back_muscles(&self) -> Vec<Part> {
        [-1.0f32, 1.0]
            .into_iter()
            .map(|side| {
                let column = |x: f32, y: f32, rx: f32, ry: f32| {
                    Field::Column(Column {
                        centre: [side * x, y],
                        radii: [rx, ry],
                        squareness: 0.4,
                    })
                };
                // Erector spinae and quadratus lumborum.
                let muscle = union(
                    vec![
                        column(32.0, 78.0, 30.0, 20.0),
                        column(60.0, 66.0, 20.0, 11.0),
                    ],
                    6.0,
                );
                Part::new(muscle, &[(0.0, Tissue::Muscle)])
            })
            .collect()
    }

    fn ribs(&self, draw: &mut Draw) -> Vec<Part> {
        let mut parts = Vec::new();
        let [rx, ry] = self.cavity.radii.map(|r| r + 0.5 * self.muscle_mm);
        for side in [-1.0f32, 1.0] {
            for rib in 0..7 {
                let top = self.spine.level + 12.0 + rib as f32 * self.spine.period;
                let reach = (80.0 + 18.0 * rib as f32).min(150.0) + draw.shift(4.0);
                let points: Vec<_> = (0..=8)
                    .map(|i| {
                        // From beside the spine (18 degrees off the back) around the flank.
                        let turned = 18.0 + (reach - 18.0) * i as f32 / 8.0;
                        let (sin, cos) = libm::sincosf(turned.to_radians());
                        let place = [
                            side * rx * sin,
                            self.cavity.centre[1] + ry * cos,
                            top - 0.62 * (turned - 18.0),
                        ];
                        (place, 4.8)
                    })
                    .collect();
                let layers = [(-1.6, Tissue::Rib), (0.0, Tissue::RibCortex)];
                parts.extend(tube(&points, &layers[..1], &layers[1..]));
            }
            parts.extend(self.hip(side));
        }
        parts
    }

    /// The wing of the iliac bone.
    fn hip(&self, side: f32) -> Option<Part> {
        let curve = [
            ([side * 60.0, 66.0, -105.0], 6.0),
            ([side * 100.0, 48.0, -88.0], 6.0),
            ([side * 122.0, 2.0, -98.0], 5.0),
        ];
        let wing = curve
            .windows(2)
            .flat_map(|pair| {
                (0..4).map(move |i| {
                    let drop = |p: [f32; 3]| {
                        [p[0] * (1.0 - 0.06 * i as f32), p[1], p[2] - 22.0 * i as f32]
                    };
                    Field::Segment(Segment {
                        start: drop(pair[0].0),
                        end: drop(pair[1].0),
                        radii: [pair[0].1, pair[1].1],
                    })
                })
            })
            .collect();
        Some(Part::new(
            union(wing, 26.0),
            &[(-1.8, Tissue::Rib), (0.0, Tissue::RibCortex)],
        ))
    }

    /// Skin and the air around it; the fat under it is thicker at the back and the flanks.
    pub(super) fn skin(&self, draw: &mut Draw) -> Part {
        let around = self.muscle_mm + self.fat_mm + 2.0;
        let surface = Field::Column(Column {
            centre: [0.0, self.cavity.centre[1] + 0.25 * self.fat_mm + 4.0],
            radii: [
                self.cavity.radii[0] + around + 0.2 * self.fat_mm,
                self.cavity.radii[1] + around + 5.0,
            ],
            squareness: 0.35,
        });
        let waves = (0..3)
            .map(|_| Wave::draw(&mut draw.random, 2.0 * draw.variation, (130.0, 260.0)))
            .collect();
        let surface = Field::Wavy {
            field: Box::new(surface),
            waves,
        };
        Part::new(outside(surface), &[(0.0, Tissue::Air), (2.0, Tissue::Skin)])
    }
}
