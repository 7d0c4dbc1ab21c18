//! Processes that MPI started end where one alone ends: `mpirun -n 2` runs this; alone it compares a run with itself.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    clippy::print_stdout,
    reason = "there is no harness to say what was compared"
)]

#[path = "dist/task.rs"]
mod task;

use std::path::PathBuf;

use mednn::candle_core::{Device, Tensor};
use medtrain::Ending;
use medtrain::dist::{Collective, Mpi, Solo};
use task::{Data, Task, furthest};

fn main() {
    let mpi = Mpi::start().unwrap();
    let (rank, world_size) = (mpi.rank(), mpi.world_size());

    let own = Tensor::new(&[rank as f64, 1.0], &Device::Cpu).unwrap();
    let sum = mpi.all_reduce_sum(&own).unwrap().to_vec1::<f64>().unwrap();
    assert_eq!(
        sum,
        [
            (world_size * (world_size - 1) / 2) as f64,
            world_size as f64
        ]
    );
    let last = mpi
        .broadcast(&own, world_size - 1)
        .unwrap()
        .to_vec1::<f64>()
        .unwrap();
    assert_eq!(last[0], (world_size - 1) as f64);
    let bytes = mpi.all_gather_bytes(&vec![7; rank]).unwrap();
    assert!(
        bytes
            .iter()
            .enumerate()
            .all(|(r, bytes)| *bytes == vec![7; r])
    );

    // Rank 0 makes the folder and says where it is.
    let folder = (rank == 0).then(|| tempfile::tempdir().unwrap());
    let path = folder
        .as_ref()
        .map_or_else(Vec::new, |f| f.path().to_str().unwrap().into());
    let path = mpi.all_gather_bytes(&path).unwrap().swap_remove(0);
    let path = PathBuf::from(String::from_utf8(path).unwrap());
    for data in [Data::Drawn, Data::Images] {
        let task = Task {
            data,
            ..Task::default()
        };
        let together = task
            .train(&mpi, &path.join(format!("together-{data:?}")))
            .unwrap();
        let alone = task
            .train(&Solo, &path.join(format!("alone-{data:?}-{rank}")))
            .unwrap();
        assert_eq!(together.ending, Ending::Completed);
        if rank == 0 {
            let distance = furthest(&together.weights, &alone.weights);
            assert!(distance < 1e-5, "{distance}");
            assert!(
                furthest(&alone.start, &alone.weights) > 0.02,
                "nothing was learnt"
            );
            println!("{world_size} ranks end within {distance:e} of one: {data:?}");
        }
    }
    // What one rank cannot do ends all, and none waits for another.
    for accumulate in [1, 2] {
        let task = Task {
            accumulate,
            breaks_at: Some((world_size - 1, 7)),
            ..Task::default()
        };
        let folder = path.join(format!("broken-{accumulate}"));
        assert!(task.train(&mpi, &folder).is_err());
    }
    assert!(mpi.all_gather_bytes(&[]).unwrap().iter().all(Vec::is_empty));
    mpi.barrier().unwrap();
}
