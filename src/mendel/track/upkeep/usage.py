"""What takes the space of a store: bytes by run and by kind, as the disk counts them."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mendel.graph import clock

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from mendel.track.store import Store


@dataclass(frozen=True, slots=True)
class RunUsage:
    """A run's folder: bytes of its journal (live and sealed) and of the files that it saved."""

    run: str
    journal: int
    files: int

    @property
    def total(self) -> int:
        """All its bytes."""
        return self.journal + self.files


@dataclass(frozen=True, slots=True)
class Usage:
    """A store: bytes by run, and of what runs share."""

    runs: tuple[RunUsage, ...]
    blobs: int
    catalog: int
    ledger: int
    other: int

    @property
    def total(self) -> int:
        """All bytes of the store."""
        shared = self.blobs + self.catalog + self.ledger + self.other
        return shared + sum(run.total for run in self.runs)


def folder_bytes(folder: Path) -> int:
    """Return the bytes that a folder takes on the disk; what goes away meanwhile counts nothing.

    Blocks are counted, as ``du`` does: a preallocated journal counts what it holds of the disk.
    A file with several names counts once.
    """
    seen: set[tuple[int, int]] = set()
    return sum(_bytes(entry, seen) for entry in walk(folder))


def _bytes(entry: os.DirEntry[str], seen: set[tuple[int, int]]) -> int:
    try:
        found = entry.stat(follow_symlinks=False)
    except OSError:
        return 0
    if found.st_nlink > 1:
        if (found.st_dev, found.st_ino) in seen:
            return 0
        seen.add((found.st_dev, found.st_ino))
    blocks = getattr(found, "st_blocks", None)
    return found.st_size if blocks is None else blocks * 512


def walk(folder: Path) -> Iterator[os.DirEntry[str]]:
    """Yield every file under a folder; links are files, and are not followed."""
    todo = [os.fspath(folder)]
    while todo:
        try:
            entries = list(os.scandir(todo.pop()))
        except OSError:
            continue
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                todo.append(entry.path)
            else:
                yield entry


def run_folders(store: Store) -> Iterator[Path]:
    """Yield the folder of every run in the store, known to the catalog or not, by id."""
    runs = store.root / "runs"
    for day in sorted(p for p in _entries(runs) if p.is_dir()):
        yield from sorted(p for p in _entries(day) if clock.is_id(p.name) and p.is_dir())


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def usage(store: Store) -> Usage:
    """Return what takes the space of a store."""
    runs = []
    for folder in run_folders(store):
        journal = folder_bytes(folder / "journal")
        runs.append(RunUsage(folder.name, journal, folder_bytes(folder) - journal))
    root = store.root
    catalog = other = 0
    for path in _entries(root):
        if path.name in {"runs", "blobs", "ledger"}:
            continue
        found = folder_bytes(path) if path.is_dir() else _file_bytes(path)
        if path.name.startswith("catalog."):
            catalog += found
        else:
            other += found
    return Usage(
        tuple(runs), folder_bytes(root / "blobs"), catalog, folder_bytes(root / "ledger"), other
    )


def _file_bytes(path: Path) -> int:
    try:
        found = path.lstat()
    except OSError:
        return 0
    if not stat.S_ISREG(found.st_mode):
        return 0
    blocks = getattr(found, "st_blocks", None)
    return found.st_size if blocks is None else blocks * 512
