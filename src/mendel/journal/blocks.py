"""Reads the points of blocks out of journals, for the catalog.

Blocks are asked for one by one, most often all of a series one after the other: so a segment's
bytes are read once and kept for a while, up to some memory; what is kept of a sealed segment is
used only while the file is still the same. Columns are unpacked when they are looked at.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import CorruptError, NotFoundError
from mendel.journal import format as fmt
from mendel.journal.load import load_raw, numpy_for
from mendel.journal.mend import careful
from mendel.journal.scan import Contents, Odd, fast
from mendel.journal.sealed import SealedFile
from mendel.journal.table import points

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from mendel.graph.digest import BlockKey, BlockPoints
    from mendel.journal.table import Table

_TRIES = 5
_MOST_SEGMENTS = 4096  # remembered: their shapes and where blocks begin, a few KiB each
_MOST_BYTES = 64 << 20  # of segments that are kept in memory, as they lie on disk


class _Place:
    """A segment, and what is remembered of it. Of an unsealed one nothing of that ever changes."""

    __slots__ = (
        "first_ordinals",
        "folder",
        "held",
        "is_known",
        "raw",
        "raw_size",
        "sealed",
        "shapes",
        "tables",
    )

    def __init__(self, folder: Path, block: BlockKey) -> None:
        self.folder = folder
        self.raw = str(folder / fmt.segment_name(block.writer, block.segment))
        self.sealed = SealedFile(folder / fmt.segment_name(block.writer, block.segment, fmt.SEALED))
        self.shapes: dict[int, fmt.Shape] = {}
        self.first_ordinals: dict[tuple[int, int], int] = {}  # of a block, by shape and number
        self.tables: dict[tuple[int, int], Table] = {}  # of the unsealed one, checked
        self.raw_size = 0  # of those, in bytes
        self.held = 0  # bytes that are kept of it, as `JournalBlocks` counts
        self.is_known = True  # to it

    def size(self) -> int:
        """Return how many bytes are in memory now."""
        return self.sealed.held + self.raw_size

    def drop(self) -> None:
        """Give the bytes back."""
        self.sealed.drop()
        self.tables, self.raw_size = {}, 0


class JournalBlocks:
    """Implements `mendel.catalog.contract.Blocks` over the journals of a store. Thread-safe.

    Args:
        folder_of: tells the journal folder of a run, by its id.
        most_bytes: of segments to keep in memory, at most.
    """

    def __init__(self, folder_of: Callable[[str], Path], *, most_bytes: int = _MOST_BYTES) -> None:
        self._folder_of = folder_of
        self._most_bytes = most_bytes
        self._held = 0
        self._known: OrderedDict[tuple[str, str, int], _Place] = OrderedDict()
        self._lock = Lock()

    def read(
        self, block: BlockKey, keys: Sequence[str], count: int, span: tuple[int, int]
    ) -> BlockPoints:
        """Return the first ``count`` point records of a block.

        ``span`` is the block's byte range in its unsealed segment, as its digest told it.

        Raises:
            NotFoundError: its segment is gone, or a key is not in the block.
            CorruptError: its bytes are not what was written.
        """
        place = self._place(block)
        try:
            for _ in range(_TRIES):  # it may be sealed between a look here and a look there
                with suppress(FileNotFoundError):
                    return _read_sealed(place, block, keys, count)
                with suppress(FileNotFoundError):
                    return _read_raw(place, block, keys, count, span)
        finally:
            self._count(place)
        raise NotFoundError(f"{place.raw} is not there, neither sealed nor unsealed.")

    def _place(self, block: BlockKey) -> _Place:
        at = block.run, block.writer, block.segment
        with self._lock:
            place = self._known.get(at)
            if place is not None:
                self._known.move_to_end(at)
                return place
        place = _Place(self._folder_of(block.run), block)
        with self._lock:
            place = self._known.setdefault(at, place)
            while len(self._known) > _MOST_SEGMENTS:
                _, old = self._known.popitem(last=False)
                old.is_known = False
                self._forget(old)
        return place

    def _count(self, place: _Place) -> None:
        """Note what is kept of a segment now, and give back what was not used for longest."""
        size = place.size()
        if size == place.held:
            return
        with self._lock:
            if place.is_known:
                self._held += size - place.held
                place.held = size
            for other in list(self._known.values()) if self._held > self._most_bytes else ():
                if other is not place:
                    self._forget(other)
                if self._held <= self._most_bytes:
                    break

    def _forget(self, place: _Place) -> None:
        place.drop()
        self._held -= place.held
        place.held = 0


def _read_sealed(place: _Place, block: BlockKey, keys: Sequence[str], count: int) -> BlockPoints:
    file = place.sealed

    def guard(make: Callable[[], Any]) -> Any:
        try:
            return make()
        except CorruptError as error:
            file.drop()  # it may be restored from a copy
            raise CorruptError(
                f"{file.path}: block {block.number} of shape {block.shape} cannot be read: "
                f"{error}. Restore the file from a copy."
            ) from None

    try:
        index = file.look()
    except (CorruptError, ValueError, KeyError, TypeError) as error:
        raise CorruptError(f"{file.path} is damaged: {error}. Restore it from a copy.") from None
    place.tables, place.raw_size = {}, 0  # what was remembered of it before it was sealed
    shape = index.shapes.get(block.shape, fmt.Shape((), ""))
    places = _places(block, shape, keys)
    import numpy as np

    table = guard(lambda: file.table(block.shape, block.number, places, np))
    return points(shape, table, keys, count, guard)


def _read_raw(
    place: _Place, block: BlockKey, keys: Sequence[str], count: int, span: tuple[int, int]
) -> BlockPoints:
    at = block.shape, block.number
    if at not in place.first_ordinals:
        _remember(place, block)
    shape = place.shapes[block.shape]
    _places(block, shape, keys)
    table = place.tables.get(at)
    if table is None or table.count < count:
        view = memoryview(_read_span(place.raw, span))
        found = _points_of(view, place.first_ordinals[at], place.shapes, block.shape)
        table = next(found.blocks(block.shape), None)
    if table is None or table.count < count:
        raise CorruptError(
            f"{place.raw}: of {count} points in the {span[1] - span[0]} bytes at offset "
            f"{span[0]} only {table.count if table else 0} can be read. "
            "Restore the file from a copy; `mendel rebuild` then forgets what stays damaged."
        )
    return points(shape, table, keys, count)


def _remember(place: _Place, block: BlockKey) -> None:
    """Read an unsealed segment: all its shapes and blocks are new.

    Raises:
        CorruptError: the block is not there.
    """
    contents = load_raw(place.folder, block.writer, block.segment, last=True).contents
    tables = {
        (shape, number): table
        for shape in contents.pieces
        for number, table in enumerate(contents.blocks(shape))
    }
    if (block.shape, block.number) not in tables:
        raise CorruptError(
            f"{place.raw} has no block {block.number} of shape {block.shape} any more: it was "
            "damaged or replaced since it was catalogued. "
            "`mendel rebuild` makes a catalog of what is there."
        )
    place.shapes = contents.shapes
    place.first_ordinals = {at: table.ordinals()[0] for at, table in tables.items()}
    if not contents.damage:  # else blocks are told by their place: others may have moved up
        place.tables, place.raw_size = tables, contents.end


def _places(block: BlockKey, shape: fmt.Shape, keys: Sequence[str]) -> list[int]:
    """Return where keys stand in a shape.

    Raises:
        NotFoundError: one does not.
    """
    for key in keys:
        if key not in shape.keys:
            raise NotFoundError(f"the block {tuple(block)} has no key {key!r}.")
    return [shape.keys.index(key) for key in keys]


def _points_of(data: memoryview, first: int, shapes: dict[int, fmt.Shape], shape: int) -> Contents:
    """Read a part of a segment that begins with the first record of a block."""
    try:
        return fast(data, 0, first, numpy_for(len(data)), shapes)
    except Odd:
        found = careful(data, 0, first, finished=True, shapes=shapes)
        found.shapes[shape] = shapes[shape]
        return found


def _read_span(path: str, span: tuple[int, int]) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(fd, span[1] - span[0], span[0])
    finally:
        os.close(fd)
