//! What becomes of a network on a scanner it has never seen, and whether histogram matching helps.

use std::sync::Arc;

use anyhow::Result;
use medcore::random::Key;
use medmetrics::Estimate;
use medtrain::medaug::{Compose, ReferenceHistogram, Sample};
use medtrain::split::{CaseRecord, Cohort, Lists, Unlisted};
use medtrain::{CachedCase, CaseCache, Split};
use serde::Serialize;

use super::data::{Radiograph, Reader};
use super::judge;
use super::learn::Lesson;
use super::network::resizing;
use super::score::score;

/// Points of the histogram that images are given.
const POINTS: usize = 256;

/// A network trained on one scanner only.
#[derive(Debug, Clone, Serialize)]
pub(crate) struct Shift {
    /// The scanner of training, and the other.
    pub(crate) scanners: [String; 2],
    pub(crate) training_images: usize,
    /// AUC on test patients: the same scanner, the other as it is, the other with the histogram of the first.
    pub(crate) same: Estimate,
    pub(crate) other: Estimate,
    pub(crate) matched: Estimate,
}

/// The images that one scanner made.
fn of_scanner(split: &Split<usize>, scanner: &str) -> Parts {
    let names = |records: &mut dyn Iterator<Item = &CaseRecord>| -> Vec<String> {
        let own = records.filter(|record| record.site.as_deref() == Some(scanner));
        own.map(|record| record.id.clone()).collect()
    };
    Parts {
        training: names(&mut split.training.members().records()),
        validation: names(&mut split.validation.members().records()),
        test: names(&mut split.test.records()),
    }
}

/// Names of cases.
struct Parts {
    training: Vec<String>,
    validation: Vec<String>,
    test: Vec<String>,
}

/// Images of each class that a subgroup needs in training, validation and test.
const LEAST: [usize; 3] = [20, 2, 2];

/// The two subgroups with most training images, where each has enough of both classes to learn from and to be judged on.
pub(crate) fn scanners(split: &Split<usize>) -> Option<[String; 2]> {
    let mut counts = std::collections::BTreeMap::<String, [[usize; 2]; 3]>::new();
    for (part, record) in split.records() {
        if let (Some(site), Some(class)) = (&record.site, record.class) {
            counts.entry(site.clone()).or_default()[part as usize][class as usize] += 1;
        }
    }
    let is_enough = |counts: &[[usize; 2]; 3]| {
        let mut parts = counts.iter().zip(LEAST);
        parts.all(|(classes, least)| classes.iter().all(|&images| images >= least))
    };
    let mut with_both: Vec<_> = { counts.into_iter() }
        .filter(|(_, count)| is_enough(count))
        .collect();
    with_both.sort_by_key(|(_, [training, ..])| std::cmp::Reverse(training.iter().sum::<usize>()));
    let mut names = with_both.into_iter().map(|(name, _)| name);
    Some([names.next()?, names.next()?])
}

/// Trains as `lesson` says on one scanner and judges on both.
pub(crate) fn report(
    lesson: &Lesson<'_>,
    split: &Split<usize>,
    radiographs: &Arc<Vec<Radiograph>>,
    scanners: [String; 2],
) -> Result<Shift> {
    let [own, other] = [0, 1].map(|i| of_scanner(split, &scanners[i]));
    let records = || radiographs.iter().map(|r| r.record.clone());
    let cut = |training: &[String],
               validation: &[String],
               test: &[String],
               steps|
     -> Result<Split<CachedCase<2>>> {
        let lists = Lists {
            training: training.to_vec(),
            validation: validation.to_vec(),
            test: test.to_vec(),
        };
        let cohort = Cohort::of_records(records())?;
        let divided = cohort.by_lists(&lists, Unlisted::LeaveOut)?;
        let cache = CaseCache::new(
            Box::new(Reader(Arc::clone(radiographs))),
            steps,
            lesson.seed,
        );
        Ok(divided.in_cache(&Arc::new(cache.with_memory(usize::MAX / 4)))?)
    };
    let plain = lesson.preparation.training_steps()?;
    let mut at_home = cut(&own.training, &own.validation, &own.test, plain.clone())?;
    let mut away = cut(&own.training, &own.validation, &other.test, plain)?;
    let reference = reference(&at_home, lesson.preparation.side, radiographs)?;
    let matching = Compose::new(lesson.preparation.steps(Some(reference))?)?;
    let mut matched = cut(&own.training, &own.validation, &other.test, matching)?;
    let alone = Lesson {
        scanner: Some(&scanners[0]),
        ..lesson.clone()
    };
    let learnt = alone.learn(&at_home.training, &at_home.validation)?;
    let purpose = "domain shift";
    // The splits above have lists of their own; the patients are those of the whole.
    split.test.clone().open(purpose);
    let auc = |split: &mut Split<CachedCase<2>>| {
        judge::auc(&score(&*learnt.model, split.test.open(purpose))?)
    };
    Ok(Shift {
        training_images: at_home.training.len(),
        same: auc(&mut at_home)?,
        other: auc(&mut away)?,
        matched: auc(&mut matched)?,
        scanners,
    })
}

/// The histogram of the images of training, all together, as they are before normalisation.
fn reference(
    split: &Split<CachedCase<2>>,
    side: usize,
    radiographs: &[Radiograph],
) -> Result<ReferenceHistogram> {
    let resize = resizing(side)?;
    let mut values = Vec::new();
    for member in &split.training {
        let image = radiographs[member.case.number()].pixels.read()?;
        let small = resize.apply(Sample::new(image), Key::new(0))?;
        values.extend_from_slice(small.image().as_slice());
    }
    Ok(ReferenceHistogram::of(&values)?.thinned(POINTS))
}
