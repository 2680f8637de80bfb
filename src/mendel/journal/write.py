"""Appends to a journal: what `run.log` does on the training thread, and nothing more.

A call packs its record, reserves a place in a mapped file, copies the record there and stores its
commit word last. From then on the record outlives the process. No lock is taken on the way: see
`mendel.journal.segment.Segment`. Whatever is not plain goes to `mendel.journal.slow`.
"""

from __future__ import annotations

import os
import struct
import sys
import threading
import warnings
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast
from zlib import crc32

from mendel.graph import clock
from mendel.graph.errors import MendelError, StateError, StoreError, WrongTypeError
from mendel.graph.values import normal
from mendel.journal import format as fmt
from mendel.journal.numbers import as_step, as_time, sort_out
from mendel.journal.process import describe
from mendel.journal.segment import Segment
from mendel.journal.step import Steps
from mendel.journal.waiting import Waiting

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from mendel.graph.digest import WriterInfo
    from mendel.graph.values import Value

# What a call that is not plain stumbles over; the slow way then says what is wrong, if anything is.
_NOT_PLAIN = (KeyError, TypeError, AttributeError, ValueError, struct.error)
_DRAIN_RECORDS = 500  # that a log call takes along from what waits for room: about 2 ms
_FIRST_RETRY_S, _LAST_RETRY_S = 0.05, 5.0

_writers: weakref.WeakSet[Writer] = weakref.WeakSet()


class Writer:
    """Appends to the journal of one process in one run (or in the ledger: ``run`` is None).

    Threads, signal handlers, finalizers and forked children may use it at any time; a forked child
    becomes a writer of its own at its first write. A disk that cannot take a record never raises
    into the caller (unless ``strict``): records wait in memory, at most 64 MiB of them, and what
    does not fit is counted in ``lost`` and told, here and in the journal.

    Args:
        folder: the run's ``journal`` folder; it and the file are made at the first write.
        run: the run's id.
        strict: raise StoreError where the disk cannot take a record.
        rank: the process's rank in a distributed job.
        aside: what it logs is about the machine, not the training: its steps are not counted where
            a step is left out.
        on_problem: called with a sentence about a problem, once for each; by default it warns.
    """

    __slots__ = (
        "__weakref__",
        "_backoff_s",
        "_draining",
        "_info",
        "_lock",
        "_number",
        "_on_problem",
        "_retry_at",
        "_seg",
        "_steps",
        "_told",
        "_trouble",
        "_unsynced",
        "_waiting",
        "aside",
        "closed",
        "folder",
        "id",
        "rank",
        "run",
        "strict",
    )

    def __init__(
        self,
        folder: Path,
        *,
        run: str | None,
        strict: bool = False,
        rank: int | None = None,
        aside: bool = False,
        on_problem: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = folder
        self.run = run
        self.strict = strict
        self.rank = rank
        self.aside = aside
        self._on_problem = on_problem or _warn
        self._renew()
        _writers.add(self)

    def _renew(self) -> None:
        """Become a writer that has written nothing yet."""
        self.id = clock.new_id()
        self._info: dict[str, Any] | None = None
        self.closed = False
        self._lock = threading.RLock()
        self._seg = Segment()
        self._steps = Steps(self.folder)
        self._waiting = Waiting()
        self._unsynced: set[Path] = set()
        self._told: set[str] = set()
        self._number = -1  # of the newest segment
        self._draining = False
        self._trouble = ""  # why the disk took nothing, the last time that it did
        self._retry_at = 0.0
        self._backoff_s = _FIRST_RETRY_S

    def log(
        self, data: Mapping[str, Any], step: int | None = None, *, time: float | None = None
    ) -> None:
        """Write the values of some keys at a step.

        Args:
            data: numbers by key; other values are kept too, beside the series. NumPy scalars and
                0-d arrays are taken as the numbers they are.
            step: the training step; None: one more than the last step of any series of this run.
            time: seconds since 1970; None: now.

        Raises:
            WrongTypeError: a key, a value, the step or the time is of a type that cannot be kept;
                nothing was written.
            InvalidError: an empty key, a key that is no valid text, a step beyond 64 bits.
            StateError: the writer is closed.
            StoreError: the disk cannot take it, and the writer is strict.
        """
        if type(step) is not int:
            self._log_at(data, step, time)
            return
        seg = self._seg
        try:
            moment = clock.now() if time is None else as_time(time)
            if len(data) == 1:
                ((key, value),) = data.items()
                kind, head, pack, size = seg.one[key]
                if type(value) is not kind:
                    raise TypeError
                record = pack(head, step, moment, value)
            else:
                kinds, head, pack, size = seg.many[tuple(data)]
                values = [*data.values()]
                if [*map(type, values)] != kinds:
                    raise TypeError
                record = pack(head, step, moment, *values)
            crc = crc32(record) or 1
        except _NOT_PLAIN:
            self._log_slowly(data, step, time)
            return
        # From here on nothing is called until the place is filled (or given up), so nothing else
        # runs in this thread or, under the interpreter lock, in any other. The place is taken in
        # one line, so that not even a debugger comes between.
        seg.off, seg.count = (end := (off := seg.off) + size), seg.count + 1
        if end > seg.limit:
            seg.count -= 1
            seg.over.append(off)
            self._log_slowly(data, step, time)
            return
        seg.mem[off + 4 : end] = record
        seg.words[off >> 2] = crc
        if step > seg.last:  # noqa: PLR1730 - max() is a call
            seg.last = step

    def fact(self, kind: str, body: dict[str, Value], *, time: float | None = None) -> None:
        """Write a record that is no point.

        Args:
            kind: what it is; `mendel.graph.digest` has the list.
            body: what it says.
            time: seconds since 1970; None: now.

        Raises:
            WrongTypeError, StateError, StoreError: as `log`.
        """
        moment = clock.now() if time is None else as_time(time)
        told = cast("dict[str, Value]", normal(body, f"fact {kind!r}"))
        record = fmt.fact_record(kind, moment, told)
        with self._lock:
            self._check_open()
            self._put(None, record)

    def flush(self) -> None:
        """Wait until the disk has all that was written so far.

        Only the death of the machine needs it: what `log` returned from outlives the process.
        """
        with self._lock:
            paths, self._unsynced = self._unsynced, set()
            seg = self._seg
        for path in sorted(paths):
            try:
                fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            except FileNotFoundError:
                continue  # sealed meanwhile, and that is on the disk
            try:
                os.fsync(fd)
            finally:
                os.close(fd)
        seg.sync()

    def close(self) -> None:
        """Write the end record and cut the file to its length. Later writes raise StateError."""
        with self._lock:
            if self.closed:
                return
            self._retry_at = 0.0
            if not self._drain(None):
                points, facts = self._waiting.lost, self._waiting.lost_facts
                self._waiting.give_up()
                self._tell(
                    f"{self.folder} could not be written until the end ({self._trouble}): "
                    f"{self._waiting.lost - points} waiting points are lost, and "
                    f"{self._waiting.lost_facts - facts} other records (params, tags, states)."
                )
            self.closed = True
            old = self._seg
            if old.path is not None:
                self._unsynced.add(old.path)
            old.finish(last=True)
            self._steps.close(old.last_step)

    def count_from(self, step: int) -> None:
        """Have the next step that nobody names be the one after ``step``, as after a rewind."""
        with self._lock:
            self._check_open()
            self._steps.count_from(step)

    def pump(self) -> None:
        """Try again to write what waits for room; for a background thread, every second or so."""
        if self._waiting:
            with self._lock:
                if not self.closed:
                    self._drain(None)

    @property
    def info(self) -> WriterInfo:
        """Who writes, as the journal's headers say it."""
        from mendel.graph.digest import WriterInfo  # writing needs none of this

        return WriterInfo(**_described(self))

    @property
    def lost(self) -> int:
        """How many points the disk could not take, and memory neither."""
        return self._waiting.lost

    @property
    def waiting(self) -> int:
        """How many records wait in memory until the disk can take them."""
        return len(self._waiting)

    @property
    def last_step(self) -> int | None:
        """The largest step so far; None before the first point."""
        return self._seg.last_step

    @property
    def ordinal(self) -> int:
        """The number that the next fact or point record gets."""
        seg = self._seg
        return seg.first + seg.count + len(self._waiting)

    def __reduce__(self) -> tuple[Any, ...]:
        raise WrongTypeError(
            "a run that is being written cannot be pickled or sent to another process: give that "
            "process the run's id, and let it resume the run; it then writes a journal of its own."
        )

    # -- the slow way: first calls, new shapes, odd values, full segments, full disks --

    def _log_at(self, data: Mapping[str, Any], step: Any, time: float | None) -> None:
        """Log at the next step (None), or at one that is no plain int."""
        if step is not None:
            self.log(data, as_step(step), time=time)
            return
        with self._lock:
            given = self._steps.take(self.id, self._seg.last_step)
        try:
            self.log(data, given, time=time)
        except MendelError:
            self._steps.put_back(given)
            raise

    def _log_slowly(self, data: Mapping[str, Any], step: int, time: Any) -> None:
        call = sort_out(data)
        as_step(step)
        moment = clock.now() if time is None else as_time(time)
        with self._lock:
            self._check_open()
            others: dict[str, Value] = {"step": step, "set": call.others}
            fact = fmt.fact_record("values", moment, others) if call.others else b""
            if call.keys:
                shape = fmt.Shape(call.keys, call.types)
                self._put(shape, fmt.point_struct(call.types).pack(step, moment, *call.values))
            if fact:
                self._put(None, fact)
            if call.keys or fact:
                self._seg.last = max(self._seg.last, step)

    def _check_open(self) -> None:
        if self.closed:
            raise StateError(
                "this run is closed, so nothing more can be written to it; "
                "resume it, or start another."
            )

    def _put(self, shape: fmt.Shape | None, record: bytes) -> None:
        """Write a point (its step, time and values) or a fact (shape None: a whole record)."""
        if (self._drain(_DRAIN_RECORDS) and self._append(shape, record)) or self.closed:
            return
        if self.strict:
            raise StoreError(
                f"the record could not be written: {self._trouble}. Make room (or writing "
                f"possible) at {self.folder}; without strict=True it would wait in memory."
            )
        if not self._waiting.add((shape, record)):
            self._tell(
                f"memory for what {self.folder} cannot take is full ({self._trouble}): points are "
                "being lost from now on; they are counted in the run. Make room to end this."
            )

    def _append(self, shape: fmt.Shape | None, record: bytes) -> bool:
        """Write to the current segment, or to a new one; False where the disk has no room."""
        while True:
            seg = self._seg
            if shape is None:
                done = seg.append(record, fmt.commit_word(record), 1)
            else:
                done = seg.append_point(shape, record, learn=not self._waiting)
            if done:
                return True
            need = len(record) + 16 + (len(fmt.shape_record(0, shape)) + 64 if shape else 0)
            if not self._roll(seg, need):
                return False

    def _roll(self, old: Segment, need: int) -> bool:
        """Go on to a new segment; False where the disk has no room for one.

        A signal handler or finalizer may log while this runs. It then finds the old segment full
        and makes one of its own, of a higher number; ours is left empty.
        """
        if self._seg is not old:
            return True
        if old.limit < 0 and self._retry_at > clock.monotonic():
            return False
        if old.path is not None:
            self._unsynced.add(old.path)
        old.finish(last=False)
        if self._seg is not old:
            return True
        self._number = number = self._number + 1
        try:
            new = _create(self, number, old, need)
        except OSError as error:
            if self._number == number and not isinstance(error, FileExistsError):
                self._number = number - 1
            self._in_trouble(error)
            return False
        if self._seg is not old:
            new.finish(last=False)
            return True
        self._seg = new
        self._retry_at, self._backoff_s = 0.0, _FIRST_RETRY_S
        return True

    def _in_trouble(self, error: OSError) -> None:
        self._trouble = error.strerror or str(error)
        self._retry_at = clock.monotonic() + self._backoff_s
        self._backoff_s = min(2 * self._backoff_s, _LAST_RETRY_S)
        if not self.strict:
            self._tell(
                f"{self.folder} cannot be written ({self._trouble}): what is logged waits in "
                "memory and is written as soon as that is possible. Training goes on."
            )

    def _drain(self, most: int | None) -> bool:
        """Write what waits, in order; tell whether nothing waits any more."""
        waiting = self._waiting
        if not waiting and not waiting.untold:
            return True
        if self._draining:  # a signal handler, while the call below is at it
            return False
        self._draining = True
        try:
            return self._drain_records(most) and self._tell_losses()
        finally:
            self._draining = False

    def _drain_records(self, most: int | None) -> bool:
        waiting = self._waiting
        left = len(waiting) if most is None else most
        while waiting and left > 0:
            if not self._append(*waiting.entries[0]):
                return False
            waiting.done()
            left -= 1
        return not waiting

    def _tell_losses(self) -> bool:
        """Write down how many points were lost, now that there is room again."""
        count = self._waiting.untold
        if count:
            told: dict[str, Value] = {"count": count, "reason": self._trouble}
            if not self._append(None, fmt.fact_record("lost_points", clock.now(), told)):
                return False
            self._waiting.untold -= count
        return True

    def _tell(self, problem: str) -> None:
        """Tell a problem, each once."""
        if problem in self._told:
            return
        self._told.add(problem)
        with suppress(Exception):  # a fault of the caller's own must not stop the training
            self._on_problem(problem)


def _described(writer: Writer) -> dict[str, Any]:
    """Return the fields of a writer's `info`."""
    if writer._info is None:
        writer._info = describe(writer.id, writer.run, writer.rank, aside=writer.aside)
    return writer._info


def _create(writer: Writer, number: int, old: Segment, need: int) -> Segment:
    writer.folder.mkdir(parents=True, exist_ok=True)
    first = old.first + old.count
    header = fmt.dump_header(writer.run, _described(writer), number, first, old.last_step)
    path = writer.folder / fmt.segment_name(writer.id, number)
    new = Segment.create(path, header, need, first, number)
    new.last = old.last
    return new


def _warn(problem: str) -> None:
    try:
        warnings.warn(problem, RuntimeWarning, stacklevel=6)
    except RuntimeWarning:  # warnings are errors here, but this one must not stop the training
        sys.stderr.write(f"mendel: {problem}\n")


def _locked_log(
    self: Writer, data: Mapping[str, Any], step: int | None = None, *, time: float | None = None
) -> None:
    """Do as `Writer.log`, where no interpreter lock keeps other threads away."""
    with self._lock:
        _log(self, data, step, time=time)


_log = Writer.log
if not getattr(sys, "_is_gil_enabled", lambda: True)():
    Writer.log = _locked_log  # type: ignore[method-assign]


def _after_fork() -> None:
    """In a forked child: the files and locks are the parent's, so every writer begins anew."""
    for writer in list(_writers):
        if not writer.closed:
            writer._renew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
