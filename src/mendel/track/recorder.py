"""This process's hand in a run: its journal, the mark that says so, and whether the run is its own.

Every process that writes to a run has a recorder of its own. One of them *owns* the run: the one
that began it or, after that is gone, resumed it. Only the owner's end is the run's end. Ownership
is a file lock, so it ends with the process, however that dies.
"""

from __future__ import annotations

import contextlib
import os
import threading
from typing import TYPE_CHECKING, Any, TextIO

from mendel.graph.errors import ReadOnlyError
from mendel.journal.write import Writer
from mendel.track import notice

if TYPE_CHECKING:
    from mendel.graph.values import Value
    from mendel.track.store import Store

fcntl: Any
try:
    import fcntl
except ImportError:  # no such locks here: who begins or resumes a run owns it
    fcntl = None

_RANKS = ("RANK", "SLURM_PROCID", "OMPI_COMM_WORLD_RANK", "PMI_RANK")


def rank() -> int | None:
    """Return this process's rank in a distributed job, as its launcher says it."""
    for name in _RANKS:
        text = os.environ.get(name, "")
        if text.isdigit():
            return int(text)
    return None


class Recorder:
    """See the top of this file. Thread-safe.

    Attributes:
        writer: the journal; another after `rotate`.
        owner: whether this process's end of the run is the run's end.
    """

    def __init__(self, store: Store, run_id: str, *, strict: bool = False) -> None:
        store.must_be_writable("log to")
        self.store = store
        self.run_id = run_id
        self.strict = strict
        self.owner = False
        self.pid = os.getpid()
        self._folder = store.journal_folder(run_id)
        self._lock = threading.RLock()
        self._claim: TextIO | None = None
        self.writer = self._new_writer()

    def _new_writer(self) -> Writer:
        return Writer(
            self._folder, run=self.run_id, strict=self.strict, rank=rank(), on_problem=_tell
        )

    @property
    def forked(self) -> bool:
        """Whether this is the copy of a recorder that a fork left in a child."""
        return os.getpid() != self.pid

    def make_folder(self) -> bool:
        """Make the run's folder; tell whether it was not there. Of many processes one makes it.

        Raises:
            ReadOnlyError: the disk does not take it.
        """
        folder = self._folder.parent
        try:
            folder.parent.mkdir(parents=True, exist_ok=True)
            folder.mkdir()
        except FileExistsError:
            return False
        except OSError as error:
            raise ReadOnlyError(
                f"a run cannot be begun in {self.store.root}: {error.strerror}. Free some space, "
                "or name another store with MENDEL_STORE."
            ) from error
        return True

    def claim(self) -> bool:
        """Try to own the run; tell whether this process does."""
        if self.owner:
            return True
        if fcntl is None:
            self.owner = True
            return True
        try:
            # kept open as long as the run is owned: closing it gives the lock away
            claim = (self._folder.parent / "owner").open("a+", encoding="ascii")
        except OSError:
            self.owner = True  # a full disk must not keep a run from ending
            return True
        try:
            fcntl.lockf(claim, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError):
            claim.close()
            return False
        except OSError:
            pass  # a file system without locks
        self._claim = claim
        self.owner = True
        return True

    def mark(self) -> None:
        """Mark the run as perhaps being written, or renew its mark."""
        with contextlib.suppress(OSError):
            self.store.marker(self.run_id).touch()

    def fact(self, kind: str, body: dict[str, Value]) -> None:
        """Write a record that is no point (see `mendel.graph.digest`)."""
        self.writer.fact(kind, body)

    def beat(self) -> None:
        """Give a sign of life, and have the disk take what was written."""
        if self.forked or self.writer.closed:
            return
        self.mark()
        self.writer.fact("heartbeat", {})
        self.writer.flush()

    def pump(self) -> None:
        """Try again to write what waited for room."""
        if not self.forked:
            self.writer.pump()

    def rotate(self) -> Writer:
        """Go on in a journal of a new writer, as a rewind does; return it."""
        with self._lock:
            self.writer.close()
            self.writer = self._new_writer()
            return self.writer

    def become_guest(self) -> None:
        """After a fork, in the child: the run is the parent's."""
        self.owner = False
        self._claim = None
        self._lock = threading.RLock()
        self.pid = os.getpid()

    def close(self) -> None:
        """Close the journal and let the run go."""
        with self._lock:
            self.mark()
            try:
                self.writer.flush()
            except OSError as error:
                notice.warn(f"the disk did not take all of run {self.run_id}: {error.strerror}")
            self.writer.close()
            if self._claim is not None:
                self._claim.close()
                self._claim = None
            self.owner = False


def _tell(problem: str) -> None:
    notice.warn(problem, stacklevel=3)
