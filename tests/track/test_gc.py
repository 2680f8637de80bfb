"""Collecting garbage frees what nobody needs, and whatever kills it, nothing else is ever lost."""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

import mendel
from mendel.graph import clock
from mendel.graph.errors import NotFoundError, ProtectedError, StateError
from mendel.track import session
from mendel.track.upkeep.gc import alone, collect, plan
from scripts import start_script

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mendel.track.store import Store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("MENDEL_QUIET", "1")
    monkeypatch.chdir(tmp_path)
    store = session.use_store(tmp_path / "store")
    mendel.init(experiment="gc", capture=False)
    yield store
    while mendel.active_run():
        mendel.end_run()
    store.close()
    session.session = session.Session()


def age(store: Store) -> None:
    """Make every blob older than the hour that young ones are kept for."""
    old = clock.now() - 7200
    for blob in store.blobs.all():
        os.utime(store.blobs.path(blob.sha256), (old, old))


def file(folder: Path, name: str, text: str) -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_run_in_the_trash_goes_with_its_files_and_bytes(store: Store, tmp_path: Path) -> None:
    with mendel.start_run("doomed") as run:
        run.log({"loss": 1.0})
        run.log_text("x", "note")
        artifact = run.log_artifact(file(tmp_path, "weights", "w" * 5000), type="model")
    run.delete()
    folder = store.run_folder(run.id)
    planned = plan(store)
    assert [doomed.id for doomed in planned.runs] == [run.id]
    assert planned.nodes == (artifact.name,)
    assert list(planned.blobs.values()) == [5000]
    assert folder.is_dir(), "a plan changes nothing"
    done = collect(store, planned)
    assert (done.runs, done.blobs) == (1, 1)
    assert done.bytes >= 5000
    assert not folder.exists()
    assert list(store.blobs.all()) == []
    assert mendel.Artifact.get(artifact.name) is None
    assert store.catalog.get_runs([run.id]) == {}
    again = plan(store)
    assert (again.runs, again.blobs, again.leftovers, again.bytes) == ((), {}, 0, 0)


def test_what_another_run_uses_stays_also_after_a_rebuild(store: Store, tmp_path: Path) -> None:
    with mendel.start_run("prepare") as prepare:
        step = mendel.start_execution(schema_title="system.Run", display_name="clean")
        with step:
            raw = prepare.log_artifact(file(tmp_path, "raw", "raw"), type="dataset")
            clean = prepare.log_artifact(
                file(tmp_path, "clean", "clean"), type="dataset", metadata={"rows": 0}
            )
            step.assign_input_artifacts([raw])
            step.assign_output_artifacts([clean])
    with mendel.start_run("train") as train:
        train.use(tmp_path / "clean")
    prepare.delete()
    age(store)
    collect(store, plan(store))
    for _ in range(2):
        kept = mendel.Artifact(clean.name)
        assert kept.read_bytes() == b"clean"
        assert kept.metadata["rows"] == 0
        assert kept.display_name == "clean"
        assert abs((kept.create_time - clean.create_time).total_seconds()) < 0.01
        assert [e.display_name for e in kept.producers()] == ["clean"]
        assert [e.name for e in kept.consumers()] == [train.id]
        assert mendel.Artifact.get(raw.name) is None
        assert [blob.size for blob in store.blobs.all()] == [5]
        assert plan(store).blobs == {}
        store.rebuild()
    train.delete()
    collect(store, plan(store))
    age(store)
    assert mendel.Artifact.get(clean.name) is not None, "it belongs to no doomed run any more"


def test_what_somebody_grouped_stays(store: Store, tmp_path: Path) -> None:
    with mendel.start_run("doomed") as run:
        artifact = run.log_artifact(file(tmp_path, "a", "a"))
    group = mendel.Context.create("system.Experiment", display_name="keep these")
    group.add_artifacts_and_executions([artifact.name])
    run.delete()
    age(store)
    collect(store, plan(store))
    store.rebuild()
    assert group.get_artifacts() == [artifact]
    assert mendel.Artifact(artifact.name).read_bytes() == b"a"


def test_pinned_and_running_runs_are_protected(store: Store) -> None:
    pinned, running = mendel.start_run("pinned"), mendel.start_run("running", nested=True)
    store.decide("pin_run", pinned.id, pinned=True)
    with pytest.raises(ProtectedError, match="pinned"):
        pinned.delete()
    running.delete()
    planned = plan(store)
    assert {kept.name: kept.why for kept in planned.kept}["running"] == "still running"
    assert running.id not in [doomed.id for doomed in planned.runs]
    collect(store, planned)
    running.log({"x": 1.0})
    running.finish()


def test_bytes_that_two_artifacts_share_stay_while_one_does(store: Store, tmp_path: Path) -> None:
    path = file(tmp_path, "same", "same bytes")
    with mendel.start_run("one") as one:
        one.log_artifact(path)
    with mendel.start_run("two") as two:
        kept = two.log_artifact(path)
    one.delete()
    age(store)
    assert plan(store).blobs == {}
    collect(store, plan(store))
    assert kept.read_bytes() == b"same bytes"


def test_a_young_blob_that_nobody_refers_to_yet_stays(store: Store) -> None:
    blob = store.blobs.put(b"about to be said whose")
    planned = plan(store)
    assert (planned.blobs, planned.young) == ({}, blob.size)
    age(store)
    planned = plan(store)
    assert planned.blobs == {blob.sha256: blob.size}
    store.blobs.put(b"about to be said whose")
    assert collect(store, planned).blobs == 0
    assert store.blobs.find(blob.sha256)


def test_a_missing_blob_does_not_stop_a_collection(store: Store, tmp_path: Path) -> None:
    with mendel.start_run("doomed") as run:
        artifact = run.log_artifact(file(tmp_path, "a", "a"))
        run.log_artifact(file(tmp_path, "b", "b"))
    store.blobs.path(str(artifact.metadata["sha256"])).unlink()
    run.delete()
    age(store)
    assert collect(store, plan(store)).blobs == 1
    assert list(store.blobs.all()) == []


def test_a_folder_keeps_its_files_and_frees_them_with_it(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file(folder, "a", "a")
    file(folder, "b", "bb")
    with mendel.start_run("one") as run:
        run.log_artifact(folder)
    age(store)
    assert plan(store).blobs == {}
    run.delete()
    assert collect(store, plan(store)).blobs == 3
    assert list(store.blobs.all()) == []


def test_a_folder_that_cannot_be_read_frees_no_bytes(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    file(folder, "a", "a")
    with mendel.start_run("kept") as run:
        artifact = run.log_artifact(folder)
    store.blobs.put(b"nobody's")
    age(store)
    manifest = store.blobs.path(str(artifact.metadata["sha256"]))
    manifest.chmod(0o644)
    manifest.write_bytes(b"flipped")
    planned = plan(store)
    assert planned.blobs == {}
    assert len(planned.doubts) == 1
    collect(store, planned)
    assert len(list(store.blobs.all())) == 3


def test_what_was_restored_meanwhile_is_left(store: Store) -> None:
    with mendel.start_run("back") as run:
        run.log({"x": 1.0})
    run.delete()
    planned = plan(store)
    store.decide("restore_run", run.id)
    assert collect(store, planned).runs == 0
    assert store.run_folder(run.id).is_dir()


def test_two_collections_at_once_do_not_meet(store: Store) -> None:
    with mendel.start_run("doomed") as run:
        pass
    run.delete()
    planned = plan(store)
    with alone(store.root), pytest.raises(StateError, match="another"):
        collect(store, planned)
    assert store.run_folder(run.id).is_dir()
    assert collect(store, planned).runs == 1


KILLED = """
    import os, pathlib, shutil, signal, sys
    from mendel.track.store import Store
    from mendel.track.upkeep.gc import collect, plan

    left = int(sys.argv[2])

    def count():
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def mortal(kind, name):
        real = getattr(kind, name)
        def dying(*args, **more):
            count()
            found = real(*args, **more)
            count()
            return found
        setattr(kind, name, dying)

    store = Store.open(sys.argv[1])
    planned = plan(store)
    for name in ("rename", "replace", "unlink"):
        mortal(pathlib.Path, name)
    mortal(os, "unlink")
    mortal(os, "rmdir")
    mortal(type(store.catalog), "decide")
    mortal(type(store.ledger), "flush")
    collect(store, planned)
    store.close()
    print("done")
"""


# At night every step, by day every third.
STRIDE = 1 if os.environ.get("HYPOTHESIS_PROFILE") == "night" else 3


@pytest.mark.crash
@pytest.mark.timeout(600)
def test_kill_9_at_every_step_loses_nothing_and_the_next_collection_finishes(
    store: Store, tmp_path: Path
) -> None:
    with mendel.start_run("prepare") as prepare:
        raw = prepare.log_artifact(file(tmp_path, "raw", "raw"))
        clean = prepare.log_artifact(file(tmp_path, "clean", "clean"))
        prepare.log_text("x", "note")
    with mendel.start_run("train") as train:
        train.use(clean)
        train.log({"loss": 0.5}, 3)
        kept = train.log_artifact(file(tmp_path, "model", "model"))
    with mendel.start_run("doomed too") as other:
        other.log_artifact(file(tmp_path, "other", "other"))
    prepare.delete()
    other.delete()
    age(store)
    store.close()
    finished = False
    steps = 0
    while not finished:
        copy = tmp_path / f"copy{steps}"
        shutil.copytree(tmp_path / "store", copy)
        with start_script(tmp_path, KILLED, str(copy), str(steps)) as child:
            out, err = child.communicate(timeout=60)
        finished = "done" in out
        assert finished or child.returncode == -9, err
        steps += STRIDE
        session.use_store(copy)
        after = session.current_store()
        for _ in range(2):  # as it is, and after a collection that goes on
            after.refresh()
            assert train.id in after.catalog.get_runs([train.id])
            assert after.catalog.series([train.id], ["loss"])[0].values.tolist() == [0.5]
            assert mendel.Artifact(kept.name).read_bytes() == b"model"
            assert mendel.Artifact(clean.name).read_bytes() == b"clean"
            collect(after, plan(after))
        after.rebuild()
        assert mendel.Artifact(clean.name).read_bytes() == b"clean"
        assert after.catalog.get_runs([prepare.id, other.id]) == {}
        with pytest.raises(NotFoundError):
            mendel.Artifact(raw.name)
        assert sorted(blob.size for blob in after.blobs.all()) == [5, 5]
        assert not after.run_folder(prepare.id).exists()
        assert plan(after).bytes == 0
        after.close()
        shutil.rmtree(copy)
    assert steps > 10, "the steps of a collection were hardly counted"
    session.use_store(store)
