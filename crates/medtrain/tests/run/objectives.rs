//! Networks that learn otherwise than from a loss of outputs and targets, or in part.

use std::sync::{Arc, Mutex};

use mednn::loss::{CrossEntropy, distillation};
use mednn::optim::{Sgd, SgdConfig};
use mednn::tape::Pass;
use mednn::{Context, Model};
use medtrain::{Batch, Error, FineTune, Learnt, Moment, Objective, Trainer};

use crate::support::{Tiny, batches, config, distance, sgd, values};

/// Only the teacher counts.
struct FromTeacher<'a> {
    teacher: &'a Tiny,
    temperature: f64,
    progress: Arc<Mutex<Vec<f64>>>,
}

impl Objective for FromTeacher<'_> {
    fn learn(&self, model: &dyn Model, batch: &Batch, at: &Moment) -> medtrain::Result<Learnt> {
        self.progress.lock().unwrap().push(at.progress);
        let taught = self.teacher.forward(&batch.inputs, &Context::evaluate())?;
        let pass = Pass::run(model, &batch.inputs, &at.context)?;
        let loss = distillation(&pass.outputs().logits, &taught.logits, self.temperature)?;
        Learnt::from_pass(pass, loss)
    }

    fn identity(&self) -> serde_json::Value {
        serde_json::json!({ "temperature": self.temperature })
    }
}

#[test]
fn a_student_comes_to_answer_as_its_teacher_does() {
    let folder = tempfile::tempdir().unwrap();
    let (teacher, student) = (Tiny::new(11), Tiny::new(3));
    let mut optimizer = sgd(&student);
    let mut run = config(folder.path(), false);
    run.learning_rate = 0.1;
    let mut objective = FromTeacher {
        teacher: &teacher,
        temperature: 2.0,
        progress: Arc::default(),
    };
    let summary = Trainer::of_objective(&student, &objective, &mut optimizer, run.clone())
        .run(&batches(None))
        .unwrap();
    let losses: Vec<f64> = summary.losses().map(|(_, loss)| loss).collect();
    assert!(losses[3] < 0.9 * losses[0], "{losses:?}");
    let progress = objective.progress.lock().unwrap().clone();
    // The sanity batch, then sixteen steps.
    assert_eq!(progress[0], 0.0);
    assert!(
        (0..16).all(|step| progress[1 + step] == step as f64 / 16.0),
        "{progress:?}"
    );
    // A resumed run learns the same way.
    objective.temperature = 3.0;
    run.resume = true;
    let refused = Trainer::of_objective(&student, objective, &mut optimizer, run)
        .run(&batches(None))
        .unwrap_err();
    assert!(
        matches!(&refused, Error::OtherRun { field, .. } if field == "objective.temperature"),
        "{refused}"
    );
}

#[test]
fn frozen_parameters_stay_and_slow_ones_move_less() {
    let moved = |plan: &FineTune| {
        let folder = tempfile::tempdir().unwrap();
        let network = Tiny::new(3);
        plan.freeze(&network.params).unwrap();
        let names = ["first.weight", "second.weight"];
        let before = names.map(|name| values(&network, name));
        let mut optimizer = Sgd::new(&network.params, SgdConfig::default())
            .unwrap()
            .with_groups(plan.groups());
        let mut run = config(folder.path(), false);
        run.epochs = 1;
        Trainer::new(&network, &CrossEntropy::new(), &mut optimizer, run)
            .run(&batches(None))
            .unwrap();
        [0, 1].map(|i| distance(&before[i], &values(&network, names[i])))
    };
    let [first, second] = moved(&FineTune::new());
    assert!(first > 1e-4 && second > 1e-4);
    let frozen = moved(&FineTune::new().with_frozen("first.*"));
    assert!(frozen[0] == 0.0 && frozen[1] > 1e-4);
    let slow = moved(
        &FineTune::new()
            .with_rate("first.**", 0.1)
            .with_rate("**.weight", 0.1),
    );
    assert!((slow[0] / first - 0.01).abs() < 0.005, "{slow:?} {first}");
    assert!((slow[1] / second - 0.1).abs() < 0.05, "{slow:?} {second}");
}

#[test]
fn a_pattern_of_no_name_is_refused_and_freezes_nothing() {
    let network = Tiny::new(3);
    let plan = FineTune::new().with_frozen("first.**");
    assert_eq!(plan.freeze(&network.params).unwrap(), 2);
    let slip = FineTune::new()
        .with_frozen("second.**")
        .with_rate("frist.**", 0.1);
    let error = slip.freeze(&network.params).unwrap_err().to_string();
    assert!(
        error.contains("frist.**") && error.contains("first.bias"),
        "{error}"
    );
    assert!(
        !network
            .params
            .parameter("first.weight")
            .unwrap()
            .is_trainable()
    );
    assert!(
        plan.clone()
            .with_rate("first.*", -1.0)
            .freeze(&network.params)
            .is_err()
    );
    // A plan says all: what it does not freeze is free again.
    assert_eq!(FineTune::new().freeze(&network.params).unwrap(), 0);
    assert!(
        network
            .params
            .parameter("first.weight")
            .unwrap()
            .is_trainable()
    );
}
