"""Lets nobody take the catalog's file away while another opens it or decides something in it.

A rebuild puts a new file in the place of the old one. Whoever has the old one open notices (see
`Store.catalog`); what must not happen is that a decision goes into the old file after the rebuild
has read what was decided, or that a new file meets the write-ahead log of an old one.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

fcntl: Any
try:
    import fcntl
except ImportError:  # no such locks here: a rebuild is best done while nobody decides
    fcntl = None

LOCK = "catalog.lock"


@contextlib.contextmanager
def gate(root: Path, *, alone: bool = False) -> Iterator[None]:
    """Wait until nobody is within who must not be, and be within.

    Args:
        root: the store's folder.
        alone: let in nobody else; without it, all who are not alone are within together.
    """
    try:
        lock = (root / LOCK).open("ab")
    except OSError:  # a full disk, or a store that cannot be written: then nobody rebuilds either
        yield
        return
    with lock:
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks
                fcntl.flock(lock, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        yield


def identity(path: Path) -> tuple[int, int] | None:
    """Return what tells a file from a later one of its name; None where there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
