"""Sees to it that a run's state tells the truth, without anyone's help.

However the process ends, the runs that it owns are told how: the end of the script (COMPLETE), an
exception that nobody caught or ``sys.exit`` with a code (FAILED), Ctrl-C, SIGTERM or SIGHUP
(CANCELLED). What the process itself does then is what it would have done without Mendel: earlier
hooks and handlers are called, a signal still kills. ``kill -9`` and a power cut leave no
word; readers find those runs LOST.
"""

from __future__ import annotations

import atexit
import builtins
import contextlib
import os
import signal
import sys
import threading
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

from mendel.track import lease, states
from mendel.track.background import background, every

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType, TracebackType

    from mendel.graph.values import Value
    from mendel.track.background import Task

PUMP = 1.0  # seconds between two tries to write what waits for room
FLUSH = 5.0  # seconds of work that a power cut may take
KEEP_UP = 10.0  # seconds between two looks at what waits for the catalog


class Kept(Protocol):
    """A run that this process writes to, as far as its end is concerned."""

    thread: int  # the ident of the thread that began it

    def beat(self) -> None:
        """Give a sign of life."""

    def pump(self) -> None:
        """Write what waits for room."""

    def flush(self) -> None:
        """Have the disk take what was written."""

    def keep_up(self) -> None:
        """Catalogue and compress what was written, so that the end has little to do."""

    def tell(self, end: dict[str, Value]) -> None:
        """Write down how the run ended, and go on taking what other threads still log."""

    def end_with_process(self, end: dict[str, Value], *, quick: bool) -> None:
        """End the run (or only this process's part in it), in bounded time; ``quick``: at once."""

    def become_guest(self) -> None:
        """After a fork, in the child: the run is the parent's."""


class Lifecycle:
    """See the top of this file. One a process."""

    def __init__(self) -> None:
        self._runs: list[Kept] = []
        self._installed = False
        self._tasks: list[Task] = []
        self._end: dict[str, Value] | None = None  # how the process is ending, if known
        self._interrupted = False  # Ctrl-C ends the process
        self._earlier: dict[int, Any] = {}  # signal handlers that were there before
        self._earlier_hook: Any = None
        self._earlier_thread_hook: Any = None

    def watch(self, run: Kept) -> None:
        """Look after a run until `forget`."""
        self._install()
        self._runs = [*self._runs, run]
        if not self._tasks:
            self._tasks = [
                every(lease.HEARTBEAT, lambda: self._each("beat"), name="heartbeat"),
                every(PUMP, lambda: self._each("pump"), name="journal"),
                every(FLUSH, lambda: self._each("flush"), name="flush"),
                every(KEEP_UP, lambda: self._each("keep_up"), name="cataloguing"),
            ]

    def forget(self, run: Kept) -> None:
        """Look after a run no more."""
        self._runs = [other for other in self._runs if other is not run]
        if not self._runs:
            for task in self._tasks:
                task.cancel()
            self._tasks = []

    def _each(self, what: str) -> None:
        for run in self._runs:
            getattr(run, what)()

    # -- hooks --

    def _install(self) -> None:
        if self._installed:
            return
        self._installed = True
        atexit.register(self._at_exit)
        self._earlier_hook, sys.excepthook = sys.excepthook, self._on_exception
        self._earlier_thread_hook = threading.excepthook
        threading.excepthook = self._on_thread_exception
        _hear_exits(self._on_exit)
        if threading.current_thread() is threading.main_thread():
            for name in ("SIGTERM", "SIGHUP", "SIGBREAK"):
                self._hear(getattr(signal, name, None))
        _hear_children(self._at_exit)

    def _hear(self, number: int | None) -> None:
        if number is None:
            return
        with contextlib.suppress(ValueError, OSError):
            earlier = signal.getsignal(number)
            # one that is ignored stays so (nohup); one that is not Python's cannot be called
            if earlier is signal.SIG_DFL or callable(earlier):
                self._earlier[number] = earlier
                signal.signal(number, self._on_signal)

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        earlier = self._earlier.get(number, signal.SIG_DFL)
        end = states.of_signal(number)
        if callable(earlier):
            # theirs may save a checkpoint and go on; how the run ends is not known yet
            self._end = self._end or end
            earlier(number, frame)
            return
        self._end_all(self._end or end, quick=True)
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    def _on_exception(
        self,
        kind: type[BaseException],
        error: BaseException,
        trace: TracebackType | None,
    ) -> None:
        self._interrupted = kind is KeyboardInterrupt
        with contextlib.suppress(Exception):  # the error itself must be shown, whatever happens
            if not _interactive():
                self._end = end = states.of_exception(kind, error, trace)
                for run in self._runs:
                    run.tell(end)
        self._earlier_hook(kind, error, trace)

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        with contextlib.suppress(Exception):  # as above
            ident = args.thread.ident if args.thread is not None else None
            if args.exc_type is not SystemExit:
                end = states.of_exception(args.exc_type, args.exc_value, args.exc_traceback)
                for run in self._runs:
                    if run.thread == ident and ident != threading.main_thread().ident:
                        run.end_with_process(end, quick=True)
        self._earlier_thread_hook(args)

    def _on_exit(self, code: object) -> None:
        self._end = states.of_exit(code)

    # -- the end --

    def _at_exit(self) -> None:
        self._end_all(self._end or states.complete(), quick=False)
        background.stop()
        if self._interrupted:
            _die_of_interrupt()

    def _end_all(self, end: dict[str, Value], *, quick: bool) -> None:
        for run in reversed(self._runs):
            # one run that cannot be ended must not keep others from it, nor the process
            with contextlib.suppress(Exception):
                run.end_with_process(end, quick=quick)

    def after_fork(self) -> None:
        """In the child: what was begun before is the parent's."""
        self._tasks = []
        self._end = None
        for run in self._runs:
            run.become_guest()


def _die_of_interrupt() -> None:
    """Have the process die of SIGINT, as it would have: a shell's loop then stops too.

    CPython remembers that Ctrl-C ended the script, and forgets it when a text is executed
    afterwards, as imports of dataclasses do. Such a text reminds it.
    """
    with contextlib.suppress(KeyboardInterrupt):
        exec("raise KeyboardInterrupt", {})  # noqa: S102 - a constant; see above


def _interactive() -> bool:
    """Tell whether the process goes on after an error."""
    return hasattr(sys, "ps1") or bool(sys.flags.interactive)


class _Exit(SystemExit):
    """``SystemExit`` that is known to have ended the process, if it does."""

    told: Callable[[object], None] | None = None

    def __del__(self) -> None:
        # It is let go of where nothing runs below: nobody caught it, the interpreter is leaving.
        with contextlib.suppress(Exception):  # nothing can be done about an error here
            nothing_below = sys._getframe().f_back is None
            main = threading.current_thread() is threading.main_thread()
            if _Exit.told is not None and nothing_below and main:
                _Exit.told(self.code)

    def __reduce__(self) -> tuple[type[SystemExit], tuple[Any, ...]]:
        return SystemExit, self.args


_Exit.__name__ = _Exit.__qualname__ = "SystemExit"


def _hear_exits(told: Callable[[object], None]) -> None:
    """Learn of the exit code: by `sys.exit`, and by the `exit` and `quit` of interactive use."""
    if _Exit.told is None:

        def leave(status: object = None, /) -> NoReturn:
            """Exit the interpreter by raising SystemExit(status)."""
            raise _Exit(status)

        leave.__name__ = leave.__qualname__ = "exit"
        leave.__module__ = "sys"
        sys.exit = leave
        quitter = type(getattr(builtins, "exit", None))
        if quitter.__name__ == "Quitter":
            earlier: Any = quitter.__call__

            def call(self: object, code: object = None) -> NoReturn:
                try:
                    earlier(self, code)
                except SystemExit as error:
                    raise _Exit(*error.args) from None
                raise _Exit(code)

            quitter.__call__ = call  # type: ignore[method-assign]
    _Exit.told = told


def _hear_children(at_exit: Callable[[], None]) -> None:
    """Close journals in multiprocessing's children, which leave without a word to atexit."""
    util: Any = sys.modules.get("multiprocessing.util")
    if util is None:
        return

    def begin(_key: object) -> None:
        util.Finalize(None, at_exit, exitpriority=0)

    util.register_after_fork(_Exit, begin)
    process: Any = sys.modules.get("multiprocessing.process")
    if process is not None and process.parent_process() is not None:
        begin(None)


lifecycle = Lifecycle()

if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=lifecycle.after_fork)
