"""Searches put together in steps: what they find, in which form, and that they never change."""

import math
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from past import BEGIN, Past

from mendel.graph.errors import InvalidError, NotFoundError, QueryError, WrongTypeError
from mendel.track.view import RunView


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path)


@pytest.fixture
def five(past: Past) -> Past:
    for i in range(5):
        past.run(
            f"run-{i}",
            experiment="even" if i % 2 == 0 else "odd",
            params={"lr": 10.0**-i, "seed": i % 2},
            metrics={"auc": 0.5 + i / 10},
            series={"loss": [4.0, 3.0 - i / 10]},
        )
    return past


def names(runs: Any) -> list[str]:
    return [run.name for run in runs]


# -- putting it together --


def test_all_runs_come_newest_first(five: Past) -> None:
    assert names(five.runs) == ["run-4", "run-3", "run-2", "run-1", "run-0"]


def test_filters_add_up(five: Past) -> None:
    found = five.runs.where("metrics.auc > 0.5 or params.seed = 7").where("params.seed = 0")

    assert names(found) == ["run-4", "run-2"]


def test_a_search_is_never_changed_by_what_is_built_on_it(five: Past) -> None:
    some = five.runs.where("params.seed = 0")
    some.where("metrics.auc > 0.8").order_by("name").limit(1).select("name")

    assert names(some) == ["run-4", "run-2", "run-0"]


def test_an_empty_filter_takes_all(five: Past) -> None:
    assert len(five.runs.where("").where("  ")) == 5


def test_order_and_limit_are_kept(five: Past) -> None:
    found = five.runs.order_by("params.seed desc", "metrics.auc asc").limit(3)

    assert names(found) == ["run-1", "run-3", "run-0"]
    assert len(found) == 3
    assert found.ids() == [run.id for run in found]


def test_the_first_is_the_first_of_the_order(five: Past) -> None:
    best = five.runs.order_by("metrics.loss asc").first()

    assert best is not None
    assert best.name == "run-4"
    assert five.runs.where("metrics.auc > 9").first() is None
    assert five.runs.limit(0).first() is None


def test_runs_can_be_picked_by_place(five: Past) -> None:
    assert five.runs[0].name == "run-4"
    assert five.runs[-1].name == "run-0"
    assert names(five.runs[1:3]) == ["run-3", "run-2"]
    with pytest.raises(IndexError):
        five.runs[9]


def test_an_error_points_into_the_text_that_the_user_wrote(five: Past) -> None:
    with pytest.raises(QueryError) as caught:
        five.runs.where("params.seed = 0").where("metrics.auc >< 1")

    assert caught.value.text == "metrics.auc >< 1"


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        (lambda r: r.where(3), WrongTypeError),
        (lambda r: r.order_by("metrics.auc sideways"), QueryError),
        (lambda r: r.order_by(1), WrongTypeError),
        (lambda r: r.select("nonsense"), QueryError),
        (lambda r: r.limit(-1), InvalidError),
        (lambda r: r.limit(True), WrongTypeError),
        (lambda r: r.limit("3"), WrongTypeError),
        (lambda r: r.group_by(), InvalidError),
        (lambda r: r.limit(3).group_by("params.lr"), InvalidError),
        (lambda r: r.group_by("params.lr").agg("metrics.auc", confidence=2), InvalidError),
    ],
)
def test_what_cannot_be_meant_is_refused_at_once(
    past: Past, wrong: Callable[[Any], Any], error: type[Exception]
) -> None:
    with pytest.raises(error):
        wrong(past.runs)


# -- reading it --


def test_selected_columns_come_in_their_order_as_a_frame(five: Past) -> None:
    df = five.runs.select("name", "params.lr", "metrics.loss.min", "metrics.nothing").to_pandas()

    assert list(df.columns) == ["name", "params.lr", "metrics.loss.min", "metrics.nothing"]
    assert df["name"].tolist()[0] == "run-4"
    assert df["metrics.loss.min"][0] == 2.6
    assert df["metrics.nothing"].isna().all()


def test_other_names_of_a_field_give_its_full_name(five: Past) -> None:
    df = five.runs.select("run_name", "param.lr", "metrics.`auc`").to_pandas()

    assert list(df.columns) == ["name", "params.lr", "metrics.auc"]


def test_without_a_selection_every_param_metric_and_tag_is_there(five: Past) -> None:
    five.run("tagged", tags={"stage": "final"}, series={"system/cpu_percent": [1.0]})

    df = five.runs.to_pandas()

    assert list(df.columns)[:6] == ["id", "name", "experiment", "state", "started", "duration"]
    assert set(df.columns[6:]) >= {"params.lr", "params.seed", "metrics.auc", "metrics.loss"}
    assert "tags.stage" in df.columns
    assert "metrics.system/cpu_percent" not in df.columns


def test_ints_stay_ints_in_every_kind_of_table(five: Past) -> None:
    search = five.runs.select("params.seed", "metrics.auc").order_by("metrics.auc")

    assert search.to_pandas()["params.seed"].dtype == np.int64
    assert search.to_arrow().column("params.seed").to_pylist() == [0, 1, 0, 1, 0]
    assert search.to_polars()["params.seed"].to_list() == [0, 1, 0, 1, 0]
    assert search.to_list()[0] == {"params.seed": 0, "metrics.auc": 0.5}


def test_times_are_datetimes_in_utc(five: Past) -> None:
    started = five.runs.select("started").limit(1).to_list()[0]["started"]

    assert isinstance(started, datetime)
    assert started.timestamp() == BEGIN


def test_a_run_that_vanishes_between_two_readings_is_left_out(five: Past) -> None:
    assert len(list(five.runs)) == len(five.runs) == 5


def test_too_many_values_ask_for_columns_to_be_chosen(
    five: Past, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mendel.track.runs.MAX_CELLS", 10)

    with pytest.raises(InvalidError, match="choose columns"):
        five.runs.to_pandas()
    assert len(five.runs.select("name").to_pandas()) == 5


def test_reading_looks_at_running_processes_first(past: Past) -> None:
    run = past.run("live", state="RUNNING", series={"loss": [2.0]})
    past.more(run, "loss", [(2, BEGIN + 2, 1.0)])

    assert past.runs.where("metrics.loss < 1.5").ids() == [run]


# -- how it shows itself --


def test_it_shows_itself_as_a_small_table(five: Past) -> None:
    text = repr(five.runs.select("name", "metrics.auc").limit(2))

    assert text.splitlines() == [
        "name   metrics.auc",
        "run-4          0.9",
        "run-3          0.8",
        "2 runs",
    ]


def test_it_says_how_many_it_does_not_show(past: Past) -> None:
    for i in range(12):
        past.run(f"r{i}", params={"i": i})

    assert "12 runs, the first 10 are shown" in repr(past.runs)


def test_no_runs_show_themselves_too(past: Past) -> None:
    assert "0 runs" in repr(past.runs)
    assert "0 runs" in past.runs._repr_html_()


def test_names_cannot_break_a_notebook_or_a_line(past: Past) -> None:
    past.run("<script>alert(1)</script>\x1b[31m\n名前" + "x" * 300)

    html, text = past.runs._repr_html_(), repr(past.runs)

    assert "<script>" not in html
    assert "\x1b" not in text
    assert max(map(len, text.splitlines())) < 200


def test_a_broken_place_does_not_break_a_repr(five: Past) -> None:
    five.catalog.close()

    assert "closed" in repr(five.runs)


# -- groups --


def test_groups_tell_mean_deviation_interval_and_n(past: Past) -> None:
    for lr in (0.1, 0.01):
        for seed in range(5):
            past.run(f"{lr}-{seed}", params={"lr": lr}, metrics={"acc": lr + seed / 100})

    groups = past.runs.group_by("params.lr").agg("metrics.acc")

    assert [g.by["params.lr"] for g in groups] == [0.01, 0.1]
    told = groups[1]["metrics.acc"]
    assert (groups[1].count, told.n) == (5, 5)
    assert math.isclose(told.mean, 0.12)
    assert math.isclose(told.deviation, np.std([0, 1, 2, 3, 4], ddof=1) / 100)
    assert math.isclose(told.margin, 2.7764451 * told.deviation / math.sqrt(5), rel_tol=1e-6)
    assert (told.minimum, told.maximum) == (0.1, 0.14)
    assert "0.120 ± 0.020 (n=5, 95 %)" in repr(groups)


def test_what_is_no_number_takes_no_part_and_n_says_so(past: Past) -> None:
    for value in (1.0, float("nan"), "text", None, 3.0):
        past.run("r", params={"k": "same"}, metrics={"m": value})
    past.run("without", params={"k": "same"})

    (group,) = past.runs.group_by("params.k").agg("metrics.m")

    assert group.count == 6
    assert group["metrics.m"].n == 2
    assert group["metrics.m"].mean == 2


def test_runs_without_the_value_are_a_group_of_their_own(past: Past) -> None:
    past.run("a", params={"k": 1})
    past.run("b")

    groups = past.runs.group_by("params.k").agg()

    assert [(g.count, dict(g.by)) for g in groups] == [(1, {"params.k": 1}), (1, {})]


def test_groups_are_a_table_too(five: Past) -> None:
    groups = five.runs.group_by("experiment", "params.seed").agg("metrics.auc", "duration")
    df = groups.to_pandas()

    assert list(df.columns)[:5] == [
        "experiment",
        "params.seed",
        "runs",
        "metrics.auc.n",
        "metrics.auc.mean",
    ]
    assert df["runs"].sum() == 5
    assert groups.to_list()[0]["experiment"] == "even"
    assert groups.to_arrow().num_rows == groups.to_polars().height == len(groups) == 2
    assert "<table>" in groups._repr_html_()


# -- one run --


def test_a_run_can_be_looked_at(five: Past) -> None:
    run = five.runs.where("name = 'run-3'")[0]

    assert run.experiment == "odd"
    assert run.state == "COMPLETE"
    assert run.params == {"lr": 0.001, "seed": 1}
    assert run.metrics == {"auc": 0.8, "loss": 2.7}
    assert run.series_keys == ("loss",)
    assert run.duration == 60
    assert "run-3" in repr(run)
    assert "params.lr" in run._repr_html_()
    assert run == five.runs.where("name = 'run-3'").first()
    assert len({run, five.runs.where("name = 'run-3'")[0]}) == 1


def test_a_run_is_read_again_when_asked(past: Past) -> None:
    run = past.run("live", state="RUNNING")
    view = past.runs[0]
    past.more(run, "loss", [(1, BEGIN, 0.5)])

    assert view.metrics == {}
    assert view.refresh().metrics == {"loss": 0.5}


def test_inputs_and_outputs_include_those_of_the_runs_executions(past: Past) -> None:
    def artifact(an_id: str) -> tuple[str, dict[str, Any]]:
        body = {"schema_title": "system.Dataset", "schema_version": "0.0.1"}
        return "artifact", {"id": an_id, "display_name": an_id, "uri": f"/{an_id}", **body}

    run = past.run("a")
    execution = {"id": "prepare", "schema_title": "system.Run", "schema_version": "0.0.1"}
    run = past.run(
        "b",
        facts=[
            artifact("raw"),
            artifact("clean"),
            ("execution", {**execution, "display_name": "prepare"}),
            ("event", {"execution": "prepare", "artifact": "raw", "kind": "INPUT"}),
            ("member", {"context": run, "nodes": ["prepare"]}),
        ],
    )
    past.run("c", facts=[("event", {"execution": run, "artifact": "clean", "kind": "OUTPUT"})])

    view = past.runs.where("name = 'b'")[0]

    assert [n.id for n in view.outputs()] == ["clean"]
    assert [n.id for n in past.runs.where("name = 'a'")[0].inputs()] == ["raw"]


def test_a_missing_series_names_near_ones(five: Past) -> None:
    with pytest.raises(NotFoundError, match="did you mean 'loss'"):
        five.runs[0].series("los")


def test_views_are_views() -> None:
    assert not hasattr(RunView, "log")
