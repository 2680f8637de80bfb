"""Values come back as they went in, type and all; what cannot be kept is refused in plain words."""

from __future__ import annotations

import enum
import math
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import PurePosixPath
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.graph.errors import InvalidError, WrongTypeError
from mendel.graph.values import (
    MISSING,
    Value,
    dumps,
    flatten,
    loads,
    normal,
    normal_items,
    same,
    shorten,
)

_zones = st.sampled_from([None, UTC, timezone(timedelta(hours=-3, minutes=-30))])
_any_text = st.text(st.characters(codec=None, exclude_categories=()))
_keys = st.text(min_size=1, max_size=5) | st.sampled_from(["$float", "$dict", "$text", "$datetime"])
_scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    _any_text,
    st.datetimes(timezones=_zones),
)
_values: st.SearchStrategy[Value] = st.recursive(
    _scalars,
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(_keys, inner, max_size=4)),
    max_leaves=12,
)


@given(_values)
def test_a_value_comes_back_from_json_in_its_own_type(value: Value) -> None:
    text = dumps(value)
    text.encode()
    assert same(loads(text), value)
    assert same(loads(text.encode()), value)


def test_text_with_half_a_character_comes_back() -> None:
    assert loads(dumps("a\ud800é")) == "a\ud800é"
    assert loads(dumps("é")) == "é"


@given(_values)
def test_a_plain_value_is_its_own_normal_form(value: Value) -> None:
    assert same(normal(value), value)


MORNING = datetime.fromisoformat("2026-11-23T10:00:00")
MIDNIGHT = datetime.fromisoformat("2026-11-23")


class Color(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Name(str):
    __slots__ = ()


class Pairs:
    """A mapping that is no dict."""

    def keys(self) -> list[str]:
        return ["a"]

    def __getitem__(self, key: str) -> int:
        return 7


@pytest.mark.parametrize(
    ("given_", "kept"),
    [
        (np.float64(0.5), 0.5),
        (np.float32(0.5), 0.5),
        (np.int32(7), 7),
        (np.bool_(True), True),
        (np.str_("x"), "x"),
        (np.array(3), 3),
        (np.array([1, 2]), [1, 2]),
        (np.array([[1.5]]), [[1.5]]),
        (np.datetime64("2026-11-23T10:00:00", "ns"), MORNING),
        (np.array(["2026-11-23"], "datetime64[ns]"), [MIDNIGHT]),
        (np.datetime64("NaT", "s"), None),
        (pd.Timestamp("2026-11-23T10:00:00Z"), datetime(2026, 11, 23, 10, tzinfo=UTC)),
        (pd.NaT, None),
        (date(2026, 11, 23), datetime(2026, 11, 23, tzinfo=UTC)),
        (PurePosixPath("a/b"), "a/b"),
        (Color.RED, "red"),
        (Level.HIGH, 3),
        (Name("n"), "n"),
        ((1, (2,)), [1, [2]]),
        (Pairs(), {"a": 7}),
        ({"a": {"b": np.int64(1)}}, {"a": {"b": 1}}),
    ],
)
def test_what_stands_for_a_value_is_taken_as_it(given_: object, kept: Value) -> None:
    assert same(normal(given_), kept)


@pytest.mark.parametrize(
    "value",
    [object(), 1j, b"bytes", {1, 2}, Decimal(1), timedelta(1), np.timedelta64(1, "s"),
     np.array([1], "timedelta64[s]"), np.longdouble(1), np.complex128(1j), {1: 2},
     {"a": [object()]}],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_with_its_type_and_place(value: object) -> None:
    with pytest.raises(WrongTypeError, match="param 'x'"):
        normal_items({"x": value}, "param")


def test_what_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(InvalidError, match="contains itself"):
        normal(loop)


@pytest.mark.parametrize("key", ["\ud800", "a\udfffb"])
def test_a_key_with_half_a_character_is_refused(key: str) -> None:
    with pytest.raises(InvalidError, match="lone surrogate"):
        normal_items({key: 1}, "param")
    with pytest.raises(InvalidError, match="lone surrogate"):
        normal({"outer": {key: 1}}, "param 'x'")


@pytest.mark.parametrize("key", ["a" * 10_000, "val/loss", "a\x00b", "läuft ✓", " ", "$float", "."])
def test_any_other_text_is_a_key(key: str) -> None:
    assert normal_items({key: 1}, "metric") == {key: 1}
    assert loads(dumps({key: {key: math.inf}})) == {key: {key: math.inf}}


def test_items_need_names() -> None:
    with pytest.raises(WrongTypeError, match="must be a dict"):
        normal_items([("a", 1)], "param")  # type: ignore[arg-type]
    with pytest.raises(WrongTypeError, match="must be text, not int"):
        normal_items({1: 2}, "param")  # type: ignore[dict-item]
    with pytest.raises(InvalidError, match="empty"):
        normal_items({"": 2}, "param")


def test_sameness_looks_at_types() -> None:
    assert not same(1, 1.0)
    assert not same(1, True)
    assert same(math.nan, math.nan)
    assert not same([1], [1, 2])
    assert not same([1], [2])
    assert not same({"a": 1}, {"b": 1})
    assert same({"a": [math.nan]}, {"a": [math.nan]})


def test_nested_dicts_are_flattened_to_dotted_names() -> None:
    tree: dict[str, Value] = {"a": {"b": 1, "c": {}}, "d": [1], "a.b": 2}
    assert list(flatten(tree)) == [("a.b", 1), ("a.c", {}), ("d", [1]), ("a.b", 2)]


def test_long_text_is_shortened_for_messages() -> None:
    assert shorten("abc", 3) == "abc"
    assert shorten("abcd", 3) == "ab…"


def test_missing_is_one_thing_also_after_a_journey() -> None:
    import pickle

    assert pickle.loads(pickle.dumps(MISSING)) is MISSING  # noqa: S301 - our own bytes
    assert not MISSING
    assert repr(MISSING) == "MISSING"
