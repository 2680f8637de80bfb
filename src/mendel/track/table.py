"""Tables: taken from whatever holds columns, kept as typed JSON that the standard library reads.

    {"columns": [{"name": "x", "type": "float", "values": [1.0, null]}, …], "rows": 2}

``type`` is what the column's values are but for None: bool, int, float, text, datetime, list, dict,
null (only None) or mixed. In JSON values stand as `mendel.graph.values` has them: NaN is not None.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import CorruptError, InvalidError, WrongTypeError
from mendel.graph.values import from_json, normal, shorten, to_json

if TYPE_CHECKING:
    import pandas as pd

    from mendel.graph.values import Value

_NAMES: dict[type, str] = {
    bool: "bool",
    int: "int",
    float: "float",
    str: "text",
    datetime: "datetime",
    list: "list",
    dict: "dict",
}


@dataclass(frozen=True, slots=True)
class Table:
    """A table: its columns by name, all of one length."""

    columns: dict[str, list[Value]]
    types: dict[str, str]
    rows: int

    def to_pandas(self) -> pd.DataFrame:
        """Return it as a pandas DataFrame; int and bool with None among them get nullable types."""
        import pandas as pd

        nullable = {"int": "Int64", "bool": "boolean"}
        columns: dict[str, Any] = {}
        for name, values in self.columns.items():
            kind = nullable.get(self.types[name]) if None in values else None
            try:
                columns[name] = pd.Series(values, dtype=kind)
            except OverflowError:  # ints beyond 64 bits stay Python's
                columns[name] = pd.Series(values, dtype=object)
        return pd.DataFrame(columns)

    def to_records(self) -> list[dict[str, Value]]:
        """Return it as a list of rows."""
        names = list(self.columns)
        return [
            dict(zip(names, row, strict=True)) for row in zip(*self.columns.values(), strict=True)
        ]

    def dumps(self) -> str:
        """Return it as JSON text."""
        columns = [
            {"name": name, "type": self.types[name], "values": [to_json(v) for v in values]}
            for name, values in self.columns.items()
        ]
        body = {"columns": columns, "rows": self.rows}
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)

    @classmethod
    def loads(cls, text: str | bytes) -> Table:
        """Return the table that `dumps` wrote.

        Raises:
            CorruptError: the text is none.
        """
        try:
            body = json.loads(text)
            columns = {c["name"]: [from_json(v) for v in c["values"]] for c in body["columns"]}
            types = {c["name"]: c["type"] for c in body["columns"]}
            return cls(columns, types, body["rows"])
        except (ValueError, KeyError, TypeError) as error:
            raise CorruptError(f"this is no table that was logged ({error}).") from error


def table(data: object) -> Table:
    """Return a table from what holds columns.

    Args:
        data: a dict of columns (lists, arrays, Series), a list of rows (dicts; a row without a
            column has None there), a DataFrame of pandas or Polars, a pyarrow Table, or a
            two-dimensional array.

    Raises:
        WrongTypeError: nothing of the kind, or a value that cannot be kept (it names the cell).
        InvalidError: columns of different lengths, or two of one name.
    """
    columns = _columns(data)
    kept: dict[str, list[Value]] = {}
    for name, values in columns:
        if not isinstance(name, str):
            name = str(name)  # noqa: PLW2901 - pandas numbers columns that have no name
        if name in kept:
            raise InvalidError(f"the table has two columns {shorten(name)!r}; rename one.")
        kept[name] = _column(values, name)
    sizes = {name: len(values) for name, values in kept.items()}
    if len(set(sizes.values())) > 1:
        told = ", ".join(f"{shorten(name, 30)!r} has {size}" for name, size in sizes.items())
        raise InvalidError(f"the columns of a table must have one length; {shorten(told, 300)}.")
    types = {name: _type(values) for name, values in kept.items()}
    return Table(kept, types, next(iter(sizes.values()), 0))


def _columns(data: Any) -> list[tuple[Any, Any]]:
    if isinstance(data, Table):
        return list(data.columns.items())
    found = _frame_columns(data)
    if found is not None:
        return found
    if hasattr(data, "keys") and hasattr(data, "__getitem__"):
        return [(name, data[name]) for name in data.keys()]  # noqa: SIM118 - any mapping
    if len(getattr(data, "shape", ())) == 2:
        return [(str(number), data[:, number]) for number in range(data.shape[1])]
    if isinstance(data, list | tuple):
        return _row_columns(data)
    raise WrongTypeError(
        "a table is a dict of columns, a list of dicts, a DataFrame (pandas, Polars), a pyarrow "
        f"Table or a two-dimensional array, not {type(data).__name__}."
    )


def _frame_columns(data: Any) -> list[tuple[Any, Any]] | None:
    """Return the columns of a DataFrame or an Arrow table; none of the libraries is imported."""
    root = type(data).__module__.partition(".")[0]
    if root == "pandas" and hasattr(data, "columns"):
        return _pandas_columns(data)
    if root == "polars" and hasattr(data, "to_dict"):
        return list(data.to_dict(as_series=False).items())
    if root == "pyarrow" and hasattr(data, "to_pydict"):
        return list(data.to_pydict().items())
    return None


def _row_columns(rows: Any) -> list[tuple[Any, Any]]:
    names: dict[Any, None] = {}
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise WrongTypeError(
                f"row {number} of the table is a {type(row).__name__}; a list of rows must hold "
                "dicts. Lists of values go by column: {'x': [1, 2], 'y': [3, 4]}."
            )
        names.update(dict.fromkeys(row))
    return [(name, [row.get(name) for row in rows]) for name in names]


def _pandas_columns(frame: Any) -> list[tuple[Any, Any]]:
    index = frame.index
    if type(index).__name__ != "RangeIndex" or index.name is not None:
        names = [name if name is not None else "index" for name in index.names]
        if not set(names) & set(frame.columns):
            frame = frame.reset_index(names=names)
    return [(_flat(name), frame.iloc[:, at]) for at, name in enumerate(frame.columns)]


def _flat(name: Any) -> Any:
    if isinstance(name, tuple):  # a column of several levels
        return ".".join(part for part in map(str, name) if part)
    return name


def _column(values: Any, name: str) -> list[Value]:
    where = f"column {shorten(name, 40)!r}"
    if type(values).__module__.startswith("pandas"):
        missing = values.isna()
        # A float column's NaN is a value; what pandas calls missing elsewhere is None.
        as_none = [False] * len(values) if values.dtype.kind == "f" else missing.tolist()
        cells = zip(values.tolist(), as_none, strict=True)
        values = [None if none else value for value, none in cells]
    elif hasattr(values, "tolist"):
        values = values.tolist()
    if isinstance(values, str | bytes) or not hasattr(values, "__iter__"):
        raise WrongTypeError(f"{where} must be a list of values, not {type(values).__name__}.")
    return [_cell(value, where, row) for row, value in enumerate(values)]


def _cell(value: Any, where: str, row: int) -> Value:
    if getattr(value, "nanosecond", None):  # pandas' Timestamp
        raise InvalidError(
            f"{where}, row {row} has nanoseconds ({value}); only microseconds can be kept. Round "
            "it, or log it as text or as an int."
        )
    return normal(value, f"{where}, row {row}")


def _type(values: list[Value]) -> str:
    kinds = {type(value) for value in values} - {type(None)}
    if not kinds:
        return "null"
    return _NAMES[kinds.pop()] if len(kinds) == 1 else "mixed"
