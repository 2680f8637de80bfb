"""Tells the living from the dead: whether the process that writes a journal is still there.

On the machine and boot that the writer named, its pid and the moment it started decide. Anywhere
else (another host, a container with its own pids, before a restart) only its own word does: a
writer that runs says something every `HEARTBEAT` seconds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from mendel.journal.process import is_alive

if TYPE_CHECKING:
    from mendel.graph.digest import WriterInfo

HEARTBEAT = 30.0  # seconds between a writer's signs of life
PATIENCE = 120.0  # seconds without one, after which a writer elsewhere is given up
GRACE = 10.0  # seconds between two writers of one process (a rewind), or its last words


def alive(writer: WriterInfo, last_seen: float | None, now: float) -> bool:
    """Tell whether a writer that did not close may still write.

    Args:
        writer: who it is, by its own word.
        last_seen: when its run's newest record was written (seconds since 1970), if known.
        now: the time (seconds since 1970).
    """
    known = is_alive(writer)
    if known is not None:
        return known
    return last_seen is not None and now - last_seen <= PATIENCE
