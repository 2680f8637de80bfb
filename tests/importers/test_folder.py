"""What left comes back: exports, stores and copied run folders, as often as wanted."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import mendel
from mendel.graph.errors import AlreadyExistsError, InvalidError, NewerStoreError, NotFoundError
from mendel.graph.lineage import NodeKind
from mendel.graph.run import RunState
from mendel.importers.folder import look, take
from mendel.journal.seal import seal
from mendel.track import session
from mendel.track.moving.export import export
from mendel.track.moving.tables import TABLES
from mendel.track.store import Store
from mendel.track.words import NodeQuery, RunQuery

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mendel.track.moving.arriving import Arrival


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MENDEL_QUIET", "1")
    yield tmp_path
    leave()


def leave() -> None:
    while mendel.active_run():
        mendel.end_run()
    if session.session.store is not None:
        session.session.store.close()
    session.session = session.Session()


def begin(root: Path) -> Store:
    store = session.use_store(root)
    mendel.init(experiment="moving", capture=False)
    return store


def everything(store: Store) -> dict[str, Any]:
    """Return all that a store knows, in a form that can be compared."""
    store.refresh()
    catalog = store.catalog
    ids = catalog.find_runs(RunQuery(deleted=None, limit=None)).ids
    runs = {i: replace(r, updated=None) for i, r in catalog.get_runs(ids).items()}
    series = [
        (s.run, s.key, s.steps.tolist(), [repr(v) for v in s.values.tolist()], s.times.tolist())
        for s in catalog.series(ids)
    ]
    nodes = {
        n.id: (n.kind, n.display_name, n.uri, n.metadata, n.run, n.description)
        for kind in NodeKind
        for n in catalog.find_nodes(NodeQuery(kind, limit=None))[0]
    }
    events = {(e.execution, e.artifact, e.kind, e.time) for e in catalog.events(list(nodes))}
    return {
        "runs": {i: repr(r) for i, r in runs.items()},
        "series": sorted(series),
        "values": {i: catalog.series_values(i) for i in ids},
        "nodes": nodes,
        "events": events,
        "experiments": [(e.id, e.name, e.deleted) for e in catalog.experiments(deleted=None)],
    }


def twin(source: Path, target: Path) -> None:
    """Copy a folder as rsync would: what goes away meanwhile is no error."""
    for _ in range(5):
        try:
            shutil.copytree(source, target, dirs_exist_ok=True)
            return
        except shutil.Error:
            shutil.rmtree(target)
    raise AssertionError(f"{source} never came to rest")


def bring(source: Path, target: Store) -> Arrival:
    return take(target, look(source))


NUMBERS = (
    st.floats(allow_nan=True, allow_infinity=True) | st.integers(-(2**60), 2**60) | st.booleans()
)
KEYS = st.text(min_size=1, max_size=12)
RUNS = st.lists(
    st.fixed_dictionaries(
        {
            "params": st.dictionaries(KEYS, NUMBERS | st.text(max_size=20) | st.none(), max_size=3),
            "points": st.lists(st.tuples(st.integers(-5, 50), NUMBERS), max_size=8),
            "key": KEYS,
            "tags": st.dictionaries(KEYS, st.text(max_size=8), max_size=2),
            "note": st.none() | st.text(min_size=1, max_size=20),
            "fate": st.sampled_from(["", "fails", "trash", "pin"]),
        }
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=8)
@given(RUNS, st.sampled_from(["parquet", "jsonl"]))
def test_an_export_gives_the_same_store_again(
    tmp_path_factory: pytest.TempPathFactory, runs: list[dict[str, Any]], kind: str
) -> None:
    folder = tmp_path_factory.mktemp("moving")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MENDEL_QUIET", "1")
        patch.chdir(folder)
        source = begin(folder / "source")
        for told in runs:
            run = mendel.start_run()
            run.log_params(told["params"])
            for step, value in told["points"]:
                run.log({told["key"]: value}, step=step)
            run.log({"text": {"a": [1, None]}}, step=1)
            run.set_tags(told["tags"])
            keep(run, repr(told))
            mendel.end_run(RunState.FAILED if told["fate"] == "fails" else RunState.COMPLETE)
            if told["note"]:
                source.decide("note_run", run.id, note=told["note"])
            if told["fate"] == "trash":
                source.decide("delete_run", run.id)
            if told["fate"] == "pin":
                source.decide("pin_run", run.id, pinned=True)
        export(source, folder / "out", kind=kind)
        target = Store.open(folder / "target")
        first = bring(folder / "out", target)
        assert not first.problems
        assert len(first.new) == len(runs)
        assert everything(target) == everything(source)
        again = bring(folder / "out", target)
        assert (again.new, again.updated, again.bytes, again.decisions) == ([], [], 0, 0)
        assert everything(target) == everything(source)
        target.rebuild()
        assert everything(target) == everything(source)
        target.close()
        leave()


def keep(run: Any, text: str) -> None:
    path = Path("model.bin")
    path.write_bytes(text.encode("utf-8", "replace"))
    run.log_artifact(path, type="model")


def made(root: Path, names: str = "ab") -> tuple[Store, dict[str, str]]:
    store = begin(root)
    ids = {}
    for name in names:
        with mendel.start_run(name) as run:
            ids[name] = run.id
            run.log_params({"lr": 0.1})
            for step in range(10):
                run.log({"loss": 1 / (step + 1), "n": step}, step=step)
            keep(run, f"model of {name}")
            run.log_text("a note", "notes")
    store.refresh()
    return store, ids


def test_a_copied_run_folder_placed_under_a_store_shows_up(here: Path) -> None:
    source, ids = made(here / "source")
    target = Store.open(here / "target")
    target.refresh()
    place = target.run_folder(ids["a"])
    place.parent.mkdir(parents=True)
    twin(source.run_folder(ids["a"]), place)
    target.refresh()
    found = target.catalog.get_runs([ids["a"]])[ids["a"]]
    assert found.series["loss"].count == 10
    assert found.name == "a"
    target.close()


def test_one_runs_folder_comes_with_its_files_bytes_and_decisions(here: Path) -> None:
    source, ids = made(here / "source")
    source.decide("note_run", ids["a"], note="good")
    source.decide("tag_run", ids["a"], set={"stage": "final"})
    source.decide("tag_run", ids["b"], set={"stage": "other"})
    target = Store.open(here / "target")
    arrival = bring(source.run_folder(ids["a"]), target)
    assert arrival.new == [ids["a"]]
    assert arrival.decisions == 2
    assert arrival.blobs == 1
    assert not arrival.missing
    record = target.catalog.get_runs([ids["a"]])[ids["a"]]
    assert record.note == "good"
    assert record.tags["stage"] == "final"
    files = {p.name for p in (source.run_folder(ids["a"]) / "files").rglob("*") if p.is_file()}
    assert files
    assert files == {
        p.name for p in (target.run_folder(ids["a"]) / "files").rglob("*") if p.is_file()
    }
    target.close()


def test_a_folder_that_lost_its_name_says_itself_which_run_it_is(here: Path) -> None:
    source, ids = made(here / "source", "a")
    twin(source.run_folder(ids["a"]), here / "from-cluster")
    target = Store.open(here / "target")
    arrival = bring(here / "from-cluster", target)
    assert arrival.new == [ids["a"]]
    assert len(arrival.missing) == 1  # the model's bytes did not travel with it
    assert arrival.missing[0].startswith("blob:sha256/")
    bring(here / "source", target)
    assert bring(here / "source", target).missing == []
    target.close()


def test_a_run_that_went_on_brings_what_is_new(here: Path) -> None:
    source = begin(here / "source")
    run = mendel.start_run("going")
    for step in range(5):
        run.log({"loss": 1.0}, step=step)
    twin(here / "source", here / "copy-1")
    for step in range(5, 9):
        run.log({"loss": 2.0}, step=step)
    run.log_params({"late": 1})
    twin(here / "source", here / "copy-2")
    mendel.end_run()
    target = Store.open(here / "target")

    def count() -> int:
        target.refresh([run.id])
        return target.catalog.get_runs([run.id])[run.id].series["loss"].count

    assert bring(here / "copy-1", target).new == [run.id]
    assert count() == 5
    assert bring(here / "copy-2", target).updated == [run.id]
    assert count() == 9
    assert bring(here / "copy-1", target).same == [run.id]  # the past changes nothing
    assert count() == 9
    assert bring(here / "source", target).updated == [run.id]
    assert target.catalog.get_runs([run.id])[run.id].state is RunState.COMPLETE
    source.refresh()
    assert everything(target)["series"] == everything(source)["series"]
    target.close()


def test_a_later_decision_made_here_wins_over_an_earlier_one_from_there(here: Path) -> None:
    source, ids = made(here / "source", "a")
    source.decide("note_run", ids["a"], note="from there")
    target = Store.open(here / "target")
    twin(source.run_folder(ids["a"]), target.run_folder(ids["a"]))
    target.refresh()
    target.decide("note_run", ids["a"], note="from here, later")
    bring(here / "source", target)
    assert target.catalog.get_runs([ids["a"]])[ids["a"]].note == "from here, later"
    source.decide("note_run", ids["a"], note="from there, last")
    bring(here / "source", target)
    assert target.catalog.get_runs([ids["a"]])[ids["a"]].note == "from there, last"
    target.close()


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("share", [0.2, 0.3, 0.9])
def test_a_damaged_copy_never_replaces_a_sound_one_and_is_mended_by_it(
    here: Path, sealed: bool, share: float
) -> None:
    source = begin(here / "source")
    run = mendel.start_run("a")
    for step in range(800):
        run.log({"loss": 1 / (step + 1), "n": step % 2}, step=step // 40)
    ids = {"a": run.id}
    if sealed:
        mendel.end_run()
        seal(source.journal_folder(run.id))
    twin(here / "source", here / "broken")
    [segment] = (here / "broken").rglob(f"{ids['a']}/journal/*.md?")
    data = bytearray(segment.read_bytes())
    data[int(len(data) * share)] ^= 0xFF
    segment.write_bytes(data)
    [sound] = source.run_folder(ids["a"]).glob("journal/*.md?")
    before = sound.read_bytes()
    arrival = bring(here / "broken", source)
    assert "was left" in arrival.problems[0]
    assert sound.read_bytes() == before
    broken = Store.open(here / "broken")
    assert not bring(here / "source", broken).problems
    if sealed or share < 0.5:  # else the noise stands behind the last record, and loses nothing
        assert segment.read_bytes() == before
    broken.close()


def test_a_part_of_a_store_is_exported_with_what_belongs_to_it(here: Path) -> None:
    source, ids = made(here / "source", "abc")
    source.decide("tag_run", ids["a"], set={"keep": True})
    source.decide("tag_run", ids["b"], set={"keep": False})
    done = export(source, here / "out", [ids["a"], ids["c"]], kind="jsonl")
    assert done.runs == 2
    assert done.rows["decisions"] == 1
    rows = [json.loads(line) for line in (here / "out/runs.jsonl").read_text().splitlines()]
    assert [row["id"] for row in rows] == [ids["a"], ids["c"]]
    assert rows[0]["params"] == {"lr": 0.1}
    points = [json.loads(line) for line in (here / "out/points.jsonl").read_text().splitlines()]
    assert len(points) == 40
    assert points[0]["key"] == "loss"
    assert {p["integer"] for p in points if p["key"] == "n"} == set(range(10))
    target = Store.open(here / "target")
    arrival = bring(here / "out", target)
    assert sorted(arrival.new) == sorted([ids["a"], ids["c"]])
    assert arrival.blobs == 2
    target.close()
    with pytest.raises(AlreadyExistsError):
        export(source, here / "out")


def test_parquet_tables_are_read_by_others(here: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    source, ids = made(here / "source")
    export(source, here / "out", kind="parquet")
    told = json.loads((here / "out/export.json").read_text())
    for table, columns in TABLES.items():
        frame = pandas.read_parquet(here / f"out/{table}.parquet")
        assert list(frame.columns) == list(columns)
        assert len(frame) == told["tables"][table]["rows"]
    points = pandas.read_parquet(here / "out/points.parquet")
    loss = points[(points.run == ids["a"]) & (points.key == "loss")]
    assert loss.value.tolist() == [1 / (s + 1) for s in range(10)]
    assert str(points.time.dtype).startswith("datetime64")


def test_nothing_is_left_of_an_export_that_failed(here: Path) -> None:
    source, _ = made(here / "source", "a")

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export(source, here / "out", progress=stop)
    assert sorted(p.name for p in here.iterdir()) == ["model.bin", "source"]


def test_what_cannot_be_imported_says_why(here: Path) -> None:
    source, _ = made(here / "source", "a")
    (here / "empty").mkdir()
    (here / "file.zip").write_bytes(b"PK")
    export(source, here / "tables", native=False)
    newer = here / "newer"
    twin(here / "source", newer)
    (newer / "store.json").write_text('{"format": 99}')
    for place, error, words in (
        (here / "nowhere", NotFoundError, "no folder"),
        (here / "empty", NotFoundError, "no run was found"),
        (here / "file.zip", InvalidError, "Unpack it"),
        (here / "tables", InvalidError, "tables only"),
        (newer, NewerStoreError, "newer Mendel"),
    ):
        with pytest.raises(error, match=words):
            look(place)


def test_a_purged_run_of_another_store_stays_here(here: Path) -> None:
    source, ids = made(here / "source")
    target = Store.open(here / "target")
    bring(here / "source", target)
    source.decide("delete_run", ids["a"])
    from mendel.track.upkeep.gc import collect, plan

    collect(source, plan(source))
    bring(here / "source", target)
    assert ids["a"] in target.catalog.get_runs([ids["a"]])
    assert target.catalog.get_runs([ids["a"]])[ids["a"]].series["loss"].count == 10
    target.close()


def test_what_was_purged_and_brought_again_outlives_a_rebuild(here: Path) -> None:
    from mendel.track.upkeep.gc import collect, plan

    source, ids = made(here / "source")
    source.decide("note_run", ids["a"], note="before")
    export(source, here / "out")
    source.decide("delete_run", ids["a"])
    collect(source, plan(source))
    assert ids["a"] not in source.catalog.get_runs([ids["a"]])
    assert bring(here / "out", source).new == [ids["a"]]
    source.decide("tag_run", ids["a"], set={"back": True})
    assert source.catalog.get_runs([ids["a"]])[ids["a"]].tags == {"back": True}
    source.close()
    again = Store.open(here / "source")
    before = everything(again)
    again.rebuild()
    assert everything(again) == before
    again.close()
