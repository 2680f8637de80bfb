"""What the base install must do without any extra: write, read, compare, and answer on the CLI."""

import json
import subprocess
import sys
from pathlib import Path

import mendel

for rate in (0.1, 0.01):
    with mendel.start_run(experiment="base") as run:
        run.log_params({"rate": rate})
        for step in range(100):
            run.log({"loss": rate / (step + 1)}, step=step)
frame = mendel.get_experiment_df("base")
if len(frame) != 2 or set(frame["param.rate"]) != {0.1, 0.01}:
    raise SystemExit(f"wrong data frame:\n{frame}")
cli = str(Path(sys.executable).with_name("mendel"))
answer = subprocess.run([cli, "runs", "--json"], check=True, capture_output=True, text=True)
if len(json.loads(answer.stdout)["runs"]) != 2:
    raise SystemExit(f"wrong answer: {answer.stdout}")
sys.stdout.write("base install: ok\n")
