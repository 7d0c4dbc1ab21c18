//! Patients as a hospital delivers them: every scan with a grid of its own.

use medcore::random::Key;
use medcore::{Geometry, Point, Vector};
use serde::{Deserialize, Serialize};

use crate::abdomen::{Abdomen, AbdomenOptions, check_range};
use crate::error::Result;
use crate::linear::{rotate, rotation};
use crate::scan::{Phantom, ScanOptions};

/// In which order and direction the voxels of a scan are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Orientation {
    /// Slices from feet to head, rows from front to back, columns from right to left of the patient.
    #[default]
    Axial,
    /// Any order of axes, any of them reversed.
    Random,
}

/// The grids of a cohort's scans.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[non_exhaustive]
pub struct CohortOptions {
    /// Smallest and largest slice distance in millimetres.
    pub slice_mm: (f64, f64),
    /// Smallest and largest pixel size within a slice in millimetres.
    pub pixel_mm: (f64, f64),
    /// Extent along head-feet, front-back and right-left in millimetres.
    pub field_of_view_mm: [f64; 3],
    /// Largest turn of the grid about each axis in degrees, up to 45.
    pub tilt_degrees: f64,
    /// Largest shear of the slices (gantry tilt) in degrees, up to 30.
    pub shear_degrees: f64,
    /// Storage order.
    pub orientation: Orientation,
    /// Differences between patients.
    pub abdomen: AbdomenOptions,
    /// Noise.
    pub scan: ScanOptions,
}

impl Default for CohortOptions {
    fn default() -> Self {
        Self {
            slice_mm: (3.0, 4.0),
            pixel_mm: (2.6, 3.2),
            field_of_view_mm: [264.0, 288.0, 384.0],
            tilt_degrees: 5.0,
            shear_degrees: 0.0,
            orientation: Orientation::Axial,
            abdomen: AbdomenOptions::default(),
            scan: ScanOptions::default(),
        }
    }
}

impl CohortOptions {
    /// Voxels of about `voxel_mm` millimetres: slices up to a quarter and pixels up to a fifth larger. At 4 mm a torso is
    /// small enough to train on in minutes.
    #[must_use]
    pub fn coarse(voxel_mm: f64) -> Self {
        Self {
            slice_mm: (voxel_mm, 1.25 * voxel_mm),
            pixel_mm: (voxel_mm, 1.2 * voxel_mm),
            ..Self::default()
        }
    }
}

/// A series of patients, each looked up by its number.
///
/// ```
/// use medphantom::{Cohort, CohortOptions};
///
/// let mut options = CohortOptions::default();
/// options.slice_mm = (12.0, 15.0);
/// options.pixel_mm = (9.0, 10.0);
/// let cohort = Cohort::new(7, options)?;
/// let phantom = cohort.scan(3)?;
/// assert_eq!(phantom, cohort.scan(3)?);
/// # Ok::<(), medphantom::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Cohort {
    seed: u64,
    options: CohortOptions,
}

impl Cohort {
    /// The cohort of `seed`.
    ///
    /// # Errors
    /// Refuses options outside their ranges.
    pub fn new(seed: u64, options: CohortOptions) -> Result<Self> {
        for (option, (low, high)) in [
            ("slice_mm", options.slice_mm),
            ("pixel_mm", options.pixel_mm),
        ] {
            let rule = "an increasing range between 0.1 and 50";
            check_range(option, low, (0.1, 50.0), rule)?;
            check_range(option, high, (low, 50.0), rule)?;
        }
        for extent in options.field_of_view_mm {
            check_range(
                "field_of_view_mm",
                extent,
                (10.0, 2000.0),
                "between 10 and 2000",
            )?;
        }
        check_range(
            "tilt_degrees",
            options.tilt_degrees,
            (0.0, 45.0),
            "between 0 and 45",
        )?;
        check_range(
            "shear_degrees",
            options.shear_degrees,
            (0.0, 30.0),
            "between 0 and 30",
        )?;
        Abdomen::new(Key::new(seed), &options.abdomen)?;
        Ok(Self { seed, options })
    }

    /// The anatomy of a patient.
    ///
    /// # Errors
    /// None that [`Cohort::new`] has let pass.
    pub fn patient(&self, patient: u32) -> Result<Abdomen> {
        Abdomen::new(Key::new(self.seed).sample(patient), &self.options.abdomen)
    }

    /// The grid on which a patient is scanned, centred on the abdomen.
    ///
    /// # Errors
    /// Refuses grids too large to address.
    pub fn geometry(&self, patient: u32) -> Result<Geometry<3>> {
        let options = &self.options;
        let mut random = Key::new(self.seed).sample(patient).stream("geometry");
        let slice = random.uniform_in(options.slice_mm.0, options.slice_mm.1);
        let pixel = random.uniform_in(options.pixel_mm.0, options.pixel_mm.1);
        let turn = rotation([0; 3].map(|_| random.uniform_in(-1.0, 1.0) * options.tilt_degrees));
        let shear = random.uniform_in(-1.0, 1.0) * options.shear_degrees;
        let jitter = [0; 3].map(|_| random.uniform_in(-6.0, 6.0));
        let lean = slice * libm::tan(shear.to_radians());
        let spacing = [slice, pixel, pixel];
        let mut steps = [[0.0, lean, slice], [0.0, pixel, 0.0], [pixel, 0.0, 0.0]]
            .map(|step| rotate(&turn, step.map(|v| v as f32)).map(f64::from));
        let mut shape: [usize; 3] = std::array::from_fn(|a| {
            ((options.field_of_view_mm[a] / spacing[a]).round() as usize).max(1)
        });
        if options.orientation == Orientation::Random {
            let mut order = [0, 1, 2];
            random.shuffle(&mut order);
            steps = order.map(|a| steps[a]);
            shape = order.map(|a| shape[a]);
            for step in &mut steps {
                if random.chance(0.5) {
                    *step = step.map(|v| -v);
                }
            }
        }
        let centre = self.patient(patient)?.centre().coordinates();
        let origin: [f64; 3] = std::array::from_fn(|i| {
            let half: f64 = (0..3)
                .map(|a| steps[a][i] * (shape[a] as f64 - 1.0) / 2.0)
                .sum();
            centre[i] + jitter[i] - half
        });
        Ok(Geometry::new(
            shape,
            Point::new(origin[0], origin[1], origin[2]),
            steps.map(|s| Vector::new(s[0], s[1], s[2])),
        )?)
    }

    /// Scans a patient on its grid.
    ///
    /// # Errors
    /// Refuses grids too large for memory.
    pub fn scan(&self, patient: u32) -> Result<Phantom> {
        self.patient(patient)?
            .scan(&self.geometry(patient)?, &self.options.scan)
    }
}

/// An upright grid of `shape` voxels, `spacing` millimetres apart, centred on the usual abdomen.
///
/// # Errors
/// Refuses empty shapes and spacings that are not positive.
pub fn field_of_view(shape: [usize; 3], spacing: [f64; 3]) -> Result<Geometry<3>> {
    let upright = Geometry::axis_aligned(shape, spacing)?;
    let half = |axis: usize| (shape[axis] as f64 - 1.0) * spacing[axis] / 2.0;
    let origin = Point::new(-half(2), 6.0 - half(1), 18.0 - half(0));
    Ok(Geometry::new(shape, origin, upright.steps())?)
}
