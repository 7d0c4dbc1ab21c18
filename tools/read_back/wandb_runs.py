"""Runs for W&B, read with its own program. The case is what the tests of medtrain wrote:

    MED_LOG_OUT=out cargo test --release -p medtrain --test run -- loggers
    python tools/read_back/wandb_runs.py out        # needs wandb 0.31, no account and no network
"""

import json
import subprocess
import sys
from pathlib import Path

folder = Path(sys.argv[1]) / "wandb"
expected = json.loads((folder / "expected.json").read_text())
[file] = folder.glob("offline-run-*/run-*.wandb")


def inspect(*options):
    program = Path(sys.executable).with_name("wandb")
    done = subprocess.run([program, "leet", "inspect", "--json", *options, file], capture_output=True, text=True)
    if done.returncode or done.stderr:
        sys.exit(f"{file}: {done.stderr or done.stdout}")
    return done.stdout


records = [json.loads(line) for line in inspect().splitlines()]
assert [record["num"] for record in records] == list(range(1, len(records) + 1)), "numbers of records"
kinds = [record["type"] for record in records]
lines = len(expected["lines"])
assert kinds == ["header", "run"] + lines * ["history"] + ["summary", "exit"], kinds

run = records[1]["run"]
assert (run["project"], run["run_id"]) == (expected["project"], expected["id"]), run
for name, value in expected["config"].items():
    assert run["config"]["update"][name] == value, (name, run)
for record, line in zip(records[2:], expected["lines"]):
    history = record["history"]
    assert int(history["step"]["num"]) == history["item"]["_step"] == line["step"], history
    for name, value in line["numbers"].items():
        assert history["item"][name] == value, (name, value, history)

whole = json.loads(inspect("--summary"))
assert (whole["state"], whole["exit_code"], whole["step"]) == ("finished", expected["exit"], expected["lines"][-1]["step"]), whole
print(f"{file.name}: {lines} lines, as expected")
