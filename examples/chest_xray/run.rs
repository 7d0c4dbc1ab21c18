//! From images to a report and a bundle: the tutorial is here, from `run` down.

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context as _, Result};
use indicatif::{ProgressBar, ProgressIterator as _, ProgressStyle};
use medcore::random::Key;
use medinfer::explain::Layer;
use medmetrics::statistics::{Bootstrap, CorrelatedAucs};
use medmetrics::{Confidence, Estimate};
use mednn::Params;
use mednn::candle_core::Device;
use medtrain::medaug::Sample;
use medtrain::split::{CaseRecord, PartName};
use medtrain::{CachedCase, CaseCache, DataDigest, DataManifest, Split, StopFlag};

use super::baseline::{IntensityBaseline, statistics};
use super::bundle;
use super::cli::TrainArgs;
use super::compare::Comparison;
use super::data::{Collection, Generated, Radiograph, Reader};
use super::heat::{Heat, Subject};
use super::judge::{self, Chosen, Judgement};
use super::learn::Lesson;
use super::network::{Network, Preparation, Scaling, resizing};
use super::plan;
use super::report::{Candidate, Findings, in_words};
use super::score::{score, unscored};
use super::shift;

/// Bytes of images that are kept in memory.
const MEMORY: usize = 2 << 30;

/// A training run; all that is done with networks is done on the device.
pub(crate) fn run(args: &TrainArgs, device: &Device) -> Result<()> {
    let started = Instant::now();
    let out = &args.out;
    std::fs::create_dir_all(out).with_context(|| format!("cannot make {}", out.display()))?;

    // 1. Images, whatever their layout, divided by patient.
    let mut collection = open(args)?;
    if !(args.no_pixel_check && collection.is_in_files()) {
        collection.hash_pixels(&bar("looking for the same pixels twice"))?;
    }
    println!(
        "{}: {} images, {} with {}",
        collection.source,
        collection.radiographs.len(),
        collection.count(1),
        collection.classes[1]
    );
    let split = collection.split(Key::new(args.seed))?;
    let parts = parts(&split);
    let digests = digests(args, &split)?;
    let side = plan::side(args, &collection)?;
    let networks = plan::networks(args, side)?;
    let scaling = match collection.alike {
        true => scaling(&collection.radiographs, split.training.members().cases())?,
        false => Scaling::Each,
    };
    let preparation = Preparation { side, scaling };
    let radiographs = Arc::new(std::mem::take(&mut collection.radiographs));
    let cache = CaseCache::new(
        Box::new(Reader(Arc::clone(&radiographs))),
        preparation.training_steps()?,
        args.seed,
    );
    let mut cached = split
        .clone()
        .in_cache(&Arc::new(cache.with_memory(MEMORY)))?;

    // 2. How far brightness alone goes.
    let baseline = baseline(&mut cached, &radiographs, side)?;
    println!("Brightness alone: AUC {}", in_words(&baseline, 3));

    // 3. The networks: trained, judged on patients nobody has seen.
    let bootstrap = Bootstrap {
        seed: args.seed,
        ..Bootstrap::default()
    };
    let stop = StopFlag::on_signals()?;
    let lesson = |network| Lesson {
        data: &digests,
        device: device.clone(),
        stop: stop.clone(),
        ..plan::lesson(args, network, preparation)
    };
    let mut candidates = Vec::new();
    for &network in &networks {
        println!(
            "Training the {} on {} images of {side} pixels",
            network.name(),
            cached.training.len()
        );
        let learnt = lesson(network).learn(&cached.training, &cached.validation)?;
        let validation = score(&*learnt.model, cached.validation.members())?;
        let chosen = Chosen::on(&validation)?;
        let test = score(
            &*learnt.model,
            cached
                .test
                .open(format!("figures of the {}", network.name())),
        )?;
        let judgement = Judgement::of(&test, &chosen, &bootstrap)?;
        println!(
            "  {:.0} s, test AUC {}",
            learnt.seconds,
            in_words(&judgement.auc, 3)
        );
        candidates.push(Candidate {
            network,
            learnt,
            validation,
            test,
            chosen,
            judgement,
        });
    }
    let best = best(&candidates)?;
    let comparison = match &candidates[..] {
        [a, b] => Some(Comparison::of(
            [a.network.name(), b.network.name()],
            [&a.test, &b.test],
            &bootstrap,
        )?),
        _ => None,
    };

    // 4. Another scanner than that of training.
    let shift = match shift::scanners(&split) {
        Some(scanners) => {
            println!(
                "Training on the images of {} alone, for those of {}",
                scanners[0], scanners[1]
            );
            let folder = out.join("shift");
            let lesson = Lesson {
                folder: &folder,
                ..lesson(Network::Small)
            };
            Some(shift::report(&lesson, &split, &radiographs, scanners)?)
        }
        None => None,
    };

    // 5. Where the best network looks, beside one that has learnt nothing.
    let Candidate {
        network,
        learnt,
        test,
        chosen,
        ..
    } = &candidates[best];
    let members = cached.test.open("where the network looks");
    let random = medmodels::create(&learnt.config, &Params::on_device(args.seed + 1, device))?;
    let layer = args.heat_layer.clone().map_or(Layer::Last, Layer::Named);
    let subject = Subject {
        network: *network,
        model: &*learnt.model,
        side,
        layer: &layer,
        members,
        radiographs: &radiographs,
    };
    let heat: Heat = subject.look(test, chosen)?;
    let random_heat = Subject {
        model: &*random,
        ..subject
    }
    .look(test, chosen)?;

    // 6. The bundle, and what it says when it is loaded again.
    let golden = cached
        .validation
        .into_iter()
        .next()
        .context("validation is empty")?;
    let contents = bundle::Contents {
        collection: &collection,
        model: &*learnt.model,
        config: learnt.config.clone(),
        preparation,
        provenance: &learnt.provenance,
        chosen,
        judgement: &candidates[best].judgement,
        digests: &digests,
        golden: &radiographs[golden.case.number()],
    };
    let folder = out.join("bundle");
    contents.write(&folder)?;
    let probabilities = test.probabilities(chosen.temperature);
    let first: Vec<(&Radiograph, f64)> = (members.iter().zip(&probabilities).take(8))
        .map(|(member, &p)| (&radiographs[member.case.number()], p))
        .collect();
    let difference = bundle::check(&folder, &first, device)?;
    anyhow::ensure!(
        difference < 1e-3,
        "the bundle says something else than the network, by {difference}"
    );
    println!(
        "The bundle, loaded again, says the same of {} images (within {difference:.1e}).",
        first.len()
    );

    if collection.generated.is_some() {
        write_examples(out, &first)?;
    }

    // 7. What a person wants to see, and what a program does.
    let findings = Findings {
        collection: &collection,
        parts,
        baseline,
        best,
        candidates,
        comparison,
        shift,
        heat,
        random_heat,
        openings: cached.test.openings(),
        bootstrap,
        preparation,
        seconds: started.elapsed().as_secs_f64(),
    };
    findings.write(out)?;
    findings.write_metrics(out)?;
    findings.write_predictions(out)?;
    findings.print(out);
    Ok(())
}

fn open(args: &TrainArgs) -> Result<Collection> {
    match &args.data {
        Some(path) => Collection::open(path, &args.finding),
        None => {
            let generated = Generated {
                seed: args.seed,
                patients: args.patients.unwrap_or(if args.quick { 80 } else { 700 }),
                side: 128,
            };
            generated.open(&bar("drawing patients"))
        }
    }
}

/// The network for the bundle: the smaller, unless the larger is better on validation by DeLong's test.
fn best(candidates: &[Candidate]) -> Result<usize> {
    let [first, second] = candidates else {
        return Ok(0);
    };
    let of = |candidate: &Candidate| candidate.learnt.parameters[1];
    let (small, large) = if of(first) <= of(second) {
        (0, 1)
    } else {
        (1, 0)
    };
    let scored = [large, small].map(|i| &candidates[i].validation);
    let curves = [scored[0].delong()?, scored[1].delong()?];
    let aucs = CorrelatedAucs::clustered(&curves, &scored[0].clusters())?;
    let gain = aucs.difference(0, 1, Confidence::default())?;
    let is_better = gain
        .difference
        .interval
        .is_some_and(|interval| interval.low > 0.0);
    Ok(if is_better { large } else { small })
}

/// Mean and deviation of the grey values of all training images together.
fn scaling<'n>(
    radiographs: &[Radiograph],
    training: impl Iterator<Item = &'n usize>,
) -> Result<Scaling> {
    let (mut count, mut sum, mut squares) = (0.0, 0.0, 0.0);
    for &number in training {
        for &value in radiographs[number].pixels.read()?.as_slice() {
            let value = f64::from(value);
            (count, sum, squares) = (count + 1.0, sum + value, squares + value * value);
        }
    }
    let mean = sum / count;
    let deviation = (squares / count - mean * mean).sqrt();
    anyhow::ensure!(deviation > 0.0, "all training images are one grey");
    Ok(Scaling::Same { mean, deviation })
}

/// The AUC of brightness on the test images.
fn baseline(
    split: &mut Split<CachedCase<2>>,
    radiographs: &[Radiograph],
    side: usize,
) -> Result<Estimate> {
    // The size of the network, without normalisation.
    let resize = resizing(side)?;
    let row = |case: &CachedCase<2>| -> Result<Vec<f64>> {
        let image = radiographs[case.number()].pixels.read()?;
        let small = resize.apply(Sample::new(image), Key::new(0))?;
        Ok(statistics(small.image()))
    };
    let training = split.training.members();
    let bar = bar("looking at brightness");
    bar.set_length(training.len() as u64);
    let rows: Result<Vec<_>> = training.cases().progress_with(bar).map(row).collect();
    let fitted = IntensityBaseline::fit(&rows?, &unscored(training).truth)?;
    let test = split.test.open("brightness baseline");
    let scores: Result<Vec<f64>> = test
        .cases()
        .map(|case| Ok(fitted.score(&row(case)?)))
        .collect();
    judge::auc(&unscored(test).with_logits(scores?))
}

/// A few images of patients nobody has seen as files, to try the bundle on.
fn write_examples(out: &Path, cases: &[(&Radiograph, f64)]) -> Result<()> {
    let folder = out.join("examples");
    std::fs::create_dir_all(&folder)?;
    for (radiograph, _) in cases {
        let image = radiograph
            .pixels
            .read()?
            .map(|v| v.round().clamp(0.0, 255.0) as u8);
        medio::write(folder.join(format!("{}.png", radiograph.record.id)), &image)?;
    }
    Ok(())
}

/// Patients, images and images with the finding of each part.
fn parts(split: &Split<usize>) -> Vec<(PartName, [usize; 3])> {
    let count = |part| {
        let records: Vec<&CaseRecord> = split
            .records()
            .filter(|(p, _)| *p == part)
            .map(|(_, r)| r)
            .collect();
        let patients: std::collections::BTreeSet<_> = records.iter().map(|r| &r.patient).collect();
        let ill = records.iter().filter(|r| r.class == Some(1)).count();
        (part, [patients.len(), records.len(), ill])
    };
    PartName::ALL.into_iter().map(count).collect()
}

/// What the parts are made of, for the bundle and for `data.json`.
fn digests(args: &TrainArgs, split: &Split<usize>) -> Result<[DataDigest; 3]> {
    let data = args.data.as_deref().unwrap_or(&args.out);
    let folder = if data.is_dir() {
        data
    } else {
        data.parent().unwrap_or(data)
    };
    let manifest = DataManifest::of_split(folder, split)?;
    manifest.write(&args.out.join("data.json"))?;
    let of = |part: PartName| DataDigest::of_manifest(part.to_string(), &manifest.part(part));
    let [training, validation, test] = PartName::ALL.map(of);
    Ok([training?, validation?, test?])
}

/// A bar under a few words; it hides itself where nobody looks.
fn bar(what: &'static str) -> ProgressBar {
    let bar = ProgressBar::new(0).with_message(what);
    if let Ok(style) = ProgressStyle::with_template("{msg} {bar:30} {pos}/{len}  {elapsed} < {eta}")
    {
        bar.set_style(style);
    }
    bar
}
