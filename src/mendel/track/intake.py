"""Takes journals into the catalog, and finds out which runs died without a word.

Never looks at every run: at those marked as open, those that the catalog holds for running, and
those in day folders that changed since they were last listed.
"""

from __future__ import annotations

import contextlib
import json
import os
import threading
from typing import TYPE_CHECKING, Any

from mendel.graph import clock
from mendel.graph.errors import MendelError
from mendel.graph.state import RunState
from mendel.journal.process import is_alive
from mendel.track import lease, notice
from mendel.track.gate import gate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from mendel.catalog.contract import Catalog
    from mendel.graph.digest import Digest, Position, WriterInfo
    from mendel.track.store import Store

SEEN = "seen.json"
BATCH_RECORDS = 20_000  # facts and blocks of one transaction
BATCH_RUNS = 500
FEW = 50
SETTLED = 2.0  # seconds after which a folder's time stamp can be trusted to tell a change
QUIET = 3 * lease.HEARTBEAT  # seconds after which an ended run's mark is taken away

Stamp = tuple[int, int]


class Intake:
    """One store's way from journals to catalog. Thread-safe; many processes may do it at once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._lock = threading.RLock()
        self._days: dict[str, Stamp] = {}  # day folders whose runs are all in the catalog
        self._lost: dict[str, Stamp] = {}  # journals of lost runs, as they were taken in
        self._kept = ""  # what seen.json says
        self._loaded = False

    def refresh(
        self,
        runs: Sequence[str] | None = None,
        *,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        """See `Store.refresh`; ``progress`` gets runs done and runs in all."""
        with self._lock:
            if runs is not None:
                self._take(list(dict.fromkeys(runs)), None)
                self._look_after(set(runs))
                return
            catalog = self._store.catalog
            anew = self._rebuild_mark().exists()
            if anew:
                self._days, self._lost, self._loaded = {}, {}, True
            self._load()
            began = clock.now()
            marked = self._marked()
            held = catalog.open_runs()
            days = dict(self._changed_days())
            unknown = self._unknown(days)
            due = dict.fromkeys([*sorted(unknown), *marked, *self._worth_a_look(held, marked)])
            self._take([None, *due], progress)
            if anew:
                self._replay(catalog)
            for day, stamp in days.items():
                if began - max(stamp) / 1e9 > SETTLED:
                    self._days[day] = stamp
            self._look_after(None)
            if self._store.catalog is catalog:  # else what was seen is not in the one that is there
                self._save()

    def catch_up(self, most: int = 32) -> None:
        """Take in the ledger and the newest runs that are being written, and nothing else.

        For training, where a whole `refresh` might take too long: nobody is looked after, and what
        the catalog lacks otherwise it goes on lacking.
        """
        with self._lock:
            self._take([None, *self._marked()[-most:]], None)

    # -- which runs --

    def _marked(self) -> list[str]:
        try:
            names = os.listdir(self._store.root / "open")  # noqa: PTH208 - one call, no stat
        except OSError:
            return []
        return sorted(name for name in names if self._store.is_run(name))

    def _changed_days(self) -> Iterator[tuple[str, Stamp]]:
        try:
            entries = sorted(os.scandir(self._store.root / "runs"), key=lambda entry: entry.name)
        except OSError:
            return
        for entry in entries:
            if not entry.is_dir():
                continue
            stamp = _stamp(entry)
            if stamp is not None and self._days.get(entry.name) != stamp:
                yield entry.name, stamp

    def _unknown(self, days: Iterable[str]) -> set[str]:
        """Return the runs in some day folders that the catalog does not know."""
        found: list[str | None] = []
        for day in days:
            with contextlib.suppress(OSError):
                found += [
                    name
                    for name in os.listdir(self._store.root / "runs" / day)  # noqa: PTH208
                    if clock.is_id(name) and clock.day(name) == day
                ]
        if not found:
            return set()
        known = self._store.catalog.positions(found)
        return {name for name in found if name is not None and not known.get(name)}

    def _worth_a_look(
        self, held: dict[str, tuple[WriterInfo, ...]], marked: Sequence[str]
    ) -> list[str]:
        """Return the runs held for open; a lost one only if its journal's folder changed since."""
        out: list[str] = []
        for run in held.keys() - set(marked):
            stamp = _stamp(self._store.journal_folder(run))
            if run not in self._lost or self._lost[run] != stamp:
                out.append(run)
        return out

    # -- taking in --

    def _take(
        self,
        runs: Sequence[str | None],
        progress: Callable[[int, int], None] | None,
    ) -> None:
        catalog = self._store.catalog
        for first in range(0, len(runs), BATCH_RUNS):
            some = runs[first : first + BATCH_RUNS]
            positions = catalog.positions(some)
            batch: list[Digest] = []
            records = 0
            for run in some:
                for digest in self._digests(run, positions.get(run, {})):
                    batch.append(digest)
                    records += len(digest.facts) + len(digest.blocks) + 1
                    if records >= BATCH_RECORDS:
                        catalog.ingest(batch)
                        batch, records = [], 0
            if batch:
                catalog.ingest(batch)
            if progress is not None:
                progress(min(first + BATCH_RUNS, len(runs)), len(runs))

    def _digests(self, run: str | None, positions: dict[str, Position]) -> Iterator[Digest]:
        """Yield what is new of one run; what cannot be read hides no other run."""
        from mendel.journal.read import Journal

        folder = self._store.journal_folder(run)
        if not folder.is_dir():
            return
        try:
            yield from Journal(folder).digests(positions)
        except (OSError, MendelError) as error:
            notice.warn(
                f"{folder} could not be read and was passed over: {error}. All other runs are "
                "shown. `mendel doctor` looks closer."
            )

    def _rebuild_mark(self) -> Path:
        from mendel.track.store import REBUILD

        return self._store.catalog_folder / REBUILD

    def _replay(self, catalog: Catalog) -> None:
        """Take in what people decided, where the catalog was made anew."""
        log = self._store.decisions
        back: list[str] = []  # purged, and brought again since: what was decided after counts
        with log.replaying():
            for decision in log.read():
                if back and decision.what != "purge_run":
                    self._take(back, None)
                    back = []
                try:
                    catalog.decide([decision])
                except MendelError:
                    continue  # its target is gone for ever (purged), or it was refused then too
                if decision.what == "purge_run" and self._store.is_run(decision.target):
                    back.append(decision.target)
        self._take(back, None)
        with gate(self._store.root):
            if self._store.catalog is catalog:  # else it was made anew once more
                self._rebuild_mark().unlink(missing_ok=True)

    # -- who is alive --

    def _look_after(self, only: set[str] | None) -> None:
        """Find lost runs and runs that came back; take marks away where nobody writes any more."""
        held = self._store.catalog.open_runs()
        if only is not None:
            held = {run: writers for run, writers in held.items() if run in only}
        now = clock.now()
        self._find_lost(held, now)
        if only is None and not self._store.read_only:
            self._unmark({run for run in held if run not in self._lost}, now)

    def _find_lost(self, held: dict[str, tuple[WriterInfo, ...]], now: float) -> None:
        if not held:
            return
        catalog = self._store.catalog
        seen = catalog.last_seen(list(held))
        states = self._states(list(held))
        changed: dict[str, RunState] = {}
        for run, writers in held.items():
            living = self._lives(writers, self._last_sign(run, seen.get(run)), now)
            truth = RunState.RUNNING if living else RunState.LOST
            if states.get(run) != truth.value:
                changed[run] = truth
            self._remember(run, now, living=living)
        if changed:
            catalog.observe(changed)

    def _states(self, runs: list[str]) -> dict[str, str]:
        """Return what the catalog holds of some runs; of a few without loading its columns."""
        catalog = self._store.catalog
        if len(runs) <= FEW:
            return {run: record.state.value for run, record in catalog.get_runs(runs).items()}
        [column] = catalog.columns(runs, ["state"])
        return {run: str(state) for run, state in zip(runs, column.values, strict=True)}

    def _remember(self, run: str, now: float, *, living: bool) -> None:
        """Note the journal of a lost run as it is, so that it is looked at when it changes."""
        if living:
            self._lost.pop(run, None)
            return
        stamp = _stamp(self._store.journal_folder(run))
        if stamp is not None and now - max(stamp) / 1e9 > SETTLED:
            self._lost[run] = stamp

    def _last_sign(self, run: str, seen: float | None) -> float | None:
        """Return when a run gave its last sign of life, by its own clock or that of the disk.

        A machine whose clock is behind seems silent by its records; it renews its mark as well.
        """
        try:
            marked = self._store.marker(run).stat().st_mtime
        except OSError:
            return seen
        return marked if seen is None else max(seen, marked)

    @staticmethod
    def _lives(writers: Sequence[WriterInfo], seen: float | None, now: float) -> bool:
        if not writers:  # between two writers of one process, or gone
            return seen is not None and now - seen <= lease.GRACE
        return any(lease.alive(writer, seen, now) for writer in writers)

    def _unmark(self, living: set[str], now: float) -> None:
        """Take away marks that nobody renewed; a writer renews its own with every heartbeat."""
        for run in self._marked():
            if run in living:
                continue
            mark = self._store.marker(run)
            with contextlib.suppress(OSError):
                if now - mark.stat().st_mtime > QUIET and not self._at_work(run):
                    mark.unlink()

    def _at_work(self, run: str) -> bool:
        """Tell whether some process, such as a forked worker, still writes to a run that ended."""
        from mendel.journal.read import Journal

        writers = Journal(self._store.journal_folder(run)).unsealed()
        return any(is_alive(writer) is True for writer in writers)

    # -- what is remembered between processes --

    def _load(self) -> None:
        if self._loaded:
            return
        self._loaded = True
        with contextlib.suppress(OSError, ValueError, TypeError, KeyError, AttributeError):
            self._kept = (self._store.catalog_folder / SEEN).read_text(encoding="ascii")
            kept: Any = json.loads(self._kept)
            self._days = {day: (int(a), int(b)) for day, (a, b) in kept["days"].items()}
            self._lost = {run: (int(a), int(b)) for run, (a, b) in kept["lost"].items()}

    def _save(self) -> None:
        """Keep what was seen for the next process; only a hint, so a failure costs time alone."""
        text = json.dumps({"days": self._days, "lost": self._lost}, sort_keys=True)
        if text == self._kept:
            return
        folder = self._store.catalog_folder
        mine = folder / f".{clock.new_id()}.tmp"
        with contextlib.suppress(OSError):
            mine.write_text(text, encoding="ascii")
            mine.replace(folder / SEEN)
            self._kept = text


def _stamp(where: Path | os.DirEntry[str]) -> Stamp | None:
    """Return when a folder changed, by two clocks: a copy may keep the first, never the second."""
    try:
        found = where.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ctime_ns
