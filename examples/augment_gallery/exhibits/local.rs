//! Changes that are strong in one place.

use medaug::*;
use medcore::Geometry;

use super::{Exhibit, exhibit};

pub(super) fn all<const D: usize>(grid: &Geometry<D>) -> Vec<Exhibit> {
    let spot = || Spot {
        centre: vec![0.3],
        width: vec![0.2],
    };
    vec![
        exhibit(
            "brighter in one place",
            BrightnessGradient {
                spot: spot(),
                strength: 0.5,
                keep_mean: false,
            },
        ),
        exhibit(
            "gamma in one place",
            LocalGamma {
                spot: spot(),
                exponent: 0.3,
            },
        ),
        exhibit(
            "a box shows its mean",
            BlankRectangles {
                rectangles: vec![BlankRectangle {
                    place: vec![0.6],
                    size: vec![0.3],
                }],
            },
        ),
        exhibit(
            "brighter somewhere by chance",
            RandomBrightnessGradient {
                probability: 1.0,
                strength: Draw::Fixed(0.5),
                channels: Channels::Together,
                ..RandomBrightnessGradient::default()
            },
        ),
        exhibit(
            "gamma somewhere by chance",
            RandomLocalGamma {
                probability: 1.0,
                channels: Channels::Together,
                ..RandomLocalGamma::default()
            },
        ),
        exhibit(
            "blank boxes by chance",
            RandomBlankRectangles {
                probability: 1.0,
                channels: Channels::Together,
                ..RandomBlankRectangles::default()
            },
        ),
        exhibit(
            "a marker of the side",
            OverlayElements {
                elements: vec![PlacedElement {
                    element: letter(grid),
                    start: grid.shape().map(|n| n as isize / 9).to_vec(),
                }],
            },
        ),
        exhibit(
            "a marker somewhere",
            RandomOverlayElements {
                probability: 1.0,
                elements: vec![letter(grid)],
                ..RandomOverlayElements::default()
            },
        ),
    ]
}

/// An L, as high as a quarter of the image, through most slices of a volume.
fn letter<const D: usize>(grid: &Geometry<D>) -> OverlayElement {
    let mut shape = grid.shape().map(|n| n.div_ceil(4));
    if D == 3 {
        shape[0] = grid.shape()[0] * 3 / 4;
    }
    let [height, width] = [shape[D - 2], shape[D - 1].div_ceil(2)];
    shape[D - 1] = width;
    let thick = height.div_ceil(5);
    let plane = (0..height).flat_map(|row| {
        (0..width).map(move |column| {
            let ink = column < thick || row + thick >= height;
            f32::from(u8::from(ink))
        })
    });
    let plane: Vec<f32> = plane.collect();
    let planes = shape.iter().product::<usize>() / plane.len().max(1);
    OverlayElement {
        shape: shape.to_vec(),
        values: vec![1.0; planes * plane.len()],
        opacity: plane.repeat(planes),
        label: None,
        box_class: Some(1),
    }
}
