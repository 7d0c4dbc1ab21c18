//! Trials before a run change nothing.

use mednn::loss::CrossEntropy;
use mednn::optim::Optimizer as _;
use medtrain::{RateSearch, Trainer};

use crate::support::{Tiny, batches, config, sgd, values};

#[test]
fn one_batch_is_learnt_by_heart_and_forgotten() {
    let folder = tempfile::tempdir().unwrap();
    let (network, loss) = (Tiny::new(3), CrossEntropy::new());
    let before = values(&network, "first.weight");
    let mut optimizer = sgd(&network);
    let mut run = config(folder.path(), false);
    run.learning_rate = 0.1;
    let mut trainer = Trainer::new(&network, &loss, &mut optimizer, run);
    let losses = trainer.overfit_one_batch(&batches(None), 40).unwrap();
    let again = trainer.overfit_one_batch(&batches(None), 40).unwrap();
    assert!(losses[39] < 0.5 * losses[0], "{losses:?}");
    assert_eq!(losses, again);
    drop(trainer);
    assert_eq!(values(&network, "first.weight"), before);
    assert!(optimizer.state_dict().unwrap().is_empty());
    assert!(!folder.path().join("log.jsonl").exists());
}

#[test]
fn the_search_for_a_rate_ends_where_the_loss_explodes_and_suggests_one_at_which_it_falls() {
    let folder = tempfile::tempdir().unwrap();
    let (network, loss) = (Tiny::new(3), CrossEntropy::new());
    let before = values(&network, "second.weight");
    let mut optimizer = sgd(&network);
    let mut run = config(folder.path(), false);
    run.clip_norm = None;
    let mut trainer = Trainer::new(&network, &loss, &mut optimizer, run);
    let mut search = RateSearch::default();
    (search.lowest, search.highest, search.steps) = (1e-5, 1e4, 200);
    search.smoothing = 0.9;
    let curve = trainer.find_learning_rate(&batches(None), &search).unwrap();
    let last = curve.points.last().unwrap();
    assert!(curve.points.len() < 200 && last.rate < 1e4, "{last:?}");
    let factor = (1e9_f64).powf(1.0 / 200.0);
    for pair in curve.points.windows(2) {
        assert!((pair[1].rate / pair[0].rate / factor - 1.0).abs() < 1e-12);
    }
    let suggested = curve.suggestion().unwrap();
    assert!(
        suggested > 1e-4 && suggested < last.rate,
        "{suggested} of {last:?}"
    );
    drop(trainer);
    assert_eq!(values(&network, "second.weight"), before);
    assert!(optimizer.state_dict().unwrap().is_empty());
    search.highest = search.lowest;
    let mut optimizer = sgd(&network);
    let run = config(folder.path(), false);
    let mut trainer = Trainer::new(&network, &loss, &mut optimizer, run);
    assert!(trainer.find_learning_rate(&batches(None), &search).is_err());
}
