"""The tables of an export, written row group by row group: Parquet, or JSON Lines without pyarrow.

docs/reference/export.md says what each column holds; its test holds it to `TABLES`.
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from mendel.graph.values import to_json
from mendel.track.columnar import missing_library

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

ROW_GROUP = 1 << 18  # rows: small groups read slowly, large ones take memory

# table: {column: type}; json is a text that holds JSON, time microseconds since 1970 in UTC
TABLES: dict[str, dict[str, str]] = {
    "runs": {
        "id": "text", "name": "text", "experiment": "text", "experiment_id": "text",
        "state": "text", "created": "time", "started": "time", "ended": "time",
        "updated": "time", "duration": "float", "user": "text", "host": "text",
        "parent": "text", "group": "text", "job_type": "text", "pinned": "bool",
        "archived": "bool", "deleted": "time", "note": "text", "lost_points": "int",
        "params": "json", "metrics": "json", "tags": "json", "definitions": "json",
        "capture": "json", "end": "json", "alerts": "json", "rewinds": "json", "damage": "json",
    },
    "fields": {
        "run": "text", "drawer": "text", "key": "text", "type": "text", "number": "float",
        "text": "text", "json": "json",
    },
    "series": {
        "run": "text", "key": "text", "count": "int", "nan_count": "int", "first": "float",
        "first_step": "int", "last": "float", "last_step": "int", "min": "float",
        "min_step": "int", "max": "float", "max_step": "int", "mean": "float",
        "last_time": "time", "type": "text",
    },
    "points": {
        "run": "text", "key": "text", "step": "int", "time": "time", "value": "float",
        "integer": "int",
    },
    "values": {"run": "text", "key": "text", "step": "int", "time": "time", "json": "json"},
    "facts": {"run": "text", "json": "json"},
    "experiments": {
        "id": "text", "name": "text", "description": "text", "created": "time",
        "updated": "time", "runs": "int", "deleted": "time",
    },
    "nodes": {
        "id": "text", "kind": "text", "schema_title": "text", "schema_version": "text",
        "display_name": "text", "state": "text", "uri": "text", "description": "text",
        "metadata": "json", "run": "text", "created": "time", "updated": "time",
    },
    "events": {
        "execution": "text", "artifact": "text", "kind": "text", "time": "time", "labels": "json",
    },
    "decisions": {
        "id": "text", "what": "text", "target": "text", "body": "json", "time": "time",
        "actor": "text",
    },
}  # fmt: skip


class Tables(ABC):
    """Writes the tables of one export into a folder; each file is made at its first row."""

    suffix: ClassVar[str]

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.rows: dict[str, int] = dict.fromkeys(TABLES, 0)

    def write(self, table: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """Write rows: times are seconds since 1970, json columns are values."""
        if rows:
            names = TABLES[table]
            self.columns(table, {n: [row.get(n) for row in rows] for n in names}, len(rows))

    def columns(self, table: str, columns: Mapping[str, Any], count: int) -> None:
        """Write rows given by columns: a list or an array each, or one value for all rows."""
        self._append(table, columns, count)
        self.rows[table] += count

    @abstractmethod
    def _append(self, table: str, columns: Mapping[str, Any], count: int) -> None: ...

    @abstractmethod
    def close(self) -> None:
        """Finish the files; tables without a row are made too."""


class JsonLines(Tables):
    """A line of JSON a row; times are numbers of seconds, values typed as everywhere."""

    suffix = "jsonl"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._files = {t: (folder / f"{t}.jsonl").open("w", encoding="utf-8") for t in TABLES}

    def _append(self, table: str, columns: Mapping[str, Any], count: int) -> None:
        lists = {n: _listed(columns[n], count) for n in TABLES[table]}
        rows = zip(*lists.values(), strict=True)
        names = list(lists)
        self._files[table].writelines(
            json.dumps(to_json(dict(zip(names, row, strict=True))), ensure_ascii=False) + "\n"
            for row in rows
        )

    def close(self) -> None:
        """Finish the files."""
        for file in self._files.values():
            file.close()


def _listed(column: Any, count: int) -> list[Any]:
    if isinstance(column, list):
        return column
    if hasattr(column, "tolist"):
        return column.tolist()  # type: ignore[no-any-return]
    return [column] * count


class Parquet(Tables):
    """Parquet by pyarrow, compressed with zstd; json columns are text that holds JSON."""

    suffix = "parquet"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        try:
            import pyarrow as pa
            import pyarrow.parquet as pq
        except ImportError:
            raise missing_library("pyarrow", "arrow") from None
        self._pa = pa
        self._types = {
            "text": pa.string(), "json": pa.string(), "int": pa.int64(), "float": pa.float64(),
            "bool": pa.bool_(), "time": pa.timestamp("us", tz="UTC"),
        }  # fmt: skip
        self._waiting: dict[str, list[Any]] = {table: [] for table in TABLES}
        self._waiting_rows = dict.fromkeys(TABLES, 0)
        self._writers = {
            table: pq.ParquetWriter(
                folder / f"{table}.parquet",
                pa.schema([(n, self._types[t]) for n, t in columns.items()]),
                compression="zstd",
            )
            for table, columns in TABLES.items()
        }

    def _append(self, table: str, columns: Mapping[str, Any], count: int) -> None:
        arrays = [self._array(columns[n], t, count) for n, t in TABLES[table].items()]
        schema = self._writers[table].schema
        self._waiting[table].append(self._pa.Table.from_arrays(arrays, schema=schema))
        self._waiting_rows[table] += count
        if self._waiting_rows[table] >= ROW_GROUP:
            self._flush(table)

    def _flush(self, table: str) -> None:
        waiting = self._waiting[table]
        if waiting:
            whole = self._pa.concat_tables(waiting).combine_chunks()
            self._writers[table].write_table(whole, row_group_size=ROW_GROUP)
        self._waiting[table] = []
        self._waiting_rows[table] = 0

    def _array(self, column: Any, kind: str, count: int) -> Any:
        pa, arrow = self._pa, self._types[kind]
        if hasattr(column, "dtype"):
            if kind == "time":
                column = (column * 1e6).round().astype("int64")
            return pa.array(column).cast(arrow)
        if not isinstance(column, list):
            return pa.repeat(pa.scalar(_plain(column, kind), arrow), count)
        return pa.array([_plain(value, kind) for value in column], arrow)

    def close(self) -> None:
        """Finish the files."""
        for table, writer in self._writers.items():
            self._flush(table)
            writer.close()


def _plain(value: Any, kind: str) -> Any:
    if value is None:
        return None
    if kind == "time":
        return round(value * 1e6)
    if kind == "float":
        return float(value)  # an int beyond 2**53 rounds; the points have it exactly
    if kind == "json":
        return json.dumps(to_json(value), ensure_ascii=False).encode("utf-8", "replace").decode()
    if kind == "text":
        return str(value).encode("utf-8", "backslashreplace").decode()
    return value


def tables(folder: Path, kind: str | None) -> Tables:
    """Return the writer of a kind: ``parquet``, ``jsonl``, or None: Parquet where it is installed.

    Raises:
        MissingLibraryError: Parquet was asked for, and pyarrow is not installed.
    """
    if kind == "jsonl":
        return JsonLines(folder)
    if kind is None:
        from importlib.util import find_spec

        if find_spec("pyarrow") is None:
            return JsonLines(folder)
    return Parquet(folder)
