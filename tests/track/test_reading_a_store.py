"""Reading over a real store: runs that go on, that died, that are damaged, of other processes."""

import math
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

import mendel
from mendel.track import session
from mendel.track.store import Store


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("MENDEL_QUIET", "1")
    monkeypatch.chdir(tmp_path)
    store = session.use_store(tmp_path / "store")
    mendel.init(experiment="reading", capture=False)
    yield store
    while mendel.active_run():
        mendel.end_run()
    store.close()
    session.session = session.Session()


def train(name: str, lr: float, seed: int = 0, **params: object) -> str:
    with mendel.start_run(name, params={"lr": lr, "seed": seed, **params}) as run:
        run.define_metric("loss", goal="minimize")
        for step in range(50):
            run.log({"loss": lr + math.exp(-step / 10), "seen": step * 32}, step=step)
        run.summary["auc"] = 1 - lr
    return run.id


def test_what_goes_in_comes_out_as_it_was() -> None:
    values = {
        "i": 45,
        "f": 0.1,
        "b": True,
        "n": None,
        "t": "ü",
        "l": [1, 2.5],
        "d": {"x": {"y": 1}},
    }
    with mendel.start_run("types", params=values):
        pass

    (row,) = mendel.runs().to_list()
    df = mendel.get_experiment_df()

    assert row["params.i"] == 45
    assert isinstance(row["params.i"], int)
    assert row["params.b"] is True
    assert row["params.n"] is None
    assert row["params.d.x.y"] == 1
    assert df["param.i"].dtype == np.int64
    assert df["param.l"][0] == [1, 2.5]
    assert mendel.runs()[0].params == values


def test_groups_best_and_comparison_tell_one_story() -> None:
    for seed in range(3):
        train(f"slow-{seed}", 0.5, seed)
        train(f"fast-{seed}", 0.1, seed)

    groups = mendel.runs().group_by("params.lr").agg("metrics.loss")
    best = mendel.best("reading", "loss")
    comparison = mendel.compare("slow-0", "fast-0")

    assert [g.by["params.lr"] for g in groups] == [0.1, 0.5]
    assert [g["metrics.loss"].n for g in groups] == [3, 3]
    assert best.run.name == "fast-2"
    assert [t.name for t in best.ties] == ["fast-1", "fast-0"]
    assert [r.name for r in comparison.params] == ["lr"]
    assert comparison["metrics.auc"].deltas[1] == pytest.approx(0.4)
    assert comparison["metrics.loss"].winners == (1,)


def test_an_open_run_is_read_up_to_its_last_call() -> None:
    run = mendel.start_run("live")
    run.log({"loss": 1.0}, step=1)
    assert run.series("loss").values.tolist() == [1.0]
    run.log({"loss": 0.5}, step=2)

    assert mendel.runs("metrics.loss < 0.6").ids() == [run.id]
    assert run.series("loss").values.tolist() == [1.0, 0.5]
    assert run.history()["loss"].tolist() == [1.0, 0.5]
    assert mendel.get_experiment_df()["time_series_metric.loss"][0] == 0.5
    assert run.view.state == "RUNNING"


def test_an_experiment_knows_its_runs() -> None:
    train("a", 0.1)
    mendel.init(experiment="another", capture=False)
    train("b", 0.1)

    found = mendel.Experiment("reading").runs("params.lr < 1")

    assert [run.name for run in found] == ["a"]
    assert list(mendel.Experiment("reading").get_data_frame()["run_name"]) == ["a"]


def test_a_killed_process_leaves_a_run_that_is_read_to_its_last_point(store: Store) -> None:
    script = """
        import os, signal, mendel
        mendel.init(experiment="reading", capture=False)
        run = mendel.start_run("killed", params={"lr": 3})
        for step in range(1000):
            run.log({"loss": 1 / (step + 1)}, step=step)
        os.kill(os.getpid(), signal.SIGKILL)
    """
    environment = {**os.environ, "MENDEL_STORE": str(store.root), "PYTHONPATH": ":".join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script)], env=environment, check=False
    )
    assert done.returncode == -signal.SIGKILL
    train("whole", 0.1)

    run = mendel.runs("state = 'LOST'")[0]

    assert run.name == "killed"
    assert len(run.series("loss")) == 1000
    assert run.series("loss").steps[-1] == 999
    comparison = mendel.compare("whole", run)
    assert comparison["state"].values == ("COMPLETE", "LOST")
    assert comparison["params.lr"].values == (0.1, 3)


def test_a_damaged_run_is_told_and_hides_no_other(store: Store) -> None:
    train("good", 0.1)
    bad = train("bad", 0.2)
    store.close()
    for segment in store.run_folder(bad).rglob("*.md*"):
        data = bytearray(segment.read_bytes())
        data[len(data) // 2] ^= 0xFF
        segment.write_bytes(bytes(data))
    (store.root / "catalog.sqlite").unlink(missing_ok=True)
    session.use_store(store.root).rebuild()

    df = mendel.get_experiment_df("reading")

    assert "good" in list(df["run_name"])
    assert df.set_index("run_name")["param.lr"]["good"] == 0.1
    assert len(mendel.runs("name = 'good'")[0].series("loss")) == 50


def test_code_of_two_dirty_states_is_told_apart(tmp_path: Path) -> None:
    repository = tmp_path / "work"
    repository.mkdir()
    script = repository / "train.py"
    source = """
        import mendel, sys
        RATE = {rate}
        mendel.init(experiment="reading")
        with mendel.start_run(sys.argv[1]) as run:
            run.log({{"loss": RATE}}, step=1)
    """
    git = ["git", "-c", "user.name=n", "-c", "user.email=e@x"]
    for rate, name in ((1, None), (2, "two"), (3, "three")):
        script.write_text(textwrap.dedent(source.format(rate=rate)))
        if name is None:
            subprocess.run([*git, "init", "-q"], cwd=repository, check=True)
            subprocess.run([*git, "add", "."], cwd=repository, check=True)
            subprocess.run([*git, "commit", "-qm", "first"], cwd=repository, check=True)
            continue
        environment = {**os.environ, "MENDEL_STORE": str(tmp_path / "store")}
        environment["PYTHONPATH"] = ":".join(sys.path)
        subprocess.run(
            [sys.executable, str(script), name], cwd=repository, env=environment, check=True
        )

    comparison = mendel.compare("two", "three")
    commit = comparison["git.commit"].values[0]

    assert len(mendel.runs(f"git.commit = '{commit}' and git.dirty = true")) == 2
    assert "uncommitted" in [row.name for row in comparison.code]
    assert comparison["git.commit"].differs is False
    assert [c.path for c in comparison.code_changes()] == ["train.py"]
    assert "-+RATE = 2" in comparison.code_diff()
    assert "++RATE = 3" in comparison.code_diff()
