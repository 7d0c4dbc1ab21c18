//! What is where in a picture, and that the same input gives the same bytes.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use medcore::{Geometry, Image, LabelMap, Lps, Point, Vector};
use medviz::{
    Chart, Comparison, Error, OverlayStyle, Picture, Plane, SliceView, Window, captioned,
    class_colour, comparison, legend, montage, overlay, render_slice,
};

const SHAPE: [usize; 3] = [5, 8, 12];

/// The same patient in different storage orders: bright where world axis `bright` is positive.
fn stored(steps: [[f64; 3]; 3], shape: [usize; 3], bright: usize) -> Image<i16, 3> {
    let middle = |axis: usize| -> f64 {
        (0..3)
            .map(|a| steps[a][axis] * (shape[a] as f64 - 1.0) / 2.0)
            .sum()
    };
    let origin = Point::new(-middle(0), -middle(1), -middle(2));
    let steps = steps.map(|s| Vector::<Lps>::new(s[0], s[1], s[2]));
    let geometry = Geometry::new(shape, origin, steps).unwrap();
    let mut voxels = Vec::new();
    for d in 0..shape[0] {
        for h in 0..shape[1] {
            for w in 0..shape[2] {
                let place = geometry.index_to_world([d as f64, h as f64, w as f64]);
                voxels.push(if place.coordinates()[bright] > 0.0 {
                    1000
                } else {
                    -1000
                });
            }
        }
    }
    Image::new(geometry, voxels).unwrap()
}

fn orders() -> Vec<([[f64; 3]; 3], [usize; 3])> {
    vec![
        (
            [[0.0, 0.0, 5.0], [0.0, 2.0, 0.0], [1.5, 0.0, 0.0]],
            [6, 20, 24],
        ),
        // Head first, rows from back to front, columns from left to right.
        (
            [[0.0, 0.0, -5.0], [0.0, -2.0, 0.0], [-1.5, 0.0, 0.0]],
            [6, 20, 24],
        ),
        // As NIfTI files often are: x slowest, z fastest; oblique.
        (
            [[-1.5, 0.1, 0.1], [0.1, -2.0, 0.2], [-0.3, 0.3, 5.0]],
            [24, 20, 6],
        ),
    ]
}

#[test]
fn every_storage_order_is_shown_as_radiologists_expect() {
    let grey = |picture: &Picture, x: f64, y: f64| {
        let (w, h) = (picture.width() as f64, picture.height() as f64);
        picture.pixel((w * x) as usize, (h * y) as usize).unwrap()[0]
    };
    for (steps, shape) in orders() {
        // What is bright, the plane, and a bright and a dark place as shares of width and height.
        for (bright, plane, light, dark) in [
            (0, Plane::Axial, (0.9, 0.5), (0.1, 0.5)),
            (1, Plane::Axial, (0.5, 0.9), (0.5, 0.1)),
            (0, Plane::Coronal, (0.9, 0.5), (0.1, 0.5)),
            (2, Plane::Coronal, (0.5, 0.1), (0.5, 0.9)),
            (1, Plane::Sagittal, (0.9, 0.5), (0.1, 0.5)),
            (2, Plane::Sagittal, (0.5, 0.1), (0.5, 0.9)),
        ] {
            let image = stored(steps, shape, bright);
            let view = SliceView::middle(image.geometry(), plane);
            let picture = render_slice(&image, &view, &Window::ABDOMEN).unwrap();
            assert_eq!(
                grey(&picture, light.0, light.1),
                255,
                "{plane:?} {bright} {steps:?}"
            );
            assert_eq!(
                grey(&picture, dark.0, dark.1),
                0,
                "{plane:?} {bright} {steps:?}"
            );
        }
    }
}

#[test]
fn pixels_are_square_whatever_the_spacing() {
    let (steps, shape) = orders()[0];
    let image = stored(steps, shape, 0);
    let size = |plane, pixel_mm: Option<f64>| {
        let mut view = SliceView::middle(image.geometry(), plane);
        if let Some(mm) = pixel_mm {
            view = view.with_pixel_mm(mm);
        }
        let picture = render_slice(&image, &view, &Window::LUNG).unwrap();
        (picture.width(), picture.height())
    };
    // 36 mm across, 40 mm deep, 30 mm high.
    assert_eq!(size(Plane::Axial, None), (24, 27));
    assert_eq!(size(Plane::Coronal, Some(1.0)), (36, 30));
    assert_eq!(size(Plane::Sagittal, Some(0.5)), (80, 60));
}

#[test]
fn a_view_through_a_place_finds_its_slice() {
    let geometry = Geometry::<3>::axis_aligned(SHAPE, [5.0, 2.0, 1.0]).unwrap();
    let through = |plane, z| SliceView::through(&geometry, plane, Point::new(4.2, 7.1, z)).slice();
    assert_eq!(through(Plane::Axial, 11.0), 2);
    assert_eq!(through(Plane::Coronal, 0.0), 4);
    assert_eq!(through(Plane::Sagittal, 0.0), 4);
    assert_eq!(
        (through(Plane::Axial, -50.0), through(Plane::Axial, 500.0)),
        (0, 4)
    );
}

#[test]
fn an_organ_has_a_tint_inside_and_a_line_around() {
    let geometry = Geometry::<3>::axis_aligned([1, 9, 9], [1.0; 3]).unwrap();
    let image = Image::new(geometry, vec![50i16; 81]).unwrap();
    let labels: Vec<u8> = (0..81)
        .map(|i| {
            if (2..7).contains(&(i / 9)) && (2..7).contains(&(i % 9)) {
                3
            } else {
                0
            }
        })
        .collect();
    let labels = LabelMap::new(geometry, labels).unwrap();
    let view = SliceView::new(0, 0);
    let plain = render_slice(&image, &view, &Window::ABDOMEN).unwrap();
    let mut drawn = plain.clone();
    overlay(&mut drawn, &labels, &view, &OverlayStyle::default()).unwrap();
    assert_eq!(drawn.pixel(2, 4), Some(class_colour(3)));
    assert_eq!(drawn.pixel(1, 4), plain.pixel(1, 4));
    let inside = drawn.pixel(4, 4).unwrap();
    assert!(inside != plain.pixel(4, 4).unwrap() && inside != class_colour(3));
    let mut lines = plain.clone();
    overlay(&mut lines, &labels, &view, &OverlayStyle::contours()).unwrap();
    assert_eq!(
        (lines.pixel(4, 4), lines.pixel(2, 2)),
        (plain.pixel(4, 4), Some(class_colour(3)))
    );
}

#[test]
fn what_does_not_fit_is_refused() {
    let geometry = Geometry::<3>::axis_aligned(SHAPE, [1.0; 3]).unwrap();
    let image = Image::new(geometry, vec![0i16; 480]).unwrap();
    let labels = LabelMap::<u8, 3>::background(geometry).unwrap();
    let draw = |view| render_slice(&image, &view, &Window::BONE);
    assert!(matches!(
        draw(SliceView::new(0, 5)),
        Err(Error::NoSuchSlice { slices: 5, .. })
    ));
    assert!(matches!(
        draw(SliceView::new(3, 0)),
        Err(Error::NoSuchAxis { axis: 3 })
    ));
    let tiny = SliceView::new(0, 0).with_pixel_mm(1e-9);
    assert!(matches!(draw(tiny), Err(Error::InvalidPictureSize { .. })));
    let negative = SliceView::new(0, 0).with_pixel_mm(-1.0);
    assert!(matches!(
        draw(negative),
        Err(Error::InvalidPixelSize { .. })
    ));
    let mut small = Picture::new(3, 3, [0; 3]).unwrap();
    let result = overlay(
        &mut small,
        &labels,
        &SliceView::new(0, 0),
        &OverlayStyle::default(),
    );
    assert!(matches!(result, Err(Error::ViewMismatch { .. })));
    assert!(montage(&[], 2).is_err());
    let elsewhere = labels
        .clone()
        .with_geometry(Geometry::axis_aligned(SHAPE, [1.0, 1.0, 1.1]).unwrap())
        .unwrap();
    let result = comparison(&image, &labels, &elsewhere, &Comparison::default());
    assert!(matches!(result, Err(Error::GeometryMismatch(_))));
}

#[test]
fn a_comparison_shows_the_slice_with_most_organs_and_every_kind_of_error() {
    let geometry = Geometry::<3>::axis_aligned([6, 20, 20], [4.0, 2.0, 2.0]).unwrap();
    let image = Image::new(geometry, vec![-1000.0f32; 2400]).unwrap();
    let mut truth = LabelMap::<u8, 3>::background(geometry).unwrap();
    let mut prediction = truth.clone();
    let at = |d: usize, h: usize, w: usize| (d * 20 + h) * 20 + w;
    for h in 2..18 {
        truth.as_mut_slice()[at(1, h, 3)] = 1;
        for (column, was, found) in [(5, 1, 0), (10, 2, 1), (15, 0, 2)] {
            truth.as_mut_slice()[at(4, h, column)] = was;
            prediction.as_mut_slice()[at(4, h, column)] = found;
        }
    }
    let mut options = Comparison::default();
    options.planes = vec![Plane::Axial];
    options.panel = 100;
    let sheet = comparison(&image, &truth, &prediction, &options).unwrap();
    // Missed, extra and wrong, over black: columns of 16 voxels, each 5 x 5 pixels.
    for kind in [[170u8, 255, 0], [255, 0, 255], [0, 255, 255]] {
        let mixed = kind.map(|c| (f32::from(c) * 0.75).round() as u8);
        let found = sheet
            .pixels()
            .iter()
            .filter(|&&pixel| pixel == mixed)
            .count();
        assert_eq!(found, 16 * 25, "{kind:?}");
    }
    assert_eq!(
        sheet,
        comparison(&image, &truth, &prediction, &options).unwrap()
    );
}

#[test]
fn a_comparison_says_which_edge_is_the_patients_right() {
    assert_eq!(Plane::Axial.sides(), ["R", "L"]);
    assert_eq!(Plane::Sagittal.sides(), ["A", "P"]);
    let geometry = Geometry::<3>::axis_aligned([2, 40, 40], [4.0, 4.0, 4.0]).unwrap();
    let image = Image::new(geometry, vec![-1000.0f32; 3200]).unwrap();
    let empty = LabelMap::<u8, 3>::background(geometry).unwrap();
    let mut options = Comparison::default();
    options.planes = vec![Plane::Axial];
    options.panel = 160;
    let sheet = comparison(&image, &empty, &empty, &options).unwrap();
    // The letters stand in the middle of the black panel's left and right edge; the R has more ink than the L.
    let top = sheet.height() / 2 - 30;
    let ink = |columns: std::ops::Range<usize>| {
        let lit = |&(x, y): &(usize, usize)| sheet.pixels()[y * sheet.width() + x] == [235; 3];
        let places = columns.flat_map(|x| (top..top + 60).map(move |y| (x, y)));
        places.filter(lit).count()
    };
    let (left, middle, right) = (ink(8..28), ink(28..148), ink(148..168));
    assert!(
        left > right && right > 0 && middle == 0,
        "{left} {middle} {right}"
    );
}

#[test]
fn letters_look_as_they_should_and_png_reads_back() {
    let mut picture = Picture::new(30, 12, [0; 3]).unwrap();
    picture.text(1, 1, "Rg\u{e9}", [255; 3], 1);
    let rows: Vec<String> = (1..10)
        .map(|y| {
            (1..18)
                .map(|x| {
                    if picture.pixel(x, y) == Some([255; 3]) {
                        '#'
                    } else {
                        '.'
                    }
                })
                .collect()
        })
        .collect();
    let expected = [
        "####.........###.",
        "#...#.......#...#",
        "#...#..####.....#",
        "####..#...#....#.",
        "#.#...#...#...#..",
        "#..#..#...#......",
        "#...#..####...#..",
        "..........#......",
        ".......###.......",
    ];
    assert_eq!(rows, expected);
    let sheet = captioned(&picture, "caption").unwrap();
    let png = sheet.to_png().unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(&png))
        .read_info()
        .unwrap();
    let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut bytes).unwrap();
    assert_eq!(
        (info.width as usize, info.height as usize),
        (sheet.width(), sheet.height())
    );
    assert_eq!(bytes, sheet.pixels().as_flattened());
}

#[test]
fn legends_break_into_lines() {
    let classes: Vec<_> = (1..6).map(|i| (i, format!("organ {i}"))).collect();
    let wide = legend(&classes, 2000).unwrap();
    let narrow = legend(&classes, 300).unwrap();
    assert!(narrow.width() <= 300 && narrow.height() > 2 * wide.height());
}

#[test]
fn curves_lie_where_their_values_say() {
    let svg = Chart::new("t")
        .size(400, 300)
        .series("a", [(0.0, 0.0), (10.0, 1.0)])
        .to_svg();
    let path = svg
        .lines()
        .find(|line| line.contains("stroke-linejoin"))
        .unwrap();
    let d = path
        .split(" d=\"M")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    // From the lower left to the upper right corner of the frame: 22 from the right, 52 from the bottom.
    let numbers: Vec<f64> = d.split([' ', 'L']).map(|n| n.parse().unwrap()).collect();
    assert_eq!((numbers[1], numbers[2], numbers[3]), (248.0, 378.0, 44.0));
}
