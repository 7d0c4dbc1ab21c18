//! Extents of anchors that suit the objects of a data set: k-means, then evolution, as YOLOv5 does it.

use medcore::random::{Key, Random};

use crate::error::{Error, Result};

/// Settings of [`fit_anchors`].
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AnchorFitConfig {
    /// How many anchors: 9.
    pub anchors: usize,
    /// An anchor suits an object whose sides are less than so many times longer or shorter: 4.
    pub ratio: f64,
    /// Objects with all sides shorter than this do not count, and no anchor gets shorter: 2 voxels.
    pub smallest: f64,
    /// Starts of k-means, of which the best is kept: 30.
    pub starts: usize,
    /// Generations of the evolution: 1000.
    pub generations: usize,
}

impl Default for AnchorFitConfig {
    fn default() -> Self {
        Self {
            anchors: 9,
            ratio: 4.0,
            smallest: 2.0,
            starts: 30,
            generations: 1000,
        }
    }
}

impl AnchorFitConfig {
    /// So many anchors, with the settings of YOLOv5.
    #[must_use]
    pub fn new(anchors: usize) -> Self {
        Self {
            anchors,
            ..Self::default()
        }
    }

    /// Sets how many times longer or shorter than an anchor a suitable object may be.
    #[must_use]
    pub fn with_ratio(mut self, ratio: f64) -> Self {
        self.ratio = ratio;
        self
    }

    /// Sets the generations of the evolution.
    #[must_use]
    pub fn with_generations(mut self, generations: usize) -> Self {
        self.generations = generations;
        self
    }

    fn check(&self) -> Result<()> {
        if self.anchors == 0 || self.starts == 0 {
            let value = format!("{} and {}", self.anchors, self.starts);
            return refuse("the anchors and the starts", "at least 1", value);
        }
        if !(self.ratio > 1.0 && self.ratio.is_finite()) {
            return refuse("ratio", "finite and above 1", self.ratio.to_string());
        }
        if !(self.smallest > 0.0 && self.smallest.is_finite()) {
            return refuse("smallest", "finite and positive", self.smallest.to_string());
        }
        Ok(())
    }
}

fn refuse(setting: &'static str, rule: &'static str, value: String) -> Result<()> {
    Err(Error::Setting {
        op: "fit_anchors",
        setting,
        rule,
        value,
    })
}

/// How well anchors suit objects.
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub struct AnchorCoverage {
    /// The share of objects that some anchor suits: the best recall a detector can have.
    pub recall: f64,
    /// How many anchors suit an object on average.
    pub suitable: f64,
    /// The mean likeness of an object and its best anchor, 0 where none suits.
    pub fitness: f64,
}

/// How well anchors suit objects; the likeness of two extents is the smallest quotient of their sides.
///
/// ```
/// use mednn::detection::anchor_coverage;
///
/// let coverage = anchor_coverage(&[[10.0, 20.0], [90.0, 10.0]], &[[10.0, 10.0]], 4.0);
/// assert_eq!((coverage.recall, coverage.fitness), (0.5, 0.25));
/// ```
#[must_use]
pub fn anchor_coverage<const D: usize>(
    extents: &[[f64; D]],
    anchors: &[[f64; D]],
    ratio: f64,
) -> AnchorCoverage {
    let (mut recall, mut suitable, mut fitness) = (0.0, 0.0, 0.0);
    for extent in extents {
        let likeness = anchors.iter().map(|anchor| likeness(extent, anchor));
        let (mut best, mut suit) = (0.0_f64, 0);
        for likeness in likeness {
            best = best.max(likeness);
            suit += usize::from(likeness > 1.0 / ratio);
        }
        if suit > 0 {
            recall += 1.0;
            fitness += best;
        }
        suitable += suit as f64;
    }
    let count = extents.len().max(1) as f64;
    AnchorCoverage {
        recall: recall / count,
        suitable: suitable / count,
        fitness: fitness / count,
    }
}

fn likeness<const D: usize>(a: &[f64; D], b: &[f64; D]) -> f64 {
    let quotients = a.iter().zip(b).map(|(a, b)| (a / b).min(b / a));
    quotients.fold(f64::INFINITY, f64::min)
}

/// Extents of anchors that suit objects, the smallest volume first; the same key gives the same anchors.
///
/// Centres of k-means on extents in units of their standard deviation are changed at random, generation by generation, where
/// that makes them fitter ([`AnchorCoverage::fitness`]).
///
/// # Errors
/// Refuses fewer objects than anchors, extents that are not positive and finite, and settings out of range.
pub fn fit_anchors<const D: usize>(
    extents: &[[f64; D]],
    config: &AnchorFitConfig,
    key: Key,
) -> Result<Vec<[f64; D]>> {
    config.check()?;
    let sides = extents.iter().flatten();
    if let Some(side) = sides.copied().find(|s| !(*s > 0.0 && s.is_finite())) {
        refuse("an extent", "finite and positive", side.to_string())?;
    }
    let seen = |extent: &&[f64; D]| extent.iter().any(|&side| side >= config.smallest);
    let seen: Vec<[f64; D]> = extents.iter().filter(seen).copied().collect();
    if seen.len() < config.anchors {
        let rule = "at least as many objects of enough size as anchors";
        refuse("the extents", rule, seen.len().to_string())?;
    }
    let mut anchors = k_means(&seen, config, &mut key.stream("k-means"));
    evolve(&mut anchors, &seen, config, &mut key.stream("evolution"));
    let volume = |anchor: &[f64; D]| anchor.iter().product::<f64>();
    anchors.sort_by(|a, b| volume(a).total_cmp(&volume(b)));
    Ok(anchors)
}

/// The centres of the start that ends nearest to its points.
fn k_means<const D: usize>(
    extents: &[[f64; D]],
    config: &AnchorFitConfig,
    random: &mut Random,
) -> Vec<[f64; D]> {
    let count = extents.len() as f64;
    let spread: [f64; D] = std::array::from_fn(|axis| {
        let mean = extents.iter().map(|e| e[axis]).sum::<f64>() / count;
        let squares = extents.iter().map(|e| (e[axis] - mean).powi(2));
        let deviation = (squares.sum::<f64>() / count).sqrt();
        if deviation > 0.0 { deviation } else { 1.0 }
    });
    let points: Vec<[f64; D]> = { extents.iter() }
        .map(|extent| std::array::from_fn(|axis| extent[axis] / spread[axis]))
        .collect();
    let mut best = (f64::INFINITY, Vec::new());
    for _ in 0..config.starts {
        let mut order: Vec<usize> = (0..points.len()).collect();
        random.shuffle(&mut order);
        let chosen = order[..config.anchors].iter();
        let (distance, centres) = settle(&points, chosen.map(|&i| points[i]).collect());
        if distance < best.0 {
            best = (distance, centres);
        }
    }
    let back = |centre: [f64; D]| std::array::from_fn(|axis| centre[axis] * spread[axis]);
    best.1.into_iter().map(back).collect()
}

/// Moves centres to the middle of the points nearest to them until that brings no more; the mean distance, and the centres.
fn settle<const D: usize>(points: &[[f64; D]], mut centres: Vec<[f64; D]>) -> (f64, Vec<[f64; D]>) {
    let mut before = f64::INFINITY;
    loop {
        let mut sums = vec![([0.0; D], 0.0); centres.len()];
        let mut total = 0.0;
        for point in points {
            let distance = |centre: &[f64; D]| -> f64 {
                point.iter().zip(centre).map(|(a, b)| (a - b).powi(2)).sum()
            };
            let (nearest, squared) = { centres.iter().map(distance).enumerate() }
                .min_by(|a, b| a.1.total_cmp(&b.1))
                .expect("there is a centre");
            total += squared.sqrt();
            let (sum, members) = &mut sums[nearest];
            *members += 1.0;
            for (sum, side) in sum.iter_mut().zip(point) {
                *sum += side;
            }
        }
        let mean = total / points.len() as f64;
        if before - mean <= 1e-5 {
            return (mean, centres);
        }
        before = mean;
        for (centre, (sum, members)) in centres.iter_mut().zip(sums) {
            // A centre that no point is nearest to stays.
            if members > 0.0 {
                *centre = sum.map(|side| side / members);
            }
        }
    }
}

/// Keeps random changes that make the anchors fitter.
fn evolve<const D: usize>(
    anchors: &mut Vec<[f64; D]>,
    extents: &[[f64; D]],
    config: &AnchorFitConfig,
    random: &mut Random,
) {
    let fitness = |anchors: &[[f64; D]]| anchor_coverage(extents, anchors, config.ratio).fitness;
    let mut fittest = fitness(anchors);
    for _ in 0..config.generations {
        let strength = random.uniform();
        let mut changed = anchors.clone();
        for side in changed.iter_mut().flatten() {
            if random.chance(0.9) {
                let factor = (1.0 + 0.1 * strength * random.normal()).clamp(0.3, 3.0);
                *side = (*side * factor).max(config.smallest);
            }
        }
        let fit = fitness(&changed);
        if fit > fittest {
            fittest = fit;
            *anchors = changed;
        }
    }
}
