//! What a trainer is given besides its configuration is part of the run, too.

use mednn::loss::CrossEntropy;
use mednn::optim::SgdConfig;
use medtrain::{Error, FineTune, StopFlag, TrainConfig};

use super::support::{batches, config, train, train_until};

#[test]
fn a_run_is_resumed_with_the_same_optimizer_loss_and_plan_only() {
    let folder = tempfile::tempdir().unwrap();
    let settings = |decay: f64, weight: f64, rate: f64, resume| -> TrainConfig {
        let sgd = SgdConfig {
            weight_decay: decay,
            ..SgdConfig::default()
        };
        let loss = CrossEntropy::new().with_class_weights([1.0, weight]);
        let plan = FineTune::new().with_rate("first.**", rate);
        config(folder.path(), resume)
            .with_settings("optimizer", &sgd)
            .with_settings("loss", &loss)
            .with_settings("plan", &plan)
    };
    let stop = StopFlag::new();
    stop.request();
    let stopped = train_until(settings(0.1, 2.0, 0.5, false), &batches(None), None, stop);
    assert!(stopped.1.unwrap().ending.is_resumable());
    for (other, name) in [
        (settings(0.2, 2.0, 0.5, true), "settings.optimizer"),
        (settings(0.1, 3.0, 0.5, true), "settings.loss"),
        (settings(0.1, 2.0, 0.25, true), "settings.plan"),
        (config(folder.path(), true), "settings"),
    ] {
        let refused = train(other, &batches(None), None).1.unwrap_err();
        assert!(
            matches!(&refused, Error::OtherRun { field, .. } if field == name),
            "{refused}"
        );
    }
    let summary = train(settings(0.1, 2.0, 0.5, true), &batches(None), None).1;
    assert_eq!(summary.unwrap().first_step, 1);
}
