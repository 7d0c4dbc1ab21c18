//! Sources that are used as one make the same part of every batch.

use medtrain::mednn::candle_core::{DType, Device, Tensor};
use medtrain::{Batch, DomainPairs, Error, Result, Shard, Source, Switched};

struct Part(Shard);

impl Source for Part {
    type Item = Batch;

    fn steps_per_epoch(&self) -> u32 {
        3
    }

    fn shard(&self) -> Shard {
        self.0
    }

    fn item(&self, _: u32, _: u32) -> Result<Batch> {
        Ok(Batch {
            inputs: Tensor::zeros((1, 1, 2, 2), DType::F32, &Device::Cpu)?.into(),
            targets: Tensor::zeros(1, DType::U32, &Device::Cpu)?,
            cases: vec!["a".to_owned()],
        })
    }
}

#[test]
fn two_sources_pass_on_their_part_and_must_have_one() {
    let [first, second] = [0, 1].map(|rank| Shard::new(rank, 2).unwrap());
    let pairs = DomainPairs::new(Part(second), Part(second)).unwrap();
    assert_eq!(pairs.shard(), second);
    assert_eq!(
        Switched::new(Part(first), Part(first), 1).unwrap().shard(),
        first
    );
    let refused = [
        DomainPairs::new(Part(first), Part(second)).map(drop),
        Switched::new(Part(first), Part(Shard::SOLO), 1).map(drop),
    ];
    for refused in refused {
        assert!(
            matches!(refused, Err(Error::InvalidSetting { .. })),
            "{refused:?}"
        );
    }
}
