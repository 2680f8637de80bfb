"""Empties the trash and frees its space: runs, then the blobs that nothing refers to any more.

Killed at any moment it leaves a store that is whole, and running it again finishes the work:

1. what the run made and others need is written into the ledger (see ``estate.py``);
2. the run's folder is renamed into ``gone/``: it is there or it is not, never by halves;
3. the catalog forgets the run, and what only it knew (one transaction, kept in the decisions as
   well);
4. the folder in ``gone/`` is removed.

A run that stands in ``gone/`` while the catalog still shows it (killed between 2 and 3, then
restored by its owner) is put back.

Blobs: one that is young may belong to somebody who stored it and is about to say so; it stays for
`GRACE_S`. But a blob that was last put before its only run's last word belonged to that run alone
and goes with it.
"""

from __future__ import annotations

import contextlib
import shutil
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from mendel.catalog.contract import Decision, RunQuery
from mendel.graph import clock
from mendel.graph.errors import StateError
from mendel.graph.run import RunState
from mendel.track.person import user
from mendel.track.upkeep.estate import estate, hand_over
from mendel.track.upkeep.references import artifacts, references
from mendel.track.upkeep.usage import folder_bytes, run_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from pathlib import Path

    from mendel.blobs.contract import Blobs
    from mendel.graph.lineage import Node
    from mendel.graph.run import RunRecord
    from mendel.track.store import Store
    from mendel.track.upkeep.estate import Estate

fcntl: Any
try:
    import fcntl
except ImportError:  # Windows has no such locks
    fcntl = None

GONE = "gone"
LOCK = "gc.lock"
GRACE_S = 3600.0
BATCH = 50  # runs forgotten in one transaction


@dataclass(frozen=True, slots=True)
class Doomed:
    """A run in the trash that will be purged; ``bytes`` of its folder."""

    id: str
    name: str
    experiment: str
    deleted: float
    bytes: int


@dataclass(frozen=True, slots=True)
class Kept:
    """A run in the trash that stays, and why."""

    id: str
    name: str
    why: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What a collection would do. Bytes are as the disk counts them.

    ``nodes`` are artifacts and executions that only doomed runs knew; ``blobs`` the bytes that
    nothing would refer to (SHA-256 to size), ``young`` the bytes among those nobody refers to that
    stay for an hour; ``leftovers`` what killed processes left; ``seal`` finished runs whose journal
    can be compressed.
    """

    runs: tuple[Doomed, ...]
    kept: tuple[Kept, ...]
    nodes: tuple[str, ...]
    blobs: dict[str, int]
    young: int
    leftovers: int
    seal: tuple[str, ...]
    doubts: tuple[str, ...] = ()
    last_words: dict[str, float] = field(default_factory=dict)  # blob -> its doomed run's last word

    @property
    def bytes(self) -> int:
        """The bytes that will be freed, sealing apart."""
        return sum(r.bytes for r in self.runs) + sum(self.blobs.values()) + self.leftovers


@dataclass(frozen=True, slots=True)
class Collected:
    """What a collection did: runs purged, blobs removed, runs sealed, and bytes freed by all."""

    runs: int
    blobs: int
    sealed: int
    bytes: int


def blobs_of(store: Store) -> Blobs:
    """Return the blobs of a store."""
    from mendel.blobs.disk import DiskBlobs

    return DiskBlobs(store.root / "blobs")


def plan(store: Store, *, older_than_s: float = 0.0) -> Plan:
    """Return what a collection would do now; nothing is changed but the catalog brought up to date.

    Args:
        store: the store.
        older_than_s: runs that went to the trash less than so many seconds ago stay.
    """
    store.refresh()
    now = clock.now()
    catalog = store.catalog
    doomed, kept = _trash(store, now, older_than_s)
    blobs = blobs_of(store)
    ids = {run.id for run in doomed}
    nodes = list(artifacts(catalog))
    dying = {node.id for node in estate(catalog, ids).dying}
    living = references((n for n in nodes if n.id not in dying), blobs)
    last_words = _last_words(store, [n for n in nodes if n.id in dying], blobs, sorted(ids))
    free: dict[str, int] = {}
    young = 0
    for blob in blobs.all():
        if blob.sha256 in living.sha256s:
            continue
        if blob.put < max(now - GRACE_S, last_words.get(blob.sha256, 0.0)):
            free[blob.sha256] = blob.size
        else:
            young += blob.size
    doubts = tuple(f"the folder blob:sha256/{sha}/ cannot be read" for sha in living.unread)
    return Plan(
        runs=tuple(doomed),
        kept=tuple(kept),
        nodes=tuple(sorted(dying)),
        blobs={} if doubts else free,  # what such a folder holds is not known: nothing goes
        young=young,
        leftovers=blobs.leftovers() + folder_bytes(store.root / GONE),
        seal=tuple(_unsealed(store, ids)),
        doubts=doubts,
        last_words=last_words,
    )


def _trash(store: Store, now: float, older_than_s: float) -> tuple[list[Doomed], list[Kept]]:
    """Return the runs in the trash that will go, and those that stay."""
    trash = store.catalog.find_runs(RunQuery(deleted=True, limit=None)).ids
    doomed: list[Doomed] = []
    kept: list[Kept] = []
    for record in store.catalog.get_runs(trash).values():
        why = _protection(record, now, older_than_s)
        if why:
            kept.append(Kept(record.id, record.name, why))
        else:
            doomed.append(_doomed(store, record))
    return doomed, kept


def _protection(record: RunRecord, now: float, older_than_s: float) -> str:
    if record.pinned:
        return "pinned"
    if record.state in {RunState.RUNNING, RunState.NEW}:
        return "still running"
    if now - (record.deleted or now) < older_than_s:
        return "not long enough in the trash"
    return ""


def _doomed(store: Store, record: RunRecord) -> Doomed:
    taken = folder_bytes(store.run_folder(record.id))
    return Doomed(record.id, record.name, record.experiment, record.deleted or 0.0, taken)


def _last_words(
    store: Store, dying: Sequence[Node], blobs: Blobs, runs: Sequence[str]
) -> dict[str, float]:
    """Return, for each blob of doomed artifacts, when its run spoke for the last time."""
    if not dying:
        return {}
    seen = store.catalog.last_seen(runs)
    out: dict[str, float] = {}
    for node in dying:
        spoke = seen.get(node.run or "", 0.0)
        for sha in references([node], blobs).sha256s:
            out[sha] = max(out.get(sha, 0.0), spoke + 1.0)  # time stamps of files are coarse
    return out


def _unsealed(store: Store, doomed: set[str]) -> Iterable[str]:
    """Yield finished runs that still have a live segment: their process died, or was in a hurry."""
    going = set(store.catalog.open_runs())
    for folder in run_folders(store):
        if folder.name in doomed or folder.name in going:
            continue
        if any(path.suffix == ".mdj" for path in _listed(folder / "journal")):
            yield folder.name


def _listed(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def collect(
    store: Store, planned: Plan, progress: Callable[[int, int], None] | None = None
) -> Collected:
    """Do what was planned; what changed meanwhile (restored, pinned, came back to life) is left.

    Args:
        store: the store.
        planned: what `plan` returned.
        progress: called with bytes done and bytes in all, now and then.

    Raises:
        ReadOnlyError: the store cannot be written.
        StateError: another process is collecting.
    """
    store.must_be_writable("collect garbage in")
    with alone(store.root):
        return _collect(store, planned, progress)


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Within, no other process collects in the store; the lock goes with the process.

    Raises:
        StateError: another one does.
    """
    with (root / LOCK).open("ab") as file:
        if fcntl is not None:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise StateError(
                    f"another process is collecting garbage in {root}; wait until it is done."
                ) from None
            except OSError:
                pass  # a file system without locks
        yield


def _collect(store: Store, planned: Plan, progress: Callable[[int, int], None] | None) -> Collected:
    tell = progress or (lambda _done, _total: None)
    total, done = planned.bytes, 0
    _finish(store)
    left = estate(store.catalog, [run.id for run in planned.runs])
    purged = 0
    for first in range(0, len(planned.runs), BATCH):
        some = planned.runs[first : first + BATCH]
        gone = _purge(store, some, left)
        purged += len(gone)
        done += sum(run.bytes for run in some if run.id in gone)
        tell(done, total)
    removed, freed = _free_blobs(store, planned)
    done += freed
    tell(done, total)
    sealed, saved = _seal(store, planned.seal)
    blobs_of(store).sweep()
    tell(total, total)
    return Collected(purged, removed, sealed, done + planned.leftovers + saved)


def _finish(store: Store) -> None:
    """Finish what a killed collection began."""
    waiting = [p.name for p in _listed(store.root / GONE)]
    known = store.catalog.get_runs([name for name in waiting if clock.is_id(name)])
    for name in waiting:
        folder = store.root / GONE / name
        record = known.get(name)
        home = store.run_folder(name) if clock.is_id(name) else None
        if record is not None and home is not None and not home.exists():
            home.parent.mkdir(parents=True, exist_ok=True)
            folder.rename(home)  # it was not forgotten yet: as if nothing had begun
        else:
            shutil.rmtree(folder, ignore_errors=True)


def _still_doomed(store: Store, some: Sequence[Doomed]) -> list[str]:
    """Return those that were not restored, pinned or gone on with since the plan was made."""
    now = clock.now()
    return [
        record.id
        for record in store.catalog.get_runs([run.id for run in some]).values()
        if record.deleted is not None and not _protection(record, now, 0.0)
    ]


def _purge(store: Store, some: Sequence[Doomed], left: Estate) -> set[str]:
    """Purge some of the doomed runs; return those that went."""
    gone = store.root / GONE
    gone.mkdir(exist_ok=True)
    ids = _still_doomed(store, some)
    mine = left.of(set(ids), store.catalog)
    if mine.staying:
        hand_over(store.catalog, mine.staying, store.ledger)
    for an_id in ids:
        folder = store.run_folder(an_id)
        if folder.exists():
            folder.rename(gone / an_id)
        store.marker(an_id).unlink(missing_ok=True)
    now, actor = clock.now(), user()
    targets = [("delete_node", node.id) for node in mine.dying]
    targets += [("purge_run", an_id) for an_id in ids]
    with store.deciding() as catalog:
        catalog.decide(
            [Decision(clock.new_id(), what, an_id, {}, now, actor) for what, an_id in targets]
        )
    for an_id in ids:
        shutil.rmtree(gone / an_id, ignore_errors=True)
    return set(ids)


def _free_blobs(store: Store, planned: Plan) -> tuple[int, int]:
    catalog, blobs = store.catalog, blobs_of(store)
    store.refresh()
    living = references(artifacts(catalog), blobs)
    if living.unread:
        return 0, 0
    free = {sha: size for sha, size in planned.blobs.items() if sha not in living.sha256s}
    removed = freed = 0
    old = clock.now() - GRACE_S
    groups: dict[float, list[str]] = {}
    for sha in free:
        groups.setdefault(max(old, planned.last_words.get(sha, 0.0)), []).append(sha)
    for put_before, shas in groups.items():
        told = blobs.remove(shas, put_before=put_before)
        removed += len(told.gone)
        freed += told.bytes
    return removed, freed


def _seal(store: Store, runs: Sequence[str]) -> tuple[int, int]:
    from mendel.journal.seal import seal

    saved = count = 0
    going = set(store.catalog.open_runs()) if runs else set()
    for an_id in runs:
        folder = store.journal_folder(an_id)
        if an_id in going or not folder.is_dir():
            continue
        before = folder_bytes(folder)
        seal(folder)
        saved += before - folder_bytes(folder)
        count += 1
    return count, saved
