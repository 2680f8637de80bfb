"""The flights: nothing of a flight's own fate may be among its features, and time splits them."""

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.demo import flights as f

pytest.importorskip("sklearn", reason="the demo's extra is not installed")


@pytest.fixture(scope="module")
def table() -> pd.DataFrame:
    places = f.files()
    read = [f._read(places[name]) for name in f.FILES]
    flights = read[0].iloc[::150].reset_index(drop=True)
    return f.join(flights, read[1], read[2])


def columns(table: pd.DataFrame) -> pd.DataFrame:
    return f.features(table)[list(f.COLUMNS)]


@given(
    day=st.integers(1, 365),
    outcome=st.sampled_from(f.OUTCOMES),
    value=st.sampled_from([-30.0, 0.0, 900.0, np.nan]),
)
def test_no_feature_knows_the_day_it_is_asked_on(
    table: pd.DataFrame, day: int, outcome: str, value: float
) -> None:
    days = pd.to_datetime(table[["year", "month", "day"]]).dt.day_of_year
    rewritten = table.copy()
    rewritten.loc[days >= day, outcome] = value
    until_then = (days <= day).to_numpy()
    before, after = columns(table)[until_then], columns(rewritten)[until_then]
    pd.testing.assert_frame_equal(before, after)


def test_outcomes_are_no_features_nor_their_twins(table: pd.DataFrame) -> None:
    assert not set(f.OUTCOMES) & set(f.COLUMNS)
    made, late = f.features(table), f.features(table)["late"]
    for name in f.NUMBERS:
        known = made[name].notna() & late.notna() & (made[name].nunique() > 1)
        if known.any():
            assert abs(np.corrcoef(made[name][known], late[known])[0, 1]) < 0.5, name


def test_a_share_counts_the_days_before_and_none_other() -> None:
    who = pd.Series(["a", "a", "a", "b", "a", None])
    day = pd.Series([1, 1, 2, 2, 3, 3])
    late = pd.Series([1.0, 0.0, 1.0, 1.0, np.nan, 1.0])
    one = f.share_before(who, day, late, days=1)
    two = f.share_before(who, day, late, days=2)
    np.testing.assert_array_equal(one, [np.nan, np.nan, 0.5, np.nan, 1.0, np.nan])
    np.testing.assert_array_equal(two, [np.nan, np.nan, 0.5, np.nan, 2 / 3, np.nan])


def test_time_splits_the_flights(table: pd.DataFrame) -> None:
    data = f.encode(f.features(table))
    parts = {name: data.part(name) for name in f.SPLITS}
    assert sum(len(part.y) for part in parts.values()) == len(data.y)
    assert all(len(part.y) > 50 for part in parts.values())
    spans = [range(first, last + 1) for first, last in f.SPLITS.values()]
    assert list(itertools.chain(*spans)) == list(range(1, 13))
    assert (np.diff(data.month) >= 0).all()


def test_flights_that_never_arrived_are_counted_not_guessed(table: pd.DataFrame) -> None:
    data = f.encode(f.features(table))
    assert data.dropped == int(table["arr_delay"].isna().sum())
    assert len(data.y) + data.dropped == len(table)
    assert set(np.unique(data.y)) == {0, 1}


def test_a_category_never_seen_in_the_train_months_is_other(table: pd.DataFrame) -> None:
    late_months = table.copy()
    late_months.loc[late_months["month"] > 8, "carrier"] = "ZZ"
    data = f.encode(f.features(late_months))
    column = list(f.COLUMNS).index("carrier")
    other = data.categories["carrier"].index("other")
    assert (data.X[data.month > 8, column] == other).all()


def test_what_was_prepared_is_kept_byte_for_byte(table: pd.DataFrame, tmp_path: Path) -> None:
    data = f.encode(f.features(table))
    paths = [tmp_path / "a.npz", tmp_path / "b.npz"]
    for path in paths:
        data.save(path)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    back = f.Prepared.load(paths[0])
    for name in ("X", "y", "month"):
        a: np.ndarray[Any, Any] = getattr(data, name)
        np.testing.assert_array_equal(a, getattr(back, name))
    assert (back.categories, back.dropped) == (data.categories, data.dropped)


def test_a_fingerprint_is_of_the_files_and_of_the_way_they_are_prepared() -> None:
    places = f.files()
    assert f.fingerprint(places) == f.fingerprint(dict(reversed(places.items())))
    assert f.fingerprint(places) != f.fingerprint(places, sample=0.1)
    assert f.fingerprint(places) != f.fingerprint({"planes.csv": places["planes.csv"]})
