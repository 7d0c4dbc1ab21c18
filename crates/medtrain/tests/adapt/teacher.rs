//! A network that learns from another.

use mednn::loss::CrossEntropy;
use medtrain::objective::{Distillation, Hint, Likeness};
use medtrain::{Error, Supervised};

use crate::support::{Mlp, Patients, Site, config, train, train_with};

/// Few patients, a third of them with the wrong label.
fn few() -> Patients {
    Patients {
        batch: 24,
        different: 4,
        ..Patients::of(Site::Mislabelled(0.35), 600, 5)
    }
}

#[test]
fn a_teacher_makes_up_for_labels_that_are_wrong() {
    let (site, loss) = (Site::Mislabelled(0.0), CrossEntropy::new());
    let others = Patients::others(site);
    let teacher = Mlp::new(site, false, 11);
    train(&teacher, Supervised::new(&loss), Patients::of(site, 600, 6));
    let alone = Mlp::new(site, false, 3);
    train(&alone, Supervised::new(&loss), few());
    let taught = |share: f64, hint: Option<Hint>| {
        let student = Mlp::new(site, false, 3);
        let objective = Distillation::new(&teacher, &loss).unwrap();
        let objective = objective
            .with_share(share)
            .unwrap()
            .with_temperature(2.0)
            .unwrap();
        train(
            &student,
            hint.into_iter().fold(objective, Distillation::with_hint),
            few(),
        );
        student.accuracy(&others)
    };
    let hint = Hint::new("hidden", Likeness::Values, 5.0).unwrap();
    let (teacher_is, alone_is) = (teacher.accuracy(&others), alone.accuracy(&others));
    let (taught_is, hinted_is) = (taught(0.9, None), taught(0.9, Some(hint)));
    let all = [teacher_is, alone_is, taught_is, hinted_is];
    assert!(teacher_is > 0.95 && alone_is < 0.78, "{all:?}");
    assert!(
        taught_is > alone_is + 0.1 && hinted_is > alone_is + 0.1,
        "{all:?}"
    );
}

#[test]
fn a_run_goes_on_only_with_the_same_teacher() {
    let folder = tempfile::tempdir().unwrap();
    let (site, loss) = (Site::Mislabelled(0.0), CrossEntropy::new());
    let run = |teacher: &Mlp, epochs_done: bool| {
        let mut config = config(folder.path(), 2);
        config.resume = epochs_done;
        let objective = Distillation::new(teacher, &loss).unwrap();
        let source = Patients::of(site, 5, 1);
        train_with(config, &Mlp::new(site, false, 3), objective, source)
    };
    run(&Mlp::new(site, false, 11), false).unwrap();
    run(&Mlp::new(site, false, 11), true).unwrap();
    let refused = run(&Mlp::new(site, false, 12), true).unwrap_err();
    assert!(
        matches!(&refused, Error::OtherRun { field, .. } if field == "objective.distillation.teacher"),
        "{refused}"
    );
}
