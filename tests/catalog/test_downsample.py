"""A downsampled series is what one would pick from all points by hand, however they are stored."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mendel.catalog.downsample import series
from mendel.graph.digest import Block, BlockKey, BlockPoints, KeyStats
from mendel.graph.run import Rewind

if TYPE_CHECKING:
    from collections.abc import Sequence

RUN = "run"


@dataclass(frozen=True)
class Point:
    step: int
    time: float
    writer: str
    ordinal: int
    value: Any
    letter: str = "d"

    @property
    def place(self) -> tuple[int, float, str, int]:
        return self.step, self.time, self.writer, self.ordinal


@dataclass
class Memory:
    """Blocks kept in lists; counts what is read."""

    held: dict[BlockKey, list[Point]] = field(default_factory=dict)
    reads: list[BlockKey] = field(default_factory=list)
    unpacked: list[BlockKey] = field(default_factory=list)  # of which times were looked at

    def read(
        self, block: BlockKey, keys: Sequence[str], count: int, span: tuple[int, int]
    ) -> BlockPoints:
        del span
        self.reads.append(block)
        points = self.held[block][:count]
        kind = {"d": np.float64, "q": np.int64, "?": np.bool_}[points[0].letter]
        times = np.array([p.time for p in points], np.float64)

        def unpack() -> np.ndarray[Any, Any]:
            self.unpacked.append(block)
            return times

        return BlockPoints(
            lambda: np.array([p.ordinal for p in points], np.int64),
            np.array([p.step for p in points], np.int64),
            times if block.number % 3 == 2 else unpack,  # unsealed blocks lie there as they are
            {key: np.array([p.value for p in points], kind) for key in keys},
        )

    def add(self, points: Sequence[Point], *, timed: bool) -> Block:
        key = BlockKey(RUN, points[0].writer, 0, 0, len(self.held))
        self.held[key] = list(points)
        return block_of(key, points, timed=timed)


def block_of(key: BlockKey, points: Sequence[Point], *, timed: bool) -> Block:
    """Describe a block as a digest would."""
    steps = [p.step for p in points]
    differences = {b - a for a, b in itertools.pairwise(steps)}
    ordered = sorted(points, key=lambda p: p.place)
    low = [p for p in ordered if p.step == ordered[0].step][-1]
    high = ordered[-1]
    numbers = [p for p in ordered if not math.isnan(p.value)]
    least = min(numbers, key=lambda p: p.value, default=None)
    most = max(numbers, key=lambda p: p.value, default=None)
    stats = KeyStats(
        nan_count=len(points) - len(numbers),
        first=low.value,
        last=high.value,
        min=math.nan if least is None else least.value,
        min_step=0 if least is None else least.step,
        max=math.nan if most is None else most.value,
        max_step=0 if most is None else most.step,
        total=math.fsum(p.value for p in numbers if math.isfinite(p.value)),
        min_time=least.time if timed and least is not None else None,
        max_time=most.time if timed and most is not None else None,
    )
    return Block(
        key,
        ("other", "loss"),
        "d" + points[0].letter,
        len(points),
        points[0].ordinal,
        points[-1].ordinal,
        steps[0],
        steps[-1],
        min(steps),
        max(steps),
        differences.pop() if len(differences) == 1 else None,
        points[0].time,
        points[-1].time,
        0,
        0,
        (stats, stats),
        None if low is points[0] else (low.ordinal, low.time),
        None if high is points[-1] else (high.ordinal, high.time),
    )


def by_hand(
    points: Sequence[Point],
    rewinds: Sequence[Rewind],
    buckets: int | None,
    steps: tuple[int | None, int | None],
) -> tuple[list[Point], int, str]:
    """Pick the points one by one; also their number in range and the letter of their type."""
    shown = [
        p
        for p in points
        if not any(p.step > r.step and p.ordinal < r.before.get(p.writer, 0) for r in rewinds)
    ]
    low, high = steps
    inside = sorted(
        (p for p in shown if (low is None or p.step >= low) and (high is None or p.step <= high)),
        key=lambda p: p.place,
    )
    letters = {p.letter for p in shown}
    letter = letters.pop() if len(letters) == 1 else "d"
    if not inside or buckets is None or len(inside) <= 4 * buckets:
        return inside, len(inside), letter
    start, stop = inside[0].step, inside[-1].step + 1
    chosen: set[Point] = set()
    for bucket in range(buckets):
        members = [p for p in inside if (p.step - start) * buckets // (stop - start) == bucket]
        numbers = [p for p in members if not math.isnan(p.value)]
        if numbers:
            chosen |= {min(numbers, key=lambda p: p.value), max(numbers, key=lambda p: p.value)}
        chosen |= {*members[:1], *members[-1:], *[p for p in members if math.isnan(p.value)][:1]}
    return sorted(chosen, key=lambda p: p.place), len(inside), letter


_values = {
    "d": st.one_of(
        st.sampled_from([0.0, -0.0, 1.0, -1.0, math.nan, math.inf, -math.inf]), st.floats(-9, 9)
    ),
    "q": st.one_of(st.integers(-3, 3), st.sampled_from([2**63 - 1, -(2**63), 2**53 + 1])),
    "?": st.booleans(),
}


@st.composite
def _stretches(draw: st.DrawFn, letter: str) -> list[list[Any]]:
    """Rows of one block: (step, time, value)."""
    count = draw(st.integers(1, 12))
    if draw(st.booleans()):
        first, width = draw(st.integers(-5, 60)), draw(st.sampled_from([1, 1, 2, 5, -1, 0]))
        steps = [first + i * width for i in range(count)]
    else:
        steps = draw(st.lists(st.integers(-5, 80), min_size=count, max_size=count))
    times = draw(st.lists(st.sampled_from([1.0, 2.0, 3.0, 4.5]), min_size=count, max_size=count))
    if draw(st.booleans()):
        times.sort()
    values = draw(st.lists(_values[letter], min_size=count, max_size=count))
    return [list(row) for row in zip(steps, times, values, strict=True)]


@st.composite
def _journals(draw: st.DrawFn) -> tuple[list[list[Point]], bool]:
    letters = draw(st.sampled_from(["d", "d", "q", "?", "dq", "q?"]))
    ordinals = {"a": 0, "b": 0}
    blocks = []
    for _ in range(draw(st.integers(1, 7))):
        letter, writer = draw(st.sampled_from(letters)), draw(st.sampled_from("aab"))
        points = []
        for step, time, value in draw(_stretches(letter)):
            ordinals[writer] += draw(st.sampled_from([1, 1, 1, 2]))
            points.append(Point(step, time, writer, ordinals[writer], value, letter))
        blocks.append(points)
    return blocks, draw(st.booleans())


_steps = st.one_of(st.none(), st.integers(-10, 85))
_rewinds = st.lists(
    st.builds(
        Rewind,
        st.integers(-6, 60),
        st.dictionaries(st.sampled_from("ab"), st.integers(0, 80), max_size=2),
    ),
    max_size=2,
)


@given(_journals(), _rewinds, st.one_of(st.none(), st.integers(1, 12)), st.tuples(_steps, _steps))
def test_a_series_holds_the_points_that_one_would_pick_by_hand(
    journals: tuple[list[list[Point]], bool],
    rewinds: list[Rewind],
    buckets: int | None,
    steps: tuple[int | None, int | None],
) -> None:
    stretches, timed = journals
    memory = Memory()
    blocks = [memory.add(points, timed=timed) for points in stretches]
    points = [point for stretch in stretches for point in stretch]
    expected, total, letter = by_hand(points, rewinds, buckets, steps)
    found = series(RUN, "loss", blocks[::-1], memory, rewinds=rewinds, buckets=buckets, steps=steps)
    if not expected:
        assert found is None
        return
    assert found is not None
    assert found.total == total
    assert found.buckets == (buckets if buckets is not None and total > 4 * buckets else None)
    kind = {"d": np.float64, "q": np.int64, "?": np.bool_}[letter]
    assert found.values.dtype == kind
    assert found.steps.tolist() == [p.step for p in expected]
    assert found.times.tolist() == [p.time for p in expected]
    wanted: np.ndarray[Any, Any] = np.array([p.value for p in expected], kind)
    np.testing.assert_array_equal(found.values, wanted)


def long_run(count: int, block: int = 1000, *, timed: bool) -> tuple[Memory, list[Block]]:
    """One writer, a point a step, waves; a spike at one point."""
    values = [math.sin(i / 300) for i in range(count)]
    values[count // 3] = 50.0
    points = [Point(i, float(i), "a", i, v) for i, v in enumerate(values)]
    memory = Memory()
    blocks = [memory.add(points[i : i + block], timed=timed) for i in range(0, count, block)]
    return memory, blocks


def test_blocks_within_a_bucket_are_not_read_when_their_statistics_tell_all() -> None:
    memory, blocks = long_run(20_000, timed=True)
    found = series(RUN, "loss", blocks, memory, buckets=2)
    assert found is not None
    assert memory.reads == []
    assert found.total == 20_000
    assert 50.0 in found.values.tolist()


def test_of_blocks_without_times_of_extremes_only_the_winners_are_read() -> None:
    memory, blocks = long_run(20_000, timed=False)
    found = series(RUN, "loss", blocks, memory, buckets=2)
    assert found is not None
    assert len(memory.reads) <= 4
    assert found.times.tolist() == found.steps.tolist()


def test_a_zoom_reads_only_what_it_shows() -> None:
    memory, blocks = long_run(20_000, timed=True)
    found = series(RUN, "loss", blocks, memory, steps=(5_500, 5_600))
    assert found is not None
    assert found.steps.tolist() == list(range(5_500, 5_601))
    assert len(memory.reads) == 1
    assert series(RUN, "loss", blocks, memory, steps=(90_000, None)) is None
    assert len(memory.reads) == 1


def test_a_rewind_hides_whole_blocks_without_reading_them() -> None:
    memory, blocks = long_run(10_000, timed=True)
    rewind = Rewind(4_999, {"a": 10_000})
    found = series(RUN, "loss", blocks, memory, rewinds=(rewind,), buckets=1)
    assert found is not None
    assert found.total == 5_000
    assert found.steps[-1] == 4_999
    assert memory.reads == []


@pytest.mark.parametrize("steps", [(-(2**63), 2**63 - 1), (2**63 - 9, 2**63 - 1)])
def test_steps_at_the_ends_of_what_is_possible_are_no_matter(steps: tuple[int, int]) -> None:
    low, high = steps
    memory = Memory()
    points = [Point(low if i < 10 else high, float(i), "a", i, float(i)) for i in range(20)]
    found = series(RUN, "loss", [memory.add(points, timed=False)], memory, buckets=2)
    assert found is not None
    assert found.values.tolist() == [0.0, 9.0, 10.0, 19.0]


def test_no_blocks_are_no_series() -> None:
    assert series(RUN, "loss", [], Memory()) is None


def test_blocks_whose_minima_tie_in_step_are_read_to_tell_which_came_first() -> None:
    memory = Memory()
    late = [Point(i, 100.0 + i, "a", i, 5.0 - 9 * (i == 3)) for i in range(10)]
    early = [Point(i, float(i), "b", i, 5.0 - 9 * (i == 3)) for i in range(10)]
    blocks = [memory.add(points, timed=True) for points in (late, early)]
    found = series(RUN, "loss", blocks, memory, buckets=1)
    assert found is not None
    assert len(memory.reads) == 2
    assert (3, 3.0, -4.0) in zip(found.steps, found.times, found.values, strict=True)
    assert (3, 103.0, -4.0) not in zip(found.steps, found.times, found.values, strict=True)


def test_times_are_unpacked_when_they_are_looked_at() -> None:
    memory = Memory()
    blocks = [
        memory.add(
            [Point(i, i / 7, "a", i, math.sin(i), "d") for i in range(start, start + 100)],
            timed=False,
        )
        for start in range(0, 300, 100)
    ]
    found = series(RUN, "loss", blocks, memory, buckets=30)
    assert found is not None
    assert found.buckets == 30
    assert len(memory.reads) == 3
    assert memory.unpacked == []
    assert found.times.tolist() == [step / 7 for step in found.steps.tolist()]
    assert found.times is found.times
    assert sorted(memory.unpacked) == [block.key for block in blocks[:2]]


def test_many_short_stretches_and_few_long_ones_are_thinned_alike() -> None:
    values = np.random.default_rng(4).integers(0, 5, 5000).tolist()
    for letter in "dq?":
        made = {"d": float, "q": int, "?": bool}[letter]
        points = [Point(3 * i, i / 7, "a", i, made(v), letter) for i, v in enumerate(values)]
        memory = Memory()
        blocks = [memory.add(points[i : i + 1000], timed=False) for i in range(0, 5000, 1000)]
        for buckets in (7, 100, 1200):
            found = series(RUN, "loss", blocks, memory, buckets=buckets)
            expected, _, _ = by_hand(points, (), buckets, (None, None))
            assert found is not None
            assert found.steps.tolist() == [p.step for p in expected]
            assert found.values.tolist() == [p.value for p in expected]
