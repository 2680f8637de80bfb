"""A run keeps what it is told, typed as it came, and answers in the words that fingers know."""

from __future__ import annotations

import argparse
import dataclasses
import math
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

import mendel
from mendel.graph.errors import AlreadyExistsError, NotFoundError, QueryError, StateError
from mendel.graph.run import Goal, RunState
from mendel.track import session as sessions
from mendel.track.session import Session
from scripts import records_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mendel.track.store import Store


@pytest.fixture(autouse=True)
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Store]:
    """A store, an experiment and a session of the test's own."""
    monkeypatch.setenv("MENDEL_CAPTURE", "none")
    monkeypatch.setenv("MENDEL_QUIET", "1")
    monkeypatch.setattr(sessions, "session", Session())
    monkeypatch.chdir(tmp_path)
    mendel.init(experiment="e", store=tmp_path / ".mendel")
    yield sessions.current_store()
    while (run := mendel.active_run()) is not None:
        run.finish()
    sessions.current_store().close()


# -- values keep their types --

VALUES: dict[str, Any] = {
    "int": 45,
    "big": 1 << 80,
    "float": 1.0,
    "nan": math.nan,
    "inf": -math.inf,
    "bool": True,
    "text": "ünï\u200bcode",
    "none": None,
    "list": [1, 2.5, "x", None],
    "dict": {"a": {"b": [True]}},
    "time": datetime(2026, 11, 23, tzinfo=UTC),
}


def test_params_and_metrics_come_back_as_they_went_in() -> None:
    with mendel.start_run("r") as run:
        mendel.log_params(VALUES)
        mendel.log_metrics(VALUES)
    for back in (run.get_params(), run.get_metrics()):
        assert back.keys() == VALUES.keys()
        for name, value in back.items():
            assert type(value) is type(VALUES[name])
            assert value == VALUES[name] or math.isnan(value)  # type: ignore[arg-type]


def test_numpy_is_taken_as_the_python_values_it_stands_for() -> None:
    with mendel.start_run("r") as run:
        run.log_params({"i": np.int64(3), "f": np.float32(0.5), "a": np.arange(3), "b": np.True_})
        assert run.get_params() == {"i": 3, "f": 0.5, "a": [0, 1, 2], "b": True}


@pytest.mark.parametrize("bad", [{"x": object()}, {1: 2}, "lr", 3, {"a": {"b": {1, 2}}}])
def test_what_cannot_be_kept_is_a_type_error_and_loses_nothing(bad: Any) -> None:
    with mendel.start_run("r") as run:
        run.log_params({"kept": 1})
        with pytest.raises(TypeError):
            run.log_params(bad)
        with pytest.raises(TypeError):
            run.log_metrics(bad)
        with pytest.raises(TypeError):
            run.log_params({"good": 1, "bad": object()})
        assert run.get_params() == {"kept": 1}


def test_a_param_that_is_logged_again_is_replaced_and_others_stay() -> None:
    with mendel.start_run("r") as run:
        run.log_params({"a": 1, "b": 2})
        run.log_params({"a": "x"})
        assert run.get_params() == {"a": "x", "b": 2}


# -- config and summary --


def test_config_is_set_by_attribute_and_item_nested_at_will() -> None:
    with mendel.start_run("r", params={"lr": 0.1}) as run:
        assert run.config.lr == 0.1
        model: Any = {"layers": [64]}
        run.config.model = model
        run.config["model"].dropout = 0.5
        model = run.config.model
        model.block = {"a": 1}
        model.block["b"] = 2
        assert run.config.to_dict() == run.get_params()
        assert run.get_params()["model"] == {
            "layers": [64],
            "dropout": 0.5,
            "block": {"a": 1, "b": 2},
        }
        with pytest.raises(AttributeError, match="did you mean 'model'"):
            _ = run.config.modl
        with pytest.raises(KeyError):
            _ = run.config["x"]
        with pytest.raises(ValueError, match="stays on record"):
            del run.config["lr"]


@dataclasses.dataclass
class Inner:
    depth: int = 3


@dataclasses.dataclass
class Settings:
    lr: float = 0.1
    inner: Inner = dataclasses.field(default_factory=Inner)


def test_config_takes_what_people_keep_params_in() -> None:
    with mendel.start_run("r") as run:
        run.config.update(argparse.Namespace(a=1))
        run.config.update(Settings())
        run.config.update([("p", 1)], q=2)
        run.log_params(Settings(lr=0.2))
        assert run.get_params() == {"a": 1, "lr": 0.2, "inner": {"depth": 3}, "p": 1, "q": 2}
        with pytest.raises(TypeError, match="cannot be read from int"):
            run.config.update(3)


def test_summary_is_what_log_metrics_keeps() -> None:
    with mendel.start_run("r") as run:
        run.summary["best"] = 0.9
        run.log_metrics({"auc": 0.8})
        assert dict(run.summary) == {"best": 0.9, "auc": 0.8} == run.get_metrics()


# -- series --


def test_a_step_that_is_left_out_is_the_last_of_any_series_and_one() -> None:
    with mendel.start_run("r") as run:
        mendel.log_time_series_metrics({"a": 1.0})
        mendel.log_time_series_metrics({"b": 1.0}, step=7)
        mendel.log_time_series_metrics({"a": 2.0})
        frame = run.get_time_series_data_frame()
    assert list(frame["step"]) == [1, 7, 8]


def test_step_zero_is_a_step_like_others() -> None:
    with mendel.start_run("r") as run:
        for step in (0, 1, 2):
            run.log({"loss": float(step)}, step)
    [record] = records_of(sessions.current_store())
    assert (record.series["loss"].count, record.series["loss"].first_step) == (3, 0)
    assert run.get_metrics() == {}


class Timestamp:
    """As protobuf's."""

    seconds = 1_000
    nanos = 500_000_000


@pytest.mark.parametrize("wall_time", [1000.5, datetime.fromtimestamp(1000.5, UTC), Timestamp()])
def test_a_wall_time_may_be_seconds_a_datetime_or_a_timestamp(wall_time: Any) -> None:
    with mendel.start_run("r") as run:
        run.log_time_series_metrics({"a": 1.0}, step=1, wall_time=wall_time)
        frame = run.get_time_series_data_frame()
        assert frame["wall_time"][0].timestamp() == 1000.5
        with pytest.raises(TypeError, match="wall_time"):
            run.log_time_series_metrics({"a": 1.0}, step=1, wall_time="now")


def test_a_rewind_hides_what_comes_after_the_step_and_counts_on_from_it(store: Store) -> None:
    with mendel.start_run("r") as run:
        for step in range(1, 11):
            run.log({"loss": float(step)}, step)
        run.rewind(4)
        run.log({"loss": 100.0})
        store.refresh()
        [series] = store.catalog.series([run.id], ["loss"])
        assert list(series.steps) == [1, 2, 3, 4, 5]
        assert series.values[-1] == 100.0
        with pytest.raises(TypeError, match="a step is an int"):
            run.rewind(1.5)  # type: ignore[arg-type]


def test_rewind_to_goes_with_resume(store: Store) -> None:
    with mendel.start_run("r") as run:
        for step in range(5):
            run.log({"loss": 1.0}, step)
    with mendel.start_run("r", resume=True, rewind_to=2) as again:
        assert again.id == run.id
        again.log({"loss": 2.0}, 3)
    with mendel.start_run("r", resume=True) as third:
        third.log({"loss": 3.0})
    store.refresh()
    [series] = store.catalog.series([run.id], ["loss"])
    assert list(series.steps) == [0, 1, 2, 3, 4]
    assert list(series.values) == [1.0, 1.0, 1.0, 2.0, 3.0]


# -- begin and end --


def test_a_second_start_ends_the_first_run_as_complete() -> None:
    first = mendel.start_run("a")
    second = mendel.start_run("b")
    assert mendel.active_run() is second
    assert first.get_state() == "COMPLETE"
    with pytest.raises(StateError, match="ended"):
        first.log({"x": 1.0})


def test_a_cell_that_is_run_again_begins_anew(store: Store) -> None:
    for _ in range(3):
        mendel.start_run("cell").log({"x": 1.0})
    states = [record.state for record in records_of(store)]
    assert states == [RunState.COMPLETE, RunState.COMPLETE, RunState.RUNNING]


@pytest.mark.parametrize("state", ["FAILED", "failed", RunState.FAILED, None])
def test_a_run_ends_in_the_state_that_is_said(state: Any) -> None:
    run = mendel.start_run("r")
    if state is None:
        mendel.end_run()
        assert run.get_state() == "COMPLETE"
    else:
        mendel.end_run(state)
        assert run.state is RunState.FAILED


def test_an_unknown_state_is_refused_with_the_known_ones() -> None:
    mendel.start_run("r")
    with pytest.raises(ValueError, match="did you mean 'COMPLETE'"):
        mendel.end_run("COMPLET")


def test_verbs_without_a_run_are_value_errors() -> None:
    calls: list[Callable[[], object]] = [
        mendel.end_run,
        lambda: mendel.log({"a": 1.0}),
        lambda: mendel.log_params({"a": 1}),
        lambda: mendel.log_metrics({"a": 1}),
        lambda: mendel.log_time_series_metrics({"a": 1.0}),
    ]
    for call in calls:
        with pytest.raises(ValueError, match="active"):
            call()
    mendel.finish()


def test_a_run_without_a_name_gets_one_that_tells_when_it_began() -> None:
    run = mendel.start_run()
    assert run.name.startswith("run-20")
    assert mendel.start_run().name != run.name


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "a\0b", "x" * 501, 3, "\ud800"])
def test_a_name_that_cannot_be_shown_is_refused(name: Any) -> None:
    with pytest.raises((ValueError, TypeError), match="name of a run"):
        mendel.start_run(name)


@pytest.mark.parametrize("name", ["ночь", "a/b c", "🚀", "x" * 500, "'quoted\"", "100% %s {x}"])
def test_any_other_name_is_taken_and_found(name: str) -> None:
    with mendel.start_run(name) as run:
        pass
    assert mendel.get_run(name).id == run.id
    found = mendel.ExperimentRun(name, "e")
    assert (found.name, found.id) == (name, run.id)


def test_tags_params_group_and_parent_may_be_given_at_the_start(store: Store) -> None:
    with mendel.start_run("p") as parent:
        pass
    with mendel.start_run(
        "r", params={"a": 1}, tags=["x"], group="g", job_type="train", parent=parent, note="n"
    ):
        mendel.set_tags({"y": 2})
        mendel.set_tag("z")
        mendel.delete_tag("x")
    record = records_of(store)[1]
    assert record.params == {"a": 1}
    assert record.tags == {"y": 2, "z": True}
    assert (record.group, record.job_type, record.parent) == ("g", "train", parent.id)
    assert record.note == "n"
    assert record.user


def test_metrics_get_goals_and_axes_and_alerts_are_kept(store: Store) -> None:
    with mendel.start_run("r") as run:
        run.define_metric("loss", "min", step_metric="epoch")
        run.define_metric("auc", summary="max")
        mendel.alert("look", "here", level="warning")
        with pytest.raises(ValueError, match="no goal"):
            run.define_metric("x", goal="up")
        with pytest.raises(ValueError, match="no level"):
            run.alert("x", level="loud")
    [record] = records_of(store)
    assert record.definitions["loss"].goal is Goal.MINIMIZE
    assert record.definitions["loss"].step_metric == "epoch"
    assert record.definitions["auc"].goal is Goal.MAXIMIZE
    assert record.alerts[0]["title"] == "look"
    assert record.alerts[0]["level"] == "WARN"


# -- within one another --


def test_runs_nest_to_any_depth_and_the_outer_is_active_again(store: Store) -> None:
    with mendel.start_run("a") as a:
        with mendel.start_run("b", nested=True) as b:
            with b.child("c") as c:
                assert mendel.active_run() is c
            assert mendel.active_run() is b
        assert mendel.active_run() is a
    parents = {record.name: record.parent for record in records_of(store)}
    assert parents == {"a": None, "b": a.id, "c": b.id}


def test_threads_have_active_runs_of_their_own(store: Store) -> None:
    barrier = threading.Barrier(4)

    def fold(number: int) -> None:
        with outer.child(f"fold {number}") as run:
            barrier.wait(10)
            assert mendel.active_run() is run
            mendel.log({"fold": float(number)}, 1)

    with mendel.start_run("cv") as outer:
        threads = [threading.Thread(target=fold, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert mendel.active_run() is outer
    folds = [record for record in records_of(store) if record.parent == outer.id]
    assert sorted(record.series["fold"].last for record in folds) == [0.0, 1.0, 2.0, 3.0]
    assert {record.state for record in records_of(store)} == {RunState.COMPLETE}


def test_a_thread_without_a_run_logs_to_that_of_the_main_thread() -> None:
    with mendel.start_run("r") as run:
        thread = threading.Thread(target=lambda: mendel.log({"x": 1.0}, 1))
        thread.start()
        thread.join()
        assert list(run.get_time_series_data_frame()["x"]) == [1.0]


# -- Vertex AI's names --


def test_a_run_that_is_made_is_not_active_and_its_name_is_taken() -> None:
    run = mendel.ExperimentRun.create("r", experiment="e")
    assert mendel.active_run() is None
    assert run.get_state() == "RUNNING"
    with pytest.raises(AlreadyExistsError):
        mendel.ExperimentRun.create("r", experiment="e")
    run.end_run(state="FAILED")
    assert run.get_state() == "FAILED"


def test_a_run_is_found_or_not() -> None:
    with mendel.start_run("r") as run:
        pass
    found = mendel.ExperimentRun.get("r", experiment="e")
    assert found is not None
    assert found.resource_id == run.id
    assert found.resource_name.endswith(f"/contexts/{run.id}")
    assert mendel.ExperimentRun(run.resource_name).id == run.id
    assert mendel.ExperimentRun.get("s", experiment="e") is None
    with pytest.raises(NotFoundError):
        mendel.ExperimentRun("s", "e")
    assert [each.id for each in mendel.ExperimentRun.list(experiment="e")] == [run.id]


def test_a_run_that_was_found_can_be_written_to_and_keeps_its_state() -> None:
    with mendel.start_run("r"):
        pass
    found = mendel.ExperimentRun("r", "e")
    found.log_metrics({"late": 1})
    found.log({"x": 1.0})
    assert found.get_metrics() == {"late": 1}
    assert found.get_state() == "COMPLETE"
    found.update_state("CANCELLED")
    assert found.get_state() == "CANCELLED"
    found.finish()


def test_a_run_that_was_deleted_is_gone_and_ends_without_an_error() -> None:
    run = mendel.start_run("r")
    run.delete()
    mendel.end_run()
    assert mendel.ExperimentRun.get("r", experiment="e") is None


def test_resume_goes_on_with_the_newest_of_the_name() -> None:
    mendel.start_run("r", params={"n": 1}).finish()
    with mendel.start_run("r", params={"n": 2}) as second:
        second.log({"x": 1.0}, 5)
    with mendel.start_run("r", resume=True) as again:
        assert again.id == second.id
        assert again.get_state() == "RUNNING"
        assert again.config.n == 2
        again.log({"x": 2.0})
        assert list(again.get_time_series_data_frame()["step"]) == [5, 6]
    assert again.get_state() == "COMPLETE"


def test_resume_of_nothing_is_not_found_unless_allowed() -> None:
    with pytest.raises(NotFoundError, match="resume='allow'"):
        mendel.start_run("nothing", resume=True)
    assert mendel.start_run("nothing", resume="allow").name == "nothing"


def test_a_run_has_a_short_and_a_rich_display() -> None:
    with mendel.start_run("<b>") as run:
        assert run.id in repr(run)
        assert "&lt;b&gt;" in run._repr_html_()
        assert run.url == f"mendel show {run.id}"


# -- experiments --


def test_a_run_with_bad_tags_is_not_begun() -> None:
    with pytest.raises(TypeError, match="tag"):
        mendel.start_run("r", experiment="e", tags={"a": object()})
    assert mendel.active_run() is None
    assert len(mendel.runs()) == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"note": 3},
        {"rewind_to": "x"},
        {"parent": 3},
        {"resume": "bogus"},
        {"capture": {"system_interval_s": 0}},
    ],
)
def test_a_bad_argument_begins_no_run_and_ends_none(wrong: dict[str, Any]) -> None:
    run = mendel.start_run("first", experiment="e")
    with pytest.raises(
        (TypeError, ValueError), match=next(iter(wrong)).partition("_")[0] + "|step|sys"
    ):
        mendel.start_run("second", experiment="e", **wrong)
    assert mendel.active_run() is run
    assert len(mendel.runs()) == 1


def test_a_run_that_was_found_says_so() -> None:
    mendel.start_run("r", experiment="e").finish()
    found = mendel.ExperimentRun("r", "e")
    assert repr(found).endswith("found>")
    found.log({"loss": 1.0})
    assert repr(found).endswith("open>")


def test_an_experiment_is_made_found_listed_described_renamed_and_deleted() -> None:
    made = mendel.Experiment.create("x/y", description="what")
    with pytest.raises(AlreadyExistsError):
        mendel.Experiment.create("x/y")
    assert mendel.Experiment("x/y").id == made.id
    assert mendel.Experiment(made.resource_name).id == made.id
    assert mendel.Experiment.get("z") is None
    with pytest.raises(NotFoundError, match="did you mean 'x/y'"):
        mendel.Experiment("x/z")
    assert mendel.Experiment.get_or_create("x/y", description="new").description == "new"
    assert [e.name for e in mendel.Experiment.list(filter="X/")] == ["x/y"]
    for found in (
        'display_name="x/*"',
        'create_time > "2001-01-01T00:00:00Z" AND display_name:"x/y"',
        'description="new"',
    ):
        assert [e.name for e in mendel.Experiment.list(filter=found)] == ["x/y"]
    assert mendel.Experiment.list(filter='display_name="x"') == []
    with pytest.raises(QueryError, match="did you mean 'display_name'"):
        mendel.Experiment.list(filter='displayname="x"')
    mendel.start_run("r", experiment="x/y").finish()
    made.rename("better")
    assert mendel.Experiment("better").id == made.id
    with mendel.start_run("s", experiment="x/y") as run:
        pass
    assert {r.name for r in mendel.ExperimentRun.list(experiment="better")} == {"r", "s"}
    assert run.experiment == "x/y"
    made.delete()
    assert mendel.Experiment.get("better") is None
    mendel.start_run("t", experiment="better").finish()
    assert [r.name for r in mendel.ExperimentRun.list(experiment="better")] == ["t"]


def test_init_makes_its_experiment_and_updates_what_it_is_about() -> None:
    mendel.init(experiment="i", experiment_description="one")
    assert mendel.Experiment("i").description == "one"
    mendel.init(experiment="i", experiment_description="two")
    assert mendel.Experiment("i").description == "two"
    mendel.init(experiment="j")
    assert mendel.Experiment("j").description is None
    with pytest.raises(ValueError, match="which one"):
        mendel.init(experiment_description="x")


def test_another_experiment_leaves_the_active_run() -> None:
    run = mendel.start_run("r")
    mendel.init(experiment="other")
    assert mendel.active_run() is None
    assert run.get_state() == "COMPLETE"


def test_vertex_scripts_get_vertex_errors() -> None:
    mendel.init(project="p", location="l")
    assert sessions.session.project == "p"
    sessions.session.experiment = None
    with pytest.raises(ValueError, match="no experiment is set"):
        mendel.start_run("r")


# -- decorated functions --


def test_a_tracked_function_is_a_run_of_its_name_and_arguments(store: Store) -> None:
    @mendel.tracked
    def train(lr: float, layers: tuple[int, ...] = (64,), data: Any = None) -> dict[str, float]:
        del data
        mendel.log({"loss": lr}, 1)
        return {"auc": lr * len(layers)}

    assert train(0.5, data=np.zeros((2, 3))) == {"auc": 0.5}
    [record] = records_of(store)
    assert record.name == "train"
    assert record.params == {"lr": 0.5, "layers": [64], "data": [[0.0] * 3] * 2}
    assert record.metrics == {"auc": 0.5}
    with pytest.raises(TypeError):
        train()  # type: ignore[call-arg]
    assert len(records_of(store)) == 1


def test_tracked_functions_nest_and_fail_as_blocks_do(store: Store) -> None:
    @mendel.tracked("inner", tags={"t": 1})
    def inner() -> None:
        raise ZeroDivisionError

    @mendel.tracked
    def outer() -> None:
        with pytest.raises(ZeroDivisionError):
            inner()

    outer()
    first, second = records_of(store)
    assert (first.name, first.state) == ("outer", RunState.COMPLETE)
    assert (second.name, second.parent, second.state) == ("inner", first.id, RunState.FAILED)


# -- off --


def test_disabled_does_nothing_and_keeps_every_verb(
    monkeypatch: pytest.MonkeyPatch, store: Store
) -> None:
    monkeypatch.setenv("MENDEL_MODE", "disabled")
    mendel.init(experiment="x")
    with mendel.start_run("r", params={"a": 1}) as run:
        run.log({"x": 1.0}, 1)
        mendel.log({"x": 1.0})
        mendel.log_params({"a": 1})
        run.config.a = 1
        assert run.config.a == 1
        run.define_metric("x", "min")
        with run.child("c") as child:
            child.log({"y": 1})
        run.rewind(1)
        run.set_note("x")
        run.flush()
    mendel.end_run()
    assert run.get_state() == "STATE_UNSPECIFIED"
    assert records_of(store) == []
    monkeypatch.setenv("MENDEL_MODE", "sometimes")
    with pytest.raises(ValueError, match="MENDEL_MODE"):
        mendel.start_run("r")
