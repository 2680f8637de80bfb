"""Says about a block what a catalog keeps of it, with NumPy or without: the same to the last bit.

Sums are taken strictly in order, for that both can do. Infinities are numbers here, NaN is not.
"""

from __future__ import annotations

import math
from functools import reduce
from operator import add
from typing import TYPE_CHECKING, Any

from mendel.graph.digest import KeyStats

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAN = math.nan


def key_stats(values: memoryview, steps: memoryview, np: Any = None) -> KeyStats:
    """Return the statistics of one key in one block.

    Args:
        values: its numbers, of format ``d`` or ``q``.
        steps: their steps, of format ``q``.
        np: NumPy, if it may be used.
    """
    if np is None:
        return _plain_stats([float(v) for v in values.tolist()], steps)
    return _numpy_stats(np.asarray(values).astype("f8"), steps, np)


def unknown_stats(count: int, first_step: int) -> KeyStats:
    """Return the statistics of points that are NaN, or whose values are damaged."""
    return KeyStats(count, _NAN, _NAN, _NAN, first_step, _NAN, first_step, 0.0)


def _plain_stats(values: list[float], steps: memoryview) -> KeyStats:
    low, high = min(values), max(values)
    total = _sum(values)
    nan_count = 0
    if total != total or not math.isfinite(total):  # noqa: PLR0124 - NaN
        there = [v for v in values if v == v]  # noqa: PLR0124
        nan_count = len(values) - len(there)
        if not there:
            return unknown_stats(nan_count, steps[0])
        low, high = min(there), max(there)
        total = _sum([v for v in there if math.isfinite(v)])
    return KeyStats(
        nan_count=nan_count,
        first=values[0],
        last=values[-1],
        min=low,
        min_step=steps[values.index(low)],
        max=high,
        max_step=steps[values.index(high)],
        total=total,
    )


def _sum(values: Sequence[float]) -> float:
    # Not sum(): since Python 3.12 it is more exact than adding in order.
    return reduce(add, values, 0.0)


def _numpy_stats(values: Any, steps: memoryview, np: Any) -> KeyStats:
    low_at, high_at = int(values.argmin()), int(values.argmax())
    nan_count = 0
    with np.errstate(all="ignore"):
        total = float(np.add.accumulate(values)[-1]) + 0.0
        if not math.isfinite(total):
            nans = np.isnan(values)
            nan_count = int(nans.sum())
            if nan_count == len(values):
                return unknown_stats(nan_count, steps[0])
            places = np.flatnonzero(~nans)
            there = values[places]
            low_at, high_at = int(places[there.argmin()]), int(places[there.argmax()])
            finite = there[np.isfinite(there)]
            total = float(np.add.accumulate(finite)[-1]) + 0.0 if len(finite) else 0.0
    return KeyStats(
        nan_count=nan_count,
        first=float(values[0]),
        last=float(values[-1]),
        min=float(values[low_at]),
        min_step=steps[low_at],
        max=float(values[high_at]),
        max_step=steps[high_at],
        total=total,
    )


def step_range(steps: memoryview, np: Any = None) -> tuple[int, int, int | None]:
    """Return the least and the largest step, and the stride where it is always the same."""
    if len(steps) == 1:
        return steps[0], steps[0], None
    stride = steps[1] - steps[0]
    if np is not None:
        numbers = np.asarray(steps)
        # Differences may wrap around at 64 bits; two ends that fit tell that none did.
        even = bool((np.diff(numbers) == _wrapped(stride)).all())
        even = even and steps[-1] - steps[0] == stride * (len(steps) - 1)
        return int(numbers.min()), int(numbers.max()), stride if even else None
    listed = steps.tolist()
    if steps[-1] - steps[0] == stride * (len(listed) - 1):
        expected: Any = range(listed[0], listed[-1] + stride, stride) if stride else None
        even = listed == list(expected) if stride else listed.count(listed[0]) == len(listed)
        if even:
            return min(listed[0], listed[-1]), max(listed[0], listed[-1]), stride
    return min(listed), max(listed), None


def _wrapped(number: int) -> int:
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)
