"""Loads one segment, in whatever form and state it lies there."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from mendel.graph.errors import CorruptError, NewerStoreError, NotFoundError
from mendel.journal import format as fmt
from mendel.journal.mend import careful, headless
from mendel.journal.process import is_alive
from mendel.journal.scan import Contents, Odd, fast

if TYPE_CHECKING:
    from pathlib import Path

_MANY_BYTES = 2 << 20  # of records, from which on it pays to load NumPy
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
    """
    for _ in range(_TRIES):
        name = fmt.segment_name(writer, number)
        try:
            data = read_bytes(folder / name)
        except FileNotFoundError:
            pass  # sealed, perhaps just now
        else:
            return _raw_segment(folder, writer, number, data, last=last)
    raise NotFoundError(f"{folder / name} is not there, neither sealed nor unsealed.")


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


def _raw_segment(folder: Path, writer: str, number: int, data: bytes, *, last: bool) -> Segment:
    name = fmt.segment_name(writer, number)
    view = memoryview(data)
    try:
        header = fmt.parse_header(view)
    except NewerStoreError as error:
        raise NewerStoreError(f"{folder / name} cannot be read: {error}") from None
    except (CorruptError, ValueError, KeyError):
        first = 0
        if number and number - 1 in fmt.segments(folder).get(writer, ()):
            first = read_segment(folder, writer, number - 1, last=False).contents.ordinal
        return Segment(name, None, headless(view, first, last=last))
    try:
        contents = fast(view, header.size, header.first, numpy_for(len(data)))
    except Odd:
        finished = not last or is_alive(header.writer) is False
        contents = careful(view, header.size, header.first, finished=finished)
    return Segment(name, header, contents)
