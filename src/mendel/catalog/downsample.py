"""Makes a series out of blocks, whole or thinned to what a chart of some width can show.

Points are in order by (step, time, writer, ordinal); those that a rewind hid are out. Thinned to
buckets, a series keeps of each range of steps its first, minimum, maximum and last point and one
NaN, exactly those that one would find among all points. What makes it fast: a block that lies in
one bucket as a whole is taken by its statistics and not read, unless they leave something open;
of the others each is read and thinned by itself, and what is left of all is thinned together.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from mendel.catalog.contract import Series
from mendel.catalog.downsample_merge import Found, merge
from mendel.catalog.downsample_points import Points, Stretches

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from mendel.catalog.contract import Blocks
    from mendel.graph.digest import Block, KeyStats
    from mendel.graph.run import Rewind

Array: TypeAlias = np.ndarray[Any, Any]
Steps: TypeAlias = tuple[int | None, int | None]
Times: TypeAlias = "Array | Callable[[], Array]"

_SAFE = 1 << 62
FULL_SHARE = 4  # a series of up to so many points a bucket is given whole


@dataclass(slots=True)
class Part:
    """One block of the series: unread while its statistics will do."""

    block: Block
    stats: KeyStats
    letter: str  # the type of the key's points
    points: Points | None = None

    @property
    def count(self) -> int:
        """The number of its points that are in question."""
        return self.block.count if self.points is None else len(self.points)

    @property
    def span(self) -> tuple[int, int]:
        """The lowest and the highest step of them; there is one at least."""
        if self.points is None:
            return self.block.min_step, self.block.max_step
        return self.points.step(0), self.points.step(-1)


def series(
    run: str,
    key: str,
    blocks: Sequence[Block],
    reader: Blocks,
    *,
    rewinds: Sequence[Rewind] = (),
    buckets: int | None = None,
    steps: Steps = (None, None),
) -> Series | None:
    """Return one series of a run, or None where it has no points in range.

    Args:
        run: the run's id.
        key: the series' name.
        blocks: the run's blocks that hold the key, in any order.
        reader: where the points of a block are read.
        rewinds: what they hid is left out.
        buckets: thin to so many ranges of steps where there are more than 4 points for each; None
            gives all points.
        steps: the range of steps, both ends included; None is open.

    Raises:
        NotFoundError, CorruptError: a block that is needed cannot be read.
    """
    return _Making(run, key, reader, rewinds, steps).make(blocks, buckets)


class _Making:
    """One series in the making."""

    def __init__(
        self, run: str, key: str, reader: Blocks, rewinds: Sequence[Rewind], steps: Steps
    ) -> None:
        self._run = run
        self._key = key
        self._reader = reader
        self._rewinds = rewinds
        self._low, self._high = steps

    def make(self, blocks: Sequence[Block], buckets: int | None) -> Series | None:
        """Return the series."""
        visible = [part for block in blocks if (part := self._visible(block)) is not None]
        parts = [part for part in map(self._in_range, visible) if part.count]
        if not parts:
            return None
        kind = self._kind(visible)
        total = sum(part.count for part in parts)
        if buckets is not None and total > FULL_SHARE * buckets:
            found = self._thin(parts, buckets, kind)
            return Series(self._run, self._key, *found, total, buckets)
        return Series(self._run, self._key, *self._whole(parts, kind), total)

    # -- which points --

    def _visible(self, block: Block) -> Part | None:
        """Return a block without what rewinds hid; None where nothing is left."""
        at = block.keys.index(self._key)
        part = Part(block, block.stats[at], block.types[at])
        hidden = [_hides(rewind, block) for rewind in self._rewinds]
        if all(share == 0 for share in hidden):
            return part
        if 1 in hidden:
            return None
        self._read(part)
        return part if part.count else None

    def _in_range(self, part: Part) -> Part:
        """Narrow a part to the range of steps; what is out of it has no points, and is not read."""
        low, high = part.span
        from_step = low if self._low is None else max(low, self._low)
        to_step = high if self._high is None else min(high, self._high)
        if (from_step, to_step) == (low, high):
            return part
        if from_step > to_step:
            return Part(part.block, part.stats, part.letter, Points.none(part.block.key.writer))
        points = self._read(part)
        start, stop = points.search([from_step, to_step + 1])
        return Part(part.block, part.stats, part.letter, points.cut(start, stop))

    def _read(self, part: Part) -> Points:
        """Read a part's points that are not hidden, in order."""
        if part.points is None:
            part.points = self._points_of(part)
        return part.points

    def _points_of(self, part: Part) -> Points:
        block = part.block
        read = self._reader.read(block.key, (self._key,), block.count, (block.start, block.end))
        points = Points(block, read, read.values.pop(self._key), has_nan=part.stats.nan_count > 0)
        return self._unhidden(points).sorted()

    def _unhidden(self, points: Points) -> Points:
        keep: Array | None = None
        for rewind in self._rewinds:
            before = rewind.before.get(points.writer, 0)
            if before > 0:
                shown = (points.steps <= rewind.step) | (points.ordinals >= before)
                keep = shown if keep is None else keep & shown
        return points if keep is None or keep.all() else points.take(np.flatnonzero(keep))

    @staticmethod
    def _kind(visible: Sequence[Part]) -> type[np.generic]:
        letters = {part.letter for part in visible}
        if letters == {"q"}:
            return np.int64
        return np.bool_ if letters == {"?"} else np.float64

    # -- all of them --

    def _whole(self, parts: Sequence[Part], kind: type[np.generic]) -> tuple[Array, Array, Array]:
        read = [self._read(part) for part in sorted(parts, key=lambda part: part.span)]
        steps = np.concatenate([points.steps for points in read])
        times = np.concatenate([points.times for points in read])
        values = np.concatenate([points.values.astype(kind, copy=False) for points in read])
        if (steps[1:] > steps[:-1]).all():
            return steps, times, values
        order = np.lexsort((*_ordinals_and_writers(read), times, steps))
        return steps[order], times[order], values[order]

    # -- thinned --

    def _thin(
        self, parts: Sequence[Part], buckets: int, kind: type[np.generic]
    ) -> tuple[Array, Times, Array]:
        edges = _edges(parts, buckets)
        writers = {name: i for i, name in enumerate(sorted({p.block.key.writer for p in parts}))}
        found = Found(kind)
        unread: dict[int, Part] = {}
        for part in parts:
            writer = writers[part.block.key.writer]
            bucket = _bucket_of(part, edges)
            if bucket is not None and part.points is None and _is_clear(part):
                unread[found.add_stats(bucket, writer, part.block, part.stats)] = part
            else:
                points = part.points or self._points_of(part)  # not kept: they may be very many
                found.add(_stretches(points, edges), writer, points)
        for number in found.open_parts():
            part = unread[number]
            points = self._points_of(part)
            found.replace(number, _stretches(points, edges), writers[points.writer], points)
        return merge(found)


def _ordinals_and_writers(read: Sequence[Points]) -> tuple[Array, Array]:
    """Return what settles ties of step and time, the finer first."""
    numbers = {writer: i for i, writer in enumerate(sorted({points.writer for points in read}))}
    writers = np.repeat([numbers[points.writer] for points in read], list(map(len, read)))
    return np.concatenate([points.ordinals for points in read]), writers


def _hides(rewind: Rewind, block: Block) -> float:
    """Return how much of a block a rewind hides: 0 nothing, 1 all, else some of it perhaps."""
    before = rewind.before.get(block.key.writer, 0)
    if block.first_ordinal >= before or block.max_step <= rewind.step:
        return 0
    return 1 if block.last_ordinal < before and block.min_step > rewind.step else 0.5


# -- buckets --


def _edges(parts: Sequence[Part], buckets: int) -> list[int]:
    """Return the first step of each bucket, and the end, which may be beyond 64 bits."""
    spans = [part.span for part in parts]
    start = min(low for low, _ in spans)
    width = max(high for _, high in spans) + 1 - start
    if width * buckets < _SAFE and abs(start) < _SAFE:
        edges: list[int] = (start - (np.arange(buckets + 1) * -width // buckets)).tolist()
        return edges
    return [start - (-number * width // buckets) for number in range(buckets + 1)]


def _bucket_of(part: Part, edges: Sequence[int]) -> int | None:
    """Return the bucket that holds a whole part, if one does."""
    low, high = part.span
    bucket = bisect_right(edges, low) - 1
    return bucket if high < edges[bucket + 1] else None


def _is_clear(part: Part) -> bool:
    """Tell whether statistics say which of a block's points come first and last, and no NaN."""
    return bool(part.block.regular_step) and part.stats.nan_count == 0


def _stretches(points: Points, edges: Sequence[int]) -> Stretches:
    """Return the stretches of points that lie in one bucket each."""
    first = bisect_right(edges, points.step(0)) - 1
    last = bisect_right(edges, points.step(-1)) - 1
    cuts = np.array([0, *points.search(edges[first + 1 : last + 1]), len(points)])
    some = cuts[1:] > cuts[:-1]
    return Stretches(np.arange(first, last + 1)[some], cuts[:-1][some], cuts[1:][some])
