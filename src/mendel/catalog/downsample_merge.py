"""What was found of each bucket in each block, and which of it stays when all blocks are seen.

A *find* is a point in a role: the first, smallest, largest, last or first NaN point of one block in
one bucket. Finds from statistics may lack when the point was logged; where such a one wins its
bucket, its block is read after all.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from mendel.graph.digest import Block, KeyStats

Array: TypeAlias = np.ndarray[Any, Any]

FIRST, MIN, MAX, LAST, NAN = range(5)
UNKNOWN = -1

# part, position in it, bucket, role, step, writer, ordinal, time, value
_Row: TypeAlias = tuple[int, int, int, int, int, int, int, float, Any]
_WHOLE = 7  # the columns before are integers


class Segments(NamedTuple):
    """Stretches of points, each within one bucket: arrays of one length."""

    buckets: Array
    starts: Array
    stops: Array


class Finds:
    """Finds as arrays of one length."""

    def __init__(self, whole: Array, times: Array, values: Array) -> None:
        self._whole = whole
        self.part, self.position, self.bucket, self.role = whole[:4]
        self.step, self.writer, self.ordinal = whole[4:]
        self.time, self.value = times, values

    def within(self, buckets: set[int]) -> Finds:
        """Return the finds in some buckets."""
        chosen = np.flatnonzero(np.isin(self.bucket, sorted(buckets)))
        return Finds(self._whole[:, chosen], self.time[chosen], self.value[chosen])

    def of(self, role: int) -> Array:
        """Return the places of the finds of one role."""
        return np.flatnonzero(self.role == role)


class Found:
    """The finds of all parts of a series; parts are numbered as they come."""

    def __init__(self, kind: type[np.generic]) -> None:
        self._kind = kind
        self._rows: dict[int, list[_Row]] = {}  # from statistics, by part
        self._arrays: list[tuple[Array, Array, Array]] = []
        self._parts = 0

    def add_stats(self, bucket: int, writer: int, block: Block, stats: KeyStats) -> int:
        """Take in a block that lies in one bucket by its statistics; return the part's number.

        Its steps must be regular and no point NaN.
        """
        part, self._parts = self._parts, self._parts + 1
        width = block.regular_step
        assert width  # noqa: S101 - asked for above
        end = block.count - 1
        heads = {
            0: (block.first_ordinal, block.first_time),
            end: (block.last_ordinal, block.last_time),
        }
        low, high = (0, end) if width > 0 else (end, 0)
        first, last = (stats.first, stats.last)
        points = (
            (FIRST, low, block.min_step, first, None),
            (MIN, (stats.min_step - block.first_step) // width, stats.min_step, stats.min,
             stats.min_time),
            (MAX, (stats.max_step - block.first_step) // width, stats.max_step, stats.max,
             stats.max_time),
            (LAST, high, block.max_step, last, None),
        )  # fmt: skip
        rows: list[_Row] = []
        for role, position, step, value, time in points:
            ordinal, at = heads.get(position, (UNKNOWN, math.nan if time is None else time))
            rows.append((part, position, bucket, role, step, writer, ordinal, at, value))
        self._rows[part] = rows
        return part

    def add(self, segments: Segments, writer: int, points: Any, part: int = -1) -> None:
        """Take in points that were read, stretch by stretch."""
        if part < 0:
            part, self._parts = self._parts, self._parts + 1
        values = points.values
        has_nan = values.dtype.kind == "f" and bool(np.isnan(values).any())
        ends = zip(segments.starts.tolist(), segments.stops.tolist(), strict=True)
        roles = _roles_beside_nan(values, ends) if has_nan else _roles(values, ends)
        roles += [(FIRST, None, segments.starts), (LAST, None, segments.stops - 1)]
        places = np.concatenate([places for _, _, places in roles])
        whole = np.empty((_WHOLE, len(places)), np.int64)
        whole[0], whole[1], whole[5] = part, places, writer
        whole[2] = np.concatenate(
            [
                segments.buckets if which is None else segments.buckets[which]
                for _, which, _ in roles
            ]
        )
        whole[3] = np.repeat([role for role, _, _ in roles], [len(p) for _, _, p in roles])
        whole[4], whole[6] = points.steps[places], points.ordinals[places]
        self._arrays.append((whole, points.times[places], values[places].astype(self._kind)))

    def replace(self, part: int, segments: Segments, writer: int, points: Any) -> None:
        """Put what was read of a part in the place of its statistics."""
        del self._rows[part]
        self.add(segments, writer, points, part)

    def finds(self) -> Finds:
        """Return all finds."""
        rows = [row for some in self._rows.values() for row in some]
        *whole, times, values = zip(*rows, strict=True) if rows else [()] * (_WHOLE + 2)
        arrays = [
            *self._arrays,
            (np.array(whole, np.int64), np.array(times, np.float64), np.array(values, self._kind)),
        ]
        return Finds(
            np.concatenate([a[0] for a in arrays], axis=1),
            np.concatenate([a[1] for a in arrays]),
            np.concatenate([a[2] for a in arrays]),
        )

    def open_parts(self) -> list[int]:
        """Return the parts whose statistics win a bucket but leave open which point it is."""
        if not self._rows:
            return []
        finds = self.finds().within({rows[0][2] for rows in self._rows.values()})
        out: set[int] = set()
        for role in (MIN, MAX):
            places, best = _best(finds, role, by_time=False)
            for stretch in _level(finds, places, best):
                doubt = np.isnan(finds.time[stretch])
                if len(stretch) > 1:  # level in value and step: order says which comes first
                    doubt |= finds.ordinal[stretch] == UNKNOWN
                out.update(finds.part[stretch[doubt]].tolist())
        return sorted(out)


_Role: TypeAlias = tuple[int, Array | None, Array]  # role, which segments (None: all), places


def _roles(values: Array, ends: Iterable[tuple[int, int]]) -> list[_Role]:
    """Return where each stretch has its minimum and maximum."""
    least, most = [], []
    for start, stop in ends:
        stretch = values[start:stop]
        least.append(start + stretch.argmin())
        most.append(start + stretch.argmax())
    return [(MIN, None, np.array(least)), (MAX, None, np.array(most))]


def _roles_beside_nan(values: Array, ends: Iterable[tuple[int, int]]) -> list[_Role]:
    """Return where each stretch has its minimum, maximum and first NaN, if it has them."""
    found: dict[int, tuple[list[int], list[int]]] = {role: ([], []) for role in (MIN, MAX, NAN)}
    for number, (start, stop) in enumerate(ends):
        nan = np.isnan(values[start:stop])
        numbers = start + np.flatnonzero(~nan)
        places = {NAN: start + int(nan.argmax())} if len(numbers) < stop - start else {}
        if len(numbers):
            places[MIN] = int(numbers[values[numbers].argmin()])
            places[MAX] = int(numbers[values[numbers].argmax()])
        for role, place in places.items():
            found[role][0].append(number)
            found[role][1].append(place)
    return [
        (role, np.array(which, np.int64), np.array(places, np.int64))
        for role, (which, places) in found.items()
    ]


def _best(finds: Finds, role: int, *, by_time: bool) -> tuple[Array, Array]:
    """Return the finds of MIN or MAX with the best of each bucket first, and where each begins."""
    chosen = finds.of(role)
    value = finds.value[chosen]
    if role == MAX:  # turned around, in a way that neither bool nor int64 overflows
        value = ~value if value.dtype.kind in "ib" else -value
    keys = [value, finds.bucket[chosen]]
    keys.insert(0, finds.step[chosen])
    if by_time:
        keys[:0] = [finds.ordinal[chosen], finds.writer[chosen], finds.time[chosen]]
    places = chosen[np.lexsort(keys)]
    return places, _starts(finds.bucket[places])


def _starts(buckets: Array) -> Array:
    """Return where each bucket begins, among sorted ones."""
    return np.flatnonzero(np.append(True, buckets[1:] != buckets[:-1])[: len(buckets)])


def _level(finds: Finds, places: Array, best: Array) -> Iterator[Array]:
    """Yield for each bucket the finds that are level with its best in value and step."""
    ends = np.append(best[1:], len(places))
    for start, end in zip(best.tolist(), ends.tolist(), strict=True):
        stop = start + 1
        while stop < end and _same(finds, int(places[start]), int(places[stop])):
            stop += 1
        yield places[start:stop]


def _same(finds: Finds, one: int, other: int) -> bool:
    same_value = finds.value[one] == finds.value[other]
    return bool(same_value and finds.step[one] == finds.step[other])


def merge(found: Found) -> tuple[Array, Array, Array]:
    """Return the steps, times and values of the points that stay, in order, each once."""
    finds = found.finds()
    order = np.lexsort((finds.ordinal, finds.writer, finds.time, finds.step))
    chosen: list[Array] = []
    for role in (FIRST, NAN, LAST):
        places = order[finds.role[order] == role]
        if role == LAST:
            places = places[::-1]
        chosen.append(places[_starts(finds.bucket[places])])
    for role in (MIN, MAX):
        places, best = _best(finds, role, by_time=True)
        chosen.append(places[best])
    places = np.concatenate(chosen)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    places = places[np.argsort(rank[places])]
    # a point may stand in several roles
    _, once = np.unique(np.stack([finds.part[places], finds.position[places]]), axis=1,
                        return_index=True)  # fmt: skip
    places = places[np.sort(once)]
    return finds.step[places], finds.time[places], finds.value[places]
