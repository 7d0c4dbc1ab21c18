//! Files of results that hold nothing but boxes, read straight into numbers.

use std::path::Path;

use medcore::Budget;
use serde::Deserialize;

use super::super::edges;
use super::super::fault::{Fault, Problem};
use super::super::file;
use super::super::number::wide;
use crate::error::Result;

/// A box that a detector found, by the ids of its file.
///
/// What [`read_results`](super::read_results) gives is richer and checked against the truth; this is for
/// evaluations of many boxes, where time goes into reading.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(from = "Row")]
pub struct ScoredBox {
    /// Id of the image.
    pub image: i64,
    /// Id of the category.
    pub category: i64,
    /// Lower corner, row and column, in index coordinates.
    pub origin: [f64; 2],
    /// Height and width in pixels, in the file's own digits.
    pub extent: [f64; 2],
    /// How sure the detector is.
    pub score: f64,
}

/// An entry as it is written; other keys are passed over.
#[derive(Deserialize)]
struct Row {
    image_id: i64,
    category_id: i64,
    bbox: [f64; 4],
    score: f64,
}

impl From<Row> for ScoredBox {
    fn from(row: Row) -> Self {
        let [x, y, width, height] = row.bbox;
        Self {
            image: row.image_id,
            category: row.category_id,
            origin: edges::point([x, y]),
            extent: [height, width],
            score: row.score,
        }
    }
}

/// The boxes of a text of results, in their order.
///
/// ```
/// use medio::annotations::coco;
/// use medio::medcore::Budget;
///
/// let text = br#"[{"image_id": 7, "category_id": 1, "bbox": [10.5, 20, 32, 16], "score": 0.75}]"#;
/// let boxes = coco::decode_boxes(text, &Budget::default())?;
/// assert_eq!((boxes[0].origin, boxes[0].extent), ([19.5, 10.0], [16.0, 32.0]));
/// # Ok::<(), medio::annotations::Fault>(())
/// ```
///
/// # Errors
/// Returns the line and the rule for text that is no list of results, for results without a box or a score,
/// and for boxes of negative sides.
pub fn decode_boxes(bytes: &[u8], budget: &Budget) -> std::result::Result<Vec<ScoredBox>, Fault> {
    let refused = |line, problem| Fault {
        at: "(whole file)".to_owned(),
        line,
        problem,
    };
    // An entry in memory is shorter than the shortest one in text.
    let both = wide(bytes.len()).saturating_mul(2);
    let claim = budget.claim_bytes("a file of results", both);
    claim.map_err(|e| refused(None, e.into()))?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let boxes: Vec<ScoredBox> = serde_json::from_slice(bytes).map_err(|e| {
        refused(
            Some(e.line()),
            Problem::Syntax {
                language: "COCO results",
                message: e.to_string(),
            },
        )
    })?;
    let negative = |found: &ScoredBox| found.extent.iter().any(|side| *side < 0.0);
    match boxes.iter().position(negative) {
        None => Ok(boxes),
        Some(index) => {
            let got = boxes.get(index).map(|found| format!("{:?}", found.extent));
            let problem = Problem::expected("sides from 0 on", &got.unwrap_or_default());
            Err(Fault::new(format!("[{index}].bbox"), problem))
        }
    }
}

/// The boxes of a file of results, in their order.
///
/// # Errors
/// As [`decode_boxes`]; passes on what the system says.
pub fn read_boxes(path: impl AsRef<Path>) -> Result<Vec<ScoredBox>> {
    file::decoded(path.as_ref(), &Budget::default(), decode_boxes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(text: &str) -> String {
        let budget = Budget::default();
        decode_boxes(text.as_bytes(), &budget)
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn what_is_no_box_is_refused_with_its_line() {
        let missing = "[\n{\"image_id\": 1, \"category_id\": 1, \"bbox\": [1, 2, 3, 4]}]";
        assert!(
            refused(missing).starts_with("line 2"),
            "{}",
            refused(missing)
        );
        let short = r#"[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3], "score": 1}]"#;
        assert!(refused(short).contains("length 3"), "{}", refused(short));
        let negative = r#"[{"image_id": 1, "category_id": 1, "bbox": [1, 2, 3, -4], "score": 1}]"#;
        assert!(
            refused(negative).starts_with("[0].bbox: must be sides"),
            "{}",
            refused(negative)
        );
        for text in ["", "{}", "[1]", "[", "[{\"image_id\": 1, \"image_id\": 1}]"] {
            refused(text);
        }
        let small = Budget::new(10);
        assert!(decode_boxes(missing.as_bytes(), &small).is_err());
    }

    #[test]
    fn other_keys_are_passed_over() {
        let text = r#"[{"id": 3, "score": 1e-3, "bbox": [0, 0, 0, 0], "x": {"y": []}, "category_id": -2,
            "image_id": 1}]"#;
        let boxes = decode_boxes(text.as_bytes(), &Budget::default()).unwrap();
        assert_eq!((boxes[0].category, boxes[0].score), (-2, 1e-3));
        assert!(decode_boxes(b"[]", &Budget::default()).unwrap().is_empty());
    }
}
