//! What a batch of patches holds, in whatever process it is made.

use medaug::{Case, PatchChoice, PatchPipeline, PatchSampler, RandomGamma, Sample};
use medcore::random::Key;
use medcore::{Geometry, Image, LabelMap};
use medtrain::{Cohort, PatchBatches, Shard, Source};

const STEPS: u32 = 5;

fn case(number: u32) -> (String, Case<2>) {
    let grid = Geometry::axis_aligned([13, 14], [2.0, 1.0]).unwrap();
    let mut random = Key::new(7).sample(number).stream("case");
    let voxels: Vec<f32> = (0..grid.len()).map(|_| random.uniform() as f32).collect();
    let image = Image::new(grid, voxels).unwrap();
    // One voxel in a corner of its own: whether a patch was forced to hold it can be seen.
    let labels = (0..grid.len()).map(|i| u8::from(i == 3 + 14 * number as usize));
    let labels = LabelMap::new(grid, labels.collect::<Vec<_>>()).unwrap();
    let sample = Sample::with_labels(image, labels).unwrap();
    (format!("{number}"), Case::new(sample, None, Key::new(1)))
}

/// Names, voxels and labels of the samples of each batch.
type Epoch = Vec<Vec<(String, Vec<f32>, Vec<u8>)>>;

fn epoch(batch_size: usize, shard: Shard) -> Epoch {
    let cases = Cohort::of_patients((0..3).map(case))
        .unwrap()
        .train_on_all();
    let sampler = PatchSampler {
        patch: [6, 7],
        choice: PatchChoice::ForcedForeground { fraction: 0.33 },
    };
    let gamma = RandomGamma {
        probability: 1.0,
        ..RandomGamma::default()
    };
    let pipeline = PatchPipeline::new(sampler, vec![gamma.into()]).unwrap();
    let source = PatchBatches::new(cases, pipeline, batch_size, STEPS, 8).unwrap();
    let source = source.with_shard(shard);
    assert_eq!(source.shard(), shard);
    let batch = |step| {
        let batch = source.item(2, step).unwrap();
        let images = batch.inputs.image().unwrap().flatten_from(1).unwrap();
        let labels = batch.targets.flatten_from(1).unwrap().to_vec2().unwrap();
        let rows = images.to_vec2::<f32>().unwrap().into_iter().zip(labels);
        let named = batch.cases.into_iter().zip(rows);
        named
            .map(|(name, (image, labels))| (name, image, labels))
            .collect()
    };
    (0..STEPS).map(batch).collect()
}

#[test]
fn processes_make_together_the_batch_that_one_would_make() {
    let whole = epoch(6, Shard::SOLO);
    for world in [2, 3] {
        let part = |rank| epoch(6 / world as usize, Shard::new(rank, world).unwrap());
        let parts: Vec<Epoch> = (0..world).map(part).collect();
        for (step, batch) in whole.iter().enumerate() {
            let together = parts.iter().flat_map(|part| part[step].clone());
            let together: Vec<_> = together.collect();
            assert!(together == *batch, "step {step} of {world} processes");
        }
    }
    // As nnU-Net has it, the last third of the whole batch is forced, not of each part.
    for batch in &whole {
        let forced = batch[4..].iter();
        assert!(forced.clone().all(|(_, _, labels)| labels.contains(&1)));
    }
}
