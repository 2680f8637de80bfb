"""Finds out what a folder holds (a run, runs, an export, a store), and takes it into a store."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mendel.graph.errors import InvalidError, NewerStoreError, NotFoundError
from mendel.track import place
from mendel.track.moving.arriving import (
    Arrival,
    take_blobs,
    take_decisions,
    take_ledger,
    take_runs,
)
from mendel.track.moving.copying import is_run_folder, run_of
from mendel.track.moving.export import FORMAT, MANIFEST, NATIVE

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from mendel.track.store import Store

DEPTH = 4  # folders below the one given in which runs are looked for


@dataclass(frozen=True, slots=True)
class Source:
    """What a folder holds: its runs, and the root of the store that they lie in, if any."""

    kind: str  # run, runs, export, store
    folders: tuple[Path, ...]
    root: Path | None = None


def look(folder: Path) -> Source:
    """Return what a folder holds.

    Raises:
        NotFoundError: there is no such folder, or no run in it.
        InvalidError: it is an export that has tables only, or a file.
        NewerStoreError: a newer Mendel wrote it.
    """
    if folder.is_file():
        raise InvalidError(f"{folder} is a file. Unpack it, and name the folder that comes out.")
    if not folder.is_dir():
        raise NotFoundError(f"there is no folder {folder}.")
    if (folder / MANIFEST).is_file():
        return _export(folder)
    if is_run_folder(folder):
        return Source("run", (folder,), _root_of(folder))
    for root in (folder, folder / place.FOLDER):
        if (root / place.MARKER).is_file() and (root / "runs").is_dir():
            return _store(root, "store")
    found = tuple(_run_folders(folder, DEPTH))
    if not found:
        raise NotFoundError(
            f"no run was found in {folder}. A run is a folder with journal/*.mdj or *.mdz in it; "
            "an export has export.json, a store has store.json."
        )
    return Source("runs", found)


def _export(folder: Path) -> Source:
    try:
        told = json.loads((folder / MANIFEST).read_bytes())
        number, native = int(told["format"]), told.get("native")
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise InvalidError(f"{folder / MANIFEST} cannot be read: {error}.") from error
    if number > FORMAT:
        raise NewerStoreError(
            f"{folder} was exported by a newer Mendel (format {number}; this one knows {FORMAT}). "
            "Upgrade with: pip install -U mendel"
        )
    if not native:
        raise InvalidError(
            f"{folder} has tables only (it was made with --tables-only); runs cannot be brought "
            "back from those. Export again without it."
        )
    return _store(folder / NATIVE, "export")


def _store(root: Path, kind: str) -> Source:
    try:
        number = int(json.loads((root / place.MARKER).read_bytes())["format"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InvalidError(f"{root / place.MARKER} cannot be read: {error}.") from error
    if number > place.FORMAT:
        raise NewerStoreError(
            f"{root} was written by a newer Mendel (store format {number}; this one knows "
            f"{place.FORMAT}). Upgrade with: pip install -U mendel"
        )
    return Source(kind, tuple(_run_folders(root / "runs", 2)), root)


def _run_folders(folder: Path, depth: int) -> Iterator[Path]:
    if is_run_folder(folder):
        yield folder
        return
    if depth <= 0:
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.name.startswith("."):
            yield from _run_folders(path, depth - 1)


def _root_of(folder: Path) -> Path | None:
    """Return the store that a run's folder lies in, if it does."""
    parents = folder.resolve().parents
    if len(parents) > 2 and parents[1].name == "runs":
        return parents[2]
    return None


def take(
    store: Store, source: Source, progress: Callable[[int, int], None] | None = None
) -> Arrival:
    """Take what a source holds into a store. Doing it again changes nothing.

    Ids, times, states, notes, tags and the trash come as they are. Of a single run the decisions of
    its store about it come too.

    Raises:
        ReadOnlyError: the store cannot be written.
    """
    arrival = Arrival()
    folders: dict[str, Path] = {}
    for folder in source.folders:
        an_id = run_of(folder)
        if an_id is None:
            arrival.problems.append(f"{folder} does not say which run it is, and was left.")
        else:
            folders[an_id] = folder
    take_runs(store, folders, arrival, progress)
    if source.root is None:
        take_blobs(store, [], arrival)
        return arrival
    if source.kind in {"store", "export"}:
        take_ledger(store, source.root / "ledger" / "journal", arrival)
    take_decisions(store, source.root / "decisions.jsonl", arrival)
    take_blobs(store, [source.root / "blobs"], arrival)
    return arrival
