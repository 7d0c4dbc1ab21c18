//! A save interrupted at every one of its system calls: killed before it, or told that the disk is full or broken.
//!
//! strace lets a child of this test save up to the call in question. Where it cannot be had (it is a program of Linux, and
//! a process must be allowed to trace another), the test says so and is passed over. It goes without the usual harness,
//! whose threads make calls of their own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![allow(
    clippy::print_stdout,
    reason = "a test without harness says what it did"
)]

#[cfg(not(target_os = "linux"))]
fn main() {}

#[cfg(target_os = "linux")]
fn main() {
    linux::main();
}

#[cfg(target_os = "linux")]
mod linux {

    use std::collections::{BTreeMap, HashMap};
    use std::fs;
    use std::os::unix::process::ExitStatusExt as _;
    use std::path::Path;
    use std::process::{Command, Output};

    use mednn::Params;
    use mednn::candle_core::{DType, Device, Tensor};
    use mednn::params::Init;
    use medtrain::CheckpointFolder;
    use medtrain::checkpoint::{Found, Kept, Position, Restored, State};

    /// Set in the child to the folder and the scenario.
    const CHILD: &str = "MEDTRAIN_TEST_FAULTS";
    /// Names of no file: asking for them marks the beginning and the end of the save in a trace.
    const MARKS: [&str; 2] = ["/medtrain-save-begins", "/medtrain-save-ended"];
    const SIGKILL: i32 = 9;
    /// What the child ends with when a save says that it failed.
    const FAILED: i32 = 3;
    const PANICKED: i32 = 101;

    /// What is saved over what.
    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Scenario {
        /// The end of an epoch, the best so far, in the middle of a run that keeps two epochs.
        Epoch,
        /// A place within an epoch.
        Within,
        /// The first place of a run in the folder of another.
        NewRun,
        /// The same at the end of its first epoch, the best of all.
        NewRunEpoch,
    }

    const SCENARIOS: [Scenario; 4] = [
        Scenario::Epoch,
        Scenario::Within,
        Scenario::NewRun,
        Scenario::NewRunEpoch,
    ];

    impl Scenario {
        fn found(self) -> Found {
            match self {
                Self::NewRun | Self::NewRunEpoch => Found::OtherRun,
                Self::Epoch | Self::Within => Found::ThisRun,
            }
        }

        /// The place that is saved.
        fn place(self) -> (u32, u32) {
            match self {
                Self::Epoch => (3, 0),
                Self::Within => (2, 9),
                Self::NewRun => (0, 3),
                Self::NewRunEpoch => (1, 0),
            }
        }

        /// Saves it.
        fn save(self, folder: &CheckpointFolder) -> Result<(), Box<medtrain::Error>> {
            save(folder, self.place(), self.found())
        }
    }

    /// Saves a place, whose network and optimizer hold a number that follows from it.
    fn save(
        folder: &CheckpointFolder,
        place: (u32, u32),
        found: Found,
    ) -> Result<(), Box<medtrain::Error>> {
        let params = network(place);
        let momentum = Tensor::full(number(place), 40, &Device::Cpu).unwrap();
        let optimizer = BTreeMap::from([("momentum/weight".to_owned(), momentum)]);
        let mut position = Position::start(serde_json::json!({"a": 1}));
        (position.epoch, position.step) = place;
        for epoch in 0..place.0 {
            // Every epoch is better than the one before.
            let kept: Kept =
                serde_json::from_value(serde_json::json!({"epoch": epoch, "score": epoch}))
                    .unwrap();
            position.kept.insert(0, kept);
            position.kept.truncate(2);
            (position.best, position.best_epoch) = (Some(kept.score), Some(epoch));
        }
        let state = State {
            params: &params,
            optimizer: &optimizer,
            ema: None,
            position: &position,
        };
        match place.1 {
            0 => folder.save_epoch(&state, found).map_err(Box::new),
            _ => folder.save_within(&state, found).map_err(Box::new),
        }
    }

    fn number(place: (u32, u32)) -> f32 {
        (100 * place.0 + place.1) as f32
    }

    fn network(place: (u32, u32)) -> Params {
        let params = Params::new(1);
        let init = Init::Constant(number(place).into());
        params.root().parameter("weight", &[40], init).unwrap();
        params
    }

    /// The folder before the save of any scenario.
    fn prepare(folder: &Path) {
        let folder = CheckpointFolder::new(folder).unwrap();
        for place in [(1, 0), (2, 0), (2, 3), (2, 6)] {
            save(&folder, place, Found::ThisRun).unwrap();
        }
    }

    /// A folder's checkpoint; everything in it must be of its place.
    fn loaded(folder: &CheckpointFolder) -> Restored {
        let restored = folder.load().unwrap().expect("a checkpoint to go on from");
        let place = restored.position.place();
        for tensor in [
            &restored.network["weight"],
            &restored.optimizer["momentum/weight"],
        ] {
            let values = tensor
                .to_dtype(DType::F32)
                .unwrap()
                .to_vec1::<f32>()
                .unwrap();
            assert_eq!(values, [number(place); 40]);
        }
        restored
    }

    /// The epoch of a scored network, counted from zero; everything in it must be of that epoch.
    fn epoch_of(read: impl FnOnce(&Params) -> medtrain::Result<Position>) -> u32 {
        let params = network((0, 0));
        let position = read(&params).unwrap();
        assert_eq!(position.best_epoch, Some(position.epoch - 1));
        let values = params.tensor("weight").unwrap().to_vec1::<f32>().unwrap();
        assert_eq!(values, [number((position.epoch, 0)); 40]);
        position.epoch - 1
    }

    /// The networks that a checkpoint speaks of must be there as it says: of its best epoch (or of the one after it, which was
    /// being saved), and of all that are kept.
    fn check_scored(folder: &CheckpointFolder, restored: &Restored, saved: Option<u32>) {
        let position = &restored.position;
        if let Some(best) = position.best_epoch {
            let found = epoch_of(|params| folder.restore_best(params));
            assert!(
                found == best || Some(found) == saved,
                "best is of {found}, not {best}"
            );
        }
        for kept in &position.kept {
            let found = epoch_of(|params| folder.restore_epoch(kept.epoch, params));
            assert_eq!(found, kept.epoch);
        }
    }

    /// The files of scored networks.
    fn scored(folder: &Path) -> BTreeMap<String, Vec<u8>> {
        let files = fs::read_dir(folder).unwrap().map(|file| {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read(path).unwrap())
        });
        let is_scored = |name: &str| name.starts_with("best") || name.starts_with("epoch");
        files.filter(|(name, _)| is_scored(name)).collect()
    }

    fn strace(arguments: &[String], folder: &Path, scenario: Scenario) -> std::io::Result<Output> {
        Command::new("strace")
            .args(["-f", "-qq"])
            .args(arguments)
            .arg(std::env::current_exe()?)
            .env(CHILD, folder)
            .env("MEDTRAIN_TEST_SCENARIO", format!("{scenario:?}"))
            .output()
    }

    /// The system calls of a save, each by its name and how many of that name its thread has made, itself included.
    fn calls(trace: &str) -> Vec<(String, u32)> {
        let mut made: HashMap<(&str, &str), u32> = HashMap::new();
        let (mut saving, mut found) = (None, Vec::new());
        for line in trace.lines() {
            let Some((thread, call)) = line.trim_start().split_once(' ') else {
                continue;
            };
            let Some((name, rest)) = call.trim_start().split_once('(') else {
                continue;
            };
            if !name.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'_') {
                continue; // a signal, or the end of a call that another thread interrupted
            }
            let count = made.entry((thread, name)).or_default();
            *count += 1;
            if rest.contains(MARKS[0]) {
                saving = Some(thread);
            } else if rest.contains(MARKS[1]) {
                break;
            } else if saving == Some(thread) {
                found.push((name.to_owned(), *count));
            }
        }
        found
    }

    /// Calls for memory and threads: they do not fail for want of a disk.
    const NOT_OF_FILES: [&str; 9] = [
        "brk",
        "futex",
        "madvise",
        "mmap",
        "mprotect",
        "mremap",
        "munmap",
        "sched_yield",
        "getrandom",
    ];

    pub(super) fn main() {
        if let Some(folder) = std::env::var_os(CHILD) {
            let name = std::env::var("MEDTRAIN_TEST_SCENARIO").unwrap();
            let scenario = { SCENARIOS.iter() }
                .find(|scenario| format!("{scenario:?}") == name)
                .unwrap();
            let folder = CheckpointFolder::new(folder).unwrap();
            assert!(fs::metadata(MARKS[0]).is_err());
            let saved = scenario.save(&folder);
            assert!(fs::metadata(MARKS[1]).is_err());
            std::process::exit(if saved.is_ok() { 0 } else { FAILED });
        }
        if !Command::new("strace")
            .args(["-qq", "true"])
            .output()
            .is_ok_and(|o| o.status.success())
        {
            println!("strace cannot trace here: nothing was tested");
            return;
        }
        for scenario in SCENARIOS {
            interrupt_everywhere(scenario);
            println!(
                "a save interrupted at any system call leaves a checkpoint to go on from: {scenario:?}"
            );
        }
    }

    fn interrupt_everywhere(scenario: Scenario) {
        let folder = tempfile::tempdir().unwrap();
        let (trace, traced) = (folder.path().join("trace"), folder.path().join("traced"));
        prepare(&traced);
        let before = loaded(&CheckpointFolder::new(&traced).unwrap())
            .position
            .place();
        let output = strace(
            &["-o".to_owned(), trace.display().to_string()],
            &traced,
            scenario,
        )
        .unwrap();
        assert!(output.status.success(), "{output:?}");
        let calls = calls(&fs::read_to_string(trace).unwrap());
        let expected = scored(&traced);
        let is_new = scenario.found() == Found::OtherRun;
        // What may be ahead of the checkpoint that is left.
        let ahead = (scenario == Scenario::Epoch).then_some(scenario.place().0 - 1);
        let named = |name: &str| calls.iter().filter(|(n, _)| n.starts_with(name)).count();
        assert!(
            named("rename") >= 2 && named("write") >= 1 && named("fsync") >= 2,
            "{calls:?}"
        );
        let (mut killed, mut failed, mut kept) = (0, 0, 0);
        for (number, (name, count)) in calls.iter().enumerate() {
            for fault in ["signal=KILL", "error=ENOSPC", "error=EIO"] {
                let of_files = !NOT_OF_FILES.contains(&name.as_str());
                if !(of_files || fault == "signal=KILL") {
                    continue;
                }
                let path = folder.path().join(format!("{number}-{fault}"));
                prepare(&path);
                let inject = format!("inject={name}:{fault}:when={count}");
                let arguments = [
                    "-o",
                    "/dev/null",
                    "-e",
                    &format!("trace={name}"),
                    "-e",
                    &inject,
                ];
                let output = strace(&arguments.map(str::to_owned), &path, scenario).unwrap();
                let what = format!("{scenario:?}, {inject}, call {number} of {}", calls.len());
                let checkpoints = CheckpointFolder::new(&path).unwrap();
                let restored = loaded(&checkpoints);
                let place = restored.position.place();
                match (output.status.signal(), output.status.code()) {
                    (Some(SIGKILL), _) => killed += 1,
                    (_, Some(FAILED)) => failed += 1,
                    // The standard library panics when a folder it has listed cannot be closed.
                    (_, Some(PANICKED)) if name == "close" => failed += 1,
                    (_, Some(0)) if is_new => {}
                    (_, Some(0)) => assert_eq!(place, scenario.place(), "{what}"),
                    _ => panic!("{what}: {output:?}"),
                }
                let old = [before, (2, 0), (2, 3), (1, 0)];
                let is_old = match is_new {
                    true => old.contains(&place),
                    false => place == before,
                };
                assert!(is_old || place == scenario.place(), "{what}: {place:?}");
                kept += usize::from(place == before);
                // The scored networks are whole too and those of the checkpoint, at once within a run, and in any case as soon as
                // it goes on.
                if !is_new {
                    check_scored(&checkpoints, &restored, ahead);
                }
                let state = State {
                    params: &network(place),
                    optimizer: &restored.optimizer,
                    ema: None,
                    position: &restored.position,
                };
                checkpoints.finish_save(&state).unwrap();
                check_scored(&checkpoints, &restored, ahead);
                // The next save works, and leaves what one that nothing interrupted leaves.
                checkpoints.remove_unfinished().unwrap();
                scenario.save(&checkpoints).unwrap();
                let restored = loaded(&checkpoints);
                assert_eq!(restored.position.place(), scenario.place(), "{what}");
                check_scored(&checkpoints, &restored, None);
                assert!(scored(&path) == expected, "{what}");
                fs::remove_dir_all(&path).unwrap();
            }
        }
        assert!(killed + 3 >= calls.len(), "{killed} of {}", calls.len());
        assert!(
            failed > 10 && kept > 10,
            "{failed} failed, {kept} kept the old one"
        );
    }
}
