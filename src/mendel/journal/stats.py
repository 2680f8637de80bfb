"""Says about a block what a catalog keeps of it, with NumPy or without: the same to the last bit.

Sums are taken strictly in order, for that both can do. Infinities are numbers here, NaN is not.
"""

from __future__ import annotations

import math
from dataclasses import replace
from functools import reduce
from operator import add, lt
from typing import TYPE_CHECKING, Any, NamedTuple

from mendel.graph.digest import KeyStats

if TYPE_CHECKING:
    from collections.abc import Sequence

_NAN = math.nan


class Ends(NamedTuple):
    """Where a block's points come first and last by (step, time, ordinal); see `Block.low`."""

    low: int
    high: int


def ends_of(steps: memoryview, times: memoryview, np: Any = None) -> Ends | None:
    """Return where the first and the last point by step stand; None where steps only grow.

    Of several points at the lowest step the last one is told.
    """
    if np is not None:
        numbers = np.asarray(steps)
        if bool((numbers[1:] > numbers[:-1]).all()):
            return None
        order = np.lexsort((np.asarray(times), numbers))  # stable: ordinals grow
        ordered = numbers[order]
        lowest = int(np.searchsorted(ordered, ordered[0], side="right")) - 1
        return Ends(int(order[lowest]), int(order[-1]))
    listed = steps.tolist()
    if all(map(lt, listed, listed[1:])):
        return None
    ranked = [(step, time, at) for at, (step, time) in enumerate(zip(listed, times, strict=True))]
    lowest_step = min(listed)
    low = max(rank for rank in ranked if rank[0] == lowest_step)
    return Ends(low[2], max(ranked)[2])


def key_stats(
    values: memoryview,
    steps: memoryview,
    np: Any = None,
    *,
    times: Sequence[float] | None = None,
    ends: Ends | None = None,
) -> KeyStats:
    """Return the statistics of one key in one block; integers are exact.

    Args:
        values: its numbers, of format ``d`` or ``q``.
        steps: their steps, of format ``q``.
        np: NumPy, if it may be used.
        times: when they were logged, if that of the minimum and the maximum shall be told.
        ends: what `ends_of` said of the block; with None its steps only grow.
    """
    if np is None:
        found = _plain_stats(values.tolist(), steps, grows=ends is None)
    else:
        found = _numpy_stats(np.ascontiguousarray(values), steps, np, grows=ends is None)
    stats, low_at, high_at = found
    if ends is not None:
        return replace(stats, first=values[ends.low], last=values[ends.high])
    if times is None or stats.nan_count == len(steps):
        return stats
    return replace(stats, min_time=times[low_at], max_time=times[high_at])


def unknown_stats(count: int, first_step: int) -> KeyStats:
    """Return the statistics of points that are NaN, or whose values are damaged."""
    return KeyStats(count, _NAN, _NAN, _NAN, first_step, _NAN, first_step, 0.0)


_Found = tuple[KeyStats, int, int]  # with where the minimum and the maximum stand


def _plain_stats(values: list[Any], steps: memoryview, *, grows: bool) -> _Found:
    low, high = min(values), max(values)
    total = _sum(values)
    nan_count = 0
    if total != total or not math.isfinite(total):  # noqa: PLR0124 - NaN
        there = [v for v in values if v == v]  # noqa: PLR0124
        nan_count = len(values) - len(there)
        if not there:
            return unknown_stats(nan_count, steps[0]), 0, 0
        low, high = min(there), max(there)
        total = _sum([v for v in there if math.isfinite(v)])
    low_at, high_at = _place(values, low, steps, grows), _place(values, high, steps, grows)
    stats = KeyStats(
        nan_count=nan_count,
        first=values[0],
        last=values[-1],
        min=low,
        min_step=steps[low_at],
        max=high,
        max_step=steps[high_at],
        total=total,
    )
    return stats, low_at, high_at


def _place(values: list[Any], value: Any, steps: memoryview, grows: bool) -> int:
    """Return where a value stands; of several the one with the lowest step."""
    if grows:
        return values.index(value)
    return min((at for at, v in enumerate(values) if v == value), key=lambda at: steps[at])


def _sum(values: Sequence[float]) -> float:
    # Not sum(): since Python 3.12 it is more exact than adding in order.
    return reduce(add, values, 0.0)


def _numpy_stats(values: Any, steps: memoryview, np: Any, *, grows: bool) -> _Found:
    low_at, high_at = int(values.argmin()), int(values.argmax())
    nan_count = 0
    with np.errstate(all="ignore"):
        total = float(np.add.accumulate(values, dtype="f8")[-1]) + 0.0
        if not math.isfinite(total):
            nans = np.isnan(values)
            nan_count = int(nans.sum())
            if nan_count == len(values):
                return unknown_stats(nan_count, steps[0]), 0, 0
            places = np.flatnonzero(~nans)
            there = values[places]
            low_at, high_at = int(places[there.argmin()]), int(places[there.argmax()])
            finite = there[np.isfinite(there)]
            total = float(np.add.accumulate(finite)[-1]) + 0.0 if len(finite) else 0.0
    if not grows:
        low_at, high_at = (_lowest(values, at, steps, np) for at in (low_at, high_at))
    stats = KeyStats(
        nan_count=nan_count,
        first=values[0].item(),
        last=values[-1].item(),
        min=values[low_at].item(),
        min_step=steps[low_at],
        max=values[high_at].item(),
        max_step=steps[high_at],
        total=total,
    )
    return stats, low_at, high_at


def _lowest(values: Any, at: int, steps: memoryview, np: Any) -> int:
    """Return where the value at a place stands; of several the one with the lowest step."""
    places = np.flatnonzero(values == values[at])
    return int(places[np.asarray(steps)[places].argmin()])


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
