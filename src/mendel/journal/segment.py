"""One file that a writer appends to: made, preallocated, mapped into memory, ended.

Room is reserved on disk before anything is written, so that a full disk is an error here, where it
can be handled, and never a SIGBUS in somebody's training.
"""

from __future__ import annotations

import errno
import mmap
import os
import struct
import sys
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from mendel.journal import format as fmt

if TYPE_CHECKING:
    from pathlib import Path

SIZES = (1 << 16, 1 << 18, 1 << 20, 1 << 22)
NO_STEP = -(1 << 63) - 1  # smaller than every step
_NOWHERE = 1 << 62  # an offset beyond the limit of every segment
_ZEROS = bytes(1 << 16)

_TYPES = {"d": float, "q": int, "?": bool}
# What a call needs: its type(s), the first word of its record, how to pack it, its length in bytes.
Shaped = tuple[Any, int, Any, int]


class Segment:
    """A segment being written. What `Writer.log` needs of it lies here, so that it changes at once.

    A place is reserved by moving ``off`` on; who gets a place that ends at or below ``limit`` fills
    it, all others go and get the next segment. Reserving is one line of Python without a call,
    so no signal, no other thread and no debugger gets in between, and no lock is needed.
    """

    __slots__ = (
        "count",
        "fd",
        "first",
        "kinds",
        "last",
        "limit",
        "many",
        "mem",
        "number",
        "off",
        "one",
        "over",
        "path",
        "shapes",
        "words",
    )

    def __init__(self) -> None:
        """Make a segment that takes nothing: every call goes the slow way."""
        self.off = 0
        self.limit = -1
        self.count = 0  # facts and points reserved so far
        self.over: list[int] = []  # places that were beyond the limit; the first is the end
        self.last = NO_STEP  # the largest step so far
        self.first = 0
        self.number = -1
        self.shapes = 0  # defined so far
        self.kinds: dict[fmt.Shape, int] = {}
        self.path: Path | None = None
        self.fd = -1
        self.mem: Any = None
        self.words: Any = None
        # How to pack a call, by its only key, or by its tuple of keys.
        self.one: dict[str, Shaped] = {}
        self.many: dict[tuple[str, ...], Shaped] = {}

    @classmethod
    def create(cls, path: Path, header: bytes, need: int, first: int, number: int) -> Segment:
        """Make the file.

        Args:
            path: where; the folder must be there, the file must not.
            header: what it begins with.
            need: bytes that the first record takes.
            first: the ordinal of its first record.
            number: its number.

        Raises:
            OSError: the disk cannot take it; nothing is left behind.
        """
        least = len(header) + need + fmt.END_ROOM
        seg = cls()
        seg.path, seg.first, seg.number, seg.off = path, first, number, len(header)
        seg.fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
        try:
            size = _reserve(seg.fd, number, least)
            _map(seg, size)
            seg.mem[0 : len(header)] = header
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        seg.limit = size - fmt.END_ROOM
        return seg

    @property
    def last_step(self) -> int | None:
        """The largest step so far; None before the first point."""
        return None if self.last == NO_STEP else self.last

    def append(self, record: bytes, crc: int, counted: int) -> bool:
        """Write what follows a commit word, then the commit word; False where it does not fit."""
        size = len(record) + 4
        self.off, self.count = (off := self.off) + size, self.count + counted
        if off + size > self.limit:
            self.count -= counted
            self.over.append(off)
            return False
        self.mem[off + 4 : off + size] = record
        self.words[off >> 2] = crc
        return True

    def append_point(self, shape: fmt.Shape, record: bytes, *, learn: bool) -> bool:
        """Write a point of a shape, and first the shape's definition if it is new here.

        Args:
            shape: its keys and types.
            record: its step, time and values, packed.
            learn: let later calls with this shape go the fast way; not while others wait.
        """
        kind = self.kinds.get(shape)
        if kind is None:
            kind = self._define(shape)
            if kind is None:
                return False
        whole = fmt.point_head(kind, len(shape.keys)) + record
        done = self.append(whole, fmt.commit_word(whole), 1)
        if done and learn:
            self._learn(shape, kind)
        return done

    def _define(self, shape: fmt.Shape) -> int | None:
        self.shapes = (number := self.shapes) + 1
        if number >= fmt.MOST_SHAPES:
            return None
        record = fmt.shape_record(number, shape)
        if not self.append(record, fmt.commit_word(record), 0):
            return None
        self.kinds[shape] = fmt.POINTS + number
        return fmt.POINTS + number

    def _learn(self, shape: fmt.Shape, kind: int) -> None:
        """Let the next call with these keys and types go the fast way."""
        keys, types = shape
        units = fmt.point_units(len(keys))
        if units >= fmt.LONG:
            return
        head = units | kind << 16
        pack = fmt.whole_point_struct(types).pack
        wanted = [_TYPES[letter] for letter in types]
        if len(keys) == 1:
            self.one[keys[0]] = wanted[0], head, pack, units << 3
        else:
            self.many[keys] = wanted, head, pack, units << 3

    def finish(self, *, last: bool) -> None:
        """Take nothing more, write the end record and cut the file to its length. Idempotent."""
        if self.limit < 0:
            return
        self.off, off = _NOWHERE, self.off
        used = min(off, *self.over, _NOWHERE)
        end_known = used <= self.limit
        self.limit = -1
        self.one, self.many, self.kinds = {}, {}, {}
        if not end_known:  # only under a debugger: readers find the end by themselves
            return
        record = fmt.end_record(self.count, last, self.last_step)
        end = used + 4 + len(record)
        self.mem[used + 4 : end] = record
        self.words[used >> 2] = fmt.commit_word(record)
        with suppress(OSError):  # zeros at the end are no harm
            os.ftruncate(self.fd, end)

    def sync(self) -> None:
        """Wait until the disk has all that was written so far."""
        if self.fd >= 0:
            os.fsync(self.fd) if not hasattr(os, "fdatasync") else os.fdatasync(self.fd)

    def __del__(self) -> None:
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1


def _reserve(fd: int, number: int, least: int) -> int:
    """Reserve room for a segment, less of it where the disk is nearly full. Return its size."""
    usual = SIZES[min(number, len(SIZES) - 1)]
    # A long record is seldom alone.
    largest = max(usual, 2 * least)
    sizes = sorted({s for s in (usual, *SIZES, 2 * least, least) if least <= s <= largest})
    sizes.reverse()
    for size in sizes:
        try:
            _allocate(fd, size + -size % mmap.PAGESIZE)
        except OSError as error:
            os.ftruncate(fd, 0)
            if error.errno not in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG} or size == sizes[-1]:
                raise
        else:
            return size + -size % mmap.PAGESIZE
    raise AssertionError("unreachable")


def _allocate(fd: int, size: int) -> None:
    """Make a file of zeros that the disk has room for."""
    if hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(fd, 0, size)
            return
        except OSError as error:
            if error.errno not in {errno.EINVAL, errno.EOPNOTSUPP, errno.ENOSYS}:
                raise
    for start in range(0, size, len(_ZEROS)):
        part = _ZEROS[: size - start]
        while part:
            written = os.pwrite(fd, part, start)
            start, part = start + written, part[written:]  # noqa: PLW2901 - a short write goes on


def _map(seg: Segment, size: int) -> None:
    try:
        seg.mem = mmap.mmap(seg.fd, size)
        # Bytes in a journal are little-endian, a cast is native.
        little = sys.byteorder == "little"
        seg.words = memoryview(seg.mem).cast("I") if little else Words(seg.mem)
    except OSError:  # some network and user-space file systems have no shared mappings
        seg.mem = Unmapped(seg.fd)
        seg.words = Words(seg.mem)


class Unmapped:
    """Bytes of a file that cannot be mapped, written one by one; looks like a `mmap` to a writer.

    The room is reserved, so an error is the disk's own: what was refused waits here and is tried
    again before what comes next. It never raises into the caller.
    """

    __slots__ = ("fd", "waiting")

    def __init__(self, fd: int) -> None:
        self.fd = fd
        self.waiting: list[tuple[int, bytes]] = []

    def __setitem__(self, place: slice, data: bytes) -> None:
        self.waiting.append((place.start, data))
        self.retry()

    def retry(self) -> None:
        """Write what waits, in order, as far as the disk takes it."""
        while self.waiting:
            start, data = self.waiting[0]
            try:
                written = os.pwrite(self.fd, data, start)
            except OSError:
                return
            if written == len(data):
                del self.waiting[0]
            else:
                self.waiting[0] = (start + written, data[written:])


class Words:
    """The little-endian 4-byte words of a file, for where a memory view cannot show them."""

    __slots__ = ("bytes",)

    def __init__(self, file: Any) -> None:
        self.bytes = file

    def __setitem__(self, index: int, word: int) -> None:
        self.bytes[index << 2 : (index << 2) + 4] = struct.pack("<I", word)
