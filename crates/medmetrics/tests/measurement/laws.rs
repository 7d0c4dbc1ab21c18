//! What holds for any mask: brute force, moved and turned grids, axis order, threads.

use medcore::components::Connectivity;
use medcore::{Geometry, LabelMap, Point, Vector};
use medmetrics::measurement::{
    EndPoint, Feret, PixelModel, Recist, RecistConfig, ShortAxis, SizeConfig, SlicePlane,
    SolidFeret, StructureSize, Unit,
};
use proptest::prelude::*;

const MODELS: [PixelModel; 3] = [
    PixelModel::Corners,
    PixelModel::Centres,
    PixelModel::Contour,
];

/// Steps of a sheared, left-handed grid that lies askew in the patient.
const ASKEW: [[f64; 3]; 3] = [[0.3, -0.9, 2.8], [0.1, 0.7, 0.15], [-0.8, 0.05, 0.02]];

fn grid(shape: [usize; 3], steps: [[f64; 3]; 3]) -> Geometry<3> {
    let steps = steps.map(|[x, y, z]| Vector::new(x, y, z));
    Geometry::new(shape, Point::new(-12.0, 30.5, 800.25), steps).unwrap()
}

/// All points of a mask by a pixel model, in voxels.
fn points<const D: usize>(map: &LabelMap<u8, D>, model: PixelModel) -> Vec<[f64; D]> {
    let shape = map.shape();
    let mut points = Vec::new();
    for (i, _) in map.as_slice().iter().enumerate().filter(|v| *v.1 == 1) {
        let mut rest = i;
        let mut centre = [0.0; D];
        for a in (0..D).rev() {
            centre[a] = (rest % shape[a]) as f64;
            rest /= shape[a];
        }
        match model {
            PixelModel::Corners => points.extend((0..1 << D).map(|corner| {
                std::array::from_fn(|a| centre[a] + f64::from(corner >> a & 1) - 0.5)
            })),
            PixelModel::Contour => points.extend((0..2 * D).map(|face| {
                let mut point = centre;
                point[face / 2] += (face % 2) as f64 - 0.5;
                point
            })),
            _ => points.push(centre),
        }
    }
    points
}

fn brute_force<const D: usize>(map: &LabelMap<u8, D>, model: PixelModel) -> f64 {
    let places: Vec<_> = { points(map, model).into_iter() }
        .map(|point| map.geometry().index_to_world(point))
        .collect();
    let distances = { places.iter() }.flat_map(|a| places.iter().map(|b| a.distance(*b)));
    distances.fold(0.0, f64::max)
}

fn distance(ends: &[EndPoint; 2]) -> f64 {
    let [[a, b, c], [d, e, f]] = [ends[0].lps_mm, ends[1].lps_mm];
    Point::<medcore::Lps>::new(a, b, c).distance(Point::new(d, e, f))
}

fn mask<const D: usize>(grid: Geometry<D>, bits: &[bool]) -> LabelMap<u8, D> {
    let mut labels: Vec<u8> = bits.iter().map(|&b| u8::from(b)).collect();
    labels.resize(grid.len(), 0);
    LabelMap::new(grid, labels).unwrap()
}

/// The same voxels with their axes in another order, at the same places.
fn reordered(map: &LabelMap<u8, 3>, order: [usize; 3]) -> LabelMap<u8, 3> {
    let grid = map.geometry();
    let (shape, steps) = (
        order.map(|a| grid.shape()[a]),
        order.map(|a| grid.steps()[a]),
    );
    let new = Geometry::new(shape, grid.origin(), steps).unwrap();
    let labels: Vec<u8> = (0..new.len())
        .map(|i| {
            let index = [
                i / (shape[1] * shape[2]),
                i / shape[2] % shape[1],
                i % shape[2],
            ];
            let mut old = [0; 3];
            for a in 0..3 {
                old[order[a]] = index[a];
            }
            map.as_slice()[(old[0] * grid.shape()[1] + old[1]) * grid.shape()[2] + old[2]]
        })
        .collect();
    LabelMap::new(new, labels).unwrap()
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * a.abs().max(1.0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn diameters_of_planes_are_those_of_brute_force(
        bits in prop::collection::vec(prop::bool::weighted(0.3), 42),
        turn in -3.0..3.0f64,
    ) {
        let (sin, cos) = turn.sin_cos();
        let origin = Point::new(3.0, 4.0, -70.0);
        let rows = Vector::new(0.9 * cos, 0.9 * sin, 0.3);
        let straight = Geometry::<2>::new([6, 7], origin, [rows, Vector::new(-1.7 * sin, 1.7 * cos, 0.0)]).unwrap();
        let sheared = Geometry::<2>::new([6, 7], origin, [rows, Vector::new(-1.7 * sin, 0.4 + 1.7 * cos, 0.0)]).unwrap();
        for grid in [straight, sheared] {
            let map = mask(grid, &bits);
            for model in MODELS {
                let Some(feret) = Feret::new(&map, 1, model).unwrap() else {
                    prop_assert!(!bits.contains(&true));
                    continue;
                };
                prop_assert!(near(feret.maximum.mm, brute_force(&map, model)));
                prop_assert!(near(feret.maximum.mm, distance(&feret.maximum.ends)));
                prop_assert!(feret.minimum.mm <= feret.orthogonal_mm + 1e-9);
                prop_assert!(feret.orthogonal_mm <= feret.maximum.mm + 1e-9);
                prop_assert!(feret.angle_deg.is_none_or(|a| a > -90.0 && a <= 90.0));
            }
        }
    }

    #[test]
    fn diameters_of_volumes_are_those_of_brute_force_in_any_axis_order(
        bits in prop::collection::vec(prop::bool::weighted(0.2), 60),
    ) {
        let map = mask(grid([3, 4, 5], ASKEW), &bits);
        for model in MODELS {
            let Some(feret) = SolidFeret::new(&map, 1, model).unwrap() else { continue };
            prop_assert!(near(feret.maximum.mm, brute_force(&map, model)));
            prop_assert!(near(feret.maximum.mm, distance(&feret.maximum.ends)));
            prop_assert!(feret.minimum.mm <= feret.maximum.mm);
            for order in [[1, 2, 0], [2, 1, 0], [0, 2, 1]] {
                let other = SolidFeret::new(&reordered(&map, order), 1, model).unwrap().unwrap();
                prop_assert!(near(other.maximum.mm, feret.maximum.mm));
                prop_assert!(near(other.minimum.mm, feret.minimum.mm));
                let config = RecistConfig { pixels: model, ..RecistConfig::default() };
                // The slices across the first axis lie across another one of the reordered map.
                let config = |axis| RecistConfig { plane: SlicePlane::Storage(axis), ..config };
                let axes = Recist::new(&map, 1, &config(0)).unwrap().unwrap();
                let at = order.iter().position(|&a| a == 0).unwrap();
                let other = Recist::new(&reordered(&map, order), 1, &config(at)).unwrap().unwrap();
                prop_assert!(near(other.long_axis.mm, axes.long_axis.mm));
            }
        }
    }

    #[test]
    fn a_chord_is_at_most_the_projection_and_the_projection_at_most_the_long_axis(
        bits in prop::collection::vec(prop::bool::weighted(0.6), 64),
    ) {
        let map = mask(Geometry::axis_aligned([1, 8, 8], [5.0, 0.8, 1.1]).unwrap(), &bits);
        let axes = |tolerance_deg| {
            let short_axis = match tolerance_deg {
                None => ShortAxis::Projection,
                Some(tolerance_deg) => ShortAxis::Chord { tolerance_deg },
            };
            Recist::new(&map, 1, &RecistConfig { short_axis, ..RecistConfig::default() }).unwrap().unwrap()
        };
        let [projection, strict, loose] = [None, Some(0.0), Some(5.0)].map(axes);
        prop_assert!(projection.short_axis.mm <= projection.long_axis.mm + 1e-9);
        prop_assert!(strict.short_axis.mm <= projection.short_axis.mm + 1e-9);
        prop_assert!(loose.short_axis.mm >= strict.short_axis.mm);
        prop_assert!(loose.short_axis.mm <= loose.long_axis.mm + 1e-9);
        for axes in [&strict, &loose] {
            prop_assert!(near(distance(&axes.short_axis.ends), axes.short_axis.mm));
            // It does not leave the mask, and crosses the long axis within the tolerance.
            let [a, b] = &axes.short_axis.ends;
            for k in 0..=50 {
                let at = |i: usize| a.index[i] + (b.index[i] - a.index[i]) * f64::from(k) / 50.0;
                let touches = |v: f64| [(v - 1e-6).round(), (v + 1e-6).round()];
                let inside = touches(at(1)).iter().any(|&h| touches(at(2)).iter().any(|&w| {
                    (0.0..8.0).contains(&h) && (0.0..8.0).contains(&w) && map.as_slice()[(8.0 * h + w) as usize] == 1
                }));
                prop_assert!(inside, "{:?} leaves the mask", axes.short_axis);
            }
        }
    }

    #[test]
    fn threads_change_nothing_and_components_share_out_the_voxels(
        labels in prop::collection::vec(0u8..3, 105),
    ) {
        let map = LabelMap::new(grid([3, 5, 7], ASKEW), labels.clone()).unwrap();
        let config = SizeConfig { unit: Unit::Component(Connectivity::Corner), ..SizeConfig::default() };
        let run = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| StructureSize::of_map(&map, &config).unwrap())
        };
        let one = run(1);
        prop_assert_eq!(&one, &run(2));
        prop_assert_eq!(&one, &run(4));
        for label in 1..3u8 {
            let voxels = one.iter().filter(|s| s.label == u32::from(label)).map(|s| s.voxels).sum::<u64>();
            prop_assert_eq!(voxels, labels.iter().filter(|&&v| v == label).count() as u64);
        }
        let text = serde_json::to_string(&one).unwrap();
        prop_assert_eq!(serde_json::from_str::<Vec<StructureSize>>(&text).unwrap(), one);
    }
}
