"""Gives steps to those who name none: one more than the last, and never one step to two processes.

The processes that write to one run share a small file, ``steps``, beside their journals: the last
step that was given, and whether more than one process asks for steps. One that asks alone counts
for itself and notes the number in a place of its own; as soon as another comes, which takes over
the number that it finds there, both claim steps under a lock.
Processes on different machines do not see each other's memory: they should name their steps.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import struct
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mendel.graph import process
from mendel.graph.errors import MendelError
from mendel.journal import format as fmt

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "steps"
# magic, last step given under the lock, shared, pid of who counts alone and when it started, the
# last step that it took, and that which was taken over when the second came
_PAGE = struct.Struct("<8sqIIdqq")
_MAGIC = b"MENDELS1"
_NONE = -(1 << 63)  # no step was given yet
_SETTLE_S = 0.001  # far longer than a processor keeps a store to itself


class Steps:
    """The steps of one writer; see the top of this file. Callers hold the writer's lock."""

    __slots__ = ("_counter", "_fd", "_flag", "_folder", "_joined", "_last", "_map", "_own")

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: int | None = None
        self._joined = False
        self._fd = -1
        self._map: Any = None
        self._counter: Any = None
        self._flag: Any = None
        self._own: Any = None  # the last step of who counts alone, and that which was taken over

    def take(self, writer: str, last: int | None) -> int:
        """Return the next step; ``last`` is the writer's largest so far."""
        if not self._joined:
            self._join(writer, last)
        if last is not None and (self._last is None or last > self._last):
            self._last = last
        if self._flag is not None and self._flag[0]:
            return self._claim()
        step = self._last = 1 if self._last is None else self._last + 1
        if self._flag is not None:
            # Note first, look second: whoever comes sets the flag first and looks second, so one
            # of the two sees the other.
            self._own[0] = step
            if self._flag[0]:
                return self._confirm(step)
        return step

    def count_from(self, last: int) -> None:
        """Go on after a step, whatever steps the journals have: what lies above it is hidden."""
        self._joined = True
        self._last = None
        try:
            if self._map is None:
                self._share(None)
            with self._locked():
                self._counter[0] = self._own[0] = last
        except OSError:  # a full or read-only disk: count alone
            self._leave()
        self._last = last

    def put_back(self, step: int) -> None:
        """Take a step back that was given and not used, if none was given after it."""
        if self._last == step and not (self._flag is not None and self._flag[0]):
            self._last = step - 1

    def close(self, last: int | None) -> None:
        """Leave; the file tells whoever comes next where to go on."""
        if self._map is not None:
            with self._locked():
                _, given, shared, pid, start, own, base = _PAGE.unpack_from(self._map)
                given = max(given, own, _NONE if last is None else last)
                if not shared:
                    pid = 0
                _PAGE.pack_into(self._map, 0, _MAGIC, given, shared, pid, start, own, base)
        self._leave()

    def _leave(self) -> None:
        self._map = self._counter = self._flag = self._own = None
        if self._fd >= 0:
            os.close(self._fd)
            self._fd = -1

    def __del__(self) -> None:
        self._leave()

    def _claim(self) -> int:
        with self._locked():
            return self._next()

    def _confirm(self, step: int) -> int:
        """Return a step that was taken alone while another came, or the next if that one has it."""
        with self._locked():
            if step <= self._own[1]:
                return step  # it was seen, and taken over
            self._last = step - 1
            return self._next()

    def _next(self) -> int:
        given = self._counter[0]
        if self._last is not None and self._last > given:
            given = self._last
        step: int = 1 if given == _NONE else given + 1
        self._counter[0] = self._last = step
        return step

    @contextmanager
    def _locked(self) -> Iterator[None]:
        fcntl.flock(self._fd, fcntl.LOCK_EX)
        try:
            yield
        finally:
            fcntl.flock(self._fd, fcntl.LOCK_UN)

    def _join(self, writer: str, last: int | None) -> None:
        self._joined = True
        self._last = largest_step(self._folder, but=writer)
        try:
            self._share(last)
        except OSError:  # a full or read-only disk: count alone
            self._leave()

    def _share(self, last: int | None) -> None:
        path = self._folder / NAME
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        with self._locked():
            if os.fstat(self._fd).st_size < _PAGE.size:
                os.pwrite(self._fd, _PAGE.pack(_MAGIC, _NONE, 0, 0, 0.0, _NONE, _NONE), 0)
            page = mmap.mmap(self._fd, _PAGE.size)
            magic, given, shared, pid, start, own, _ = _PAGE.unpack_from(page)
            if magic != _MAGIC:
                raise OSError("not a file of steps")
            view = memoryview(page)
            self._counter, self._flag = view[8:16].cast("q"), view[16:20].cast("I")
            self._own = view[32:48].cast("q")
            self._map = page
            # Once several shared it, it stays shared: some may live though who was first is gone.
            if shared or (pid and _lives(pid, start)):
                self._flag[0] = 1
                if not shared:
                    time.sleep(_SETTLE_S)  # what whoever counts alone has noted is seen now
                    self._own[1] = self._own[0]
                    self._counter[0] = max(given, self._own[1])
            else:
                pid = os.getpid()
                given = max(given, own)
                began = process.started(pid) or 0.0
                _PAGE.pack_into(page, 0, _MAGIC, given, 0, pid, began, given, given)
            known = [step for step in (self._last, last, self._counter[0]) if step is not None]
            self._counter[0] = max(known)
            self._last = max(known) if max(known) != _NONE else None


def _lives(pid: int, start: float) -> bool:
    return process.is_running(pid, start or None)


def largest_step(folder: Path, but: str = "") -> int | None:
    """Return the largest step in a folder's journals, one writer left out; None where is none."""
    best: int | None = None
    for writer, found in fmt.segments(folder).items():
        if writer == but:
            continue
        number = max(found)
        suffix = fmt.SEALED if found[number] else fmt.RAW
        try:
            data = (folder / fmt.segment_name(writer, number, suffix)).read_bytes()
            step = _sealed_last(data) if found[number] else _raw_last(data)
        except (OSError, MendelError, ValueError, KeyError):
            continue  # damage is the reader's to tell
        if step is not None and (best is None or step > best):
            best = step
    return best


def _sealed_last(data: bytes) -> int | None:
    told, _ = fmt.parse_head(data, fmt.SEALED_MAGIC)
    if told["writer"].get("aside"):
        return None
    last: int | None = told["last_step"]
    return last


def _raw_last(data: bytes) -> int | None:
    header = fmt.parse_header(data)
    if header.writer.aside:
        return None
    last, at = header.last_step, header.size
    while at + 8 <= len(data):
        commit, units, kind = struct.unpack_from("<IHH", data, at)
        body = at + 8
        if units == fmt.LONG:
            (units,) = struct.unpack_from("<Q", data, body)
            body += 8
        end = at + (units << 3)
        if not commit or units < 2 or commit != fmt.commit_word(data[at + 4 : end]):
            break
        step = _step_of(kind, data[body:end])
        if step is not None and (last is None or step > last):
            last = step
        at = end
    return last


def _step_of(kind: int, payload: bytes) -> int | None:
    if kind >= fmt.POINTS:
        step: int = struct.unpack_from("<q", payload)[0]
        return step
    if kind == fmt.FACT and payload[4:13] == b'["values"':
        told = fmt.parse_fact(fmt.text_of(payload))[2].get("step")
        return told if isinstance(told, int) else None
    return None
