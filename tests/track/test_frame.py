"""Experiments as data frames: Vertex's columns, exact types, and nothing hidden by anything."""

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from past import BEGIN, Past

from mendel.graph.errors import NotFoundError
from mendel.graph.values import MISSING
from mendel.track import columnar
from mendel.track.frame import experiment_frame


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path)


def test_columns_come_in_the_order_of_vertex(past: Past) -> None:
    past.run("a", params={"lr": 0.1, "depth": 3}, metrics={"auc": 0.9}, series={"loss": [2.0, 1.0]})

    df = experiment_frame(past, "trial")

    assert list(df.columns) == [
        "experiment_name",
        "run_name",
        "run_type",
        "state",
        "param.depth",
        "param.lr",
        "metric.auc",
        "time_series_metric.loss",
    ]
    assert df.iloc[0].tolist() == [
        "trial",
        "a",
        "system.ExperimentRun",
        "COMPLETE",
        3,
        0.1,
        0.9,
        1.0,
    ]


def test_there_is_one_row_a_run_newest_first(past: Past) -> None:
    for name in ("first", "second", "third"):
        past.run(name)

    assert list(experiment_frame(past, "trial")["run_name"]) == ["third", "second", "first"]


def test_runs_of_other_experiments_stay_out(past: Past) -> None:
    past.run("mine")
    past.run("theirs", experiment="other")

    assert list(experiment_frame(past, "trial")["run_name"]) == ["mine"]


def test_without_time_series_their_columns_are_absent(past: Past) -> None:
    past.run("a", params={"lr": 1}, series={"loss": [1.0]})

    df = experiment_frame(past, "trial", include_time_series=False)

    assert list(df.columns)[4:] == ["param.lr"]


def test_the_latest_value_is_that_of_the_last_step(past: Past) -> None:
    past.run("a", series={"loss": [(1, BEGIN, 3.0), (9, BEGIN + 1, 1.0), (5, BEGIN + 2, 2.0)]})

    assert experiment_frame(past, "trial")["time_series_metric.loss"][0] == 1.0


def test_a_summary_metric_and_a_series_of_one_name_are_two_columns(past: Past) -> None:
    past.run("a", metrics={"loss": 0.5}, series={"loss": [2.0, 1.0]})

    df = experiment_frame(past, "trial")

    assert df["metric.loss"][0] == 0.5
    assert df["time_series_metric.loss"][0] == 1.0


def test_an_int_stays_an_int_and_true_stays_true(past: Past) -> None:
    past.run("a", params={"epochs": 45, "shuffle": True}, metrics={"trees": 7})

    df = experiment_frame(past, "trial")

    assert df["param.epochs"].dtype == np.int64
    assert df["param.shuffle"].dtype == np.bool_
    assert str(df["param.epochs"][0]) == "45"
    assert df["metric.trees"].dtype == np.int64


def test_ints_and_bools_keep_their_type_in_columns_with_gaps(past: Past) -> None:
    past.run("without")
    past.run("with", params={"epochs": 45, "shuffle": True})

    df = experiment_frame(past, "trial")

    assert df["param.epochs"].dtype == "Int64"
    assert df["param.shuffle"].dtype == "boolean"
    assert str(df["param.epochs"][0]) == "45"
    assert df["param.shuffle"][0] is np.True_ or df["param.shuffle"][0] is True
    assert df["param.epochs"].isna().tolist() == [False, True]
    assert df["param.epochs"].max() == 45
    assert df[df["param.epochs"] > 3]["run_name"].tolist() == ["with"]


def test_missing_floats_and_texts_are_nan(past: Past) -> None:
    past.run("without")
    past.run("with", params={"lr": 0.1, "model": "gbdt"})

    df = experiment_frame(past, "trial")

    assert np.isnan(df["param.lr"][1])
    assert np.isnan(df["param.model"][1])
    assert df["param.model"][0] == "gbdt"


def test_int_series_come_back_as_ints(past: Past) -> None:
    past.run("a", series={"seen": [10, 20], "ok": [True, False]})

    df = experiment_frame(past, "trial")

    assert df["time_series_metric.seen"].dtype == np.int64
    assert df["time_series_metric.ok"].dtype == np.bool_


def test_nested_params_are_dotted_and_lists_are_kept(past: Past) -> None:
    past.run("a", params={"net": {"hidden": [128, 64], "drop": None}})

    df = experiment_frame(past, "trial")

    assert df["param.net.hidden"][0] == [128, 64]
    assert df["param.net.drop"][0] is None


def test_a_damaged_run_and_odd_values_hide_nothing(past: Past) -> None:
    past.run("good", params={"x": 1}, metrics={"m": 1.0})
    past.run("lone surrogate", params={"x": "\ud800"}, metrics={"m": float("nan")})
    past.run("huge", params={"x": 2**70}, metrics={"m": "text"})
    past.run("damaged", damage=("a.mdj: a record at byte 64 is not what was written",))
    past.run("running", state="RUNNING")

    df = experiment_frame(past, "trial")

    assert list(df["run_name"])[::-1] == ["good", "lone surrogate", "huge", "damaged", "running"]
    assert list(df["param.x"])[::-1][:3] == [1, "\ud800", 2**70]
    assert list(df["metric.m"])[::-1][2] == "text"


def test_series_of_the_machine_stay_out(past: Past) -> None:
    past.run("a", series={"system/cpu_percent": [3.0], "loss": [1.0]})

    assert list(experiment_frame(past, "trial").columns)[4:] == ["time_series_metric.loss"]


def test_an_experiment_without_runs_has_the_fixed_columns(past: Past) -> None:
    run = past.run("a")
    past.catalog.decide([_decision("delete_run", run)])

    df = experiment_frame(past, "trial")

    assert list(df.columns) == ["experiment_name", "run_name", "run_type", "state"]
    assert len(df) == 0


def test_an_unknown_experiment_is_not_found(past: Past) -> None:
    past.run("a")

    with pytest.raises(NotFoundError, match="trial"):
        experiment_frame(past, "trail")


def test_what_a_running_process_wrote_is_there_at_once(past: Past) -> None:
    run = past.run("live", state="RUNNING")
    past.more(run, "loss", [(1, BEGIN, 0.25)])

    assert experiment_frame(past, "trial")["time_series_metric.loss"][0] == 0.25


def _decision(what: str, target: str) -> Any:
    from mendel.catalog.contract import Decision
    from mendel.graph.clock import new_id

    return Decision(new_id(), what, target, {}, BEGIN, "somebody")


# -- one column --


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([1, 2], "int64"),
        ([1, MISSING], "Int64"),
        ([True, False], "bool"),
        ([True, MISSING], "boolean"),
        ([1.5, MISSING], "float64"),
        ([1, 2.5], "float64"),
        ([1, 2.5, MISSING], "float64"),
        ([MISSING, MISSING], "float64"),
        ([], "float64"),
        ([2**53 + 1, 0.5], "object"),
        ([2**1100, 0.5], "object"),
        ([2**63], "object"),
        ([True, 1], "object"),
        (["a", 1], "object"),
        (["a", None], "object"),
        ([[1], [2]], "object"),
        ([{"a": 1}, MISSING], "object"),
        (["\ud800", "a"], "object"),
        ([datetime(2026, 1, 1)], "object"),  # noqa: DTZ001 - a time without a zone is what is tried
        ([datetime(2026, 1, 1, tzinfo=UTC), MISSING], "datetime64[us, UTC]"),
    ],
)
def test_a_column_has_the_one_type_that_holds_its_values_exactly(
    values: Sequence[Any], dtype: str
) -> None:
    series = columnar.pandas_series(columnar.typed("x", values))

    assert str(series.dtype) == dtype
    if dtype == "object":
        assert list(series) == [np.nan if v is MISSING else v for v in values] or any(
            v is MISSING for v in values
        )


plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(st.characters()),
    st.datetimes(timezones=st.just(UTC)),
    st.lists(st.integers(), max_size=2),
    st.just(MISSING),
)
one_kind = st.sampled_from(
    [st.booleans(), st.integers(), st.floats(), st.text(), st.integers() | st.floats()]
).flatmap(lambda kind: st.lists(kind | st.just(MISSING), max_size=6))


def alike(got: Any, value: Any) -> bool:
    if value is MISSING:
        return bool(pd.isna(got))
    if isinstance(value, float) and math.isnan(value):
        return math.isnan(got)
    if isinstance(value, list):
        return list(got) == value
    if value is None:
        return got is None
    return bool(got == value) and isinstance(got, bool | np.bool_) == isinstance(value, bool)


@given(st.lists(plain, max_size=6) | one_kind)
def test_no_value_is_changed_on_its_way_into_pandas(values: list[Any]) -> None:
    series = columnar.pandas_series(columnar.typed("x", values))

    assert len(series) == len(values)
    for got, value in zip(series, values, strict=True):
        assert alike(got, value), (got, value, series.dtype)


@given(st.lists(plain, max_size=6) | one_kind)
def test_arrow_and_polars_say_the_same_with_null_for_missing(values: list[Any]) -> None:
    column = columnar.typed("x", values)
    arrow = columnar.to_arrow([column]).column("x").to_pylist()
    polars = columnar.to_polars([column])["x"].to_list()

    assert [v is None for v in arrow] == [v is MISSING for v in values]
    assert [v is None for v in polars] == [v is MISSING for v in values]
    if column.kind != "any":
        for value, a, p in zip(values, arrow, polars, strict=True):
            if value is not MISSING:
                assert alike(a, value)
                assert alike(p, value)


def test_mixed_values_are_json_in_arrow_and_said_to_be() -> None:
    table = columnar.to_arrow([columnar.typed("x", ["a", 1, [float("inf")], MISSING])])

    assert table.column("x").to_pylist() == ['"a"', "1", '[{"$float":"inf"}]', None]
    assert table.schema.field("x").metadata == {b"mendel.json": b"1"}


def test_dicts_hold_values_as_logged_and_lack_what_is_missing() -> None:
    columns = [columnar.typed("a", [1, MISSING]), columnar.typed("b", [None, 2.0])]

    assert columnar.to_list(columns, 2) == [{"a": 1, "b": None}, {"b": 2.0}]
    assert columnar.to_list([], 2) == [{}, {}]
