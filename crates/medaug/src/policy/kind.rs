//! The changes that policies choose among, and how strong they are.

use serde::{Deserialize, Serialize};

use crate::colour::{ColorAdjustment, ColorJitter};
use crate::histogram::Equalize;
use crate::intensity::{
    AdjustSharpness, AutoContrast, Brightness, Clamp, Contrast, ContrastRange, Posterize, Solarize,
};
use crate::spatial::{MonaiAffine, Sampling};
use crate::step::Operation;

/// A change that a policy may choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AugmentKind {
    /// None.
    Identity,
    /// Columns shifted by their row.
    ShearX,
    /// Rows shifted by their column.
    ShearY,
    /// Shifted along the rows by whole pixels.
    TranslateX,
    /// Shifted along the columns by whole pixels.
    TranslateY,
    /// Turned about the middle.
    Rotate,
    /// Brighter or darker.
    Brightness,
    /// More or less saturated; an image of other than three channels has no colour and stays.
    Color,
    /// More or less contrast.
    Contrast,
    /// Sharper or more blurred.
    Sharpness,
    /// Fewer tones.
    Posterize,
    /// Bright tones turned dark.
    Solarize,
    /// The whole range of tones.
    AutoContrast,
    /// Every tone as frequent.
    Equalize,
}

impl AugmentKind {
    /// All of them, in torchvision's order.
    pub const ALL: [Self; 14] = [
        Self::Identity,
        Self::ShearX,
        Self::ShearY,
        Self::TranslateX,
        Self::TranslateY,
        Self::Rotate,
        Self::Brightness,
        Self::Color,
        Self::Contrast,
        Self::Sharpness,
        Self::Posterize,
        Self::Solarize,
        Self::AutoContrast,
        Self::Equalize,
    ];
}

/// What strengths depend on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picture {
    /// Rows and columns.
    pub(super) shape: [usize; 2],
    pub(super) channels: usize,
}

/// How far translations reach.
#[derive(Debug, Clone, Copy)]
pub(super) enum Reach {
    Pixels(f64),
    /// A part of the axis.
    Share(f64),
}

/// What the kinds do at level 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Strengths {
    pub(super) shear: f64,
    pub(super) translation: Reach,
    pub(super) degrees: f64,
    /// By how much factors of brightness, colour, contrast and sharpness differ from 1.
    pub(super) tone: f64,
    /// Bits of a tone at level 0, and how many are lost at level 1.
    pub(super) bits: [f64; 2],
    pub(super) sampling: Sampling,
}

impl Strengths {
    /// What a kind does at a level from 0 to 1, for kinds with two directions times `sign`.
    pub(super) fn operations(
        &self,
        kind: AugmentKind,
        level: f64,
        sign: f64,
        picture: Picture,
    ) -> Vec<Operation> {
        let signed = level * sign;
        let factor = (1.0 + signed * self.tone) as f32;
        match kind {
            AugmentKind::Identity => vec![],
            AugmentKind::ShearX => self.shear(1, signed, picture),
            AugmentKind::ShearY => self.shear(0, signed, picture),
            AugmentKind::TranslateX => self.translation(1, signed, picture),
            AugmentKind::TranslateY => self.translation(0, signed, picture),
            AugmentKind::Rotate => self.moved(MonaiAffine {
                rotate: vec![-(signed * self.degrees).to_radians()],
                ..MonaiAffine::default()
            }),
            AugmentKind::Brightness if picture.channels == 3 => {
                coloured(ColorAdjustment::Brightness(factor))
            }
            AugmentKind::Brightness => clipped(Brightness { factor }),
            AugmentKind::Color if picture.channels == 3 => {
                coloured(ColorAdjustment::Saturation(factor))
            }
            AugmentKind::Color => vec![],
            AugmentKind::Contrast if picture.channels == 3 => {
                coloured(ColorAdjustment::Contrast(factor))
            }
            AugmentKind::Contrast => clipped(Contrast {
                factor,
                range: ContrastRange::Free,
            }),
            AugmentKind::Sharpness => {
                let range = [0.0, 1.0];
                vec![AdjustSharpness { factor, range }.into()]
            }
            AugmentKind::Posterize => {
                let [most, lost] = self.bits;
                let bits = (most - level * lost).round_ties_even() as u32;
                vec![
                    Posterize {
                        bits,
                        ..Posterize::default()
                    }
                    .into(),
                ]
            }
            AugmentKind::Solarize => vec![
                Solarize {
                    threshold: (1.0 - level) as f32,
                    ..Solarize::default()
                }
                .into(),
            ],
            AugmentKind::AutoContrast => vec![AutoContrast::default().into()],
            AugmentKind::Equalize => vec![Equalize::default().into()],
        }
    }

    fn moved(&self, affine: MonaiAffine) -> Vec<Operation> {
        vec![
            MonaiAffine {
                sampling: self.sampling,
                ..affine
            }
            .into(),
        ]
    }

    /// Along an axis about the corner of the image, from which the other axis is counted.
    fn shear(&self, axis: usize, signed: f64, picture: Picture) -> Vec<Operation> {
        let by = signed * self.shear;
        let (mut shear, mut translate) = (vec![0.0; 2], vec![0.0; 2]);
        shear[axis] = by;
        translate[axis] = by * picture.shape[1 - axis] as f64 / 2.0;
        self.moved(MonaiAffine {
            shear,
            translate,
            ..MonaiAffine::default()
        })
    }

    fn translation(&self, axis: usize, signed: f64, picture: Picture) -> Vec<Operation> {
        let reach = match self.translation {
            Reach::Pixels(pixels) => pixels,
            Reach::Share(share) => share * picture.shape[axis] as f64,
        };
        let mut translate = vec![0.0; 2];
        translate[axis] = -(signed * reach).trunc();
        self.moved(MonaiAffine {
            translate,
            ..MonaiAffine::default()
        })
    }
}

fn coloured(adjustment: ColorAdjustment) -> Vec<Operation> {
    let adjustments = vec![adjustment];
    vec![ColorJitter { adjustments }.into()]
}

fn clipped(change: impl Into<Operation>) -> Vec<Operation> {
    let clamp = Clamp {
        low: Some(0.0),
        high: Some(1.0),
    };
    vec![change.into(), clamp.into()]
}
