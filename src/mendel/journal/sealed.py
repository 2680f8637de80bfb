"""Reads a sealed segment: the same records, in columns.

The index stands in the file twice, before and behind the columns, so no single damaged place hides
more than the column that it lies in.
"""

from __future__ import annotations

import json
import os
import struct
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple
from zlib import crc32, decompress
from zlib import error as zlib_error

from mendel.graph.errors import CorruptError, NewerStoreError
from mendel.journal import format as fmt
from mendel.journal.column import unpack
from mendel.journal.scan import Contents, RawFact

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from mendel.journal.table import Letter

FOOTER = struct.Struct("<QQII8s")  # start of the columns, of the 2nd index, its length, CRC-32
FACT = struct.Struct("<QQI")  # ordinal, offset in the unsealed segment, length of the text
_WHOLE = 1 << 20  # bytes up to which a file is read as a whole; all heads and indexes are shorter


class BlockAt(NamedTuple):
    """Where a block lies in a sealed segment."""

    number: int
    points: int
    start: int  # byte offsets in the unsealed segment
    end: int
    at: int  # of its first column, from the start of the columns on
    sizes: list[int]  # of its columns: ordinals, steps, times, then the keys


@dataclass(slots=True)
class Index:
    """What a sealed segment holds, and where."""

    header: fmt.Header
    end: int  # of the unsealed segment's records
    ordinal: int  # the number after the last record
    ended: dict[str, Any] | None
    shapes: dict[int, fmt.Shape]
    blocks: dict[int, list[BlockAt]]
    facts: list[tuple[int, int]]  # where facts lie: offset, length
    base: int = 0  # where the columns begin
    damage: list[tuple[int, int, str]] = field(default_factory=list)


class SealedTable:
    """A block of a sealed segment; its columns are unpacked when asked for."""

    is_packed = True

    def __init__(self, data: memoryview, where: BlockAt, np: Any = None) -> None:
        """Take a block's bytes, from its first column on."""
        self.count = where.points
        self.start = where.start
        self.end = where.end
        self._data = data
        self._sizes = where.sizes
        self._np = np

    def column(self, number: int) -> memoryview:
        """Return the bytes of a column's words: 0 ordinals, 1 steps, 2 times, 3 and on the keys."""
        at = sum(self._sizes[:number])
        return unpack(self._data[at : at + self._sizes[number]], self.count, self._np)

    def ordinals(self) -> Sequence[int]:
        """See `mendel.journal.table.Table`."""
        return self.column(0).cast("q")

    def words(self, column: int, letter: Letter) -> Any:
        """See `mendel.journal.table.Table`."""
        return self.column(column + 1).cast(letter)


class SealedContents(Contents):
    """A sealed segment's records, for a digest."""

    def __init__(self, index: Index, data: memoryview, np: Any) -> None:
        """Take an index and the whole file."""
        super().__init__(index.end, index.ordinal, index.shapes)
        self.ended = index.ended
        self.damage = list(index.damage)
        self._index = index
        self._data = data
        self._np = np
        for at, length in index.facts:
            self._read_facts(index.base + at, length)

    def used(self) -> list[int]:
        """Return the numbers of the shapes that have points."""
        return sorted(self._index.blocks)

    def blocks(self, shape: int) -> Iterator[SealedTable]:
        """Yield the tables of a shape's blocks, in order."""
        for where in self._index.blocks[shape]:
            at = self._index.base + where.at
            yield SealedTable(self._data[at : at + sum(where.sizes)], where, self._np)

    def _read_facts(self, at: int, length: int) -> None:
        try:
            texts = memoryview(_checked(self._data[at : at + length]))
            place = 0
            while place < len(texts):
                ordinal, offset, size = FACT.unpack_from(texts, place)
                place += FACT.size
                self.facts.append(RawFact(ordinal, offset, bytes(texts[place : place + size])))
                place += size
        except (CorruptError, struct.error) as error:
            self.damage.append((at, length, f"are damaged facts: {error}"))


def parse(data: bytes | memoryview) -> Index:
    """Return the index of a sealed segment.

    Raises:
        CorruptError: both of its indexes are damaged.
        NewerStoreError: a newer Mendel wrote it.
    """
    view = memoryview(data)
    try:
        return parse_front(view)
    except (CorruptError, ValueError, KeyError, TypeError) as error:
        index = _parse_back(view)
        index.damage.append((0, index.base, f"are damaged: the first index ({error})"))
        return index


def parse_front(view: memoryview) -> Index:
    """Return the first index, from a file's beginning.

    Raises:
        CorruptError: it is damaged, or not all there.
        NewerStoreError: a newer Mendel wrote it.
    """
    told, size = fmt.parse_head(view, fmt.SEALED_MAGIC)
    length = told["index"]
    index = _index(_checked(view[size : size + length]))
    index.base = size + length
    return index


def _parse_back(view: memoryview) -> Index:
    if len(view) < FOOTER.size:
        raise CorruptError("it is cut short")
    base, at, length, crc, magic = FOOTER.unpack_from(view, len(view) - FOOTER.size)
    if magic != fmt.SEALED_MAGIC or crc != crc32(view[at : at + length]):
        raise CorruptError("both its indexes are damaged")
    index = _index(_checked(view[at : at + length]))
    index.base = base
    return index


def checked(packed: bytes) -> bytes:
    """Return compressed bytes with their CRC-32 in front, as the facts and indexes are kept."""
    return struct.pack("<I", crc32(packed)) + packed


def _checked(data: memoryview) -> bytes:
    if len(data) < 4 or crc32(data[4:]) != struct.unpack_from("<I", data)[0]:
        raise CorruptError("their sum does not fit")
    try:
        return decompress(data[4:])
    except zlib_error as error:
        raise CorruptError(str(error)) from None


def _index(text: bytes) -> Index:
    told = json.loads(text)
    if told["format"] != fmt.FORMAT:
        raise NewerStoreError(f"it is of format {told['format']!r}: install a newer Mendel.")
    return Index(
        header=fmt.header_of(told, 0),
        end=told["end"],
        ordinal=told["ordinal"],
        ended=told["ended"],
        shapes={
            int(n): fmt.Shape(tuple(shape["keys"]), shape["types"])
            for n, shape in told["shapes"].items()
        },
        blocks={n: [BlockAt(*block) for block in blocks] for n, blocks in told["blocks"]},
        facts=[(at, length) for at, length in told["facts"]],
    )


class SealedFile:
    """A sealed segment on disk; a small one is kept in memory until it is dropped, and whole.

    Of a large one only what is asked for is read. Where the file was replaced, it is read anew.
    """

    def __init__(self, path: Path) -> None:
        """Take its path; it need not be there yet."""
        self.path = path
        self._name = str(path)
        self._same: tuple[int, ...] = ()  # tells this file from another one in its place
        self._found: tuple[Index, bytes] | None = None  # with the bytes, where they are kept

    @property
    def held(self) -> int:
        """How many bytes are kept in memory."""
        found = self._found
        return len(found[1]) if found is not None else 0

    def drop(self) -> None:
        """Give the memory back."""
        self._found = None

    def look(self) -> Index:
        """Return the index.

        Raises:
            FileNotFoundError: it is not there.
            CorruptError, NewerStoreError, ValueError, KeyError, TypeError: it cannot be read.
        """
        return self._now()[0]

    def _now(self) -> tuple[Index, bytes]:
        stat = os.stat(self._name)  # noqa: PTH116 - asked for each block; a Path takes longer
        same = stat.st_ino, stat.st_size, stat.st_mtime_ns
        found = self._found
        if found is not None and same == self._same:
            return found
        with open(self._name, "rb") as file:  # noqa: PTH123 - as above
            front = file.read(_WHOLE + 1)
            try:
                index = parse_front(memoryview(front))
            except (CorruptError, ValueError, KeyError, TypeError):
                index = parse(front + file.read())
        found = index, front if len(front) <= _WHOLE else b""
        self._same, self._found = same, found
        return found

    def table(self, shape: int, number: int, keys: Sequence[int], np: Any) -> SealedTable:
        """Return a block with some of its key columns.

        Raises:
            FileNotFoundError: the file is not there.
            CorruptError: there is no such block, or it is cut short.
        """
        index, held = self._now()
        blocks = index.blocks.get(shape, ())
        where = next((block for block in blocks[number : number + 1]), None)
        if where is None or where.number != number:
            where = next((block for block in blocks if block.number == number), None)
        if where is None:
            raise CorruptError("there is no such block")
        start = index.base + where.at
        if held:
            data = memoryview(held)[start : start + sum(where.sizes)]
        else:
            data = self._read(start, where.sizes, [0, 1, 2, *(3 + key for key in keys)])
        if len(data) != sum(where.sizes):
            raise CorruptError("it is cut short")
        return SealedTable(data, where, np)

    def _read(self, start: int, sizes: Sequence[int], wanted: Sequence[int]) -> memoryview:
        """Read some columns of a block, in the place where they stand in it."""
        ends = list(_sums(sizes))
        data = bytearray(ends[-1])
        fd = os.open(self._name, os.O_RDONLY | os.O_CLOEXEC)
        try:
            for first, last in _stretches(wanted):
                at, end = ends[first] - sizes[first], ends[last]
                data[at:end] = os.pread(fd, end - at, start + at)
        finally:
            os.close(fd)
        return memoryview(data)


def _sums(sizes: Sequence[int]) -> Iterator[int]:
    total = 0
    for size in sizes:
        total += size
        yield total


def _stretches(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Yield first and last of neighbours: ``0 1 2 5`` gives ``0–2`` and ``5–5``."""
    ordered = sorted(set(numbers))
    first = ordered[0]
    for number, following in zip(ordered, [*ordered[1:], None], strict=True):
        if following != number + 1:
            yield first, number
            if following is not None:
                first = following
