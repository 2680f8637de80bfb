"""Tables come back with their types, whatever held the columns."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.graph.errors import CorruptError, InvalidError, WrongTypeError
from mendel.graph.values import same
from mendel.track.table import Table, table

COLUMNS: dict[str, list[Any]] = {
    "x": [1.5, 2.5],
    "n": [1, 2],
    "ok": [True, False],
    "word": ["a", "ü"],
}
TYPES = {"x": "float", "n": "int", "ok": "bool", "word": "text"}
CELL = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.datetimes()


@pytest.mark.parametrize(
    "given",
    [
        COLUMNS,
        {name: np.array(values) for name, values in COLUMNS.items()},
        {name: tuple(values) for name, values in COLUMNS.items()},
        [dict(zip(COLUMNS, row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)],
        pd.DataFrame(COLUMNS),
        pl.DataFrame(COLUMNS),
        pa.table(COLUMNS),
    ],
    ids=["lists", "arrays", "tuples", "rows", "pandas", "polars", "arrow"],
)
def test_columns_come_from_anything_that_holds_them(given: Any) -> None:
    taken = table(given)
    assert taken.columns == COLUMNS
    assert taken.types == TYPES
    assert taken.rows == 2


@given(
    st.integers(0, 5).flatmap(
        lambda n: st.dictionaries(st.text(), st.lists(CELL, min_size=n, max_size=n), max_size=4)
    )
)
def test_a_table_comes_back_as_it_went_in(columns: dict[str, list[Any]]) -> None:
    taken = table(columns)
    back = Table.loads(taken.dumps().encode("utf-8", "backslashreplace"))
    assert list(back.columns) == list(columns)
    for name, values in columns.items():
        assert all(same(a, b) for a, b in zip(back.columns[name], values, strict=True))


def test_rows_with_different_keys_have_none_where_a_key_is_missing() -> None:
    taken = table([{"a": 1}, {"b": 2.0}])
    assert taken.columns == {"a": [1, None], "b": [None, 2.0]}
    assert taken.to_records() == [{"a": 1, "b": None}, {"a": None, "b": 2.0}]


def test_a_pandas_index_that_says_something_becomes_a_column() -> None:
    frame = pd.DataFrame({"x": [1, 2]}, index=pd.Index(["a", "b"], name="who"))
    assert table(frame).columns == {"who": ["a", "b"], "x": [1, 2]}
    assert list(table(pd.DataFrame({"x": [1]})).columns) == ["x"]
    levels = pd.DataFrame({"x": [1, 2]}).groupby("x").agg({"x": ["sum", "mean"]})
    assert list(table(levels).columns) == ["x", "x.sum", "x.mean"]


def test_missing_values_of_pandas_are_none_and_nan_stays_nan_in_floats() -> None:
    taken = table(
        pd.DataFrame(
            {
                "f": [1.0, float("nan")],
                "i": pd.array([1, None], dtype="Int64"),
                "t": pd.Series([pd.Timestamp("2026-01-01"), pd.NaT]),
                "s": ["a", None],
            }
        )
    )
    assert math.isnan(taken.columns["f"][1])  # type: ignore[arg-type]
    assert taken.columns["i"] == [1, None]
    assert taken.columns["s"] == ["a", None]
    assert taken.columns["t"] == [datetime(2026, 1, 1), None]  # noqa: DTZ001 - as pandas has it
    frame = taken.to_pandas()
    assert str(frame["i"].dtype) == "Int64"


def test_a_matrix_is_a_table_with_numbered_columns() -> None:
    assert table(np.arange(4).reshape(2, 2)).columns == {"0": [0, 2], "1": [1, 3]}


@pytest.mark.parametrize(
    ("given", "error", "told"),
    [
        ({"a": [1], "b": [1, 2]}, InvalidError, "'a' has 1, 'b' has 2"),
        ({"a": "text"}, WrongTypeError, "list of values, not str"),
        ({"a": [object()]}, WrongTypeError, "column 'a', row 0"),
        ([[1, 2]], WrongTypeError, "by column"),
        (7, WrongTypeError, "not int"),
        ({1: [1], "1": [2]}, InvalidError, "two columns '1'"),
        ({"t": [pd.Timestamp(1)]}, InvalidError, "nanoseconds"),
    ],
)
def test_what_is_no_table_is_refused_with_the_place(
    given: Any, error: type[Exception], told: str
) -> None:
    with pytest.raises(error, match=told):
        table(given)


def test_an_empty_table_is_a_table() -> None:
    assert table({}).rows == 0
    assert table([]).rows == 0
    assert table({"a": []}).types == {"a": "null"}
    assert table(pd.DataFrame({"a": pd.Series([], dtype=float)})).rows == 0


def test_dates_with_a_zone_are_kept() -> None:
    moment = datetime(2026, 11, 23, 6, tzinfo=UTC)
    assert table({"t": [moment]}).columns["t"] == [moment]


def test_text_that_is_no_table_is_corrupt() -> None:
    with pytest.raises(CorruptError, match="no table"):
        Table.loads("[]")
