r"""Turns columns of exact values into pandas, Arrow and Polars without spoiling them.

A column of the record holds Python values of any type, `MISSING` where a run has none. A data frame
wants one type a column. The rules, the same for the three libraries (decision page 0007):

================================== ================== ============ =========
what the present values are        pandas             Arrow        Polars
================================== ================== ============ =========
bool                               bool, boolean*     bool         Boolean
int (64 bit)                       int64, Int64*      int64        Int64
float, or float and int together   float64            double       Float64
text                               str                string       String
times with a zone                  datetime64[us,UTC] timestamp    Datetime
anything else, or mixed            object             string: JSON String: JSON
================================== ================== ============ =========

\* where a run has no value: an int stays an int and True stays True. Missing is NaN (`NA` in the
two nullable types; `isna()` finds all). Float and int share a column only where each int is exact
as a float; other numbers stay what they are in an object column, as Python values. A NaN that was
logged and a missing value look alike in pandas; in Arrow and Polars one is NaN, the other null.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import compress
from typing import TYPE_CHECKING, Any, Literal

from mendel.graph.errors import MissingLibraryError
from mendel.graph.values import MISSING, Missing, dumps

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    import pandas as pd
    import polars as pl
    import pyarrow as pa

    from mendel.graph.values import Value

Kind = Literal["empty", "bool", "int", "float", "text", "time", "any"]

_KINDS: dict[frozenset[type], Kind] = {
    frozenset(): "empty",
    frozenset({bool}): "bool",
    frozenset({int}): "int",
    frozenset({float}): "float",
    frozenset({int, float}): "float",
    frozenset({str}): "text",
    frozenset({datetime}): "time",
}
_INT64_MIN, _INT64_MAX = -(2**63), 2**63 - 1
_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class TypedColumn:
    """A column that knows what it holds. ``values`` has `MISSING` where ``gaps`` says so."""

    name: str
    values: Sequence[Value | Missing]
    kind: Kind
    gaps: bool


def typed(name: str, values: Sequence[Any]) -> TypedColumn:
    """Find out what a column holds (see the top of this file)."""
    seen = set(map(type, values))
    gaps = Missing in seen
    seen.discard(Missing)
    kind = _KINDS.get(frozenset(seen), "any")
    check = _CHECKS.get(kind)
    if check is not None and (kind != "float" or int in seen):
        present = [v for v in values if v is not MISSING] if gaps else values
        if not check(present):
            kind = "any"
    return TypedColumn(name, values, kind, gaps)


def _fits_int64(values: Sequence[int]) -> bool:
    return min(values) >= _INT64_MIN and max(values) <= _INT64_MAX


def _exact_as_floats(values: Sequence[float]) -> bool:
    try:
        return all(type(v) is float or float(v) == v for v in values)
    except OverflowError:
        return False


def _encodable(values: Sequence[str]) -> bool:
    """Tell whether no text has lone surrogates: Arrow and pandas hold text as UTF-8."""
    try:
        "".join(values).encode()
    except UnicodeEncodeError:
        return False
    return True


def _zoned(values: Sequence[datetime]) -> bool:
    return all(v.tzinfo is not None for v in values)


# A column is of its kind only if its library's type holds every value exactly.
_CHECKS: dict[Kind, Callable[[Sequence[Any]], bool]] = {
    "int": _fits_int64,
    "float": _exact_as_floats,
    "text": _encodable,
    "time": _zoned,
}


def _filled(column: TypedColumn, gap: Any) -> list[Any]:
    if not column.gaps:
        return list(column.values)
    return [gap if v is MISSING else v for v in column.values]


# -- pandas --


def to_pandas(columns: Iterable[TypedColumn], rows: int) -> pd.DataFrame:
    """Return a data frame of columns; ``rows`` is its length, also where there is no column."""
    import pandas as pd

    index = pd.RangeIndex(rows)
    return pd.DataFrame({c.name: pandas_series(c) for c in columns}, index=index)


def pandas_series(column: TypedColumn) -> pd.Series[Any]:
    """Return one column as a pandas Series with a plain index."""
    import numpy as np
    import pandas as pd

    kind = column.kind
    if kind in {"float", "empty"}:
        return pd.Series(np.array(_filled(column, _NAN), dtype=np.float64))
    if kind in {"int", "bool"}:
        number = np.int64 if kind == "int" else np.bool_
        numbers: np.ndarray[Any, Any] = np.array(_filled(column, 0), dtype=number)
        if not column.gaps:
            return pd.Series(numbers)
        mask = np.array([v is MISSING for v in column.values], dtype=np.bool_)
        if kind == "int":
            return pd.Series(pd.arrays.IntegerArray(numbers, mask))
        return pd.Series(pd.arrays.BooleanArray(numbers, mask))
    if kind == "time":
        return pd.Series(pd.DatetimeIndex(_times(column), tz="UTC").as_unit("us"))
    values = np.empty(len(column.values), dtype=object)
    values[:] = _filled(column, _NAN)
    if kind == "text":
        return pd.Series(values).astype("str") if _pandas_has_str() else pd.Series(values)
    return pd.Series(values, dtype=object)


def _pandas_has_str() -> bool:
    """Tell whether ``str`` names the type whose missing value is NaN (pandas 3)."""
    import pandas as pd

    return int(pd.__version__.partition(".")[0]) >= 3


# -- Arrow and Polars --


def to_arrow(columns: Iterable[TypedColumn]) -> pa.Table:
    """Return an Arrow table; a column of mixed values is JSON text, said in its field's metadata.

    Raises:
        MissingLibraryError: pyarrow is not installed.
    """
    try:
        import pyarrow as pa
    except ImportError as error:
        raise missing_library("pyarrow", "arrow") from error
    types = {
        "bool": pa.bool_(),
        "int": pa.int64(),
        "float": pa.float64(),
        "empty": pa.float64(),
        "text": pa.string(),
        "time": pa.timestamp("us", "UTC"),
        "any": pa.string(),
    }
    fields, arrays = [], []
    for column in columns:
        kind = types[column.kind]
        note = {"mendel.json": "1"} if column.kind == "any" else None
        fields.append(pa.field(_utf8(column.name), kind, metadata=note))
        arrays.append(pa.array(_plain(column), kind, from_pandas=False))
    return pa.Table.from_arrays(arrays, schema=pa.schema(fields))


def to_polars(columns: Iterable[TypedColumn]) -> pl.DataFrame:
    """Return a Polars frame; a column of mixed values is JSON text.

    Raises:
        MissingLibraryError: polars is not installed.
    """
    try:
        import polars as pl
    except ImportError as error:
        raise missing_library("polars", "polars") from error
    types: dict[Kind, Any] = {
        "bool": pl.Boolean(),
        "int": pl.Int64(),
        "float": pl.Float64(),
        "empty": pl.Float64(),
        "text": pl.String(),
        "time": pl.Datetime("us", "UTC"),
        "any": pl.String(),
    }
    return pl.DataFrame([pl.Series(_utf8(c.name), _plain(c), dtype=types[c.kind]) for c in columns])


def _plain(column: TypedColumn) -> list[Any]:
    """Return a column's values with None where there is none; mixed values as JSON."""
    if column.kind == "float":
        return [None if v is MISSING else float(v) for v in column.values]  # type: ignore[arg-type]
    if column.kind == "any":
        return [None if v is MISSING else dumps(v) for v in column.values]  # type: ignore[arg-type]
    if column.kind == "time":
        return _times(column)
    return _filled(column, None)


def _times(column: TypedColumn) -> list[datetime | None]:
    return [v.astimezone(UTC) if isinstance(v, datetime) else None for v in column.values]


def _utf8(name: str) -> str:
    return name.encode("utf-8", "backslashreplace").decode()


def missing_library(library: str, extra: str) -> MissingLibraryError:
    """Return the error that tells how to install what is asked for."""
    return MissingLibraryError(
        f"This needs {library}, which is not installed: pip install 'mendel[{extra}]'. "
        "to_pandas() and to_list() work without it."
    )


# -- plain Python, and all four together --


def to_list(columns: Sequence[TypedColumn], rows: int) -> list[dict[str, Any]]:
    """Return one dict a row, with the values as logged; what a row does not have is not in it."""
    names = [c.name for c in columns]
    if not names:
        return [{} for _ in range(rows)]
    out = []
    for row in zip(*(c.values for c in columns), strict=True):
        present = [v is not MISSING for v in row]
        out.append(dict(zip(compress(names, present), compress(row, present), strict=True)))
    return out


class Tabular:
    """What can be had as a table: `_table` gives its columns and its number of rows."""

    __slots__ = ()

    def _table(self) -> tuple[list[TypedColumn], int]:
        raise NotImplementedError

    def to_list(self) -> list[dict[str, Any]]:
        """Return one dict a row, values as logged; what a row does not have is not in its dict."""
        return to_list(*self._table())

    def to_pandas(self) -> pd.DataFrame:
        """Return a pandas data frame; docs/guides/find-and-compare.md tells the types."""
        return to_pandas(*self._table())

    def to_polars(self) -> pl.DataFrame:
        """Return a Polars frame.

        Raises:
            MissingLibraryError: polars is not installed.
        """
        return to_polars(self._table()[0])

    def to_arrow(self) -> pa.Table:
        """Return an Arrow table.

        Raises:
            MissingLibraryError: pyarrow is not installed.
        """
        return to_arrow(self._table()[0])
