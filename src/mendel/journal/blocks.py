"""Reads the points of blocks out of journals, for the catalog."""

from __future__ import annotations

import os
from collections import OrderedDict
from contextlib import suppress
from threading import Lock
from typing import TYPE_CHECKING, NamedTuple

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

_TRIES = 5
_MOST_SEGMENTS = 4096  # remembered: their shapes and where blocks begin, a few KiB each


class _Known(NamedTuple):
    """What is remembered of an unsealed segment; none of it ever changes."""

    shapes: dict[int, fmt.Shape]
    first_ordinals: dict[tuple[int, int], int]  # of a block, by shape and number


class JournalBlocks:
    """Implements `mendel.catalog.contract.Blocks` over the journals of a store. Thread-safe.

    Args:
        folder_of: tells the journal folder of a run, by its id.
    """

    def __init__(self, folder_of: Callable[[str], Path]) -> None:
        self._folder_of = folder_of
        self._known: OrderedDict[tuple[str, int], _Known] = OrderedDict()
        self._sealed: OrderedDict[Path, SealedFile] = OrderedDict()
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
        folder = self._folder_of(block.run)
        for _ in range(_TRIES):  # it may be sealed between a look here and a look there
            with suppress(FileNotFoundError):
                return self._read_sealed(folder, block, keys, count)
            with suppress(FileNotFoundError):
                return self._read_raw(folder, block, keys, count, span)
        name = fmt.segment_name(block.writer, block.segment)
        raise NotFoundError(f"{folder / name} is not there, neither sealed nor unsealed.")

    def _read_sealed(
        self, folder: Path, block: BlockKey, keys: Sequence[str], count: int
    ) -> BlockPoints:
        path = folder / fmt.segment_name(block.writer, block.segment, fmt.SEALED)
        file = self._sealed_file(path)
        shape = file.index.shapes.get(block.shape, fmt.Shape((), ""))
        places = _places(block, shape, keys)
        import numpy as np

        try:
            table = file.table(block.shape, block.number, places, np)
            return points(shape, table, keys, count)
        except CorruptError as error:
            raise CorruptError(
                f"{path}: block {block.number} of shape {block.shape} cannot be read: {error}. "
                "Restore the file from a copy."
            ) from None

    def _sealed_file(self, path: Path) -> SealedFile:
        with self._lock:
            found = self._sealed.get(path)
            if found is not None:
                self._sealed.move_to_end(path)
                return found
        try:
            found = SealedFile(path)
        except (CorruptError, ValueError, KeyError, TypeError) as error:
            raise CorruptError(f"{path} is damaged: {error}. Restore it from a copy.") from None
        with self._lock:
            self._sealed[path] = found
            while len(self._sealed) > _MOST_SEGMENTS:
                self._sealed.popitem(last=False)
        return found

    def _read_raw(
        self,
        folder: Path,
        block: BlockKey,
        keys: Sequence[str],
        count: int,
        span: tuple[int, int],
    ) -> BlockPoints:
        known = self._remember(folder, block)
        shape = known.shapes[block.shape]
        _places(block, shape, keys)
        name = fmt.segment_name(block.writer, block.segment)
        data = memoryview(_read_span(folder / name, span))
        first = known.first_ordinals[block.shape, block.number]
        found = _points_of(data, first, known, block.shape)
        table = next(found.blocks(block.shape), None)
        if table is None or table.count < count:
            raise CorruptError(
                f"{folder / name}: of {count} points in the {span[1] - span[0]} bytes at offset "
                f"{span[0]} only {table.count if table else 0} can be read. "
                "Restore the file from a copy; `mendel rebuild` then forgets what stays damaged."
            )
        return points(shape, table, keys, count)

    def _remember(self, folder: Path, block: BlockKey) -> _Known:
        at = block.writer, block.segment
        with self._lock:
            known = self._known.get(at)
            if known is not None and (block.shape, block.number) in known.first_ordinals:
                self._known.move_to_end(at)
                return known
        contents = load_raw(folder, block.writer, block.segment, last=True).contents
        firsts = {
            (shape, number): table.ordinals()[0]
            for shape in contents.pieces
            for number, table in enumerate(contents.blocks(shape))
        }
        if (block.shape, block.number) not in firsts:
            raise CorruptError(
                f"{folder / fmt.segment_name(*at)} has no block {block.number} of shape "
                f"{block.shape} any more: it was damaged or replaced since it was catalogued. "
                "`mendel rebuild` makes a catalog of what is there."
            )
        known = _Known(contents.shapes, firsts)
        with self._lock:
            self._known[at] = known
            while len(self._known) > _MOST_SEGMENTS:
                self._known.popitem(last=False)
        return known


def _places(block: BlockKey, shape: fmt.Shape, keys: Sequence[str]) -> list[int]:
    """Return where keys stand in a shape.

    Raises:
        NotFoundError: one does not.
    """
    for key in keys:
        if key not in shape.keys:
            raise NotFoundError(f"the block {tuple(block)} has no key {key!r}.")
    return [shape.keys.index(key) for key in keys]


def _points_of(data: memoryview, first: int, known: _Known, shape: int) -> Contents:
    """Read a part of a segment that begins with the first record of a block."""
    try:
        return fast(data, 0, first, numpy_for(len(data)), known.shapes)
    except Odd:
        found = careful(data, 0, first, finished=True, shapes=known.shapes)
        found.shapes[shape] = known.shapes[shape]
        return found


def _read_span(path: Path, span: tuple[int, int]) -> bytes:
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        return os.pread(fd, span[1] - span[0], span[0])
    finally:
        os.close(fd)
