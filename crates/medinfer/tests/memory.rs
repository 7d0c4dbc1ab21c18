//! How much memory a prediction takes, counted at the allocator.
#![expect(unsafe_code, reason = "a global allocator that counts")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use medaug::{Compose, Rotate90};
use medcore::{Geometry, Image};
use medinfer::{Accumulation, LabelRule, Predictor, Silent, SlidingWindow, TestTimeAugmentation};
use mednn::candle_core::Tensor;
use mednn::context::Context;
use mednn::model::{Inputs, Model, Outputs};
use mednn::params::Params;

struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all requests go to the system's allocator unchanged; counting touches atomics only.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let held = HELD.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        PEAK.fetch_max(held, Ordering::Relaxed);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Fifteen classes from one channel, without memory of its own worth counting.
struct Fifteen(Params);

impl Model for Fifteen {
    fn forward(&self, inputs: &Inputs, _: &Context) -> mednn::Result<Outputs> {
        let image = inputs.image()?;
        let mut shape = image.dims().to_vec();
        shape[1] = 15;
        Ok(Outputs::new(Tensor::zeros(
            shape,
            image.dtype(),
            image.device(),
        )?))
    }

    fn params(&self) -> &Params {
        &self.0
    }
}

/// One test at a time, or they count each other's bytes.
static ALONE: Mutex<()> = Mutex::new(());

#[test]
fn views_take_as_much_whether_there_are_one_or_five() {
    let _alone = ALONE.lock();
    let network = Fifteen(Params::new(0));
    let grid = Geometry::axis_aligned([20, 60, 60], [1.0; 3]).unwrap();
    let image = Image::<f32, 3>::zeros(1, grid).unwrap();
    let classes = 15 * 4 * grid.len();
    let used = |count: usize| {
        let turn = |turns| {
            Compose::new(vec![
                Rotate90 {
                    turns,
                    axes: vec![],
                }
                .into(),
            ])
        };
        let views: Vec<_> = (1..=count).map(|turns| turn(turns).unwrap()).collect();
        let predictor = Predictor::new(&network, SlidingWindow::monai([16, 16, 16])).unwrap();
        let several = TestTimeAugmentation::new(predictor, views).unwrap();
        let before = HELD.load(Ordering::Relaxed);
        PEAK.store(before, Ordering::Relaxed);
        several.labels(&image, &LabelRule::Argmax, &Silent).unwrap();
        PEAK.load(Ordering::Relaxed) - before
    };
    let (one, five) = (used(1), used(5));
    assert!(
        five < one + (1 << 20),
        "{one} with one view, {five} with five"
    );
    // The mean and the view, and in one of them what windows still to come overlap.
    assert!(one < classes * 5 / 2 + (4 << 20), "{one} of {classes}");
}

#[test]
fn labels_of_a_scan_take_a_fraction_of_its_probabilities() {
    let _alone = ALONE.lock();
    // Many windows, small ones: time grows with the voxels, what is held with the number of windows a row.
    let shape = [40, 70, 70];
    let network = Fifteen(Params::new(0));
    let whole = 15 * 4 * shape.iter().product::<usize>();
    for (window, accumulation, percent) in [
        (SlidingWindow::monai([16, 16, 16]), Accumulation::F32, 10),
        (SlidingWindow::nnunet([16, 16, 16]), Accumulation::F32, 16),
        (SlidingWindow::monai([16, 16, 16]), Accumulation::F16, 5),
    ] {
        let predictor = Predictor::new(&network, window.clone())
            .unwrap()
            .with_accumulation(accumulation);
        let grid = Geometry::axis_aligned(shape, [1.0; 3]).unwrap();
        let promised = predictor.memory(shape, 15).unwrap();
        assert!(promised * 100 <= whole * percent, "{promised} of {whole}");
        // On its own grid, and on a finer one.
        for finer in [1.0, 0.8] {
            let image = Image::<f32, 3>::zeros(1, grid).unwrap();
            let target = grid.with_spacing([finer; 3]).unwrap();
            let promised = predictor.memory_on(&grid, &target, 15).unwrap();
            let before = HELD.load(Ordering::Relaxed);
            PEAK.store(before, Ordering::Relaxed);
            let labels = predictor
                .labels_on(&image, target, &LabelRule::Argmax, &Silent)
                .unwrap();
            let used = PEAK.load(Ordering::Relaxed) - before - labels.as_slice().len();
            // One window's logits come out of the network twice (tensor and slice); finished blocks become 32 bits
            // wide; blocks have heads.
            let window_bytes = 3 * 15 * 4 * 16usize.pow(3) + (1 << 20);
            assert!(
                used <= promised + window_bytes,
                "{window:?} {accumulation:?} x{finer}: {used} above {promised} and {window_bytes}"
            );
        }
    }
}
