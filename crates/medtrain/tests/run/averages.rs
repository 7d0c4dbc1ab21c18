//! Averages of weights that follow faster while they are young.

use mednn::optim::EmaWarmup;
use medtrain::Error;

use crate::support::{Tiny, batches, config, distance, train, values};

#[test]
fn averages_of_a_short_run_are_not_those_of_its_first_weights() {
    let first = values(&Tiny::new(3), "second.weight");
    let folder = tempfile::tempdir().unwrap();
    let run = |warmup, name: &str, resume| {
        let mut config = config(&folder.path().join(name), resume);
        (config.ema_decay, config.ema_warmup) = (Some(0.999), warmup);
        train(config, &batches(None), None)
    };
    let moved = |warmup, name: &str| {
        let (network, summary) = run(warmup, name, false);
        summary.unwrap();
        distance(&first, &values(&network, "second.weight"))
    };
    let slow = moved(EmaWarmup::None, "slow");
    let quick = moved(EmaWarmup::Count, "quick");
    assert!(quick > 20.0 * slow && slow > 0.0, "{quick} {slow}");
    let refused = run(EmaWarmup::None, "quick", true).1.unwrap_err();
    assert!(
        matches!(&refused, Error::OtherRun { field, .. } if field == "ema_warmup"),
        "{refused}"
    );
}
