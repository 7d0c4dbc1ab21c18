//! A part of a network that stays as it is, with its batch norm.

use mednn::loss::CrossEntropy;
use medtrain::{Error, FineTune, Supervised};

use crate::support::{Mlp, Patients, Site, config, train_with};

const SITE: Site = Site::Scanner {
    gain: 2.0,
    offset: 4.0,
};

fn numbers(network: &Mlp, name: &str) -> Vec<f32> {
    network.params.tensor(name).unwrap().to_vec1().unwrap()
}

#[test]
fn a_frozen_part_gives_what_it_gave_only_with_its_statistics_fixed() {
    let folder = tempfile::tempdir().unwrap();
    let loss = CrossEntropy::new();
    let frozen = FineTune::new().with_frozen("norm.**");
    let fixed = frozen.clone().with_fixed_statistics("norm.**");
    let run = |plan: &FineTune, name: &str, resume: bool| {
        let network = Mlp::new(SITE, true, 3);
        assert_eq!(plan.freeze(&network.params).unwrap(), 2);
        let mut config = config(&folder.path().join(name), 2);
        config.resume = resume;
        let patients = Patients::of(SITE, 30, 1);
        let ended = train_with(config, &network, Supervised::new(&loss), patients);
        (network, ended)
    };
    let (followed, ended) = run(&frozen, "frozen", false);
    ended.unwrap();
    assert!(
        numbers(&followed, "norm.running_mean")
            .iter()
            .all(|mean| (mean - 4.0).abs() < 1.0)
    );
    let (kept, ended) = run(&fixed, "fixed", false);
    let losses: Vec<f64> = ended.unwrap().losses().map(|(_, loss)| loss).collect();
    assert_eq!(numbers(&kept, "norm.running_mean"), [0.0; 2]);
    assert_eq!(numbers(&kept, "norm.running_var"), [1.0; 2]);
    assert_eq!(
        numbers(&kept, "norm.weight"),
        numbers(&followed, "norm.weight")
    );
    // What lies behind it learns all the same.
    assert!(losses[1] < 0.8 * losses[0], "{losses:?}");
    let refused = run(&frozen, "fixed", true).1.unwrap_err();
    assert!(
        matches!(&refused, Error::OtherRun { field, .. } if field == "fixed"),
        "{refused}"
    );
}
