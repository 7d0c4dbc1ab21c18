//! A cache changes how fast a case is there, and nothing else.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use medaug::{
    Affine, Boxes, Compose, Draw, Intensity, LabelledPoint, Layer, Normalise, PatchChoice,
    PatchPipeline, PatchSampler, Points, RandomGamma, RandomSpatial, Sample, Step,
};
use medcore::random::Key;
use medcore::{BoundingBox, Calibration, Geometry, Image, LabelMap};
use medtrain::split::CaseRecord;
use medtrain::{
    CachedCase, CaseCache, CaseReader, Cohort, Error, Loader, PatchBatches, Prefetch, Source,
    TrainingSet,
};

const CASES: usize = 4;

/// Cases made from the numbers in small files, counting how often each is read.
struct Files {
    folder: PathBuf,
    reads: Arc<Vec<AtomicUsize>>,
}

impl CaseReader<3> for Files {
    fn count(&self) -> usize {
        CASES
    }

    fn name(&self, number: usize) -> String {
        format!("case-{number}")
    }

    fn files(&self, number: usize) -> Vec<PathBuf> {
        vec![self.folder.join(number.to_string())]
    }

    fn read(&self, number: usize) -> Result<Sample<3>, medtrain::BoxError> {
        self.reads[number].fetch_add(1, Ordering::SeqCst);
        let seed: u64 = fs::read_to_string(&self.files(number)[0])?.parse()?;
        // Long enough for another thread to ask for the same case.
        std::thread::sleep(Duration::from_millis(5));
        Ok(full(seed)?)
    }
}

/// A sample with everything in it.
fn full(seed: u64) -> medaug::Result<Sample<3>> {
    let grid = Geometry::axis_aligned([11, 12, 13], [2.5, 0.1 + 0.2, 1.0 / 3.0])?
        .with_calibration(Calibration::Unknown);
    let mut random = Key::new(seed).stream("voxels");
    let image = Image::with_channels(2, grid, draw(&mut random, 2 * grid.len()))?;
    let second = Image::new(grid, draw(&mut random, grid.len()))?;
    let labels: Vec<u8> = (0..grid.len()).map(|i| u8::from(i % 7 == 3)).collect();
    let labels = LabelMap::new(grid, labels)?;
    let bounds = BoundingBox::new([1.0 / 3.0, 1.5, 2.5], [7.1, 8.2, 9.3])?;
    Sample::with_labels(image, labels.clone())?
        .with_boxes(Boxes::new([(bounds, 2)]))
        .with_points(Points::new(vec![LabelledPoint::new([0.1, 5.0, 6.7], 1)]))
        .with_target(vec![0.1, 0.9])
        .with_layer("second", Layer::Image(second))?
        .with_layer("organs", Layer::Labels(labels.clone()))?
        .with_layer(
            "numbers",
            Layer::Instances(labels.map(|l| u16::from(l) * 300)),
        )
}

fn draw(random: &mut medcore::random::Random, count: usize) -> Vec<f32> {
    (0..count).map(|_| random.normal() as f32).collect()
}

/// A move and a scaling that are always the same, and two steps that draw.
fn steps() -> Vec<Step> {
    let tilt = Affine {
        rotation_degrees: vec![7.0, 0.0, 0.0],
        ..Affine::default()
    };
    let spatial = RandomSpatial {
        rotation_probability: 1.0,
        rotation_degrees: vec![Draw::symmetric(20.0)],
        ..RandomSpatial::default()
    };
    let gamma = RandomGamma {
        probability: 0.7,
        ..RandomGamma::default()
    };
    vec![
        Normalise::from(Intensity::MinMax).into(),
        tilt.into(),
        spatial.into(),
        gamma.into(),
    ]
}

struct Bench {
    source: tempfile::TempDir,
    reads: Arc<Vec<AtomicUsize>>,
}

impl Bench {
    fn new() -> Self {
        let source = tempfile::tempdir().unwrap();
        for number in 0..CASES {
            fs::write(
                source.path().join(number.to_string()),
                (number * 7).to_string(),
            )
            .unwrap();
        }
        let reads = (0..CASES).map(|_| AtomicUsize::new(0)).collect();
        Self {
            source,
            reads: Arc::new(reads),
        }
    }

    fn cache(&self, steps: Vec<Step>) -> CaseCache<3> {
        let reader = Files {
            folder: self.source.path().to_owned(),
            reads: Arc::clone(&self.reads),
        };
        CaseCache::new(Box::new(reader), Compose::new(steps).unwrap(), 3)
    }

    /// How often each case was read since the last time.
    fn reads(&self) -> Vec<usize> {
        self.reads
            .iter()
            .map(|n| n.swap(0, Ordering::SeqCst))
            .collect()
    }
}

/// Every sample of two epochs.
fn samples(cache: &CaseCache<3>) -> Vec<Sample<3>> {
    let keys = (0..2_u32).flat_map(|epoch| (0..CASES).map(move |number| (epoch, number)));
    keys.map(|(epoch, number)| {
        let key = Key::new(1).epoch(epoch).sample(number as u32);
        cache.sample(number, key).unwrap()
    })
    .collect()
}

fn entries(folder: &Path) -> Vec<(PathBuf, u64)> {
    let mut entries: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let entry = entry.unwrap();
            (entry.path(), entry.metadata().unwrap().len())
        })
        .collect();
    entries.sort();
    entries
}

#[test]
fn the_same_bytes_come_from_nowhere_from_memory_and_from_disk() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let without = samples(&bench.cache(steps()));
    assert_eq!(bench.reads(), [2; CASES]);
    let memory = bench.cache(steps()).with_memory(1 << 30);
    assert!(samples(&memory) == without);
    assert_eq!(bench.reads(), [1; CASES]);
    let disk = |memory| {
        let cache = bench.cache(steps()).with_memory(memory);
        cache.with_disk(folder.path(), 1 << 30).unwrap()
    };
    assert!(samples(&disk(0)) == without);
    assert_eq!(bench.reads(), [1; CASES], "the second epoch came from disk");
    for memory in [0, 1 << 30] {
        let cache = disk(memory);
        assert!(samples(&cache) == without);
        assert_eq!(bench.reads(), [0; CASES]);
        let report = cache.report();
        assert_eq!(
            (report.made, report.damaged.len(), report.unwritten.len()),
            (0, 0, 0)
        );
        assert!(report.from_disk >= CASES as u64);
    }
    assert_eq!(entries(folder.path()).len(), CASES);
    // Two samples of one case share its voxels until one of them is written to.
    let shared = [0, 1].map(|_| memory.case(2).unwrap());
    let voxels = shared
        .each_ref()
        .map(|case| case.sample().clone().image().as_slice().as_ptr());
    assert_eq!(voxels[0], voxels[1]);
}

#[test]
fn other_files_and_other_steps_are_other_entries() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let open = |steps| {
        bench
            .cache(steps)
            .with_disk(folder.path(), 1 << 30)
            .unwrap()
    };
    let before = open(steps()).case(1).unwrap();
    assert_eq!(bench.reads()[1], 1);
    // Steps after the first that draws do not matter, steps before it do.
    open(steps()[..3].to_vec()).case(1).unwrap();
    assert_eq!(bench.reads()[1], 0);
    open(steps()[..1].to_vec()).case(1).unwrap();
    assert_eq!(bench.reads()[1], 1);
    fs::write(bench.source.path().join("1"), "99").unwrap();
    let after = open(steps()).case(1).unwrap();
    assert_eq!(bench.reads()[1], 1);
    assert!(after != before);
    assert_eq!(entries(folder.path()).len(), 3);
}

/// Cases one after another in a file, of which one channel is read.
struct OneFile {
    path: PathBuf,
    names: [&'static str; 3],
    channel: u64,
}

impl CaseReader<3> for OneFile {
    fn count(&self) -> usize {
        self.names.len()
    }

    fn name(&self, number: usize) -> String {
        self.names[number].to_owned()
    }

    fn files(&self, _: usize) -> Vec<PathBuf> {
        vec![self.path.clone()]
    }

    fn identity(&self) -> String {
        format!("channel {}", self.channel)
    }

    fn read(&self, number: usize) -> Result<Sample<3>, medtrain::BoxError> {
        let text = fs::read_to_string(&self.path)?;
        let seed: u64 = text.split(' ').nth(number).ok_or("too short")?.parse()?;
        Ok(full(seed + 100 * self.channel)?)
    }
}

#[test]
fn cases_of_one_file_and_what_another_reader_makes_of_it_are_other_entries() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cases");
    fs::write(&path, "3 14 15").unwrap();
    let cache = |names, channel| {
        let path = path.clone();
        let reader = OneFile {
            path,
            names,
            channel,
        };
        CaseCache::new(Box::new(reader), Compose::new(steps()).unwrap(), 3)
    };
    let entries_at = folder.path().join("entries");
    let on_disk = |names, channel| {
        cache(names, channel)
            .with_disk(&entries_at, 1 << 30)
            .unwrap()
    };
    let names = ["a", "b", "c"];
    let mut known = 0;
    // The second reader calls the same files by other names: what it makes of them may depend on these.
    for (names, channel) in [(names, 0), (["x", "y", "c"], 0), (names, 1)] {
        let expected = [0, 1, 2].map(|number| cache(names, channel).case(number).unwrap());
        let first = on_disk(names, channel);
        let again = on_disk(names, channel);
        for (number, expected) in expected.iter().enumerate() {
            assert_eq!(first.case(number).unwrap(), *expected);
            assert_eq!(again.case(number).unwrap(), *expected);
        }
        let same_name = u64::from(names[0] == "x");
        assert_eq!(first.report().from_disk, same_name);
        assert_eq!(again.report().from_disk, 3);
        known += 3 - same_name as usize;
        assert_eq!(entries(&entries_at).len(), known);
    }
    let twice = cache(["a", "b", "a"], 0).with_disk(&entries_at, 1 << 30);
    assert!(matches!(twice, Err(Error::SameName { case }) if case == "a"));
}

#[test]
fn budgets_are_kept_in_memory_and_on_disk() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let large = bench.cache(steps()).with_memory(1 << 30);
    large.case(0).unwrap();
    let one = large.bytes();
    let cache = bench.cache(steps()).with_memory(2 * one + one / 2);
    let file = {
        let cache = bench
            .cache(steps())
            .with_disk(folder.path(), 1 << 30)
            .unwrap();
        cache.case(0).unwrap();
        entries(folder.path())[0].1
    };
    let cache = cache.with_disk(folder.path(), 3 * file + file / 2).unwrap();
    for round in 0..3 {
        for number in 0..CASES {
            cache.case(number).unwrap();
            assert!(cache.bytes() <= 2 * one + one / 2, "round {round}");
            let written: u64 = entries(folder.path())
                .iter()
                .map(|(_, length)| length)
                .sum();
            assert!(written <= 3 * file + file / 2, "round {round}");
        }
    }
    assert!(cache.report().evicted >= 4);
    assert_eq!(entries(folder.path()).len(), 3);
    let small = bench
        .cache(steps())
        .with_disk(folder.path(), file - 1)
        .unwrap();
    fs::remove_dir_all(folder.path()).unwrap();
    fs::create_dir(folder.path()).unwrap();
    small.case(0).unwrap();
    assert!(entries(folder.path()).is_empty());
    assert!(small.report().unwritten[0].reason.contains("bytes"));
}

#[test]
fn threads_that_want_one_case_wait_for_the_first() {
    let bench = Bench::new();
    let cache = bench.cache(steps()).with_memory(1 << 30);
    let cases: Vec<_> = std::thread::scope(|scope| {
        let ask = || scope.spawn(|| cache.case(3).unwrap());
        let asked: Vec<_> = (0..6).map(|_| ask()).collect();
        asked
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert_eq!(bench.reads(), [0, 0, 0, 1]);
    assert!(cases.iter().all(|case| Arc::ptr_eq(case, &cases[0])));
    let report = cache.report();
    assert_eq!((report.made, report.from_memory), (1, 5));
}

#[test]
fn damaged_entries_are_made_again_and_reported() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let open = || {
        bench
            .cache(steps())
            .with_disk(folder.path(), 1 << 30)
            .unwrap()
    };
    let whole = open().case(2).unwrap();
    let path = entries(folder.path())[0].0.clone();
    let bytes = fs::read(&path).unwrap();
    let mut flipped = bytes.clone();
    flipped[bytes.len() / 2] ^= 1;
    let mut longer = bytes.clone();
    longer.push(0);
    let damaged = [
        vec![],
        bytes[..40].to_vec(),
        bytes[..bytes.len() - 1].to_vec(),
        flipped,
        longer,
    ];
    for (kind, damaged) in damaged.into_iter().enumerate() {
        fs::write(&path, damaged).unwrap();
        bench.reads();
        let cache = open();
        assert_eq!(cache.case(2).unwrap(), whole, "damage {kind}");
        assert_eq!(bench.reads()[2], 1);
        let report = cache.report();
        assert_eq!(report.damaged.len(), 1, "damage {kind}");
        assert_eq!(report.damaged[0].path, path);
        assert!(!report.damaged[0].reason.is_empty());
        assert_eq!(fs::read(&path).unwrap(), bytes, "written anew");
    }
}

#[test]
fn what_cannot_be_read_is_named() {
    let bench = Bench::new();
    let cache = bench.cache(steps()).with_memory(1 << 20);
    fs::write(bench.source.path().join("1"), "no number").unwrap();
    let error = cache.case(1).unwrap_err();
    assert!(error.to_string().contains("case-1"), "{error}");
    assert!(matches!(
        cache.case(9),
        Err(Error::NoSuchCase {
            number: 9,
            count: CASES
        })
    ));
    cache.case(0).unwrap();
}

#[test]
fn patches_of_cached_cases_are_the_same_with_any_number_of_workers() {
    let bench = Bench::new();
    let folder = tempfile::tempdir().unwrap();
    let batches = |memory, disk: bool, threads| {
        let mut cache = bench.cache(steps()[..2].to_vec()).with_memory(memory);
        if disk {
            cache = cache.with_disk(folder.path(), 1 << 30).unwrap();
        }
        let sampler = PatchSampler {
            patch: [6, 7, 8],
            choice: PatchChoice::Foreground { probability: 0.5 },
        };
        let pipeline = PatchPipeline::new(sampler, steps()[2..].to_vec()).unwrap();
        let source = PatchBatches::cached(all(cache), pipeline, 2, 5, 8).unwrap();
        let prefetch = Prefetch { threads, ahead: 3 };
        Loader::start(Arc::new(source), 1, 0, prefetch)
            .map(|batch| {
                let batch = batch.unwrap();
                let image = batch.inputs.image().unwrap().flatten_all().unwrap();
                (batch.cases, image.to_vec1::<f32>().unwrap())
            })
            .collect::<Vec<_>>()
    };
    let plain = batches(0, false, 0);
    assert_eq!(plain.len(), 5);
    for (memory, disk, threads) in [(1 << 30, false, 2), (1 << 14, true, 3), (1 << 30, true, 1)] {
        assert!(
            batches(memory, disk, threads) == plain,
            "{memory}, {disk}, {threads}"
        );
    }
    let random = all(bench.cache(steps()));
    let sampler = PatchSampler {
        patch: [6, 7, 8],
        choice: PatchChoice::Uniform,
    };
    let pipeline = PatchPipeline::new(sampler, vec![]).unwrap();
    let refused = PatchBatches::cached(random, pipeline, 2, 5, 8).unwrap_err();
    assert!(refused.to_string().contains("RandomSpatial"), "{refused}");
}

/// All cases of a cache, to learn from.
fn all(cache: CaseCache<3>) -> TrainingSet<CachedCase<3>> {
    let cache = Arc::new(cache);
    let names = (0..CASES).map(|number| cache.name(number));
    let records = names.map(|name| CaseRecord::new(name.as_str(), name.as_str()));
    let numbers = Cohort::of_records(records).unwrap().train_on_all();
    numbers
        .try_map(|record, number| CachedCase::new(&cache, number, &record.id))
        .unwrap()
}

/// A source of whole samples, as classifiers are trained on.
struct Whole(CaseCache<3>);

impl Source for Whole {
    type Item = Sample<3>;

    fn steps_per_epoch(&self) -> u32 {
        CASES as u32
    }

    fn item(&self, epoch: u32, step: u32) -> medtrain::Result<Sample<3>> {
        self.0
            .sample(step as usize, Key::new(1).epoch(epoch).sample(step))
    }
}

#[test]
fn whole_samples_are_the_same_with_any_number_of_workers() {
    let bench = Bench::new();
    let plain = samples(&bench.cache(steps()));
    let source = Arc::new(Whole(bench.cache(steps()).with_memory(1 << 30)));
    let prefetch = Prefetch {
        threads: 3,
        ahead: 4,
    };
    for epoch in 0..2_u32 {
        let loader = Loader::start(Arc::clone(&source), epoch, 0, prefetch);
        let got: Vec<_> = loader.map(|sample| sample.unwrap()).collect();
        assert!(got[..] == plain[epoch as usize * CASES..][..CASES]);
    }
}
