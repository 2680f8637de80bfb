"""Tells what journals say, while they are written, after a crash and after they were sealed."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mendel.graph import clock
from mendel.graph.digest import START, Block, BlockKey, Digest, Fact, Position, WriterInfo
from mendel.graph.errors import CorruptError, NotFoundError
from mendel.journal import format as fmt
from mendel.journal.blocks import JournalBlocks
from mendel.journal.load import Segment, numpy_for, read_segment
from mendel.journal.table import describe

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Mapping
    from pathlib import Path

    from mendel.journal.scan import RawFact
    from mendel.journal.table import Table


__all__ = ["Journal", "JournalBlocks"]

_HEAD_BYTES = 4096  # more than any header has


class Journal:
    """One journal folder: the journals of all writers of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def writers(self) -> list[str]:
        """Return the ids of the writers, oldest first."""
        return sorted(fmt.segments(self.folder))

    def unsealed(self) -> list[WriterInfo]:
        """Return who may still be writing: the writers whose newest segment is not sealed."""
        found = []
        for writer, segments in fmt.segments(self.folder).items():
            number = max(segments)
            if segments[number]:
                continue
            path = self.folder / fmt.segment_name(writer, number)
            with suppress(OSError, CorruptError, ValueError, KeyError), path.open("rb") as file:
                found.append(fmt.parse_header(file.read(_HEAD_BYTES)).writer)
        return found

    def digest(self, writer: str, start: Position = START) -> Digest:
        """Return what a writer's journal says from a position on, as far as it can be read now.

        Raises:
            NotFoundError: the folder has no such writer.
        """
        found = fmt.segments(self.folder).get(writer)
        if not found:
            raise NotFoundError(f"{self.folder} has no journal of the writer {writer}.")
        build = _Building(self.folder, writer, start)
        last = max(found)
        wanted = sorted(number for number in found if number >= start.segment)
        numpy_for(_size(self.folder, writer, wanted))  # once it is loaded, it is used throughout
        for number in wanted:
            build.add(number, read_segment(self.folder, writer, number, last=number == last))
        return build.digest()

    def digests(self, positions: Mapping[str, Position]) -> Iterator[Digest]:
        """Yield, for every writer that has something new after its position, what that is."""
        for writer in self.writers():
            start = positions.get(writer, START)
            try:
                digest = self.digest(writer, start)
            except NotFoundError:  # deleted meanwhile
                continue
            if digest.end != start or start == START:
                yield digest

    def facts(self, kinds: Collection[str] | None = None) -> Iterator[tuple[str, Fact]]:
        """Yield the facts (of some kinds) of all writers, with the writer, in order of time."""
        found = [
            (fact.time, writer, fact.ordinal, fact)
            for writer in self.writers()
            for fact in self.digest(writer).facts
            if kinds is None or fact.kind in kinds
        ]
        for _, writer, _, fact in sorted(found, key=lambda item: item[:3]):
            yield writer, fact

    def counts(self) -> dict[str, int]:
        """Return, for every writer, how many facts and point records can be read now."""
        counts: dict[str, int] = {}
        for writer, found in fmt.segments(self.folder).items():
            segment = read_segment(self.folder, writer, max(found), last=True)
            counts[writer] = segment.contents.ordinal
        return counts


class _Building:
    """A digest in the making."""

    def __init__(self, folder: Path, writer: str, start: Position) -> None:
        self.folder = folder
        self.writer = writer
        self.start = start
        self.end = start
        self.expected = start.segment
        self.header: fmt.Header | None = None
        self.facts: list[Fact] = []
        self.blocks: list[Block] = []
        self.damage: list[str] = []
        self.closed = False
        self.last_time = -math.inf

    def add(self, number: int, segment: Segment) -> None:
        """Take a segment in; they come in order."""
        contents = segment.contents
        for missing in range(self.expected, number):
            name = fmt.segment_name(self.writer, missing)
            self.damage.append(f"{name}: this segment is missing")
        self.expected = number + 1
        seen = self.start.offset if number == self.start.segment else 0
        self.header = segment.header or self.header
        for at, length, what in contents.damage:
            if at >= seen or not length:
                self.damage.append(_damage(segment.name, at, length, what))
        self._count(number, segment)
        self._add_facts(segment.name, [f for f in contents.facts if f.offset >= seen])
        self._add_blocks(number, segment, seen)
        self.end = Position(number, contents.end, contents.ordinal)
        if contents.ended is not None:
            self.closed = bool(contents.ended.get("last"))
            if not self.closed:
                self.end = Position(number + 1, 0, contents.ordinal)

    def _count(self, number: int, segment: Segment) -> None:
        """Tell records that are gone without a trace, where segments say how many there were."""
        header, contents = segment.header, segment.contents
        if header is None or contents.damage:
            return
        before = header.first - self.end.ordinal
        if number == self.end.segment + 1 and before > 0 and not self.damage:
            name = fmt.segment_name(self.writer, number - 1)
            self.damage.append(f"{name}: its last {before} records are missing")
        found = contents.ordinal - header.first
        told = (contents.ended or {}).get("records", found)
        if told != found:
            self.damage.append(f"{segment.name}: it has {found} records, and had {told}")

    def _add_blocks(self, number: int, segment: Segment, seen: int) -> None:
        contents = segment.contents
        np = numpy_for(contents.end)
        run = self.header.run if self.header else _run_of(self.folder)
        for shape in contents.used():
            for count, table in enumerate(contents.blocks(shape)):
                if table.end > seen:
                    key = BlockKey(run or "", self.writer, number, shape, count)
                    self._add_block(segment.name, key, contents.shapes[shape], table, np)

    def _add_block(self, name: str, key: BlockKey, shape: fmt.Shape, table: Table, np: Any) -> None:
        try:
            block, wrong = describe(key, shape, table, np)
        except CorruptError as error:  # in a sealed segment
            self.damage.append(f"{name}: block {key.number} of shape {key.shape}: {error}")
            return
        for column, what in wrong.items():
            self.damage.append(
                f"{name}: block {key.number} of shape {key.shape}, key {column!r}: {what}"
            )
        self.blocks.append(block)
        self.last_time = max(self.last_time, block.last_time)

    def _add_facts(self, name: str, facts: list[RawFact]) -> None:
        for raw in facts:
            try:
                fact = raw.read()
            except (CorruptError, ValueError, KeyError, TypeError) as error:
                what = f"make no sense: {error}"
                self.damage.append(_damage(name, raw.offset, len(raw.text), what))
                continue
            self.facts.append(fact)
            self.last_time = max(self.last_time, fact.time)

    def digest(self) -> Digest:
        """Return what was taken in."""
        if self.header is None:
            run = _run_of(self.folder)
            info = WriterInfo(self.writer, run, "", 0, None, None, clock.id_time(self.writer))
        else:
            run, info = self.header.run, self.header.writer
        return Digest(
            run=run,
            writer=info,
            start=self.start,
            end=self.end,
            facts=tuple(self.facts),
            blocks=tuple(self.blocks),
            damage=tuple(self.damage),
            closed=self.closed,
            last_time=self.last_time if self.last_time > -math.inf else None,
        )


def _size(folder: Path, writer: str, numbers: list[int]) -> int:
    """Return about how many bytes of records some segments have, unsealed."""
    total = 0
    for number in numbers:
        for suffix, factor in ((fmt.RAW, 1), (fmt.SEALED, 8)):
            with suppress(OSError):
                total += factor * (folder / fmt.segment_name(writer, number, suffix)).stat().st_size
    return total


def _damage(name: str, at: int, length: int, what: str) -> str:
    if not length:
        return f"{name}: {what}"
    return f"{name}: {length} bytes at offset {at} {what}"


def _run_of(folder: Path) -> str | None:
    """Return the run that a journal folder is of, where no header tells it."""
    name = folder.parent.name
    return name if clock.is_id(name) else None
