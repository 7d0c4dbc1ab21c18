//! What the patient is made of: CT numbers, texture, and the organ a tissue counts for.
//!
//! Means follow portal-venous abdominal CT. Every patient gets shifts of their own: one for the amount
//! and timing of the contrast agent, which moves vessels and organs together, and one for each tissue.

use medcore::random::Random;

use crate::organ::Organ;

macro_rules! tissues {
    ($( $name:ident: $mean:literal, $spread:literal, $contrast:literal, $texture:literal, $organ:expr; )*) => {
        /// A material of the phantom.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u8)]
        pub(crate) enum Tissue { $( $name, )* }

        impl Tissue {
            pub(crate) const ALL: &[Self] = &[ $( Self::$name, )* ];

            /// Mean in HU, standard deviation among patients, gain by contrast agent, texture in HU, organ.
            fn traits(self) -> (f64, f64, f64, f32, Option<Organ>) {
                match self { $( Self::$name => ($mean, $spread, $contrast, $texture, $organ), )* }
            }
        }
    };
}

tissues! {
    //                 mean  spread contrast texture organ
    Air:            -1000.0,  0.0,  0.0,  0.0, None;
    Lung:            -830.0, 30.0,  0.0, 30.0, None;
    Gas:             -950.0, 10.0,  0.0,  0.0, None;
    Skin:              40.0, 10.0,  0.0,  5.0, None;
    SubcutaneousFat: -108.0,  5.0,  0.0,  8.0, None;
    VisceralFat:      -98.0,  6.0,  0.0, 11.0, None;
    Muscle:            60.0,  7.0,  2.0, 12.0, None;
    Bile:              12.0,  5.0,  0.0,  2.0, None;
    Pancreas:          88.0,  8.0,  6.0, 14.0, None;
    Vein:             132.0,  8.0,  8.0,  4.0, None;
    Artery:           168.0, 10.0, 12.0,  4.0, None;
    Heart:            140.0, 10.0,  8.0, 10.0, None;
    BowelWall:         78.0,  8.0,  6.0, 14.0, None;
    BowelContentA:     20.0, 10.0,  0.0, 12.0, None;
    BowelContentB:     75.0, 25.0,  0.0, 15.0, None;
    BowelContentC:    120.0, 35.0,  0.0, 20.0, None;
    ColonContent:      20.0, 30.0,  0.0, 60.0, None;
    SpinalCanal:       30.0,  6.0,  0.0,  4.0, None;
    Rib:              190.0, 30.0,  0.0, 40.0, None;
    RibCortex:        420.0, 50.0,  0.0, 40.0, None;
    Trabecular:       185.0, 25.0,  2.0, 28.0, Some(Organ::Spine);
    Cortical:         420.0, 50.0,  0.0, 40.0, Some(Organ::Spine);
    Disc:              88.0,  6.0,  0.0,  8.0, Some(Organ::Spine);
    Liver:            102.0,  9.0,  6.0,  5.0, Some(Organ::Liver);
    LiverVessel:      128.0,  8.0,  8.0,  4.0, Some(Organ::Liver);
    LiverCyst:         30.0, 15.0,  0.0,  3.0, Some(Organ::Liver);
    Spleen:           126.0,  9.0,  7.0,  6.0, Some(Organ::Spleen);
    RightCortex:      190.0, 10.0, 12.0,  8.0, Some(Organ::RightKidney);
    RightMedulla:     160.0, 10.0, 10.0,  9.0, Some(Organ::RightKidney);
    RightCyst:         25.0, 12.0,  0.0,  3.0, Some(Organ::RightKidney);
    LeftCortex:       190.0, 10.0, 12.0,  8.0, Some(Organ::LeftKidney);
    LeftMedulla:      160.0, 10.0, 10.0,  9.0, Some(Organ::LeftKidney);
    LeftCyst:          25.0, 12.0,  0.0,  3.0, Some(Organ::LeftKidney);
    Aorta:            168.0, 10.0, 12.0,  4.0, Some(Organ::Aorta);
    StomachWall:       80.0,  8.0,  6.0,  8.0, Some(Organ::Stomach);
    StomachContent:    30.0, 15.0,  0.0, 14.0, Some(Organ::Stomach);
    StomachGas:      -950.0, 10.0,  0.0,  0.0, Some(Organ::Stomach);
}

/// Tissues that are the same matter under two names and must share their draw.
const TWINS: &[(Tissue, Tissue)] = &[
    (Tissue::Aorta, Tissue::Artery),
    (Tissue::RightCortex, Tissue::LeftCortex),
    (Tissue::RightMedulla, Tissue::LeftMedulla),
    (Tissue::Trabecular, Tissue::Rib),
    (Tissue::Cortical, Tissue::RibCortex),
];

/// The tissues of one patient, indexed by `Tissue as usize`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Palette {
    /// Mean CT number in HU.
    pub(crate) hounsfield: Vec<f32>,
    /// Height of the texture in HU.
    pub(crate) texture: Vec<f32>,
    /// Label, 0 for tissues outside the labelled organs.
    pub(crate) label: Vec<u8>,
}

impl Palette {
    /// Draws a patient's CT numbers; `variation` scales the differences between patients, `texture` the
    /// differences within a tissue.
    pub(crate) fn draw(random: &mut Random, variation: f64, texture: f64) -> Self {
        let contrast = random.normal().clamp(-1.8, 1.8);
        let mut palette = Self {
            hounsfield: Vec::new(),
            texture: Vec::new(),
            label: Vec::new(),
        };
        for tissue in Tissue::ALL {
            let (mean, spread, gain, grain, organ) = tissue.traits();
            let own = random.normal().clamp(-2.0, 2.0);
            palette
                .hounsfield
                .push((mean + variation * (spread * own + gain * contrast)) as f32);
            palette.texture.push(grain * texture as f32);
            palette.label.push(organ.map_or(0, Organ::label));
        }
        for &(from, to) in TWINS {
            palette.hounsfield[to as usize] = palette.hounsfield[from as usize];
        }
        palette
    }

    /// CT number, texture and label of a tissue.
    #[inline(always)]
    pub(crate) fn of(&self, tissue: Tissue) -> (f32, f32, u8) {
        let i = tissue as usize;
        (self.hounsfield[i], self.texture[i], self.label[i])
    }
}
