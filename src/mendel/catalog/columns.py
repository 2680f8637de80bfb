"""Finds, sorts, pages and groups runs over arrays in memory, field by field, loaded when needed.

A table of 100,000 runs with 10,000 different keys is never held whole: only the
fields that somebody filters, sorts or groups by are here, and the least used leave when memory runs
short. The engine knows no database; a `ColumnSource` gives it the values of a field. Thread-safe.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import TYPE_CHECKING, Protocol

import numpy as np

from mendel.catalog import column_group, column_order
from mendel.catalog.column import ABSENT, Array, Column
from mendel.catalog.contract import Group, RunPage, RunQuery
from mendel.graph import clock
from mendel.graph.errors import InvalidError
from mendel.graph.query import parse, parse_field, parse_order
from mendel.graph.query_tree import And, Compare, Expr, In, IsNull, Like, Not, Or

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from mendel.graph.query_tree import Leaf, Order
    from mendel.graph.values import Missing, Value

MAX_BYTES = 256 << 20
KEPT_GROUPINGS = 4
_RELOAD_SHARE = 4  # a column is loaded anew when more than a quarter of its rows changed


class ColumnSource(Protocol):
    """Where columns come from. A run keeps its row for ever; rows are numbered from 0.

    Fields are full names of the search language (`mendel.graph.query_run.run_value` is what they
    mean), and of every run at least ``id`` and ``created`` are there. A row without an ``id`` is no
    run (it was purged). Lineage predicates ask for ``artifact.inputs``, ``artifact.outputs``,
    ``artifact.datasets`` and ``artifact.models``: for each run the list of names, ids and uris of
    its artifacts (the last two: of schema system.Dataset and system.Model, read or made). Free text
    asks for ``text``.
    """

    def run_rows(self) -> int:
        """Return the number of rows."""
        ...

    def load(self, field: str) -> Iterable[tuple[int, Value]]:
        """Yield (row, value) for every run that has a value, in any order."""
        ...

    def load_rows(self, field: str, rows: Sequence[int]) -> Iterable[tuple[int, Value]]:
        """Yield the same for some rows only."""
        ...


class ColumnEngine:
    """See the top of this file. Masks are arrays of bool, a place for each row."""

    def __init__(self, source: ColumnSource, *, max_bytes: int = MAX_BYTES) -> None:
        self._source = source
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self._columns: OrderedDict[str, Column] = OrderedDict()
        self._orders: OrderedDict[Order, Array] = OrderedDict()
        self._groupings: OrderedDict[tuple[str, ...], column_group.Grouping] = OrderedDict()
        self._rows = source.run_rows()
        self._version = 0
        self._changes: list[tuple[int, Array]] = []

    # -- what changed --

    def invalidate(self, rows: Sequence[int] | None = None) -> None:
        """Take note that the values of some rows changed, or that there are new rows; None: all."""
        with self._lock:
            self._rows = self._source.run_rows()
            self._version += 1
            self._orders.clear()
            self._groupings.clear()
            if rows is None:
                self._columns.clear()
                self._changes.clear()
                return
            self._changes.append((self._version, np.unique(np.array(rows, np.int64))))
            if sum(len(changed) for _, changed in self._changes) > self._rows:
                self._forget_old_changes()

    def _forget_old_changes(self) -> None:
        """Join the notes into one; columns that are older than all of them read it whole."""
        rows = np.unique(np.concatenate([changed for _, changed in self._changes]))
        self._changes = [(self._version, rows)]

    def _refresh(self, name: str, column: Column) -> Column:
        """Bring a column up to date, and return it or the one that replaces it."""
        if column.version == self._version:
            return column
        news = [rows for version, rows in self._changes if version > column.version]
        rows = np.unique(np.concatenate(news))
        stale = len(column.entries) > 2 * len(column) + 1000
        if stale or len(rows) * _RELOAD_SHARE > self._rows:
            return self._load(name)
        if len(column) < self._rows:
            column.grow(self._rows)
        column.clear_rows(rows)
        column.put(self._source.load_rows(name, rows.tolist()))
        column.version = self._version
        return column

    # -- columns --

    def column(self, name: str) -> Column:
        """Return the column of a field by its full name, up to date."""
        with self._lock:
            known = self._columns.get(name)
            column = self._load(name) if known is None else self._refresh(name, known)
            self._columns[name] = column
            self._columns.move_to_end(name)
            if column is not known:
                self._make_room()
            return column

    def _load(self, name: str) -> Column:
        column = Column(self._rows)
        column.put(self._source.load(name))
        column.version = self._version
        return column

    def _make_room(self) -> None:
        held = sum(column.nbytes for column in self._columns.values())
        held += sum(order.nbytes for order in self._orders.values())
        while held > self._max_bytes and len(self._columns) > 1:
            _, column = self._columns.popitem(last=False)
            held -= column.nbytes

    @property
    def nbytes(self) -> int:
        """About how much memory the columns take, in bytes."""
        with self._lock:
            return sum(column.nbytes for column in self._columns.values())

    def values(self, name: str, rows: Sequence[int]) -> list[Value | Missing]:
        """Return a field's values of some rows, in their own types."""
        with self._lock:
            return self.column(name).values(np.array(rows, np.int64))

    # -- filtering --

    def select(self, expr: Expr, now: float | None = None) -> Array:
        """Return the mask of the rows that pass a search; rows that are no runs do not."""
        with self._lock:
            moment = clock.now() if now is None else now
            return self._alive() & self._select(expr, moment)

    def _alive(self) -> Array:
        alive: Array = self.column("id").kind != ABSENT
        return alive

    def _select(self, expr: Expr, now: float) -> Array:
        if isinstance(expr, Not):
            return ~self._select(expr.expr, now)
        if isinstance(expr, And):
            return self._select_all(expr, now)
        if isinstance(expr, Or):
            out = np.zeros(self._rows, np.bool_)
            for part in _joined(expr.parts):
                out |= self._select(part, now)
            return out
        return self._test(expr, now)

    def _select_all(self, expr: And, now: float) -> Array:
        out = np.ones(self._rows, np.bool_)
        for part in expr.parts:
            out &= self._select(part, now)
            if not out.any():
                break
        return out

    def _test(self, leaf: Leaf, now: float) -> Array:
        return self.column(leaf.field).test(leaf, now)

    # -- a query --

    def matching(self, query: RunQuery) -> Array:
        """Return the mask of the runs that a query is about.

        Raises:
            QueryError: its filter cannot be read.
        """
        return self.select(query_tree(query))

    def find(self, query: RunQuery) -> RunPage:
        """Return a page of runs.

        Raises:
            QueryError: the filter or an order term cannot be read.
            InvalidError: the limit is negative; the cursor belongs to another query, or is none.
        """
        order = parse_order(query.order_by)
        if query.limit is not None and query.limit < 0:
            raise InvalidError(f"a limit of {query.limit}; give 0 or more, or None for all.")
        with self._lock:
            mask = self.matching(query)
            total = int(np.count_nonzero(mask))
            after = column_order.read_cursor(query)
            wanted = None if query.limit is None else query.limit + 1
            rows = self.order(mask, order, wanted, after)
            more = query.limit is not None and 0 < query.limit < len(rows)
            rows = rows[: query.limit]
            ids = tuple(str(v) for v in self.column("id").values(rows))
            cursor = self._cursor(query, order, int(rows[-1])) if more else None
            return RunPage(ids, total, cursor)

    def _cursor(self, query: RunQuery, order: Order, row: int) -> str:
        names = [term.field for term in order] + ["created", "id"]
        return column_order.write_cursor(query, [self.column(n).value(row) for n in names])

    def order(
        self,
        mask: Array,
        order: Order,
        limit: int | None = None,
        after: Sequence[Value | Missing] | None = None,
    ) -> Array:
        """Return the rows of a mask in an order, at most ``limit``.

        Ties are by creation, newest first, then by id. ``after`` are the values of
        the order's terms, ``created`` and ``id`` of the row that the page comes after.
        """
        with self._lock:
            few = column_order.is_few(mask)
            terms = column_order.whole(order) if few or after is not None else ()
            columns = [(self.column(t.field), t.descending) for t in terms]
            if few:
                rows = column_order.sort_rows(np.flatnonzero(mask), columns)
            else:
                rows = self._permutation(order)
            if after is not None:
                rows = rows[column_order.place_after(rows, columns, after) :]
            return rows[:limit] if few else column_order.first_rows(rows, mask, limit)

    def _permutation(self, order: Order) -> Array:
        """Return all rows in an order; the newest few are kept."""
        known = self._orders.get(order)
        if known is None:
            if order:
                columns = [(self.column(t.field), t.descending) for t in order]
                known = column_order.sort_rows(self._permutation(()), columns)
            else:
                columns = [(self.column("created"), True), (self.column("id"), False)]
                known = column_order.sort_rows(np.arange(self._rows), columns)
            self._orders[order] = known
            if len(self._orders) > column_order.KEPT_ORDERS:
                self._orders.popitem(last=False)
        self._orders.move_to_end(order)
        return known

    def group(self, query: RunQuery, by: Sequence[str], aggregated: Sequence[str]) -> list[Group]:
        """Group all runs of a query by the values of some fields, and aggregate others.

        Raises:
            QueryError: the filter or a field cannot be read.
        """
        by_names = [parse_field(name) for name in by]
        stat_names = {name: parse_field(name) for name in aggregated}
        with self._lock:
            mask = self.matching(query)
            numbers = {given: self.column(name).numbers() for given, name in stat_names.items()}
            return column_group.group(mask, self.grouping(by_names), numbers)

    def grouping(self, names: Sequence[str]) -> column_group.Grouping:
        """Return all rows group by group, by full names of fields; the newest few are kept."""
        with self._lock:
            key = tuple(names)
            known = self._groupings.get(key)
            if known is None:
                columns = [self.column(name) for name in names]
                known = self._groupings[key] = column_group.grouping(self._rows, columns)
                if len(self._groupings) > KEPT_GROUPINGS:
                    self._groupings.popitem(last=False)
            self._groupings.move_to_end(key)
            return known


def _joined(parts: Sequence[Expr]) -> list[Expr]:
    """Make one ``in`` of the equalities of a field, so that an ``or`` of thousands stays fast."""
    if len(parts) < 3:
        return list(parts)
    equal: dict[str, list[Compare]] = {}
    out: list[Expr] = []
    for part in parts:
        if isinstance(part, Compare) and part.op == "=":
            equal.setdefault(part.field, []).append(part)
        else:
            out.append(part)
    return out + [In(name, tuple(c.value for c in tests)) for name, tests in equal.items()]


def query_tree(query: RunQuery) -> Expr:
    """Return all that a query asks of a run as one tree: its filter, experiments and the trash."""
    parts: list[Expr] = [parse(query.filter)]
    if query.experiments is not None:
        parts.append(Or(tuple(_in_experiment(name) for name in query.experiments)))
    if query.deleted is not None:
        in_trash = IsNull("deleted")
        parts.append(Not(in_trash) if query.deleted else in_trash)
    return And(tuple(parts))


def _in_experiment(name: str) -> Expr:
    """Return the test of one experiment; a name that ends in / is a folder."""
    if not name.endswith("/"):
        return Compare("experiment", "=", name)
    escaped = name.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return Like("experiment", escaped + "%")
