"""Reads the bytes of an unsealed segment: fast where they are whole, carefully where they are not.

The fast walk takes stretches of point records of one length at once and trusts what it sees until
the end, then checks every commit word. If anything at all is odd, the segment is read again by the
careful walk of `mendel.journal.mend`, which knows about damage.
"""

from __future__ import annotations

import struct
from array import array
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import CorruptError
from mendel.journal import format as fmt
from mendel.journal.check import bad_records
from mendel.journal.table import Piece, tables

if TYPE_CHECKING:
    from collections.abc import Iterator

    from mendel.graph.digest import Fact
    from mendel.journal.table import Numbers, Table

_RECORD = struct.Struct("<IHH")
_ZEROS = bytes(1 << 16)
_SHORT_RUN = 8  # records; below, one by one is cheaper
_ONE_BY_ONE = 2048  # records, before long runs are looked for again


class Odd(Exception):
    """Something is not as a whole segment would have it: a sign to the careful walk."""


@dataclass(slots=True)
class RawFact:
    """A fact as it lies in a segment: its JSON text is read when asked for."""

    ordinal: int
    offset: int
    text: bytes

    def read(self) -> Fact:
        """Return the fact."""
        from mendel.graph.digest import Fact

        kind, time, body = fmt.parse_fact(self.text)
        return Fact(self.ordinal, time, kind, body)


@dataclass
class Contents:
    """What a segment holds."""

    end: int  # where what can be read now ends
    ordinal: int  # the number of the next record
    shapes: dict[int, fmt.Shape] = field(default_factory=dict)
    pieces: dict[int, list[Piece]] = field(default_factory=dict)  # by shape
    facts: list[RawFact] = field(default_factory=list)
    ended: dict[str, Any] | None = None  # what its end record says
    damage: list[tuple[int, int, str]] = field(default_factory=list)  # offset, bytes, what

    def add(self, shape: int, data: bytes | memoryview, ordinals: Numbers, at: Numbers) -> None:
        """Add point records of one shape."""
        self.pieces.setdefault(shape, []).append(Piece(data, ordinals, at))

    def used(self) -> list[int]:
        """Return the numbers of the shapes that have points."""
        return sorted(self.pieces)

    def blocks(self, shape: int) -> Iterator[Table]:
        """Yield the tables of a shape's blocks, in order."""
        keys = len(self.shapes[shape].keys)
        units = fmt.point_units(keys)
        return tables(self.pieces.get(shape, ()), units, units - 2 - keys)


def fast(
    data: memoryview,
    start: int,
    ordinal: int,
    np: Any = None,
    shapes: dict[int, fmt.Shape] | None = None,
) -> Contents:
    """Read records.

    Args:
        data: a segment, whole or a part of it that begins with a record.
        start: where in ``data`` its records begin; offsets are counted from the first byte.
        ordinal: the number of the first.
        np: NumPy, if it may be used.
        shapes: those that were defined before ``data``.

    Raises:
        Odd: it is not whole.
    """
    walk = _Fast(data, start, ordinal, np, shapes or {})
    try:
        walk.run()
    except (struct.error, CorruptError, ValueError, KeyError, TypeError, IndexError) as error:
        raise Odd from error
    return walk.out


class _Fast:
    """The fast walk; a class because every step moves the same few numbers on."""

    def __init__(
        self, data: memoryview, start: int, ordinal: int, np: Any, shapes: dict[int, fmt.Shape]
    ) -> None:
        self.data = data
        self.np = np
        self.out = Contents(start, ordinal, dict(shapes))
        self.units: dict[int, int] = {}  # of a record of a kind
        self._learn_units()

    def run(self) -> None:
        out, data = self.out, self.data
        while out.end + 8 <= len(data) and out.ended is None:
            commit, units, kind = _RECORD.unpack_from(data, out.end)
            if not commit:
                break
            if kind >= fmt.POINTS and units < fmt.LONG:
                if units != self.units[kind]:
                    raise Odd
                self._stretch(units)
            else:
                self._single(commit, units, kind)
        self._check_rest()

    def _single(self, commit: int, units: int, kind: int) -> None:
        """Take a record that is no point, or a point record of very many keys."""
        out, at = self.out, self.out.end
        body = at + 8
        if units == fmt.LONG:
            units = struct.unpack_from("<Q", self.data, body)[0]
            body += 8
        end = at + (units << 3)
        if units < 2 or end > len(self.data):
            raise Odd
        if fmt.commit_word(self.data[at + 4 : end]) != commit:
            raise Odd
        out.end = end
        take(out, kind, at, self.data[body:end], self.data[at:end])
        if kind == fmt.SHAPE:
            self._learn_units()

    def _learn_units(self) -> None:
        for number, shape in self.out.shapes.items():
            self.units.setdefault(fmt.POINTS + number, fmt.point_units(len(shape.keys)))

    def _stretch(self, units: int) -> None:
        """Take all point records from here on that are of one shape, or at least of one length."""
        at, size = self.out.end, units << 3
        count = self._run_length(at, units, 4)
        if count >= _SHORT_RUN:
            self._take_run(at, size, self._committed(at, size, count), mixed=False)
            return
        count = self._run_length(at, units, 2)
        if count >= _SHORT_RUN:
            count = self._committed(at, size, self._before_facts(at, size, count))
            self._take_run(at, size, count, mixed=True)
            return
        self._one_by_one()

    def _take_run(self, at: int, size: int, count: int, *, mixed: bool) -> None:
        out = self.out
        data = self.data[at : at + count * size]
        if not mixed and bad_records(data, size, self.np):
            raise Odd
        first = out.ordinal
        out.end, out.ordinal = at + count * size, first + count
        numbers = range(first, out.ordinal)
        offsets = range(at, out.end, size)
        kinds = data.cast("H")[3 :: size >> 1]
        if mixed:
            self._part(size, kinds.tolist(), numbers, offsets)
        else:
            out.add(kinds[0] - fmt.POINTS, data, numbers, offsets)

    def _one_by_one(self) -> None:
        """Take point records of mixed lengths."""
        data, at, number = self.data, self.out.end, self.out.ordinal
        unpack, units_of = _RECORD.unpack_from, self.units
        found: dict[int, tuple[list[int], list[int]]] = {kind: ([], []) for kind in units_of}
        last = number + min(_ONE_BY_ONE, (len(data) - at) // 8)
        while number < last:
            commit, units, kind = unpack(data, at)
            if not commit or kind not in found or units != units_of[kind]:
                break  # no point: for the others to look at
            numbers, places = found[kind]
            numbers.append(number)
            places.append(at)
            at += units << 3
            number += 1
        if at == self.out.end:
            raise Odd
        self.out.end, self.out.ordinal = at, number
        for kind, (numbers, places) in found.items():
            if places:
                self._gather(kind, numbers, places)

    def _gather(self, kind: int, numbers: list[int], places: list[int]) -> None:
        size = self.units[kind] << 3
        rows = b"".join([self.data[place : place + size] for place in places])
        if len(rows) != size * len(places) or bad_records(memoryview(rows), size, self.np):
            raise Odd
        self.out.add(kind - fmt.POINTS, rows, array("q", numbers), array("q", places))

    def _part(self, size: int, kinds: list[int], numbers: range, offsets: range) -> None:
        """Sort records of one length by shape."""
        for kind in sorted(set(kinds)):
            if kind < fmt.POINTS or self.units[kind] != size >> 3:
                raise Odd
            places = [i for i, k in enumerate(kinds) if k == kind]
            self._gather(kind, [numbers[i] for i in places], [offsets[i] for i in places])

    def _run_length(self, at: int, units: int, wide: int) -> int:
        """Return how many records from here on begin alike.

        Args:
            at: where the first stands.
            units: its length.
            wide: the bytes after the commit word that count: 2, the length; 4, the kind too.
        """
        size = units << 3
        room = (len(self.data) - at) // size
        heads = self.data[at : at + room * size].cast("I" if wide == 4 else "H")
        heads = heads[4 // wide :: size // wide]
        sample = bytes(self.data[at + 4 : at + 4 + wide])
        known, window = 1, _SHORT_RUN
        while known < room:
            stop = min(known + window, room)
            same = _same(heads[known:stop], heads[0], sample, self.np)
            known += same
            if known < stop:
                break
            window *= 4
        return known

    def _before_facts(self, at: int, size: int, count: int) -> int:
        """Cut a run short where a record of the same length that is no point stands."""
        kinds = self.data[at : at + count * size].cast("H")[3 :: size >> 1].tolist()
        if min(kinds) < fmt.POINTS:
            count = next(i for i, kind in enumerate(kinds) if kind < fmt.POINTS)
        return count

    def _committed(self, at: int, size: int, count: int) -> int:
        """Cut a run short where what is not committed yet stands at its end."""
        commits = self.data[at : at + count * size].cast("I")[:: size >> 2]
        while not commits[count - 1]:  # the first is committed
            count -= 1
        return count

    def _check_rest(self) -> None:
        """Make sure that nothing stands behind the end but a record that is being written."""
        at = self.out.end
        rest = self.data[at:]
        if len(rest) >= 8:
            rest = rest[8 * max(1, min(_RECORD.unpack_from(rest)[1], len(rest) >> 3)) :]
        if not is_zero(rest):
            raise Odd


def take(out: Contents, kind: int, at: int, payload: memoryview, record: memoryview) -> None:
    """Take one whole record.

    Raises:
        CorruptError, ValueError, KeyError, TypeError: it makes no sense.
    """
    if kind >= fmt.POINTS:
        shape = out.shapes[kind - fmt.POINTS]
        if len(record) != fmt.point_units(len(shape.keys)) << 3:
            raise CorruptError("its length does not fit its shape")
        number = out.ordinal
        out.ordinal += 1
        out.add(kind - fmt.POINTS, record, range(number, number + 1), range(at, at + 1))
    elif kind == fmt.FACT:
        number = out.ordinal
        out.ordinal += 1
        out.facts.append(RawFact(number, at, fmt.text_of(payload)))
    elif kind == fmt.SHAPE:
        number, shape = fmt.parse_shape(fmt.text_of(payload))
        if number in out.shapes:
            raise CorruptError(f"it defines shape {number} again")
        out.shapes[number] = shape
    elif kind == fmt.END:
        import json

        out.ended = json.loads(fmt.text_of(payload))


def is_zero(data: memoryview) -> bool:
    """Tell whether there are only zeros."""
    for start in range(0, len(data), len(_ZEROS)):
        part = data[start : start + len(_ZEROS)]
        if bytes(part) != _ZEROS[: len(part)]:
            return False
    return True


def _same(heads: memoryview, head: int, sample: bytes, np: Any) -> int:
    """Return how many of ``heads`` are the same as the first, from the beginning."""
    count = len(heads)
    if np is not None and count > 64:
        differ = np.asarray(heads) != head
        first = int(differ.argmax())
        return first if differ[first] else count
    found = heads.tobytes()
    if found == sample * count:
        return count
    low, high = 0, count - 1
    while low < high:
        middle = (low + high + 1) // 2
        if found[: middle * len(sample)] == sample * middle:
            low = middle
        else:
            high = middle - 1
    return low
