"""Journals on paper: what a catalog is fed with in tests, without a file.

A `PaperJournals` is the `Blocks` port of a catalog; its writers take facts and points as runs do,
and digest them from any position to any other, as the journal room would.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mendel.graph.digest import (
    START,
    Block,
    BlockKey,
    BlockPoints,
    Digest,
    Fact,
    KeyStats,
    Position,
    WriterInfo,
)
from mendel.graph.errors import NotFoundError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mendel.graph.values import Value

LETTERS = {float: "d", int: "q", bool: "?"}


@dataclass(frozen=True, slots=True)
class PaperPoint:
    """One point record."""

    ordinal: int
    step: int
    time: float
    values: tuple[float, ...]


@dataclass(slots=True)
class PaperWriter:
    """One writer's journal. ``block_points`` is how many records a block holds at most."""

    info: WriterInfo
    block_points: int = 4
    records: list[Fact | PaperPoint] = field(default_factory=list)
    shapes: list[tuple[tuple[str, ...], str]] = field(default_factory=list)
    shape_of: dict[int, int] = field(default_factory=dict)  # ordinal -> shape
    closed: bool = False
    damage: list[str] = field(default_factory=list)

    @property
    def ordinal(self) -> int:
        """The number of records so far."""
        return len(self.records)

    def fact(self, kind: str, body: Mapping[str, Value], time: float) -> PaperWriter:
        """Write a fact."""
        self.records.append(Fact(self.ordinal, time, kind, dict(body)))
        return self

    def log(self, values: Mapping[str, float], step: int, time: float) -> PaperWriter:
        """Write a point record."""
        shape = (tuple(values), "".join(LETTERS[type(v)] for v in values.values()))
        if shape not in self.shapes:
            self.shapes.append(shape)
        self.shape_of[self.ordinal] = self.shapes.index(shape)
        self.records.append(PaperPoint(self.ordinal, step, time, tuple(values.values())))
        return self

    def digest(self, start: Position = START, records: int | None = None) -> Digest:
        """Return what stands between a position and a number of records (None: the end)."""
        stop = self.ordinal if records is None else min(records, self.ordinal)
        stop = max(stop, start.ordinal)
        new = self.records[start.ordinal : stop]
        whole = stop == self.ordinal
        return Digest(
            run=self.info.run,
            writer=self.info,
            start=start,
            end=Position(0, 8 * stop, stop),
            facts=tuple(r for r in new if isinstance(r, Fact)),
            blocks=tuple(self._blocks(start.ordinal, stop)),
            damage=tuple(self.damage) if whole else (),
            closed=self.closed and whole,
            last_time=new[-1].time if new else None,
        )

    def points(self, shape: int, number: int, stop: int | None = None) -> list[PaperPoint]:
        """Return the point records of a block, of the first ``stop`` records."""
        of_shape = [
            r
            for r in self.records[:stop]
            if isinstance(r, PaperPoint) and self.shape_of[r.ordinal] == shape
        ]
        return of_shape[number * self.block_points : (number + 1) * self.block_points]

    def _blocks(self, start: int, stop: int) -> list[Block]:
        out = []
        for shape in range(len(self.shapes)):
            number = 0
            while points := self.points(shape, number, stop):
                if points[-1].ordinal >= start:
                    out.append(self._block(shape, number, points))
                number += 1
        return out

    def _block(self, shape: int, number: int, points: Sequence[PaperPoint]) -> Block:
        keys, types = self.shapes[shape]
        steps, times = [p.step for p in points], [p.time for p in points]
        gaps = {b - a for a, b in itertools.pairwise(steps)}
        ordered = sorted(points, key=lambda p: (p.step, p.time, p.ordinal))
        low = [p for p in ordered if p.step == ordered[0].step][-1]
        high = ordered[-1]
        return Block(
            key=BlockKey(self.info.run or "", self.info.id, 0, shape, number),
            keys=keys,
            types=types,
            count=len(points),
            first_ordinal=points[0].ordinal,
            last_ordinal=points[-1].ordinal,
            first_step=steps[0],
            last_step=steps[-1],
            min_step=min(steps),
            max_step=max(steps),
            regular_step=gaps.pop() if len(gaps) == 1 else None,
            first_time=times[0],
            last_time=times[-1],
            start=8 * points[0].ordinal,
            end=8 * points[-1].ordinal + 8,
            stats=tuple(_stats(points, i, low, high) for i in range(len(keys))),
            low=None if low is points[0] else (low.ordinal, low.time),
            high=None if high is points[-1] else (high.ordinal, high.time),
        )


def _stats(points: Sequence[PaperPoint], i: int, low: PaperPoint, high: PaperPoint) -> KeyStats:
    numbers = [(p.values[i], p.step) for p in points if not math.isnan(p.values[i])]
    least = min(numbers, default=(math.nan, 0))
    most = max(numbers, key=lambda n: (n[0], -n[1]), default=(math.nan, 0))
    return KeyStats(
        nan_count=len(points) - len(numbers),
        first=low.values[i],
        last=high.values[i],
        min=least[0],
        min_step=least[1],
        max=most[0],
        max_step=most[1],
        total=sum(n for n, _ in numbers if math.isfinite(n)),
    )


class PaperJournals:
    """Many writers' journals, and the points that stand in them."""

    def __init__(self, block_points: int = 4) -> None:
        self.writers: dict[str, PaperWriter] = {}
        self.reads = 0  # how often a block's points were read
        self._block_points = block_points

    def writer(
        self, run: str | None, an_id: str, *, host: str = "host", opened: float = 1.0
    ) -> PaperWriter:
        """Return a writer's journal, a new one if it is not there."""
        if an_id not in self.writers:
            info = WriterInfo(an_id, run, host, 1, None, None, opened)
            self.writers[an_id] = PaperWriter(info, self._block_points)
        return self.writers[an_id]

    def read(
        self,
        block: BlockKey,
        keys: Sequence[str],
        count: int,
        span: tuple[int, int],  # noqa: ARG002 - paper has no bytes
    ) -> BlockPoints:
        """Return the points of a block, as `mendel.catalog.contract.Blocks` promises."""
        import numpy as np

        self.reads += 1
        writer = self.writers.get(block.writer)
        if writer is None:
            raise NotFoundError(f"no journal {block.writer}")
        points = writer.points(block.shape, block.number)[:count]
        names, types = writer.shapes[block.shape]
        kinds: dict[str, Any] = {"d": np.float64, "q": np.int64, "?": np.bool_}
        return BlockPoints(
            np.array([p.ordinal for p in points], np.int64),
            np.array([p.step for p in points], np.int64),
            np.array([p.time for p in points], np.float64),
            {
                key: np.array([p.values[i] for p in points], kinds[types[i]])
                for i, key in enumerate(names)
                if key in keys
            },
        )
