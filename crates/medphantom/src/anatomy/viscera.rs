//! The labelled organs, and the vessels and neighbours that can be mistaken for them.

use super::trunk::Trunk;
use super::{Draw, grown, intersection, outside, segments, smooth_curve, tube, union};
use crate::linear::{Vec3, add, rotation};
use crate::shape::{Ellipsoid, Field, Part, Segment};
use crate::tissue::Tissue;
use crate::warp::Wave;

/// An ellipsoid turned by `degrees` about x, y and z.
fn ellipsoid(centre: Vec3, radii: Vec3, degrees: Vec3) -> Ellipsoid {
    // `rotation` gives the map from local to world; the rows of its transpose are the axes.
    let rows = rotation(degrees.map(f64::from));
    let axes = [0, 1, 2].map(|i| [rows[0][i], rows[1][i], rows[2][i]]);
    Ellipsoid {
        centre,
        radii,
        axes,
    }
}

/// `field` with a surface of the patient's own.
fn wavy(draw: &mut Draw, field: Field, height: f64, length: (f64, f64)) -> Field {
    let waves = (0..3)
        .map(|_| Wave::draw(&mut draw.random, height * draw.variation, length))
        .collect();
    Field::Wavy {
        field: Box::new(field),
        waves,
    }
}

fn ball(centre: Vec3, radius: f32) -> Field {
    Field::Ellipsoid(ellipsoid(centre, [radius; 3], [0.0; 3]))
}

/// Aorta down to its bifurcation, iliac arteries, inferior vena cava.
pub(super) fn great_vessels(draw: &mut Draw, trunk: &Trunk) -> Vec<Part> {
    let fork = -82.0 + draw.shift(7.0);
    let radius = 11.2 * draw.factor(0.07);
    let side = draw.shift(2.5);
    let ahead = |z: f32, gap: f32| {
        let [x, y] = trunk.spine.middle(z);
        [x, y - trunk.spine.radii[1] - gap, z]
    };
    let aorta: Vec<_> = (0..=8)
        .map(|i| {
            let t = i as f32 / 8.0;
            let z = fork + (230.0 - fork) * t;
            let above = ((z - 60.0) / 120.0).clamp(0.0, 1.0);
            let place = add(
                ahead(z, 1.5 + radius - 4.0 * above),
                [5.0 + side * (1.0 - t) + 13.0 * above, draw.shift(0.8), 0.0],
            );
            (place, radius * (0.90 + 0.18 * t))
        })
        .collect();
    let bottom = aorta[0].0;
    let mut parts = tube(
        &smooth_curve(&aorta, 24.0),
        &[(0.0, Tissue::Aorta)],
        &[(1.5, Tissue::VisceralFat)],
    );
    for away in [-1.0f32, 1.0] {
        let iliac = [
            (add(bottom, [away * 5.0, 0.5, -7.0]), 0.62 * radius),
            (add(bottom, [away * 22.0, 8.0, -50.0]), 0.58 * radius),
            (add(bottom, [away * 42.0, 18.0, -110.0]), 0.55 * radius),
        ];
        parts.extend(tube(
            &smooth_curve(&iliac, 25.0),
            &[(0.0, Tissue::Artery)],
            &[(1.5, Tissue::VisceralFat)],
        ));
    }
    let cava_radius = 10.5 * draw.factor(0.10);
    let cava: Vec<_> = (0..=6)
        .map(|i| {
            let z = -110.0 + 40.0 * i as f32;
            let above = ((z - 30.0) / 90.0).clamp(0.0, 1.0);
            let place = add(ahead(z, 4.0 + 12.0 * above), [-25.0, draw.shift(1.0), 0.0]);
            (place, cava_radius)
        })
        .collect();
    parts.extend(tube(
        &smooth_curve(&cava, 24.0),
        &[(0.0, Tissue::Vein)],
        &[(1.5, Tissue::VisceralFat)],
    ));
    parts
}

/// Both kidneys with cortex, medulla, sinus fat, renal vein, sometimes a cyst.
pub(super) fn kidneys(draw: &mut Draw, trunk: &Trunk) -> Vec<Part> {
    let mut parts = Vec::new();
    let common = 1.03 * draw.factor(0.05);
    for (side, z, cortex, medulla, cyst) in [
        (
            -1.0f32,
            -14.0,
            Tissue::RightCortex,
            Tissue::RightMedulla,
            Tissue::RightCyst,
        ),
        (
            1.0,
            4.0,
            Tissue::LeftCortex,
            Tissue::LeftMedulla,
            Tissue::LeftCyst,
        ),
    ] {
        let size = common * draw.factor(0.04);
        let centre = add([side * 70.0, 36.0, z], draw.shift3([3.5, 3.0, 8.0]));
        // The upper pole leans to the spine and to the back.
        let turn = [
            10.0 + draw.shift(4.0),
            -side * (14.0 + draw.shift(4.0)),
            side * (28.0 + draw.shift(6.0)),
        ];
        let body = ellipsoid(
            centre,
            [30.0 * size, 24.5 * size, 57.0 * size * draw.factor(0.04)],
            turn,
        );
        // The hilum: a bay on the inner side, filled with fat.
        let hilum = ellipsoid(
            body.place([-side * 0.95, -0.10, 0.0]),
            [20.0 * size, 10.0 * size, 23.0 * size],
            turn,
        );
        let organ = wavy(draw, Field::Ellipsoid(body.clone()), 1.6, (35.0, 70.0));
        let organ = intersection(
            vec![organ, outside(Field::Ellipsoid(hilum)), trunk.room(2.0)],
            4.0,
        );
        if draw.random.chance(0.35) {
            let place = body.place([
                side * draw.between(0.3, 0.8),
                draw.between(-0.4, 0.4),
                draw.between(-0.6, 0.6),
            ]);
            let cyst_field = intersection(
                vec![ball(place, draw.between(5.0, 11.0)), organ.clone()],
                0.0,
            );
            parts.push(Part::new(cyst_field, &[(0.0, cyst)]));
        }
        parts.push(Part::new(
            organ,
            &[(-7.5, medulla), (0.0, cortex), (2.5, Tissue::VisceralFat)],
        ));
        let vein = [
            (body.place([-side * 0.55, -0.15, 0.0]), 4.5),
            ([side * 14.0, 6.0, centre[2] + 8.0], 4.8),
        ];
        parts.extend(tube(
            &vein,
            &[(0.0, Tissue::Vein)],
            &[(1.0, Tissue::VisceralFat)],
        ));
    }
    parts
}

/// The liver: a large right lobe, a left lobe crossing the midline, vessels, sometimes cysts; and the
/// gallbladder below it.
pub(super) fn liver(draw: &mut Draw, trunk: &Trunk) -> Vec<Part> {
    let size = draw.factor(0.05);
    let shift = draw.shift3([4.0, 4.0, 5.0]);
    let at = |p: Vec3| add(p, shift);
    let right = ellipsoid(
        at([-72.0, 4.0, 52.0]),
        [68.0 * size, 84.0 * size, 92.0 * size],
        [0.0, draw.shift(5.0), 0.0],
    );
    let left = ellipsoid(
        at([2.0, -38.0, 74.0]),
        [74.0 * size * draw.factor(0.10), 40.0 * size, 38.0 * size],
        [0.0, -10.0 + draw.shift(5.0), 8.0],
    );
    // The visceral surface: rising from the right flank to the left lobe.
    let tilt = rotation([0.0, f64::from(32.0 + draw.shift(4.0)), 0.0]);
    let normal = [tilt[0][2], tilt[1][2], tilt[2][2]].map(|v| -v);
    let hinge = at([-70.0, 0.0, 4.0]);
    let under = Field::Plane {
        normal: [-normal[0], normal[1], normal[2]],
        offset: -normal[0] * hinge[0] + normal[1] * hinge[1] + normal[2] * hinge[2],
    };
    let lobes = union(vec![Field::Ellipsoid(right), Field::Ellipsoid(left)], 26.0);
    let organ = wavy(draw, lobes, 3.0, (70.0, 130.0));
    // The bed of the right kidney, which keeps the liver in front of it.
    let fossa = outside(Field::Ellipsoid(ellipsoid(
        at([-72.0, 66.0, -18.0]),
        [48.0, 46.0, 62.0],
        [0.0; 3],
    )));
    let organ = intersection(vec![organ, under, fossa, trunk.room(2.5)], 14.0);

    let hilum = at([-28.0, -4.0, 42.0]);
    let branches: [[(Vec3, f32); 3]; 5] = [
        [
            (hilum, 6.5),
            (at([-58.0, 2.0, 56.0]), 5.0),
            (at([-92.0, 22.0, 62.0]), 3.0),
        ],
        [
            (hilum, 5.5),
            (at([-62.0, -22.0, 46.0]), 4.0),
            (at([-95.0, -40.0, 40.0]), 2.5),
        ],
        [
            (hilum, 5.5),
            (at([-8.0, -30.0, 66.0]), 4.5),
            (at([32.0, -46.0, 76.0]), 2.5),
        ],
        [
            (at([-22.0, 8.0, 108.0]), 5.5),
            (at([-58.0, -4.0, 96.0]), 4.0),
            (at([-92.0, -22.0, 74.0]), 2.5),
        ],
        [
            (at([-22.0, 8.0, 108.0]), 5.0),
            (at([-34.0, -30.0, 92.0]), 4.0),
            (at([-42.0, -58.0, 66.0]), 2.5),
        ],
    ];
    let inside = grown(&organ, -3.0);
    let mut parts = Vec::new();
    for _ in 0..draw.random.below(3) {
        let place = at([
            draw.between(-105.0, -30.0),
            draw.between(-40.0, 40.0),
            draw.between(15.0, 90.0),
        ]);
        let cyst = intersection(
            vec![ball(place, draw.between(4.0, 10.0)), inside.clone()],
            0.0,
        );
        parts.push(Part::new(cyst, &[(0.0, Tissue::LiverCyst)]));
    }
    for branch in branches {
        let branch: Vec<_> = branch
            .into_iter()
            .map(|(p, r)| (add(p, draw.shift3([4.0; 3])), r))
            .collect();
        parts.extend(segments(&smooth_curve(&branch, 18.0)).map(|vessel| {
            let clipped = intersection(vec![Field::Segment(vessel), inside.clone()], 0.0);
            Part::new(clipped, &[(0.0, Tissue::LiverVessel)])
        }));
    }
    let gallbladder = Field::Segment(Segment {
        start: at([-42.0, -34.0, 26.0]),
        end: at([-50.0, -58.0, -2.0]),
        radii: [6.0, 12.0 * draw.factor(0.15)],
    });
    parts.push(Part::new(
        gallbladder,
        &[(0.0, Tissue::Bile), (1.2, Tissue::VisceralFat)],
    ));
    parts.push(Part::new(
        organ,
        &[(0.0, Tissue::Liver), (2.0, Tissue::VisceralFat)],
    ));
    parts
}

/// The spleen: a thick crescent against the left wall.
pub(super) fn spleen(draw: &mut Draw, trunk: &Trunk) -> Vec<Part> {
    let size = 1.09 * draw.factor(0.07);
    let centre = add([94.0, 30.0, 62.0], draw.shift3([3.0, 5.0, 7.0]));
    let body = ellipsoid(
        centre,
        [33.0 * size, 54.0 * size, 52.0 * size],
        [
            -20.0 + draw.shift(6.0),
            draw.shift(6.0),
            -18.0 + draw.shift(6.0),
        ],
    );
    let bed = ellipsoid(
        add(centre, [-52.0 * size, -20.0 * size, -4.0]),
        [48.0 * size, 58.0 * size, 70.0 * size],
        [0.0, 0.0, -10.0],
    );
    let organ = wavy(draw, Field::Ellipsoid(body), 2.0, (45.0, 90.0));
    let organ = intersection(
        vec![organ, outside(Field::Ellipsoid(bed)), trunk.room(2.5)],
        7.0,
    );
    vec![Part::new(
        organ,
        &[(0.0, Tissue::Spleen), (2.0, Tissue::VisceralFat)],
    )]
}

/// The stomach: fundus under the left dome, body, antrum crossing the midline; food and water in it, and
/// gas in front, since patients lie on their back.
pub(super) fn stomach(draw: &mut Draw, trunk: &Trunk) -> Vec<Part> {
    let size = 0.93 * draw.factor(0.07);
    let shift = draw.shift3([5.0, 4.0, 6.0]);
    let mut point = |x: f32, y: f32, z: f32, r: f32| {
        let place = add(add([x, y, z], shift), draw.shift3([2.5; 3]));
        Field::Segment(Segment {
            start: place,
            end: place,
            radii: [r * size; 2],
        })
    };
    let knots = [
        point(50.0, 12.0, 86.0, 27.0),
        point(60.0, -12.0, 60.0, 28.0),
        point(60.0, -34.0, 30.0, 25.0),
        point(42.0, -50.0, 6.0, 22.0),
        point(12.0, -54.0, -6.0, 18.0),
        point(-14.0, -44.0, 2.0, 12.5),
    ];
    let joined = knots
        .windows(2)
        .filter_map(|pair| match (&pair[0], &pair[1]) {
            (Field::Segment(a), Field::Segment(b)) => Some(Field::Segment(Segment {
                start: a.start,
                end: b.start,
                radii: [a.radii[0], b.radii[0]],
            })),
            _ => None,
        })
        .collect();
    let organ = wavy(draw, union(joined, 14.0), 2.0, (40.0, 80.0));
    let organ = intersection(vec![organ, trunk.room(2.5)], 5.0);
    let level = -46.0 + shift[1] + draw.shift(6.0);
    let gas = intersection(
        vec![
            grown(&organ, -4.0),
            Field::Plane {
                normal: [0.0, 1.0, 0.0],
                offset: level,
            },
        ],
        0.0,
    );
    vec![
        Part::new(gas, &[(0.0, Tissue::StomachGas)]),
        Part::new(
            organ,
            &[
                (-4.0, Tissue::StomachContent),
                (0.0, Tissue::StomachWall),
                (1.8, Tissue::VisceralFat),
            ],
        ),
    ]
}

/// The pancreas, with the splenic vein behind it and the duodenum around its head.
pub(super) fn pancreas(draw: &mut Draw) -> Vec<Part> {
    let shift = draw.shift3([4.0, 3.0, 4.0]);
    let at = |p: Vec3| add(p, shift);
    let gland = [
        (at([-34.0, -18.0, 0.0]), 13.0),
        (at([-8.0, -22.0, 14.0]), 9.5),
        (at([24.0, -14.0, 26.0]), 9.5),
        (at([58.0, 14.0, 38.0]), 8.0),
    ];
    let vein = [
        (at([-26.0, -10.0, 22.0]), 5.5),
        (at([0.0, -9.0, 22.0]), 4.5),
        (at([32.0, -2.0, 32.0]), 4.0),
        (at([66.0, 24.0, 46.0]), 3.5),
    ];
    let duodenum = [
        (at([-30.0, -34.0, 4.0]), 11.0),
        (at([-48.0, -16.0, -4.0]), 12.0),
        (at([-48.0, -6.0, -34.0]), 12.0),
        (at([-24.0, -8.0, -52.0]), 11.0),
        (at([14.0, -14.0, -46.0]), 11.0),
    ];
    let fat = [(1.5, Tissue::VisceralFat)];
    let mut parts = tube(&smooth_curve(&vein, 20.0), &[(0.0, Tissue::Vein)], &fat);
    parts.extend(tube(
        &smooth_curve(&gland, 20.0),
        &[(0.0, Tissue::Pancreas)],
        &fat,
    ));
    parts.extend(tube(
        &smooth_curve(&duodenum, 18.0),
        &[(-3.0, Tissue::BowelContentA)],
        &[(0.0, Tissue::BowelWall), (1.2, Tissue::VisceralFat)],
    ));
    parts
}
