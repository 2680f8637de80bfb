"""A store is found, made once, moved, read where it cannot be written, and loses no decision."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from mendel.graph import clock
from mendel.graph.errors import (
    InvalidError,
    NewerStoreError,
    NotFoundError,
    ReadOnlyError,
    StoreError,
)
from mendel.graph.run import RunState
from mendel.track.store import Store
from scripts import environment, records_of, run_script, start_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SCRIPT = """
    import sys, mendel
    with mendel.start_run(sys.argv[1], experiment="e", params={"n": 1}) as run:
        for step in range(10):
            run.log({"loss": 1.0 / (step + 1)}, step)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    run_script(tmp_path, SCRIPT, "first")
    found = Store.open(tmp_path)
    yield found
    found.close()


def only(store: Store) -> str:
    [record] = records_of(store)
    return record.id


# -- where it is --


def test_a_store_is_found_upward_as_git_finds_its_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Store.open(tmp_path / ".mendel").close()
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    monkeypatch.chdir(deep)
    assert Store.open().root == tmp_path / ".mendel"


def test_without_one_it_is_made_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(NotFoundError, match="no store was found"):
        Store.open(create=False)
    store = Store.open()
    assert store.root == tmp_path / ".mendel"
    assert (store.root / ".gitignore").read_text() == "*\n"
    assert json.loads((store.root / "store.json").read_text())["format"] == 1


def test_the_environment_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Store.open().close()
    monkeypatch.setenv("MENDEL_STORE", str(tmp_path / "elsewhere"))
    assert Store.open().root == tmp_path / "elsewhere"


def test_the_project_file_names_it_relative_to_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text('[tool.mendel]\nstore = "data/record"\n')
    (tmp_path / "sub").mkdir()
    monkeypatch.chdir(tmp_path / "sub")
    assert Store.open().root == tmp_path / "data" / "record"


def test_a_project_file_that_cannot_be_read_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text("[tool.mendel]\nstore = \n")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidError, match=r"pyproject\.toml cannot be read"):
        Store.open()


def test_a_project_folder_means_the_store_in_it(tmp_path: Path) -> None:
    Store.open(tmp_path / ".mendel").close()
    assert Store.open(tmp_path).root == tmp_path / ".mendel"


def test_a_folder_with_other_things_is_no_store_and_stays_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("import mendel")
    with pytest.raises(NotFoundError, match="there is no store at"):
        Store.open(tmp_path, create=False)
    assert [path.name for path in tmp_path.iterdir()] == ["train.py"]
    Store.open(tmp_path).close()
    assert not (tmp_path / ".gitignore").exists()  # train.py is not to be hidden from git
    Store.open(tmp_path, create=False).close()


def test_a_store_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    Store.open(tmp_path / ".mendel").close()
    marker = tmp_path / ".mendel" / "store.json"
    marker.write_text('{"format": 2}')
    with pytest.raises(NewerStoreError, match="pip install -U mendel"):
        Store.open(tmp_path)
    assert marker.read_text() == '{"format": 2}'


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", '{"format": "x"}'])
def test_a_damaged_marker_is_said(tmp_path: Path, text: str) -> None:
    Store.open(tmp_path / ".mendel").close()
    (tmp_path / ".mendel" / "store.json").write_text(text)
    with pytest.raises(StoreError, match="is damaged"):
        Store.open(tmp_path)


def test_a_store_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="MENDEL_STORE"):
        Store.open(tmp_path / "file" / ".mendel")


def test_many_processes_make_one_store(tmp_path: Path) -> None:
    code = (
        "import sys; sys.stdin.read(); from mendel.track.store import Store; "
        "s = Store.open('.mendel'); print(open(s.root / 'store.json').read())"
    )
    many = [
        subprocess.Popen(
            [sys.executable, "-c", code],
            cwd=tmp_path,
            env=environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        for _ in range(8)
    ]
    for process in many:
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
    said = {process.communicate(timeout=60)[0] for process in many}
    assert [process.returncode for process in many] == [0] * 8
    assert len(said) == 1
    assert not list((tmp_path / ".mendel").glob(".*.tmp"))


# -- what it knows --


def test_a_run_folder_that_is_put_under_the_store_is_shown(store: Store, tmp_path: Path) -> None:
    here = tmp_path / "other"
    here.mkdir()
    run_script(here, SCRIPT, "second", env={"MENDEL_STORE": str(here / ".mendel")})
    [other] = records_of(Store.open(here))
    records_of(store)
    target = store.run_folder(other.id)
    shutil.copytree(Store.open(here).run_folder(other.id), target)
    assert [record.name for record in records_of(store)] == ["first", "second"]
    assert records_of(store)[1].series["loss"].count == 10


def test_a_store_that_was_moved_is_whole(store: Store, tmp_path: Path) -> None:
    records_of(store)
    store.close()
    shutil.move(tmp_path / ".mendel", tmp_path / "moved")
    moved = Store.open(tmp_path / "moved")
    [series] = moved.catalog.series([only(moved)], ["loss"])
    assert list(series.steps) == list(range(10))


def test_a_store_that_cannot_be_written_is_read_and_searched(store: Store) -> None:
    known = only(store)
    run_script(store.root.parent, SCRIPT, "second")
    before = sorted((path, path.stat().st_mtime_ns) for path in store.root.rglob("*"))
    reader = Store(store.root, read_only=True)
    assert [record.name for record in records_of(reader)] == ["first", "second"]
    assert reader.resolve_run("first") == known
    with pytest.raises(ReadOnlyError, match="cannot be written"):
        reader.decide("pin_run", known, pinned=True)
    with pytest.raises(ReadOnlyError):
        reader.rebuild()
    reader.close()
    assert sorted((path, path.stat().st_mtime_ns) for path in store.root.rglob("*")) == before


# -- what people decide --


def test_decisions_survive_the_loss_of_the_catalog(store: Store) -> None:
    run = only(store)
    store.decide("rename_run", run, name="better")
    store.decide("note_run", run, note="*why*")
    store.decide("tag_run", run, set={"stage": "final"})
    store.decide("pin_run", run, pinned=True)
    store.close()
    for path in store.root.glob("catalog.sqlite*"):
        path.unlink()
    [record] = records_of(Store.open(store.root))
    assert (record.name, record.note, record.tags, record.pinned) == (
        "better",
        "*why*",
        {"stage": "final"},
        True,
    )


def test_rebuild_brings_back_everything_and_tells_how_far_it_is(store: Store) -> None:
    run = only(store)
    run_script(store.root.parent, SCRIPT, "second")
    store.decide("note_run", run, note="n")
    before = records_of(store)
    told: list[tuple[int, int]] = []
    store.rebuild(lambda done, total: told.append((done, total)))
    assert records_of(store) == before
    assert told[-1][0] == told[-1][1] >= 2
    assert len(store.decisions.path.read_text().splitlines()) == 1


def test_a_torn_decision_hides_no_other(store: Store) -> None:
    run = only(store)
    store.decide("note_run", run, note="kept")
    with store.decisions.path.open("ab") as file:
        file.write(b'{"id": "01')
    store.decide("pin_run", run, pinned=True)
    assert [decision.what for decision in store.decisions.read()] == ["note_run", "pin_run"]
    store.rebuild()
    [record] = records_of(store)
    assert (record.note, record.pinned) == ("kept", True)


def test_a_decision_that_is_refused_is_not_kept(store: Store) -> None:
    with pytest.raises(NotFoundError):
        store.decide("pin_run", clock.new_id(), pinned=True)
    assert list(store.decisions.read()) == []


# -- names --


def test_a_run_is_meant_by_id_part_name_and_path(store: Store) -> None:
    run = only(store)
    for text in (run, run.lower(), run[-6:], run[-4:].lower(), run[:12], "first", "e/first"):
        assert store.resolve_run(text) == run


def test_the_newest_of_a_name_is_meant(store: Store, capsys: pytest.CaptureFixture[str]) -> None:
    run_script(store.root.parent, SCRIPT, "first")
    newest = records_of(store)[-1].id
    assert store.resolve_run("first") == newest
    assert "2 runs are named 'first'" in capsys.readouterr().err


def test_an_unknown_run_is_told_with_near_names(store: Store) -> None:
    with pytest.raises(NotFoundError, match="Did you mean 'first'"):
        store.resolve_run("frist")
    with pytest.raises(NotFoundError, match="The newest are: 'first'"):
        store.resolve_run("zzz")


def test_a_part_of_several_ids_is_refused(store: Store) -> None:
    run_script(store.root.parent, SCRIPT, "second")
    with pytest.raises(InvalidError, match="part of the ids of 2 runs"):
        store.resolve_run(only_prefix(store))


def only_prefix(store: Store) -> str:
    return records_of(store)[0].id[:4]


# -- what is open --


def test_an_ended_run_is_looked_at_no_more(store: Store) -> None:
    run = only(store)
    store.refresh()
    old = clock.now() - 1000
    if store.marker(run).exists():
        os.utime(store.marker(run), (old, old))
    store.refresh()
    assert not store.marker(run).exists()
    assert records_of(store)[0].state is RunState.COMPLETE


def test_a_worker_that_outlives_its_run_is_heard(store: Store, tmp_path: Path) -> None:
    with start_script(
        tmp_path,
        """
        import os, sys, mendel
        run = mendel.start_run("orphans")
        if os.fork():
            run.finish()
            os._exit(0)
        run.log({"late": 1.0}, 1)
        print(run.id, flush=True)
        sys.stdin.read()
        run.log({"late": 2.0}, 2)
        os._exit(0)
        """,
    ) as process:
        assert process.stdout is not None
        run = process.stdout.readline().strip()
        process.wait(30)
        old = clock.now() - 1000
        os.utime(store.marker(run), (old, old))
        store.refresh()
        assert store.marker(run).exists()
        assert process.stdin is not None
        process.stdin.close()
        process.stdin = None
        process.stdout.read()  # until the worker is gone
    record = next(record for record in records_of(store) if record.id == run)
    assert record.state is RunState.COMPLETE
    assert record.series["late"].count == 2
