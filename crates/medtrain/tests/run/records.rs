//! What a run says of itself: program, machine, data, and how it ended.

use std::fs;
use std::path::Path;

use medtrain::log::{EpochReport, RunRecord};
use medtrain::provenance::Git;
use medtrain::{DataDigest, Ending, Environment, Error, Observer, TrainConfig};

use crate::support::{batches, config, train};

fn with_data(folder: &Path, resume: bool, hash: &str) -> TrainConfig {
    let mut config = config(folder, resume);
    config.data = vec![
        DataDigest::new("training", hash).with_dvc("0f.dir"),
        DataDigest::new("validation", "77"),
    ];
    config
}

#[test]
fn a_run_says_where_it_comes_from_and_how_it_ended() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path();
    let mut config = with_data(path, false, "ab");
    config.seed = 9;
    config.environment = Some(
        Environment::capture()
            .with_program("app", "1.2")
            .with_git(Git::given("c0ffee", Some(true)))
            .with_cargo_lock("[[package]]\nname = \"rayon\"\nversion = \"1.0\"\n"),
    );
    let (_, summary) = train(config.clone(), &batches(None), None);
    let best = summary.unwrap().best.unwrap();
    let first = RunRecord::read(path).unwrap();
    assert_eq!((first.epochs, first.steps, first.id.len()), (4, 4, 16));
    assert_eq!(
        first.configuration["configuration"]["network"]["channels"],
        4
    );
    let session = &first.sessions[0];
    assert_eq!(first.device(), Some("cpu"));
    let end = session.end.as_ref().unwrap();
    assert_eq!((end.ending, &end.error), (Some(Ending::Completed), &None));
    let told = end.best.unwrap();
    assert_eq!((told.epoch, told.score), best);
    assert!(end.at >= session.started && session.started.seconds() > 1.7e9);
    let machine = &session.environment.system;
    assert!(machine.cores > 0 && machine.threads > 0 && !machine.os.is_empty());
    assert_eq!(session.environment.medtrain, env!("CARGO_PKG_VERSION"));

    let told = first.provenance();
    assert_eq!(
        (told.git_commit.as_deref(), told.git_dirty),
        (Some("c0ffee"), Some(true))
    );
    assert_eq!((told.seed, told.run.as_ref()), (Some(9), Some(&first.id)));
    assert_eq!(told.cargo_lock_sha256.unwrap().len(), 64);
    assert_eq!(told.created.unwrap(), session.started.rfc3339());
    assert_eq!(told.data[0], DataDigest::new("training", "ab"));

    // A resumption adds a session; the data stand in the checkpoints.
    config.resume = true;
    config.environment = None;
    train(config, &batches(None), None).1.unwrap();
    let again = RunRecord::read(path).unwrap();
    assert_eq!((again.sessions.len(), &again.id), (2, &first.id));
    assert_eq!(again.sessions[1].first_epoch, 4);
    let git = &again.sessions[1].environment.git;
    assert!(git.commit.is_some() || git.note.is_some(), "{git:?}");
    assert!(!again.sessions[1].environment.command_line.is_empty());
    let checkpoints = medtrain::CheckpointFolder::new(path.join("checkpoints")).unwrap();
    let position = checkpoints.load().unwrap().unwrap().position;
    assert_eq!(position.configuration["data"]["training"]["sha256"], "ab");

    // Another run in the same folder is another one.
    train(with_data(path, false, "cd"), &batches(None), None)
        .1
        .unwrap();
    let other = RunRecord::read(path).unwrap();
    assert_eq!(other.sessions.len(), 1);
    assert_ne!(other.id, first.id);
}

#[test]
fn a_run_is_not_taken_up_with_other_data() {
    let folder = tempfile::tempdir().unwrap();
    train(with_data(folder.path(), false, "ab"), &batches(None), None)
        .1
        .unwrap();
    let (_, resumed) = train(with_data(folder.path(), true, "cd"), &batches(None), None);
    match resumed.unwrap_err() {
        Error::OtherRun {
            field,
            checkpoint,
            current,
            ..
        } => {
            assert_eq!(field, "data.training.sha256");
            assert_eq!(
                (checkpoint.as_str(), current.as_str()),
                ("\"ab\"", "\"cd\"")
            );
        }
        other => panic!("{other}"),
    }
    // Nor without any, where there were some.
    let resumed = train(config(folder.path(), true), &batches(None), None).1;
    assert!(matches!(resumed, Err(Error::OtherRun { field, .. }) if field.starts_with("data")));
}

/// Remembers what it heard of the end.
#[derive(Default)]
struct Listener(Vec<String>);

impl Observer for Listener {
    fn epoch(&mut self, report: &EpochReport) -> medtrain::Heard {
        self.0.push(report.epoch.to_string());
        Ok(())
    }

    fn finished(&mut self, _: &medtrain::TrainSummary) -> medtrain::Heard {
        self.0.push("finished".to_owned());
        Ok(())
    }

    fn failed(&mut self, error: &Error) {
        self.0.push(error.to_string());
    }
}

#[test]
fn a_run_that_fails_says_so_to_its_record_and_its_observers() {
    let folder = tempfile::tempdir().unwrap();
    let mut listener = Listener::default();
    let mut config = config(folder.path(), false);
    config.sanity = medtrain::Sanity::Skip;
    let (_, ended) = train(config, &batches(Some(1)), Some(&mut listener));
    let error = ended.unwrap_err().to_string();
    assert!(error.contains("case-1"), "{error}");
    assert_eq!(listener.0.last().unwrap(), &error);
    let record = RunRecord::read(folder.path()).unwrap();
    let end = record.end().unwrap();
    assert_eq!((end.ending, end.error.as_ref()), (None, Some(&error)));
}

#[test]
fn a_damaged_record_is_named_and_not_repaired() {
    let folder = tempfile::tempdir().unwrap();
    train(config(folder.path(), false), &batches(None), None)
        .1
        .unwrap();
    let path = folder.path().join("run.json");
    let text = fs::read_to_string(&path).unwrap();
    for damaged in ["{", &text.replace("\"version\": 1,", "\"version\": 7,")] {
        fs::write(&path, damaged).unwrap();
        let resumed = train(config(folder.path(), true), &batches(None), None).1;
        assert!(
            matches!(resumed, Err(Error::BadRecord { .. })),
            "{resumed:?}"
        );
    }
    fs::remove_file(&path).unwrap();
    train(config(folder.path(), true), &batches(None), None)
        .1
        .unwrap();
    assert_eq!(RunRecord::read(folder.path()).unwrap().sessions.len(), 1);
}

fn put(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn the_commit_is_found_wherever_git_keeps_it() {
    let [first, second] = ["1", "2"].map(|digit| digit.repeat(40));
    let top = tempfile::tempdir().unwrap();
    let top = top.path();
    put(top, "work/sub/file", "");
    put(top, "work/.git/HEAD", "ref: refs/heads/topic/a\n");
    let commit = || Git::of(&top.join("work/sub")).commit;
    let git = Git::of(&top.join("work/sub"));
    assert_eq!((git.commit, git.branch.as_deref()), (None, Some("topic/a")));
    assert!(git.note.unwrap().contains("names no commit"));
    let packed = format!("# pack-refs with: peeled\n{second} refs/heads/topic/a\n");
    put(top, "work/.git/packed-refs", &packed);
    assert_eq!(commit(), Some(second.clone()));
    put(top, "work/.git/refs/heads/topic/a", &format!("{first}\n"));
    assert_eq!(commit(), Some(first.clone()));
    put(top, "work/.git/HEAD", &format!("{second}\n"));
    let detached = Git::of(&top.join("work"));
    assert_eq!((detached.commit, detached.branch), (Some(second), None));
    put(top, "work/.git/HEAD", "ref: ../../secret\n");
    put(top, "secret", &first);
    assert_eq!(commit(), None);

    // A second work tree of the same repository.
    put(
        top,
        "linked/.git",
        "gitdir: ../work/.git/worktrees/linked\n",
    );
    put(
        top,
        "work/.git/worktrees/linked/HEAD",
        "ref: refs/heads/topic/a\n",
    );
    put(top, "work/.git/worktrees/linked/commondir", "../..\n");
    assert_eq!(Git::of(&top.join("linked")).commit, Some(first));

    let nowhere = Git::of(&top.join("none"));
    assert!(nowhere.commit.is_none() && nowhere.note.unwrap().contains("no git repository"));
}

#[test]
fn git_itself_agrees() {
    let top = tempfile::tempdir().unwrap();
    let git = |words: &[&str]| {
        let name = ["-c", "user.name=a", "-c", "user.email=a@example.org"];
        let mut command = std::process::Command::new("git");
        command.args(name).args(words).current_dir(top.path());
        command
            .output()
            .ok()
            .filter(|answer| answer.status.success())
    };
    put(top.path(), "file", "one");
    if git(&["init", "--quiet"]).is_none() {
        return;
    }
    git(&["add", "file"]).unwrap();
    git(&["commit", "--quiet", "-m", "one"]).unwrap();
    let head = git(&["rev-parse", "HEAD"]).unwrap().stdout;
    let found = Git::of(top.path());
    assert_eq!(
        found.commit.as_deref(),
        std::str::from_utf8(&head).ok().map(str::trim)
    );
    assert_eq!((found.dirty, found.note), (Some(false), None));
    put(top.path(), "unknown", "");
    assert_eq!(Git::of(top.path()).dirty, Some(false));
    put(top.path(), "file", "two");
    assert_eq!(Git::of(top.path()).dirty, Some(true));
}
