//! Channels, boxes and layers made of what a sample holds.

use medaug::*;

use super::{Exhibit, exhibit};

pub(super) fn all<const D: usize>() -> Vec<Exhibit> {
    vec![
        exhibit("boxes painted as classes", BoxesToLabels::default()),
        exhibit("boxes around classes", LabelsToBoxes::default()),
        exhibit(
            "channels of coordinates added",
            CoordinateChannels::default(),
        ),
        exhibit(
            "depth within what is above 0.5, in mm",
            Step::On(Box::new(On {
                target: Target::Channels(vec![0]),
                inner: DistanceTransform {
                    above: 0.5,
                    ..DistanceTransform::default()
                }
                .into(),
            })),
        ),
        exhibit(
            "a channel with two points added",
            ExtremePointsChannel {
                points: vec![vec![3; D], vec![10; D]],
                sigma_voxels: vec![2.0],
                range: [-1.0, 1.0],
            },
        ),
        exhibit(
            "a channel with the outermost voxels added",
            RandomExtremePointsChannel::default(),
        ),
        exhibit("a layer with the points added", GenerateHeatmap::default()),
        exhibit(
            "gradients along the axes",
            SobelGradients {
                normalised: false,
                ..SobelGradients::default()
            },
        ),
        exhibit(
            "the image kept as a layer",
            CopyLayer {
                from: Part::Image,
                to: "before".to_owned(),
            },
        ),
        exhibit(
            "a layer behind the image's channels",
            JoinLayers {
                layers: vec!["second".to_owned()],
            },
        ),
        exhibit(
            "a layer left out",
            DropLayers {
                layers: vec!["second".to_owned()],
            },
        ),
        exhibit(
            "the first channel alone",
            SelectChannels { channels: vec![0] },
        ),
    ]
}
