"""A training that dies at step 60 goes on from its checkpoint of step 50, in the same run."""

import json
from pathlib import Path

import mendel

CHECKPOINT = Path("checkpoint.json")


def train(run: mendel.ExperimentRun, first: int, last: int, *, dies_at: int | None = None) -> None:
    for step in range(first, last):
        if step == dies_at:
            raise RuntimeError("out of memory")
        run.log({"loss": 1 / (1 + step)}, step)
        if step % 25 == 0:
            CHECKPOINT.write_text(json.dumps({"step": step}), encoding="utf-8")


mendel.init(experiment="resume")
try:
    with mendel.start_run("long", params={"steps": 100}) as run:
        train(run, 0, 100, dies_at=60)
except RuntimeError as error:
    print(f"it died: {error}")
print(mendel.runs("name = 'long'").first())  # FAILED, with the traceback kept

step = json.loads(CHECKPOINT.read_text(encoding="utf-8"))["step"]
with mendel.start_run(
    "long", resume=True, rewind_to=step
) as run:  # 51 to 59 become a hidden branch
    train(run, step + 1, 100)

(view,) = mendel.runs("name = 'long'")
curve = view.series("loss")
print(view)
assert curve.steps.tolist() == list(range(100))  # each step once, as if nothing had happened
