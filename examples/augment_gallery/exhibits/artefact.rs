//! Errors of scanners.

use medaug::*;

use super::{Exhibit, certain, exhibit};

pub(super) fn all<const D: usize>() -> Vec<Exhibit> {
    let place: Vec<f64> = [0.5, 0.55, 0.58][3 - D..].to_vec();
    let places = vec![place];
    let movement = |time, degrees, shift| Movement {
        time,
        rotation_degrees: vec![degrees],
        translation_mm: vec![shift],
    };
    vec![
        exhibit(
            "weaker with depth",
            DepthAttenuation {
                axis: D - 2,
                from_end: false,
                attenuation: 0.1,
                frequency_mhz: 3.0,
            },
        ),
        exhibit(
            "four ghosts",
            Ghosting {
                number: 4,
                axis: D - 2,
                intensity: 0.8,
                restore: None,
            },
        ),
        exhibit("blocks of JPEG", ImageCompression { quality: 12 }),
        exhibit(
            "JPEG of a drawn quality",
            RandomImageCompression {
                probability: 1.0,
                quality: [8, 30],
            },
        ),
        exhibit("ringing edges", GibbsNoise { alpha: 0.7 }),
        exhibit(
            "a spike in k-space",
            KSpaceSpikeNoise {
                places: places.clone(),
                intensity: SpikeIntensity::OfMeanLog(2.5),
            },
        ),
        exhibit(
            "screws between which it is dark",
            MetalArtefact {
                implants: [0.35, 0.65]
                    .map(|across| Implant {
                        centre: [0.5, 0.5, across][3 - D..].to_vec(),
                        radius_mm: 8.0,
                    })
                    .into(),
                metal: Metal::Titanium,
                photons: 1e4,
                water: 2.5,
                value: 1.0,
                seed: 1,
            },
        ),
        exhibit(
            "moved twice during the scan",
            Motion {
                movements: vec![movement(0.3, 5.0, 4.0), movement(0.7, -6.0, -3.0)],
                axis: D - 2,
            },
        ),
        exhibit(
            "rings",
            RingArtefact {
                strength: 0.15,
                width_mm: 3.0,
                density: 0.4,
                seed: 1,
            },
        ),
        exhibit(
            "rings by chance",
            RandomRingArtefact {
                probability: 1.0,
                strength: Draw::Fixed(0.1),
                ..RandomRingArtefact::default()
            },
        ),
        exhibit(
            "a spike of a third",
            Spike {
                places,
                intensity: 0.3,
            },
        ),
        exhibit(
            "grain of ultrasound",
            UltrasoundSpeckle {
                strength: 0.8,
                spread_mm: vec![2.0],
                seed: 1,
            },
        ),
        exhibit(
            "depth attenuation by chance",
            RandomDepthAttenuation {
                probability: 1.0,
                attenuation: Draw::Uniform {
                    low: 0.05,
                    high: 0.1,
                },
                ..RandomDepthAttenuation::default()
            },
        ),
        certain!("ghosts by chance", RandomGhosting),
        certain!("ringing by chance", RandomGibbsNoise),
        certain!("a point of k-space by chance", RandomKSpaceSpikeNoise),
        exhibit(
            "screws by chance",
            RandomMetalArtefact {
                probability: 1.0,
                radius_mm: Draw::Fixed(6.0),
                water: 2.5,
                value: 1.0,
                ..RandomMetalArtefact::default()
            },
        ),
        certain!("motion by chance", RandomMotion),
        certain!("a spike by chance", RandomSpike),
        certain!("grain by chance", RandomUltrasoundSpeckle),
    ]
}
