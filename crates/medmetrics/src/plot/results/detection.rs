//! FROC and precision-recall of detections.

use super::thinned;
use crate::detection::{
    CocoResult, CocoSelection, DetectionCurve, FrocResult, LesionDetectionResult,
};
use crate::plot::{Curve, CurvePoint, FrocPlot};

impl Curve {
    /// A FROC curve for a [`FrocPlot`] with its score; without points if there are no lesions.
    ///
    /// Points that no eye can tell from the one before are left out.
    #[must_use]
    pub fn of_froc(label: impl Into<String>, froc: &FrocResult) -> Self {
        let points = froc.curve.points.iter();
        let points = points.map(|p| (p.false_positives_per_scan, p.sensitivity));
        // The axis has doublings; below a thousandth nothing is drawn.
        let points = thinned(points, |x| libm::log2(x.max(1e-3)) / 8.0);
        Self::new(label, points).with_summary(froc.score.clone())
    }

    /// COCO's precisions of one class at one threshold for a
    /// [`PrecisionRecallPlot`](super::super::PrecisionRecallPlot), with their average; `None` if the selection
    /// is not one curve, or if there is nothing to be found.
    ///
    /// COCO reads the highest precision at or behind each recall.
    ///
    /// ```
    /// use medmetrics::detection::{Annotation, Coco, CocoSelection, Detection, DetectionImage};
    /// use medmetrics::detection::{DetectionImages, DetectionProtocol};
    /// use medmetrics::plot::{Curve, Plot, PrecisionRecallPlot};
    ///
    /// let cell = Annotation::from_origin(1, [10.0, 10.0], [20.0, 20.0])?;
    /// let found = Detection::from_origin(1, [10.0, 10.0], [20.0, 20.0], 0.9)?;
    /// let mut images = DetectionImages::new();
    /// images.push(DetectionImage::new(1, vec![cell], vec![found]))?;
    /// let result = Coco::default().evaluate(&images)?;
    /// let curve = Curve::of_coco("cells", &result, &CocoSelection::default().of_class(1).at(0.5));
    /// let svg = PrecisionRecallPlot::new(curve.into_iter().collect()).to_svg()?;
    /// assert!(svg.contains(">cells, AP 1.000</text>"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    #[must_use]
    pub fn of_coco(
        label: impl Into<String>,
        result: &CocoResult,
        selection: &CocoSelection,
    ) -> Option<Self> {
        let precisions = result.precisions(selection)?.iter().copied();
        let points = result.settings().recalls.iter().copied().zip(precisions);
        Some(Self::new(label, points.collect()).with_summary(result.average_precision(selection)))
    }

    /// Precision against recall of detections for a
    /// [`PrecisionRecallPlot`](super::super::PrecisionRecallPlot), as [`DetectionCurve::steps`] has it: the area under what is drawn is VOC's average precision.
    ///
    /// ```
    /// use medmetrics::detection::{Annotation, AveragePrecision, Detection, DetectionImage};
    /// use medmetrics::detection::{DetectionImages, DetectionProtocol};
    /// use medmetrics::plot::{Curve, Plot, PrecisionRecallPlot};
    ///
    /// let cell = Annotation::from_origin(1, [10.0, 10.0], [20.0, 20.0])?;
    /// let found = Detection::from_origin(1, [10.0, 10.0], [20.0, 20.0], 0.9)?;
    /// let mut images = DetectionImages::new();
    /// images.push(DetectionImage::new(1, vec![cell], vec![found]))?;
    /// let voc = AveragePrecision::voc();
    /// let average = voc.evaluate(&images)?.of_class(1, Some(0.5));
    /// let curve = voc.curve(&images, 1, 0.5)?.expect("cells are annotated");
    /// let curve = Curve::of_detections("cells", &curve).with_summary(average);
    /// let svg = PrecisionRecallPlot::new(vec![curve]).to_svg()?;
    /// assert!(svg.contains(">cells, AP 1.000</text>"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    #[must_use]
    pub fn of_detections(label: impl Into<String>, curve: &DetectionCurve) -> Self {
        Self::new(label, thinned(curve.steps(), |x| x))
    }
}

impl CurvePoint {
    /// Lesions found and false marks a scan as a point of a FROC curve, with both intervals; `None` where
    /// there are no lesions or no scans.
    #[must_use]
    pub fn on_froc(label: impl Into<String>, result: &LesionDetectionResult) -> Option<Self> {
        let (x, y) = (&result.false_positives_per_scan, &result.sensitivity);
        Some(Self {
            x_interval: x.interval,
            y_interval: y.interval,
            ..Self::new(label, x.value?, y.value?)
        })
    }
}

impl FrocPlot {
    /// The curves of results with their scores; where sensitivities have intervals, each is a point with a
    /// whisker. The axis reaches from the lowest to the highest rate at which sensitivity was read.
    ///
    /// Sensitivities are read on straight lines between the points of a curve, as LUNA16 has it: with few
    /// false marks they lie a little above its steps.
    ///
    /// ```
    /// use medmetrics::detection::{Annotation, Detection, DetectionImage, DetectionImages};
    /// use medmetrics::detection::{DetectionProtocol, Froc};
    /// use medmetrics::plot::{FrocPlot, Plot};
    ///
    /// let nodule = Annotation::from_origin(1, [16.0; 3], [8.0; 3])?;
    /// let found = Detection::at_point(1, [22.0, 20.0, 20.0], 0.9)?;
    /// let wrong = Detection::at_point(1, [50.0, 20.0, 20.0], 0.3)?;
    /// let mut images = DetectionImages::new();
    /// images.push(DetectionImage::new("scan-1", vec![nodule], vec![found, wrong]))?;
    /// let froc = Froc::luna16().evaluate(&images)?;
    /// let svg = FrocPlot::of_results([("model", &froc)]).to_svg()?;
    /// assert!(svg.contains(">model, score 1.000</text>"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    pub fn of_results<'a, L: Into<String>>(
        results: impl IntoIterator<Item = (L, &'a FrocResult)>,
    ) -> Self {
        let (mut curves, mut points, mut rates) = (Vec::new(), Vec::new(), Vec::new());
        for (number, (label, froc)) in results.into_iter().enumerate() {
            curves.push(Curve::of_froc(label, froc));
            let end = froc.curve.points.last();
            let end = end.map_or(0.0, |p| p.false_positives_per_scan);
            for at in &froc.sensitivities {
                rates.extend((at.rate > 0.0).then_some(at.rate));
                let Some(value) = at.sensitivity.value.filter(|_| at.rate <= end) else {
                    continue;
                };
                if let Some(interval) = at.sensitivity.interval {
                    points.push(CurvePoint {
                        y_interval: Some(interval),
                        ..CurvePoint::new("", at.rate, value).on_curve(number)
                    });
                }
            }
        }
        let plot = Self::new(curves).with_operating_points(points);
        match crate::plot::span(rates) {
            Some(range) if range.0 < range.1 => plot.with_range(range),
            _ => plot,
        }
    }
}
