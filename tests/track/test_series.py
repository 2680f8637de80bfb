"""Series as people read them: exact, or said not to be."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from past import BEGIN, Past

from mendel.graph.errors import InvalidError


@pytest.fixture
def past(tmp_path: Path) -> Past:
    return Past(tmp_path)


def test_a_series_is_exact_with_repeated_and_late_steps(past: Past) -> None:
    points = [(3, BEGIN, 1.0), (1, BEGIN + 1, 2.0), (3, BEGIN + 2, float("nan")), (2, BEGIN, 4.0)]
    past.run("a", series={"loss": points})

    series = past.runs[0].series("loss")

    assert series.steps.tolist() == [1, 2, 3, 3]
    assert series.values[:3].tolist() == [2.0, 4.0, 1.0]
    assert math.isnan(series.values[3])
    assert series.exact
    assert len(series) == series.total == 4
    assert "all 4 points" in repr(series)


def test_ints_and_bools_keep_their_type(past: Past) -> None:
    past.run("a", series={"n": [1, 2, 3], "ok": [True, False]})

    assert past.runs[0].series("n").values.dtype == np.int64
    assert past.runs[0].series("ok").values.dtype == np.bool_


def test_a_downsampled_series_says_so_and_keeps_the_spike(past: Past) -> None:
    values = [math.sin(i / 50) for i in range(20_000)]
    values[7777] = 99.0
    past.run("a", series={"loss": values})

    whole = past.runs[0].series("loss")
    small = whole.downsampled(100)

    assert whole.exact
    assert not small.exact
    assert small.buckets == 100
    assert small.total == 20_000
    assert len(small) <= 500
    assert small.values.max() == 99.0
    assert "of 20,000 points" in repr(small)
    assert "downsampled" in repr(small)


def test_a_short_series_comes_back_whole(past: Past) -> None:
    past.run("a", series={"loss": [3.0, 2.0, 1.0]})

    assert past.runs[0].series("loss").downsampled(10).exact


def test_a_range_of_steps_stays_when_downsampled(past: Past) -> None:
    past.run("a", series={"loss": [float(i) for i in range(1000)]})

    part = past.runs[0].series("loss", steps=(101, 600))

    assert (part.steps[0], part.steps[-1], len(part)) == (101, 600, 500)
    small = part.downsampled(10)
    assert (small.steps[0], small.steps[-1]) == (101, 600)


def test_a_range_without_points_is_an_empty_series(past: Past) -> None:
    past.run("a", series={"loss": [1.0]})

    empty = past.runs[0].series("loss", steps=(50, 60))

    assert len(empty) == 0
    assert "no points" in repr(empty)
    assert len(empty.to_pandas()) == 0


def test_a_width_of_nothing_is_refused(past: Past) -> None:
    past.run("a", series={"loss": [1.0]})

    with pytest.raises(InvalidError, match="width"):
        past.runs[0].series("loss").downsampled(0)


def test_curves_of_many_runs_are_one_long_frame(past: Past) -> None:
    past.run("a", series={"loss": [2.0, 1.0], "auc": [0.5]})
    past.run("b", series={"loss": [(1, BEGIN + 100, 3.0), (2, BEGIN + 105, 2.0)]})

    curves = past.runs.order_by("name").series("loss")
    df = curves.to_pandas()

    assert [s.name for s in curves] == ["a", "b"]
    assert list(df.columns) == ["run", "name", "key", "step", "wall_time", "elapsed", "value"]
    assert df["elapsed"].tolist() == [0, 1, 0, 5]
    assert df["value"].tolist() == [2.0, 1.0, 3.0, 2.0]
    assert curves.exact
    assert len(past.runs.series()) == 3
    assert "2 series" in repr(curves)
    assert len(past.runs.series("nothing").to_pandas()) == 0


def test_a_live_series_shows_its_newest_point(past: Past) -> None:
    run = past.run("live", state="RUNNING", series={"loss": [2.0]})
    view = past.runs[0]
    past.more(run, "loss", [(2, BEGIN + 9, 1.0)])

    assert view.series("loss").values.tolist() == [2.0, 1.0]


def test_a_notebook_shows_a_curve(past: Past) -> None:
    values = [1.0, float("nan"), 3.0, float("inf"), 2.0, 1.5]
    past.run("<b>", series={"loss": values, "flat": [1.0], "none": [float("nan")]})
    past.run("long", series={"loss": [math.sin(i) for i in range(10_000)]})

    broken = past.runs[1].series("loss")._repr_html_()
    long = past.runs[0].series("loss")._repr_html_()

    assert broken.count("M") == 3
    assert "<b>" not in broken
    assert "all 10,000 points" in long
    assert len(long) < 40_000
    assert "<svg" in past.runs[1].series("flat")._repr_html_()
    assert "<svg" not in past.runs[1].series("none")._repr_html_()


# -- series side by side --


def test_metrics_logged_together_stand_in_one_row(past: Past) -> None:
    past.run("a", series={"loss": [2.0, 1.0], "acc": [0.1, 0.2]})

    df = past.runs[0].history()

    assert list(df.columns) == ["step", "wall_time", "acc", "loss"]
    assert df["step"].tolist() == [1, 2]
    assert df["wall_time"].dtype == "datetime64[us, UTC]"
    assert df["loss"].tolist() == [2.0, 1.0]


def test_one_row_a_step_and_time_with_gaps(past: Past) -> None:
    past.run(
        "a",
        series={
            "loss": [(1, BEGIN, 2.0), (2, BEGIN + 1, 1.0)],
            "n": [(2, BEGIN + 1, 7), (2, BEGIN + 2, 8)],
        },
    )

    df = past.runs[0].history()

    assert df["step"].tolist() == [1, 2, 2]
    assert df["loss"].isna().tolist() == [False, False, True]
    assert df["n"].dtype == "Int64"
    assert df["n"].isna().tolist() == [True, False, False]
    assert df["n"][1] == 7


def test_a_point_logged_twice_at_one_moment_is_not_dropped(past: Past) -> None:
    past.run(
        "a",
        series={
            "loss": [(1, BEGIN, 2.0), (1, BEGIN, 3.0), (1, BEGIN, 4.0)],
            "acc": [(1, BEGIN, 0.5)],
        },
    )

    df = past.runs[0].history()

    assert df["loss"].tolist() == [2.0, 3.0, 4.0]
    assert df["acc"].isna().tolist() == [False, True, True]


def test_texts_at_a_step_are_columns_too(past: Past) -> None:
    values = ("values", {"step": 1, "set": {"note": "warm-up", "loss": None}})
    past.run("a", series={"loss": [(1, BEGIN, 2.0), (2, BEGIN + 1, 1.0)]}, facts=[values])

    df = past.runs[0].history()

    assert df["note"].dropna().tolist() == ["warm-up"]
    assert [v for v in df["loss"] if isinstance(v, float) and not math.isnan(v)] == [2.0, 1.0]


def test_names_that_collide_with_the_axes_get_a_prefix(past: Past) -> None:
    past.run("a", series={"step": [5.0], "wall_time": [6.0]})

    df = past.runs[0].history()

    assert df["metric.step"].tolist() == [5.0]
    assert df["metric.wall_time"].tolist() == [6.0]


def test_series_of_the_machine_come_when_named(past: Past) -> None:
    past.run("a", series={"loss": [1.0], "system/cpu_percent": [50.0]})
    run = past.runs[0]

    assert "system/cpu_percent" not in run.history()
    assert run.history(["system/cpu_percent"])["system/cpu_percent"].tolist() == [50.0]


def test_a_run_without_series_has_no_rows(past: Past) -> None:
    past.run("a")

    assert list(past.runs[0].history().columns) == ["step", "wall_time"]
    assert len(past.runs[0].history()) == 0


point = st.tuples(st.integers(-3, 3), st.sampled_from([BEGIN, BEGIN + 1]), st.floats(-1e9, 1e9))


@given(st.dictionaries(st.sampled_from("abc"), st.lists(point, min_size=1, max_size=8)))
def test_every_point_stands_in_exactly_one_cell(series: dict[str, list[Any]]) -> None:
    past = Past(Path())
    past.run("a", series=series)

    df = past.runs[0].history()

    for key, points in series.items():
        cells = df[df[key].notna()]
        got = sorted(
            zip(
                cells["step"],
                cells["wall_time"].map(pd.Timestamp.timestamp),
                cells[key],
                strict=True,
            )
        )
        assert got == sorted(points)
    rows = list(zip(df["step"], df["wall_time"], strict=True))
    assert rows == sorted(rows)
    axes = [[(step, time) for step, time, _ in points] for points in series.values()]
    assert len(rows) == sum(max(of.count(a) for of in axes) for a in {a for of in axes for a in of})
