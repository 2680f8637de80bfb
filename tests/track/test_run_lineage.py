"""What a run uses and makes: its place in the graph, and the bytes behind it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import mendel
from mendel.graph.errors import CorruptError, InvalidError, NotFoundError, StoreError
from mendel.track import session
from mendel.track.notice import MendelWarning
from scripts import run_script, the_record

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mendel.track.store import Store


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    monkeypatch.setenv("MENDEL_QUIET", "1")
    monkeypatch.chdir(tmp_path)
    store = session.use_store(tmp_path / "store")
    mendel.init(experiment="lineage", capture=False)
    yield store
    while mendel.active_run():
        mendel.end_run()
    store.close()
    session.session = session.Session()


def names(found: Any) -> list[str]:
    return [one.display_name for one in found]


def test_a_file_is_kept_and_read_back(tmp_path: Path, store: Store) -> None:
    source = tmp_path / "model.bin"
    source.write_bytes(b"weights")
    with mendel.start_run("train") as run:
        artifact = run.log_artifact(
            source, type="model", metadata={"auc": 0.0}, description="the first"
        )
        assert artifact.schema_title == "system.Model"
        assert artifact.display_name == "model.bin"
        source.unlink()
        assert artifact.read_bytes() == b"weights"
    found = mendel.Artifact(artifact.name)
    assert found.stored
    assert found.size == 7
    assert found.metadata["auc"] == 0.0
    assert found.uri == f"blob:sha256/{found.metadata['sha256']}"
    with found.open() as stream:
        assert stream.read() == b"weights"
    assert found.fetch(tmp_path / "back/model.bin").read_bytes() == b"weights"
    assert names(run.outputs()) == names(run.get_artifacts()) == ["model.bin"]
    assert run.inputs() == []
    assert [one.name for one in found.producers()] == [run.id]
    with pytest.raises(InvalidError, match="one file"):
        found.files()
    blob = store.blobs.path(str(found.metadata["sha256"]))
    blob.chmod(0o644)
    blob.write_bytes(b"flipped")
    with pytest.raises(CorruptError):
        found.read_bytes()


def test_a_folder_is_one_artifact(tmp_path: Path) -> None:
    folder = tmp_path / "checkpoint"
    (folder / "sub").mkdir(parents=True)
    (folder / "sub/a.txt").write_text("a")
    (folder / "b.txt").write_text("bb")
    run = mendel.start_run()
    artifact = run.log_artifact(folder, "ckpt", type="checkpoint")
    [same] = run.log_artifacts(folder)
    assert artifact.uri == same.uri
    assert artifact.schema_title == "checkpoint"
    assert [entry.path for entry in artifact.files()] == ["b.txt", "sub/a.txt"]
    assert (artifact.size, artifact.metadata["files"]) == (3, 2)
    assert (artifact.fetch(tmp_path / "back") / "sub/a.txt").read_text() == "a"
    with artifact.open("b.txt") as stream:
        assert stream.read() == b"bb"
    with pytest.raises(InvalidError, match="is a folder"):
        artifact.read_bytes()
    with pytest.raises(NotFoundError, match="no file"):
        artifact.open("c.txt")


def test_several_things_are_logged_at_once(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / name).write_text(name)
    run = mendel.start_run()
    assert names(run.log_artifacts([tmp_path / "a", "b"], "plots")) == ["plots/a", "plots/b"]
    assert names(mendel.log_artifacts(["s3://bucket/c"])) == ["c"]


def test_bytes_may_stay_where_they_are(tmp_path: Path, store: Store) -> None:
    source = tmp_path / "über data.csv"
    source.write_text("x")
    run = mendel.start_run()
    artifact = run.log_artifact(source, copy=False)
    assert artifact.uri == source.as_uri()
    assert not artifact.stored
    assert list(store.blobs.all()) == []
    assert artifact.read_bytes() == b"x"
    assert artifact.fetch(tmp_path / "to/y").read_text() == "x"
    source.write_text("y")
    for read in (artifact.read_bytes, lambda: artifact.fetch(tmp_path / "z")):
        with pytest.raises(CorruptError, match="was changed since"):
            read()
    source.unlink()
    with pytest.raises(NotFoundError, match="only refers to it"):
        artifact.read_bytes()


def test_one_runs_output_is_known_as_anothers_input(tmp_path: Path) -> None:
    data = tmp_path / "data.csv"
    data.write_text("1,2")
    with mendel.start_run("prepare") as prepare:
        raw = prepare.use(data, type="dataset")
        (tmp_path / "clean.csv").write_text("1")
        prepare.make(tmp_path / "clean.csv", type="dataset")
    (tmp_path / "copy of clean.csv").write_text("1")
    with mendel.start_run("train") as train:
        clean = train.use(tmp_path / "copy of clean.csv")
        assert clean.display_name == "clean.csv"
        assert train.use(data) == raw
        (tmp_path / "model").write_text("m")
        model = train.log_artifact(tmp_path / "model", type="model")
    graph = mendel.lineage(model, "upstream")
    assert {node.display_name for node in graph.artifacts} == {"data.csv", "clean.csv", "model"}
    assert {node.display_name for node in graph.executions} == {"prepare", "train"}
    assert {node.schema_title for node in graph.executions} == {"system.Run"}
    down = raw.lineage("downstream", hops=1)
    assert {node.display_name for node in down.artifacts} == {"data.csv", "clean.csv", "model"}
    assert [e.name for e in clean.producers()] == [prepare.id]
    assert [e.name for e in clean.consumers()] == [train.id]
    assert {n.display_name for n in train.lineage().executions} == {"prepare", "train"}
    assert len(mendel.lineage(model.name, hops=0).artifacts) == 1
    with pytest.raises(InvalidError):
        mendel.lineage(model, hops=-1)
    with pytest.raises(InvalidError, match="there are: upstream"):
        mendel.lineage(model, "sideways")
    with pytest.raises(NotFoundError):
        mendel.lineage("absent")


def test_bytes_that_lie_anywhere_are_one_artifact_to_all(tmp_path: Path, store: Store) -> None:
    for name in ("here", "there"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "data.csv").write_text("same")
    with mendel.start_run("one") as one:
        first = one.use(tmp_path / "here/data.csv", type="dataset", metadata={"rows": 1})
    with mendel.start_run("two") as two:
        assert two.use("there/data.csv", "another name") == first
        assert two.use(tmp_path / "here") == two.use(tmp_path / "there")
    found = mendel.Artifact(first.name)
    assert found.display_name == "data.csv"
    assert found.metadata["rows"] == 1
    assert [run.name for run in found.consumers()] == [one.id, two.id]
    (tmp_path / "here/data.csv").write_text("changed")
    with mendel.start_run("three") as three:
        assert three.use("here/data.csv") != first
        kept = three.use("there/data.csv", copy=True)
        assert kept == first or kept.stored
    assert list(store.blobs.all())


def test_a_catalog_that_cannot_be_asked_costs_an_edge_not_the_run(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "data").write_text("d")
    run = mendel.start_run()

    def broken(*_: object) -> None:
        raise StoreError("the catalog is damaged")

    monkeypatch.setattr(type(store.intake), "catch_up", broken)
    artifact = run.use("data")
    assert run.use("s3://b/x").uri == "s3://b/x"
    monkeypatch.undo()
    assert artifact in run.inputs()


def test_things_are_used_by_artifact_id_and_address() -> None:
    made = mendel.Artifact.create("system.Dataset", resource_id="data", uri="s3://b/x")
    run = mendel.start_run()
    assert run.use(made) == run.use("data") == run.use("s3://b/x") == made
    other = run.use("s3://b/folder/y", type="dataset")
    assert (other.display_name, other.uri) == ("y", "s3://b/folder/y")
    assert len(run.inputs()) == 2
    with pytest.raises(FileNotFoundError, match="no artifact of that id"):
        run.use("absent.csv")


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        (("absent.bin",), FileNotFoundError, "absent.bin"),
        ((5,), TypeError, "log_table, log_image"),
        (("x", ""), ValueError, "empty"),
        (("x", "name", {"metadata": {"a": object()}}), TypeError, "metadata field 'a'"),
        (("x", "name", {"type": 5}), TypeError, "type must be text"),
        (("x", "name", {"description": 5}), TypeError, "description must be text"),
    ],
)
def test_wrong_input_is_told_before_anything_is_written(
    tmp_path: Path, store: Store, given: Any, error: type[Exception], told: str
) -> None:
    (tmp_path / "x").write_text("x")
    run = mendel.start_run()
    more = given[2] if len(given) > 2 else {}
    with pytest.raises(error, match=told):
        run.log_artifact(*given[:2], **more)
    assert run.get_artifacts() == []
    assert list(store.blobs.all()) == []


def test_a_full_disk_leaves_a_pending_artifact_and_training_goes_on(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "big").write_text("big")
    run = mendel.start_run()

    def full(*_: object) -> None:
        raise StoreError("a blob could not be stored: No space left on device.")

    monkeypatch.setattr(type(store.blobs), "put", full)
    with pytest.warns(MendelWarning, match="artifact 'big' was not logged"):
        artifact = run.log_artifact("big")
    assert artifact.state is mendel.Artifact.State.PENDING
    assert artifact.uri is None
    mendel.init(strict=True)
    with pytest.raises(StoreError, match="No space"):
        run.log_artifact("big")


def test_what_a_parent_made_is_known_to_its_children(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("d")
    parent = mendel.start_run("parent")
    made = parent.log_artifact("data", type="dataset")
    script = """
        import mendel
        with mendel.start_run("child") as run:
            print(run.use("data").name)
    """
    done = run_script(tmp_path, script, env={"MENDEL_STORE": str(parent.store.root)})
    assert done.stdout.strip() == made.name


LIGHT = """
    import sys
    import mendel
    from pathlib import Path
    with mendel.start_run("r", experiment="e", capture=False) as run:
        with mendel.start_execution(schema_title="system.Run") as step:
            step.assign_input_artifacts([mendel.Artifact.create("system.Dataset")])
        run.log_artifact("data")
        run.log_text("t", "t")
        run.log_dict({"a": [1]}, "d")
        run.log_table({"a": [1]}, "tab")
        run.log_classification_metrics(labels=["a"], matrix=[[1]])
        print([m for m in ("numpy", "pandas", "sqlite3", "click", "psutil") if m in sys.modules])
        run.use("data")
        print([m for m in ("numpy", "pandas", "click", "psutil") if m in sys.modules])
"""


def test_writing_lineage_and_media_loads_nothing_heavy(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("d")
    assert run_script(tmp_path, LIGHT).stdout == "[]\n[]\n"


FULL = """
    import resource, warnings
    import mendel
    warnings.simplefilter("default")
    run = mendel.start_run("full", experiment="full", capture=False)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    artifact = run.log_artifact("big")
    run.log_text("x" * (2 << 20), "long")
    run.log({"loss": 0.5}, 1)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
    print(artifact.state, artifact.uri, run.store.blobs.leftovers())
    run.finish()
"""


def test_a_disk_that_really_takes_no_more_costs_the_artifact_only(tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * (2 << 20))
    done = run_script(tmp_path, FULL)
    assert done.stdout == "PENDING None 0\n"
    assert "artifact 'big' was not logged" in done.stderr
    assert "text 'long' was not logged" in done.stderr
    record = the_record(tmp_path)
    assert record.state is mendel.RunState.COMPLETE
    assert record.series["loss"].last == 0.5
    assert len(record.alerts) == 2


def test_classification_metrics_come_back_as_they_went_in() -> None:
    run = mendel.start_run()
    first = mendel.log_classification_metrics(
        labels=["cat", "dog"], matrix=np.array([[9, 1], [0, 5]]), display_name="val"
    )
    mendel.log_classification_metrics(
        fpr=[0.0, 0.5, 1.0], tpr=[0.0, 0.9, 1.0], threshold=[math.inf, 0.5, 0.0]
    )
    assert first.schema_title == "google.ClassificationMetrics"
    assert mendel.Artifact(first.name).metadata["confusionMatrix"] == {
        "annotationSpecs": [{"displayName": "cat"}, {"displayName": "dog"}],
        "rows": [[9, 1], [0, 5]],
    }
    matrix, curve = run.get_classification_metrics()
    assert matrix == {
        "id": first.name,
        "display_name": "val",
        "labels": ["cat", "dog"],
        "matrix": [[9, 1], [0, 5]],
        "fpr": None,
        "tpr": None,
        "threshold": None,
    }
    assert curve["threshold"] == [math.inf, 0.5, 0.0]
    assert curve["labels"] is None
    with pytest.raises(ValueError, match="square"):
        run.log_classification_metrics(labels=["a", "b"], matrix=[[1, 2], [3]])
    assert len(run.get_classification_metrics()) == 2
    assert names(run.get_artifacts()) == ["val", "metrics"]


def test_a_run_that_was_found_takes_artifacts_too(tmp_path: Path) -> None:
    (tmp_path / "report").write_text("r")
    with mendel.start_run("old"):
        pass
    found = mendel.ExperimentRun("old", "lineage")
    found.log_artifact("report")
    found.log_text("late", "note")
    assert names(found.outputs()) == ["report"]
    assert found.media("note")[0].load() == "late"
    found.finish()
    assert found.state is mendel.RunState.COMPLETE


def test_executions_are_associated_with_a_run() -> None:
    execution = mendel.Execution.create("system.ContainerExecution", display_name="outside")
    run = mendel.start_run()
    run.associate_execution(execution)
    execution.assign_output_artifacts([mendel.Artifact.create("system.Model", display_name="m")])
    assert names(run.get_executions()) == ["outside"]
    assert names(run.get_artifacts()) == ["m"]
    with pytest.raises(TypeError):
        run.associate_execution(run)  # type: ignore[arg-type]


def test_without_a_run_the_verbs_say_what_to_do() -> None:
    with pytest.raises(ValueError, match="start_run"):
        mendel.log_text("x", "y")
    with pytest.raises(ValueError, match="start_run"):
        mendel.log_classification_metrics(labels=["a"], matrix=[[1]])
