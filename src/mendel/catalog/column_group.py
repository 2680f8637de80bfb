"""Groups rows by the values of columns, and aggregates numbers over the members of each group.

Values belong together as `mendel.graph.query_order.group_key` says. Mean and sample deviation are
in two passes (sums of squared differences from the mean, not of squares, which would cancel).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mendel.catalog.column import ABSENT, BOOL, CODED, FLOAT, INT, NULL, Array, Column
from mendel.catalog.contract import Group
from mendel.graph.query_order import group_key, sort_groups

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mendel.graph.values import Missing, Value


@dataclass(frozen=True, slots=True)
class Grouping:
    """All rows, group by group: ``rows`` in that order, ``counts`` how many stand in each."""

    columns: tuple[Column, ...]
    rows: Array
    counts: Array


def grouping(size: int, by: Sequence[Column]) -> Grouping:
    """Return the grouping of all rows by columns; it holds until one of them changes."""
    codes, count = np.zeros(size, np.int64), int(size > 0)
    for column in by:
        each, of_each = column_codes(column)
        codes, count = _dense(codes * of_each + each, count * of_each)
    small = codes.astype(np.uint16) if count < 1 << 16 else codes  # sorted by radix: much faster
    return Grouping(
        tuple(by), np.argsort(small, kind="stable"), np.bincount(codes, minlength=count)
    )


def group(mask: Array, known: Grouping, numbers: Mapping[str, Array]) -> list[Group]:
    """Return the groups of the chosen rows, the largest first, then as their values sort."""
    chosen = mask[known.rows]
    rows, counts = known.rows, known.counts
    if not chosen.all():
        rows = rows[chosen]
        counts = np.add.reduceat(chosen, _starts(counts), dtype=np.int64)
        counts = counts[counts > 0]
    if not len(rows):
        return []
    values = [_shown(column, rows, counts) for column in known.columns]
    stats = {name: _stats(array[rows], counts) for name, array in numbers.items()}
    groups = [
        Group(tuple(v[i] for v in values), count, {name: stat[i] for name, stat in stats.items()})
        for i, count in enumerate(counts.tolist())
    ]
    return sort_groups(groups, counts.tolist(), [g.values for g in groups])


def _starts(counts: Array) -> Array:
    """Return where each group begins."""
    return np.append(0, np.cumsum(counts[:-1])).astype(np.intp)


def _dense(codes: Array, size: int) -> tuple[Array, int]:
    """Number groups anew, so that none is empty."""
    if size > max(4 * len(codes), 1000):
        different, dense = np.unique(codes, return_inverse=True)
        return dense.reshape(-1), len(different)
    used = np.bincount(codes, minlength=size) > 0
    return (np.cumsum(used) - 1)[codes], int(np.count_nonzero(used))


def column_codes(column: Column) -> tuple[Array, int]:
    """Return the number of each row's group by one column, and how many groups there are."""
    if "groups" not in column.memo:
        codes = _codes(column)
        column.memo["groups"] = codes
        column.memo["group_count"] = int(codes.max(initial=0)) + 1
    return column.memo["groups"], column.memo["group_count"]


def _codes(column: Column) -> Array:
    """Number the groups: missing, None, NaN, false, true, then numbers, then entries."""
    out = np.zeros(len(column), np.int32)
    out[column.kind == NULL] = 1
    count = 5
    if column.num is not None:
        bools = column.kind == BOOL
        out[bools] = 3 + column.num[bools].astype(np.int32)
        out[(column.kind == FLOAT) & np.isnan(column.num)] = 2
        plain = (column.kind > BOOL) & (column.kind <= FLOAT) & ~np.isnan(column.num)
        different, inverse = np.unique(column.num[plain], return_inverse=True)
        out[plain] = count + inverse.reshape(-1)
        count += len(different)
        found = dict(zip(different.tolist(), range(5, count), strict=True))
    else:
        found = {}
    if column.codes is not None:
        coded = column.kind == CODED
        table = _entry_groups(column, found, count)
        out[coded] = table[column.codes[coded]]
    return out


def _entry_groups(column: Column, numbers: Mapping[float, int], count: int) -> Array:
    """Return the group of each entry; a large integer may equal a float that stands elsewhere."""
    known: dict[object, int] = {("number", number): group for number, group in numbers.items()}
    table = np.zeros(len(column.entries), np.int32)
    for code, entry in enumerate(column.entries):
        key = group_key(entry)
        if key not in known:
            known[key] = count
            count += 1
        table[code] = known[key]
    return table


def _shown(column: Column, rows: Array, counts: Array) -> list[Value | Missing]:
    """Return the value that each group is shown by: of equal numbers an int before a float."""
    starts = _starts(counts)
    values = column.values(rows[starts])
    if _is_mixed(column):
        kinds = column.kind[rows]
        exact = np.flatnonzero((kinds == INT) | (kinds == CODED))
        groups, first = np.unique(np.searchsorted(starts, exact, "right") - 1, return_index=True)
        for i, place in zip(groups.tolist(), exact[first].tolist(), strict=True):
            if isinstance(values[i], float):
                values[i] = column.value(int(rows[place]))
    return values


def _is_mixed(column: Column) -> bool:
    """Tell whether equal numbers may stand in it as int and as float."""
    if "mixed" not in column.memo:
        kinds = set(np.unique(column.kind).tolist()) - {ABSENT, NULL, BOOL}
        column.memo["mixed"] = FLOAT in kinds and len(kinds) > 1
    return bool(column.memo["mixed"])


def _stats(values: Array, counts: Array) -> list[tuple[int, float, float, float, float]]:
    """Return (n, mean, sample deviation, min, max) of each group; NaN values are left out."""
    has = ~np.isnan(values)
    n = counts
    if not has.all():
        n = np.add.reduceat(has, _starts(counts), dtype=np.int64)
        values = values[has]
    some = np.flatnonzero(n)
    out = np.full((4, len(n)), math.nan)
    if len(some):
        starts, sizes = _starts(n[some]), n[some]
        with np.errstate(all="ignore"):  # infinities give NaN, as they should
            mean = np.add.reduceat(values, starts) / sizes
            squares = np.add.reduceat((values - np.repeat(mean, sizes)) ** 2, starts)
            deviation = np.where(sizes > 1, np.sqrt(squares / (sizes - 1)), math.nan)
        lowest, highest = np.minimum.reduceat(values, starts), np.maximum.reduceat(values, starts)
        out[:, some] = mean, deviation, lowest, highest
    return list(zip(n.tolist(), *out.tolist(), strict=True))
