"""Looks a store over: its place, catalog, journals, blobs and marks. It changes nothing."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mendel.catalog.contract import RunQuery
from mendel.graph import clock
from mendel.graph.digest import START
from mendel.graph.errors import CorruptError, MendelError
from mendel.graph.run import RunState
from mendel.track.upkeep.gc import GONE, blobs_of
from mendel.track.upkeep.references import artifacts, references
from mendel.track.upkeep.usage import folder_bytes, run_folders

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mendel.track.store import Store

LITTLE_SPACE = 1 << 30  # bytes free under which a full disk is near


@dataclass(frozen=True, slots=True)
class Finding:
    """What a check found: ``level`` is ok, remark (worth knowing) or problem."""

    level: str
    check: str
    what: str
    places: tuple[str, ...] = ()
    advice: str = ""


def checkup(
    store: Store, *, deep: bool = False, progress: Callable[[int, int], None] | None = None
) -> list[Finding]:
    """Return what is to be said of a store, one finding or more for each check.

    Args:
        store: the store.
        deep: read every blob and check its hash.
        progress: called with journals read and journals in all.
    """
    findings = [*_place(store), *_space(store), *_decisions(store)]
    catalog = list(_catalog(store))
    findings += catalog
    findings += _journals(store, progress or (lambda _done, _total: None))
    if not any(f.level == "problem" for f in catalog):
        findings += [*_agreement(store), *_runs(store), *_blobs(store, deep=deep)]
    findings += _leftovers(store)
    return findings


def _place(store: Store) -> Iterator[Finding]:
    if store.read_only:
        yield Finding(
            "remark", "place", f"{store.root} cannot be written; it is read only",
            advice="Give yourself the right to write there, if you mean to log or decide.",
        )  # fmt: skip
        return
    shut = [
        str(folder)
        for name in ("runs", "open", "blobs", "ledger")
        if (folder := store.root / name).is_dir()
        and not os.access(folder, os.R_OK | os.W_OK | os.X_OK)
    ]
    if shut:
        yield Finding(
            "problem", "place", "folders of the store cannot be written", tuple(shut),
            "Give yourself the right to: chmod u+rwx, or ask their owner.",
        )  # fmt: skip
    else:
        yield Finding("ok", "place", f"{store.root} can be read and written")


def _space(store: Store) -> Iterator[Finding]:
    free = shutil.disk_usage(store.root).free
    told = f"{free / (1 << 30):.1f} GiB are free"
    if free < LITTLE_SPACE:
        advice = "Free some: mendel du says what takes it, mendel gc empties the trash."
        yield Finding("problem", "space", told, advice=advice)
    else:
        yield Finding("ok", "space", told)


def _decisions(store: Store) -> Iterator[Finding]:
    path = store.decisions.path
    torn = []
    count = 0
    if path.exists():
        for number, line in enumerate(path.read_bytes().split(b"\n"), 1):
            if not line:
                continue
            count += 1
            try:
                json.loads(line)
            except ValueError:
                torn.append(f"{path.name} line {number}: {line[:60]!r}")
    if torn:
        yield Finding(
            "remark", "decisions", f"{len(torn)} of {count} lines cannot be read",
            tuple(torn), "They are passed over: a crash tore a decision that was not taken.",
        )  # fmt: skip
    else:
        yield Finding("ok", "decisions", f"{count} kept beside the catalog")


def _catalog(store: Store) -> Iterator[Finding]:
    try:
        store.refresh()
        check = getattr(store.catalog, "check", None)
        wrong = list(check()) if check is not None else []
        total = store.catalog.find_runs(RunQuery(deleted=None, limit=1)).total
    except MendelError as error:
        yield Finding(
            "problem", "catalog", str(error), advice="Make it anew, nothing is lost: mendel rebuild"
        )
        return
    if wrong:
        yield Finding(
            "problem", "catalog", "the catalog is damaged", tuple(wrong),
            "Make it anew, nothing is lost: mendel rebuild",
        )  # fmt: skip
    else:
        yield Finding("ok", "catalog", f"{total:,} runs, whole")


def _journals(store: Store, progress: Callable[[int, int], None]) -> Iterator[Finding]:
    folders = [store.journal_folder(None), *(f / "journal" for f in run_folders(store))]
    damage: list[str] = []
    empty: list[str] = []
    for done, folder in enumerate(folders):
        progress(done, len(folders))
        if not folder.is_dir():
            if done:
                empty.append(str(folder.parent.relative_to(store.root)))
            continue
        damage += _damage(folder, store.root)
    progress(len(folders), len(folders))
    if damage:
        yield Finding(
            "problem", "journals", "some records cannot be read; everything around them is",
            tuple(damage),
            "Check the disk. A run that was copied can be copied again: mendel import FOLDER.",
        )  # fmt: skip
    else:
        yield Finding("ok", "journals", f"{len(folders) - 1:,} runs, every record readable")
    if empty:
        yield Finding(
            "remark", "journals", "run folders without a journal", tuple(empty),
            "The copy of a run may not be finished; otherwise the folders can be removed.",
        )  # fmt: skip


def _damage(folder: Path, root: Path) -> list[str]:
    from mendel.journal.read import Journal

    where = folder.parent.relative_to(root)
    found: list[str] = []
    try:
        journal = Journal(folder)
        for writer in journal.writers():
            found += [f"{where}: {d}" for d in journal.digest(writer, START).damage]
    except (OSError, MendelError) as error:
        found.append(f"{where}: {error}")
    return found


def _agreement(store: Store) -> Iterator[Finding]:
    catalog = store.catalog
    there = {folder.name for folder in run_folders(store)}
    known = set(catalog.find_runs(RunQuery(deleted=None, limit=None)).ids)
    gone = sorted(known - there)
    if gone:
        yield Finding(
            "problem", "runs", "runs that the catalog knows, whose folders are gone", tuple(gone),
            "Bring the folders back, or forget the runs: mendel rm, then mendel gc.",
        )  # fmt: skip
    unknown = sorted(i for i in there - known if any((store.journal_folder(i)).glob("*.md[jz]")))
    if unknown:
        yield Finding(
            "problem", "runs", "runs that lie here, but are not in the catalog", tuple(unknown),
            "Make the catalog anew: mendel rebuild",
        )  # fmt: skip


def _runs(store: Store) -> Iterator[Finding]:
    catalog = store.catalog
    lost = catalog.find_runs(RunQuery(filter="state = 'LOST'", limit=None)).ids
    if lost:
        names = catalog.columns(lost, ["name"])[0].values
        yield Finding(
            "remark", "runs", f"{len(lost)} lost: their processes died without a word",
            tuple(f"{name} {i}" for name, i in zip(names, lost, strict=True)),
            "All that they logged is here. To be rid of them: mendel rm",
        )  # fmt: skip
    short = catalog.find_runs(RunQuery(filter="lost_points > 0", limit=None, deleted=None)).ids
    if short:
        points = catalog.columns(short, ["lost_points"])[0].values
        yield Finding(
            "remark", "runs", "runs that lost points, since the disk could not take them",
            tuple(f"{i}: {n} points" for i, n in zip(short, points, strict=True)),
        )  # fmt: skip
    dead = _dead_marks(store)
    if dead:
        yield Finding(
            "remark", "marks", f"{len(dead)} of runs that nobody writes any more", tuple(dead),
            "They cost a look each and go away by themselves.",
        )  # fmt: skip


def _dead_marks(store: Store) -> list[str]:
    folder = store.root / "open"
    marked = [p.name for p in folder.iterdir() if clock.is_id(p.name)] if folder.is_dir() else []
    found = store.catalog.get_runs(marked)
    return [
        f"open/{i}"
        for i in sorted(marked)
        if i not in found or found[i].state is not RunState.RUNNING
    ]


def _blobs(store: Store, *, deep: bool) -> Iterator[Finding]:
    blobs = blobs_of(store)
    wanted = references(artifacts(store.catalog), blobs)
    missing = sorted(sha for sha in wanted.sha256s if blobs.find(sha) is None)
    rotten = list(_rotten(store)) if deep else []
    bring = "Bring them: mendel import the store or export that has them."
    wrong = {
        ("artifacts whose bytes are not here", bring): [f"blob:sha256/{sha}" for sha in missing],
        ("folders whose list of files cannot be read", bring): [
            f"blob:sha256/{sha}/" for sha in wanted.unread
        ],
        (
            "bytes that are not what was stored",
            "Check the disk; remove these files and import them again.",
        ): rotten,
    }
    for (what, advice), places in wrong.items():
        if places:
            yield Finding("problem", "blobs", what, tuple(places), advice)
    if not any(wrong.values()):
        told = "there, and their hashes right" if deep else "there"
        yield Finding("ok", "blobs", f"{len(wanted.sha256s):,} referred to, all {told}")


def _rotten(store: Store) -> Iterator[str]:
    blobs = blobs_of(store)
    for blob in blobs.all():
        try:
            blobs.check(blob.sha256)
        except CorruptError:
            yield f"blobs/{blob.sha256[:2]}/{blob.sha256[2:]}"


def _leftovers(store: Store) -> Iterator[Finding]:
    left = blobs_of(store).leftovers() + folder_bytes(store.root / GONE)
    if left:
        yield Finding(
            "remark", "leftovers", f"{left:,} bytes that killed processes left behind",
            advice="Free them: mendel gc",
        )  # fmt: skip
