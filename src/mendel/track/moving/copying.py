"""Copies run folders and journals from one place to another, as often as wanted.

A journal only ever grows, and a segment of it is sealed once: so of two copies of a segment one is
always the beginning of the other, and the longer one is kept. Copying again changes nothing;
copying a run that went on brings what is new. What is there is never half replaced: a file is
written beside and renamed.
"""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from mendel.graph import clock
from mendel.graph.errors import MendelError

if TYPE_CHECKING:
    from collections.abc import Iterator

PIECE = 1 << 20
LIVE, SEALED = ".mdj", ".mdz"


@dataclass
class Copied:
    """What a copy did: files written, their bytes, and what could not be brought."""

    files: int = 0
    bytes: int = 0
    problems: list[str] = field(default_factory=list)

    def add(self, other: Copied) -> None:
        """Count another copy too."""
        self.files += other.files
        self.bytes += other.bytes
        self.problems += other.problems


def copy_run(source: Path, target: Path) -> Copied:
    """Bring a run's folder to a place; it is there as a whole or, where it was not yet, not at all.

    Args:
        source: the run's folder, also while it is written.
        target: where it belongs: ``runs/<day>/<id>`` of a store.
    """
    if target.exists():
        return _merge(source, target)
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.parent / f".{target.name}.{clock.new_id()}.tmp"
    try:
        beside.mkdir()
        copied = _merge(source, beside)
        try:
            beside.rename(target)
        except OSError:
            if not target.exists():
                raise
            copied = _merge(source, target)  # somebody else brought it meanwhile
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return copied


def _merge(source: Path, target: Path) -> Copied:
    copied = copy_journal(source / "journal", target / "journal")
    for path in _files(source):
        inside = path.relative_to(source)
        if inside.parts[0] != "journal":
            copied.add(_copy_file(path, target / inside))
    return copied


def _files(folder: Path) -> Iterator[Path]:
    for place, folders, names in os.walk(folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            if path.is_file():
                yield path


def _copy_file(source: Path, target: Path) -> Copied:
    try:
        theirs = source.stat()
        if target.exists():
            ours = target.stat()
            if ours.st_size == theirs.st_size and ours.st_mtime_ns >= theirs.st_mtime_ns:
                return Copied()
            if ours.st_mtime_ns > theirs.st_mtime_ns or _same(source, target):
                return Copied()
        return _write(source, target)
    except OSError as error:
        return Copied(problems=[f"{source}: {error.strerror or error}"])


def _same(a: Path, b: Path) -> bool:
    with a.open("rb") as first, b.open("rb") as second:
        while True:
            one, two = first.read(PIECE), second.read(PIECE)
            if one != two:
                return False
            if not one:
                return True


def _write(source: Path, target: Path) -> Copied:
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = target.with_name(f".{clock.new_id()}.tmp")
    try:
        shutil.copy2(source, beside)
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return Copied(1, target.stat().st_size)


def copy_journal(source: Path, target: Path) -> Copied:
    """Bring what is new of a journal: longer segments, and sealed ones for live ones."""
    copied = Copied()
    if not source.is_dir():
        return copied
    for path in sorted(source.iterdir()):
        if path.suffix not in {LIVE, SEALED}:
            continue
        sealed = path.with_suffix(SEALED)
        try:
            try:
                copied.add(_copy_segment(path, target))
            except FileNotFoundError:  # its owner sealed it meanwhile
                copied.add(_copy_segment(sealed, target))
        except OSError as error:
            copied.problems.append(f"{path}: {error.strerror or error}")
    return copied


def _copy_segment(path: Path, target: Path) -> Copied:
    live, sealed = target / f"{path.stem}{LIVE}", target / f"{path.stem}{SEALED}"
    if sealed.exists():
        if path.suffix == SEALED and not _same(path, sealed):
            return _judge(path, sealed)
        return Copied()
    if path.suffix == SEALED:
        copied = _write(path, sealed)
        live.unlink(missing_ok=True)
        return copied
    if not live.exists():
        return _write(path, live)
    verdict = _longer(path, live)
    if verdict == "theirs" and _read(path)[1] > _read(live)[1]:  # not if mere noise is at its end
        return _write(path, live)
    if verdict == "theirs":
        return Copied(problems=[f"{path} has bytes at its end that say nothing, and was left."])
    return _judge(path, live) if verdict == "differ" else Copied()


def _longer(theirs: Path, ours: Path) -> str:
    """Tell which of two copies of a live segment goes on where the other is not written yet.

    What is not written is zeros up to the end; a single zero where the other has something is not.
    """
    with theirs.open("rb") as first, ours.open("rb") as second:
        while True:
            one, two = first.read(PIECE), second.read(PIECE)
            if not one and not two:
                return "same"
            if one != two:
                break
        at = next((i for i, (a, b) in enumerate(zip(one, two, strict=False)) if a != b), None)
        start = min(len(one), len(two)) if at is None else at
        they_end, we_end = _zeros(one[start:], first), _zeros(two[start:], second)
    if we_end:
        return "same" if they_end else "theirs"
    return "ours" if they_end else "differ"


def _zeros(rest: bytes, file: BinaryIO) -> bool:
    while rest:
        if any(rest):
            return False
        rest = file.read(PIECE)
    return True


def _judge(theirs: Path, ours: Path) -> Copied:
    """Of two copies that contradict each other keep ours, unless theirs alone is sound, or longer.

    A copy taken in the midst of a record contradicts nothing: its last record is not there.
    """
    wrong, mine = _read(ours)
    damaged, other = _read(theirs)
    if (wrong and not damaged) or (not wrong and not damaged and other > mine):
        return _write(theirs, ours)
    if not wrong and not damaged and mine > other:
        return Copied()
    where = "; ours is damaged as well" if wrong else ""
    return Copied(problems=[f"{theirs} is not what {ours} says, and was left{where}."])


def _read(segment: Path) -> tuple[list[str], int]:
    """Return what is damaged in one segment, and how many records its journal comes to."""
    from mendel.journal.read import Journal

    writer = segment.name.split(".", 1)[0]
    try:
        digest = Journal(segment.parent).digest(writer)
    except (OSError, MendelError) as error:
        return [str(error)], 0
    return [d for d in digest.damage if segment.name in d], digest.end.ordinal


def run_of(folder: Path) -> str | None:
    """Return the id of the run that a folder holds: by its journal's word, else by its name."""
    from mendel.journal.read import Journal

    journal = folder / "journal"
    try:
        for writer in Journal(journal).writers():
            found: str | None = Journal(journal).digest(writer).run
            if found is not None and clock.is_id(found):
                return found
    except (OSError, MendelError):
        pass
    return folder.name if clock.is_id(folder.name) else None


def is_run_folder(folder: Path) -> bool:
    """Tell whether a folder holds a run: it has a journal with a segment."""
    journal = folder / "journal"
    return journal.is_dir() and any(p.suffix in {LIVE, SEALED} for p in journal.iterdir())
