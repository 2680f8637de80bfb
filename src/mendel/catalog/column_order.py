"""Sorts rows by columns, takes the first of them, and remembers where a page ended.

The order of values is that of `mendel.graph.query_order`. A column is ranked once for each
direction: a float64 key for each row, smaller first, NaN for rows without a value, which so come
last.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import itertools
import json
import math
from typing import TYPE_CHECKING

import numpy as np

from mendel.graph.errors import InvalidError
from mendel.graph.query_order import NOTHING, sort_kind, sort_value
from mendel.graph.query_tree import OrderTerm
from mendel.graph.values import MISSING, Missing, Value, from_json, to_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mendel.catalog.column import Array, Column
    from mendel.catalog.contract import RunQuery
    from mendel.graph.query_tree import Order

KEPT_ORDERS = 8
_FEW_SHARE = 16  # fewer than a 16th of all rows are sorted by themselves
_TIES = (OrderTerm("created", descending=True), OrderTerm("id"))


def whole(order: Order) -> Order:
    """Return an order with what settles ties: creation, newest first, then the id."""
    return (*order, *_TIES)


def is_few(mask: Array) -> bool:
    """Tell whether sorting the chosen rows alone is cheaper than sorting all once."""
    return int(np.count_nonzero(mask)) * _FEW_SHARE < len(mask)


def sort_rows(rows: Array, columns: Sequence[tuple[Column, bool]]) -> Array:
    """Return rows sorted by columns, each with whether it descends; ties stay as they came.

    Later columns are asked only about the rows that the earlier ones left level.
    """
    column, descending = columns[0]
    keys = _keys_of(column, rows, descending=descending)
    order = np.argsort(keys, kind="stable")
    rows, keys = rows[order], keys[order]
    if len(columns) == 1 or len(rows) < 2:
        return rows
    level = (keys[1:] == keys[:-1]) | (np.isnan(keys[1:]) & np.isnan(keys[:-1]))
    tied = np.flatnonzero(np.append(level, False) | np.append(False, level))
    if len(tied):
        places = np.append(0, np.cumsum(~level))[tied]
        order = np.argsort(rows[tied])
        again = sort_rows(rows[tied], columns[1:])
        # back to their places: stable by the place that each row was level on
        place_of = places[order][np.searchsorted(rows[tied][order], again)]
        rows[tied] = again[np.argsort(place_of, kind="stable")]
    return rows


def _keys_of(column: Column, rows: Array, *, descending: bool) -> Array:
    """Return the keys of some rows; of a few rows only they are ranked."""
    name = "keys_down" if descending else "keys_up"
    if column.codes is not None and name not in column.memo and len(rows) * 4 < len(column):
        return rank_values(column.values(rows), descending=descending)
    return sort_keys(column, descending=descending)[rows]


def first_rows(permutation: Array, mask: Array, limit: int | None) -> Array:
    """Return the first rows of a mask in the order of a permutation of all rows."""
    if limit is None:
        return permutation[mask[permutation]]
    found: list[Array] = []
    place, size, missing = 0, 4 * limit + 1024, limit
    while missing > 0 and place < len(permutation):
        piece = permutation[place : place + size]
        piece = piece[mask[piece]][:missing]
        found.append(piece)
        missing -= len(piece)
        place, size = place + size, 2 * size
    return np.concatenate(found) if found else permutation[:0]


def sort_keys(column: Column, *, descending: bool) -> Array:
    """Return a float64 key for each row, by which the smaller comes first; NaN comes last."""
    if column.codes is None:
        if column.num is None:
            return np.full(len(column), math.nan)
        return -column.num if descending else column.num
    name = "keys_down" if descending else "keys_up"
    if name not in column.memo:
        column.memo[name] = _rank(column, descending=descending)
    out: Array = column.memo[name]
    return out


def _rank(column: Column, *, descending: bool) -> Array:
    """Return the ranks of all rows of a column that has more than numbers."""
    assert column.codes is not None  # noqa: S101 - asked by the caller
    numbers: list[Value] = []
    if column.num is not None:
        has = ~np.isnan(column.num)
        different, inverse = np.unique(column.num[has], return_inverse=True)
        numbers = different.tolist()
    ranks = rank_values([*column.entries, *numbers], descending=descending)
    count = len(column.entries)
    out = np.append(ranks[:count], math.nan)[column.codes]
    if column.num is not None:
        out[has] = ranks[count:][inverse.reshape(-1)]
    return out


def rank_values(values: Sequence[Value | Missing], *, descending: bool) -> Array:
    """Return a float64 rank for each value, equal for those that tie; NaN for no value."""
    out = np.full(len(values), math.nan)
    kinds = np.fromiter(map(sort_kind, values), np.uint8, len(values))
    rank = 0
    for kind in range(NOTHING):
        places = np.flatnonzero(kinds == kind).tolist()
        if not places:
            continue
        keys = {place: sort_value(values[place]) for place in places}
        places.sort(key=keys.__getitem__, reverse=descending)
        ordered = [keys[place] for place in places]
        news = [a != b for a, b in itertools.pairwise(ordered)]
        ranks = rank + np.append(0, np.cumsum(news, dtype=np.int64))
        out[places] = ranks
        rank = int(ranks[-1]) + 1
    return out


def place_after(
    rows: Array, columns: Sequence[tuple[Column, bool]], values: Sequence[Value | Missing]
) -> int:
    """Return how many of some sorted rows come no later than a row with these values would."""
    low, high = 0, len(rows)
    while low < high:
        middle = (low + high) // 2
        if _is_after(int(rows[middle]), columns, values):
            high = middle
        else:
            low = middle + 1
    return low


def _is_after(
    row: int, columns: Sequence[tuple[Column, bool]], values: Sequence[Value | Missing]
) -> bool:
    for (column, descending), value in zip(columns, values, strict=True):
        mine = column.value(row)
        kind, other_kind = sort_kind(mine), sort_kind(value)
        if kind != other_kind:
            return kind > other_kind
        one, other = sort_value(mine), sort_value(value)
        if kind != NOTHING and one != other:
            return bool(one > other) is not descending
    return False


# -- cursors --


def _mark(query: RunQuery) -> str:
    about = [query.filter, query.experiments, query.order_by, query.deleted]
    return hashlib.sha256(json.dumps(about).encode()).hexdigest()[:12]


def write_cursor(query: RunQuery, values: Sequence[Value | Missing]) -> str:
    """Return the text that says after which values the next page of a query begins."""
    kept = [[] if v is MISSING else [to_json(v)] for v in values]  # type: ignore[arg-type]
    return base64.urlsafe_b64encode(json.dumps([_mark(query), kept]).encode()).decode()


def read_cursor(query: RunQuery) -> list[Value | Missing] | None:
    """Return the values of a query's cursor.

    Raises:
        InvalidError: it is none, or that of another query.
    """
    if query.cursor is None:
        return None
    try:
        mark, kept = json.loads(base64.urlsafe_b64decode(query.cursor.encode()))
        values = [from_json(v[0]) if v else MISSING for v in kept]
    except (ValueError, TypeError, IndexError, KeyError, binascii.Error) as error:
        raise InvalidError(
            f"{query.cursor!r} is no cursor; give the cursor of the page before, or none."
        ) from error
    if mark != _mark(query):
        raise InvalidError(
            "the cursor belongs to another query: filter, experiments, order and trash must be "
            "those of the page before."
        )
    return values
