//! Who found what, as COCO has it.

use super::settings::{Coco, CocoConvention, Overlapping};
use crate::detection::annotation::{Annotation, AnnotationKind, Detection};
use crate::detection::images::DetectionImage;
use crate::detection::table::{Group, Matcher, Outcome};
use crate::error::{Error, Result};

impl Coco {
    /// What an annotation asks for; `pycocotools` overwrites `ignore` by `iscrowd`.
    fn kind<const D: usize>(&self, annotation: &Annotation<D>) -> AnnotationKind {
        match (annotation.kind(), self.convention) {
            (AnnotationKind::Ignored, CocoConvention::Pycocotools) => AnnotationKind::Ordinary,
            (kind, _) => kind,
        }
    }

    fn in_ranges(&self, size: f64) -> u32 {
        let inside = self.ranges.iter().map(|range| range.contains(size));
        inside
            .enumerate()
            .fold(0, |bits, (i, inside)| bits | u32::from(inside) << i)
    }

    fn overlap<const D: usize>(
        &self,
        detection: &Detection<D>,
        annotation: &Annotation<D>,
    ) -> Result<f64> {
        let crowd = annotation.kind() == AnnotationKind::Crowd;
        match self.overlap {
            Overlapping::Boxes if crowd => {
                Ok(match detection.extent().shared(annotation.extent()) {
                    0.0 => 0.0,
                    shared => shared / detection.extent().volume,
                })
            }
            Overlapping::Boxes => Ok(detection.extent().iou(annotation.extent())),
            Overlapping::Masks => {
                let (Some(found), Some(truth)) = (detection.mask(), annotation.mask()) else {
                    return Err(Error::MissingMask {
                        class: annotation.class(),
                    });
                };
                Ok(match crowd {
                    true => found.share_in(truth)?,
                    false => found.iou(truth)?,
                })
            }
        }
    }
}

/// Overlaps of a group, and which annotations are taken.
#[derive(Debug, Default)]
pub(crate) struct CocoScratch {
    overlaps: Vec<f64>,
    order: Vec<usize>,
    ignored: Vec<bool>,
    taken: Vec<bool>,
}

impl<const D: usize> Matcher<D> for Coco {
    type Scratch = CocoScratch;

    fn ranges(&self) -> usize {
        self.ranges.len()
    }

    fn most_detections(&self) -> usize {
        self.max_detections.last().copied().unwrap_or(0)
    }

    fn detection_ranges(&self, image: &DetectionImage<D>, detection: &Detection<D>) -> u32 {
        self.in_ranges(self.size.of_detection(image, detection))
    }

    fn annotation_ranges(&self, image: &DetectionImage<D>, annotation: &Annotation<D>) -> u32 {
        match self.kind(annotation) {
            AnnotationKind::Ordinary => self.in_ranges(self.size.of_annotation(image, annotation)),
            AnnotationKind::Ignored | AnnotationKind::Crowd => 0,
        }
    }

    fn unmatched(&self, in_range: bool) -> Outcome {
        Outcome {
            matched: 0,
            ignored: if in_range { 0 } else { self.all_thresholds() },
        }
    }

    fn match_group(
        &self,
        group: &Group<'_, D>,
        scratch: &mut CocoScratch,
        outcomes: &mut [Outcome],
    ) -> Result<()> {
        let CocoScratch { overlaps, .. } = scratch;
        overlaps.clear();
        for detection in group.detections {
            for annotation in group.annotations {
                overlaps.push(self.overlap(detection, annotation)?);
            }
        }
        let counted: Vec<u32> = group
            .annotations
            .iter()
            .map(|annotation| self.annotation_ranges(group.image, annotation))
            .collect();
        for range in 0..self.ranges.len() {
            let ignored = counted.iter().map(|bits| bits >> range & 1 == 0);
            scratch.ignored.clear();
            scratch.ignored.extend(ignored);
            scratch.order.clear();
            scratch.order.extend(0..counted.len());
            scratch.order.sort_by_key(|&i| scratch.ignored[i]);
            for bit in 0..self.thresholds.len() {
                self.match_at(group, scratch, [range, bit], outcomes);
            }
        }
        Ok(())
    }
}

impl Coco {
    fn all_thresholds(&self) -> u64 {
        u64::MAX >> (64 - self.thresholds.len())
    }

    /// Matches a group at one threshold and for one range.
    fn match_at<const D: usize>(
        &self,
        group: &Group<'_, D>,
        scratch: &mut CocoScratch,
        [range, bit]: [usize; 2],
        outcomes: &mut [Outcome],
    ) {
        let CocoScratch {
            overlaps,
            order,
            ignored,
            taken,
        } = scratch;
        let count = group.annotations.len();
        let least = self.thresholds[bit].min(1.0 - 1e-10);
        taken.clear();
        taken.resize(count, false);
        for d in 0..group.detections.len() {
            let overlaps = &overlaps[d * count..][..count];
            let (mut best, mut found) = (least, None);
            for &a in order.iter() {
                if taken[a] && group.annotations[a].kind() != AnnotationKind::Crowd {
                    continue;
                }
                // Whoever has found something to be found looks at nothing that is ignored.
                if ignored[a] && found.is_some_and(|found: usize| !ignored[found]) {
                    break;
                }
                if overlaps[a] >= best {
                    (best, found) = (overlaps[a], Some(a));
                }
            }
            let outcome = &mut outcomes[d * self.ranges.len() + range];
            if let Some(a) = found {
                taken[a] = true;
                outcome.ignored |= u64::from(ignored[a]) << bit;
                outcome.matched |= u64::from(!self.is_lost(group.annotations[a])) << bit;
            }
            let unmatched = outcome.matched >> bit & 1 == 0;
            let outside = group.in_range[d] >> range & 1 == 0;
            outcome.ignored |= u64::from(unmatched && outside) << bit;
        }
    }

    /// `pycocotools` takes the id 0 of an annotation for none.
    fn is_lost<const D: usize>(&self, annotation: &Annotation<D>) -> bool {
        self.convention == CocoConvention::Pycocotools && annotation.id() == Some(0)
    }
}
