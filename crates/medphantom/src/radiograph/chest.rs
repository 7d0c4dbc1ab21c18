//! One patient, and the way to an image.

use medcore::LabelMap;
use medcore::random::Key;
use serde::{Deserialize, Serialize};

use super::bone::Skeleton;
use super::film::{Film, Radiograph};
use super::lung::Lung;
use super::opacity::Opacity;
use super::scanner::Scanner;
use super::soft_tissue::SoftTissue;
use super::vessel::Vessels;
use super::view::{Posed, View};
use crate::abdomen::check_range;
use crate::error::Result;
use crate::texture::Texture;

/// How patients differ, and how ill they are.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct ChestOptions {
    /// Differences of anatomy between patients: 0 makes all alike, 1 is a usual cohort; up to 1.5.
    pub anatomy_variation: f64,
    /// Opacities in the lungs; up to 6.
    pub opacities: u32,
    /// How thick the fluid in an opacity is beside the usual; 0.1 to 4.
    pub conspicuity: f64,
}

impl Default for ChestOptions {
    fn default() -> Self {
        Self {
            anatomy_variation: 1.0,
            opacities: 0,
            conspicuity: 1.0,
        }
    }
}

/// A patient's chest, from the front.
///
/// ```
/// use medcore::random::Key;
/// use medphantom::radiograph::{Chest, ChestOptions, Scanner, View};
///
/// let mut options = ChestOptions::default();
/// options.opacities = 1;
/// let patient = Chest::new(Key::new(3), &options)?;
/// let shown = patient.radiograph(96, &View::default(), Scanner::Digital)?;
/// let ill = shown.opacity.as_slice().iter().filter(|&&o| o == 1).count();
/// assert!((40..2500).contains(&ill), "{ill} pixels");
/// # Ok::<(), medphantom::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Chest {
    key: Key,
    lungs: [Lung; 2],
    bones: Skeleton,
    vessels: Vessels,
    soft: SoftTissue,
    texture: Texture,
    opacities: Vec<Opacity>,
}

impl Chest {
    /// The patient that `key` names. The anatomy does not depend on the opacities.
    ///
    /// # Errors
    /// Refuses options outside their ranges.
    pub fn new(key: Key, options: &ChestOptions) -> Result<Self> {
        let variation = options.anatomy_variation;
        check_range(
            "anatomy_variation",
            variation,
            (0.0, 1.5),
            "between 0 and 1.5",
        )?;
        check_range("opacities", options.opacities.into(), (0.0, 6.0), "up to 6")?;
        check_range(
            "conspicuity",
            options.conspicuity,
            (0.1, 4.0),
            "between 0.1 and 4",
        )?;
        let lungs = Lung::draw(&mut key.stream("lungs"), variation);
        let opacity = |index| {
            let mut random = key.fork("opacity", u64::from(index)).stream("opacity");
            Opacity::draw(&mut random, options.conspicuity)
        };
        Ok(Self {
            key,
            bones: Skeleton::draw(&mut key.stream("bones"), &lungs, variation),
            vessels: Vessels::draw(&mut key.stream("vessels"), &lungs, variation),
            soft: SoftTissue::draw(&mut key.stream("soft tissue"), &lungs, variation),
            texture: Texture::draw(&mut key.stream("texture")),
            opacities: (0..options.opacities).map(opacity).collect(),
            lungs,
        })
    }

    /// An image of `side` times `side` pixels on a film of 350 mm.
    ///
    /// # Errors
    /// Refuses fewer than 16 and more than 4096 pixels, and a view outside its ranges.
    pub fn radiograph(&self, side: usize, view: &View, scanner: Scanner) -> Result<Radiograph> {
        check_range("side", side as f64, (16.0, 4096.0), "between 16 and 4096")?;
        for (name, value, range, rule) in view.ranges() {
            check_range(name, value, range, rule)?;
        }
        let posed = Posed::new(view);
        let mut film = Film::new(side)?;
        let mut fluid = vec![0.0f32; side * side];
        for row in 0..side {
            for column in 0..side {
                let p = posed.back(film.place(row, column));
                let index = row * side + column;
                film.tissue[index] = self.tissue(p, &posed, &mut fluid[index]);
            }
        }
        self.bones.project(&posed, &mut film);
        self.vessels.project(&posed, &mut film);
        for (tissue, fluid) in film.tissue.iter_mut().zip(&fluid) {
            *tissue += fluid;
        }
        let mut random = self
            .key
            .fork("exposure", view.acquisition)
            .stream(scanner.name());
        let grey = scanner.expose(&film, view.dose, &mut random);
        let most = self
            .opacities
            .iter()
            .map(|o| o.thickness)
            .fold(0.0, f32::max);
        let shown = fluid
            .iter()
            .map(|&f| u8::from(most > 0.0 && f > most / 3.0));
        let geometry = film.geometry()?;
        Ok(Radiograph {
            image: medcore::Image::new(geometry, grey)?,
            opacity: LabelMap::new(geometry, shown.collect::<Vec<u8>>())?,
        })
    }

    /// Tissue along the ray through a point, but for bones and vessels; what opacities add is told apart.
    fn tissue(&self, p: [f32; 2], posed: &Posed, fluid: &mut f32) -> f32 {
        let body = self.soft.at(p, posed);
        let mut sum = body;
        for lung in &self.lungs {
            let depth = lung.depth_at(p, posed).min(0.86 * body);
            let uneven = 0.02 * self.texture.at([p[0], p[1], 0.0]);
            sum -= depth * (1.0 - lung.density - uneven).clamp(0.0, 1.0);
        }
        *fluid = (self.opacities.iter())
            .map(|o| o.at(p, &self.lungs, posed))
            .sum();
        sum
    }
}
