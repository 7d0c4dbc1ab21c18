//! How a measure is spread over cases, class by class.

use medviz::{BoxGlyph, Chart, Layer, Paint};
use serde::{Deserialize, Serialize};

use super::density::{Quartiles, kernel_density};
use super::{Plot, finite};
use crate::error::{Error, Result};
use crate::segmentation::{Measure, Report, Structure};

/// A box or a violin for each class, with the cases as points.
///
/// Boxes span the quartiles with a line at the median; whiskers reach the last case within 1.5 interquartile
/// ranges. Violins are [`kernel_density`]s of equal width with the same box inside. Beyond 300 cases only
/// those outside the whiskers are drawn as points. The number of cases that are drawn stands below each name,
/// with the numbers of infinite and of undefined ones: a distance to what was not found at all has no place
/// on an axis, and no part in the quartiles.
///
/// ```
/// use medmetrics::plot::{DistributionPlot, Group, Plot};
///
/// let groups = vec![
///     Group::new("liver", vec![0.95, 0.96, 0.93, 0.97]),
///     Group::new("spleen", vec![0.91, 0.94, 0.55]).with_undefined(1),
/// ];
/// let svg = DistributionPlot::new("Dice", groups).with_range((0.0, 1.0)).to_svg()?;
/// assert!(svg.contains(">n = 3</text>") && svg.contains(">1 undefined</text>"));
/// # Ok::<(), medmetrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DistributionPlot {
    /// What stands above it.
    pub title: String,
    /// What was measured, with its unit: `HD95 (mm)`.
    pub measure: String,
    /// The classes from left to right.
    pub groups: Vec<Group>,
    /// What is drawn around the points.
    pub glyph: Glyph,
    /// The ends of the vertical axis; from the data without them.
    pub range: Option<(f64, f64)>,
}

/// The values of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// The class.
    pub label: String,
    /// Its finite values, one a case.
    pub values: Vec<f64>,
    /// Number of cases whose value is infinite.
    #[serde(default)]
    pub infinite: u64,
    /// Number of cases without a value.
    pub undefined: u64,
}

impl Group {
    /// A class whose cases all have a finite value.
    #[must_use]
    pub fn new(label: impl Into<String>, values: Vec<f64>) -> Self {
        Self {
            label: label.into(),
            values,
            infinite: 0,
            undefined: 0,
        }
    }

    /// A class with a measure of each case, which may be infinite or missing.
    ///
    /// ```
    /// use medmetrics::plot::Group;
    ///
    /// let group = Group::of_cases("spleen", [Some(3.5), Some(f64::INFINITY), None]);
    /// assert_eq!(group, Group::new("spleen", vec![3.5]).with_infinite(1).with_undefined(1));
    /// ```
    #[must_use]
    pub fn of_cases(
        label: impl Into<String>,
        cases: impl IntoIterator<Item = Option<f64>>,
    ) -> Self {
        let mut group = Self::new(label, Vec::new());
        for value in cases {
            match value {
                None => group.undefined += 1,
                Some(value) if value.is_infinite() => group.infinite += 1,
                Some(value) => group.values.push(value),
            }
        }
        group
    }

    /// The same with a number of cases whose value is infinite.
    #[must_use]
    pub fn with_infinite(self, infinite: u64) -> Self {
        Self { infinite, ..self }
    }

    /// The same with a number of cases without a value.
    #[must_use]
    pub fn with_undefined(self, undefined: u64) -> Self {
        Self { undefined, ..self }
    }

    fn name(&self) -> String {
        let mut name = format!("{}\nn = {}", self.label, self.values.len());
        for (count, what) in self.left_out() {
            name += &format!("\n{count} {what}");
        }
        name
    }

    fn said(&self) -> String {
        let mut said = match Quartiles::of(&self.values) {
            Some(q) => {
                let n = self.values.len();
                format!("{} median {:.3}, n = {n}", self.label, q.median)
            }
            None => format!("{} without values", self.label),
        };
        for (count, what) in self.left_out() {
            said += &format!(", {count} {what}");
        }
        said
    }

    /// The cases that have no place on the axis.
    fn left_out(&self) -> impl Iterator<Item = (u64, &'static str)> {
        let counts = [(self.infinite, "infinite"), (self.undefined, "undefined")];
        counts.into_iter().filter(|(count, _)| *count > 0)
    }
}

/// What is drawn for each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Glyph {
    /// Quartiles and whiskers.
    #[default]
    Box,
    /// A smoothed density on both sides, with quartiles inside.
    Violin,
}

/// Beyond this number of cases only those outside the whiskers are drawn as points.
const POINTS: usize = 300;

impl DistributionPlot {
    /// A box for each class, with the measure as the title.
    #[must_use]
    pub fn new(measure: impl Into<String>, groups: Vec<Group>) -> Self {
        let measure = measure.into();
        Self {
            title: format!("{measure} by class"),
            measure,
            groups,
            glyph: Glyph::default(),
            range: None,
        }
    }

    /// A box for each structure of a report on label maps; scores get the range from 0 to 1.
    ///
    /// Infinite distances, which some policies put in the place of missing ones, are counted beside the box.
    #[must_use]
    pub fn of_report(report: &Report, measure: Measure) -> Self {
        let group = |structure: &Structure| {
            let values = report.values(&structure.name, measure);
            Group::of_cases(&structure.name, values)
        };
        let groups = report.evaluation.structures.iter().map(group).collect();
        Self {
            range: measure.is_score().then_some((0.0, 1.0)),
            ..Self::new(report.heading(measure), groups)
        }
    }

    /// The same with another glyph.
    #[must_use]
    pub fn with_glyph(self, glyph: Glyph) -> Self {
        Self { glyph, ..self }
    }

    /// The same with fixed ends of the vertical axis.
    #[must_use]
    pub fn with_range(self, range: (f64, f64)) -> Self {
        Self {
            range: Some(range),
            ..self
        }
    }

    fn check_range(&self) -> Result<()> {
        let Some((low, high)) = self.range else {
            return Ok(());
        };
        if !(low < high && low.is_finite() && high.is_finite()) {
            return Err(Error::InvalidParameter {
                parameter: "lower end of the range",
                rule: "below the upper end",
                value: low,
            });
        }
        for group in &self.groups {
            let outside = |(_, value): &(usize, &f64)| !(low..=high).contains(*value);
            if let Some((index, &value)) = group.values.iter().enumerate().find(outside) {
                return Err(Error::InvalidValue {
                    what: "values of a class",
                    rule: "inside the range of the plot",
                    index,
                    value,
                });
            }
        }
        Ok(())
    }
}

fn layers(group: &Group, at: f64, glyph: Glyph) -> Vec<Layer> {
    let Some(quartiles) = Quartiles::of(&group.values) else {
        return Vec::new();
    };
    let paint = Paint::Series(0);
    let violin = match glyph {
        Glyph::Box => Vec::new(),
        Glyph::Violin => outline(&group.values, at),
    };
    let width = if violin.is_empty() { 0.5 } else { 0.12 };
    let boxes = [BoxGlyph {
        at,
        width,
        ends: (quartiles.first, quartiles.third),
        middle: quartiles.median,
        whiskers: quartiles.whiskers,
    }];
    let mut layers = Vec::new();
    if !violin.is_empty() {
        layers.push(Layer::area(violin).painted(paint));
    }
    let points = scattered(&group.values, &quartiles, at);
    layers.push(
        Layer::points(points, 2.4)
            .painted(Paint::Series(7))
            .opacity(0.55),
    );
    layers.push(Layer::boxes(boxes).painted(paint));
    layers
}

/// A density and its mirror image around `at`, at most 0.4 wide on each side.
fn outline(values: &[f64], at: f64) -> Vec<(f64, f64)> {
    let density = kernel_density(values, 80);
    let most = density.iter().map(|d| d.1).fold(0.0, f64::max);
    let side = |sign: f64| move |&(y, d): &(f64, f64)| (at + sign * 0.4 * d / most, y);
    let right = density.iter().map(side(1.0));
    right.chain(density.iter().rev().map(side(-1.0))).collect()
}

/// Values beside one another, so that equal ones are seen: steps of the golden section fill the width evenly.
fn scattered(values: &[f64], quartiles: &Quartiles, at: f64) -> Vec<(f64, f64)> {
    let (low, high) = quartiles.whiskers;
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let drawn =
        (sorted.into_iter()).filter(|v| values.len() <= POINTS || !(low..=high).contains(v));
    drawn
        .enumerate()
        .map(|(i, value)| {
            let share = (i as f64 * 0.618_033_988_749_895).fract();
            (at + 0.36 * (share - 0.5), value)
        })
        .collect()
}

impl Plot for DistributionPlot {
    /// The plot as a chart.
    ///
    /// # Errors
    /// Refuses values that are not finite, and a range that cuts off values.
    fn chart(&self) -> Result<Chart> {
        for group in &self.groups {
            finite("values of a class", group.values.iter().copied())?;
        }
        self.check_range()?;
        let said: Vec<String> = self.groups.iter().map(Group::said).collect();
        let lines = self
            .groups
            .iter()
            .flat_map(|g| [g.label.chars().count(), 12]);
        let slot = (14 + 8 * lines.max().unwrap_or(0)).clamp(80, 150);
        let width = (90 + slot * self.groups.len()).clamp(420, 1500);
        let mut chart = Chart::new(&self.title)
            .description(format!("{}: {}.", self.measure, said.join("; ")))
            .y_label(&self.measure)
            .size(width as u32, 460)
            .x_names(self.groups.iter().map(Group::name));
        if let Some((low, high)) = self.range {
            chart = chart.y_range(low, high);
        }
        for (i, group) in self.groups.iter().enumerate() {
            for layer in layers(group, i as f64, self.glyph) {
                chart = chart.layer(layer);
            }
        }
        Ok(chart)
    }

    fn title_mut(&mut self) -> &mut String {
        &mut self.title
    }
}
