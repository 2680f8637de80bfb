"""Takes runs, decisions and bytes of another place into a store. Doing it again changes nothing."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from mendel.graph.errors import MendelError, NotFoundError
from mendel.track.decisions import DecisionLog
from mendel.track.moving.copying import Copied, copy_journal, copy_run
from mendel.track.upkeep.gc import blobs_of
from mendel.track.upkeep.references import artifacts, references

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from mendel.catalog.contract import Decision
    from mendel.track.store import Store

# decisions that answer the same question: of these the latest counts
_FAMILY = {
    "note_run": "note",
    "rename_run": "name",
    "pin_run": "pin",
    "archive_run": "archive",
    "delete_run": "trash",
    "restore_run": "trash",
    "rename_experiment": "name",
    "describe_experiment": "description",
    "delete_experiment": "trash",
    "restore_experiment": "trash",
}
_NEVER = {"purge_run"}  # what was purged there may be wanted here


@dataclass
class Arrival:
    """What came, and what could not. Runs by id: new here, gone on here, nothing new."""

    new: list[str] = field(default_factory=list)
    updated: list[str] = field(default_factory=list)
    same: list[str] = field(default_factory=list)
    decisions: int = 0
    blobs: int = 0
    bytes: int = 0
    missing: list[str] = field(default_factory=list)  # blobs that artifacts name and nobody has
    problems: list[str] = field(default_factory=list)


def take_runs(
    store: Store,
    folders: Mapping[str, Path],
    arrival: Arrival,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Copy run folders (by id) into a store and take them into its catalog.

    Raises:
        ReadOnlyError: the store cannot be written.
    """
    store.must_be_writable("import into")
    done = 0
    for an_id, folder in folders.items():
        target = store.run_folder(an_id)
        known = target.exists()
        if target.resolve() == folder.resolve():
            copied = Copied()
        else:
            try:
                copied = copy_run(folder, target)
            except OSError as error:
                arrival.problems.append(f"run {an_id} did not come: {error}")
                continue
        arrival.bytes += copied.bytes
        arrival.problems += copied.problems
        told = arrival.new if not known else arrival.updated if copied.files else arrival.same
        told.append(an_id)
        done += 1
        if progress is not None:
            progress(done, len(folders))
    changed = [*arrival.new, *arrival.updated]
    store.refresh()
    if changed:
        store.refresh(changed)


def take_ledger(store: Store, source: Path, arrival: Arrival) -> None:
    """Copy what happened outside of runs."""
    copied = copy_journal(source, store.journal_folder(None))
    arrival.bytes += copied.bytes
    arrival.problems += copied.problems
    store.refresh()


def take_decisions(store: Store, path: Path, arrival: Arrival) -> None:
    """Take decisions of another store: each once, and none against a later one made here."""
    ours = list(store.decisions.read())
    known = {d.id for d in ours}
    latest: dict[tuple[str, str], float] = {}
    for decision in ours:
        for question in _questions(decision):
            latest[question] = max(latest.get(question, 0.0), decision.time)
    for decision in DecisionLog(path, writable=False).read():
        if decision.id in known or decision.what in _NEVER:
            continue
        if any(latest.get(q, float("-inf")) > decision.time for q in _questions(decision)):
            continue
        _take(store, decision, arrival)


def _take(store: Store, decision: Decision, arrival: Arrival) -> None:
    from mendel.track.naming import note_decision

    try:
        with store.deciding() as catalog:
            catalog.decide([decision])
    except NotFoundError:
        return  # of a run that did not come, or that was purged there
    except MendelError as error:
        told = str(error).split("\n")[0]
        arrival.problems.append(f"{decision.what} of {decision.target} was refused: {told}")
        return
    if decision.what.endswith("_experiment"):
        note_decision(store, decision)
    arrival.decisions += 1


def _questions(decision: Decision) -> Iterable[tuple[str, str]]:
    if decision.what == "tag_run":
        keys = [*_names(decision.body.get("set")), *_names(decision.body.get("remove"))]
        return [(decision.target, f"tag {key}") for key in keys]
    family = _FAMILY.get(decision.what)
    return [(decision.target, family)] if family else []


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, dict | list) else []


def take_blobs(
    store: Store,
    sources: Sequence[Path],
    arrival: Arrival,
    progress: Callable[[int, int], None] | None = None,
) -> None:
    """Bring the bytes that artifacts name and that are not here, from folders of blobs."""
    from mendel.blobs.disk import DiskBlobs

    mine = blobs_of(store)
    theirs = [DiskBlobs(folder) for folder in sources if folder.is_dir()]
    tried: set[str] = set()
    while True:  # a folder's list of files has to be here before its files can be named
        wanted = references(artifacts(store.catalog), mine).sha256s - tried
        absent = sorted(sha for sha in wanted if mine.find(sha) is None)
        if not absent:
            return
        tried |= set(absent)
        for done, sha in enumerate(absent):
            other = next((o for o in theirs if o.find(sha) is not None), None)
            if other is None:
                arrival.missing.append(f"blob:sha256/{sha}")
                continue
            try:
                other.check(sha)
                blob = mine.put(other.path(sha))
            except MendelError as error:
                arrival.problems.append(f"blob:sha256/{sha} did not come: {error}")
                continue
            arrival.blobs += 1
            arrival.bytes += blob.size
            if progress is not None:
                progress(done + 1, len(absent))
