//! Tables of detections.

use std::collections::BTreeMap;

use super::{Cell, Column, Table};
use crate::detection::{
    AveragePrecisionResult, CocoResult, CocoSelection, FrocResult, LesionDetectionResult,
};
use crate::error::Result;
use crate::estimate::Estimate;

impl CocoResult {
    /// The numbers of COCO's summary, one a row: twelve with the usual settings.
    ///
    /// ```
    /// use medmetrics::detection::{Annotation, Coco, Detection, DetectionImage, DetectionImages};
    /// use medmetrics::detection::DetectionProtocol;
    ///
    /// let cell = Annotation::from_origin(1, [10.0, 10.0], [20.0, 20.0])?;
    /// let found = Detection::from_origin(1, [10.0, 10.0], [20.0, 20.0], 0.9)?;
    /// let mut images = DetectionImages::new();
    /// images.push(DetectionImage::new(1, vec![cell], vec![found]))?;
    /// let table = Coco::default().evaluate(&images)?.table()?;
    /// assert_eq!(table.rows().len(), 12);
    /// assert!(table.to_markdown().contains("| AP50 | 1.000 | 1 |"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses NaN, which no evaluation of this crate makes.
    pub fn table(&self) -> Result<Table> {
        let numbers = self.summary().into_iter();
        Table::of_estimates(numbers.map(|number| (number.name, number.estimate)), 3)
    }

    /// One row a class: annotations to be found, average precision over all thresholds, at 0.5 and at 0.75,
    /// and average recall. Classes without a name are called by their number.
    ///
    /// # Errors
    /// Refuses NaN, which no evaluation of this crate makes.
    pub fn class_table(&self, names: &BTreeMap<u32, String>) -> Result<Table> {
        let mut table = Table::new(vec![
            Column::text("class"),
            Column::count("n"),
            Column::estimate("AP", 3),
            Column::estimate("AP50", 3),
            Column::estimate("AP75", 3),
            Column::estimate("AR", 3),
        ]);
        for &class in self.classes() {
            let of_class = || CocoSelection::default().of_class(class);
            let precision = self.average_precision(&of_class());
            table.push(vec![
                class_cell(class, names),
                precision.n.into(),
                precision.into(),
                self.average_precision(&of_class().at(0.5)).into(),
                self.average_precision(&of_class().at(0.75)).into(),
                self.average_recall(&of_class()).into(),
            ])?;
        }
        Ok(table)
    }
}

/// A class by its name, or by its number.
fn class_cell(class: u32, names: &BTreeMap<u32, String>) -> Cell {
    match names.get(&class) {
        Some(name) => name.as_str().into(),
        None => class.to_string().into(),
    }
}

impl AveragePrecisionResult {
    /// The mean average precision over all thresholds, and at each where there are several.
    ///
    /// ```
    /// use medmetrics::detection::{Annotation, AveragePrecision, Detection, DetectionImage};
    /// use medmetrics::detection::{DetectionImages, DetectionProtocol};
    ///
    /// let cell = Annotation::from_origin(1, [10.0, 10.0], [20.0, 20.0])?;
    /// let found = Detection::from_origin(1, [10.0, 10.0], [20.0, 20.0], 0.9)?;
    /// let mut images = DetectionImages::new();
    /// images.push(DetectionImage::new(1, vec![cell], vec![found]))?;
    /// let table = AveragePrecision::voc().evaluate(&images)?.table()?;
    /// assert!(table.to_markdown().contains("| AP | 1.000 | 1 |"));
    /// # Ok::<(), medmetrics::Error>(())
    /// ```
    ///
    /// # Errors
    /// Refuses NaN, which no evaluation of this crate makes.
    pub fn table(&self) -> Result<Table> {
        let thresholds = self.several_thresholds().into_iter();
        let at_each = thresholds.map(|(name, at)| (name, self.mean(Some(at))));
        let all = ("AP".to_owned(), self.mean(None));
        Table::of_estimates(std::iter::once(all).chain(at_each), 3)
    }

    /// One row a class: annotations to be found, average precision over all thresholds, and at each where
    /// there are several. Classes without a name are called by their number.
    ///
    /// # Errors
    /// Refuses NaN, which no evaluation of this crate makes.
    pub fn class_table(&self, names: &BTreeMap<u32, String>) -> Result<Table> {
        let thresholds = self.several_thresholds();
        let mut columns = vec![
            Column::text("class"),
            Column::count("n"),
            Column::estimate("AP", 3),
        ];
        columns.extend(thresholds.iter().map(|(name, _)| Column::estimate(name, 3)));
        let mut table = Table::new(columns);
        for class in self.classes() {
            let of_class = |at| Cell::from(self.of_class(class.class, at));
            let mut row = vec![
                class_cell(class.class, names),
                class.annotations.into(),
                of_class(None),
            ];
            row.extend(thresholds.iter().map(|(_, at)| of_class(Some(*at))));
            table.push(row)?;
        }
        Ok(table)
    }

    /// The thresholds with their names, such as `AP50`, if there is more than one.
    fn several_thresholds(&self) -> Vec<(String, f64)> {
        let thresholds = &self.settings().thresholds;
        let named = thresholds.iter().map(|&at| {
            let percent = (at * 1e6).round() / 1e4;
            (format!("AP{percent}"), at)
        });
        named.filter(|_| thresholds.len() > 1).collect()
    }
}

impl FrocResult {
    /// The sensitivity at each number of false positives a scan, and their mean.
    ///
    /// # Errors
    /// Refuses NaN, which no evaluation of this crate makes.
    pub fn table(&self) -> Result<Table> {
        let mut table = Table::new(vec![
            Column::text("false positives per scan"),
            Column::estimate("sensitivity", 3),
            Column::count("n"),
            Column::text("convention"),
        ]);
        let rates = self.sensitivities.iter();
        let rates = rates.map(|at| (at.rate.to_string(), &at.sensitivity));
        for (rate, estimate) in rates.chain([("mean".to_owned(), &self.score)]) {
            table.push(vec![
                Cell::Text(rate),
                estimate.clone().into(),
                estimate.n.into(),
                estimate.convention.as_str().into(),
            ])?;
        }
        Ok(table)
    }
}

impl LesionDetectionResult {
    /// One row for each number of the operating point.
    ///
    /// # Errors
    /// Refuses NaN, which no evaluation of this crate makes.
    pub fn table(&self) -> Result<Table> {
        let row = |name: &'static str, estimate: &Estimate| (name, estimate.clone());
        let rows = [
            row("lesions found", &self.sensitivity),
            row("marks that found a lesion", &self.positive_predictive_value),
            row("false positives per scan", &self.false_positives_per_scan),
        ];
        Table::of_estimates(rows, 3)
    }
}
