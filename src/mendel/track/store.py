"""The store: one folder that keeps runs, blobs and the catalog, and the seam that joins them.

Journals say what happened, the catalog makes it findable, decisions are kept twice (in the catalog
and in ``decisions.jsonl``). The three know nothing of one another; here they meet.

    .mendel/
      store.json          the format, and the store's id
      catalog.sqlite      index and decisions; may be dropped: it is made again
      decisions.jsonl     what people decided, one a line
      runs/<day>/<id>/    one run each, whole in itself
      ledger/journal/     what happened outside of any run
      open/<id>           marks a run that somebody may be writing; says nothing itself
      blobs/              bytes that runs share
"""

from __future__ import annotations

import contextlib
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mendel.graph import clock, values
from mendel.graph.errors import InvalidError, NotFoundError, ReadOnlyError
from mendel.track import place
from mendel.track.decisions import DecisionLog
from mendel.track.gate import gate, identity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from mendel.blobs.disk import DiskBlobs
    from mendel.catalog.contract import Catalog
    from mendel.journal.write import Writer

CATALOG = "catalog.sqlite"
REBUILD = "rebuild"  # this file tells that the catalog does not have everything yet


class Store:
    """One store. Thread-safe; made by `Store.open`.

    Attributes:
        root: its folder, absolute.
        read_only: whether it cannot be written; then it is still found, read and searched.
        decisions: what people decided, beside the catalog.
    """

    def __init__(self, root: Path, *, read_only: bool) -> None:
        self.root = root
        self.read_only = read_only
        self.decisions = DecisionLog(root / "decisions.jsonl", writable=not read_only)
        self._lock = threading.RLock()
        self._catalog: Catalog | None = None
        self._file: tuple[int, int] | None = None  # of the catalog
        self._former: list[Catalog] = []  # catalogs that others replaced
        self._private: Any = None  # the folder of a read-only store's own catalog
        self._ledger: Writer | None = None
        self._blobs: DiskBlobs | None = None
        self._intake: Any = None
        self._forked = os.getpid()

    @classmethod
    def open(cls, location: str | os.PathLike[str] | None = None, *, create: bool = True) -> Store:
        """Open the store that is meant: given, named by ``MENDEL_STORE``, or found upward.

        Args:
            location: the store's folder, or the folder that has it in ``.mendel/``.
            create: make it where it is not yet (in the working directory if none is named).

        Raises:
            NotFoundError: there is none, and ``create`` is False.
            NewerStoreError: a newer Mendel made it; nothing was touched.
            StoreError: it cannot be made or read.
        """
        root = place.find(location)
        if root is None:
            if not create:
                raise NotFoundError(
                    f"no store was found from {Path.cwd()} upward. Go to a project that has one, "
                    f"name it with {place.ENVIRONMENT}, or log a first run to make one here."
                )
            root = Path.cwd() / place.FOLDER
        writable = place.prepare(root, create=create)
        return cls(root, read_only=not writable)

    def __repr__(self) -> str:
        return f"Store({str(self.root)!r})"

    # -- where things lie --

    def run_folder(self, run_id: str) -> Path:
        """Return where a run lies, there or not.

        Raises:
            InvalidError: it is no run's id.
        """
        if not clock.is_id(run_id):
            raise InvalidError(f"{values.shorten(run_id)!r} is no run's id.")
        return self.root / "runs" / clock.day(run_id) / run_id

    def journal_folder(self, run_id: str | None) -> Path:
        """Return where a run's journal lies; None: the ledger's."""
        folder = self.root / "ledger" if run_id is None else self.run_folder(run_id)
        return folder / "journal"

    def marker(self, run_id: str) -> Path:
        """Return the file that marks a run as perhaps being written."""
        return self.root / "open" / run_id

    # -- what happened --

    @property
    def ledger(self) -> Writer:
        """The journal of what this process does outside of any run.

        Raises:
            ReadOnlyError: the store cannot be written.
        """
        self.must_be_writable("log to")
        with self._lock:
            if self._ledger is None:
                from mendel.journal.write import Writer

                self._ledger = Writer(self.journal_folder(None), run=None)
            return self._ledger

    def must_be_writable(self, verb: str) -> None:
        """Raise ReadOnlyError where the store cannot be written."""
        if self.read_only:
            raise ReadOnlyError(
                f"cannot {verb} the store {self.root}: it cannot be written. Copy it to a place "
                f"of your own, or name another with {place.ENVIRONMENT}."
            )

    # -- bytes --

    @property
    def blobs(self) -> DiskBlobs:
        """Where bytes that runs share lie, each stored once."""
        with self._lock:
            if self._blobs is None:
                from mendel.blobs.disk import DiskBlobs

                self._blobs = DiskBlobs(self.root / "blobs")
            return self._blobs

    # -- what is known --

    @property
    def catalog(self) -> Catalog:
        """The catalog, opened when first asked for. Call `refresh` to have it see what is new.

        Where another process has made the catalog anew, that is the one.
        """
        with self._lock:
            if self._catalog is not None and self._is_current():
                return self._catalog
        with gate(self.root), self._lock:  # in this order, as `rebuild` does
            if self._catalog is not None and not self._is_current():
                self._former.append(self._catalog)  # somebody here may be at it
                self._catalog = self._intake = None
            if self._catalog is None:
                self._catalog = self._open_catalog()
                self._file = identity(self.root / CATALOG)
            return self._catalog

    def _is_current(self) -> bool:
        """Tell whether the file that is open is the one that lies there."""
        return self.read_only or identity(self.root / CATALOG) == self._file

    def _open_catalog(self) -> Catalog:
        from mendel.catalog.sql.catalog import SqlCatalog
        from mendel.journal.read import JournalBlocks

        folder = self.root
        if self.read_only:
            from mendel.track.private import private_copy

            self._private, folder = private_copy(self.root, CATALOG)
        path = folder / CATALOG
        if not path.exists():
            self._mark_for_rebuild(folder)
        blocks = JournalBlocks(lambda run_id: self.journal_folder(run_id or None))
        return SqlCatalog(path, blocks, self.decisions)

    def _mark_for_rebuild(self, folder: Path) -> None:
        """Remember that a new catalog lacks the decisions of an old one until they are taken in."""
        (folder / "seen.json").unlink(missing_ok=True)
        if self.decisions.path.exists():
            (folder / REBUILD).touch()

    @property
    def catalog_folder(self) -> Path:
        """Where the catalog lies: the store, or a private folder where that cannot be written."""
        if self.read_only:
            _ = self.catalog
            return Path(self._private.name)
        return self.root

    def refresh(self, runs: Sequence[str] | None = None) -> None:
        """Take in what journals say since the last time, and find out which runs are lost.

        ``runs`` keeps it to some runs. Safe while they are written, and from many processes.

        Raises:
            StoreError: the catalog is damaged or busy; the message says what to do.
        """
        self.intake.refresh(runs)

    @property
    def intake(self) -> Any:
        """What takes journals into the catalog (see `mendel.track.intake`)."""
        with self._lock:
            if self._intake is None:
                from mendel.track.intake import Intake

                self._intake = Intake(self)
            return self._intake

    def resolve_run(self, text: str) -> str:
        """Return the id of the run that a text means.

        A text is an id, the beginning or the end of one (4 characters or more), a name, or
        ``experiment/name``. Of several runs with one name the newest is meant, with a warning.

        Raises:
            NotFoundError: no run is meant; near names are said.
            InvalidError: the text is part of several ids.
        """
        from mendel.track.resolve import resolve

        return resolve(self, text)

    # -- what people decide --

    def decide(self, what: str, target: str, **body: Any) -> None:
        """Take a decision (see `mendel.catalog.contract.Decision`), for ever or not at all.

        Raises:
            NotFoundError, AlreadyExistsError, ConflictError, ProtectedError, InvalidError: see
                there.
            ReadOnlyError: the store cannot be written.
        """
        from mendel.catalog.contract import Decision
        from mendel.track.person import user

        self.must_be_writable("decide anything in")
        decision = Decision(
            id=clock.new_id(),
            what=what,
            target=target,
            body=values.normal_items(body, "field"),
            time=clock.now(),
            actor=user(),
        )
        with self.deciding() as catalog:
            self.refresh([target] if self.is_run(target) else None)
            catalog.decide([decision])
        if target and what.endswith("_experiment"):
            from mendel.track.naming import note_decision

            note_decision(self, decision)

    @contextlib.contextmanager
    def deciding(self) -> Iterator[Catalog]:
        """Give the catalog to decide in; nobody makes it anew until that is done.

        Raises:
            StoreError: the catalog is damaged or busy; the message says what to do.
        """
        with gate(self.root):
            if (self.root / REBUILD).exists():  # earlier decisions come first
                self.refresh()
            yield self.catalog

    def is_run(self, an_id: str) -> bool:
        """Tell whether a run with that id lies in the store."""
        return clock.is_id(an_id) and self.run_folder(an_id).is_dir()

    # -- living --

    def rebuild(self, progress: Callable[[int, int], None] | None = None) -> None:
        """Drop the catalog and make it again from journals and decisions.

        Args:
            progress: called with the number of runs taken in and of all runs, now and then.

        Raises:
            ReadOnlyError: the store cannot be written.
        """
        self.must_be_writable("rebuild")
        with gate(self.root, alone=True), self._lock:
            self._close_catalog()
            self._intake = None
            (self.root / REBUILD).touch()
            # the log last: SQLite removes one that it finds beside an empty catalog
            for leftover in ("seen.json", CATALOG, f"{CATALOG}-wal", f"{CATALOG}-shm"):
                (self.root / leftover).unlink(missing_ok=True)
        self.intake.refresh(None, progress=progress)

    def _close_catalog(self) -> None:
        for catalog in (*self._former, self._catalog):
            if catalog is not None:
                catalog.close()
        self._former, self._catalog = [], None

    def close(self) -> None:
        """Let go of files and connections; what was logged outside of runs is on the disk."""
        with self._lock:
            if self._ledger is not None:
                self._ledger.close()
                self._ledger = None
            self._close_catalog()
            self._intake = None
            if self._private is not None:
                self._private.cleanup()
                self._private = None
