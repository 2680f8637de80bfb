"""Who is writing: enough about a process to tell later whether it still lives."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from mendel.graph import clock
from mendel.graph.digest import WriterInfo

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

# Start times are read from a clock that the system may nudge; within this they are the same.
_SAME_S = 2.0


def host() -> str:
    """Return this machine's name."""
    return os.uname().nodename


def boot_id() -> str | None:
    """Return an id that changes with every start of the machine, where the system has one."""
    return _read("/proc/sys/kernel/random/boot_id", str.strip)


def pid_start(pid: int) -> float | None:
    """Return when a process started, in seconds since 1970; None where that cannot be known."""
    # The name in parentheses may hold spaces; the 20th field after it is the start in clock ticks.
    ticks = _read(f"/proc/{pid}/stat", lambda text: int(text.rpartition(")")[2].split()[19]))
    booted = _read("/proc/stat", lambda text: int(text.split("\nbtime ", 1)[1].split()[0]))
    if ticks is None or booted is None:
        return None
    return booted + ticks / os.sysconf("SC_CLK_TCK")


def _read(path: str, parse: Callable[[str], _T]) -> _T | None:
    try:
        return parse(Path(path).read_text())
    except (OSError, ValueError, IndexError):
        return None


def describe(writer: str, run: str | None, rank: int | None = None) -> WriterInfo:
    """Return who this process is, as a writer."""
    pid = os.getpid()
    return WriterInfo(
        id=writer,
        run=run,
        host=host(),
        pid=pid,
        pid_start=pid_start(pid),
        boot=boot_id(),
        opened=clock.now(),
        rank=rank,
    )


def is_alive(info: WriterInfo) -> bool | None:
    """Tell whether a writer's process lives; None where that cannot be known from here."""
    if info.host != host():
        return None
    boot = boot_id()
    if boot is not None and info.boot is not None and boot != info.boot:
        return False
    try:
        os.kill(info.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # it is there, and somebody else's
    if _read(f"/proc/{info.pid}/stat", lambda text: text.rpartition(")")[2].split()[0]) in {
        "Z",
        "X",
    }:
        return False  # dead, and its parent has not yet asked
    started = pid_start(info.pid)
    if started is None or info.pid_start is None:
        return True
    return abs(started - info.pid_start) < _SAME_S
