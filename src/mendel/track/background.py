"""The one thread beside training: signs of life, writing to the disk, and what capture asks for.

A daemon, started when first needed. A task that fails is noted once and never reaches the run; one
that hangs delays other tasks, never training, and at exit it is left behind.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING

from mendel.graph import clock
from mendel.track import notice

if TYPE_CHECKING:
    from collections.abc import Callable

STOP_WITHIN = 5.0  # seconds that the end of the process waits for what is under way


class Task:
    """Something that is done again and again, until `cancel`."""

    __slots__ = ("_cancelled", "due", "fn", "name", "period")

    def __init__(self, fn: Callable[[], object], period: float, due: float, name: str) -> None:
        self.fn = fn
        self.period = period  # seconds
        self.due = due  # on the clock that never jumps
        self.name = name
        self._cancelled = False

    def cancel(self) -> None:
        """Do it no more; one that is being done is finished."""
        self._cancelled = True

    @property
    def cancelled(self) -> bool:
        """Whether it is done no more."""
        return self._cancelled


class Background:
    """See the top of this file. Thread-safe; forked children begin with an empty one."""

    def __init__(self) -> None:
        self._reset()

    def _reset(self) -> None:
        self._lock = threading.Lock()
        self._wake = threading.Condition(self._lock)
        self._thread: threading.Thread | None = None
        self._every: list[Task] = []
        self._soon: list[tuple[Callable[[], object], threading.Event | None, str]] = []
        self._stopping = False
        self._busy = False

    def every(self, seconds: float, fn: Callable[[], object], *, name: str = "") -> Task:
        """Call ``fn()`` in the background every so many seconds, first after as many."""
        task = Task(fn, seconds, clock.monotonic() + seconds, name or _name(fn))
        with self._wake:
            self._every.append(task)
            self._start()
            self._wake.notify()
        return task

    def soon(self, fn: Callable[[], object], *, name: str = "") -> threading.Event:
        """Call ``fn()`` once in the background, as soon as it can; the event is set when done."""
        done = threading.Event()
        with self._wake:
            self._soon.append((fn, done, name or _name(fn)))
            self._start()
            self._wake.notify()
        return done

    def _start(self) -> None:
        if self._thread is not None or self._stopping:
            return
        thread = threading.Thread(target=self._run, name="mendel", daemon=True)
        try:
            thread.start()
        except RuntimeError:  # the interpreter is on its way out: `stop` does what waits
            return
        self._thread = thread

    def _run(self) -> None:
        while True:
            with self._wake:
                job = self._next()
                while job is None and not self._stopping:
                    self._wake.wait(self._pause())
                    job = self._next()
                if job is None:
                    return
                self._busy = True
            self._do(*job)
            with self._wake:
                self._busy = False
                self._wake.notify_all()

    def _next(self) -> tuple[Callable[[], object], threading.Event | None, str] | None:
        if self._soon:
            return self._soon.pop(0)
        if self._stopping:
            return None
        now = clock.monotonic()
        self._every = [task for task in self._every if not task.cancelled]
        for task in self._every:
            if task.due <= now:
                task.due = now + task.period
                return task.fn, None, task.name
        return None

    def _pause(self) -> float | None:
        if not self._every:
            return None
        return max(0.0, min(task.due for task in self._every) - clock.monotonic())

    @staticmethod
    def _do(fn: Callable[[], object], done: threading.Event | None, name: str) -> None:
        try:
            fn()
        except Exception as error:  # noqa: BLE001 - whatever fails here must not reach the run
            notice.once(f"background {name}", f"{name} failed: {type(error).__name__}: {error}")
        finally:
            if done is not None:
                done.set()

    def drain(self, timeout: float | None = None) -> bool:
        """Wait until everything that `soon` was given is done; tell whether it was in time."""
        if threading.current_thread() is self._thread:
            return True
        with self._wake:
            if self._thread is None:
                jobs, self._soon = self._soon, []
            else:
                return self._wake.wait_for(lambda: not self._soon and not self._busy, timeout)
        for job in jobs:
            self._do(*job)
        return True

    def stop(self, timeout: float = STOP_WITHIN) -> bool:
        """Do what waits, then end the thread; tell whether it ended in time."""
        in_time = self.drain(timeout)
        with self._wake:
            self._stopping = True
            self._every.clear()
            self._wake.notify_all()
            thread, self._thread = self._thread, None
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout if in_time else 0.05)
            in_time = not thread.is_alive()
        with contextlib.suppress(RuntimeError):
            self._reset()
        return in_time


def _name(fn: Callable[[], object]) -> str:
    return str(getattr(fn, "__qualname__", None) or fn)


background = Background()
every = background.every
soon = background.soon


def _after_fork() -> None:
    background._reset()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
