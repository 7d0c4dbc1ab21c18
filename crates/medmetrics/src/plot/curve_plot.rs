//! What plots of curves with operating points have in common.

use medviz::Chart;
use serde::{Deserialize, Serialize};

use super::Plot;
use super::curve::{Curve, CurvePoint, description, with_curves, with_operating_points};
use crate::error::Result;

/// Curves with points at which one would work, on axes `A`: a [`RocPlot`](super::RocPlot), a
/// [`PrecisionRecallPlot`](super::PrecisionRecallPlot) or a [`FrocPlot`](super::FrocPlot).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CurvePlot<A> {
    /// What stands above it.
    pub title: String,
    /// The curves in the order of their colours.
    pub curves: Vec<Curve>,
    /// Points at which one would work.
    pub operating_points: Vec<CurvePoint>,
    /// What lies below and around the curves.
    #[serde(flatten)]
    pub axes: A,
}

/// The axes of curves of one kind, with what is drawn below the curves.
pub trait CurveAxes {
    /// The usual title.
    const TITLE: &'static str;
    /// What the summary of a curve is called, such as `AUC`.
    const SUMMARY: &'static str;
    /// How the points of a curve are joined.
    const JOINED: Joined;

    /// The labels, ranges and reference lines of the axes on an empty chart.
    ///
    /// # Errors
    /// Refuses settings that have no place in a plot.
    fn on(&self, chart: Chart) -> Result<Chart>;

    /// The part of a curve that is drawn; all of it unless the axes cannot hold it.
    fn part(&self, curve: &Curve) -> Curve {
        curve.clone()
    }
}

/// How the points of a curve are joined.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Joined {
    /// By straight lines.
    Straight,
    /// By steps: the value of a point holds up to the next point.
    Steps,
    /// By steps: the value of a point holds from the point before it on.
    StepsBefore,
}

impl<A: CurveAxes + Default> CurvePlot<A> {
    /// A plot of these curves under the usual title.
    #[must_use]
    pub fn new(curves: Vec<Curve>) -> Self {
        Self {
            title: A::TITLE.to_owned(),
            curves,
            operating_points: Vec::new(),
            axes: A::default(),
        }
    }
}

impl<A> CurvePlot<A> {
    /// The same with points at which one would work.
    #[must_use]
    pub fn with_operating_points(self, operating_points: Vec<CurvePoint>) -> Self {
        Self {
            operating_points,
            ..self
        }
    }
}

impl<A: CurveAxes> Plot for CurvePlot<A> {
    /// The plot as a chart.
    ///
    /// # Errors
    /// Refuses numbers that are not finite, and what [`CurveAxes::on`] refuses.
    fn chart(&self) -> Result<Chart> {
        self.curves.iter().try_for_each(Curve::check)?;
        let said = description(&self.curves, A::SUMMARY);
        let chart = self.axes.on(Chart::new(&self.title).description(said))?;
        let curves: Vec<Curve> = self.curves.iter().map(|c| self.axes.part(c)).collect();
        let chart = with_curves(chart, &curves, A::SUMMARY, A::JOINED);
        with_operating_points(chart, &self.operating_points)
    }

    fn title_mut(&mut self) -> &mut String {
        &mut self.title
    }
}
