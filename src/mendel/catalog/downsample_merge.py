"""What was found of each bucket in each block, and which of it stays when all blocks are seen.

A *find* is a point in a role: the first, smallest, largest, last or first NaN point of one block in
one bucket. Finds from statistics may lack when the point was logged; where such a one wins its
bucket, its block is read after all.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

import numpy as np

from mendel.catalog.downsample_points import Picked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mendel.catalog.downsample_points import Places, Points, Stretches
    from mendel.graph.digest import Block, KeyStats

Array: TypeAlias = np.ndarray[Any, Any]

FIRST, MIN, MAX, LAST, NAN = range(5)
UNKNOWN = -1
_FEW = 24  # stretches of a part, up to which one by one is faster

# part, position in it, bucket, role, step, writer, ordinal, time, value
_Row: TypeAlias = tuple[int, int, int, int, int, int, int, float, Any]
_WHOLE = 7  # the columns before are integers


class Some(NamedTuple):
    """The finds of one part that was read: columns of one length."""

    writer: int
    buckets: Array
    roles: Array
    positions: Array
    steps: Array
    values: Array
    places: Places | Picked  # where times and ordinals are looked up


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

    def has_ties(self) -> bool:
        """Tell whether two points have the same step, so that more must say which comes first."""
        order = np.argsort(self.step)
        step, part, position = self.step[order], self.part[order], self.position[order]
        other = (part[1:] != part[:-1]) | (position[1:] != position[:-1])
        return bool(((step[1:] == step[:-1]) & other).any())


class Found:
    """The finds of all parts of a series; parts are numbered as they come."""

    def __init__(self, kind: type[np.generic]) -> None:
        self._kind = kind
        self._rows: dict[int, list[_Row]] = {}  # from statistics, by part
        self._read: dict[int, Some] = {}  # from points, by part
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

    def add(self, stretches: Stretches, writer: int, points: Points, part: int = -1) -> None:
        """Take in points that were read, stretch by stretch."""
        if part < 0:
            part, self._parts = self._parts, self._parts + 1
        values = points.values
        places: Places | Picked
        if points.has_nan and values.dtype.kind == "f" and bool(np.isnan(values).any()):
            roles, buckets, at = _roles_beside_nan(values, stretches)
        else:
            roles, buckets, at = _roles(values, stretches)
        places = points.places if points.places.is_packed else Picked(points.places, at)
        self._read[part] = Some(writer, buckets, roles, at, points.steps_at(at), values[at], places)

    def replace(self, part: int, stretches: Stretches, writer: int, points: Points) -> None:
        """Put what was read of a part in the place of its statistics."""
        del self._rows[part]
        self.add(stretches, writer, points, part)

    def is_packed(self) -> bool:
        """Tell whether times take work to look at."""
        return any(some.places.is_packed for some in self._read.values())

    def finds(self, *, timed: bool) -> Finds:
        """Return all finds; the times and ordinals of points that were read only if ``timed``."""
        rows = [row for some in self._rows.values() for row in some]
        *whole, times, values = zip(*rows, strict=True) if rows else [()] * (_WHOLE + 2)
        numbers = np.empty((_WHOLE, len(rows) + sum(len(s.roles) for s in self._read.values())),
                           np.int64)  # fmt: skip
        numbers[:, : len(rows)] = whole
        at = np.zeros(numbers.shape[1])
        at[: len(rows)] = times
        read = list(self._read.values())
        rest = numbers[:, len(rows) :]
        if read:
            counts = [len(some.roles) for some in read]
            rest[0] = np.repeat(list(self._read), counts)
            rest[1] = np.concatenate([some.positions for some in read])
            rest[2] = np.concatenate([some.buckets for some in read])
            rest[3] = np.concatenate([some.roles for some in read])
            rest[4] = np.concatenate([some.steps for some in read])
            rest[5] = np.repeat([some.writer for some in read], counts)
            rest[6] = 0
        if read and timed:
            rest[6] = np.concatenate([some.places.ordinals(some.positions) for some in read])
            at[len(rows) :] = np.concatenate([some.places.times(some.positions) for some in read])
        found = [np.array(values, self._kind), *(some.values.astype(self._kind) for some in read)]
        return Finds(numbers, at, np.concatenate(found))

    def times(self, finds: Finds, chosen: Array) -> Array:
        """Return the times of chosen finds, which may not be timed yet."""
        out: Array = finds.time[chosen]
        part, position = finds.part[chosen], finds.position[chosen]
        order = np.argsort(part, kind="stable")
        for places in np.split(order, np.flatnonzero(np.diff(part[order])) + 1):
            some = self._read.get(int(part[places[0]]))
            if some is not None:
                out[places] = some.places.times(position[places])
        return out

    def open_parts(self) -> list[int]:
        """Return the parts whose statistics win a bucket but leave open which point it is."""
        if not self._rows:
            return []
        finds = self.finds(timed=False).within({rows[0][2] for rows in self._rows.values()})
        out: set[int] = set()
        for role in (MIN, MAX):
            places, best = _best(finds, role, by_time=False)
            for stretch in _level(finds, places, best):
                doubt = np.isnan(finds.time[stretch])
                if len(stretch) > 1:  # level in value and step: order says which comes first
                    doubt |= finds.ordinal[stretch] == UNKNOWN
                out.update(finds.part[stretch[doubt]].tolist())
        return sorted(out)


_Roles: TypeAlias = tuple[Array, Array, Array]  # roles, buckets, places
_FOUR = np.array([FIRST, MIN, MAX, LAST])


def _roles(values: Array, stretches: Stretches) -> _Roles:
    """Return where each stretch begins, has its minimum and maximum, and ends."""
    buckets, starts, stops = stretches
    if len(starts) > _FEW:
        least = _first_places(values, np.minimum.reduceat(values, starts), starts, stops)
        most = _first_places(values, np.maximum.reduceat(values, starts), starts, stops)
    else:
        ends = list(zip(starts.tolist(), stops.tolist(), strict=True))
        least = starts + [values[start:stop].argmin() for start, stop in ends]
        most = starts + [values[start:stop].argmax() for start, stop in ends]
    places = np.concatenate((starts, least, most, stops - 1))
    return np.repeat(_FOUR, len(starts)), np.tile(buckets, 4), places


def _first_places(values: Array, best: Array, starts: Array, stops: Array) -> Array:
    """Return where each stretch has its best value first."""
    level = np.flatnonzero(values == np.repeat(best, stops - starts))
    found: Array = level[np.searchsorted(level, starts)]
    return found


def _roles_beside_nan(values: Array, stretches: Stretches) -> _Roles:
    """Return the same where there are NaN, and the first of them of each stretch."""
    found: list[tuple[int, int, int]] = []
    for bucket, start, stop in zip(*(column.tolist() for column in stretches), strict=True):
        found += ((FIRST, bucket, start), (LAST, bucket, stop - 1))
        nan = np.isnan(values[start:stop])
        numbers = start + np.flatnonzero(~nan)
        if len(numbers) < stop - start:
            found.append((NAN, bucket, start + int(nan.argmax())))
        if len(numbers):
            found.append((MIN, bucket, int(numbers[values[numbers].argmin()])))
            found.append((MAX, bucket, int(numbers[values[numbers].argmax()])))
    roles, buckets, places = np.array(found, np.int64).T
    return roles, buckets, places


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


def merge(found: Found) -> tuple[Array, Array | Callable[[], Array], Array]:
    """Return the steps, times and values of the points that stay, in order, each once.

    Times that take work to look at are given as a function that does it.
    """
    is_packed = found.is_packed()
    finds = found.finds(timed=not is_packed)
    has_ties = finds.has_ties()
    if has_ties:
        is_packed, finds = False, found.finds(timed=True) if is_packed else finds
        order = np.lexsort((finds.ordinal, finds.writer, finds.time, finds.step))
    else:
        order = np.argsort(finds.step, kind="stable")
    chosen: list[Array] = []
    for role in (FIRST, NAN, LAST):
        places = order[finds.role[order] == role]
        if role == LAST:
            places = places[::-1]
        chosen.append(places[_starts(finds.bucket[places])])
    for role in (MIN, MAX):
        places, best = _best(finds, role, by_time=has_ties)
        chosen.append(places[best])
    places = np.concatenate(chosen)
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    places = places[np.argsort(rank[places])]
    # A point may stand in several roles.
    part, position = finds.part[places], finds.position[places]
    once = np.lexsort((position, part))
    again = (np.diff(part[once]) == 0) & (np.diff(position[once]) == 0)
    places = places[np.sort(once[np.append(True, ~again)])]
    steps, values = finds.step[places], finds.value[places]
    if is_packed:
        return steps, lambda: found.times(finds, places), values
    return steps, finds.time[places], values
