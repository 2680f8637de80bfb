"""Who is writing: enough about a process to tell later whether it still lives."""

from __future__ import annotations

import os

from mendel.graph import clock, process
from mendel.graph.digest import WriterInfo


def describe(
    writer: str, run: str | None, rank: int | None = None, *, aside: bool = False
) -> WriterInfo:
    """Return who this process is, as a writer."""
    pid = os.getpid()
    return WriterInfo(
        id=writer,
        run=run,
        host=process.host(),
        pid=pid,
        pid_start=process.started(pid),
        boot=process.boot(),
        opened=clock.now(),
        rank=rank,
        aside=aside,
    )


def is_alive(info: WriterInfo) -> bool | None:
    """Tell whether a writer's process lives; None where that cannot be known from here.

    Many machines have one name, so only the boot tells that this is the writer's; after a restart
    nothing is known of who wrote before.
    """
    if info.host != process.host() or info.boot is None or info.boot != process.boot():
        return None
    return process.is_running(info.pid, info.pid_start)
