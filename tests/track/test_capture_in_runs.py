"""Capture in real runs: it is there when the run ends, costs the caller nothing, and keeps away."""

import subprocess
import sys
from pathlib import Path

import pytest

import mendel
from mendel.catalog.contract import RunQuery
from mendel.graph.errors import InvalidError
from mendel.journal.read import Journal
from mendel.track.session import use_store


@pytest.fixture
def store(tmp_path: Path) -> mendel.Store:
    return use_store(tmp_path / ".mendel")


def facts(store: mendel.Store, run_id: str) -> dict[str, object]:
    out: dict[str, object] = {}
    for _, fact in Journal(store.journal_folder(run_id)).facts(["capture"]):
        found = fact.body["set"]
        assert isinstance(found, dict)
        out.update(found)
    return out


def test_a_run_ends_with_all_that_was_captured(store: mendel.Store) -> None:
    with mendel.start_run("r", experiment="e", capture=True) as run:
        run.log({"loss": 1.0}, step=0)
    found = facts(store, run.id)
    assert {"command", "hardware", "environment", "script"} <= set(found)
    assert {"git", "source"} & set(found)


def test_capture_can_be_switched_off(store: mendel.Store) -> None:
    with mendel.start_run("r", experiment="e", capture=False) as run:
        run.log({"loss": 1.0}, step=0)
    assert facts(store, run.id) == {}


def test_a_wrong_kind_is_refused_before_a_run_begins(store: mendel.Store) -> None:
    with pytest.raises(InvalidError, match="no kind of capture"):
        mendel.start_run("r", experiment="e", capture="consoul")
    assert mendel.active_run() is None
    assert not list(store.root.glob("runs/*/*"))


def test_a_nested_run_has_what_its_parent_gathered(store: mendel.Store) -> None:
    with mendel.start_run("p", experiment="e") as parent, parent.child("c") as child:
        child.log({"loss": 1.0}, step=0)
    above, below = facts(store, parent.id), facts(store, child.id)
    assert below["environment"] == above["environment"]
    assert below["script"] == above["script"]


def test_system_metrics_do_not_move_the_steps_of_a_run(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import sys, time, mendel\n"
        "resume = sys.argv[1] == 'again'\n"
        "run = mendel.start_run('r', experiment='e', resume=resume,\n"
        "                       capture={'system_interval_s': 0.2})\n"
        "run.log({'loss': 1.0})\n"
        "time.sleep(2.5)\n"
        "run.log({'loss': 1.0})\n"
    )
    for word in ("first", "again"):
        subprocess.run([sys.executable, str(script), word], cwd=tmp_path, check=True)
    found = use_store(tmp_path / ".mendel")
    found.refresh()
    [run_id] = found.catalog.find_runs(RunQuery()).ids
    loss, memory = found.catalog.series([run_id], ["loss", "system/memory_bytes"])
    assert loss.steps.tolist() == [1, 2, 3, 4]
    assert memory.total >= 10
    assert memory.steps.max() <= 4


def test_seeds_are_written_down_in_this_run_and_the_next(store: mendel.Store) -> None:
    with mendel.start_run("r", experiment="e", capture=False) as run:
        assert mendel.seed(11) == 11
    with mendel.start_run("r", experiment="e") as later:
        pass
    for run_id in (run.id, later.id):
        planted = facts(store, run_id)["seeds"]
        assert isinstance(planted, dict)
        assert planted["seed"] == 11
