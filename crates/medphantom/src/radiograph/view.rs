//! How a patient stands in front of the detector.

use medcore::random::Key;

/// Standing, breathing and exposure of one image.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct View {
    /// How far the diaphragm is lower than in the middle of a breath, in millimetres; -18 to 18.
    pub breath_mm: f64,
    /// Turn of the patient about the long axis in degrees, -8 to 8: heart and spine part.
    pub rotation_degrees: f64,
    /// Turn in the plane of the image in degrees, -6 to 6.
    pub tilt_degrees: f64,
    /// Shift in the plane of the image to the right and down, in millimetres, -20 to 20 each.
    pub shift_mm: [f64; 2],
    /// Magnification, 0.9 to 1.1.
    pub zoom: f64,
    /// Dose beside the usual one, 0.25 to 4: less is noisier.
    pub dose: f64,
    /// Names the image: its noise differs from that of others.
    pub acquisition: u64,
}

impl Default for View {
    fn default() -> Self {
        Self {
            breath_mm: 0.0,
            rotation_degrees: 0.0,
            tilt_degrees: 0.0,
            shift_mm: [0.0; 2],
            zoom: 1.0,
            dose: 1.0,
            acquisition: 0,
        }
    }
}

impl View {
    /// A view as patients come to have it.
    pub(super) fn draw(key: Key, acquisition: u64) -> Self {
        let mut random = key.fork("view", acquisition).stream("view");
        let mut spread = |most: f64| most * (random.normal() * 0.5).clamp(-1.0, 1.0);
        Self {
            breath_mm: spread(18.0),
            rotation_degrees: spread(7.0),
            tilt_degrees: spread(5.0),
            shift_mm: [spread(14.0), spread(14.0)],
            zoom: 1.0 + spread(0.07),
            dose: libm::exp2(spread(1.2)),
            acquisition,
        }
    }

    /// The name, the value and the range of each number.
    pub(super) fn ranges(&self) -> [(&'static str, f64, (f64, f64), &'static str); 7] {
        [
            (
                "breath_mm",
                self.breath_mm,
                (-18.0, 18.0),
                "between -18 and 18",
            ),
            (
                "rotation_degrees",
                self.rotation_degrees,
                (-8.0, 8.0),
                "between -8 and 8",
            ),
            (
                "tilt_degrees",
                self.tilt_degrees,
                (-6.0, 6.0),
                "between -6 and 6",
            ),
            (
                "shift_mm",
                self.shift_mm[0],
                (-20.0, 20.0),
                "between -20 and 20",
            ),
            (
                "shift_mm",
                self.shift_mm[1],
                (-20.0, 20.0),
                "between -20 and 20",
            ),
            ("zoom", self.zoom, (0.9, 1.1), "between 0.9 and 1.1"),
            ("dose", self.dose, (0.25, 4.0), "between 0.25 and 4"),
        ]
    }
}

/// From the patient's millimetres to the film's and back.
#[derive(Debug, Clone, Copy)]
pub(super) struct Posed {
    cos: f32,
    sin: f32,
    zoom: f32,
    shift: [f32; 2],
    /// How far a part moves to the side for each millimetre it lies in front of the body's middle.
    pub turn: f32,
    pub breath: f32,
}

impl Posed {
    pub(super) fn new(view: &View) -> Self {
        let (sin, cos) = libm::sincos(view.tilt_degrees.to_radians());
        Self {
            cos: cos as f32,
            sin: sin as f32,
            zoom: view.zoom as f32,
            shift: view.shift_mm.map(|mm| mm as f32),
            turn: libm::sin(view.rotation_degrees.to_radians()) as f32,
            breath: view.breath_mm as f32,
        }
    }

    /// Where a point of the patient falls on the film.
    pub(super) fn place(&self, p: [f32; 2]) -> [f32; 2] {
        let [x, y] = p.map(|v| v * self.zoom);
        [
            self.cos * x - self.sin * y + self.shift[0],
            self.sin * x + self.cos * y + self.shift[1],
        ]
    }

    /// Which point of the patient a place on the film shows.
    pub(super) fn back(&self, place: [f32; 2]) -> [f32; 2] {
        let (x, y) = (place[0] - self.shift[0], place[1] - self.shift[1]);
        [
            (self.cos * x + self.sin * y) / self.zoom,
            (self.cos * y - self.sin * x) / self.zoom,
        ]
    }
}
