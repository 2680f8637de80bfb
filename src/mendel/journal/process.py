"""Who is writing: enough about a process to tell later whether it still lives."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from mendel.graph import clock, process

if TYPE_CHECKING:
    from mendel.graph.digest import WriterInfo


def describe(
    writer: str, run: str | None, rank: int | None = None, *, aside: bool = False
) -> dict[str, Any]:
    """Return who this process is, as a writer: the fields of a `WriterInfo`."""
    pid = os.getpid()
    return {
        "id": writer,
        "run": run,
        "host": process.host(),
        "pid": pid,
        "pid_start": process.started(pid),
        "boot": process.boot(),
        "opened": clock.now(),
        "rank": rank,
        "aside": aside,
    }


def is_alive(info: WriterInfo) -> bool | None:
    """Tell whether a writer's process lives; None where that cannot be known from here.

    Many machines have one name, so only the boot tells that this is the writer's; after a restart
    nothing is known of who wrote before.
    """
    if info.host != process.host() or info.boot is None or info.boot != process.boot():
        return None
    return process.is_running(info.pid, info.pid_start)
