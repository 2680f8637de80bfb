"""Who a process is, so that a dead one is told from a living one, and from a later one of its pid.

A writer of a journal says these of itself; a reader asks the same of the machine it stands on.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

ZOMBIE = -1.0


@cache
def host() -> str:
    """Return this machine's name."""
    if hasattr(os, "uname"):
        return os.uname().nodename
    return os.environ.get("COMPUTERNAME", "localhost")


@cache
def boot() -> str | None:
    """Return the id of this machine's boot and of the pid space in it, None where not known.

    Two containers on one machine may share a host name and still see other processes under one pid.
    """
    try:
        boot_id = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return None
    try:
        space = str(Path("/proc/self/ns/pid").readlink()).strip("pid:[]")
    except OSError:
        space = "0"
    return f"{boot_id}/{space}"


@cache
def _ticks_a_second() -> int:
    return os.sysconf("SC_CLK_TCK")


def started(pid: int) -> float | None:
    """Return when a process began, in seconds since the boot; None where that is not to be known.

    Counted from the boot, so that a clock that is set does not change it. A zombie (dead, but its
    parent did not look yet) gives `ZOMBIE`.
    """
    try:
        # after the last ")", for a process's name may hold anything; its state is the next field
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        if fields[0] in {b"Z", b"X"}:
            return ZOMBIE
        return int(fields[19]) / _ticks_a_second()
    except (OSError, ValueError, IndexError):
        return None


def is_running(pid: int, began: float | None) -> bool:
    """Tell whether the process with that pid, begun at that moment (see `started`), is there."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        pass  # somebody else's process: it is there
    now_began = started(pid)
    if now_began == ZOMBIE:
        return False
    return began is None or now_began is None or abs(began - now_began) < 0.5
