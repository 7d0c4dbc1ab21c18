//! Implicit shapes: negative inside, positive outside, near the surface the distance in millimetres.
//!
//! A field need not be an exact distance. It must be smooth near its surface and must not change faster
//! than its [`Field::slope`]; then a block of voxels whose centre is far enough from every surface is
//! known to be of one tissue without looking at its voxels (`scan`). The ellipsoid's first-order distance
//! and the polynomial blend are the ones in common use for implicit modelling (I. Quilez, "Distance
//! functions", "Smooth minimum").

use crate::linear::{Vec3, add, dot, floor, norm, rotate, rotate_back, scale, sub};
use crate::tissue::Tissue;
use crate::warp::{Wave, wave};

/// A ball that holds a shape.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Ball {
    pub(crate) centre: Vec3,
    pub(crate) radius: f32,
}

/// An ellipsoid: `axes[i]` is the direction of `radii[i]`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Ellipsoid {
    pub(crate) centre: Vec3,
    pub(crate) radii: Vec3,
    pub(crate) axes: [Vec3; 3],
}

impl Ellipsoid {
    #[inline(always)]
    fn at(&self, p: Vec3) -> f32 {
        let q = rotate(&self.axes, sub(p, self.centre));
        let unit = [
            q[0] / self.radii[0],
            q[1] / self.radii[1],
            q[2] / self.radii[2],
        ];
        let gradient = [
            unit[0] / self.radii[0],
            unit[1] / self.radii[1],
            unit[2] / self.radii[2],
        ];
        let (level, steepness) = (norm(unit), norm(gradient));
        if steepness < 1e-6 {
            return -self.smallest();
        }
        level * (level - 1.0) / steepness
    }

    fn smallest(&self) -> f32 {
        self.radii.iter().copied().fold(f32::INFINITY, f32::min)
    }

    fn largest(&self) -> f32 {
        self.radii.iter().copied().fold(0.0, f32::max)
    }

    /// The place with the given coordinates along the axes, in radii.
    pub(crate) fn place(&self, units: Vec3) -> Vec3 {
        let local = [0, 1, 2].map(|i| units[i] * self.radii[i]);
        add(self.centre, rotate_back(&self.axes, local))
    }
}

/// A straight tube with round ends whose radius changes evenly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Segment {
    pub(crate) start: Vec3,
    pub(crate) end: Vec3,
    pub(crate) radii: [f32; 2],
}

impl Segment {
    #[inline(always)]
    fn at(&self, p: Vec3) -> f32 {
        let (from_start, along) = (sub(p, self.start), sub(self.end, self.start));
        let t = (dot(from_start, along) / dot(along, along).max(1e-6)).clamp(0.0, 1.0);
        norm(sub(from_start, scale(along, t)))
            - (self.radii[0] + (self.radii[1] - self.radii[0]) * t)
    }

    fn slope(&self) -> f32 {
        1.0 + (self.radii[1] - self.radii[0]).abs() / norm(sub(self.end, self.start)).max(1e-3)
    }

    fn ball(&self) -> Ball {
        Ball {
            centre: scale(add(self.start, self.end), 0.5),
            radius: norm(sub(self.end, self.start)) / 2.0 + self.radii[0].max(self.radii[1]),
        }
    }
}

/// An upright column of rounded-rectangular section, endless in z.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Column {
    pub(crate) centre: [f32; 2],
    pub(crate) radii: [f32; 2],
    /// 0 for an ellipse, 1 for a superellipse of exponent 4.
    pub(crate) squareness: f32,
}

impl Column {
    #[inline(always)]
    fn at(&self, p: Vec3) -> f32 {
        let (x, y) = (p[0] - self.centre[0], p[1] - self.centre[1]);
        let (u, v) = (x / self.radii[0], y / self.radii[1]);
        let (uu, vv) = (u * u, v * v);
        let level = (1.0 - self.squareness) * (uu + vv).sqrt()
            + self.squareness * (uu * uu + vv * vv).sqrt().sqrt();
        let reach = (x * x + y * y).sqrt();
        if level < 1e-4 {
            return -self.radii[0].min(self.radii[1]);
        }
        reach * (1.0 - level.recip())
    }
}

/// The course of the spine: offsets that bend it, and the vertebrae's period.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spine {
    /// Centre of the vertebral bodies at z = 0, in x and y.
    pub(crate) centre: [f32; 2],
    /// Height of the bend to the side and of the lordosis, in millimetres.
    pub(crate) bend: [f32; 2],
    /// Phase of the bends.
    pub(crate) phase: [f32; 2],
    /// Distance from one vertebra to the next.
    pub(crate) period: f32,
    /// Height of the middle of one vertebra.
    pub(crate) level: f32,
    /// Half axes of a vertebral body in x and y.
    pub(crate) radii: [f32; 2],
    /// Half the height of a vertebral body.
    pub(crate) half_height: f32,
}

/// Parts of a [`Spine`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum SpinePart {
    /// The column of vertebral bodies and discs.
    Column,
    /// The vertebral bodies alone.
    Bodies,
    /// Pedicles, laminae, spinous and transverse processes.
    Arches,
    /// The spinal canal.
    Canal,
}

impl Spine {
    /// Middle of the column at height `z`.
    pub(crate) fn middle(&self, z: f32) -> [f32; 2] {
        [
            self.centre[0] + self.bend[0] * wave(z / 520.0 + self.phase[0]),
            self.centre[1] + self.bend[1] * wave(z / 420.0 + self.phase[1]),
        ]
    }

    fn at(&self, part: SpinePart, p: Vec3) -> f32 {
        let middle = self.middle(p[2]);
        let (x, y) = (p[0] - middle[0], p[1] - middle[1]);
        // Far away a lower bound of the distance will do.
        let far = (x.abs() - 45.0).max((y - 16.0).abs() - 64.0);
        if far > 15.0 {
            return far;
        }
        let turns = (p[2] - self.level) / self.period;
        let z = (turns - floor(turns + 0.5)) * self.period;
        match part {
            SpinePart::Column | SpinePart::Bodies => {
                let height = z.abs() / self.half_height;
                // The waist of a vertebral body; discs bulge a little.
                let waist = 0.90 + 0.10 * (height * height).min(1.0);
                let column = Column {
                    centre: [0.0, 0.0],
                    radii: [self.radii[0] * waist, self.radii[1] * waist],
                    squareness: 0.5,
                };
                let side = column.at([x, y, 0.0]);
                match part {
                    SpinePart::Bodies => side.max(z.abs() - self.half_height),
                    _ => side,
                }
            }
            SpinePart::Canal => canal(x, y - self.canal_offset()),
            SpinePart::Arches => {
                let back = y - self.canal_offset();
                let ring = (canal(x, back) - 4.0).abs() - 4.0;
                let lamina = ring.max(z.abs() - 10.0);
                let spinous = Segment {
                    start: [0.0, 13.0, 0.0],
                    end: [0.0, 33.0, -3.0],
                    radii: [3.5, 4.5],
                };
                let transverse = Segment {
                    start: [15.0, -3.0, 0.0],
                    end: [40.0, 2.0, 1.0],
                    radii: [5.5, 3.5],
                };
                // Halving z makes the spinous process a plate twice as high as it is wide.
                let spinous = spinous.at([x, back, 0.5 * z]);
                lamina.min(spinous).min(transverse.at([x.abs(), back, z]))
            }
        }
    }

    /// From the middle of the body to the middle of the canal.
    fn canal_offset(&self) -> f32 {
        self.radii[1] + 10.0
    }
}

fn canal(x: f32, y: f32) -> f32 {
    let (u, v) = (x / 12.0, y / 9.0);
    ((u * u + v * v).sqrt() - 1.0) * 9.5
}

/// The dome of the diaphragm: vaults that go over into columns below them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Dome {
    pub(crate) vaults: [Ellipsoid; 3],
}

impl Dome {
    fn at(&self, p: Vec3) -> f32 {
        (self.vaults.iter())
            .map(|vault| vault.at([p[0], p[1], p[2].max(vault.centre[2])]))
            .fold(f32::INFINITY, |a, b| blend(a, b, 20.0))
    }
}

/// A field over the patient's space.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Field {
    Ellipsoid(Ellipsoid),
    Segment(Segment),
    Column(Column),
    Spine(Spine, SpinePart),
    Dome(Dome),
    /// Positive on the side that `normal` (of length 1) points to.
    Plane {
        normal: Vec3,
        offset: f32,
    },
    /// All of them, with seams of `blend` millimetres rounded off.
    Union {
        fields: Vec<Self>,
        blend: f32,
    },
    /// What they share, with edges of `blend` millimetres rounded off.
    Intersection {
        fields: Vec<Self>,
        blend: f32,
    },
    /// The outside of a field.
    Complement(Box<Self>),
    /// A field with its surface moved outwards.
    Grown {
        field: Box<Self>,
        by: f32,
    },
    /// A field with a wavy surface.
    Wavy {
        field: Box<Self>,
        waves: Vec<Wave>,
    },
}

impl Field {
    pub(crate) fn at(&self, p: Vec3) -> f32 {
        match self {
            Self::Ellipsoid(ellipsoid) => ellipsoid.at(p),
            Self::Segment(segment) => segment.at(p),
            Self::Column(column) => column.at(p),
            Self::Spine(spine, part) => spine.at(*part, p),
            Self::Dome(dome) => dome.at(p),
            Self::Plane { normal, offset } => dot(*normal, p) - offset,
            Self::Union {
                fields,
                blend: width,
            } => (fields.iter())
                .map(|field| field.at(p))
                .fold(f32::INFINITY, |a, b| blend(a, b, *width)),
            Self::Intersection {
                fields,
                blend: width,
            } => -(fields.iter())
                .map(|field| -field.at(p))
                .fold(f32::INFINITY, |a, b| blend(a, b, *width)),
            Self::Complement(field) => -field.at(p),
            Self::Grown { field, by } => field.at(p) - by,
            Self::Wavy { field, waves } => {
                field.at(p) + waves.iter().map(|wave| wave.at(p)).sum::<f32>()
            }
        }
    }

    /// The same field within `reach` of `centre`, without the operands that cannot matter there.
    ///
    /// Returns the field and its value at `centre`; values within the reach are unchanged to the bit.
    pub(crate) fn near(&self, centre: Vec3, reach: f32) -> (Self, f32) {
        match self {
            Self::Union { fields, blend } => {
                let (fields, value) = prune(fields, *blend, 1.0, centre, reach);
                match <[Self; 1]>::try_from(fields) {
                    Ok([only]) => (only, value),
                    Err(fields) => (
                        Self::Union {
                            fields,
                            blend: *blend,
                        },
                        value,
                    ),
                }
            }
            Self::Intersection { fields, blend } => {
                let (fields, value) = prune(fields, *blend, -1.0, centre, reach);
                match <[Self; 1]>::try_from(fields) {
                    Ok([only]) => (only, value),
                    Err(fields) => (
                        Self::Intersection {
                            fields,
                            blend: *blend,
                        },
                        value,
                    ),
                }
            }
            Self::Complement(field) => {
                let (field, value) = field.near(centre, reach);
                (Self::Complement(Box::new(field)), -value)
            }
            Self::Grown { field, by } => {
                let (field, value) = field.near(centre, reach);
                (
                    Self::Grown {
                        field: Box::new(field),
                        by: *by,
                    },
                    value - by,
                )
            }
            Self::Wavy { field, waves } => {
                let (field, _) = field.near(centre, reach);
                let near = Self::Wavy {
                    field: Box::new(field),
                    waves: waves.clone(),
                };
                let value = near.at(centre);
                (near, value)
            }
            simple => (simple.clone(), simple.at(centre)),
        }
    }

    /// An upper bound of how fast it changes, per millimetre.
    pub(crate) fn slope(&self) -> f32 {
        match self {
            Self::Ellipsoid(e) => (e.largest() / e.smallest()).max(1.0) * 1.1,
            Self::Segment(segment) => segment.slope(),
            Self::Column(c) => {
                let (a, b) = (c.radii[0], c.radii[1]);
                1.2 * (a.max(b) / a.min(b))
            }
            Self::Spine(..) => 1.8,
            Self::Dome(dome) => (dome.vaults.iter())
                .map(|v| 1.1 * v.largest() / v.smallest())
                .fold(1.0, f32::max),
            Self::Plane { .. } => 1.0,
            Self::Union { fields, .. } | Self::Intersection { fields, .. } => {
                fields.iter().map(Self::slope).fold(0.0, f32::max)
            }
            Self::Complement(field) | Self::Grown { field, .. } => field.slope(),
            Self::Wavy { field, waves } => {
                field.slope() + waves.iter().map(Wave::slope).sum::<f32>()
            }
        }
    }

    /// A ball around its inside, `None` when it has no end.
    pub(crate) fn ball(&self) -> Option<Ball> {
        match self {
            Self::Ellipsoid(e) => Some(Ball {
                centre: e.centre,
                radius: e.largest(),
            }),
            Self::Segment(segment) => Some(segment.ball()),
            Self::Union { fields, blend } => {
                let mut balls = fields.iter().map(Self::ball);
                let first = balls.next()??;
                let mut around = first;
                for ball in balls {
                    around = enclosing(around, ball?);
                }
                around.radius += blend / 4.0;
                Some(around)
            }
            Self::Intersection { fields, .. } => (fields.iter())
                .filter_map(Self::ball)
                .min_by(|a, b| a.radius.total_cmp(&b.radius)),
            Self::Grown { field, by } => field.ball().map(|ball| Ball {
                radius: ball.radius + by.max(0.0) * field.slope(),
                ..ball
            }),
            Self::Wavy { field, waves } => field.ball().map(|ball| Ball {
                radius: ball.radius + field.slope() * waves.iter().map(Wave::height).sum::<f32>(),
                ..ball
            }),
            Self::Column(_)
            | Self::Spine(..)
            | Self::Dome(_)
            | Self::Plane { .. }
            | Self::Complement(_) => None,
        }
    }
}

/// The operands of a union (`sign` 1) or an intersection (`sign` -1) that matter within `reach` of
/// `centre`, and the value of the whole there.
fn prune(fields: &[Field], width: f32, sign: f32, centre: Vec3, reach: f32) -> (Vec<Field>, f32) {
    let near: Vec<_> = fields
        .iter()
        .map(|field| field.near(centre, reach))
        .collect();
    let value = (near.iter())
        .map(|(_, value)| sign * value)
        .fold(f32::INFINITY, |a, b| blend(a, b, width));
    // The winner is nowhere above `ceiling`; an operand that stays three blends above it never joins in.
    let ceiling = (near.iter())
        .map(|(field, value)| sign * value + field.slope() * reach)
        .fold(f32::INFINITY, f32::min);
    let kept = near
        .into_iter()
        .filter(|(field, value)| sign * value - field.slope() * reach <= ceiling + 3.0 * width)
        .map(|(field, _)| field)
        .collect();
    (kept, sign * value)
}

/// The smaller of two fields, with the seam rounded off over `width` millimetres.
#[inline(always)]
fn blend(a: f32, b: f32, width: f32) -> f32 {
    if width <= 0.0 || a.is_infinite() {
        return a.min(b);
    }
    let h = (width - (a - b).abs()).max(0.0) / width;
    a.min(b) - h * h * width * 0.25
}

fn enclosing(a: Ball, b: Ball) -> Ball {
    let way = sub(b.centre, a.centre);
    let distance = norm(way);
    if distance + b.radius <= a.radius {
        return a;
    }
    if distance + a.radius <= b.radius {
        return b;
    }
    let radius = (distance + a.radius + b.radius) / 2.0;
    Ball {
        centre: add(a.centre, scale(way, (radius - a.radius) / distance)),
        radius,
    }
}

/// Tissue up to a distance from the surface (negative inside).
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Layer {
    pub(crate) offset: f32,
    pub(crate) tissue: Tissue,
}

/// A shape made of layers, from its core outwards.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Part {
    pub(crate) field: Field,
    pub(crate) layers: Vec<Layer>,
    pub(crate) slope: f32,
    pub(crate) ball: Option<Ball>,
}

impl Part {
    /// A part with `layers` as (outer offset in mm, tissue), innermost first.
    pub(crate) fn new(field: Field, layers: &[(f32, Tissue)]) -> Self {
        let outermost = layers.last().map_or(0.0, |layer| layer.0);
        let slope = field.slope();
        let ball = field.ball().map(|ball| Ball {
            radius: ball.radius + outermost.max(0.0) * slope.max(1.0),
            ..ball
        });
        Self {
            layers: (layers.iter())
                .map(|&(offset, tissue)| Layer { offset, tissue })
                .collect(),
            slope,
            ball,
            field,
        }
    }

    /// The tissue at a field value, if it lies within the part.
    #[inline(always)]
    pub(crate) fn tissue(&self, value: f32) -> Option<Tissue> {
        (self.layers.iter())
            .find(|layer| value < layer.offset)
            .map(|layer| layer.tissue)
    }

    /// How far a field value lies from the nearest of its surfaces.
    #[inline(always)]
    pub(crate) fn clearance(&self, value: f32) -> f32 {
        (self.layers.iter())
            .map(|layer| (value - layer.offset).abs())
            .fold(f32::INFINITY, f32::min)
    }
}
