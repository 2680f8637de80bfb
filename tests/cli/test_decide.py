"""Deciding about runs: tags, notes, pins, the trash, and what frees space."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from front import call, fill, good, working

from mendel.graph import clock
from mendel.track.store import Store

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def ids(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, str]]:
    with working(tmp_path, monkeypatch):
        yield fill(tmp_path)


def shown(run: str) -> dict[str, Any]:
    told: dict[str, Any] = good("show", run, "--json").json()
    return told


def test_tags_keep_types_and_are_taken_from_a_pipe(ids: dict[str, str]) -> None:
    good("tag", "one", "two", "stage=final", "n=3", "ok=true", "why=a=b")
    assert (
        shown("one")["tags"].items() >= {"stage": "final", "n": 3, "ok": True, "why": "a=b"}.items()
    )
    good("tag", "one", "--remove", "n", "--text", "id=1")
    assert shown("one")["tags"].get("n") is None
    assert shown("one")["tags"]["id"] == "1"
    found = good("runs", "-f", "tags.stage = 'final'", "--ids").out
    good("tag", "-", "seen=true", text=found)
    assert good("runs", "-f", "tags.seen = true", "--json").json()["total"] == 2
    assert call("tag", "-", "a=1", text="\n").code == 1
    assert ids


def test_a_note_is_written_read_and_removed(ids: dict[str, str], monkeypatch: Any) -> None:
    assert ids
    good("note", "one", "# Good\n*really*")
    assert good("note", "one").out == "# Good\n*really*\n"
    assert "# Good" in good("show", "one").out
    good("note", "one", "-", text="from a pipe\n")
    assert shown("one")["note"] == "from a pipe"
    editor = Path("editor.sh")
    editor.write_text('#!/bin/sh\necho "and more" >> "$1"\n')
    editor.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(editor.resolve()))
    good("note", "one", "-e")
    assert shown("one")["note"] == "from a pipe\nand more"
    good("note", "one", "--remove")
    assert shown("one")["note"] is None
    assert "no note yet" in good("note", "one").err


def test_the_trash_takes_and_gives_back(ids: dict[str, str]) -> None:
    good("rm", "one", "two", "--yes")
    assert [r["name"] for r in good("runs", "--json").json()["runs"]] == ["bad", "three"]
    assert {r["name"] for r in good("runs", "--deleted", "--json").json()["runs"]} == {"one", "two"}
    good("restore", "one")
    good("restore", ids["two"][:25])
    assert good("runs", "--json").json()["total"] == 4
    assert call("restore", "one").code == 1


def test_a_run_comes_back_by_the_end_of_its_id(ids: dict[str, str]) -> None:
    good("rm", "one", "--yes")
    assert good("restore", ids["one"][-6:].lower(), "--json").json()["runs"] == [ids["one"]]


def test_an_experiment_comes_back_with_its_runs_and_without_those_that_went_before(
    ids: dict[str, str],
) -> None:
    good("rm", "one", "--yes")
    store = Store.open()
    experiment = store.catalog.get_runs([ids["two"]])[ids["two"]].experiment
    whole = store.catalog.get_experiment(experiment)
    store.decide("delete_experiment", whole.id)
    store.close()
    answer = call("restore", "two")
    assert answer.code == 1
    assert f"mendel restore -e {experiment!r}" in answer.err
    assert call("restore", "-e", "nobody").code == 1
    told = good("restore", "-e", experiment, "--json").json()
    assert told["experiments"] == [experiment]
    assert ids["two"] in told["runs"]
    assert ids["one"] not in told["runs"]
    assert "no experiment is in the trash" in good("experiments", "--deleted").err
    assert good("restore", "--all", "--json").json() == {"runs": [ids["one"]], "experiments": []}


def test_a_run_folder_without_a_record_is_told_as_such(ids: dict[str, str]) -> None:
    store = Store.open()
    empty = clock.new_id()
    store.run_folder(empty).mkdir(parents=True)
    store.close()
    answer = call("show", empty)
    assert answer.code == 1
    assert "no record" in answer.err
    assert "defect" not in answer.err
    assert ids


def test_nobody_is_asked_without_a_terminal(ids: dict[str, str]) -> None:
    answer = call("rm", "one")
    assert answer.code == 1
    assert "--yes" in answer.err
    assert good("runs", "--json").json()["total"] == 4
    assert ids


def test_a_pinned_run_is_not_deleted_and_nothing_else_with_it(ids: dict[str, str]) -> None:
    good("pin", "two")
    answer = call("rm", "one", "two", "--yes")
    assert answer.code == 1
    assert "pinned, so not deleted: two" in answer.err
    assert good("runs", "--json").json()["total"] == 4
    good("unpin", "two")
    good("rm", "two", "--yes")
    assert ids


def blob_files() -> list[Path]:
    return [p for p in Path(".mendel/blobs").rglob("*") if p.is_file() and ".new" not in p.parts]


def test_gc_says_the_bytes_and_frees_them(ids: dict[str, str]) -> None:
    assert len(blob_files()) == 1
    good("rm", "one", "--yes")
    told = good("gc", "--dry-run", "--json").json()
    assert [r["id"] for r in told["runs"]] == [ids["one"]]
    assert told["blobs"] == 1
    assert told["blob_bytes"] == 7000
    assert told["done"] is None
    assert blob_files()
    assert "nothing was touched" in good("gc", "--dry-run").err
    asked = call("gc")
    assert asked.code == 1
    assert "--yes" in asked.err
    done = good("gc", "--yes", "--json").json()["done"]
    assert done["runs"] == 1
    assert done["blobs"] == 1
    assert done["bytes"] == told["bytes"]
    assert not blob_files()
    assert not list(Path(".mendel/runs").rglob(ids["one"]))
    assert good("runs", "--deleted", "--json").json()["total"] == 0
    good("rebuild")
    assert good("runs", "--json").json()["total"] == 3
    assert "nothing to collect" in good("gc").err
    good("doctor")


def test_bytes_that_another_run_uses_stay(ids: dict[str, str]) -> None:
    import mendel

    with mendel.start_run("user") as run:
        run.use(mendel.Artifact(shown(ids["one"])["outputs"][0]["id"]))
    good("rm", "one", "--yes")
    done = good("gc", "--yes", "--json").json()
    assert done["done"]["runs"] == 1
    assert done["done"]["blobs"] == 0
    assert blob_files()
    assert shown("user")["inputs"][0]["display_name"] == "model.bin"
    assert good("doctor", "--json").json()["healthy"]


def test_gc_takes_only_what_is_old_enough(ids: dict[str, str]) -> None:
    good("rm", "one", "--yes")
    told = good("gc", "--older-than", "1d", "--yes", "--json").json()
    assert told["runs"] == []
    assert told["kept"][0]["id"] == ids["one"]
    assert "not long enough" in told["kept"][0]["why"]


def test_a_gc_that_was_killed_between_its_steps_is_finished(ids: dict[str, str]) -> None:
    from mendel.track.upkeep import gc

    good("rm", "one", "two", "--yes")
    store = Store.open(create=False)
    gone = store.root / gc.GONE
    gone.mkdir()
    for name in ("one", "two"):  # renamed, and killed before the catalog forgot them
        store.run_folder(ids[name]).rename(gone / ids[name])
    store.decide("restore_run", ids["two"])  # and its owner changed his mind
    store.close()
    good("gc", "--yes")
    assert good("runs", "--json").json()["total"] == 3
    assert shown("two")["series"]["auc"]["count"] == 20
    assert len(good("show", "two", "-m", "auc", "--json").json()["series"][0]["steps"]) == 20
    assert not list(gone.iterdir())
    assert call("show", "one").code == 1


def test_a_running_run_in_the_trash_stays(ids: dict[str, str]) -> None:
    import mendel

    run = mendel.start_run("going")
    run.log({"a": 1.0}, step=1)
    good("rm", "going", "--yes")
    kept = good("gc", "--yes", "--json").json()["kept"]
    assert [(k["id"], k["why"]) for k in kept] == [(run.id, "still running")]
    run.log({"a": 2.0}, step=2)
    mendel.end_run()
    good("gc", "--yes")
    assert ids
    assert not Store.open(create=False).run_folder(run.id).exists()
