"""Series as people read them: exact arrays first, a smaller picture only when asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, overload

from mendel.catalog.contract import Series
from mendel.graph.values import MISSING
from mendel.track import show
from mendel.track.columnar import pandas_series, typed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy as np
    import pandas as pd

    from mendel.catalog.contract import SeriesValue
    from mendel.graph.run import RunRecord
    from mendel.track.view import Source

    _Part: TypeAlias = tuple[Any, Any, Any]  # steps, times, values: arrays of one length


CURVE_POINTS = 2000  # a curve in a notebook is drawn from so many points at most


class RunSeries:
    """One metric of one run over its steps.

    Attributes:
        run: id of the run.
        name: name of the run.
        key: name of the metric.
        steps: int64 array, ascending; a step logged twice is there twice.
        values: array of the same length: float64, or int64 / bool where every point was logged so.
        total: how many points stand behind it.
        buckets: None when every point is here; else the number of step ranges it was downsampled
            into, each shown by its first, minimum, maximum and last point, and NaN if it has any.
    """

    __slots__ = (
        "_record",
        "_series",
        "_source",
        "_span",
        "buckets",
        "key",
        "name",
        "run",
        "steps",
        "total",
        "values",
    )

    def __init__(
        self,
        source: Source,
        series: Series,
        record: RunRecord,
        span: tuple[int | None, int | None] = (None, None),
    ) -> None:
        self._source = source
        self._record = record
        self._span = span
        self.run = record.id
        self.name = record.name
        self.key = series.key
        self.steps = series.steps
        self._series = series
        self.values = series.values
        self.total = series.total
        self.buckets = series.buckets

    @classmethod
    def empty(cls, source: Source, record: RunRecord, key: str) -> RunSeries:
        """Return a series without points: no point of it lies in the range asked for."""
        import numpy as np

        none = np.empty(0)
        return cls(source, Series(record.id, key, none.astype(np.int64), none, none, 0), record)

    @property
    def times(self) -> np.ndarray[Any, Any]:
        """When the points were logged: float64 array, seconds since 1970; read when looked at."""
        return self._series.times

    @property
    def exact(self) -> bool:
        """Whether every point is here."""
        return self.buckets is None

    @property
    def elapsed(self) -> np.ndarray[Any, Any]:
        """Seconds since the first point shown: for curves of runs that began at different times."""
        return self.times - self.times.min() if len(self.times) else self.times

    def downsampled(self, width: int) -> RunSeries:
        """Return the series in at most ``width`` ranges of steps; min, max and NaN are never lost.

        A series of no more than 4 × width points comes back whole, and says so (`exact`).

        Raises:
            InvalidError: the width is not positive.
        """
        from mendel.graph.errors import InvalidError

        if width < 1:
            raise InvalidError(f"width is {width}; give the number of step ranges, 1 or more.")
        found = self._source.catalog.series([self.run], [self.key], buckets=width, steps=self._span)
        return RunSeries(self._source, found[0], self._record, self._span) if found else self

    def to_pandas(self) -> pd.DataFrame:
        """Return a data frame with columns step, wall_time (UTC) and value."""
        import pandas as pd

        return pd.DataFrame(
            {"step": self.steps, "wall_time": wall_times(self.times), "value": self.values}
        )

    def __len__(self) -> int:
        return len(self.steps)

    def __iter__(self) -> Iterator[tuple[int, float]]:
        return iter(zip(self.steps.tolist(), self.values.tolist(), strict=True))

    def __repr__(self) -> str:
        begin = f"<{self.key} of run {self.name!r}: "
        if not len(self):
            return f"{begin}no points>"
        over = f"steps {self.steps[0]} to {self.steps[-1]}"
        if self.exact:
            last = show.text(self.values[-1].item())
            return f"{begin}all {self.total:,} points, {over}, last {last}>"
        return (
            f"{begin}{len(self):,} of {self.total:,} points, {over}: downsampled to the first, "
            f"min, max and last of {self.buckets:,} step ranges>"
        )

    def _repr_html_(self) -> str:
        import numpy as np

        values = np.asarray(self.values, dtype=np.float64)
        whole = self if len(self) <= CURVE_POINTS else self.downsampled(CURVE_POINTS // 4)
        if whole is not self:
            values = np.asarray(whole.values, dtype=np.float64)
        return show.curve(whole.steps.tolist(), values.tolist(), repr(self).strip("<>"))


class Curves:
    """Series of several runs, in the order of the runs: a sequence of `RunSeries`."""

    __slots__ = ("_series",)

    def __init__(self, series: Sequence[RunSeries]) -> None:
        self._series = tuple(series)

    @overload
    def __getitem__(self, index: int) -> RunSeries: ...
    @overload
    def __getitem__(self, index: slice) -> Curves: ...
    def __getitem__(self, index: int | slice) -> RunSeries | Curves:
        if isinstance(index, slice):
            return Curves(self._series[index])
        return self._series[index]

    def __len__(self) -> int:
        return len(self._series)

    def __iter__(self) -> Iterator[RunSeries]:
        return iter(self._series)

    @property
    def exact(self) -> bool:
        """Whether every point of every series is here."""
        return all(s.exact for s in self._series)

    def to_pandas(self) -> pd.DataFrame:
        """Return all in one long data frame.

        Columns: run (id), name, key, step, wall_time (UTC), elapsed (seconds), value.

        Ready for a plotting library: ``sns.lineplot(data=…, x="step", y="value", hue="name")``.
        """
        import numpy as np
        import pandas as pd

        if not self._series:
            names = ("run", "name", "key", "step", "wall_time", "elapsed", "value")
            return pd.DataFrame(columns=list(names))
        sizes = [len(s) for s in self._series]
        return pd.DataFrame(
            {
                "run": np.repeat(np.array([s.run for s in self._series], dtype=object), sizes),
                "name": np.repeat(np.array([s.name for s in self._series], dtype=object), sizes),
                "key": np.repeat(np.array([s.key for s in self._series], dtype=object), sizes),
                "step": np.concatenate([s.steps for s in self._series]),
                "wall_time": wall_times(np.concatenate([s.times for s in self._series])),
                "elapsed": np.concatenate([s.elapsed for s in self._series]),
                "value": np.concatenate([s.values for s in self._series]),
            }
        )

    def __repr__(self) -> str:
        lines = [f"<{len(self)} series>", *(f"  {s!r}" for s in self._series[:10])]
        if len(self) > 10:
            lines.append(f"  … and {len(self) - 10} more")
        return "\n".join(lines)


def wall_times(seconds: np.ndarray[Any, Any]) -> pd.DatetimeIndex:
    """Return times of the record as datetimes in UTC, to the microsecond."""
    import numpy as np
    import pandas as pd

    micros = np.rint(np.asarray(seconds, dtype=np.float64) * 1e6).astype("datetime64[us]")
    return pd.DatetimeIndex(micros).tz_localize("UTC")


def history_frame(
    source: Source, record: RunRecord, keys: Sequence[str] | None = None
) -> pd.DataFrame:
    """Return the series of a run side by side: step, wall_time and a column a metric.

    One row per (step, wall_time), by step, then time. Points of one metric that share both keep a
    row each: nothing logged is left out. Metrics without a point at a row are NaN there (`NA` in
    columns of ints and bools, so that these stay ints and bools). A metric named ``step`` or
    ``wall_time`` is the column ``metric.step`` or ``metric.wall_time``. Series of the machine
    (``system/…``) have steps of their own, so they are there only when named.
    """
    import pandas as pd

    points: dict[str, _Part] = {
        found.key: (found.steps, found.times, found.values)
        for found in source.catalog.series([record.id], _shown(record, keys))
    }
    for key, part in _others(source.catalog.series_values(record.id, keys)):
        points[key] = _joined(points[key], part) if key in points else part
    table = _Rows(list(points.values()))
    out: dict[str, Any] = {"step": table.steps, "wall_time": wall_times(table.times)}
    made = {
        f"metric.{key}" if key in out else key: _scatter(len(table.steps), rows, points[key][2])
        for key, rows in zip(points, table.rows, strict=True)
    }
    return pd.DataFrame(out | {name: made[name] for name in sorted(made)})


def _others(values: Sequence[SeriesValue]) -> Iterator[tuple[str, _Part]]:
    """Yield the values that are no numbers, as one part a key."""
    import numpy as np

    by_key: dict[str, list[SeriesValue]] = {}
    for value in values:
        by_key.setdefault(value.key, []).append(value)
    for key, mine in by_key.items():
        steps = np.array([v.step for v in mine], dtype=np.int64)
        objects = np.empty(len(mine), dtype=object)
        objects[:] = [v.value for v in mine]
        yield key, (steps, np.array([v.time for v in mine]), objects)


def _joined(numbers: _Part, others: _Part) -> _Part:
    """Return the numbers and the other values of one metric as one part of Python values."""
    import numpy as np

    values = np.empty(len(numbers[2]) + len(others[2]), dtype=object)
    values[:] = [*numbers[2].tolist(), *others[2]]
    return (
        np.concatenate([numbers[0], others[0]]),
        np.concatenate([numbers[1], others[1]]),
        values,
    )


def _shown(record: RunRecord, keys: Sequence[str] | None) -> Sequence[str] | None:
    """Return the series to read: those named, else all but the machine's own."""
    if keys is not None or not any(k.startswith("system/") for k in record.series):
        return keys
    return [k for k in sorted(record.series) if not k.startswith("system/")]


class _Rows:
    """The rows that some series need together, and the row of each of their points."""

    def __init__(self, parts: list[_Part]) -> None:
        import numpy as np

        if not parts:
            self.steps = np.empty(0, dtype=np.int64)
            self.times = np.empty(0)
            self.rows: list[Any] = []
            return
        first = parts[0]
        if all(np.array_equal(p[0], first[0]) and np.array_equal(p[1], first[1]) for p in parts):
            # Metrics logged together, the usual case: their points are the rows, in order of time.
            order = np.lexsort((first[1], first[0]))
            rank = np.empty(len(order), dtype=np.int64)
            rank[order] = np.arange(len(order))
            self.steps, self.times = first[0][order], first[1][order]
            self.rows = [rank] * len(parts)
            return
        again = [_occurrence(p[0], p[1]) for p in parts]
        steps = np.concatenate([p[0] for p in parts])
        times = np.concatenate([p[1] for p in parts])
        nth = np.concatenate(again)
        order = np.lexsort((nth, times, steps))
        s, t, n = steps[order], times[order], nth[order]
        new = np.ones(len(order), dtype=bool)
        new[1:] = (s[1:] != s[:-1]) | (t[1:] != t[:-1]) | (n[1:] != n[:-1])
        row = np.empty(len(order), dtype=np.int64)
        row[order] = np.cumsum(new) - 1
        self.steps, self.times = s[new], t[new]
        self.rows = np.split(row, np.cumsum([len(p[0]) for p in parts])[:-1])


def _occurrence(steps: Any, times: Any) -> Any:
    """Return for each point how many points before it have its step and time."""
    import numpy as np

    order = np.lexsort((np.arange(len(steps)), times, steps))
    s, t = steps[order], times[order]
    new = np.ones(len(order), dtype=bool)
    new[1:] = (s[1:] != s[:-1]) | (t[1:] != t[:-1])
    place = np.arange(len(order))
    nth = np.empty(len(order), dtype=np.int64)
    nth[order] = place - np.maximum.accumulate(np.where(new, place, 0))
    return nth


def _scatter(size: int, rows: Any, values: Any) -> Any:
    """Return a column of ``size`` rows with values at some of them."""
    import numpy as np
    import pandas as pd

    if values.dtype == object:
        column: list[Any] = [MISSING] * size
        for row, value in zip(rows.tolist(), values.tolist(), strict=True):
            column[row] = value
        return pandas_series(typed("", column))
    out = np.zeros(size, dtype=values.dtype)
    if values.dtype == np.float64:
        out.fill(np.nan)
    out[rows] = values
    if len(rows) == size or values.dtype == np.float64:
        return out
    mask = np.ones(size, dtype=bool)
    mask[rows] = False
    kind = pd.arrays.BooleanArray if values.dtype == np.bool_ else pd.arrays.IntegerArray
    return kind(out, mask)
