use proptest::prelude::*;

use super::oblique::Rows;
use super::*;
use crate::image::LabelMap;
use crate::random::Key;

const METHODS: [Interpolation; 3] = [
    Interpolation::Nearest,
    Interpolation::Linear,
    Interpolation::CubicBSpline,
];

fn noise(len: usize) -> Vec<f32> {
    let mut random = Key::new(9).stream("noise");
    (0..len)
        .map(|_| random.uniform_in(-100.0, 100.0) as f32)
        .collect()
}

fn largest_difference(a: &[f32], b: &[f32]) -> f32 {
    assert_eq!(a.len(), b.len());
    a.iter().zip(b).fold(0.0, |m, (a, b)| m.max((a - b).abs()))
}

fn in_pool<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
    rayon::ThreadPoolBuilder::new()
        .num_threads(threads)
        .build()
        .unwrap()
        .install(run)
}

#[test]
fn the_same_grid_gives_the_same_image() {
    let grid = Geometry::axis_aligned([3, 7, 10], [2.5, 0.7, 0.9]).unwrap();
    let image = Image::with_channels(2, grid, noise(420)).unwrap();
    for outside in [Outside::Value(7.0), Outside::Edge, Outside::Reflect] {
        for method in METHODS {
            let again = resample(&image, &grid, method, outside).unwrap();
            let error = largest_difference(image.as_slice(), again.as_slice());
            let limit = if method == Interpolation::CubicBSpline {
                2e-4
            } else {
                0.0
            };
            assert!(error <= limit, "{method:?} {outside:?} {error}");
        }
    }
}

#[test]
fn a_linear_function_survives_every_smooth_interpolation_of_an_oblique_grid() {
    let source = [12, 13, 14];
    let value = |at: [f64; 3]| 3.0 * at[0] - 2.0 * at[1] + 0.5 * at[2] + 4.0;
    let mut samples = Vec::new();
    for_each_row(source, |[d, h, _]| {
        samples.extend((0..source[2]).map(|w| value([d as f64, h as f64, w as f64]) as f32));
    });
    let map = IndexMap {
        matrix: [[0.3, 0.1, -0.05], [-0.1, 0.35, 0.1], [0.05, -0.1, 0.3]],
        offset: [5.0, 5.0, 5.5],
    };
    let shape = [5, 4, 6];
    for method in [Interpolation::Linear, Interpolation::CubicBSpline] {
        let mut out = vec![0.0; 120];
        resample_slice(
            &samples,
            source,
            &map,
            &mut out,
            shape,
            method,
            Outside::Edge,
        )
        .unwrap();
        for (i, got) in out.into_iter().enumerate() {
            let at = map.apply([i / 24, i / 6 % 4, i % 6].map(|v| v as f64));
            // The spline of a ramp with constant ends rings a little near them.
            let limit = if method == Interpolation::Linear {
                1e-5
            } else {
                5e-3
            };
            assert!(
                (f64::from(got) - value(at)).abs() < limit,
                "{method:?} {at:?} {got}"
            );
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let (source, shape) = ([30, 41, 67], [37, 50, 71]);
    let samples = noise(source.iter().product());
    let mut maps = [IndexMap::identity(); 2];
    maps[0].matrix = [[0.8, 0.0, 0.0], [0.0, 0.9, 0.0], [0.0, 0.0, -1.05]];
    maps[0].offset = [0.2, -1.0, 68.0];
    maps[1].matrix = [[0.8, 0.1, 0.0], [0.1, 0.9, -0.2], [0.0, 0.3, 0.95]];
    for map in maps {
        for method in METHODS {
            let run = |threads| {
                in_pool(threads, || {
                    let mut out = vec![0.0; shape.iter().product()];
                    let outside = Outside::Value(-5.0);
                    resample_slice(&samples, source, &map, &mut out, shape, method, outside)
                        .unwrap();
                    out
                })
            };
            let one = run(1);
            assert!(run(2) == one && run(3) == one, "{method:?}");
        }
    }
}

#[test]
fn a_small_patch_of_a_spline_equals_the_patch_of_the_whole() {
    let source = [60, 70, 80];
    let samples = noise(source.iter().product());
    let turned = IndexMap {
        matrix: [[0.9, 0.2, 0.0], [-0.2, 0.9, 0.1], [0.0, -0.1, 1.1]],
        offset: [31.0, -3.0, 40.0],
    };
    let shape = [6, 5, 7];
    for border in [Border::Edge, Border::Value, Border::Reflect] {
        let mut whole = samples.clone();
        bspline::prefilter(&mut whole, source, border);
        let (mut part, mut all) = (vec![0.0f32; 210], vec![0.0f32; 210]);
        let block =
            CoefficientBlock::new(&samples, source, extent(&turned, shape), border).unwrap();
        assert!(block.coefficients.len() < samples.len());
        let outside = match border {
            Border::Value => Outside::Value(11.0),
            Border::Edge => Outside::Edge,
            Border::Reflect => Outside::Reflect,
        };
        resample_slice(
            &samples,
            source,
            &turned,
            &mut part,
            shape,
            Interpolation::CubicBSpline,
            outside,
        )
        .unwrap();
        oblique::cubic(
            &whole,
            &Rows::new(source, &turned, shape),
            border,
            11.0,
            &mut all,
        );
        assert!(largest_difference(&part, &all) < 1e-4, "{border:?}");
    }
}

#[test]
fn integers_are_rounded_and_kept_in_range() {
    let line = Geometry::<1>::axis_aligned([4], [1.0]).unwrap();
    let image = Image::new(line, vec![0u8, 255, 255, 0]).unwrap();
    let fine = line
        .mapped(
            [7],
            &IndexMap {
                matrix: [[0.5]],
                offset: [0.0],
            },
        )
        .unwrap();
    let linear = resample(&image, &fine, Interpolation::Linear, Outside::Edge).unwrap();
    assert_eq!(linear.as_slice(), [0, 128, 255, 255, 255, 128, 0]);
    // The spline overshoots 255 between the two.
    let cubic = resample(&image, &fine, Interpolation::CubicBSpline, Outside::Edge).unwrap();
    assert_eq!(cubic.as_slice()[3], 255);
    let large = Image::new(line, vec![i64::MAX, 1, 2, i64::MIN]).unwrap();
    let nearest = resample(&large, &fine, Interpolation::Nearest, Outside::Edge).unwrap();
    assert_eq!(nearest.as_slice()[0], i64::MAX);
}

#[test]
fn values_outside_fade_in_and_labels_do_not() {
    let line = Geometry::<1>::axis_aligned([2], [1.0]).unwrap();
    let wide = line
        .mapped(
            [9],
            &IndexMap {
                matrix: [[0.5]],
                offset: [-1.5],
            },
        )
        .unwrap();
    let image = Image::new(line, vec![10.0f32, 20.0]).unwrap();
    let got = resample(&image, &wide, Interpolation::Linear, Outside::Value(-10.0)).unwrap();
    assert_eq!(
        got.as_slice(),
        [-10.0, -10.0, 0.0, 10.0, 15.0, 20.0, 5.0, -10.0, -10.0]
    );
    let labels = LabelMap::new(line, vec![1u8, 2]).unwrap();
    let got = resample_labels(&labels, &wide, LabelInterpolation::Nearest, 9).unwrap();
    assert_eq!(got.as_slice(), [9, 9, 1, 1, 2, 2, 9, 9, 9]);
    let got = resample_labels(&labels, &wide, LabelInterpolation::Linear, 9).unwrap();
    assert_eq!(got.as_slice(), [9, 9, 1, 1, 2, 2, 9, 9, 9]);
}

#[test]
fn an_infinite_value_outside_stays_outside() {
    let line = Geometry::<1>::axis_aligned([3], [1.0]).unwrap();
    let image = Image::new(line, vec![1.0f32, 2.0, 3.0]).unwrap();
    let shifted = line.mapped([4], &IndexMap::translation([0.5])).unwrap();
    for method in METHODS {
        let got = resample(&image, &shifted, method, Outside::Value(f32::NAN)).unwrap();
        assert!(
            got.as_slice()[..2].iter().all(|v| v.is_finite()),
            "{method:?} {got:?}"
        );
        assert!(got.as_slice()[3].is_nan(), "{method:?} {got:?}");
    }
}

#[test]
fn a_majority_of_corners_wins_where_the_closest_voxel_loses() {
    // At the middle of the cell, but nearer to the lone 7: its weight is 0.36 against 0.64.
    let labels = [7u8, 1, 1, 1];
    let map = IndexMap::translation([0.4, 0.4]);
    let mut out = [0u8];
    let run = |out: &mut [u8], method| {
        resample_labels_slice(&labels, [2, 2], &map, out, [1, 1], method, Outside::Edge).unwrap();
    };
    run(&mut out, LabelInterpolation::Nearest);
    assert_eq!(out, [7]);
    run(&mut out, LabelInterpolation::Linear);
    assert_eq!(out, [1]);
}

#[test]
fn impossible_maps_and_shapes_are_refused() {
    let samples = [0.0f32; 6];
    let try_map = |map: IndexMap<2>, shape: [usize; 2]| {
        let mut out = [0.0; 6];
        let edge = Outside::Edge;
        resample_slice(
            &samples,
            [2, 3],
            &map,
            &mut out,
            shape,
            Interpolation::Linear,
            edge,
        )
    };
    let identity = IndexMap::identity();
    assert!(try_map(identity, [2, 3]).is_ok());
    assert!(matches!(
        try_map(identity, [2, 2]),
        Err(Error::VoxelCount {
            expected: 4,
            got: 6,
            ..
        })
    ));
    assert!(matches!(
        try_map(identity, [0, 3]),
        Err(Error::InvalidShape { .. })
    ));
    let nan = IndexMap {
        offset: [f64::NAN, 0.0],
        ..identity
    };
    assert!(matches!(try_map(nan, [2, 3]), Err(Error::NotFinite { .. })));
    let far = IndexMap {
        offset: [0.0, 1e12],
        ..identity
    };
    assert!(matches!(
        try_map(far, [2, 3]),
        Err(Error::InvalidParameter { .. })
    ));
}

proptest! {
    #[test]
    fn tables_and_oblique_rows_agree(
        scale in prop::array::uniform3(-2.0f64..2.0),
        offset in prop::array::uniform3(-4.0f64..9.0),
        source in prop::array::uniform3(1usize..9),
        border in prop::sample::select(vec![Border::Value, Border::Edge, Border::Reflect]),
    ) {
        let out_shape = [3, 4, 7];
        let samples = noise(source.iter().product());
        let mut map = IndexMap::<3>::translation(offset);
        (0..3).for_each(|a| map.matrix[a][a] = scale[a]);
        let axes = separable::Axes::new(source, &map, out_shape);
        let rows = Rows::new(source, &map, out_shape);
        let whole = |voxels| Whole::new(voxels, source);
        let (mut a, mut b) = (vec![0.0f32; 84], vec![0.0f32; 84]);
        separable::weighted(&whole(&samples), &axes.tables(taps::linear, border), 50.0, &mut a);
        oblique::linear(&samples, &rows, border, 50.0, &mut b);
        prop_assert!(largest_difference(&a, &b) < 1e-3, "linear {a:?} {b:?}");
        let mut coefficients = samples.clone();
        bspline::prefilter(&mut coefficients, source, border);
        separable::weighted(&whole(&coefficients), &axes.tables(taps::cubic, border), 50.0, &mut a);
        oblique::cubic(&coefficients, &rows, border, 50.0, &mut b);
        prop_assert!(largest_difference(&a, &b) < 1e-2, "cubic {a:?} {b:?}");
        separable::nearest(&whole(&samples), &axes.indices(border), 50.0, &mut a);
        oblique::nearest(&samples, &rows, border, 50.0, &mut b);
        // Ties may fall to either side in fixed point; random numbers do not meet them.
        prop_assert_eq!(a, b);
    }
}

proptest! {
    #[test]
    fn the_cell_vote_agrees_with_interpolated_indicators(
        cell in prop::array::uniform8(0u8..4),
        at in prop::array::uniform3(0.0f64..1.0),
    ) {
        let map = IndexMap::<3> { matrix: [[1.0, 1e-3, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]], offset: at };
        let mut got = [0u8];
        resample_labels_slice(&cell, [2; 3], &map, &mut got, [1; 3], LabelInterpolation::Linear, Outside::Edge)
            .unwrap();
        let score = |class: u8| {
            let indicator = cell.map(|l| f32::from(u8::from(l == class)));
            let mut out = [0.0f32];
            resample_slice(&indicator, [2; 3], &map, &mut out, [1; 3], Interpolation::Linear, Outside::Edge)
                .unwrap();
            out[0]
        };
        let best = (0..4).map(score).fold(0.0, f32::max);
        prop_assert!(score(got[0]) >= best - 1e-5);
    }
}

proptest! {
    #[test]
    fn a_collage_is_read_as_its_canvas_is(
        scale in prop::array::uniform2(-2.0f64..2.0),
        turn in prop::sample::select(vec![0.0, 0.3]),
        offset in prop::array::uniform2(-4.0f64..9.0),
        outside in prop::sample::select(vec![Outside::Value(9.0), Outside::Edge, Outside::Reflect]),
        interpolation in prop::sample::select(vec![
            Interpolation::Nearest,
            Interpolation::Linear,
            Interpolation::CubicBSpline,
        ]),
    ) {
        let (one, two) = (noise(6 * 7), noise(20));
        let tile = |voxels, shape, first, start, end| Tile {
            voxels,
            shape,
            first,
            region: Region::new(start, end).unwrap(),
        };
        let tiles = vec![
            tile(&one[..], [6, 7], [1, 2], [1, 0], [6, 5]),
            tile(&two[..], [4, 5], [0, 0], [2, 3], [6, 8]),
        ];
        let collage = Collage::new([7, 9], -1.0, tiles).unwrap();
        let canvas = collage.canvas().unwrap();
        prop_assert_eq!((canvas[0], canvas[9], canvas[2 * 9 + 3]), (-1.0, one[9], two[0]));
        let map = IndexMap {
            matrix: [[scale[0], turn], [-turn, scale[1]]],
            offset,
        };
        let (mut a, mut b) = (vec![0.0f32; 50], vec![0.0f32; 50]);
        collage.resample_slice(&map, &mut a, [5, 10], interpolation, outside).unwrap();
        resample_slice(&canvas, [7, 9], &map, &mut b, [5, 10], interpolation, outside).unwrap();
        prop_assert_eq!(a, b);
    }
}
