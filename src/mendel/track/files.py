"""The files of a run: what it saved that is its own, in ``files/`` of its folder.

A name may be any text; the file's name is made safe from it (no way out of the folder, nothing that
a file system refuses) and stays readable. Nothing is ever replaced: a second file of one name gets
``-2``. A file is whole or not there; after a power cut it may be missing, never torn.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, NamedTuple

from mendel.graph import clock
from mendel.graph.errors import InvalidError, NotFoundError
from mendel.graph.values import shorten

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PIECE = 1 << 20  # bytes copied at a time
MAX_PART = 120  # bytes of one part of a path; file systems take 255, and numbers are added

# What Windows or a shell would stumble over; slashes part folders.
_UNSAFE = re.compile(r'[\x00-\x1f\x7f-\x9f<>:"|?*\\\u2028\u2029\ud800-\udfff]')
_DEVICES = {"CON", "PRN", "AUX", "NUL", *(f"{d}{n}" for d in ("COM", "LPT") for n in range(1, 10))}


class Saved(NamedTuple):
    """A file that was saved: its path under ``files/``, its size in bytes and its SHA-256."""

    path: str
    size: int
    sha256: str


def safe_path(name: str) -> str:
    """Return a relative path, with ``/``, that is safe on every file system and tells the name.

    A part that had to be changed ends in a short hash of what it was, so that two names that differ
    never give one path.
    """
    parts = [part for part in name.replace("\\", "/").split("/") if part not in {"", "."}]
    safe = [_safe_part(part) for part in parts] or ["_"]
    return "/".join(safe)


def _safe_part(part: str) -> str:
    clean = _UNSAFE.sub("_", part).rstrip(". ")
    stem, dot, suffix = clean.rpartition(".")
    if not dot or len(suffix) > 10:
        stem, dot, suffix = clean, "", ""
    if part == ".." or stem.upper() in _DEVICES:
        stem = f"_{stem}"
    encoded = stem.encode()
    if len(encoded) > MAX_PART:
        stem = encoded[:MAX_PART].decode(errors="ignore")
    if stem + dot + suffix != part:
        mark = hashlib.sha256(part.encode("utf-8", "surrogatepass")).hexdigest()[:8]
        stem = f"{stem}~{mark}"
    return stem + dot + suffix


def with_step(path: str, step: int | None, suffix: str) -> str:
    """Return the path of a name at a step: ``loss/plot.png`` at 7 is ``loss/plot/7.png``."""
    stem, dot, own = path.rpartition(".")
    if dot and own and "/" not in own and len(own) <= 10:
        path, suffix = stem, f".{own}"
    return f"{path}{suffix}" if step is None else f"{path}/{step}{suffix}"


class RunFiles:
    """The files of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, path: str, pieces: Iterator[bytes]) -> Saved:
        """Write a file under ``path``, or beside it where that is taken; return where it is.

        Args:
            path: relative and safe (see `safe_path`).
            pieces: its bytes.

        Raises:
            OSError: the disk does not take it; nothing is left behind.
        """
        place = self._reserve(path)
        partial = place.with_name(f".{clock.new_id()}")
        hasher = hashlib.sha256()
        size = 0
        try:
            with partial.open("xb") as out:
                for piece in pieces:
                    hasher.update(piece)
                    size += len(piece)
                    out.write(piece)
            partial.replace(place)
        except BaseException:
            partial.unlink(missing_ok=True)
            place.unlink(missing_ok=True)
            raise
        return Saved(place.relative_to(self.folder).as_posix(), size, hasher.hexdigest())

    def _reserve(self, path: str) -> Path:
        """Make an empty file under ``path``, or beside it; no other process gets the same."""
        wanted = self.folder / path
        try:
            wanted.parent.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError):  # a file stands where a folder is needed
            wanted = self.folder / f"_{hashlib.sha256(path.encode()).hexdigest()[:8]}" / wanted.name
            wanted.parent.mkdir(parents=True, exist_ok=True)
        stem, suffix = wanted.stem, wanted.suffix
        number = 1
        while True:
            name = wanted.name if number == 1 else f"{stem}-{number}{suffix}"
            place = wanted.with_name(name)
            try:
                place.open("xb").close()
            except (FileExistsError, IsADirectoryError):
                number += 1
            else:
                return place

    def find(self, path: str) -> Path:
        """Return the file that a record names.

        Raises:
            NotFoundError: it is not there.
            InvalidError: the path leads out of the run's folder.
        """
        parts = path.split("/")
        if path.startswith("/") or "\\" in path or any(p in {"", ".", ".."} for p in parts):
            raise InvalidError(f"the path {shorten(path)!r} leads out of the run's files.")
        place = self.folder / path
        if not place.is_file():
            raise NotFoundError(
                f"the run's file {shorten(path)!r} is gone from {self.folder}. If the run was "
                "copied here, copy its files/ too."
            )
        return place


def file_pieces(path: Path) -> Iterator[bytes]:
    """Yield the bytes of a file."""
    with path.open("rb") as file:
        while piece := file.read(PIECE):
            yield piece
