"""Loads one segment, in whatever form and state it lies there."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import CorruptError, NewerStoreError, NotFoundError
from mendel.journal import format as fmt
from mendel.journal import sealed
from mendel.journal.mend import careful, headless
from mendel.journal.process import is_alive
from mendel.journal.scan import Contents, Odd, fast

if TYPE_CHECKING:
    from pathlib import Path

_MANY_BYTES = 24 << 20  # of records, from which on it pays to load NumPy: a quarter of a second
_TRIES = 5


@dataclass(slots=True)
class Segment:
    """One segment, read."""

    name: str
    header: fmt.Header | None  # None: it is damaged, or was never written
    contents: Contents


def numpy_for(size: int) -> Any:
    """Return NumPy if it is there already, or loading it pays for so many bytes; else None."""
    if "numpy" not in sys.modules and size < _MANY_BYTES:
        return None
    try:
        import numpy as np
    except ImportError:
        return None
    return np


def read_segment(folder: Path, writer: str, number: int, *, last: bool) -> Segment:
    """Return what a segment holds, sealed or not.

    Args:
        folder: the journal folder.
        writer: the writer's id.
        number: the segment's number.
        last: it is the writer's newest, so the writer may be at it.

    Raises:
        NotFoundError: it is not there, in neither form.
        NewerStoreError: a newer Mendel wrote it.
    """
    for _ in range(_TRIES):  # it may be sealed between a look here and a look there
        with suppress(FileNotFoundError):
            return load_raw(folder, writer, number, last=last)
        with suppress(FileNotFoundError):
            return _load_sealed(folder, writer, number)
    name = fmt.segment_name(writer, number)
    raise NotFoundError(f"{folder / name} is not there, neither sealed nor unsealed.")


def _load_sealed(folder: Path, writer: str, number: int) -> Segment:
    name = fmt.segment_name(writer, number, fmt.SEALED)
    data = read_bytes(folder / name)
    try:
        index = sealed.parse(data)
    except NewerStoreError as error:
        raise NewerStoreError(f"{folder / name} cannot be read: {error}") from None
    except (CorruptError, ValueError, KeyError, TypeError) as error:
        contents = Contents(len(data), _first_ordinal(folder, writer, number))
        contents.damage.append((0, len(data), f"are damaged: {error}"))
        return Segment(name, None, contents)
    found = sealed.SealedContents(index, memoryview(data), numpy_for(len(data)))
    return Segment(name, index.header, found)


def read_bytes(path: Path) -> bytes:
    """Return a file's bytes; never mapped, for a mapped file that is cut kills the reader."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        size = os.fstat(fd).st_size
        data = os.pread(fd, size, 0)
        while len(data) < size:  # a system may give less than was asked for
            more = os.pread(fd, size - len(data), len(data))
            if not more:
                break
            data += more
    finally:
        os.close(fd)
    return data


def _first_ordinal(folder: Path, writer: str, number: int) -> int:
    """Return the number of a segment's first record, where the segment cannot tell."""
    if number and number - 1 in fmt.segments(folder).get(writer, ()):
        return read_segment(folder, writer, number - 1, last=False).contents.ordinal
    return 0


def load_raw(folder: Path, writer: str, number: int, *, last: bool) -> Segment:
    """Return what an unsealed segment holds, damaged or not.

    Raises:
        FileNotFoundError: it is not there.
        NewerStoreError: a newer Mendel wrote it.
    """
    name = fmt.segment_name(writer, number)
    data = read_bytes(folder / name)
    view = memoryview(data)
    try:
        header = fmt.parse_header(view)
    except NewerStoreError as error:
        raise NewerStoreError(f"{folder / name} cannot be read: {error}") from None
    except (CorruptError, ValueError, KeyError):
        first = _first_ordinal(folder, writer, number)
        return Segment(name, None, headless(view, first, last=last))
    try:
        contents = fast(view, header.size, header.first, numpy_for(len(data)))
    except Odd:
        finished = not last or is_alive(header.writer) is False
        contents = careful(view, header.size, header.first, finished=finished)
    return Segment(name, header, contents)
