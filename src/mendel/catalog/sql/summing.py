"""What is known of a series, kept up to date block by block, exactly.

A block that grew replaces what was known of it before, and it only ever grows: so counts and sums
take the difference, and extremes, first and last take the new block. Sums are kept as exact
expansions (Shewchuk 1997, "Adaptive precision floating-point arithmetic"): the mean does not depend
on the order in which blocks came, nor on how often one was replaced.
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mendel.graph.run import SeriesSummary

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mendel.graph.digest import Block, KeyStats

TYPE_BITS = {"d": 1, "q": 2, "?": 4}
INTEGRAL, BOOLEAN = TYPE_BITS["q"], TYPE_BITS["?"]
COLUMNS = (
    "count", "nan_count",
    "first", "first_step", "first_time", "first_writer", "first_ordinal",
    "last", "last_step", "last_time", "last_writer", "last_ordinal",
    "min", "min_step", "max", "max_step", "total", "types",
)  # fmt: skip
Where = tuple[int, float, str, int]  # step, time, writer, ordinal: the order of points


def add_exactly(parts: list[float], number: float) -> None:
    """Add a number to an expansion: floats that do not overlap, whose sum is exact."""
    kept = 0
    for part in parts:
        low_part = part
        if abs(number) < abs(low_part):
            number, low_part = low_part, number
        high = number + low_part
        low = low_part - (high - number)
        if low:
            parts[kept] = low
            kept += 1
        number = high
    parts[kept:] = [number]


@dataclass(slots=True)
class Sum:
    """What the blocks of one series come to."""

    count: int = 0
    nan_count: int = 0
    first: float = math.nan
    first_at: Where | None = None
    last: float = math.nan
    last_at: Where | None = None
    min: float | None = None
    min_step: int | None = None
    max: float | None = None
    max_step: int | None = None
    total: list[float] = field(default_factory=list)
    types: int = 0

    def add(self, block: Block, i: int, before: Block | None) -> None:
        """Take in key ``i`` of a block; ``before`` is the block as it was taken in before."""
        stats = block.stats[i]
        self.count += block.count
        self.nan_count += stats.nan_count
        add_exactly(self.total, stats.total)
        if before is not None:
            self.count -= before.count
            self.nan_count -= before.stats[i].nan_count
            add_exactly(self.total, -before.stats[i].total)
        self.types |= TYPE_BITS[block.types[i]]
        self._ends(block, stats)
        if stats.nan_count < block.count:
            self._extremes(stats)

    def _ends(self, block: Block, stats: KeyStats) -> None:
        ordinal, time = block.low or (block.first_ordinal, block.first_time)
        at = (block.min_step, time, block.key.writer, ordinal)
        # of several points at the lowest step the last one counts
        if self.first_at is None or (-at[0], *at[1:]) >= (-self.first_at[0], *self.first_at[1:]):
            self.first, self.first_at = stats.first, at
        ordinal, time = block.high or (block.last_ordinal, block.last_time)
        at = (block.max_step, time, block.key.writer, ordinal)
        if self.last_at is None or at >= self.last_at:
            self.last, self.last_at = stats.last, at

    def _extremes(self, stats: KeyStats) -> None:
        if self.min is None or (stats.min, stats.min_step) < (self.min, self.min_step or 0):
            self.min, self.min_step = stats.min, stats.min_step
        if self.max is None or (-stats.max, stats.max_step) < (-self.max, self.max_step or 0):
            self.max, self.max_step = stats.max, stats.max_step

    def row(self) -> tuple[object, ...]:
        """Return what stands in the columns of `COLUMNS`; NULL stands for NaN."""
        assert self.first_at is not None  # noqa: S101 - a series has points
        assert self.last_at is not None  # noqa: S101 - as above
        total = struct.pack(f"<{len(self.total)}d", *self.total)
        return (
            self.count, self.nan_count,
            self.first, *self.first_at, self.last, *self.last_at,
            self.min, self.min_step, self.max, self.max_step, total, self.types,
        )  # fmt: skip


def load(row: Sequence[object]) -> Sum:
    """Return what `Sum.row` wrote."""
    r: list = list(row)  # type: ignore[type-arg]
    return Sum(
        r[0], r[1],
        math.nan if r[2] is None else r[2], tuple(r[3:7]),
        math.nan if r[7] is None else r[7], tuple(r[8:12]),
        r[12], r[13], r[14], r[15], parts_of(r[16]), r[17],
    )  # fmt: skip


def parts_of(total: bytes) -> list[float]:
    """Return the expansion of a sum."""
    return list(struct.unpack(f"<{len(total) // 8}d", total))


def number(value: float | None, types: int) -> float:
    """Return a number in the type that every point of its series has."""
    if value is None or value != value:  # noqa: PLR0124 - integers that are damaged, too
        return math.nan
    if types == BOOLEAN:
        return bool(value)
    return int(value) if types == INTEGRAL else float(value)


def mean(count: int, least: float | None, most: float | None, total: bytes) -> float | None:
    """Return the mean of ``count`` numbers; with ±Inf among them what arithmetic says."""
    if not count or least is None or most is None:
        return None
    if math.isinf(least) or math.isinf(most):
        return sum({x for x in (least, most) if math.isinf(x)})
    try:
        return math.fsum(parts_of(total)) / count
    except (OverflowError, ValueError):  # the sum is beyond float64
        return sum(part / count for part in parts_of(total))


def summary(row: Sequence[object]) -> SeriesSummary:
    """Return the summary that a row of `COLUMNS` tells."""
    s = load(row)
    assert s.first_at is not None  # noqa: S101 - a series has points
    assert s.last_at is not None  # noqa: S101 - as above
    return SeriesSummary(
        count=s.count,
        nan_count=s.nan_count,
        first=number(s.first, s.types),
        first_step=s.first_at[0],
        last=number(s.last, s.types),
        last_step=s.last_at[0],
        min=None if s.min is None else number(s.min, s.types),
        min_step=s.min_step,
        max=None if s.max is None else number(s.max, s.types),
        max_step=s.max_step,
        mean=mean(s.count - s.nan_count, s.min, s.max, row[16]),  # type: ignore[arg-type]
        last_time=s.last_at[1],
        integral=s.types == INTEGRAL,
        boolean=s.types == BOOLEAN,
    )
