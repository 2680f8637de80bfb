"""What the crash tests share: children that may be killed, and the look at what is left."""

from __future__ import annotations

import ctypes
import mmap
import os
import signal
import sys
import time
import traceback
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from mendel.track import session
from mendel.track.store import Store

if TYPE_CHECKING:
    import random
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mendel.graph.run import RunRecord

# fork in a process with threads is what users do, too; newer Pythons warn of it
FORKS = "ignore:.*fork:DeprecationWarning"


def counters(number: int) -> memoryview[int]:
    """Return numbers that forked children share with their parent."""
    return memoryview(mmap.mmap(-1, 8 * number)).cast("q")


def child(work: Callable[[], object], store: Path | None = None) -> int:
    """Start a forked child that knows nothing of its parent's runs; return its pid."""
    pid = os.fork()
    if pid:
        return pid
    code = 1
    try:
        die_with_parent()
        os.environ.update({"MENDEL_QUIET": "1", "MENDEL_CAPTURE": "none"})
        if store is not None:
            os.environ["MENDEL_STORE"] = str(store)
        session.session = session.Session()
        work()
        code = 0
    except BaseException:  # noqa: BLE001 - nothing of the parent's may run in the child
        traceback.print_exc()
    finally:
        os._exit(code)


def die_with_parent() -> None:
    """Have the system kill this child when its parent dies; no child outlives the tests."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


def kill(pid: int, after_s: float = 0.0) -> bool:
    """Kill a child after a while; tell whether it still ran."""
    time.sleep(after_s)
    os.kill(pid, signal.SIGKILL)
    return os.WIFSIGNALED(_wait(pid))


def ended_well(pid: int) -> bool:
    """Wait for a child; tell whether it ended by itself and without an error."""
    return _wait(pid) == 0


def _wait(pid: int) -> int:
    return os.waitpid(pid, 0)[1]


def wait_for(true: Callable[[], object], most_s: float = 60.0) -> None:
    """Wait until something is true."""
    until = time.monotonic() + most_s
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.002)


def early(rng: random.Random, most_s: float) -> float:
    """Return a random moment, most often an early one: beginnings are where things are made."""
    return rng.random() ** 3 * most_s


@contextmanager
def opened(root: Path) -> Iterator[Store]:
    """Open a store as a new process would."""
    store = Store.open(root)
    try:
        yield store
    finally:
        store.close()


def look(root: Path) -> dict[str, RunRecord]:
    """Return all runs of a store by id, as a new process sees them; the catalog must be whole."""
    from mendel.catalog.contract import RunQuery

    with opened(root) as store:
        store.refresh()
        assert whole(store) == []
        ids = store.catalog.find_runs(RunQuery(deleted=None, limit=None)).ids
        return store.catalog.get_runs(ids)


def whole(store: Store) -> list[str]:
    """Return what SQLite finds wrong with the catalog."""
    import sqlite3

    with sqlite3.connect(store.root / "catalog.sqlite") as connection:
        told = [row[0] for row in connection.execute("PRAGMA integrity_check")]
    connection.close()
    return [] if told == ["ok"] else told


def points(root: Path, run: str, key: str) -> list[tuple[int, Any]]:
    """Return step and value of every point of a series, in order of steps."""
    with opened(root) as store:
        found = store.catalog.series([run], [key])
    if not found:
        return []
    return list(zip(found[0].steps.tolist(), found[0].values.tolist(), strict=True))
