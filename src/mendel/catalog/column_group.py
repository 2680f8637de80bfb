"""Groups rows by the values of columns, and aggregates numbers over the members of each group.

Values belong together as `mendel.graph.query_order.group_key` says. Mean and sample deviation are
in two passes (sums of squared differences from the mean, not of squares, which would cancel).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from mendel.catalog.column import ABSENT, BOOL, CODED, FLOAT, INT, NULL, Array, Column
from mendel.catalog.contract import Group
from mendel.graph.query_order import group_key, sort_groups

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mendel.graph.values import Missing, Value


def group(mask: Array, by: Sequence[Column], numbers: Mapping[str, Array]) -> list[Group]:
    """Return the groups of the chosen rows, the largest first, then as their values sort."""
    rows = np.flatnonzero(mask)
    codes, size = np.zeros(len(rows), np.int64), int(len(rows) > 0)
    for column in by:
        each, count = column_codes(column)
        codes, size = _dense(codes * count + each[rows], size * count)
    counts = np.bincount(codes, minlength=size)
    firsts = np.zeros(size, np.int64)
    firsts[codes[::-1]] = rows[::-1]  # what is written last stays: the first row of each
    values = [_shown(column, rows, codes, firsts) for column in by]
    stats = {name: _stats(array[rows], codes, size) for name, array in numbers.items()}
    groups = [
        Group(
            tuple(v[i] for v in values),
            int(counts[i]),
            {name: stat[i] for name, stat in stats.items()},
        )
        for i in range(size)
    ]
    return sort_groups(groups, counts.tolist(), [g.values for g in groups])


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


def _shown(column: Column, rows: Array, codes: Array, firsts: Array) -> list[Value | Missing]:
    """Return the value that each group is shown by: of equal numbers an int before a float."""
    values = column.values(firsts)
    if _is_mixed(column):
        exact = (column.kind[rows] == INT) | (column.kind[rows] == CODED)
        better = np.full(len(firsts), -1, np.int64)
        better[codes[exact]] = rows[exact]
        for i in np.flatnonzero(better >= 0).tolist():
            if isinstance(values[i], float):
                values[i] = column.value(int(better[i]))
    return values


def _is_mixed(column: Column) -> bool:
    """Tell whether equal numbers may stand in it as int and as float."""
    if "mixed" not in column.memo:
        kinds = set(np.unique(column.kind).tolist()) - {ABSENT, NULL, BOOL}
        column.memo["mixed"] = FLOAT in kinds and len(kinds) > 1
    return bool(column.memo["mixed"])


def _stats(values: Array, codes: Array, size: int) -> list[tuple[int, float, float, float, float]]:
    """Return (n, mean, sample deviation, min, max) of each group; NaN values are left out."""
    has = ~np.isnan(values)
    if not has.all():
        values, codes = values[has], codes[has]
    with np.errstate(all="ignore"):  # infinities and empty groups give NaN, as they should
        n = np.bincount(codes, minlength=size)
        mean = np.bincount(codes, values, size) / n
        squares = np.bincount(codes, (values - mean[codes]) ** 2, size)
        deviation = np.where(n > 1, np.sqrt(squares / (n - 1)), math.nan)
    low, high = np.full(size, math.inf), np.full(size, -math.inf)
    np.minimum.at(low, codes, values)
    np.maximum.at(high, codes, values)
    low[n == 0] = high[n == 0] = math.nan
    return list(
        zip(n.tolist(), mean.tolist(), deviation.tolist(), low.tolist(), high.tolist(), strict=True)
    )
