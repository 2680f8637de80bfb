"""Bytes go bad anywhere in a store: it is told where, and all else is read."""

from __future__ import annotations

import random
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mendel.graph.errors import NewerStoreError, StoreError
from mendel.graph.run import RunState
from mendel.track.store import Store
from scripts import environment, records, run_script

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

pytestmark = pytest.mark.crash

SCRIPT = """
    import sys, mendel
    for name in ("one", "two", "three"):
        with mendel.start_run(name, experiment="e", params={"name": name}) as run:
            for step in range(5000):
                run.log({"loss": 1.0 / (step + 1), "n": step}, step)
            run.log_metrics({"final": 1})
            run.log_text("told", "note.txt")
    with mendel.start_run("live", experiment="e", params={"name": "live"}) as run:
        for step in range(3000):
            run.log({"loss": 1.0, "n": step}, step)
        import os
        os._exit(0)
"""


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a folder with a store of three sealed runs, a raw one, and a decision."""
    folder = tmp_path_factory.mktemp("sound")
    run_script(folder, SCRIPT)
    store = Store.open(folder)
    store.refresh()
    for name in ("one", "two"):
        store.decide("note_run", store.resolve_run(name), note=f"of {name}")
    store.close()
    assert len(records(folder)) == 4
    return folder


@pytest.fixture
def folder(sound: Path, tmp_path: Path) -> Path:
    """Give a copy that may be damaged."""
    shutil.copytree(sound, tmp_path / "copy")
    return tmp_path / "copy"


def mendel_says(folder: Path, *args: str) -> tuple[int, str]:
    """Call the program as a person would; return its exit status and all that it said."""
    done = subprocess.run(
        [sys.executable, "-m", "mendel", *args],
        cwd=folder,
        env=environment({"COLUMNS": "200"}),
        capture_output=True,
        text=True,
        check=False,
    )
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "defect in Mendel" not in said
    return done.returncode, said


def segments(folder: Path, name: str) -> list[Path]:
    """Return the files of a run's journal."""
    store = Store.open(folder)
    run = store.resolve_run(name)
    store.close()
    return sorted(path for path in store.journal_folder(run).iterdir() if ".md" in path.name)


def flip(path: Path, at: float) -> None:
    """Turn a byte into another, at a share of the file's length."""
    data = bytearray(path.read_bytes())
    data[min(len(data) - 1, int(at * len(data)))] ^= 0x5A
    path.write_bytes(data)


def tear(path: Path, at: float) -> None:
    """Cut a file short."""
    data = path.read_bytes()
    path.write_bytes(data[: int(at * len(data))])


def blank(path: Path, at: float) -> None:
    """Put 512 zeros where something stood, as a disk does."""
    data = bytearray(path.read_bytes())
    start = int(at * len(data))
    data[start : start + 512] = bytes(len(data[start : start + 512]))
    path.write_bytes(data)


@pytest.mark.parametrize("harm", [flip, tear, blank])
@pytest.mark.parametrize("name", ["one", "live"])
def test_a_damaged_journal_is_told_and_poisons_no_other_run(
    folder: Path, name: str, harm: Callable[[Path, float], None]
) -> None:
    largest = max(segments(folder, name), key=lambda path: path.stat().st_size)
    harm(largest, 0.2)
    code, said = mendel_says(folder, "doctor")
    assert code != 0
    assert largest.parent.parent.name in said
    for state in ("as it was catalogued", "made anew"):
        if state == "made anew":
            assert mendel_says(folder, "rebuild")[0] == 0
        code, said = mendel_says(folder, "runs")
        assert code == 0, said
        store = Store.open(folder)
        for other in {"one", "two", "three", "live"} - {name}:
            run = store.resolve_run(other)
            [series] = store.catalog.series([run], ["n"])
            assert list(series.steps) == list(range(len(series.steps)))
            assert len(series.steps) == (3000 if other == "live" else 5000)
        record = store.catalog.get_runs([store.resolve_run(name)])
        store.close()
    [run_record] = record.values()
    assert run_record.damage != ()
    code, said = mendel_says(folder, "show", name)
    assert code == 0
    assert "damage" in said


def test_any_byte_of_any_journal_may_go_bad(sound: Path, tmp_path: Path) -> None:
    rng = random.Random(11)
    for turn in range(24):
        folder = tmp_path / str(turn)
        shutil.copytree(sound, folder)
        name = rng.choice(["one", "live"])
        path = rng.choice(segments(folder, name))
        harm = rng.choice([flip, flip, tear, blank])
        at = rng.choice([0.0, 0.001, rng.random(), rng.random(), 0.999])
        harm(path, at)
        store = Store.open(folder)
        store.rebuild()
        told = {record.name: record for record in store.catalog.get_runs(_ids(store)).values()}
        for other in {"one", "two", "three", "live"} - {name}:
            assert told[other].series["n"].count == (3000 if other == "live" else 5000)
            assert told[other].damage == ()
        others = {"one", "two", "three", "live"} - {name}
        [record] = [record for record in told.values() if record.name not in others]
        whole = record.series["n"].count == (3000 if name == "live" else 5000)
        assert record.damage or whole, (name, harm, at)
        store.close()
        shutil.rmtree(folder)


def _ids(store: Store) -> list[str]:
    from mendel.catalog.contract import RunQuery

    return list(store.catalog.find_runs(RunQuery(deleted=None, limit=None)).ids)


@pytest.mark.parametrize("harm", [flip, tear, blank])
def test_a_damaged_line_of_decisions_costs_that_decision_and_is_told(
    folder: Path, harm: Callable[[Path, float], None]
) -> None:
    path = folder / ".mendel" / "decisions.jsonl"
    if harm is flip:
        data = path.read_bytes()
        path.write_bytes(b"\xff\x00" + data[2:])
    else:
        harm(path, 0.6)
    code, said = mendel_says(folder, "doctor")
    assert "decisions" in said
    assert "cannot be read" in said
    code, said = mendel_says(folder, "rebuild")
    assert code == 0, said
    notes = [record.note for record in records(folder) if record.name in {"one", "two"}]
    assert notes == ([None, "of two"] if harm is flip else ["of one", None])


@pytest.mark.parametrize("at", [0.0, 0.05, 0.3, 0.6, 0.9])
@pytest.mark.parametrize("harm", [blank, tear, None])
def test_a_damaged_catalog_is_told_and_made_again_with_all_that_was_decided(
    folder: Path, harm: Callable[[Path, float], None] | None, at: float
) -> None:
    path = folder / ".mendel" / "catalog.sqlite"
    if harm is None:
        path.write_bytes(b"no catalog at all, but long enough to look like one" * 100)
    else:
        harm(path, at)
    for command in (["runs"], ["show", "one"], ["doctor"]):
        code, said = mendel_says(folder, *command)
        assert code == 0 or "mendel rebuild" in said, said
    code, said = mendel_says(folder, "rebuild")
    assert code == 0, said
    after = {record.name: record for record in records(folder)}
    assert after["one"].note == "of one"
    assert after["two"].note == "of two"
    assert [after[name].series["n"].count for name in ("one", "two", "three", "live")] == [
        5000, 5000, 5000, 3000,
    ]  # fmt: skip
    assert after["live"].state is RunState.LOST
    assert mendel_says(folder, "doctor")[0] == 0


def test_training_goes_on_beside_a_damaged_catalog(folder: Path) -> None:
    (folder / ".mendel" / "catalog.sqlite").write_bytes(b"x" * 100_000)
    done = run_script(
        folder,
        """
        import mendel
        with mendel.start_run("new", experiment="e") as run:
            for step in range(100):
                run.log({"loss": 1.0}, step)
        """,
        env={"MENDEL_QUIET": ""},
    )
    assert "rebuild" in done.stderr
    assert mendel_says(folder, "rebuild")[0] == 0
    assert {record.name for record in records(folder)} == {"one", "two", "three", "live", "new"}


def test_a_store_and_a_catalog_of_a_newer_mendel_are_left_alone(folder: Path) -> None:
    import sqlite3

    path = folder / ".mendel" / "catalog.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA user_version = 9999")
    connection.close()
    before = path.read_bytes()
    store = Store.open(folder)
    with pytest.raises(StoreError, match="newer"):
        store.refresh()
    store.close()
    assert path.read_bytes() == before
    marker = folder / ".mendel" / "store.json"
    marker.write_text('{"format": 9999}')
    with pytest.raises(NewerStoreError, match="pip install"):
        Store.open(folder)
    code, said = mendel_says(folder, "runs")
    assert code != 0
    assert "pip install" in said
